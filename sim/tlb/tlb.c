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
#include "tlb/fill.h"

#define F struct tlb_stats
static const struct stat_desc stat_rows[] = {
	STAT(F, lookups, "count", "look-ups"),
	STAT(F, hits, "count", "look-ups that found their translation"),
	STAT(F, misses, "count", "look-ups that did not"),
	STAT(F, merged, "count", "look-ups that found it being walked, and waited"),
	STAT(F, permission_misses, "count",
	     "misses on an entry that did not allow the access, which was dropped"),
	STAT(F, neighbours, "pages", "pages that came into an entry along with the one that was asked for"),
	STAT(F, joins, "count", "fills that joined the entry of a neighbour"),
	STAT(F, dropped_above, "entries",
	     "entries of the levels nearer to the core that went because this inclusive one evicted theirs"),
	STAT(F, fills, "entries", "entries written"),
	STAT(F, evictions, "entries", "fills that replaced a valid entry"),
	STAT(F, invalidated, "entries", "entries removed by TLBI"),
	STAT(F, port_conflicts, "count", "look-ups that waited for a port of their bank"),
	STAT(F, port_wait_cycles, "cycles", "what they waited"),
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
	if (p->coalesce && !is_power_of_2(p->coalesce_pages))
		return err_set(err, ERR_CONFIG, "tlbs.%s.coalesce_pages: %" PRIu64 " is none of 2, 4, 8",
			       p->name, p->coalesce_pages);
	if (p->ports && p->level == 1)
		return err_set(err, ERR_CONFIG,
			       "tlbs.%s.ports: %" PRIu64
			       ", but a TLB of level 1 has as many as its core needs (0); levels 2 to 4 may "
			       "have fewer",
			       p->name, p->ports);
	if (p->ports && !is_power_of_2(p->banks))
		return err_set(err, ERR_CONFIG, "tlbs.%s.banks: %" PRIu64 " is not a power of 2", p->name,
			       p->banks);
	return OK;
}

static uint64_t held_sizes(uint64_t pages)
{
	uint64_t held = 0;
	for (unsigned i = 0; i < TLB_SIZE_COUNT; i++)
		if (bit_get(pages, i)) held |= UINT64_C(1) << tlb_size_bits[i];
	return held;
}

static void make_geometry(struct tlb *t, const struct tlb_params *p)
{
	t->ways = (unsigned)p->ways;
	t->sets = (unsigned)(p->entries / p->ways);
	t->set_bits = log2_floor(t->sets);
	t->set_mask = t->sets - 1;
	t->folded = p->index == TLB_INDEX_XOR || !is_power_of_2(t->sets);
	t->sizes_held = held_sizes(p->pages);
	t->slot_bits = p->coalesce ? log2_floor(p->coalesce_pages) : 0;
	t->plain = !t->slot_bits && p->inclusion != TLB_EXCLUSIVE;
	t->narrow = !t->slot_bits && !t->folded && t->ways <= LANES_U16;
	unsigned group = t->narrow ? LANES_U16 : 2 * LANES_U16;
	t->sig_stride = (t->ways + group - 1) / group * group;
}

/* Entry `i` and its pages stand where they stay. */
static void make_places(struct tlb *t, size_t i)
{
	struct tlb_entry *e = &t->entry[i], *page = tlb_pages(t, e);
	e->set = (uint32_t)(i / t->ways);
	e->way = (uint16_t)(i % t->ways);
	tlb_make_invalid(e);
	for (unsigned s = 0; t->slot_bits && s < 1u << t->slot_bits; s++) page[s] = *e;
}

static void number_touches(struct tlb *t)
{
	t->touched = xcalloc_lines(tlb_capacity(t), sizeof(*t->touched));
	t->order = tlb_order_new(t->sets, t->ways);
}

/* An order by recency is kept in place of the policy: in its word, or by numbers where it has none. */
static void choose_recency(struct tlb *t)
{
	if (t->slot_bits) return;
	if (t->policy->in_recency && t->ways <= RECENCY_NIBBLE_WAYS)
		t->recency = (uint64_t *)(void *)t->state.set;
	else if (t->policy->oldest_goes && t->ways <= TLB_NUMBERED_WAYS)
		number_touches(t);
	t->ordered = t->recency && t->sets == 1;
}

void tlb_expect_hits(struct tlb *t)
{
	if (!t->recency) return;
	assert(!t->sizes_present);
	t->recency = NULL;
	t->ordered = false;
	number_touches(t);
}

enum status tlb_new(const struct tlb_params *p, struct tlb **out, struct err *err)
{
	TRY(check_params(p, err));
	struct tlb *t = xcalloc_lines(1, sizeof(*t));
	t->params = *p;
	make_geometry(t, p);
	t->policy = repl_policies[p->policy];
	t->ports = tlb_ports_new(p);
	size_t pages = t->slot_bits ? tlb_capacity(t) << t->slot_bits : 0;
	t->entry = xcalloc_lines(tlb_capacity(t) + pages, sizeof(*t->entry));
	t->sig = xcalloc_lines((size_t)t->sets * t->sig_stride, sizeof(*t->sig));
	t->valid = xcalloc(t->sets, sizeof(*t->valid));
	t->state = repl_state_new(t->policy, t->sets, t->ways);
	t->mask = repl_touch_masks(t->policy, t->ways);
	choose_recency(t);
	for (size_t i = 0; i < tlb_capacity(t); i++) make_places(t, i);
	*out = t;
	return OK;
}

void tlb_free(struct tlb *t)
{
	if (!t) return;
	free(t->entry);
	free(t->sig);
	free(t->valid);
	free(t->victims);
	free(t->touched);
	tlb_order_free(t->order);
	free(t->mask);
	tlb_ports_free(t->ports);
	evictors_free(t->evictors);
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
	if (t->evictors)
		stats_add(s, evictors_stat_rows, evictors_stat_row_count, evictors_stats(t->evictors),
			  "%s.pollution", text);
}

/* --- change ---------------------------------------------------------------------------------------------------- */

static inline void count_in(struct tlb *t, unsigned bits)
{
	if (++t->size_count[bits] == tlb_capacity(t) && t->plain && !t->folded) t->full_of = bits;
	t->sizes_present |= UINT64_C(1) << bits;
}

static inline void count_out(struct tlb *t, unsigned bits)
{
	t->full_of = 0;
	if (--t->size_count[bits] == 0) t->sizes_present &= ~(UINT64_C(1) << bits);
}

void tlb_add(struct tlb *t, struct tlb_entry *e)
{
	*tlb_sig_of(t, e) = tlb_signature(e->va >> e->bits, e->bits);
	t->valid[e->set]++;
	count_in(t, e->bits);
	t->stats.fills++;
}

/* Takes an entry out of the books; its place holds it still. */
static void forget(struct tlb *t, const struct tlb_entry *e)
{
	assert(e->bits);
	*tlb_sig_of(t, e) = 0;
	t->valid[e->set]--;
	count_out(t, e->bits);
}

void tlb_remove(struct tlb *t, struct tlb_entry *e)
{
	forget(t, e);
	if (t->evictors) evictors_leave(t->evictors, e->set, e->way, NULL);
	tlb_make_invalid(e);
}

void tlb_drop(struct tlb *t, struct tlb_entry *e)
{
	if (t->slot_bits)
		lines_drop(t, e);
	else
		tlb_remove(t, e);
}

static void note_victims(struct tlb *t, const struct tlb_entry *e)
{
	t->victims->count = tlb_near(t, e, t->victims->page);
	if (!t->slot_bits) t->victims->page[t->victims->count++] = *e;
}

/* The way of the smallest number; without branches, as which one it is cannot be predicted. */
static inline unsigned oldest_way(const uint64_t *touched, unsigned ways)
{
	uint64_t least = touched[0];
	unsigned way = 0, w = 1;
	for (; w + 2 <= ways; w += 2) { /* two at a time, the lower way first where both are new */
		bool second = touched[w + 1] < touched[w];
		uint64_t pair = second ? touched[w + 1] : touched[w];
		bool less = pair < least;
		way = less ? w + second : way;
		least = less ? pair : least;
	}
	return w < ways && touched[w] < least ? w : way;
}

static unsigned victim_way(struct tlb *t, unsigned set)
{
	const uint64_t *touched = t->touched + (size_t)set * t->ways;
	if (t->order && tlb_order_pays(t->order, t->touches))
		return tlb_order_oldest(t->order, set, touched, t->touches);
	if (t->touched) return oldest_way(touched, t->ways);
	return t->policy->victim(tlb_state_of(t, set), t->ways);
}

static unsigned free_way(const struct tlb *t, unsigned set)
{
	const uint16_t *sig = &t->sig[(size_t)set * t->sig_stride];
	unsigned w = 0;
	while (sig[w]) w++;
	return w;
}

/* Who asks is told what is about to be evicted. */
static void note_gone(struct tlb *t, const struct tlb_entry *e)
{
	if (t->victims) note_victims(t, e);
	if (t->evictors) tlb_note_evicted(t, e);
}

struct tlb_entry *tlb_choose(struct tlb *t, unsigned set)
{
	struct tlb_entry *row = &t->entry[(size_t)set * t->ways];
	if (t->valid[set] < t->ways) return &row[free_way(t, set)];
	struct tlb_entry *e = &row[victim_way(t, set)];
	t->stats.evictions++;
	note_gone(t, e);
	lines_drop(t, e);
	return e;
}

/* The largest size held here that is not above 2^bits bytes; 0 when there is none. */
static unsigned piece_bits(const struct tlb *t, unsigned bits)
{
	uint64_t fit = t->sizes_held & bits_ones(bits + 1);
	return fit ? log2_floor(fit) : 0;
}

unsigned tlb_fill_bits(const struct tlb *t, const struct tlb_fill *f)
{
	return piece_bits(t, t->params.contiguous ? f->run_bits : f->bits);
}

/* Makes place for an entry of 2^bits bytes in `set`: returns its way. */
static inline unsigned make_place(struct tlb *t, unsigned set, unsigned bits)
{
	if (t->valid[set] < t->ways) {
		t->valid[set]++;
		count_in(t, bits);
		return free_way(t, set);
	}
	unsigned way = victim_way(t, set);
	const struct tlb_entry *e = &t->entry[(size_t)set * t->ways + way];
	t->stats.evictions++;
	note_gone(t, e);
	if (e->bits == bits) return way;
	count_out(t, e->bits);
	count_in(t, bits);
	return way;
}

/* Fills by a piece of 2^bits bytes, without lines. */
static struct tlb_entry *fill_piece(struct tlb *t, const struct tlb_fill *f, unsigned bits)
{
	uint64_t page = f->va >> bits;
	unsigned set = tlb_set_of(t, page), way = make_place(t, set, bits);
	struct tlb_entry *e = tlb_write(t, f, bits, set, way);
	tlb_note_fill(t, e, page);
	tlb_predict(t, f->va, e);
	return e;
}

struct tlb_entry *tlb_fill_any(struct tlb *t, const struct tlb_fill *f)
{
	unsigned bits = tlb_fill_bits(t, f);
	if (t->victims) t->victims->count = 0;
	if (!bits) return NULL;
	if (t->slot_bits) return lines_fill(t, f, bits);
	struct tlb_entry *e = fill_piece(t, f, bits);
	if (t->evictors) tlb_note_brought(t, e);
	return e;
}

struct tlb_entry *tlb_fill(struct tlb *t, const struct tlb_fill *f) { return tlb_fill_inline(t, f); }

unsigned tlb_take(struct tlb *t, struct tlb_entry *e, struct tlb_entry *near)
{
	unsigned count = tlb_near(t, e, near);
	tlb_drop(t, tlb_line_of(t, e));
	return count;
}

void tlb_keep_victims(struct tlb *t)
{
	t->plain = false;
	if (!t->victims) t->victims = xcalloc(1, sizeof(*t->victims));
}

/* Each translation of entry or line `e`, which is valid. */
static void each_of(struct tlb *t, struct tlb_entry *e, tlb_entry_fn *fn, void *ctx)
{
	struct tlb_entry *page = tlb_pages(t, e);
	if (!t->slot_bits) fn(ctx, t, e);
	for (unsigned s = 0; t->slot_bits && s < 1u << t->slot_bits; s++)
		if (page[s].bits) fn(ctx, t, &page[s]);
}

/* By signatures: they are dense, and most sets of a large TLB may be empty. */
void tlb_each(struct tlb *t, tlb_entry_fn *fn, void *ctx)
{
	for (unsigned set = 0; set < t->sets; set++) {
		const uint16_t *sig = &t->sig[(size_t)set * t->sig_stride];
		unsigned left = t->valid[set];
		for (unsigned way = 0; left && way < t->ways; way++) {
			if (!sig[way]) continue;
			left--;
			each_of(t, &t->entry[(size_t)set * t->ways + way], fn, ctx);
		}
	}
}

struct removal {
	const struct tlb_match *match;
	unsigned dropped;
};

static void drop_if_taken(void *ctx, struct tlb *t, struct tlb_entry *e)
{
	struct removal *r = ctx;
	if (!tlb_match_takes(r->match, e)) return;
	tlb_drop(t, e);
	r->dropped++;
}

unsigned tlb_invalidate(struct tlb *t, const struct tlb_match *m)
{
	struct removal r = {.match = m};
	if (!t->sizes_present) return 0;
	tlb_each(t, drop_if_taken, &r);
	if (t->evictors) tlb_forget_evicted(t, m);
	t->stats.invalidated += r.dropped;
	return r.dropped;
}

static void check_entry(const struct tlb *t, const struct tlb_entry *e)
{
	uint64_t page = e->va >> e->bits;
	assert(t->sig[(size_t)e->set * t->sig_stride + e->way] == tlb_signature(page, e->bits));
	assert(tlb_set_of(t, page) == e->set && !(e->va & ~e->va_mask) && !(e->pa & ~e->va_mask));
	assert(bit_get(t->sizes_held, e->bits - t->slot_bits));
}

static unsigned check_set(const struct tlb *t, unsigned set, uint32_t count[64])
{
	unsigned valid = 0;
	for (unsigned way = 0; way < t->ways; way++) {
		const struct tlb_entry *e = &t->entry[(size_t)set * t->ways + way];
		uint16_t sig = t->sig[(size_t)set * t->sig_stride + way];
		assert(e->set == set && e->way == way && !e->bits == !sig);
		if (t->slot_bits) lines_check(t, e);
		if (!sig) continue;
		check_entry(t, e);
		count[e->bits]++;
		valid++;
	}
	return valid;
}

void tlb_check(const struct tlb *t)
{
	uint32_t count[64] = {0};
	for (unsigned set = 0; set < t->sets; set++) assert(check_set(t, set, count) == t->valid[set]);
	assert(!t->full_of || t->size_count[t->full_of] == tlb_capacity(t));
	for (unsigned b = 0; b < 64; b++)
		assert(count[b] == t->size_count[b] && !count[b] == !bit_get(t->sizes_present, b));
}
