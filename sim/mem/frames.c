#include "mem/frames_impl.h"

#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "base/order.h"

enum {
	TABLE_GROUP_BITS = 21, /* tables are taken from groups of 2 MiB, or of one unit where that is less */
	SCATTER_MIN_BLOCKS = 16, /* fewer pageblocks than this are scattered over in smaller units */
	SCATTER_UNIT_BITS = 18,  /* room for the largest usual set of start tables */
};

static uint64_t align_up(uint64_t v, unsigned bits) { return bits_align_down(v + bits_ones(bits), bits); }
static uint64_t room(const struct range *r) { return r->end - r->next; }

/* ---- ranges --------------------------------------------------------------------------------- */

void frames_push(struct range_stack *s, uint64_t from, uint64_t end)
{
	if (from >= end) return;
	if (s->count == s->allocated) {
		s->allocated = s->allocated ? 2 * s->allocated : 16;
		s->item = xrealloc(s->item, s->allocated, sizeof(*s->item));
	}
	s->item[s->count++] = (struct range){from, end};
}

/* Cuts 2^bits aligned bytes off the front; what alignment skips goes to `spare`. */
static bool cut(struct range *r, unsigned bits, struct range_stack *spare, uint64_t *addr)
{
	uint64_t at = align_up(r->next, bits), size = UINT64_C(1) << bits;
	if (at < r->next || at > r->end || r->end - at < size) return false;
	if (spare) frames_push(spare, r->next, at);
	*addr = at;
	r->next = at + size;
	return true;
}

bool frames_pop(struct range_stack *s, unsigned bits, uint64_t *addr)
{
	while (s->count) {
		if (cut(&s->item[s->count - 1], bits, NULL, addr)) return true;
		s->count--;
	}
	return false;
}

/* ---- scattered pages ------------------------------------------------------------------------ */

/* Begins a new order, of all pages of so many units. */
static void scatter_over(struct frames *f, uint64_t units)
{
	struct scatter *s = &f->scatter;
	s->drawn = 0;
	s->total = units << (s->unit_bits - f->p.page_bits);
	if (s->total) permute_init(&s->order, s->total, &f->rng);
}

static void scatter_start(struct frames *f)
{
	struct scatter *s = &f->scatter;
	uint64_t bytes = f->end - f->base;
	s->on = true;
	s->unit_bits = bytes >> f->p.block_bits >= SCATTER_MIN_BLOCKS ? f->p.block_bits : SCATTER_UNIT_BITS;
	if (s->unit_bits < f->p.page_bits) s->unit_bits = f->p.page_bits;
	s->origin = bits_align_down(f->base, s->unit_bits);
	s->units = (align_up(f->end, s->unit_bits) - s->origin) >> s->unit_bits;
	scatter_over(f, s->units / 2);
}

/* When the odd units are used up, whatever even ones are left is scattered over. */
static bool scatter_open_evens(struct frames *f)
{
	struct scatter *s = &f->scatter;
	if (s->evens_closed) return false;
	s->evens_closed = true;
	scatter_over(f, s->units - s->units / 2 - s->next_even);
	return true;
}

static bool scatter_page(struct frames *f, uint64_t *addr)
{
	struct scatter *s = &f->scatter;
	unsigned in_unit = s->unit_bits - f->p.page_bits;
	do {
		while (s->drawn < s->total) {
			uint64_t page = permute(&s->order, s->drawn++);
			uint64_t pair = page >> in_unit, unit = 2 * pair + 1;
			if (s->evens_closed) unit = 2 * (pair + s->next_even);
			uint64_t at = s->origin + (unit << s->unit_bits) +
				      ((page & bits_ones(in_unit)) << f->p.page_bits);
			if (at < f->base || at >= f->end) continue; /* a unit that sticks out of the region */
			*addr = at;
			return true;
		}
	} while (scatter_open_evens(f));
	return false;
}

/* The next even unit, as far as it lies in the region. */
static bool scatter_unit(struct frames *f, struct range *out)
{
	struct scatter *s = &f->scatter;
	while (!s->evens_closed && s->next_even < s->units - s->units / 2) {
		uint64_t at = s->origin + (2 * s->next_even++ << s->unit_bits);
		*out = (struct range){u64_max(at, f->base),
				      u64_min(at + (UINT64_C(1) << s->unit_bits), f->end)};
		if (room(out)) return true;
	}
	return false;
}

/* ---- pageblocks ----------------------------------------------------------------------------- */

/* What is left of the pageblock that the bump stands in, or the next even unit. */
static bool next_pageblock(struct frames *f, struct range *out)
{
	if (f->scatter.on) return scatter_unit(f, out);
	if (f->bump >= f->limit) return false;
	*out = (struct range){f->bump, u64_min(align_up(f->bump + 1, f->p.block_bits), f->limit)};
	f->bump = out->end;
	return true;
}

/* A whole pageblock or more. */
static bool take_large(struct frames *f, unsigned bits, uint64_t *addr)
{
	if (!f->scatter.on) {
		struct range rest = {f->bump, f->limit};
		if (!cut(&rest, bits, &f->spare, addr)) return false;
		f->bump = rest.next;
		return true;
	}
	if (bits != f->scatter.unit_bits) return false;
	struct range unit;
	while (scatter_unit(f, &unit)) {
		if (room(&unit) >> bits) {
			*addr = unit.next;
			return true;
		}
		frames_push(&f->spare, unit.next, unit.end);
	}
	return false;
}

/* Less than a pageblock: from the pageblock that is being cut up, then from another. */
static bool take_small(struct frames *f, unsigned bits, uint64_t *addr)
{
	struct range next;
	if (f->scatter.on && bits > f->scatter.unit_bits) return false;
	while (!cut(&f->pages, bits, &f->spare, addr)) {
		if (!next_pageblock(f, &next)) return false;
		frames_push(&f->spare, f->pages.next, f->pages.end);
		f->pages = next;
	}
	return true;
}

/* ---- what callers see ----------------------------------------------------------------------- */

static bool took(struct frames *f, unsigned bits, bool ok)
{
	if (ok) f->used += UINT64_C(1) << bits;
	f->takes += ok;
	return ok;
}

/* The last resort for a page: pieces that were meant for something larger. */
static bool take_leftover(struct frames *f, uint64_t *addr)
{
	unsigned bits = f->p.page_bits;
	if (cut(&f->pages, bits, NULL, addr) || cut(&f->tables, bits, NULL, addr)) return true;
	for (unsigned larger = bits + 1; larger < FRAMES_SIZES; larger++) {
		struct range_stack *s = &f->given[larger];
		if (!s->count) continue;
		f->pages = s->item[--s->count];
		return cut(&f->pages, bits, NULL, addr);
	}
	return false;
}

/* Of several regions the first to be tried. */
struct frames *frames_preferred(struct frames *f) { return f->region ? f->region[f->order[0]] : f; }

typedef bool take_fn(struct frames *f, uint64_t *addr);

static bool take_from_any(struct frames *f, take_fn *take, uint64_t *addr)
{
	for (unsigned i = 0; i < f->ordered; i++)
		if (take(f->region[f->order[i]], addr)) return true;
	return false;
}

/* A table from the regions of its own order. */
static bool take_ordered_table(struct frames *f, uint64_t *addr)
{
	unsigned first = f->tables_in_turn ? f->table_turn++ : 0;
	for (unsigned i = 0; i < f->table_ordered; i++)
		if (frames_take_table(f->region[f->table_order[(first + i) % f->table_ordered]], addr))
			return true;
	return false;
}

bool frames_take_page(struct frames *f, uint64_t *addr)
{
	if (f->region) return take_from_any(f, frames_take_page, addr);
	unsigned bits = f->p.page_bits;
	bool ok = frames_pop(&f->given[bits], bits, addr);
	if (!ok && f->scatter.on) ok = scatter_page(f, addr);
	if (!ok) ok = frames_pop(&f->spare, bits, addr);
	if (!ok) ok = take_small(f, bits, addr) || take_leftover(f, addr);
	return took(f, bits, ok);
}

bool frames_take_table(struct frames *f, uint64_t *addr)
{
	if (f->region && f->table_ordered) return take_ordered_table(f, addr);
	if (f->region) return take_from_any(f, frames_take_table, addr);
	unsigned bits = f->p.page_bits, group_bits = TABLE_GROUP_BITS;
	uint64_t group;
	if (f->scatter.on && f->scatter.unit_bits < group_bits) group_bits = f->scatter.unit_bits;
	if (cut(&f->tables, bits, NULL, addr)) return took(f, bits, true);
	if (!frames_take_block(f, group_bits, &group)) return frames_take_page(f, addr);
	f->used -= UINT64_C(1) << group_bits; /* counted page by page instead */
	f->tables = (struct range){group, group + (UINT64_C(1) << group_bits)};
	return took(f, bits, cut(&f->tables, bits, NULL, addr));
}

bool frames_take_block(struct frames *f, unsigned bits, uint64_t *addr)
{
	for (unsigned i = 0; i < f->ordered; i++)
		if (frames_take_block(f->region[f->order[i]], bits, addr)) return true;
	if (f->region) return false;
	assert(bits >= f->p.page_bits && bits < FRAMES_SIZES);
	bool large = bits >= f->p.block_bits;
	if (frames_pop(&f->given[bits], bits, addr)) return took(f, bits, true);
	return took(f, bits, large ? take_large(f, bits, addr) : take_small(f, bits, addr));
}

/* Fragmentation is the whole machine's: one draw, from the first region. */
bool frames_take_run(struct frames *f, unsigned bits, unsigned fail_percent, uint64_t *addr)
{
	if (fail_percent && rng_below(&frames_preferred(f)->rng, 100) < fail_percent) return false;
	return frames_take_block(f, bits, addr);
}

bool frames_take_huge(struct frames *f, enum frames_reach reach, uint64_t *addr)
{
	const struct frames_params *p = &frames_preferred(f)->p;
	return frames_take_run(reach == FRAMES_LOCAL ? frames_preferred(f) : f, p->block_bits,
			       p->fail_percent, addr);
}

struct frames *frames_numbered(struct frames *f, unsigned number)
{
	assert(number < frames_regions(f));
	return f->region ? f->region[number] : f;
}

bool frames_take_table_of(struct frames *f, unsigned number, uint64_t *addr)
{
	return frames_take_table(frames_numbered(f, number), addr);
}

bool frames_take_block_of(struct frames *f, unsigned number, unsigned bits, uint64_t *addr)
{
	return frames_take_block(frames_numbered(f, number), bits, addr);
}

bool frames_take_page_of(struct frames *f, unsigned number, uint64_t *addr)
{
	return frames_take_page(frames_numbered(f, number), addr);
}

unsigned frames_region_of(const struct frames *f, uint64_t addr)
{
	unsigned i = 0;
	while (i + 1 < f->regions && (addr < f->region[i]->base || addr >= f->region[i]->end)) i++;
	return i;
}

/* Of several regions the one that `addr` lies in. */
static struct frames *region_of(struct frames *f, uint64_t addr)
{
	for (unsigned i = 0; i < f->regions; i++)
		if (addr >= f->region[i]->base && addr < f->region[i]->end) return f->region[i];
	return f;
}

void frames_give(struct frames *f, uint64_t addr, unsigned bits)
{
	uint64_t size = UINT64_C(1) << bits;
	f = region_of(f, addr);
	assert(addr >= f->base && size <= f->end - addr && !(addr & (size - 1)) && f->used >= size);
	if (bits == f->p.block_bits && frames_is_own_pooled(f, addr)) {
		frames_push(&f->pool_free, addr, addr + size);
		f->pool_stats.free++;
		f->pool_stats.given++;
		return;
	}
	f->used -= size;
	frames_push(addr < f->limit ? &f->given[bits] : &f->isolated, addr, addr + size);
}

uint64_t frames_takes(const struct frames *f)
{
	uint64_t takes = f->takes;
	for (unsigned i = 0; i < f->regions; i++) takes += f->region[i]->takes;
	return takes;
}

uint64_t frames_used_bytes(const struct frames *f)
{
	uint64_t used = f->used;
	for (unsigned i = 0; i < f->regions; i++) used += f->region[i]->used;
	return used;
}

struct frames *frames_join(struct frames **region, unsigned count)
{
	assert(count && count <= FRAMES_REGIONS_MAX);
	struct frames *f = xcalloc(1, sizeof(*f));
	f->region = region;
	f->regions = f->ordered = count;
	for (unsigned i = 0; i < count; i++) f->order[i] = i;
	return f;
}

void frames_prefer(struct frames *f, const unsigned *order, unsigned count)
{
	assert(count && count <= f->regions);
	for (unsigned i = 0; i < count; i++) f->order[i] = order[i];
	f->ordered = count;
}

void frames_prefer_tables(struct frames *f, const unsigned *order, unsigned count, bool in_turn)
{
	assert(count <= f->regions);
	for (unsigned i = 0; i < count; i++) f->table_order[i] = order[i];
	f->table_ordered = count;
	f->tables_in_turn = in_turn;
}

unsigned frames_regions(const struct frames *f) { return f->regions ? f->regions : 1; }

struct frames *frames_new(const struct frames_params *p)
{
	assert(p->page_bits >= 12 && p->page_bits <= p->block_bits && p->block_bits < FRAMES_SIZES);
	assert(p->fail_percent <= 100 && p->base + p->bytes >= p->base);
	struct frames *f = xcalloc(1, sizeof(*f));
	f->p = *p;
	f->base = f->bump = align_up(p->base, p->page_bits);
	f->end = u64_max(bits_align_down(p->base + p->bytes, p->page_bits), f->base);
	f->limit = f->end;
	rng_init(&f->rng, p->seed, p->path);
	if (p->scattered) scatter_start(f);
	return f;
}

void frames_free(struct frames *f)
{
	if (!f) return;
	for (unsigned i = 0; i < f->regions; i++) frames_free(f->region[i]);
	free(f->region);
	free(f->spare.item);
	free(f->isolated.item);
	free(f->pool.item);
	free(f->pool_free.item);
	for (unsigned i = 0; i < FRAMES_SIZES; i++) free(f->given[i].item);
	free(f);
}
