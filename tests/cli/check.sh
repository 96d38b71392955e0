#!/bin/sh
# strata check as a user types it: known misses of the shipped references, verdicts, exit codes, JUnit, what is refused.
STRATA=${STRATA:-build/strata}
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT

verdict() { if [ "$1" -eq 0 ]; then echo "ok - $2"; else echo "not ok - $2"; cat "$dir/out" "$dir/err" 2>/dev/null | head -20; fi; }
check() { "$STRATA" check "$@" >"$dir/out" 2>"$dir/err"; }
last() { tail -n 1 "$dir/out"; }

# --- what is shipped: the rows that fail are those that docs/validation.md lists, no more and no fewer. The page shows a run of all (docs.sh)
awk '/^row  *measured/, /^```/' docs/validation.md >"$dir/page"
awk '$NF == "FAIL" { print $1 }' "$dir/page" | sort >"$dir/misses"
sed -n '/^### Known misses/,/^##* [^K]/s/^| `\([^`]*\)`.*/\1/p' docs/validation.md | sort >"$dir/known"
[ -s "$dir/known" ] && diff "$dir/known" "$dir/misses" >"$dir/err"
verdict $? 'the rows that fail are the known misses of docs/validation.md'
grep -q "^[0-9]* passed, $(wc -l <"$dir/known" | tr -d ' ') failed$" "$dir/page"
verdict $? 'and the closing line counts them'
names() { grep -h '^  - name: ' "$@" | wc -l; }
[ "$(grep -cE '  (pass|FAIL|fitted|not gated)$' "$dir/page")" -eq "$(names references/*.yaml)" ]
verdict $? 'the page shows every row'

# --- a folder, and JUnit: every opened element is closed, one case per row
mkdir "$dir/folder"
for file in irq tlb; do sed "s#\.\./#$(pwd)/#" "references/$file.yaml" >"$dir/folder/$file.yaml"; done
check "$dir/folder" --junit "$dir/all.xml"
[ $? -eq 1 ] && last | grep -qE '^[0-9]+ passed, [0-9]+ failed$'
verdict $? 'a folder of references is run whole'
[ "$(grep -c '<testcase ' "$dir/all.xml")" -eq "$(names "$dir"/folder/*.yaml)" ] && [ "$(grep -c '<failure ' "$dir/all.xml")" -eq "$(grep -c ' FAIL$' "$dir/out")" ]
verdict $? 'JUnit has a test case per row and a failure per miss'
balanced() { # balanced FILE: tags nest
	tr '\n' ' ' <"$1" | sed 's/<?[^>]*?>//' | grep -oE '<[^>]*>' | awk '
		/\/>$/ { next }
		/^<\// { gsub(/[<\/>]/, ""); if (stack[depth--] != $1) bad = 1; next }
		{ sub(/^</, ""); sub(/[ >].*/, ""); stack[++depth] = $0; seen = 1 }
		END { exit bad || depth || !seen }'
}
balanced "$dir/all.xml" && { ! command -v xmllint >/dev/null || xmllint --noout "$dir/all.xml"; }
verdict $? 'and is well formed'

# --- a small file of our own: pass, FAIL when tampered with, fitted, not gated
root=$(pwd)
row() { # row NAME PUBLISHED KEY: VALUE...
	printf '  - name: %s\n    published: %s\n' "$1" "$2"
	cat <<-END
	    machine: $root/configs/machines/neoverse-n1.yaml
	    workload: $root/workloads/chase.yaml
	    sets: stack.os.thp=always workload.footprint_bytes=16K workload.instruction_gap=1 workload.accesses=3000
	    warmup: 1000
	    statistic: cycles
	    tolerance: 5%
	    unit: cycles
	    source: 'a "test" & <nothing> else'
	END
	shift 2
	for line; do echo "    $line"; done
}
file() { echo 'rows:'; cat; }
row right 4 'confidence: V1' | file >"$dir/right.yaml"
check "$dir/right.yaml" && [ "$(last)" = '1 passed, 0 failed' ] && grep -q '^mean error 0.0 % over 1 validation rows' "$dir/out"
verdict $? 'a row that the model shows passes, with exit code 0'
row wrong 5 'confidence: V1' | file >"$dir/wrong.yaml"
check "$dir/wrong.yaml" --junit "$dir/wrong.xml"
[ $? -eq 1 ] && [ "$(last)" = '0 passed, 1 failed' ] && grep -q '^wrong .* 4.00 .* -20.0  5%  *FAIL$' "$dir/out"
verdict $? 'a figure that was tampered with fails, with exit code 1'
balanced "$dir/wrong.xml" && grep -q '&quot;test&quot; &amp; &lt;nothing&gt;' "$dir/wrong.xml" && [ "$(ls "$dir" | grep -c '^wrong.xml')" -eq 1 ]
verdict $? 'and stands in JUnit, escaped, with nothing left beside it'
row set 4 'confidence: V1' 'kind: fitted' | file >"$dir/set.yaml"
check "$dir/set.yaml" && [ "$(last)" = '0 passed, 0 failed' ] && grep -q '^1 fitted, 0 not gated' "$dir/out"
verdict $? 'a fitted row is not counted as passed'
row remembered 900 | file >"$dir/remembered.yaml"
check "$dir/remembered.yaml" && grep -q 'not gated$' "$dir/out" && [ "$(last)" = '0 passed, 0 failed' ]
verdict $? 'a figure from memory is not gated'
row less 0 'confidence: V1' 'minus: workload.footprint_bytes=8K' | file >"$dir/less.yaml"
check "$dir/less.yaml" && [ "$(last)" = '1 passed, 0 failed' ]
verdict $? 'minus takes off what a second run gives'
row half 50 'confidence: V1' 'statistic: cpu0.l1d.hits -cpu0.l1d.misses cycles -cycles' 'over: cpu0.l1d.hits cpu0.l1d.hits' 'times: 100' | sed '/statistic: cycles/d' | file >"$dir/half.yaml"
check "$dir/half.yaml" && grep -q '^half .* 50.00 ' "$dir/out" && [ "$(last)" = '1 passed, 0 failed' ]
verdict $? 'counters are added and taken off, and quotients multiplied'
row walks 0 'confidence: V1' 'statistic: cpu0.walker.walk_cycles' | sed '/statistic: cycles/d' | file >"$dir/walks.yaml"
check "$dir/walks.yaml"
verdict $? 'of a distribution the sum is meant'
# Where pages lie differs from try to try, and with it how many of a cache's sets are too full.
try() { # try WHICH: what a row of three tries in scattered pages gives
	row tries 1 'confidence: V1' 'tries: 3' "of_tries: $1" |
		sed 's/thp=always workload.footprint_bytes=16K/placement=scattered workload.footprint_bytes=1M/; s/accesses=3000/accesses=30000/; s/warmup: 1000/warmup: 17000/' | file >"$dir/try.yaml"
	"$STRATA" check "$dir/try.yaml" --json 2>/dev/null | sed -n 's/.*"model": \([0-9.]*\).*/\1/p'
}
mean=$(try mean) least=$(try least)
[ -n "$mean" ] && awk -v mean="$mean" -v least="$least" 'BEGIN { exit !(least > 4 && least < mean) }'
verdict $? 'several tries differ, and their mean or the least counts'
row bytes 64 'confidence: V1' 'knee: {key: workload.footprint_bytes, step_bytes: 1K, from: 32, to: 96}' | sed 's/accesses=3000/accesses=20000/; s/warmup: 1000/warmup: 4000/' | file >"$dir/knee.yaml"
check "$dir/knee.yaml" && grep -q '^bytes .* 64.00 ' "$dir/out"
verdict $? 'a knee is found: the 64 KiB of the L1 data cache'
"$STRATA" check "$dir/right.yaml" "$dir/wrong.yaml" --json >"$dir/out" 2>"$dir/err"
[ $? -eq 1 ] && [ "$(grep -c '"verdict": "' "$dir/out")" -eq 2 ] && grep -q '^1 passed, 1 failed' "$dir/err"
verdict $? '--json prints the rows as JSON, and the sums on standard error'

# --- refusals: exit 2, nothing on stdout, the place named
refuses() { # refuses NAME TEXT ARGUMENT...
	name=$1 text=$2
	shift 2
	check "$@"
	[ $? -eq 2 ] && [ ! -s "$dir/out" ] && grep -qF -- "$text" "$dir/err"
	verdict $? "$name"
}
refuses 'a file is needed' 'FILE is needed'
refuses 'a file that is not there is named' 'nowhere.yaml' nowhere.yaml
mkdir "$dir/empty"
refuses 'a folder without references is refused' "no *.yaml in this folder" "$dir/empty"
echo 'rows: 5' >"$dir/bad.yaml"
refuses 'rows that are no list are refused with the place' 'bad.yaml:1:' "$dir/bad.yaml"
row typo 4 'statistc: cycles' | file >"$dir/typo.yaml"
refuses 'an unknown key is refused' 'statistc' "$dir/typo.yaml"
sed 's/statistic: cycles/statistic: cpu0.nothing/' "$dir/right.yaml" >"$dir/counter.yaml"
refuses 'a statistic that is none is refused, with the row' "counter.yaml: right: 'cpu0.nothing' is no counter" "$dir/counter.yaml"
sed 's/neoverse-n1/abacus/' "$dir/right.yaml" >"$dir/machine.yaml"
refuses 'a machine that is not there is named' 'abacus.yaml' "$dir/machine.yaml"
check "$dir/right.yaml" --junit "$dir/none/x.xml"
[ $? -eq 3 ] && grep -q 'none/x.xml: cannot be written' "$dir/err"
verdict $? 'JUnit that cannot be written is exit code 3'
