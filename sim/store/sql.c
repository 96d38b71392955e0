#include "store/sql.h"

#include <assert.h>
#include <stddef.h>

static enum status code_of(int sqlite_code)
{
	switch (sqlite_code & 0xff) {
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT: return ERR_INPUT;
	default: return ERR_HOST;
	}
}

enum status sql_error(sqlite3 *db, const char *what, struct err *err)
{
	const char *file = sqlite3_db_filename(db, "main");
	if (!file || !*file) file = sqlite3_db_filename(db, STORE_FILE);
	return err_set(err, code_of(sqlite3_errcode(db)), "%s: cannot %s: %s",
		       file && *file ? file : "database", what, sqlite3_errmsg(db));
}

enum status sql_exec(sqlite3 *db, const char *sql, const char *what, struct err *err)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? OK : sql_error(db, what, err);
}

enum status sql_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out, struct err *err)
{
	*out = NULL;
	return sqlite3_prepare_v2(db, sql, -1, out, NULL) == SQLITE_OK ? OK
								       : sql_error(db, "read results", err);
}

enum status sql_next(sqlite3_stmt *stmt, bool *has_row, struct err *err)
{
	int rc = sqlite3_step(stmt);
	*has_row = rc == SQLITE_ROW;
	if (rc == SQLITE_ROW || rc == SQLITE_DONE) return OK;
	return sql_error(sqlite3_db_handle(stmt), "read results", err);
}

enum status sql_get_int(sqlite3 *db, const char *sql, int64_t *value, struct err *err)
{
	sqlite3_stmt *stmt;
	bool has_row;
	TRY(sql_prepare(db, sql, &stmt, err));
	enum status st = sql_next(stmt, &has_row, err);
	*value = st == OK && has_row ? sqlite3_column_int64(stmt, 0) : 0;
	sqlite3_finalize(stmt);
	return st;
}

enum status sql_run(sqlite3_stmt *stmt, const char *what, struct err *err)
{
	enum status st = OK;
	if (sqlite3_step(stmt) != SQLITE_DONE) st = sql_error(sqlite3_db_handle(stmt), what, err);
	sqlite3_reset(stmt);
	return st;
}

void sql_bind_text(sqlite3_stmt *stmt, int index, const char *text)
{
	int rc = text ? sqlite3_bind_text(stmt, index, text, -1, SQLITE_STATIC)
		      : sqlite3_bind_null(stmt, index);
	assert(rc == SQLITE_OK);
	(void)rc;
}

enum status sql_bind_u64(sqlite3_stmt *stmt, int index, uint64_t value, const char *path, struct err *err)
{
	if (value > INT64_MAX)
		return err_set(err, ERR_HOST,
			       "%s: %llu does not fit into the database, which holds 0..2^63-1", path,
			       (unsigned long long)value);
	int rc = sqlite3_bind_int64(stmt, index, (sqlite3_int64)value);
	assert(rc == SQLITE_OK);
	(void)rc;
	return OK;
}
