/* stage2_log.c - the log of written pages: it starts, and it is collected, by what dirty_log of the stack says. */
#include <stdlib.h>

#include "base/alloc.h"
#include "hyp/dirty.h"
#include "hyp/stage2_impl.h"

enum { BUFFER_ENTRY_BYTES = 8 };

static uint64_t pages_of(const struct op *o) { return o->vm->memory_bytes >> o->vm->stage2.granule_bits; }

/* --- start ------------------------------------------------------------------------------------------------------ */

static void allocate(const struct op *o, uint64_t bytes)
{
	uint64_t page = UINT64_C(1) << o->vm->stage2.granule_bits, pages = (bytes + page - 1) / page;
	op_step(o, STAGE2_INSTRUCTIONS, pages * o->p->bitmap_page_instructions);
	op_step(o, STAGE2_FILL, pages * page);
}

/* kvm_alloc_dirty_bitmap(): two of them, one to hand out. */
static void make_log(struct op *o)
{
	bool set = o->p->dirty_log == STAGE2_INITIALLY_SET;
	dirty_begin(o->vm);
	dirty_bitmap_free(o->vm->written);
	o->vm->written = dirty_bitmap_new(pages_of(o), set);
	allocate(o, 2 * pages_of(o) / 8);
	if (set) op_step(o, STAGE2_FILL, pages_of(o) / 8);
	if (o->p->dirty_log == STAGE2_BUFFER) allocate(o, o->p->buffer_bytes);
	o->vm->hardware_dirty = o->p->dirty_log >= STAGE2_HARDWARE;
}

/* Makes tables of `slot`'s block down to pages; what the host has no table for stays a block. */
static void split(struct op *o, uint64_t ipa, const struct pgtable_slot *block)
{
	struct pgtable *t = &o->vm->stage2;
	unsigned table_bits = level_entry_bits(t->granule_bits, LAST_LEVEL - 1);
	uint64_t before = t->tables;
	enum pgtable_result r = PGTABLE_OK;
	for (uint64_t at = 0; r == PGTABLE_OK && at >> op_leaf_bits(o, block) == 0;
	     at += UINT64_C(1) << table_bits) {
		struct pgtable_slot slot = *block;
		slot.desc = physmem_read64(t->mem, block->at);
		r = pgtable_descend(t, ipa + at, LAST_LEVEL, &slot);
	}
	uint64_t tables = t->tables - before;
	o->done->tables += tables;
	o->vm->stats.tables += tables;
	op_step(o, STAGE2_INSTRUCTIONS, tables * o->p->table_instructions);
	op_step(o, STAGE2_FILL, tables << t->granule_bits);
}

/* What hardware may make dirty, it finds clean. */
static uint64_t cleaned(const struct op *o, uint64_t desc)
{
	return (desc & ~DESC_S2AP_WRITE) | (o->vm->hardware_dirty ? DESC_DBM : 0);
}

static enum pgtable_result protect_leaf(void *ctx, uint64_t ipa, struct pgtable_slot *slot)
{
	struct op *o = ctx;
	op_see(o, slot);
	if (!op_is_leaf(slot)) return PGTABLE_OK;
	if (slot->desc & DESC_S2AP_WRITE) op_exchange(o, slot, cleaned(o, slot->desc));
	if (o->p->eager_split && slot->level < LAST_LEVEL) split(o, ipa, slot);
	return PGTABLE_OK; /* the pages of a block say what it said: they are not looked at again */
}

static void flush_all(struct op *o)
{
	stage2_flush_range(&o->flusher, o->vm->hyp->p.memory_base, o->vm->memory_bytes);
}

enum pgtable_result op_protect_all(struct op *o)
{
	return pgtable_visit(&o->vm->stage2, o->vm->hyp->p.memory_base, o->vm->memory_bytes, protect_leaf, o);
}

enum pgtable_result op_start_log(struct op *o)
{
	make_log(o);
	if (o->p->dirty_log == STAGE2_INITIALLY_SET) return PGTABLE_OK;
	enum pgtable_result r = op_protect_all(o);
	if (r == PGTABLE_OK) flush_all(o);
	return r;
}

/* --- collection ------------------------------------------------------------------------------------------------- */

/* kvm_arch_mmu_enable_log_dirty_pt_masked(): from the first to the last page of a word of the bitmap. */
static enum pgtable_result protect_word(struct op *o, uint64_t word, uint64_t bits)
{
	struct pgtable *t = &o->vm->stage2;
	unsigned first = (unsigned)__builtin_ctzll(bits), last = 63 - (unsigned)__builtin_clzll(bits);
	uint64_t page = (word << DIRTY_BITMAP_WORD_BITS) + first;
	o->done->dirty += (uint64_t)__builtin_popcountll(bits);
	return pgtable_visit(t, o->vm->hyp->p.memory_base + (page << t->granule_bits),
			     (uint64_t)(last - first + 1) << t->granule_bits, protect_leaf, o);
}

/* The bitmap is read, copied to who asked, and cleared; what it names is protected again. */
static enum pgtable_result collect_bitmap(struct op *o)
{
	uint64_t words = dirty_bitmap_words(o->vm->written);
	enum pgtable_result r = PGTABLE_OK;
	op_step(o, STAGE2_FILL, 2 * words * sizeof(uint64_t));
	for (uint64_t i = 0; r == PGTABLE_OK && i < words; i++) {
		uint64_t bits = dirty_bitmap_take(o->vm->written, i);
		if (bits) r = protect_word(o, i, bits);
	}
	return r;
}

static bool is_dirty(const struct pgtable_slot *slot)
{
	return op_is_leaf(slot) && (slot->desc & DESC_S2AP_WRITE);
}

static void take_dirty(struct op *o, struct pgtable_slot *slot)
{
	o->done->dirty += UINT64_C(1) << (op_leaf_bits(o, slot) - o->vm->stage2.granule_bits);
	op_exchange(o, slot, cleaned(o, slot->desc));
}

/* Whoever has nothing but descriptors looks at all of them. */
static enum pgtable_result scan(void *ctx, uint64_t ipa, struct pgtable_slot *slot)
{
	struct op *o = ctx;
	(void)ipa;
	op_see(o, slot);
	if (is_dirty(slot)) take_dirty(o, slot);
	return PGTABLE_OK;
}

/* The buffer has an entry for each page that has become dirty; the walk of each goes down the tables. */
static enum pgtable_result take_entry(void *ctx, uint64_t ipa, struct pgtable_slot *slot)
{
	struct op *o = ctx;
	struct pgtable *t = &o->vm->stage2;
	if (!is_dirty(slot)) return PGTABLE_OK;
	for (int level = t->start_level; level <= slot->level; level++) {
		struct pgtable_slot upper;
		if (pgtable_find_level(t, ipa, level, &upper)) op_see(o, &upper);
	}
	op_step(o, STAGE2_INSTRUCTIONS, o->p->buffer_entry_instructions);
	take_dirty(o, slot);
	return PGTABLE_OK;
}

/* A full buffer has made the guest leave. */
static enum pgtable_result collect_buffer(struct op *o)
{
	const struct hyp_params *p = &o->vm->hyp->p;
	uint64_t before = o->done->changed;
	enum pgtable_result r = pgtable_visit(&o->vm->stage2, p->memory_base, o->vm->memory_bytes, take_entry,
					      o);
	uint64_t bytes = (o->done->changed - before) * BUFFER_ENTRY_BYTES;
	op_step(o, STAGE2_FILL, bytes);
	for (uint64_t full = bytes / o->p->buffer_bytes; full; full--)
		op_step(o, STAGE2_FAULT, p->fault_cycles);
	return r;
}

enum pgtable_result op_collect_log(struct op *o)
{
	enum pgtable_result r;
	if (!o->vm->written) return PGTABLE_OK;
	if (o->p->dirty_log == STAGE2_HARDWARE)
		r = pgtable_visit(&o->vm->stage2, o->vm->hyp->p.memory_base, o->vm->memory_bytes, scan, o);
	else
		r = o->p->dirty_log == STAGE2_BUFFER ? collect_buffer(o) : collect_bitmap(o);
	if (r == PGTABLE_OK && o->done->changed) flush_all(o);
	return r;
}
