/* What is left in the file when a process dies, a disk fills or several processes write at once. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/alloc.h"
#include "report/report.h"
#include "sample_results.h"

enum { MANY_CPUS = 40 }; /* a run of some hundred KiB, so that a commit writes to the disk before it ends */

static char *dump_of(const char *path)
{
	struct store *st;
	struct err err = {0};
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);
	cr_assert(eq(int, store_open(path, STORE_READ, &st, &err), OK), "%s", err.text);
	cr_assert(eq(int, report_dump(st, out, &err), OK), "%s", err.text);
	store_close(st);
	fclose(out);
	return text;
}

static void expect_dump(const char *path, const char *expected)
{
	char *found = dump_of(path);
	cr_expect(eq(int, strcmp(found, expected), 0), "the content of %s changed", path);
	free(found);
}

static void expect_sound(const char *path, int runs)
{
	struct store *st;
	struct err err = {0};
	cr_assert(eq(int, store_open(path, STORE_READ, &st, &err), OK), "%s", err.text);
	cr_expect(ieee_ulp_eq(dbl, sample_number(st, "SELECT count(*) FROM run"), runs, 1));
	cr_expect(ieee_ulp_eq(
		dbl, sample_number(st, "SELECT integrity_check = 'ok' FROM pragma_integrity_check"), 1, 1));
	cr_expect(ieee_ulp_eq(dbl, sample_number(st, "SELECT count(*) FROM pragma_foreign_key_check"), 0, 1));
	store_close(st);
}

static int kill_self(void *unused)
{
	(void)unused;
	return raise(SIGKILL);
}

/* Commits a run in a child that kills itself after `steps` steps of SQLite's machine. Says whether it lived. */
static bool commit_survives(const char *path, int steps)
{
	pid_t child = fork();
	cr_assert(child >= 0);
	if (child == 0) {
		struct err err;
		struct store *st = sample_open(path);
		sample_gather(st, "interrupted", MANY_CPUS, 2000);
		/* A small cache writes pages to the file early, under the journal. */
		sqlite3_exec(store_connection(st), "PRAGMA main.cache_size = 4", NULL, NULL, NULL);
		sqlite3_progress_handler(store_connection(st), steps, kill_self, NULL);
		_exit(store_run_commit(st, NULL, &err) == OK ? 0 : 1);
	}
	int status;
	waitpid(child, &status, 0);
	cr_assert(status == 0 || WTERMSIG(status) == SIGKILL, "status 0x%x", status);
	return status == 0;
}

static bool has_hot_journal(const char *path)
{
	struct stat journal;
	char *name = xasprintf("%s-journal", path);
	bool hot = stat(name, &journal) == 0 && journal.st_size > 0;
	free(name);
	return hot;
}

Test(store_crash, a_kill_at_any_moment_of_a_commit_leaves_the_content_as_it_was)
{
	char *path = sample_path();
	sample_append(path, "kept", 1, 2000);
	char *before = dump_of(path);
	int kills = 0, half_written = 0;
	for (int steps = 500; !commit_survives(path, steps); steps += steps / 2) {
		kills++;
		half_written += has_hot_journal(path);
		expect_dump(path, before);
		expect_sound(path, 1);
	}
	cr_expect(ge(int, kills, 5));
	cr_expect(ge(int, half_written, 2)); /* the file itself had been written to */
	expect_sound(path, 2);
	free(before);
	sample_remove(path);
}

Test(store_crash, a_kill_while_the_file_is_made_leaves_a_file_that_can_be_used)
{
	char *path = sample_path();
	pid_t child = fork();
	cr_assert(child >= 0);
	if (child == 0) {
		sqlite3 *db;
		sqlite3_open(path, &db);
		sqlite3_exec(
			db,
			"PRAGMA cache_size = 1; BEGIN IMMEDIATE; CREATE TABLE run (id); CREATE TABLE stat (id)",
			NULL, NULL, NULL);
		raise(SIGKILL);
	}
	waitpid(child, NULL, 0);
	cr_expect(eq(i64, sample_append(path, "first", 1, 2000), 1));
	expect_sound(path, 1);
	sample_remove(path);
}

/* The file may grow no further: the write fails as on a full disk. */
static void limit_file_size(rlim_t bytes)
{
	struct rlimit limit;
	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
	setrlimit(RLIMIT_FSIZE, &limit);
}

Test(store_crash, a_full_disk_is_an_error_that_changes_nothing_and_the_commit_can_be_repeated)
{
	char *path = sample_path();
	struct err err = {0};
	struct stat file;
	sample_append(path, "kept", 1, 2000);
	char *before = dump_of(path);
	struct store *st = sample_open(path);
	sample_gather(st, "large", MANY_CPUS, 2000);
	signal(SIGXFSZ, SIG_IGN);
	stat(path, &file);
	limit_file_size((rlim_t)file.st_size + 8192);
	cr_expect(eq(int, store_run_commit(st, NULL, &err), ERR_HOST));
	cr_expect(strstr(err.text, "cannot store the run") != NULL, "%s", err.text);
	expect_dump(path, before);
	limit_file_size(RLIM_INFINITY);
	cr_expect(eq(int, store_run_commit(st, NULL, &err), OK), "%s", err.text);
	store_close(st);
	expect_sound(path, 2);
	free(before);
	sample_remove(path);
}

Test(store_crash, processes_that_append_at_once_all_succeed)
{
	enum { PROCESSES = 4, RUNS_EACH = 5 };
	char *path = sample_path(); /* not made yet: they race for that too */
	for (int i = 0; i < PROCESSES; i++) {
		pid_t child = fork();
		cr_assert(child >= 0);
		if (child) continue;
		for (int run = 0; run < RUNS_EACH; run++) sample_append(path, "parallel", 2, 2000);
		_exit(0);
	}
	for (int i = 0; i < PROCESSES; i++) {
		int status;
		wait(&status);
		cr_expect(eq(int, status, 0));
	}
	expect_sound(path, PROCESSES * RUNS_EACH);
	sample_remove(path);
}

Test(store_crash, equal_inputs_give_equal_dumps_whatever_the_metadata)
{
	char *one = sample_path(), *two = sample_path();
	sample_append(one, "same", 2, 2000);
	sample_append(two, "same", 2, 2000);
	struct store *st = sample_open(two);
	sqlite3 *db = store_connection(st);
	sqlite3_exec(db, "UPDATE run SET started = 'later', host = 'elsewhere', host_seconds = 9.5", NULL,
		     NULL, NULL);
	char *dump = dump_of(one);
	expect_dump(two, dump);
	sqlite3_exec(db, "UPDATE run SET seed = 43", NULL, NULL, NULL);
	char *changed = dump_of(two);
	cr_expect(ne(int, strcmp(dump, changed), 0));
	store_close(st);
	free(dump), free(changed);
	sample_remove(one);
	sample_remove(two);
}
