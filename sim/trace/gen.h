/* gen.h - what a generator implements (sim/trace/gen_<name>.c), and what its loops share.
 *
 *   check(params) -> start(state) -> fill(state, records, n) ...
 * `fill` writes exactly n accesses and never ends; the number of accesses and the load-store pairs of `update` are
 * done once, in generator.c. A fill loop is written out for its generator: no switch and
 * no indirect call per record.
 */
#ifndef TRACE_GEN_H
#define TRACE_GEN_H

#include <stddef.h>
#include <string.h>

#include "base/rng.h"
#include "trace/generator.h"

struct gen_state {
	const struct gen_params *p;
	const char *path; /* names the random stream and stands in messages */
	struct rng rng;
	void *own;           /* state_bytes, zeroed */
	struct record store; /* second half of an update that the last batch had no room for */
	bool store_due;
};

struct generator {
	const char *name;
	size_t state_bytes;
	/* Optional: what rows cannot say. */
	enum status (*check)(const char *where, const struct gen_params *p, struct err *err);
	/* Optional: fills `own`. */
	void (*start)(struct gen_state *s, uint64_t seed, uint32_t stream);
	void (*fill)(struct gen_state *s, struct record *buf, size_t n);
	void (*stop)(struct gen_state *s); /* optional: frees what `own` points to */
};

#define X(name, doc) extern const struct generator gen_##name;
GENERATORS(X)
#undef X

/* The generator of a kind; the kind comes from the schema's choices. */
const struct generator *generator_find(uint64_t kind);
/* The checks that every generator shares, then its own. */
enum status gen_check(const char *where, const struct gen_params *p, struct err *err);
/* Starts and stops one generator; `p` and `path` must outlive the state. */
void gen_start(struct gen_state *s, const struct gen_params *p, const char *path, uint64_t seed,
	       uint32_t stream);
/* The next n accesses, updates included. The stream is the same however it is cut into calls. */
void gen_fill(struct gen_state *s, struct record *buf, size_t n);
void gen_stop(struct gen_state *s);

/* ERR_INPUT "where: key: value is not a multiple of other". */
enum status gen_check_multiple(const char *where, const char *key, uint64_t value, uint64_t of,
			       struct err *err);

/* One of 0..n-1 by the random fraction *u of 2^64, which becomes the fraction within that choice: a draw of 64 bits
 * serves several choices, exact to their product over 2^64. Source: arithmetic decoding. */
static inline uint64_t gen_choose(uint64_t *u, uint64_t n)
{
	u128_t product = (u128_t)*u * n;
	*u = (uint64_t)product;
	return (uint64_t)(product >> 64);
}

/* REC_LOAD or REC_STORE, by read_percent. The last choice by *u: it is left as it was where all are loads. */
static inline uint8_t gen_choose_kind(uint64_t *u, uint64_t read_percent)
{
	if (__builtin_expect(read_percent == 100, 1)) return REC_LOAD;
	return (uint8_t)(REC_LOAD + (gen_choose(u, 100) >= read_percent));
}
_Static_assert(REC_STORE == REC_LOAD + 1, "gen_choose_kind adds");

/* Writes an access. Its last 8 bytes are put together in a register, most of them outside of the caller's loop; member by
 * member they were half of what a generator takes, and a struct that is copied stalls on its way. */
static inline void gen_put(struct record *r, const struct gen_params *p, uint64_t addr, uint8_t kind,
			   uint8_t flags)
{
	r->addr = addr;
	r->arg = 0;
	if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) {
		uint64_t rest = (uint32_t)p->access_bytes | p->instruction_gap << 32;
		rest |= (uint64_t)kind << 48 | (uint64_t)flags << 56;
		memcpy(&r->count, &rest, sizeof(rest));
	} else {
		r->count = (uint32_t)p->access_bytes;
		r->gap = (uint16_t)p->instruction_gap;
		r->kind = kind;
		r->flags = flags;
	}
}
_Static_assert(sizeof(struct record) == offsetof(struct record, count) + 8 &&
		       offsetof(struct record, gap) == offsetof(struct record, count) + 4 &&
		       offsetof(struct record, kind) == offsetof(struct record, count) + 6,
	       "gen_put writes the last 8 bytes of a record as one");

#endif
