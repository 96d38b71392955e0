/* Sampled miss-ratio curves: is the exact one within their standard error as often as that says? */
#include <math.h>
#include <stdlib.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#include "base/rng.h"
#include "mrc_world.h"

static struct mrc_spec sampled(double rate)
{
	struct mrc_spec spec = EXACT(PAGES_DATA, 1);
	spec.rate = (uint32_t)(rate * MRC_RATE_ONE);
	return spec;
}

/* Estimates at many sizes and places: how many are resolved, and how many of them within 1, 1.96 and 3 standard errors. */
struct coverage {
	unsigned resolved, within_one, within_two, within_three;
};

static void judge(const struct mrc *m, struct coverage *c)
{
	const struct mrc_curve *exact = mrc_curve(m, 0), *sample = mrc_curve(m, 1);
	for (uint64_t ways = 1; ways <= 16384; ways *= 2) {
		if (!mrc_resolves(sample, ways)) continue;
		double off = fabs(mrc_miss_ratio(exact, ways) - mrc_miss_ratio(sample, ways));
		double error = mrc_standard_error(sample, ways);
		c->resolved++;
		c->within_one += off <= error;
		c->within_two += off <= 1.96 * error;
		c->within_three += off <= 3 * error;
	}
}

static void compare(const struct record_list *list, double rate, struct coverage *c)
{
	struct mrc_spec spec[] = {EXACT(PAGES_DATA, 1), sampled(rate)};
	struct mrc *m = read_curves(spec, 2, list);
	judge(m, c);
	mrc_free(m);
}

/* The same for a trace that is too long to be held. */
static void compare_trace(const char *path, double rate, struct coverage *c)
{
	static struct record batch[TRACE_BATCH];
	struct mrc_spec spec[] = {EXACT(PAGES_DATA, 1), sampled(rate)};
	struct trace_source *src;
	struct mrc *m;
	struct err err;
	size_t n;
	cr_assert(eq(int, mrc_new(spec, 2, &m, &err), OK));
	cr_assert(eq(int, trace_open(path, 0, &src, &err), OK), "%s", err.text);
	do {
		cr_assert(eq(int, trace_next(src, batch, TRACE_BATCH, &n, &err), OK), "%s", err.text);
		mrc_add(m, batch, n);
	} while (n);
	trace_close(src);
	mrc_finish(m);
	judge(m, c);
	mrc_free(m);
}

/* Streams that pull the two parts of the error apart: a few pages have most misses, all have as many, distances are all the same, and one
 * half of each. */
enum sampled_stream {
	SAMPLED_ZIPF,
	SAMPLED_SKEWED,
	SAMPLED_UNIFORM,
	SAMPLED_LOOP,
	SAMPLED_MIXED,
	SAMPLED_STREAMS
};
static const char *const sampled_names[] = {"zipf 0.5", "zipf 1.3", "uniform", "loop",
					    "a hot tenth and a loop"};

static uint64_t mixed_page(struct rng *r, uint64_t i)
{
	if (i % 2) return 100000 + i / 2 % 6000;
	return rng_below(r, 10) ? rng_below(r, 2000) : 2000 + rng_below(r, 18000);
}

static struct record_list loads_of_pages(enum sampled_stream kind, uint64_t accesses, uint64_t base)
{
	struct record_list list = {malloc(accesses * sizeof(*list.r)), accesses};
	struct rng r;
	rng_init(&r, kind, "pages");
	for (uint64_t i = 0; i < accesses; i++) {
		uint64_t page = kind == SAMPLED_LOOP ? i % 5000 : mixed_page(&r, i);
		list.r[i] = (struct record){.addr = base + page * 4096, .count = 8, .kind = REC_LOAD};
	}
	return list;
}

static struct record_list sampled_list(enum sampled_stream kind, uint64_t base)
{
	switch (kind) {
	case SAMPLED_ZIPF: return zipf_stream(20000, 100000, 500, base);
	case SAMPLED_SKEWED: return zipf_stream(20000, 100000, 1300, base);
	case SAMPLED_UNIFORM: return zipf_stream(8000, 100000, 0, base);
	default: return loads_of_pages(kind, 100000, base);
	}
}

struct sampled_case {
	enum sampled_stream kind;
	double rate;
};
static struct sampled_case sampled_cases[SAMPLED_STREAMS * 2];

ParameterizedTestParameters(mrc, sampled_curves_are_within_196_standard_errors_nineteen_times_in_twenty)
{
	for (unsigned i = 0; i < SAMPLED_STREAMS * 2; i++)
		sampled_cases[i] = (struct sampled_case){i / 2, i % 2 ? 0.1 : 0.02};
	return cr_make_param_array(struct sampled_case, sampled_cases, SAMPLED_STREAMS * 2);
}
/* Which pages are sampled depends on their numbers: other places of one stream are independent samples of it. A normal law would have
 * 68 %, 95 % and 99.7 % within 1, 1.96 and 3. Sizes of one sample are not independent: 40 places are 40 to 400 draws. */
ParameterizedTest(struct sampled_case *c, mrc,
		  sampled_curves_are_within_196_standard_errors_nineteen_times_in_twenty)
{
	struct coverage got = {0};
	for (uint64_t place = 0; place < 40; place++) {
		struct record_list list = sampled_list(c->kind, place << 40);
		compare(&list, c->rate, &got);
		free(list.r);
	}
	const char *name = sampled_names[c->kind];
	cr_expect(le(u32, 80, got.resolved), "%s: %u", name, got.resolved);
	cr_expect(ge(u32, got.within_two * 100, got.resolved * 93), "%s at %g: %u of %u within 1.96", name,
		  c->rate, got.within_two, got.resolved);
	cr_expect(ge(u32, got.within_three * 100, got.resolved * 98), "%s at %g: %u of %u within 3", name,
		  c->rate, got.within_three, got.resolved);
	cr_expect(le(u32, got.within_one * 100, got.resolved * 93),
		  "%s at %g: the error is overstated: %u of %u", name, c->rate, got.within_one, got.resolved);
}

struct real_case {
	char path[64];
	double rate;
	unsigned resolved; /* sizes, at least */
};
static struct real_case real_cases[] = {
	{"../shared/real/user/mawk_random.mtr.zst", 0.1, 8},
	{"../shared/real/user/mawk_random.mtr.zst", 0.02, 6},
	{"../shared/real/user/sort.mtr.zst", 0.2, 8},
	{"../shared/real/user/sqlite_lookup.mtr.zst", 0.1, 8},
	{"../shared/real/user/sqlite_lookup.mtr.zst", 0.3, 8},
};

ParameterizedTestParameters(mrc, sampled_curves_of_real_programs_are_within_three_standard_errors)
{
	return cr_make_param_array(struct real_case, real_cases, sizeof(real_cases) / sizeof(real_cases[0]));
}
ParameterizedTest(struct real_case *real, mrc,
		  sampled_curves_of_real_programs_are_within_three_standard_errors)
{
	struct coverage c = {0};
	compare_trace(real->path, real->rate, &c);
	cr_expect(ge(u32, c.resolved, real->resolved));
	cr_expect(eq(u32, c.within_three, c.resolved), "%s at rate %g", real->path, real->rate);
}

Test(mrc, a_sample_below_its_resolution_tells_nothing)
{
	struct record_list few = zipf_stream(100, 10000, 500, 0), many = zipf_stream(20000, 100000, 500, 0);
	struct mrc *small = read_curve(sampled(0.1), &few), *large = read_curve(sampled(0.1), &many);
	cr_expect(not(mrc_resolves(mrc_curve(small, 0), 4096)), "too few pages");
	cr_expect(not(mrc_resolves(mrc_curve(large, 0), 60)), "too few of them held");
	cr_expect(mrc_resolves(mrc_curve(large, 0), 80));
	mrc_free(small);
	mrc_free(large);
	free(few.r);
	free(many.r);
}
