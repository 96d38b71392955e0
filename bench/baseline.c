#include "baseline.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static enum status check_row(const char *path, const char *name, const json_t *row, struct err *err)
{
	double steps = json_number_value(json_object_get(row, "steps")),
	       hops = json_number_value(json_object_get(row, "hops"));
	if (steps > 0 && hops > 0) return OK;
	return err_set(err, ERR_INPUT, "%s: %s: needs \"steps\" and \"hops\", both above 0", path, name);
}

static enum status check_rows(const char *path, json_t *rows, struct err *err)
{
	const char *name;
	json_t *row;
	if (!json_is_object(rows)) return err_set(err, ERR_INPUT, "%s: not an object of rows", path);
	json_object_foreach(rows, name, row) TRY(check_row(path, name, row, err));
	return OK;
}

enum status baseline_load(const char *path, json_t **out, struct err *err)
{
	json_error_t error;
	json_t *rows = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
	if (!rows) return err_set(err, ERR_INPUT, "%s:%d: %s", path, error.line, error.text);
	enum status st = check_rows(path, rows, err);
	if (st != OK) {
		json_decref(rows);
		return st;
	}
	*out = rows;
	return OK;
}

enum status baseline_save(const char *path, const json_t *rows, struct err *err)
{
	if (json_dump_file(rows, path, JSON_INDENT(2) | JSON_REAL_PRECISION(4)) == 0) return OK;
	return err_set(err, ERR_HOST, "%s: cannot be written", path);
}

void baseline_put(json_t *rows, const char *name, struct cost cost)
{
	json_object_set_new(rows, name, json_pack("{s:f, s:f}", "steps", cost.steps, "hops", cost.hops));
}

bool baseline_find(const json_t *rows, const char *name, struct cost *cost)
{
	const json_t *row = json_object_get(rows, name);
	if (!row) return false;
	*cost = (struct cost){json_number_value(json_object_get(row, "steps")),
			      json_number_value(json_object_get(row, "hops"))};
	return true;
}

double baseline_fall(struct cost now, struct cost then)
{
	double by_steps = 1 - then.steps / now.steps, by_hops = 1 - then.hops / now.hops;
	return by_steps < by_hops ? by_steps : by_hops;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

double bench_median(const double *values, unsigned count)
{
	double *sorted = xcalloc(count, sizeof(*sorted));
	assert(count > 0);
	memcpy(sorted, values, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), ascending);
	double median = (sorted[count / 2] + sorted[(count - 1) / 2]) / 2;
	free(sorted);
	return median;
}

struct cost bench_median_cost(const struct cost *costs, unsigned count)
{
	double *steps = xcalloc(count, sizeof(*steps)), *hops = xcalloc(count, sizeof(*hops));
	for (unsigned i = 0; i < count; i++) steps[i] = costs[i].steps, hops[i] = costs[i].hops;
	struct cost median = {bench_median(steps, count), bench_median(hops, count)};
	free(steps);
	free(hops);
	return median;
}
