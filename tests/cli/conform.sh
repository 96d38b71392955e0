# strata conform: counts, exit codes, messages.
STRATA=${STRATA:-build/strata}
tmp=$(mktemp -d) && trap 'rm -rf "$tmp"' EXIT
data=tests/data/vectors.jsonl
check() { if [ "$2" = "$3" ]; then echo "ok - $1"; else echo "not ok - $1: expected '$2', came '$3'"; fi; }

"$STRATA" conform $data >"$tmp/out" 2>"$tmp/err"
check "vectors that agree exit 0" 0 $?
check "and close with the count" "$(wc -l <$data) passed, 0 failed" "$(tail -n 1 "$tmp/out")"

sed '3s/"par":"[^"]*"/"par":"0x123456789000"/' $data >"$tmp/wrong.jsonl"
"$STRATA" conform "$tmp/wrong.jsonl" >"$tmp/out" 2>"$tmp/err"
check "a case that differs exits 1" 1 $?
check "and is counted" "$(($(wc -l <$data) - 1)) passed, 1 failed" "$(tail -n 1 "$tmp/out")"
check "what was expected is printed" 1 "$(grep -c 'PAR_EL1 under par_mask: expected' "$tmp/out")"
check "with the walk" yes "$(grep -q 'stage 1 of 0x.* level' "$tmp/out" && echo yes)"

{ head -n 1 $data; echo '{"id": 3}'; } >"$tmp/bad.jsonl"
"$STRATA" conform "$tmp/bad.jsonl" >"$tmp/out" 2>"$tmp/err"
check "a malformed line exits 2" 2 $?
check "and is named" yes "$(grep -q 'bad.jsonl:2: id: a whole number' "$tmp/err" && echo yes)"

: >"$tmp/empty.jsonl"
"$STRATA" conform "$tmp/empty.jsonl" >"$tmp/out" 2>"$tmp/err"
check "an empty file exits 2" 2 $?
"$STRATA" conform "$tmp/absent.jsonl" >"$tmp/out" 2>"$tmp/err"
check "an absent file exits 2" 2 $?
"$STRATA" conform >"$tmp/out" 2>"$tmp/err"
check "no file exits 2" 2 $?
"$STRATA" conform --help >"$tmp/out" 2>"$tmp/err"
check "--help exits 0" 0 $?

sed 's/$/\r/' $data >"$tmp/crlf.jsonl"
"$STRATA" conform "$tmp/crlf.jsonl" >"$tmp/out" 2>"$tmp/err"
check "lines may end in CR LF" "$(wc -l <$data) passed, 0 failed" "$(tail -n 1 "$tmp/out")"

snapshots=../shared/real/snapshots
for dir in "$snapshots"/*/; do
	[ -d "$dir" ] || continue
	"$STRATA" conform --snapshot "$dir" >"$tmp/out" 2>"$tmp/err"
	check "snapshot $(basename "$dir") agrees" 0 $?
	check "and thousands of lines were answered" yes \
		"$(tail -n 1 "$tmp/out" | grep -q '^[0-9]\{4,\} passed, 0 failed$' && echo yes)"
done
dir=$snapshots/linux_nvhe_guest1_guest1
[ -d "$dir" ] || exit 0

cp -r "$dir" "$tmp/snap" && chmod -R u+w "$tmp/snap"
head -c 9000 "$dir/tables.bin.zst" >"$tmp/snap/tables.bin.zst"
"$STRATA" conform --snapshot "$tmp/snap" >"$tmp/out" 2>"$tmp/err"
check "truncated tables exit 2" 2 $?
check "and are named" yes "$(grep -q 'tables.bin.zst: ends at offset 9000' "$tmp/err" && echo yes)"

# The rest rewrites truth.txt.zst and needs the zstd program.
command -v zstd >/dev/null || exit 0
zstd -q $data -o "$tmp/packed.jsonl.zst"
"$STRATA" conform "$tmp/packed.jsonl.zst" >"$tmp/out" 2>"$tmp/err"
check "vectors may be compressed" "$(wc -l <$data) passed, 0 failed" "$(tail -n 1 "$tmp/out")"
mkdir "$tmp/plain" && cp "$dir/regs.json" "$tmp/plain/"
zstd -dq "$dir/tables.bin.zst" -o "$tmp/plain/tables.bin"
zstd -dcq "$dir/truth.txt.zst" | sed 's/$/\r/' >"$tmp/plain/truth.txt"
"$STRATA" conform --snapshot "$tmp/plain" >"$tmp/out" 2>"$tmp/err"
check "a snapshot may be unpacked" 0 $?
rm "$tmp/plain/truth.txt"
"$STRATA" conform --snapshot "$tmp/plain" >"$tmp/out" 2>"$tmp/err"
check "one without answers exits 2" 2 $?
check "and names the file" yes "$(grep -q 'plain/truth.txt.zst: No such file' "$tmp/err" && echo yes)"

cp "$dir/tables.bin.zst" "$tmp/snap/"
zstd -dcq "$dir/truth.txt.zst" | sed '5s/[0-9a-f-]*$/123456789/' | zstd -q >"$tmp/snap/truth.txt.zst"
"$STRATA" conform --snapshot "$tmp/snap" >"$tmp/out" 2>"$tmp/err"
check "a snapshot that differs exits 1" 1 $?
check "and says which line" 1 "$(grep -c 'expected (cpu el pan va pa).*123456789' "$tmp/out")"

zstd -dcq "$dir/truth.txt.zst" | sed '5s/ /,/' | zstd -q >"$tmp/snap/truth.txt.zst"
"$STRATA" conform --snapshot "$tmp/snap" >"$tmp/out" 2>"$tmp/err"
check "a malformed truth exits 2" 2 $?
check "and is named" yes "$(grep -q 'truth.txt.zst:5: not of the form' "$tmp/err" && echo yes)"

for wrong in "0 1 0 ffffffffffffffffff -:va 'ffffffffffffffffff' is no address" "0 1 0 -1 -:va '-1' is no address" \
	"0 1 0 1000 10000000000000000:pa '10000000000000000' is neither an address" "0 1 0 1000 12g:pa '12g' is neither an address"; do
	zstd -dcq "$dir/truth.txt.zst" | sed "5s/.*/${wrong%%:*}/" | zstd -q >"$tmp/snap/truth.txt.zst"
	"$STRATA" conform --snapshot "$tmp/snap" >"$tmp/out" 2>"$tmp/err"
	check "'${wrong%%:*}' exits 2" 2 $?
	check "and is named" yes "$(grep -q "truth.txt.zst:5: ${wrong#*:}" "$tmp/err" && echo yes)"
done
