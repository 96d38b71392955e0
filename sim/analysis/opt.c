#include "analysis/opt.h"

#include <stdlib.h>

#include "analysis/page_ids.h"
#include "analysis/pages.h"
#include "base/alloc.h"
#include "base/bits.h"

/* Levels of 64-way sums of bits: 64^6 is more than any stream has accesses. */
enum { OPT_LEVELS = 6, NEVER = 0 };

struct opt {
	struct page_ids ids;
	uint64_t *page; /* keys, by id */
	size_t pages, pages_cap;
	uint32_t *use; /* id of the page of each access */
	size_t count, cap;
	size_t warm;    /* accesses of the warm-up */
	size_t *skip;   /* of each set, those of the warm-up */
	uint32_t sets;  /* that `next` is sorted by; 0: it is not yet */
	size_t *begin;  /* of each set's accesses in `next`; one more: the end */
	uint32_t *next; /* of each access: the next one to its page, counted within the set; NEVER: none */
};

struct opt *opt_new(void) { return xcalloc(1, sizeof(struct opt)); }

void opt_free(struct opt *o)
{
	if (!o) return;
	page_ids_free(&o->ids);
	free(o->page);
	free(o->use);
	free(o->begin);
	free(o->skip);
	free(o->next);
	free(o);
}

static void add_page(struct opt *o, uint64_t page)
{
	if (o->pages == o->pages_cap) {
		o->pages_cap = o->pages_cap ? 2 * o->pages_cap : 1024;
		o->page = xrealloc(o->page, o->pages_cap, sizeof(*o->page));
	}
	o->page[o->pages++] = page;
}

void opt_add(void *opt, const uint64_t *page, size_t n)
{
	struct opt *o = opt;
	while (o->count + n > o->cap) {
		o->cap = o->cap ? 2 * o->cap : 65536;
		o->use = xrealloc(o->use, o->cap, sizeof(*o->use));
	}
	for (size_t i = 0; i < n; i++) {
		uint32_t id = page_id(&o->ids, page[i]);
		if (id == o->pages) add_page(o, page[i]);
		o->use[o->count++] = id;
	}
	o->sets = 0;
}

void opt_restart(struct opt *o)
{
	o->warm = o->count;
	o->sets = 0;
}

static uint32_t set_of(const struct opt *o, uint32_t sets, uint32_t id)
{
	return (uint32_t)(page_of_key(o->page[id]) % sets);
}

/* Puts the ids of the accesses of each set behind each other. */
static void sort_by_set(struct opt *o, uint32_t sets)
{
	o->begin = xrealloc(o->begin, (size_t)sets + 1, sizeof(*o->begin));
	o->next = xrealloc(o->next, o->count + 1, sizeof(*o->next));
	o->skip = xrealloc(o->skip, sets, sizeof(*o->skip));
	size_t *end = xcalloc(sets, sizeof(*end));
	for (size_t i = 0; i < o->warm; i++) end[set_of(o, sets, o->use[i])]++;
	for (uint32_t s = 0; s < sets; s++) o->skip[s] = end[s];
	for (size_t i = o->warm; i < o->count; i++) end[set_of(o, sets, o->use[i])]++;
	o->begin[0] = 0;
	for (uint32_t s = 0; s < sets; s++) {
		o->begin[s + 1] = o->begin[s] + end[s];
		end[s] = o->begin[s];
	}
	for (size_t i = 0; i < o->count; i++) o->next[end[set_of(o, sets, o->use[i])]++] = o->use[i];
	free(end);
}

/* Turns ids into the times of their next use. Time 0 is nobody's next use, hence NEVER. */
static void link_uses(struct opt *o, uint32_t sets)
{
	uint32_t *next_of = xcalloc(o->pages + 1, sizeof(*next_of));
	sort_by_set(o, sets);
	for (uint32_t s = 0; s < sets; s++)
		for (size_t i = o->begin[s + 1]; i-- > o->begin[s];) {
			uint32_t id = o->next[i];
			o->next[i] = next_of[id];
			next_of[id] = (uint32_t)(i - o->begin[s]);
		}
	free(next_of);
	o->sets = sets;
}

/* --- a set of times, whose last member is found at once ----------------------------------------------------------- */

struct times {
	uint64_t *word[OPT_LEVELS]; /* a bit of level l + 1: its word of level l is not empty */
	unsigned levels;
};

static void times_init(struct times *t, size_t count)
{
	*t = (struct times){0};
	do {
		count = (count + 63) / 64;
		t->word[t->levels++] = xcalloc(count, sizeof(uint64_t));
	} while (count > 1);
}

static void times_free(struct times *t)
{
	for (unsigned l = 0; l < t->levels; l++) free(t->word[l]);
}

static bool times_has(const struct times *t, size_t at) { return bit_get(t->word[0][at / 64], at % 64); }

static void times_add(struct times *t, size_t at)
{
	for (unsigned l = 0; l < t->levels; l++, at /= 64) t->word[l][at / 64] |= UINT64_C(1) << at % 64;
}

static void times_remove(struct times *t, size_t at)
{
	for (unsigned l = 0; l < t->levels; l++, at /= 64) {
		t->word[l][at / 64] &= ~(UINT64_C(1) << at % 64);
		if (t->word[l][at / 64]) return;
	}
}

/* There is one. */
static size_t times_last(const struct times *t)
{
	size_t at = 0;
	for (unsigned l = t->levels; l-- > 0;) at = 64 * at + log2_floor(t->word[l][at]);
	return at;
}

/* --- replay ------------------------------------------------------------------------------------------------------ */

/* Misses of one set of `ways`, whose accesses are next[0..count-1]; the first `skip` do not count. */
static uint64_t replay(const uint32_t *next, size_t count, size_t skip, uint64_t ways)
{
	struct times resident; /* by next use */
	uint64_t dead = 0, free_ways = ways, misses = 0;
	times_init(&resident, count);
	for (size_t i = 0; i < count; i++) {
		if (times_has(&resident, i)) {
			times_remove(&resident, i);
		} else {
			misses += i >= skip;
			if (free_ways)
				free_ways--;
			else if (dead)
				dead--;
			else
				times_remove(&resident, times_last(&resident));
		}
		if (next[i] == NEVER)
			dead++;
		else
			times_add(&resident, next[i]);
	}
	times_free(&resident);
	return misses;
}

enum status opt_misses(struct opt *o, uint32_t sets, uint64_t ways, uint64_t *out, struct err *err)
{
	if (o->count >= UINT32_MAX)
		return err_set(err, ERR_INPUT, "OPT: the stream has more than 2^32 - 2 changes of page");
	if (o->sets != sets) link_uses(o, sets);
	*out = 0;
	for (uint32_t s = 0; s < sets; s++)
		*out += replay(o->next + o->begin[s], o->begin[s + 1] - o->begin[s], o->skip[s], ways);
	return OK;
}
