/* check.h - the model against published rows: runs each scenario, compares, sums up.
 *
 *   check_row_run: row -> outcome      check_summarise: outcomes -> counts, mean error
 *   check_table: outcomes -> table     junit_write (junit.h): outcomes -> file
 *
 * A row is fitted when its file says so, or when the machine or the stack say that numbers of theirs were fitted to it
 * (config/fits.h).
 * This layer stands behind machine, whose runs it starts in process, and behind report, whose tables it fills.
 * A fitted row that is outside its tolerance fails like any other (the model no longer does what it was set to), but
 * one within is neither counted as passed nor part of the mean error. Figures from memory are shown and never gated.
 */
#ifndef CHECK_CHECK_H
#define CHECK_CHECK_H

#include "check/reference.h"
#include "config/effective.h"
#include "report/table.h"

enum verdict { VERDICT_PASS, VERDICT_FAIL, VERDICT_FITTED, VERDICT_NOT_GATED };
extern const char *const verdict_names[]; /* "pass", "FAIL", "fitted", "not gated"; NULL at the end */

struct outcome {
	const struct check_row *row; /* borrowed */
	double model;
	double error_percent; /* NAN: the published figure is 0 */
	bool fitted;          /* by the row's own word, or by that of machine or stack */
	enum verdict verdict;
};

/* What is put on the machine and the stack of a row before its own `sets`. */
struct check_how {
	const char *const *
		overlays; /* files; each for the rows whose machine has the name that it says. NULL at the end */
	const char *const *sets; /* "key=value", NULL at the end */
	struct check_last
		*last; /* keeps the latest run, for the next row that asks for the same; NULL: none is kept */
};

/* The first of `overlays` (NULL at the end) that is for a machine on which none of the rows runs; NULL: all are used. */
enum status check_unused_overlay(const struct check_row *rows, size_t count, const char *const *overlays,
				 const char **out, struct err *err);

struct check_last *check_last_new(void);
void check_last_free(struct check_last *l); /* NULL is allowed */

struct check_summary {
	unsigned passed, failed, fitted, not_gated; /* by verdict */
	unsigned averaged;         /* validation rows that are gated and have a relative error */
	double mean_error_percent; /* of their absolute errors, by weight; NAN without any */
};

/* Runs the row's scenario: one run, or the several of a knee. `how` may be NULL. ERR_CONFIG, ERR_INPUT: the row asks for what is
 * not there. */
enum status check_row_run(const struct check_row *row, const struct check_how *how, struct outcome *out,
			  struct err *err);
/* Calls `visit` for every value of the machine and the stack that the row would run on. Nothing is run. */
enum status check_row_visit(const struct check_row *row, const struct check_how *how, config_visit_fn *visit,
			    void *ctx, struct err *err);
/* Compares a row with what the model gave. */
struct outcome check_judge(const struct check_row *row, double model);
struct check_summary check_summarise(const struct outcome *outcomes, size_t count);
/* The row turned out to be one that the machine was fitted to. */
void check_mark_fitted(struct outcome *o);
/* One line per outcome, in order; table_free() it. */
struct table *check_table(const struct outcome *outcomes, size_t count);

#endif
