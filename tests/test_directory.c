/* Lines that several cores use: where they come from, who loses them, and that a core alone pays nothing. */
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/rng.h"
#include "mem/directory.h"

enum { L1 = 4, L2 = 12, SLC = 40, DRAM = 100, CLUSTER = 60, DIE = 80 };
#define BASE UINT64_C(0x80000000)

/* Four cores in two clusters, at 1 GHz: two private levels, one for all. */
struct world {
	struct mem_side *side;
	struct coherence coherence;
	struct mem_cpu cpu[4];
};

static const struct cache_params caches[] = {{.name = "l1d",
					      .level = 1,
					      .side = CACHE_UNIFIED,
					      .size = 1024,
					      .ways = 2,
					      .line = 64,
					      .hit_cycles = L1,
					      .mshrs = 8,
					      .write_back = 1,
					      .write_allocate = 1},
					     {.name = "l2",
					      .level = 2,
					      .side = CACHE_UNIFIED,
					      .size = 4096,
					      .ways = 4,
					      .line = 64,
					      .hit_cycles = L2,
					      .mshrs = 8,
					      .write_back = 1,
					      .write_allocate = 1},
					     {.name = "slc",
					      .level = 3,
					      .side = CACHE_UNIFIED,
					      .shared = SHARE_ALL,
					      .size = 65536,
					      .ways = 8,
					      .line = 64,
					      .hit_cycles = SLC,
					      .mshrs = 8,
					      .write_back = 1,
					      .write_allocate = 1}};
static const struct node_params node = {
	.name = "dram", .size = 1 << 30, .latency_ns = DRAM, .bandwidth_MBps = 1000000};
static const struct param_list cache_list = {(void *)caches, 3};

static void open_world(struct world *w, bool directory)
{
	const struct memory_params memory = {.base = BASE, .nodes = {(void *)&node, 1}};
	const struct topology_params t = {.cluster_cores = 2, .die_cores = 4};
	const struct coherence_params p = {
		.cluster_ns = CLUSTER, .die_ns = DIE, .socket_ns = 200, .machine_ns = 300};
	struct err err = {0};
	memset(w, 0, sizeof(*w));
	cr_assert(eq(int, mem_new(&memory, &cache_list, 1000, &w->side, &err), OK), "%s", err.text);
	mem_set_topology(w->side, &t);
	coherence_init(&w->coherence, &p, &t, 1000, 1);
	if (directory) mem_use_directory(w->side, &w->coherence);
	for (unsigned i = 0; i < 4; i++)
		cr_assert(eq(int, mem_cpu_init(&w->cpu[i], w->side, i, &err), OK), "%s", err.text);
}

static void close_world(struct world *w)
{
	struct err err = {0};
	cr_expect(eq(int, mem_check_sums(w->side, &err), OK), "%s", err.text);
	for (unsigned i = 0; i < 4; i++) mem_cpu_fini(&w->cpu[i]);
	mem_free(w->side);
}

/* How long an access takes that begins at `now`. */
static cycles_t latency(struct world *w, unsigned core, bool write, uint64_t offset, cycles_t now)
{
	struct mem_req r = {
		.kind = write ? ACCESS_WRITE : ACCESS_READ, .security = SEC_NONSECURE, .pa = {BASE + offset}};
	unsigned served;
	return mem_access(&w->cpu[core].data, &r, now, 0, &served) - now;
}
static cycles_t reads(struct world *w, unsigned core, uint64_t offset, cycles_t now)
{
	return latency(w, core, false, offset, now);
}
static cycles_t writes(struct world *w, unsigned core, uint64_t offset, cycles_t now)
{
	return latency(w, core, true, offset, now);
}

Test(directory, a_written_line_comes_from_the_core_that_wrote_it)
{
	struct world w;
	open_world(&w, true);
	writes(&w, 0, 0, 0);
	cr_expect(eq(u64, reads(&w, 1, 0, 1000), CLUSTER));
	cr_expect(eq(u64, reads(&w, 1, 0, 2000), L1), "it is there now");
	cr_expect(eq(u64, reads(&w, 0, 0, 3000), L1), "and with who wrote it");
	cr_expect(eq(u64, reads(&w, 2, 0, 4000), SLC), "and at home, clean");
	close_world(&w);
}

/* The second level, which includes nothing, loses the line while the first has it, and gets it back written. */
Test(directory, a_line_that_moves_between_a_cores_caches_stays_shared)
{
	struct world w;
	enum { SAME_SET = 1024 };
	open_world(&w, true);
	writes(&w, 0, 0, 0);
	reads(&w, 1, 512 + 64, 1000); /* the page is of both from now on */
	for (uint64_t i = 1; i <= 4; i++) {
		reads(&w, 0, SAME_SET * i, 2000 * i);
		cr_assert(eq(u64, reads(&w, 0, 0, 2000 * i + 1000), L1));
	}
	for (uint64_t i = 5; i <= 6; i++) reads(&w, 0, SAME_SET * i, 2000 * i);
	cr_assert(eq(u64, reads(&w, 1, 0, 20000), CLUSTER), "written, and in the second level");
	cr_assert(eq(u64, reads(&w, 0, 0, 21000), L2));
	writes(&w, 0, 0, 22000);
	cr_expect(eq(u64, reads(&w, 1, 0, 23000), CLUSTER), "the write took it from the other core");
	close_world(&w);
}

Test(directory, the_way_is_as_long_as_the_cores_are_apart)
{
	struct world w;
	open_world(&w, true);
	writes(&w, 0, 64, 0);
	cr_expect(eq(u64, reads(&w, 3, 64, 1000), DIE));
	close_world(&w);
}

Test(directory, a_write_takes_a_line_from_all_who_read_it)
{
	struct world w;
	open_world(&w, true);
	for (unsigned i = 0; i < 4; i++) reads(&w, i, 0, 1000 * i);
	cr_expect(eq(u64, writes(&w, 0, 0, 10000), DIE + L1), "the farthest has to lose it");
	cr_expect(eq(u64, writes(&w, 0, 0, 20000), L1), "it has it for itself");
	cr_expect(eq(u64, reads(&w, 1, 0, 30000), CLUSTER));
	cr_expect(eq(u64, writes(&w, 0, 0, 40000), CLUSTER + L1), "one reader has it again");
	close_world(&w);
}

/* The second cache: a write that misses the first one asks, too. */
Test(directory, a_shared_line_of_the_second_cache_is_asked_for_before_it_is_written)
{
	struct world w;
	open_world(&w, true);
	reads(&w, 0, 0, 0);
	reads(&w, 3, 0, 1000);
	reads(&w, 0, 1024, 2000), reads(&w, 0, 2048, 3000); /* push it out of the first */
	cr_expect(eq(u64, writes(&w, 0, 0, 10000), DIE + L2));
	cr_expect(eq(u64, reads(&w, 3, 0, 20000), DIE));
	close_world(&w);
}

Test(directory, transfers_of_a_line_follow_each_other)
{
	struct world w;
	open_world(&w, true);
	writes(&w, 0, 0, 0);
	cr_expect(eq(u64, writes(&w, 1, 0, 1000), CLUSTER));
	cr_expect(eq(u64, writes(&w, 2, 0, 1010), CLUSTER - 10 + DIE));
	close_world(&w);
}

/* What was written before a second core came is found in the first one's caches. */
Test(directory, lines_written_before_anyone_shared_their_page_are_known)
{
	struct world w;
	open_world(&w, true);
	for (unsigned i = 0; i < 8; i++) writes(&w, 0, 64 * i, 100 * i);
	reads(&w, 1, 64 * 20, 5000);
	for (unsigned i = 0; i < 8; i++) cr_expect(eq(u64, reads(&w, 1, 64 * i, 10000 + 1000 * i), CLUSTER));
	close_world(&w);
}

/* A line that has been evicted is at home, whoever wrote it. */
Test(directory, an_evicted_line_does_not_come_from_its_writer)
{
	struct world w;
	open_world(&w, true);
	writes(&w, 0, 0, 0);
	for (unsigned i = 1; i <= 8; i++) reads(&w, 0, 1024 * i, 1000 * i);
	cr_expect(eq(u64, reads(&w, 1, 0, 100000), SLC));
	close_world(&w);
}

/* Any mix of accesses to pages of its own is the same with and without. */
Test(directory, a_core_alone_pays_nothing)
{
	struct world with, without;
	struct rng rng;
	open_world(&with, true);
	open_world(&without, false);
	rng_init(&rng, 1, "test.directory");
	for (unsigned i = 0; i < 20000; i++) {
		unsigned core = (unsigned)rng_below(&rng, 4);
		uint64_t offset = core * 65536 + rng_below(&rng, 8192);
		bool write = rng_below(&rng, 3) == 0;
		cr_assert(eq(u64, latency(&with, core, write, offset, 200 * i),
			     latency(&without, core, write, offset, 200 * i)));
	}
	close_world(&with);
	close_world(&without);
}

/* Never two writers, and a reader beside no writer: by what the caches hold. */
Test(directory, a_written_line_is_in_one_core_alone)
{
	struct world w;
	struct rng rng;
	open_world(&w, true);
	rng_init(&rng, 2, "test.directory");
	for (unsigned i = 0; i < 20000; i++) {
		unsigned core = (unsigned)rng_below(&rng, 4);
		uint64_t offset = 64 * rng_below(&rng, 48);
		latency(&w, core, rng_below(&rng, 2), offset, 200 * i);
		uint64_t line = mem_line_at(&w.cpu[0].data, BASE + offset, SEC_NONSECURE);
		unsigned holders = 0, dirty = 0;
		for (unsigned k = 0; k < 4; k++) {
			bool any = false, written = false;
			for (unsigned l = 0; l < 2; l++) {
				struct cache *c = w.cpu[k].data.level[l];
				int way = cache_way_of(c, line);
				any |= way != CACHE_MISS;
				written |= way != CACHE_MISS &&
					   cache_marks(c, cache_set_of(c, line))[way] & CACHE_DIRTY;
			}
			holders += any;
			dirty += written;
		}
		cr_assert(dirty == 0 || (dirty == 1 && holders == 1), "%u hold it, %u have written it",
			  holders, dirty);
	}
	close_world(&w);
}
