/* vgic.h - the GICv3 that a hypervisor emulates for a VM, as KVM's in-kernel vGIC does it.
 *
 *   vgic_inject, vgic_send_sgi     interrupts for a vCPU: onto its list of active and pending ones (ap_list)
 *   vgic_load .. vgic_put          a vCPU comes onto a PE: VMCR and active priorities
 *   vgic_enter .. vgic_exit        a guest is entered and left: list registers are filled, and folded back
 *   vgic_dist_*, vgic_redist_*     the guest's accesses to its GICD and GICR, which trap
 * An interrupt is on at most one ap_list. Those that fit no list register wait, active ones first, then by priority; while some
 * wait, an underflow maintenance interrupt is asked for. A level-sensitive interrupt is asked for its input again when it
 * has ended; one that is mapped to a physical interrupt is ended by the hardware with it.
 *
 * The physical interface is reached by register accesses only (cpu_if_read, cpu_if_write), which are counted: what they cost is for
 * others to say. One Security state, Group 0 and 1; 5 bits of priority.
 * Source: Linux 6.1 arch/arm64/kvm/vgic: vgic.c (ap_list, vgic_target_oracle, sorting, folding), vgic-v3.c (list registers),
 * hyp/vgic-v3-sr.c (order of register accesses), vgic-mmio*.c (registers).
 * Not modelled: ITS emulation (vits.h; vgic_inject_lpi() takes its LPIs), GICv2 guests, extended ranges, ends counted by EOIcount.
 */
#ifndef GIC_VGIC_H
#define GIC_VGIC_H

#include "gic/cpu_if.h"

enum { VGIC_MAX_SPIS = GIC_SPI_END - GIC_PRIVATE, VGIC_PRIORITY_BITS = 5 };

struct vgic_params {
	unsigned vcpus;           /* 1..GIC_MAX_PES */
	const uint32_t *affinity; /* of each vCPU, ascending; NULL: 16 per Aff1 */
	unsigned spis;            /* 0..VGIC_MAX_SPIS */
	unsigned list_registers;  /* 1..GIC_MAX_LRS: those of the PEs */
};

/* What the vGIC asks of the rest of the hypervisor. Any may be NULL. */
struct vgic_host {
	void *self;
	/* `vcpu` has something new to take: wake it, or make it leave its guest. */
	void (*kick)(void *self, unsigned vcpu);
	/* The input of a level-sensitive interrupt that is mapped to a physical one. NULL: low. */
	bool (*input)(void *self, unsigned vcpu, uint32_t intid);
	/* Makes the physical interrupt behind a mapped one active or inactive. */
	void (*set_active)(void *self, unsigned vcpu, uint32_t pintid, bool active);
	/* A level-sensitive interrupt has ended: who drives it looks at its line again (irqfd's resampling). */
	void (*ended)(void *self, uint32_t intid);
	/* An interrupt has come onto the list of `vcpu`, or is there and pending again. */
	void (*queued)(void *self, unsigned vcpu, uint32_t intid);
};

/* Since vgic_new. */
struct vgic_counts {
	uint64_t injected, merged; /* interrupts queued; raised again while they were pending */
	uint64_t entries, exits;
	uint64_t lr_writes, lr_reads, other_writes, other_reads; /* of ICH_* */
	uint64_t overflows;    /* entries on which some interrupt found no list register */
	uint64_t most_waiting; /* of an ap_list */
	uint64_t kicks;
};

struct vgic;

/* Asserts on parameters out of range. The caller frees with vgic_free(). */
struct vgic *vgic_new(const struct vgic_params *p, const struct vgic_host *host);
void vgic_free(struct vgic *v);
const struct vgic_counts *vgic_counts(const struct vgic *v);
/* Aff3.Aff2.Aff1.Aff0 of a vCPU. */
uint32_t vgic_affinity(const struct vgic *v, unsigned vcpu);

/* A wire of an emulated device or timer moves. `vcpu` matters for PPIs. Edges count when they rise. */
void vgic_inject(struct vgic *v, unsigned vcpu, uint32_t intid, bool level);
/* ICC_SGI1R_EL1 as `vcpu` has written it (ICC_SGI0R_EL1: group0). */
void vgic_send_sgi(struct vgic *v, unsigned vcpu, uint64_t sgir, bool group0);
/* A PPI that list registers shall name with HW = 1 and this pINTID; 0 takes the mapping away. */
void vgic_map(struct vgic *v, unsigned vcpu, uint32_t intid, uint32_t pintid);
/* A PPI is an edge, as the device of a hypervisor that drives it says; otherwise it is a level. */
void vgic_make_edge(struct vgic *v, unsigned vcpu, uint32_t intid);

/* A vCPU's state comes onto PE `pe` of `g`, and leaves it: ICH_VMCR_EL2 and ICH_AP<n>R<m>_EL2. */
void vgic_load(struct vgic *v, unsigned vcpu, struct gic *g, unsigned pe);
void vgic_put(struct vgic *v, unsigned vcpu);
/* Around every run of the guest, between load and put. Without list registers in use they touch no register, except that
 * vgic_exit() reads nothing and vgic_enter() writes nothing. */
void vgic_enter(struct vgic *v, unsigned vcpu);
void vgic_exit(struct vgic *v, unsigned vcpu);
/* The halves of these without their register accesses, for who makes those himself. vgic_prepare() decides what the next entry lists:
 * *lr are the values of the first so many list registers (its result), valid until vgic_absorb(), and *hcr that of ICH_HCR_EL2.
 * vgic_absorb() takes the values back as they are after an exit; `lr` has one for each that was listed. */
unsigned vgic_prepare(struct vgic *v, unsigned vcpu, const uint64_t **lr, uint32_t *hcr);
void vgic_absorb(struct vgic *v, unsigned vcpu, const uint64_t *lr);
/* How many the last vgic_prepare() has listed and no vgic_absorb() has taken back. */
unsigned vgic_listed(const struct vgic *v, unsigned vcpu);
/* An entry would list something that is not active: a vCPU has an interrupt to take. Whatever its masks say. */
bool vgic_wanted(struct vgic *v, unsigned vcpu);
/* An LPI of the guest becomes pending at `vcpu`, with the priority that its configuration byte gives. */
void vgic_inject_lpi(struct vgic *v, unsigned vcpu, uint32_t intid, uint8_t priority);
/* Whether a vCPU that waits (WFI) must go on: something is enabled and pending, and passes its mask. */
bool vgic_has_pending(struct vgic *v, unsigned vcpu);

/* Trapped accesses of the guest; as gic_dist_read() and the like. */
uint64_t vgic_dist_read(struct vgic *v, unsigned vcpu, uint32_t offset, unsigned bytes);
void vgic_dist_write(struct vgic *v, unsigned vcpu, uint32_t offset, unsigned bytes, uint64_t value);
uint64_t vgic_redist_read(struct vgic *v, unsigned vcpu, uint32_t offset, unsigned bytes);
void vgic_redist_write(struct vgic *v, unsigned vcpu, uint32_t offset, unsigned bytes, uint64_t value);

/* Invariants of lists and states; NULL: all hold. For tests. */
const char *vgic_check(const struct vgic *v);
/* The state of one interrupt as the hypervisor has it while the guest is not running. False: there is none. */
bool vgic_irq_state(struct vgic *v, unsigned vcpu, uint32_t intid, struct gic_irq_state *out);
/* How many interrupts are on the ap_list of `vcpu`. */
unsigned vgic_queued(const struct vgic *v, unsigned vcpu);

#endif
