/* Single pages of a VM under operations on its memory: shared, logged, absent, protected; and the time of a page. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "machine/memops_impl.h"
#include "tables.h"
#include "vm_world.h"

static void no_step(void *self, enum stage2_step step, uint64_t operand)
{
	(void)self, (void)step, (void)operand;
}

static void no_tlbi(void *self, struct tlbi_op op, uint64_t operand) { (void)self, (void)op, (void)operand; }

static const struct stage2_clock nobody = {NULL, no_step, no_tlbi};

struct guest {
	struct tables *w;
	struct page_ops ops;
};

/* A VM whose first pages were written. */
static struct guest open_guest(unsigned pages)
{
	struct tables_setup s = tables_vm();
	struct features f = tables_features();
	struct guest g = {.w = tables_open(&s, &f)};
	hyp_pages_watch(g.w->vm);
	page_ops_init(&g.ops, g.w->vm, &nobody);
	for (unsigned i = 0; i < pages; i++)
		hyp_handle_stage2_fault(g.w->vm, hyp_pages_ipa(g.w->vm, 1000 + i), ACCESS_WRITE);
	return g;
}

static uint64_t frame_of(const struct guest *g, unsigned page)
{
	struct pa frame = {0};
	cr_assert(hyp_pages_frame(g->w->vm, 1000 + page, &frame));
	return frame.raw;
}

static struct hyp_fault fault(struct guest *g, unsigned page, enum access_kind kind)
{
	return hyp_handle_stage2_fault(g->w->vm, hyp_pages_ipa(g->w->vm, 1000 + page), kind);
}

Test(pages, two_merged_pages_have_one_frame_until_one_is_written)
{
	struct guest g = open_guest(2);
	uint64_t used = frames_used_bytes(g.w->host), frame = frame_of(&g, 0);
	page_ops_merge(&g.ops, 1000, frame);
	page_ops_merge(&g.ops, 1001, frame);
	cr_expect(eq(u64, frame_of(&g, 1), frame));
	cr_expect(eq(u64, frames_used_bytes(g.w->host), used - 4096));
	struct hyp_fault f = fault(&g, 1, ACCESS_WRITE);
	cr_expect(eq(int, f.page, HYP_FAULT_COPIED));
	cr_expect(eq(u64, f.copied.raw, frame));
	cr_expect(ne(u64, frame_of(&g, 1), frame));
	cr_expect(eq(u64, frame_of(&g, 0), frame));
	cr_expect(eq(u64, frames_used_bytes(g.w->host), used));
	tables_close(g.w);
}

Test(pages, the_last_page_that_leaves_a_shared_frame_gives_it_back)
{
	struct guest g = open_guest(2);
	uint64_t used = frames_used_bytes(g.w->host), frame = frame_of(&g, 0);
	page_ops_merge(&g.ops, 1000, frame);
	page_ops_merge(&g.ops, 1001, frame);
	cr_expect(page_ops_drop(&g.ops, 1000));
	cr_expect(eq(u64, frames_used_bytes(g.w->host), used - 4096));
	cr_expect(hyp_pages_shares(g.w->vm, frame));
	cr_expect(page_ops_drop(&g.ops, 1001));
	cr_expect(eq(u64, frames_used_bytes(g.w->host), used - 8192));
	cr_expect(not(hyp_pages_shares(g.w->vm, frame)));
	tables_close(g.w);
}

Test(pages, while_written_pages_are_logged_a_page_that_is_read_is_mapped_clean)
{
	struct guest g = open_guest(1);
	hyp_pages_log(g.w->vm, true);
	fault(&g, 5, ACCESS_READ);
	cr_expect(eq(int, hyp_pages_flags(g.w->vm, 1005) & HYP_PAGE_DIRTY, 0));
	cr_expect(eq(int, fault(&g, 5, ACCESS_WRITE).page, HYP_FAULT_LOGGED));
	cr_expect(ne(int, hyp_pages_flags(g.w->vm, 1005) & HYP_PAGE_DIRTY, 0));
	tables_close(g.w);
}

Test(pages, an_absent_page_comes_back_to_its_frame)
{
	struct guest g = open_guest(1);
	uint64_t frame = frame_of(&g, 0), used = frames_used_bytes(g.w->host);
	struct pa none;
	cr_expect(page_ops_leave(&g.ops, 1000, true));
	cr_expect(not(hyp_pages_frame(g.w->vm, 1000, &none)));
	cr_expect(eq(int, fault(&g, 0, ACCESS_READ).page, HYP_FAULT_FETCHED));
	cr_expect(eq(u64, frame_of(&g, 0), frame));
	cr_expect(eq(u64, frames_used_bytes(g.w->host), used));
	cr_expect(page_ops_leave(&g.ops, 1000, false));
	cr_expect(eq(int, fault(&g, 0, ACCESS_READ).page, HYP_FAULT_LANDED));
	tables_close(g.w);
}

/* A page of a block is logged alone: the others of the block stay protected. */
Test(pages, a_write_to_a_protected_block_permits_one_page_of_it)
{
	struct tables_setup s = tables_vm();
	struct features f = tables_features();
	s.hyp.mapping = HYP_BLOCK;
	struct guest g = {.w = tables_open(&s, &f)};
	hyp_pages_watch(g.w->vm);
	page_ops_init(&g.ops, g.w->vm, &nobody);
	struct hyp_fault first = fault(&g, 0, ACCESS_WRITE);
	cr_assert(eq(int, first.outcome, HYP_MAPPED_BLOCK));
	cr_expect(page_ops_protect(&g.ops, 1000));
	hyp_pages_log(g.w->vm, true);
	cr_expect(eq(int, fault(&g, 0, ACCESS_WRITE).page, HYP_FAULT_LOGGED));
	cr_expect(eq(int, fault(&g, 0, ACCESS_WRITE).outcome, HYP_SPURIOUS));
	cr_expect(page_ops_protect(&g.ops, 1001), "its neighbour was not touched: it may be written still");
	tables_close(g.w);
}

Test(pages, a_block_that_is_protected_whole_is_split_by_the_first_write)
{
	struct tables_setup s = tables_vm();
	struct features f = tables_features();
	struct stage2_done done;
	struct err err = {0};
	s.hyp.mapping = HYP_BLOCK;
	struct guest g = {.w = tables_open(&s, &f)};
	const struct stage2_area all = {.bytes = s.hyp.memory_bytes};
	hyp_pages_watch(g.w->vm);
	cr_assert(eq(int, fault(&g, 0, ACCESS_WRITE).outcome, HYP_MAPPED_BLOCK));
	cr_assert(eq(int, stage2_perform(g.w->vm, STAGE2_DIRTY_LOG_START, all, &nobody, &done, &err), OK),
		  "%s", err.text);
	cr_assert(lt(u64, done.changed, 4), "descriptors of blocks");
	hyp_end_dirty_log(g.w->vm);
	hyp_pages_log(g.w->vm, true);
	cr_expect(eq(int, fault(&g, 0, ACCESS_WRITE).page, HYP_FAULT_LOGGED));
	cr_expect(eq(int, fault(&g, 0, ACCESS_WRITE).outcome, HYP_SPURIOUS));
	cr_expect(eq(int, fault(&g, 1, ACCESS_WRITE).page, HYP_FAULT_LOGGED),
		  "its neighbour is protected still");
	tables_close(g.w);
}

/* split_huge_pmd() has KVM unmap all of the block, by one TLBI; the host knows of its pages, and the guest gets them back one by one. */
Test(pages, a_block_of_which_a_page_is_dropped_is_unmapped_whole)
{
	struct tables_setup s = tables_vm();
	struct features f = tables_features();
	s.hyp.mapping = HYP_BLOCK;
	struct guest g = {.w = tables_open(&s, &f)};
	hyp_pages_watch(g.w->vm);
	page_ops_init(&g.ops, g.w->vm, &nobody);
	hyp_handle_stage2_fault(g.w->vm, hyp_pages_ipa(g.w->vm, 1024), ACCESS_WRITE);
	uint64_t used = frames_used_bytes(g.w->host), before = g.ops.flusher.tlbi;
	struct pa first, second, dropped;
	cr_assert(hyp_pages_frame(g.w->vm, 1024, &first));
	cr_expect(page_ops_drop(&g.ops, 1030));
	cr_expect(page_ops_drop(&g.ops, 1031));
	cr_expect(eq(u64, g.ops.flusher.tlbi - before, 2), "of the block, and of stage 1");
	cr_expect(eq(u64, frames_used_bytes(g.w->host), used - 2 * 4096));
	cr_expect(not(hyp_pages_frame(g.w->vm, 1030, &dropped)));
	cr_assert(hyp_pages_frame(g.w->vm, 1025, &second));
	cr_expect(eq(u64, second.raw, first.raw + 4096));
	struct hyp_fault again = hyp_handle_stage2_fault(g.w->vm, hyp_pages_ipa(g.w->vm, 1030), ACCESS_READ);
	cr_expect(eq(int, again.page, HYP_FAULT_PLAIN), "what was dropped is new");
	cr_expect(eq(int, again.outcome, HYP_MAPPED_PAGE), "no block over what is there");
	cr_expect(eq(int, hyp_handle_stage2_fault(g.w->vm, hyp_pages_ipa(g.w->vm, 1025), ACCESS_READ).page,
		     HYP_FAULT_LANDED));
	cr_expect(eq(u64, hyp_pages_frame(g.w->vm, 1025, &dropped) ? dropped.raw : 0, second.raw));
	tables_close(g.w);
}

/* --- the clock of steps ---------------------------------------------------------------------------------------------- */

static cycles_t page_cycles(struct op_clock *c, struct pa from, const struct pa *to)
{
	cycles_t before = c->now += 100000; /* all that was under way has come */
	op_clock_page(c, from, to);
	return c->now - before;
}

/* A page whose lines the first cache has, and must look for: a line per cycle, and the last one's latency behind that. */
Test(memops_clock, a_page_is_read_a_line_per_cycle_and_lasts_until_its_last_line)
{
	enum { PAGE = 4096 };
	struct vm_world w;
	struct op_clock c;
	struct pa from = {UINT64_C(0x80000000)}, to = {UINT64_C(0x80010000)};
	cr_assert(eq(int, vm_world_open(&w, "hypervisors: [{granule: 4K}]\n", NULL), OK), "%s", w.err.text);
	uint64_t lines = PAGE >> mem_line_bits(w.machine->mem),
		 hit = mem_first_hit(&w.machine->cpu[0].mem.data);
	op_clock_init(&c, &w.machine->vm[0], &w.machine->cpu[0].mem, 0);
	cycles_t cold = page_cycles(&c, from, NULL), warm = page_cycles(&c, from, NULL);
	cr_expect(eq(u64, warm, lines - 1 + hit));
	cr_expect(lt(u64, 2 * warm, cold));
	page_cycles(&c, from, &to);
	cycles_t copied = page_cycles(&c, from, &to);
	cr_expect(lt(u64, warm, copied), "it lasts until the copy is written");
	cr_expect(le(u64, copied, warm + 2 * hit));
	c.untimed = true;
	cr_expect(eq(u64, page_cycles(&c, from, &to), 0), "on another host");
	vm_world_close(&w);
}
