#!/bin/sh
# `strata trace`: what a user types, with exit codes, messages and conversions that lose nothing.
set -u
STRATA=${STRATA:-build/strata}
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
trace() { "$STRATA" trace "$@"; }
check() { if [ "$2" = "$3" ]; then echo "ok - $1"; else echo "not ok - $1: expected '$3', got '$2'"; fi; }
exit_of() { "$@" >"$dir/out" 2>"$dir/err"; echo $?; }

shipped=workloads/sqlite_lookup.stt
recording=../shared/real/user/sqlite_lookup.mtr.zst

check "trace --help exits 0" "$(exit_of trace --help)" 0
check "trace without a command exits 2" "$(exit_of trace)" 2
for command in info cat import export gen; do
	check "trace $command --help exits 0" "$(exit_of trace $command --help)" 0
done
check "gen --help names every generator" \
	"$(trace gen --help | grep -cE '^ *(uniform|sequential|stride|chase|zipf|tlb_mix|copy|mix): ')" 8

check "info on the shipped trace counts 2,000,000 accesses" \
	"$(trace info "$shipped" | awk '$1 == "accesses" {print $2}')" 2000000
check "info --json is JSON and agrees" \
	"$(trace info --json "$shipped" | tr -d ' \n' | grep -o '"accesses":[0-9]*')" '"accesses":2000000'
check "the shipped trace is below 1 MB" "$([ "$(wc -c <"$shipped")" -lt 1000000 ] && echo yes)" yes

trace import "$recording" --skip 10000000 --count 2000000 -o "$dir/cut.stt"
trace cat "$shipped" >"$dir/shipped.txt"
trace cat "$dir/cut.stt" >"$dir/cut.txt"
check "the shipped trace is the cut that workloads/README.md describes" "$(cmp "$dir/shipped.txt" "$dir/cut.txt" && echo same)" same

trace export --to text "$shipped" -o "$dir/all.txt"
trace import --from text "$dir/all.txt" -o "$dir/again.stt"
check "native to text to native loses nothing" "$(cmp "$dir/again.stt" "$dir/cut.stt" && echo same)" same
if command -v zstd >/dev/null; then
	zstd -q "$dir/all.txt" -o "$dir/all.txt.zst"
	trace import "$dir/all.txt.zst" -o "$dir/packed.stt"
	check "text may be compressed and is recognised" "$(cmp "$dir/packed.stt" "$dir/cut.stt" && echo same)" same
fi
trace export "$shipped" | trace import - -o "$dir/pipe.stt"
check "text may come through a pipe" "$(cmp "$dir/pipe.stt" "$dir/cut.stt" && echo same)" same

check "cat --from --count prints that part" \
	"$(trace cat "$shipped" --from 1000 --count 3 | grep -E '^[FLS] ')" "$(grep -E '^[FLS] ' "$dir/shipped.txt" | sed -n 1001,1003p)"
check "cat of a stream that is not there exits 2" "$(exit_of trace cat "$shipped" --stream 1)" 2
check "cat past the end prints no record" "$(trace cat "$shipped" --from 99999999 | tail -n 1)" "end 0"

trace gen zipf accesses=10000 footprint_bytes=1M theta_milli=900 threads=2 --seed 3 -o "$dir/z.stt"
check "gen writes as many accesses as asked for each thread" \
	"$(trace info "$dir/z.stt" | awk '$1 == "accesses" {print $2}' | tr '\n' ' ')" "10000 10000 "
trace export "$dir/z.stt" | trace import - -o "$dir/z2.stt"
check "two streams survive the text form" "$(cmp "$dir/z.stt" "$dir/z2.stt" && echo same)" same
trace gen mix accesses=5000 'mix=[{generator: chase, footprint_bytes: 1M}, {generator: uniform, weight: 3}]' -o "$dir/m.stt"
check "gen takes the children of a mixture" "$(trace info "$dir/m.stt" | grep -c 'mix.1.weight=3')" 1
printf 'generator: stride\nstride_bytes: 64K\naccesses: 77\n' >"$dir/w.yaml"
trace gen "$dir/w.yaml" accesses=78 -o "$dir/w.stt"
check "gen takes a workload file and settings on top" "$(trace info "$dir/w.stt" | awk '$1 == "L" {print $2}')" 78
check "gen with an unknown generator exits 2" "$(exit_of trace gen zipp -o "$dir/x.stt")" 2
check "gen with an unknown key exits 2" "$(exit_of trace gen uniform speed=9 -o "$dir/x.stt")" 2
check "gen with a value out of range exits 2" "$(exit_of trace gen uniform read_percent=101 -o "$dir/x.stt")" 2
check "gen with sizes that do not fit exits 2" "$(exit_of trace gen stride stride_bytes=3 -o "$dir/x.stt")" 2
check "and says which" "$(grep -c 'stride_bytes: 3 is not a multiple of 8' "$dir/err")" 1
check "gen without -o exits 2" "$(exit_of trace gen uniform)" 2

if command -v valgrind >/dev/null && valgrind --tool=lackey --trace-mem=yes --log-file="$dir/lackey.txt" true 2>/dev/null; then
	check "a log of lackey has its instructions, loads and stores" \
		"$(trace info "$dir/lackey.txt" | awk '$1 == "instructions" || $1 == "L" || $1 == "S" { n[$1] = $2 } END { print n["instructions"], n["L"], n["S"] }')" \
		"$(grep -c '^I' "$dir/lackey.txt") $(grep -c '^ [LM]' "$dir/lackey.txt") $(grep -c '^ [SM]' "$dir/lackey.txt")"
fi

head -c 100000 "$shipped" >"$dir/short.stt"
check "a truncated file exits 2" "$(exit_of trace info "$dir/short.stt")" 2
check "and names the byte" "$(grep -c 'at byte [0-9]*: truncated' "$dir/err")" 1
head -c 600000 "$recording" >"$dir/short.mtr.zst"
check "a truncated recording exits 2" "$(exit_of trace import "$dir/short.mtr.zst" -o "$dir/x.stt")" 2
check "and leaves no output" "$(ls "$dir" | grep -c '^x')" 0
check "a foreign file exits 2" "$(exit_of trace info Makefile)" 2
check "a missing file exits 2" "$(exit_of trace info "$dir/none")" 2
check "import --from what is no format exits 2" "$(exit_of trace import --from foo "$shipped" -o "$dir/x.stt")" 2
check "and names the formats" "$(grep -c "'foo' is no format; there are: native mtr1 text" "$dir/err")" 1
check "import --from the wrong format exits 2" "$(exit_of trace import --from text "$recording" -o "$dir/x.stt")" 2
trace export "$shipped" --skip 1999990 --count 100 >"$dir/tail.txt" 2>"$dir/err"
check "a window beyond the end is said to be short" "$(grep -c 'ends before the window' "$dir/err")" 1
check "a place that cannot be written exits 3" "$(exit_of trace gen uniform accesses=10 -o "$dir/no/x.stt")" 3
mkfifo "$dir/pipe"
check "a place that is no regular file is refused" "$(exit_of trace gen uniform accesses=10 -o "$dir/pipe")" 2
check "and left as it is" "$([ -p "$dir/pipe" ] && echo pipe)" pipe
echo before >"$dir/kept.txt"
"$STRATA" trace export "$shipped" | sed '300000,$s/^L/Q/' >"$dir/torn.txt"
check "an export that fails exits 2" "$(exit_of trace export "$dir/torn.txt" -o "$dir/kept.txt")" 2
check "and what was there stays" "$(cat "$dir/kept.txt")" before
if [ -w /dev/full ]; then
	check "a full disk behind standard output exits 3" "$(trace cat "$shipped" >/dev/full 2>"$dir/err"; echo $?)" 3
fi
