#!/bin/sh
# Where cycles go: strata run --explain, strata explain walk.
STRATA=${STRATA:-build/strata}
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
check() { if [ "$2" = "$3" ]; then echo "ok - $1"; else echo "not ok - $1: expected '$2', came '$3'"; fi; }

# unchanged NAME OPTION...: explaining changes no counter, on this machine under this stack (only the heading of the
# comparison is left)
unchanged() {
	name=$1 && shift
	"$STRATA" run -q --db "$dir/$name.db" --name plain "$@" &&
		"$STRATA" run -q --db "$dir/$name.db" --name explained "$@" --explain 3 >/dev/null
	check "explaining changes no counter: $name" "1 0" \
		"$("$STRATA" compare --db "$dir/$name.db" plain explained | wc -l | tr -d ' ') $?"
}
n1="-m configs/machines/neoverse-n1.yaml" a55="-m configs/machines/cortex-a55.yaml"
kvm="-s configs/stacks/kvm-4k.yaml"
unchanged "a window, a real program in a guest" $n1 $kvm -w workloads/sqlite_lookup.stt --warmup 200000 --limit 100000
unchanged "in order, random updates in a guest" $a55 $kvm -w workloads/gups.yaml --limit 50000
unchanged "in order, a pointer chase" $a55 -w workloads/chase.yaml --limit 20000
unchanged "one walker, uncached descriptors" $n1 $kvm -w workloads/gups.yaml --limit 50000 --set walker.walkers=1 \
	--set walker.descriptor_reads_cached=no

# sums FILE: for every line, that the lines one step further in add up to it; "bad" otherwise
sums() {
	awk '/^ *[0-9]+  /{
		match($0, /^ *[0-9]+  /); depth = 0; rest = substr($0, RLENGTH + 1)
		while (substr(rest, 1, 2) == "  ") { depth++; rest = substr(rest, 3) }
		for (d = last; d >= depth; d--) { if (parts[d] && sum[d] != own[d]) bad = 1; parts[d] = 0; sum[d] = 0 }
		own[depth] = $1; last = depth; lines++
		if (depth) { sum[depth - 1] += $1; parts[depth - 1]++ }
	} END { for (d = last; d >= 0; d--) if (parts[d] && sum[d] != own[d]) bad = 1; print bad || !lines ? "bad" : "good" }' "$1"
}
"$STRATA" run -q --no-db $n1 $kvm -w workloads/gups.yaml --limit 50000 --explain 20 >"$dir/out"
check "twenty accesses are explained" 20 "$(grep -c '^[0-9]*\. access' "$dir/out")"
check "what is inside of each step adds up to it" good "$(sums "$dir/out")"
sed 's/^\( *\)\([0-9]*\)\(  .*walk of the translation tables\)$/\11\3/' "$dir/out" >"$dir/wrong"
check "(a step that does not is noticed)" bad "$(sums "$dir/wrong")"
costs=$(sed -n 's/^[0-9]*\. access.*: \([0-9]*\) cycles.*/\1/p' "$dir/out")
check "they come slowest first" "$(echo "$costs" | sort -rn | tr '\n' ' ')" "$(echo "$costs" | tr '\n' ' ')"
check "the guest's first touch shows both handlers" yes \
	"$(grep -q "the kernel's handler" "$dir/out" && grep -q "the hypervisor's handler" "$dir/out" && echo yes)"
"$STRATA" run -q --no-db $n1 $kvm -w workloads/gups.yaml --limit 50000 --explain-at 30,2 >"$dir/out"
check "given accesses come in order" "2 30" "$(sed -n 's/^[0-9]*\. access \([0-9]*\),.*/\1/p' "$dir/out" | tr '\n' ' ' | sed 's/ $//')"
"$STRATA" run -q --no-db $n1 -w workloads/gups.yaml --limit 10 --explain 20 >"$dir/out"
check "a region that has fewer says so" 1 "$(grep -c '10 of 20 accesses' "$dir/out")"
"$STRATA" run -q --no-db $n1 -w workloads/gups.yaml --limit 10 --explain 1 --fidelity translation 2>/dev/null
check "translation alone has no accesses to explain" 2 $?

printf 'generator: uniform\nfootprint_bytes: 8M\naccesses: 3000\nthreads: 2\n' >"$dir/two.yaml"
two="$n1 -w $dir/two.yaml --set stack.threads=2"
"$STRATA" run -q --no-db --json $two | tr -d ',' >"$dir/a"
"$STRATA" run -q --no-db $two --explain 3 >"$dir/out"
check "of two threads those of the first are explained" "3" "$(grep -c '^[0-9]*\. access' "$dir/out")"
check "and their steps add up" good "$(sums "$dir/out")"
slowest=$(sed -n 's/^1\. access \([0-9]*\),.*/\1/p' "$dir/out")
check "which have numbers of that thread" yes "$([ "$slowest" -le "$(sed -n 's/^ *"cpu0.accesses": *//p' "$dir/a")" ] && echo yes)"

# TLBs of one level for different sizes are looked up at once: those that miss beside the slowest, or beside one that hits, take nothing.
cat >"$dir/split.yaml" <<-'EOF2'
	extends: ../configs/machines/neoverse-n1.yaml
	sources: {test: "sizes of a test"}
	tlbs:
	  - !estimated/test {name: l2, entries: 64, ways: 4, pages: [4K, 16K, 64K], hit_cycles: 3, ports: 1, port_cycles: 9}
	  - !estimated/test {name: l2large, level: 2, entries: 16, ways: 4, pages: [2M, 32M, 512M, 1G], hit_cycles: 7}
	EOF2
sed -i "s|\.\./configs|$(pwd)/configs|" "$dir/split.yaml"
for thp in never always; do
	"$STRATA" run -q --no-db -m "$dir/split.yaml" $kvm -w workloads/gups.yaml --populate --warmup 2000 --limit 3000 \
		--set stack.os.thp=$thp --set workload.footprint_bytes=32M --explain 500 >"$dir/out"
	check "sizes in TLBs of their own, thp $thp: what is inside of each step adds up to it" "0 good" "$? $(sums "$dir/out")"
done

printf 'generator: sequential\nfootprint_bytes: 64K\naccesses: 8192\n' >"$dir/seq.yaml"
# Pages that a prefetcher walks for: in time or late, with a buffer whose look-up takes time or none.
for look_up in 0 3; do
	for gap in 1 5000; do
		"$STRATA" run -q --no-db $n1 -w workloads/sequential.yaml --limit 400 --populate --set workload.generator=stride --set workload.stride_bytes=4K \
			--set workload.footprint_bytes=4M --set workload.instruction_gap=$gap --set walker.prefetch.kind=next_page \
			--set walker.prefetch.hit_cycles=$look_up --explain 400 >"$dir/out" 2>"$dir/err"
		check "accesses to prefetched pages add up: $gap instructions between them, $look_up cycles to look" 0 $?
		cat "$dir/out" >>"$dir/prefetched"
	done
done
for outcome in miss hit "is being walked, waits"; do
	check "the buffer's answer is told: $outcome" yes "$(grep -q "prefetch_buffer TLB: $outcome" "$dir/prefetched" && echo yes)"
done

# Lines that prefetchers of caches bring, of which most are still under way: nothing of theirs is told as the access's own.
for kind in next_line stride stream best_offset; do
	"$STRATA" run -q --no-db $n1 $kvm -w workloads/sequential.yaml --limit 3000 --populate --set caches.l1d.prefetch.kind=$kind \
		--set caches.l2.prefetch.kind=stream --set caches.slc.prefetch.kind=next_line --set caches.l2.prefetch.walks=yes --explain 300 >"$dir/out" 2>"$dir/err"
	check "accesses to lines of $kind: what is inside of each step adds up to it" "0 good" "$? $(sums "$dir/out")"
	check "and they wait for what is under way" yes "$(grep -q 'has the line under way, and it arrives' "$dir/out" && echo yes)"
done

# Every page-table design with every kind of core, prefetcher, neighbours and ports, each with another of the others.
set -- next_page stride asp masp distance recency h2p free_pte sbfp atp
for design in radix flattened ecpt hashed pom_tlb shadow agile asap; do
	for core in in_order window; do
		kind=$1 && shift && set -- "$@" "$kind"
		"$STRATA" run -q --no-db $n1 $kvm -w workloads/gups.yaml --limit 1500 --set workload.footprint_bytes=32M --set core.model=$core \
			--set walker.page_table.design=$design --set walker.prefetch.kind=$kind --set walker.prefetch.hit_cycles=$((${#kind} % 3)) \
			--set walker.walkers=$((1 + ${#design} % 3)) --set walker.range_tlb.source=colt_fa --set walker.range_tlb.entries=$((${#design} % 2 * 8)) --set tlbs.l2.ports=1 \
			--set tlbs.l2.inclusion=inclusive --set caches.l2.mshrs=$((1 + ${#design})) --explain 150 >"$dir/out" 2>"$dir/err"
		check "$design, $core, $kind: what is inside of each step adds up to it" "0 good" "$? $(sums "$dir/out")"
	done
done

# Lines that other cores wrote: the slowest of 400 accesses of each of four threads to one line.
"$STRATA" run -q --no-db $n1 -w workloads/gups.yaml --limit 400 --populate --set workload.footprint_bytes=64 --set workload.threads=4 --set stack.threads=4 \
	--set coherence.protocol=directory --explain 50 >"$dir/out" 2>"$dir/err"
check "an access to a line that another core wrote adds up" 0 $?
check "and says that this core gives it" yes "$(grep -q '^ *[1-9][0-9]* .*the core that wrote the line gives it' "$dir/out" && echo yes)"
check "or that it must lose it first" yes "$(grep -q '^ *[1-9][0-9]* .*waits until no other core has the line' "$dir/out" && echo yes)"

walk() { "$STRATA" explain walk "$@" >"$dir/out" 2>"$dir/err"; }
walk 0x4000001234 $n1 $kvm -w "$dir/seq.yaml"
check "a walk in a guest of four and three levels reads 19 descriptors" 19 "$(grep -c 'holds 0x' "$dir/out")"
check "and ends at a page" yes "$(grep -q '^IPA 0x[0-9a-f]*234, PA 0x[0-9a-f]*234, attributes 0xff' "$dir/out" && echo yes)"
walk 0x5000001234 $n1 -w "$dir/seq.yaml"
check "what no page maps is a fault" 1 "$(grep -c '^translation fault, stage 1 level 1: taken to EL2, ESR 0x9[26]00000' "$dir/out")"
snapshots=../shared/real/snapshots
if [ -d "$snapshots" ]; then
	for snapshot in "$snapshots"/*/; do break; done
	set -- $(zstd -dcq "$snapshot/truth.txt.zst" | awk '$3 == 0 && $5 != "-" { print; exit }')
	walk "0x$4" --snapshot "$snapshot" --cpu "$1" --el "$2"
	check "a walk in a snapshot ends where the machine's did" 1 "$(grep -ic "PA 0x0*$5," "$dir/out")"
fi
walk 0x1000
check "a walk needs tables" 2 $?

# heads FILE: for every access, that its cost and what it waited are the whole of it; and how many waited
heads() {
	awk '/^[0-9]+\. access/ { match($0, /: [0-9]+ cycles/); own = substr($0, RSTART + 2) + 0; waited = 0
		if (match($0, /and [0-9]+ of waiting/)) { waited = substr($0, RSTART + 4) + 0; waits++ }
		accesses++
	} /the whole of it/ { if ($1 != own + waited) bad = 1 } END { print (bad || !accesses ? "bad" : "good") (waits ? " waits" : " none") }' "$1"
}
printf 'generator: uniform\nfootprint_bytes: 8M\nupdate: yes\naccesses: 3000\n' >"$dir/updates.yaml"
"$STRATA" run -q --no-db $n1 -s configs/stacks/kvm-2m.yaml -w "$dir/updates.yaml" --set walker.page_table.design=agile --explain 15 >"$dir/out"
check "what stores cost and what they waited for others is the whole of them" "good waits" "$(heads "$dir/out")"
