#include "report/fill.h"

#include "store/sql.h"

static void set_cell(struct cell *c, sqlite3_stmt *stmt, int i)
{
	switch (sqlite3_column_type(stmt, i)) {
	case SQLITE_INTEGER:
		c->kind = CELL_INT;
		c->integer = sqlite3_column_int64(stmt, i);
		break;
	case SQLITE_FLOAT: cell_set_real(c, sqlite3_column_double(stmt, i)); break;
	case SQLITE_TEXT: cell_set_text(c, (const char *)sqlite3_column_text(stmt, i)); break;
	default: break; /* NULL */
	}
}

enum status table_fill(struct table *t, sqlite3_stmt *stmt, struct err *err)
{
	for (;;) {
		bool has_row;
		TRY(sql_next(stmt, &has_row, err));
		if (!has_row) return OK;
		struct cell *row = table_add_row(t);
		for (int i = 0; i < table_column_count(t); i++) set_cell(&row[i], stmt, i);
	}
}
