/* gen_zipf.c - items of Zipf popularity: the item of rank k is drawn with probability proportional to k^-theta.
 * Ranks are scattered over the footprint by a fixed random permutation, so that popular items are no neighbours; the
 * access falls on a uniformly drawn place in the item.
 *
 * Method: rejection-inversion, exact for any number of items with constant memory; it rejects less than 2 %.
 * Source: W. Hoermann and G. Derflinger, "Rejection-inversion to generate variates from monotone discrete
 * distributions", ACM TOMACS 6(3), 1996. Logarithm and exponential are the portable ones, so that the stream
 * does not depend on the host's mathematical library.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/permute.h"
#include "trace/gen.h"
#include "trace/portable_math.h"

/* Items are drawn in blocks: logarithms and exponentials of one block do not wait for each other's outcome. */
enum { ZIPF_BLOCK = 256, ZIPF_FOURS = ZIPF_BLOCK / 4 };

struct zipf;
typedef struct rng zipf_refill_fn(struct zipf *z, struct rng rng);

struct zipf {
	struct permutation scatter; /* rank - 1 -> item */
	double theta, q;            /* q = 1 - theta, 0 at theta = 1 */
	double h_first, h_last;     /* H(1.5) - 1 and H(items + 0.5): the interval that is inverted */
	double sure;                /* a rank this near above its x is accepted without further computation */
	zipf_refill_fn *refill;     /* compiled for this processor */
	size_t used, accepted;      /* accepted and not yet used: item[used..accepted-1] */
	uint64_t item[ZIPF_BLOCK];
};

/* h(x) = x^-theta. */
static inline double zipf_h(const struct zipf *z, double x)
{
	return portable_exp(-z->theta * portable_log(x));
}

/* H(x), an integral of h. theta has steps of 1/1000, so q is 0 or at least 0.001 and nothing cancels badly. */
static inline double zipf_integral(const struct zipf *z, double x)
{
	double log_x = portable_log(x);
	return z->q == 0 ? log_x : (portable_exp(z->q * log_x) - 1) / z->q;
}

LANES_INLINE lanes_four zipf_inverse(const struct zipf *z, lanes_four y)
{
	return portable_exp_four(z->q == 0 ? y : portable_log_four(1 + y * z->q) / z->q);
}

static enum status zipf_check(const char *where, const struct gen_params *p, struct err *err)
{
	if (p->item_bytes < p->access_bytes || p->item_bytes > p->footprint_bytes)
		return err_set(err, ERR_CONFIG,
			       "%s: item_bytes: %llu is outside access_bytes..footprint_bytes (%llu..%llu)",
			       where, (unsigned long long)p->item_bytes, (unsigned long long)p->access_bytes,
			       (unsigned long long)p->footprint_bytes);
	TRY(gen_check_multiple(where, "item_bytes", p->item_bytes, p->access_bytes, err));
	return gen_check_multiple(where, "footprint_bytes", p->footprint_bytes, p->item_bytes, err);
}

static inline uint64_t zipf_round(const struct zipf *z, double x)
{
	uint64_t k = x < 1 ? 1 : (uint64_t)(int64_t)(x + 0.5); /* far below 2^63 */
	return k < z->scatter.n ? k : z->scatter.n;
}

static inline bool zipf_accepts(const struct zipf *z, uint64_t k, double x, double y)
{
	double rank = (double)(int64_t)k;
	return rank - x <= z->sure || y >= zipf_integral(z, rank + 0.5) - zipf_h(z, rank);
}

/* A block of items: ranks by inversion of uniform numbers, those that are accepted, and where these are scattered to. */
LANES_INLINE struct rng zipf_block(struct zipf *z, struct rng rng)
{
	const struct permutation scatter = z->scatter;
	lanes_four x[ZIPF_FOURS], y[ZIPF_FOURS];
	for (int i = 0; i < ZIPF_BLOCK; i++)
		y[i / 4][i % 4] = z->h_last + rng_unit(&rng) * (z->h_first - z->h_last);
	for (int i = 0; i < ZIPF_FOURS; i++) x[i] = zipf_inverse(z, y[i]);
	z->used = z->accepted = 0;
	for (int i = 0; i < ZIPF_BLOCK; i++) {
		double at = x[i / 4][i % 4];
		uint64_t k = zipf_round(z, at);
		z->item[z->accepted] = k - 1;
		z->accepted += zipf_accepts(z, k, at, y[i / 4][i % 4]);
	}
	/* Behind the accepted ones stand items of an earlier block, which do no harm. */
	for (int i = 0; i < ZIPF_BLOCK; i += 4) permute_four(&scatter, &z->item[i]);
	return rng;
}

static struct rng zipf_refill(struct zipf *z, struct rng rng) { return zipf_block(z, rng); }

#ifdef __x86_64__
__attribute__((target("avx2"))) static struct rng zipf_refill_avx2(struct zipf *z, struct rng rng)
{
	return zipf_block(z, rng);
}

static zipf_refill_fn *zipf_refill_here(void)
{
	return __builtin_cpu_supports("avx2") ? zipf_refill_avx2 : zipf_refill;
}
#else
static zipf_refill_fn *zipf_refill_here(void) { return zipf_refill; }
#endif

static void zipf_start(struct gen_state *s, uint64_t seed, uint32_t stream)
{
	struct zipf *z = s->own;
	struct rng shared; /* all threads find the same items popular */
	char *name = xasprintf("%s.zipf.scatter", s->path);
	(void)stream;
	rng_init(&shared, seed, name);
	free(name);
	permute_init(&z->scatter, s->p->footprint_bytes / s->p->item_bytes, &shared);
	z->refill = zipf_refill_here();
	z->theta = (double)s->p->theta_milli / 1000;
	z->q = s->p->theta_milli == 1000 ? 0 : 1 - z->theta;
	z->h_first = zipf_integral(z, 1.5) - 1;
	z->h_last = zipf_integral(z, (double)z->scatter.n + 0.5);
	z->sure = 2 - zipf_inverse(z, portable_all(zipf_integral(z, 2.5) - zipf_h(z, 2)))[0];
}

static inline uint64_t zipf_item(struct zipf *z, struct rng *rng)
{
	while (__builtin_expect(z->used == z->accepted, 0)) *rng = z->refill(z, *rng);
	return z->item[z->used++];
}

static void zipf_fill(struct gen_state *s, struct record *buf, size_t n)
{
	const struct gen_params p = *s->p;
	struct zipf *z = s->own;
	uint64_t places = p.item_bytes / p.access_bytes;
	struct rng rng = s->rng;
	for (size_t i = 0; i < n; i++) {
		uint64_t item = zipf_item(z, &rng), u = rng_next(&rng);
		uint64_t addr = p.base_address + item * p.item_bytes +
				gen_choose(&u, places) * p.access_bytes;
		gen_put(&buf[i], &p, addr, gen_choose_kind(&u, p.read_percent), 0);
	}
	s->rng = rng;
}

const struct generator gen_zipf = {.name = "zipf",
				   .state_bytes = sizeof(struct zipf),
				   .check = zipf_check,
				   .start = zipf_start,
				   .fill = zipf_fill};
