#include "hyp/dirty_bitmap.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bits.h"

struct dirty_bitmap {
	uint64_t pages, words;
	uint64_t *word;
};

struct dirty_bitmap *dirty_bitmap_new(uint64_t pages, bool all)
{
	struct dirty_bitmap *l = xcalloc(1, sizeof(*l));
	unsigned rest = (unsigned)(pages & bits_ones(DIRTY_BITMAP_WORD_BITS));
	l->pages = pages;
	l->words = (pages >> DIRTY_BITMAP_WORD_BITS) + (rest != 0);
	l->word = xcalloc(l->words + 1, sizeof(*l->word));
	if (!all) return l;
	memset(l->word, 0xff, l->words * sizeof(*l->word));
	if (rest) l->word[l->words - 1] = bits_ones(rest);
	return l;
}

void dirty_bitmap_free(struct dirty_bitmap *l)
{
	if (!l) return;
	free(l->word);
	free(l);
}

bool dirty_bitmap_mark(struct dirty_bitmap *l, uint64_t page)
{
	uint64_t *word = &l->word[page >> DIRTY_BITMAP_WORD_BITS];
	uint64_t bit = UINT64_C(1) << (page & bits_ones(DIRTY_BITMAP_WORD_BITS));
	assert(page < l->pages);
	if (*word & bit) return false;
	*word |= bit;
	return true;
}

uint64_t dirty_bitmap_words(const struct dirty_bitmap *l) { return l->words; }

uint64_t dirty_bitmap_take(struct dirty_bitmap *l, uint64_t word)
{
	uint64_t bits = l->word[word];
	l->word[word] = 0;
	return bits;
}
