/* table.h - rows of typed cells under described columns, printed as aligned text, CSV or JSON. */
#ifndef REPORT_TABLE_H
#define REPORT_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/status.h"

enum table_format { TABLE_TEXT, TABLE_CSV, TABLE_JSON };

struct column {
	const char *name;  /* the key in JSON, CSV and SQL: "l1d_tlb_mpki" */
	const char *title; /* the heading of the text form: "L1D TLB" */
	const char *unit;  /* the line below it: "misses/1000 instr." */
	int decimals;      /* of the text form */
	const char *doc;
};

enum cell_kind { CELL_NULL, CELL_INT, CELL_REAL, CELL_TEXT };

struct cell {
	enum cell_kind kind;
	int64_t integer;
	double real;
	char *text; /* owned by the table */
};

struct table; /* columns (borrowed), rows of cells (owned) */

struct table *table_new(const struct column *columns, int column_count);
void table_free(struct table *t);

/* Adds a row of empty (NULL) cells and returns it, one cell per column; valid until the next table_add_row(). */
struct cell *table_add_row(struct table *t);
void cell_set_text(struct cell *c, const char *text);  /* copies */
void cell_set_integer(struct cell *c, uint64_t value); /* below 2^63 */
void cell_set_real(struct cell *c, double value);

int table_column_count(const struct table *t);
int table_row_count(const struct table *t);
const struct cell *table_row(const struct table *t, int row);

/* Text: headings, units, one line per row, numbers grouped by thousands, "-" for a missing value.
 * A real that is no finite number counts as missing.
 * CSV: RFC 4180, a heading of column names, empty for a missing value. JSON: an array of objects, null for a
 * missing value. ERR_HOST when the stream fails. */
enum status table_print(const struct table *t, enum table_format format, FILE *out, struct err *err);

#endif
