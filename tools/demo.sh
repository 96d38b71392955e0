#!/bin/sh
# demo.sh [gups] - what `make run` shows: a real program's trace on a Neoverse N1, bare metal and in two KVM guests, as one table. With the
# word gups: the same for random updates, which miss the TLB each time.
set -eu
STRATA=${STRATA:-build/strata} DB=${DB:-results.db}
case ${1:-} in
'') prefix='' options='-w workloads/sqlite_lookup.stt' ;;
gups) prefix='GUPS, ' options='-w workloads/gups.yaml --set workload.footprint_bytes=256M --set workload.accesses=600000' ;;
*) echo "usage: $0 [gups]" >&2 && exit 2 ;;
esac

# All pages are mapped beforehand, and the first 200,000 loads and stores (of the program's 560,363) fill TLBs and caches before counting
# begins: what is left is what translation itself costs.
for run in 'native:bare metal' 'kvm-4k:KVM, 4K stage 2' 'kvm-2m:KVM, 2M stage 2'; do
	"$STRATA" run -m configs/machines/neoverse-n1.yaml -s "configs/stacks/${run%%:*}.yaml" $options --populate --warmup 200000 \
		--db "$DB" --name "$prefix${run#*:}"
done
"$STRATA" report --db "$DB" --baseline "${prefix}bare metal" "${prefix}bare metal" "${prefix}KVM, 4K stage 2" "${prefix}KVM, 2M stage 2"
