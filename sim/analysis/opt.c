#include "analysis/opt.h"

#include <stdlib.h>

#include "analysis/page_ids.h"
#include "base/alloc.h"
#include "base/bits.h"

/* Levels of 64-way sums of bits: 64^6 is more than any stream has accesses. */
enum { OPT_LEVELS = 6, NEVER = 0 };

struct opt {
	struct page_ids ids;
	uint32_t *
		use; /* page of each access; opt_misses turns it into the next access to that page, NEVER: none */
	size_t count, cap;
	bool linked;
};

struct opt *opt_new(void) { return xcalloc(1, sizeof(struct opt)); }

void opt_free(struct opt *o)
{
	if (!o) return;
	page_ids_free(&o->ids);
	free(o->use);
	free(o);
}

void opt_add(void *opt, const uint64_t *page, size_t n)
{
	struct opt *o = opt;
	while (o->count + n > o->cap) {
		o->cap = o->cap ? 2 * o->cap : 65536;
		o->use = xrealloc(o->use, o->cap, sizeof(*o->use));
	}
	for (size_t i = 0; i < n; i++) o->use[o->count++] = page_id(&o->ids, page[i]);
}

/* Turns pages into the times of their next use. Time 0 is nobody's next use, hence NEVER. */
static void link_uses(struct opt *o)
{
	uint32_t *next = xcalloc(o->ids.count, sizeof(*next));
	for (size_t i = o->count; i-- > 0;) {
		uint32_t page = o->use[i];
		o->use[i] = next[page];
		next[page] = (uint32_t)i;
	}
	free(next);
	o->linked = true;
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

enum status opt_misses(struct opt *o, uint64_t entries, uint64_t *out, struct err *err)
{
	struct times resident; /* by next use */
	uint64_t dead = 0, free_entries = entries;
	if (o->count >= UINT32_MAX)
		return err_set(err, ERR_INPUT, "OPT: the stream has more than 2^32 - 2 changes of page");
	if (!o->linked) link_uses(o);
	times_init(&resident, o->count);
	*out = 0;
	for (size_t i = 0; i < o->count; i++) {
		if (times_has(&resident, i)) {
			times_remove(&resident, i);
		} else {
			++*out;
			if (free_entries)
				free_entries--;
			else if (dead)
				dead--;
			else
				times_remove(&resident, times_last(&resident));
		}
		if (o->use[i] == NEVER)
			dead++;
		else
			times_add(&resident, o->use[i]);
	}
	times_free(&resident);
	return OK;
}
