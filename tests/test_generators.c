/* Generators: the contract that each of them keeps, and the statistics that each of them promises. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/alloc.h"
#include "base/permute.h"
#include "trace/generator.h"
#include "trace/portable_math.h"
#include "trace_help.h"

enum { MIB = 1 << 20, PAGE = 4096 };

static struct gen_params with_defaults(const struct schema *schema)
{
	struct gen_params p;
	schema_defaults(schema, &p);
	return p;
}

/* A small workload of each kind; a mixture has one child of every other kind, in `children`. */
static struct gen_params small_workload(uint64_t kind, struct gen_params children[GEN_mix])
{
	struct gen_params p = with_defaults(&gen_schema);
	p.generator = kind;
	p.footprint_bytes = 8 * MIB;
	p.accesses = 20000;
	if (kind != GEN_mix) return p;
	for (uint64_t i = 0; i < GEN_mix; i++) {
		children[i] = with_defaults(&gen_child_schema);
		children[i].generator = i;
		children[i].footprint_bytes = 4 * MIB;
		children[i].base_address = p.base_address + (i & 1 ? 4 * MIB : 0);
		children[i].weight = i + 1;
	}
	p.mix = (struct param_list){children, GEN_mix};
	return p;
}

static struct record_list generate(const struct gen_params *p, uint64_t seed, uint32_t stream, size_t cap)
{
	struct trace_source *src;
	struct record_list list;
	struct err err = {0};
	cr_assert(eq(int, gen_open("test", p, seed, stream, &src, &err), OK), "%s", err.text);
	cr_assert(eq(int, read_all(src, cap, &list, &err), OK));
	trace_close(src);
	return list;
}

static bool all_accesses_lie_in(const struct record_list *list, uint64_t base, uint64_t bytes)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct record *r = &list->r[i];
		if (r->kind != REC_LOAD && r->kind != REC_STORE) return false;
		if (r->addr < base || r->addr + r->count > base + bytes || r->addr % r->count || r->gap != 4)
			return false;
	}
	return true;
}

/* -- The contract -- */

Test(generators, each_gives_as_many_accesses_as_asked_within_its_footprint)
{
	struct gen_params children[GEN_mix];
	for (uint64_t kind = 0; kind < GEN_COUNT; kind++) {
		struct gen_params p = small_workload(kind, children);
		struct record_list list = generate(&p, 1, 0, 777);
		cr_expect(eq(sz, list.n, 20000), "generator %d", (int)kind);
		cr_expect(all_accesses_lie_in(&list, p.base_address, p.footprint_bytes), "generator %d",
			  (int)kind);
		free(list.r);
	}
}

Test(generators, each_is_decided_by_parameters_seed_and_stream_alone)
{
	struct gen_params children[GEN_mix];
	for (uint64_t kind = 0; kind < GEN_COUNT; kind++) {
		struct gen_params p = small_workload(kind, children);
		p.threads = 2;
		struct record_list a = generate(&p, 1, 0, 4096), b = generate(&p, 1, 0, 1),
				   c = generate(&p, 2, 0, 4096), d = generate(&p, 1, 1, 4096);
		bool is_random = kind != GEN_sequential && kind != GEN_stride && kind != GEN_copy;
		cr_expect(same_records(&a, &b), "generator %d", (int)kind);
		cr_expect(eq(int, same_records(&a, &c), !is_random), "generator %d", (int)kind);
		cr_expect(eq(int, same_records(&a, &d), !is_random), "generator %d", (int)kind);
		free(a.r), free(b.r), free(c.r), free(d.r);
	}
}

/* Golden: equal with every compiler, optimisation and host. A change here changes what every stored run was made of. */
Test(generators, each_stream_is_this_one_on_every_host)
{
	static const uint64_t hashes[GEN_COUNT] = {
		UINT64_C(13393665623041270162), UINT64_C(17486529307448455253),
		UINT64_C(10347741517088412878), UINT64_C(10692983702233578301),
		UINT64_C(1507937006371247082),  UINT64_C(5907840350586114805),
		UINT64_C(15237841055613375811), UINT64_C(10066203932008353119)};
	struct gen_params children[GEN_mix];
	for (uint64_t kind = 0; kind < GEN_COUNT; kind++) {
		struct gen_params p = small_workload(kind, children);
		struct record_list list = generate(&p, 1, 0, 4096);
		cr_expect(eq(u64, XXH64(list.r, list.n * sizeof(struct record), 0), hashes[kind]),
			  "generator %d", (int)kind);
		free(list.r);
	}
}

/* 5 standard deviations of a binomial share. */
static bool share_is(uint64_t hits, uint64_t n, double p)
{
	return fabs((double)hits - (double)n * p) <= 5 * sqrt((double)n * p * (1 - p));
}

Test(generators, each_keeps_the_share_of_loads)
{
	struct gen_params children[GEN_mix];
	for (uint64_t kind = 0; kind < GEN_mix; kind++) {
		struct gen_params p = small_workload(kind, children);
		if (kind == GEN_chase || kind == GEN_copy) continue; /* loads only, in turn: see below */
		p.read_percent = 70;
		struct record_list list = generate(&p, 1, 0, 4096);
		uint64_t loads = 0;
		for (size_t i = 0; i < list.n; i++) loads += list.r[i].kind == REC_LOAD;
		cr_expect(share_is(loads, list.n, 0.7), "generator %d: %d loads", (int)kind, (int)loads);
		free(list.r);
	}
}

Test(generators, threads_have_footprints_of_their_own_where_they_are_moved_apart)
{
	struct gen_params children[GEN_mix];
	for (uint64_t kind = 0; kind < GEN_COUNT; kind++) {
		struct gen_params p = small_workload(kind, children);
		p.threads = 4;
		p.thread_bytes = 16 * MIB;
		struct record_list list = generate(&p, 1, 3, 4096);
		cr_expect(all_accesses_lie_in(&list, p.base_address + 3 * p.thread_bytes, p.footprint_bytes),
			  "generator %d", (int)kind);
		free(list.r);
	}
}

Test(generators, an_update_loads_and_stores_each_address_however_it_is_cut)
{
	struct gen_params children[GEN_mix];
	struct gen_params p = small_workload(GEN_uniform, children);
	p.update = 1;
	p.accesses = 20001;
	struct record_list a = generate(&p, 1, 0, 4096), b = generate(&p, 1, 0, 3);
	cr_assert(eq(sz, a.n, 20001));
	cr_assert(same_records(&a, &b));
	for (size_t i = 0; i < a.n; i++) cr_assert(eq(int, a.r[i].kind, i % 2 ? REC_STORE : REC_LOAD));
	for (size_t i = 1; i < a.n; i += 2) cr_assert(eq(u64, a.r[i].addr, a.r[i - 1].addr));
	free(a.r), free(b.r);
}

/* -- Each one's promise -- */

Test(generators, sequential_and_stride_step_and_wrap)
{
	struct gen_params children[GEN_mix];
	struct gen_params p = small_workload(GEN_sequential, children),
			  q = small_workload(GEN_stride, children);
	p.footprint_bytes = 1000 * p.access_bytes;
	q.footprint_bytes = 5 * 4096 + 8;
	struct record_list a = generate(&p, 1, 0, 4096), b = generate(&q, 1, 0, 4096);
	for (size_t i = 0; i < a.n; i++) cr_assert(eq(u64, a.r[i].addr, p.base_address + i % 1000 * 8));
	for (size_t i = 0; i < b.n; i++)
		cr_assert(eq(u64, b.r[i].addr, q.base_address + i * 4096 % q.footprint_bytes));
	free(a.r), free(b.r);
}

Test(generators, a_chase_visits_every_item_once_before_any_again_and_depends_on_its_loads)
{
	static const uint64_t items[] = {1, 2, 3, 5, 64, 1000, 4097};
	struct gen_params children[GEN_mix];
	for (size_t k = 0; k < sizeof(items) / sizeof(items[0]); k++) {
		struct gen_params p = small_workload(GEN_chase, children);
		uint64_t n = items[k];
		p.footprint_bytes = n * PAGE;
		p.accesses = 2 * n;
		struct record_list list = generate(&p, 1, 0, 100);
		bool *seen = xcalloc(n, sizeof(bool));
		for (uint64_t i = 0; i < n; i++) {
			uint64_t item = (list.r[i].addr - p.base_address) / PAGE;
			cr_assert(eq(int, seen[item], false), "item %d of %d again", (int)item, (int)n);
			seen[item] = true;
			cr_assert(eq(u64, list.r[i + n].addr, list.r[i].addr));
			cr_assert(eq(u8, list.r[i].flags, REC_DEPENDENT));
			cr_assert(eq(u8, list.r[i].kind, REC_LOAD));
		}
		free(seen);
		free(list.r);
	}
}

Test(generators, a_chase_is_no_walk_with_a_stride)
{
	struct gen_params children[GEN_mix];
	struct gen_params p = small_workload(GEN_chase, children);
	uint64_t repeats = 0;
	p.footprint_bytes = 4096 * PAGE;
	p.accesses = 4096;
	struct record_list list = generate(&p, 1, 0, 100);
	for (size_t i = 2; i < list.n; i++)
		repeats += list.r[i].addr - list.r[i - 1].addr == list.r[i - 1].addr - list.r[i - 2].addr;
	cr_expect(le(u64, repeats, 10), "%d equal successive steps", (int)repeats);
	free(list.r);
}

/* Probability of a chi-square at least this large when `seen` is drawn with `expected` means. */
static double chi_square_p(const uint64_t *seen, const double *expected, size_t n)
{
	double x = 0;
	for (size_t i = 0; i < n; i++)
		x += ((double)seen[i] - expected[i]) * ((double)seen[i] - expected[i]) / expected[i];
	return gsl_cdf_chisq_Q(x, (double)(n - 1));
}

/* Where the generator puts rank 1, 2, ...: the permutation that its header describes, drawn from the named stream. */
static struct permutation zipf_scatter(uint64_t seed, uint64_t items)
{
	struct permutation scatter;
	struct rng rng;
	rng_init(&rng, seed, "workload.zipf.scatter");
	permute_init(&scatter, items, &rng);
	return scatter;
}

Test(generators, zipf_frequencies_follow_their_exponent)
{
	static const uint64_t thetas[] = {0, 500, 990, 1000, 1001, 2500};
	enum { ITEMS = 40, DRAWS = 400000 };
	struct gen_params children[GEN_mix];
	for (size_t t = 0; t < sizeof(thetas) / sizeof(thetas[0]); t++) {
		struct gen_params p = small_workload(GEN_zipf, children);
		uint64_t seen[ITEMS] = {0};
		double expected[ITEMS], sum = 0;
		p.footprint_bytes = ITEMS * PAGE;
		p.theta_milli = thetas[t];
		p.accesses = DRAWS;
		struct record_list list = generate(&p, 7, 0, 4096);
		struct permutation scatter = zipf_scatter(7, ITEMS);
		uint64_t rank_of[ITEMS];
		for (uint64_t k = 0; k < ITEMS; k++) rank_of[permute(&scatter, k)] = k;
		for (size_t i = 0; i < list.n; i++) seen[rank_of[(list.r[i].addr - p.base_address) / PAGE]]++;
		for (int k = 0; k < ITEMS; k++) sum += expected[k] = pow(k + 1, -(double)thetas[t] / 1000);
		for (int k = 0; k < ITEMS; k++) expected[k] *= DRAWS / sum;
		cr_expect(lt(dbl, 1e-4, chi_square_p(seen, expected, ITEMS)), "theta %d/1000",
			  (int)thetas[t]);
		free(list.r);
	}
}

Test(generators, zipf_finds_the_same_items_popular_in_every_thread)
{
	struct gen_params children[GEN_mix];
	struct gen_params p = small_workload(GEN_zipf, children);
	uint64_t top[2] = {0, 0};
	p.theta_milli = 2000; /* the first item has 61 % */
	p.threads = 2;
	for (uint32_t stream = 0; stream < 2; stream++) {
		struct record_list list = generate(&p, 1, stream, 4096);
		uint64_t *seen = xcalloc(8 * MIB / PAGE, sizeof(uint64_t));
		for (size_t i = 0; i < list.n; i++) {
			uint64_t item = (list.r[i].addr - p.base_address) / PAGE;
			if (++seen[item] > seen[top[stream]]) top[stream] = item;
		}
		cr_expect(share_is(seen[top[stream]], list.n, 6 / (M_PI * M_PI)));
		free(seen);
		free(list.r);
	}
	cr_expect(eq(u64, top[0], top[1]));
}

Test(generators, uniform_reaches_all_parts_equally)
{
	enum { PARTS = 64 };
	struct gen_params children[GEN_mix];
	struct gen_params p = small_workload(GEN_uniform, children);
	uint64_t seen[PARTS] = {0};
	double expected[PARTS];
	p.accesses = 200000;
	struct record_list list = generate(&p, 3, 0, 4096);
	for (size_t i = 0; i < list.n; i++) seen[(list.r[i].addr - p.base_address) / (8 * MIB / PARTS)]++;
	for (int i = 0; i < PARTS; i++) expected[i] = 200000.0 / PARTS;
	cr_expect(lt(dbl, 1e-4, chi_square_p(seen, expected, PARTS)));
	free(list.r);
}

Test(generators, uniform_depends_on_the_load_before_where_asked_to_and_is_else_the_same)
{
	struct gen_params children[GEN_mix];
	struct gen_params p = small_workload(GEN_uniform, children);
	struct record_list free_running = generate(&p, 3, 0, 4096);
	p.dependent = 1;
	struct record_list chained = generate(&p, 3, 0, 4096);
	for (size_t i = 0; i < chained.n; i++) {
		cr_assert(eq(u8, free_running.r[i].flags & REC_DEPENDENT, 0));
		cr_assert(eq(u8, chained.r[i].flags & REC_DEPENDENT, REC_DEPENDENT));
		cr_assert(eq(u64, chained.r[i].addr, free_running.r[i].addr));
	}
	free(free_running.r);
	free(chained.r);
}

Test(generators, tlb_mix_hits_its_sets_with_their_shares)
{
	struct gen_params children[GEN_mix];
	struct gen_params p = small_workload(GEN_tlb_mix, children);
	uint64_t hot = 0, warm = 0;
	p.accesses = 1000000;
	struct record_list list = generate(&p, 1, 0, 4096);
	for (size_t i = 0; i < list.n; i++) {
		uint64_t page = (list.r[i].addr - p.base_address) / PAGE;
		hot += page < p.hot_pages;
		warm += page >= p.hot_pages && page < p.hot_pages + p.warm_pages;
	}
	cr_expect(share_is(hot, list.n, 0.99), "%d hot", (int)hot);
	cr_expect(share_is(warm, list.n, 0.005), "%d warm", (int)warm);
	free(list.r);
}

Test(generators, copy_loads_from_the_first_half_and_stores_to_the_same_place_of_the_second)
{
	struct gen_params p = with_defaults(&gen_schema);
	p.generator = GEN_copy;
	p.footprint_bytes = 128;
	p.accesses = 40;
	struct record_list list = generate(&p, 1, 0, 3);
	cr_assert(eq(sz, list.n, 40));
	for (size_t i = 0; i < list.n; i++) {
		cr_expect(eq(int, list.r[i].kind, i % 2 ? REC_STORE : REC_LOAD));
		cr_expect(eq(u64, list.r[i].addr, p.base_address + i / 2 % 8 * 8 + (i % 2 ? 64 : 0)));
	}
	free(list.r);
}

Test(generators, a_mixture_draws_its_children_by_weight)
{
	struct gen_params children[GEN_mix];
	struct gen_params p = small_workload(GEN_mix, children);
	uint64_t first = 0;
	for (int i = 0; i < 2; i++) {
		children[i].generator = GEN_sequential;
		children[i].base_address = p.base_address + (uint64_t)i * 4 * MIB;
		children[i].weight = i ? 3 : 1;
	}
	p.mix.count = 2;
	struct record_list list = generate(&p, 1, 0, 4096);
	for (size_t i = 0; i < list.n; i++) first += list.r[i].addr < p.base_address + 4 * MIB;
	cr_expect(share_is(first, list.n, 0.25), "%d of the first", (int)first);
	free(list.r);
}

/* -- What is refused -- */

static const struct {
	const char *message;
	uint64_t generator, footprint, access, stride, item, read_percent, update;
} refused[] = {
	{"footprint_bytes: 1001 is not a multiple of 8", GEN_uniform, 1001, 8, 8, 8, 100, 0},
	{"no meaning with update", GEN_uniform, 1024, 8, 8, 8, 50, 1},
	{"stride_bytes: 4096 is not below", GEN_stride, 4096, 8, 4096, 8, 100, 0},
	{"stride_bytes: 12 is not a multiple of 8", GEN_stride, 4096, 8, 12, 8, 100, 0},
	{"only loads", GEN_chase, 4096, 8, 8, 8, 50, 0},
	{"item_bytes: 4 is outside", GEN_chase, 4096, 8, 8, 4, 100, 0},
	{"item_bytes: 8192 is outside", GEN_zipf, 4096, 8, 8, 8192, 100, 0},
	{"is not below the footprint", GEN_tlb_mix, 4096, 8, 8, 8, 100, 0},
	{"loads and stores in turn", GEN_copy, 4096, 8, 8, 8, 50, 0},
	{"loads and stores in turn", GEN_copy, 4096, 8, 8, 8, 100, 1},
	{"footprint_bytes: 4104 is not a multiple of 16", GEN_copy, 4104, 8, 8, 8, 100, 0},
	{"at least one child", GEN_mix, 4096, 8, 8, 8, 100, 0},
};

Test(generators, parameters_that_do_not_fit_together_are_errors_that_say_so)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct gen_params p = with_defaults(&gen_schema);
		struct trace_source *src;
		struct err err = {0};
		p.generator = refused[i].generator;
		p.footprint_bytes = refused[i].footprint;
		p.access_bytes = refused[i].access;
		p.stride_bytes = refused[i].stride;
		p.item_bytes = refused[i].item;
		p.read_percent = refused[i].read_percent;
		p.update = refused[i].update;
		cr_expect(eq(int, gen_open("w.yaml", &p, 1, 0, &src, &err), ERR_CONFIG), "case %zu", i);
		cr_expect(contains(err.text, refused[i].message), "case %zu: %s", i, err.text);
	}
}

/* -- What they stand on -- */

Test(permute, is_a_permutation_of_any_size)
{
	for (uint64_t n = 1; n < 700; n += 1 + n / 9) {
		bool seen[700] = {false};
		struct permutation p;
		struct rng rng;
		rng_init(&rng, n, "test.permute");
		permute_init(&p, n, &rng);
		for (uint64_t i = 0; i < n; i++) {
			uint64_t to = permute(&p, i);
			cr_assert(to < n && !seen[to], "%d of %d", (int)to, (int)n);
			seen[to] = true;
		}
	}
}

Test(permute, sends_each_of_four_where_it_goes_alone)
{
	for (uint64_t n = 1; n < 5000; n += 1 + n / 5) {
		struct permutation p;
		struct rng rng;
		rng_init(&rng, n, "test.permute");
		permute_init(&p, n, &rng);
		for (uint64_t i = 0; i < n; i++) {
			uint64_t four[4] = {i, n - 1 - i, i / 2, 0};
			permute_four(&p, four);
			cr_assert(four[0] == permute(&p, i) && four[1] == permute(&p, n - 1 - i));
			cr_assert(four[2] == permute(&p, i / 2) && four[3] == permute(&p, 0));
		}
	}
}

Test(portable_math, agrees_with_the_library_to_a_few_units_in_the_last_place)
{
	struct rng rng;
	rng_init(&rng, 1, "test.math");
	for (int i = 0; i < 100000; i++) {
		double x = exp((rng_unit(&rng) - 0.5) * 80), y = (rng_unit(&rng) - 0.5) * 400;
		cr_assert(fabs(portable_log(x) - log(x)) <= 1e-15 * fmax(fabs(log(x)), 0.1));
		cr_assert(fabs(portable_exp(y) / exp(y) - 1) <= 1e-15);
	}
}

/* The bits themselves: a host or compiler that computes otherwise would change every Zipf stream. */
Test(portable_math, gives_fixed_bits)
{
	cr_expect(eq(dbl, portable_log(10), 0x1.26bb1bbb55516p+1));
	cr_expect(eq(dbl, portable_exp(1), 0x1.5bf0a8b145769p+1));
	cr_expect(eq(dbl, portable_log(1), 0));
	cr_expect(eq(dbl, portable_exp(0), 1));
}

/* Logarithms of x[] and exponentials of y[], four at a time and compiled as who calls. */
LANES_INLINE void logs_and_exps(const double x[4], const double y[4], double out[8])
{
	lanes_four from, to;
	memcpy(&from, x, sizeof(from));
	to = portable_log_four(from);
	memcpy(out, &to, sizeof(to));
	memcpy(&from, y, sizeof(from));
	to = portable_exp_four(from);
	memcpy(out + 4, &to, sizeof(to));
}

static void plain(const double x[4], const double y[4], double out[8]) { logs_and_exps(x, y, out); }

#ifdef __x86_64__
__attribute__((target("avx2"))) static void with_avx2(const double x[4], const double y[4], double out[8])
{
	logs_and_exps(x, y, out);
}
static bool has_avx2(void) { return __builtin_cpu_supports("avx2"); }
#else
static void with_avx2(const double x[4], const double y[4], double out[8]) { plain(x, y, out); }
static bool has_avx2(void) { return false; }
#endif

Test(portable_math, gives_the_same_bits_alone_in_fours_and_with_avx2)
{
	struct rng rng;
	rng_init(&rng, 2, "test.math");
	for (int i = 0; i < 20000; i++) {
		double x[4], y[4], alone[8], fours[8], avx2[8];
		for (int k = 0; k < 4; k++) {
			x[k] = exp((rng_unit(&rng) - 0.5) * 80);
			y[k] = i ? (rng_unit(&rng) - 0.5) * 1300 : k * PORTABLE_LN2_HIGH / 2;
			alone[k] = portable_log(x[k]);
			alone[4 + k] = portable_exp(y[k]);
		}
		plain(x, y, fours);
		(has_avx2() ? with_avx2 : plain)(x, y, avx2);
		cr_assert(memcmp(alone, fours, sizeof(alone)) == 0 &&
			  memcmp(alone, avx2, sizeof(alone)) == 0);
	}
}
