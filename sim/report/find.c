/* find.c - the run that a word on the command line means. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "report/report.h"
#include "store/sql.h"

enum { NAMES_SHOWN = 8 }; /* in the message of a run that is not there */

/* The run with this number, else the latest with this name; 0: none. */
static enum status look_up(sqlite3 *db, const char *text, int64_t *run, struct err *err)
{
	sqlite3_stmt *stmt;
	bool has_row;
	TRY(sql_prepare(db,
			"SELECT id FROM run WHERE name = ?1 OR CAST(id AS TEXT) = ?1"
			" ORDER BY CAST(id AS TEXT) = ?1 DESC, id DESC LIMIT 1",
			&stmt, err));
	sql_bind_text(stmt, 1, text);
	enum status status = sql_next(stmt, &has_row, err);
	*run = status == OK && has_row ? sqlite3_column_int64(stmt, 0) : 0;
	sqlite3_finalize(stmt);
	return status;
}

/* "'bare metal', 'kvm 4K' and 3 more" into `names`, which is fresh text. */
static enum status list_names(sqlite3 *db, char **names, struct err *err)
{
	sqlite3_stmt *stmt;
	bool has_row;
	TRY(sql_prepare(db,
			"WITH n AS (SELECT name, max(id) AS id FROM run GROUP BY name)"
			" SELECT group_concat('''' || name || '''', ', '), (SELECT count(*) FROM n) - ?1"
			" FROM (SELECT name FROM n ORDER BY id LIMIT ?1)",
			&stmt, err));
	sqlite3_bind_int(stmt, 1, NAMES_SHOWN);
	enum status status = sql_next(stmt, &has_row, err);
	const char *shown = status == OK && has_row ? (const char *)sqlite3_column_text(stmt, 0) : NULL;
	int more = shown ? sqlite3_column_int(stmt, 1) : 0;
	*names = more > 0 ? xasprintf("%s and %d more", shown, more) : xstrdup(shown ? shown : "none");
	sqlite3_finalize(stmt);
	return status;
}

enum status report_find_run(struct store *st, const char *text, int64_t *run, struct err *err)
{
	char *names;
	TRY(look_up(store_connection(st), text, run, err));
	if (*run) return OK;
	TRY(list_names(store_connection(st), &names, err));
	enum status status = err_set(err, ERR_USAGE, "no run '%s'; there is: %s", text, names);
	free(names);
	return status;
}
