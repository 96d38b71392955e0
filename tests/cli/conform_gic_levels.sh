#!/bin/sh
# strata conform --gic: what logs say between the lines - that they begin at reset, which level a CPU is at, which register has sent an
# SGI, and what holds between the two halves of an end.
STRATA=${STRATA:-build/strata}
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
check() { if [ "$2" = "$3" ]; then echo "ok - $1"; else echo "not ok - $1: expected '$2', came '$3'"; fi; }
expect() { # name, exit code; the log on stdin
	cat >"$dir/log"
	"$STRATA" conform --gic "$dir/log" >"$dir/out" 2>&1
	check "$1" "$2" $?
}

# At reset all interrupts are of Group 0 and disabled, all priorities are masked, and EOImode is 0.
reset='gicv3_icc_ctlr_read GICv3 ICC_CTLR read cpu 0x0 value 0x8c00
gicv3_redist_read GICv3 redistributor 0x0 read: offset 0x14 data 0x6 size 4 secure 0
gicv3_redist_write GICv3 redistributor 0x0 write: offset 0x14 data 0x0 size 4 secure 0
gicv3_cpuif_update GICv3 CPU i/f 0x0 HPPI update: irq 0 group 0 prio 255
gicv3_dist_write GICv3 distributor write: offset 0x0 data 0x3 size 4 secure 0
gicv3_redist_write GICv3 redistributor 0x0 write: offset 0x10100 data 0x8 size 4 secure 0
gicv3_icc_igrpen_write GICv3 ICC_IGRPEN0 write cpu 0x0 value 0x1
gicv3_icc_generate_sgi GICv3 CPU i/f 0x0 generating SGI 3 IRM 0 target affinity 0x0xx targetlist 0x1
gicv3_redist_send_sgi GICv3 redistributor 0x0 pending SGI 3
gicv3_cpuif_update GICv3 CPU i/f 0x0 HPPI update: irq 3 group 0 prio 0
gicv3_cpuif_set_irqs GICv3 CPU i/f 0x0 HPPI update: setting FIQ 0 IRQ 0
gicv3_icc_pmr_write GICv3 ICC_PMR write cpu 0x0 value 0xff
gicv3_cpuif_update GICv3 CPU i/f 0x0 HPPI update: irq 3 group 0 prio 0
gicv3_cpuif_set_irqs GICv3 CPU i/f 0x0 HPPI update: setting FIQ 1 IRQ 0
gicv3_icc_dir_write GICv3 ICC_DIR write cpu 0x0 value 0x9'
echo "$reset" | expect "a log that sets the distributor up begins at reset" 0
echo "$reset" | grep -v 'offset 0x14' | expect "where redistributors that nobody wakes forward all the same" 0
pending='gicv3_redist_write GICv3 redistributor 0x0 write: offset 0x10100 data 0x8 size 4 secure 0
gicv3_redist_write GICv3 redistributor 0x0 write: offset 0x10200 data 0x8 size 4 secure 0
gicv3_cpuif_update GICv3 CPU i/f 0x0 HPPI update: irq 3 group 0 prio 0
gicv3_cpuif_set_irqs GICv3 CPU i/f 0x0 HPPI update: setting FIQ 0 IRQ 0
gicv3_dist_write GICv3 distributor write: offset 0x0 data 0x3 size 4 secure 0
gicv3_redist_read GICv3 redistributor 0x0 read: offset 0x10080 data 0x0 size 4 secure 0'
echo "$pending" | expect "although something is pending as soon as that is done" 0
echo "$reset" | sed 's/irq 0 group 0 prio 255/irq 27 group 2 prio 255/' | expect "and not where there has been an interrupt before" 1

{ echo 'gicv3_dist_read GICv3 distributor read: offset 0x0 data 0x10 size 4 secure 0
gicv3_redist_read GICv3 redistributor 0x0 read: offset 0x10d00 data 0x0 size 4 secure 1'
echo "$pending" | sed 's/secure 0/secure 1/'; } | expect "although Non-secure software looks before" 0

# Firmware is at EL3 before it leaves it the first time: what it writes to PMR is not shifted.
firmware='gicv3_icc_pmr_write GICv3 ICC_PMR write cpu 0x0 value 0xa0
gicv3_redist_read GICv3 redistributor 0x0 read: offset 0x10400 data 0x0 size 1 secure 1
Exception return from AArch64 EL3 to AArch64 EL2 PC 0x0
gicv3_cpuif_update GICv3 CPU i/f 0x0 HPPI update: irq 0 group 2 prio 255
gicv3_icc_pmr_read GICv3 ICC_PMR read cpu 0x0 value 0x40'
echo "$firmware" | expect "a CPU is at first at the level that its first return leaves" 0

# Where firmware leaves Group 0 to others (SCR_EL3.FIQ = 0), Non-secure software sees the mask as it is.
seen='Exception return from AArch64 EL3 to AArch64 EL2 PC 0x0
gicv3_cpuif_update GICv3 CPU i/f 0x0 HPPI update: irq 0 group 2 prio 255
gicv3_icc_pmr_write GICv3 ICC_PMR write cpu 0x0 value 0xf0
gicv3_icc_pmr_write GICv3 ICC_PMR write cpu 0x0 value 0x8
gicv3_icc_pmr_read GICv3 ICC_PMR read cpu 0x0 value 0x8'
echo "$seen" | expect "SCR_EL3.FIQ is what the views of priorities say" 0
echo "$seen" | sed '$s/0x8$/0x0/' | expect "be it 1" 0
echo "$seen" | sed '$s/0x8$/0x10/' | expect "and no value that neither gives is right" 1

# EL3 is left for a world whose redistributor accesses, or lines, are Secure or not.
secure='gicv3_redist_write GICv3 redistributor 0x0 write: offset 0x10080 data 0xfffffff0 size 4 secure 1
gicv3_redist_write GICv3 redistributor 0x0 write: offset 0x10d00 data 0xf size 4 secure 1
Exception return from AArch64 EL3 to AArch64 EL1 PC 0x0
gicv3_cpuif_update GICv3 CPU i/f 0x0 HPPI update: irq 0 group 2 prio 255
gicv3_icc_bpr_read GICv3 ICC_BPR1 read cpu 0x0 value 0x2
gicv3_redist_read GICv3 redistributor 0x0 read: offset 0x10d00 data 0xf size 4 secure 1
gicv3_icc_generate_sgi GICv3 CPU i/f 0x0 generating SGI 1 IRM 0 target affinity 0x0xx targetlist 0x1
gicv3_redist_send_sgi GICv3 redistributor 0x0 pending SGI 1
gicv3_cpuif_update GICv3 CPU i/f 0x0 HPPI update: irq 1 group 1 prio 0
gicv3_cpuif_set_irqs GICv3 CPU i/f 0x0 HPPI update: setting FIQ 0 IRQ 1
gicv3_icc_iar1_read GICv3 ICC_IAR1 read cpu 0x0 value 0x1'
echo "$secure" | expect "software that accesses its redistributor as Secure is in the Secure world" 0
echo "$secure" | grep -v '0x10d00 data 0xf size 4 secure 1$' | sed '1a\
gicv3_redist_write GICv3 redistributor 0x1 write: offset 0x10d00 data 0xf size 4 secure 1' |
	expect "and so is software to which its Group 1 is IRQ" 0
banked='gicv3_redist_write GICv3 redistributor 0x0 write: offset 0x10d00 data 0xf size 4 secure 1
Taking exception 13 [Secure Monitor Call] on CPU 0
...from EL1 to EL3
gicv3_icc_bpr_write GICv3 ICC_BPR1 write cpu 0x0 value 0x5
Exception return from AArch64 EL3 to AArch64 EL1 PC 0x0
gicv3_cpuif_update GICv3 CPU i/f 0x0 HPPI update: irq 0 group 2 prio 255
gicv3_icc_bpr_read GICv3 ICC_BPR1 read cpu 0x0 value 0x3'
echo "$banked" | expect "EL3 may mean the Secure copy of a register" 0
echo "$banked" | sed '$s/0x3$/0x5/' | expect "or the Non-secure one" 0
echo 'gicv3_icc_rpr_read GICv3 ICC_RPR read cpu 0x0 value 0xff
gicv3_dist_read GICv3 distributor read: offset 0x4 data 0x37a0008 size 4 secure 0
gicv3_dist_write GICv3 distributor write: offset 0x128 data 0xff size 4 secure 0
gicv3_dist_read GICv3 distributor read: offset 0x128 data 0x0 size 4 secure 0' | expect "GICD_TYPER says which SPIs there are" 0

# The emulator executes calls of PSCI itself, at EL2 as if there were an EL3.
psci='Taking exception 13 [Secure Monitor Call] on CPU 0
...from EL2 to EL3
...with ESR 0x17/0x5e000000
...handled as PSCI call
gicv3_redist_write GICv3 redistributor 0x0 write: offset 0x10400 data 0x40 size 1 secure 0
gicv3_redist_read GICv3 redistributor 0x0 read: offset 0x10400 data 0x40 size 1 secure 0
gicv3_icc_generate_sgi GICv3 CPU i/f 0x0 generating SGI 0 IRM 0 target affinity 0x0xx targetlist 0x1
gicv3_redist_send_sgi GICv3 redistributor 0x0 pending SGI 0
gicv3_cpuif_update GICv3 CPU i/f 0x0 HPPI update: irq 0 group 2 prio 64
gicv3_cpuif_set_irqs GICv3 CPU i/f 0x0 HPPI update: setting FIQ 0 IRQ 1
gicv3_icc_rpr_read GICv3 ICC_RPR read cpu 0x0 value 0xff'
echo "$psci" | expect "a call of PSCI that the emulator answers is no exception, and no sign of EL3" 0

# The SGI has another group at its target than at its sender.
sgi='gicv3_redist_read GICv3 redistributor 0x0 read: offset 0x10080 data 0xffffffff size 4 secure 1
gicv3_redist_read GICv3 redistributor 0x1 read: offset 0x10080 data 0x0 size 4 secure 1
Taking exception 13 [Secure Monitor Call] on CPU 0
...from EL1 to EL3
gicv3_icc_generate_sgi GICv3 CPU i/f 0x0 generating SGI 7 IRM 1 target affinity 0x0xx targetlist 0x0
gicv3_redist_send_sgi GICv3 redistributor 0x1 pending SGI 7'
echo "$sgi" | expect "an SGI is of the group that it has where it arrives" 0
{ echo "$sgi" | sed '$d'; echo 'gicv3_redist_read GICv3 redistributor 0x1 read: offset 0x10200 data 0x0 size 4 secure 1'; } |
	expect "and one that arrives nowhere has been sent by a register whose SGIs do not" 0
echo "$sgi" | sed '$s/redistributor 0x1/redistributor 0x0/' | expect "and does not arrive where it was not sent to" 1

# An end drops the priority and then deactivates: a level that is still up is pending only behind that.
end='gicv3_icc_ctlr_read GICv3 ICC_CTLR read cpu 0x0 value 0x8c00
gicv3_redist_set_irq GICv3 redistributor 0x0 interrupt 27 level changed to 1
gicv3_cpuif_update GICv3 CPU i/f 0x0 HPPI update: irq 27 group 2 prio 160
gicv3_cpuif_set_irqs GICv3 CPU i/f 0x0 HPPI update: setting FIQ 0 IRQ 1
gicv3_cpuif_update GICv3 CPU i/f 0x0 HPPI update: irq 27 group 2 prio 255
gicv3_cpuif_set_irqs GICv3 CPU i/f 0x0 HPPI update: setting FIQ 0 IRQ 0
gicv3_icc_iar1_read GICv3 ICC_IAR1 read cpu 0x0 value 0x1b
gicv3_icc_eoir_write GICv3 ICC_EOIR1 write cpu 0x0 value 0x1b
gicv3_cpuif_update GICv3 CPU i/f 0x0 HPPI update: irq 27 group 2 prio 255
gicv3_cpuif_set_irqs GICv3 CPU i/f 0x0 HPPI update: setting FIQ 0 IRQ 0
gicv3_cpuif_update GICv3 CPU i/f 0x0 HPPI update: irq 27 group 2 prio 160
gicv3_cpuif_set_irqs GICv3 CPU i/f 0x0 HPPI update: setting FIQ 0 IRQ 1
gicv3_icc_rpr_read GICv3 ICC_RPR read cpu 0x0 value 0xff'
echo "$end" | expect "right behind an end statements may hold before the deactivation" 0
echo "$end" | sed '11,13d' | { cat; echo 'gicv3_redist_read GICv3 redistributor 0x0 read: offset 0x10300 data 0x8000000 size 4 secure 0'; } |
	expect "which has been done all the same" 1

# An LPI comes without a cause in the log: what is told of it is not what its acknowledge leaves, although that is the next cause.
lpi='gicv3_cpuif_update GICv3 CPU i/f 0x0 HPPI update: irq 8200 group 2 prio 64
gicv3_cpuif_set_irqs GICv3 CPU i/f 0x0 HPPI update: setting FIQ 0 IRQ 1
gicv3_cpuif_update GICv3 CPU i/f 0x1 HPPI update: irq 8201 group 2 prio 64
gicv3_cpuif_set_irqs GICv3 CPU i/f 0x1 HPPI update: setting FIQ 0 IRQ 1
gicv3_cpuif_update GICv3 CPU i/f 0x1 HPPI update: irq 8201 group 2 prio 255
gicv3_cpuif_set_irqs GICv3 CPU i/f 0x1 HPPI update: setting FIQ 0 IRQ 0
gicv3_icc_iar1_read GICv3 ICC_IAR1 read cpu 0x1 value 0x2009
gicv3_icc_rpr_read GICv3 ICC_RPR read cpu 0x1 value 0x40'
echo "$lpi" | expect "an LPI arrives before it is acknowledged" 0
echo 'gicv3_cpuif_update GICv3 CPU i/f 0x0 HPPI update: irq 8200 group 2 prio 64
gicv3_cpuif_set_irqs GICv3 CPU i/f 0x0 HPPI update: setting FIQ 0 IRQ 1
gicv3_cpuif_update GICv3 CPU i/f 0x0 HPPI update: irq 8200 group 2 prio 255
gicv3_cpuif_set_irqs GICv3 CPU i/f 0x0 HPPI update: setting FIQ 0 IRQ 0
gicv3_cpuif_update GICv3 CPU i/f 0x0 HPPI update: irq 8200 group 2 prio 64
gicv3_cpuif_set_irqs GICv3 CPU i/f 0x0 HPPI update: setting FIQ 0 IRQ 1
gicv3_icc_rpr_read GICv3 ICC_RPR read cpu 0x0 value 0xff' | expect "an LPI that is withdrawn may come again" 0
# One that goes away uncovers an SPI that has been written as pending, and that no wire holds.
echo 'gicv3_dist_write GICv3 distributor write: offset 0x84 data 0xffffffff size 4 secure 0
gicv3_dist_write GICv3 distributor write: offset 0x428 data 0x50 size 1 secure 0
gicv3_dist_write GICv3 distributor write: offset 0x104 data 0x100 size 4 secure 0
gicv3_cpuif_update GICv3 CPU i/f 0x0 HPPI update: irq 8200 group 2 prio 64
gicv3_cpuif_set_irqs GICv3 CPU i/f 0x0 HPPI update: setting FIQ 0 IRQ 1
gicv3_icc_rpr_read GICv3 ICC_RPR read cpu 0x0 value 0xff
gicv3_dist_write GICv3 distributor write: offset 0x204 data 0x100 size 4 secure 0
gicv3_cpuif_update GICv3 CPU i/f 0x0 HPPI update: irq 40 group 2 prio 80
gicv3_cpuif_set_irqs GICv3 CPU i/f 0x0 HPPI update: setting FIQ 0 IRQ 1
gicv3_icc_rpr_read GICv3 ICC_RPR read cpu 0x0 value 0xff
gicv3_dist_write GICv3 distributor write: offset 0x284 data 0x100 size 4 secure 0
gicv3_dist_read GICv3 distributor read: offset 0x204 data 0x0 size 4 secure 0
gicv3_cpuif_update GICv3 CPU i/f 0x0 HPPI update: irq 41 group 2 prio 80
gicv3_icc_rpr_read GICv3 ICC_RPR read cpu 0x0 value 0xff' |
	expect "an LPI that is withdrawn does not raise the wire of what is next" 0
echo 'gicv3_cpuif_update GICv3 CPU i/f 0x0 HPPI update: irq 8200 group 2 prio 212
gicv3_cpuif_set_irqs GICv3 CPU i/f 0x0 HPPI update: setting FIQ 1 IRQ 0
gicv3_icc_iar0_read GICv3 ICC_IAR0 read cpu 0x0 value 0x3fd
Exception return from AArch64 EL3 to AArch64 EL2 PC 0x0
gicv3_cpuif_update GICv3 CPU i/f 0x0 HPPI update: irq 8200 group 2 prio 212' |
	expect "a read that acknowledges nothing is no cause" 0

# CPUs on threads of their own write into each other: a return is of a CPU at its level, behind which both interfaces are told.
echo 'gicv3_icc_pmr_write GICv3 ICC_PMR write cpu 0x0 value 0xa0
gicv3_redist_read GICv3 redistributor 0x0 read: offset 0x10400 data 0x0 size 1 secure 1
Taking exception 13 [Secure Monitor Call] on CPU 0
Taking exception 11 [Hypervisor Call] on CPU 1
...from EL1 to EL3
...from EL1 to EL2
gicv3_icc_pmr_read GICv3 ICC_PMR read cpu 0x0 value 0xd0
Exception return from AArch64 EL3 to AArch64 EL1 PC 0x0
gicv3_icc_pmr_write GICv3 ICC_PMR write cpu 0x1 value 0xf0
gicv3_cpuif_update GICv3 CPU i/f 0x1 HPPI update: irq 0 group 2 prio 255
gicv3_cpuif_set_irqs GICv3 CPU i/f 0x1 HPPI update: setting FIQ 0 IRQ 0
gicv3_cpuif_update GICv3 CPU i/f 0x0 HPPI update: irq 0 group 2 prio 255
gicv3_cpuif_set_irqs GICv3 CPU i/f 0x0 HPPI update: setting FIQ 0 IRQ 0
gicv3_cpuif_virt_update GICv3 CPU i/f 0x0 virt HPPI update LR index -1 HPPVLPI 0 grp 0 prio 255
gicv3_cpuif_virt_set_irqs GICv3 CPU i/f 0x0 virt HPPI update: setting FIQ 0 IRQ 0
gicv3_icc_pmr_write GICv3 ICC_PMR write cpu 0x0 value 0x80
gicv3_icc_pmr_read GICv3 ICC_PMR read cpu 0x0 value 0x80
Taking exception 13 [Secure Monitor Call] on CPU 0
...from EL1 to EL3
gicv3_cpuif_update GICv3 CPU i/f 0x0 HPPI update: irq 0 group 2 prio 255
gicv3_icc_pmr_read GICv3 ICC_PMR read cpu 0x0 value 0xc0
gicv3_icc_pmr_read GICv3 ICC_PMR read cpu 0x1 value 0xf0' | expect "exceptions and returns of CPUs that write into each other are told apart" 0

# Lines as the emulator writes them. Physical: CPU INTID PRIORITY IRQ FIQ; look: both interfaces, as behind each exception and return.
physical() {
	echo "gicv3_cpuif_update GICv3 CPU i/f $1 HPPI update: irq $2 group 2 prio $3"
	echo "gicv3_cpuif_set_irqs GICv3 CPU i/f $1 HPPI update: setting FIQ $5 IRQ $4"
}
look() {
	physical "$@"
	echo "gicv3_cpuif_virt_update GICv3 CPU i/f $1 virt HPPI update LR index -1 HPPVLPI 0 grp 0 prio 255"
}
taking() { printf 'Taking exception %s on CPU %s\n...from EL%s to EL%s\n' "$1" "$2" "$3" "$4"; }
leaves() { echo "Exception return from AArch64 EL$1 to AArch64 EL$2 PC 0x0"; }
wire() { echo "gicv3_redist_set_irq GICv3 redistributor $1 interrupt 27 level changed to $2"; }
call='13 [Secure Monitor Call]'
enter() { taking "$call" "$1" 2 3 && look "0x$1" 0 255 0 0; }
rises() { wire "0x$1" 0 && physical "0x$1" 27 255 0 0 && wire "0x$1" 1 && physical "0x$1" 27 208 "$2" "$3"; } # CPU IRQ FIQ
{ enter 0 && rises 0 0 1 && leaves 3 2 && rises 0 1 0 && taking '11 [Hypervisor Call]' 0 2 2 && look 0x0 27 208 1 0; } |
	expect "a CPU that takes an exception from a level has returned there" 0
{
	enter 1 && leaves 3 2 && taking '11 [Hypervisor Call]' 1 1 2 && look 0x1 0 255 0 0
	enter 0 && rises 0 0 1 && leaves 3 2 && look 0x0 27 208 1 0
} | expect "a return before the last exception of a CPU is not its own" 0
{
	enter 1 && taking "$call" 0 2 3 && leaves 3 2 && look 0x0 0 255 0 0
	rises 0 0 1 && look 0x1 0 255 0 0 && rises 1 1 0 && wire 0x1 0
} | expect "and a look for an exception is for no return" 0
{ enter 1 && rises 0 0 1 && leaves 3 2 && look 0x0 27 208 1 0 && wire 0x0 0; } |
	expect "a CPU of which nothing is known may have returned though another one is at the level" 0
echo 'gicv3_icc_generate_sgi GICv3 CPU i/f 0x0 generating SGI 0 IRM 0 target affinity 0x0xx targetlist 0x1
Exception return from AArch64 EL1 to AArch64 EL0 PC 0x0
gicv3_redist_send_sgi GICv3 redistributor 0x0 pending SGI 0
gicv3_icc_rpr_read GICv3 ICC_RPR read cpu 0x0 value 0xff' | expect "a return may stand between an SGI and its arrival" 0
{
	physical 0x0 0 255 1 0 && echo 'gicv3_icc_hppir1_read GICv3 ICC_HPPIR1 read cpu 0x0 value 0x3ff'
	physical 0x0 41 160 1 0 && echo 'gicv3_icc_hppir1_read GICv3 ICC_HPPIR1 read cpu 0x0 value 0x29'
} | expect "lines that are up where nothing is pending differ" 1
check "and are not what has come by then" "line 2" "$(sed -n 's/^\(line [0-9]*\):.*/\1/p' "$dir/out")"
