#include "repl/repl.h"

#include <stdlib.h>

#include "base/alloc.h"

const struct repl_policy *const repl_policies[REPL_COUNT] = {
#define X(n, doc) &repl_##n,
	REPL_POLICIES(X)
#undef X
};

const char *const repl_names[] = {
#define X(n, doc) #n,
	REPL_POLICIES(X)
#undef X
		NULL};

static const struct repl_flow no_flow;

/* Makes each set a member of what all share. */
static void join(struct repl_state *s, const struct repl_policy *policy, unsigned sets, unsigned ways)
{
	s->shared = xcalloc_lines(1, policy->shared_bytes(sets, ways));
	s->shared->sets = sets;
	s->shared->flow = &no_flow;
	for (unsigned i = 0; i < sets; i++)
		*(struct repl_member *)(void *)(s->set + i * s->stride) = (struct repl_member){s->shared, i};
}

size_t repl_state_bytes(const struct repl_policy *policy, unsigned ways)
{
	return (policy->state_bytes(ways) + 7) & ~(size_t)7;
}

struct repl_state repl_state_at(const struct repl_policy *policy, unsigned sets, unsigned ways, void *memory,
				size_t stride)
{
	struct repl_state s = {.set = memory, .stride = stride};
	if (policy->shared_bytes) join(&s, policy, sets, ways);
	return s;
}

struct repl_state repl_state_new(const struct repl_policy *policy, unsigned sets, unsigned ways)
{
	size_t stride = repl_state_bytes(policy, ways);
	return repl_state_at(policy, sets, ways, xcalloc_lines(sets, stride), stride);
}

void repl_state_free(struct repl_state *s)
{
	free(s->set);
	free(s->shared);
}

repl_victim_fn *repl_victim_of(const struct repl_policy *policy, unsigned ways)
{
	repl_victim_fn *victim = policy->victim_of ? policy->victim_of(ways) : NULL;
	return victim ? victim : policy->victim;
}

struct repl_mask *repl_touch_masks(const struct repl_policy *policy, unsigned ways)
{
	struct repl_mask *mask = xcalloc(ways, sizeof(*mask));
	bool possible = policy->touch_mask != NULL;
	for (unsigned way = 0; possible && way < ways; way++)
		possible = policy->touch_mask(ways, way, &mask[way]);
	if (possible) return mask;
	free(mask);
	return NULL;
}

bool repl_no_change(unsigned ways, unsigned way, struct repl_mask *out)
{
	(void)ways, (void)way;
	*out = (struct repl_mask){UINT64_MAX, 0};
	return true;
}
