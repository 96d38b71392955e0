/* The timed MMU gives what the functional plane gives: for random tables, registers, machines and orders of use. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#include "mmu/foresight.h"
#include "mmu_world.h"

enum { CHUNKS = 8, SITES = 64, ACCESSES = 3000 };

/* --- address spaces ------------------------------------------------------------------------------------------------ */

/* Addresses of one tree that are mapped: `bits` of offset around `va`. */
struct sites {
	uint64_t va[SITES];
	unsigned bits[SITES], count;
};

struct spaces {
	struct sites user[MMU_VMS][MMU_PROCESSES], kernel[MMU_VMS];
};

static const struct mmu_shape stage1_shapes[] = {{12, 39, 1}, {12, 48, 0}, {14, 36, 2},
						 {14, 47, 1}, {16, 42, 2}, {16, 48, 1}};
static const struct mmu_shape stage2_shapes[] = {{12, 40, 1}, {14, 40, 2}, {16, 40, 2}, {12, 40, 0}};

static unsigned block_bits(unsigned granule)
{
	return granule == GRANULE_4K ? 30 : level_entry_bits(granule, 2);
}

static uint64_t random_leaf_bits(struct rng *r, bool kernel)
{
	uint64_t bits = rng_below(r, 8) ? DESC_AF : 0;
	if (rng_below(r, 2)) bits |= DESC_AP_USER;
	if (rng_below(r, 3) == 0) bits |= DESC_AP_READ_ONLY;
	if (rng_below(r, 3) == 0) bits |= DESC_DBM;
	if (rng_below(r, 4) == 0) bits |= DESC_PXN;
	if (rng_below(r, 4) == 0) bits |= DESC_UXN;
	if (!kernel || rng_below(r, 2)) bits |= DESC_NG;
	return bits;
}

/* Maps one block, page or run at `va`, if the chunk has room for it. */
static void map_site(struct mmu_world *w, struct mmu_tree *t, struct sites *sites, uint64_t va, struct rng *r,
		     int level)
{
	unsigned granule = t->shape.granule_bits;
	unsigned run = level_entry_bits(granule, level) + contiguous_entries_bits(granule, level);
	struct mmu_mapping m = {.va = va,
				.ipa = rng_below(r, UINT64_C(1) << 40),
				.bits = random_leaf_bits(r, bit_get(va, 55)),
				.level = level,
				.run = rng_below(r, 3) == 0 && run <= block_bits(granule)};
	mmu_world_map(w, t, &m);
	sites->va[sites->count] = va;
	sites->bits[sites->count++] = m.run ? run : level_entry_bits(granule, level);
}

/* Fills some chunks, each with one block or with six pages or runs. */
static void map_tree(struct mmu_world *w, struct mmu_tree *t, struct sites *sites, bool kernel, struct rng *r)
{
	unsigned chunk = block_bits(t->shape.granule_bits);
	uint64_t chunks = UINT64_C(1) << (t->shape.ia_bits - chunk),
		 upper = kernel ? ~bits_ones(t->shape.ia_bits) : 0;
	for (uint64_t i = 0; i < CHUNKS; i++) {
		uint64_t va = upper | (i * (chunks / CHUNKS)) << chunk;
		int block = t->shape.granule_bits == GRANULE_4K ? 1 + (int)rng_below(r, 2) : 2;
		if (rng_below(r, 4) == 0) {
			map_site(w, t, sites, va, r, block);
			continue;
		}
		for (uint64_t p = 0; p < 6; p++) map_site(w, t, sites, va + (p << 21), r, 3);
	}
}

static void random_control(struct mmu_vm *v, struct rng *r)
{
	static const unsigned tcr[] = {37, 38, 39, 40, 41, 42, 51, 52, 55, 56}; /* TBI HA HD HPD TBID E0PD */
	for (unsigned i = 0; i < sizeof(tcr) / sizeof(tcr[0]); i++)
		v->regs.TCR_EL1 |= rng_below(r, 2) << tcr[i];
	v->regs.SCTLR_EL1 |= (uint64_t)(rng_below(r, 4) == 0) << 19 | rng_below(r, 2) << 57; /* WXN, EPAN */
	if (rng_below(r, 8) == 0) v->regs.SCTLR_EL1 &= ~UINT64_C(1);
	v->regs.VTCR_EL2 |= rng_below(r, 2) << 21 | rng_below(r, 2) << 22;
	v->regs.HCR_EL2 |= rng_below(r, 2) ? HCR_PTW : 0;
}

static void build_spaces(struct mmu_world *w, struct spaces *s, unsigned seed, struct rng *r)
{
	struct mmu_setup setup = {.user = stage1_shapes[rng_below(r, 6)],
				  .kernel = stage1_shapes[rng_below(r, 6)],
				  .stage2 = stage2_shapes[rng_below(r, 4)],
				  .two_stages = rng_below(r, 4),
				  .seed = seed};
	*s = (struct spaces){0};
	mmu_world_init(w, &setup);
	for (unsigned vm = 0; vm < MMU_VMS; vm++) {
		random_control(&w->vm[vm], r);
		map_tree(w, &w->vm[vm].kernel, &s->kernel[vm], true, r);
		for (unsigned p = 0; p < MMU_PROCESSES; p++)
			map_tree(w, &w->vm[vm].user[p], &s->user[vm][p], false, r);
	}
}

/* --- machines ------------------------------------------------------------------------------------------------------ */

struct machine_parts {
	struct tlb_params tlb[6];
	struct walk_cache_params s1[3], s2[3];
	struct cache_params cache[2];
	struct param_list tlbs, caches;
	struct walker_params walker;
};

static struct tlb_params random_tlb(const char *name, uint64_t level, enum side side, struct rng *r)
{
	static const uint64_t shapes[][2] = {{1, 1},  {3, 3},  {8, 8},    {48, 48},
					     {20, 5}, {64, 4}, {1280, 5}, {17, 17}};
	const uint64_t *shape = shapes[rng_below(r, 8)];
	return (struct tlb_params){.name = name,
				   .level = level,
				   .side = side,
				   .entries = shape[0],
				   .ways = shape[1],
				   .pages = rng_next(r) | 1,
				   .hit_cycles = level == 1 ? rng_below(r, 2) : rng_below(r, 9),
				   .policy = rng_below(r, REPL_COUNT),
				   .index = rng_below(r, 2),
				   .coalesce = rng_below(r, 2) ? rng_below(r, TLB_COALESCE_COUNT) : TLB_NONE,
				   .coalesce_pages = UINT64_C(2) << rng_below(r, 3),
				   .inclusion = level == 1 ? TLB_NINE : rng_below(r, 3),
				   .contiguous = rng_below(r, 2)};
}

/* Sometimes another TLB beside `t`, for some of its page sizes. Returns how many there are now. */
static size_t random_split(struct tlb_params *t, const char *name, struct rng *r)
{
	uint64_t away = rng_next(r) & ~UINT64_C(1) & t->pages & ((1u << TLB_SIZE_COUNT) - 1);
	if (!away || rng_below(r, 2)) return 1;
	t[1] = random_tlb(name, t->level, (enum side)t->side, r);
	t[1].pages = away;
	t[0].pages &= ~away;
	return 2;
}

static struct param_list random_walk_caches(struct walk_cache_params *c, struct rng *r)
{
	static const uint64_t shapes[][2] = {{0, 1}, {1, 1}, {4, 4}, {8, 2}, {64, 16}, {16, 16}};
	size_t count = rng_below(r, 4);
	for (size_t i = 0; i < count; i++) {
		const uint64_t *shape = shapes[rng_below(r, 6)];
		c[i] = (struct walk_cache_params){.levels = 1 + rng_below(r, 15),
						  .entries = shape[0],
						  .ways = shape[1],
						  .cycles = rng_below(r, 3),
						  .policy = rng_below(r, REPL_COUNT)};
	}
	return (struct param_list){c, count};
}

static void random_machine(struct machine_parts *p, struct rng *r)
{
	size_t tlbs = 0;
	if (rng_below(r, 2)) {
		p->tlb[tlbs++] = random_tlb("l1i", 1, SIDE_INSTRUCTION, r);
		p->tlb[tlbs++] = random_tlb("l1d", 1, SIDE_DATA, r);
	} else {
		p->tlb[tlbs++] = random_tlb("l1", 1, SIDE_UNIFIED, r);
	}
	if (rng_below(r, 4)) {
		p->tlb[tlbs] = random_tlb("l2", 2, SIDE_UNIFIED, r);
		tlbs += random_split(&p->tlb[tlbs], "l2_blocks", r);
	}
	if (rng_below(r, 4) == 0) {
		p->tlb[tlbs] = random_tlb("last", p->tlb[tlbs - 1].level + 1, SIDE_UNIFIED, r);
		tlbs++;
	}
	p->tlbs = (struct param_list){p->tlb, tlbs};
	p->walker = (struct walker_params){.walkers = 1 + rng_below(r, 3),
					   .first_cache = 1 + rng_below(r, 2),
					   .cycles_per_level = rng_below(r, 3),
					   .descriptor_reads_cached = rng_below(r, 2),
					   .s1_caches = random_walk_caches(p->s1, r),
					   .s2_caches = random_walk_caches(p->s2, r)};
	if (rng_below(r, 2))
		p->walker.prefetch = (struct prefetch_params){.kind = rng_below(r, PREFETCH_COUNT),
							      .buffer_entries = 1 + rng_below(r, 20),
							      .hit_cycles = rng_below(r, 3),
							      .degree = 1 + rng_below(r, 4),
							      .table_entries = 1 + rng_below(r, 40)};
	if (rng_below(r, 2))
		p->walker.ipa_cache = (struct ipa_cache_params){.entries = 8, .ways = 4, .cycles = 1};
	p->cache[0] = (struct cache_params){.name = "l1",
					    .level = 1,
					    .side = CACHE_UNIFIED,
					    .size = 128 << 10,
					    .ways = 4,
					    .line = 64,
					    .hit_cycles = 4,
					    .mshrs = 2,
					    .write_back = 1,
					    .write_allocate = 1};
	p->cache[1] = p->cache[0];
	p->cache[1].name = "l2";
	p->cache[1].level = 2;
	p->cache[1].size = 256 << 10;
	p->cache[1].hit_cycles = 11;
	p->caches = (struct param_list){p->cache, 2};
}

/* --- accesses ------------------------------------------------------------------------------------------------------ */

static uint64_t random_site(const struct sites *s, struct rng *r)
{
	unsigned i = (unsigned)rng_below(r, s->count);
	uint64_t offset = rng_below(r, 4) << 21 | rng_below(r, 1 << 16);
	return s->va[i] + (offset & bits_ones(s->bits[i]));
}

static uint64_t random_address(const struct mmu_world *w, const struct spaces *s, struct rng *r)
{
	bool kernel = rng_below(r, 3) == 0;
	const struct sites *sites = kernel ? &s->kernel[w->now_vm] : &s->user[w->now_vm][w->now_process];
	uint64_t va = random_site(sites, r);
	if (rng_below(r, 16) == 0) va = random_site(&s->user[0][0], r); /* of another, perhaps */
	if (rng_below(r, 64) == 0) va = rng_next(r);
	if (rng_below(r, 4) == 0)
		va ^= (rng_below(r, 4) ? UINT64_C(0x2a) : rng_below(r, 256))
		      << 56; /* a tag, often the same */
	return va;
}

static void random_switch(struct mmu_world *w, struct rng *r)
{
	unsigned el = (unsigned)rng_below(r, 2);
	mmu_world_switch(w, (unsigned)rng_below(r, MMU_VMS), (unsigned)rng_below(r, MMU_PROCESSES), el,
			 el && rng_below(r, 2));
}

static void expect_same_fault(const struct fault *have, const struct fault *want, uint64_t va)
{
	cr_assert(eq(u8, have->kind, want->kind), "va 0x%lx", va);
	cr_assert(eq(i8, have->level, want->level), "va 0x%lx", va);
	cr_assert(eq(u8, have->stage, want->stage), "va 0x%lx", va);
	cr_assert(eq(int, have->s1ptw, want->s1ptw), "va 0x%lx", va);
	cr_assert(eq(u64, have->ipa.raw, want->ipa.raw), "va 0x%lx", va);
}

/* One access in both planes; true when it was translated. */
static bool compare(struct mmu_world *w, uint64_t va, enum access_kind kind, cycles_t now)
{
	struct translation want;
	struct mmu_done done;
	mmu_world_expect(w, va, kind, &want);
	bool ok = mmu_translate(w->mmu, va, kind, 1, now, &done);
	cr_assert(eq(int, ok, want.fault.kind == FAULT_NONE),
		  "va 0x%lx kind %d el %u pan %d: fault %u of stage %u", va, kind, w->el, w->pan,
		  want.fault.kind, want.fault.stage);
	cr_assert(ge(u64, done.cycle, now));
	if (ok)
		cr_assert(eq(u64, done.pa, want.pa.raw), "va 0x%lx", va);
	else
		expect_same_fault(&w->mmu->fault.fault, &want.fault, va);
	return ok;
}

/* Merged ones, too: time stands still here. */
static void count_answers(void *answered, struct tlb *t, int stage)
{
	if (stage == 0) *(uint64_t *)answered += t->stats.hits + t->stats.merged;
}

static void check_one(void *ctx, struct tlb *t, int stage)
{
	(void)ctx, (void)stage;
	tlb_check(t);
}

struct planes_case {
	unsigned seed;
};

ParameterizedTestParameters(mmu_planes, timing_changes_no_result)
{
	static struct planes_case cases[64];
	for (unsigned i = 0; i < 64; i++) cases[i].seed = i + 1;
	return cr_make_param_array(struct planes_case, cases, 64);
}

ParameterizedTest(struct planes_case *c, mmu_planes, timing_changes_no_result)
{
	static struct mmu_world w;
	static struct spaces spaces;
	struct machine_parts parts;
	struct rng r;
	unsigned good = 0;
	struct err err;
	rng_init(&r, c->seed, "planes");
	build_spaces(&w, &spaces, c->seed, &r);
	random_machine(&parts, &r);
	mmu_world_machine(&w, &parts.tlbs, &parts.walker, &parts.caches);
	for (unsigned i = 0; i < ACCESSES; i++) {
		if (rng_below(&r, 8) == 0) random_switch(&w, &r);
		uint64_t va = random_address(&w, &spaces, &r);
		good += compare(&w, va, (enum access_kind)rng_below(&r, 3), i * 20 + rng_below(&r, 400));
		if (i % 256 == 0) mmu_each_tlb(w.mmu, check_one, NULL);
	}
	cr_expect(lt(u32, ACCESSES / 20, good));
	uint64_t answered = 0;
	mmu_each_tlb(w.mmu, count_answers, &answered);
	cr_expect(lt(u64, 0, answered));
	cr_assert(eq(int, mmu_check_sums(w.mmu, &err), OK), "%s", err.text);
	mmu_world_fini(&w);
}

/* --- looking ahead --------------------------------------------------------------------------------------------------- */

static void add_up(void *sum, struct tlb *t, int stage)
{
	const uint64_t *count = (const uint64_t *)(const void *)&t->stats;
	for (size_t i = 0; i < sizeof(t->stats) / sizeof(*count); i++)
		*(uint64_t *)sum = *(uint64_t *)sum * 31 + count[i] + (uint64_t)stage;
}

enum ahead { NOT_AHEAD, ONE_CORE, MANY_CORES };

/* As one core of many: the steps of an access lie some accesses apart. */
static void foresee_steps(struct mmu *m, const uint64_t *va, unsigned i, struct foreseen_access *a)
{
	for (unsigned n = 0; n < FORESIGHT_STEPS; n++) {
		unsigned of = i + 2 * (FORESIGHT_STEPS - n);
		mmu_foresee_step(m, n, va[of % ACCESSES], i % 2, &a[of % 8]);
	}
}

/* Runs a random stream, asking for what comes: a number of all cycles, addresses and counters. */
static uint64_t run_stream(unsigned seed, enum ahead ahead)
{
	static struct mmu_world w;
	static struct spaces spaces;
	static uint64_t va[ACCESSES];
	struct machine_parts parts;
	struct mmu_done done;
	struct rng r;
	struct foreseen_access steps[8] = {0};
	struct foresight *shared = ahead == MANY_CORES ? foresight_new() : NULL;
	uint64_t sum = seed;
	rng_init(&r, seed, "planes");
	build_spaces(&w, &spaces, seed, &r);
	random_machine(&parts, &r);
	mmu_world_machine(&w, &parts.tlbs, &parts.walker, &parts.caches);
	if (shared) mmu_share_foresight(w.mmu, shared);
	for (unsigned i = 0; i < ACCESSES; i++) va[i] = random_address(&w, &spaces, &r);
	for (unsigned i = 0; i < ACCESSES; i++) {
		if (i % 16 == 0) random_switch(&w, &r);
		if (ahead == ONE_CORE) mmu_foresee(w.mmu, va[(i + FORESIGHT_RECORDS) % ACCESSES], i % 2);
		if (ahead == MANY_CORES) foresee_steps(w.mmu, va, i, steps);
		done.pa = 0;
		mmu_translate(w.mmu, va[i], (enum access_kind)rng_below(&r, 3), 1, i * 20, &done);
		sum = (sum * 31 + done.cycle) * 31 + done.pa;
	}
	mmu_each_tlb(w.mmu, add_up, &sum);
	sum = sum * 31 + mmu_world_reads(&w);
	mmu_world_fini(&w);
	free(shared);
	return sum;
}

Test(mmu_planes, looking_ahead_changes_nothing)
{
	for (unsigned seed = 100; seed < 132; seed++) {
		uint64_t sum = run_stream(seed, NOT_AHEAD);
		cr_expect(eq(u64, run_stream(seed, ONE_CORE), sum), "seed %u", seed);
		cr_expect(eq(u64, run_stream(seed, MANY_CORES), sum), "seed %u", seed);
	}
}

/* A walk reads its last descriptor where it was foreseen; 64 pages lie all over one last table, which may be of several pages of 4 KiB. */
static void expect_foreseen(bool two_stages, unsigned granule)
{
	static struct mmu_world w;
	int start = granule == GRANULE_64K;
	struct mmu_setup setup = {
		{granule, 48, start}, {granule, 48, start}, {granule, 40, start + 1}, two_stages, 0};
	struct machine_parts parts;
	struct mmu_done done;
	struct rng r;
	unsigned step = granule - 3 - 6; /* a table has 2^(granule - 3) descriptors */
	rng_init(&r, 3, "planes");
	random_machine(&parts, &r);
	parts.walker.ipa_cache.entries = 0;
	parts.walker.prefetch.kind = 0;
	for (unsigned i = 0; i < 6; i++) parts.tlb[i].coalesce = TLB_NONE;
	mmu_world_init(&w, &setup);
	for (uint64_t i = 0; i < 64; i++)
		mmu_world_map_page(&w, 0, 0, i << (granule + step), (i * 37 << granule) % (256 << 10));
	mmu_world_machine(&w, &parts.tlbs, &parts.walker, &parts.caches);
	mmu_world_switch(&w, 0, 0, 0, false);
	mmu_foresee(w.mmu, 0, true);
	for (uint64_t i = 0; i < 64; i++)
		mmu_translate(w.mmu, i << (granule + step), ACCESS_READ, 1, i * 1000, &done);
	struct tlb_match all = {.by_address = false};
	for (uint64_t i = 0; i < 64; i++) {
		uint64_t va = i << (granule + step);
		mmu_foresee(w.mmu, va, true);
		struct foreseen first = w.mmu->foresight->next[0];
		mmu_foresee(w.mmu, va, true);
		struct foreseen last = two_stages ? w.mmu->foresight->next[1] : first;
		struct foreseen_access steps;
		for (unsigned n = 0; n < FORESIGHT_STEPS; n++) mmu_foresee_step(w.mmu, n, va, true, &steps);
		for (unsigned t = 0; t < w.mmu->owned_count; t++) tlb_invalidate(w.mmu->owned[t], &all);
		cr_assert(mmu_translate(w.mmu, va, ACCESS_READ, 1, 1000000 + i * 1000, &done));
		cr_assert(eq(u64, last.at, w.mmu->req.pa.raw), "page %lu", i);
		cr_assert(eq(u64, steps.stage[two_stages].at, last.at), "one core of many");
		cr_assert(eq(u64, first.input, va));
		cr_assert(eq(u64, last.entry, physmem_entry(w.mmu->memory, (struct pa){last.at})));
	}
	mmu_world_fini(&w);
}

Test(mmu_planes, a_last_descriptor_is_foreseen_where_the_walk_reads_it)
{
	for (unsigned granule = GRANULE_4K; granule <= GRANULE_64K; granule += 2) {
		expect_foreseen(false, granule);
		expect_foreseen(true, granule);
	}
}

/* As the kernel's own accesses set it, which are not explained, beside a program's that are. */
Test(mmu_planes, a_context_set_while_nobody_asks_leaves_accesses_explained)
{
	static struct mmu_world w;
	struct mmu_setup setup = {{12, 48, 0}, {12, 48, 0}, {12, 40, 1}, false, 0};
	struct machine_parts parts;
	struct mmu_done done;
	struct why why = {0};
	struct rng r;
	rng_init(&r, 3, "planes");
	random_machine(&parts, &r);
	parts.walker.prefetch.kind = 0;
	parts.walker.range_tlb.entries = 0;
	parts.walker.page_table.design = PAGE_TABLE_radix;
	for (unsigned i = 0; i < 6; i++) parts.tlb[i].coalesce = TLB_NONE;
	mmu_world_init(&w, &setup);
	mmu_world_map_page(&w, 0, 0, 0, 0);
	mmu_world_machine(&w, &parts.tlbs, &parts.walker, &parts.caches);
	mmu_explain(w.mmu, &why);
	w.mmu->why = w.mmu->port->why = NULL;
	mmu_world_switch(&w, 0, 0, 0, false);
	w.mmu->why = w.mmu->port->why = &why;
	cr_assert(mmu_translate(w.mmu, 0, ACCESS_READ, 1, 0, &done));
	unsigned descriptors = 0;
	for (size_t i = 0; i < why_count(&why); i++) descriptors += why.span[i].kind == WHY_DESCRIPTOR;
	cr_expect(lt(uint, 0, descriptors));
	why_fini(&why);
	mmu_world_fini(&w);
}
