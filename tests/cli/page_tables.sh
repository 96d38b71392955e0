#!/bin/sh
# A page-table design changes how long a run takes, and nothing else: faults, pages mapped, TLB misses and walks are those of Arm's tables.
set -u
STRATA=${STRATA:-build/strata}
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
printf 'generator: uniform\nfootprint_bytes: 16M\nupdate: yes\naccesses: 20000\n' >"$dir/gups.yaml"

# run STACK DESIGN OUT [ARGUMENT...]
run() {
	stack=$1 design=$2 out=$3
	shift 3
	"$STRATA" run -q --no-db --json -m configs/machines/neoverse-n1.yaml -s "configs/stacks/$stack.yaml" -w "$dir/gups.yaml" \
		--set "walker.page_table.design=$design" "$@" >"$out" 2>"$dir/error" || cat "$dir/error"
}

# What must not depend on the design. Stage 2 faults may: a guest's tables stand in memory that the hypervisor has to back.
same() {
	grep -E '"(vm0\.)?os\.(faults|pages_mapped|huge_mapped|failed)"|_tlb\.(lookups|misses|fills)"|"cpu0\.(accesses|instructions)"' "$1" |
		grep -v pom_
}

check() { if [ "$2" = yes ]; then echo "ok - $1"; else echo "not ok - $1"; fi; }

for stack in native kvm-4k kvm-2m; do
	run $stack radix "$dir/radix"
	same "$dir/radix" >"$dir/radix.same"
	[ "$(wc -l <"$dir/radix.same")" -ge 10 ] && found=yes || found=no
	check "$stack: there is something to compare" $found
	for design in flattened ecpt hashed inverted pom_tlb shadow agile asap; do
		run $stack $design "$dir/out"
		same "$dir/out" >"$dir/out.same"
		cmp -s "$dir/radix.same" "$dir/out.same" && equal=yes || equal=no
		check "$stack: $design has the faults, pages and TLB misses of radix" $equal
		run $stack $design "$dir/again"
		cmp -s "$dir/out" "$dir/again" && equal=yes || equal=no
		check "$stack: $design gives the same counters again" $equal
	done
done

run native ecpt "$dir/out" --set walker.page_table.initial_lines=100 >"$dir/said"
grep -q 'initial_lines: 100 is not a power of two' "$dir/said" && named=yes || named=no
check "a number of lines that is no power of two is refused" $named
run native btree "$dir/out" >"$dir/said"
grep -q 'flattened.*ecpt' "$dir/said" && named=yes || named=no
check "an unknown design is refused with the names of those that exist" $named

for design in flattened ecpt hashed inverted pom_tlb shadow agile; do
	"$STRATA" run -q --no-db -m configs/machines/neoverse-n1.yaml -s configs/stacks/kvm-4k.yaml -w "$dir/gups.yaml" --explain 20 \
		--set "walker.page_table.design=$design" >"$dir/out" 2>"$dir/said" && added=yes || added=no
	grep -q 'of the page-table design at once (for a stage [12] descriptor' "$dir/out" || added=no
	check "kvm-4k: --explain adds up the cycles of $design" $added
done

counter() { sed -n "s/^ *\"$1\": \([0-9]*\),*/\1/p" "$dir/out"; }
printf 'generator: stride\nstride_bytes: 4K\nfootprint_bytes: 16M\naccesses: 8000\ninstruction_gap: 400\n' >"$dir/gups.yaml"
for design in radix flattened ecpt hashed inverted pom_tlb shadow agile asap; do
	run kvm-4k $design "$dir/out" --populate --set walker.prefetch.kind=next_page --check-maintenance
	[ -s "$dir/out" ] && [ "$(counter cpu0.prefetch.used)" -ge 3000 ] && used=yes || used=no
	check "a prefetcher walks ahead by the tables of $design" $used
done
# Every page is the same frame, so that a table by frame has one entry for all of them.
printf 'generator: uniform\nfootprint_bytes: 16M\nupdate: yes\naccesses: 20000\n' >"$dir/gups.yaml"
for stack in native kvm-4k; do
	run $stack radix "$dir/radix" --set stack.os.shared_frame=yes
	same "$dir/radix" >"$dir/radix.same"
	run $stack inverted "$dir/out" --set stack.os.shared_frame=yes
	same "$dir/out" >"$dir/out.same"
	cmp -s "$dir/radix.same" "$dir/out.same" && [ -s "$dir/out.same" ] && equal=yes || equal=no
	check "$stack: with one frame for all pages inverted has the faults, pages and TLB misses of radix" $equal
	[ "$(counter cpu0.page_table.remaps)" -ge 5000 ] && turns=yes || turns=no
	check "$stack: the frame's entry goes from page to page" $turns
done
# Pages of a guest that the host lets share a frame are two pages of one frame at stage 2.
"$STRATA" run -q --no-db --json -m configs/machines/neoverse-n1.yaml -s configs/stacks/kvm-ksm.yaml -w workloads/page-writes.yaml --populate \
	--set walker.page_table.design=inverted >"$dir/out" 2>"$dir/error"
[ "$(counter operations.ksm.pages)" -ge 1000 ] && [ "$(counter cpu0.page_table.remaps)" -ge 100 ] && turns=yes || turns=no
check "kvm-ksm: pages that share a frame take turns in a table by frame" $turns
# A guest's huge page, of which the host maps single pages, is broken up: where a shadow of pages was, the last level is the guest's own.
printf 'strata-text 1\nS 0x200000 8\nS 0x201000 8\nunmap 0x2ff000 0 arg=0x1000\nL 0x210000 8\nL 0x200000 8\nend\n' >"$dir/broken.txt"
for design in radix flattened ecpt hashed inverted pom_tlb shadow agile asap; do
	"$STRATA" run -q --no-db --json -m configs/machines/neoverse-n1.yaml -s configs/stacks/kvm-4k.yaml -w "$dir/broken.txt" \
		--set stack.os.thp=always --set "walker.page_table.design=$design" --check-maintenance >"$dir/out" 2>"$dir/said"
	same "$dir/out" >"$dir/$design.broken"
	cmp -s "$dir/radix.broken" "$dir/$design.broken" && [ -s "$dir/$design.broken" ] && equal=yes || equal=no
	check "kvm-4k: a guest's huge page is broken up under $design" $equal
done
# Two cores of one kernel: what the first has needed is in the tables when the second comes.
{
	printf 'strata-text 1\nstreams 2\nstream 0\n'
	for i in 0 1 2 3 4 5 6 7; do printf 'L 0x1%s000 8\n' $i; done
	printf 'stream 1\nL 0x40000 8\n'
	for i in 1 2 3 4 5 6 7 8; do printf 'L 0x40000 8 gap=60000\n'; done
	for i in 0 1 2 3 4 5 6 7; do printf 'L 0x1%s000 8\n' $i; done
	echo "end 25"
} >"$dir/two.txt"
for design in flattened ecpt hashed inverted shadow agile; do
	"$STRATA" run -q --no-db --json -m configs/machines/neoverse-n1.yaml -s configs/stacks/kvm-4k.yaml -w "$dir/two.txt" \
		--set stack.threads=2 --set "walker.page_table.design=$design" >"$dir/out" 2>"$dir/said"
	[ "$(counter cpu1.walker.walks)" -ge 9 ] && once=yes || once=no
	# One page of its own, at both stages, and what its tables and faults may have added to stage 2.
	[ "$(counter cpu1.page_table.inserts)" -le 5 ] || once=no
	[ "$(counter cpu1.page_table.traps)" -le 1 ] || once=no
	check "two cores share the tables of $design" $once
done
run native ecpt "$dir/out" --set walker.range_tlb.entries=8 >"$dir/said"
grep -q "walker.range_tlb: ranges stand beside Arm's tables, not those of ecpt" "$dir/said" && named=yes || named=no
check "range tables beside another design than radix are refused" $named
