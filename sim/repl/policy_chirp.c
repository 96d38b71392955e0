/* CHiRP: LRU, but ways that are predicted dead go first; the prediction is by the control flow that led to the use.
 *
 * A signature mixes the instruction with two histories: bits <3:2> of the instructions that used this TLB lately, and
 * bits <11:4> of the branches taken lately. A table of 2-bit counters says how often translations used under a
 * signature were then not used again: up when the LRU way goes, down at the first hit after a fill. Hits in the same
 * set as the access before change no prediction; of a single set, hits on the same way. The first way predicted dead
 * goes, else the least recent. Meant for a set-associative second level: a first level is used too often to learn.
 * UNSURE: the paper keeps conditional and indirect branches apart, which our streams do not tell; its hash of the
 * signature into the table is not ours. IMPDEF: dead from counter value 2 on.
 * Needs instruction fetches in the stream; without, every signature is the same.
 */
#include <stdbool.h>

#include "repl/recency.h"
#include "repl/repl.h"

enum { TABLE_BITS = 12, COUNTER_MAX = 3, DEAD_FROM = 2, MAX_WAYS = 4096 };

struct chirp_shared {
	struct repl_shared base;
	uint64_t path; /* 4 bits per access, of which 2 are zero: 16 accesses */
	uint64_t last; /* place of the last access, + 1 */
	uint8_t counter[1 << TABLE_BITS];
};
struct chirp_way {
	uint16_t index : TABLE_BITS, dead : 1, hit : 1;
};
struct chirp_set {
	struct repl_member member;
	uint64_t bytes[]; /* the order of use, then struct chirp_way */
};

static size_t order_bytes(unsigned ways) { return (recency_bytes(ways) + 7) & ~(size_t)7; }
static size_t chirp_state_bytes(unsigned ways)
{
	return sizeof(struct chirp_set) + order_bytes(ways) + ((ways + 1u) & ~1u) * sizeof(struct chirp_way);
}
static size_t chirp_shared_bytes(unsigned sets, unsigned ways)
{
	(void)sets, (void)ways;
	return sizeof(struct chirp_shared);
}

static struct chirp_way *way_at(struct chirp_set *s, unsigned ways, unsigned way)
{
	return (struct chirp_way *)(void *)((char *)s->bytes + order_bytes(ways)) + way;
}

static uint16_t present_index(const struct chirp_shared *all)
{
	const struct repl_flow *flow = all->base.flow;
	uint64_t signature = all->path ^ flow->branches ^ flow->pc >> 2;
	return (uint16_t)(signature * UINT64_C(0x9e3779b97f4a7c15) >> (64 - TABLE_BITS));
}

static void predict(struct chirp_way *w, const struct chirp_shared *all)
{
	w->index = present_index(all);
	w->dead = all->counter[w->index] >= DEAD_FROM;
}

/* What must differ from the last access for a hit to teach something: the set, or the way of the only one. */
static uint64_t place(const struct chirp_set *s, const struct chirp_shared *all, unsigned way)
{
	return 1 + (all->base.sets == 1 ? way : s->member.set);
}

/* The access takes its place in the order of use and in the history. */
static void remember(struct chirp_set *s, unsigned ways, unsigned way)
{
	struct chirp_shared *all = s->member.shared;
	recency_front(s->bytes, ways, way);
	all->path = all->path << 4 | (all->base.flow->pc >> 2 & 3);
	all->last = place(s, all, way);
}

static void chirp_touch(void *set, unsigned ways, unsigned way)
{
	struct chirp_set *s = set;
	struct chirp_shared *all = s->member.shared;
	struct chirp_way *w = way_at(s, ways, way);
	if (all->last != place(s, all, way)) {
		if (!w->hit && all->counter[w->index]) all->counter[w->index]--;
		w->hit = 1;
		predict(w, all);
	}
	remember(s, ways, way);
}

static void chirp_fill(void *set, unsigned ways, unsigned way)
{
	struct chirp_set *s = set;
	struct chirp_way *w = way_at(s, ways, way);
	w->hit = 0;
	predict(w, s->member.shared);
	remember(s, ways, way);
}

/* Nothing was predicted dead: `way` goes as the least recent, and its prediction was wrong. */
static unsigned leave(struct chirp_set *s, unsigned ways, unsigned way)
{
	struct chirp_shared *all = s->member.shared;
	uint8_t *counter = &all->counter[way_at(s, ways, way)->index];
	if (*counter < COUNTER_MAX) ++*counter;
	return way;
}

static unsigned chirp_victim(void *set, unsigned ways)
{
	struct chirp_set *s = set;
	for (unsigned way = 0; way < ways; way++)
		if (way_at(s, ways, way)->dead) return way;
	return leave(s, ways, recency_last(s->bytes, ways));
}

static unsigned chirp_victim_among(void *set, unsigned ways, uint64_t allowed)
{
	struct chirp_set *s = set;
	for (uint64_t left = allowed; left; left &= left - 1)
		if (way_at(s, ways, (unsigned)__builtin_ctzll(left))->dead)
			return (unsigned)__builtin_ctzll(left);
	return leave(s, ways, recency_last_among(s->bytes, ways, allowed));
}

const struct repl_policy repl_chirp = {
	.name = "chirp",
	.source =
		"Mirbagher-Ajorpaz, Garza, Pokam, Jimenez, MICRO 2020: 4096 counters of 2 bits, 16 accesses, 8 branches",
	.max_ways = MAX_WAYS,
	.state_bytes = chirp_state_bytes,
	.touch = chirp_touch,
	.fill = chirp_fill,
	.victim = chirp_victim,
	.victim_among = chirp_victim_among,
	.shared_bytes = chirp_shared_bytes,
};
