#include "hyp/stage2_ops.h"

#include <inttypes.h>

#include "hyp/dirty.h"
#include "hyp/stage2_impl.h"

const char *const stage2_op_names[] = {
#define X(name, text, doc) #text,
	STAGE2_OPS(X)
#undef X
		NULL};

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
	op_step(o, STAGE2_CLEAN, bytes);
}

/* The leaf is `desc` from now on, which is invalid. */
static void leave(struct op *o, uint64_t ipa, struct pgtable_slot *slot, uint64_t desc)
{
	int level = slot->level;
	op_exchange(o, slot, desc);
	o->vm->stats.unmapped++;
	if (o->unmap_flush == STAGE2_FLUSH_PAGE) stage2_flush_ipa(&o->flusher, ipa, level, true);
	clean(o, UINT64_C(1) << op_leaf_bits(o, slot));
	op_step(o, STAGE2_ATOMIC, 0); /* the table's count of references */
	op_step(o, STAGE2_INSTRUCTIONS, o->p->unmap_page_instructions);
}

static enum pgtable_result unmap_leaf(void *ctx, uint64_t ipa, struct pgtable_slot *slot)
{
	struct op *o = ctx;
	struct pgtable *t = &o->vm->stage2;
	op_see(o, slot);
	if (!op_is_leaf(slot)) return PGTABLE_OK;
	frames_give(t->frames, pgtable_output(t, slot), op_leaf_bits(o, slot));
	leave(o, ipa, slot, 0);
	return PGTABLE_OK;
}

/* change_prot_numa() has an MMU notifier unmap the area; the host's own tables still know the frame, as the descriptor does here.
 * task_numa_work() leaves hugetlbfs alone. */
static enum pgtable_result hint_leaf(void *ctx, uint64_t ipa, struct pgtable_slot *slot)
{
	struct op *o = ctx;
	op_see(o, slot);
	if (!op_is_leaf(slot) || frames_is_pooled(o->vm->stage2.frames, pgtable_output(&o->vm->stage2, slot)))
		return PGTABLE_OK;
	o->vm->stage2.hinted++;
	o->done->hinted_bytes += UINT64_C(1) << op_leaf_bits(o, slot);
	o->done->hinted_blocks += slot->level < LAST_LEVEL;
	leave(o, ipa, slot, pgtable_hint(slot->desc));
	return PGTABLE_OK;
}

/* stage2_apply_range(): in pieces, between which others may have the lock. */
static enum pgtable_result unmap(struct op *o, uint64_t ipa, uint64_t bytes, pgtable_visit_fn *leaf)
{
	struct pgtable *t = &o->vm->stage2;
	uint64_t chunk = UINT64_C(1) << level_entry_bits(t->granule_bits,
							 t->granule_bits == GRANULE_4K ? 1 : 2);
	uint64_t end = ipa + bytes, next;
	dirty_forget(o->vm, ipa, bytes);
	for (; ipa < end; ipa = next) {
		next = bits_align_down(ipa, log2_floor(chunk)) + chunk;
		if (next > end) next = end;
		enum pgtable_result r = pgtable_visit(t, ipa, next - ipa, leaf, o);
		if (r != PGTABLE_OK) return r;
		if (o->unmap_flush == STAGE2_FLUSH_RANGE) stage2_flush_range(&o->flusher, ipa, next - ipa);
		if (o->unmap_flush == STAGE2_FLUSH_VMID) stage2_flush_vmid(&o->flusher);
	}
	return PGTABLE_OK;
}

/* A block is told before its entries take its place: break-before-make. */
static void flush_broken(void *ctx, uint64_t ipa, uint64_t bytes)
{
	struct op *o = ctx;
	stage2_flush_broken(&o->flusher, ipa, bytes);
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
		op_step(o, STAGE2_FAULT, p->fault_cycles);
		if (f.outcome == HYP_UPGRADED || f.outcome == HYP_SPURIOUS) continue;
		o->done->changed += f.outcome == HYP_MAPPED_BLOCK ? 1 : size / page;
		if (size == page) continue;
		op_step(o, STAGE2_FILL, size);
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
		op_step(o, STAGE2_FAULT, o->vm->hyp->p.fault_cycles);
		op_see(o, &slot);
		op_exchange(o, &slot, (was | DESC_S2AP_WRITE | DESC_AF) & ~DESC_S2_XN);
		stage2_flush_ipa(&o->flusher, at, slot.level, o->p->relax_flush == STAGE2_RELAX_BROADCAST);
	}
	return PGTABLE_OK;
}

/* One page of each stride. A page that is write-protected faults, and only this core forgets that it was; one that is
 * writable-clean hardware makes dirty by itself. */
static enum pgtable_result write_pages(struct op *o, uint64_t ipa, uint64_t bytes, uint64_t stride)
{
	struct pgtable *t = &o->vm->stage2;
	for (uint64_t at = ipa; at < ipa + bytes; at += stride) {
		struct pgtable_slot slot;
		enum pgtable_result r = pgtable_find(t, at, &slot);
		if (r != PGTABLE_OK) return r;
		if (op_is_leaf(&slot) && (slot.desc & DESC_S2AP_WRITE)) continue;
		if (op_is_leaf(&slot) && o->vm->hardware_dirty && (slot.desc & DESC_DBM)) {
			pgtable_set(t, &slot, slot.desc | DESC_S2AP_WRITE);
			op_step(o, STAGE2_WRITE, slot.at.raw);
			continue;
		}
		struct hyp_fault f = hyp_handle_stage2_fault(o->vm, (struct ipa){at}, ACCESS_WRITE);
		if (!f.size_bits) return PGTABLE_NO_FRAME;
		o->done->changed++;
		op_step(o, STAGE2_FAULT, o->vm->hyp->p.fault_cycles);
		if (f.outcome == HYP_UPGRADED)
			stage2_flush_ipa(&o->flusher, at, slot.level,
					 o->p->relax_flush == STAGE2_RELAX_BROADCAST);
	}
	return PGTABLE_OK;
}

/* --- all ---------------------------------------------------------------------------------------------------------- */

static enum pgtable_result run(struct op *o, enum stage2_op op, uint64_t ipa, struct stage2_area area)
{
	switch (op) {
	case STAGE2_MAP: return map(o, ipa, area.bytes);
	case STAGE2_UNMAP: return unmap(o, ipa, area.bytes, unmap_leaf);
	case STAGE2_HINT: return unmap(o, ipa, area.bytes, hint_leaf);
	case STAGE2_DIRTY_LOG_START: return op_start_log(o);
	case STAGE2_DIRTY_LOG_COLLECT: return op_collect_log(o);
	case STAGE2_WRITE_PAGES: return write_pages(o, ipa, area.bytes, area.stride);
	case STAGE2_RELAX: return relax(o, ipa, area.bytes, area.stride);
	default: assert(op < STAGE2_OP_COUNT); return PGTABLE_OK;
	}
}

/* Begins an operation, during which what gives way to smaller leaves is told to its clock. */
static struct op begin(struct hyp_vm *vm, const struct stage2_clock *clock, struct stage2_done *done)
{
	struct op o = {.vm = vm, .p = &vm->hyp->p.stage2, .clock = clock, .done = done};
	*done = (struct stage2_done){0};
	stage2_flusher_init(&o.flusher, clock, &vm->hyp->f, &vm->stage2);
	o.unmap_flush = unmap_flush_of(&o);
	return o;
}

static void end(struct op *o, struct pgtable_break others)
{
	struct hyp_vm *vm = o->vm;
	vm->stage2.breaking = others;
	if (vm->stage2.ranges)
		ranges_update(vm->stage2.ranges, &vm->stage2, vm->hyp->p.memory_base, vm->memory_bytes);
	o->done->tlbi = o->flusher.tlbi;
	o->done->dsb = o->flusher.dsb;
}

static void no_step(void *self, enum stage2_step step, uint64_t operand)
{
	(void)self, (void)step, (void)operand;
}
static void no_tlbi(void *self, struct tlbi_op op, uint64_t operand) { (void)self, (void)op, (void)operand; }

/* As dirty_log_start does, but that no time passes, and nobody collects. */
void hyp_start_dirty_log(struct hyp_vm *vm)
{
	static const struct stage2_clock no_clock = {NULL, no_step, no_tlbi};
	const struct pgtable_break others = vm->stage2.breaking;
	struct stage2_done done;
	struct op o = begin(vm, &no_clock, &done);
	vm->stage2.breaking = (struct pgtable_break){&o, flush_broken};
	dirty_begin(vm);
	enum pgtable_result r = op_protect_all(&o);
	assert(r == PGTABLE_OK); /* no leaf of the VM's memory sticks out of it */
	vm->dirty->stats.protected_leaves += done.changed;
	end(&o, others);
}

enum status stage2_perform(struct hyp_vm *vm, enum stage2_op op, struct stage2_area area,
			   const struct stage2_clock *clock, struct stage2_done *done, struct err *err)
{
	const struct hyp_params *p = &vm->hyp->p;
	uint64_t ipa = p->memory_base + area.offset;
	if (area.offset > vm->memory_bytes || area.bytes > vm->memory_bytes - area.offset)
		return err_set(err, ERR_CONFIG,
			       "%s: %" PRIu64 " bytes from offset %" PRIu64
			       " on are not within hyp.memory_bytes = %" PRIu64,
			       stage2_op_names[op], area.bytes, area.offset, vm->memory_bytes);
	struct op o = begin(vm, clock, done);
	if (op != STAGE2_HINT) pgtable_restore(&vm->stage2, ipa, area.bytes);
	const struct pgtable_break others = vm->stage2.breaking;
	vm->stage2.breaking = (struct pgtable_break){&o, flush_broken};
	enum pgtable_result r = run(&o, op, ipa, area);
	end(&o, others);
	if (r == PGTABLE_OK) return OK;
	return err_set(err, ERR_CONFIG, "%s: the machine has no memory left for the VM", stage2_op_names[op]);
}
