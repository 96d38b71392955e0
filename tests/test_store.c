#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/alloc.h"
#include "sample_results.h"

static struct store *open_to_read(const char *path)
{
	struct store *st;
	struct err err = {0};
	cr_assert(eq(int, store_open(path, STORE_READ, &st, &err), OK), "%s", err.text);
	return st;
}

static void exec(const char *path, const char *sql)
{
	sqlite3 *db;
	cr_assert(eq(int, sqlite3_open(path, &db), SQLITE_OK));
	cr_assert(eq(int, sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK), "%s", sqlite3_errmsg(db));
	sqlite3_close(db);
}

static void expect_number(struct store *st, const char *sql, double expected)
{
	double found = sample_number(st, sql);
	cr_expect(epsilon_eq(dbl, found, expected, 1e-9), "%s gives %.12g", sql, found);
}

static void expect_open_error(const char *path, enum store_mode mode, enum status code, const char *part)
{
	struct store *st;
	struct err err = {0};
	cr_assert(eq(int, store_open(path, mode, &st, &err), code), "%s: %s", path, err.text);
	cr_expect(eq(ptr, st, NULL));
	cr_expect(strstr(err.text, part) != NULL, "'%s' is not in: %s", part, err.text);
}

static enum status gather_stats(struct store *st, const struct stats *s, struct err *err)
{
	const struct store_region totals = {.name = "measured"};
	const struct store_run_meta meta = {.name = "n",
					    .machine = "m",
					    .stack = "native",
					    .workload = "w",
					    .version = "v",
					    .config_hash = "c"};
	TRY(store_run_begin(st, &meta, err));
	return store_region(st, &totals, s, err);
}

/* ---- what is stored ---- */

Test(store, a_committed_run_is_read_back_with_its_configuration)
{
	char *path = sample_path();
	int64_t run = sample_append(path, "bare metal", 1, 2000);
	struct store *st = open_to_read(path);
	cr_expect(eq(i64, run, 1));
	expect_number(
		st,
		"SELECT count(*) FROM run WHERE name = 'bare metal' AND seed = 42 AND trace_hash = '7ace'",
		1);
	expect_number(st, "SELECT accesses FROM region WHERE region = 'measured'", 400);
	expect_number(st, "SELECT cycles FROM region WHERE region = 'warmup'", 100);
	expect_number(st, "SELECT value FROM stat WHERE region = 'measured' AND path = 'cpu0.l1d_tlb.misses'",
		      30);
	expect_number(st, "SELECT sum FROM hist WHERE region = 'warmup' AND path = 'cpu0.walker.walk_cycles'",
		      550);
	expect_number(st, "SELECT count(*) FROM param WHERE tag = 'documented' AND origin = 'tiny.yaml:14'",
		      1);
	expect_number(
		st,
		"SELECT count(*) FROM stat_dictionary WHERE path = 'cpu0.l2_tlb.hits' AND meaning GLOB '*hit'",
		1);
	store_close(st);
	sample_remove(path);
}

Test(store, parameters_keep_numbers_as_integers_and_words_as_text)
{
	char *path = sample_path();
	struct err err;
	struct store *st = sample_open(path);
	const struct store_param digits = {.path = "machine.name", .text = "042"};
	sample_gather(st, "one", 1, 2000);
	cr_assert(eq(int, store_param(st, &digits, &err), OK));
	cr_assert(eq(int, store_run_commit(st, NULL, &err), OK));
	expect_number(
		st, "SELECT typeof(value) = 'integer' AND value = 5 FROM param WHERE path GLOB '*.ways'", 1);
	expect_number(st,
		      "SELECT typeof(value) = 'text' AND value = 'lru' FROM param WHERE path GLOB '*.policy'",
		      1);
	expect_number(
		st, "SELECT typeof(value) = 'text' AND value = '042' FROM param WHERE path = 'machine.name'",
		1);
	store_close(st);
	sample_remove(path);
}

Test(store, every_table_is_strict)
{
	char *path = sample_path();
	struct store *st = sample_open(path);
	sqlite3 *db = store_connection(st);
	expect_number(
		st,
		"SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND strict",
		10);
	expect_number(
		st,
		"SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND NOT strict"
		" AND name NOT GLOB 'sqlite_*'",
		0);
	cr_expect(eq(int,
		     sqlite3_exec(db, "INSERT INTO region VALUES (1, 'measured', 'many', 1, 1)", 0, 0, 0),
		     SQLITE_CONSTRAINT));
	store_close(st);
	sample_remove(path);
}

Test(store, nothing_is_visible_before_commit_and_a_dropped_run_leaves_no_trace)
{
	char *path = sample_path();
	struct err err;
	sample_append(path, "earlier", 1, 2000);
	struct store *st = sample_open(path);
	sample_gather(st, "dropped", 1, 2000);
	struct store *other = open_to_read(path);
	expect_number(other, "SELECT count(*) FROM run", 1);
	store_run_drop(st);
	sample_gather(st, "kept", 1, 2000);
	cr_assert(eq(int, store_run_commit(st, NULL, &err), OK));
	expect_number(other, "SELECT count(*) FROM run", 2);
	expect_number(other, "SELECT name = 'kept' FROM run WHERE id = 2", 1);
	expect_number(other, "SELECT count(*) FROM stat WHERE path = 'cpu0.cycles' AND region = 'measured'",
		      2);
	store_close(other);
	store_close(st);
	sample_remove(path);
}

Test(store, a_gathering_run_does_not_keep_others_from_writing)
{
	char *path = sample_path();
	struct err err;
	struct store *st = sample_open(path);
	sample_gather(st, "long", 1, 2000);
	cr_expect(eq(i64, sample_append(path, "short", 1, 1000), 1));
	int64_t run;
	cr_assert(eq(int, store_run_commit(st, &run, &err), OK));
	cr_expect(eq(i64, run, 2));
	store_close(st);
	sample_remove(path);
}

Test(store, a_counter_beyond_63_bits_is_an_error_that_names_it)
{
	char *path = sample_path();
	struct err err;
	struct store *st = sample_open(path);
	struct stats *s = stats_new();
	struct sample_cpu *cpu = xcalloc(1, sizeof(*cpu));
	sample_register(s, cpu, 3);
	cpu->l2.merged = UINT64_MAX;
	cr_expect(eq(int, gather_stats(st, s, &err), ERR_HOST));
	cr_expect(strstr(err.text, "cpu3.l2_tlb.merged") != NULL, "%s", err.text);
	stats_free(s);
	free(cpu);
	store_close(st);
	sample_remove(path);
}

/* ---- whose file it is ---- */

Test(store, a_file_that_is_not_there_is_named_and_not_made_by_reading)
{
	char *path = sample_path();
	expect_open_error(path, STORE_READ, ERR_INPUT, "No such file");
	cr_expect(ne(int, access(path, F_OK), 0));
	expect_open_error("/nowhere/at/all/results.db", STORE_APPEND, ERR_HOST, "No such file");
	sample_remove(path);
}

Test(store, a_new_file_appears_with_the_first_commit_and_an_empty_one_is_left_empty_until_then)
{
	char *path = sample_path();
	struct err err;
	for (int exists = 0; exists < 2; exists++) {
		if (exists) fclose(fopen(path, "w"));
		struct store *st = sample_open(path);
		sample_gather(st, "first", 1, 2000);
		expect_open_error(path, STORE_READ, ERR_INPUT, exists ? "holds no results" : "No such file");
		cr_assert(eq(int, store_run_commit(st, NULL, &err), OK), "%s", err.text);
		sample_gather(st, "second", 1, 2000);
		cr_assert(eq(int, store_run_commit(st, NULL, &err), OK), "%s", err.text);
		store_close(st);
		st = open_to_read(path);
		expect_number(st, "SELECT count(*) FROM run", 2);
		expect_number(st, "SELECT count(*) FROM stat WHERE path = 'cpu0.cycles' AND run = 2", 2);
		store_close(st);
		unlink(path);
	}
	sample_remove(path);
}

Test(store, a_file_of_other_content_is_refused_and_left_alone)
{
	static const char text[] = "not a database, but long enough to have a header: "
				   "name,accesses,misses\nbare metal,1000,3\nkvm 4K,1000,7\nkvm 2M,1000,5\n";
	char found[sizeof(text)] = "", *path = sample_path();
	FILE *f = fopen(path, "w");
	fputs(text, f);
	fclose(f);
	expect_open_error(path, STORE_APPEND, ERR_INPUT, "not a database");
	expect_open_error(path, STORE_READ, ERR_INPUT, "not a database");
	f = fopen(path, "r");
	cr_expect(eq(sz, fread(found, 1, sizeof(found), f), sizeof(text) - 1));
	cr_expect(eq(int, strcmp(found, text), 0));
	fclose(f);
	sample_remove(path);
}

Test(store, a_database_of_another_program_is_refused)
{
	char *path = sample_path();
	exec(path, "CREATE TABLE run (id); INSERT INTO run VALUES (7)");
	expect_open_error(path, STORE_APPEND, ERR_INPUT, "another program");
	exec(path, "PRAGMA application_id = 252006675");
	expect_open_error(path, STORE_READ, ERR_INPUT, "application_id 0x0f055113");
	sample_remove(path);
}

Test(store, a_newer_schema_is_refused_with_both_versions)
{
	char *path = sample_path();
	sample_append(path, "old", 1, 2000);
	exec(path, "PRAGMA user_version = 99");
	expect_open_error(path, STORE_APPEND, ERR_INPUT, "schema version 99; this one knows 1..3");
	expect_open_error(path, STORE_READ, ERR_INPUT, "newer strata");
	sample_remove(path);
}

Test(store, an_empty_file_is_filled_by_appending_and_refused_by_reading)
{
	char *path = sample_path();
	fclose(fopen(path, "w"));
	expect_open_error(path, STORE_READ, ERR_INPUT, "holds no results");
	cr_expect(eq(i64, sample_append(path, "first", 1, 2000), 1));
	sample_remove(path);
}

/* Permissions do not bind root, so the attempt is made by nobody. */
static void in_child_as_nobody(void (*body)(const char *path), const char *path)
{
	pid_t child = fork();
	cr_assert(child >= 0);
	if (child == 0) {
		if (geteuid() == 0 && setuid(65534) != 0) _exit(2);
		body(path);
		_exit(0);
	}
	int status;
	waitpid(child, &status, 0);
	cr_expect(eq(int, status, 0), "status 0x%x", status); /* exited with 0 */
}

static void fail_to_append(const char *path)
{
	struct store *st;
	struct err err = {0};
	if (store_open(path, STORE_APPEND, &st, &err) != ERR_HOST || st || !strstr(err.text, path)) _exit(1);
}

static void read_one_run(const char *path)
{
	struct store *st;
	struct err err;
	if (store_open(path, STORE_READ, &st, &err) != OK) _exit(1);
	if (sample_number(st, "SELECT count(*) FROM run") != 1) _exit(1);
	store_close(st);
}

Test(store, a_read_only_folder_or_file_gives_an_error_and_can_still_be_read)
{
	char *path = sample_path(), *folder = xstrdup(path);
	*strrchr(folder, '/') = 0;
	chmod(folder, 0555);
	in_child_as_nobody(fail_to_append, path);
	chmod(folder, 0755);
	sample_append(path, "one", 1, 2000);
	chmod(path, 0444);
	chmod(folder, 0555);
	in_child_as_nobody(fail_to_append, path);
	in_child_as_nobody(read_one_run, path);
	chmod(folder, 0755);
	free(folder);
	sample_remove(path);
}

/* ---- views ---- */

struct known {
	char sql[160];
	double value;
};

/* Of one CPU of sample_fill, measured. */
static const struct known of_one_cpu[] = {
	{"SELECT mpki FROM tlb WHERE tlb = 'l1d_tlb'", 30},
	{"SELECT hit_ratio FROM tlb WHERE tlb = 'l1d_tlb'", 365.0 / 400},
	{"SELECT mpki FROM tlb WHERE tlb = 'l2_tlb'", 10},
	{"SELECT hit_ratio FROM hit_ratio WHERE component = 'cpu.l2_tlb'", 20.0 / 30},
	{"SELECT walks FROM walk", 10},
	{"SELECT reads_per_walk FROM walk", 4},
	{"SELECT mean_cycles FROM walk", 55},
	{"SELECT p50_cycles FROM walk", 50},
	{"SELECT p90_cycles FROM walk", 91},
	{"SELECT p99_cycles FROM walk", 100},
	{"SELECT max_cycles FROM walk", 100},
	{"SELECT share FROM walk_reads WHERE cause = 's1_walk' AND level = 'dram'", 0.25},
	{"SELECT sum(reads) FROM walk_reads WHERE level = 'l1d'", 30},
	{"SELECT cycles FROM cycle_bucket WHERE bucket = 'translation'", 600},
	{"SELECT sum(share) FROM cycle_bucket", 1},
	{"SELECT cycles_per_instruction FROM cycle_bucket WHERE bucket = 'memory'", 0.4},
	{"SELECT cpi FROM cpi", 2},
	{"SELECT amat_cycles FROM amat", 3},
	{"SELECT p90 FROM distribution WHERE path = 'cpu0.walker.walk_cycles'", 91},
};

Test(store, views_give_the_known_ratios_of_a_hand_made_run)
{
	char *path = sample_path();
	sample_append(path, "one", 1, 2000);
	struct store *st = open_to_read(path);
	for (size_t i = 0; i < sizeof(of_one_cpu) / sizeof(of_one_cpu[0]); i++) {
		char *sql = xasprintf("%s%s region = 'measured'", of_one_cpu[i].sql,
				      strstr(of_one_cpu[i].sql, "WHERE") ? " AND" : " WHERE");
		expect_number(st, sql, of_one_cpu[i].value);
		free(sql);
	}
	store_close(st);
	sample_remove(path);
}

Test(store, views_add_up_cpus_and_ratios_of_equal_cpus_stay)
{
	char *path = sample_path();
	sample_append(path, "three", 3, 2000);
	struct store *st = open_to_read(path);
	expect_number(st, "SELECT walks FROM walk WHERE region = 'measured'", 30);
	expect_number(st, "SELECT misses FROM tlb WHERE region = 'measured' AND tlb = 'l1d_tlb'", 90);
	expect_number(st, "SELECT mpki FROM tlb WHERE region = 'measured' AND tlb = 'l1d_tlb'", 30);
	expect_number(st, "SELECT cpi FROM cpi WHERE region = 'measured'", 2);
	expect_number(st, "SELECT count FROM distribution_total WHERE region = 'measured'", 30);
	expect_number(st, "SELECT p50 FROM distribution_total WHERE region = 'measured'", 50);
	expect_number(st, "SELECT count(*) FROM distribution WHERE region = 'measured'", 3);
	store_close(st);
	sample_remove(path);
}

static void fill_at_random(struct hist *h, unsigned samples, unsigned salt)
{
	uint64_t x = 88172645463325252u + salt;
	for (unsigned i = 0; i < samples; i++) {
		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		hist_add(h, x >> (20 + x % 40));
	}
}

Test(store, quantiles_in_sql_equal_those_of_the_merged_histogram)
{
	char *path = sample_path();
	struct err err;
	struct store *st = sample_open(path);
	struct stats *s = stats_new();
	struct sample_cpu *cpu = xcalloc(2, sizeof(*cpu));
	for (unsigned i = 0; i < 2; i++) {
		sample_register(s, &cpu[i], i);
		fill_at_random(&cpu[i].walker.walk_cycles, 1000 + 777 * i, i);
	}
	cr_assert(eq(int, gather_stats(st, s, &err), OK));
	cr_assert(eq(int, store_run_commit(st, NULL, &err), OK));
	hist_merge(&cpu[0].walker.walk_cycles, &cpu[1].walker.walk_cycles);
	const struct hist *merged = &cpu[0].walker.walk_cycles;
	expect_number(st, "SELECT p50 FROM distribution_total", (double)hist_quantile(merged, 0.50));
	expect_number(st, "SELECT p90 FROM distribution_total", (double)hist_quantile(merged, 0.90));
	expect_number(st, "SELECT p99 FROM distribution_total", (double)hist_quantile(merged, 0.99));
	expect_number(st, "SELECT max FROM distribution_total", (double)merged->max);
	expect_number(st, "SELECT mean FROM distribution_total", (double)merged->sum / (double)merged->count);
	stats_free(s);
	free(cpu);
	store_close(st);
	sample_remove(path);
}

Test(store, ratios_without_a_denominator_are_null_not_errors)
{
	char *path = sample_path();
	struct err err;
	struct store *st = sample_open(path);
	struct stats *s = stats_new();
	struct sample_cpu *cpu = xcalloc(1, sizeof(*cpu));
	sample_register(s, cpu, 0);
	cr_assert(eq(int, gather_stats(st, s, &err), OK));
	cr_assert(eq(int, store_run_commit(st, NULL, &err), OK));
	expect_number(
		st,
		"SELECT coalesce(l1d_tlb_mpki, l2_tlb_mpki, reads_per_walk, walk_cycles_mean, walk_cycles_p99, cpi,"
		" amat_cycles) IS NULL FROM summary",
		1);
	expect_number(st, "SELECT min IS NULL AND max IS NULL AND count = 0 FROM hist", 1);
	stats_free(s);
	free(cpu);
	store_close(st);
	sample_remove(path);
}

/* A file as version 1 left it: without estimates, and with a view that has changed since. */
Test(store, a_file_of_an_older_schema_is_brought_up_to_date_by_the_first_append)
{
	char *path = sample_path();
	sample_append(path, "old", 1, 2000);
	exec(path,
	     "DROP TABLE estimate; DROP VIEW series_point; DROP TABLE series; DROP TABLE interval; DROP VIEW cpi; CREATE VIEW cpi AS SELECT 7 AS cpi; PRAGMA user_version = 1");
	struct store *st;
	struct err err;
	cr_assert(eq(int, store_open(path, STORE_READ, &st, &err), OK), "%s", err.text);
	expect_number(st, "SELECT cpi FROM cpi", 7);
	store_close(st);
	cr_assert(eq(int, store_open(path, STORE_APPEND, &st, &err), OK), "%s", err.text);
	expect_number(st, "SELECT count(*) FROM estimate", 0);
	expect_number(st, "SELECT count(*) FROM series", 0);
	expect_number(st, "SELECT count(*) FROM series_point", 0);
	expect_number(st, "SELECT count(*) FROM cpi WHERE run = 1 AND region = 'measured'", 1);
	expect_number(st, "SELECT count(*) FROM run", 1);
	expect_number(st, "SELECT user_version FROM pragma_user_version", 3);
	store_close(st);
	sample_remove(path);
}

Test(store, an_estimate_without_interval_has_no_bounds)
{
	char *path = sample_path();
	struct store *st = sample_open(path);
	struct store_run_meta meta = {.name = "n",
				      .machine = "m",
				      .stack = "s",
				      .workload = "w",
				      .version = "v",
				      .config_hash = "0"};
	struct store_estimate with = {"cpi", "cycles/instruction", 12, 1.5, 1.25, 1.75, 95};
	struct store_estimate without = {"walks", "walks/1000 instructions", 1, 2.5, 0, 0, 0};
	struct err err;
	cr_assert(eq(int, store_run_begin(st, &meta, &err), OK));
	cr_assert(eq(int, store_estimate(st, &with, &err), OK));
	cr_assert(eq(int, store_estimate(st, &without, &err), OK));
	cr_assert(eq(int, store_run_commit(st, NULL, &err), OK), "%s", err.text);
	expect_number(st, "SELECT high FROM estimate WHERE metric = 'cpi' AND units = 12 AND confidence = 95",
		      1.75);
	expect_number(
		st,
		"SELECT count(*) FROM estimate WHERE value = 2.5 AND low IS NULL AND high IS NULL AND confidence IS NULL",
		1);
	store_close(st);
	sample_remove(path);
}
