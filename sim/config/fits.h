/* fits.h - which published figures the `!fitted/SOURCE` numbers of a machine or stack file were fitted to.
 *
 *   fits: [{name: ROW, file: references/memory.yaml}, ...]      written by strata calibrate, read by strata check
 * A figure that a number was fitted to says nothing of how good the model is: strata check reports it as fitted, whatever the
 * row itself says. Lists of several files are joined by name, as all lists of named items are (merge.h).
 */
#ifndef CONFIG_FITS_H
#define CONFIG_FITS_H

#include "config/schema.h"

enum { FITS_MAX = 1000 };

struct fit_item {
	const char *name; /* of the row */
	const char *file; /* that it is in; "" when nobody said */
};

extern const struct schema fits_schema; /* of one item */

/* Whether `fits` (of struct fit_item) names the row. */
bool fits_have(const struct param_list *fits, const char *row);

#endif
