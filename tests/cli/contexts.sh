#!/bin/sh
# Processes that share a core: who gets which ASID, and what a switch costs.
STRATA=${STRATA:-build/strata}
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
check() { if [ "$2" = "$3" ]; then echo "ok - $1"; else echo "not ok - $1: expected '$2', came '$3'"; fi; }

printf 'generator: chase\nfootprint_bytes: 128K\naccesses: 200000\n' >"$dir/chase.yaml" # 32 pages

# run PROCESSES ASIDS BITS SETTINGS...: 100 switches in the measured region, of 1000 accesses each. All processes are at the same
# addresses, so that an L2 TLB of 5 ways would hold five of them: this one has 20.
run() {
	processes=$1 asids=$2 bits=$3
	shift 3
	"$STRATA" run -q --no-db --json -m configs/machines/neoverse-n1.yaml -w "$dir/chase.yaml" --populate \
		--warmup 100000 --limit 100000 --set tlbs.l2.ways=20 --set stack.os.processes="$processes" --set stack.os.switch_every=1000 \
		--set stack.os.asids="$asids" --set stack.os.asid_bits="$bits" "$@" >"$dir/out" 2>"$dir/err"
	status=$?
}
counter() { tr ',{}' '\n\n\n' <"$dir/out" | sed -n "s/^ *\"$1\": *\([0-9]*\)\$/\1/p"; }

run 10 recorded 8
check "100 slices are 100 switches" 100 "$(counter events.switches)"
check "with an ASID each, ten small processes keep their translations" 0 "$(counter events.walks_after_switch)"
run 10 flush 8
check "without, every slice walks for its 32 pages again" 3200 "$(counter events.walks_after_switch)"
check "and these are all walks there are" 3200 "$(counter cpu0.walker.walks)"
check "a flush per switch" 100 "$(counter asids.flushes)"
run 1 flush 8
check "one process alone is never flushed" 0 "$(counter events.walks_after_switch)"
run 10 linux 8
check "Linux gives ten processes an ASID each" "0 0" "$(counter asids.rollovers) $(counter events.walks_after_switch)"
run 10 linux 3
check "of 7 numbers one stays with who ran last: it rolls over at every 6th switch" 17 "$(counter asids.rollovers)"
check "each rollover is one TLBI" 17 "$(counter events.tlbi)"
run 10 lru 3
check "taking the oldest number costs round robin every one of them" "100 3200" \
	"$(counter asids.evictions) $(counter events.walks_after_switch)"
run 6 lru 3
check "six processes find seven numbers enough" 0 "$(counter asids.evictions)"

# --- KPTI: two ASIDs each
run 10 linux 4
check "ten processes find 15 numbers enough" 0 "$(counter asids.rollovers)"
run 10 linux 4 --set stack.os.kpti=yes
check "in pairs 16 numbers are as 8" "17 17" "$(counter asids.rollovers) $(counter events.tlbi)"
run 10 flush 8 --set stack.os.kpti=yes
check "a flush of a pair is two TLBIs" "100 200 3200" \
	"$(counter asids.flushes) $(counter events.tlbi) $(counter events.walks_after_switch)"
run 10 linux 8 --set stack.os.kpti=yes --check-maintenance
check "programs keep their translations, and none is another's" "0 0" "$(counter events.walks_after_switch) $status"
run 10 recorded 8 --set stack.os.kpti=yes
check "recorded ASIDs are no pairs: exits 2" "2 yes" "$status $(grep -q 'os.kpti: an allocator gives ASIDs in pairs' "$dir/err" && echo yes)"

# --- numbers that devices use
pin() { # ADDRESS-SPACES: of ten, from the first switch on
	"$STRATA" run -q --no-db --json -m configs/machines/neoverse-n1.yaml -w "$dir/chase.yaml" --limit 20000 --set stack.os.processes=10 \
		--set stack.os.switch_every=1000 --set stack.os.asids=linux --set stack.os.asid_bits=3 --set stack.os.pinned_asids="$1" >"$dir/out"
}
pin 4
check "the first four that run are pinned" "4 0" "$(counter asids.pins) $(counter asids.pins_refused)"
run 10 linux 3 --set stack.os.pinned_asids=4
check "six processes share the 3 numbers that are left: a rollover at every 2nd or 3rd of their 60 switches" yes \
	"$([ "$(counter asids.rollovers)" -ge 20 ] && [ "$(counter asids.rollovers)" -le 30 ] && echo yes)"
pin 9
check "one CPU, 0 and one more are kept from being pinned" "5 4" "$(counter asids.pins) $(counter asids.pins_refused)"
run 10 linux 8 --set stack.os.pinned_asids=9
check "pins are no matter where there are enough" "0 0" "$(counter asids.rollovers) $(counter events.walks_after_switch)"
run 10 lru 3 --set stack.os.pinned_asids=1
check "only Linux's allocator pins: exits 2" "2 yes" "$status $(grep -q 'os.pinned_asids: 1, but only os.asids linux pins' "$dir/err" && echo yes)"
run 300 recorded 8
check "more processes than recorded ASIDs exits 2" 2 $status
check "and is named" yes "$(grep -q 'ASID 256, outside of 0..255' "$dir/err" && echo yes)"
"$STRATA" run -q --no-db -m configs/machines/cortex-a72.yaml -w "$dir/chase.yaml" --set features.asid16=no \
	--set stack.os.asid_bits=16 2>"$dir/err"
check "ASIDs of 16 bits on a machine of 8 exit 2" 2 $?

# --- VMs that share a core: who gets which VMID
cat >"$dir/vms.yaml" <<EOF
extends: $PWD/configs/stacks/kvm-4k.yaml
name: four-on-one
scheduler: {slice_ns: 20000, tick_hz: 0}
vms:
  - {name: a, vcpus: 1, cpus: 0-0}
  - {name: b, vcpus: 1, cpus: 0-0}
  - {name: c, vcpus: 1, cpus: 0-0}
  - {name: d, vcpus: 1, cpus: 0-0}
EOF
# vms ALLOCATOR BITS [SETTINGS]: four VMs of 256 pages each have turns; all TLBs hold them.
vms() {
	kind=$1 bits=$2
	shift 2
	"$STRATA" run -q --no-db --json -m configs/machines/neoverse-n1.yaml -s "$dir/vms.yaml" -w workloads/gups.yaml --set workload.threads=4 \
		--set workload.footprint_bytes=1M --set stack.scheduler.vmids="$kind" --set stack.scheduler.vmid_bits="$bits" --limit 20000 "$@" \
		>"$dir/out" 2>"$dir/err"
	status=$?
}
vms fixed 0 --populate
check "VMs with a VMID each walk once for each of their pages" 1024 "$(counter cpu0.l2_tlb.misses)"
check "nobody counts VMIDs" "" "$(counter vmids.switches)"
for kind in kvm linux lru; do
	vms $kind 3 --populate
	check "$kind: seven VMIDs are enough for four VMs" "1024 4 0" \
		"$(counter cpu0.l2_tlb.misses) $(counter vmids.allocations) $(counter vmids.flushes)"
	vms $kind 2 --populate
	check "$kind: three are not, and VMs walk again" yes "$([ "$(counter cpu0.l2_tlb.misses)" -gt 4000 ] && [ "$(counter vmids.flushes)" -ge 5 ] && echo yes)"
	check "$kind: what goes are entries of TLBs" yes "$([ "$(counter vmids.entries)" -gt 3000 ] && echo yes)"
	vms $kind 2 --check-maintenance
	check "$kind: no VM finds what another left" 0 $status
done
vms flush 0 --populate
check "one VMID for all is flushed whenever another VM gets the core" "$(counter vmids.switches)" "$(counter vmids.flushes)"
vms flush 0 --check-maintenance
check "flush: no VM finds what another left" 0 $status
vms kvm 1
check "too few VMIDs for the cores exit 2" 2 $status
check "and the key is named" 1 "$(grep -c 'stack.scheduler.vmid_bits: 1 give too few VMIDs for 1 cores; at least 2' "$dir/err")"
vms kvm 16 --set features.vmid16=no
check "more bits than the machine has exit 2" 2 $status
vms flush 8 --set tlbs.l2.shared=cluster
check "one VMID for all in TLBs that cores share exits 2" 2 $status
"$STRATA" run -q --no-db -m configs/machines/neoverse-n1.yaml -w workloads/gups.yaml --set workload.threads=4 --set stack.threads=4 \
	--set stack.os.asids=linux --set stack.os.asid_bits=2 --limit 100 >"$dir/out" 2>"$dir/err"
check "too few ASIDs for the vCPUs exit 2" 2 $?
check "and the key is named, too" 1 "$(grep -c 'os.asid_bits: 2 give too few ASIDs for 4 vCPUs' "$dir/err")"
