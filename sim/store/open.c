#include "store/open.h"

#include <errno.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "store/schema.h"
#include "store/sql.h"

enum { BUSY_TIMEOUT_MS = 60 * 1000 };

/* Foreign keys, so that deleting a run by this program deletes its rows. Rows wait for commit in memory. The journal
 * mode stays SQLite's default, DELETE: see store.h. */
static const char connection_settings[] = "PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;";

struct identity {
	int64_t application, version, objects;
};

static enum status identify(sqlite3 *db, struct identity *id, struct err *err)
{
	TRY(sql_get_int(db, "PRAGMA application_id", &id->application, err));
	TRY(sql_get_int(db, "PRAGMA user_version", &id->version, err));
	return sql_get_int(db, "SELECT count(*) FROM sqlite_master", &id->objects, err);
}

static bool is_empty(const struct identity *id) { return !id->application && !id->version && !id->objects; }

static enum status check_identity(const char *path, const struct identity *id, struct err *err)
{
	if (is_empty(id))
		return err_set(err, ERR_INPUT, "%s: holds no results (the database is empty)", path);
	if (id->application != STORE_APPLICATION_ID)
		return err_set(
			err, ERR_INPUT,
			"%s: is a database of another program (application_id 0x%08x, Strata's is 0x%08x)",
			path, (unsigned)id->application, (unsigned)STORE_APPLICATION_ID);
	if (id->version > STORE_SCHEMA_VERSION)
		return err_set(
			err, ERR_INPUT,
			"%s: was written by a newer strata (schema version %lld; this one knows 1..%d)", path,
			(long long)id->version, STORE_SCHEMA_VERSION);
	if (id->version < 1)
		return err_set(err, ERR_INPUT, "%s: schema version %lld is outside 1..%d", path,
			       (long long)id->version, STORE_SCHEMA_VERSION);
	return OK;
}

static enum status run_and_free(sqlite3 *db, char *sql, const char *what, struct err *err)
{
	enum status st = sql_exec(db, sql, what, err);
	free(sql);
	return st;
}

static enum status mark_version(sqlite3 *db, struct err *err)
{
	char marks[96];
	snprintf(marks, sizeof(marks), "PRAGMA application_id = %d; PRAGMA user_version = %d",
		 STORE_APPLICATION_ID, STORE_SCHEMA_VERSION);
	return sql_exec(db, marks, "make the tables", err);
}

static enum status create_objects(sqlite3 *db, struct err *err)
{
	for (size_t i = 0; i < store_object_count; i++)
		TRY(run_and_free(db, store_object_sql(&store_objects[i]), "make the tables", err));
	return mark_version(db, err);
}

/* Makes a table that an older program did not know; a view is made anew. Tables keep what they hold. */
static enum status upgrade_object(sqlite3 *db, const struct store_object *o, struct err *err)
{
	char *find = xasprintf("SELECT count(*) FROM sqlite_master WHERE name = '%s'", o->name);
	int64_t found = 0;
	enum status st = sql_get_int(db, find, &found, err);
	free(find);
	if (st != OK || (found && o->kind != SCHEMA_VIEW)) return st;
	if (found) TRY(run_and_free(db, xasprintf("DROP VIEW %s", o->name), "make the views", err));
	return run_and_free(db, store_object_sql(o), "make the tables", err);
}

/* A file of an older schema, unless another process has just brought it up to date. */
static enum status upgrade(sqlite3 *db, struct err *err)
{
	struct identity id;
	TRY(sql_exec(db, "BEGIN IMMEDIATE", "write", err));
	enum status st = identify(db, &id, err);
	for (size_t i = 0; st == OK && id.version < STORE_SCHEMA_VERSION && i < store_object_count; i++)
		st = upgrade_object(db, &store_objects[i], err);
	if (st == OK) st = mark_version(db, err);
	if (st == OK) st = sql_exec(db, "COMMIT", "write", err);
	if (st != OK && !sqlite3_get_autocommit(db)) sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return st;
}

/* Makes the tables unless another process did so while this one waited for the lock. */
static enum status create_if_empty(sqlite3 *db, struct err *err)
{
	struct identity id;
	TRY(sql_exec(db, "BEGIN IMMEDIATE", "write", err));
	enum status st = identify(db, &id, err);
	if (st == OK && is_empty(&id)) st = create_objects(db, err);
	if (st == OK) st = sql_exec(db, "COMMIT", "write", err);
	if (st != OK && !sqlite3_get_autocommit(db)) sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return st;
}

static enum status check_writable(sqlite3 *db, const char *path, struct err *err)
{
	if (sqlite3_db_readonly(db, "main") != 1) return OK;
	return err_set(err, ERR_HOST, "%s: cannot write: the file is read-only", path);
}

/* SQLite says "unable to open database file" to everything; errno says why. */
static enum status open_error(const char *path, int flags, sqlite3 *db, struct err *err)
{
	int saved = db ? sqlite3_system_errno(db) : ENOMEM;
	if (!(flags & SQLITE_OPEN_CREATE) && access(path, F_OK) != 0)
		return err_set(err, ERR_INPUT, "%s: cannot open: %s", path, strerror(errno));
	return err_set(err, ERR_HOST, "%s: cannot open: %s", path,
		       saved ? strerror(saved) : sqlite3_errmsg(db));
}

/* A connection, whatever the file is; the caller closes it, also when its settings could not be made. */
static enum status open_file(const char *path, int flags, sqlite3 **out, struct err *err)
{
	*out = NULL;
	sqlite3 *db = NULL;
	if (sqlite3_open_v2(path, &db, flags, NULL) != SQLITE_OK) {
		enum status st = open_error(path, flags, db, err);
		sqlite3_close(db);
		return st;
	}
	sqlite3_busy_timeout(db, BUSY_TIMEOUT_MS);
	*out = db;
	return sql_exec(db, connection_settings, "open", err);
}

/* Gives the connection to the caller, or closes it when something went wrong. */
static enum status give(enum status st, sqlite3 *db, sqlite3 **out)
{
	*out = st == OK ? db : NULL;
	if (st != OK) sqlite3_close(db);
	return st;
}

enum status open_to_read(const char *path, sqlite3 **out, struct err *err)
{
	sqlite3 *db;
	struct identity id;
	/* Opened for writing too, where that is allowed, so that what a killed writer left is rolled back. */
	enum status st = open_file(path, SQLITE_OPEN_READWRITE, &db, err);
	if (st == OK) st = identify(db, &id, err);
	if (st == OK) st = check_identity(path, &id, err);
	if (st == OK) st = sql_exec(db, "PRAGMA query_only = ON", "open", err);
	return give(st, db, out);
}

/* Whether a file can be made beside `path`: better said before a long run than after it. */
static enum status check_folder(const char *path, struct err *err)
{
	char *copy = xstrdup(path);
	int no = access(dirname(copy), W_OK | X_OK) == 0 ? 0 : errno;
	free(copy);
	return no ? err_set(err, ERR_HOST, "%s: cannot make the file: %s", path, strerror(no)) : OK;
}

static enum status open_scratch(sqlite3 **out, struct err *err)
{
	sqlite3 *db;
	enum status st = open_file(":memory:", SQLITE_OPEN_READWRITE, &db, err);
	if (st == OK) st = create_objects(db, err);
	return give(st, db, out);
}

enum status open_to_append(const char *path, sqlite3 **out, bool *scratch, struct err *err)
{
	sqlite3 *db;
	struct identity id = {0};
	*scratch = access(path, F_OK) != 0 && errno == ENOENT;
	if (*scratch) {
		TRY(check_folder(path, err));
		return open_scratch(out, err);
	}
	enum status st = open_file(path, SQLITE_OPEN_READWRITE, &db, err);
	if (st == OK) st = identify(db, &id, err);
	if (st == OK && !is_empty(&id)) st = check_identity(path, &id, err);
	if (st == OK) st = check_writable(db, path, err);
	if (st == OK && !is_empty(&id) && id.version < STORE_SCHEMA_VERSION) st = upgrade(db, err);
	if (st != OK || !is_empty(&id)) return give(st, db, out);
	sqlite3_close(db);
	*scratch = true;
	return open_scratch(out, err);
}

enum status open_create(const char *path, struct err *err)
{
	sqlite3 *db;
	struct identity id;
	enum status st = open_file(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &db, err);
	if (st == OK) st = create_if_empty(db, err);
	if (st == OK) st = identify(db, &id, err);
	if (st == OK) st = check_identity(path, &id, err);
	sqlite3_close(db);
	return st;
}
