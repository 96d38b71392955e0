/* fill.h - rows of a query into rows of a table. */
#ifndef REPORT_FILL_H
#define REPORT_FILL_H

#include <sqlite3.h>

#include "report/table.h"

/* Steps `stmt` to its end and adds a row per row: integers, reals, text and NULL keep their kind. The statement has
 * at least as many columns as the table; further ones are ignored. */
enum status table_fill(struct table *t, sqlite3_stmt *stmt, struct err *err);

#endif
