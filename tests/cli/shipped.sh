# Every shipped stack runs on a shipped machine, and whatever does not go together is refused in one line: no combination of machine,
# stack and workload ends in a crash, a failed check or several messages.
STRATA=${STRATA:-build/strata}
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT

verdict() { if [ "$1" -eq 0 ]; then echo "ok - $2"; else echo "not ok - $2"; cat "$dir/said" 2>/dev/null; fi; }

# tried MACHINE STACK OPTION...: 0 it ran, 1 it was refused in one line; what else came is noted in $dir/odd
tried() {
	machine=$1 stack=$2
	shift 2
	"$STRATA" run -q --no-db -m "$machine" -s "$stack" "$@" >"$dir/said" 2>&1
	case $? in
	0) return 0 ;;
	2) [ "$(wc -l <"$dir/said")" -eq 1 ] && return 1 ;;
	esac
	{ echo "$machine $stack $*" && cat "$dir/said"; } >>"$dir/odd"
	return 1
}

: >"$dir/odd"
first=configs/machines/neoverse-n1.yaml
for stack in configs/stacks/*.yaml; do
	for machine in $first $(ls configs/machines/*.yaml); do
		tried "$machine" "$stack" -w workloads/gups.yaml --set workload.threads=128 --set workload.footprint_bytes=16M --limit 20 && break
	done
	verdict $? "$stack runs on $machine"
done

# Each machine with a stack of each kind, and each workload on the first machine.
for machine in configs/machines/*.yaml configs/teaching/*.yaml; do
	for stack in native linux-native kvm-4k kvm-nvhe kvm-vhe secure-monitor kvm-overcommit kvm-precopy mpam; do
		tried "$machine" configs/stacks/$stack.yaml -w workloads/sequential.yaml --limit 20
		tried "$machine" configs/stacks/$stack.yaml -w workloads/micro/hypercall.yaml --set workload.repetitions=1
		tried "$machine" configs/stacks/$stack.yaml -w workloads/stage2/relax.yaml --set workload.bytes=1M
	done
done
for workload in workloads/*.yaml workloads/*.stt; do
	for stack in native kvm-vhe kvm-overcommit; do tried $first configs/stacks/$stack.yaml -w $workload --limit 20; done
done
for workload in workloads/micro/*.yaml; do
	for stack in native kvm-vhe kvm-nvhe xen; do tried $first configs/stacks/$stack.yaml -w "$workload" --set workload.repetitions=1; done
done
# Each scenario runs under one stack at least, with a GIC that has what it asks for.
runs_somewhere() {
	for name in kvm-vhe kvm-2015 linux-native secure-monitor; do
		for gic in 3 4.1; do
			tried $first configs/stacks/$name.yaml -w "$1" --set workload.repetitions=1 --set stack.threads=2 --set gic.version=$gic && return 0
		done
	done
	return 1
}
for workload in workloads/micro/*.yaml; do
	runs_somewhere "$workload"
	verdict $? "$workload runs"
done
# What has a back end is kicked by a guest, and signals it.
for name in kvm-vhe kvm-nvhe kvm-nvhe-el3 kvm-protected kvm-2015 kvm-2015-qemu el2linux xen; do
	for way in in out; do
		"$STRATA" run -q --no-db --json -m $first -s configs/stacks/$name.yaml -w workloads/micro/io_latency_$way.yaml \
			--set workload.repetitions=3 --set stack.threads=2 2>&1 | grep -q "\"vm0.vcpu0.marks.io_latency_$way.count\": 3,"
		verdict $? "$name has the back end of I/O latency $way"
	done
done
[ ! -s "$dir/odd" ]
verdict $? 'what does not go together is refused in one line'
cat "$dir/odd"
