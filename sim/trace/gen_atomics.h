/* gen_atomics.h - atomic updates of shared words between a generator's accesses.
 *
 *   gen_atomics_fill: (state, what makes the other accesses) -> records
 * An update comes after each `think_accesses` of the generator, of one of `words` at random, each on a line of its own that all threads
 * share: a loop of LDXR and STXR, or an atomic of FEAT_LSE that returns a value or none.
 */
#ifndef TRACE_GEN_ATOMICS_H
#define TRACE_GEN_ATOMICS_H

#include "base/record.h"
#include "base/rng.h"
#include "config/schema.h"

enum gen_atomic_kind { GEN_ATOMIC_NONE, GEN_ATOMIC_EXCLUSIVE, GEN_ATOMIC_RETURNING, GEN_ATOMIC_POSTED };

struct gen_atomic_params {
	uint64_t kind; /* enum gen_atomic_kind */
	uint64_t think_accesses, words, base_address;
};
extern const struct schema gen_atomic_schema;

struct gen_atomics { /* zero it, then gen_atomics_start() */
	const struct gen_atomic_params *p;
	struct rng rng;
	uint64_t left;    /* accesses before the next update */
	uint64_t address; /* of the store exclusive that is due; 0: none */
};

/* `p` must outlive it. `path` names the random stream. */
void gen_atomics_start(struct gen_atomics *g, const struct gen_atomic_params *p, const char *path,
		       uint64_t seed, uint32_t stream);
/* As gen_locks_fill(). */
typedef void gen_others_fn(void *ctx, struct record *buf, size_t k);
size_t gen_atomics_fill(struct gen_atomics *g, struct record *buf, size_t n, uint64_t *left,
			gen_others_fn *others, void *ctx);
/* Records of `accesses` of them, with the updates. */
uint64_t gen_atomics_records(const struct gen_atomic_params *p, uint64_t accesses);

#endif
