#!/bin/sh
# TLB maintenance: the right sequence passes, and each mistake is named, with the event that caused it.
STRATA=${STRATA:-build/strata}
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
check() { if [ "$2" = "$3" ]; then echo "ok - $1"; else echo "not ok - $1: expected '$2', came '$3'"; fi; }

# run OPTION...: replays standard input; says every mistake on standard output
run() {
	{ echo "strata-text 1"; cat; echo "end"; } >"$dir/trace.txt"
	"$STRATA" run -q --no-db -m configs/machines/neoverse-n1.yaml -w "$dir/trace.txt" --check-maintenance "$@" \
		>"$dir/out" 2>"$dir/err"
	status=$?
}
# says NAME TEXT: one of the mistakes contains it, and the exit code is 1
says() {
	grep -q "$2" "$dir/out" && found=yes || found=no
	check "$1" "1 yes" "$status $found"
}
# passes NAME: no mistake at all
passes() { check "$1" "0 0" "$status $(wc -c <"$dir/out" | tr -d ' ')"; }

page=0x10000
vale1is=1053 # op1 0, CRn 8, CRm 3, op2 5
vae1is=1049  # op2 1
operand=0x1000000000010
other=0x00a8000090000f43 # a page at 0x90000000, as Linux maps it

run <<END
L $page 8
desc $page 3 arg=0
dsb 0 10
tlbi 0 $vale1is arg=$operand
dsb 0 11
L $page 8
END
passes "write, DSB, TLBI, DSB is right"

run <<END
L $page 8
desc $page 3 arg=0
dsb 0 10
tlbi 0 $vale1is arg=$operand
dsb 0 11
desc $page 3 arg=$other
dsb 0 10
L $page 8
END
passes "so is a new page behind it: break before make"

run <<END
L $page 8
desc $page 3 arg=0
dsb 0 11
L $page 8
END
says "a missing TLBI is named" "stale hit of VA $page, ASID 1, after event 2: no TLBI took it"
says "with the event that changed the descriptor" "event 1 wrote the stage 1 level 3 descriptor"
says "and with what it was" "0x00a80000........ became 0x0000000000000000"

run <<END
L $page 8
desc $page 3 arg=0
dsb 0 10
tlbi 0 $vale1is arg=0x2000000000010
dsb 0 11
L $page 8
END
says "the TLBI of another ASID is none" "stale hit.*no TLBI took it"

run <<END
L $page 8
desc $page 3 arg=0
tlbi 0 $vale1is arg=$operand
dsb 0 11
L $page 8
END
says "a missing DSB in front of the TLBI is named" "possible stale hit.*no DSB between the write"

run <<END
L $page 8
desc $page 3 arg=0
dsb 0 9
tlbi 0 $vale1is arg=$operand
dsb 0 11
L $page 8
END
says "a DSB of loads orders no write" "possible stale hit.*no DSB between the write"

run <<END
L $page 8
desc $page 3 arg=0
dsb 0 10
tlbi 0 $vale1is arg=$operand
L $page 8
END
says "a missing DSB behind the TLBI is named" "possible stale hit.*no DSB of loads and stores after"

run <<END
L $page 8
desc $page 3 arg=0
dsb 0 10
tlbi 0 $vale1is arg=$operand
dsb 0 10
L $page 8
END
says "a DSB of stores completes no TLBI" "possible stale hit.*no DSB of loads and stores after"

run <<END
L $page 8
desc $page 2 arg=0
dsb 0 10
tlbi 0 $vale1is arg=$operand
dsb 0 11
L $page 8
END
says "a TLBI of the last level does not undo a table" "a table descriptor changed, but the TLBI was of the last level"
run <<END
L $page 8
desc $page 2 arg=0
dsb 0 10
tlbi 0 $vae1is arg=$operand
dsb 0 11
L $page 8
END
passes "one of all levels does"

# The last-level TLBI has taken the page, and left where its table is.
block=0x00a8000090000f41 # of 2 MiB at 0x90000000
unmapped_by_last_level() {
	printf 'L %s 8\ndesc %s 3 arg=0\ndsb 0 10\ntlbi 0 %s arg=%s\ndsb 0 11\n' $page $page $vale1is $operand
}
run <<END
$(unmapped_by_last_level)
desc $page 2 arg=0
dsb 0 10
tlbi 0 $vae1is arg=0x1000000000020
dsb 0 11
desc $page 2 arg=$block
dsb 0 11
L $page 8
END
passes "any address of the table takes where it is"
run <<END
$(unmapped_by_last_level)
desc $page 2 arg=0
dsb 0 10
desc $page 2 arg=$block
dsb 0 11
END
says "a table may be known when its pages are gone" "the new descriptor was written before the old translation was gone"
run --set features.bbm=2 --set walker.s1_caches.1.entries=0 <<END
$(unmapped_by_last_level)
desc $page 2 arg=$block
dsb 0 11
L $page 8
END
says "so a walk may go on from there" "stale hit of VA $page.*no TLBI took it"
says "and that is said" "a walk may go on from where a table descriptor led to before"
says "with what is left" "old tables on the way to VA 0x10000, 2097152 bytes"
run <<END
L $page 8
L 0x11000 8
desc $page 2 arg=0
dsb 0 10
tlbi 0 $vae1is arg=$operand
tlbi 0 $vale1is arg=0x1000000000011
dsb 0 11
L $page 8
END
passes "one TLBI of all levels is enough for a table, and one of the last level for each of its pages"

run --set features.ttl=yes <<END
L $page 8
desc $page 3 arg=0
dsb 0 10
tlbi 0 $vale1is arg=0x1b00000000010
dsb 0 11
L $page 8
END
says "a hint of another granule promises nothing" "stale hit.*no TLBI took it"
run --set features.ttl=yes <<END
L $page 8
desc $page 3 arg=0
dsb 0 10
tlbi 0 $vale1is arg=0x1700000000010
dsb 0 11
L $page 8
END
passes "one of this granule and level does"

run <<END
L $page 8
desc $page 3 arg=0
dsb 0 8
tlbi 0 $vale1is arg=$operand
dsb 0 12
L $page 8
END
passes "a DSB that is not allocated is one of the full system"

run <<END
L $page 8
desc $page 3 arg=$other
dsb 0 10
tlbi 0 $vale1is arg=$operand
dsb 0 11
L $page 8
END
says "a change without break is named" "break-before-make of VA $page.*changed without break-before-make"
says "and in what the descriptors differ" "the descriptors differ in the output address"

run <<END
L $page 8
desc $page 3 arg=0
dsb 0 10
tlbi 0 $vale1is arg=$operand
desc $page 3 arg=$other
dsb 0 11
END
says "so is a make before the TLBI has completed" "the new descriptor was written before the old translation was gone"
says "and the step that was missing then" "until then, no DSB of loads and stores after the TLBI"

# A block takes the place of a table of pages that lie as the block does: the same addresses, in two sizes. The level 2
# slot holds a table at first, since THP is off. Without walk caches, which would lead to that table.
block() {
	run --set features.bbm="$1" --set walker.s1_caches.1.entries=0 <<END
L 0x200000 8
desc 0x200000 3 arg=0x00a8000090000f43
dsb 0 10
tlbi 0 $vae1is arg=0x1000000000200
dsb 0 11
L 0x200000 8
desc 0x200000 2 arg=0x00a8000090000f41
dsb 0 11
L 0x201000 8
L 0x200000 8
END
}
block 2
says "two sizes of one address are a conflict" "conflict of VA"
says "with both translations" "second translation: VA 0x20[01]000 to PA 0x9000[01]000, 2097152 bytes"

run --set stack.os.processes=3 --set stack.os.switch_every=1 --set stack.os.asids=lru --set stack.os.asid_bits=2 <<END
L $page 8
S $page 8
L 0x11000 8
S 0x11000 8
END
passes "processes that share a core under an allocator of ASIDs are kept apart"
run <<END
S $page 8
unmap $page 0 arg=0x1000
S $page 8
map $page 3 arg=0x1000
S $page 8
END
passes "the kernel's own unmapping is right"
pairs="--set stack.os.asids=linux --set stack.os.kpti=yes" # the first program has ASID 3, its kernel 2
run $pairs <<END
S $page 8
unmap $page 0 arg=0x1000
S $page 8
map $page 3 arg=0x1000
S $page 8
END
passes "and with KPTI it takes the program's translations, too"
run $pairs <<END
L $page 8
desc $page 3 arg=0
dsb 0 10
tlbi 0 $vale1is arg=0x2000000000010
dsb 0 11
L $page 8
END
says "a TLBI for the kernel's ASID alone leaves them" "stale hit of VA $page, ASID 3, after event 4: no TLBI took it"

"$STRATA" run -q --no-db --json -m configs/machines/neoverse-n1.yaml -s configs/stacks/kvm-4k.yaml -w workloads/gups.yaml \
	--limit 20000 >"$dir/plain"
"$STRATA" run -q --no-db --json -m configs/machines/neoverse-n1.yaml -s configs/stacks/kvm-4k.yaml -w workloads/gups.yaml \
	--limit 20000 --check-maintenance >"$dir/checked"
grep -v '"maintenance\.' "$dir/checked" | tr -d ',' >"$dir/a"
tr -d ',' <"$dir/plain" >"$dir/b"
check "checking changes no counter" same "$(cmp -s "$dir/a" "$dir/b" && echo same)"

# Of a huge page, and of a run of pages under the contiguous bit, a part is unmapped: the kernel breaks it up first.
for split in thp=always contiguous=yes; do
	run -s configs/stacks/native.yaml --set stack.os.$split <<END
S 0x200000 8
S 0x210000 8
unmap 0x211000 1 arg=0x1000
L 0x200000 8
L 0x212000 8
END
	passes "unmapping a part with $split is right"
done

# Two CPUs: the second holds the page when the first takes it away, with an operation of the first alone or of all.
vale1=1085 # op1 0, CRn 8, CRm 7, op2 5
takes_away() {
	{
		printf 'strata-text 1\nstreams 2\nstream 0\nL %s 8\nL 0x20000 8 gap=60000\ndesc %s 3 arg=0\n' $page $page
		printf 'dsb 0 10\ntlbi 0 %s arg=%s\ndsb 0 11\nL 0x20000 8\nstream 1\nL %s 8\n' "$1" $operand $page
		printf 'L 0x30000 8 gap=60000\nL 0x30000 8 gap=60000\nL 0x30000 8 gap=60000\nL %s 8\nend 12\n' $page
	} >"$dir/trace.txt"
	"$STRATA" run -q --no-db -m configs/machines/neoverse-n1.yaml -w "$dir/trace.txt" --check-maintenance \
		--set stack.threads=2 >"$dir/out" 2>"$dir/err"
	status=$?
}
takes_away $vale1
says "a TLBI of one CPU leaves what another holds" "stale hit of VA $page, ASID 1, on CPU 1, after event 4: no TLBI took it"
takes_away $vale1is
passes "one that is broadcast does not"

# Two cores: the second has the page in its TLB, and comes back to it long after the first has changed it.
two_cores() { # two_cores TLBI: what the first does
	{
		printf 'strata-text 1\nstreams 2\nstream 0\n'
		printf 'L %s 8 gap=3000\ndesc %s 3 arg=0\ndsb 0 10\ntlbi 0 %s arg=%s\ndsb 0 11\n' $page $page "$1" $operand
		printf 'stream 1\nL %s 8\n' $page
		for i in 1 2 3 4; do printf 'L 0x20000 8 gap=60000\n'; done
		printf 'L %s 8\nend 11\n' $page
	} >"$dir/two.txt"
	"$STRATA" run -q --no-db -m configs/machines/neoverse-n1.yaml -w "$dir/two.txt" --check-maintenance --set stack.threads=2 >"$dir/out" 2>"$dir/err"
	status=$?
}
two_cores $vale1is
passes "a TLBI of all cores is enough for both"
two_cores 1085 # CRm 7: VALE1
says "one of the core alone is not" "stale hit of VA $page, ASID 1, .*: no TLBI took it"
says "and what that core's entry is made of is known still" "event 1 wrote the stage 1 level 3 descriptor"

# Two cores, and more address spaces than ASIDs: who takes an ASID away waits until all cores have flushed it.
{
	printf 'strata-text 1\nstreams 2\nstream 0\n'
	for i in 1 2 3 4 1 2 3 4; do printf 'switch 0 0 arg=%s\nL %s 8 gap=300\n' $i $page; done
	printf 'stream 1\n'
	for i in 3 2 1 4 3 2 1 4; do printf 'switch 0 0 arg=%s\nL %s 8 gap=300\n' $i $page; done
	echo "end 32"
} >"$dir/spaces.txt"
for asids in linux kvm lru flush; do
	"$STRATA" run -q --no-db -m configs/machines/neoverse-n1.yaml -w "$dir/spaces.txt" --check-maintenance --set stack.threads=2 \
		--set stack.os.asids=$asids --set stack.os.asid_bits=2 >"$dir/out" 2>"$dir/err"
	status=$?
	passes "a rollover on two cores under $asids is complete"
done

# Range operations: their BaseADDR is in pages, or under TCR_ELx.DS (addresses of 52 bits) in units of 64 KiB.
for va_bits in 48 52; do
	run --set features.lpa=yes --set features.lpa2=yes --set features.lva=yes --set features.pa_bits=52 --set features.tlbirange=yes \
		--set stack.os.va_bits=$va_bits <<END
S 0x211000 8
S 0x21f000 8
S 0x220000 8
S 0x22d000 8
unmap 0x211000 0 arg=0x1d000
S 0x211000 8
S 0x21f000 8
S 0x220000 8
S 0x22d000 8
END
	passes "unmapping by ranges is complete with addresses of $va_bits bits"
done
