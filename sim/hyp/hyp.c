#include "hyp/hyp.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "hyp/dirty.h"
#include "hyp/pages_impl.h"

enum { BLOCK_LEVEL = 2 };

/* ---- statistics ----------------------------------------------------------------------------- */

#define T struct hyp_stats
const struct stat_desc hyp_stat_rows[] = {
	STAT(T, faults, "faults",
	     "stage 2 faults, those of the guest kernel's own writes to its tables included"),
	STAT(T, upgrades, "faults", "of them, on mapped pages: a permission was added"),
	STAT(T, spurious, "faults", "of them, on mapped pages with nothing to add"),
	STAT(T, not_memory, "faults", "of them, outside of the VM's memory: a device"),
	STAT(T, failed, "faults", "of them, refused: the host has no memory left"),
	STAT(T, pages_mapped, "faults", "faults that mapped one page"),
	STAT(T, runs_mapped, "faults", "faults that mapped a contiguous run of pages"),
	STAT(T, blocks_mapped, "faults", "faults that mapped a block"),
	STAT(T, blocks_failed, "attempts", "blocks that host memory could not give"),
	STAT(T, areas_mapped, "faults", "faults that mapped more pages than one, eagerly"),
	STAT(T, areas_failed, "attempts", "contiguous areas that host memory could not give"),
	STAT(T, tables, "pages", "stage 2 tables created, start tables included"),
	STAT(T, unmapped, "descriptors", "leaf descriptors removed"),
};
#undef T
const size_t hyp_stat_row_count = sizeof(hyp_stat_rows) / sizeof(hyp_stat_rows[0]);

struct hyp_stats *hyp_stats(struct hyp_vm *vm) { return &vm->stats; }

/* ---- descriptors (stage2_set_prot_attr) ----------------------------------------------------- */

/* While written pages are logged, a page that is read is mapped clean. */
uint64_t hyp_leaf_attributes(const struct hyp_vm *vm, enum access_kind access)
{
	const struct hyp *hyp = vm->hyp;
	bool logging = vm->dirty || (vm->pages && vm->pages->logging);
	uint64_t d = DESC_AF | DESC_S2AP_READ;
	if (!logging || access == ACCESS_WRITE)
		d |= DESC_S2AP_WRITE;
	else if (vm->hardware_dirty)
		d |= DESC_DBM;
	d |= desc_s2_attr(hyp->f.s2fwb ? S2_FWB_NORMAL_WB : S2_ATTR_NORMAL_WB);
	if (vm->stage2.layout != DESC_OA_DS) d |= desc_sh(SH_INNER); /* else VTCR.SH0 says it */
	if (hyp->p.exec_on_fetch && access != ACCESS_FETCH) d |= DESC_S2_XN;
	return d;
}

static uint64_t grant(void *ctx, uint64_t addr, const struct pgtable_slot *leaf)
{
	const enum access_kind *access = ctx;
	(void)addr;
	uint64_t d = leaf->desc | DESC_AF;
	if (*access == ACCESS_WRITE) d |= DESC_S2AP_WRITE;
	return *access == ACCESS_FETCH ? d & ~DESC_S2_XN : d;
}

/* ---- faults --------------------------------------------------------------------------------- */

struct fault_site {
	struct hyp_vm *vm;
	uint64_t ipa;
	enum access_kind access;
	struct pgtable_slot slot;
};

static struct hyp_fault failed(void) { return (struct hyp_fault){.outcome = HYP_NO_MEMORY}; }

/* Whether the aligned 2^bits bytes around the IPA are all memory of the VM. */
static bool is_memory(const struct fault_site *s, unsigned bits)
{
	const struct hyp_params *p = &s->vm->hyp->p;
	uint64_t from = bits_align_down(s->ipa, bits), size = UINT64_C(1) << bits;
	return from >= p->memory_base && from - p->memory_base <= s->vm->memory_bytes &&
	       s->vm->memory_bytes - (from - p->memory_base) >= size;
}

/* The naturally aligned 2^bits bytes around `ipa` have other leaves than before. */
static void note_leaves(const struct pgtable *t, uint64_t ipa, unsigned bits)
{
	if (t->ranges) ranges_update(t->ranges, t, bits_align_down(ipa, bits), UINT64_C(1) << bits);
}

/* Maps 2^size_bits bytes of cleared host memory at `frame` around the IPA by leaves of `level`. */
static struct hyp_fault map_frames(struct fault_site *s, int level, uint64_t frame, unsigned size_bits)
{
	struct pgtable *t = &s->vm->stage2;
	unsigned entries_bits = size_bits - level_entry_bits(t->granule_bits, level);
	uint64_t attributes = hyp_leaf_attributes(s->vm, s->access);
	if (pgtable_descend(t, s->ipa, level, &s->slot) != PGTABLE_OK) {
		frames_give(t->frames, frame, size_bits);
		return failed();
	}
	physmem_clear(t->mem, (struct pa){frame}, UINT64_C(1) << size_bits);
	pgtable_set_run(t, &s->slot, entries_bits, frame, attributes);
	note_leaves(t, s->ipa, size_bits);
	return (struct hyp_fault){
		.size_bits = size_bits, .frame = {frame}, .cycles = s->vm->hyp->p.fault_cycles};
}

/* The largest that hugetlbfs has. */
static bool map_gigabyte(struct fault_site *s, struct hyp_fault *out)
{
	const struct hyp_params *p = &s->vm->hyp->p;
	unsigned bits = level_entry_bits(s->vm->stage2.granule_bits, BLOCK_LEVEL - 1);
	uint64_t frame;
	if (p->mapping != HYP_GIGABYTE || s->slot.level > BLOCK_LEVEL - 1 || !is_memory(s, bits))
		return false;
	if (!frames_take_block(s->vm->stage2.frames, bits, &frame)) {
		s->vm->stats.blocks_failed++;
		return false;
	}
	*out = map_frames(s, BLOCK_LEVEL - 1, frame, bits);
	if (!out->size_bits) return true;
	out->outcome = HYP_MAPPED_BLOCK;
	out->cycles = p->block_fault_cycles << (bits - hyp_block_bits(p));
	out->beyond = out->cycles > p->fault_cycles ? out->cycles - p->fault_cycles : 0;
	s->vm->stats.blocks_mapped++;
	return true;
}

/* VMMs have their VM's memory madvised to be huge. */
static bool map_block(struct fault_site *s, struct hyp_fault *out)
{
	const struct hyp_params *p = &s->vm->hyp->p;
	unsigned bits = hyp_block_bits(p);
	uint64_t frame;
	if (p->mapping == HYP_PAGE || s->slot.level > BLOCK_LEVEL || !is_memory(s, bits)) return false;
	if (!hugetlb_take(&p->hugetlb, s->vm->stage2.frames, FRAMES_ANYWHERE, &frame)) {
		s->vm->stats.blocks_failed++;
		return false;
	}
	*out = map_frames(s, BLOCK_LEVEL, frame, bits);
	if (!out->size_bits) return true;
	out->outcome = HYP_MAPPED_BLOCK;
	out->cycles = p->block_fault_cycles;
	out->beyond = out->cycles > p->fault_cycles ? out->cycles - p->fault_cycles : 0;
	s->vm->stats.blocks_mapped++;
	return true;
}

static bool map_run(struct fault_site *s, struct hyp_fault *out)
{
	struct pgtable *t = &s->vm->stage2;
	unsigned entries_bits = contiguous_entries_bits(t->granule_bits, LAST_LEVEL);
	unsigned bits = t->granule_bits + entries_bits;
	uint64_t frame;
	if (!s->vm->hyp->p.contiguous || !is_memory(s, bits)) return false;
	if (!pgtable_run_is_empty(t, &s->slot, entries_bits)) return false;
	if (!frames_take_block(t->frames, bits, &frame)) return false;
	*out = map_frames(s, LAST_LEVEL, frame, bits);
	if (!out->size_bits) return true;
	out->outcome = HYP_MAPPED_RUN;
	s->vm->stats.runs_mapped++;
	return true;
}

/* Maps 2^bits bytes of cleared host memory, page by page; what could not be mapped goes back. */
static struct hyp_fault map_area(struct fault_site *s, uint64_t frame, unsigned bits)
{
	struct pgtable *t = &s->vm->stage2;
	uint64_t mapped;
	physmem_clear(t->mem, (struct pa){frame}, UINT64_C(1) << bits);
	enum pgtable_result r = pgtable_map_pages(t, s->ipa, bits, frame,
						  hyp_leaf_attributes(s->vm, s->access), &mapped);
	note_leaves(t, s->ipa, bits);
	if (r == PGTABLE_OK) {
		s->vm->stats.areas_mapped++;
		return (struct hyp_fault){.outcome = HYP_MAPPED_AREA,
					  .size_bits = bits,
					  .frame = {frame},
					  .cycles = s->vm->hyp->p.fault_cycles << (bits - t->granule_bits)};
	}
	for (; mapped >> bits == 0; mapped += UINT64_C(1) << t->granule_bits)
		frames_give(t->frames, frame + mapped, t->granule_bits);
	return failed();
}

/* The largest area around the IPA that is empty memory and that the host can give. */
static bool map_eagerly(struct fault_site *s, struct hyp_fault *out)
{
	const struct hyp_params *p = &s->vm->hyp->p;
	struct pgtable *t = &s->vm->stage2;
	uint64_t frame;
	for (uint64_t bytes = p->eager_bytes; bytes >> (t->granule_bits + 1); bytes /= 2) {
		unsigned bits = log2_floor(bytes);
		if (!is_memory(s, bits) || !pgtable_is_empty(t, s->ipa, bits)) continue;
		if (frames_take_run(t->frames, bits, (unsigned)p->eager_fail_percent, &frame))
			return *out = map_area(s, frame, bits), true;
		s->vm->stats.areas_failed++;
	}
	return false;
}

static struct hyp_fault map_page(struct fault_site *s)
{
	struct pgtable *t = &s->vm->stage2;
	uint64_t frame;
	if (!frames_take_page(t->frames, &frame)) return failed();
	struct hyp_fault out = map_frames(s, LAST_LEVEL, frame, t->granule_bits);
	if (!out.size_bits) return out;
	out.outcome = HYP_MAPPED_PAGE;
	s->vm->stats.pages_mapped++;
	return out;
}

/* Writes are logged page by page. */
static bool must_split(const struct fault_site *s)
{
	return s->vm->dirty && s->access == ACCESS_WRITE && s->slot.level < LAST_LEVEL;
}

/* A page of a block that was split has the memory that it had. */
static bool map_again(struct fault_site *s, struct hyp_fault *out)
{
	struct pgtable *t = &s->vm->stage2;
	uint64_t pa;
	*out = failed();
	if (!dirty_find(s->vm, s->ipa, &pa)) return false;
	if (pgtable_descend(t, s->ipa, LAST_LEVEL, &s->slot) != PGTABLE_OK) return true;
	pgtable_set_run(t, &s->slot, 0, pa, hyp_leaf_attributes(s->vm, s->access));
	note_leaves(t, s->ipa, t->granule_bits);
	s->vm->stats.pages_mapped++;
	*out = (struct hyp_fault){.outcome = HYP_MAPPED_PAGE,
				  .size_bits = t->granule_bits,
				  .frame = {pa},
				  .cycles = s->vm->hyp->p.fault_cycles};
	return true;
}

static struct hyp_fault upgrade(struct fault_site *s)
{
	struct pgtable *t = &s->vm->stage2;
	unsigned bits = level_entry_bits(t->granule_bits, s->slot.level);
	struct hyp_fault out = {.outcome = HYP_UPGRADED, .cycles = s->vm->hyp->p.fault_cycles};
	uint64_t changed = 0;
	if (!(s->slot.desc & DESC_AF)) out.page = HYP_FAULT_AGED;
	if (s->slot.desc & DESC_CONTIGUOUS) bits += contiguous_entries_bits(t->granule_bits, s->slot.level);
	out.frame.raw = bits_align_down(pgtable_output(t, &s->slot), bits);
	out.size_bits = bits;
	/* Cannot fail: nothing sticks out, and host tables need no view. */
	enum pgtable_result r = pgtable_edit(t, bits_align_down(s->ipa, bits), UINT64_C(1) << bits, grant,
					     &s->access, &changed);
	assert(r == PGTABLE_OK);
	if (changed) note_leaves(t, s->ipa, bits);
	if (!changed) out.outcome = HYP_SPURIOUS;
	return out;
}

/* A page or block that a scan has unmapped comes back, with what the access needs besides. */
static struct hyp_fault unhint(struct fault_site *s)
{
	struct pgtable *t = &s->vm->stage2;
	unsigned bits = level_entry_bits(t->granule_bits, s->slot.level);
	pgtable_unhint(t, &s->slot);
	note_leaves(t, s->ipa, bits);
	struct hyp_fault out = upgrade(s);
	out.outcome = s->slot.level == LAST_LEVEL ? HYP_MAPPED_PAGE : HYP_MAPPED_BLOCK;
	out.hinted = true;
	return out;
}

/* The memory of a virtual node comes from the node of its number alone. */
static void prefer_node_of(const struct hyp_vm *vm, uint64_t ipa)
{
	uint64_t number = (ipa - vm->hyp->p.memory_base) / vm->node_bytes;
	unsigned node = number < vm->nodes ? (unsigned)number : vm->nodes - 1;
	frames_prefer(vm->stage2.frames, &node, 1);
}

/* Of the largest block that could be mapped, pages have frames already. */
static bool is_partly_absent(const struct fault_site *s)
{
	const struct hyp_params *p = &s->vm->hyp->p;
	unsigned granule = s->vm->stage2.granule_bits;
	if (p->mapping == HYP_PAGE || s->slot.level == LAST_LEVEL) return false;
	int level = p->mapping == HYP_GIGABYTE ? BLOCK_LEVEL - 1 : BLOCK_LEVEL;
	return hyp_pages_any_absent(s->vm, (struct ipa){s->ipa}, level_entry_bits(granule, level));
}

static struct hyp_fault handle(struct fault_site *s)
{
	struct hyp_fault out;
	if (!is_memory(s, s->vm->stage2.granule_bits)) return (struct hyp_fault){.outcome = HYP_NOT_MEMORY};
	enum pgtable_result r = pgtable_find(&s->vm->stage2, s->ipa, &s->slot);
	assert(r == PGTABLE_OK);
	const struct hyp_pages *pages = s->vm->pages;
	if (pages && hyp_pages_fault(s->vm, (struct ipa){s->ipa}, s->access, &s->slot, &out)) return out;
	if (s->slot.desc & DESC_VALID) {
		if (!must_split(s)) return upgrade(s);
		dirty_split(s->vm, s->ipa, &s->slot);
		r = pgtable_find(&s->vm->stage2, s->ipa, &s->slot);
		assert(r == PGTABLE_OK);
	}
	if (pgtable_is_hinted(s->slot.desc)) return unhint(s);
	if (s->vm->nodes) prefer_node_of(s->vm, s->ipa);
	if (map_again(s, &out)) return out;
	if (s->vm->written) return map_page(s); /* force_pte: nothing larger while pages are collected */
	if (pages && (pages->logging || is_partly_absent(s))) return map_page(s);
	if (map_gigabyte(s, &out) || map_block(s, &out)) return out;
	if (!pages && (map_eagerly(s, &out) || map_run(s, &out))) return out;
	return map_page(s);
}

static void count_fault(struct hyp_stats *stats, const struct hyp_fault *fault)
{
	stats->faults++;
	stats->tables += fault->tables;
	stats->upgrades += fault->outcome == HYP_UPGRADED;
	stats->spurious += fault->outcome == HYP_SPURIOUS;
	stats->not_memory += fault->outcome == HYP_NOT_MEMORY;
	stats->failed += fault->outcome == HYP_NO_MEMORY;
}

struct hyp_fault hyp_handle_stage2_fault(struct hyp_vm *vm, struct ipa ipa, enum access_kind access)
{
	struct fault_site s = {.vm = vm, .ipa = ipa.raw, .access = access};
	uint64_t tables = vm->stage2.tables;
	struct hyp_fault out = handle(&s);
	out.tables = (unsigned)(vm->stage2.tables - tables);
	if (vm->written && access == ACCESS_WRITE && out.size_bits)
		dirty_bitmap_mark(vm->written, (ipa.raw - vm->hyp->p.memory_base) >> vm->stage2.granule_bits);
	if (vm->dirty) vm->dirty->stats.pages_logged += access == ACCESS_WRITE && out.size_bits;
	count_fault(&vm->stats, &out);
	return out;
}

/* ---- the guest kernel's view ---------------------------------------------------------------- */

bool hyp_ipa_to_pa(const struct hyp_vm *vm, struct ipa ipa, struct pa *pa)
{
	const struct pgtable *t = &vm->stage2;
	struct pgtable_slot slot;
	if (ipa.raw >> t->input_bits) return false;
	if (pgtable_find(t, ipa.raw, &slot) != PGTABLE_OK || !(slot.desc & DESC_VALID)) return false;
	pa->raw = pgtable_output(t, &slot) |
		  (ipa.raw & bits_ones(level_entry_bits(t->granule_bits, slot.level)));
	return true;
}

/* Whether it is mapped, and a write to it would not fault. */
static bool may_write(const struct hyp_vm *vm, struct ipa ipa, struct pa *pa)
{
	struct pgtable_slot slot;
	if (!hyp_ipa_to_pa(vm, ipa, pa)) return false;
	if (!vm->pages) return true;
	return pgtable_find(&vm->stage2, ipa.raw, &slot) == PGTABLE_OK && (slot.desc & DESC_S2AP_WRITE);
}

bool hyp_populate(struct hyp_vm *vm, struct ipa ipa, struct pa *pa)
{
	if (may_write(vm, ipa, pa)) return true;
	struct hyp_fault fault = hyp_handle_stage2_fault(vm, ipa, ACCESS_WRITE);
	vm->populated.fetched += fault.page == HYP_FAULT_FETCHED;
	vm->populated.faults++;
	vm->populated.cycles += fault.cycles;
	vm->populated.beyond += fault.beyond;
	return fault.size_bits && hyp_ipa_to_pa(vm, ipa, pa);
}

struct hyp_populated hyp_take_populated(struct hyp_vm *vm)
{
	struct hyp_populated taken = vm->populated;
	vm->populated = (struct hyp_populated){0};
	return taken;
}

static bool resolve(void *vm, uint64_t addr, struct pa *pa)
{
	return hyp_populate(vm, (struct ipa){addr}, pa);
}

struct pgtable_view hyp_view(struct hyp_vm *vm) { return (struct pgtable_view){vm, resolve}; }

static uint64_t remove_leaf(void *ctx, uint64_t addr, const struct pgtable_slot *leaf)
{
	struct pgtable *t = ctx;
	(void)addr;
	frames_give(t->frames, pgtable_output(t, leaf), level_entry_bits(t->granule_bits, leaf->level));
	return 0;
}

/* Leaves of [ipa, ipa + bytes) have changed, and blocks that stick out were split. */
static void note_area(const struct hyp_vm *vm, uint64_t ipa, uint64_t bytes)
{
	const struct pgtable *t = &vm->stage2;
	unsigned bits = hyp_block_bits(&vm->hyp->p);
	uint64_t from = bits_align_down(ipa, bits),
		 end = bits_align_down(ipa + bytes + bits_ones(bits), bits);
	if (t->ranges && bytes) ranges_update(t->ranges, t, from, end - from);
}

uint64_t hyp_unmap(struct hyp_vm *vm, struct ipa ipa, uint64_t bytes)
{
	struct pgtable *t = &vm->stage2;
	uint64_t removed = 0, tables = t->tables, space = UINT64_C(1) << t->input_bits;
	if (ipa.raw >= space) return 0;
	/* Splitting a block may want a table that the host does not have; what came before stays done. */
	pgtable_restore(t, ipa.raw, bytes < space - ipa.raw ? bytes : space - ipa.raw);
	dirty_forget(vm, ipa.raw, bytes < space - ipa.raw ? bytes : space - ipa.raw);
	pgtable_edit(t, ipa.raw, bytes < space - ipa.raw ? bytes : space - ipa.raw, remove_leaf, t, &removed);
	note_area(vm, ipa.raw, bytes < space - ipa.raw ? bytes : space - ipa.raw);
	vm->stats.tables += t->tables - tables;
	vm->stats.unmapped += removed;
	return removed;
}

/* ---- life ----------------------------------------------------------------------------------- */

enum status hyp_new(const struct hyp_params *p, const struct features *f, struct frames *frames,
		    struct physmem *mem, struct hyp **out, struct err *err)
{
	TRY(hyp_check(p, f, NULL, err));
	struct hyp *hyp = xcalloc(1, sizeof(*hyp));
	*hyp = (struct hyp){.p = *p, .f = *f, .frames = frames, .mem = mem};
	*out = hyp;
	return OK;
}

void hyp_free(struct hyp *hyp)
{
	if (!hyp) return;
	while (hyp->vms) {
		struct hyp_vm *vm = hyp->vms;
		hyp->vms = vm->next;
		ranges_free(vm->stage2.ranges);
		replicas_free(vm->stage2.replicas);
		hyp_end_dirty_log(vm);
		hyp_pages_free(vm->pages);
		free(vm);
	}
	free(hyp);
}

void hyp_vm_set_memory(struct hyp_vm *vm, uint64_t bytes) { vm->memory_bytes = bytes; }

enum status hyp_expose_nodes(struct hyp_vm *vm, unsigned nodes, uint64_t *node_bytes, struct err *err)
{
	*node_bytes = bits_align_down(vm->memory_bytes / nodes, hyp_block_bits(&vm->hyp->p));
	if (!*node_bytes)
		return err_set(err, ERR_CONFIG,
			       "hyp.vnuma: exposed, but memory_bytes, %" PRIu64
			       ", is less than a block for each of %u nodes",
			       vm->memory_bytes, nodes);
	vm->nodes = nodes;
	vm->node_bytes = *node_bytes;
	return OK;
}

struct replicas *hyp_replicate(struct hyp_vm *vm)
{
	unsigned nodes = frames_regions(vm->stage2.frames);
	if (nodes > 1) pgtable_replicate(&vm->stage2, replicas_new(nodes));
	return vm->stage2.replicas;
}

void hyp_on_break(struct hyp_vm *vm, const struct pgtable_break *broken) { vm->stage2.breaking = *broken; }

void hyp_on_hint(struct hyp_vm *vm, const struct pgtable_hinting *h) { vm->stage2.hinting = *h; }

void hyp_keep_ranges(struct hyp_vm *vm) { vm->stage2.ranges = ranges_new(); }

bool hyp_find_range(const struct hyp_vm *vm, struct ipa ipa, struct range *out, struct range_path *path)
{
	return vm->stage2.ranges && ranges_find(vm->stage2.ranges, ipa.raw, out, path);
}

struct hyp_vm *hyp_vm_new(struct hyp *hyp, uint16_t vmid)
{
	struct hyp_geometry g = hyp_geometry(&hyp->p);
	struct hyp_vm *vm = xcalloc(1, sizeof(*vm));
	assert(hyp->f.vmid16 || vmid < 256);
	vm->hyp = hyp;
	vm->vmid = vmid;
	vm->memory_bytes = hyp->p.memory_bytes;
	vm->stage2 = (struct pgtable){.mem = hyp->mem,
				      .frames = hyp->frames,
				      .granule_bits = g.granule_bits,
				      .input_bits = (unsigned)hyp->p.ipa_bits,
				      .stage2 = true,
				      .start_level = g.start_level,
				      .layout = hyp_layout(&hyp->p, &hyp->f)};
	if (pgtable_create(&vm->stage2, g.concatenated) != PGTABLE_OK) {
		free(vm);
		return NULL;
	}
	vm->next = hyp->vms;
	hyp->vms = vm;
	vm->stats.tables = vm->stage2.tables;
	return vm;
}
