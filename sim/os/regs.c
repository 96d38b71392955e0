/* regs.c - the translation registers as Linux programs them.
 *
 * Source: arch/arm64/mm/proc.S (__cpu_setup), include/asm/sysreg.h (INIT_SCTLR_EL1_MMU_ON),
 * include/asm/kvm_arm.h (HCR_HOST_VHE_FLAGS); the values agree with the register dumps of running kernels in
 * tests/test_os.c.
 * Not modelled: pointer authentication, BTI and MTE bits of SCTLR.
 */
#include "os/contexts.h"
#include "os/kernel.h"

#define BIT(n) (UINT64_C(1) << (n))

/* SCTLR_EL1: M C SA SA0 SED EOS I DZE UCT nTWE TSCXT IESB EIS SPAN UCI LSMAOE nTLSMD EPAN. */
#define SCTLR_LINUX UINT64_C(0x0200000034f4d91d)

/* MAIR_EL1: Normal, Normal Tagged (as Normal without MTE), Normal NC, Device nGnRnE, Device nGnRE. */
#define MAIR_LINUX UINT64_C(0x000000040044ffff)

#define HCR_RW BIT(31)

enum {
	TCR_T0SZ = 0,
	TCR_IRGN0 = 8,
	TCR_ORGN0 = 10,
	TCR_SH0 = 12,
	TCR_TG0 = 14,
	TCR_T1SZ = 16,
	TCR_A1 = 22,
	TCR_IRGN1 = 24,
	TCR_ORGN1 = 26,
	TCR_SH1 = 28,
	TCR_TG1 = 30,
	TCR_IPS = 32,
	TCR_AS = 36,
	TCR_TBI0 = 37,
	TCR_TBI1 =
		38, /* with TBID1 and NFD1: kernels with MTE and KASLR built in, as distributions have them */
	TCR_HA = 39,
	TCR_HD = 40,
	TCR_TBID1 = 52,
	TCR_NFD1 = 54,
	TCR_E0PD1 = 56,
	TCR_DS = 59,
	WRITE_BACK_ALLOCATE = 1, /* of IRGN, ORGN */
};

/* TG0 and TG1 number the granules differently; by enum os_page_size. */
static const uint8_t tg0[] = {0, 2, 1}, tg1[] = {2, 1, 3};

/* ID_AA64MMFR0_EL1.PARange, which IPS repeats, without 52 bits where the descriptors cannot hold them. */
static uint64_t ips(const struct os *os)
{
	static const uint8_t bits[] = {32, 36, 40, 42, 44, 48, 52};
	uint64_t pa_bits = os->f.pa_bits, field = 0;
	if (pa_bits > 48 && os->kernel.layout == DESC_OA_48) pa_bits = 48;
	while (field + 1 < sizeof(bits) && bits[field + 1] <= pa_bits) field++;
	return field;
}

static uint64_t tcr(const struct os *os)
{
	uint64_t size = 64 - os->p.va_bits, cache = WRITE_BACK_ALLOCATE;
	uint64_t v = size << TCR_T0SZ | size << TCR_T1SZ | BIT(TCR_A1) | ips(os) << TCR_IPS;
	v |= BIT(TCR_TBI0) | BIT(TCR_TBI1) | BIT(TCR_TBID1) | BIT(TCR_NFD1);
	v |= cache << TCR_IRGN0 | cache << TCR_ORGN0 | (uint64_t)SH_INNER << TCR_SH0;
	v |= cache << TCR_IRGN1 | cache << TCR_ORGN1 | (uint64_t)SH_INNER << TCR_SH1;
	v |= (uint64_t)tg0[os->p.page_size] << TCR_TG0 | (uint64_t)tg1[os->p.page_size] << TCR_TG1;
	if (os_asid_bits(&os->p, &os->f) > 8) v |= BIT(TCR_AS);
	if (os->f.hafdbs) v |= BIT(TCR_HA) | BIT(TCR_HD);
	if (os->f.e0pd) v |= BIT(TCR_E0PD1);
	if (os->kernel.layout == DESC_OA_DS) v |= BIT(TCR_DS);
	return v;
}

/* phys_to_ttbr(): with 52-bit addresses <51:48> move to <5:2>. CnP is set where it exists, unless tables differ from core to
 * core. */
static uint64_t ttbr(const struct os *os, uint64_t root)
{
	uint64_t high = os->kernel.layout == DESC_OA_48 ? 0 : bits_put(root >> 48, 5, 2);
	return (root & bits_ones(48)) | high | (os->f.ttcnp && !os->kernel.replicas ? 1 : 0);
}

/* TTBR1 with the ASID of the program: in pairs, USER_ASID_FLAG is set. */
static uint64_t ttbr1(const struct os *os, const struct os_aspace *as, uint64_t root)
{
	return ttbr(os, root) | (uint64_t)ctx_user_number(as->asid, os->p.kpti) << 48;
}

void os_enter_kernel(const struct os *os, enum regime regime, struct sysregs *regs)
{
	const uint64_t user_asid_flag = UINT64_C(1) << 48;
	if (os->p.kpti) *(regime == REGIME_EL20 ? &regs->TTBR1_EL2 : &regs->TTBR1_EL1) &= ~user_asid_flag;
}

void os_enter_node(const struct os *os, const struct os_aspace *as, unsigned node, enum regime regime,
		   struct sysregs *regs)
{
	bool host = regime == REGIME_EL20;
	if (!os->kernel.replicas) return;
	*(host ? &regs->TTBR0_EL2 : &regs->TTBR0_EL1) = ttbr(os, pgtable_root_of(&as->user, node));
	*(host ? &regs->TTBR1_EL2 : &regs->TTBR1_EL1) = ttbr1(os, as, pgtable_root_of(&os->kernel, node));
}

void os_write_regs(const struct os *os, const struct os_aspace *as, enum regime regime, struct sysregs *regs)
{
	bool host = regime == REGIME_EL20;
	assert(host || regime == REGIME_EL10);
	*(host ? &regs->SCTLR_EL2 : &regs->SCTLR_EL1) = SCTLR_LINUX;
	*(host ? &regs->MAIR_EL2 : &regs->MAIR_EL1) = MAIR_LINUX;
	*(host ? &regs->TCR_EL2 : &regs->TCR_EL1) = tcr(os);
	*(host ? &regs->TTBR0_EL2 : &regs->TTBR0_EL1) = ttbr(os, as->user.root);
	*(host ? &regs->TTBR1_EL2 : &regs->TTBR1_EL1) = ttbr1(os, as, os->kernel.root);
	if (host) regs->HCR_EL2 = HCR_RW | HCR_TGE | HCR_E2H;
}
