#include "check/statistic.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "config/suggest.h"

struct pick {
	const char *pattern;
	uint64_t sum;
	unsigned found;
};

static enum status pick_counter(void *ctx, const struct stat_value *v, struct err *err)
{
	struct pick *p = ctx;
	(void)err;
	if (fnmatch(p->pattern, v->path, 0) != 0) return OK;
	p->sum += v->hist ? v->hist->sum : v->value;
	p->found++;
	return OK;
}

/* The counter whose path is nearest to a word that is none. */
struct nearest {
	struct suggest near;
	char path[128];
};

static enum status try_counter(void *ctx, const struct stat_value *v, struct err *err)
{
	struct nearest *n = ctx;
	const char *before = n->near.best;
	(void)err;
	suggest_try(&n->near, v->path);
	if (n->near.best == before) return OK;
	snprintf(n->path, sizeof(n->path), "%s", v->path);
	n->near.best = n->path;
	return OK;
}

static enum status no_counter(const struct run *run, const char *word, struct err *err)
{
	struct nearest n = {0};
	suggest_init(&n.near, word);
	TRY(stats_visit(run_stats(run), try_counter, &n, err));
	if (n.near.best)
		return err_set(err, ERR_CONFIG, "'%s' is no counter of this machine; did you mean '%s'?",
			       word, n.path);
	return err_set(err, ERR_CONFIG,
		       "'%s' is no counter of this machine, nor cycles, instructions, accesses, ns, ms",
		       word);
}

static enum status read_word(const struct run *run, const struct run_report *total, const char *word,
			     double *out, struct err *err)
{
	const struct {
		const char *name;
		double value;
	} totals[] = {{"cycles", (double)total->cycles},
		      {"instructions", (double)total->instructions},
		      {"accesses", (double)total->accesses},
		      {"ns", (double)total->cycles * 1000 / (double)run_clock_mhz(run)},
		      {"ms", (double)total->cycles / 1000 / (double)run_clock_mhz(run)}};
	for (size_t i = 0; i < sizeof(totals) / sizeof(totals[0]); i++) {
		if (strcmp(totals[i].name, word) != 0) continue;
		*out = totals[i].value;
		return OK;
	}
	struct pick pick = {.pattern = word};
	TRY(stats_visit(run_stats(run), pick_counter, &pick, err));
	*out = (double)pick.sum;
	return pick.found ? OK : no_counter(run, word, err);
}

/* Cuts `text` in place. */
static enum status read_words(const struct run *run, const struct run_report *total, char *text, double *out,
			      struct err *err)
{
	unsigned words = 0;
	*out = 0;
	for (char *rest, *word = strtok_r(text, " \t\n", &rest); word;
	     word = strtok_r(NULL, " \t\n", &rest)) {
		bool less = *word == '-';
		double value;
		TRY(read_word(run, total, word + less, &value, err));
		*out += less ? -value : value;
		words++;
	}
	return words ? OK : err_set(err, ERR_CONFIG, "statistic: names nothing");
}

enum status statistic_read(const struct run *run, const struct run_report *total, const char *text,
			   double *out, struct err *err)
{
	char *copy = xstrdup(text);
	enum status st = read_words(run, total, copy, out, err);
	free(copy);
	return st;
}
