#!/bin/sh
# Architectural events of a workload: TLBI, unmapping, address spaces.
STRATA=${STRATA:-build/strata}
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
check() { if [ "$2" = "$3" ]; then echo "ok - $1"; else echo "not ok - $1: expected '$2', came '$3'"; fi; }

# run MACHINE STACK: replays standard input; counter PATH: one counter of that run
run() {
	{ echo "strata-text 1"; cat; echo "end"; } >"$dir/trace.txt"
	"$STRATA" run -q --no-db --json -m "configs/machines/$1.yaml" -s "configs/stacks/$2.yaml" \
		-w "$dir/trace.txt" >"$dir/out.json" 2>"$dir/err"
	status=$?
}
counter() { tr ',{}' '\n\n\n' <"$dir/out.json" | sed -n "s/^ *\"$1\": *\([0-9]*\)\$/\1/p"; }

page=0x10000
vale1is=1053 # op1 0, CRn 8, CRm 3, op2 5
run neoverse-n1 native <<END
L $page 8
L $page 8
tlbi 0 $vale1is arg=0x1000000000010
L $page 8
END
check "a run with events ends well" 0 $status
check "a page is walked for again after its TLBI" 2 "$(counter cpu0.l2_tlb.misses)"
run neoverse-n1 native <<END
L $page 8
tlbi 0 $vale1is arg=0x2000000000010
L $page 8
END
check "the TLBI of another ASID leaves it" 0 "$(counter events.tlbi_entries)"
run neoverse-n1 native <<END
L $page 8
tlbi 0 0
tlbi 0 13341
dsb 0 11
END
check "an unallocated TLBI is undefined, and so is EL3's" 2 "$(counter events.tlbi_undefined)"
check "a DSB is counted" 1 "$(counter events.barriers)"

alle2=9272 # op1 4, CRn 8, CRm 7, op2 0
echo "tlbi 0 $alle2" | run neoverse-n1 native
check "a VHE host may invalidate EL2" 1 "$(counter events.tlbi)"
echo "tlbi 0 $alle2" | run neoverse-n1 kvm-4k
check "a guest may not" 1 "$(counter events.tlbi_undefined)"

run neoverse-n1 native <<END
L $page 8
unmap 0 0 arg=0xffffffffffffffff
L $page 8
END
check "a range larger than the address space is all of it" 2 "$(counter os.faults)"

three_pages() {
	run "$1" "$2" <<END
S $page 8
S 0x11000 8
S 0x12000 8
unmap $page 0 arg=0x3000
S $page 8
END
}
three_pages neoverse-n1 native
check "an unmapped page faults again" 4 "$(counter os.faults)"
check "unmapping 3 pages takes 3 TLBI" 3 "$(counter events.tlbi)"
check "and is counted once" 1 "$(counter events.unmaps)"
three_pages neoverse-v2 native
check "or a page and a range, with FEAT_TLBIRANGE" 2 "$(counter events.tlbi)"
three_pages neoverse-n1 kvm-2m
check "and works in a guest" 4 "$(counter vm0.os.faults)"

{ seq 0 599 | awk '{ printf "L %d 8\n", 1048576 + $1 * 4096 }'; echo "unmap 0x100000 0 arg=0x258000"; } >"$dir/many"
run neoverse-n1 native <"$dir/many"
check "many pages are flushed by ASID at once" 1 "$(counter events.tlbi)"

run neoverse-n1 native <<END
L $page 8
switch 0 1 arg=2
L $page 8
switch 0 0 arg=1
L $page 8
END
check "an address space of another ASID begins empty" 2 "$(counter os.faults)"
check "and the first one's entry has survived" 2 "$(counter cpu0.l2_tlb.misses)"
check "two switches are counted" 2 "$(counter events.switches)"
run neoverse-n1 native <<END
switch 0 1 arg=0x10000
END
check "an ASID of 17 bits exits 2" 2 $status
check "and is named" yes "$(grep -q 'ASID 65536, outside of 0..65535' "$dir/err" && echo yes)"

# TLBIs and DSBs take time, in buckets of their own.
run neoverse-n1 native <<END
S $page 8
dsb 0 11
tlbi 0 $vale1is arg=0x1000000000010
dsb 0 11
END
check "a DSB waits for a broadcast TLBI as long as the machine says" $((4 + 2244)) "$(counter cpu0.cycles_by_bucket.tlb_maintenance)"
run neoverse-n1 native <<END
S $page 8
unmap $page 0 arg=0x1000
END
check "so does the kernel's when it unmaps" $((4 + 2244)) "$(counter cpu0.cycles_by_bucket.tlb_maintenance)"
{ echo "strata-text 1"; echo "switch 0 0 arg=1"; echo "L $page 8"; echo "switch 0 0 arg=2"; echo "L $page 8"; echo "end"; } >"$dir/trace.txt"
for populate in "" --populate; do
	"$STRATA" run -q --no-db --json $populate -m configs/machines/neoverse-n1.yaml --set stack.os.asids=flush -w "$dir/trace.txt" >"$dir/out.json"
	check "mapping ahead ${populate:-left out}: only the flush of the second process takes time" $((4 + 40)) \
		"$(counter cpu0.cycles_by_bucket.tlb_maintenance)"
done
