#!/bin/sh
# What exits cost: explain trap --costs, scenarios of workloads/micro, exits of ordinary runs in the database, published rows.
STRATA=${STRATA:-build/strata}
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
check() { if [ "$2" = "$3" ]; then echo "ok - $1"; else echo "not ok - $1: expected '$2', came '$3'"; fi; }
N1="-m configs/machines/neoverse-n1.yaml -s configs/stacks/kvm-vhe.yaml"

"$STRATA" explain trap mmio_user_read $N1 --costs >"$dir/table"
steps=$(awk '/^  cycles +ns$/ { exit } $1 ~ /^[0-9]+$/ { sum += $1 } END { print sum }' "$dir/table")
total=$(awk '$1 ~ /^[0-9]/ && $3 == "sum" { print $1 }' "$dir/table")
check "the steps of the table add up to its sum" "$total" "$steps"
for what in 'EL[0-3]$' 'bucket' 'path'; do
	check "so do its lines by $what" "$total" "$(sed -n '/^  cycles *ns$/,$p' "$dir/table" | grep -E "  $what" | awk '{ sum += $1 } END { print sum }')"
done
check "a running sum stands beside each step" "$total" "$(awk '/^  cycles +ns$/ { print last; exit } { last = $3 }' "$dir/table")"

run() { # run SCENARIO [OPTION...]
	scenario=$1
	shift
	"$STRATA" run -q --db "$dir/r.db" $N1 -w "workloads/micro/$scenario.yaml" --name "$scenario" "$@" 2>"$dir/err"
}
run mmio_read_user
check "a scenario's mean is the table's sum" "$total.0" \
	"$(sqlite3 "$dir/r.db" "SELECT mean FROM distribution WHERE path = 'vm0.vcpu0.operations.latency' AND region = 'measured'")"
check "repetitions are counted, warm-up apart" "1000 100" \
	"$(sqlite3 -separator ' ' "$dir/r.db" "SELECT m.count, w.count FROM distribution m, distribution w WHERE m.path = 'vm0.vcpu0.operations.latency' AND w.path = m.path AND m.region = 'measured' AND w.region = 'warmup'")"
check "the query of exits names VM, vCPU and reason" "vm0|*|DABT_LOW|1000 vm0|0|DABT_LOW|1000" \
	"$(sqlite3 "$dir/r.db" <reports/exits.sql | cut -d'|' -f3-6 | paste -sd' ')"
check "its quantiles are those of the distribution" "$(sqlite3 "$dir/r.db" "SELECT p50, p99 FROM distribution WHERE path = 'vm0.vcpu0.exits.DABT_LOW.latency' AND region = 'measured'")" \
	"$(sqlite3 "$dir/r.db" <reports/exits.sql | grep '|0|DABT' | cut -d'|' -f11-12)"
check "buckets add up to the cycles" 0 \
	"$(sqlite3 "$dir/r.db" "SELECT sum(c.cycles) - r.cycles FROM cycle_bucket c JOIN region r USING (run, region) WHERE region = 'measured'")"
run hvc --set workload.repetitions=7 --set workload.warmup=0
check "--set says how often" 7 "$(sqlite3 "$dir/r.db" "SELECT value FROM stat WHERE run = 2 AND region = 'measured' AND path = 'vm0.vcpu0.operations.count'")"

hash_of() { # of the stack's effective configuration with one number of a path changed
	mkdir -p "$dir/$1/stacks" && cp -r configs/hypervisors configs/vmms configs/guests configs/firmware "$dir/$1" && cp configs/stacks/kvm-vhe.yaml "$dir/$1/stacks"
	sed -i "s/instructions: 350, lines: 16/instructions: $2, lines: 16/" "$dir/$1/hypervisors/kvm-vhe.yaml"
	rm -f "$dir/h.db"
	"$STRATA" run -q --db "$dir/h.db" -m configs/machines/neoverse-n1.yaml -s "$dir/$1/stacks/kvm-vhe.yaml" -w workloads/micro/hvc.yaml
	sqlite3 "$dir/h.db" "SELECT config_hash FROM run"
}
same=$(hash_of a 350)
check "the same paths in another place are the same configuration" "$same" "$(hash_of b 350)"
check "another path is another one" yes "$([ "$same" != "$(hash_of c 351)" ] && echo yes)"

"$STRATA" run -q --no-db -m configs/machines/neoverse-n1.yaml -w workloads/micro/hvc.yaml 2>"$dir/err"
check "a scenario on a stack without paths exits 2" 2 $?
check "and says so" yes "$(grep -q 'no software paths' "$dir/err" && echo yes)"
printf 'operations: hvc jump\n' >"$dir/jump.yaml"
"$STRATA" run -q --no-db $N1 -w "$dir/jump.yaml" 2>"$dir/err"
check "an operation that there is not is refused with those that there are" yes "$(grep -q 'jump: no such operation; there are hvc' "$dir/err" && echo yes)"
run hvc --warmup 10
check "--warmup counts accesses, which a scenario has not" yes "$(grep -q 'workload.warmup' "$dir/err" && echo yes)"
"$STRATA" mrc -w workloads/micro/hvc.yaml >"$dir/out" 2>"$dir/err"
check "a scenario has no stream to read curves from" 2 $?
"$STRATA" explain trap hvc $N1 --costs --brief 2>/dev/null >/dev/null
check "two tables at once are refused" 2 $?

"$STRATA" check references/exits.yaml >"$dir/rows" 2>/dev/null
check "every published exit that docs/validation.md does not name as missed is within its tolerance" \
	"$(echo $(sed -n '/^### Known misses/,/^### Exits/s/^| `\([^`]*\)`.*/\1/p' docs/validation.md | grep -Fx "$(sed -n 's/^  - name: //p' references/exits.yaml)"))" "$(echo $(awk '$NF == "FAIL" { print $1 }' "$dir/rows"))"
