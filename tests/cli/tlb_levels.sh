#!/bin/sh
# TLB levels, coalescing and prefetching as a user sets them: what is refused, with its place, and what a run then counts.
set -u
STRATA=${STRATA:-build/strata}
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
n1=configs/machines/neoverse-n1.yaml
run() { "$STRATA" run -q --no-db --json -m $n1 -w workloads/sqlite_lookup.stt --limit 200000 "$@" >"$dir/out" 2>"$dir/said"; }
check() { if [ "$2" = "$3" ]; then echo "ok - $1"; else echo "not ok - $1: expected '$2', came '$3'"; cat "$dir/said"; fi; }
refuses() { # refuses NAME TEXT SETTINGS...
	name=$1 text=$2
	shift 2
	run "$@"
	check "$name exits 2" 2 $?
	check "and is told why" 1 "$(grep -cF "$text" "$dir/said")"
}
counter() { sed -n "s/.*\"$1\": \([0-9]*\),*/\1/p" "$dir/out"; }
positive() { run "$@"; [ "$(counter "$key")" -gt 0 ] && echo yes; }

refuses "an inclusive first level" "tlbs.l1d.inclusion: level 1 has no level nearer to the core" --set tlbs.l1d.inclusion=inclusive
refuses "an inclusive level that lacks a size" "tlbs.l2.pages: lacks a size that l1i holds, which it shall include" \
	--set tlbs.l2.inclusion=inclusive --set "tlbs.l2.pages=[4K]"
refuses "an inclusive level behind one that coalesces" "tlbs.l2.inclusion: l1d coalesces" \
	--set tlbs.l2.inclusion=inclusive --set tlbs.l1d.coalesce=colt
refuses "three pages per entry" "tlbs.l2.coalesce_pages: 3 is none of 2, 4, 8" --set tlbs.l2.coalesce=colt --set tlbs.l2.coalesce_pages=3
refuses "two TLBs of one level for one size" "l2 of the same level holds a size of these, too" --set tlbs.l2.level=1

key=cpu0.l2_tlb.dropped_above
check "a small inclusive level takes entries from above" yes "$(positive --set tlbs.l2.inclusion=inclusive --set tlbs.l2.entries=40)"
key=cpu0.l2_tlb.neighbours
check "CoLT takes neighbours along" yes "$(positive --set tlbs.l2.coalesce=colt --set stack.os.contiguous=yes)"
key=cpu0.prefetch.used
for kind in next_page stride free_pte; do
	check "$kind brings pages that are used" yes "$(positive --populate --set walker.prefetch.kind=$kind)"
done
