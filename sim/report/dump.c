/* dump.c - the deterministic content of a database, as text to compare with cmp or diff. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "report/report.h"
#include "store/schema.h"
#include "store/sql.h"

/* Gives, for table ?1, "SELECT quote(a) || ',' || quote(b) FROM t ORDER BY key": every column that is not metadata, in
 * the order of the primary key. */
static const char dump_query[] =
	"SELECT 'SELECT ' ||"
	" (SELECT group_concat('quote(\"' || name || '\")', ' || '','' || ') FROM (SELECT name FROM pragma_table_info(?1)"
	"   WHERE name NOT IN (SELECT \"column\" FROM metadata_column WHERE \"table\" = ?1) ORDER BY cid)) ||"
	" ' FROM \"' || ?1 || '\" ORDER BY ' ||"
	" (SELECT group_concat('\"' || name || '\"') FROM (SELECT name FROM pragma_table_info(?1)"
	"   WHERE pk > 0 ORDER BY pk))";

static enum status make_query(sqlite3 *db, const char *table, char **query, struct err *err)
{
	sqlite3_stmt *stmt;
	bool has_row;
	*query = NULL;
	TRY(sql_prepare(db, dump_query, &stmt, err));
	sql_bind_text(stmt, 1, table);
	enum status status = sql_next(stmt, &has_row, err);
	if (status == OK) *query = xstrdup((const char *)sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
	return status;
}

static enum status print_rows(sqlite3 *db, const char *query, const char *table, FILE *out, struct err *err)
{
	sqlite3_stmt *stmt;
	bool has_row = false;
	TRY(sql_prepare(db, query, &stmt, err));
	enum status status;
	while ((status = sql_next(stmt, &has_row, err)) == OK && has_row)
		fprintf(out, "%s: %s\n", table, (const char *)sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
	return status;
}

static enum status dump_table(sqlite3 *db, const char *table, FILE *out, struct err *err)
{
	char *query;
	TRY(make_query(db, table, &query, err));
	enum status status = print_rows(db, query, table, out, err);
	free(query);
	return status;
}

enum status report_dump(struct store *st, FILE *out, struct err *err)
{
	for (size_t i = 0; i < store_object_count; i++)
		if (store_objects[i].kind != SCHEMA_VIEW)
			TRY(dump_table(store_connection(st), store_objects[i].name, out, err));
	if (fflush(out) == 0 && !ferror(out)) return OK;
	return err_set(err, ERR_HOST, "cannot write the dump: %s", strerror(errno));
}
