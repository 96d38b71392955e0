# strata run as a user types it: what is refused and how, what is printed where, and what a failed, killed or concurrent run leaves in
# the database.
STRATA=${STRATA:-build/strata}
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
n1=configs/machines/neoverse-n1.yaml trace=workloads/sqlite_lookup.stt db=$dir/results.db

verdict() { if [ "$1" -eq 0 ]; then echo "ok - $2"; else echo "not ok - $2"; cat "$dir/err" 2>/dev/null; fi; }
# run ARGUMENT...: a short run; the status in $status, what it says in $dir/out and $dir/err
run() {
	"$STRATA" run --db "$db" -m $n1 -w $trace --limit 2000 "$@" >"$dir/out" 2>"$dir/err"
	status=$?
}
refuses() { # refuses NAME TEXT ARGUMENT...: exit 2, TEXT on stderr, nothing on stdout
	name=$1 text=$2
	shift 2
	run "$@"
	[ $status -eq 2 ] && [ ! -s "$dir/out" ] && grep -qF -- "$text" "$dir/err"
	verdict $? "$name"
}
dump() { "$STRATA" report --dump --db "$db"; }
runs() { dump | grep -c '^run:'; }
says_out() { grep -qF -- "$2" "$dir/out"; verdict $? "$1"; }

run --name first
verdict $status 'a run of a trace succeeds'
[ ! -s "$dir/out" ] && grep -q '^first: 2000 accesses, ' "$dir/err"
verdict $? 'its summary goes to stderr, and nothing to stdout'
run -q --name second
[ $status -eq 0 ] && [ ! -s "$dir/out" ] && [ ! -s "$dir/err" ]
verdict $? '--quiet says nothing'
[ "$(runs)" -eq 2 ]
verdict $? 'both runs are in the database'

printf 'strata-text 1\nstreams 2\nL 0x7ff000 8\nL 0x7ff008 8\nstream 1\nL 0x7fe000 8\nend 3\n' >"$dir/two.txt"
"$STRATA" run --no-db -m $n1 -w "$dir/two.txt" 2>"$dir/err" && grep -q '; 1 of its 2 streams did not run (--stream, stack.threads)$' "$dir/err"
verdict $? 'streams of the workload that nobody runs are told'
"$STRATA" run --no-db -m $n1 -w "$dir/two.txt" --set stack.threads=2 2>"$dir/err" && ! grep -q 'did not run' "$dir/err"
verdict $? 'and nothing is told where all run'

# --- what is refused; the database must not change meanwhile
cp "$db" "$dir/before.db"
printf 'name: wide\nos: {va_bits: 52}\n' >"$dir/stack.yaml"
refuses 'a machine that is not there is named' 'nowhere.yaml' -m nowhere.yaml
refuses 'a workload that is not there is named' 'nowhere.stt' -w nowhere.stt
refuses 'an overlay that is not there is named' 'nowhere.yaml' -o nowhere.yaml
printf 'extends: nowhere.yaml\n' >"$dir/on-nothing.yaml"
refuses 'what a file extends is named with the place that says so' "$dir/on-nothing.yaml:1:10: extends: $dir/nowhere.yaml: No such file" \
	-m "$dir/on-nothing.yaml"
printf 'operations: nowhere.yaml\n' >"$dir/no-paths.yaml"
refuses 'and so are the software paths of a stack' "$dir/no-paths.yaml:1:13: operations: $dir/nowhere.yaml: No such file" -s "$dir/no-paths.yaml"
printf 'hypervisors: [{}]\nvms:\n  - {name: a, vcpus: 1}\n  - {name: b, vcpus: 1, workload: nowhere.stt}\n' >"$dir/no-workload.yaml"
refuses 'and the workload of a VM' "$dir/no-workload.yaml:4:35: workload: $dir/nowhere.stt: No such file" -s "$dir/no-workload.yaml"
refuses 'an unknown key is answered with the one that is meant' "unknown key 'entires'; did you mean 'entries'?" --set tlbs.l2.entires=64
refuses 'an unknown key of the stack as well' "unknown key 'pagesize'; did you mean 'page_size'?" --set stack.os.pagesize=4K
refuses 'which is quoted as typed' '--set stack.os.thp=x: os.thp: ' --set stack.os.thp=x
refuses 'what the machine lacks for a stack is answered with the place in its file' \
	"$dir/stack.yaml:2:15: os.va_bits: 52 with 4K pages needs features.lpa2" -s "$dir/stack.yaml"
refuses 'or on the command line' '--set stack.hypervisors.0.ipa_bits=52: hyp.ipa_bits: 52 is outside 32..48' \
	-s configs/stacks/kvm-4k.yaml --set stack.hypervisors.0.ipa_bits=52
refuses 'and one of a workload' "did you mean 'footprint_bytes'?" -w workloads/gups.yaml --set workload.footprint_bites=1G
refuses 'a stack in place of a machine is told' "kvm-4k.yaml:3:1: 'os' is no key of a machine (-m); this file seems to be a stack (-s)" -m configs/stacks/kvm-4k.yaml
refuses 'a machine in place of a stack' 'this file seems to be a machine (-m)' -s $n1
refuses 'a machine in place of a workload' "is no key of a workload (-w); this file seems to be a machine (-m)" -w $n1
refuses 'a name that is no file is answered with what a file is' 'kvm-4k: no such file; files are named whole' -s kvm-4k
refuses 'a setting in an empty list is refused' 'there is no item in this list' --set stack.hypervisors.0.granule=4K
refuses 'a key of the workload without its word in front is answered with it' \
	"--set footprint_bytes=1M: no key of a machine; did you mean 'workload.footprint_bytes=1M'?" --set footprint_bytes=1M
refuses 'and one of the stack' "did you mean 'stack.os.thp=always'?" --set os.thp=always
refuses 'a key that is deeper is answered with its place' "unknown key 'page_table'; did you mean 'walker.page_table'?" --set page_table.design=ecpt
refuses 'in the items of a list as well' "unknown key 'entries'; did you mean 'tlbs.NAME.entries'?" --set entries=64
refuses 'a name of nothing is refused' '--name: the name is empty' --name ''
refuses 'no explanations are refused' '--explain: at least 1' --explain 0
refuses 'the access before the first is refused' '--explain-at: 0; the first access is 1' --explain-at 0
refuses 'a region without its colon is refused' "--roi: '5' is not of the form FROM:TO" --roi 5
refuses 'samples of no interval are refused' '--sample: an interval of 0' --sample 10:0
refuses 'an unknown item of a list is answered with those that are there' 'l1i, l1d, l2' --set tlbs.l7.ways=1
refuses 'a number out of range is answered with the range' 'tlbs.l2.ways: 99999 is outside 1..4096' --set tlbs.l2.ways=99999
refuses 'a word where a number belongs is refused' "'x' is not a whole number" --set tlbs.l2.ways=x
refuses 'a number with a tail is refused' "--limit: '10x' is not a number" --limit 10x
refuses 'a negative seed is refused' "--seed: '-1' is not a number" --seed -1
refuses 'a setting without a value is refused' 'clock_mhz' --set clock_mhz
refuses 'a word that is no option is refused' "'$trace' is not an option" $trace
refuses 'parameters for a trace are refused' 'is a trace, which has no parameters' --set workload.accesses=3
refuses 'a stream that the trace does not have is refused' 'stream 4 is outside 0..0' --stream 4
refuses 'a warm-up longer than the trace is refused' 'ends within the warm-up' --warmup 99999999
refuses 'a file that is no trace is refused, with the known formats' 'not a trace of a known format: native mtr1 text' -w Makefile
refuses 'and one that leaves nothing to measure' 'none is left to measure' --warmup 560363
refuses 'an explanation of a core that is left out is refused' '--explain needs the core model' --explain 3 --fidelity translation
refuses 'and one amid JSON' '--explain prints text' --explain-at 3 --json
refuses 'a database without a name is refused' '--db: the name is empty' --db ''
head -c 100000 $trace >"$dir/torn.stt"
refuses 'a torn trace is refused, with the place' 'at byte 99992' -w "$dir/torn.stt"
tr '\133' '\134' <$trace >"$dir/flipped.stt"
refuses 'a trace with changed bytes is refused' 'at byte' -w "$dir/flipped.stt"
cmp -s "$db" "$dir/before.db"
verdict $? 'no failed run has touched the database'

"$STRATA" run --db "$dir/new.db" -m $n1 -w $trace --warmup 99999999 2>"$dir/err"
[ $? -eq 2 ] && [ ! -e "$dir/new.db" ]
verdict $? 'a failed run makes no database'
: >"$dir/bare.db"
"$STRATA" run --db "$dir/bare.db" -m $n1 -w $trace --warmup 99999999 2>"$dir/err"
[ $? -eq 2 ] && [ ! -s "$dir/bare.db" ]
verdict $? 'nor fills an empty file'

# --- other failures
run --db "$dir/no/such/folder.db"
[ $status -eq 3 ] && grep -q 'folder.db' "$dir/err"
verdict $? 'a database that cannot be written is a failure of the host'
(ulimit -f 40 && exec "$STRATA" run -q --db "$dir/limited.db" -m $n1 -w $trace --limit 100 2>"$dir/err")
[ $? -eq 3 ] && grep -q 'limited.db: cannot write' "$dir/err"
verdict $? 'so is one that grows over the limit of file sizes'
for words in '' "-m $n1" "-w $trace"; do
	"$STRATA" run --no-db $words >"$dir/out" 2>"$dir/err"
	[ $? -eq 2 ] && [ ! -s "$dir/out" ] && [ -s "$dir/err" ]
	verdict $? "'strata run $words' is wrong usage"
done

mkfifo "$dir/pipe"
for option in --export-kvm --export-perfetto; do
	refuses "$option to what is no regular file is refused" 'it exists and is no regular file' -s configs/stacks/kvm-vhe.yaml $option "$dir/pipe"
	[ -p "$dir/pipe" ]
	verdict $? 'and that is left as it is'
done

# --- a run that is interrupted: it would last for days
endless() {
	name=$1 signal=$2 expected=$3
	cp "$db" "$dir/before.db"
	timeout --preserve-status -s "$signal" 0.7 env --default-signal=INT "$STRATA" run -q --db "$db" -m $n1 -w workloads/sequential.yaml \
		--set workload.footprint_bytes=1M --set workload.accesses=1000000000000 >"$dir/out" 2>"$dir/err"
	[ $? -eq "$expected" ] && cmp -s "$db" "$dir/before.db" && dump >"$dir/dump" && [ "$(ls "$dir" | grep -c 'results\.db')" -eq 1 ]
	verdict $? "$name"
}
endless 'a killed run leaves the database as it was' KILL 137
endless 'an interrupted run leaves the database as it was' INT 130
run --name after
[ $status -eq 0 ] && [ "$(runs)" -eq 3 ]
verdict $? 'and the next run is stored'

# --- two at once
pids=
for name in one two three four; do
	"$STRATA" run -q --db "$db" -m $n1 -w $trace --limit 100000 --name $name 2>>"$dir/err" &
	pids="$pids $!"
done
bad=0
for pid in $pids; do wait "$pid" || bad=1; done
[ $bad -eq 0 ] && [ "$(runs)" -eq 7 ]
verdict $? 'runs that end at the same time are all stored'
[ "$(dump | grep "^stat:" | sed 's/^stat: [0-9]*,//' | sort | uniq -c | awk '$1 >= 4' | wc -l)" -gt 50 ]
verdict $? 'and store the same counters'

# --- JSON
run --json --no-db
jq -e 'type == "object" and .["cpu0.accesses"] == 2000 and .["cpu0.loads"] + .["cpu0.stores"] == 2000 and (keys | length) > 50' "$dir/out" >"$dir/jq" 2>&1
verdict $? '--json prints one object of counters keyed by path'
jq -e '[to_entries[] | select(.key | test("^cpu0\\.cycles_by_bucket\\."))] | map(.value) | add' "$dir/out" >"$dir/sum"
[ "$(cat "$dir/sum")" = "$(jq '.["cpu0.cycles"]' "$dir/out")" ]
verdict $? 'in which the buckets add up to the cycles'
run --name third --json
[ "$("$STRATA" report --json --db "$db" third | jq '[.. | numbers] | any(. == 2000)')" = true ]
verdict $? 'a stored run is reported with its accesses'

# --- what cannot be written
if [ -w /dev/full ]; then
	for words in 'params' 'params --json-schema' "params -m $n1 --provenance" "trace info $trace" 'run --help' '--help' "report --db $db" \
		"report --db $db --json" "compare --db $db first second" "mrc -w $trace" "run --no-db --json -q -m $n1 -w $trace --limit 9"; do
		"$STRATA" $words >/dev/full 2>"$dir/err"
		[ $? -eq 3 ] && [ "$(wc -l <"$dir/err")" -eq 1 ] && grep -q 'No space left' "$dir/err"
		verdict $? "'strata $words' onto a full disk is a failure of the host"
	done
fi
"$STRATA" run -q --no-db -m $n1 -w $trace --limit 9 >&- 2>"$dir/err"
verdict $? 'a closed standard output is no error for who says nothing'

"$STRATA" run --help >"$dir/out" 2>"$dir/err"
verdict $? '--help works'
says_out 'and names the verb' 'Usage: strata run'
"$STRATA" bogus >"$dir/out" 2>"$dir/err"
[ $? -eq 2 ] && [ ! -s "$dir/out" ] && grep -q "no verb 'bogus'" "$dir/err"
verdict $? 'an unknown verb is wrong usage'
