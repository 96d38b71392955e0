/* scenario.c - one row's runs, in process: the statistic of one run, or the knee by bisection. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "check/check.h"
#include "check/statistic.h"
#include "config/merge.h"
#include "machine/run.h"

enum { SEED = 1 };

/* --- runs ------------------------------------------------------------------------------------------------------------ */

static size_t count_texts(const char *const *list)
{
	size_t n = 0;
	while (list && list[n]) n++;
	return n;
}

/* `before` (NULL: none), then the words of `text`, cut in place, then `more` (NULL: none), then NULL. free() the list. */
static const char **join_words(const char *const *before, char *text, const char *more)
{
	size_t n = count_texts(before);
	const char **word = xcalloc(n + strlen(text) / 2 + 3, sizeof(*word));
	if (n) memcpy(word, before, n * sizeof(*word));
	for (char *rest, *one = strtok_r(text, " \t\n", &rest); one; one = strtok_r(NULL, " \t\n", &rest))
		word[n++] = one;
	word[n] = more;
	return word;
}

/* A row on its way through its runs. */
struct scenario {
	const struct reference *ref;
	const char *const *overlays, *const *sets; /* beneath those of the row; NULL: none */
	struct check_last *last;                   /* NULL: runs are not kept */
	uint64_t seed;
	config_visit_fn *visit; /* called instead of running; NULL: run */
	void *ctx;
	bool fitted; /* machine or stack say that they were fitted to it */
};

/* --- the last run, for rows that differ in their statistic alone ------------------------------------------------------ */

struct check_last {
	char *request; /* as text; NULL: none is kept */
	struct run *run;
	struct run_report report;
};

struct check_last *check_last_new(void) { return xcalloc(1, sizeof(struct check_last)); }

static void forget(struct check_last *l)
{
	run_free(l->run);
	free(l->request);
	*l = (struct check_last){0};
}

void check_last_free(struct check_last *l)
{
	if (l) forget(l);
	free(l);
}

static void print_texts(FILE *out, const char *const *list)
{
	for (; list && *list; list++) fprintf(out, "%s\n", *list);
	fputc('\n', out);
}

/* All that decides a run; free() it. */
static char *request_text(const struct run_request *q)
{
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);
	fprintf(out, "%s\n%s\n%s\n%" PRIu64 " %" PRIu64 " %" PRIu64 " %d\n", q->machine,
		q->stack ? q->stack : "", q->workload, q->seed, q->warmup, q->limit, q->populate);
	print_texts(out, q->overlays);
	print_texts(out, q->sets);
	fclose(out);
	return text;
}

static enum status execute(const struct run_request *q, struct run **out, struct run_report *report,
			   struct err *err)
{
	TRY(run_new(q, out, err));
	return run_execute(*out, NULL, NULL, report, err);
}

/* The run that `q` asks for, finished, in `l`: the one that is there, or a new one. */
static enum status have_run(struct check_last *l, const struct run_request *q, struct err *err)
{
	char *text = request_text(q);
	if (l->request && strcmp(l->request, text) == 0) {
		free(text);
		return OK;
	}
	forget(l);
	enum status st = execute(q, &l->run, &l->report, err);
	l->request = text;
	if (st != OK) forget(l);
	return st;
}

static enum status read_ratio(struct scenario *s, const struct run *run, const struct run_report *total,
			      double *out, struct err *err)
{
	const struct reference *ref = s->ref;
	double over = 1;
	s->fitted |= run_fitted_to(run, ref->name);
	TRY(statistic_read(run, total, ref->statistic, out, err));
	if (*ref->over) TRY(statistic_read(run, total, ref->over, &over, err));
	if (over == 0) return err_set(err, ERR_CONFIG, "over: '%s' is 0 in this run", ref->over);
	*out *= (double)ref->times / over;
	return OK;
}

static enum status run_once(const struct run_request *q, struct scenario *s, double *out, struct err *err)
{
	struct check_last own = {0}, *last = s->last ? s->last : &own;
	enum status st = have_run(last, q, err);
	if (st == OK) st = read_ratio(s, last->run, &last->report, out, err);
	forget(&own);
	return st;
}

static enum status visit_once(const struct run_request *q, struct scenario *s, struct err *err)
{
	struct run *run = NULL;
	TRY(run_new(q, &run, err));
	enum status st = run_visit_config(run, s->visit, s->ctx, err);
	run_free(run);
	return st;
}

/* The row's scenario with `more` on top. */
static enum status measure(struct scenario *s, const char *more, double *out, struct err *err)
{
	const struct reference *ref = s->ref;
	char *text = xstrdup(ref->sets);
	const char **sets = join_words(s->sets, text, more);
	struct run_request q = {.name = ref->name,
				.machine = ref->machine,
				.stack = *ref->stack ? ref->stack : NULL,
				.workload = ref->workload,
				.overlays = s->overlays,
				.sets = sets,
				.seed = s->seed,
				.warmup = ref->warmup,
				.limit = ref->limit,
				.populate = ref->populate};
	enum status st = s->visit ? visit_once(&q, s, err) : run_once(&q, s, out, err);
	free(sets);
	free(text);
	return st;
}

/* --- knees ------------------------------------------------------------------------------------------------------------- */

static enum status measure_at(struct scenario *s, uint64_t entries, double *out, struct err *err)
{
	const struct knee_params *knee = &s->ref->knee;
	char *more = xasprintf("%s=%" PRIu64, knee->key, entries * knee->step_bytes);
	enum status st = measure(s, more, out, err);
	free(more);
	return st;
}

/* A thousandth above the plateau counts as having left it: a single set that is one over shows as more. */
static bool has_risen(double value, double plateau) { return value > plateau * 1.001; }

/* The last size on the plateau. What grows with the size is assumed to stay above once it has risen. */
static enum status find_knee(struct scenario *s, double *out, struct err *err)
{
	uint64_t on = s->ref->knee.from, off = s->ref->knee.to;
	double plateau, value;
	TRY(measure_at(s, on, &plateau, err));
	TRY(measure_at(s, off, &value, err));
	if (!has_risen(value, plateau)) on = off; /* no knee up to there: shown as that size */
	while (off - on > 1) {
		uint64_t middle = on + (off - on) / 2;
		TRY(measure_at(s, middle, &value, err));
		if (has_risen(value, plateau))
			off = middle;
		else
			on = middle;
	}
	*out = (double)on;
	return OK;
}

/* The row's tries: their mean, or the least of them. */
static enum status measure_tries(struct scenario *s, const char *more, double *out, struct err *err)
{
	double sum = 0, least = INFINITY;
	for (uint64_t i = 0; i < s->ref->tries; i++) {
		double value;
		s->seed = SEED + i;
		TRY(measure(s, more, &value, err));
		sum += value;
		if (value < least) least = value;
	}
	s->seed = SEED;
	*out = s->ref->of_tries == TRIES_LEAST ? least : sum / (double)s->ref->tries;
	return OK;
}

/* What the scenario gives, less what it gives with `minus` on top. */
static enum status find_difference(struct scenario *s, double *out, struct err *err)
{
	double less = 0;
	TRY(measure_tries(s, NULL, out, err));
	if (*s->ref->minus) TRY(measure_tries(s, s->ref->minus, &less, err));
	*out -= less;
	return OK;
}

/* --- overlays ---------------------------------------------------------------------------------------------------------- */

/* Those of `all` that are for a machine called `machine`, or for any, into `out`, NULL at the end. */
static enum status choose_overlays(struct conf *c, const char *const *all, const char *machine,
				   const char **out, struct err *err)
{
	for (; *all; all++) {
		const char *name;
		TRY(conf_name(c, *all, &name, err));
		if (!name || (machine && strcmp(name, machine) == 0)) *out++ = *all;
	}
	*out = NULL;
	return OK;
}

/* Whether a row runs on a machine called `name`. */
static enum status is_machine_of(const struct check_row *rows, size_t count, const char *name, bool *out,
				 struct err *err)
{
	enum status st = OK;
	*out = false;
	for (size_t i = 0; st == OK && i < count && !*out; i++) {
		const char *own;
		if (i && strcmp(rows[i].ref.machine, rows[i - 1].ref.machine) == 0) continue;
		struct conf *c = conf_new();
		st = conf_name(c, rows[i].ref.machine, &own, err);
		*out = st == OK && own && strcmp(own, name) == 0;
		conf_free(c);
	}
	return st;
}

enum status check_unused_overlay(const struct check_row *rows, size_t count, const char *const *overlays,
				 const char **out, struct err *err)
{
	struct conf *c = conf_new();
	enum status st = OK;
	*out = NULL;
	for (; st == OK && overlays && *overlays && !*out; overlays++) {
		const char *name;
		bool used = true;
		st = conf_name(c, *overlays, &name, err);
		if (st == OK && name) st = is_machine_of(rows, count, name, &used, err);
		if (st == OK && !used) *out = *overlays;
	}
	conf_free(c);
	return st;
}

static enum status run_row(struct scenario *s, double *model, struct err *err)
{
	if (s->visit) return measure(s, NULL, model, err);
	return *s->ref->knee.key ? find_knee(s, model, err) : find_difference(s, model, err);
}

static enum status run_with_overlays(struct scenario *s, const char *const *overlays, double *model,
				     struct err *err)
{
	struct conf *c = conf_new();
	const char *machine, **chosen = xcalloc(count_texts(overlays) + 1, sizeof(*chosen));
	enum status st = conf_name(c, s->ref->machine, &machine, err);
	if (st == OK) st = choose_overlays(c, overlays, machine, chosen, err);
	s->overlays = chosen;
	if (st == OK) st = run_row(s, model, err);
	free(chosen);
	conf_free(c);
	return st;
}

/* Runs or visits; failures name the row. */
static enum status run_scenario(struct scenario *s, const struct check_row *row, const struct check_how *how,
				double *model, struct err *err)
{
	s->ref = &row->ref;
	s->seed = SEED;
	s->sets = how ? how->sets : NULL;
	s->last = how ? how->last : NULL;
	enum status st = how && how->overlays ? run_with_overlays(s, how->overlays, model, err)
					      : run_row(s, model, err);
	if (st == OK) return OK;
	const struct err what = *err;
	return err_set(err, st, "%s: %s: %.400s", row->file, row->ref.name, what.text);
}

enum status check_row_run(const struct check_row *row, const struct check_how *how, struct outcome *out,
			  struct err *err)
{
	struct scenario s = {0};
	double model = 0;
	TRY(run_scenario(&s, row, how, &model, err));
	*out = check_judge(row, model);
	if (s.fitted) check_mark_fitted(out);
	return OK;
}

enum status check_row_visit(const struct check_row *row, const struct check_how *how, config_visit_fn *visit,
			    void *ctx, struct err *err)
{
	struct scenario s = {.visit = visit, .ctx = ctx};
	double unused = 0;
	return run_scenario(&s, row, how, &unused, err);
}
