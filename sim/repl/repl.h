/* repl.h - which way of a full set is replaced: one interface for TLBs, walk caches and data caches.
 *
 *   touch: a hit on a way      fill: a way was (re)filled      victim: the way to replace in a full set
 *
 * To add a policy: write sim/repl/policy_<name>.c defining `const struct repl_policy repl_<name>`, and add a row
 * below. Its config name, its help text and its contract tests follow from the row.
 * State belongs to one set, is allocated and zeroed by the owner, and zero means "empty set". Invalid ways are the
 * owner's business: it fills them, lowest first, before it asks for a victim. Touching the same way
 * twice in a row is the same as once, so an owner may leave out the second.
 *
 * A policy that looks beyond one set names the bytes of a state that all sets share, which begins with a struct
 * repl_shared, and its state of a set begins with a struct repl_member. Owners build both with repl_state_new(), tell
 * the key before each fill, and neither leave out nor put off a touch. A policy that counts touches does so, too.
 */
#ifndef REPL_REPL_H
#define REPL_REPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REPL_POLICIES(X) \
	X(lru, "least recently used") \
	X(tree_plru, "tree of bits that point away from the last use") \
	X(fifo, "order of filling") \
	X(random, "any way, from a seeded sequence") \
	X(srrip, "static re-reference interval prediction, 2 bits") \
	X(bit_plru, "a bit per way: used since all others were") \
	X(nru, "a bit per way, as bit_plru, but cleared only when a victim is sought") \
	X(brrip, "bimodal re-reference interval prediction: thrash-resistant") \
	X(drrip, "srrip or brrip, whichever misses less in some sets of each") \
	X(ship_pc, "srrip, and no stay for what instructions brought whose pages were not used again") \
	X(ship, "srrip, and no stay for regions of memory that were not used again") \
	X(chirp, "least recently used, but dead first: predicted from control flow") \
	X(lfu, "least frequently used since it was filled; of several the least recently used")

enum repl_kind {
#define X(n, doc) REPL_##n,
	REPL_POLICIES(X)
#undef X
		REPL_COUNT
};

/* The path of the program, kept up by its core: where it is, and its taken branches. */
struct repl_flow {
	uint64_t pc;       /* of the instruction that runs; its accesses come before the next one */
	uint64_t branches; /* bits <11:4> of the last 8 taken branches, the latest lowest */
};

/* What all sets share begins with this. */
struct repl_shared {
	uint64_t key;                 /* the page or line that is about to be filled */
	const struct repl_flow *flow; /* borrowed; all zero where no core tells */
	unsigned sets;
};

/* The state of a set of a policy with shared state begins with this. */
struct repl_member {
	void *shared;
	uint64_t set;
};

/* What a touch does to a word of a set's state. */
struct repl_mask {
	uint64_t keep, set;
};

typedef unsigned repl_victim_fn(void *set, unsigned ways);

struct repl_policy {
	const char *name, *source;            /* `source`: the paper or manual that the behaviour is from */
	unsigned max_ways;                    /* largest associativity that it can serve */
	size_t (*state_bytes)(unsigned ways); /* per set, a multiple of 4; state is 8-byte aligned */
	void (*touch)(void *set, unsigned ways, unsigned way);
	/* Optional: a touch as `word = (word & keep) | set`, for the first 8 bytes of the state, which is all that it
	 * changes then. False: not with so many ways. */
	bool (*touch_mask)(unsigned ways, unsigned way, struct repl_mask *out);
	/* The victim is the way whose last touch or fill is the oldest, and no more: an owner that numbers both may
	 * find it itself. */
	bool oldest_goes;
	bool in_recency; /* its state, touch, fill and victim are those of recency.h */
	void (*fill)(void *set, unsigned ways, unsigned way);
	repl_victim_fn *victim; /* may advance state; every way is valid */
	repl_victim_fn *(*victim_of)(
		unsigned ways); /* optional: the same for so many ways only; NULL: none */
	/* The victim where only the ways of `allowed`, a bit each and at least one, may go: of at most 64 ways. With all
	 * ways allowed it is victim(). */
	unsigned (*victim_among)(void *set, unsigned ways, uint64_t allowed);
	size_t (*shared_bytes)(unsigned sets, unsigned ways); /* NULL: the policy looks at one set only */
};

#define X(n, doc) extern const struct repl_policy repl_##n;
REPL_POLICIES(X)
#undef X

extern const struct repl_policy *const repl_policies[REPL_COUNT]; /* indexed by enum repl_kind */
extern const char *const repl_names[];                            /* config choices, NULL at the end */

/* --- what owners hold -------------------------------------------------------------------------------------------- */

struct repl_state {
	char *set;                  /* of set 0; the others follow at `stride` */
	size_t stride;              /* a multiple of 8 */
	struct repl_shared *shared; /* NULL: none */
};

/* All sets empty. Free with repl_state_free. */
struct repl_state repl_state_new(const struct repl_policy *policy, unsigned sets, unsigned ways);
void repl_state_free(struct repl_state *s);
/* The same in `memory` of the owner's, zeroed and aligned to 8 bytes, where sets are `stride` bytes apart, a multiple of 8: it frees
 * s.shared with free(). */
struct repl_state repl_state_at(const struct repl_policy *policy, unsigned sets, unsigned ways, void *memory,
				size_t stride);
/* What a set needs there. */
size_t repl_state_bytes(const struct repl_policy *policy, unsigned ways);
/* The policy's victim(), to be called with `ways` only. */
repl_victim_fn *repl_victim_of(const struct repl_policy *policy, unsigned ways);
/* The masks of every way, where the policy's touches are such: mask[ways] to be freed; else NULL. */
struct repl_mask *repl_touch_masks(const struct repl_policy *policy, unsigned ways);

/* The touch_mask of policies that do not look at hits. */
bool repl_no_change(unsigned ways, unsigned way, struct repl_mask *out);

#endif
