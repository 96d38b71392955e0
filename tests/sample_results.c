#include "sample_results.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/alloc.h"

static const char *const buckets[] = {"base", "translation", "memory", NULL};
static const char *const causes[] = {"s1_walk", "s2_of_s1", "s2_final", NULL};
static const char *const levels[] = {"l1d", "dram", NULL};

static const struct stat_desc core_rows[] = {
	STAT(struct sample_core, instructions, "instructions", "instructions of the workload"),
	STAT(struct sample_core, accesses, "accesses", "loads and stores"),
	STAT(struct sample_core, cycles, "cycles", "elapsed cycles"),
	STAT(struct sample_core, access_cycles, "cycles", "cycles of accesses from issue to completion"),
	STAT_BY(struct sample_core, cycles_by_bucket, buckets, "cycles", "where the cycles went"),
};
static const struct stat_desc tlb_rows[] = {
	STAT(struct sample_tlb, lookups, "lookups", "look-ups"),
	STAT(struct sample_tlb, hits, "lookups", "look-ups that hit"),
	STAT(struct sample_tlb, misses, "lookups", "look-ups that missed"),
	STAT(struct sample_tlb, merged, "lookups", "look-ups that joined a miss under way"),
};
static const struct stat_desc walker_rows[] = {
	STAT(struct sample_walker, walks, "walks", "walks"),
	STAT_BY(struct sample_walker, descriptor_reads, causes, "reads", "descriptors read"),
	STAT_BY2(struct sample_walker, reads_served, causes, levels, "reads",
		 "descriptors read, by who served them"),
	STAT_DIST(struct sample_walker, walk_cycles, "cycles", "duration of a walk"),
};
#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

char *sample_path(void)
{
	char folder[] = "/tmp/strata-test-XXXXXX";
	cr_assert(ne(ptr, mkdtemp(folder), NULL));
	return xasprintf("%s/results.db", folder);
}

void sample_remove(char *path)
{
	char *journal = xasprintf("%s-journal", path);
	unlink(journal);
	unlink(path);
	rmdir(dirname(path));
	free(journal);
	free(path);
}

/* Not by Criterion: children that tests fork use these functions, too, and would share its connection, which may hang. */
static _Noreturn void die(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	abort();
}

static void must(enum status st, const struct err *err)
{
	if (st != OK) die("sample_results", err->text);
}

void sample_fill(struct sample_cpu *cpu)
{
	*cpu = (struct sample_cpu){
		.core = {.instructions = 1000,
			 .accesses = 400,
			 .cycles = 2000,
			 .access_cycles = 1200,
			 .cycles_by_bucket = {1000, 600, 400}},
		.l1d = {.lookups = 400, .hits = 365, .misses = 30, .merged = 5},
		.l2 = {.lookups = 30, .hits = 20, .misses = 10},
		.walker = {.walks = 10, .descriptor_reads = {40, 0, 0}, .reads_served = {{30, 10}}},
	};
	for (uint64_t i = 1; i <= 10; i++) hist_add(&cpu->walker.walk_cycles, i * 10);
}

void sample_register(struct stats *s, struct sample_cpu *cpu, unsigned number)
{
	stats_add(s, core_rows, COUNT(core_rows), &cpu->core, "cpu%u", number);
	stats_add(s, tlb_rows, COUNT(tlb_rows), &cpu->l1d, "cpu%u.l1d_tlb", number);
	stats_add(s, tlb_rows, COUNT(tlb_rows), &cpu->l2, "cpu%u.l2_tlb", number);
	stats_add(s, walker_rows, COUNT(walker_rows), &cpu->walker, "cpu%u.walker", number);
}

struct store *sample_open(const char *path)
{
	struct store *st;
	struct err err = {0};
	must(store_open(path, STORE_APPEND, &st, &err), &err);
	return st;
}

static void gather_region(struct store *st, const char *region, unsigned cpus, uint64_t cycles)
{
	struct err err = {0};
	struct stats *s = stats_new();
	struct sample_cpu *cpu = xcalloc(cpus, sizeof(*cpu));
	for (unsigned i = 0; i < cpus; i++) {
		sample_fill(&cpu[i]);
		sample_register(s, &cpu[i], i);
	}
	struct store_region totals = {region, cpus * cpu->core.accesses, cpus * cpu->core.instructions,
				      cycles};
	must(store_region(st, &totals, s, &err), &err);
	stats_free(s);
	free(cpu);
}

void sample_gather(struct store *st, const char *name, unsigned cpus, uint64_t cycles)
{
	struct err err = {0};
	const struct store_run_meta meta = {.name = name,
					    .machine = "teaching/tiny",
					    .stack = "native",
					    .workload = "sample.strace",
					    .version = "1.0",
					    .config_hash = "c0ffee",
					    .trace_hash = "7ace",
					    .seed = 42};
	const struct store_param ways = {.path = "machine.tlbs.l2.ways",
					 .number = 5,
					 .unit = "ways",
					 .origin = "tiny.yaml:14",
					 .tag = "documented",
					 .source = "TRM, 5.1"};
	const struct store_param policy = {
		.path = "machine.tlbs.l2.policy", .text = "lru", .origin = "default"};
	must(store_run_begin(st, &meta, &err), &err);
	must(store_param(st, &ways, &err), &err);
	must(store_param(st, &policy, &err), &err);
	gather_region(st, "warmup", cpus, 100);
	gather_region(st, "measured", cpus, cycles);
}

int64_t sample_append(const char *path, const char *name, unsigned cpus, uint64_t cycles)
{
	struct err err = {0};
	int64_t run = 0;
	struct store *st = sample_open(path);
	sample_gather(st, name, cpus, cycles);
	must(store_run_commit(st, &run, &err), &err);
	store_close(st);
	return run;
}

double sample_number(struct store *st, const char *sql)
{
	sqlite3_stmt *stmt;
	sqlite3 *db = store_connection(st);
	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK) die(sql, sqlite3_errmsg(db));
	if (sqlite3_step(stmt) != SQLITE_ROW) die(sql, "no row");
	double value = sqlite3_column_double(stmt, 0);
	sqlite3_finalize(stmt);
	return value;
}
