#!/bin/sh
# The shipped scenarios of several cores, in strict order and with the default lookahead: every counter and histogram within 1 %.
set -u
STRATA=${STRATA:-build/strata}
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
check() { if [ "$2" = "$3" ]; then echo "ok - $1"; else echo "not ok - $1: expected '$2', came '$3'"; cat "$dir/said"; fi; }

# both NAME OPTION...: runs 1 and 2 of a database, strict and with lookahead.
both() {
	name=$1 && shift
	rm -f "$dir/db"
	for order in strict lookahead; do
		"$STRATA" run -q --db "$dir/db" --name $order --set order=$order "$@" >/dev/null 2>"$dir/said" || check "$name runs" 0 $?
	done
	check "$name: counters to compare" 1 "$(sqlite3 "$dir/db" "SELECT count(*) > 300 FROM stat WHERE run = 1")"
	sqlite3 "$dir/db" "
		WITH every AS (SELECT run, region, path, value FROM stat UNION ALL SELECT run, region, path || '.count', count FROM hist
			UNION ALL SELECT run, region, path || '.sum', sum FROM hist)
		SELECT s.region, s.path, s.value, a.value FROM every AS s JOIN every AS a USING (region, path)
		WHERE s.run = 1 AND a.run = 2 AND abs(s.value - a.value) * 100 > max(s.value, 100)" >"$dir/apart"
	check "$name: both orders agree within 1 % ($(wc -l <"$dir/apart") do not: $(head -n 3 "$dir/apart" | tr '\n' ' '))" 0 "$(wc -l <"$dir/apart")"
	check "$name: and map the same" 0 "$(sqlite3 "$dir/db" "SELECT count(*) FROM stat AS s JOIN stat AS a USING (region, path)
		WHERE s.run = 1 AND a.run = 2 AND s.value <> a.value AND (path GLOB '*.pages_mapped' OR path GLOB '*os.faults' OR path GLOB '*.accesses')")"
}

n1="-m configs/machines/neoverse-n1.yaml --set stack.threads=8 --set workload.threads=8"
kunpeng="-m configs/machines/kunpeng-920.yaml --set stack.threads=8 --set workload.threads=8"
own="--set workload.footprint_bytes=16M --set workload.thread_bytes=16M"
both "GUPS, mapped before" $n1 -w workloads/gups.yaml --populate --set workload.accesses=10000
both "GUPS, first touches" $n1 -w workloads/gups.yaml --set workload.accesses=3000
both "zipf in a VM" $n1 -w workloads/zipf.yaml -s configs/stacks/kvm-4k.yaml --populate --set workload.accesses=10000
both "zipf in a VM of KVM, first touches" $n1 -w workloads/zipf.yaml -s configs/stacks/kvm-vhe.yaml --set workload.accesses=2000
both "sequential" $n1 -w workloads/sequential.yaml --populate --set workload.accesses=20000 $own
both "hits of the first level" $n1 -w workloads/tlb-hits.yaml --populate --set workload.accesses=20000
both "shared L2 TLBs in a VM" $n1 -w workloads/tlb-hits.yaml -s configs/stacks/kvm-4k.yaml --populate --set workload.accesses=20000 \
	--set tlbs.l2.shared=cluster --set topology.cluster_cores=4
both "a small inclusive system cache" $n1 -w workloads/zipf.yaml --populate --set workload.accesses=20000 --set workload.footprint_bytes=64M \
	--set caches.slc.inclusion=inclusive --set caches.slc.size=2M
both "prefetchers of caches" $n1 -w workloads/sequential.yaml --populate --set workload.accesses=20000 $own \
	--set caches.l1d.prefetch.kind=stride --set caches.l2.prefetch.kind=stream --set caches.slc.prefetch.kind=best_offset
both "copy over four nodes" $kunpeng -w workloads/copy.yaml --populate --set workload.accesses=10000 $own --set stack.pin=0,1,24,25,48,49,72,73
both "partitions" -m configs/machines/kunpeng-920.yaml -s configs/stacks/mpam.yaml -w workloads/two-streams.yaml --populate --set workload.accesses=30000
both "translation alone" $n1 -w workloads/zipf.yaml -s configs/stacks/kvm-4k.yaml --fidelity translation --set workload.accesses=10000
