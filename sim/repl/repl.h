/* repl.h - which way of a full set is replaced: one interface for TLBs, walk caches and data caches.
 *
 *   touch: a hit on a way      fill: a way was (re)filled      victim: the way to replace in a full set
 *
 * To add a policy: write sim/repl/policy_<name>.c defining `const struct repl_policy repl_<name>`, and add a row
 * below. Its config name, its help text and its contract tests follow from the row.
 * State belongs to one set, is allocated and zeroed by the owner, and zero means "empty set". Invalid ways are the
 * owner's business: it fills them, lowest first, before it asks for a victim. Touching the same way
 * twice in a row is the same as once, so an owner may leave out the second.
 */
#ifndef REPL_REPL_H
#define REPL_REPL_H

#include <stddef.h>
#include <stdint.h>

#define REPL_POLICIES(X) \
	X(lru, "least recently used") \
	X(tree_plru, "tree of bits that point away from the last use") \
	X(fifo, "order of filling") \
	X(random, "any way, from a seeded sequence") \
	X(srrip, "static re-reference interval prediction, 2 bits")

enum repl_kind {
#define X(n, doc) REPL_##n,
	REPL_POLICIES(X)
#undef X
		REPL_COUNT
};

struct repl_policy {
	const char *name, *source;            /* `source`: the paper or manual that the behaviour is from */
	unsigned max_ways;                    /* largest associativity that it can serve */
	size_t (*state_bytes)(unsigned ways); /* per set, a multiple of 4; state is 8-byte aligned */
	void (*touch)(void *set, unsigned ways, unsigned way);
	/* touch() for each of way[0..n-1] in order: lets an owner defer the touches of its hits, exactly, until the
	 * state matters. */
	void (*touch_all)(void *set, unsigned ways, const uint16_t *way, size_t n);
	void (*fill)(void *set, unsigned ways, unsigned way);
	unsigned (*victim)(void *set, unsigned ways); /* may advance state; every way is valid */
};

#define X(n, doc) extern const struct repl_policy repl_##n;
REPL_POLICIES(X)
#undef X

extern const struct repl_policy *const repl_policies[REPL_COUNT]; /* indexed by enum repl_kind */
extern const char *const repl_names[];                            /* config choices, NULL at the end */

/* Defines <name>_touch_all as a loop over the file's own <name>_touch, which the compiler then inlines. */
#define REPL_TOUCH_ALL(name) \
	static void name##_touch_all(void *set, unsigned ways, const uint16_t *way, size_t n) \
	{ \
		for (size_t i = 0; i < n; i++) name##_touch(set, ways, way[i]); \
	}

#endif
