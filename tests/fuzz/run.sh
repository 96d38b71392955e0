#!/bin/sh
# run.sh SECONDS - every fuzz target for so long, each from seeds made of shipped files. Closes with "N passed, M failed"; an input
# that crashes a target, takes over 10 s or over 1 GiB stays in $BUILD/fuzz-found/ and is named.
set -u
seconds=$1
BUILD=${BUILD:-build/fuzz}
STRATA=${STRATA:-build/strata}
seeds=$(mktemp -d) && trap 'rm -rf "$seeds"' EXIT
found=$BUILD/fuzz-found/
mkdir -p "$found"
passed=0 failed=0

# The lead bytes of a small trace of each form, as few seeds of few bytes are what a fuzzer is fast with.
small_trace() { "$STRATA" trace import workloads/sqlite_lookup.stt --count "$1" -o "$2"; }

seed_config() { cp configs/machines/*.yaml configs/teaching/*.yaml configs/stacks/*.yaml "$1"; }
seed_path() { cp configs/hypervisors/bao.yaml configs/firmware/secure-monitor.yaml tests/fuzz/paths.yaml "$1"; }
seed_native() {
	for n in 1 10 1000; do small_trace $n "$1/$n.stt"; done
	"$STRATA" trace gen uniform threads=2 accesses=20 footprint_bytes=1M -o "$1/two-streams.stt"
}
seed_trace() {
	seed_native "$1"
	"$STRATA" trace export "$1/10.stt" --to text -o "$1/10.txt"
	printf 'MTR1\1\0\0\0\0\0\0\0\0\0\0\0' >"$1/header.mtr"
	printf 'Taking exception 11 [Hypervisor Call] on CPU 0\n...from EL1 to EL2\n...with ESR 0x16/0x5a000000\n...with ELR 0x80\n...to EL2 PC 0x400 PSTATE 0x3c9\nException return from AArch64 EL2 to AArch64 EL1 PC 0x80\n' >"$1/int.log"
	printf '==1== \nI  1000,4\n L 2000,8\nI  1004,3\n M 2008,4\n' >"$1/lackey.txt"
	printf '\31\0\0\0\5\0\0\0\0\0\0\0\34\0\14\0\5\0\0\0\0\0\0\0\12\0\4\0\0\20\0\0\0\0\0\0\32\0\0\0\1\0\0\0\0\0\0\0' >"$1/thread.memtrace"
	{ printf '\0\20\0\0\0\0\0\0' && head -c 56 /dev/zero; } >"$1/one.champsimtrace"
	printf '# tracer: nop\n a-1 [000] d.... 1.0: kvm_entry: PC: 0x80\n a-1 [000] d.... 1.1: kvm_exit: TRAP: HSR_EC: 0x0016 (HVC64), PC: 0x84\n' >"$1/ftrace.txt"
}
seed_gic() {
	printf 'gicv3_redist_set_irq GICv3 redistributor 0x0 interrupt 27 level changed to 1\ngicv3_cpuif_update GICv3 CPU i/f 0x0 HPPI update: irq 27 group 2 prio 160\ngicv3_icc_iar1_read GICv3 ICC_IAR1 read cpu 0x0 value 0x1b\n' >"$1/ack"
	printf 'gicv3_redist_write GICv3 redistributor 0x0 write: offset 0x10400 data 0xa0 size 1 secure 1\ngicv3_dist_read GICv3 distributor read: offset 0x6140 data 0x1 size 8 secure 0\ngicv3_icc_generate_sgi GICv3 CPU i/f 0x0 generating SGI 3 IRM 0 target affinity 0x0xx targetlist 0x2\ngicv3_redist_send_sgi GICv3 redistributor 0x1 pending SGI 3\n' >"$1/frames"
	printf 'gicv3_ich_lr_write GICv3 ICH_LR0_EL2 write cpu 0x0 value 0x5000000000000001\ngicv3_icv_iar_read GICv3 ICV_IAR1 read cpu 0x0 value 0x1\nTaking exception 14 [Virtual IRQ] on CPU 0\n...from EL1 to EL1\nException return from AArch64 EL1 to AArch64 EL1 PC 0x80\n' >"$1/virtual"
}
seed_arch() {
	printf 'C 0\nE 2 ffff800008869698\nF ffff800008869000 40a69000\nL 1000 80001000\nS 2000 -\nT VALE1IS 5000000000001\nI dsb b\nN 65536\n' >"$1/host"
	printf 'M HCR_EL2 400000001\nE 1 0\nL 1000 80001000\nC 1\nM TTBR0_EL12 6000000000000\nT RVALE1OSNXS 5400000000001\nI dsb f\nT VMALLS12E1 0\nI eret 0\n' >"$1/guest"
	printf 'E 3 0\nM SCR_EL3 401\nM TCR_EL3 80803510\nT ALLE3IS 0\nT VAE3 1\nT IPAS2E1IS 80001\nI dsb 7\n' >"$1/firmware"
}
seed_mtr1() { printf '\4\11\20\16\40\23\200\200\1' >"$1/records"; }
seed_frame() { # what a frame decompresses to; the header of the file is a skippable frame, which zstd passes over
	seed_native "$1"
	for f in "$1"/*.stt; do zstd -dcq "$f" >"$f.raw" && rm "$f"; done
}
# Lines of the shared vectors where they are, of different kinds; else the one that stands here.
seed_vectors() {
	head -n 1 tests/fuzz/vector.jsonl >"$1/own"
	[ ! -f ../shared/vectors/translation.jsonl ] || awk -v dir="$1" 'NR % 60 == 1 { f = dir "/" NR; print > f; close(f) }' ../shared/vectors/translation.jsonl
}

for source in tests/fuzz/fuzz_*.c; do
	target=$(basename "$source" .c) name=${source##*fuzz_}
	corpus=$seeds/$target
	mkdir "$corpus"
	if ! seed_"${name%.c}" "$corpus" || [ -z "$(ls "$corpus")" ]; then echo "not ok - $target has no seeds" && failed=$((failed + 1)) && continue; fi
	log=$BUILD/$target.log
	if "$BUILD/tests/fuzz/$target" -seed=1 -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -max_len=20000 -print_final_stats=1 \
		-artifact_prefix="$found$target-" "$corpus" >"$log" 2>&1; then
		echo "ok - $target: $(sed -n 's/stat::number_of_executed_units: *//p' "$log") inputs, $(grep -o 'cov: [0-9]*' "$log" | tail -n 1)"
		passed=$((passed + 1))
	else
		echo "not ok - $target: $(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)"
		grep -aE 'ERROR|SUMMARY|runtime error|Assertion|    #[0-9] .*/sim/' "$log" | head -n 20
		failed=$((failed + 1))
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
