/* results.h - what the verbs that read a results database share: their options, opening, printing. */
#ifndef CLI_RESULTS_H
#define CLI_RESULTS_H

#include <argp.h>

#include "report/report.h"

struct results_args {
	const char *db; /* path */
	enum table_format format;
	struct report_query query;
	const char *if_empty; /* said on stderr where the table has no row and is text; NULL: nothing */
};

/* --db, --region, --json, --csv; a child parser whose input is a struct results_args with defaults filled in. */
extern const struct argp results_argp;
#define RESULTS_DEFAULTS ((struct results_args){.db = "results.db", .query.region = "measured"})

/* argp_parse() for a verb: `strata VERB` in its messages, exit code 2 for wrong usage. */
void results_parse(const struct argp *argp, int argc, char **argv, void *input);

/* Opens the database, lets `make` build a table from it, prints that, and gives the process exit code. Failures are
 * told on stderr. */
typedef enum status results_make_fn(struct store *st, const struct report_query *q, struct table **out,
				    struct err *err);
int results_print(const struct results_args *args, results_make_fn *make);

/* Prints an error to stderr and gives its exit code. */
int results_fail(enum status status, const struct err *err);

#endif
