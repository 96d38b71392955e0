/* run_series.c - the interval series of a run (stats/series.h): when intervals end, and what is stored of them.
 *
 * With several cores an interval ends when the core that is behind all others comes to its end. What the others did ahead of
 * it, at most the lookahead and the record under way, is in the interval already. The order of the cores is not touched.
 */
#include <inttypes.h>

#include "machine/run_impl.h"

enum status run_series_new(struct run *r, struct err *err)
{
	const struct run_request *q = &r->req;
	if (!q->interval) return OK;
	if (q->sampling.kind != SAMPLING_NONE)
		return err_set(
			err, ERR_USAGE,
			"--interval divides all of the measured region, --sample, --roi and --simpoints measure parts of it");
	r->series = series_new(machine_stats(r->machine), q->interval, q->interval_limit);
	return OK;
}

static cycles_t now_of(const struct run *r, bool latest)
{
	cycles_t now = machine_now(r->machine, 0);
	for (unsigned t = 1; t < machine_threads(r->machine); t++) {
		cycles_t other = machine_now(r->machine, t);
		if (latest ? other > now : other < now) now = other;
	}
	return now;
}

void run_series_begin(struct run *r)
{
	if (!r->series) return;
	machine_finish(r->machine);
	series_begin(r->series, now_of(r, false));
}

void run_series_at(struct run *r, cycles_t now)
{
	if (now < series_next(r->series)) return;
	machine_finish(r->machine);
	series_advance(r->series, now);
}

enum status run_by_intervals(struct run *r, const struct record *rec, size_t n, struct err *err)
{
	for (struct core_turn turn; n; rec += turn.executed, n -= turn.executed) {
		run_series_at(r, machine_next(r->machine, 0, rec));
		TRY(machine_run_until(r->machine, 0, rec, n, series_next(r->series), &turn, err));
	}
	return OK;
}

static enum status store_value(void *store, const struct series_value *v, struct err *err)
{
	return store_series(store, v->path, v->interval, v->value, err);
}

enum status run_series_finish(struct run *r, struct err *err)
{
	if (!r->series) return OK;
	series_end(r->series, now_of(r, true));
	TRY(series_check(r->series, err));
	if (!r->store) return OK;
	for (size_t i = 0; i < series_count(r->series); i++) {
		struct series_interval at = series_interval(r->series, i);
		TRY(store_interval(r->store, i, at.begin, at.end, err));
	}
	return series_visit(r->series, store_value, r->store, err);
}
