#!/bin/sh
# Fails when a file under sim/<a>/ includes a header of a later layer than <a>, the order being the way of one access, or when a
# script cannot be executed: CI starts .ci/run by its name.
layers="base event config stats repl mem lock tlb mmu gic el cpu os hyp virtio smmu trace analysis store machine report check cli"
rank() { n=0; for l in $layers; do n=$((n+1)); [ "$l" = "$1" ] && { echo $n; return; }; done; echo 99; }
bad=0
for f in $(find sim -mindepth 2 -name '*.[ch]'); do
	own=$(echo "$f" | cut -d/ -f2)
	[ "$(rank "$own")" != 99 ] || { echo "$f: sim/$own/ is not a known layer"; bad=1; }
	for inc in $(sed -n 's/^#include "\([a-z_0-9]*\)\/.*/\1/p' "$f"); do
		[ "$(rank "$inc")" -le "$(rank "$own")" ] || { echo "$f includes $inc/, a later layer"; bad=1; }
	done
done
for f in .ci/run $(grep -rlE --include='*.sh' --include='*.py' '^#!' tests tools bench workloads 2>/dev/null); do
	[ -x "$f" ] || { echo "$f: not executable"; bad=1; }
done
exit $bad
