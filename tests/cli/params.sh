#!/bin/sh
# strata params as a user types it: what it prints, where, and its exit codes.
STRATA=${STRATA:-build/strata}
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
n1=configs/machines/neoverse-n1.yaml

ok() { echo "ok - $1"; }
not_ok() { echo "not ok - $1"; }
# check NAME COMMAND...: the command succeeds
check() { name=$1; shift; if "$@" >"$dir/out" 2>"$dir/err"; then ok "$name"; else not_ok "$name"; cat "$dir/err"; fi; }
# exits CODE NAME COMMAND...: the command exits with CODE and says why on stderr, nothing on stdout
exits() {
	code=$1 name=$2
	shift 2
	"$@" >"$dir/out" 2>"$dir/err"
	if [ $? -eq "$code" ] && [ -s "$dir/err" ] && [ ! -s "$dir/out" ]; then ok "$name"; else not_ok "$name"; cat "$dir/err"; fi
}
# says NAME TEXT: the last stdout contains TEXT
says() { if grep -qF -- "$2" "$dir/out"; then ok "$1"; else not_ok "$1"; head -5 "$dir/out"; fi; }
complains() { if grep -qF -- "$2" "$dir/err"; then ok "$1"; else not_ok "$1"; cat "$dir/err"; fi; }

check "params lists all modules" "$STRATA" params
says "params knows the rows of a TLB" "translations held"
says "params knows the rows of the features" "FEAT_HAFDBS"
check "params of one module" "$STRATA" params tlb
says "the module has a banner" "tlb: a translation lookaside buffer"
says "and says where its rows are set" "tlb: a translation lookaside buffer; --set tlbs.NAME.KEY=VALUE"
check "params of a module of the stack" "$STRATA" params numa
says "says each of its places" "; --set stack.os.numa.KEY, stack.hypervisors.N.numa.KEY, "
exits 2 "an unknown module is wrong usage" "$STRATA" params tlbs
complains "and the one that is meant is named" "no module 'tlbs'; did you mean 'tlb'?"
exits 2 "so is one that is like none" "$STRATA" params nonsense
complains "and the known ones are listed" "no module 'nonsense'; there are: machine, features"
check "params --help" "$STRATA" params --help
exits 2 "an unknown option is wrong usage" "$STRATA" params --bogus
exits 2 "--provenance needs a machine" "$STRATA" params --provenance

check "the values of a machine" "$STRATA" params -m $n1
says "a value says where it is from" "$n1:"
says "a value that the file does not give is a default" "  default"
says "the configuration has a hash" "# hash of this configuration: "
check "the provenance of a machine" "$STRATA" params -m $n1 --provenance
says "a documented number has its source" "a76-mmu: Arm Cortex-A76 Core TRM 100798"
says "a default is called an estimate" "default (estimated)"
check "a value of the command line" "$STRATA" params -m $n1 --set tlbs.l2.entries=2560 --provenance
if grep -q 'machine.tlbs.l2.entries  *2560 .*--set' "$dir/out"; then ok "is listed as such"; else not_ok "is listed as such"; fi
exits 2 "a value out of range is wrong input" "$STRATA" params -m $n1 --set tlbs.l2.ways=99999
complains "the message names key, value and range" "tlbs.l2.ways: 99999 is outside 1..4096"
exits 2 "a file that is not there is wrong input" "$STRATA" params -m nowhere.yaml

printf 'extends: %s/%s\nname: bigger\ntlbs: {l2: {entries: !estimated/me 2560}}\nsources: {me: a what-if}\n' "$PWD" $n1 >"$dir/bigger.yaml"
check "a file that extends another" "$STRATA" params -m "$dir/bigger.yaml" --provenance
says "brings its own source" "me: a what-if"
printf 'name: x\ntlbs: [{name: l1, entries: 64, ways: 64}]\nmemory: {nodes: [{name: a}]}\n' >"$dir/untagged.yaml"
exits 2 "an untagged hardware number is wrong input" "$STRATA" params -m "$dir/untagged.yaml"
complains "and its place is named" "untagged.yaml:2:28: tlbs.l1.entries: 64 says nothing of its source"

hash_of() { "$STRATA" params -m "$1" | tail -n 1; }
cp $n1 "$dir/elsewhere.yaml"
if [ "$(hash_of $n1)" = "$(hash_of "$dir/elsewhere.yaml")" ]; then ok "the hash does not depend on the file's path"; else not_ok "the hash does not depend on the file's path"; fi
if [ "$(hash_of $n1)" != "$(hash_of "$dir/bigger.yaml")" ]; then ok "the hash depends on the values"; else not_ok "the hash depends on the values"; fi

check "a JSON Schema" "$STRATA" params --json-schema
says "it is of draft 2020-12" '"$schema": "https://json-schema.org/draft/2020-12/schema"'
says "it refuses unknown keys" '"additionalProperties": false'
check "values as JSON" "$STRATA" params -m $n1 --json
says "each with its path" '"path": "machine.tlbs.l1d.entries"'
