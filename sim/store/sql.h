/* sql.h - SQLite calls that report through the error channel. Used by store and report only.
 *
 * ERR_INPUT when the file is no database or is damaged, ERR_HOST for everything else that SQLite reports.
 */
#ifndef STORE_SQL_H
#define STORE_SQL_H

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

#include "base/status.h"

/* The name under which a connection to memory sees the results file, once there is one. */
#define STORE_FILE "results_file"

/* Turns the connection's last error into "FILE: cannot WHAT: reason". */
enum status sql_error(sqlite3 *db, const char *what, struct err *err);

/* Runs statements that give no rows. `what` completes "cannot ...". */
enum status sql_exec(sqlite3 *db, const char *sql, const char *what, struct err *err);

/* Compiles one statement; sqlite3_finalize() it. On failure *out is NULL. */
enum status sql_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out, struct err *err);

/* Steps to the next row: *has_row says whether there is one. */
enum status sql_next(sqlite3_stmt *stmt, bool *has_row, struct err *err);

/* The first column of the first row of `sql` as an integer; 0 without a row. */
enum status sql_get_int(sqlite3 *db, const char *sql, int64_t *value, struct err *err);

/* Runs a prepared statement that gives no rows, and makes it ready for the next use. */
enum status sql_run(sqlite3_stmt *stmt, const char *what, struct err *err);

/* Binds text, or NULL as NULL, without a copy: `text` lives until sql_run(). */
void sql_bind_text(sqlite3_stmt *stmt, int index, const char *text);
/* Binds `value`; ERR_HOST, naming `path`, when it does not fit into SQLite's signed 64 bits. */
enum status sql_bind_u64(sqlite3_stmt *stmt, int index, uint64_t value, const char *path, struct err *err);

#endif
