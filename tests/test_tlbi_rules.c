/* TLB maintenance, one rule of the architecture per test, on an MMU that holds what the test says. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "mmu/tlbi.h"

enum { VMID = 7, ASID = 42, OTHER = 43 };

static struct mem_cpu no_memory;
static struct mmu *m;
static struct sysregs regs;
static struct features features;
static unsigned el;

static void setup(void)
{
	struct tlb_params tlb = {.name = "l1",
				 .level = 1,
				 .side = SIDE_UNIFIED,
				 .entries = 64,
				 .ways = 64,
				 .pages = UINT64_MAX};
	struct walk_cache_params walk = {.levels = 15, .entries = 16, .ways = 16};
	struct walker_params w = {.walkers = 1, .s1_caches = {&walk, 1}, .s2_caches = {&walk, 1}};
	struct err err;
	w.ipa_cache = (struct ipa_cache_params){.entries = 16, .ways = 16};
	cr_assert(eq(int, mmu_new(&(struct param_list){&tlb, 1}, &w, &no_memory, NULL, &m, &err), OK));
	features = (struct features){.granules = 7,
				     .granules_stage2 = 7,
				     .pa_bits = 48,
				     .vhe = 1,
				     .vmid16 = 1,
				     .asid16 = 1,
				     .tlbios = 1,
				     .tlbirange = 1,
				     .ttl = 1,
				     .xs = 1};
	regs = (struct sysregs){.VTTBR_EL2 = (uint64_t)VMID << 48,
				.TCR_EL1 = UINT64_C(1) << 36,
				.TCR_EL2 = UINT64_C(1) << 36};
	el = 1;
}

static void teardown(void) { mmu_free(m); }

TestSuite(tlbi_rules, .init = setup, .fini = teardown);

/* --- what the MMU holds ---------------------------------------------------------------------------------------- */

struct put {
	enum regime regime;
	uint16_t vmid, asid;
	uint64_t va;
	bool global;
	unsigned bits, s1_bits; /* 0: a page */
	int level;              /* 0: 3 */
};

static struct tlb_entry *put_in(struct tlb *t, struct put p)
{
	unsigned bits = p.bits ? p.bits : 12;
	struct tlb_fill f = {.va = p.va, .pa = p.va, .bits = bits, .run_bits = bits};
	f.like.tag = tlb_tag(p.regime, SEC_NONSECURE, p.vmid, p.asid);
	f.like.tag_mask = p.global ? TLB_TAG_GLOBAL : TLB_TAG_ALL;
	f.like.level = (uint8_t)((p.level ? p.level : 3) + 1);
	f.like.s1_bits = (uint8_t)(p.s1_bits ? p.s1_bits : bits);
	return tlb_fill(t, &f);
}

static struct tlb_entry *page(uint16_t asid, uint64_t va)
{
	return put_in(m->level[1][0], (struct put){.vmid = VMID, .asid = asid, .va = va});
}

static struct tlb_entry *global_page(uint16_t asid, uint64_t va)
{
	return put_in(m->level[1][0], (struct put){.vmid = VMID, .asid = asid, .va = va, .global = true});
}

static struct tlb_entry *table(uint16_t asid, uint64_t va)
{
	struct tlb_entry *e = put_in(m->cache[0][0].tlb,
				     (struct put){.vmid = VMID, .asid = asid, .va = va, .bits = 21});
	e->level = TLB_LEVEL_ANY;
	return e;
}

static struct tlb_entry *stage2_table(uint64_t ipa)
{
	struct tlb_entry *e = put_in(m->cache[1][0].tlb, (struct put){.vmid = VMID, .va = ipa, .bits = 21});
	e->level = TLB_LEVEL_ANY;
	return e;
}

static struct tlb_entry *stage2_page(uint64_t ipa)
{
	return put_in(m->ipa_cache, (struct put){.vmid = VMID, .va = ipa});
}

static bool held(const struct tlb_entry *e) { return e->bits != 0; }

/* --- how it is told -------------------------------------------------------------------------------------------- */

static enum tlbi_outcome tlbi(const char *name, uint64_t operand)
{
	struct tlbi_op op;
	struct tlbi_context c = {&regs, &features, el, SEC_NONSECURE};
	struct tlbi_scope s;
	cr_assert(tlbi_named(name, &op), "%s", name);
	enum tlbi_outcome outcome = tlbi_resolve(op, operand, &c, &s);
	if (outcome == TLBI_DONE) mmu_tlbi(m, &s);
	return outcome;
}

static uint64_t by_va(uint16_t asid, uint64_t va)
{
	return (uint64_t)asid << 48 | (va >> 12 & bits_ones(44));
}

static uint64_t hint_of(unsigned tg, unsigned level) { return (uint64_t)(tg << 2 | level) << 44; }
static uint64_t hint(unsigned level) { return hint_of(1, level); } /* 4 KiB granule */

static uint64_t range(uint16_t asid, uint64_t va, unsigned scale, unsigned num)
{
	return (uint64_t)asid << 48 | UINT64_C(1) << 46 | (uint64_t)scale << 44 | (uint64_t)num << 39 |
	       (va >> 12 & bits_ones(37));
}

/* --- global and ASID ------------------------------------------------------------------------------------------- */

Test(tlbi_rules, vae1_takes_global_entries_of_any_asid_and_others_of_its_own)
{
	struct tlb_entry *own = page(ASID, 0x1000), *other = page(OTHER, 0x1000),
			 *global = global_page(9, 0x1000);
	tlbi("VAE1", by_va(ASID, 0x1000));
	cr_assert(not(held(own)));
	cr_assert(held(other));
	cr_assert(not(held(global)));
}

Test(tlbi_rules, vaae1_takes_every_asid)
{
	struct tlb_entry *one = page(ASID, 0x1000), *two = page(OTHER, 0x1000),
			 *elsewhere = page(ASID, 0x2000);
	tlbi("VAAE1", by_va(0, 0x1000));
	cr_assert(not(held(one)));
	cr_assert(not(held(two)));
	cr_assert(held(elsewhere));
}

Test(tlbi_rules, aside1_leaves_global_entries)
{
	struct tlb_entry *own = page(ASID, 0x1000), *global = global_page(ASID, 0x2000),
			 *walk = table(ASID, 0);
	tlbi("ASIDE1", by_va(ASID, 0));
	cr_assert(not(held(own)));
	cr_assert(held(global));
	cr_assert(not(held(walk)));
}

Test(tlbi_rules, an_asid_has_8_bits_unless_tcr_says_16)
{
	struct tlb_entry *own = page(ASID, 0x1000);
	tlbi("ASIDE1", by_va(0x100 | ASID, 0));
	cr_assert(held(own));
	regs.TCR_EL1 = 0;
	tlbi("ASIDE1", by_va(0x100 | ASID, 0));
	cr_assert(not(held(own)));
}

Test(tlbi_rules, every_stage_1_operation_of_el1_keeps_to_its_vmid)
{
	static const char *const names[] = {"VMALLE1", "VAE1",   "ASIDE1",    "VAAE1",
					    "VALE1",   "VAALE1", "VMALLS12E1"};
	struct tlb_entry *other = put_in(m->level[1][0],
					 (struct put){.vmid = VMID + 1, .asid = ASID, .va = 0x1000});
	el = 2;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		tlbi(names[i], by_va(ASID, 0x1000));
		cr_assert(held(other), "%s", names[i]);
	}
	tlbi("ALLE1", 0);
	cr_assert(not(held(other)));
}

/* --- levels ---------------------------------------------------------------------------------------------------- */

Test(tlbi_rules, last_level_operations_leave_walk_caches)
{
	struct tlb_entry *walk = table(ASID, 0x1000), *leaf = page(ASID, 0x1000);
	tlbi("VALE1", by_va(ASID, 0x1000));
	cr_assert(held(walk));
	cr_assert(not(held(leaf)));
	tlbi("VAE1", by_va(ASID, 0x1000));
	cr_assert(not(held(walk)));
}

Test(tlbi_rules, a_walk_cache_entry_falls_with_any_page_below_its_table)
{
	struct tlb_entry *walk = table(ASID, 0x400000);
	tlbi("VAE1", by_va(ASID, 0x5ff000));
	cr_assert(not(held(walk)));
}

Test(tlbi_rules, a_level_hint_spares_leaves_of_other_levels)
{
	struct tlb_entry *leaf = page(ASID, 0x1000);
	tlbi("VAE1", by_va(ASID, 0x1000) | hint(2));
	cr_assert(held(leaf));
	tlbi("VAE1", by_va(ASID, 0x1000) | hint(3));
	cr_assert(not(held(leaf)));
}

/* It names level 3, as the page has, but of tables of 16 or 64 KiB. */
Test(tlbi_rules, a_hint_of_another_granule_takes_nothing)
{
	struct tlb_entry *leaf = page(ASID, 0x1000), *walk = table(ASID, 0x1000);
	tlbi("VAE1", by_va(ASID, 0x1000) | hint_of(2, 3));
	tlbi("VAE1", by_va(ASID, 0x1000) | hint_of(3, 3));
	cr_assert(held(leaf));
	cr_assert(held(walk));
	tlbi("VAE1", by_va(ASID, 0x1000) | hint(3));
	cr_assert(not(held(leaf)));
	cr_assert(not(held(walk)));
}

Test(tlbi_rules, a_hint_of_16_kib_takes_a_page_of_16_kib)
{
	struct put of_16k = {.vmid = VMID, .asid = ASID, .va = 0x4000, .bits = 14};
	struct tlb_entry *leaf = put_in(m->level[1][0], of_16k);
	tlbi("VAE1", by_va(ASID, 0x4000) | hint(3));
	cr_assert(held(leaf));
	tlbi("VAE1", by_va(ASID, 0x4000) | hint_of(2, 3));
	cr_assert(not(held(leaf)));
}

Test(tlbi_rules, a_reserved_hint_is_none)
{
	struct tlb_entry *leaf = page(ASID, 0x1000);
	tlbi("VAE1", by_va(ASID, 0x1000) | hint(0));
	cr_assert(not(held(leaf)));
}

Test(tlbi_rules, without_feat_ttl_a_hint_is_ignored)
{
	struct tlb_entry *leaf = page(ASID, 0x1000);
	features.ttl = 0;
	tlbi("VAE1", by_va(ASID, 0x1000) | hint(2));
	cr_assert(not(held(leaf)));
}

Test(tlbi_rules, every_piece_of_a_block_falls_with_any_address_of_it)
{
	struct put piece = {.vmid = VMID, .asid = ASID, .va = 0x7ff000, .s1_bits = 21, .level = 2};
	struct tlb_entry *far = put_in(m->level[1][0], piece);
	tlbi("VAE1", by_va(ASID, 0x5ff000));
	cr_assert(held(far));
	tlbi("VAE1", by_va(ASID, 0x600000));
	cr_assert(not(held(far)));
}

/* --- stage 2 --------------------------------------------------------------------------------------------------- */

Test(tlbi_rules, ipas2e1_leaves_combined_entries_for_the_vmalle1_that_follows)
{
	struct tlb_entry *combined = page(ASID, 0x1000), *ipa = stage2_page(0x1000),
			 *walk = stage2_table(0x1000);
	el = 2;
	tlbi("IPAS2E1", 1);
	cr_assert(not(held(ipa)));
	cr_assert(not(held(walk)));
	cr_assert(held(combined));
	tlbi("VMALLE1", 0);
	cr_assert(not(held(combined)));
}

Test(tlbi_rules, ipas2le1_leaves_stage_2_walk_caches)
{
	struct tlb_entry *ipa = stage2_page(0x1000), *walk = stage2_table(0x1000);
	el = 2;
	tlbi("IPAS2LE1", 1);
	cr_assert(not(held(ipa)));
	cr_assert(held(walk));
}

Test(tlbi_rules, vmalle1_leaves_what_is_of_stage_2_alone)
{
	struct tlb_entry *ipa = stage2_page(0x1000), *walk = stage2_table(0x1000);
	tlbi("VMALLE1", 0);
	cr_assert(held(ipa));
	cr_assert(held(walk));
	el = 2;
	tlbi("VMALLS12E1", 0);
	cr_assert(not(held(ipa)));
	cr_assert(not(held(walk)));
}

/* --- regimes --------------------------------------------------------------------------------------------------- */

Test(tlbi_rules, under_e2h_and_tge_an_el1_operation_of_el2_is_the_hosts)
{
	struct tlb_entry *guest = page(ASID, 0x1000);
	struct tlb_entry *host = put_in(m->level[1][0],
					(struct put){.regime = REGIME_EL20, .asid = ASID, .va = 0x1000});
	el = 2;
	regs.HCR_EL2 = HCR_E2H | HCR_TGE;
	tlbi("VAE1", by_va(ASID, 0x1000));
	cr_assert(held(guest));
	cr_assert(not(held(host)));
}

Test(tlbi_rules, under_e2h_without_tge_it_is_the_guests)
{
	struct tlb_entry *guest = page(ASID, 0x1000);
	struct tlb_entry *host = put_in(m->level[1][0],
					(struct put){.regime = REGIME_EL20, .asid = ASID, .va = 0x1000});
	el = 2;
	regs.HCR_EL2 = HCR_E2H;
	tlbi("VMALLE1", 0);
	cr_assert(not(held(guest)));
	cr_assert(held(host));
}

Test(tlbi_rules, vae2_goes_by_asid_only_where_el2_has_two_ranges)
{
	struct tlb_entry *plain = put_in(m->level[1][0], (struct put){.regime = REGIME_EL2, .va = 0x1000});
	struct tlb_entry *host = put_in(m->level[1][0],
					(struct put){.regime = REGIME_EL20, .asid = OTHER, .va = 0x1000});
	el = 2;
	regs.HCR_EL2 = HCR_E2H;
	tlbi("VAE2", by_va(ASID, 0x1000));
	cr_assert(held(host));
	regs.HCR_EL2 = 0;
	tlbi("VAE2", by_va(ASID, 0x1000));
	cr_assert(not(held(plain)));
}

Test(tlbi_rules, el3_reaches_its_own_entries_whatever_state_it_has_selected_below)
{
	struct tlb_entry *own = put_in(m->level[1][0], (struct put){.regime = REGIME_EL3, .va = 0x1000});
	own->tag = tlb_tag(REGIME_EL3, SEC_SECURE, 0, 0);
	el = 3;
	tlbi("VAE3", by_va(0, 0x2000));
	cr_assert(held(own));
	tlbi("VAE3", by_va(0, 0x1000));
	cr_assert(not(held(own)));
}

Test(tlbi_rules, an_address_of_the_upper_half_is_extended)
{
	struct tlb_entry *kernel = global_page(ASID, UINT64_C(0xffff800000001000));
	struct tlb_entry *user = page(ASID, UINT64_C(0x0000800000001000));
	tlbi("VAE1", by_va(ASID, UINT64_C(0xffff800000001000)));
	cr_assert(not(held(kernel)));
	cr_assert(held(user));
}

/* --- ranges ---------------------------------------------------------------------------------------------------- */

Test(tlbi_rules, a_range_is_num_plus_1_times_2_to_the_5_scale_plus_1_granules)
{
	struct tlb_entry *before = page(ASID, 0xf000), *first = page(ASID, 0x10000);
	struct tlb_entry *last = page(ASID, 0x10000 + 3 * 64 * 4096 - 4096);
	struct tlb_entry *after = page(ASID, 0x10000 + 3 * 64 * 4096);
	tlbi("RVAE1", range(ASID, 0x10000, 1, 2)); /* 3 << 6 pages */
	cr_assert(held(before));
	cr_assert(not(held(first)));
	cr_assert(not(held(last)));
	cr_assert(held(after));
}

Test(tlbi_rules, a_range_of_a_reserved_granule_takes_nothing)
{
	struct tlb_entry *leaf = page(ASID, 0x1000);
	cr_assert(eq(int, tlbi("RVAE1", range(ASID, 0x1000, 0, 0) & ~(UINT64_C(3) << 46)), TLBI_NO_EFFECT));
	cr_assert(held(leaf));
}

Test(tlbi_rules, a_range_of_another_granule_takes_nothing)
{
	struct tlb_entry *leaf = page(ASID, 0x1000);
	uint64_t of_64k = UINT64_C(3) << 46;
	cr_assert(eq(int, tlbi("RVAE1", range(ASID, 0, 3, 31) | of_64k), TLBI_DONE));
	cr_assert(held(leaf));
	tlbi("RVAE1", range(ASID, 0, 3, 31));
	cr_assert(not(held(leaf)));
}

Test(tlbi_rules, a_range_ends_where_its_half_of_the_address_space_ends)
{
	struct tlb_entry *top = global_page(ASID, UINT64_C(0xfffffffffffff000)), *zero = page(ASID, 0);
	tlbi("RVAE1", range(ASID, UINT64_C(0xfffffffffffff000), 3, 31));
	cr_assert(not(held(top)));
	cr_assert(held(zero));
}

Test(tlbi_rules, under_ds_a_range_begins_at_a_multiple_of_64_kib)
{
	struct tlb_entry *in_granules = page(ASID, 0x10000), *in_units = page(ASID, 0x100000);
	features.lpa2 = 1;
	regs.TCR_EL1 |= UINT64_C(1) << 59;
	tlbi("RVAE1", range(ASID, 0x10000, 0, 0)); /* BaseADDR 0x10 */
	cr_assert(held(in_granules));
	cr_assert(not(held(in_units)));
}

/* --- who may, and who must act --------------------------------------------------------------------------------- */

Test(tlbi_rules, what_the_core_lacks_is_undefined)
{
	features.tlbios = features.tlbirange = features.xs = 0;
	cr_assert(eq(int, tlbi("RVAE1", range(ASID, 0, 0, 0)), TLBI_UNDEFINED));
	cr_assert(eq(int, tlbi("VAE1OS", 0), TLBI_UNDEFINED));
	cr_assert(eq(int, tlbi("VAE1NXS", 0), TLBI_UNDEFINED));
	cr_assert(eq(int, tlbi("VAE1IS", 0), TLBI_DONE));
}

Test(tlbi_rules, a_level_may_not_execute_what_belongs_to_a_higher_one)
{
	cr_assert(eq(int, tlbi("ALLE2", 0), TLBI_UNDEFINED));
	cr_assert(eq(int, tlbi("IPAS2E1", 0), TLBI_UNDEFINED));
	el = 2;
	cr_assert(eq(int, tlbi("ALLE3", 0), TLBI_UNDEFINED));
	el = 0;
	cr_assert(eq(int, tlbi("VMALLE1", 0), TLBI_UNDEFINED));
}

Test(tlbi_rules, fb_makes_a_guests_operation_inner_shareable)
{
	struct tlbi_op op;
	struct tlbi_context c = {&regs, &features, 1, SEC_NONSECURE};
	cr_assert(tlbi_named("VAE1", &op));
	cr_assert(eq(int, tlbi_reach(op, &c), TLBI_LOCAL));
	regs.HCR_EL2 = 1 << 9;
	cr_assert(eq(int, tlbi_reach(op, &c), TLBI_INNER));
	c.el = 2;
	cr_assert(eq(int, tlbi_reach(op, &c), TLBI_LOCAL));
	cr_assert(tlbi_named("VAE1OS", &op));
	c.el = 1;
	cr_assert(eq(int, tlbi_reach(op, &c), TLBI_OUTER));
}

/* --- granule protection -------------------------------------------------------------------------------------------- */

static const char *const of_granules[] = {"PAALL", "PAALLOS", "RPAOS", "RPALOS"};
enum { OF_GRANULES = sizeof(of_granules) / sizeof(of_granules[0]) };

Test(tlbi_rules, operations_on_granule_protection_are_of_el3_with_feat_rme_alone)
{
	for (size_t i = 0; i < OF_GRANULES; i++) {
		features.rme = 1;
		features.tlbios = features.tlbirange = 0; /* they do not depend on these */
		for (el = 1; el < 3; el++)
			cr_expect(eq(int, tlbi(of_granules[i], 1), TLBI_UNDEFINED), "%s at EL%u",
				  of_granules[i], el);
		cr_expect(eq(int, tlbi(of_granules[i], 1), TLBI_DONE), "%s at EL3", of_granules[i]);
		features.rme = 0;
		cr_expect(eq(int, tlbi(of_granules[i], 1), TLBI_UNDEFINED), "%s without FEAT_RME",
			  of_granules[i]);
	}
}

/* Without a granule protection table nothing of it is held, and the translations are not what they are about. */
Test(tlbi_rules, operations_on_granule_protection_leave_translations_of_every_regime)
{
	struct tlb_entry *entry[] = {
		page(ASID, 0x1000),
		global_page(ASID, 0x2000),
		table(ASID, 0x1000),
		stage2_table(0x1000),
		stage2_page(0x1000),
		put_in(m->level[1][0], (struct put){.regime = REGIME_EL20, .asid = ASID, .va = 0x1000}),
		put_in(m->level[1][0], (struct put){.regime = REGIME_EL2, .va = 0x1000}),
		put_in(m->level[1][0], (struct put){.regime = REGIME_EL3, .va = 0x1000}),
	};
	el = 3;
	features.rme = 1;
	for (size_t i = 0; i < OF_GRANULES; i++) {
		cr_assert(eq(int, tlbi(of_granules[i], 1), TLBI_DONE));
		for (size_t n = 0; n < sizeof(entry) / sizeof(entry[0]); n++)
			cr_expect(held(entry[n]), "%s took entry %zu", of_granules[i], n);
	}
	tlbi("ALLE3", 0);
	cr_expect(not(held(entry[7])), "as others do");
}
