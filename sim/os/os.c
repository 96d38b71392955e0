#include "os/os.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "os/kernel.h"

/* Linux's own dirty bit, in a place that hardware ignores (PTE_DIRTY). PTE_WRITE is DBM. */
#define SOFT_DIRTY (UINT64_C(1) << 55)

/* ---- statistics ----------------------------------------------------------------------------- */

#define T struct os_stats
const struct stat_desc os_stat_rows[] = {
	STAT(T, faults, "faults", "translation and permission faults that the kernel was asked to handle"),
	STAT(T, upgrades, "faults", "of them, on mapped pages: access flag, dirty state or permission added"),
	STAT(T, spurious, "faults", "of them, on mapped pages with nothing to add"),
	STAT(T, failed, "faults", "of them, refused: bad address or no memory"),
	STAT(T, pages_mapped, "faults", "faults that mapped one base page"),
	STAT(T, runs_mapped, "faults", "faults that mapped a contiguous run of pages"),
	STAT(T, huge_mapped, "faults", "faults that mapped a huge page"),
	STAT(T, huge_failed, "attempts", "huge pages that memory could not give"),
	STAT(T, runs_failed, "attempts", "contiguous runs that memory could not give"),
	STAT(T, areas_mapped, "faults", "faults that mapped more pages than one, eagerly"),
	STAT(T, areas_failed, "attempts", "contiguous areas that memory could not give"),
	STAT(T, tables, "pages", "translation tables created, root tables included"),
	STAT(T, unmapped, "descriptors", "leaf descriptors removed"),
};
#undef T
const size_t os_stat_row_count = sizeof(os_stat_rows) / sizeof(os_stat_rows[0]);

struct os_stats *os_stats(struct os *os) { return &os->stats; }

/* ---- descriptors (pgtable-prot.h) ----------------------------------------------------------- */

static uint64_t no_exec(bool kernel) { return kernel ? DESC_PXN : DESC_UXN; }

/* PAGE_SHARED, PAGE_READONLY_EXEC and the kernel's counterparts, accessed already. */
static uint64_t leaf_attributes(const struct os *os, const struct pgtable *t, bool kernel,
				enum access_kind access)
{
	uint64_t d = DESC_AF | desc_attr_index(0);
	if (t->layout != DESC_OA_DS) d |= desc_sh(SH_INNER); /* else TCR.SH says it */
	d |= kernel ? DESC_UXN : DESC_PXN | DESC_AP_USER | DESC_NG;
	if (os->p.kpti) d |= DESC_NG; /* PTE_MAYBE_NG */
	if (os->p.first_touch == OS_GRANT_ALL) return d | DESC_DBM | SOFT_DIRTY;
	if (access == ACCESS_FETCH) return d | DESC_AP_READ_ONLY;
	d |= no_exec(kernel) | DESC_DBM;
	return d | (access == ACCESS_WRITE ? SOFT_DIRTY : DESC_AP_READ_ONLY);
}

struct grant {
	bool kernel;
	enum access_kind access;
};

/* The descriptor with what an access needs added. */
static uint64_t grant(void *ctx, uint64_t addr, const struct pgtable_slot *leaf)
{
	const struct grant *g = ctx;
	uint64_t d = leaf->desc | DESC_AF;
	(void)addr;
	if (g->access == ACCESS_WRITE) d = (d | DESC_DBM | SOFT_DIRTY) & ~DESC_AP_READ_ONLY;
	if (g->access == ACCESS_FETCH) d &= ~no_exec(g->kernel);
	return d;
}

/* ---- faults --------------------------------------------------------------------------------- */

struct fault_site {
	struct os *os;
	struct pgtable *tree;
	uint64_t input; /* the VA within its half */
	struct grant need;
	struct pgtable_slot slot;
};

/* Whether `va` is inside of its half of the address space; user addresses may carry a tag (TBI0). */
static bool va_is_legal(const struct os *os, struct va va)
{
	unsigned bits = (unsigned)os->p.va_bits;
	if (bit_get(va.raw, 55)) return va.raw >> bits == UINT64_MAX >> bits;
	return (va.raw & bits_ones(56)) >> bits == 0;
}

static struct os_fault failed(enum pgtable_result r)
{
	return (struct os_fault){.outcome = r == PGTABLE_NO_BACKING ? OS_NO_BACKING : OS_NO_MEMORY};
}

static void give_frame(struct os *os, struct pgtable *t, uint64_t frame, unsigned bits)
{
	if (!os->shared_frame || frame != os->shared_frame) frames_give(t->frames, frame, bits);
}

/* The naturally aligned 2^bits bytes around `input` have other leaves than before. */
static void note_leaves(const struct pgtable *t, uint64_t input, unsigned bits)
{
	if (t->ranges) ranges_update(t->ranges, t, bits_align_down(input, bits), UINT64_C(1) << bits);
}

/* Maps 2^size_bits bytes at `frame` around the address by leaves of `level`. */
static struct os_fault map_frames(struct fault_site *s, int level, uint64_t frame, unsigned size_bits)
{
	struct pgtable *t = s->tree;
	unsigned entries_bits = size_bits - level_entry_bits(t->granule_bits, level);
	uint64_t attributes = leaf_attributes(s->os, t, s->need.kernel, s->need.access);
	enum pgtable_result r = pgtable_descend(t, bits_align_down(s->input, size_bits), level, &s->slot);
	if (r != PGTABLE_OK) {
		give_frame(s->os, t, frame, size_bits);
		return failed(r);
	}
	pgtable_set_run(t, &s->slot, entries_bits, frame, attributes);
	note_leaves(t, s->input, size_bits);
	return (struct os_fault){.size_bits = size_bits, .frame = frame, .cycles = s->os->p.fault_cycles};
}

/* One block, where no smaller table stands in the way and memory has one. */
static bool map_huge(struct fault_site *s, struct os_fault *out)
{
	uint64_t frame;
	const struct hugetlb_params *pools = &s->os->p.hugetlb;
	if (s->os->p.thp != OS_THP_ALWAYS && !pools->nr_hugepages.count) return false;
	if (s->slot.level > OS_HUGE_LEVEL) return false;
	if (!hugetlb_take(pools, s->tree->frames, FRAMES_LOCAL, &frame)) {
		s->os->stats.huge_failed++;
		return false;
	}
	*out = map_frames(s, OS_HUGE_LEVEL, frame, os_huge_bits(&s->os->p));
	if (!out->size_bits) return true;
	out->outcome = OS_MAPPED_HUGE;
	out->cycles = s->os->p.thp_fault_cycles;
	s->os->stats.huge_mapped++;
	return true;
}

static bool map_run(struct fault_site *s, struct os_fault *out)
{
	unsigned granule_bits = s->tree->granule_bits;
	unsigned entries_bits = contiguous_entries_bits(granule_bits, LAST_LEVEL);
	uint64_t frame;
	if (!s->os->p.contiguous || !pgtable_run_is_empty(s->tree, &s->slot, entries_bits)) return false;
	if (!frames_take_run(s->tree->frames, granule_bits + entries_bits,
			     (unsigned)s->os->p.contiguous_fail_percent, &frame)) {
		s->os->stats.runs_failed++;
		return false;
	}
	*out = map_frames(s, LAST_LEVEL, frame, granule_bits + entries_bits);
	if (!out->size_bits) return true;
	out->outcome = OS_MAPPED_RUN;
	s->os->stats.runs_mapped++;
	return true;
}

/* Maps 2^bits bytes at `frame`, page by page; what could not be mapped goes back. */
static struct os_fault map_area(struct fault_site *s, uint64_t frame, unsigned bits)
{
	struct pgtable *t = s->tree;
	uint64_t attributes = leaf_attributes(s->os, t, s->need.kernel, s->need.access), mapped;
	enum pgtable_result r = pgtable_map_pages(t, s->input, bits, frame, attributes, &mapped);
	note_leaves(t, s->input, bits);
	if (r == PGTABLE_OK) {
		s->os->stats.areas_mapped++;
		return (struct os_fault){.outcome = OS_MAPPED_AREA,
					 .size_bits = bits,
					 .frame = frame,
					 .cycles = s->os->p.fault_cycles << (bits - t->granule_bits)};
	}
	for (; mapped >> bits == 0; mapped += UINT64_C(1) << t->granule_bits)
		frames_give(t->frames, frame + mapped, t->granule_bits);
	return failed(r);
}

/* Eager paging: the largest area around the address that is empty and that memory can give. */
static bool map_eagerly(struct fault_site *s, struct os_fault *out)
{
	const struct os_params *p = &s->os->p;
	struct pgtable *t = s->tree;
	uint64_t frame;
	for (uint64_t bytes = p->eager_bytes; bytes >> (t->granule_bits + 1); bytes /= 2) {
		unsigned bits = log2_floor(bytes);
		if (bits > p->va_bits || !pgtable_is_empty(t, s->input, bits)) continue;
		if (frames_take_run(t->frames, bits, (unsigned)p->eager_fail_percent, &frame))
			return *out = map_area(s, frame, bits), true;
		s->os->stats.areas_failed++;
	}
	return false;
}

/* A base page's frame: a new one, or the one that all share. */
static bool take_page(struct os *os, struct frames *frames, uint64_t *frame)
{
	*frame = os->shared_frame;
	if (*frame) return true;
	if (!frames_take_page(frames, frame)) return false;
	if (os->p.shared_frame) os->shared_frame = *frame;
	return true;
}

static struct os_fault map_page(struct fault_site *s)
{
	uint64_t frame;
	if (!take_page(s->os, s->tree->frames, &frame)) return failed(PGTABLE_NO_FRAME);
	struct os_fault out = map_frames(s, LAST_LEVEL, frame, s->tree->granule_bits);
	if (!out.size_bits) return out;
	out.outcome = OS_MAPPED_PAGE;
	s->os->stats.pages_mapped++;
	return out;
}

/* Adds to what is mapped; a contiguous run changes as one, as contpte_ptep_set_access_flags() does. */
static struct os_fault upgrade(struct fault_site *s)
{
	struct pgtable *t = s->tree;
	unsigned bits = level_entry_bits(t->granule_bits, s->slot.level);
	struct os_fault out = {.outcome = OS_UPGRADED, .cycles = s->os->p.fault_cycles};
	uint64_t changed = 0;
	if (s->slot.desc & DESC_CONTIGUOUS) bits += contiguous_entries_bits(t->granule_bits, s->slot.level);
	out.frame = bits_align_down(pgtable_output(t, &s->slot), bits);
	out.size_bits = bits;
	enum pgtable_result r = pgtable_edit(t, bits_align_down(s->input, bits), UINT64_C(1) << bits, grant,
					     &s->need, &changed);
	if (r != PGTABLE_OK) return failed(r);
	if (changed) note_leaves(t, s->input, bits);
	if (!changed) out.outcome = OS_SPURIOUS;
	return out;
}

/* A page that a scan has unmapped comes back, with what the access needs besides. */
static struct os_fault unhint(struct fault_site *s)
{
	struct pgtable *t = s->tree;
	pgtable_unhint(t, &s->slot);
	note_leaves(t, s->input, level_entry_bits(t->granule_bits, s->slot.level));
	struct os_fault out = upgrade(s);
	if (out.outcome == OS_SPURIOUS) out.outcome = OS_UPGRADED;
	out.hinted = true;
	out.cycles = 0;
	return out;
}

static struct os_fault handle(struct fault_site *s)
{
	struct os_fault out;
	enum pgtable_result r = pgtable_find(s->tree, s->input, &s->slot);
	if (r != PGTABLE_OK) return failed(r);
	if (s->slot.desc & DESC_VALID) return upgrade(s);
	if (pgtable_is_hinted(s->slot.desc)) return unhint(s);
	if (map_huge(s, &out) || map_eagerly(s, &out) || map_run(s, &out)) return out;
	return map_page(s);
}

static void count_fault(struct os_stats *stats, const struct os_fault *fault)
{
	stats->faults++;
	stats->tables += fault->tables;
	stats->upgrades += fault->outcome == OS_UPGRADED;
	stats->spurious += fault->outcome == OS_SPURIOUS;
	stats->failed += fault->outcome >= OS_BAD_ADDRESS;
}

struct os_fault os_handle_fault(struct os *os, struct os_aspace *as, struct va va, enum access_kind access)
{
	bool kernel = bit_get(va.raw, 55);
	struct fault_site s = {.os = os,
			       .tree = kernel ? &os->kernel : &as->user,
			       .input = va.raw & bits_ones((unsigned)os->p.va_bits),
			       .need = {kernel, access}};
	struct os_fault out = {.outcome = OS_BAD_ADDRESS};
	uint64_t tables = s.tree->tables;
	if (va_is_legal(os, va)) out = handle(&s);
	out.tables = (unsigned)(s.tree->tables - tables);
	count_fault(&os->stats, &out);
	return out;
}

/* ---- unmap, protect ------------------------------------------------------------------------- */

struct removal {
	struct os *os;
	struct pgtable *tree;
};

static uint64_t remove_leaf(void *ctx, uint64_t addr, const struct pgtable_slot *leaf)
{
	const struct removal *r = ctx;
	(void)addr;
	give_frame(r->os, r->tree, pgtable_output(r->tree, leaf),
		   level_entry_bits(r->tree->granule_bits, leaf->level));
	return 0;
}

struct protection {
	bool kernel;
	unsigned prot;
};

/* pte_modify(): taking write permission away saves the dirty state, giving it back restores it. */
static uint64_t protect_leaf(void *ctx, uint64_t addr, const struct pgtable_slot *leaf)
{
	const struct protection *p = ctx;
	uint64_t d = leaf->desc;
	(void)addr;
	if ((d & DESC_DBM) && !(d & DESC_AP_READ_ONLY)) d |= SOFT_DIRTY;
	d = (d | DESC_AP_READ_ONLY | no_exec(p->kernel)) & ~DESC_DBM;
	if (p->prot & OS_PROT_WRITE) d |= DESC_DBM;
	if ((p->prot & OS_PROT_WRITE) && (d & SOFT_DIRTY)) d &= ~DESC_AP_READ_ONLY;
	if (p->prot & OS_PROT_EXEC) d &= ~no_exec(p->kernel);
	return d;
}

struct broken {
	struct os *os;
	bool kernel;
};

static void tell_broken(void *ctx, uint64_t addr, uint64_t bytes)
{
	const struct broken *b = ctx;
	uint64_t top = b->kernel ? ~bits_ones((unsigned)b->os->p.va_bits) : 0;
	b->os->on_break.broken(b->os->on_break.ctx, addr | top, bytes);
}

/* Leaves of [input, input + bytes) have changed, and blocks that stick out were split. */
static void note_area(const struct os *os, const struct pgtable *t, uint64_t input, uint64_t bytes)
{
	unsigned bits = os_huge_bits(&os->p);
	uint64_t from = bits_align_down(input, bits),
		 end = bits_align_down(input + bytes + bits_ones(bits), bits);
	if (t->ranges && bytes) ranges_update(t->ranges, t, from, end - from);
}

/* Applies `edit` to the part of [va, va + bytes) that is in va's half of the address space. */
static uint64_t edit_range(struct os *os, struct pgtable *tree, struct va va, uint64_t bytes,
			   pgtable_edit_fn *edit, void *ctx)
{
	uint64_t input = va.raw & bits_ones((unsigned)os->p.va_bits), edited = 0, tables = tree->tables;
	uint64_t most = (UINT64_C(1) << os->p.va_bits) - input;
	if (!va_is_legal(os, va)) return 0;
	/* Splitting a block may want a table that memory does not have; what came before stays done. */
	struct broken broken = {os, bit_get(va.raw, 55)};
	if (os->on_break.broken) tree->breaking = (struct pgtable_break){&broken, tell_broken};
	if (bytes > most) bytes = most;
	pgtable_restore(tree, input, bytes);
	pgtable_edit(tree, input, bytes, edit, ctx, &edited);
	note_area(os, tree, input, bytes);
	tree->breaking = (struct pgtable_break){0};
	os->stats.tables += tree->tables - tables;
	return edited;
}

static struct pgtable *tree_of(struct os *os, struct os_aspace *as, struct va va)
{
	return bit_get(va.raw, 55) ? &os->kernel : &as->user;
}

void os_on_break(struct os *os, const struct pgtable_break *b) { os->on_break = *b; }

uint64_t os_unmap(struct os *os, struct os_aspace *as, struct va va, uint64_t bytes)
{
	struct removal r = {os, tree_of(os, as, va)};
	uint64_t removed = edit_range(os, r.tree, va, bytes, remove_leaf, &r);
	os->stats.unmapped += removed;
	return removed;
}

uint64_t os_protect(struct os *os, struct os_aspace *as, struct va va, uint64_t bytes, unsigned prot)
{
	struct protection p = {bit_get(va.raw, 55), prot};
	assert(prot & OS_PROT_READ);
	return edit_range(os, tree_of(os, as, va), va, bytes, protect_leaf, &p);
}

bool os_set_descriptor(struct os *os, struct os_aspace *as, struct va va, int level, uint64_t desc)
{
	struct pgtable *t = tree_of(os, as, va);
	struct pgtable_slot slot;
	uint64_t input = va.raw & bits_ones((unsigned)os->p.va_bits);
	if (!va_is_legal(os, va) || !pgtable_find_level(t, input, level, &slot)) return false;
	pgtable_set(t, &slot, desc);
	note_leaves(t, input, level_entry_bits(t->granule_bits, level));
	return true;
}

/* ---- life ----------------------------------------------------------------------------------- */

/* ARM64_HW_PGTABLE_LEVELS(): as many levels as the VA needs, the last being 3. */
static int start_level(unsigned granule_bits, unsigned va_bits)
{
	unsigned stride = level_stride(granule_bits), levels = (va_bits - granule_bits + stride - 1) / stride;
	return 4 - (int)levels;
}

enum status os_new(const struct os_params *p, const struct features *f, struct frames *frames,
		   struct physmem *mem, const struct pgtable_view *view, struct os **out, struct err *err)
{
	TRY(os_check(p, f, NULL, err));
	struct os *os = xcalloc(1, sizeof(*os));
	os->p = *p;
	os->f = *f;
	os->kernel = (struct pgtable){.mem = mem,
				      .frames = frames,
				      .granule_bits = os_page_bits(p),
				      .input_bits = (unsigned)p->va_bits,
				      .start_level = start_level(os_page_bits(p), (unsigned)p->va_bits),
				      .layout = os_layout(p, f),
				      .in_table = DESC_UXN_TABLE};
	if (view) os->kernel.view = *view;
	if (pgtable_create(&os->kernel, 0) != PGTABLE_OK) {
		free(os);
		return err_set(err, ERR_CONFIG, "os: memory is too small to hold one translation table");
	}
	os->stats.tables = os->kernel.tables;
	*out = os;
	return OK;
}

void os_free(struct os *os)
{
	if (!os) return;
	ranges_free(os->kernel.ranges);
	replicas_free(os->kernel.replicas);
	while (os->aspaces) {
		struct os_aspace *as = os->aspaces;
		os->aspaces = as->next;
		ranges_free(as->user.ranges);
		free(as);
	}
	free(os);
}

struct replicas *os_replicate(struct os *os)
{
	unsigned nodes = frames_regions(os->kernel.frames);
	assert(!os->aspaces && !os->kernel.replicas);
	if (nodes > 1) pgtable_replicate(&os->kernel, replicas_new(nodes));
	return os->kernel.replicas;
}

void os_keep_ranges(struct os *os)
{
	assert(!os->aspaces && !os->kernel.ranges);
	os->kernel.ranges = ranges_new();
}

bool os_find_range(const struct os *os, const struct os_aspace *as, struct va va, struct range *out,
		   struct range_path *path)
{
	const struct ranges *r = bit_get(va.raw, 55) ? os->kernel.ranges : as->user.ranges;
	return r && va_is_legal(os, va) &&
	       ranges_find(r, va.raw & bits_ones((unsigned)os->p.va_bits), out, path);
}

struct os_aspace *os_aspace_new(struct os *os, uint16_t asid)
{
	struct os_aspace *as = xcalloc(1, sizeof(*as));
	assert(os->f.asid16 || asid < 256);
	as->asid = asid;
	as->user = os->kernel;
	as->user.ranges = os->kernel.ranges ? ranges_new() : NULL;
	as->user.in_table = DESC_PXN_TABLE;
	as->user.tables = 0;
	if (pgtable_create(&as->user, 0) != PGTABLE_OK) {
		ranges_free(as->user.ranges);
		free(as);
		return NULL;
	}
	as->next = os->aspaces;
	os->aspaces = as;
	os->stats.tables += as->user.tables;
	return as;
}

void os_aspace_set_asid(struct os_aspace *as, uint16_t asid) { as->asid = asid; }
uint16_t os_aspace_asid(const struct os_aspace *as) { return as->asid; }
