/* What a hypervisor does to stage 2 as a whole: which descriptors change, what is invalidated, and in which order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/rng.h"
#include "hyp/stage2_ops.h"
#include "hyp/vm.h"
#include "mmu/tlbi_run.h"
#include "tables.h"

enum { STEPS_MAX = 8192, PAGE = 4096, MEBI = 1 << 20 };

/* --- a clock that writes down ------------------------------------------------------------------------------------ */

struct noted {
	int step; /* enum stage2_step; -1: a TLBI */
	uint64_t operand;
	char tlbi[TLBI_NAME_BYTES];
};

struct notes {
	struct noted note[STEPS_MAX];
	size_t count;
	uint64_t sum[STAGE2_CLEAN + 1]; /* of operands, by step */
	struct hyp_vm *vm;
	uint64_t watch; /* an IPA: the descriptor that leads to it at each TLBI */
	uint64_t seen[STEPS_MAX];
	size_t seen_count;
};

static void note_step(void *self, enum stage2_step step, uint64_t operand)
{
	struct notes *n = self;
	n->sum[step] += operand;
	if (step != STAGE2_DSB) return;
	cr_assert(lt(sz, n->count, STEPS_MAX));
	n->note[n->count++] = (struct noted){.step = (int)step, .operand = operand};
}

static void note_tlbi(void *self, struct tlbi_op op, uint64_t operand)
{
	struct notes *n = self;
	struct pgtable_slot slot;
	cr_assert(lt(sz, n->count, STEPS_MAX));
	n->note[n->count] = (struct noted){.step = -1, .operand = operand};
	tlbi_name(op, n->note[n->count++].tlbi);
	cr_assert(eq(int, pgtable_find(&n->vm->stage2, n->watch, &slot), PGTABLE_OK));
	n->seen[n->seen_count++] = slot.desc;
}

static unsigned tlbis(const struct notes *n, const char *name)
{
	unsigned count = 0;
	for (size_t i = 0; i < n->count; i++)
		count += n->note[i].step == -1 && !strcmp(n->note[i].tlbi, name);
	return count;
}

/* "dsb:10 IPAS2E1IS dsb:11", of the first `most` notes. */
static char *order(const struct notes *n, size_t most)
{
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);
	for (size_t i = 0; i < n->count && i < most; i++) {
		if (n->note[i].step == -1)
			fprintf(out, "%s%s", i ? " " : "", n->note[i].tlbi);
		else
			fprintf(out, "%sdsb:%d", i ? " " : "", (int)n->note[i].operand);
	}
	fclose(out);
	return text;
}

/* --- a VM with memory ---------------------------------------------------------------------------------------------- */

static struct tables *w;
static struct notes *notes;
static struct tables_setup config;
static struct features has;

static void setup(void)
{
	config = tables_vm();
	schema_defaults(&stage2_schema, &config.hyp.stage2);
	has = tables_features();
	has.tlbirange = 1;
	notes = calloc(1, sizeof(*notes));
}

static void teardown(void)
{
	tables_close(w);
	free(notes);
}

TestSuite(stage2_ops, .init = setup, .fini = teardown);

static void boot(void)
{
	w = tables_open(&config, &has);
	notes->vm = w->vm;
	notes->watch = config.hyp.memory_base;
}

static struct stage2_done perform(enum stage2_op op, uint64_t offset, uint64_t bytes)
{
	struct stage2_done done;
	struct err err;
	struct stage2_clock clock = {notes, note_step, note_tlbi};
	struct hyp_vm *vm = w->vm;
	uint64_t watch = notes->watch;
	memset(notes, 0, sizeof(*notes));
	notes->vm = vm;
	notes->watch = watch;
	cr_assert(eq(int,
		     stage2_perform(vm, op, (struct stage2_area){offset, bytes, PAGE}, &clock, &done, &err),
		     OK),
		  "%s", err.text);
	return done;
}

static struct pgtable_slot slot_at(uint64_t offset)
{
	struct pgtable_slot slot;
	cr_assert(eq(int, pgtable_find(&w->vm->stage2, config.hyp.memory_base + offset, &slot), PGTABLE_OK));
	return slot;
}

static unsigned leaves_with(uint64_t bytes, uint64_t bits)
{
	unsigned count = 0;
	for (uint64_t at = 0; at < bytes; at += PAGE) {
		struct pgtable_slot slot = slot_at(at);
		count += (slot.desc & DESC_VALID) && (slot.desc & bits) == bits;
	}
	return count;
}

/* --- unmap ---------------------------------------------------------------------------------------------------------- */

Test(stage2_ops, an_unmap_takes_all_leaves_of_the_area_and_no_other)
{
	boot();
	perform(STAGE2_MAP, 0, 8 * MEBI);
	struct stage2_done done = perform(STAGE2_UNMAP, 2 * MEBI, MEBI);
	cr_expect(eq(u64, done.changed, MEBI / PAGE));
	for (uint64_t at = 0; at < 8 * MEBI; at += PAGE) {
		bool within = at >= 2 * MEBI && at < 3 * MEBI;
		cr_assert(eq(int, !(slot_at(at).desc & DESC_VALID), within));
	}
}

Test(stage2_ops, an_unmap_gives_the_frames_back)
{
	boot();
	perform(STAGE2_MAP, 0, 4 * MEBI);
	uint64_t used = frames_used_bytes(w->host);
	perform(STAGE2_UNMAP, 0, 4 * MEBI);
	cr_expect(eq(u64, frames_used_bytes(w->host), used - 4 * MEBI));
}

Test(stage2_ops, by_page_each_leaf_has_its_tlbi_between_dsbs)
{
	config.hyp.stage2.unmap_flush = STAGE2_FLUSH_PAGE;
	boot();
	perform(STAGE2_MAP, 0, 4 * PAGE);
	struct stage2_done done = perform(STAGE2_UNMAP, 0, 4 * PAGE);
	char *text = order(notes, 5);
	cr_expect(eq(str, text, "dsb:10 IPAS2E1IS dsb:11 VMALLE1IS dsb:11"));
	cr_expect(eq(uint, tlbis(notes, "IPAS2E1IS"), 4));
	cr_expect(eq(u64, done.tlbi, 8));
	cr_expect(eq(u64, done.dsb, 12));
	cr_expect(eq(u64, notes->seen[0] & DESC_VALID, 0), "the descriptor is gone before its TLBI");
	free(text);
}

Test(stage2_ops, by_range_one_sequence_follows_the_walk)
{
	config.hyp.stage2.unmap_flush = STAGE2_FLUSH_RANGE;
	boot();
	perform(STAGE2_MAP, 0, 64 * PAGE);
	perform(STAGE2_UNMAP, 0, 64 * PAGE);
	char *text = order(notes, 9);
	cr_expect(eq(str, text, "dsb:10 RIPAS2E1IS dsb:11 VMALLE1IS dsb:11"));
	cr_expect(eq(u64, leaves_with(64 * PAGE, 0), 0));
	free(text);
}

/* stage2_unmap_defer_tlb_flush() */
Test(stage2_ops, linux_defers_only_with_range_tlbi_and_without_cleaning)
{
	for (unsigned both = 0; both < 4; both++) {
		has.tlbirange = both & 1;
		has.s2fwb = both >> 1;
		boot();
		perform(STAGE2_MAP, 0, 64 * PAGE);
		struct stage2_done done = perform(STAGE2_UNMAP, 0, 64 * PAGE);
		cr_expect(eq(u64, done.tlbi, both == 3 ? 2 : 128));
		if (both < 3) tables_close(w);
	}
}

Test(stage2_ops, without_range_tlbi_the_whole_vmid_goes)
{
	has.tlbirange = 0;
	config.hyp.stage2.dirty_log = STAGE2_WRITE_PROTECT;
	boot();
	perform(STAGE2_MAP, 0, 64 * PAGE);
	perform(STAGE2_DIRTY_LOG_START, 0, PAGE);
	char *text = order(notes, 9);
	cr_expect(eq(str, text, "dsb:10 VMALLS12E1IS dsb:11"));
	free(text);
}

/* --- cache maintenance ---------------------------------------------------------------------------------------------- */

Test(stage2_ops, memory_is_cleaned_line_by_line_without_fwb_and_never_with_it)
{
	for (unsigned fwb = 0; fwb < 2; fwb++) {
		has.s2fwb = fwb;
		config.hyp.mapping = HYP_BLOCK;
		boot();
		struct stage2_done done = perform(STAGE2_MAP, 2 * MEBI, 4 * MEBI);
		cr_expect(eq(u64, done.cleaned_bytes, fwb ? 0 : 4 * MEBI));
		cr_expect(eq(u64, notes->sum[STAGE2_CLEAN], fwb ? 0 : 4 * MEBI));
		if (!fwb) tables_close(w);
	}
}

Test(stage2_ops, a_gigabyte_is_one_leaf_of_level_1)
{
	config.hyp.mapping = HYP_GIGABYTE;
	boot();
	struct stage2_done done = perform(STAGE2_MAP, UINT64_C(1) << 30, UINT64_C(2) << 30);
	struct pgtable_slot slot = slot_at(UINT64_C(1) << 30);
	cr_expect(eq(u64, done.changed, 2));
	cr_expect(eq(int, slot.level, 1));
	cr_expect(eq(u64, pgtable_output(&w->vm->stage2, &slot) & bits_ones(30), 0));
}

/* --- the log of written pages ----------------------------------------------------------------------------------------- */

Test(stage2_ops, write_protection_leaves_no_writable_leaf)
{
	boot();
	perform(STAGE2_MAP, 0, 4 * MEBI);
	cr_assert(eq(uint, leaves_with(4 * MEBI, DESC_S2AP_WRITE), 4 * MEBI / PAGE));
	struct stage2_done done = perform(STAGE2_DIRTY_LOG_START, 0, PAGE);
	cr_expect(eq(uint, leaves_with(4 * MEBI, DESC_S2AP_WRITE), 0));
	cr_expect(eq(uint, leaves_with(4 * MEBI, DESC_S2AP_READ), 4 * MEBI / PAGE));
	cr_expect(le(u64, 4 * MEBI / PAGE, done.changed));
}

Test(stage2_ops, a_bitmap_that_is_set_leaves_the_leaves)
{
	config.hyp.stage2.dirty_log = STAGE2_INITIALLY_SET;
	boot();
	perform(STAGE2_MAP, 0, 4 * MEBI);
	struct stage2_done done = perform(STAGE2_DIRTY_LOG_START, 0, PAGE);
	cr_expect(eq(uint, leaves_with(4 * MEBI, DESC_S2AP_WRITE), 4 * MEBI / PAGE));
	cr_expect(eq(u64, done.tlbi + done.descriptors, 0));
	/* 4 GiB: a bit per page, twice, and one of them filled with ones */
	cr_expect(eq(u64, notes->sum[STAGE2_FILL], 3 * (UINT64_C(4) << 30) / PAGE / 8));
}

Test(stage2_ops, hardware_makes_a_clean_leaf_dirty_without_a_fault)
{
	config.hyp.stage2.dirty_log = STAGE2_HARDWARE;
	boot();
	struct translation t;
	tables_access(w, (struct va){0x400000}, ACCESS_WRITE, &t);
	perform(STAGE2_DIRTY_LOG_START, 0, PAGE);
	hyp_write_regs(w->vm, &w->regs);
	regime_decode(&w->regs, &has, REGIME_EL10, SEC_NONSECURE, &w->info);
	uint64_t offset = t.ipa.raw - config.hyp.memory_base;
	cr_assert(eq(u64, slot_at(offset).desc & (DESC_S2AP_WRITE | DESC_DBM), DESC_DBM));
	tables_translate(w, (struct va){0x400000}, ACCESS_WRITE, &t);
	cr_expect(eq(int, t.fault.kind, FAULT_NONE));
	cr_expect(eq(u64, slot_at(offset).desc & DESC_S2AP_WRITE, DESC_S2AP_WRITE));
}

Test(stage2_ops, eager_splitting_leaves_pages_that_say_what_the_block_said)
{
	config.hyp.mapping = HYP_BLOCK;
	config.hyp.stage2.eager_split = 1;
	boot();
	perform(STAGE2_MAP, 2 * MEBI, 4 * MEBI);
	struct pgtable_slot block = slot_at(2 * MEBI);
	uint64_t out = pgtable_output(&w->vm->stage2, &block);
	cr_assert(eq(int, block.level, 2));
	perform(STAGE2_DIRTY_LOG_START, 0, PAGE);
	for (uint64_t at = 0; at < 2 * MEBI; at += PAGE) {
		struct pgtable_slot slot = slot_at(2 * MEBI + at);
		cr_assert(eq(int, slot.level, LAST_LEVEL));
		cr_assert(eq(u64, pgtable_output(&w->vm->stage2, &slot), out + at));
		cr_assert(eq(u64, slot.desc & DESC_S2AP_WRITE, 0));
	}
}

Test(stage2_ops, a_block_is_split_by_break_before_make)
{
	config.hyp.mapping = HYP_BLOCK;
	config.hyp.stage2.eager_split = 1;
	boot();
	perform(STAGE2_MAP, 2 * MEBI, 2 * MEBI);
	notes->watch = config.hyp.memory_base + 2 * MEBI;
	perform(STAGE2_DIRTY_LOG_START, 0, PAGE);
	unsigned invalid = 0;
	for (size_t i = 0; i < notes->seen_count; i++) invalid += !(notes->seen[i] & DESC_VALID);
	cr_expect(eq(uint, invalid, 2), "IPAS2E1IS and VMALLE1IS of the split");
}

Test(stage2_ops, without_eager_splitting_blocks_stay)
{
	config.hyp.mapping = HYP_BLOCK;
	boot();
	perform(STAGE2_MAP, 2 * MEBI, 4 * MEBI);
	struct stage2_done done = perform(STAGE2_DIRTY_LOG_START, 0, PAGE);
	cr_expect(eq(int, slot_at(2 * MEBI).level, 2));
	cr_expect(eq(u64, slot_at(2 * MEBI).desc & DESC_S2AP_WRITE, 0));
	cr_expect(eq(u64, done.tables, 0));
}

/* --- while it runs ---------------------------------------------------------------------------------------------------- */

static struct hyp_fault fault(uint64_t offset, enum access_kind kind)
{
	return hyp_handle_stage2_fault(w->vm, (struct ipa){config.hyp.memory_base + offset}, kind);
}

Test(stage2_ops, a_page_is_logged_when_it_is_written_and_collected_once)
{
	boot();
	perform(STAGE2_MAP, 0, MEBI);
	perform(STAGE2_DIRTY_LOG_START, 0, PAGE);
	struct stage2_done wrote = perform(STAGE2_WRITE_PAGES, 0, 16 * PAGE);
	cr_expect(eq(u64, wrote.changed, 16));
	cr_expect(eq(u64, perform(STAGE2_WRITE_PAGES, 0, 16 * PAGE).changed, 0), "they are writable now");
	cr_expect(eq(u64, perform(STAGE2_DIRTY_LOG_COLLECT, 0, PAGE).dirty, 16));
	cr_expect(eq(uint, leaves_with(MEBI, DESC_S2AP_WRITE), 0), "protected again");
	cr_expect(eq(u64, perform(STAGE2_DIRTY_LOG_COLLECT, 0, PAGE).dirty, 0));
	cr_expect(eq(u64, perform(STAGE2_WRITE_PAGES, 0, PAGE).changed, 1), "and faults again");
}

Test(stage2_ops, every_way_of_logging_finds_the_same_pages)
{
	for (unsigned log = 0; log <= STAGE2_BUFFER; log++) {
		config.hyp.stage2.dirty_log = log;
		boot();
		perform(STAGE2_MAP, 0, MEBI);
		perform(STAGE2_DIRTY_LOG_START, 0, PAGE);
		perform(STAGE2_DIRTY_LOG_COLLECT, 0, PAGE); /* all pages, of a bitmap that was set */
		perform(STAGE2_WRITE_PAGES, 8 * PAGE, 40 * PAGE);
		cr_expect(eq(u64, perform(STAGE2_DIRTY_LOG_COLLECT, 0, PAGE).dirty, 40), "log %u", log);
		if (log < STAGE2_BUFFER) tables_close(w);
	}
}

Test(stage2_ops, a_bitmap_that_is_set_protects_when_it_is_collected)
{
	config.hyp.stage2.dirty_log = STAGE2_INITIALLY_SET;
	boot();
	perform(STAGE2_MAP, 0, MEBI);
	perform(STAGE2_DIRTY_LOG_START, 0, PAGE);
	cr_expect(eq(u64, perform(STAGE2_DIRTY_LOG_COLLECT, 0, PAGE).dirty, config.hyp.memory_bytes / PAGE));
	cr_expect(eq(uint, leaves_with(MEBI, DESC_S2AP_WRITE), 0));
}

Test(stage2_ops, a_buffer_spares_the_walk_over_all_leaves_and_the_fault)
{
	uint64_t looked[2], faults[2];
	for (unsigned i = 0; i < 2; i++) {
		config.hyp.stage2.dirty_log = STAGE2_HARDWARE + i;
		boot();
		perform(STAGE2_MAP, 0, 8 * MEBI);
		perform(STAGE2_DIRTY_LOG_START, 0, PAGE);
		perform(STAGE2_WRITE_PAGES, 0, 16 * PAGE);
		faults[i] = notes->sum[STAGE2_FAULT];
		looked[i] = perform(STAGE2_DIRTY_LOG_COLLECT, 0, PAGE).descriptors;
		if (!i) tables_close(w);
	}
	cr_expect(eq(u64, faults[0] + faults[1], 0));
	cr_expect(lt(u64, 8 * MEBI / PAGE, looked[0]));
	cr_expect(eq(u64, looked[1], 16 * 3), "three levels each, of 40 bits");
}

/* user_mem_abort() with logging_active: what KVM does without eager splitting. */
Test(stage2_ops, a_write_to_a_block_leaves_the_page_alone_and_the_others_come_back_in_their_frames)
{
	config.hyp.mapping = HYP_BLOCK;
	boot();
	perform(STAGE2_MAP, 2 * MEBI, 2 * MEBI);
	struct pgtable_slot block = slot_at(2 * MEBI);
	uint64_t out = pgtable_output(&w->vm->stage2, &block), used = frames_used_bytes(w->host);
	perform(STAGE2_DIRTY_LOG_START, 0, PAGE);
	cr_assert(eq(int, fault(2 * MEBI + 5 * PAGE, ACCESS_WRITE).outcome, HYP_MAPPED_PAGE));
	for (uint64_t i = 0; i < 2 * MEBI / PAGE; i++)
		cr_assert(eq(int, slot_at(2 * MEBI + i * PAGE).desc &DESC_VALID, i == 5));
	cr_assert(eq(int, fault(2 * MEBI + 9 * PAGE, ACCESS_READ).outcome, HYP_MAPPED_PAGE));
	struct pgtable_slot read = slot_at(2 * MEBI + 9 * PAGE), written = slot_at(2 * MEBI + 5 * PAGE);
	cr_expect(eq(u64, pgtable_output(&w->vm->stage2, &read), out + 9 * PAGE));
	cr_expect(eq(u64, pgtable_output(&w->vm->stage2, &written), out + 5 * PAGE));
	cr_expect(eq(u64, read.desc & DESC_S2AP_WRITE, 0), "a read does not make it writable");
	cr_expect(eq(u64, written.desc & DESC_S2AP_WRITE, DESC_S2AP_WRITE));
	cr_expect(eq(u64, perform(STAGE2_DIRTY_LOG_COLLECT, 0, PAGE).dirty, 1));
	cr_expect(eq(u64, frames_used_bytes(w->host), used + PAGE), "a table");
}

Test(stage2_ops, while_logging_new_memory_comes_page_by_page)
{
	config.hyp.mapping = HYP_BLOCK;
	boot();
	perform(STAGE2_DIRTY_LOG_START, 0, PAGE);
	cr_expect(eq(int, fault(4 * MEBI, ACCESS_WRITE).outcome, HYP_MAPPED_PAGE));
	cr_expect(eq(int, fault(6 * MEBI, ACCESS_READ).outcome, HYP_MAPPED_PAGE));
	cr_expect(eq(u64, slot_at(6 * MEBI).desc & DESC_S2AP_WRITE, 0));
	cr_expect(eq(u64, perform(STAGE2_DIRTY_LOG_COLLECT, 0, PAGE).dirty, 1), "the one that was written");
}

/* --- permissions ------------------------------------------------------------------------------------------------------ */

/* __kvm_tlb_flush_vmid_ipa_nsh(): another core that holds the old permission faults once more, and no harm is done. */
Test(stage2_ops, a_relaxed_permission_is_flushed_here_or_everywhere)
{
	for (unsigned everywhere = 0; everywhere < 2; everywhere++) {
		config.hyp.stage2.relax_flush = everywhere;
		boot();
		perform(STAGE2_MAP, 0, PAGE);
		perform(STAGE2_DIRTY_LOG_START, 0, PAGE);
		perform(STAGE2_RELAX, 0, PAGE);
		char *text = order(notes, 9);
		cr_expect(eq(str, text,
			     everywhere ? "dsb:10 IPAS2E1IS dsb:11 VMALLE1IS dsb:11"
					: "dsb:6 IPAS2E1 dsb:7 VMALLE1 dsb:7"));
		cr_expect(eq(uint, leaves_with(PAGE, DESC_S2AP_WRITE), 1));
		free(text);
		if (!everywhere) tables_close(w);
	}
}

Test(stage2_ops, an_area_outside_of_the_vm_is_refused)
{
	struct stage2_done done;
	struct err err;
	boot();
	struct stage2_clock clock = {notes, note_step, note_tlbi};
	struct stage2_area area = {0, config.hyp.memory_bytes + PAGE, PAGE};
	cr_expect(eq(int, stage2_perform(w->vm, STAGE2_UNMAP, area, &clock, &done, &err), ERR_CONFIG));
	cr_expect(ne(ptr, strstr(err.text, "hyp.memory_bytes"), NULL));
	area = (struct stage2_area){config.hyp.memory_bytes, PAGE, PAGE};
	cr_expect(eq(int, stage2_perform(w->vm, STAGE2_UNMAP, area, &clock, &done, &err), ERR_CONFIG));
}

/* --- runs of pages ---------------------------------------------------------------------------------------------------- */

static struct tlbi_scope scope_of(const char *name, uint64_t operand)
{
	static const struct sysregs regs = {.VTTBR_EL2 = UINT64_C(1) << 48};
	struct features f = {.granules = 7, .granules_stage2 = 7, .pa_bits = 48, .tlbirange = 1};
	struct tlbi_context c = {&regs, &f, 2, SEC_NONSECURE};
	struct tlbi_scope scope;
	struct tlbi_op op;
	cr_assert(tlbi_named(name, &op));
	cr_assert(eq(int, tlbi_resolve(op, operand, &c, &scope), TLBI_DONE));
	return scope;
}

/* By random runs: the pieces touch each other, begin and end where the run does, and each takes just its pages. */
Test(tlbi_run, a_range_tlbi_removes_what_its_page_tlbis_remove)
{
	struct rng r;
	rng_init(&r, 1, "tlbi_run");
	for (unsigned i = 0; i < 2000; i++) {
		uint64_t pages = 1 + (rng_next(&r) & bits_ones(1 + (unsigned)rng_below(&r, 25)));
		uint64_t first = rng_next(&r) & bits_ones(27), next = first;
		struct tlbi_run run = {.addr = first << 12, .pages = pages, .page_bits = 12, .ranges = true};
		struct tlbi_piece piece;
		while (tlbi_run_next(&run, &piece)) {
			struct tlbi_scope s = scope_of(piece.range ? "RIPAS2E1IS" : "IPAS2E1IS",
						       piece.operand);
			cr_assert(eq(u64, s.match.first, next << 12));
			cr_assert(eq(u64, s.match.last, ((next + piece.pages) << 12) - 1));
			next += piece.pages;
		}
		cr_assert(eq(u64, next, first + pages));
	}
}

/* The pieces of a run under DS: aligned to 64 KiB where they are ranges, and what the operand says is what is meant. */
Test(tlbi_run, under_ds_ranges_begin_at_multiples_of_64_kib)
{
	struct rng r;
	rng_init(&r, 2, "tlbi_run");
	for (unsigned i = 0; i < 2000; i++) {
		unsigned bits = rng_below(&r, 2) ? GRANULE_4K : GRANULE_16K;
		uint64_t pages = 1 + (rng_next(&r) & bits_ones(1 + (unsigned)rng_below(&r, 23)));
		uint64_t next = (rng_next(&r) & bits_ones(34)) << bits, end = next + (pages << bits);
		struct tlbi_run run = {
			.addr = next, .pages = pages, .page_bits = bits, .ranges = true, .ds = true};
		struct tlbi_piece piece;
		unsigned alone = 0;
		while (tlbi_run_next(&run, &piece)) {
			uint64_t x = piece.operand, first = bits_get(x, piece.range ? 36 : 43, 0)
							    << (piece.range ? 16 : 12);
			uint64_t said = piece.range
						? (bits_get(x, 43, 39) + 1) << (5 * bits_get(x, 45, 44) + 1)
						: 1;
			cr_assert(eq(u64, first, next));
			cr_assert(eq(u64, said, piece.pages));
			cr_assert(not(piece.range && bits_get(x, 47, 46) != (bits - 10) / 2));
			alone += !piece.range;
			next += piece.pages << bits;
		}
		cr_assert(eq(u64, next, end));
		cr_assert(le(uint, alone, (1u << (16 - bits)) + 1),
			  "those before the first multiple, and one");
	}
}

Test(tlbi_run, ranges_take_few_operations_and_pages_one_each)
{
	struct tlbi_piece piece;
	for (unsigned ranges = 0; ranges < 2; ranges++) {
		struct tlbi_run run = {.pages = 262143, .page_bits = 12, .ranges = ranges};
		unsigned operations = 0;
		while (tlbi_run_next(&run, &piece)) operations++;
		cr_expect(eq(uint, operations, ranges ? 5 : 262143));
	}
}
