#!/bin/sh
# strata list as a user types it: every name that a row of the configuration offers is there, with what it does.
set -u
STRATA=${STRATA:-build/strata}
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
check() { if [ "$2" = "$3" ]; then echo "ok - $1"; else echo "not ok - $1: expected '$2', came '$3'"; fi; }

# The choices of a row, without those that mean nothing of the kind: choices MODULE KEY [WITHOUT]
choices() { "$STRATA" params "$1" | sed -n "s/^  $2[* ].*  in \(.*\)  .*/\1/p" | sed 's/  .*//' | tr ' ' '\n' | grep -vx "${3-}" | sort | tr '\n' ' '; }
names() { "$STRATA" list "$1" | sed -n 's/^  \([a-z0-9_]*\)  .*/\1/p' | sort | tr '\n' ' '; }
same() { check "$1 are the choices of $2.$3" "$(choices "$2" "$3" "${4-}")" "$(names "$1")"; }
same policies tlb policy
same policies cache policy
same prefetchers prefetch kind none
same page-tables page_table design
same contexts os asids recorded
same contexts scheduler vmids fixed
same numa-policies numa policy
same table-policies numa tables
same operations memop kind
same generators generator generator

check "what is from a paper says so" "  srrip" "$("$STRATA" list policies | grep 'ISCA 2010\]' | grep -o '^  srrip')"
"$STRATA" list >"$dir/all"
check "without a kind all are listed" 11 "$(grep -c '^[a-z-]*: ' "$dir/all")"
"$STRATA" list --json >"$dir/json"
check "JSON has as many names as text" "$(grep -c '^  ' "$dir/all")" "$(grep -c '"name": ' "$dir/json")"
"$STRATA" list prefetcher 2>"$dir/err"
check "a kind that is nearly one is answered with it" "strata list: no kind 'prefetcher'; did you mean 'prefetchers'?" "$(cat "$dir/err")"
"$STRATA" params tlbs 2>"$dir/err"
check "and so is a module" 1 "$(grep -c "no module 'tlbs'; did you mean 'tlb'?" "$dir/err")"
"$STRATA" reprot 2>"$dir/err"
check "and a verb" "strata: no verb 'reprot'; did you mean 'report'?" "$(cat "$dir/err")"
check "--version says the version that is stored with runs" "strata $(sed -n 's/#define STRATA_VERSION "\(.*\)"/\1/p' sim/base/version.h)" "$("$STRATA" --version)"
"$STRATA" list nothing >"$dir/out" 2>"$dir/err"
check "an unknown kind exits 2" 2 $?
check "and the known ones are named" 1 "$(grep -c "no kind 'nothing'; there are: policies, prefetchers" "$dir/err")"
