#!/bin/sh
# Latency under load: idle at first, rising with load, and never more bandwidth than the channels have.
set -u
STRATA=${STRATA:-build/strata}
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
check() { if [ "$2" = "$3" ]; then echo "ok - $1"; else echo "not ok - $1: expected '$2', came '$3'"; cat "$dir/curve"; fi; }
yes_if() { if "$@"; then echo yes; else echo no; fi; }

# curve MACHINE CLOCK_MHZ CORES CACHE: lines of MB/s and picoseconds of a read
curve() {
	for gap in 1024 64 24 12 6; do
		"$STRATA" run -q --no-db --json -m "configs/machines/$1.yaml" -w workloads/random-read.yaml --populate --warmup 1000 \
			--set stack.threads="$3" --set workload.threads="$3" --set workload.thread_bytes=1G --set workload.dependent=no \
			--set stack.os.page_size=64K --set workload.accesses=3000 --set workload.instruction_gap=$gap --set "caches.$4.mshrs=1024" |
			tr -d ' ",' | awk -F: -v mhz="$2" '{ v[$1] = $2 }
				$1 ~ /^cpu[0-9]+\.access_cycles$/ { sum += $2 }
				$1 ~ /^cpu[0-9]+\.accesses$/ { all += $2 }
				$1 ~ /^cpu[0-9]+\.cycles$/ && $2 > most { most = $2 }
				END { printf "%d %d\n", v["node0.reads"] * 64 * mhz / most, sum / all * 1000000 / mhz }'
	done >"$dir/curve"
}
rises() { awk 'NR > 1 && $2 < last * 0.99 { bad = 1 } { last = $2 } END { exit bad || NR < 5 }' "$dir/curve"; }
within() { awk -v most="$1" '$1 > most { bad = 1 } END { exit bad }' "$dir/curve"; }
reaches() { awk -v least="$1" '$1 >= least { good = 1 } END { exit !good }' "$dir/curve"; }
queues() { awk 'NR == 1 { idle = $2 } { last = $2 } END { exit !(last > 1.3 * idle) }' "$dir/curve"; }

curve kunpeng-920 2600 24 l3
check "kunpeng-920: latency rises with load" yes "$(yes_if rises)"
check "kunpeng-920: a node carries what its channels do" yes "$(yes_if within 93856)"
check "kunpeng-920: and nearly that when all cores of a die ask" yes "$(yes_if reaches 84000)"
check "kunpeng-920: by then reads wait" yes "$(yes_if queues)"
curve altra-max 3000 96 slc
check "altra-max: latency rises with load" yes "$(yes_if rises)"
check "altra-max: the channels' bandwidth is not exceeded" yes "$(yes_if within 204800)"
check "altra-max: and nearly reached by 96 cores" yes "$(yes_if reaches 184000)"
check "altra-max: by then reads wait" yes "$(yes_if queues)"
