#include "trace/gen_atomics.h"

#include <stdio.h>

#include "base/order.h"

static const char *const kind_names[] = {"none", "exclusive", "returning", "posted", NULL};
enum { LINE_BYTES = 64, WORD_BYTES = 8 };

#define T struct gen_atomic_params
static const struct param rows[] = {
	P_ENUM(T, kind, kind_names, GEN_ATOMIC_NONE,
	       "how threads update words that they share: not at all; by LDXR and STXR; by LSE atomics that return a value (LDADD), or none "
	       "(STADD)"),
	P_U64(T, think_accesses, "accesses", 15, 1, 1 << 30, "of the generator between two updates"),
	P_U64(T, words, "words", 1, 1, 1 << 20, "that are updated, each on a line of its own"),
	P_U64(T, base_address, "bytes", UINT64_C(0x5100000000), 64, UINT64_C(1) << 56, "VA of the first"),
};
#undef T
SCHEMA(gen_atomic_schema, "generator_atomic", struct gen_atomic_params, rows,
       "atomic updates between the accesses of a generator");

void gen_atomics_start(struct gen_atomics *g, const struct gen_atomic_params *p, const char *path,
		       uint64_t seed, uint32_t stream)
{
	char name[64];
	*g = (struct gen_atomics){.p = p, .left = p->think_accesses};
	snprintf(name, sizeof(name), "%.32s.atomic.%u", path, stream);
	rng_init(&g->rng, seed, name);
}

static struct record store_exclusive(struct gen_atomics *g)
{
	struct record r = {
		.kind = REC_STXR, .addr = g->address, .count = WORD_BYTES, .flags = REC_AGAIN, .gap = 1};
	g->address = 0;
	return r;
}

static struct record update(struct gen_atomics *g)
{
	uint64_t word = g->p->base_address + rng_below(&g->rng, g->p->words) * LINE_BYTES;
	struct record r = {.kind = REC_ATOMIC, .addr = word, .count = WORD_BYTES, .gap = 1};
	g->left = g->p->think_accesses;
	if (g->p->kind == GEN_ATOMIC_POSTED) r.arg = ATOMIC_POSTED;
	if (g->p->kind != GEN_ATOMIC_EXCLUSIVE) return r;
	r.kind = REC_LDXR;
	g->address = word;
	return r;
}

size_t gen_atomics_fill(struct gen_atomics *g, struct record *buf, size_t n, uint64_t *left,
			gen_others_fn *others, void *ctx)
{
	size_t at = 0;
	while (at < n && (*left || g->address)) {
		if (g->address) {
			buf[at++] = store_exclusive(g);
		} else if (!g->left) {
			buf[at++] = update(g);
		} else {
			uint64_t some = u64_min(u64_min(g->left, *left), n - at);
			others(ctx, buf + at, some);
			at += some;
			g->left -= some;
			*left -= some;
		}
	}
	return at;
}

uint64_t gen_atomics_records(const struct gen_atomic_params *p, uint64_t accesses)
{
	uint64_t updates = accesses ? (accesses - 1) / p->think_accesses : 0;
	return accesses + updates * (p->kind == GEN_ATOMIC_EXCLUSIVE ? 2 : 1);
}
