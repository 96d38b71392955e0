/* calibrate.h - parameters of a machine or stack, fitted to published rows.
 *
 *   calibration_run: rows, keys -> values before and after, residuals, what is not known
 *   calibration_write: the values as an overlay, tagged `fitted`, with the rows that they are from
 * A residual is (model - published) / sigma. The published figure is the middle of its range. sigma is the row's
 * tolerance in its unit, or half of the last published digit where the tolerance is 0; twice that for a figure that was
 * derived; half of a published range is added, and the row's weight makes it less by its root. Rows from memory are never
 * used. All rows that are used run on one machine and, where a key of the stack is fitted, on one stack; the others
 * are run with what came out, as a check, where the keys are theirs.
 */
#ifndef CHECK_CALIBRATE_H
#define CHECK_CALIBRATE_H

#include "check/check.h"
#include "check/fit.h"

enum row_use {
	USE_FITTED,     /* its residual was made small */
	USE_CHECK,      /* not named: shows what the fit does elsewhere */
	USE_NOT_MEMORY, /* from memory */
	USE_NOT_THERE,  /* of another machine or stack: none of the keys is its own */
};
extern const char *const row_use_names[]; /* NULL at the end */

struct calibration_request {
	const char *const
		*keys; /* paths as in `strata params -m`, "machine." may be left out; NULL at the end */
	const char *const *rows;     /* names or patterns; NULL: all that may be used */
	const char *const *overlays; /* as of struct check_how */
};

struct calibrated_key {
	const char *path; /* "machine.caches.l2.hit_cycles" */
	const char *unit;
	uint64_t min, max, before, after;
	double error; /* standard; of `after` */
};

struct calibrated_row {
	const struct check_row *row;
	const char *machine, *stack; /* the names in its files; stack "": no file */
	enum row_use use;
	double sigma;                 /* in the unit of the row */
	struct outcome before, after; /* not for USE_NOT_* */
};

struct calibration {
	struct conf *conf; /* owns the texts */
	struct calibrated_key key[FIT_MAX_KEYS];
	size_t keys;
	struct calibrated_row *row; /* one per row of the files, in their order */
	size_t rows, used;
	const struct calibrated_row *first; /* of those used */
	const char *const *overlays;
	struct check_last *last; /* rows that share a run come one after the other in files */
	struct fit_result fit;
};

/* Fits. `refs` and the request must outlive *out, which calibration_fini() ends, also after an error. ERR_CONFIG: a key that is none or
 * no number, one that a used row sets itself, a pattern that names no row, a row from memory that is asked for by name, rows of
 * several machines, fewer rows than keys, a key without influence. ERR_CHECK: the rows do not tell the keys apart; *out is whole then. */
enum status calibration_run(const struct references *refs, const struct calibration_request *q,
			    struct calibration *out, struct err *err);
void calibration_fini(struct calibration *c);

/* Writes the overlay; there is the old file or the whole new one. ERR_HOST: it cannot be written. */
enum status calibration_write(const struct calibration *c, const char *path, struct err *err);

/* (model - published) / sigma. */
double calibrated_residual(const struct calibrated_row *r, double model);
/* sigma of a row, as said above. */
double calibrated_sigma(const struct check_row *row);

#endif
