#!/bin/sh
# ticks.sh gups | idle | spread - what a kernel's own interrupts cost on a Neoverse N1, on bare metal and in a guest of KVM.
#   gups: GUPS, one load after the other, for some 70 ms at several HZ: ticks and exits per second, what a tick takes from the program, and
#     how much longer that runs than without
#   idle: a program that sleeps ten times for 100 ms, or a thousand times for 30 us, by os.idle at 250 Hz: WFI and exits per second, and how
#     late it goes on
#   spread: GUPS on four vCPUs, each of which has 10,000 requests answered in a second: interrupts of each by os.irq_affinity and queues, and what
#     they take from the first and from the last, ticks at 250 Hz included
set -eu
STRATA=${STRATA:-build/strata}
CLOCK=3000000000 # of the N1
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT

# run STACK WORKLOAD ARGUMENTS...: counters to $dir/out
run() {
	stack=$1 workload=$2
	shift 2
	"$STRATA" run -q --no-db --json -m configs/machines/neoverse-n1.yaml -s "configs/stacks/$stack.yaml" -w "$workload" "$@" >"$dir/out"
}
counter() { tr ',{}' '\n\n\n' <"$dir/out" | sed -n "s/^ *\"$1\": *\([0-9]*\)\$/\1/p"; }
# of WHERE: counters' prefix of its only CPU
of() { if [ "$1" = native ]; then echo cpu0; else echo vm0.vcpu0; fi; }

# exits_of WHERE: all exits of the only vCPU; "-" where there is none
exits_of() {
	if [ "$1" = native ]; then echo - && return; fi
	tr ',{}' '\n\n\n' <"$dir/out" | sed -n 's/^ *"vm0\.vcpu0\.exits\.[A-Za-z_0-9]*\.count": *\([0-9]*\)$/\1/p' | awk '{ n += $1 } END { print n + 0 }'
}

gups() {
	for row in native:linux-native guest:kvm-vhe; do
		where=${row%%:*}
		for hz in 0 250 1000; do
			run "${row##*:}" workloads/gups.yaml --populate --set workload.accesses=500000 --set workload.dependent=yes --set workload.update=no \
				--set stack.os.tick_hz=$hz
			echo "$where $hz $(counter cpu0.cycles) $(counter "$(of $where).clock.ticks") - $(counter "$(of $where).clock.cycles") -" \
				"$(exits_of "$where")"
		done
	done | awk -v clock=$CLOCK '
		function per_second(n, s) { return n == "-" ? n : sprintf("%.0f", n / s) }
		BEGIN { printf "%-8s %5s %8s %8s %13s %8s %9s\n", "where", "HZ", "ticks/s", "exits/s", "kcycles/tick", "taken %", "slower %" }
		!$2 { alone = $3; next }
		{ s = $3 / clock
		printf "%-8s %5d %8.0f %8s %13.0f %8.2f %9.2f\n", $1, $2, $4 / s, per_second($8, s), $6 / $4 / 1000, 100 * $6 / $3, 100 * ($3 / alone - 1) }'
}

# sleeps TIMES NANOSECONDS
sleeps() {
	awk -v times="$1" -v ns="$2" 'BEGIN { print "strata-text 1"
		for (i = 0; i < times; i++) { print "L 0x10000 8"; print "timer 0 0 arg=" ns * 3; print "wfi 0 0" }
		print "end", 3 * times }' >"$dir/sleeps.txt"
}

idle() {
	for length in 10:100000000 1000:30000; do
		sleeps ${length%%:*} ${length##*:}
		for row in native:linux-native guest:kvm-vhe; do
			where=${row%%:*}
			for how in periodic tickless haltpoll; do
				run "${row##*:}" "$dir/sleeps.txt" --set stack.os.tick_hz=250 --set stack.os.idle=$how
				echo "$((${length##*:} / 1000)) $where $how $(counter cpu0.cycles) $(counter "$(of $where).clock.ticks")" \
					"$(counter "$(of $where).clock.halts") $(exits_of "$where") ${length%%:*}"
			done
		done
	done | awk -v clock=$CLOCK '
		function per_second(n, s) { return n == "-" ? n : sprintf("%.0f", n / s) }
		BEGIN { printf "%9s %-8s %-9s %8s %9s %9s %8s\n", "sleep us", "where", "idle", "ticks/s", "WFI/s", "exits/s", "late us" }
		{ s = $4 / clock
		printf "%9d %-8s %-9s %8.0f %9.0f %9s %8.1f\n", $1, $2, $3, $5 / s, $6 / s, per_second($7, s), s * 1e6 / $8 - $1 }'
}

spread() {
	printf '%-10s %6s %6s %6s %6s %6s %12s %12s\n' affinity queues vCPU0 vCPU1 vCPU2 vCPU3 "of vCPU0 %" "of vCPU3 %"
	for row in one:4 spread:1 spread:2 spread:4 requester:4; do
		run kvm-vhe workloads/gups.yaml --populate --set workload.accesses=20000 --set workload.footprint_bytes=64M --set workload.threads=4 --set workload.dependent=yes --set workload.update=no \
			--set stack.threads=4 --set stack.os.tick_hz=250 --set stack.os.device_irq_hz=10000 --set stack.os.interrupt.instructions=1500 \
			--set stack.os.interrupt.lines=30 --set stack.os.irq_affinity=${row%%:*} --set stack.os.device_queues=${row##*:}
		echo "${row%%:*} ${row##*:}" $(for i in 0 1 2 3; do counter "vm0.vcpu$i.clock.messages"; done) \
			$(for i in 0 3; do counter "vm0.vcpu$i.clock.cycles"; counter "cpu$i.cycles"; done)
	done | awk '{ printf "%-10s %6d %6d %6d %6d %6d %12.1f %12.1f\n", $1, $2, $3, $4, $5, $6, 100 * $7 / $8, 100 * $9 / $10 }'
}

case ${1:-} in
spread) spread ;;
gups) gups ;;
idle) idle ;;
*) echo "usage: tools/ticks.sh gups | idle | spread" >&2 && exit 2 ;;
esac
