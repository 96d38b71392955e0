#!/bin/sh
# What `make run` shows: a real program's trace on a Neoverse N1, bare metal and in two KVM guests, as one table.
set -eu
STRATA=${STRATA:-build/strata} DB=${DB:-results.db}
runs="native:bare metal
kvm-4k:KVM, 4K stage 2
kvm-2m:KVM, 2M stage 2"

# All pages are mapped beforehand, and 200,000 of the 560,363 loads and stores fill TLBs and caches before counting begins: what is left is
# what translation itself costs.
echo "$runs" | while IFS=: read -r stack name; do
	"$STRATA" run -m configs/machines/neoverse-n1.yaml -s "configs/stacks/$stack.yaml" \
		-w workloads/sqlite_lookup.stt --populate --warmup 200000 --db "$DB" --name "$name"
done
"$STRATA" report --db "$DB" --baseline 'bare metal' 'bare metal' 'KVM, 4K stage 2' 'KVM, 2M stage 2'
