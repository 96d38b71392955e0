# Decoding on a thread of its own changes no result and no message.
STRATA=${STRATA:-build/strata}
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
check() { if [ "$2" = "$3" ]; then echo "ok - $1"; else echo "not ok - $1: expected '$2', came '$3'"; fi; }

# same NAME OPTION...: both ways print the same counters
same() {
	name=$1
	shift
	for when in on off; do
		"$STRATA" run -q --no-db --json --decode-thread=$when -m configs/machines/neoverse-n1.yaml "$@" >"$dir/$when" 2>&1
		echo "exit $?" >>"$dir/$when"
	done
	check "$name" "$(cksum <"$dir/off")" "$(cksum <"$dir/on")"
}
same "a trace" -w workloads/sqlite_lookup.stt
check "which ended well" "exit 0" "$(tail -n 1 "$dir/on")"
same "a generator" -w workloads/zipf.yaml --warmup 10000 --limit 100000
same "a trace that is mapped ahead" -w workloads/sqlite_lookup.stt --populate
same "processes that share the core" -w workloads/zipf.yaml --limit 100000 --set stack.os.processes=3 --set stack.os.switch_every=1000
head -c 100000 workloads/sqlite_lookup.stt >"$dir/torn.stt"
same "a torn trace" -w "$dir/torn.stt"
check "which is an error of the input" "exit 2" "$(tail -n 1 "$dir/on")"
{ echo "strata-text 1"; for i in 1 2 3; do echo "L 0x10000 8"; done; echo "nonsense"; } >"$dir/bad.txt"
same "a bad line" -w "$dir/bad.txt"
check "which is named" 1 "$(grep -c nonsense "$dir/on")"
"$STRATA" run -q --no-db --decode-thread=maybe -m configs/machines/neoverse-n1.yaml -w workloads/zipf.yaml 2>"$dir/err"
check "another word is refused" 2 $?
