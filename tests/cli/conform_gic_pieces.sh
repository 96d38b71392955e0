#!/bin/sh
# strata conform --gic: logs that begin anywhere, while guests run, under firmware, and of CPUs that write into each other's lines.
STRATA=${STRATA:-build/strata}
command -v zstd >/dev/null || exit 0
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
check() { if [ "$2" = "$3" ]; then echo "ok - $1"; else echo "not ok - $1: expected '$2', came '$3'"; fi; }
replay() { zstd -q -f -o "$dir/log.zst" && "$STRATA" conform --gic "$dir/log.zst" >"$dir/out" 2>"$dir/err"; }
expect() { replay; check "$1" "$2" $?; } # CLAIM EXIT-CODE, the log on standard input

# Lines as the emulator writes them. Physical: CPU INTID PRIORITY IRQ [FIQ]; virtual: first list register, virtual IRQ.
physical() {
	echo "gicv3_cpuif_update GICv3 CPU i/f $1 HPPI update: irq $2 group 2 prio $3"
	echo "gicv3_cpuif_set_irqs GICv3 CPU i/f $1 HPPI update: setting FIQ ${5:-0} IRQ $4"
}
virtual() {
	echo "gicv3_cpuif_virt_update GICv3 CPU i/f 0x0 virt HPPI update LR index $1 HPPVLPI 0 grp 0 prio 255"
	echo "gicv3_cpuif_virt_set_irqs GICv3 CPU i/f 0x0 virt HPPI update: setting FIQ 0 IRQ $2"
}
idle() { physical 0x0 27 255 0; }
wire() { echo "gicv3_redist_set_irq GICv3 redistributor $1 interrupt $2 level changed to $3"; }
reg() { echo "gicv3_$1 GICv3 $2 $3 cpu 0x0 value $4"; } # EVENT NAME read|write VALUE
taking() { printf 'Taking exception %s on CPU %s\n...from EL%s to EL%s\n' "$1" "$2" "$3" "$4"; }
return_() { echo "Exception return from AArch64 EL$1 to AArch64 EL$2 PC 0x0"; }

# A hypervisor takes the guest's timer, and enters the guest with it in a list register.
host_takes() {
	wire 0x0 27 1 && physical 0x0 27 160 1
	taking '5 [IRQ]' 0 1 2 && physical 0x0 27 160 1 && virtual -1 0
	idle && reg icc_iar1_read ICC_IAR1 read 0x1b && reg icc_eoir_write ICC_EOIR1 write 0x1b && idle
}
enter() { # what the list register gets; first list register, virtual IRQ behind it
	reg ich_hcr_write ICH_HCR_EL2 write 0x1 && virtual -1 0
	reg ich_lr_write ICH_LR0_EL2 write "$1" && virtual "$2" "$3"
	return_ 2 1 && idle && virtual "$2" "$3"
}
leave() { # what the list register is saved as; first list register, virtual IRQ before
	taking '4 [Data Abort]' 0 1 2 && idle && virtual "$2" "$3"
	reg ich_hcr_write ICH_HCR_EL2 write 0x0 && virtual "$2" 0
	reg ich_lr_read ICH_LR0_EL2 read "$1" && reg ich_lr_write ICH_LR0_EL2 write 0x0 && virtual -1 0
	reg ich_vmcr_read ICH_VMCR_EL2 read 0xf04c000a
}
guest_takes() {
	taking '14 [Virtual IRQ]' 0 1 1 && idle && virtual 0 1
	reg icv_iar_read ICV_IAR1 read 0x1b && virtual -1 0
}
guest_ends() {
	wire 0x0 27 0 && idle
	reg icv_eoir_write ICV_EOIR1 write 0x1b && idle && virtual -1 0
	return_ 1 1 && idle && virtual -1 0
}
pending=0x70a0001b0000001b active=0xb0a0001b0000001b
{
	host_takes
	enter $pending 0 1 && leave $pending 0 1
	enter $pending 0 1 && guest_takes && leave $active -1 0
	reg ich_ap_read ICH_AP1R0_EL2 read 0x100000
	enter $active -1 0 && guest_ends
	reg ich_ap_read ICH_AP1R0_EL2 read 0x0
	host_takes
	enter $pending 0 1 && guest_takes && guest_ends
} >"$dir/guest"
expect "a guest's timer interrupts agree" 0 <"$dir/guest"
bad=
for line in $(seq 1 "$(wc -l <"$dir/guest")"); do
	tail -n "+$line" "$dir/guest" | replay || bad="$bad from $line"
	head -n "$line" "$dir/guest" | replay || bad="$bad to $line"
done
check "and so do parts that begin and end anywhere, while the guest runs" "" "$bad"
sed 's/ICV_IAR1 read cpu 0x0 value 0x1b/ICV_IAR1 read cpu 0x0 value 0x1c/' "$dir/guest" | tail -n +36 |
	expect "but no guest acknowledges what is in no list register" 1
{ guest_ends && guest_ends; } | expect "and none ends twice what keeps its wire's interrupt active" 0
{ guest_takes && guest_takes; } | expect "nor takes it twice" 1
{ reg icv_pmr_read ICV_PMR read 0x0 && reg icv_pmr_write ICV_PMR write 0xf0 && reg icv_pmr_read ICV_PMR read 0xf0 &&
	leave $pending 0 1; } | expect "the mask of a guest is what it reads first" 0

# An end that leaves the interrupt active is one of EOImode 1, though nothing is deactivated until the log ends. One that deactivates is
# told in two steps.
ends() { taking '5 [IRQ]' 0 1 1 && idle && reg icc_iar1_read ICC_IAR1 read 0x1b && reg icc_eoir_write ICC_EOIR1 write 0x1b; }
{ physical 0x0 27 160 1 && ends && idle && return_ 2 1 && idle && virtual -1 0; } |
	expect "an end that deactivates nothing shows EOImode 1" 0
{ physical 0x0 27 160 1 && ends && idle && physical 0x0 27 160 1 && return_ 2 1 && physical 0x0 27 160 1; } |
	expect "and one that lets it be pending again EOImode 0" 0
{ physical 0x0 27 160 1 && ends && idle && idle && wire 0x0 26 0 && idle; } |
	expect "which does not let it be idle while the wire is up" 1

{ physical 0x0 27 160 0 && wire 0x0 26 0 && physical 0x0 27 160 0; } |
	expect "what is pending and not signalled is masked by what has been running" 0
{ physical 0x0 27 160 0 && reg icc_eoir_write ICC_EOIR1 write 0x1e && physical 0x0 27 160 1 && return_ 1 1; } |
	expect "until that ends" 0
{ physical 0x0 27 160 1 && wire 0x0 26 0 && physical 0x0 27 160 0 && wire 0x0 26 0; } | expect "and nothing begins to run unseen" 1

active='gicv3_redist_read GICv3 redistributor 0x0 read: offset 0x10300 data 0x8000000 size 4 secure 0'
{ echo "$active" && wire 0x0 27 1 && idle; } | expect "what is read as active first was" 0
{ echo "$active" && wire 0x0 27 1 && physical 0x0 27 160 1 && wire 0x0 26 0; } | expect "and is not pending meanwhile" 1
sgi='gicv3_redist_send_sgi GICv3 redistributor 0x0 pending SGI 3'
{ echo "$sgi" && physical 0x0 3 160 1; } | expect "an SGI that arrives before any is sent was sent before" 0
{
	echo 'gicv3_icc_generate_sgi GICv3 CPU i/f 0x0 generating SGI 4 IRM 0 target affinity 0x0xx targetlist 0x1'
	echo 'gicv3_redist_send_sgi GICv3 redistributor 0x0 pending SGI 4' && echo "$sgi"
} | expect "and not behind one" 1
{ idle && physical 0x1 0 255 0 && taking '5 [IRQ]' 2 1 1; } | expect "a CPU that has nothing but an exception is one" 0
{ idle && physical 0x1 0 255 0 && taking '5 [IRQ]' 1 1 1; } | expect "and takes none when its lines are told to be low" 1

secure='gicv3_redist_read GICv3 redistributor 0x0 read: offset 0x10400 data 0xa0 size 1 secure 1'
# Non-secure software may not see GICR_WAKER among two Security states, but the emulator shows it.
waker='gicv3_redist_read GICv3 redistributor 0x0 read: offset 0x14 data 0x6 size 4 secure'
{ idle && echo "$waker 0" && echo "$secure"; } | expect "GICR_WAKER is not compared for Non-secure software" 0

{ host_takes && taking '13 [Secure Monitor Call]' 0 2 3 && idle && reg icc_igrpen1_el3_write ICC_IGRPEN1_EL3 write 0x0 && idle &&
	reg icc_igrpen_write ICC_IGRPEN1 write 0x1 && idle; } |
	expect "a group that firmware switches off and on was on where something has been acknowledged" 0

# Where the emulator is the firmware, a CPU that it switches off and on is at reset.
call() { taking '13 [Secure Monitor Call]' 0 2 3 && echo '...handled as PSCI call'; }
off() { reg icc_pmr_write ICC_PMR write 0xf0 && "$@" && idle && reg icc_pmr_read ICC_PMR read 0x0 && reg icc_pmr_read ICC_PMR read "$zero"; }
zero=0x0 && off call | expect "a CPU that calls the firmware may be switched off and on" 0
off true | expect "and one that does not is as it was" 1
zero=0xf0 && off call | expect "nor does it come back" 1
{ host_takes && call && idle && reg icc_pmr_read ICC_PMR read 0x0; } |
	expect "what it reads then is not what it held before" 0

# Firmware that leaves Group 0 alone (SCR_EL3.FIQ = 0): software sees whole priorities, as this read of the mask does.
mask() { reg icc_pmr_write ICC_PMR write 0xff && return_ 3 2 && idle && reg icc_pmr_read ICC_PMR read "$1"; }
{ echo "$secure" && taking '13 [Secure Monitor Call]' 0 2 3 && idle && mask 0xf8 && mask 0xf8; } |
	expect "without SCR_EL3.FIQ the mask is the same at all levels" 0
{ echo "$secure" && taking '13 [Secure Monitor Call]' 0 2 3 && idle && mask 0xf0; } | expect "with it, Non-secure software sees half" 0
dist='gicv3_dist_read GICv3 distributor read: offset 0x0 data'
{ echo "$dist 0x30 size 4 secure 1" && wire 0x0 27 1 && idle; } | expect "groups that GICD_CTLR is read without are disabled" 0
{ echo "$dist 0x12 size 4 secure 0" && echo "$dist 0x36 size 4 secure 1" && idle; } |
	expect "of which Non-secure software reads its own" 0
{ echo "$dist 0x12 size 4 secure 0" && idle; } | expect "GICD_CTLR without DS tells of two Security states" 0

# A CPU at EL3 has its interrupts as FIQs. Of returns the log tells no CPU; they may stand in another one's lines.
fiq() { physical "$1" 27 208 0 1; }
irq() { physical "$1" 27 208 1 0; }
{ fiq 0x0 && echo "$secure" && return_ 3 2 && irq 0x0; } | expect "a CPU begins at the level that it leaves first" 0
{ echo "...from EL2 to EL3" && fiq 0x1 && echo "$secure" && return_ 3 2 && irq 0x1 && irq 0x0; } |
	expect "a log that begins in an exception tells its CPU by the interface" 0
{
	echo "$secure"
	wire 0x0 27 1 && irq 0x0 && wire 0x1 27 1 && irq 0x1
	taking '13 [Secure Monitor Call]' 0 2 3 && fiq 0x0
	return_ 3 2
	taking '13 [Secure Monitor Call]' 1 2 3 && fiq 0x1
	irq 0x0 && return_ 3 2 && irq 0x1
} >"$dir/mixed"
expect "a return among the lines of another CPU is given to the right one" 0 <"$dir/mixed"
{
	echo "$secure" && taking '13 [Secure Monitor Call]' 0 2 3 && idle
	wire 0x0 27 1 && irq 0x0 && return_ 3 2 && irq 0x0
} | expect "a CPU is at its new level before it says so" 0
{
	wire 0x0 27 1 && physical 0x0 27 160 1 && physical 0x0 27 255 0
	return_ 1 0 && reg icc_iar1_read ICC_IAR1 read 0x1b
} | expect "a return between an acknowledge and its effects changes nothing" 0
