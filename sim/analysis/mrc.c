#include "analysis/mrc.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "analysis/stack.h"
#include "base/alloc.h"
#include "base/bits.h"

/* A curve that is being made. */
struct builder {
	struct mrc_curve curve;
	struct stack_pages pages;
	struct lru_stack *stack; /* per set */
	struct feed *feed;
};

/* Curves that see the same pages: one filter and one table of page numbers for all of them. */
struct feed {
	struct page_stream stream;
	struct page_ids ids;
	struct builder **builder;
	size_t builders;
};

struct mrc {
	struct builder *builder;
	struct feed *feed;
	size_t builders, feeds;
};

/* --- counting ---------------------------------------------------------------------------------------------------- */

static __attribute__((noinline)) void counts_grow(struct mrc_counts *c, uint32_t distance)
{
	uint32_t cap = c->cap ? c->cap : 64;
	while (cap <= distance) cap = cap > UINT32_MAX / 2 ? UINT32_MAX : 2 * cap;
	c->at = xrealloc(c->at, cap, sizeof(*c->at));
	for (uint32_t i = c->cap; i < cap; i++) c->at[i] = 0;
	c->cap = cap;
}

static inline void counts_add(struct mrc_counts *c, uint32_t distance)
{
	if (!distance) {
		c->cold++;
		return;
	}
	if (distance >= c->cap) counts_grow(c, distance);
	c->at[distance]++;
}

static void counts_finish(struct mrc_counts *c)
{
	c->max = c->cap ? c->cap - 1 : 0;
	while (c->max && !c->at[c->max]) c->max--;
	c->above = xcalloc((size_t)c->max + 1, sizeof(*c->above));
	c->above[c->max] = c->cold;
	for (uint32_t d = c->max; d > 0; d--) c->above[d - 1] = c->above[d] + c->at[d];
}

static void counts_reset(struct mrc_counts *c)
{
	c->cold = 0;
	for (uint32_t d = 0; d < c->cap; d++) c->at[d] = 0;
}

static void counts_free(struct mrc_counts *c)
{
	free(c->at);
	free(c->above);
}

/* --- feeding ----------------------------------------------------------------------------------------------------- */

static void add_exact(struct builder *b, const uint64_t *page, size_t n)
{
	uint32_t sets = b->curve.spec.sets;
	uint64_t mask = is_power_of_2(sets) ? sets - 1 : 0;
	for (size_t i = 0; i < n; i++) {
		uint64_t set = mask || sets == 1 ? page[i] & mask : page_of_key(page[i]) % sets;
		counts_add(&b->curve.all, lru_stack_access(&b->stack[set], &b->pages, page[i]));
	}
}

/* The finalizer of SplitMix64: every bit of the result depends on every bit of the page. */
static inline uint64_t hash_of(uint64_t page)
{
	page = (page ^ page >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	page = (page ^ page >> 27) * UINT64_C(0x94d049bb133111eb);
	return page ^ page >> 31;
}

static void add_sampled(struct builder *b, const uint64_t *page, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t hash = hash_of(page[i] + 1);
		if (hash % MRC_RATE_ONE >= b->curve.spec.rate) continue;
		unsigned g = (unsigned)(hash >> 32) % MRC_GROUPS;
		uint32_t distance = lru_stack_access(b->stack, &b->pages, page[i]);
		counts_add(&b->curve.all, distance);
		counts_add(&b->curve.group[g], distance);
	}
}

static void feed_builders(void *ctx, const uint64_t *page, size_t n)
{
	struct feed *f = ctx;
	for (size_t i = 0; i < f->builders; i++) {
		if (f->builder[i]->curve.spec.rate < MRC_RATE_ONE)
			add_sampled(f->builder[i], page, n);
		else
			add_exact(f->builder[i], page, n);
	}
}

void mrc_add(struct mrc *m, const struct record *r, size_t n)
{
	for (size_t i = 0; i < m->feeds; i++) page_stream_add(&m->feed[i].stream, r, n);
}

static void restart(struct builder *b)
{
	b->curve.pages += b->curve.all.cold;
	counts_reset(&b->curve.all);
	for (unsigned g = 0; g < MRC_GROUPS; g++) counts_reset(&b->curve.group[g]);
}

bool mrc_overflows(const struct mrc *m)
{
	for (size_t i = 0; i < m->feeds; i++)
		if (m->feed[i].stream.overflows) return true;
	return false;
}

void mrc_restart(struct mrc *m)
{
	for (size_t i = 0; i < m->feeds; i++) page_stream_restart(&m->feed[i].stream);
	for (size_t i = 0; i < m->builders; i++) restart(&m->builder[i]);
}

static void finish(struct builder *b)
{
	struct mrc_curve *c = &b->curve;
	c->accesses = b->feed->stream.accesses;
	c->pages += c->all.cold;
	counts_finish(&c->all);
	for (unsigned g = 0; g < MRC_GROUPS; g++) counts_finish(&c->group[g]);
}

void mrc_finish(struct mrc *m)
{
	for (size_t i = 0; i < m->feeds; i++) page_stream_flush(&m->feed[i].stream);
	for (size_t i = 0; i < m->builders; i++) finish(&m->builder[i]);
}

/* --- building ---------------------------------------------------------------------------------------------------- */

static enum status check_spec(const struct mrc_spec *s, struct err *err)
{
	if (s->page_bits < 12 || s->page_bits > 63)
		return err_set(err, ERR_USAGE, "page size: 2^%u bytes is outside 2^12..2^63", s->page_bits);
	if (!s->sets || s->sets > MRC_SETS_MAX)
		return err_set(err, ERR_USAGE, "sets: %" PRIu32 " is outside 1..%d", s->sets, MRC_SETS_MAX);
	if (!s->rate || s->rate > MRC_RATE_ONE)
		return err_set(err, ERR_USAGE, "sampling rate: %" PRIu32 "/2^24 is outside 0..1, 0 excluded",
			       s->rate);
	if (s->rate < MRC_RATE_ONE && s->sets != 1)
		return err_set(err, ERR_USAGE,
			       "sampling: %" PRIu32 " sets; sampled curves are fully associative (1 set)",
			       s->sets);
	return OK;
}

static struct feed *find_feed(struct mrc *m, const struct mrc_spec *s)
{
	for (size_t i = 0; i < m->feeds; i++)
		if (m->feed[i].stream.side == s->side && m->feed[i].stream.page_bits == s->page_bits &&
		    m->feed[i].stream.split == s->split)
			return &m->feed[i];
	struct feed *f = &m->feed[m->feeds++];
	f->stream.side = s->side;
	f->stream.page_bits = s->page_bits;
	f->stream.split = s->split;
	f->stream.sink = feed_builders;
	f->stream.ctx = f;
	return f;
}

static struct lru_stack *make_stacks(size_t count)
{
	struct lru_stack *s = xcalloc(count, sizeof(*s));
	for (size_t i = 0; i < count; i++) lru_stack_init(&s[i]);
	return s;
}

static void build(struct mrc *m, struct builder *b, const struct mrc_spec *s)
{
	struct feed *f = find_feed(m, s);
	b->curve.spec = *s;
	b->feed = f;
	b->stack = make_stacks(s->sets);
	b->pages.ids = &f->ids;
	f->builder = xrealloc(f->builder, f->builders + 1, sizeof(struct builder *));
	f->builder[f->builders++] = b;
}

enum status mrc_new(const struct mrc_spec *spec, size_t count, struct mrc **out, struct err *err)
{
	for (size_t i = 0; i < count; i++) TRY(check_spec(&spec[i], err));
	struct mrc *m = xcalloc(1, sizeof(*m));
	m->builders = count;
	m->builder = xcalloc(count, sizeof(*m->builder));
	m->feed = xcalloc(count, sizeof(*m->feed)); /* at most one each */
	for (size_t i = 0; i < count; i++) build(m, &m->builder[i], &spec[i]);
	*out = m;
	return OK;
}

static void free_stacks(struct lru_stack *s, size_t count)
{
	for (size_t i = 0; s && i < count; i++) lru_stack_free(&s[i]);
	free(s);
}

static void free_builder(struct builder *b)
{
	free_stacks(b->stack, b->curve.spec.sets);
	free(b->pages.slot);
	counts_free(&b->curve.all);
	for (unsigned g = 0; g < MRC_GROUPS; g++) counts_free(&b->curve.group[g]);
}

void mrc_free(struct mrc *m)
{
	if (!m) return;
	for (size_t i = 0; i < m->builders; i++) free_builder(&m->builder[i]);
	for (size_t i = 0; i < m->feeds; i++) {
		page_ids_free(&m->feed[i].ids);
		page_stream_fini(&m->feed[i].stream);
		free(m->feed[i].builder);
	}
	free(m->builder);
	free(m->feed);
	free(m);
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

const struct mrc_curve *mrc_curve(const struct mrc *m, size_t i) { return &m->builder[i].curve; }

/* The largest distance among the followed that `ways` hold: with k of them, 1 + (k - 1) * ONE / rate <= ways. */
static uint64_t held(uint64_t ways, uint64_t rate)
{
	return 1 + (uint64_t)((u128_t)(ways - 1) * rate / MRC_RATE_ONE);
}

/* Uses at distances that `ways` do not hold. */
static uint64_t missed(const struct mrc_counts *c, uint64_t ways, uint64_t rate)
{
	uint64_t d = ways ? held(ways, rate) : 0;
	return c->above[d < c->max ? d : c->max];
}

uint64_t mrc_misses(const struct mrc_curve *c, uint64_t ways)
{
	u128_t n = missed(&c->all, ways, c->spec.rate);
	uint64_t misses = (uint64_t)((n * MRC_RATE_ONE + c->spec.rate / 2) / c->spec.rate);
	return misses < c->accesses
		       ? misses
		       : c->accesses; /* a sample of hot pages may stand for more than there is */
}

double mrc_miss_ratio(const struct mrc_curve *c, uint64_t ways)
{
	return c->accesses ? (double)mrc_misses(c, ways) / (double)c->accesses : 0;
}

bool mrc_resolves(const struct mrc_curve *c, uint64_t ways)
{
	if (c->spec.rate == MRC_RATE_ONE) return true;
	return c->pages >= MRC_LEAST_PAGES && held(ways, c->spec.rate) >= MRC_LEAST_HELD;
}

/* Variance of the misses, unscaled, by the spread of what groups of the followed pages contribute. */
static double page_variance(const struct mrc_curve *c, uint64_t ways)
{
	double sum = 0, squares = 0;
	for (unsigned g = 0; g < MRC_GROUPS; g++) {
		double n = (double)missed(&c->group[g], ways, c->spec.rate);
		sum += n;
		squares += n * n;
	}
	return (squares - sum * sum / MRC_GROUPS) * MRC_GROUPS / (MRC_GROUPS - 1);
}

/* How far the curve may be off because a distance is: as far as it goes, down or up, within the error of a distance. */
static double distance_error(const struct mrc_curve *c, uint64_t ways, double rate)
{
	uint64_t shift = (uint64_t)ceil(sqrt((1 - rate) * (double)ways / rate));
	double here = mrc_miss_ratio(c, ways), fewer = mrc_miss_ratio(c, ways > shift ? ways - shift : 1);
	return fmax(fewer - here, here - mrc_miss_ratio(c, ways + shift));
}

double mrc_standard_error(const struct mrc_curve *c, uint64_t ways)
{
	if (c->spec.rate == MRC_RATE_ONE || !c->accesses) return 0;
	double rate = (double)c->spec.rate / MRC_RATE_ONE, spread = (1 - rate) * page_variance(c, ways);
	double drawn = spread > 0 ? sqrt(spread) / (rate * (double)c->accesses) : 0;
	return drawn + distance_error(c, ways, rate);
}

uint64_t mrc_next_step(const struct mrc_curve *c, uint64_t ways)
{
	uint64_t d = ways ? held(ways, c->spec.rate) : 0;
	do {
		if (++d > c->all.max) return 0;
	} while (!c->all.at[d]);
	return 1 + (uint64_t)(((u128_t)(d - 1) * MRC_RATE_ONE + c->spec.rate - 1) / c->spec.rate);
}
