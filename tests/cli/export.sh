#!/bin/sh
# Exports of a run: the kernel's kvm events come back through the importer, slices of the timeline nest and sum to the run's cycles by
# exception level, and nothing of the run changes.
set -u
STRATA=${STRATA:-build/strata}
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
check() { if [ "$2" = "$3" ]; then echo "ok - $1"; else echo "not ok - $1: expected '$2', came '$3'"; cat "$dir/said"; fi; }
N1="-m configs/machines/neoverse-n1.yaml"
run() { "$STRATA" run -q --no-db --json "$@" >"$dir/out" 2>"$dir/said"; }
export_run() { run "$@" --export-kvm "$dir/kvm" --export-perfetto "$dir/json"; }
counter() { sed -n "s/.*\"$1\": \([0-9]*\),*/\1/p" "$dir/out"; }
query() { sqlite3 -separator ' ' :memory: "WITH e AS (SELECT value v FROM json_each(readfile('$dir/json'), '\$.traceEvents')) $1"; }

# Cycles of the slices by category and name; fails where a slice ends that did not begin, or time goes back. One event is a line.
slices() {
	awk '
		{ tid = $0; sub(/.*"tid":/, "", tid); sub(/,.*/, "", tid) }
		/"ts":/ { ts = $0; sub(/.*"ts":/, "", ts); sub(/[,}].*/, "", ts); if (ts + 0 < last[tid] + 0) bad = "time goes back at line " NR; last[tid] = ts }
		/"ph":"B"/ { cat = $0; sub(/.*"cat":"/, "", cat); sub(/".*/, "", cat); name = $0; sub(/.*"name":"/, "", name); sub(/"}.*/, "", name)
			depth = ++d[tid]; kind[tid, depth] = cat; label[tid, depth] = name; inner[tid, depth] = 0
			if (cat != (depth == 1 ? "el" : depth == 2 ? "path" : "step")) bad = cat " at depth " depth }
		/"ph":"E"/ { n = $0; sub(/.*"cycles":/, "", n); sub(/}.*/, "", n); depth = d[tid]--
			if (depth < 1) bad = "an end without a begin at line " NR
			if (kind[tid, depth] == "el" && inner[tid, depth] != n) bad = "paths of a level add up to " inner[tid, depth] ", not " n
			if (inner[tid, depth] > n + 0) bad = "what is inside is longer at line " NR
			if (kind[tid, depth] == "el") sum[tid " " label[tid, depth]] += n
			inner[tid, depth - 1] += n }
		END { for (t in d) if (d[t]) bad = "a slice does not end"
			if (bad) print bad; else for (s in sum) print s, sum[s] }' "$dir/json" | sort
}
# by_level CPU VCPU: what the run counted, in the same words
by_level() { for el in 0 1 2 3; do n=$(counter "cpu$1.cycles_by_el.el$el"); [ "$n" -eq 0 ] || echo "$2 EL$el $n"; done; }
exits() { for ec in "$@"; do printf '%s ' "$(counter "vm0.vcpu0.exits.$ec.count")"; done; }
exported() { for ec in "$@"; do printf '%s ' "$(grep -c "kvm_exit: .* ($ec)" "$dir/kvm")"; done; }

# What the importer reads of the text, in the words of kvm_exit and kvm_entry.
imported() { # imported STREAM
	"$STRATA" explain exits "$dir/kvm.stt" --stream "$1" 2>/dev/null | awk '
		/^ret/ { print "entry"; next }
		{ irq = $1 ~ /^irq/; sub(/pc=0x/, "", $2); sub(/esr=0x/, "", $3); print irq ? "IRQ" : "TRAP", irq ? "0" : substr($3, 1, length($3) - 6), $2 }' |
		while read -r why top pc; do
			case $why in entry) echo entry ;; IRQ) echo "IRQ 0000 $pc" ;; *) printf '%s %04x %s\n' "$why" $((0x$top >> 2)) "$pc" ;; esac
		done
}
written() { # written VCPU
	sed -n "s/^ *vcpu$1-.*kvm_entry: .*/entry/p; s/^ *vcpu$1-.*kvm_exit: \([A-Z]*\): HSR_EC: 0x\([0-9a-f]*\) .*PC: 0x0*\([0-9a-f]*\)\$/\1 \2 \3/p" "$dir/kvm"
}
round_trip() { # round_trip NAME VCPU STREAM
	"$STRATA" trace import "$dir/kvm" -o "$dir/kvm.stt" >/dev/null 2>"$dir/said"
	written "$2" >"$dir/want"
	imported "$3" >"$dir/got"
	check "$1: exits come back through the importer in order" "yes 0" "$([ -s "$dir/want" ] && echo yes) $(diff "$dir/want" "$dir/got" | wc -l)"
}

for stack in kvm-vhe kvm-nvhe kvm-protected; do
	for operation in hvc mmio_user_read mmio_vgic_read mmio_user_write sysreg_id stage2_fault timer_wfi timer_busy; do
		echo "operations: $operation" >"$dir/w.yaml"
		set -- $N1 -s configs/stacks/$stack.yaml -w "$dir/w.yaml" --set workload.repetitions=5 --set workload.warmup=3
		run "$@"
		cp "$dir/out" "$dir/plain"
		export_run "$@"
		check "$stack $operation: counters are those of a run without" 0 "$(diff "$dir/plain" "$dir/out" | wc -l)"
		check "$stack $operation: levels of the timeline are the run's" "$(by_level 0 0)" "$(slices)"
		check "$stack $operation: exits are the run's" "$(exits HVC64 SYS64 DABT_LOW WFx)" "$(exported HVC64 SYS64 DABT_LOW WFx)"
		round_trip "$stack $operation" 0 0
	done
done
check "the timeline is JSON" "1" "$(sqlite3 :memory: "SELECT json_valid(readfile('$dir/json'))")"
check "with a track, levels, paths, steps and instants" "el exception interrupt path step" \
	"$(echo $(query "SELECT DISTINCT json_extract(v, '\$.cat') c FROM e WHERE c IS NOT NULL AND c != 'translation' ORDER BY c"))"

for stack in kvm-nvhe-el3 xen; do
	export_run -m configs/machines/cortex-a72.yaml -s configs/stacks/$stack.yaml -w workloads/micro/hvc.yaml --set workload.repetitions=7
	check "$stack: levels, those of firmware included" "$(by_level 0 0)" "$(slices)"
	check "$stack: exits to EL2" 7 "$(grep -c 'kvm_exit: TRAP: HSR_EC: 0x0016 (HVC64)' "$dir/kvm")"
done
text() { # text OPERATION: the events of one exit, without their times
	echo "operations: $1" >"$dir/w.yaml"
	export_run $N1 -s configs/stacks/kvm-vhe.yaml -w "$dir/w.yaml" --set workload.repetitions=1 --set workload.warmup=0
	sed -n 's/^.*[0-9]: \(kvm_[a-z_0-9]*: .*\)/\1/p' "$dir/kvm" | sed 's/, pc 0x.*//; s/PC: [0-9a-fx]*//; s/at 0x[0-9a-f]*//'
}
check "a read of a device of the VMM" "kvm_exit: TRAP: HSR_EC: 0x0024 (DABT_LOW), |kvm_guest_fault: ipa 0x9000000, hsr 0x93800007, hxfar 0x9000008|\
kvm_mmio: mmio unsatisfied-read len 4 gpa 0x9000008 val 0x0|kvm_userspace_exit: reason KVM_EXIT_MMIO (6)|kvm_mmio: mmio read len 4 gpa 0x9000008 val 0x0|kvm_entry: |" \
	"$(text mmio_user_read | tr '\n' '|')"
check "a write to one" "kvm_mmio: mmio write len 4 gpa 0x9000000 val 0x0" "$(text mmio_user_write | grep mmio:)"
check "a device of the kernel needs no VMM" 0 "$(text mmio_vgic_read | grep -c userspace)"
check "memory is no device" "0 1" "$(text stage2_fault >"$dir/t"; grep -c kvm_mmio "$dir/t") $(grep -c kvm_guest_fault "$dir/t")"
check "a hypercall" "kvm_hvc_arm64: HVC  (r0: 0x000000004b000000, imm: 0x0)" "$(text hvc | grep hvc)"
check "a register" "kvm_sys_access:  SYS_ID_AA64PFR0_EL1 (3,0,0,4,0) read" "$(text sysreg_id | grep sys_access)"
check "columns are the kernel's" 1 "$(grep -c '^           vcpu0-100     \[000\] d\.\.\.\.     [0-9]\.[0-9]\{6\}: kvm_entry: PC: 0x[0-9a-f]\{16\}$' "$dir/kvm")"

# --- ordinary workloads
set -- $N1 -s configs/stacks/kvm-vhe.yaml -w workloads/gups.yaml --set workload.accesses=4000 --set workload.footprint_bytes=8M
run "$@"
cp "$dir/out" "$dir/plain"
export_run "$@"
check "a program with faults: counters are those of a run without" 0 "$(diff "$dir/plain" "$dir/out" | wc -l)"
check "a program with faults: levels" "$(by_level 0 0)" "$(slices)"
check "a program with faults: aborts" "$(exits DABT_LOW)" "$(exported DABT_LOW)"
round_trip "a program with faults" 0 0
check "walks are instants" yes "$([ "$(grep -c '"name":"walk"' "$dir/json")" -gt 1000 ] && echo yes)"
export_run "$@" --warmup 777
check "a program with faults, warm-up apart: levels" "$(by_level 0 0)" "$(slices)"
set -- "$@" --set stack.threads=2 --set workload.threads=2 --set stack.pin=3,1
export_run "$@"
check "two vCPUs: levels of each" "$(by_level 3 0; by_level 1 1)" "$(slices)"
check "two vCPUs: the text is in order of time" 0 "$(awk '!/^#/ { t = $4; sub(/:/, "", t); if (t + 0 < last + 0) bad++; last = t } END { print bad + 0 }' "$dir/kvm")"
check "two vCPUs: on their cores" "[001] [003]" "$(echo $(awk '!/^#/ { print $2 }' "$dir/kvm" | sort -u))"
first=$(awk '!/^#/ { sub(/vcpu/, "", $1); sub(/-.*/, "", $1); print $1; exit }' "$dir/kvm")
round_trip "two vCPUs, the first" "$first" 0
round_trip "two vCPUs, the second" $((1 - first)) 1
run $N1 -w workloads/gups.yaml --set workload.accesses=2000 --export-perfetto "$dir/json"
check "a native program has a timeline, too" "$(by_level 0 0)" "$(slices)"

# --- bounds and refusals
export_run $N1 -s configs/stacks/kvm-vhe.yaml -w workloads/micro/hvc.yaml --set workload.repetitions=9 --export-limit 10
check "the text has as many events as it may, and says how many there were" "10 10/27" \
	"$(grep -vc '^#' "$dir/kvm") $(sed -n 's/.*written: \([0-9/]*\) .*/\1/p' "$dir/kvm")"
check "the timeline has no more, either" yes "$([ "$(grep -c '"ph":"[Bi]"' "$dir/json")" -le 10 ] && echo yes)"
check "the timeline ends its slices there, and says what it leaves out" yes \
	"$(slices | grep -q '^0 EL2 [0-9]*$' && [ "$(sqlite3 :memory: "SELECT json_extract(readfile('$dir/json'), '\$.otherData.left_out')")" -gt 0 ] && echo yes)"
refuses() { # refuses NAME TEXT OPTION...
	name=$1 text=$2
	shift 2
	run "$@"
	check "$name exits 2, with a reason" "2 1" "$? $(grep -c -e "$text" "$dir/said")"
}
mkdir "$dir/empty"
refuses "kvm text of a stack without paths" 'no software paths' $N1 -w workloads/gups.yaml --export-kvm "$dir/empty/kvm"
refuses "an export of sampled parts" '--export-perfetto show all' $N1 -w workloads/gups.yaml --sample 100:1000 --export-perfetto "$dir/empty/json"
run $N1 -s configs/stacks/kvm-vhe.yaml -w /nowhere.yaml --export-kvm "$dir/empty/kvm" --export-perfetto "$dir/empty/json"
check "a run that fails leaves no file" "" "$(ls "$dir/empty")"
run $N1 -s configs/stacks/kvm-vhe.yaml -w workloads/micro/hvc.yaml --export-kvm "$dir/none/kvm"
check "a folder that there is not is a failure of the host" "3 1" "$? $(grep -c 'none/kvm: cannot be written: No such' "$dir/said")"

# One operation, by `strata explain trap`: the levels' cycles are those of --costs, exits those of --brief.
for machine_stack in neoverse-v2:kvm-vhe cortex-a72:kvm-nvhe-el3; do
	world="-m configs/machines/${machine_stack%:*}.yaml -s configs/stacks/${machine_stack#*:}.yaml"
	for operation in hvc mmio_user_write timer_wfi psci_suspend workaround; do
		"$STRATA" explain trap $operation $world --export-kvm "$dir/kvm" --export-perfetto "$dir/json" >"$dir/out" 2>"$dir/said"
		check "$machine_stack $operation: nothing is printed" "" "$(cat "$dir/out" "$dir/said")"
		costs=$("$STRATA" explain trap $operation $world --costs | awk '$3 ~ /^EL[0-3]$/ && NF == 3 { print "0", $3, $1 }')
		check "$machine_stack $operation: slices are the costs" "$costs" "$(slices)"
		left=$("$STRATA" explain trap $operation $world --brief | tr ' ' '\n' | grep -c '^[a-z]*_*[a-z]*:1>2$')
		check "$machine_stack $operation: the guest leaves and enters" 1 "$([ "$(grep -c kvm_exit: "$dir/kvm")" -ge 1 ] && [ "$left" -ge "$(grep -c kvm_exit: "$dir/kvm")" ] && echo 1)"
		check "$machine_stack $operation: entries match exits" "$(grep -c kvm_exit: "$dir/kvm")" "$(grep -c kvm_entry: "$dir/kvm")"
	done
done
"$STRATA" explain trap hvc -m configs/machines/neoverse-v2.yaml -s configs/stacks/kvm-vhe.yaml --export-kvm "$dir/none/kvm" >"$dir/said" 2>&1
check "an operation into a directory that is not there" 3 $?
"$STRATA" explain trap hvc -m configs/machines/neoverse-v2.yaml -s configs/stacks/kvm-vhe.yaml --brief --export-kvm "$dir/kvm" >"$dir/said" 2>&1
check "exports print nothing, so --brief is an error" 2 $?

# vCPUs that have turns: what a switch takes is some vCPU's, too, so that all of them together have what the cores have.
export_run $N1 -s configs/stacks/kvm-overcommit.yaml -w workloads/gups.yaml --set workload.threads=8 --set workload.footprint_bytes=1M \
	--set stack.scheduler.slice_ns=30000 --set stack.scheduler.tick_hz=0 --limit 500
for el in 0 1 2; do
	of_cores=0
	for core in 0 1 2 3; do of_cores=$((of_cores + $(counter "cpu$core.cycles_by_el.el$el"))); done
	check "vCPUs that share cores: EL$el" "$of_cores" "$(slices | awk -v el="EL$el" '$2 == el { sum += $3 } END { print sum + 0 }')"
done
