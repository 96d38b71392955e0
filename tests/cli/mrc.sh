# strata mrc as a user types it: the published counts of four real programs, what it costs, its forms of output, what is refused.
STRATA=${STRATA:-build/strata}
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
real=../shared/real/user trace=workloads/sqlite_lookup.stt

verdict() { if [ "$1" -eq 0 ]; then echo "ok - $2"; else echo "not ok - $2"; cat "$dir/out" "$dir/err" 2>/dev/null | head -20; fi; }
mrc() { "$STRATA" mrc "$@" >"$dir/out" 2>"$dir/err"; }
# The counts of a CSV on standard input: column 9, in one line.
misses() { tail -n +2 | cut -d, -f9 | tr '\n' ' '; }
says() { [ "$(misses <"$dir/out")" = "$1 " ]; } # says "COUNT COUNT ..."

# --- the table of ../shared/real/README.md: L1I and L1D of 48 entries; code and data pages are what a boundless TLB misses
program() { # program NAME L1I L1D CODE_PAGES DATA_PAGES
	mrc -w "$real/$1.mtr.zst" --side instruction,data --sizes 48,4194304 --csv && says "$2 $4 $3 $5"
	verdict $? "$1: misses of 48 entries and of a boundless TLB are as published"
}
program gzip 10 432 10 71
program mawk_random 9 218539 9 21508
program sort 11 33814 11 1235
program sqlite_lookup 35 8846 35 4526

# --- cost: user time of a curve and of one run of the plain LRU model on the same trace, in milliseconds
user_ms() { sh -c '"$@" >/dev/null 2>&1; times' sh "$@" | tail -n 1 | sed 's/m/ /g; s/s//g' | awk '{ printf "%d\n", 60000 * $1 + 1000 * $2 }'; }
run_ms=$(user_ms "$STRATA" run -q --no-db -m configs/machines/plain-lru.yaml -w $real/sort.mtr.zst)
mrc_ms=$(user_ms "$STRATA" mrc -w $real/sort.mtr.zst --sets 1,64,256)
[ "$run_ms" -gt 0 ] && [ "$mrc_ms" -le $((3 * run_ms)) ]
verdict $? "curves of 1, 64 and 256 sets take at most three times one run ($mrc_ms ms, a run $run_ms ms)"

# --- a made-up program with atomics, accesses across pages and three processes: what one simulation of 48 entries counts
awk 'BEGIN {
	srand(3); print "strata-text 1"; print "page 4096"; n = 0
	for (i = 0; i < 6000; i++) {
		a = int(rand() * rand() * 200) * 4096 + int(rand() * 512) * 8; k = rand()
		if (k < 0.2) printf "F %d %d\n", 4194304 + 4 * int(rand() * 20000), 1 + int(rand() * 1200)
		else if (k < 0.5) printf "L %d 8\n", 1073741824 + a
		else if (k < 0.7) printf "S %d 8\n", 1073741824 + a
		else if (k < 0.8) printf "L %d 16\n", 1073741824 + a - a % 4096 + 4092
		else if (k < 0.98) printf "%s %d 8\n", k < 0.86 ? "atomic" : k < 0.92 ? "ldxr" : "stxr", 1073741824 + a
		else { p = int(rand() * 3); printf "switch 0 %d arg=%d\n", p, p + 1 }
		n++
	}
	print "end " n
}' >"$dir/odd.stt"
"$STRATA" run -q --no-db --json -m configs/machines/plain-lru.yaml --set core.split_pages=yes -w "$dir/odd.stt" >"$dir/run" 2>"$dir/err"
one() { tr -d ' ",' <"$dir/run" | awk -F: -v k="cpu0.$1_tlb.misses" '$1 == k { print $2 }'; }
mrc -w "$dir/odd.stt" --side data,instruction --split-pages --sizes 48 --csv && [ "$(one l1d)" -gt 1000 ] && says "$(one l1d) $(one l1i)"
verdict $? '--split-pages, atomics and processes: misses are those of a run'

# --- a part of a program behind a warm-up: as a run counts it
"$STRATA" run -q --no-db --json -m configs/machines/plain-lru.yaml -w $trace --warmup 54321 --limit 100000 >"$dir/run" 2>"$dir/err"
last() { tr -d ' ",' <"$dir/run" | awk -F: -v k="cpu0.$1_tlb.misses" '$1 == k { n = $2 } END { print n }'; }
mrc -w $trace --side data,instruction --warmup 54321 --limit 100000 --sizes 48 --csv && [ "$(last l1d)" -gt 50 ] && says "$(last l1d) $(last l1i)"
verdict $? '--warmup and --limit are those of a run'

# --- forms
mrc -w $trace && grep -q '^sqlite_lookup  data' "$dir/out" && [ ! -s "$dir/err" ]
verdict $? 'text is a table'
mrc -w $trace --csv && [ "$(head -n 1 "$dir/out")" = "$(printf 'workload,side,page_bytes,policy,sets,ways,entries,accesses,misses,miss_ratio,standard_error\r')" ]
verdict $? 'CSV begins with the names of its columns'
awk -F, 'NR > 2 && !($9 < last) { bad = 1 } { last = $9 } END { exit bad || NR < 50 }' "$dir/out"
verdict $? 'and has one row for each size at which misses change'
mrc -w $trace --json && [ "$(grep -c '"entries": ' "$dir/out")" -eq "$(grep -c '"standard_error": null' "$dir/out")" ] && [ "$(head -c 1 "$dir/out")" = '[' ]
verdict $? 'JSON is an array, with null for the error of what is exact'
mrc -w $trace --side data,instruction --opt 16 --svg && grep -c '<path fill="none"' "$dir/out" | grep -qx 2 && grep -q '<circle' "$dir/out" && head -n 1 "$dir/out" | grep -q '^<svg ' && [ "$(tail -n 1 "$dir/out")" = '</svg>' ]
verdict $? '--svg is a picture with a line per curve and a dot per size of OPT'
mrc -w workloads/gups.yaml --set footprint_bytes=1M --set accesses=50000 --sizes 256 --csv && says 256
verdict $? 'a generator with settings: all its pages fit'
mrc -w $trace --page 4K,2M --sets 1,4 --sizes 16,18 --csv && [ "$(tail -n +2 "$dir/out" | wc -l)" -eq 6 ]
verdict $? 'a size that is no multiple of the sets has no row'
mrc -w $trace --sizes 16 --opt 16,48 --csv && tail -n +2 "$dir/out" | tr -d '\r' | awk -F, '{ m[$4 $7] = $9 } END { exit !(m["opt16"] > 0 && m["opt16"] < m["lru16"] && m["opt48"] <= m["opt16"]) }'
verdict $? '--opt has rows of its own, below those of LRU'
mrc -w $trace --sets 1,4,7 --sizes 48 --opt 48 --csv && tail -n +2 "$dir/out" | tr -d '\r' | awk -F, '{ m[$4 $5] = $9 } END { exit !(NR == 4 && m["opt1"] > 0 && m["opt1"] < m["opt4"] && m["opt4"] < m["lru4"]) }'
verdict $? 'of several sets, too: misses more than a fully associative one, less than LRU'
mrc -w $real/mawk_random.mtr.zst --sample 0.1 --sizes 16,1280 --csv && tail -n +2 "$dir/out" | tr -d '\r' | awk -F, '{ m[$7] = $9; e[$7] = $11 } END { exit !(m[16] == "" && e[16] == "" && m[1280] > 0 && e[1280] > 0) }'
verdict $? '--sample estimates with a standard error, and leaves empty what it cannot tell'
mrc -w $real/gzip.mtr.zst --sample 0.1 && grep -q 'tells nothing; 64 are needed' "$dir/err"
verdict $? 'and says when the sample is too small'

# --- refusals: exit 2, nothing on stdout
refuses() { # refuses NAME TEXT ARGUMENT...
	name=$1 text=$2
	shift 2
	mrc "$@"
	[ $? -eq 2 ] && [ ! -s "$dir/out" ] && grep -qF -- "$text" "$dir/err"
	verdict $? "$name"
}
refuses 'a workload is needed' '-w FILE is needed'
refuses 'a file that is not there is named' 'nowhere.stt' -w nowhere.stt
refuses 'a side that is none is refused' "--side: 'code' is none of data, instruction, both" -w $trace --side data,code
refuses 'a page size that is no power of two is refused' '--page: 5K is no power of two of at least 4K' -w $trace --page 4K,5K
refuses 'and one below 4K' '--page: 2K is no power of two of at least 4K' -w $trace --page 2K
refuses 'no sets are refused' '--sets: 0 is outside 1..' -w $trace --sets 0
refuses 'a size that no number of sets divides is refused' '--sizes: 6 entries are a multiple of no number of sets' -w $trace --sets 4 --sizes 8,6
refuses 'of OPT as well' '--opt: 6 entries are a multiple of no number of sets' -w $trace --sets 4 --opt 6
refuses 'a picture as JSON is refused' '--svg goes with neither' -w $trace --svg --json
refuses 'an empty word in a list is refused' "--sizes: '' is not a number" -w $trace --sizes 16,,48
refuses 'a rate above 1 is refused' "--sample: '1.5' is outside" -w $trace --sample 1.5
refuses 'a rate of 0 is refused' "--sample: '0' is outside" -w $trace --sample 0
refuses 'a rate that is no number is refused' "--sample: 'x' is outside" -w $trace --sample x
refuses 'samples of several sets are refused' 'sampled curves are fully associative' -w $trace --sets 1,4 --sample 0.5
refuses 'instructions of a stream without are refused' 'the stream lacks instruction fetches' -w workloads/gups.yaml --side instruction --set accesses=1000
refuses 'a workload that ends within the warm-up is refused' 'ends within the warm-up of 9000000 loads and stores' -w $trace --warmup 9000000
refuses 'settings for a trace are refused' 'is a trace, which has no parameters' -w $trace --set accesses=3
head -c 100000 $trace >"$dir/torn.stt"
refuses 'a torn trace is refused, with the place' 'at byte 99992' -w "$dir/torn.stt"
