#!/bin/sh
# What others push out of the program's TLBs and caches: kernel, hypervisor, VMM, other processes.
STRATA=${STRATA:-build/strata}
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
check() { if [ "$2" = "$3" ]; then echo "ok - $1"; else echo "not ok - $1: expected '$2', came '$3'"; fi; }

# calls RECORD: a program that sweeps over 40 pages ten times and enters the kernel, 20 times over.
calls() {
	awk -v record="$1" 'BEGIN {
		print "strata-text 1"
		for (call = 0; call < 20; call++) {
			for (i = 0; i < 400; i++) printf "L 0x%x 8\n", 268435456 + i % 40 * 4160
			print record
		}
		print "end", 20 * 401
	}'
}
calls "svc 0 0" >"$dir/svc.txt"
calls "hvc 0 0" >"$dir/hvc.txt"

# run TRACE SETTINGS...: 48 entries of LRU, warmed by the first two sweeps.
run() {
	trace=$1
	shift
	"$STRATA" run -q --no-db --json -m configs/machines/plain-lru.yaml -w "$dir/$trace.txt" --populate --warmup 80 \
		"$@" >"$dir/out" 2>"$dir/err"
	status=$?
}
counter() { tr ',{}' '\n\n\n' <"$dir/out" | sed -n "s/^ *\"$1\": *\([0-9]*\)\$/\1/p"; }
lines="--set stack.os.syscall.span_lines=64000 --set stack.os.syscall.lines"

run svc
check "without work a system call is a record without effect" "20 0" "$(counter events.ignored) $(counter cpu0.l1d_tlb.misses)"
check "nobody counts evictors unless asked to" "" "$(counter cpu0.l1d_tlb.pollution.misses_by_evictor.kernel)"
alone=$(counter cpu0.cycles)

# 1024 lines of 64 bytes are 16 pages; all new at each call. 40 + 16 pages in 48 entries: the kernel pushes out 8, and each
# of them the next one, so that the sweep behind a call misses all 40. The last call is followed by nothing.
run svc --set stack.pollution=yes --set stack.os.syscall.instructions=1600 $lines=1024
check "a system call with work takes effect" "20 0" "$(counter cpu0.kernel.entries.syscall) $(counter events.ignored)"
check "misses are the kernel's own and those that are its doing" "$((20 * 16 + 19 * 40))" "$(counter cpu0.l1d_tlb.misses)"
check "of which the program's are told apart" "$((19 * 40))" "$(counter cpu0.l1d_tlb.pollution.misses_by_evictor.kernel)"
check "its time is an exception's" yes "$([ "$(counter cpu0.cycles_by_bucket.exception)" -eq "$(counter cpu0.kernel.cycles.syscall)" ] && echo yes)"
check "and the run is longer by at least that" yes "$([ "$(counter cpu0.cycles)" -ge $((alone + $(counter cpu0.kernel.cycles.syscall))) ] && echo yes)"
cycles=$(counter cpu0.cycles)
run svc --set stack.os.syscall.instructions=1600 $lines=1024
check "counting evictors changes no cycle" "$cycles" "$(counter cpu0.cycles)"

# What the caches next to the core have is hidden behind the instructions; 800 accesses are two calls, which bring the lines.
"$STRATA" run -q --no-db --json -m configs/machines/neoverse-n1.yaml -w "$dir/svc.txt" --populate --warmup 800 \
	--set stack.os.syscall.instructions=64 --set stack.os.syscall.lines=4 --set stack.os.syscall.span_lines=4 >"$dir/out" 2>"$dir/err"
check "kernel lines that are in the first caches cost nothing" "19 0" "$(counter cpu0.kernel.entries.syscall) $(counter cpu0.kernel.memory_cycles.syscall)"

run svc --set stack.pollution=yes --set stack.os.syscall.instructions=1600 --set stack.os.syscall.lines=64
check "a page of the kernel beside 40 is nobody's loss" "0" "$(counter cpu0.l1d_tlb.pollution.misses_by_evictor.kernel)"

run svc --set stack.pollution=yes --set stack.os.syscall.instructions=1600 $lines=1024 --set walker.page_table.design=flattened
check "beside another page-table design the kernel touches its lines alone" "20 0" \
	"$(counter cpu0.kernel.entries.syscall) $(counter cpu0.l1d_tlb.pollution.misses_by_evictor.kernel)"
# KPTI: 100 lines of code are two pages, and the trampoline is another. A kernel whose pages are not global has them once for
# each process.
kpti() { # PROCESSES YES|NO
	run svc --set stack.os.syscall.instructions=1600 --set stack.os.syscall.lines=64 --set stack.os.asids=linux --set stack.os.processes="$1" \
		--set stack.os.switch_every=400 --set stack.os.kpti="$2"
}
kpti 1 no
without=$(counter cpu0.kernel.cycles.syscall)
check "without KPTI there is no trampoline" "2 " "$(counter cpu0.l1i_tlb.misses) $(counter cpu0.kernel.kpti.crossings)"
kpti 1 yes
check "each system call crosses the trampoline: 2 reads, 4 writes of control registers, ISB" "20 $((20 * (2 * 8 + 4 * 16 + 24)))" \
	"$(counter cpu0.kernel.kpti.crossings) $(counter cpu0.kernel.kpti.cycles)"
memory=$(counter cpu0.kernel.kpti.memory_cycles)
check "which takes a page of its own" 3 "$(counter cpu0.l1i_tlb.misses)"
check "and that is all that a system call takes longer" "$((without + 20 * 104 + memory))" "$(counter cpu0.kernel.cycles.syscall)"
kpti 2 no
check "two processes have the kernel's global pages in common" 2 "$(counter cpu0.l1i_tlb.misses)"
kpti 2 yes
check "with KPTI each has its own" 6 "$(counter cpu0.l1i_tlb.misses)"

run svc --set stack.os.syscall.instructions=1600 $lines=1024 --sample 500:2000
check "system calls of a sampled run keep its sums" 0 $status

# Processes: 40 pages each, at the same addresses, in turns of 400.
printf 'generator: chase\nfootprint_bytes: 160K\naccesses: 8000\n' >"$dir/chase.yaml"
"$STRATA" run -q --no-db --json -m configs/machines/plain-lru.yaml -w "$dir/chase.yaml" --populate --warmup 1600 --limit 6400 \
	--set stack.os.processes=2 --set stack.os.switch_every=400 --set stack.pollution=yes >"$dir/out"
check "of two processes each misses what the other pushed out" \
	"$(counter cpu0.l1d_tlb.misses)" "$(counter cpu0.l1d_tlb.pollution.misses_by_evictor.process)"
check "and nothing else" "$((16 * 40))" "$(counter cpu0.l1d_tlb.misses)"
"$STRATA" run -q --no-db --json -m configs/machines/plain-lru.yaml -w "$dir/chase.yaml" --populate --warmup 1600 --limit 6400 \
	--set stack.os.processes=2 --set stack.os.switch_every=400 --set stack.pollution=yes \
	--set stack.os.process_switch.instructions=800 --set stack.os.process_switch.lines=64 >"$dir/out"
check "work of the kernel at a switch is counted" 16 "$(counter cpu0.kernel.entries.process_switch)"

# A guest: faults of stage 1 without --populate, and hypercalls whose paths the stack has.
"$STRATA" run -q --no-db --json -m configs/machines/neoverse-n1.yaml -s configs/stacks/kvm-4k.yaml -w "$dir/svc.txt" \
	--set stack.pollution=yes --set stack.os.page_fault.instructions=1500 --set stack.os.page_fault.lines=60 >"$dir/out"
check "each fault of stage 1 is work of the guest's kernel" 40 "$(counter vm0.vcpu0.kernel.entries.page_fault)"
for stack in kvm-vhe kvm-nvhe; do
	"$STRATA" run -q --no-db --json -m configs/machines/neoverse-n1.yaml -s configs/stacks/$stack.yaml -w "$dir/hvc.txt" --populate \
		--warmup 400 --set stack.pollution=yes --set caches.l1d.size=4K --set caches.l1d.policy=lru >"$dir/out"
	check "$stack: a hypercall pushes out lines of the guest" yes \
		"$([ "$(counter cpu0.l1d.pollution.misses_by_evictor.hypervisor)" -gt 0 ] && echo yes)"
	check "$stack: and no kernel or VMM does" "0 0" \
		"$(counter cpu0.l1d.pollution.misses_by_evictor.kernel) $(counter cpu0.l1d.pollution.misses_by_evictor.vmm)"
done

# Two vCPUs of two VMs have one core in turns.
printf 'generator: uniform\nfootprint_bytes: 160K\naccesses: 100000\nthreads: 2\n' >"$dir/turns.yaml"
printf 'extends: %s/configs/stacks/kvm-vhe.yaml\nname: turns\nvms:\n  - {name: a, vcpus: 1, cpus: 0}\n  - {name: b, vcpus: 1, cpus: 0}\n' \
	"$(pwd)" >"$dir/turns-stack.yaml"
"$STRATA" run -q --no-db --json -m configs/machines/neoverse-n1.yaml -s "$dir/turns-stack.yaml" -w "$dir/turns.yaml" --populate \
	--set stack.pollution=yes --set stack.scheduler.slice_ns=20000 --set stack.scheduler.tick_hz=50000 >"$dir/out" 2>"$dir/err"
check "vCPUs that share a core push out what the other has" yes \
	"$([ "$(counter cpu0.l1d_tlb.pollution.misses_by_evictor.process)" -gt 0 ] && echo yes)"
