#!/bin/sh
# Several cores as a user sees them: threads and pins, shared TLBs, placement on nodes, order; what is refused.
set -u
STRATA=${STRATA:-build/strata}
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
check() { if [ "$2" = "$3" ]; then echo "ok - $1"; else echo "not ok - $1: expected '$2', came '$3'"; cat "$dir/said"; fi; }
run() { "$STRATA" run -q --no-db --json -w workloads/gups.yaml "$@" >"$dir/out" 2>"$dir/said"; }
kunpeng() { run -m configs/machines/kunpeng-920.yaml --set workload.accesses=4000 --set workload.footprint_bytes=16M "$@"; }
n1() { run -m configs/machines/neoverse-n1.yaml --set workload.accesses=4000 "$@"; }
counter() { sed -n "s/.*\"$1\": \([0-9]*\),*/\1/p" "$dir/out"; }
sum() { grep -E "\"$1\": " "$dir/out" | sed 's/.*: //; s/,//' | awk '{ s += $1 } END { print s + 0 }'; }
refuses() { # refuses NAME TEXT COMMAND...
	name=$1 text=$2
	shift 2
	"$@"
	check "$name exits 2" 2 $?
	check "and is told why" 1 "$(grep -cF "$text" "$dir/said")"
}
yes_if() { if "$@"; then echo yes; else echo no; fi; }

# --- threads
n1 --set stack.threads=4 --set workload.threads=4 --set stack.pin=0-1,8,5
check "each thread counts on the core that it is pinned to" "4000 4000 4000 4000" \
	"$(counter cpu0.accesses) $(counter cpu1.accesses) $(counter cpu8.accesses) $(counter cpu5.accesses)"
check "and idle cores are not there" "" "$(counter cpu2.accesses)"
refuses "a core that the machine does not have" "stack.pin: '128': 128 is outside 0..127" n1 --set stack.pin=128
refuses "a list that is none" "stack.pin: '1-' is no list like 0-3,8" n1 --set stack.pin=1-
refuses "more threads than streams" "stack.threads: 2, but workloads/gups.yaml has 1 streams" n1 --set stack.threads=2

# --- shared TLBs
n1 --set stack.threads=4 --set workload.threads=4 --set tlbs.l2.shared=cluster --set topology.cluster_cores=2
check "each cluster has its own L2 TLB" yes \
	"$(yes_if [ "$(counter cluster0.l2_tlb.lookups)" -gt 3000 -a "$(counter cluster1.l2_tlb.lookups)" -gt 3000 ])"
check "which no core has beside it" "" "$(counter cpu0.l2_tlb.lookups)"
refuses "a shared first level" "tlbs.l1d.shared: a core has its level 1 for itself" n1 --set tlbs.l1d.shared=yes
refuses "sharing without FEAT_TTCNP" "cores share translations only with features.ttcnp" n1 --set tlbs.l2.shared=yes --set features.ttcnp=no

# --- placement
kunpeng --set stack.pin=24
check "first touch takes the node of the core's die" "0" "$(sum 'cpu24.memory.remote.[a-z0-9_]*')"
check "which gives all lines" yes "$(yes_if [ "$(counter node1.reads)" -eq "$(sum 'cpu24.memory.local.[a-z0-9_]*')" ])"
kunpeng --set stack.os.numa.policy=bind --set stack.os.numa.nodes=3
check "bind takes the listed node, for tables too" "0" "$(sum 'cpu0.memory.local.[a-z0-9_]*')"
check "walks are counted apart" yes "$(yes_if [ "$(counter cpu0.memory.remote.s1_walk)" -gt 0 ])"
check "and every line crosses the link" "$(counter node3.reads)" "$(counter link.hccs.reads)"
kunpeng --set stack.os.numa.policy=interleave --set stack.os.numa.nodes=0,2
check "interleave takes the listed nodes alike" yes \
	"$(yes_if awk -v a="$(counter node0.reads)" -v b="$(counter node2.reads)" 'BEGIN { exit !(a > 1000 && a / b > 0.9 && a / b < 1.1) }')"
check "and no others" "0 0" "$(counter node1.reads) $(counter node3.reads)"
kunpeng -s configs/stacks/kvm-4k.yaml --set stack.hypervisors.0.numa.policy=bind --set stack.hypervisors.0.numa.nodes=2
check "in a VM the hypervisor's policy counts" "0 0 0" "$(counter node0.reads) $(counter node1.reads) $(counter node3.reads)"
kunpeng -s configs/stacks/kvm-4k.yaml --set stack.hypervisors.0.numa.policy=interleave
check "where a fault of the guest's own kernel takes no turn of the host's interleaving" yes \
	"$(yes_if awk -v a="$(counter cpu0.memory.local.data)" -v b="$(counter cpu0.memory.remote.data)" 'BEGIN { exit !(a > 100 && 4 * a / (a + b) > 0.8 && 4 * a / (a + b) < 1.2) }')"
refuses "a node that is not there" "numa.nodes: '4': 4 is outside 0..3" kunpeng --set stack.os.numa.policy=bind --set stack.os.numa.nodes=4

# --- order
four() { "$STRATA" run -q --db "$dir/$1.db" --name r -m configs/machines/neoverse-n1.yaml -s configs/stacks/kvm-4k.yaml -w workloads/gups.yaml \
	--set stack.threads=4 --set workload.threads=4 --set workload.accesses=20000 --set workload.footprint_bytes=16M --populate --seed 3 \
	--set "order=$2" >"$dir/said" 2>&1 && "$STRATA" report --dump --db "$dir/$1.db" >"$dir/$1.dump"; }
four a lookahead && four b lookahead && four s strict
check "the same run gives the same database" yes "$(yes_if cmp -s "$dir/a.dump" "$dir/b.dump")"
cycles() { sed -n "s/^region: 1,'measured',.*,\([0-9]*\)$/\1/p" "$dir/$1.dump"; }
check "strict order and lookahead take the same time within 1 %" yes \
	"$(yes_if awk -v a="$(cycles a)" -v s="$(cycles s)" 'BEGIN { exit !(a > 0 && (a - s) ^ 2 <= (s / 100) ^ 2) }')"
