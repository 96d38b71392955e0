#!/bin/sh
# ipis.sh - an SGI from one vCPU to all others, each running on a core of its own, under KVM on an Altra with 64 cores: by a write for each vCPU,
# by a write for each cluster of 16, by one hypercall, and delivered by a GICv4.1; and on bare metal. Exits of the sender, and cycles until all
# handlers have run, of one broadcast.
set -eu
STRATA=${STRATA:-build/strata}
TIMES=100

# broadcast VCPUS STACK OPERATION OTHERS VERSION
broadcast() {
	"$STRATA" run -q --no-db --json -m configs/machines/altra-64.yaml -s "configs/stacks/$2.yaml" -w workloads/micro/ipi_broadcast.yaml \
		--set stack.threads="$1" --set workload.operations="$3" --set workload.others="$4" --set gic.version="$5" --set workload.repetitions=$TIMES |
		tr ',{}' '\n\n\n' | awk -v n="$1" -v what="$3" -v stack="$2" -v times=$TIMES -F': *' '
			/"vm0.vcpu0.exits.*.count"/ { exits += $2 }
			/"vm0.vcpu0.operations.cycles"/ { cycles = $2 }
			/"vm0.vcpu[0-9]*.exits.IRQ.count"/ { others += $2 }
			END { if (stack == "linux-native") exits = others = "-"; else { exits /= times; others /= times }
				printf "%-22s %5d %12s %14s %12.0f\n", stack == "linux-native" ? "bare metal" : what, n, exits, others, cycles / times }'
}

printf '%-22s %5s %12s %14s %12s\n' operation vCPUs "its exits" "others' exits" cycles
for n in 2 16 64; do
	broadcast $n linux-native ipi_broadcast run 3
	for how in single:3 :3 pv:3 hw:4.1; do
		name=ipi_broadcast_${how%%:*}
		broadcast $n kvm-vhe "${name%_}" wait_running "${how##*:}"
	done
done
