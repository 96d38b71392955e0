#include "hyp/stage2_ops.h"

#include <inttypes.h>

#include "hyp/stage2_flush.h"
#include "hyp/vm.h"

const char *const stage2_op_names[] = {
#define X(name, text, doc) #text,
	STAGE2_OPS(X)
#undef X
		NULL};

/* An operation on its way. */
struct op {
	struct hyp_vm *vm;
	const struct stage2_params *p;
	const struct stage2_clock *clock;
	struct stage2_flusher flusher;
	struct stage2_done *done;
	enum stage2_unmap_flush unmap_flush;
};

static void step(const struct op *o, enum stage2_step s, uint64_t operand)
{
	o->clock->step(o->clock->self, s, operand);
}

/* A walk looks at a descriptor. */
static void see(struct op *o, const struct pgtable_slot *slot)
{
	o->done->descriptors++;
	step(o, STAGE2_INSTRUCTIONS, o->p->visit_instructions);
	step(o, STAGE2_READ, slot->at.raw);
}

/* By compare and exchange, as the guest's walks may write it, too. */
static void exchange(struct op *o, struct pgtable_slot *slot, uint64_t desc)
{
	pgtable_set(&o->vm->stage2, slot, desc);
	slot->desc = desc;
	o->done->changed++;
	step(o, STAGE2_ATOMIC, 0);
	step(o, STAGE2_WRITE, slot->at.raw);
}

static bool is_leaf(const struct pgtable_slot *slot)
{
	return (slot->desc & DESC_VALID) && (slot->level == LAST_LEVEL || !(slot->desc & DESC_TABLE));
}

static unsigned leaf_bits(const struct op *o, const struct pgtable_slot *slot)
{
	return level_entry_bits(o->vm->stage2.granule_bits, slot->level);
}

/* --- unmap ----------------------------------------------------------------------------------------------------- */

/* stage2_unmap_defer_tlb_flush() */
static enum stage2_unmap_flush unmap_flush_of(const struct op *o)
{
	const struct features *f = &o->vm->hyp->f;
	if (o->p->unmap_flush != STAGE2_FLUSH_LINUX) return (enum stage2_unmap_flush)o->p->unmap_flush;
	return f->tlbirange && f->s2fwb ? STAGE2_FLUSH_RANGE : STAGE2_FLUSH_PAGE;
}

/* Without FEAT_S2FWB what the guest wrote around the caches must not be hidden by them. */
static void clean(struct op *o, uint64_t bytes)
{
	if (o->vm->hyp->f.s2fwb) return;
	o->done->cleaned_bytes += bytes;
	step(o, STAGE2_CLEAN, bytes);
}

static enum pgtable_result unmap_leaf(void *ctx, uint64_t ipa, struct pgtable_slot *slot)
{
	struct op *o = ctx;
	struct pgtable *t = &o->vm->stage2;
	unsigned bits = leaf_bits(o, slot);
	see(o, slot);
	if (!is_leaf(slot)) return PGTABLE_OK;
	frames_give(t->frames, pgtable_output(t, slot), bits);
	exchange(o, slot, 0);
	o->vm->stats.unmapped++;
	if (o->unmap_flush == STAGE2_FLUSH_PAGE) stage2_flush_ipa(&o->flusher, ipa, slot->level, true);
	clean(o, UINT64_C(1) << bits);
	step(o, STAGE2_ATOMIC, 0); /* the table's count of references */
	step(o, STAGE2_INSTRUCTIONS, o->p->unmap_page_instructions);
	return PGTABLE_OK;
}

/* stage2_apply_range(): in pieces, between which others may have the lock. */
static enum pgtable_result unmap(struct op *o, uint64_t ipa, uint64_t bytes)
{
	struct pgtable *t = &o->vm->stage2;
	uint64_t chunk = UINT64_C(1) << level_entry_bits(t->granule_bits,
							 t->granule_bits == GRANULE_4K ? 1 : 2);
	uint64_t end = ipa + bytes, next;
	for (; ipa < end; ipa = next) {
		next = bits_align_down(ipa, log2_floor(chunk)) + chunk;
		if (next > end) next = end;
		enum pgtable_result r = pgtable_visit(t, ipa, next - ipa, unmap_leaf, o);
		if (r != PGTABLE_OK) return r;
		if (o->unmap_flush == STAGE2_FLUSH_RANGE) stage2_flush_range(&o->flusher, ipa, next - ipa);
		if (o->unmap_flush == STAGE2_FLUSH_VMID) stage2_flush_vmid(&o->flusher);
	}
	return PGTABLE_OK;
}

/* --- the log of written pages ----------------------------------------------------------------------------------- */

/* kvm_alloc_dirty_bitmap(): two of them, one to hand out. */
static void allocate_bitmap(struct op *o)
{
	uint64_t page = UINT64_C(1) << o->vm->stage2.granule_bits;
	uint64_t bytes = o->vm->memory_bytes / page / 8, pages = (2 * bytes + page - 1) / page;
	step(o, STAGE2_INSTRUCTIONS, pages * o->p->bitmap_page_instructions);
	step(o, STAGE2_FILL, pages * page);
	if (o->p->dirty_log == STAGE2_INITIALLY_SET) step(o, STAGE2_FILL, bytes);
}

/* A block is told before its entries take its place: break-before-make. */
static void flush_broken(void *ctx, uint64_t ipa, uint64_t bytes)
{
	struct op *o = ctx;
	int level = LAST_LEVEL;
	while (level > 1 && level_entry_bits(o->vm->stage2.granule_bits, level) < log2_floor(bytes)) level--;
	stage2_flush_ipa(&o->flusher, ipa, level, true);
}

/* Makes tables of `slot`'s block down to pages; what the host has no table for stays a block. */
static void split(struct op *o, uint64_t ipa, const struct pgtable_slot *block)
{
	struct pgtable *t = &o->vm->stage2;
	uint64_t before = t->tables, step_bytes = UINT64_C(1)
						  << level_entry_bits(t->granule_bits, LAST_LEVEL - 1);
	enum pgtable_result r = PGTABLE_OK;
	t->breaking = (struct pgtable_break){o, flush_broken};
	for (uint64_t at = 0; r == PGTABLE_OK && at >> leaf_bits(o, block) == 0; at += step_bytes) {
		struct pgtable_slot slot = *block;
		slot.desc = physmem_read64(t->mem, block->at);
		r = pgtable_descend(t, ipa + at, LAST_LEVEL, &slot);
	}
	t->breaking = (struct pgtable_break){0};
	uint64_t tables = t->tables - before;
	o->done->tables += tables;
	o->vm->stats.tables += tables;
	step(o, STAGE2_INSTRUCTIONS, tables * o->p->table_instructions);
	step(o, STAGE2_FILL, tables << t->granule_bits);
}

static enum pgtable_result protect_leaf(void *ctx, uint64_t ipa, struct pgtable_slot *slot)
{
	struct op *o = ctx;
	uint64_t dirty = o->p->dirty_log == STAGE2_HARDWARE ? DESC_DBM : 0;
	see(o, slot);
	if (!is_leaf(slot)) return PGTABLE_OK;
	if (slot->desc & DESC_S2AP_WRITE) exchange(o, slot, (slot->desc & ~DESC_S2AP_WRITE) | dirty);
	if (!o->p->eager_split || slot->level == LAST_LEVEL) return PGTABLE_OK;
	split(o, ipa, slot);
	return PGTABLE_OK; /* its pages say what it said: they are not looked at again */
}

static enum pgtable_result start_dirty_log(struct op *o)
{
	const struct hyp_params *p = &o->vm->hyp->p;
	allocate_bitmap(o);
	if (o->p->dirty_log == STAGE2_INITIALLY_SET) return PGTABLE_OK;
	if (o->p->dirty_log == STAGE2_HARDWARE) o->vm->hardware_dirty = true;
	enum pgtable_result r = pgtable_visit(&o->vm->stage2, p->memory_base, o->vm->memory_bytes, protect_leaf,
					      o);
	if (r == PGTABLE_OK) stage2_flush_range(&o->flusher, p->memory_base, o->vm->memory_bytes);
	return r;
}

/* --- faults ----------------------------------------------------------------------------------------------------- */

/* Of a block, what it takes to clear it; a page's is in the fault's price. */
static enum pgtable_result map(struct op *o, uint64_t ipa, uint64_t bytes)
{
	const struct hyp_params *p = &o->vm->hyp->p;
	uint64_t page = UINT64_C(1) << o->vm->stage2.granule_bits, size;
	for (uint64_t at = ipa; at < ipa + bytes; at = bits_align_down(at, log2_floor(size)) + size) {
		struct hyp_fault f = hyp_handle_stage2_fault(o->vm, (struct ipa){at}, ACCESS_WRITE);
		if (!f.size_bits) return PGTABLE_NO_FRAME;
		size = UINT64_C(1) << f.size_bits;
		step(o, STAGE2_FAULT, p->fault_cycles);
		if (f.outcome == HYP_UPGRADED || f.outcome == HYP_SPURIOUS) continue;
		o->done->changed += f.outcome == HYP_MAPPED_BLOCK ? 1 : size / page;
		if (size == page) continue;
		step(o, STAGE2_FILL, size);
		clean(o, size);
	}
	return PGTABLE_OK;
}

static enum pgtable_result relax(struct op *o, uint64_t ipa, uint64_t bytes, uint64_t stride)
{
	struct pgtable *t = &o->vm->stage2;
	for (uint64_t at = ipa; at < ipa + bytes; at += stride) {
		struct pgtable_slot slot;
		enum pgtable_result r = pgtable_find(t, at, &slot);
		if (r != PGTABLE_OK) return r;
		if (!(slot.desc & DESC_VALID)) continue;
		uint64_t was = slot.desc;
		step(o, STAGE2_FAULT, o->vm->hyp->p.fault_cycles);
		see(o, &slot);
		exchange(o, &slot, (was | DESC_S2AP_WRITE | DESC_AF) & ~DESC_S2_XN);
		stage2_flush_ipa(&o->flusher, at, slot.level, o->p->relax_flush == STAGE2_RELAX_BROADCAST);
	}
	return PGTABLE_OK;
}

/* --- all ---------------------------------------------------------------------------------------------------------- */

static enum pgtable_result run(struct op *o, enum stage2_op op, uint64_t ipa, struct stage2_area area)
{
	switch (op) {
	case STAGE2_MAP: return map(o, ipa, area.bytes);
	case STAGE2_UNMAP: return unmap(o, ipa, area.bytes);
	case STAGE2_DIRTY_LOG_START: return start_dirty_log(o);
	case STAGE2_RELAX: return relax(o, ipa, area.bytes, area.stride);
	default: assert(op < STAGE2_OP_COUNT); return PGTABLE_OK;
	}
}

enum status stage2_perform(struct hyp_vm *vm, enum stage2_op op, struct stage2_area area,
			   const struct stage2_clock *clock, struct stage2_done *done, struct err *err)
{
	const struct hyp_params *p = &vm->hyp->p;
	uint64_t ipa = p->memory_base + area.offset;
	struct op o = {.vm = vm, .p = &p->stage2, .clock = clock, .done = done};
	if (area.offset > vm->memory_bytes || area.bytes > vm->memory_bytes - area.offset)
		return err_set(err, ERR_CONFIG,
			       "%s: %" PRIu64 " bytes from offset %" PRIu64
			       " on are not within hyp.memory_bytes = %" PRIu64,
			       stage2_op_names[op], area.bytes, area.offset, vm->memory_bytes);
	*done = (struct stage2_done){0};
	stage2_flusher_init(&o.flusher, clock, &vm->hyp->f, vm->stage2.granule_bits);
	o.unmap_flush = unmap_flush_of(&o);
	enum pgtable_result r = run(&o, op, ipa, area);
	if (vm->stage2.ranges) ranges_update(vm->stage2.ranges, &vm->stage2, p->memory_base, vm->memory_bytes);
	done->tlbi = o.flusher.tlbi;
	done->dsb = o.flusher.dsb;
	if (r == PGTABLE_OK) return OK;
	return err_set(err, ERR_CONFIG, "%s: the machine has no memory left for the VM", stage2_op_names[op]);
}
