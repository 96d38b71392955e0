/* mrc_report.h - what `strata mrc` prints of its curves: a table, or a picture. */
#ifndef CLI_MRC_REPORT_H
#define CLI_MRC_REPORT_H

#include <stdio.h>

#include "analysis/mrc.h"
#include "report/table.h"

/* The misses of OPT at some sizes, for the side, page size and sets of a curve. */
struct opt_points {
	struct opt_point {
		uint64_t entries, misses;
	} * point;
	size_t count;
};

/* One curve and where it is from. */
struct mrc_series {
	const char *workload;
	const struct mrc_curve *curve;
	struct opt_points opt;
};

struct mrc_report {
	struct mrc_series *series;
	size_t count;
	const uint64_t *sizes; /* entries; NULL: chosen here */
	size_t size_count;
	enum table_format format;
};

/* One row per curve and size: text shows `sizes`, or powers of two; CSV and JSON `sizes`, or each size at which misses
 * change. A size that is no multiple of the sets has no row. */
enum status mrc_print_table(const struct mrc_report *r, FILE *out, struct err *err);
/* A self-contained SVG: miss ratio over entries, both logarithmic. */
enum status mrc_print_svg(const struct mrc_report *r, FILE *out, struct err *err);

#endif
