/* scenario.c - one row's runs, in process: the statistic of one run, or the knee by bisection. */
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "check/check.h"
#include "machine/run.h"

enum { SEED = 1 };

/* --- statistics ---------------------------------------------------------------------------------------------------- */

struct pick {
	const char *pattern;
	uint64_t sum;
	unsigned found;
};

static enum status pick_counter(void *ctx, const struct stat_value *v, struct err *err)
{
	struct pick *p = ctx;
	(void)err;
	if (v->hist || fnmatch(p->pattern, v->path, 0) != 0) return OK;
	p->sum += v->value;
	p->found++;
	return OK;
}

/* What `word` means after `run`: a total, or the sum of the counters that it names. */
static enum status read_statistic(const struct run *run, const struct run_report *total, const char *word,
				  double *out, struct err *err)
{
	const struct {
		const char *name;
		double value;
	} totals[] = {{"cycles", (double)total->cycles},
		      {"instructions", (double)total->instructions},
		      {"accesses", (double)total->accesses},
		      {"ns", (double)total->cycles * 1000 / (double)run_clock_mhz(run)}};
	for (size_t i = 0; i < sizeof(totals) / sizeof(totals[0]); i++) {
		if (strcmp(totals[i].name, word) != 0) continue;
		*out = totals[i].value;
		return OK;
	}
	struct pick pick = {.pattern = word};
	TRY(stats_visit(run_stats(run), pick_counter, &pick, err));
	*out = (double)pick.sum;
	if (pick.found) return OK;
	return err_set(err, ERR_CONFIG,
		       "'%s' is no counter of this machine, nor cycles, instructions, accesses, ns", word);
}

static enum status read_ratio(const struct run *run, const struct run_report *total,
			      const struct reference *ref, double *out, struct err *err)
{
	double over = 1;
	TRY(read_statistic(run, total, ref->statistic, out, err));
	if (*ref->over) TRY(read_statistic(run, total, ref->over, &over, err));
	if (over == 0) return err_set(err, ERR_CONFIG, "over: '%s' is 0 in this run", ref->over);
	*out /= over;
	return OK;
}

/* --- runs ------------------------------------------------------------------------------------------------------------ */

/* The words of `text`, cut in place, then `more` (NULL: none), then NULL. free() the list. */
static const char **split_words(char *text, const char *more)
{
	const char **word = xcalloc(strlen(text) / 2 + 3, sizeof(*word));
	size_t n = 0;
	for (char *rest, *one = strtok_r(text, " \t\n", &rest); one; one = strtok_r(NULL, " \t\n", &rest))
		word[n++] = one;
	word[n] = more;
	return word;
}

static enum status run_once(const struct run_request *q, const struct reference *ref, double *out,
			    struct err *err)
{
	struct run *run = NULL;
	struct run_report report;
	TRY(run_new(q, &run, err));
	enum status st = run_execute(run, NULL, NULL, &report, err);
	if (st == OK) st = read_ratio(run, &report, ref, out, err);
	run_free(run);
	return st;
}

/* The row's scenario with `more` on top. */
static enum status measure(const struct reference *ref, const char *more, double *out, struct err *err)
{
	char *text = xstrdup(ref->sets);
	const char **sets = split_words(text, more);
	struct run_request q = {.name = ref->name,
				.machine = ref->machine,
				.stack = *ref->stack ? ref->stack : NULL,
				.workload = ref->workload,
				.sets = sets,
				.seed = SEED,
				.warmup = ref->warmup,
				.limit = ref->limit,
				.populate = ref->populate};
	enum status st = run_once(&q, ref, out, err);
	free(sets);
	free(text);
	return st;
}

/* --- knees ------------------------------------------------------------------------------------------------------------- */

static enum status measure_at(const struct reference *ref, uint64_t entries, double *out, struct err *err)
{
	char *more = xasprintf("%s=%" PRIu64, ref->knee.key, entries * ref->knee.step_bytes);
	enum status st = measure(ref, more, out, err);
	free(more);
	return st;
}

/* A thousandth above the plateau counts as having left it: a single set that is one over shows as more. */
static bool has_risen(double value, double plateau) { return value > plateau * 1.001; }

/* The last size on the plateau. What grows with the size is assumed to stay above once it has risen. */
static enum status find_knee(const struct reference *ref, double *out, struct err *err)
{
	uint64_t on = ref->knee.from, off = ref->knee.to;
	double plateau, value;
	TRY(measure_at(ref, on, &plateau, err));
	TRY(measure_at(ref, off, &value, err));
	if (!has_risen(value, plateau)) on = off; /* no knee up to there: shown as that size */
	while (off - on > 1) {
		uint64_t middle = on + (off - on) / 2;
		TRY(measure_at(ref, middle, &value, err));
		if (has_risen(value, plateau))
			off = middle;
		else
			on = middle;
	}
	*out = (double)on;
	return OK;
}

/* What the scenario gives, less what it gives with `minus` on top. */
static enum status find_difference(const struct reference *ref, double *out, struct err *err)
{
	double less = 0;
	TRY(measure(ref, NULL, out, err));
	if (*ref->minus) TRY(measure(ref, ref->minus, &less, err));
	*out -= less;
	return OK;
}

enum status check_row_run(const struct check_row *row, struct outcome *out, struct err *err)
{
	const struct reference *ref = &row->ref;
	double model = 0;
	enum status st = *ref->knee.key ? find_knee(ref, &model, err) : find_difference(ref, &model, err);
	if (st != OK) {
		const struct err what = *err;
		return err_set(err, st, "%s: %s: %.400s", row->file, ref->name, what.text);
	}
	*out = check_judge(row, model);
	return OK;
}
