/* gen_locks.h - critical sections between a generator's accesses: a thread takes a lock, uses what it guards, gives it back.
 *
 *   gen_locks_fill: (state, what makes the accesses outside) -> records, LOCK and UNLOCK among them
 * A section comes after each `think_accesses` of the generator. Its lock is one of `locks`, chosen at random; behind the lock's word
 * lies what it guards, `data_bytes` that begin a line of their own, of which the section loads and stores one word after the other,
 * or only loads if it takes the lock as a reader. All threads use the same locks, wherever their footprints are. A stream does not end
 * within a section.
 * Instructions are those of the accesses; what taking a lock executes is in the lock's cost.
 * Not modelled: sections within sections (a trace may have them).
 */
#ifndef TRACE_GEN_LOCKS_H
#define TRACE_GEN_LOCKS_H

#include "base/record.h"
#include "base/rng.h"
#include "config/schema.h"

struct gen_lock_params {
	uint64_t kind; /* 0: none; else 1 + enum lock_kind */
	uint64_t locks, think_accesses, critical_accesses;
	uint64_t reader_percent;
	uint64_t base_address, data_bytes;
};
extern const struct schema gen_lock_schema;

enum { GEN_LOCK_WORD_BYTES = 8 };

struct gen_locks { /* zero it, then gen_locks_start() */
	const struct gen_lock_params *p;
	uint16_t instruction_gap;
	struct rng rng;
	uint64_t outside, inside; /* accesses left before the next section; in the present one */
	uint64_t word;            /* of its lock */
	bool taken, reader;
};

/* `p` must outlive it. `path` names the random stream. */
void gen_locks_start(struct gen_locks *g, const struct gen_lock_params *p, uint64_t instruction_gap,
		     const char *path, uint64_t seed, uint32_t stream);

/* Fills buf with at most `n` records, of which at most *left accesses: counted down. Returns how many; 0 where *left is 0 and the last
 * section is over. `outside` makes the next k accesses of the generator. */
typedef void gen_locks_outside_fn(void *ctx, struct record *buf, size_t k);
size_t gen_locks_fill(struct gen_locks *g, struct record *buf, size_t n, uint64_t *left,
		      gen_locks_outside_fn *outside, void *ctx);

/* Records of `accesses` of them, with those of the sections. */
uint64_t gen_locks_records(const struct gen_lock_params *p, uint64_t accesses);

#endif
