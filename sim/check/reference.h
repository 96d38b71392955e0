/* reference.h - a file of published figures, each with the scenario and the statistic that must reproduce it.
 *
 *   references_load: file or folder -> list of rows      see the files of references/, strata-check(1)
 * Paths in a row are relative to the file that says them.
 */
#ifndef CHECK_REFERENCE_H
#define CHECK_REFERENCE_H

#include <stddef.h>
#include <stdint.h>

#include "check/figure.h"
#include "config/schema.h"
#include "config/yaml.h"

/* How the figure is known: read in the primary text, quoted by another, derived by arithmetic, from memory. */
enum confidence { CONF_V1, CONF_V2, CONF_D, CONF_M };
enum reference_kind {
	REF_VALIDATION, /* nothing in the machine was set from this figure */
	REF_FITTED,     /* a parameter was: agreement shows that the mechanism works, and no more */
};

/* What counts of several tries. */
enum of_tries { TRIES_MEAN, TRIES_LEAST };

/* Looks for the size at which the statistic leaves its plateau, instead of comparing the statistic itself. */
struct knee_params {
	const char *key;     /* what grows, such as "workload.footprint_bytes"; "" for no knee */
	uint64_t step_bytes; /* of one entry */
	uint64_t from, to;   /* entries; the plateau is what `from` gives */
};

struct reference {
	const char *name, *machine, *stack, *workload; /* stack "": native */
	const char *sets;                              /* "key=value ...", blanks between */
	uint64_t warmup, limit, populate;
	uint64_t tries, of_tries; /* runs that differ in their seed; enum of_tries */
	const char *minus;        /* "key=value": what the scenario gives with it is taken off; "": nothing */
	struct knee_params knee;
	const char *statistic, *over; /* as of statistic.h; over "": not divided */
	uint64_t times;               /* the quotient is multiplied by it */
	const char *published, *tolerance, *unit, *source;
	uint64_t confidence, kind, weight;
};

/* A row that was read and checked. */
struct check_row {
	struct reference ref;
	const char *file;
	struct figure figure;
	struct tolerance tolerance;
};

struct references { /* starts as {0} */
	struct check_row *row;
	size_t count;
};

extern const struct schema references_schema; /* of a file */

/* Appends the rows of the file `path`, or of all *.yaml files of the folder `path` in the order of their names. All texts
 * are owned by `c`; references_fini() frees the list. ERR_CONFIG: with the place; also for a folder without such a file. */
enum status references_load(struct conf *c, const char *path, struct references *out, struct err *err);
void references_fini(struct references *r);

#endif
