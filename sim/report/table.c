#include "report/table.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/alloc.h"
#include "stats/json.h"

struct table {
	const struct column *column;
	int columns, rows, capacity;
	struct cell *cell; /* rows * columns */
};

struct table *table_new(const struct column *columns, int column_count)
{
	assert(column_count > 0);
	struct table *t = xcalloc(1, sizeof(*t));
	t->column = columns;
	t->columns = column_count;
	return t;
}

void table_free(struct table *t)
{
	if (!t) return;
	for (int i = 0; i < t->rows * t->columns; i++) free(t->cell[i].text);
	free(t->cell);
	free(t);
}

struct cell *table_add_row(struct table *t)
{
	if (t->rows == t->capacity) {
		t->capacity = t->capacity ? 2 * t->capacity : 16;
		t->cell = xrealloc(t->cell, (size_t)(t->capacity * t->columns), sizeof(*t->cell));
	}
	struct cell *row = &t->cell[t->rows++ * t->columns];
	memset(row, 0, (size_t)t->columns * sizeof(*row));
	return row;
}

void cell_set_text(struct cell *c, const char *text)
{
	free(c->text);
	c->kind = CELL_TEXT;
	c->text = xstrdup(text);
}

void cell_set_integer(struct cell *c, uint64_t value)
{
	c->kind = CELL_INT;
	c->integer = (int64_t)value;
}

void cell_set_real(struct cell *c, double value)
{
	c->kind = CELL_REAL;
	c->real = value;
}

int table_column_count(const struct table *t) { return t->columns; }

int table_row_count(const struct table *t) { return t->rows; }

const struct cell *table_row(const struct table *t, int row)
{
	assert(row >= 0 && row < t->rows);
	return &t->cell[row * t->columns];
}

static enum status stream_status(FILE *out, struct err *err)
{
	if (fflush(out) == 0 && !ferror(out)) return OK;
	return err_set(err, ERR_HOST, "cannot write the table: %s", strerror(errno));
}

/* ---- aligned text ---- */

/* "-1234567.25" -> "-1,234,567.25" */
static char *group_thousands(char *number)
{
	size_t sign = number[0] == '-', digits = strspn(number + sign, "0123456789");
	char *grouped = xcalloc(2 * strlen(number) + 1, 1), *to = grouped;
	if (sign) *to++ = '-';
	for (size_t i = 0; i < digits; i++) {
		if (i && (digits - i) % 3 == 0) *to++ = ',';
		*to++ = number[sign + i];
	}
	strcpy(to, number + sign + digits);
	free(number);
	return grouped;
}

static char *text_of(const struct cell *c, const struct column *column)
{
	switch (c->kind) {
	case CELL_INT: return group_thousands(xasprintf("%" PRId64, c->integer));
	case CELL_REAL:
		if (!isfinite(c->real)) return xstrdup("-");
		return group_thousands(xasprintf("%.*f", column->decimals, c->real));
	case CELL_TEXT: return xstrdup(c->text);
	default: return xstrdup("-");
	}
}

/* Characters of UTF-8 text: its bytes without the continuation bytes. */
static int width_of(const char *text)
{
	int width = 0;
	for (; *text; text++) width += (*text & 0xc0) != 0x80;
	return width;
}

static bool is_text_column(const struct table *t, int column)
{
	for (int row = 0; row < t->rows; row++)
		if (table_row(t, row)[column].kind == CELL_TEXT) return true;
	return false;
}

static int column_width(const struct table *t, int column)
{
	int width = width_of(t->column[column].title), unit = width_of(t->column[column].unit);
	if (unit > width) width = unit;
	for (int row = 0; row < t->rows; row++) {
		char *text = text_of(&table_row(t, row)[column], &t->column[column]);
		if (width_of(text) > width) width = width_of(text);
		free(text);
	}
	return width;
}

struct layout {
	int width;
	bool left; /* text stands left, numbers right */
};

/* One line; trailing blanks are left out. */
static void print_line(FILE *out, const struct layout *layout, const char *const *text, int columns)
{
	int owed = 0;
	for (int i = 0; i < columns; i++) {
		int pad = layout[i].width - width_of(text[i]);
		if (i) owed += 2;
		if (!layout[i].left) owed += pad;
		if (*text[i]) {
			fprintf(out, "%*s%s", owed, "", text[i]);
			owed = 0;
		}
		if (layout[i].left) owed += pad;
	}
	fputc('\n', out);
}

static void print_heading(const struct table *t, const struct layout *layout, FILE *out)
{
	const char **text = xcalloc((size_t)t->columns, sizeof(*text));
	for (int i = 0; i < t->columns; i++) text[i] = t->column[i].title;
	print_line(out, layout, text, t->columns);
	bool has_unit = false;
	for (int i = 0; i < t->columns; i++) {
		text[i] = t->column[i].unit;
		has_unit |= *text[i] != 0;
	}
	if (has_unit) print_line(out, layout, text, t->columns);
	free(text);
}

static void print_row(const struct table *t, const struct layout *layout, int row, FILE *out)
{
	char **text = xcalloc((size_t)t->columns, sizeof(*text));
	for (int i = 0; i < t->columns; i++) text[i] = text_of(&table_row(t, row)[i], &t->column[i]);
	print_line(out, layout, (const char *const *)text, t->columns);
	for (int i = 0; i < t->columns; i++) free(text[i]);
	free(text);
}

static void print_text(const struct table *t, FILE *out)
{
	struct layout *layout = xcalloc((size_t)t->columns, sizeof(*layout));
	for (int i = 0; i < t->columns; i++)
		layout[i] = (struct layout){.width = column_width(t, i), .left = is_text_column(t, i)};
	print_heading(t, layout, out);
	for (int row = 0; row < t->rows; row++) print_row(t, layout, row, out);
	free(layout);
}

/* ---- CSV, RFC 4180 ---- */

static void print_csv_text(const char *text, FILE *out)
{
	if (!strpbrk(text, ",\"\r\n")) {
		fputs(text, out);
		return;
	}
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"') fputc('"', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

static void print_csv_cell(const struct cell *c, FILE *out)
{
	switch (c->kind) {
	case CELL_INT: fprintf(out, "%" PRId64, c->integer); break;
	case CELL_REAL:
		if (isfinite(c->real)) fprintf(out, "%.15g", c->real);
		break;
	case CELL_TEXT: print_csv_text(c->text, out); break;
	case CELL_NULL: break;
	}
}

static void print_csv(const struct table *t, FILE *out)
{
	for (int i = 0; i < t->columns; i++) fprintf(out, "%s%s", i ? "," : "", t->column[i].name);
	fputs("\r\n", out);
	for (int row = 0; row < t->rows; row++) {
		for (int i = 0; i < t->columns; i++) {
			if (i) fputc(',', out);
			print_csv_cell(&table_row(t, row)[i], out);
		}
		fputs("\r\n", out);
	}
}

/* ---- JSON ---- */

/* Text that is not UTF-8 cannot be said in JSON. */
static json_t *json_text(const char *text)
{
	json_t *string = json_string(text);
	return string ? string : json_null();
}

static json_t *json_of(const struct cell *c)
{
	switch (c->kind) {
	case CELL_INT: return json_integer(c->integer);
	case CELL_REAL: return isfinite(c->real) ? json_real(c->real) : json_null();
	case CELL_TEXT: return json_text(c->text);
	default: return json_null();
	}
}

static enum status print_json(const struct table *t, FILE *out, struct err *err)
{
	json_t *all = json_array();
	for (int row = 0; row < t->rows; row++) {
		json_t *object = json_object();
		for (int i = 0; i < t->columns; i++)
			json_object_set_new(object, t->column[i].name, json_of(&table_row(t, row)[i]));
		json_array_append_new(all, object);
	}
	enum status st = json_print(out, all, err);
	json_decref(all);
	return st;
}

enum status table_print(const struct table *t, enum table_format format, FILE *out, struct err *err)
{
	switch (format) {
	case TABLE_JSON: return print_json(t, out, err);
	case TABLE_CSV: print_csv(t, out); break;
	case TABLE_TEXT: print_text(t, out); break;
	}
	return stream_status(out, err);
}
