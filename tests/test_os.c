#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "tables.h"

static struct tables *open_native(struct tables_setup s)
{
	struct features f = tables_features();
	return tables_open(&s, &f);
}

static struct va user(uint64_t raw) { return (struct va){raw}; }

/* Linux 6.x on an Armv8.5 machine: VHE host registers of ../shared/real/snapshots/linux_vhe_guest0_host0. */
Test(os, registers_are_those_of_a_running_kernel)
{
	struct tables *w = open_native(tables_native());
	cr_assert(eq(u64, w->regs.TCR_EL2, 0x15001f5b5503510));
	cr_assert(eq(u64, w->regs.MAIR_EL2, 0x40044ffff));
	cr_assert(eq(u64, w->regs.HCR_EL2, 0x488000000));
	cr_assert(eq(u64, w->regs.TTBR1_EL2 >> 48, 7));
	cr_assert(eq(u64, w->regs.TTBR0_EL2 >> 48, 0));
	cr_assert(eq(u64, w->regs.TTBR0_EL2 & 1, 1));
	tables_close(w);
}

/* The same on an Armv8.0 machine (Cortex-A72): linux_nvhe_host1_guest0. */
Test(os, registers_without_features_are_those_of_a_running_kernel)
{
	struct features f = {.granules = 7, .granules_stage2 = 7, .pa_bits = 44, .asid16 = 1};
	struct tables_setup s = tables_native();
	s.regime = REGIME_EL10;
	struct tables *w = tables_open(&s, &f);
	cr_assert(eq(u64, w->regs.SCTLR_EL1, 0x200000034f4d91d));
	cr_assert(eq(u64, w->regs.TCR_EL1, 0x500074b5503510));
	cr_assert(eq(u64, w->regs.MAIR_EL1, 0x40044ffff));
	cr_assert(eq(u64, w->regs.TTBR0_EL1 & 1, 0));
	tables_close(w);
}

Test(os, page_first_read_is_clean_until_hardware_or_a_fault_dirties_it)
{
	for (uint64_t hafdbs = 0; hafdbs < 2; hafdbs++) {
		struct features f = tables_features();
		struct tables_setup s = tables_native();
		struct translation t;
		f.hafdbs = hafdbs;
		struct tables *w = tables_open(&s, &f);
		tables_access(w, user(0x400000), ACCESS_READ, &t);
		cr_assert(eq(u8, t.perm & (PERM_UR | PERM_UW | PERM_UX), PERM_UR));
		tables_translate(w, user(0x400000), ACCESS_WRITE, &t);
		cr_assert(eq(int, t.fault.kind, hafdbs ? FAULT_NONE : FAULT_PERMISSION));
		tables_access(w, user(0x400000), ACCESS_WRITE, &t);
		cr_assert(eq(u8, t.perm & (PERM_UR | PERM_UW | PERM_UX), PERM_UR | PERM_UW));
		cr_assert(eq(u64, os_stats(w->os)->upgrades, !hafdbs));
		tables_close(w);
	}
}

Test(os, page_first_fetched_is_executable_by_the_user_alone_and_not_writable)
{
	struct tables *w = open_native(tables_native());
	struct translation t;
	tables_access(w, user(0x400000), ACCESS_FETCH, &t);
	cr_assert(eq(u8, t.perm & PERM_ALL, PERM_UR | PERM_UX | PERM_PR));
	tables_access(w, user(0x400000), ACCESS_WRITE, &t);
	cr_assert(eq(u8, t.perm & PERM_ALL, PERM_UR | PERM_UW | PERM_UX | PERM_PR | PERM_PW));
	cr_assert(eq(u64, os_stats(w->os)->upgrades, 1));
	tables_close(w);
}

Test(os, kernel_pages_are_global_and_closed_to_the_user)
{
	struct tables *w = open_native(tables_native());
	struct translation t;
	tables_access(w, user(0xffff800008010000), ACCESS_WRITE, &t);
	cr_assert(t.global);
	cr_assert(eq(u8, t.perm & PERM_ALL, PERM_PR | PERM_PW));
	tables_access(w, user(0x1000), ACCESS_WRITE, &t);
	cr_assert(not(t.global));
	tables_close(w);
}

static struct tables *open_kpti(void)
{
	struct tables_setup s = tables_native();
	s.os.asids = OS_ASIDS_LINUX;
	s.os.kpti = 1;
	return open_native(s);
}

Test(os, with_kpti_the_kernels_pages_are_not_global)
{
	struct tables *w = open_kpti();
	struct translation t;
	tables_access(w, user(0xffff800008010000), ACCESS_WRITE, &t);
	cr_assert(not(t.global));
	cr_assert(eq(u8, t.perm & PERM_ALL, PERM_PR | PERM_PW));
	tables_close(w);
}

Test(os, with_kpti_the_program_has_the_odd_asid_of_the_pair_and_its_kernel_the_even_one)
{
	struct tables *w = open_kpti();
	os_aspace_set_asid(w->as, 6);
	os_write_regs(w->os, w->as, REGIME_EL20, &w->regs);
	cr_expect(eq(u64, w->regs.TTBR1_EL2 >> 48, 7));
	const struct sysregs program = w->regs;
	os_enter_kernel(w->os, REGIME_EL20, &w->regs);
	cr_expect(eq(u64, w->regs.TTBR1_EL2 >> 48, 6));
	cr_expect(eq(u64, w->regs.TTBR1_EL2 & bits_ones(48), program.TTBR1_EL2 & bits_ones(48)));
	cr_expect(eq(u64, w->regs.TTBR0_EL2, program.TTBR0_EL2));
	os_write_regs(w->os, w->as, REGIME_EL10, &w->regs);
	os_enter_kernel(w->os, REGIME_EL10, &w->regs);
	cr_expect(eq(u64, w->regs.TTBR1_EL1 >> 48, 6));
	tables_close(w);
	w = open_native(tables_native());
	const uint64_t before = w->regs.TTBR1_EL2;
	os_enter_kernel(w->os, REGIME_EL20, &w->regs);
	cr_expect(eq(u64, w->regs.TTBR1_EL2, before), "without, the kernel has the program's");
	tables_close(w);
}

Test(os, address_outside_of_both_halves_is_refused_and_a_user_tag_is_not)
{
	struct tables *w = open_native(tables_native());
	cr_assert(eq(int, os_handle_fault(w->os, w->as, user(0x0001000000000000), ACCESS_READ).outcome,
		     OS_BAD_ADDRESS));
	cr_assert(eq(int, os_handle_fault(w->os, w->as, user(0xfff0800000000000), ACCESS_READ).outcome,
		     OS_BAD_ADDRESS));
	cr_assert(eq(int, os_handle_fault(w->os, w->as, user(0xaa00000000001000), ACCESS_READ).outcome,
		     OS_MAPPED_PAGE));
	cr_assert(eq(u64, os_stats(w->os)->failed, 2));
	tables_close(w);
}

Test(os, second_fault_on_a_mapped_page_is_spurious)
{
	struct tables *w = open_native(tables_native());
	struct os_fault first = os_handle_fault(w->os, w->as, user(0x5000), ACCESS_WRITE);
	struct os_fault second = os_handle_fault(w->os, w->as, user(0x5008), ACCESS_WRITE);
	cr_assert(eq(int, first.outcome, OS_MAPPED_PAGE));
	cr_assert(eq(uint, first.tables, 3));
	cr_assert(eq(u64, first.cycles, 1000));
	cr_assert(eq(int, second.outcome, OS_SPURIOUS));
	cr_assert(eq(u64, second.frame, first.frame));
	tables_close(w);
}

Test(os, address_spaces_share_the_kernel_and_nothing_else)
{
	struct tables *w = open_native(tables_native());
	struct os_aspace *other = os_aspace_new(w->os, 8);
	struct os_fault a = os_handle_fault(w->os, w->as, user(0x5000), ACCESS_WRITE);
	struct os_fault b = os_handle_fault(w->os, other, user(0x5000), ACCESS_WRITE);
	struct os_fault k = os_handle_fault(w->os, w->as, user(0xffff000000005000), ACCESS_WRITE);
	cr_assert(eq(int, b.outcome, OS_MAPPED_PAGE));
	cr_assert(ne(u64, a.frame, b.frame));
	cr_assert(eq(int, k.outcome, OS_MAPPED_PAGE));
	cr_assert(eq(int, os_handle_fault(w->os, other, user(0xffff000000005000), ACCESS_WRITE).outcome,
		     OS_SPURIOUS));
	tables_close(w);
}

Test(os, huge_page_is_not_taken_where_a_base_page_stands)
{
	struct tables_setup s = tables_native();
	s.os.thp = OS_THP_ALWAYS;
	s.os.thp_fail_percent = 100;
	struct tables *w = open_native(s);
	cr_assert(
		eq(int, os_handle_fault(w->os, w->as, user(0x200000), ACCESS_WRITE).outcome, OS_MAPPED_PAGE));
	cr_assert(
		eq(int, os_handle_fault(w->os, w->as, user(0x201000), ACCESS_WRITE).outcome, OS_MAPPED_PAGE));
	cr_assert(eq(u64, os_stats(w->os)->huge_failed, 1));
	tables_close(w);
}

Test(os, unmapping_part_of_a_huge_page_splits_it_and_keeps_the_rest)
{
	struct tables_setup s = tables_native();
	s.os.thp = OS_THP_ALWAYS;
	struct tables *w = open_native(s);
	struct translation t;
	uint64_t used = frames_used_bytes(w->guest);
	tables_access(w, user(0x200000), ACCESS_WRITE, &t);
	uint64_t frame = t.pa.raw;
	cr_assert(eq(u8, t.s1_bits, 21));
	cr_assert(eq(u64, os_unmap(w->os, w->as, user(0x203000), 0x2000), 2));
	tables_translate(w, user(0x203000), ACCESS_READ, &t);
	cr_assert(eq(int, t.fault.kind, FAULT_TRANSLATION));
	tables_translate(w, user(0x205008), ACCESS_WRITE, &t);
	cr_assert(eq(int, t.fault.kind, FAULT_NONE));
	cr_assert(eq(u64, t.pa.raw, frame + 0x5008));
	cr_assert(eq(u8, t.s1_bits, 12));
	cr_assert(eq(u64, os_unmap(w->os, w->as, user(0), 1 << 30), 510));
	cr_assert(eq(u64, frames_used_bytes(w->guest), used + 3 * 0x1000)); /* tables stay */
	tables_close(w);
}

struct breaks {
	struct tables *w;
	uint64_t count, addr, bytes;
	enum fault_kind during; /* what an access then meets */
};

static void note_break(void *ctx, uint64_t addr, uint64_t bytes)
{
	struct breaks *b = ctx;
	struct translation t;
	tables_translate(b->w, user(addr + 0x1000), ACCESS_READ, &t);
	b->during = t.fault.kind;
	b->count++;
	b->addr = addr;
	b->bytes = bytes;
}

Test(os, what_is_broken_up_is_unmapped_while_its_translations_are_invalidated)
{
	for (int huge = 0; huge < 2; huge++) {
		struct tables_setup s = tables_native();
		s.os.thp = huge ? OS_THP_ALWAYS : OS_THP_NEVER;
		s.os.contiguous = !huge;
		struct tables *w = open_native(s);
		struct translation t;
		struct breaks b = {.w = w};
		uint64_t bytes = huge ? 0x200000 : 0x10000;
		tables_access(w, user(0x400000), ACCESS_WRITE, &t);
		uint64_t frame = t.pa.raw;
		os_on_break(w->os, &(struct pgtable_break){&b, note_break});
		cr_assert(eq(u64, os_unmap(w->os, w->as, user(0x403000), 0x2000), 2));
		cr_expect(eq(u64, b.count, 1), "huge %d", huge);
		cr_expect(eq(u64, b.addr, 0x400000));
		cr_expect(eq(u64, b.bytes, bytes));
		cr_expect(eq(int, b.during, FAULT_TRANSLATION));
		tables_translate(w, user(0x406000), ACCESS_WRITE, &t);
		cr_expect(eq(int, t.fault.kind, FAULT_NONE));
		cr_expect(eq(u64, t.pa.raw, frame + 0x6000));
		tables_close(w);
	}
}

Test(os, protecting_one_page_unfolds_its_contiguous_run)
{
	struct tables_setup s = tables_native();
	s.os.contiguous = 1;
	struct tables *w = open_native(s);
	struct translation t;
	tables_access(w, user(0x10000), ACCESS_WRITE, &t);
	cr_assert(eq(u8, t.s1_run_bits, 16));
	cr_assert(eq(u64, os_protect(w->os, w->as, user(0x13000), 0x1000, OS_PROT_READ | OS_PROT_EXEC), 1));
	tables_translate(w, user(0x13000), ACCESS_WRITE, &t);
	cr_assert(eq(int, t.fault.kind, FAULT_PERMISSION));
	tables_translate(w, user(0x13000), ACCESS_FETCH, &t);
	cr_assert(eq(int, t.fault.kind, FAULT_NONE));
	tables_translate(w, user(0x12000), ACCESS_WRITE, &t);
	cr_assert(eq(int, t.fault.kind, FAULT_NONE));
	cr_assert(eq(u8, t.s1_run_bits, 12));
	tables_close(w);
}

Test(os, hole_in_a_run_is_filled_by_a_page_and_moves_nothing)
{
	struct tables_setup s = tables_native();
	s.os.contiguous = 1;
	struct tables *w = open_native(s);
	struct os_fault run = os_handle_fault(w->os, w->as, user(0x10000), ACCESS_WRITE);
	struct translation t;
	cr_assert(eq(u64, os_unmap(w->os, w->as, user(0x13000), 0x1000), 1));
	cr_assert(
		eq(int, os_handle_fault(w->os, w->as, user(0x13000), ACCESS_WRITE).outcome, OS_MAPPED_PAGE));
	tables_translate(w, user(0x14000), ACCESS_WRITE, &t);
	cr_assert(eq(u64, t.pa.raw, run.frame + 0x4000));
	tables_close(w);
}

Test(os, protection_keeps_what_hardware_marked_dirty)
{
	struct tables *w = open_native(tables_native());
	struct translation t;
	tables_access(w, user(0x1000), ACCESS_READ, &t);
	tables_access(w, user(0x1000), ACCESS_WRITE, &t);
	cr_assert(eq(u64, os_stats(w->os)->upgrades, 0));
	os_protect(w->os, w->as, user(0x1000), 0x1000, OS_PROT_READ);
	os_protect(w->os, w->as, user(0x1000), 0x1000, OS_PROT_READ | OS_PROT_WRITE);
	tables_translate(w, user(0x1000), ACCESS_READ, &t);
	cr_assert(eq(u8, t.perm & PERM_UW, PERM_UW));
	tables_close(w);
}

Test(os, protection_keeps_dirtiness)
{
	struct features f = tables_features();
	struct tables_setup s = tables_native();
	f.hafdbs = 0;
	struct tables *w = tables_open(&s, &f);
	struct translation t;
	tables_access(w, user(0x1000), ACCESS_WRITE, &t);
	tables_access(w, user(0x2000), ACCESS_READ, &t);
	cr_assert(eq(u64, os_protect(w->os, w->as, user(0x1000), 0x2000, OS_PROT_READ), 2));
	cr_assert(eq(u64, os_protect(w->os, w->as, user(0x1000), 0x2000, OS_PROT_READ | OS_PROT_WRITE), 2));
	tables_translate(w, user(0x1000), ACCESS_WRITE, &t);
	cr_assert(eq(int, t.fault.kind, FAULT_NONE));
	tables_translate(w, user(0x2000), ACCESS_WRITE, &t);
	cr_assert(eq(int, t.fault.kind, FAULT_PERMISSION));
	tables_close(w);
}

Test(os, memory_that_runs_out_is_a_result)
{
	struct tables_setup s = tables_native();
	s.host_bytes = 1 << 20;
	s.os.thp = OS_THP_ALWAYS;
	s.os.contiguous = 1;
	struct tables *w = open_native(s);
	struct os_fault f = {0};
	uint64_t pages = 0;
	for (uint64_t va = 0; f.outcome != OS_NO_MEMORY; va += 0x1000, pages++) {
		f = os_handle_fault(w->os, w->as, user(va), ACCESS_WRITE);
		cr_assert(lt(u64, pages, 300));
	}
	cr_assert(eq(u64, frames_used_bytes(w->guest), 1 << 20));
	cr_assert(lt(u64, 230, pages));
	cr_assert(eq(uint, f.size_bits, 0));
	tables_close(w);
}

/* Addresses 1 GiB apart need two tables and a page each: the last one gets its page and not its tables. */
Test(os, page_whose_table_cannot_be_had_is_given_back)
{
	struct tables_setup s = tables_native();
	s.host_bytes = 1 << 20;
	struct tables *w = open_native(s);
	uint64_t va = 0;
	while (os_handle_fault(w->os, w->as, user(va), ACCESS_WRITE).outcome == OS_MAPPED_PAGE) va += 1 << 30;
	cr_assert(eq(u64, frames_used_bytes(w->guest), (1 << 20) - 0x1000));
	cr_assert(eq(int, os_handle_fault(w->os, w->as, user(0x1000), ACCESS_WRITE).outcome, OS_MAPPED_PAGE));
	cr_assert(eq(int, os_handle_fault(w->os, w->as, user(0x2000), ACCESS_WRITE).outcome, OS_NO_MEMORY));
	tables_close(w);
}

Test(os, impossible_parameters_name_key_and_choices)
{
	struct features f = tables_features();
	struct os_params p = {.page_size = OS_PAGE_16K, .va_bits = 39};
	struct err err;
	cr_assert(eq(int, os_check(&p, &f, NULL, &err), ERR_CONFIG));
	cr_assert(eq(str, err.text, "os.va_bits: 39 is not a size of Linux with 16K pages: 36, 47, 48, 52"));
	p.va_bits = 52;
	cr_assert(eq(int, os_check(&p, &f, NULL, &err), ERR_CONFIG));
	cr_assert(eq(str, err.text, "os.va_bits: 52 with 16K pages needs features.lpa2"));
	f.granules = FEAT_GRANULE_4K;
	cr_assert(eq(int, os_check(&p, &f, NULL, &err), ERR_CONFIG));
	cr_assert(eq(str, err.text, "os.page_size: 16K is not among the machine's features.granules"));
}

Test(os, a_first_touch_may_grant_every_permission_at_once)
{
	struct tables_setup s = tables_native();
	struct translation t;
	s.os.first_touch = OS_GRANT_ALL;
	struct tables *w = open_native(s);
	tables_access(w, user(0x400000), ACCESS_READ, &t);
	cr_assert(eq(u8, t.perm & (PERM_UR | PERM_UW | PERM_UX), PERM_UR | PERM_UW | PERM_UX));
	cr_assert(eq(u64, os_stats(w->os)->upgrades, 0));
	tables_close(w);
}

Test(os, fragmented_memory_gives_its_share_of_runs_and_pages_instead)
{
	struct tables_setup s = tables_native();
	s.os.contiguous = 1;
	s.os.contiguous_fail_percent = 25;
	struct tables *w = open_native(s);
	for (uint64_t run = 0; run < 1000; run++)
		os_handle_fault(w->os, w->as, user(run << 16), ACCESS_WRITE);
	const struct os_stats *o = os_stats(w->os);
	cr_expect(eq(u64, o->runs_mapped + o->pages_mapped, 1000));
	cr_expect(eq(u64, o->runs_failed, o->pages_mapped));
	cr_expect(lt(u64, 200, o->runs_failed));
	cr_expect(lt(u64, o->runs_failed, 300));
	tables_close(w);
}
