#include "repl_world.h"

#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static const unsigned large_ways[] = {65, 127, 128, 500, 1280, 4096};
enum { SMALL_WAYS = 64, SHAPES = SMALL_WAYS + sizeof(large_ways) / sizeof(large_ways[0]) };

static unsigned ways_of(unsigned shape)
{
	return shape < SMALL_WAYS ? shape + 1 : large_ways[shape - SMALL_WAYS];
}

void *state(const struct set *s) { return s->raw + GUARD_BYTES; }
struct repl_shared *shared(const struct set *s)
{
	return (struct repl_shared *)(void *)(s->raw_shared + GUARD_BYTES);
}

static char *guarded(size_t bytes)
{
	char *raw = malloc(bytes + 2 * GUARD_BYTES);
	memset(raw, GUARD, bytes + 2 * GUARD_BYTES);
	memset(raw + GUARD_BYTES, 0, bytes);
	return raw;
}

static void free_guarded(char *raw, size_t bytes)
{
	for (size_t i = 0; i < GUARD_BYTES; i++) {
		cr_assert(eq(int, (unsigned char)raw[i], GUARD));
		cr_assert(eq(int, (unsigned char)raw[GUARD_BYTES + bytes + i], GUARD));
	}
	free(raw);
}

void set_init(struct set *s, unsigned kind, unsigned ways)
{
	*s = (struct set){.policy = repl_policies[kind], .kind = kind, .ways = ways};
	s->bytes = s->policy->state_bytes(ways);
	s->raw = guarded(s->bytes);
	if (!s->policy->shared_bytes) return;
	s->shared_bytes = s->policy->shared_bytes(1, ways);
	s->raw_shared = guarded(s->shared_bytes);
	*shared(s) = (struct repl_shared){.flow = &s->flow, .sets = 1};
	*(struct repl_member *)state(s) = (struct repl_member){.shared = shared(s)};
}

void set_fini(struct set *s)
{
	free_guarded(s->raw, s->bytes);
	if (s->raw_shared) free_guarded(s->raw_shared, s->shared_bytes);
}

/* Bytes at the beginning that say where a set stands, not how it was used. */
static size_t member_bytes(const struct set *s) { return s->raw_shared ? sizeof(struct repl_member) : 0; }

void set_copy(struct set *to, const struct set *from)
{
	size_t skip = member_bytes(from);
	memcpy((char *)state(to) + skip, (char *)state(from) + skip, from->bytes - skip);
	if (!from->raw_shared) return;
	memcpy(shared(to) + 1, shared(from) + 1, from->shared_bytes - sizeof(struct repl_shared));
	shared(to)->key = shared(from)->key;
	to->flow = from->flow;
}

void expect_same_state(const struct set *a, const struct set *b)
{
	size_t skip = member_bytes(a);
	cr_assert(eq(int, memcmp((char *)state(a) + skip, (char *)state(b) + skip, a->bytes - skip), 0),
		  "%s with %u ways", a->policy->name, a->ways);
	if (!a->raw_shared) return;
	cr_assert(eq(int, memcmp(shared(a) + 1, shared(b) + 1, a->shared_bytes - sizeof(struct repl_shared)),
		     0),
		  "what the sets of %s with %u ways share", a->policy->name, a->ways);
}

void touch(struct set *s, unsigned way) { s->policy->touch(state(s), s->ways, way); }
unsigned victim(struct set *s) { return s->policy->victim(state(s), s->ways); }

void fill(struct set *s, unsigned way)
{
	s->flow.pc += 4;
	s->flow.branches = s->flow.branches << 8 | (s->flow.pc >> 4 & 0xff);
	if (s->raw_shared) shared(s)->key += 256;
	s->policy->fill(state(s), s->ways, way);
}

void fill_all(struct set *s)
{
	for (unsigned w = 0; w < s->ways; w++) fill(s, w);
}

unsigned step(struct set *s, struct rng *r)
{
	unsigned way = (unsigned)rng_below(r, s->ways);
	if (rng_below(r, 4)) {
		touch(s, way);
		return way;
	}
	way = victim(s);
	cr_assert(lt(u32, way, s->ways), "%s with %u ways", s->policy->name, s->ways);
	fill(s, way);
	return way;
}

void for_every_shape(unsigned kind, void (*check)(struct set *, struct rng *))
{
	for (unsigned shape = 0; shape < SHAPES; shape++) {
		struct set s;
		struct rng r;
		if (ways_of(shape) > repl_policies[kind]->max_ways) continue;
		rng_init(&r, ways_of(shape), repl_policies[kind]->name);
		set_init(&s, kind, ways_of(shape));
		check(&s, &r);
		set_fini(&s);
	}
}
