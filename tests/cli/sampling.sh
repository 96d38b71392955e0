# Measuring parts of a program: samples, regions of interest, SimPoint's intervals.
STRATA=${STRATA:-build/strata}
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
check() { if [ "$2" = "$3" ]; then echo "ok - $1"; else echo "not ok - $1: expected '$2', came '$3'"; fi; }
n1="-m configs/machines/neoverse-n1.yaml"

run() { "$STRATA" run -q --no-db --json $n1 "$@" >"$dir/out.json" 2>"$dir/estimates"; }
counter() { tr ',{}' '\n\n\n' <"$dir/out.json" | sed -n "s/^ *\"$1\": *\([0-9]*\)\$/\1/p"; }
walk_cycles() { tr -d ' \n' <"$dir/out.json" | sed -n 's/.*"cpu0\.walker\.walk_cycles":{[^}]*"sum":\([0-9]*\).*/\1/p'; }
# The counters of the latest run as rates: cpi, misses and walk cycles per 1000 instructions.
rates() {
	awk -v c="$(counter cpu0.cycles)" -v i="$(counter cpu0.instructions)" -v a="$(counter cpu0.l1d_tlb.misses)" \
		-v b="$(counter cpu0.l2_tlb.misses)" -v w="$(walk_cycles)" 'BEGIN {
		printf "cpi %.6f\ncpu0.l1d_tlb.misses %.6f\ncpu0.l2_tlb.misses %.6f\ncpu0.walker.walk_cycles %.6f\n",
			c / i, 1000 * a / i, 1000 * b / i, 1000 * w / i }'
}
# How many of the rates in $dir/full are outside of the intervals of the latest run, and which.
outside() {
	awk 'FNR == NR { full[$1] = $2; next }
		$1 in full { seen++; if (full[$1] < $3 || full[$1] > $5) printf "%s %s not in %s..%s; ", $1, full[$1], $3, $5 }
		END { if (seen != 4) printf "%d metrics", seen }' "$dir/full" "$dir/estimates"
}

# sampled NAME SAMPLE RUN...: the interval of each estimate holds what the whole run says.
sampled() {
	name=$1 sample=$2
	shift 2
	run "$@" && rates >"$dir/full"
	run "$@" --sample "$sample"
	check "the intervals of a sample hold what the whole run says: $name" "" "$(outside)"
}
sampled sqlite_lookup 500:5000 -w workloads/sqlite_lookup.stt --populate --warmup 100000
sampled "sqlite_lookup in a guest" 500:5000 -s configs/stacks/kvm-4k.yaml -w workloads/sqlite_lookup.stt --populate --warmup 100000
sampled zipf 1000:20000 -w workloads/zipf.yaml --populate --warmup 100000 --limit 1000000
sampled "gups in a guest" 1000:20000 -s configs/stacks/kvm-4k.yaml -w workloads/gups.yaml --populate --warmup 100000 --limit 1000000
sampled "sequential, translation alone" 1000:10000 -w workloads/sequential.yaml --fidelity translation --populate --limit 500000

# Of 40 samples, about 38 intervals of 95 % hold the truth: 34 or more in 99.9 % of cases. The second program is periodic in pages and in
# lines, as a systematic sample with a period would be; the third has so few misses that most units see none.
often() { # often NAME SAMPLE RUN...
	name=$1 sample=$2
	shift 2
	run "$@" && rates >"$dir/full"
	for seed in $(seq 40); do run "$@" --sample "$sample" --seed "$seed" && cat "$dir/estimates"; done |
		awk 'FNR == NR { full[$1] = $2; next }
			$1 in full && $4 == ".." || $1 in full && $3 == ".." { n[$1]++; held[$1] += full[$1] >= $3 && full[$1] <= $5 }
			END { for (m in n) printf "%s %d\n", m, held[m] }' "$dir/full" - >"$dir/held"
	check "the intervals of 40 samples hold the truth about as often as they say: $name" "3 rates" \
		"$(awk '$1 !~ /walk_cycles/ && $2 >= 34 { good++ } END { printf "%d rates", good }' "$dir/held")"
}
often sqlite_lookup 200:5000 -w workloads/sqlite_lookup.stt --populate --warmup 100000
"$STRATA" trace gen sequential accesses=400000 footprint_bytes=64M -o "$dir/sequential.stt" 2>/dev/null
often sequential 200:5000 -w "$dir/sequential.stt" --populate --warmup 100000
"$STRATA" trace gen tlb_mix accesses=400000 hot_permille=998 warm_permille=1 -o "$dir/few.stt" 2>/dev/null
often "few misses" 50:5000 -w "$dir/few.stt" --populate --warmup 50000
# Several threads: positions are those that each has on average, and all are measured together.
four="-w workloads/gups.yaml --populate --set workload.threads=4 --set stack.threads=4 --set workload.footprint_bytes=16M"
total() { tr ',{}' '\n\n\n' <"$dir/out.json" | sed -n "s/^ *\"cpu[0-9]*\.$1\": *\([0-9]*\)\$/\1/p" | awk '{ s += $1 } $1 > m { m = $1 } END { print s + 0, m + 0 }'; }
# The CPI of the machine and the misses of all cores, per 1000 instructions, of the latest run.
of_all() {
	set -- $(total cycles) $(total instructions) $(total l2_tlb.misses)
	awk -v c="$2" -v i="$3" -v m="$5" 'BEGIN { printf "%.6f %.6f\n", c / i, 1000 * m / i }'
}
run $four --warmup 10000 --limit 100000 && full=$(of_all)
run $four --warmup 10000 --limit 100000 --sample 250:5000
check "the interval of several threads' sample holds what the whole run says" yes "$(awk -v full="${full% *}" '$1 == "cpi" { print (full >= $3 && full <= $5 ? "yes" : full " not in " $3 ".." $5) }' "$dir/estimates")"
check "and so does the rate of all measured parts, within 3 %" yes "$(of_all | awk -v full="${full#* }" '{ d = $2 / full - 1; print (d < 0.03 && d > -0.03 ? "yes" : d) }')"
check "a unit is that many accesses of each thread on average" 20000 "$(set -- $(total accesses); echo "$1")"
check "of whole units" 20 "$(sed -n 's/.*(\([0-9]*\) measured parts).*/\1/p' "$dir/estimates")"
run $four --limit 20000
all=$(cksum <"$dir/out.json")
run $four --limit 20000 --sample 20000:20000
check "a unit as long as the program counts what a whole run of all threads counts" "$all" "$(cksum <"$dir/out.json")"
run $four --roi 2000:3000
check "a region is that many accesses of each thread on average" 4000 "$(set -- $(total accesses); echo "$1")"
for wrong in "--sample 100:1000 --sample-warming 50" "--roi markers" "--simpoints $dir/p --weights $dir/w --simpoint-length 1000"; do
	run $four $wrong
	check "$wrong of several threads is refused" 2 $?
	check "and is told why" 1 "$(grep -c 'stack.threads' "$dir/estimates")"
done
run -s configs/stacks/kvm-overcommit.yaml -w workloads/gups.yaml --set workload.threads=8 --sample 100:1000
check "threads that share cores by time are refused" 2 $?
check "by the name of what shares them" 1 "$(grep -c 'stack.scheduler' "$dir/estimates")"

# A sample of everything is everything.
run -w workloads/sqlite_lookup.stt
all=$(cksum <"$dir/out.json")
run -w workloads/sqlite_lookup.stt --limit 560363
upto=$(cksum <"$dir/out.json")
run -w workloads/sqlite_lookup.stt --sample 560363:560363
check "a unit as long as the program counts what a whole run counts" "$upto" "$(cksum <"$dir/out.json")"
run -w workloads/sqlite_lookup.stt --roi "0:"
check "so does a region from the first access on" "$all" "$(cksum <"$dir/out.json")"
run -w workloads/sqlite_lookup.stt --sample 1000:20000
check "only whole units are counted" 28000 "$(($(counter cpu0.loads) + $(counter cpu0.stores) - $(counter cpu0.splits)))"
run -w workloads/sqlite_lookup.stt --roi 1000:1500
check "a region has as many accesses as it says" 500 "$(($(counter cpu0.loads) + $(counter cpu0.stores) - $(counter cpu0.splits)))"

# Functional warming leaves TLBs and caches as a detailed run does.
run -w workloads/zipf.yaml --populate --warmup 200000 --limit 20000
misses="$(counter cpu0.l1d_tlb.misses) $(counter cpu0.l2_tlb.misses) $(counter cpu0.l2.misses) $(counter cpu0.l1d.misses)"
run -w workloads/zipf.yaml --populate --roi 200000:220000 --sample-warmup 0
check "warming leaves TLBs and caches as a detailed run does" "$misses" \
	"$(counter cpu0.l1d_tlb.misses) $(counter cpu0.l2_tlb.misses) $(counter cpu0.l2.misses) $(counter cpu0.l1d.misses)"
run -w workloads/zipf.yaml --populate --roi 200000:220000 --sample-warmup 0 --sample-warming 0
cold=$(counter cpu0.l2_tlb.misses)
check "without warming they are cold" yes "$([ "$cold" -gt "${misses#* }" ] 2>/dev/null || [ "$cold" -gt "$(echo "$misses" | cut -d' ' -f2)" ] && echo yes)"

# So it does under policies that tell a second touch from a fill, or count touches, where both sides share the first TLB, and where an
# inclusive level takes lines from the first: every miss and eviction of the region is that of a detailed run in order.
counts() { tr ',{}' '\n\n\n' <"$dir/out.json" | grep -E '"cpu0\.[a-z0-9_]*\.(lookups|misses|fills|evictions|writebacks)": ' | grep -v walk_cache | cksum; }
as_detailed() { # as_detailed NAME RUN...
	name=$1
	shift
	"$STRATA" run -q --no-db --json "$@" --populate --warmup 50000 --limit 10000 >"$dir/out.json"
	detailed=$(counts)
	"$STRATA" run -q --no-db --json "$@" --populate --roi 50000:60000 --sample-warmup 0 >"$dir/out.json" 2>/dev/null
	check "warming is as a detailed run: $name" "$detailed" "$(counts)"
}
sqlite="--set core.model=in_order -w workloads/sqlite_lookup.stt"
for policy in lru srrip drrip ship chirp lfu; do
	as_detailed "$policy" $n1 $sqlite --set tlbs.l1d.policy=$policy --set tlbs.l1d.entries=16 --set tlbs.l1d.ways=16 --set tlbs.l2.policy=$policy \
		--set caches.l1d.policy=$policy --set caches.l1d.size=16K --set caches.l1i.policy=$policy
done
as_detailed "an inclusive second TLB" $n1 $sqlite --set tlbs.l2.inclusion=inclusive --set tlbs.l2.entries=20 --set tlbs.l2.ways=20
sed '/name: l1i,/d; s/name: l1d, level: 1, side: data/name: l1, level: 1, side: unified/; s/entries: 48, ways: 48/entries: 3, ways: 3/' \
	configs/machines/plain-lru.yaml >"$dir/unified.yaml"
as_detailed "a first TLB for both sides" -m "$dir/unified.yaml" $sqlite

# Markers of the workload.
{
	echo "strata-text 1"
	for i in 1 2 3; do echo "L 0x1${i}000 8 gap=1"; done
	echo "marker 0 1"
	for i in 4 5; do echo "L 0x1${i}000 8 gap=1"; done
	echo "marker 0 2"
	echo "L 0x16000 8 gap=1"
	echo "marker 0 1"
	echo "L 0x17000 8 gap=1"
	echo "end"
} >"$dir/markers.txt"
run -w "$dir/markers.txt" --roi markers
check "what lies between markers is counted, and no more" 3 "$(counter cpu0.loads)"
check "as two parts" 1 "$(grep -c '(2 measured parts)' "$dir/estimates")"
grep -v marker "$dir/markers.txt" >"$dir/none.txt"
run -w "$dir/none.txt" --roi markers
check "a workload without markers exits 2" 2 $?

# SimPoint: 10 intervals of 100000 instructions, of which two stand for all.
printf '2 0\n9 1\n' >"$dir/p"
printf '0.75 0\n0.25 1\n' >"$dir/w"
simpoints="--simpoints $dir/p --weights $dir/w --simpoint-length 100000"
part() { # part N: the CPI of interval N alone
	echo "$1 0" >"$dir/one"
	echo "1 0" >"$dir/one.w"
	run -w workloads/sqlite_lookup.stt --simpoints "$dir/one" --weights "$dir/one.w" --simpoint-length 100000
	awk '$1 == "cpi" { print $2 }' "$dir/estimates"
}
two=$(part 2) nine=$(part 9)
run -w workloads/sqlite_lookup.stt $simpoints
check "points are measured by instructions" yes "$(i=$(counter cpu0.instructions); [ "$i" -ge 200000 ] && [ "$i" -lt 200200 ] && echo yes)"
check "their estimate is weighted" yes "$(awk -v a="$two" -v b="$nine" '$1 == "cpi" { d = $2 - (0.75 * a + 0.25 * b); print (d < 0.01 && d > -0.01 ? "yes" : d) }' "$dir/estimates")"
check "and has no interval" "0 7" "$(grep -c '\.\.' "$dir/estimates") $(wc -l <"$dir/estimates")"
# The second round of a program of three phases, 40, 20 and 40 of 100 intervals: one of each stands for all of it, at its weight.
awk 'BEGIN {
	srand(5); print "strata-text 1"; print "lacks no_fetch"
	for (n = 0; n < 200; n++) for (k = 0; k < 1000; k++) {
		i = n % 100
		page = int(rand() * (i < 40 ? 30 : i < 60 ? 400 : 2000))
		printf "L %d 8 gap=1\n", 1073741824 + page * 4096 + page % 64 * 64
	}
	print "end 200000" }' >"$dir/phases.stt"
printf '120 0\n150 1\n180 2\n' >"$dir/p3"
printf '0.4 0\n0.2 1\n0.4 2\n' >"$dir/w3"
run -w "$dir/phases.stt" --populate --warmup 100000 && rates >"$dir/full"
run -w "$dir/phases.stt" --populate --simpoints "$dir/p3" --weights "$dir/w3" --simpoint-length 1000
check "weighted points say what the whole of a program of phases says, within 10 %" "" "$(awk 'FNR == NR { full[$1] = $2; next }
	$1 in full { seen++; d = $2 / full[$1] - 1; if (d > 0.1 || d < -0.1) printf "%s %s for %s; ", $1, $2, full[$1] }
	END { if (seen != 4) printf "%d metrics", seen }' "$dir/full" "$dir/estimates")"
printf '0.7 0\n0.2 1\n0.1 2\n' >"$dir/w3"
run -w "$dir/phases.stt" --populate --simpoints "$dir/p3" --weights "$dir/w3" --simpoint-length 1000
check "(wrong weights say something else)" yes "$(awk 'FNR == NR { full[$1] = $2; next } $1 == "cpu0.l2_tlb.misses" { print ($2 < full[$1] / 2 ? "yes" : $2 " for " full[$1]) }' "$dir/full" "$dir/estimates")"
echo "100 1" >>"$dir/p"
sed -i '2d' "$dir/p"
run -w workloads/sqlite_lookup.stt $simpoints
check "a point behind the end exits 2" 2 $?
check "and is named" 1 "$(grep -c 'before interval 100' "$dir/estimates")"

# What is stored.
"$STRATA" run -q --db "$dir/r.db" $n1 -w workloads/zipf.yaml --limit 100000 --sample 100:1000 >"$dir/printed"
check "estimates are stored as they are printed" "$(awk '$1 == "cpi" { print $2, $3, $5 }' "$dir/printed")" \
	"$(sqlite3 "$dir/r.db" "SELECT printf('%.4f %.4f %.4f', value, low, high) FROM estimate WHERE metric = 'cpi'")"
check "with the number of units and the confidence" "100|95.0" \
	"$(sqlite3 "$dir/r.db" "SELECT units, confidence FROM estimate WHERE metric = 'cpi'")"
for seed in 1 1 2; do run -w workloads/sequential.yaml --limit 100000 --set workload.footprint_bytes=1M --sample 100:1000 --seed $seed; cksum <"$dir/estimates"; done >"$dir/sums"
check "the seed decides where units lie" 2 "$(sort -u "$dir/sums" | wc -l)"

# It is faster, in instructions of the host: where there is valgrind, and a program that it can run (one with sanitizers it cannot).
if valgrind --tool=none "$STRATA" --version >/dev/null 2>&1; then
	work() { valgrind --tool=callgrind --callgrind-out-file="$dir/cg" "$STRATA" run -q --no-db --decode-thread=off $n1 \
		-w workloads/zipf.yaml --limit 200000 --set workload.footprint_bytes=256M "$@" >/dev/null 2>&1 && sed -n 's/^totals: //p' "$dir/cg"; }
	whole=$(work) some=$(work --sample 500:10000 --sample-warming 2000) none=$(work --sample 500:10000 --sample-warming 0)
	check "a sample with little warming takes fewer instructions than the whole run" yes "$([ "$((3 * some))" -lt "$((2 * whole))" ] && echo yes || echo "$some of $whole")"
	check "and without any less than half" yes "$([ "$((2 * none))" -lt "$whole" ] && echo yes || echo "$none of $whole")"
fi

for wrong in "--sample 5" "--sample 0:10" "--sample 11:10" "--roi 5:5" "--roi x" "--sample 1:2 --roi 1:2" "--simpoints $dir/p" "--weights $dir/w" \
	"--roi 1:2 --warmup 5" "--sample 1:2 --explain 3" "--sample 1:2 --check-maintenance" "--roi markers --sample-warming 5"; do
	run -w workloads/zipf.yaml --limit 1000 $wrong
	check "$wrong is refused" 2 $?
done
"$STRATA" run -q --no-db --json $n1 -w "$dir/none.txt" $simpoints >/dev/null 2>"$dir/estimates"
check "points of a workload that ends early are an error" 2 $?
