#include "hyp/pages.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "hyp/pages_impl.h"
#include "hyp/vm.h"

void hyp_pages_watch(struct hyp_vm *vm)
{
	if (vm->pages) return;
	struct hyp_pages *p = xcalloc(1, sizeof(*p));
	p->count = vm->memory_bytes >> vm->stage2.granule_bits;
	p->flags = xcalloc(p->count, sizeof(*p->flags));
	p->frame = xcalloc(p->count, sizeof(*p->frame));
	vm->pages = p;
}

void hyp_pages_free(struct hyp_pages *p)
{
	if (!p) return;
	free(p->flags);
	free(p->frame);
	free(p->shared);
	free(p);
}

void hyp_pages_on_break(struct hyp_vm *vm, const struct pgtable_break *b) { vm->pages->breaking = *b; }
void hyp_pages_log(struct hyp_vm *vm, bool on) { vm->pages->logging = on; }
uint64_t hyp_pages_count(const struct hyp_vm *vm) { return vm->pages->count; }

struct ipa hyp_pages_ipa(const struct hyp_vm *vm, uint64_t page)
{
	return (struct ipa){vm->hyp->p.memory_base + (page << vm->stage2.granule_bits)};
}

static uint64_t page_of(const struct hyp_vm *vm, struct ipa ipa)
{
	return (ipa.raw - vm->hyp->p.memory_base) >> vm->stage2.granule_bits;
}

uint8_t hyp_pages_flags(const struct hyp_vm *vm, uint64_t page) { return vm->pages->flags[page]; }

void hyp_pages_set(struct hyp_vm *vm, uint64_t page, uint8_t clear, uint8_t set)
{
	vm->pages->flags[page] = (uint8_t)((vm->pages->flags[page] & ~clear) | set);
}

bool hyp_pages_frame(const struct hyp_vm *vm, uint64_t page, struct pa *frame)
{
	uint8_t flags = vm->pages->flags[page];
	*frame = (struct pa){vm->pages->frame[page]};
	if (flags & HYP_PAGE_ABSENT) return !(flags & HYP_PAGE_REMOTE);
	return hyp_ipa_to_pa(vm, hyp_pages_ipa(vm, page), frame);
}

static bool holds_tables(const struct hyp_vm *vm, uint64_t frame)
{
	for (uint64_t at = 0; at >> vm->stage2.granule_bits == 0; at += UINT64_C(1) << PHYSMEM_PAGE_BITS)
		if (physmem_entry(vm->stage2.mem, (struct pa){frame + at})) return true;
	return false;
}

bool hyp_pages_has_tables(const struct hyp_vm *vm, uint64_t page)
{
	struct pa frame;
	return hyp_pages_frame(vm, page, &frame) && holds_tables(vm, frame.raw);
}

bool hyp_pages_any_absent(const struct hyp_vm *vm, struct ipa ipa, unsigned bits)
{
	const struct hyp_pages *p = vm->pages;
	uint64_t base = vm->hyp->p.memory_base, from = bits_align_down(ipa.raw, bits);
	uint64_t end = page_of(vm, (struct ipa){from + (UINT64_C(1) << bits)});
	if (from < base) from = base;
	for (uint64_t i = page_of(vm, (struct ipa){from}); i < end && i < p->count; i++)
		if (p->flags[i] & HYP_PAGE_ABSENT) return true;
	return false;
}

/* --- frames that several pages map --------------------------------------------------------------------------------- */

static struct shared_frame *find_shared(const struct hyp_pages *p, uint64_t frame)
{
	for (size_t i = 0; i < p->shared_count; i++)
		if (p->shared[i].frame == frame) return &p->shared[i];
	return NULL;
}

static void share(struct hyp_pages *p, uint64_t frame)
{
	struct shared_frame *s = find_shared(p, frame);
	if (s) {
		s->users++;
		return;
	}
	if (p->shared_count == p->shared_room) {
		p->shared_room = p->shared_room ? 2 * p->shared_room : 16;
		p->shared = xrealloc(p->shared, p->shared_room, sizeof(*p->shared));
	}
	p->shared[p->shared_count++] = (struct shared_frame){frame, 1};
}

bool hyp_pages_shares(const struct hyp_vm *vm, uint64_t frame) { return find_shared(vm->pages, frame); }

struct pa hyp_pages_absent_frame(const struct hyp_vm *vm, uint64_t page)
{
	return (struct pa){vm->pages->frame[page]};
}

/* One page maps it no longer; the last one gives it back. */
static void unshare(struct hyp_vm *vm, uint64_t frame)
{
	struct hyp_pages *p = vm->pages;
	struct shared_frame *s = find_shared(p, frame);
	assert(s && s->users);
	if (--s->users) return;
	*s = p->shared[--p->shared_count];
	frames_give(vm->stage2.frames, frame, vm->stage2.granule_bits);
}

/* --- changes, step by step ----------------------------------------------------------------------------------------- */

void page_ops_init(struct page_ops *o, struct hyp_vm *vm, const struct stage2_clock *clock)
{
	*o = (struct page_ops){.vm = vm, .clock = clock};
	stage2_flusher_init(&o->flusher, clock, &vm->hyp->f, &vm->stage2);
}

static void step(const struct page_ops *o, enum stage2_step s, uint64_t operand)
{
	o->clock->step(o->clock->self, s, operand);
}

static void exchange(struct page_ops *o, struct pgtable_slot *slot, uint64_t desc)
{
	pgtable_set(&o->vm->stage2, slot, desc);
	slot->desc = desc;
	o->changed++;
	step(o, STAGE2_ATOMIC, 0);
	step(o, STAGE2_WRITE, slot->at.raw);
}

static void flush_broken(void *ctx, uint64_t ipa, uint64_t bytes)
{
	struct page_ops *o = ctx;
	stage2_flush_broken(&o->flusher, ipa, bytes);
}

static uint64_t keep(void *ctx, uint64_t addr, const struct pgtable_slot *leaf)
{
	(void)ctx, (void)addr;
	return leaf->desc;
}

static void note_leaves(const struct hyp_vm *vm, struct ipa ipa, unsigned bits)
{
	const struct pgtable *t = &vm->stage2;
	if (t->ranges) ranges_update(t->ranges, t, bits_align_down(ipa.raw, bits), UINT64_C(1) << bits);
}

static void note_page(const struct hyp_vm *vm, struct ipa ipa)
{
	note_leaves(vm, ipa, level_entry_bits(vm->stage2.granule_bits, LAST_LEVEL - 1));
}

/* The block of a page is unmapped; each of its pages has its part of the frame. */
static void leave_block(struct page_ops *o, struct ipa ipa, struct pgtable_slot *slot)
{
	struct hyp_pages *p = o->vm->pages;
	const struct pgtable *t = &o->vm->stage2;
	unsigned bits = level_entry_bits(t->granule_bits, slot->level);
	uint64_t frame = pgtable_output(t, slot), size = UINT64_C(1) << t->granule_bits;
	uint64_t first = bits_align_down(ipa.raw, bits);
	int level = slot->level;
	exchange(o, slot, 0);
	stage2_flush_ipa(&o->flusher, first, level, true);
	for (uint64_t at = 0; at >> bits == 0; at += size) {
		uint64_t page = page_of(o->vm, (struct ipa){first + at});
		p->frame[page] = frame + at;
		p->flags[page] |= HYP_PAGE_ABSENT;
	}
	o->vm->stats.unmapped++;
	note_leaves(o->vm, ipa, bits);
}

/* The leaf of a page, taken out of its block or run, which goes on to be mapped; false: there is no memory for a table. */
static bool split(struct page_ops *o, uint64_t ipa, struct pgtable_slot *slot)
{
	struct pgtable *t = &o->vm->stage2;
	uint64_t edited = 0, tables = t->tables;
	t->breaking = (struct pgtable_break){o, flush_broken};
	enum pgtable_result r = pgtable_edit(t, ipa, UINT64_C(1) << t->granule_bits, keep, NULL, &edited);
	t->breaking = (struct pgtable_break){0};
	tables = t->tables - tables;
	o->vm->stats.tables += tables;
	step(o, STAGE2_INSTRUCTIONS, tables * o->vm->hyp->p.stage2.table_instructions);
	step(o, STAGE2_FILL, tables << t->granule_bits);
	return r == PGTABLE_OK && pgtable_find(t, ipa, slot) == PGTABLE_OK;
}

/* What maps a page; false: nothing does. */
static bool look_up(struct page_ops *o, uint64_t page, struct pgtable_slot *slot)
{
	o->descriptors++;
	step(o, STAGE2_INSTRUCTIONS, o->vm->hyp->p.stage2.visit_instructions);
	if (pgtable_find(&o->vm->stage2, hyp_pages_ipa(o->vm, page).raw, slot) != PGTABLE_OK) return false;
	step(o, STAGE2_READ, slot->at.raw);
	return slot->desc & DESC_VALID;
}

/* The leaf of a page that the host changes by itself; false: it is not mapped, be it that its block has just been unmapped. */
static bool find_leaf(struct page_ops *o, uint64_t page, struct pgtable_slot *slot)
{
	struct ipa ipa = hyp_pages_ipa(o->vm, page);
	if (!look_up(o, page, slot)) return false;
	if (slot->level < LAST_LEVEL) return leave_block(o, ipa, slot), false;
	return !(slot->desc & DESC_CONTIGUOUS) || split(o, ipa.raw, slot);
}

bool page_ops_protect(struct page_ops *o, uint64_t page)
{
	struct pgtable_slot slot;
	if (!look_up(o, page, &slot)) return false;
	bool single = slot.level == LAST_LEVEL && !(slot.desc & DESC_CONTIGUOUS);
	if (!single && !split(o, hyp_pages_ipa(o->vm, page).raw, &slot)) return false;
	if (!(slot.desc & DESC_S2AP_WRITE)) return false;
	exchange(o, &slot, slot.desc & ~DESC_S2AP_WRITE);
	note_page(o->vm, hyp_pages_ipa(o->vm, page));
	return true;
}

/* stage2_age_walker(): blocks stay blocks. */
bool page_ops_age(struct page_ops *o, uint64_t page, bool flush, uint64_t *pages)
{
	struct pgtable *t = &o->vm->stage2;
	uint64_t ipa = hyp_pages_ipa(o->vm, page).raw;
	struct pgtable_slot slot;
	*pages = 1;
	o->descriptors++;
	step(o, STAGE2_INSTRUCTIONS, o->vm->hyp->p.stage2.visit_instructions);
	if (pgtable_find(t, ipa, &slot) != PGTABLE_OK) return false;
	step(o, STAGE2_READ, slot.at.raw);
	if (!(slot.desc & DESC_VALID)) return false;
	uint64_t all = UINT64_C(1) << (level_entry_bits(t->granule_bits, slot.level) - t->granule_bits);
	*pages = all - page % all;
	if (!(slot.desc & DESC_AF)) return false;
	exchange(o, &slot, slot.desc & ~DESC_AF);
	if (flush) stage2_flush_ipa(&o->flusher, ipa, slot.level, true);
	return true;
}

bool page_ops_leave(struct page_ops *o, uint64_t page, bool remote)
{
	struct hyp_pages *p = o->vm->pages;
	struct pgtable_slot slot;
	bool mapped = find_leaf(o, page, &slot);
	if (remote && (mapped || (p->flags[page] & HYP_PAGE_ABSENT))) p->flags[page] |= HYP_PAGE_REMOTE;
	if (!mapped) return false;
	p->frame[page] = pgtable_output(&o->vm->stage2, &slot);
	p->flags[page] |= HYP_PAGE_ABSENT;
	exchange(o, &slot, 0);
	note_page(o->vm, hyp_pages_ipa(o->vm, page));
	return true;
}

static void give(struct hyp_vm *vm, uint64_t page, uint64_t frame)
{
	struct hyp_pages *p = vm->pages;
	if (p->flags[page] & HYP_PAGE_SHARED)
		unshare(vm, frame);
	else
		frames_give(vm->stage2.frames, frame, vm->stage2.granule_bits);
	p->flags[page] &= (uint8_t)~HYP_PAGE_SHARED;
}

bool page_ops_drop(struct page_ops *o, uint64_t page)
{
	struct ipa ipa = hyp_pages_ipa(o->vm, page);
	struct pgtable_slot slot;
	if (find_leaf(o, page, &slot)) {
		uint64_t frame = pgtable_output(&o->vm->stage2, &slot);
		exchange(o, &slot, 0);
		stage2_flush_ipa(&o->flusher, ipa.raw, LAST_LEVEL, true);
		give(o->vm, page, frame);
		o->vm->stats.unmapped++;
		note_page(o->vm, ipa);
		return true;
	}
	struct hyp_pages *p = o->vm->pages;
	if ((p->flags[page] & (HYP_PAGE_ABSENT | HYP_PAGE_REMOTE)) != HYP_PAGE_ABSENT) return false;
	p->flags[page] &= (uint8_t)~HYP_PAGE_ABSENT;
	give(o->vm, page, p->frame[page]);
	return true;
}

/* Break before make: `desc` takes the place of the page's leaf. */
static void replace(struct page_ops *o, struct ipa ipa, struct pgtable_slot *slot, uint64_t desc)
{
	exchange(o, slot, 0);
	stage2_flush_ipa(&o->flusher, ipa.raw, LAST_LEVEL, true);
	exchange(o, slot, desc);
	note_page(o->vm, ipa);
}

/* `desc`, of a leaf of the last level, with another output address. */
static uint64_t redirect(const struct pgtable *t, uint64_t desc, uint64_t frame)
{
	uint64_t old = desc_address(desc, t->layout, t->granule_bits);
	return (desc & ~desc_put_address(old, t->layout)) | desc_put_address(frame, t->layout);
}

bool page_ops_merge(struct page_ops *o, uint64_t page, uint64_t frame)
{
	struct hyp_pages *p = o->vm->pages;
	struct pgtable *t = &o->vm->stage2;
	struct pgtable_slot slot = {0};
	bool mapped = find_leaf(o, page, &slot);
	assert(mapped || (p->flags[page] & HYP_PAGE_ABSENT));
	uint64_t own = mapped ? pgtable_output(t, &slot) : p->frame[page];
	uint64_t desc = slot.desc & ~DESC_S2AP_WRITE;
	if (!mapped)
		p->frame[page] = frame;
	else if (own == frame) /* it is the one that others will share */
		exchange(o, &slot, desc);
	else
		replace(o, hyp_pages_ipa(o->vm, page), &slot, redirect(t, desc, frame));
	if (own != frame) frames_give(t->frames, own, t->granule_bits);
	share(p, frame);
	p->flags[page] |= HYP_PAGE_SHARED;
	return mapped;
}

/* --- faults -------------------------------------------------------------------------------------------------------- */

/* Its content is somewhere: in the frame that it had. */
static bool map_absent(struct hyp_vm *vm, uint64_t page, struct ipa ipa, enum access_kind access,
		       struct hyp_fault *out)
{
	struct hyp_pages *p = vm->pages;
	struct pgtable *t = &vm->stage2;
	struct pgtable_slot slot;
	uint64_t attributes = hyp_leaf_attributes(vm, access);
	if (p->flags[page] & (HYP_PAGE_SHARED | HYP_PAGE_KEPT)) attributes &= ~DESC_S2AP_WRITE;
	if (pgtable_find(t, ipa.raw, &slot) != PGTABLE_OK ||
	    pgtable_descend(t, ipa.raw, LAST_LEVEL, &slot) != PGTABLE_OK) {
		*out = (struct hyp_fault){.outcome = HYP_NO_MEMORY};
		return true;
	}
	pgtable_set_run(t, &slot, 0, p->frame[page], attributes);
	note_page(vm, ipa);
	*out = (struct hyp_fault){.outcome = HYP_MAPPED_PAGE,
				  .size_bits = t->granule_bits,
				  .frame = {p->frame[page]},
				  .cycles = vm->hyp->p.fault_cycles,
				  .page = p->flags[page] & HYP_PAGE_REMOTE ? HYP_FAULT_FETCHED
									   : HYP_FAULT_LANDED};
	p->flags[page] &= (uint8_t) ~(HYP_PAGE_ABSENT | HYP_PAGE_REMOTE);
	if (access == ACCESS_WRITE) p->flags[page] |= HYP_PAGE_DIRTY;
	vm->stats.pages_mapped++;
	return true;
}

static void tell_broken(const struct hyp_pages *p, uint64_t ipa, uint64_t bytes)
{
	if (p->breaking.broken) p->breaking.broken(p->breaking.ctx, ipa, bytes);
}

/* A copy of its own, break before make. */
static bool copy_shared(struct hyp_vm *vm, uint64_t page, struct ipa ipa, struct pgtable_slot *slot,
			struct hyp_fault *out)
{
	struct hyp_pages *p = vm->pages;
	struct pgtable *t = &vm->stage2;
	uint64_t frame, old = pgtable_output(t, slot);
	*out = (struct hyp_fault){.outcome = HYP_NO_MEMORY};
	if (!frames_take_page(t->frames, &frame)) return true;
	physmem_clear(t->mem, (struct pa){frame}, UINT64_C(1) << t->granule_bits);
	uint64_t desc = redirect(t, slot->desc | DESC_S2AP_WRITE, frame);
	pgtable_set(t, slot, 0);
	tell_broken(p, ipa.raw, UINT64_C(1) << t->granule_bits);
	pgtable_set(t, slot, desc);
	note_page(vm, ipa);
	unshare(vm, old);
	p->flags[page] &= (uint8_t)~HYP_PAGE_SHARED;
	p->flags[page] |= HYP_PAGE_DIRTY | HYP_PAGE_WRITTEN;
	*out = (struct hyp_fault){.outcome = HYP_UPGRADED,
				  .size_bits = t->granule_bits,
				  .frame = {frame},
				  .copied = {old},
				  .cycles = vm->hyp->p.fault_cycles,
				  .page = HYP_FAULT_COPIED};
	return true;
}

/* A write to a page that is mapped without permission: of a block, to this page of it alone. */
static bool permit_write(struct hyp_vm *vm, uint64_t page, struct ipa ipa, struct pgtable_slot *slot,
			 struct hyp_fault *out)
{
	struct hyp_pages *p = vm->pages;
	struct pgtable *t = &vm->stage2;
	uint64_t edited = 0, at = bits_align_down(ipa.raw, t->granule_bits);
	*out = (struct hyp_fault){.outcome = HYP_NO_MEMORY};
	if (slot->level != LAST_LEVEL || (slot->desc & DESC_CONTIGUOUS)) {
		t->breaking = p->breaking;
		enum pgtable_result r = pgtable_edit(t, at, UINT64_C(1) << t->granule_bits, keep, NULL,
						     &edited);
		t->breaking = (struct pgtable_break){0};
		if (r != PGTABLE_OK) return true;
		if (pgtable_find(t, ipa.raw, slot) != PGTABLE_OK) return true;
	}
	pgtable_set(t, slot, slot->desc | DESC_S2AP_WRITE | DESC_AF);
	note_page(vm, ipa);
	*out = (struct hyp_fault){.outcome = HYP_UPGRADED,
				  .size_bits = t->granule_bits,
				  .frame = {pgtable_output(t, slot)},
				  .cycles = vm->hyp->p.fault_cycles};
	out->copied = out->frame;
	if (p->logging) out->page = HYP_FAULT_LOGGED;
	if (p->flags[page] & HYP_PAGE_KEPT) out->page = HYP_FAULT_KEPT;
	p->flags[page] &= (uint8_t)~HYP_PAGE_KEPT;
	p->flags[page] |= HYP_PAGE_DIRTY;
	return true;
}

bool hyp_pages_fault(struct hyp_vm *vm, struct ipa ipa, enum access_kind access, struct pgtable_slot *slot,
		     struct hyp_fault *out)
{
	struct hyp_pages *p = vm->pages;
	uint64_t page = page_of(vm, ipa);
	if (p->flags[page] & HYP_PAGE_ABSENT) return map_absent(vm, page, ipa, access, out);
	if (access != ACCESS_WRITE) return false;
	if (!(slot->desc & DESC_VALID)) {
		p->flags[page] |= HYP_PAGE_DIRTY; /* it is about to be mapped */
		return false;
	}
	if (slot->desc & DESC_S2AP_WRITE) return false;
	if (p->flags[page] & HYP_PAGE_SHARED) return copy_shared(vm, page, ipa, slot, out);
	return permit_write(vm, page, ipa, slot, out);
}
