/* schema.h - the tables and views of the results database, as rows.
 *
 * A change of a table or view raises STORE_SCHEMA_VERSION: an older program refuses a newer file.
 */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

#include <stddef.h>

enum {
	STORE_APPLICATION_ID = 0x53745261, /* "StRa": PRAGMA application_id */
	STORE_SCHEMA_VERSION = 3,          /* PRAGMA user_version */
};

enum schema_kind {
	SCHEMA_RUN_TABLE, /* the table of runs itself */
	SCHEMA_TABLE,     /* rows of one run: its first column is `run` */
	SCHEMA_SHARED,    /* a table of rows that all runs share */
	SCHEMA_VIEW,
};

struct store_object {
	const char *name;
	enum schema_kind kind;
	const char *body; /* a table's column definitions, or a view's SELECT */
	const char *doc;
};

extern const struct store_object store_objects[];
extern const size_t store_object_count;

/* What "CREATE TABLE|VIEW name" needs around the body, as fresh text. free() it. */
char *store_object_sql(const struct store_object *o);

#endif
