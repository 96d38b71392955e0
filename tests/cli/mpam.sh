#!/bin/sh
# MPAM as a user sees it: portions move hits from one thread to another, a limit of bandwidth holds, settings come while the run goes on.
set -u
STRATA=${STRATA:-build/strata}
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
check() { if [ "$2" = "$3" ]; then echo "ok - $1"; else echo "not ok - $1: expected '$2', came '$3'"; cat "$dir/said"; fi; }
yes_if() { if "$@"; then echo yes; else echo no; fi; }
run() { "$STRATA" run -q --no-db --json -m configs/machines/kunpeng-920.yaml -s configs/stacks/mpam.yaml "$@" >"$dir/out" 2>"$dir/said"; }
counter() { sed -n "s/.*\"$1\": \([0-9]*\),*/\1/p" "$dir/out"; }

# --- portions
small() {
	run -w workloads/two-streams.yaml --set caches.l3.size=3M --set workload.footprint_bytes=3M --set workload.accesses=120000 \
		--populate --warmup 60000 --seed 5 "$@"
}
for portions in 24 22 20 18 16 14 12; do
	first=$(((1 << portions) - 1))
	small --set stack.mpam.settings.0.value=$first --set stack.mpam.settings.1.value=$((0xffffff & ~first))
	echo "$(counter cpu0.cycles) $(counter cpu1.cycles) $(counter node0.mpam.mbwu_read_bytes.partid1_pmg0) $(counter node0.mpam.mbwu_read_bytes.partid2_pmg0)"
done >"$dir/steps"
check "seven steps" 7 "$(grep -c '^[0-9]* [0-9]* [0-9]* [0-9]*$' "$dir/steps")"
monotone() { awk -v c="$1" -v up="$2" 'NR > 1 && (up ? $c <= last : $c >= last) { bad = 1 } { last = $c } END { exit bad || NR < 7 }' "$dir/steps"; }
check "who loses portions takes longer, step by step" yes "$(yes_if monotone 1 1)"
check "who gets them takes less" yes "$(yes_if monotone 2 0)"
check "who loses portions reads more of memory" yes "$(yes_if monotone 3 1)"
check "who gets them reads less" yes "$(yes_if monotone 4 0)"
check "lines within half of the portions" yes "$(yes_if [ "$(counter die0.l3.mpam.csu_lines.partid1_pmg0)" -le 24576 ])"

# --- bandwidth
percent() { # of node 0's 93856 MB/s, in 1/1000 of what the limit allows
	run -w workloads/copy.yaml --set workload.threads=2 --set workload.thread_bytes=1G --set workload.accesses=200000 \
		--populate --warmup 60000 --set stack.mpam.settings.2.value="$1" "$2"
	bytes=$(($(counter node0.mpam.mbwu_read_bytes.partid2_pmg0) + $(counter node0.mpam.mbwu_write_bytes.partid2_pmg0)))
	echo $((bytes * 2600 * 100 / $(counter cpu1.cycles) * 1000 / 93856 / $1))
}
for limit in 1 2 4 8; do
	got=$(percent $limit -q)
	check "a limit of $limit % holds within 5 % ($got/1000)" yes "$(yes_if [ "$got" -ge 950 -a "$got" -le 1050 ])"
done

# --- while the run goes on
small --set stack.mpam.settings.0.value=0xffffff --set stack.mpam.settings.1.value=0xffffff
shared=$(counter die0.l3.mpam.csu_lines.partid1_pmg0)
small --set stack.mpam.settings.0.value=0xffffff --set stack.mpam.settings.1.value=0xffffff --set stack.mpam.settings.2.msc=l3 \
	--set stack.mpam.settings.2.control=cpbm --set stack.mpam.settings.2.value=0x1 --set stack.mpam.settings.2.at_cycle=100000
check "a later setting moves lines" yes "$(yes_if [ "$(counter die0.l3.mpam.csu_lines.partid1_pmg0)" -gt $((shared + 4000)) ])"
check "and what was there stays until it is replaced" yes "$(yes_if [ "$(counter die0.l3.mpam.csu_lines.partid2_pmg0)" -gt 2048 ])"

# --- what is refused
run -w workloads/two-streams.yaml --set stack.mpam.settings.0.msc=l9
check "a component that is not there exits 2" 2 $?
check "and is named" 1 "$(grep -cF 'mpam.settings: cpbm of "l9"' "$dir/said")"
run -w workloads/two-streams.yaml --set stack.mpam.labels.1.threads=7
check "a thread that is not there exits 2" 2 $?
check "and is named, too" 1 "$(grep -cF "mpam.labels.threads: '7': 7 is outside 0..1" "$dir/said")"
