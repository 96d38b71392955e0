#include "analysis/stack.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* A word is 64 slots, a small sum 8 words, a large sum 64 small ones. */
enum { WORD_BITS = 64, SUM_WORDS = 8, SUM_SUMS = 64, SUM0_SLOTS = WORD_BITS * SUM_WORDS };
enum { SUM1_SLOTS = SUM0_SLOTS * SUM_SUMS };

/* --- counting bits ----------------------------------------------------------------------------------------------- */

/* The bits set in each byte, as bytes. Source: the usual halving, e.g. Warren, Hacker's Delight, 5-1. */
static inline uint64_t byte_counts(uint64_t x)
{
	x -= x >> 1 & UINT64_C(0x5555555555555555);
	x = (x & UINT64_C(0x3333333333333333)) + (x >> 2 & UINT64_C(0x3333333333333333));
	return (x + (x >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
}

static inline uint32_t add_bytes(uint64_t bytes)
{
	uint64_t even = bytes & UINT64_C(0x00ff00ff00ff00ff), odd = bytes >> 8 & UINT64_C(0x00ff00ff00ff00ff);
	return (uint32_t)((even + odd) * UINT64_C(0x0001000100010001) >> 48);
}

/* Bits set behind `slot`: the rest of its word, of its 8 words, of its 512 words, and all large sums after. */
static uint32_t count_behind(const struct timeline *t, uint32_t slot)
{
	uint32_t word = slot / WORD_BITS, end = (t->head + WORD_BITS - 1) / WORD_BITS, n = 0;
	uint64_t bytes = byte_counts(t->bits[word] >> (slot % WORD_BITS) >> 1);
	for (word++; word < end && word % SUM_WORDS; word++) bytes += byte_counts(t->bits[word]);
	uint32_t small = (word + SUM_WORDS - 1) / SUM_WORDS, small_end = (end + SUM_WORDS - 1) / SUM_WORDS;
	for (; small < small_end && small % SUM_SUMS; small++) n += t->sum[0][small];
	uint32_t large = (small + SUM_SUMS - 1) / SUM_SUMS, large_end = (small_end + SUM_SUMS - 1) / SUM_SUMS;
	for (; large < large_end; large++) n += t->sum[1][large];
	return n + add_bytes(bytes);
}

/* --- the line of time -------------------------------------------------------------------------------------------- */

static void timeline_free(struct timeline *t)
{
	free(t->id_at);
	free(t->bits);
	free(t->sum[0]);
	free(t->sum[1]);
}

static void timeline_alloc(struct timeline *t, uint32_t slots)
{
	*t = (struct timeline){.slots = slots};
	t->id_at = xcalloc(slots, sizeof(*t->id_at));
	t->bits = xcalloc(slots / WORD_BITS, sizeof(*t->bits));
	t->sum[0] = xcalloc(slots / SUM0_SLOTS + 1, sizeof(*t->sum[0]));
	t->sum[1] = xcalloc(slots / SUM1_SLOTS + 1, sizeof(*t->sum[1]));
}

static inline void set_slot(struct timeline *t, uint32_t slot)
{
	t->bits[slot / WORD_BITS] |= UINT64_C(1) << slot % WORD_BITS;
	t->sum[0][slot / SUM0_SLOTS]++;
	t->sum[1][slot / SUM1_SLOTS]++;
	t->live++;
}

static inline void clear_slot(struct timeline *t, uint32_t slot)
{
	t->bits[slot / WORD_BITS] &= ~(UINT64_C(1) << slot % WORD_BITS);
	t->sum[0][slot / SUM0_SLOTS]--;
	t->sum[1][slot / SUM1_SLOTS]--;
	t->live--;
}

static inline void append(struct timeline *t, uint32_t id, uint32_t *slot_of)
{
	slot_of[id] = t->head;
	t->id_at[t->head] = id;
	set_slot(t, t->head++);
}

/* Closes up the gaps, in a line with at least as much room again as there are pages. */
static __attribute__((noinline)) void close_up(struct timeline *t, uint32_t *slot_of)
{
	struct timeline fresh;
	uint64_t slots = t->slots ? t->slots : WORD_BITS;
	while (slots < 2 * (uint64_t)t->live + 2) slots *= 2;
	timeline_alloc(&fresh, (uint32_t)(slots < UINT32_MAX ? slots : UINT32_MAX / WORD_BITS * WORD_BITS));
	for (uint32_t word = 0; word < t->slots / WORD_BITS; word++)
		for (uint64_t bits = t->bits[word]; bits; bits &= bits - 1)
			append(&fresh, t->id_at[word * WORD_BITS + (uint32_t)__builtin_ctzll(bits)], slot_of);
	timeline_free(t);
	*t = fresh;
}

/* --- the stack --------------------------------------------------------------------------------------------------- */

void lru_stack_init(struct lru_stack *s) { *s = (struct lru_stack){0}; }
void lru_stack_free(struct lru_stack *s) { timeline_free(&s->below); }

/* Makes room at the top by moving down the first `n` of it, and puts the page there. */
static inline void put_on_top(struct lru_stack *s, unsigned n, uint64_t page, uint32_t id)
{
	for (unsigned i = n; i > 0; i--) {
		s->top[i] = s->top[i - 1];
		s->top_id[i] = s->top_id[i - 1];
	}
	s->top[0] = page + 1;
	s->top_id[0] = id;
}

static void know_page(struct stack_pages *p, uint32_t id)
{
	if (id < p->cap) return;
	size_t cap = p->cap ? 2 * p->cap : 1024;
	while (cap <= id) cap *= 2;
	p->slot = xrealloc(p->slot, cap, sizeof(*p->slot));
	memset(p->slot + p->cap, 0xff, (cap - p->cap) * sizeof(*p->slot)); /* STACK_NEVER */
	p->cap = cap;
}

/* Takes the page out of the line of time. Returns its distance, 0 when it is new. */
static uint32_t take(struct timeline *t, uint32_t slot)
{
	if (slot == STACK_NEVER) return 0;
	uint32_t behind = count_behind(t, slot);
	clear_slot(t, slot);
	return STACK_TOP + behind + 1;
}

uint32_t lru_stack_access(struct lru_stack *s, struct stack_pages *pages, uint64_t page)
{
	for (unsigned i = 0; i < STACK_TOP; i++) {
		if (s->top[i] != page + 1) continue;
		put_on_top(s, i, page, s->top_id[i]);
		return i + 1;
	}
	uint32_t id = page_id(pages->ids, page);
	know_page(pages, id);
	uint32_t distance = take(&s->below, pages->slot[id]);
	if (s->top[STACK_TOP - 1]) {
		if (s->below.head == s->below.slots) close_up(&s->below, pages->slot);
		append(&s->below, s->top_id[STACK_TOP - 1], pages->slot);
	}
	put_on_top(s, STACK_TOP - 1, page, id);
	return distance;
}
