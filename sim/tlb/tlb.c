#include "tlb/tlb.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "base/lanes.h"

#define F struct tlb_stats
static const struct stat_desc stat_rows[] = {
	STAT(F, lookups, "count", "look-ups"),
	STAT(F, hits, "count", "look-ups that found their translation"),
	STAT(F, misses, "count", "look-ups that did not"),
	STAT(F, merged, "count", "look-ups that found it being walked, and waited"),
	STAT(F, permission_misses, "count",
	     "misses on an entry that did not allow the access, which was dropped"),
	STAT(F, fills, "entries", "entries written"),
	STAT(F, evictions, "entries", "fills that replaced a valid entry"),
	STAT(F, invalidated, "entries", "entries removed by TLBI"),
};
#undef F

/* --- building -------------------------------------------------------------------------------------------------- */

static enum status check_params(const struct tlb_params *p, struct err *err)
{
	const struct repl_policy *policy = repl_policies[p->policy];
	if (p->entries % p->ways)
		return err_set(err, ERR_CONFIG,
			       "tlbs.%s: entries %" PRIu64 " is not a multiple of ways %" PRIu64, p->name,
			       p->entries, p->ways);
	if (p->ways > policy->max_ways)
		return err_set(err, ERR_CONFIG, "tlbs.%s: policy %s serves at most %u ways, not %" PRIu64,
			       p->name, policy->name, policy->max_ways, p->ways);
	if (!p->pages) return err_set(err, ERR_CONFIG, "tlbs.%s.pages: at least one size is needed", p->name);
	return OK;
}

static uint64_t held_sizes(uint64_t pages)
{
	uint64_t held = 0;
	for (unsigned i = 0; i < TLB_SIZE_COUNT; i++)
		if (bit_get(pages, i)) held |= UINT64_C(1) << tlb_size_bits[i];
	return held;
}

/* No request's tag has bit 63. */
static void make_invalid(struct tlb_entry *e)
{
	*e = (struct tlb_entry){
		.tag = UINT64_C(1) << 63, .tag_mask = UINT64_C(1) << 63, .set = e->set, .way = e->way};
}

static void make_geometry(struct tlb *t, const struct tlb_params *p)
{
	t->ways = (unsigned)p->ways;
	t->sets = (unsigned)(p->entries / p->ways);
	t->sets_power_of_2 = is_power_of_2(t->sets);
	t->set_bits = log2_floor(t->sets);
	t->logs_touches = t->sets == 1 && !repl_policies[p->policy]->shared_bytes;
	t->index_xor = p->index == TLB_INDEX_XOR;
	t->sig_stride = (t->ways + LANES_U16 - 1) / LANES_U16 * LANES_U16;
	t->sizes_held = held_sizes(p->pages);
}

enum status tlb_new(const struct tlb_params *p, struct tlb **out, struct err *err)
{
	TRY(check_params(p, err));
	struct tlb *t = xcalloc_lines(1, sizeof(*t));
	t->params = *p;
	make_geometry(t, p);
	t->policy = repl_policies[p->policy];
	t->entry = xcalloc_lines((size_t)t->sets * t->ways, sizeof(*t->entry));
	t->sig = xcalloc_lines((size_t)t->sets * t->sig_stride, sizeof(*t->sig));
	t->valid = xcalloc(t->sets, sizeof(*t->valid));
	t->state = repl_state_new(t->policy, t->sets, t->ways);
	for (unsigned set = 0; set < t->sets; set++) {
		for (unsigned way = 0; way < t->ways; way++) {
			struct tlb_entry *e = &t->entry[(size_t)set * t->ways + way];
			e->set = set;
			e->way = (uint16_t)way;
			make_invalid(e);
		}
	}
	*out = t;
	return OK;
}

void tlb_free(struct tlb *t)
{
	if (!t) return;
	free(t->entry);
	free(t->sig);
	free(t->valid);
	repl_state_free(&t->state);
	free(t);
}

void tlb_register_stats(struct tlb *t, struct stats *s, const char *path, ...)
{
	char text[64];
	va_list args;
	va_start(args, path);
	vsnprintf(text, sizeof(text), path, args);
	va_end(args);
	stats_add(s, stat_rows, sizeof(stat_rows) / sizeof(stat_rows[0]), &t->stats, "%s", text);
}

/* --- look-up --------------------------------------------------------------------------------------------------- */

static void *state_of(struct tlb *t, unsigned set) { return t->state.set + set * t->state.stride; }

static unsigned set_of(const struct tlb *t, uint64_t page)
{
	if (t->index_xor) page ^= page >> t->set_bits;
	return (unsigned)(t->sets_power_of_2 ? page & (t->sets - 1) : page % t->sets);
}

/* 16 bits that two entries rarely share; never 0. The ASID and VMID are left out: global entries match many. */
static uint16_t signature(uint64_t page, unsigned bits)
{
	uint64_t mixed = (page + bits) * UINT64_C(0x9e3779b97f4a7c15) >> 48;
	return (uint16_t)(mixed | 1);
}

void tlb_settle(struct tlb *t)
{
	if (!t->logged) return;
	t->policy->touch_all(t->state.set, t->ways, t->log, t->logged);
	t->logged = 0;
}

static struct tlb_entry *find_in_set(struct tlb *t, unsigned set, uint16_t s, uint64_t va, tlb_tag_t tag)
{
	const uint16_t *sig = &t->sig[(size_t)set * t->sig_stride];
	struct tlb_entry *row = &t->entry[(size_t)set * t->ways];
	for (unsigned base = 0; base < t->sig_stride; base += LANES_U16) {
		for (unsigned found = lanes_equal_u16(sig + base, s); found; found &= found - 1) {
			struct tlb_entry *e = &row[base + (unsigned)__builtin_ctz(found)];
			if (tlb_matches(e, va, tag)) return e;
		}
	}
	return NULL;
}

static struct tlb_entry *find(struct tlb *t, uint64_t va, tlb_tag_t tag)
{
	for (uint64_t sizes = t->sizes_present; sizes; sizes &= sizes - 1) {
		unsigned bits = (unsigned)__builtin_ctzll(sizes);
		uint64_t page = va >> bits;
		struct tlb_entry *e = find_in_set(t, set_of(t, page), signature(page, bits), va, tag);
		if (e) return e;
	}
	return NULL;
}

static void predict(struct tlb *t, uint64_t va, const struct tlb_entry *e)
{
	t->predict[va >> 12 & (TLB_PREDICTOR_SLOTS - 1)] = (uint32_t)(e - t->entry);
}

struct tlb_entry *tlb_find(struct tlb *t, uint64_t va, tlb_tag_t tag)
{
	struct tlb_entry *e = find(t, va, tag);
	if (!e) return NULL;
	tlb_settle(t);
	t->policy->touch(state_of(t, e->set), t->ways, e->way);
	predict(t, va, e);
	return e;
}

/* --- change ---------------------------------------------------------------------------------------------------- */

static uint16_t *sig_of(struct tlb *t, const struct tlb_entry *e)
{
	return &t->sig[(size_t)e->set * t->sig_stride + e->way];
}

/* Takes an entry out of the books; its place holds it still. */
static void forget(struct tlb *t, const struct tlb_entry *e)
{
	assert(e->bits);
	*sig_of(t, e) = 0;
	t->valid[e->set]--;
	if (--t->size_count[e->bits] == 0) t->sizes_present &= ~(UINT64_C(1) << e->bits);
}

void tlb_drop(struct tlb *t, struct tlb_entry *e)
{
	forget(t, e);
	make_invalid(e);
}

static struct tlb_entry *choose(struct tlb *t, unsigned set)
{
	struct tlb_entry *row = &t->entry[(size_t)set * t->ways];
	if (t->valid[set] < t->ways) {
		const uint16_t *sig = &t->sig[(size_t)set * t->sig_stride];
		unsigned w = 0;
		while (sig[w]) w++;
		return &row[w];
	}
	tlb_settle(t);
	struct tlb_entry *e = &row[t->policy->victim(state_of(t, set), t->ways)];
	t->stats.evictions++;
	forget(t, e);   /* the caller fills it at once */
	return e;
}

/* The largest size held here that is not above 2^bits bytes; 0 when there is none. */
static unsigned piece_bits(const struct tlb *t, unsigned bits)
{
	uint64_t fit = t->sizes_held & bits_ones(bits + 1);
	return fit ? log2_floor(fit) : 0;
}

struct tlb_entry *tlb_fill(struct tlb *t, const struct tlb_fill *f)
{
	unsigned bits = piece_bits(t, t->params.contiguous ? f->run_bits : f->bits);
	if (!bits) return NULL;
	uint64_t page = f->va >> bits;
	struct tlb_entry *e = choose(t, set_of(t, page));
	uint32_t set = e->set;
	uint16_t way = e->way;
	*e = f->like;
	e->set = set;
	e->way = way;
	e->bits = (uint8_t)bits;
	e->va_mask = ~bits_ones(bits);
	e->va = f->va & e->va_mask;
	e->pa = f->pa & e->va_mask;
	*sig_of(t, e) = signature(page, bits);
	t->valid[set]++;
	t->size_count[bits]++;
	t->sizes_present |= UINT64_C(1) << bits;
	t->stats.fills++;
	tlb_settle(t);
	if (t->state.shared) t->state.shared->key = page;
	t->policy->fill(state_of(t, set), t->ways, way);
	predict(t, f->va, e);
	return e;
}

unsigned tlb_invalidate(struct tlb *t, const struct tlb_match *m)
{
	unsigned dropped = 0;
	for (size_t i = 0; i < (size_t)t->sets * t->ways; i++) {
		if (!t->entry[i].bits || !tlb_match_takes(m, &t->entry[i])) continue;
		tlb_drop(t, &t->entry[i]);
		dropped++;
	}
	t->stats.invalidated += dropped;
	return dropped;
}

void tlb_check(const struct tlb *t)
{
	uint32_t count[64] = {0};
	for (unsigned set = 0; set < t->sets; set++) {
		unsigned valid = 0;
		for (unsigned way = 0; way < t->ways; way++) {
			const struct tlb_entry *e = &t->entry[(size_t)set * t->ways + way];
			uint16_t sig = t->sig[(size_t)set * t->sig_stride + way];
			assert(e->set == set && e->way == way && !e->bits == !sig);
			if (!sig) continue;
			assert(sig == signature(e->va >> e->bits, e->bits) &&
			       set_of(t, e->va >> e->bits) == set);
			assert(!(e->va & ~e->va_mask) && !(e->pa & ~e->va_mask) &&
			       bit_get(t->sizes_held, e->bits));
			count[e->bits]++;
			valid++;
		}
		assert(valid == t->valid[set]);
	}
	for (unsigned b = 0; b < 64; b++)
		assert(count[b] == t->size_count[b] && !count[b] == !bit_get(t->sizes_present, b));
}
