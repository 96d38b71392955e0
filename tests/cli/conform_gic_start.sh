#!/bin/sh
# strata conform --gic: logs that begin while a guest runs, while an interrupt is handled, or while an SGI is under way.
STRATA=${STRATA:-build/strata}
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
check() { if [ "$2" = "$3" ]; then echo "ok - $1"; else echo "not ok - $1: expected '$2', came '$3'"; fi; }
expect() { # name, exit code; the log on stdin
	cat >"$dir/log"
	"$STRATA" conform --gic "$dir/log" >"$dir/out" 2>&1
	check "$1" "$2" $?
}

# The hypervisor has filled list register 0 and switched the interface on before the log begins.
guest='gicv3_cpuif_virt_set_irqs GICv3 CPU i/f 0x0 virt HPPI update: setting FIQ 0 IRQ 1
gicv3_cpuif_virt_update GICv3 CPU i/f 0x0 virt HPPI update LR index 0 HPPVLPI 0 grp 0 prio 255
gicv3_icv_iar_read GICv3 ICV_IAR1 read cpu 0x0 value 0x1b
gicv3_cpuif_virt_update GICv3 CPU i/f 0x0 virt HPPI update LR index -1 HPPVLPI 0 grp 0 prio 255
gicv3_cpuif_virt_set_irqs GICv3 CPU i/f 0x0 virt HPPI update: setting FIQ 0 IRQ 0
gicv3_icv_eoir_write GICv3 ICV_EOIR1 write cpu 0x0 value 0x1b
gicv3_ich_lr_read GICv3 ICH_LR0_EL2 read cpu 0x0 value 0x10a000000000001b
gicv3_ich_vmcr_read GICv3 ICH_VMCR_EL2 read cpu 0x0 value 0xf84c000a'
echo "$guest" | expect "a guest's interrupt that was pending before the log is acknowledged and ended" 0
echo "$guest" | sed '/lr_read/d; /vmcr_read/d' | expect "be it read by the hypervisor later or not" 0
echo "$guest" | sed '7s/0x10a/0x90a/' | expect "and is not active behind its end" 1
# The guest masks all priorities, and an active one waits for its end, before the hypervisor reads them.
echo 'gicv3_cpuif_virt_update GICv3 CPU i/f 0x0 virt HPPI update LR index 0 HPPVLPI 0 grp 0 prio 255
gicv3_cpuif_virt_set_irqs GICv3 CPU i/f 0x0 virt HPPI update: setting FIQ 0 IRQ 1
gicv3_icv_pmr_write GICv3 ICV_PMR write cpu 0x0 value 0x0
gicv3_cpuif_virt_set_irqs GICv3 CPU i/f 0x0 virt HPPI update: setting FIQ 0 IRQ 0
gicv3_ich_vmcr_read GICv3 ICH_VMCR_EL2 read cpu 0x0 value 0x4c000a' | expect "a mask that the guest writes was another one before" 0
echo 'gicv3_cpuif_virt_update GICv3 CPU i/f 0x0 virt HPPI update LR index 0 HPPVLPI 0 grp 0 prio 255
gicv3_cpuif_virt_set_irqs GICv3 CPU i/f 0x0 virt HPPI update: setting FIQ 0 IRQ 0
gicv3_ich_ap_read GICv3 ICH_AP1R0 read cpu 0x0 value 0x10000
gicv3_ich_hcr_read GICv3 ICH_HCR_EL2 read cpu 0x0 value 0x1' | expect "active priorities that are read before they move were there" 0
# It has written the registers that let a list register through, but not that.
echo 'gicv3_ich_lr_write GICv3 ICH_LR0_EL2 write cpu 0x0 value 0x40a0000000000005
gicv3_cpuif_virt_update GICv3 CPU i/f 0x0 virt HPPI update LR index 0 HPPVLPI 0 grp 0 prio 255
gicv3_cpuif_virt_set_irqs GICv3 CPU i/f 0x0 virt HPPI update: setting FIQ 1 IRQ 0' |
	expect "the group of a list register that is shown was enabled" 0
echo 'gicv3_ich_lr_write GICv3 ICH_LR0_EL2 write cpu 0x0 value 0x0
gicv3_cpuif_virt_set_maint_irq GICv3 CPU i/f 0x0 virt HPPI update: setting maintenance-irq 1
gicv3_ich_misr_read GICv3 ICH_MISR read cpu 0x0 value 0x2' | expect "maintenance was asked for where it is asserted" 0

echo 'gicv3_redist_send_sgi GICv3 redistributor 0x1 pending SGI 5
gicv3_icc_iar1_read GICv3 ICC_IAR1 read cpu 0x1 value 0x5' | expect "an SGI that arrives before any is sent has been sent" 0

# Nothing says which priority interrupt 0 has, that is being handled, and 33, which is pending behind 34.
usual='gicv3_icc_eoir_write GICv3 ICC_EOIR1 write cpu 0x0 value 0x0
gicv3_redist_read GICv3 redistributor 0x0 read: offset 0x10300 data 0x0 size 4 secure 0
gicv3_dist_set_irq GICv3 distributor interrupt 34 level changed to 1
gicv3_cpuif_update GICv3 CPU i/f 0x0 HPPI update: irq 34 group 2 prio 112
gicv3_cpuif_set_irqs GICv3 CPU i/f 0x0 HPPI update: setting FIQ 0 IRQ 1
gicv3_dist_set_irq GICv3 distributor interrupt 35 level changed to 1
gicv3_cpuif_update GICv3 CPU i/f 0x0 HPPI update: irq 34 group 2 prio 112
gicv3_icc_iar1_read GICv3 ICC_IAR1 read cpu 0x0 value 0x22
gicv3_icc_eoir_write GICv3 ICC_EOIR1 write cpu 0x0 value 0x22
gicv3_dist_set_irq GICv3 distributor interrupt 34 level changed to 0
gicv3_icc_iar1_read GICv3 ICC_IAR1 read cpu 0x0 value 0x23'
echo "$usual" | expect "interrupts that are never shown have the priority of those that are" 0

# Nothing but what priorities look like tells of two Security states.
echo 'gicv3_redist_read GICv3 redistributor 0x0 read: offset 0x10404 data 0xa0a0a0a0 size 4 secure 0
gicv3_icc_generate_sgi GICv3 CPU i/f 0x0 generating SGI 5 IRM 0 target affinity 0x0xx targetlist 0x1
gicv3_redist_send_sgi GICv3 redistributor 0x0 pending SGI 5
gicv3_cpuif_update GICv3 CPU i/f 0x0 HPPI update: irq 5 group 2 prio 208
gicv3_icc_iar1_read GICv3 ICC_IAR1 read cpu 0x0 value 0x5' |
	expect "there are two Security states where Non-secure software sees priorities shifted" 0
echo 'Exception return from AArch64 EL3 to AArch64 EL1 PC 0x0
gicv3_redist_write GICv3 redistributor 0x0 write: offset 0x10100 data 0xffff size 4 secure 0
gicv3_redist_read GICv3 redistributor 0x0 read: offset 0x10100 data 0xff size 4 secure 0' |
	expect "what Non-secure software does not see behind its write is Secure" 0
ctlr='gicv3_dist_write GICv3 distributor write: offset 0x0 data 0x10 size 4 secure 0
gicv3_redist_read GICv3 redistributor 0x1 read: offset 0x14 data 0x6 size 4 secure 1
gicv3_dist_read GICv3 distributor read: offset 0x0 data 0x34 size 4 secure 1'
echo "$ctlr" | expect "GICD_CTLR and GICR_WAKER held at the start what is read first" 0
echo "$ctlr" | sed '$s/0x34/0x36/' | expect "but for what the other Security state has written" 1

# A log may begin when part of the controller has been set up.
echo 'gicv3_redist_read GICv3 redistributor 0x0 read: offset 0x10080 data 0xffffffff size 4 secure 0
gicv3_redist_write GICv3 redistributor 0x0 write: offset 0x10200 data 0x8000000 size 4 secure 0
gicv3_dist_write GICv3 distributor write: offset 0x0 data 0x2 size 4 secure 0
gicv3_cpuif_update GICv3 CPU i/f 0x0 HPPI update: irq 27 group 2 prio 160
gicv3_cpuif_set_irqs GICv3 CPU i/f 0x0 HPPI update: setting FIQ 0 IRQ 1
gicv3_icc_rpr_read GICv3 ICC_RPR read cpu 0x0 value 0xff' | expect "a log that sets the distributor up may begin behind reset" 0

# What a list register holds of a physical interrupt is active, unless that is shown to be pending without an end of the guest.
held='gicv3_ich_lr_write GICv3 ICH_LR0_EL2 write cpu 0x0 value 0x70a0001b0000001b
gicv3_redist_set_irq GICv3 redistributor 0x0 interrupt 27 level changed to 1'
shown='gicv3_cpuif_update GICv3 CPU i/f 0x0 HPPI update: irq 27 group 2 prio 160
gicv3_icc_rpr_read GICv3 ICC_RPR read cpu 0x0 value 0xff'
printf '%s\n%s\n' "$held" "$shown" | expect "an interrupt of a list register that is pending at once is not active" 0
printf '%s\n%s\n' "$shown" "$(echo "$held" | head -n 1)" | expect "nor is one that was pending before" 0
printf '%s\n%s\n' "$held" "$(echo "$shown" | sed 's/prio 160/prio 255/')" | expect "and another one is" 0
echo 'gicv3_icc_iar1_read GICv3 ICC_IAR1 read cpu 0x0 value 0x1b
gicv3_icv_iar_read GICv3 ICV_IAR1 read cpu 0x0 value 0x1b
gicv3_icv_eoir_write GICv3 ICV_EOIR1 write cpu 0x0 value 0x1b
gicv3_ich_lr_read GICv3 ICH_LR0_EL2 read cpu 0x0 value 0x30a0001b0000001b' | expect "nor one that is acknowledged before the guest ends it" 0

# Something pending that is not signalled when the interface is first switched off: it was off before.
echo 'gicv3_cpuif_virt_update GICv3 CPU i/f 0x0 virt HPPI update LR index 0 HPPVLPI 0 grp 0 prio 255
gicv3_cpuif_virt_set_irqs GICv3 CPU i/f 0x0 virt HPPI update: setting FIQ 0 IRQ 0
gicv3_ich_hcr_write GICv3 ICH_HCR_EL2 write cpu 0x0 value 0x0' | expect "an interface that signals nothing was off" 0
echo 'gicv3_ich_lr_read GICv3 ICH_LR1_EL2 read cpu 0x0 value 0x10a0000000000005
gicv3_ich_lr_read GICv3 ICH_LR1_EL2 read cpu 0x0 value 0x10a0000000000005' | expect "a list register that is read first held that, though it is invalid" 0

# Of the looks behind an end the last may be for the write that follows: this end did not deactivate.
echo 'gicv3_redist_set_irq GICv3 redistributor 0x0 interrupt 27 level changed to 1
gicv3_cpuif_update GICv3 CPU i/f 0x0 HPPI update: irq 27 group 2 prio 160
gicv3_cpuif_update GICv3 CPU i/f 0x0 HPPI update: irq 27 group 2 prio 255
gicv3_icc_iar1_read GICv3 ICC_IAR1 read cpu 0x0 value 0x1b
gicv3_icc_eoir_write GICv3 ICC_EOIR1 write cpu 0x0 value 0x1b
gicv3_cpuif_update GICv3 CPU i/f 0x0 HPPI update: irq 27 group 2 prio 255
gicv3_cpuif_set_irqs GICv3 CPU i/f 0x0 HPPI update: setting FIQ 0 IRQ 0
gicv3_cpuif_update GICv3 CPU i/f 0x0 HPPI update: irq 27 group 2 prio 255
gicv3_cpuif_set_irqs GICv3 CPU i/f 0x0 HPPI update: setting FIQ 0 IRQ 0
gicv3_redist_write GICv3 redistributor 0x0 write: offset 0x10100 data 0x1 size 4 secure 0
gicv3_icc_dir_write GICv3 ICC_DIR write cpu 0x0 value 0x1b
gicv3_cpuif_update GICv3 CPU i/f 0x0 HPPI update: irq 27 group 2 prio 160
gicv3_icc_rpr_read GICv3 ICC_RPR read cpu 0x0 value 0xff' | expect "what a write leads to is no step of the end before it" 0

# Something has been up since before the log, and something else, which comes in it, is shown first.
echo 'Taking exception 5 [IRQ] on CPU 0
gicv3_dist_set_irq GICv3 distributor interrupt 41 level changed to 1
gicv3_cpuif_update GICv3 CPU i/f 0x0 HPPI update: irq 41 group 2 prio 128
gicv3_dist_set_irq GICv3 distributor interrupt 41 level changed to 0
gicv3_cpuif_update GICv3 CPU i/f 0x0 HPPI update: irq 27 group 2 prio 160
gicv3_icc_rpr_read GICv3 ICC_RPR read cpu 0x0 value 0xff' | expect "an interrupt is taken that is shown behind another one" 0
