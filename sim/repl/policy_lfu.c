/* Least frequently used: the way that was used the fewest times since it was filled goes; of several, the one whose last use is the
 * oldest.
 *
 * A fill counts as the first use. A counter stays at its greatest value, and none ages: what was used often stays until what replaces
 * others has been used as often, which is LFU's known weakness (Robinson and Devarakonda). drcachesim's counters are such, too, of
 * 32 bits or more, but of equal ones it takes the lowest way.
 */
#include "repl/recency.h"
#include "repl/repl.h"

/* What all sets share is needed for nothing but to be told of every touch: each counts. */
struct lfu_set {
	struct repl_member member;
	uint64_t words[]; /* the order of uses, then a counter of 32 bits per way */
};

static size_t lfu_state_bytes(unsigned ways)
{
	return sizeof(struct lfu_set) + recency_bytes(ways) + ways * sizeof(uint32_t);
}

static size_t lfu_shared_bytes(unsigned sets, unsigned ways)
{
	(void)sets, (void)ways;
	return sizeof(struct repl_shared);
}

static inline uint32_t *uses_of(struct lfu_set *s, unsigned ways)
{
	return (uint32_t *)(void *)((char *)s->words + recency_bytes(ways));
}

static void lfu_touch(void *set, unsigned ways, unsigned way)
{
	struct lfu_set *s = set;
	uint32_t *uses = uses_of(s, ways);
	if (uses[way] != UINT32_MAX) uses[way]++;
	recency_front(s->words, ways, way);
}

static void lfu_fill(void *set, unsigned ways, unsigned way)
{
	struct lfu_set *s = set;
	uses_of(s, ways)[way] = 1;
	recency_front(s->words, ways, way);
}

/* From the oldest on, the first of those that are used the least. */
static unsigned lfu_victim(void *set, unsigned ways)
{
	struct lfu_set *s = set;
	const uint32_t *uses = uses_of(s, ways);
	unsigned least = recency_last(s->words, ways);
	if (ways <= RECENCY_NIBBLE_WAYS) {
		uint64_t order = *s->words ^ RECENCY_IDENTITY;
		for (unsigned i = ways - 1; i-- > 0;) {
			unsigned way = order >> (4 * i) & 0xf;
			if (uses[way] < uses[least]) least = way;
		}
		return least;
	}
	const struct recency_node *node = (const struct recency_node *)(const void *)s->words;
	for (unsigned at = node[least + 1].newer; at; at = node[at].newer)
		if (uses[at - 1] < uses[least]) least = at - 1;
	return least;
}

static unsigned lfu_victim_among(void *set, unsigned ways, uint64_t allowed)
{
	struct lfu_set *s = set;
	const uint32_t *uses = uses_of(s, ways);
	uint32_t least = UINT32_MAX;
	uint64_t candidates = 0;
	for (uint64_t left = allowed; left; left &= left - 1) {
		unsigned way = (unsigned)__builtin_ctzll(left);
		if (uses[way] < least) candidates = 0;
		if (uses[way] <= least) candidates |= UINT64_C(1) << way, least = uses[way];
	}
	return recency_last_among(s->words, ways, candidates);
}

const struct repl_policy repl_lfu = {
	.name = "lfu",
	.source =
		"Robinson, Devarakonda, Data Cache Management Using Frequency-Based Replacement, SIGMETRICS 1990, section 2 (LFU); "
		"DynamoRIO drcachesim, caching_device.cpp (a fill is the first use, no ageing)",
	.max_ways = 65534,
	.state_bytes = lfu_state_bytes,
	.touch = lfu_touch,
	.fill = lfu_fill,
	.victim = lfu_victim,
	.victim_among = lfu_victim_among,
	.shared_bytes = lfu_shared_bytes,
};
