/* repl_world.h - one set of a replacement policy between guard bytes, and the shapes that every policy is tried with. */
#ifndef TESTS_REPL_WORLD_H
#define TESTS_REPL_WORLD_H

#include "base/rng.h"
#include "repl/repl.h"

enum { GUARD_BYTES = 64, GUARD = 0xa5, WAYS_MAX = 4096 };

struct set {
	const struct repl_policy *policy;
	unsigned kind, ways;
	size_t bytes, shared_bytes;
	char *raw, *raw_shared; /* raw_shared NULL: the policy looks at one set only */
	struct repl_flow flow;
};

/* An empty set; the only one of its policy's shared state. */
void set_init(struct set *s, unsigned kind, unsigned ways);
/* Checks the guard bytes. */
void set_fini(struct set *s);
/* What two sets in the same state have in common; set_copy makes `to` such. */
void set_copy(struct set *to, const struct set *from);
void expect_same_state(const struct set *a, const struct set *b);

void *state(const struct set *s);
struct repl_shared *shared(const struct set *s);
void touch(struct set *s, unsigned way);
/* Each fill is of another region of memory, at another place of the program. */
void fill(struct set *s, unsigned way);
void fill_all(struct set *s);
unsigned victim(struct set *s);
/* One step of a set in use: mostly hits, sometimes a miss that replaces. Returns the way. */
unsigned step(struct set *s, struct rng *r);

/* Runs `check` for every associativity that the policy serves: every one up to 64, and large ones. */
void for_every_shape(unsigned kind, void (*check)(struct set *, struct rng *));

#endif
