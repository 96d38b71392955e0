#!/bin/sh
# Prefetchers of caches as a user sees them: they change times and nothing that a program could see, and are counted only where there are any.
set -u
STRATA=${STRATA:-build/strata}
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
check() { if [ "$2" = "$3" ]; then echo "ok - $1"; else echo "not ok - $1: expected '$2', came '$3'"; cat "$dir/said"; fi; }
yes_if() { if "$@"; then echo yes; else echo no; fi; }
run() { "$STRATA" run -q --no-db --json "$@" >"$dir/out" 2>"$dir/said"; }
counter() { sed -n "s/.*\"$1\": \([0-9]*\),*/\1/p" "$dir/out"; }
n1="-m configs/machines/neoverse-n1.yaml"
kinds=$("$STRATA" list cache-prefetchers | sed -n 's/^  \([a-z_]*\) .*/\1/p')
check "prefetchers to try" yes "$(yes_if [ "$(echo "$kinds" | wc -l)" -ge 5 ])"
everywhere() { for cache in l1i l1d l2 slc; do echo "--set caches.$cache.prefetch.kind=$1 --set caches.$cache.prefetch.walks=yes"; done; }

# What the program and the tables see: everything but cycles, and who of several requests came first.
seen() {
	sed -n 's/^ *"\([^"]*\(instructions\|loads\|stores\|faults\|pages_mapped\|tlb\.lookups\|tlb\.misses\|tlb\.fills\|walks\|descriptors[^"]*\)\)": \([0-9]*\),*$/\1 \3/p' "$dir/out"
}
sees() { # sees NAME OPTION...: with each prefetcher in every cache the same as without
	name=$1 && shift
	run "$@"
	check "$name runs" 0 $?
	seen >"$dir/seen.none"
	check "$name: something to compare" yes "$(yes_if [ "$(wc -l <"$dir/seen.none")" -gt 10 ])"
	check "$name: without a prefetcher there is no counter of one" 0 "$(grep -c '\.prefetch\.' "$dir/out")"
	plain=$(counter cpu0.cycles)
	for kind in $kinds; do
		# shellcheck disable=SC2046
		run "$@" $(everywhere "$kind")
		check "$name: $kind runs, and its sums hold" 0 $?
		seen >"$dir/seen.$kind"
		check "$name: with $kind the program sees the same" "" "$(diff "$dir/seen.none" "$dir/seen.$kind" | head -n 4)"
		[ "$(sed -n 's/.*prefetch\.used": \([0-9]*\),*/\1/p' "$dir/out" | awk '{ all += $1 } END { print all }')" -eq 0 ] ||
			check "$name: but what it used at another time" no "$(yes_if [ "$plain" -eq "$(counter cpu0.cycles)" ])"
	done
}
sees "a database natively" $n1 -w workloads/sqlite_lookup.stt
sees "a database in a VM" $n1 -w workloads/sqlite_lookup.stt -s configs/stacks/kvm-4k.yaml
sees "a copy after a warm-up, in order" $n1 -w workloads/copy.yaml --populate --warmup 20000 --limit 40000 --set core.model=in_order

# --- beside what else looks on
run -m configs/machines/kunpeng-920.yaml -s configs/stacks/mpam.yaml -w workloads/two-streams.yaml --set workload.accesses=30000 \
	--set caches.l2.prefetch.kind=stream --set caches.l3.prefetch.kind=next_line --set stack.mpam.settings.0.control=cmax --set stack.mpam.settings.0.value=1
check "partitions hold" 0 $?
check "and keep out what was prefetched, too" yes "$(yes_if [ "$(counter die0.l3.prefetch.refused)" -gt 0 ])"
# shellcheck disable=SC2046
run $n1 -w workloads/zipf.yaml --set stack.threads=4 --set workload.threads=4 --set workload.accesses=20000 --set coherence.protocol=directory \
	--set stack.pollution=yes $(everywhere next_line)
check "with a directory and evictors the sums hold" 0 $?

# --- what is refused
run $n1 -w workloads/gups.yaml --limit 10 --set caches.slc.inclusion=exclusive --set caches.slc.prefetch.kind=stream
check "an exclusive cache with one exits 2" 2 $?
check "and is named" 1 "$(grep -cF 'caches.slc.prefetch.kind: stream, but an exclusive cache' "$dir/said")"
run $n1 -w workloads/gups.yaml --limit 10 --set caches.l2.prefetch.kind=psychic
check "one that is not there exits 2" 2 $?
