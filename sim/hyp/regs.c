/* regs.c - the EL2 registers as KVM programs them.
 *
 * Source: kvm_get_vtcr() in arch/arm64/kvm/hyp/pgtable.c, kvm_get_vttbr(), vcpu_reset_hcr(),
 * include/asm/kvm_arm.h; the values agree with the register dumps of running VMs in tests/test_hyp.c.
 */
#include <assert.h>

#include "hyp/vm.h"

#define BIT(n) (UINT64_C(1) << (n))

enum {
	VTCR_SL0 = 6,
	VTCR_IRGN0 = 8,
	VTCR_ORGN0 = 10,
	VTCR_SH0 = 12,
	VTCR_TG0 = 14,
	VTCR_PS = 16,
	VTCR_SL2 = 33
};
#define VTCR_VS BIT(19)
#define VTCR_HA BIT(21) /* KVM sets it everywhere; of no effect without FEAT_HAFDBS */
#define VTCR_HD BIT(22)
#define VTCR_RES1 BIT(31)
#define VTCR_DS BIT(32)

/* TSC TSW TWI VM BSU=inner FB TACR AMO SWIO TIDCP RW FMO IMO PTW TID3: what KVM traps or routes whenever a
 * guest runs alone on its core (TWE is set only when others wait for it). */
#define HCR_GUEST_FLAGS \
	(BIT(19) | BIT(22) | BIT(13) | HCR_VM | BIT(10) | BIT(9) | BIT(21) | BIT(5) | BIT(1) | BIT(20) | \
	 BIT(31) | BIT(3) | BIT(4) | HCR_PTW | BIT(18))
#define HCR_TLOR BIT(35) /* FEAT_LOR comes with Armv8.1, as FEAT_VHE does */

/* ID_AA64MMFR0_EL1.PARange, which PS repeats; 52 bits only where descriptors hold them. */
static uint64_t ps(const struct hyp *hyp, enum desc_layout layout)
{
	static const uint8_t bits[] = {32, 36, 40, 42, 44, 48, 52};
	uint64_t field = 0, most = layout == DESC_OA_48 ? 48 : 52;
	while (field + 1 < sizeof(bits) && bits[field + 1] <= hyp->f.pa_bits && bits[field + 1] <= most)
		field++;
	return field;
}

/* SL0 and SL2. VTCR_EL2_LVLS_TO_SL0(): 4K granules count from level 2, the others from level 3; SL2 is level -1. */
static uint64_t start(const struct hyp_geometry *g)
{
	if (g->start_level < 0) return UINT64_C(1) << VTCR_SL2;
	return (uint64_t)((g->granule_bits == GRANULE_4K ? 2 : 3) - g->start_level) << VTCR_SL0;
}

static uint64_t vtcr(const struct hyp_vm *vm)
{
	const struct hyp *hyp = vm->hyp;
	static const uint8_t tg0[] = {0, 2, 1}; /* by enum os_page_size */
	struct hyp_geometry g = hyp_geometry(&hyp->p);
	uint64_t v = VTCR_RES1 | VTCR_HA | (64 - hyp->p.ipa_bits) | start(&g);
	v |= UINT64_C(1) << VTCR_IRGN0 | UINT64_C(1) << VTCR_ORGN0 | (uint64_t)SH_INNER << VTCR_SH0;
	v |= (uint64_t)tg0[hyp->p.granule] << VTCR_TG0 | ps(hyp, vm->stage2.layout) << VTCR_PS;
	if (hyp->f.vmid16) v |= VTCR_VS;
	if (vm->hardware_dirty) v |= VTCR_HD;
	if (vm->stage2.layout == DESC_OA_DS) v |= VTCR_DS;
	return v;
}

static uint64_t vttbr(const struct hyp_vm *vm, uint64_t root)
{
	uint64_t high = vm->stage2.layout == DESC_OA_48 ? 0 : bits_put(root >> 48, 5, 2);
	return (root & bits_ones(48)) | high | (uint64_t)vm->vmid << 48;
}

bool hyp_vm_set_vmid(struct hyp_vm *vm, uint16_t vmid)
{
	assert(vm->hyp->f.vmid16 || vmid < 256);
	bool other = vm->vmid != vmid;
	vm->vmid = vmid;
	return other;
}

void hyp_enter_vmid(const struct hyp_vm *vm, struct sysregs *regs)
{
	regs->VTTBR_EL2 = (regs->VTTBR_EL2 & bits_ones(48)) | (uint64_t)vm->vmid << 48;
}

/* Tables that differ from core to core are not common to all (CnP). */
void hyp_enter_node(const struct hyp_vm *vm, unsigned node, struct sysregs *regs)
{
	if (vm->stage2.replicas) regs->VTTBR_EL2 = vttbr(vm, pgtable_root_of(&vm->stage2, node));
}

void hyp_write_regs(const struct hyp_vm *vm, struct sysregs *regs)
{
	const struct features *f = &vm->hyp->f;
	regs->VTCR_EL2 = vtcr(vm);
	regs->VTTBR_EL2 = vttbr(vm, vm->stage2.root) | (f->ttcnp ? 1 : 0);
	regs->HCR_EL2 = HCR_GUEST_FLAGS | (f->vhe ? HCR_E2H | HCR_TLOR : 0) | (f->s2fwb ? HCR_FWB : 0);
}
