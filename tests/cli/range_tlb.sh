# Range TLBs and eager paging: what they save, that every answer is the tables' own, and what fragmentation does to them.
STRATA=${STRATA:-build/strata}
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
check() { if [ "$2" = "$3" ]; then echo "ok - $1"; else echo "not ok - $1: expected '$2', came '$3'"; fi; }
counter() { tr ',{}' '\n\n\n' <"$dir/out.json" | sed -n "s/^ *\"$1\": *\([0-9]*\)\$/\1/p"; }
run() { "$STRATA" run -q --no-db --json --check-maintenance -m configs/machines/neoverse-n1.yaml "$@" >"$dir/out.json" 2>"$dir/err"; }
ranges="--set walker.range_tlb.entries=32"
eager="--set stack.os.eager_bytes=16M"
gups="-w workloads/gups.yaml --populate --limit 100000 --set workload.footprint_bytes=256M"

run $gups
plain=$(counter cpu0.walker.walks)
run $gups $ranges $eager
check "every answer of a range is the tables' own" 0 $?
check "contiguous memory is a few ranges, and walks are nearly as few" yes "$([ "$(counter cpu0.walker.walks)" -le 48 ] && echo yes || counter cpu0.walker.walks)"
check "look-ups are walks saved, and walks" "$(counter cpu0.range_tlb.lookups)" $(($(counter cpu0.range_tlb.hits) + $(counter cpu0.range_tlb.merged) + $(counter cpu0.walker.walks)))
less=0
for percent in 0 50 90 100; do
	run $gups $ranges $eager --set stack.os.eager_fail_percent=$percent
	check "with $percent % of the areas failing, too" 0 $?
	walks=$(counter cpu0.walker.walks)
	[ "$walks" -gt "$less" ] || [ $percent = 0 ] || echo "not ok - fragmentation costs walks: $less at less, $walks at $percent %"
	less=$walks
done
check "fragmentation costs walks" "$plain" "$walks"
run $gups $eager
check "without a range TLB eager paging saves none" "$plain" "$(counter cpu0.walker.walks)"

# A guest's ranges are those of both stages.
guest="-s configs/stacks/kvm-4k.yaml"
run $gups $guest
plain=$(counter cpu0.walker.walks)
run $gups $guest $ranges $eager
check "a guest whose host maps page by page, as they are touched, has no ranges" "$plain" "$(counter cpu0.walker.walks)"
run $gups $guest $ranges $eager --set stack.hypervisors.0.eager_bytes=16M --set stack.hypervisors.0.placement=scattered
check "stage 2 in scattered memory has ranges of a pageblock at most: answers hold" 0 $?
scattered=$(counter cpu0.walker.walks)
run $gups $guest $ranges $eager --set stack.hypervisors.0.eager_bytes=16M
check "ranges of both stages: answers hold" 0 $?
check "and save nearly all walks" yes "$([ "$(counter cpu0.walker.walks)" -le 64 ] && echo yes || counter cpu0.walker.walks)"
check "more than those of scattered memory" yes "$([ "$scattered" -gt "$(counter cpu0.walker.walks)" ] && echo yes || echo "$scattered")"

# Maintenance: what is unmapped leaves the range table, and the TLBI of one page takes its range.
{
	echo "strata-text 1"
	for round in 1 2 3; do
		for i in 0 1 2 3 4 5 6 7 8 9 a b c d e f; do for k in 0 8; do echo "S 0x100${i}${k}000 8"; done; done
		echo "unmap 0x10055000 0 arg=0x3000"
		for i in 0 4 5 6 f; do for k in 3 5 6 7; do echo "L 0x100${i}${k}000 8"; done; done
		echo "map 0x10000000 3 arg=0x10000"
		echo "switch 0 0 arg=2"
		for i in 1 5 9; do echo "S 0x100${i}5000 8"; done
		echo "switch 0 0 arg=1"
	done
	echo "end"
} >"$dir/events.txt"
small="--set tlbs.l1d.entries=2 --set tlbs.l1d.ways=2 --set tlbs.l2.entries=2 --set tlbs.l2.ways=2 --set stack.os.eager_bytes=1M"
for stack in native kvm-4k; do
	more=
	[ $stack = native ] || more="--set stack.hypervisors.0.eager_bytes=4M"
	run -w "$dir/events.txt" -s configs/stacks/$stack.yaml $ranges $small $more
	check "unmapping and switching under $stack: every answer is the tables' own" 0 $?
	check "ranges answered" yes "$([ "$(counter cpu0.range_tlb.hits)" -gt 50 ] && echo yes || counter cpu0.range_tlb.hits)"
	check "and were taken by TLBIs" yes "$([ "$(counter cpu0.range_tlb.invalidated)" -gt 2 ] && echo yes || counter cpu0.range_tlb.invalidated)"
done
# The check can fail: a page that is written away behind the kernel's back, without a TLBI.
{
	echo "strata-text 1"
	for i in 0 1 2 3 4 5 6 7; do echo "S 0x1000${i}000 8"; done
	echo "desc 0x10000000 3 arg=0"
	for i in 5 6 7 0; do echo "L 0x1000${i}000 8"; done
	echo "end"
} >"$dir/stale.txt"
run -w "$dir/stale.txt" $ranges $small
check "a range that outlives a page without a TLBI is a mistake" 1 $?

run $gups $ranges --set stack.os.first_touch=access
check "ranges of pages whose permissions grow are refused" 2 $?
run $gups $ranges --set walker.page_table.design=ecpt
check "and ranges beside other page tables" 2 $?
run $gups --set stack.os.eager_bytes=3M
check "and areas that are no power of 2" 2 $?

# Runs that walks see (CoLT-FA): no kernel keeps ranges, so nothing is asked of it; every answer is the tables' own.
colt="$ranges --set walker.range_tlb.source=colt_fa"
for stack in native kvm-4k; do
	run -w "$dir/events.txt" -s configs/stacks/$stack.yaml $colt $small --set stack.os.first_touch=access
	check "runs of walks, unmapping and switching under $stack: every answer is the tables' own" 0 $?
	check "runs answered" yes "$([ "$(counter cpu0.range_tlb.hits)" -gt 10 ] && echo yes || counter cpu0.range_tlb.hits)"
	check "and were taken by TLBIs" yes "$([ "$(counter cpu0.range_tlb.invalidated)" -gt 2 ] && echo yes || counter cpu0.range_tlb.invalidated)"
	check "no range table is read" 0 "$(counter cpu0.range_tlb.reads)"
done
run -w "$dir/stale.txt" $colt $small
check "a run that outlives a page without a TLBI is a mistake" 1 $?
for percent in 100 50 0; do
	run -w workloads/gups.yaml --populate --limit 50000 --set workload.footprint_bytes=8M $colt --set stack.os.contiguous=yes \
		--set stack.os.placement=scattered --set stack.os.contiguous_fail_percent=$percent --set tlbs.l2.entries=160
	walks=$(counter cpu0.walker.walks)
	[ $percent = 100 ] && most=$walks
	[ $percent = 100 ] || check "fewer walks where only $percent % of the runs fail" yes "$([ "$walks" -lt "$most" ] && echo yes || echo "$walks of $most")"
done
