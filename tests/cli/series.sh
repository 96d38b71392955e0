#!/bin/sh
# Interval series as a user sees them: they change nothing, add up to the counters, stay within the limit, and are refused where they make no sense.
set -u
STRATA=${STRATA:-build/strata}
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
check() { if [ "$2" = "$3" ]; then echo "ok - $1"; else echo "not ok - $1: expected '$2', came '$3'"; cat "$dir/said"; fi; }
run() { "$STRATA" run -q "$@" 2>"$dir/said"; }
sql() { sqlite3 "$dir/$1.db" "$2"; }
one="-m configs/machines/neoverse-n1.yaml -s configs/stacks/kvm-4k.yaml -w workloads/gups.yaml --limit 30000 --warmup 2000"
four="-m configs/machines/kunpeng-920.yaml -s configs/stacks/kvm-4k.yaml -w workloads/gups.yaml --set stack.threads=4 --set workload.threads=4
	--set workload.footprint_bytes=16M --set workload.accesses=20000 --warmup 5000"
cold="-m configs/machines/kunpeng-920.yaml -s configs/stacks/mpam.yaml -w workloads/two-streams.yaml --set workload.accesses=3000"
paths="-m configs/machines/neoverse-n1.yaml -s configs/stacks/kvm-vhe-qemu.yaml -w workloads/micro/hypercall.yaml"

unequal="SELECT count(*) FROM (SELECT * FROM stat WHERE path NOT GLOB '*.csu_lines.*') AS t LEFT JOIN (SELECT run, path, sum(value) AS total FROM series GROUP BY 1, 2) AS s USING (run, path)
	WHERE t.region = 'measured' AND ifnull(s.total, 0) <> t.value"
unequal_hist="SELECT count(*) FROM hist AS h LEFT JOIN (SELECT run, path, sum(value) AS total FROM series GROUP BY 1, 2) AS s
	ON s.run = h.run AND s.path = h.path || '.sum' WHERE h.region = 'measured' AND ifnull(s.total, 0) <> h.sum"
for name in one four cold paths; do
	eval "files=\$$name"
	run --no-db --json $files >"$dir/without"
	run --db "$dir/$name.db" --json --interval 5000 --interval-limit 32 $files >"$dir/with"
	check "$name: the counters are those of a run without series" yes "$(cmp -s "$dir/without" "$dir/with" && echo yes)"
	check "$name: intervals of each counter add up to it" 0 "$(sql $name "$unequal")"
	check "$name: and of each histogram" 0 "$(sql $name "$unequal_hist")"
	check "$name: intervals are within the limit" 1 "$(sql $name 'SELECT count(*) BETWEEN 9 AND 32 FROM interval')"
	check "$name: they follow each other" 1 "$(sql $name 'SELECT count(*) FROM interval WHERE "begin" NOT IN (SELECT "end" FROM interval)')"
	check "$name: up to the end" 1 \
		"$(sql $name 'SELECT max("end") BETWEEN cycles AND cycles * 1.01 FROM interval JOIN region USING (run) WHERE region = '"'measured'")"
done
check "what is in an interval is what its time allows" 0 \
	"$(sql one "SELECT count(*) FROM series_point WHERE path = 'cpu0.access_cycles' AND value = 0")"
check "a run without series has none" "" "$(run --db "$dir/none.db" $one; sql none 'SELECT * FROM interval')"
run --no-db $one --interval 5000 --sample 100:1000
check "parts of a run have no series" "2 1" "$? $(grep -c -- '--interval divides all of the measured region' "$dir/said")"
run --no-db $one --interval 0
check "an interval has a cycle" "2 1" "$? $(grep -c -- '--interval: an interval has at least 1 cycle' "$dir/said")"
run --no-db $one --interval 5 --interval-limit 7
check "limits are even" "2 1" "$? $(grep -c -- "--interval-limit: '7' is no even number from 2 on" "$dir/said")"
check "the report of intervals runs" yes "$(sqlite3 "$dir/four.db" <reports/series.sql | grep -q 'cpu' && echo yes)"
