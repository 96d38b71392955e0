/* A run waits in temporary tables pending_<table>, which have the columns of the stored ones and live in memory; commit
 * gives its number to their rows and copies them. */
#include "store/store.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <time.h>

#include "base/alloc.h"
#include "store/open.h"
#include "store/schema.h"
#include "store/sql.h"

/* The statements that fill the pending tables. Column order is that of store/schema.c. */
#define INSERTS(X) \
	X(RUN, "INSERT INTO pending_run VALUES (NULL, ?1, ?2, ?3, ?4, ?11, ?5, ?6, ?7, ?8, ?9, ?10, 0.0)") \
	X(REGION, "INSERT INTO pending_region VALUES (NULL, ?1, ?2, ?3, ?4)") \
	X(PARAM, "INSERT INTO pending_param VALUES (NULL, ?1, ?2, ?3, ?4, ?5, ?6)") \
	X(STAT, "INSERT INTO pending_stat VALUES (NULL, ?1, ?2, ?3, ?4)") \
	X(HIST, "INSERT INTO pending_hist VALUES (NULL, ?1, ?2, ?3, ?4, ?5, ?6, ?7)") \
	X(BUCKET, "INSERT INTO pending_hist_bucket VALUES (NULL, ?1, ?2, ?3, ?4, ?5)") \
	X(ESTIMATE, "INSERT INTO pending_estimate VALUES (NULL, ?1, ?2, ?3, ?4, ?5, ?6, ?7)") \
	X(INTERVAL, "INSERT INTO pending_interval VALUES (NULL, ?1, ?2, ?3)") \
	X(SERIES, "INSERT INTO pending_series VALUES (NULL, ?1, ?2, ?3)") \
	X(WORD, "INSERT INTO pending_stat_dictionary VALUES (?1, ?2, ?3, ?4)")

enum insert {
#define X(name, sql) INSERT_##name,
	INSERTS(X)
#undef X
		INSERT_COUNT
};

static const char *const insert_sql[] = {
#define X(name, sql) sql,
	INSERTS(X)
#undef X
};

struct store {
	sqlite3 *db;
	sqlite3_stmt *insert[INSERT_COUNT]; /* NULL in a store that is only read */
	char *path;
	struct timespec begun;
	bool gathering;
	bool scratch; /* the file is not made before the first commit: `db` is an empty one in memory */
};

static enum status exec_and_free(sqlite3 *db, char *sql, const char *what, struct err *err)
{
	enum status status = sql_exec(db, sql, what, err);
	free(sql);
	return status;
}

static enum status make_pending_tables(struct store *st, struct err *err)
{
	for (size_t i = 0; i < store_object_count; i++) {
		const char *name = store_objects[i].name;
		if (store_objects[i].kind == SCHEMA_VIEW) continue;
		char *sql = xasprintf("CREATE TEMP TABLE pending_%s AS SELECT * FROM main.%s LIMIT 0", name,
				      name);
		TRY(exec_and_free(st->db, sql, "prepare a run", err));
	}
	for (int i = 0; i < INSERT_COUNT; i++) TRY(sql_prepare(st->db, insert_sql[i], &st->insert[i], err));
	return OK;
}

static enum status open_appending(struct store *st, struct err *err)
{
	TRY(open_to_append(st->path, &st->db, &st->scratch, err));
	return make_pending_tables(st, err);
}

static void close_connection(struct store *st)
{
	for (int i = 0; i < INSERT_COUNT; i++) {
		sqlite3_finalize(st->insert[i]);
		st->insert[i] = NULL;
	}
	sqlite3_close(st->db);
	st->db = NULL;
}

enum status store_open(const char *path, enum store_mode mode, struct store **out, struct err *err)
{
	*out = NULL;
	struct store *st = xcalloc(1, sizeof(*st));
	st->path = xstrdup(path);
	enum status status = mode == STORE_READ ? open_to_read(path, &st->db, err) : open_appending(st, err);
	if (status == OK)
		*out = st;
	else
		store_close(st);
	return status;
}

void store_close(struct store *st)
{
	if (!st) return;
	close_connection(st);
	free(st->path);
	free(st);
}

sqlite3 *store_connection(struct store *st) { return st->db; }

void store_run_drop(struct store *st)
{
	for (size_t i = 0; i < store_object_count; i++) {
		if (store_objects[i].kind == SCHEMA_VIEW) continue;
		char *sql = xasprintf("DELETE FROM pending_%s", store_objects[i].name);
		sqlite3_exec(st->db, sql, NULL, NULL, NULL);
		free(sql);
	}
	st->gathering = false;
}

static void now_utc(char text[32])
{
	time_t now = time(NULL);
	struct tm tm;
	strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
}

static char *host_text(void)
{
	struct utsname u;
	if (uname(&u) != 0) return xstrdup("unknown");
	return xasprintf("%s (%s %s %s)", u.nodename, u.sysname, u.release, u.machine);
}

enum status store_run_begin(struct store *st, const struct store_run_meta *meta, struct err *err)
{
	assert(st->insert[INSERT_RUN] && !st->gathering);
	sqlite3_stmt *insert = st->insert[INSERT_RUN];
	char started[32], *host = host_text();
	now_utc(started);
	clock_gettime(CLOCK_MONOTONIC, &st->begun);
	const char *const text[] = {meta->name,       meta->machine,
				    meta->stack,      meta->workload,
				    meta->version,    meta->config_hash,
				    meta->trace_hash, meta->lacks ? meta->lacks : "",
				    started,          host};
	enum { TEXTS = sizeof(text) / sizeof(text[0]) };
	for (int i = 0; i < TEXTS; i++) sql_bind_text(insert, i + 1, text[i]);
	enum status status = sql_bind_u64(insert, TEXTS + 1, meta->seed, "seed", err);
	if (status == OK) status = sql_run(insert, "gather a run", err);
	free(host);
	st->gathering = status == OK;
	return status;
}

enum status store_param(struct store *st, const struct store_param *p, struct err *err)
{
	assert(st->gathering);
	sqlite3_stmt *insert = st->insert[INSERT_PARAM];
	sql_bind_text(insert, 1, p->path);
	if (p->text)
		sql_bind_text(insert, 2, p->text);
	else
		TRY(sql_bind_u64(insert, 2, p->number, p->path, err));
	sql_bind_text(insert, 3, p->unit);
	sql_bind_text(insert, 4, p->origin);
	sql_bind_text(insert, 5, p->tag);
	sql_bind_text(insert, 6, p->source);
	return sql_run(insert, "gather a parameter", err);
}

struct gather {
	struct store *st;
	const char *region;
};

static enum status gather_counter(const struct gather *g, const struct stat_value *v, struct err *err)
{
	sqlite3_stmt *insert = g->st->insert[INSERT_STAT];
	sql_bind_text(insert, 1, g->region);
	sql_bind_text(insert, 2, v->path);
	sql_bind_text(insert, 3, v->unit);
	TRY(sql_bind_u64(insert, 4, v->value, v->path, err));
	return sql_run(insert, "gather a counter", err);
}

static enum status gather_buckets(const struct gather *g, const struct stat_value *v, struct err *err)
{
	sqlite3_stmt *insert = g->st->insert[INSERT_BUCKET];
	sql_bind_text(insert, 1, g->region);
	sql_bind_text(insert, 2, v->path);
	for (unsigned i = 0; i < HIST_BUCKETS; i++) {
		if (!v->hist->bucket[i]) continue;
		TRY(sql_bind_u64(insert, 3, hist_bucket_low(i), v->path, err));
		TRY(sql_bind_u64(insert, 4, hist_bucket_high(i), v->path, err));
		TRY(sql_bind_u64(insert, 5, v->hist->bucket[i], v->path, err));
		TRY(sql_run(insert, "gather a histogram", err));
	}
	return OK;
}

static enum status gather_hist(const struct gather *g, const struct stat_value *v, struct err *err)
{
	sqlite3_stmt *insert = g->st->insert[INSERT_HIST];
	const uint64_t part[] = {v->hist->count, v->hist->sum, v->hist->min, v->hist->max};
	int parts = v->hist->count ? 4 : 2;
	sqlite3_clear_bindings(insert); /* min and max of an empty histogram are NULL */
	sql_bind_text(insert, 1, g->region);
	sql_bind_text(insert, 2, v->path);
	sql_bind_text(insert, 3, v->unit);
	for (int i = 0; i < parts; i++) TRY(sql_bind_u64(insert, 4 + i, part[i], v->path, err));
	TRY(sql_run(insert, "gather a histogram", err));
	return gather_buckets(g, v, err);
}

static enum status gather_word(struct store *st, const struct stat_value *v, struct err *err)
{
	sqlite3_stmt *insert = st->insert[INSERT_WORD];
	sql_bind_text(insert, 1, v->path);
	sql_bind_text(insert, 2, v->hist ? "histogram" : "counter");
	sql_bind_text(insert, 3, v->unit);
	sql_bind_text(insert, 4, v->doc);
	return sql_run(insert, "gather a counter", err);
}

static enum status gather_value(void *ctx, const struct stat_value *v, struct err *err)
{
	const struct gather *g = ctx;
	TRY(gather_word(g->st, v, err));
	return v->hist ? gather_hist(g, v, err) : gather_counter(g, v, err);
}

enum status store_region(struct store *st, const struct store_region *region, const struct stats *s,
			 struct err *err)
{
	assert(st->gathering);
	sqlite3_stmt *insert = st->insert[INSERT_REGION];
	sql_bind_text(insert, 1, region->name);
	TRY(sql_bind_u64(insert, 2, region->accesses, "accesses", err));
	TRY(sql_bind_u64(insert, 3, region->instructions, "instructions", err));
	TRY(sql_bind_u64(insert, 4, region->cycles, "cycles", err));
	TRY(sql_run(insert, "gather a region", err));
	struct gather g = {.st = st, .region = region->name};
	return stats_visit(s, gather_value, &g, err);
}

enum status store_estimate(struct store *st, const struct store_estimate *e, struct err *err)
{
	assert(st->gathering);
	sqlite3_stmt *insert = st->insert[INSERT_ESTIMATE];
	sqlite3_clear_bindings(insert); /* the bounds of an estimate without interval are NULL */
	sql_bind_text(insert, 1, e->metric);
	sql_bind_text(insert, 2, e->unit);
	TRY(sql_bind_u64(insert, 3, e->units, e->metric, err));
	sqlite3_bind_double(insert, 4, e->value);
	if (e->confidence > 0) {
		sqlite3_bind_double(insert, 5, e->low);
		sqlite3_bind_double(insert, 6, e->high);
		sqlite3_bind_double(insert, 7, e->confidence);
	}
	return sql_run(insert, "gather an estimate", err);
}

enum status store_interval(struct store *st, uint64_t number, uint64_t begin, uint64_t end, struct err *err)
{
	assert(st->gathering);
	sqlite3_stmt *insert = st->insert[INSERT_INTERVAL];
	TRY(sql_bind_u64(insert, 1, number, "interval", err));
	TRY(sql_bind_u64(insert, 2, begin, "begin", err));
	TRY(sql_bind_u64(insert, 3, end, "end", err));
	return sql_run(insert, "gather an interval", err);
}

enum status store_series(struct store *st, const char *path, uint64_t interval, int64_t value,
			 struct err *err)
{
	assert(st->gathering);
	sqlite3_stmt *insert = st->insert[INSERT_SERIES];
	sql_bind_text(insert, 1, path);
	TRY(sql_bind_u64(insert, 2, interval, path, err));
	sqlite3_bind_int64(insert, 3, value);
	return sql_run(insert, "gather a series", err);
}

/* The statement that copies the waiting rows of a table into the database `into`; `run` is the number of the new run. */
static char *copy_sql(const struct store_object *o, const char *into, int64_t run)
{
	switch (o->kind) {
	case SCHEMA_TABLE:
		return xasprintf(
			"UPDATE pending_%s SET run = %lld; INSERT INTO %s.%s SELECT * FROM pending_%s",
			o->name, (long long)run, into, o->name, o->name);
	case SCHEMA_SHARED:
		return xasprintf("REPLACE INTO %s.%s SELECT * FROM pending_%s", into, o->name, o->name);
	default: return NULL;
	}
}

static enum status copy_run(struct store *st, const char *into, int64_t *run, struct err *err)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	double seconds = (double)(now.tv_sec - st->begun.tv_sec) +
			 1e-9 * (double)(now.tv_nsec - st->begun.tv_nsec);
	char *sql = xasprintf("UPDATE pending_run SET host_seconds = %.3f;"
			      "INSERT INTO %s.run SELECT * FROM pending_run",
			      seconds, into);
	TRY(exec_and_free(st->db, sql, "store the run", err));
	*run = sqlite3_last_insert_rowid(st->db);
	for (size_t i = 0; i < store_object_count; i++) {
		sql = copy_sql(&store_objects[i], into, *run);
		if (sql) TRY(exec_and_free(st->db, sql, "store the run", err));
	}
	return OK;
}

static enum status copy_in_transaction(struct store *st, const char *into, int64_t *run, struct err *err)
{
	/* IMMEDIATE takes the write lock now: waiting for it later, while reading, could deadlock. */
	TRY(sql_exec(st->db, "BEGIN IMMEDIATE", "store the run", err));
	enum status status = copy_run(st, into, run, err);
	if (status == OK) status = sql_exec(st->db, "COMMIT", "store the run", err);
	if (status != OK && !sqlite3_get_autocommit(st->db))
		sqlite3_exec(st->db, "ROLLBACK", NULL, NULL, NULL);
	return status;
}

static enum status attach(struct store *st, struct err *err)
{
	char *sql = sqlite3_mprintf("ATTACH %Q AS " STORE_FILE, st->path);
	enum status status = sql ? sql_exec(st->db, sql, "open the new file", err)
				 : err_set(err, ERR_HOST, "%s: out of memory", st->path);
	sqlite3_free(sql);
	return status;
}

/* The first commit makes the file; from then on the store is like one that was opened on it. */
static enum status commit_to_new_file(struct store *st, int64_t *run, struct err *err)
{
	TRY(open_create(st->path, err));
	TRY(attach(st, err));
	enum status status = copy_in_transaction(st, STORE_FILE, run, err);
	if (status != OK) {
		sqlite3_exec(st->db, "DETACH " STORE_FILE, NULL, NULL, NULL);
		return status;
	}
	close_connection(st);
	return open_appending(st, err);
}

enum status store_run_commit(struct store *st, int64_t *run_id, struct err *err)
{
	assert(st->gathering);
	int64_t run = 0;
	TRY(st->scratch ? commit_to_new_file(st, &run, err) : copy_in_transaction(st, "main", &run, err));
	if (run_id) *run_id = run;
	store_run_drop(st);
	return OK;
}
