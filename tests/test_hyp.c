#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#include "base/rng.h"
#include "tables.h"

static struct tables *open_vm(struct tables_setup s)
{
	struct features f = tables_features();
	return tables_open(&s, &f);
}

/* Linux 6.x with KVM, default IPA size: ../shared/real/snapshots/linux_vhe_guest1_guest1, without the bits of
 * pointer authentication and RAS in HCR_EL2. */
Test(hyp, registers_are_those_of_a_running_vm)
{
	struct tables *w = open_vm(tables_vm());
	cr_assert(eq(u64, w->regs.VTCR_EL2, 0x802d3558));
	cr_assert(eq(u64, w->regs.HCR_EL2, 0x400c807c263f));
	cr_assert(eq(u64, w->regs.VTTBR_EL2 >> 48, 1));
	cr_assert(eq(u64, w->regs.VTTBR_EL2 & 0x1fff, 1)); /* two tables, CnP */
	cr_assert(eq(u64, w->regs.TCR_EL1, 0x15001f5b5503510));
	tables_close(w);
}

/* linux_nvhe_guest1_guest1: Armv8.0, 44-bit addresses. */
Test(hyp, registers_without_features_are_those_of_a_running_vm)
{
	struct features f = {.granules = 7, .granules_stage2 = 7, .pa_bits = 44, .asid16 = 1};
	struct tables_setup s = tables_vm();
	struct tables *w = tables_open(&s, &f);
	cr_assert(eq(u64, w->regs.VTCR_EL2, 0x80243558));
	cr_assert(eq(u64, w->regs.HCR_EL2, 0x807c263f));
	cr_assert(eq(u64, w->regs.VTTBR_EL2 & 0x1fff, 0));
	tables_close(w);
}

/* ---- every mapped page ends where the allocators said, in every combination ------------------ */

enum { WINDOW_BITS = 22, ACCESSES = 60, STACKS = 13 };

struct combination {
	uint64_t page_size, va_bits, stack; /* 0: native; else 1 + granule * 4 + block * 2 + contiguous */
	bool wide;                          /* LPA2, LPA, LVA and 52-bit addresses */
};

static struct combination combinations[10 * STACKS];

ParameterizedTestParameters(hyp, every_access_ends_in_the_frame_that_was_handed_out)
{
	static const struct {
		uint64_t page_size, va_bits;
	} va_sizes[] = {{0, 39}, {0, 48}, {0, 52}, {1, 36}, {1, 47},
			{1, 48}, {1, 52}, {2, 42}, {2, 48}, {2, 52}};
	for (size_t i = 0; i < 10 * STACKS; i++)
		combinations[i] = (struct combination){va_sizes[i / STACKS].page_size,
						       va_sizes[i / STACKS].va_bits, i % STACKS,
						       va_sizes[i / STACKS].va_bits == 52};
	return cr_make_param_array(struct combination, combinations, 10 * STACKS);
}

static struct tables *open_combination(const struct combination *c, uint64_t variant)
{
	struct tables_setup s = c->stack ? tables_vm() : tables_native();
	struct features f = tables_features();
	if (c->wide) f.lpa = f.lva = f.lpa2 = 1;
	if (c->wide) f.pa_bits = 52;
	s.os.page_size = c->page_size;
	s.os.va_bits = c->va_bits;
	s.os.thp = variant & 1;
	s.os.thp_fail_percent = 30;
	s.os.contiguous = variant >> 1 & 1;
	s.os.placement = s.hyp.placement = variant >> 2 & 1;
	s.hyp.exec_on_fetch = variant & 1;
	if (c->wide) s.hyp.ipa_bits = 52;
	if (c->wide) s.host_base = UINT64_C(5) << 49, s.hyp.memory_base = UINT64_C(3) << 50;
	if (!c->stack) return tables_open(&s, &f);
	s.hyp.granule = (c->stack - 1) / 4;
	s.hyp.mapping = (c->stack - 1) / 2 % 2;
	s.hyp.contiguous = (c->stack - 1) % 2;
	s.hyp.block_fail_percent = 30;
	return tables_open(&s, &f);
}

/* In four places: low, in the middle and at the end of the user half, and in the kernel's. */
static struct va draw_va(struct rng *r, uint64_t va_bits)
{
	uint64_t top = UINT64_C(1) << va_bits, offset = rng_below(r, 1 << WINDOW_BITS);
	switch (rng_below(r, 4)) {
	case 0: return (struct va){0x400000 + offset};
	case 1: return (struct va){top / 2 + offset};
	case 2: return (struct va){top - (1 << WINDOW_BITS) + offset};
	default: return (struct va){-top + 0x10000000 + offset};
	}
}

static void check_translation(const struct tables *w, struct va va, const struct translation *t)
{
	const struct table_mapping *one = tables_stage1(w, va);
	uint64_t ipa = one->to + (va.raw - one->from);
	cr_assert(eq(u64, t->ipa.raw, ipa));
	cr_assert(t->s1_bits == one->bits || t->s1_run_bits == one->bits);
	cr_assert(eq(u8, t->attr, ATTR_NORMAL_WB));
	cr_assert(eq(u8, t->sh, SH_INNER));
	cr_assert(eq(int, t->global, bit_get(va.raw, 55)));
	if (!w->vm) {
		cr_assert(eq(u64, t->pa.raw, ipa));
		return;
	}
	const struct table_mapping *two = tables_stage2(w, t->ipa);
	cr_assert(eq(u64, t->pa.raw, two->to + (ipa - two->from)));
	cr_assert(t->s2_bits == two->bits || t->s2_run_bits == two->bits);
}

static void access_and_check(struct tables *w, struct va va, enum access_kind kind)
{
	struct translation t;
	struct pa pa;
	tables_access(w, va, kind, &t);
	cr_assert(eq(int, t.fault.kind, FAULT_NONE), "VA %#llx", (unsigned long long)va.raw);
	check_translation(w, va, &t);
	if (w->vm) cr_assert(hyp_ipa_to_pa(w->vm, t.ipa, &pa) && pa.raw == t.pa.raw);
}

ParameterizedTest(struct combination *c, hyp, every_access_ends_in_the_frame_that_was_handed_out)
{
	for (uint64_t variant = 0; variant < 8; variant++) {
		struct tables *w = open_combination(c, variant);
		struct rng r, again;
		rng_init(&r, variant, "accesses");
		again = r;
		for (int i = 0; i < ACCESSES; i++)
			access_and_check(w, draw_va(&r, c->va_bits), (enum access_kind)(i % 3));
		struct os_stats before = *os_stats(w->os);
		for (int i = 0; i < ACCESSES;
		     i++) /* later mappings moved nothing, and no access faults twice */
			access_and_check(w, draw_va(&again, c->va_bits), (enum access_kind)(i % 3));
		cr_assert(eq(u64, os_stats(w->os)->faults, before.faults));
		cr_assert(eq(u64, physmem_usage(w->mem).raw_pages, 0));
		tables_close(w);
	}
}

Test(hyp, same_seeds_give_the_same_addresses)
{
	struct combination c = {.va_bits = 48, .stack = 4};
	struct tables *a = open_combination(&c, 7), *b = open_combination(&c, 7);
	struct rng r;
	rng_init(&r, 1, "accesses");
	for (int i = 0; i < 200; i++) {
		struct va va = draw_va(&r, c.va_bits);
		struct translation of_a, of_b;
		tables_access(a, va, ACCESS_WRITE, &of_a);
		tables_access(b, va, ACCESS_WRITE, &of_b);
		cr_assert(eq(u64, of_a.pa.raw, of_b.pa.raw));
	}
	tables_close(a);
	tables_close(b);
}

/* ---- geometry ------------------------------------------------------------------------------- */

struct start {
	uint64_t granule, ipa_bits;
	int level;
	unsigned tables;
};

static struct start starts[] = {{0, 32, 2, 4},  {0, 40, 1, 2}, {0, 44, 0, 1}, {0, 48, 0, 1}, {1, 36, 2, 1},
				{1, 40, 2, 16}, {1, 48, 1, 2}, {2, 40, 2, 1}, {2, 44, 2, 4}, {2, 48, 1, 1}};

ParameterizedTestParameters(hyp, tables_start_at_the_level_and_number_that_kvm_chooses)
{
	return cr_make_param_array(struct start, starts, sizeof(starts) / sizeof(starts[0]));
}

/* By the decoder's reading of VTCR_EL2, and by the frames taken. */
ParameterizedTest(struct start *s, hyp, tables_start_at_the_level_and_number_that_kvm_chooses)
{
	struct tables_setup setup = tables_vm();
	setup.hyp.granule = s->granule;
	setup.hyp.ipa_bits = s->ipa_bits;
	setup.hyp.memory_bytes = 1 << 30;
	struct tables *w = open_vm(setup);
	cr_assert(eq(int, w->info.s2.bad, FAULT_NONE));
	cr_assert(eq(int, w->info.s2.start_level, s->level));
	struct hyp_vm *second = hyp_vm_new(w->hyp, 2);
	cr_assert(eq(u64, hyp_stats(second)->tables, s->tables));
	tables_close(w);
}

static struct start lone_starts[] = {{0, 32, 1, 1}, {0, 40, 0, 1}, {0, 48, 0, 1}, {0, 52, -1, 1},
				     {1, 40, 1, 1}, {1, 47, 1, 1}, {2, 44, 1, 1}, {2, 48, 1, 1}};

ParameterizedTestParameters(hyp, without_concatenation_there_is_one_start_table)
{
	return cr_make_param_array(struct start, lone_starts, sizeof(lone_starts) / sizeof(lone_starts[0]));
}

ParameterizedTest(struct start *s, hyp, without_concatenation_there_is_one_start_table)
{
	struct tables_setup setup = tables_vm();
	setup.hyp.granule = s->granule;
	setup.hyp.ipa_bits = s->ipa_bits;
	setup.hyp.concatenate = 0;
	setup.hyp.memory_bytes = 1 << 30;
	struct features f = tables_features();
	f.lpa = f.lva = f.lpa2 = s->ipa_bits > 48;
	f.pa_bits = s->ipa_bits > 48 ? 52 : 48;
	struct tables *w = tables_open(&setup, &f);
	cr_assert(eq(int, w->info.s2.bad, FAULT_NONE));
	cr_assert(eq(int, w->info.s2.start_level, s->level));
	struct hyp_vm *second = hyp_vm_new(w->hyp, 2);
	cr_assert(eq(u64, hyp_stats(second)->tables, s->tables));
	tables_close(w);
}

/* ---- faults --------------------------------------------------------------------------------- */

static struct ipa at(uint64_t raw) { return (struct ipa){raw}; }

Test(hyp, address_outside_of_memory_is_a_device)
{
	struct tables *w = open_vm(tables_vm());
	struct pa pa;
	cr_assert(
		eq(int, hyp_handle_stage2_fault(w->vm, at(0x09000000), ACCESS_READ).outcome, HYP_NOT_MEMORY));
	cr_assert(eq(int, hyp_handle_stage2_fault(w->vm, at(0x140000000), ACCESS_READ).outcome,
		     HYP_NOT_MEMORY));
	cr_assert(eq(int, hyp_handle_stage2_fault(w->vm, at(0x13ffff000), ACCESS_READ).outcome,
		     HYP_MAPPED_PAGE));
	cr_assert(not(hyp_ipa_to_pa(w->vm, at(0x09000000), &pa)));
	cr_assert(not(hyp_ipa_to_pa(w->vm, at(UINT64_MAX), &pa)));
	tables_close(w);
}

Test(hyp, block_that_would_reach_beyond_memory_becomes_pages)
{
	struct tables_setup s = tables_vm();
	s.hyp.mapping = HYP_BLOCK;
	s.hyp.memory_bytes = (1 << 30) + (1 << 20);
	struct tables *w = open_vm(s);
	cr_assert(eq(int, hyp_handle_stage2_fault(w->vm, at(0x70000000), ACCESS_WRITE).outcome,
		     HYP_MAPPED_BLOCK));
	cr_assert(eq(int, hyp_handle_stage2_fault(w->vm, at(0x80000000), ACCESS_WRITE).outcome,
		     HYP_MAPPED_PAGE));
	tables_close(w);
}

Test(hyp, pages_are_execute_never_until_a_fetch_where_caches_need_it)
{
	struct tables_setup s = tables_vm();
	s.hyp.exec_on_fetch = 1;
	struct tables *w = open_vm(s);
	struct translation t;
	tables_access(w, (struct va){0x400000}, ACCESS_READ, &t);
	cr_assert(eq(u8, t.perm_s2 & (PERM_UX | PERM_PX), 0));
	cr_assert(eq(u64, hyp_stats(w->vm)->upgrades, 0));
	tables_access(w, (struct va){0x400000}, ACCESS_FETCH, &t);
	cr_assert(eq(u64, hyp_stats(w->vm)->upgrades, 1));
	tables_close(w);
}

Test(hyp, faults_of_the_guest_kernel_on_its_tables_are_priced_once)
{
	struct tables_setup s = tables_vm();
	struct features f = tables_features();
	struct tables *w = tables_open(&s, &f);
	struct pa pa;
	cr_assert(hyp_populate(w->vm, at(0x50000000), &pa));
	cr_assert(hyp_populate(w->vm, at(0x50000008), &pa));
	cr_assert(hyp_populate(w->vm, at(0x50001000), &pa));
	cr_assert(eq(u64, hyp_take_populated(w->vm).cycles, 2 * s.hyp.fault_cycles));
	cr_assert(eq(u64, hyp_take_populated(w->vm).cycles, 0));
	tables_close(w);
}

Test(hyp, vms_share_no_memory)
{
	struct tables *w = open_vm(tables_vm());
	struct hyp_vm *second = hyp_vm_new(w->hyp, 2);
	struct pa a, b;
	cr_assert(hyp_populate(w->vm, at(0x50000000), &a));
	cr_assert(not(hyp_ipa_to_pa(second, at(0x50000000), &b)));
	cr_assert(hyp_populate(second, at(0x50000000), &b));
	cr_assert(ne(u64, a.raw, b.raw));
	tables_close(w);
}

Test(hyp, memory_given_to_another_vm_is_cleared_first)
{
	struct tables *w = open_vm(tables_vm());
	struct pa a, b;
	cr_assert(hyp_populate(w->vm, at(0x50000000), &a));
	physmem_write64(w->mem, a, 0x1234);
	cr_assert(eq(u64, hyp_unmap(w->vm, at(0x50000000), 0x1000), 1));
	cr_assert(hyp_populate(w->vm, at(0x60000000), &b));
	cr_assert(eq(u64, a.raw, b.raw));
	cr_assert(eq(u64, physmem_read64(w->mem, b), 0));
	tables_close(w);
}

Test(hyp, host_memory_that_runs_out_is_a_result_for_faults_and_for_the_guest_kernel)
{
	struct tables_setup s = tables_vm();
	s.host_bytes = 1 << 20;
	struct tables *w = open_vm(s);
	uint64_t ipa = 0x60000000;
	while (hyp_handle_stage2_fault(w->vm, at(ipa), ACCESS_WRITE).outcome == HYP_MAPPED_PAGE)
		ipa += 0x1000;
	cr_assert(ge(u64, ipa, 0x60000000 + 240 * 0x1000));
	cr_assert(eq(int, hyp_handle_stage2_fault(w->vm, at(ipa), ACCESS_WRITE).outcome, HYP_NO_MEMORY));
	struct os_fault f = os_handle_fault(w->os, w->as, (struct va){0x123456789000}, ACCESS_WRITE);
	cr_assert(eq(int, f.outcome, OS_NO_BACKING));
	cr_assert(eq(ptr, hyp_vm_new(w->hyp, 2), NULL));
	tables_close(w);
}

Test(hyp, impossible_parameters_name_key_and_limits)
{
	struct features f = tables_features();
	struct hyp_params p = tables_vm().hyp;
	struct err err;
	f.pa_bits = 40;
	p.ipa_bits = 42;
	cr_assert(eq(int, hyp_check(&p, &f, NULL, &err), ERR_CONFIG));
	cr_assert(eq(str, err.text, "hyp.ipa_bits: 42 is outside 32..40 of this machine"));
	p.ipa_bits = 40;
	p.concatenate = 0;
	cr_assert(eq(int, hyp_check(&p, &f, NULL, &err), ERR_CONFIG));
	cr_assert(eq(
		str, err.text,
		"hyp.concatenate: no: 40 IPA bits of 4K pages then start at level 0, which needs features.pa_bits "
		"of at least 44; this machine has 40"));
	p.concatenate = 1;
	p.ipa_bits = 32;
	cr_assert(eq(int, hyp_check(&p, &f, NULL, &err), ERR_CONFIG));
	cr_assert(eq(str, err.text,
		     "hyp.memory_bytes: memory from 0x40000000, 0x100000000 bytes, does not fit into "
		     "hyp.ipa_bits = 32"));
	p.granule = OS_PAGE_64K;
	f.granules_stage2 = FEAT_GRANULE_4K;
	cr_assert(eq(int, hyp_check(&p, &f, NULL, &err), ERR_CONFIG));
	cr_assert(eq(str, err.text, "hyp.granule: 64K is not among the machine's features.granules_stage2"));
}

/* ---- cost ----------------------------------------------------------------------------------- */

/* 1 GiB of 4K pages touched at random, under 4K pages scattered over the host: both stages' tables full. */
Test(hyp, tables_of_both_stages_cost_12_host_bytes_per_page)
{
	struct tables_setup s = tables_vm();
	s.hyp.placement = OS_SCATTERED;
	struct tables *w = open_vm(s);
	const uint64_t pages = 1 << 18;
	for (uint64_t i = 0; i < pages; i++) {
		struct va va = {0x10000000 + (i * 40503 % pages) * 0x1000};
		struct os_fault f = os_handle_fault(w->os, w->as, va, ACCESS_WRITE);
		cr_assert(eq(int, f.outcome, OS_MAPPED_PAGE));
		hyp_handle_stage2_fault(w->vm, at(f.frame), ACCESS_WRITE);
	}
	cr_assert(ge(u64, hyp_stats(w->vm)->pages_mapped, pages));
	cr_assert(le(u64, physmem_usage(w->mem).host_bytes, 12 * pages), "%llu bytes per page",
		  (unsigned long long)(physmem_usage(w->mem).host_bytes / pages));
	tables_close(w);
}
