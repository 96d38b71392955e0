#!/bin/sh
# strata conform --gic: recorded interrupt controllers of real hosts and guests against the model's.
STRATA=${STRATA:-build/strata}
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
check() { if [ "$2" = "$3" ]; then echo "ok - $1"; else echo "not ok - $1: expected '$2', came '$3'"; fi; }
replay() { "$STRATA" conform --gic "$@" >"$dir/out" 2>"$dir/err"; }

replay "$dir"
check "a folder without a log exits 2" 2 $?
check "and names what is missing" yes "$(grep -q "$dir/int_gic.1.log.zst" "$dir/err" && echo yes)"
"$STRATA" conform --gic x --arch y >"$dir/out" 2>"$dir/err"
check "--gic and --arch together exit 2" 2 $?

for recording in ../shared/real/bench/*/; do
	[ -f "$recording/int_gic.1.log.zst" ] || continue
	name=$(basename "$recording")
	replay "$recording"
	check "$name has no difference" 0 $?
	check "and closes with the counts" 1 "$(tail -n 1 "$dir/out" | grep -c '^[1-9][0-9]* statements, 0 differences$')"
	for kind in 'GICR reads' 'CPU interface reads' 'highest pending interrupts' 'highest list registers' 'virtual IRQs taken'; do
		check "$name: $kind were compared" 1 "$(grep -c "^$kind  *[1-9][0-9]* compared, 0 different$" "$dir/out")"
	done
	# Wires that the log does not tell are few: the console's.
	check "$name implies few arrivals" 1 "$(grep -c ' [0-9] arrivals implied$' "$dir/out")"
done

# The rest writes logs and needs the zstd program.
command -v zstd >/dev/null || exit 0
log() { zstd -q -f -o "$dir/log.zst"; }
expect() { replay "$dir/log.zst"; check "$1" "$2" $?; }

# A timer's PPI on one CPU, as EOImode 1 ends it, and one SGI to another CPU.
good='gicv3_redist_set_irq GICv3 redistributor 0x0 interrupt 27 level changed to 1
gicv3_cpuif_update GICv3 CPU i/f 0x0 HPPI update: irq 27 group 2 prio 160
gicv3_cpuif_set_irqs GICv3 CPU i/f 0x0 HPPI update: setting FIQ 0 IRQ 1
Taking exception 5 [IRQ] on CPU 0
gicv3_cpuif_update GICv3 CPU i/f 0x0 HPPI update: irq 27 group 2 prio 255
gicv3_cpuif_set_irqs GICv3 CPU i/f 0x0 HPPI update: setting FIQ 0 IRQ 0
gicv3_icc_iar1_read GICv3 ICC_IAR1 read cpu 0x0 value 0x1b
gicv3_icc_rpr_read GICv3 ICC_RPR read cpu 0x0 value 0xa0
gicv3_icc_eoir_write GICv3 ICC_EOIR1 write cpu 0x0 value 0x1b
gicv3_redist_read GICv3 redistributor 0x0 read: offset 0x10300 data 0x8000000 size 4 secure 0
gicv3_redist_set_irq GICv3 redistributor 0x0 interrupt 27 level changed to 0
gicv3_icc_dir_write GICv3 ICC_DIR write cpu 0x0 value 0x1b
gicv3_redist_read GICv3 redistributor 0x0 read: offset 0x10300 data 0x0 size 4 secure 0
gicv3_icc_generate_sgi GICv3 CPU i/f 0x0 generating SGI 3 IRM 0 target affinity 0x0xx targetlist 0x2
gicv3_redist_send_sgi GICv3 redistributor 0x1 pending SGI 3
gicv3_cpuif_update GICv3 CPU i/f 0x1 HPPI update: irq 3 group 2 prio 160'
echo "$good" | log
expect "a log of one timer interrupt and one SGI agrees" 0
check "with all its statements" "11 statements, 0 differences" "$(tail -n 1 "$dir/out")"

echo "$good" | sed 's/\(ICC_IAR1 read cpu 0x0 value\) 0x1b/\1 0x1e/' | log
expect "another acknowledged INTID differs" 1
check "and is shown with its line" 1 "$(grep -c '^line 7: ICC_IAR1_EL1: recorded 0x1e, the model has 0x1b$' "$dir/out")"
echo "$good" | sed 's/ICC_RPR read cpu 0x0 value 0xa0/ICC_RPR read cpu 0x0 value 0xff/' | log
expect "another running priority differs" 1
echo "$good" | sed '12d' | log
expect "a missing deactivation differs" 1
echo "$good" | sed 's/pending SGI 3/pending SGI 4/' | log
expect "an SGI that did not arrive differs" 1
echo "$good" | sed '2s/IRQ/X/; 3s/IRQ 1/IRQ 0/' | log
expect "another IRQ line differs" 1
echo "$good" | sed '2s/prio 160/prio/' | log
expect "a torn line exits 2" 2
check "and is named" yes "$(grep -q 'log.zst:2: torn event' "$dir/err" && echo yes)"
echo hello | log
expect "a log without interrupts exits 2" 2

# Registers read before they are written tell what they held; GICD_TYPER says what is implemented and is not compared.
read='gicv3_dist_read GICv3 distributor read: offset 0x420 data 0xa0a0a0a0 size 4 secure 0
gicv3_dist_read GICv3 distributor read: offset 0x4 data 0x37a0008 size 4 secure 0
gicv3_redist_write GICv3 redistributor 0x0 write: offset 0x10180 data 0x1 size 4 secure 0
gicv3_redist_read GICv3 redistributor 0x0 read: offset 0x10100 data 0xfe size 4 secure 0
gicv3_icc_pmr_read GICv3 ICC_PMR read cpu 0x0 value 0xf0'
echo "$read" | log
expect "registers hold at the start what is read first" 0
{ echo "$read"; echo "$read" | sed 's/0xfe/0xff/'; } | log
expect "and may not change without a write" 1

# A redistributor sleeps until GICR_WAKER is written; of GICR_CTLR the enable of LPIs is state, CES and IR say what is implemented.
wake='gicv3_redist_read GICv3 redistributor 0x0 read: offset 0x14 data 0x6 size 4 secure 0
gicv3_redist_set_irq GICv3 redistributor 0x0 interrupt 27 level changed to 1
gicv3_cpuif_update GICv3 CPU i/f 0x0 HPPI update: irq 0 group 0 prio 255
gicv3_redist_write GICv3 redistributor 0x0 write: offset 0x14 data 0x4 size 4 secure 0
gicv3_redist_read GICv3 redistributor 0x0 read: offset 0x14 data 0x0 size 4 secure 0
gicv3_redist_read GICv3 redistributor 0x0 read: offset 0x0 data 0x2 size 4 secure 0
gicv3_redist_write GICv3 redistributor 0x0 write: offset 0x0 data 0x3 size 4 secure 0
gicv3_redist_read GICv3 redistributor 0x0 read: offset 0x0 data 0x3 size 4 secure 0'
echo "$wake" | log
expect "a boot wakes its redistributors and enables LPIs" 0
echo "$wake" | sed '$s/0x3/0x2/' | log
expect "and they stay enabled" 1
echo "$wake" | tail -n 1 | log
expect "LPIs that a log finds enabled were" 0

# Without firmware the emulator answers PSCI calls itself: their exceptions to EL3, or to an EL2 that is not there, are none.
called='Taking exception 13 [Secure Monitor Call] on CPU 0
...from EL2 to EL3
...with ESR 0x17/0x5e000000
...handled as PSCI call
gicv3_redist_write GICv3 redistributor 0x0 write: offset 0x10400 data 0xa0 size 1 secure 0
gicv3_redist_read GICv3 redistributor 0x0 read: offset 0x10400 data 0xa0 size 1 secure 0
gicv3_icc_pmr_read GICv3 ICC_PMR read cpu 0x0 value 0xf0
gicv3_redist_set_irq GICv3 redistributor 0x0 interrupt 27 level changed to 1
gicv3_cpuif_update GICv3 CPU i/f 0x0 HPPI update: irq 27 group 2 prio 160
gicv3_cpuif_set_irqs GICv3 CPU i/f 0x0 HPPI update: setting FIQ 0 IRQ 1
gicv3_icc_pmr_read GICv3 ICC_PMR read cpu 0x0 value 0xf0'
echo "$called" | log
expect "a call that the emulator answers is no sign of Secure state" 0
echo "$called" | sed 4d | log
expect "and one that it does not is" 1

# Two Security states: Non-secure Group 1 among them has priorities from 0x80 on, and is FIQ to EL3.
echo 'gicv3_redist_write GICv3 redistributor 0x0 write: offset 0x10400 data 0xa0 size 1 secure 0
gicv3_redist_read GICv3 redistributor 0x0 read: offset 0x10400 data 0xa0 size 1 secure 0
gicv3_icc_pmr_read GICv3 ICC_PMR read cpu 0x0 value 0xf0
gicv3_redist_read GICv3 redistributor 0x0 read: offset 0x10400 data 0xd0 size 1 secure 1
gicv3_icc_generate_sgi GICv3 CPU i/f 0x0 generating SGI 0 IRM 0 target affinity 0x0xx targetlist 0x1
gicv3_redist_send_sgi GICv3 redistributor 0x0 pending SGI 0
gicv3_cpuif_update GICv3 CPU i/f 0x0 HPPI update: irq 0 group 2 prio 208
gicv3_cpuif_set_irqs GICv3 CPU i/f 0x0 HPPI update: setting FIQ 0 IRQ 1
Taking exception 13 [Secure Monitor Call] on CPU 0
...from EL1 to EL3
gicv3_cpuif_update GICv3 CPU i/f 0x0 HPPI update: irq 0 group 2 prio 208
gicv3_cpuif_set_irqs GICv3 CPU i/f 0x0 HPPI update: setting FIQ 1 IRQ 0
gicv3_icc_hppir0_read GICv3 ICC_HPPIR0 read cpu 0x0 value 0x3fd
Exception return from AArch64 EL3 to AArch64 EL1 PC 0x0
gicv3_cpuif_update GICv3 CPU i/f 0x0 HPPI update: irq 0 group 2 prio 208
gicv3_cpuif_set_irqs GICv3 CPU i/f 0x0 HPPI update: setting FIQ 0 IRQ 1
gicv3_icc_iar1_read GICv3 ICC_IAR1 read cpu 0x0 value 0x0' | log
expect "firmware at EL3 and its Security states agree" 0

# A GICv4: the log says in each statement about list registers which virtual LPI is the first, and 16 where it goes before them all.
vlpi='gicv3_ich_hcr_write GICv3 ICH_HCR_EL2 write cpu 0x0 value 0x1
gicv3_ich_vmcr_write GICv3 ICH_VMCR_EL2 write cpu 0x0 value 0xf04c0002
gicv3_ich_lr_write GICv3 ICH_LR0_EL2 write cpu 0x0 value 0x50b000000000001b
gicv3_cpuif_virt_update GICv3 CPU i/f 0x0 virt HPPI update LR index 0 HPPVLPI 0 grp 0 prio 255
gicv3_cpuif_virt_set_irqs GICv3 CPU i/f 0x0 virt HPPI update: setting FIQ 0 IRQ 1
gicv3_cpuif_virt_update GICv3 CPU i/f 0x0 virt HPPI update LR index 16 HPPVLPI 8195 grp 2 prio 160
gicv3_icv_iar_read GICv3 ICV_IAR1 read cpu 0x0 value 0x2003
gicv3_cpuif_virt_update GICv3 CPU i/f 0x0 virt HPPI update LR index 0 HPPVLPI 0 grp 0 prio 255
gicv3_cpuif_virt_set_irqs GICv3 CPU i/f 0x0 virt HPPI update: setting FIQ 0 IRQ 0
gicv3_icv_eoir_write GICv3 ICV_EOIR1 write cpu 0x0 value 0x2003
gicv3_cpuif_virt_set_irqs GICv3 CPU i/f 0x0 virt HPPI update: setting FIQ 0 IRQ 1'
echo "$vlpi" | log
expect "a virtual LPI before a list register agrees" 0
echo "$vlpi" | sed 's/0x2003$/0x2004/' | log
expect "and another acknowledged one differs" 1

# CPUs are called by their affinity, but by their index where exceptions are told: the 17th has Aff1 1.
far='gicv3_redist_set_irq GICv3 redistributor 0x100 interrupt 27 level changed to 1
gicv3_cpuif_update GICv3 CPU i/f 0x100 HPPI update: irq 27 group 2 prio 160
gicv3_cpuif_set_irqs GICv3 CPU i/f 0x100 HPPI update: setting FIQ 0 IRQ 1
gicv3_cpuif_update GICv3 CPU i/f 0x3 HPPI update: irq 0 group 2 prio 255
Taking exception 5 [IRQ] on CPU 16'
echo "$far" | log
expect "an exception of the 17th CPU is its own" 0
echo "$far" | sed 's/CPU 16/CPU 3/' | log
expect "and of another one differs" 1

# AArch32 software has list registers in halves.
halves='gicv3_ich_lr32_write GICv3 ICH_LR0 write cpu 0x0 value 0x1b
gicv3_ich_lrc_write GICv3 ICH_LRC0 write cpu 0x0 value 0x50a00000
gicv3_ich_lr_read GICv3 ICH_LR0_EL2 read cpu 0x0 value 0x50a000000000001b
gicv3_ich_lrc_read GICv3 ICH_LRC0 read cpu 0x0 value 0x50a00000'
echo "$halves" | log
expect "halves of a list register are one" 0
echo "$halves" | sed '3s/1b$/1c/' | log
expect "and are compared" 1

# Each register is compared, whether the log calls it with its level or without.
compared() { # interface, value written, value read, registers by both names
	interface=$1 written=$2 read=$3 && shift 3
	for register; do
		log <<EOF
gicv3_${interface}_${register%:*}_write GICv3 ${register#*:} write cpu 0x0 value $written
gicv3_${interface}_${register%:*}_read GICv3 ${register#*:} read cpu 0x0 value $read
EOF
		expect "another value of ${register#*:} differs" 1
	done
}
compared icc 0xf0 0x18 pmr:ICC_PMR rpr:ICC_RPR hppir0:ICC_HPPIR0 hppir1:ICC_HPPIR1
compared ich 0x0 0x5a elrsr:ICH_ELRSR misr:ICH_MISR eisr:ICH_EISR hcr:ICH_HCR_EL2 vmcr:ICH_VMCR_EL2 lr:ICH_LR0_EL2 lr:ICH_LR0
compared icv 0x0 0x12 pmr:ICV_PMR bpr:ICV_BPR1 igrpen:ICV_IGRPEN1 ctlr:ICV_CTLR rpr:ICV_RPR hppir:ICV_HPPIR1 ap:ICV_AP1R0

# Firmware that sends an SGI of Non-secure Group 1 has written ICC_ASGI1R_EL1; a CPU that enables a group had it disabled.
echo 'gicv3_redist_read GICv3 redistributor 0x0 read: offset 0x10080 data 0xffffffff size 4 secure 1
Taking exception 13 [Secure Monitor Call] on CPU 0
...from EL1 to EL3
gicv3_icc_generate_sgi GICv3 CPU i/f 0x0 generating SGI 7 IRM 0 target affinity 0x0xx targetlist 0x1
gicv3_redist_send_sgi GICv3 redistributor 0x0 pending SGI 7' | log
expect "an SGI of firmware to the other Security state arrives" 0
echo 'gicv3_redist_set_irq GICv3 redistributor 0x0 interrupt 27 level changed to 1
gicv3_cpuif_update GICv3 CPU i/f 0x0 HPPI update: irq 27 group 2 prio 160
gicv3_cpuif_set_irqs GICv3 CPU i/f 0x0 HPPI update: setting FIQ 0 IRQ 0
gicv3_icc_igrpen_write GICv3 ICC_IGRPEN1 write cpu 0x0 value 0x1
gicv3_cpuif_set_irqs GICv3 CPU i/f 0x0 HPPI update: setting FIQ 0 IRQ 1' | log
expect "a group is disabled before the CPU interface enables it" 0

# Events of other parts of the controller, and those that failed, are passed over.
{ echo "$good"; echo 'gicv3_its_write GICv3 ITS write: offset 0x80 data 0x0 size 8
gicv3_its_cmd_mapti GICv3 ITS: command MAPTI DeviceID 0x8 EventID 0x0 ICID 0x0 pINTID 0x2000
gicv3_its_translation_write GICv3 ITS TRANSLATER write: offset 0x40 data 0x0 size 4 requester_id 0x8
gicv3_dist_badread GICv3 distributor read: offset 0xfff0 size 8 secure 0: error
gicv3_redist_badwrite GICv3 redistributor 0x0 write: offset 0x30 data 0x0 size 1 secure 0: error'; } | log
expect "ITS commands and bad accesses change nothing" 0
check "and are counted as skipped" 1 "$(grep -c ' 5 of kinds that are not known' "$dir/out")"

# A log begins and ends anywhere: when a wire is up, behind what tells that it is, or before what is written behind its effects.
bad= one=$(echo "$good" | sed '/ICC_RPR/d; /redist_read/d; 14,$d') # one timer interrupt
for line in $(seq 1 10); do
	echo "$one" | tail -n "+$line" | log
	replay "$dir/log.zst" || bad="$bad from $line"
	echo "$one" | head -n "$line" | log
	replay "$dir/log.zst" || bad="$bad to $line"
done
check "a log that is cut anywhere agrees" "" "$bad"
{ echo "$good"; echo 'gicv3_icc_iar1_read GICv3 ICC_IAR1 read cpu 0x0 value 0x1b'; } | log
expect "what was told of and is not pending any more may not be acknowledged" 1
for recording in ../shared/real/bench/*/; do
	[ -f "$recording/int_gic.1.log.zst" ] || continue
	bad=
	zstd -dcq "$recording/int_gic.1.log.zst" >"$dir/whole"
	for line in 3250 4329 6487 9558 12878 15866 19435 29153 39163 42532; do
		tail -n "+$line" "$dir/whole" | head -n 5003 | log
		replay "$dir/log.zst" || bad="$bad from $line"
	done
	check "parts of $(basename "$recording") agree" "" "$bad"
done
