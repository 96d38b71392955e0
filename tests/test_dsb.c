/* What a DSB's CRm comes to: domains, types, reserved encodings, HCR_EL2.BSU. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "mmu/dsb.h"

static const struct features features = {.vhe = 1};

static unsigned executed(unsigned crm, unsigned el, uint64_t hcr)
{
	const struct sysregs regs = {.HCR_EL2 = hcr};
	return dsb_as_executed(crm, &(struct tlbi_context){&regs, &features, el, SEC_NONSECURE});
}

#define BSU(n) ((uint64_t)(n) << 10)
enum { OSH = 3, NSHLD = 5, NSHST = 6, NSH = 7, ISHST = 10, ISH = 11, SY = 15 };

Test(dsb, what_is_not_allocated_is_a_barrier_of_the_full_system)
{
	cr_assert(eq(u32, executed(8, 1, 0), SY));
	cr_assert(eq(u32, executed(12, 1, 0), SY));
	cr_assert(eq(u32, executed(0, 1, BSU(3)), 0), "SSBB");
	cr_assert(eq(u32, executed(4, 1, BSU(3)), 4), "PSSBB");
}

Test(dsb, only_one_for_loads_and_stores_waits_for_tlbis)
{
	for (unsigned crm = 0; crm < 16; crm++) {
		unsigned done = executed(crm, 1, 0);
		bool other = crm == 0 || crm == 4 || (crm & 3) == 1 || (crm & 3) == 2;
		cr_assert(eq(int, dsb_waits_for_tlbis(done), !other), "%u", crm);
	}
	cr_assert(dsb_waits_for_stores(ISHST));
	cr_assert(not(dsb_waits_for_stores(NSHLD)));
}

Test(dsb, bsu_is_the_least_domain_of_a_guest)
{
	cr_assert(eq(u32, executed(NSH, 1, 0), NSH));
	cr_assert(eq(u32, executed(NSH, 1, BSU(1)), ISH));
	cr_assert(eq(u32, executed(NSHST, 0, BSU(1)), ISHST));
	cr_assert(eq(u32, executed(NSH, 1, BSU(2)), OSH));
	cr_assert(eq(u32, executed(ISH, 1, BSU(2)), OSH));
	cr_assert(eq(u32, executed(NSH, 1, BSU(3)), SY));
	cr_assert(eq(u32, executed(OSH, 1, BSU(1)), OSH));
	cr_assert(eq(u32, executed(SY, 1, BSU(1)), SY));
}

Test(dsb, bsu_is_not_for_el2_nor_for_a_hosts_programs)
{
	cr_assert(eq(u32, executed(NSH, 2, BSU(1)), NSH));
	cr_assert(eq(u32, executed(NSH, 0, BSU(1) | HCR_E2H | HCR_TGE), NSH));
	cr_assert(eq(u32, executed(NSH, 0, BSU(1) | HCR_E2H), ISH));
}
