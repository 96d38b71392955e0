#!/bin/sh
# strata conform --arch: recorded events of real hosts and guests against every shipped machine's TLBs.
STRATA=${STRATA:-build/strata}
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
check() { if [ "$2" = "$3" ]; then echo "ok - $1"; else echo "not ok - $1: expected '$2', came '$3'"; fi; }
replay() { "$STRATA" conform --arch "$@" >"$dir/out" 2>"$dir/err"; }
closing='^[0-9]* references, [0-9]* hits, [0-9]* misses, [0-9]* invalidations, 0 conflicts$'

replay "$dir"
check "a folder without a recording exits 2" 2 $?
check "and names what is missing" yes "$(grep -q "$dir/regs_start.json" "$dir/err" && echo yes)"
"$STRATA" conform -m configs/machines/neoverse-n1.yaml tests/data/vectors.jsonl >"$dir/out" 2>"$dir/err"
check "--machine without --arch exits 2" 2 $?

recordings=../shared/real/arch
for recording in "$recordings"/*/; do
	[ -d "$recording" ] || continue
	name=$(basename "$recording")
	replay "$recording"
	check "$name has no conflict" 0 $?
	check "and closes with the counts" 1 "$(tail -n 1 "$dir/out" | grep -c "$closing")"
	replay "$recording" -m configs/teaching/tiny.yaml
	check "$name has no conflict in the smallest TLBs" 0 $?
done
short=$recordings/arch_bench_nvhe
[ -d "$short" ] || exit 0

for machine in configs/machines/*.yaml; do
	replay "$short" -m "$machine"
	check "$(basename "$machine" .yaml) has no conflict" 0 $?
	check "and looked something up" yes "$(tail -n 1 "$dir/out" | grep -q '^[1-9][0-9]* references, [1-9]' && echo yes)"
done

cp -r "$short" "$dir/cut" && chmod -R u+w "$dir/cut"
head -c 9000 "$short/arch.txt.zst" >"$dir/cut/arch.txt.zst"
replay "$dir/cut"
check "a truncated recording exits 2" 2 $?
check "and is named" yes "$(grep -q 'arch.txt.zst: ends at offset 9000' "$dir/err" && echo yes)"

rm "$dir/cut/arch.txt.zst"
: >"$dir/cut/arch.txt"
replay "$dir/cut"
check "a recording without references exits 2" 2 $?
check "and says so" yes "$(grep -q 'cut/arch.txt.zst: holds no references$' "$dir/err" && echo yes)"
rm "$dir/cut/arch.txt"

# The rest rewrites the recording and needs the zstd program.
command -v zstd >/dev/null || exit 0
zstd -dcq "$short/arch.txt.zst" | grep -v '^T VALE1' | zstd -q >"$dir/cut/arch.txt.zst"
replay "$dir/cut"
check "a recording that lost its VALE1IS exits 1" 1 $?
check "and names the conflicts" yes "$(grep -q '^line [0-9]*: cpu [01] at EL' "$dir/out" && echo yes)"
