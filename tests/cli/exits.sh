#!/bin/sh
# Recorded exceptions: the log of an emulator and the kernel's own trace text, imported and replayed, give the exits of the recording, in
# its order. What is expected is taken from the logs by awk, not by the importers.
set -u
STRATA=${STRATA:-build/strata}
BENCH=../shared/real/bench
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
same() { if cmp -s "$2" "$3"; then echo "ok - $1 ($(wc -l <"$2") lines)"; else echo "not ok - $1"; diff "$2" "$3" | head -n 6; fi; }
check() { if [ "$2" = "$3" ]; then echo "ok - $1"; else echo "not ok - $1: expected '$3', came '$2'"; fi; }

# Exceptions of one CPU as "FROM>TO pc=ELR esr=ESR"; of interrupts the log's ESR is an old one.
log_exceptions() {
	zstd -dcq "$1" | awk -v cpu="$2" '
		/^Taking exception/ { on = $NF == cpu; sync = $3 != 5 && $3 != 14 }
		on && /^...from EL/ { split($0, w, /EL/); levels = substr(w[2], 1, 1) ">" w[3] }
		on && /^...with ESR/ { split($3, w, "/"); esr = sync ? w[2] : "0x0" }
		on && /^...with ELR/ { print levels, "pc=" $3, "esr=" esr }'
}
# The same of the imported trace, replayed.
replayed() { "$STRATA" explain exits "$1" --stream "$2" 2>/dev/null | grep -v '^ret' | sed 's/^[a-z_0-9]*://; s/ vector=.*//'; }

for d in bench_vhe_icount bench_nvhe_icount; do
	for log in int.0.log int_gic.1.log; do
		"$STRATA" trace import "$BENCH/$d/$log.zst" -o "$dir/log.stt" >/dev/null 2>&1
		for cpu in 0 1; do
			log_exceptions "$BENCH/$d/$log.zst" $cpu >"$dir/want"
			replayed "$dir/log.stt" $cpu >"$dir/got"
			same "$d/$log: exceptions of CPU $cpu come back in order" "$dir/want" "$dir/got"
		done
	done
	text=$BENCH/$d/ftrace_bench.txt.zst
	"$STRATA" trace import "$text" -o "$dir/ftrace.stt" >/dev/null 2>&1
	for stream in 0 1; do
		thread=$(zstd -dcq "$text" | grep -a ': kvm_e[nx]' | awk '{ print $1 }' | awk '!seen[$0]++' | sed -n "$((stream + 1))p")
		zstd -dcq "$text" | awk -v thread="$thread" '$1 == thread && / kvm_exit: / { sub(/.*kvm_exit: /, ""); print }' |
			sed 's/^\([A-Z]*\): HSR_EC: 0x\([0-9a-f]*\) .*PC: 0x0*\([0-9a-f]*\)$/\1 \2 \3/' >"$dir/want"
		"$STRATA" explain exits "$dir/ftrace.stt" --stream $stream 2>/dev/null | grep -v '^ret' |
			awk '{ irq = $1 ~ /^irq/; sub(/pc=0x/, "", $2); sub(/esr=0x/, "", $3); ec = substr($3, 1, length($3) - 6)
				print irq ? "IRQ" : "TRAP", irq ? "0" : ec, $2 }' >"$dir/raw"
		# What is left of the syndrome is its top byte: the class is bits 31:26, IL is bit 25.
		while read -r why top pc; do
			[ "$why" = IRQ ] && ec=0 || ec=$((0x$top >> 2))
			printf '%s %04x %s\n' "$why" "$ec" "$pc"
		done <"$dir/raw" >"$dir/got"
		same "$d/ftrace: kvm_exit of $thread comes back in order" "$dir/want" "$dir/got"
	done
done

check 'an operation of the recording reads as in phases.txt' \
	"$("$STRATA" explain exits "$BENCH/bench_nvhe_icount/int.0.log.zst" --brief 2>/dev/null | grep -c 'hvc:1>2 ret:2>1 hvc:1>2 ret:2>1 hvc:1>2 ret:2>1 hvc:1>2 ret:2>1')" 1
"$STRATA" explain exits Makefile >/dev/null 2>&1; check 'a file that is no trace is wrong input' $? 2
{ echo 'Taking exception 11 [Hypervisor Call] on CPU 0'; echo '...from EL1 to EL2'; } >"$dir/torn"
check 'a torn log is refused with its line' "$("$STRATA" explain exits "$dir/torn" 2>&1 | grep -o 'torn:3: expected "...with ESR class/value"')" 'torn:3: expected "...with ESR class/value"'
printf ' a-1 [000] d.... 1.0: kvm_entry: PC: 0x80\n b-2 [001] d.... 1.1: kvm_entry: PC: 0x90\n' >"$dir/two"
check 'of a log with several vCPUs it is said which one this is' "$("$STRATA" explain exits "$dir/two" --stream 1 2>&1 >/dev/null | tail -n 1)" \
	'stream 1 of 2, counted from 0 (--stream)'
