#include "os/pgtable.h"

static bool resolve(const struct pgtable *t, uint64_t addr, struct pa *pa)
{
	if (t->view.resolve) return t->view.resolve(t->view.ctx, addr, pa);
	*pa = (struct pa){addr};
	return true;
}

static bool is_table(const struct pgtable_slot *s)
{
	return s->level < LAST_LEVEL && (s->desc & DESC_VALID) && (s->desc & DESC_TABLE);
}

static bool is_block(const struct pgtable_slot *s)
{
	return s->level < LAST_LEVEL && (s->desc & DESC_VALID) && !(s->desc & DESC_TABLE);
}

/* ---- copies on other nodes ------------------------------------------------------------------ */

/* Where node `node` has the entry of a slot; false: nowhere else. */
static bool find_copy(const struct pgtable *t, const struct pgtable_slot *slot, unsigned node, struct pa *at)
{
	uint64_t page = bits_align_down(slot->entry, t->granule_bits);
	uint64_t copy = replicas_of(t->replicas, page, node);
	if (copy == page) return false;
	bool backed = resolve(t, copy + (slot->entry - page), at);
	assert(backed); /* since the copy was cleared */
	return true;
}

/* `desc` as node `node` has it: a table's is that of the node's own copy. */
static uint64_t desc_of_copy(const struct pgtable *t, const struct pgtable_slot *slot, uint64_t desc,
			     unsigned node)
{
	const struct pgtable_slot now = {.desc = desc, .level = slot->level};
	if (!is_table(&now)) return desc;
	uint64_t table = desc_address(desc, t->layout, t->granule_bits);
	uint64_t field = desc_put_address(table, t->layout);
	return (desc & ~field) | desc_put_address(replicas_of(t->replicas, table, node), t->layout);
}

static void store_copies(const struct pgtable *t, const struct pgtable_slot *slot, uint64_t desc)
{
	struct pa at;
	for (unsigned node = 1; node < replicas_nodes(t->replicas); node++) {
		if (!find_copy(t, slot, node, &at)) continue;
		physmem_write64(t->mem, at, desc_of_copy(t, slot, desc, node));
		replicas_note(t->replicas, at);
	}
}

/* What hardware has set in the copies since is so of the descriptor: accessed in any, dirty in any. */
static void read_copies(const struct pgtable *t, struct pgtable_slot *slot)
{
	struct pa at;
	if (!(slot->desc & DESC_VALID) || is_table(slot)) return;
	for (unsigned node = 1; node < replicas_nodes(t->replicas); node++) {
		if (!find_copy(t, slot, node, &at)) continue;
		uint64_t copy = physmem_read64(t->mem, at);
		slot->desc |= copy & DESC_AF;
		if (!(slot->desc & DESC_DBM)) continue;
		if (t->stage2)
			slot->desc |= copy & DESC_S2AP_WRITE;
		else
			slot->desc &= copy | ~DESC_AP_READ_ONLY;
	}
}

/* The slot that `addr` selects in the table (or concatenated tables) at `table`, of slot->level. */
static enum pgtable_result load_slot(const struct pgtable *t, uint64_t table, uint64_t addr,
				     struct pgtable_slot *slot)
{
	unsigned low = level_entry_bits(t->granule_bits, slot->level);
	unsigned width = slot->level == t->start_level ? t->input_bits - low : level_stride(t->granule_bits);
	uint64_t index = (addr >> low) & bits_ones(width);
	if (!resolve(t, table + (index << DESC_BYTES_BITS), &slot->at)) return PGTABLE_NO_BACKING;
	slot->entry = table + (index << DESC_BYTES_BITS);
	slot->desc = physmem_read64(t->mem, slot->at);
	if (t->replicas) read_copies(t, slot);
	return PGTABLE_OK;
}

/* From a table descriptor to the slot of the next level. */
static enum pgtable_result step_down(const struct pgtable *t, uint64_t addr, struct pgtable_slot *slot)
{
	uint64_t table = desc_address(slot->desc, t->layout, t->granule_bits);
	slot->level++;
	return load_slot(t, table, addr, slot);
}

enum pgtable_result pgtable_find(const struct pgtable *t, uint64_t addr, struct pgtable_slot *slot)
{
	slot->level = t->start_level;
	enum pgtable_result r = load_slot(t, t->root, addr, slot);
	while (r == PGTABLE_OK && is_table(slot)) r = step_down(t, addr, slot);
	return r;
}

bool pgtable_find_level(const struct pgtable *t, uint64_t addr, int level, struct pgtable_slot *slot)
{
	slot->level = t->start_level;
	enum pgtable_result r = load_slot(t, t->root, addr, slot);
	while (r == PGTABLE_OK && slot->level < level && is_table(slot)) r = step_down(t, addr, slot);
	return r == PGTABLE_OK && slot->level == level;
}

void pgtable_set(struct pgtable *t, const struct pgtable_slot *slot, uint64_t desc)
{
	physmem_write64(t->mem, slot->at, desc);
	if (t->replicas) store_copies(t, slot, desc);
}

uint64_t pgtable_output(const struct pgtable *t, const struct pgtable_slot *leaf)
{
	return desc_address(leaf->desc, t->layout, level_entry_bits(t->granule_bits, leaf->level));
}

/* The first slot of the run of 2^entries_bits around `slot`. */
static struct pgtable_slot run_start(const struct pgtable_slot *slot, unsigned entries_bits)
{
	struct pgtable_slot first = *slot;
	first.at.raw = bits_align_down(slot->at.raw, entries_bits + DESC_BYTES_BITS);
	first.entry = bits_align_down(slot->entry, entries_bits + DESC_BYTES_BITS);
	return first;
}

static void to_next(struct pgtable_slot *slot)
{
	slot->at.raw += 1u << DESC_BYTES_BITS;
	slot->entry += 1u << DESC_BYTES_BITS;
}

/* Something is mapped, or was and will be. */
static bool is_taken(uint64_t desc) { return (desc & DESC_VALID) || pgtable_is_hinted(desc); }

bool pgtable_run_is_empty(const struct pgtable *t, const struct pgtable_slot *slot, unsigned entries_bits)
{
	struct pgtable_slot one = run_start(slot, entries_bits);
	if (slot->level < LAST_LEVEL) return !is_taken(slot->desc);
	for (unsigned i = 0; i >> entries_bits == 0; i++, to_next(&one))
		if (is_taken(physmem_read64(t->mem, one.at))) return false;
	return true;
}

void pgtable_set_run(struct pgtable *t, const struct pgtable_slot *slot, unsigned entries_bits, uint64_t out,
		     uint64_t attributes)
{
	unsigned bits = level_entry_bits(t->granule_bits, slot->level);
	struct pgtable_slot one = run_start(slot, entries_bits);
	if (entries_bits) attributes |= DESC_CONTIGUOUS;
	for (uint64_t i = 0; i >> entries_bits == 0; i++, to_next(&one))
		pgtable_set(t, &one, desc_leaf(out + (i << bits), t->layout, slot->level) | attributes);
}

/* ---- growing -------------------------------------------------------------------------------- */

/* Zeroes 2^bits bytes of fresh table at `table`; a view may scatter them. */
static bool clear_tables(struct pgtable *t, uint64_t table, unsigned bits)
{
	for (uint64_t at = 0; at < UINT64_C(1) << bits; at += UINT64_C(1) << PHYSMEM_PAGE_BITS) {
		struct pa pa;
		if (!resolve(t, table + at, &pa)) return false;
		physmem_clear(t->mem, pa, UINT64_C(1) << PHYSMEM_PAGE_BITS);
	}
	return true;
}

/* Node `node` gets a copy of the 2^bits bytes of fresh table at `table`; *copy is the table itself where it has no memory. */
static void copy_table(struct pgtable *t, uint64_t table, unsigned bits, unsigned node, uint64_t *copy)
{
	bool taken = bits == t->granule_bits ? frames_take_table_of(t->frames, node, copy)
					     : frames_take_block_of(t->frames, node, bits, copy);
	if (taken && clear_tables(t, *copy, bits)) return;
	*copy = table;
}

/* All nodes get copies of the 2^bits bytes of fresh table at `table`. */
static void replicate(struct pgtable *t, uint64_t table, unsigned bits)
{
	uint64_t copy[REPLICAS_NODES_MAX] = {table};
	unsigned nodes = replicas_nodes(t->replicas);
	for (unsigned n = 1; n < nodes; n++) copy_table(t, table, bits, n, &copy[n]);
	for (uint64_t at = 0; at >> bits == 0; at += UINT64_C(1) << t->granule_bits) {
		replicas_add(t->replicas, copy);
		for (unsigned n = 0; n < nodes; n++) copy[n] += UINT64_C(1) << t->granule_bits;
	}
}

/* A frame for a table: of the first node where there are copies on others. */
static bool take_table(struct pgtable *t, uint64_t *table)
{
	if (t->replicas && frames_take_table_of(t->frames, 0, table)) return true;
	return frames_take_table(t->frames, table);
}

/* An empty table; its address is lost to the region when the view cannot back it. */
static enum pgtable_result new_table(struct pgtable *t, uint64_t *table)
{
	if (!take_table(t, table)) return PGTABLE_NO_FRAME;
	if (!clear_tables(t, *table, t->granule_bits)) return PGTABLE_NO_BACKING;
	t->tables++;
	if (t->replicas) replicate(t, *table, t->granule_bits);
	return PGTABLE_OK;
}

enum pgtable_result pgtable_create(struct pgtable *t, unsigned concatenated)
{
	if (!concatenated) return new_table(t, &t->root);
	unsigned bits = t->granule_bits + concatenated;
	if (!frames_take_block(t->frames, bits, &t->root)) return PGTABLE_NO_FRAME;
	if (!clear_tables(t, t->root, bits)) return PGTABLE_NO_BACKING;
	t->tables += UINT64_C(1) << concatenated;
	return PGTABLE_OK;
}

void pgtable_replicate(struct pgtable *t, struct replicas *r)
{
	unsigned low = level_entry_bits(t->granule_bits, t->start_level);
	unsigned bits = t->input_bits - low + DESC_BYTES_BITS; /* of all start tables together */
	t->replicas = r;
	replicate(t, t->root, bits > t->granule_bits ? bits : t->granule_bits);
}

uint64_t pgtable_root_of(const struct pgtable *t, unsigned node)
{
	return t->replicas ? replicas_of(t->replicas, t->root, node) : t->root;
}

static void link_table(struct pgtable *t, struct pgtable_slot *slot, uint64_t table)
{
	slot->desc = desc_table((struct pa){table}, t->layout) | t->in_table;
	pgtable_set(t, slot, slot->desc);
}

/* What a leaf says beyond its type and address. */
static uint64_t attributes(const struct pgtable *t, uint64_t desc)
{
	uint64_t field = bits_align_down(bits_ones(PHYSMEM_PA_BITS), t->granule_bits);
	return desc & ~(desc_put_address(field, t->layout) | DESC_TABLE | DESC_VALID);
}

static void tell_broken(struct pgtable *t, uint64_t addr, unsigned bits)
{
	if (t->breaking.broken)
		t->breaking.broken(t->breaking.ctx, bits_align_down(addr, bits), UINT64_C(1) << bits);
}

/* Replaces the block in `slot`, that of `addr`, by a table of smaller leaves that say the same. */
static enum pgtable_result split_block(struct pgtable *t, uint64_t addr, struct pgtable_slot *slot)
{
	uint64_t table, out = pgtable_output(t, slot), same = attributes(t, slot->desc);
	unsigned size_bits = level_entry_bits(t->granule_bits, slot->level + 1);
	enum pgtable_result r = new_table(t, &table);
	if (r != PGTABLE_OK) return r;
	struct pgtable_slot part = {.level = slot->level + 1};
	for (uint64_t i = 0; i >> level_stride(t->granule_bits) == 0; i++) {
		part.entry = table + (i << DESC_BYTES_BITS);
		if (!resolve(t, part.entry, &part.at)) return PGTABLE_NO_BACKING;
		pgtable_set(t, &part, desc_leaf(out + (i << size_bits), t->layout, part.level) | same);
	}
	pgtable_set(t, slot, 0);
	tell_broken(t, addr, level_entry_bits(t->granule_bits, slot->level));
	link_table(t, slot, table);
	return PGTABLE_OK;
}

enum pgtable_result pgtable_descend(struct pgtable *t, uint64_t addr, int level, struct pgtable_slot *slot)
{
	enum pgtable_result r = PGTABLE_OK;
	while (r == PGTABLE_OK && slot->level < level) {
		uint64_t table;
		if (is_block(slot)) {
			r = split_block(t, addr, slot);
		} else if (!is_table(slot)) {
			r = new_table(t, &table);
			if (r == PGTABLE_OK) link_table(t, slot, table);
		}
		if (r == PGTABLE_OK) r = step_down(t, addr, slot);
	}
	return r;
}

/* ---- areas ---------------------------------------------------------------------------------- */

bool pgtable_is_empty(const struct pgtable *t, uint64_t addr, unsigned bits)
{
	unsigned table_bits = level_entry_bits(t->granule_bits, LAST_LEVEL - 1);
	uint64_t from = bits_align_down(addr, bits), step = UINT64_C(1)
							    << (bits < table_bits ? bits : table_bits);
	struct pgtable_slot slot;
	for (uint64_t at = 0; at >> bits == 0; at += step) {
		if (pgtable_find(t, from + at, &slot) != PGTABLE_OK || is_taken(slot.desc)) return false;
		if (slot.level == LAST_LEVEL && bits > table_bits) return false;
		if (slot.level == LAST_LEVEL &&
		    !pgtable_run_is_empty(t, &slot, log2_floor(step) - t->granule_bits))
			return false;
	}
	return true;
}

enum pgtable_result pgtable_map_pages(struct pgtable *t, uint64_t addr, unsigned bits, uint64_t out,
				      uint64_t attributes, uint64_t *mapped)
{
	uint64_t from = bits_align_down(addr, bits);
	struct pgtable_slot slot;
	for (*mapped = 0; *mapped >> bits == 0; *mapped += UINT64_C(1) << t->granule_bits) {
		enum pgtable_result r = pgtable_find(t, from + *mapped, &slot);
		if (r == PGTABLE_OK) r = pgtable_descend(t, from + *mapped, LAST_LEVEL, &slot);
		if (r != PGTABLE_OK) return r;
		pgtable_set_run(t, &slot, 0, out + *mapped, attributes);
	}
	return PGTABLE_OK;
}

/* ---- editing leaves ------------------------------------------------------------------------- */

static enum pgtable_result rewrite_run(struct pgtable *t, uint64_t from, unsigned run_bits, uint64_t clear,
				       uint64_t set)
{
	struct pgtable_slot slot;
	for (uint64_t at = from; at < from + (UINT64_C(1) << run_bits);) {
		enum pgtable_result r = pgtable_find(t, at, &slot);
		if (r != PGTABLE_OK) return r;
		if (slot.desc & DESC_CONTIGUOUS) pgtable_set(t, &slot, (slot.desc & ~clear) | set);
		at += UINT64_C(1) << level_entry_bits(t->granule_bits, slot.level);
	}
	return PGTABLE_OK;
}

/* Takes the contiguous bit from every entry of the run that `addr` lies in. */
static enum pgtable_result unfold_run(struct pgtable *t, uint64_t addr, unsigned run_bits)
{
	uint64_t from = bits_align_down(addr, run_bits);
	enum pgtable_result r = rewrite_run(t, from, run_bits, DESC_VALID, 0);
	tell_broken(t, from, run_bits);
	return r == PGTABLE_OK ? rewrite_run(t, from, run_bits, DESC_CONTIGUOUS, DESC_VALID) : r;
}

static bool sticks_out(uint64_t addr, unsigned bits, uint64_t from, uint64_t end)
{
	uint64_t start = bits_align_down(addr, bits);
	return start < from || end - start < UINT64_C(1) << bits;
}

/* Makes the leaf at `addr` lie within [from, end), one step at a time. *done: it does. */
static enum pgtable_result trim_leaf(struct pgtable *t, uint64_t addr, uint64_t from, uint64_t end,
				     bool *done)
{
	struct pgtable_slot slot;
	enum pgtable_result r = pgtable_find(t, addr, &slot);
	*done = true;
	if (r != PGTABLE_OK || !(slot.desc & DESC_VALID)) return r;
	unsigned bits = level_entry_bits(t->granule_bits, slot.level);
	unsigned run_bits = bits + contiguous_entries_bits(t->granule_bits, slot.level);
	*done = false;
	if ((slot.desc & DESC_CONTIGUOUS) && sticks_out(addr, run_bits, from, end))
		return unfold_run(t, addr, run_bits);
	if (sticks_out(addr, bits, from, end)) return pgtable_descend(t, addr, slot.level + 1, &slot);
	*done = true;
	return PGTABLE_OK;
}

enum pgtable_result pgtable_edit(struct pgtable *t, uint64_t addr, uint64_t bytes, pgtable_edit_fn *edit,
				 void *ctx, uint64_t *edited)
{
	uint64_t from = bits_align_down(addr, t->granule_bits);
	uint64_t end = bits_align_down(addr + bytes + bits_ones(t->granule_bits), t->granule_bits);
	struct pgtable_slot slot;
	for (uint64_t at = from; at < end;) {
		bool fits = false;
		while (!fits) {
			enum pgtable_result r = trim_leaf(t, at, from, end, &fits);
			if (r != PGTABLE_OK) return r;
		}
		enum pgtable_result r = pgtable_find(t, at, &slot);
		if (r != PGTABLE_OK) return r;
		uint64_t now = slot.desc & DESC_VALID ? edit(ctx, at, &slot) : slot.desc;
		if (now != slot.desc) {
			pgtable_set(t, &slot, now);
			(*edited)++;
		}
		unsigned bits = level_entry_bits(t->granule_bits, slot.level);
		at = bits_align_down(at, bits) + (UINT64_C(1) << bits);
	}
	return PGTABLE_OK;
}

/* ---- visiting ------------------------------------------------------------------------------- */

struct visiting {
	const struct pgtable *t;
	uint64_t from, last; /* addresses, both inclusive */
	pgtable_visit_fn *visit;
	void *ctx;
};

/* Entries of the table at `table`, of `level`, whose memory begins at `base`. */
static enum pgtable_result visit_table(const struct visiting *v, uint64_t table, int level, uint64_t base)
{
	const struct pgtable *t = v->t;
	unsigned bits = level_entry_bits(t->granule_bits, level);
	unsigned width = level == t->start_level ? t->input_bits - bits : level_stride(t->granule_bits);
	uint64_t end = base + bits_ones(bits + width), at = v->from > base ? v->from : base;
	if (end > v->last) end = v->last;
	for (at = bits_align_down(at, bits); at <= end; at += UINT64_C(1) << bits) {
		struct pgtable_slot slot = {.level = level};
		enum pgtable_result r = load_slot(t, table, at, &slot);
		if (r == PGTABLE_OK) r = v->visit(v->ctx, at, &slot);
		if (r == PGTABLE_OK && is_table(&slot))
			r = visit_table(v, desc_address(slot.desc, t->layout, t->granule_bits), level + 1,
					at);
		if (r != PGTABLE_OK) return r;
	}
	return PGTABLE_OK;
}

enum pgtable_result pgtable_visit(const struct pgtable *t, uint64_t addr, uint64_t bytes,
				  pgtable_visit_fn *visit, void *ctx)
{
	struct visiting v = {t, addr, addr + bytes - 1, visit, ctx};
	return bytes ? visit_table(&v, t->root, t->start_level, 0) : PGTABLE_OK;
}

/* ---- hinted leaves -------------------------------------------------------------------------- */

static uint64_t revalidated(uint64_t desc) { return (desc & ~DESC_PROT_NONE) | DESC_VALID; }

/* What is simulated of the 2^bits bytes at `from` is translation tables of a guest. */
static void copy_words(struct pgtable *t, uint64_t from, uint64_t to, unsigned bits)
{
	physmem_clear(t->mem, (struct pa){to}, UINT64_C(1) << bits);
	for (uint64_t page = 0; page >> bits == 0; page += UINT64_C(1) << PHYSMEM_PAGE_BITS) {
		if (!physmem_entry(t->mem, (struct pa){from + page})) continue;
		for (uint64_t at = page; at < page + (UINT64_C(1) << PHYSMEM_PAGE_BITS);
		     at += 1u << DESC_BYTES_BITS)
			physmem_write64(t->mem, (struct pa){to + at},
					physmem_read64(t->mem, (struct pa){from + at}));
	}
}

static bool take_of_node(struct pgtable *t, unsigned node, unsigned bits, uint64_t *frame)
{
	if (bits == t->granule_bits) return frames_take_page_of(t->frames, node, frame);
	return frames_take_block_of(t->frames, node, bits, frame);
}

void pgtable_unhint(struct pgtable *t, struct pgtable_slot *slot)
{
	const struct pgtable_hinting *h = &t->hinting;
	unsigned bits = level_entry_bits(t->granule_bits, slot->level);
	uint64_t desc = revalidated(slot->desc), from = pgtable_output(t, slot), to = from;
	int node = h->move_to ? h->move_to(h->ctx, from, bits) : -1;
	if (node >= 0 && take_of_node(t, (unsigned)node, bits, &to)) {
		if (!t->view.resolve) copy_words(t, from, to, bits);
		desc = (desc & ~desc_put_address(from, t->layout)) | desc_put_address(to, t->layout);
		frames_give(t->frames, from, bits);
	}
	slot->desc = desc;
	pgtable_set(t, slot, desc);
	t->hinted--;
	if (h->settled) h->settled(h->ctx, from, to, bits);
}

static enum pgtable_result restore_leaf(void *ctx, uint64_t addr, struct pgtable_slot *slot)
{
	struct pgtable *t = ctx;
	(void)addr;
	if (!pgtable_is_hinted(slot->desc)) return PGTABLE_OK;
	slot->desc = revalidated(slot->desc);
	pgtable_set(t, slot, slot->desc);
	t->hinted--;
	return PGTABLE_OK;
}

void pgtable_restore(struct pgtable *t, uint64_t addr, uint64_t bytes)
{
	if (t->hinted) pgtable_visit(t, addr, bytes, restore_leaf, t);
}
