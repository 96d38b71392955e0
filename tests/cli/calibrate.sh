#!/bin/sh
# strata calibrate as a user types it: recovery, the overlay and what strata check makes of it, keys of a stack, what is refused.
STRATA=${STRATA:-build/strata}
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
root=$(pwd)

verdict() { if [ "$1" -eq 0 ]; then echo "ok - $2"; else echo "not ok - $2"; cat "$dir/out" "$dir/err" 2>/dev/null | head -20; fi; }
calibrate() { "$STRATA" calibrate "$@" >"$dir/out" 2>"$dir/err"; }
row() { # row NAME PUBLISHED SETS [KEY: VALUE]...
	printf '  - name: %s\n    published: %s\n    sets: workload.instruction_gap=1 workload.accesses=14000 %s\n' "$1" "$2" "$3"
	cat <<-END
	    machine: $root/configs/machines/neoverse-n1.yaml
	    workload: $root/workloads/chase.yaml
	    warmup: 9000
	    limit: 4000
	    statistic: cycles
	    unit: cycles
	    tolerance: 5%
	    source: made by the model
	    confidence: V1
	END
	shift 3
	for key; do printf '    %s\n' "$key"; done
}
small='stack.os.thp=always workload.footprint_bytes=16K'
large='stack.os.thp=always workload.footprint_bytes=256K'

# A load costs as many cycles as the cache has it hit: 7 and 23 are what a machine with these numbers would show.
{ echo 'rows:'; row one 7 "$small"; row two 23 "$large"; row three 7.2 "$small"; } >"$dir/rows.yaml"
calibrate "$dir/rows.yaml" --fit caches.l1d.hit_cycles,caches.l2.hit_cycles --rows 'one,t?o' -o "$dir/fit.yaml" &&
	grep -qE '^machine.caches.l1d.hit_cycles +4 +7 ' "$dir/out" && grep -qE '^machine.caches.l2.hit_cycles +11 +23 ' "$dir/out"
verdict $? 'the cycles that made the figures are found'
grep -qE '^one .* fitted +fitted$' "$dir/out" && grep -qE '^three .* check +pass$' "$dir/out"
verdict $? 'rows are shown as fitted, or as a check'
grep -q '^2 keys fitted to 2 rows; chi2 .* after; condition number' "$dir/out"
verdict $? 'the closing line sums up'

"$STRATA" params -m configs/machines/neoverse-n1.yaml --overlay "$dir/fit.yaml" --provenance >"$dir/out" 2>"$dir/err" &&
	grep -E '^machine.caches.l2.hit_cycles +23 ' "$dir/out" | grep -q 'fitted .*2 keys fitted to 2 rows: one, two'
verdict $? 'the overlay tags its numbers as fitted, with their rows'
"$STRATA" check "$dir/rows.yaml" >"$dir/out" 2>"$dir/err"
[ $? -eq 1 ] && tail -n 1 "$dir/out" | grep -q '^0 passed, 3 failed'
verdict $? 'without it the rows fail'
"$STRATA" check "$dir/rows.yaml" --overlay "$dir/fit.yaml" >"$dir/out" 2>"$dir/err" && [ "$(grep -c ' fitted$' "$dir/out")" -eq 2 ] &&
	tail -n 1 "$dir/out" | grep -q '^1 passed, 0 failed'
verdict $? 'with it the rows of the fit count as fitted, and another passes'
sed 's/^name: .*/name: "another"/' "$dir/fit.yaml" >"$dir/another.yaml"
"$STRATA" check "$dir/rows.yaml" --overlay "$dir/another.yaml" >"$dir/out" 2>"$dir/err"
[ $? -eq 1 ] && tail -n 1 "$dir/out" | grep -q '^0 passed, 3 failed'
verdict $? 'an overlay for another machine is not used'
grep -q "another.yaml: is not used: no row runs on a machine of the name" "$dir/err"
verdict $? 'and that is said'

cp "$dir/fit.yaml" "$dir/first.yaml"
calibrate "$dir/rows.yaml" --fit caches.l1d.hit_cycles,caches.l2.hit_cycles --rows one,two -o "$dir/fit.yaml" && cmp -s "$dir/first.yaml" "$dir/fit.yaml"
verdict $? 'the same fit writes the same bytes'
calibrate "$dir/rows.yaml" --fit caches.l1d.hit_cycles --rows one --overlay "$dir/fit.yaml" && grep -qE '^machine.caches.l1d.hit_cycles +7 +7 ' "$dir/out"
verdict $? 'a fit may begin with an overlay'
calibrate "$dir/rows.yaml" --fit caches.l1d.hit_cycles --rows one --json && [ "$(head -c 9 "$dir/out")" = '{"keys": ' ] && [ "$(tail -n 1 "$dir/out")" = '}' ] &&
	grep -q '"standard_error": ' "$dir/out" && grep -q '"verdict": "fitted"' "$dir/out" && grep -q '^1 key fitted to 1 row; ' "$dir/err"
verdict $? '--json prints keys and rows as JSON, and the sums on standard error'

# --- the stack: every access faults at stage 2
hyp="stack: $root/configs/stacks/kvm-4k.yaml"
faults='stack.os.thp=never workload.footprint_bytes=64M workload.item_bytes=4K'
{ echo 'rows:'; row fault 9000 "$faults" "$hyp" 'populate: no'; } | sed '/warmup:/d' >"$dir/stack.yaml"
calibrate "$dir/stack.yaml" --fit stack.hypervisors.0.fault_cycles -o "$dir/stack-fit.yaml" && ! grep -q 'not fitted' "$dir/out" &&
	"$STRATA" check "$dir/stack.yaml" --overlay "$dir/stack-fit.yaml" >"$dir/out" 2>"$dir/err" && grep -q '^fault .* fitted$' "$dir/out"
verdict $? 'a number of a hypervisor is fitted, written and read back'
sed 's/  name: .*/  name: "another"/' "$dir/stack-fit.yaml" >"$dir/another.yaml"
! "$STRATA" check "$dir/stack.yaml" --overlay "$dir/another.yaml" >"$dir/out" 2>"$dir/err" && grep -q '^fault .* FAIL$' "$dir/out"
verdict $? 'and is not used for another stack'

# --- refusals
refuses() { # refuses STATUS NAME TEXT ARGUMENT...
	want=$1 name=$2 text=$3
	shift 3
	rm -f "$dir/none.yaml"
	calibrate "$@" -o "$dir/none.yaml"
	[ $? -eq "$want" ] && [ ! -e "$dir/none.yaml" ] && grep -qF -- "$text" "$dir/err"
	verdict $? "$name"
}
refuses 2 'a key is needed' '--fit KEY is needed' "$dir/rows.yaml"
refuses 2 'a file is needed' 'FILE is needed' --fit core.width
refuses 2 'an unknown key is refused, with a near one' "did you mean 'machine.core.width'" "$dir/rows.yaml" --fit core.widht
refuses 2 'more keys than rows are refused' '2 keys need 2 rows' "$dir/rows.yaml" --rows one --fit core.width,core.rob
refuses 2 'a key without influence is named' 'machine.tlbs.l1i.hit_cycles: has no influence' "$dir/rows.yaml" --rows one --fit tlbs.l1i.hit_cycles
refuses 1 'keys that act alike are named, and nothing is written' \
	'machine.caches.l1d.hit_cycles and machine.tlbs.l1d.hit_cycles: the rows do not tell them apart' "$dir/rows.yaml" --rows one,three \
	--fit caches.l1d.hit_cycles,tlbs.l1d.hit_cycles
sed 's/confidence: V1/confidence: M/' "$dir/rows.yaml" >"$dir/memory.yaml"
refuses 2 'a figure from memory is not fitted to' 'one is from memory' "$dir/memory.yaml" --fit core.width --rows one
calibrate "$dir/rows.yaml" --fit caches.l1d.hit_cycles --rows one -o "$dir/none/x.yaml"
[ $? -eq 3 ] && grep -q 'none/x.yaml: cannot be written' "$dir/err" && [ ! -s "$dir/out" ]
verdict $? 'an overlay that cannot be written is exit code 3'
