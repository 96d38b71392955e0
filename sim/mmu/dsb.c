#include "mmu/dsb.h"

enum { SSBB = 0, PSSBB = 4, SY = 15, HCR_BSU = 10 };

/* From the smallest domain to the largest: as HCR_EL2.BSU counts. */
static const uint8_t by_size[] = {DSB_NON_SHAREABLE, DSB_INNER_SHAREABLE, DSB_OUTER_SHAREABLE,
				  DSB_FULL_SYSTEM};

static unsigned size_of(enum dsb_domain domain)
{
	unsigned size = 0;
	while (by_size[size] != domain) size++;
	return size;
}

/* The smallest that HCR_EL2 allows. Not of a host's programs, and not of EL2. */
static unsigned least_size(const struct tlbi_context *who)
{
	const uint64_t hcr = who->regs->HCR_EL2, host = HCR_E2H | HCR_TGE;
	if (who->el >= 2 || !regime_has_el2(who->regs, who->features, who->security)) return 0;
	if (who->features->vhe && (hcr & host) == host) return 0;
	return (unsigned)bits_get(hcr, HCR_BSU + 1, HCR_BSU);
}

unsigned dsb_as_executed(unsigned crm, const struct tlbi_context *who)
{
	if (crm == SSBB || crm == PSSBB) return crm;
	if (dsb_types(crm) == DSB_OTHER) crm = SY;
	unsigned size = size_of(dsb_domain(crm)), least = least_size(who);
	return (unsigned)by_size[size < least ? least : size] << 2 | dsb_types(crm);
}
