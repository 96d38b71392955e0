#include "trace/gen_locks.h"

#include <stdio.h>

#include "base/order.h"
#include "lock/lock.h"

static const char *const kind_names[] = {"none",
#define X(name, text, doc) #text,
					 LOCK_KINDS(X)
#undef X
						 NULL};
enum { LINE_BYTES = 64 };

#define T struct gen_lock_params
static const struct param rows[] = {
	P_ENUM(T, kind, kind_names, 0,
	       "what kind of lock threads take (sim/lock/lock.h); none: they take none"),
	P_U64(T, locks, "locks", 1, 1, 1 << 20, "how many there are; a section takes one of them at random"),
	P_U64(T, think_accesses, "accesses", 15, 1, 1 << 30, "of the generator between two sections"),
	P_U64(T, critical_accesses, "accesses", 1, 0, 1 << 20, "within a section, to what its lock guards"),
	P_U64(T, reader_percent, "%", 0, 0, 100, "sections that only read, and take the lock as readers"),
	P_U64(T, base_address, "bytes", UINT64_C(0x5000000000), 0, UINT64_C(1) << 56,
	      "VA of the first lock's word; what it guards, and the next lock, follow"),
	P_U64(T, data_bytes, "bytes", 64, 8, 1 << 30, "what a lock guards"),
};
#undef T
SCHEMA(gen_lock_schema, "generator_lock", struct gen_lock_params, rows,
       "critical sections between the accesses of a generator");

void gen_locks_start(struct gen_locks *g, const struct gen_lock_params *p, uint64_t instruction_gap,
		     const char *path, uint64_t seed, uint32_t stream)
{
	char name[64];
	*g = (struct gen_locks){.p = p, .instruction_gap = (uint16_t)instruction_gap};
	g->outside = p->think_accesses;
	snprintf(name, sizeof(name), "%.32s.lock.%u", path, stream);
	rng_init(&g->rng, seed, name);
}

static struct record lock_record(const struct gen_locks *g, uint8_t kind)
{
	return (struct record){.kind = kind,
			       .addr = g->word,
			       .count = kind == REC_LOCK ? (uint32_t)g->p->kind - 1 : 0,
			       .flags = g->reader ? REC_SHARED : 0};
}

/* Each lock has a line for its word, and whole lines for what it guards. */
static uint64_t lock_bytes(const struct gen_lock_params *p)
{
	return LINE_BYTES + ((p->data_bytes + LINE_BYTES - 1) & ~(uint64_t)(LINE_BYTES - 1));
}

static struct record begin_section(struct gen_locks *g)
{
	g->word = g->p->base_address + rng_below(&g->rng, g->p->locks) * lock_bytes(g->p);
	g->reader = rng_below(&g->rng, 100) < g->p->reader_percent;
	g->inside = g->p->critical_accesses;
	g->taken = true;
	return lock_record(g, REC_LOCK);
}

static struct record end_section(struct gen_locks *g)
{
	g->taken = false;
	g->outside = g->p->think_accesses;
	return lock_record(g, REC_UNLOCK);
}

/* A reader loads one word after the other; a writer loads and then stores each. */
static struct record access_inside(struct gen_locks *g)
{
	uint64_t done = g->p->critical_accesses - g->inside--;
	uint64_t words = g->p->data_bytes / GEN_LOCK_WORD_BYTES, word = g->reader ? done : done / 2;
	return (struct record){.kind = !g->reader && done % 2 ? REC_STORE : REC_LOAD,
			       .addr = g->word + LINE_BYTES + word % words * GEN_LOCK_WORD_BYTES,
			       .count = GEN_LOCK_WORD_BYTES,
			       .gap = g->instruction_gap};
}

size_t gen_locks_fill(struct gen_locks *g, struct record *buf, size_t n, uint64_t *left,
		      gen_locks_outside_fn *outside, void *ctx)
{
	size_t at = 0;
	while (at < n && (*left || g->taken)) {
		if (!g->taken && !g->outside) {
			buf[at++] = begin_section(g);
		} else if (g->taken && (!g->inside || !*left)) {
			buf[at++] = end_section(g);
		} else if (g->taken) {
			buf[at++] = access_inside(g);
			--*left;
		} else {
			uint64_t some = u64_min(u64_min(g->outside, *left), n - at);
			outside(ctx, buf + at, some);
			at += some;
			g->outside -= some;
			*left -= some;
		}
	}
	return at;
}

/* The section of round r begins where more than r rounds and its own accesses outside are to come. */
uint64_t gen_locks_records(const struct gen_lock_params *p, uint64_t accesses)
{
	uint64_t round = p->think_accesses + p->critical_accesses;
	uint64_t sections = accesses > p->think_accesses ? (accesses - p->think_accesses - 1) / round + 1 : 0;
	return accesses + 2 * sections;
}
