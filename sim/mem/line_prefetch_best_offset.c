/* Best-offset prefetching: of a list of offsets, that one is used with which the most lines would lately have come in time.
 *
 * When a prefetched line X + D arrives, X goes into the table of recent requests; so for an offset d, that X - d is found there when X is
 * asked for says that a prefetch from X - d by d would have arrived by then. Each request that misses, or uses a prefetched line first, tries one offset
 * of the list and counts what it finds. After ROUND_MAX rounds through the list, or once a score is SCORE_MAX, the best offset is taken, unless
 * its score is BAD_SCORE or less: then nothing is prefetched, and lines that misses bring are the recent requests, until another
 * phase has found better.
 * A line under way is kept in mind until the first request behind its arrival; of more than PENDING, the oldest count as arrived.
 * Source: Michaud, HPCA 2016: 52 offsets up to 256 with the prime factors 2, 3 and 5; 256 rows with tags of 12 bits.
 * Offsets beyond the frame never find anything, as base and line have to lie in one.
 */
#include "mem/line_prefetch.h"

enum {
	OFFSETS = 52,
	SCORE_MAX = 31,
	ROUND_MAX = 100,
	BAD_SCORE = 1,
	RECENT = 256,
	TAG_BITS = 12,
	PENDING = 64
};

static const uint16_t offsets[OFFSETS] = {1,   2,   3,   4,   5,   6,   8,   9,   10,  12,  15,  16,  18,
					  20,  24,  25,  27,  30,  32,  36,  40,  45,  48,  50,  54,  60,
					  64,  72,  75,  80,  81,  90,  96,  100, 108, 120, 125, 128, 135,
					  144, 150, 160, 162, 180, 192, 200, 216, 225, 240, 243, 250, 256};

struct pending {
	uint64_t line;
	cycles_t done; /* 0: none */
};

struct best_offset_state {
	uint16_t recent[RECENT]; /* tag + 1; 0: none */
	uint8_t score[OFFSETS];
	uint32_t at, round; /* the offset to try next, of which round */
	uint32_t offset;    /* in use; 0: none */
	uint32_t learned;   /* a phase has ended: until then the offset is 1 */
	struct pending pending[PENDING];
	uint64_t next_pending;
};

static size_t best_offset_state_bytes(const struct line_prefetch_params *p)
{
	(void)p;
	return sizeof(struct best_offset_state);
}

static uint32_t offset_of(const struct best_offset_state *s) { return s->learned ? s->offset : 1; }

/* --- recent requests ---------------------------------------------------------------------------------------------- */

static uint16_t *row_of(struct best_offset_state *s, uint64_t line)
{
	return &s->recent[(line ^ line >> 8) % RECENT];
}

static uint16_t tag_of(uint64_t line) { return (uint16_t)((line >> 8 & ((1u << TAG_BITS) - 1)) + 1); }

static void remember(struct best_offset_state *s, uint64_t line) { *row_of(s, line) = tag_of(line); }

static void keep_until(struct best_offset_state *s, uint64_t line, cycles_t done)
{
	struct pending *p = &s->pending[s->next_pending++ % PENDING];
	if (p->done) remember(s, p->line);
	*p = (struct pending){line, done ? done : 1};
}

/* In the order in which they were asked for. */
static void take_arrived(struct best_offset_state *s, cycles_t now)
{
	for (uint64_t i = 0; i < PENDING; i++) {
		struct pending *p = &s->pending[(s->next_pending + i) % PENDING];
		if (!p->done || p->done > now) continue;
		remember(s, p->line);
		p->done = 0;
	}
}

static void best_offset_brought(void *state, uint64_t line, unsigned line_bits, cycles_t done, bool ahead)
{
	struct best_offset_state *s = state;
	uint32_t offset = offset_of(s);
	if (ahead != (offset != 0)) return; /* while it prefetches, what misses bring is not remembered */
	if (line_prefetch_same_frame(line, line - offset, line_bits)) keep_until(s, line - offset, done);
}

/* --- learning ----------------------------------------------------------------------------------------------------- */

/* The first of the best scores decides. */
static void end_phase(struct best_offset_state *s)
{
	unsigned best = 0;
	for (unsigned i = 1; i < OFFSETS; i++)
		if (s->score[i] > s->score[best]) best = i;
	s->offset = s->score[best] > BAD_SCORE ? offsets[best] : 0;
	s->learned = 1;
	s->at = s->round = 0;
	for (unsigned i = 0; i < OFFSETS; i++) s->score[i] = 0;
}

static void learn(struct best_offset_state *s, const struct line_prefetch_use *u)
{
	uint64_t from = u->line - offsets[s->at];
	bool found = line_prefetch_same_frame(u->line, from, u->line_bits) &&
		     *row_of(s, from) == tag_of(from);
	bool full = found && ++s->score[s->at] == SCORE_MAX;
	if (++s->at == OFFSETS) {
		s->at = 0;
		s->round++;
	}
	if (full || s->round == ROUND_MAX) end_phase(s);
}

static void best_offset_train(void *state, const struct line_prefetch_params *p,
			      const struct line_prefetch_use *u, struct line_prefetch_list *out)
{
	struct best_offset_state *s = state;
	(void)p;
	take_arrived(s, u->now);
	if (!line_prefetch_would_miss(u)) return;
	learn(s, u);
	if (offset_of(s)) line_prefetch_propose(out, u, u->line + offset_of(s));
}

const struct line_prefetcher line_prefetch_best_offset = {
	.name = "best_offset",
	.source = "Michaud, Best-Offset Hardware Prefetching, HPCA 2016",
	.state_bytes = best_offset_state_bytes,
	.train = best_offset_train,
	.brought = best_offset_brought,
};
