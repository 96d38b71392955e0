#include "machine/sampling.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "machine/engine.h"
#include "trace/source.h"

const char *const sampling_names[] = {"none", "systematic", "region", "markers", "points", NULL};

enum mode { PASS, WARM, DETAIL, MEASURE };
enum { MARKER_BEGIN = 1, MARKER_END = 2 };

/* A quantity per instruction, or per access where the stream has no instruction counts. */
struct metric {
	char *name, *unit;
	const uint64_t *counter; /* NULL: the machine's cycles */
	double scale;
	uint64_t before; /* when the present unit began */
	struct estimate estimate;
};

/* A part to be measured: positions begin..end-1. */
struct part {
	uint64_t begin, end;
	uint64_t warmup; /* in detail before it */
	double weight;
};

struct sampling {
	struct sampling_request q;
	struct machine *machine;
	struct machine_books *books; /* of all measured parts so far */
	struct simpoints points;
	bool by_instruction; /* positions, and denominators */
	bool has_instructions;
	uint64_t position, part_end,
		next;     /* part_end: of the part before the present one; next: its number */
	struct part part; /* the present or coming one */
	uint64_t offset;  /* systematic: of each unit within its interval, ... */
	uint64_t jitter;  /* ... and up to how much further it lies */
	struct rng rng;   /* systematic: of what is drawn for each unit */
	bool none_left;
	enum mode mode;
	uint64_t denominator_before;
	struct metric *metric;
	size_t metrics;
};

/* --- where parts are --------------------------------------------------------------------------------------------- */

/* As many as asked for, and up to a quarter more: where a program is periodic, the window falls into step with it, counted
 * from where detail begins. Begun at one distance before each unit, all units would see the same phase of it. */
static uint64_t draw_warmup(struct sampling *s)
{
	return s->q.warmup + rng_below(&s->rng, s->q.warmup / 4 + 1);
}

/* The part that comes next; none_left where there is none. */
static void next_part(struct sampling *s)
{
	const struct sampling_request *q = &s->q;
	uint64_t n = s->next++;
	s->part.weight = 1;
	s->part.warmup = q->warmup;
	switch (q->kind) {
	case SAMPLING_SYSTEMATIC:
		s->part.begin = n * q->interval + s->offset + rng_below(&s->rng, s->jitter + 1);
		s->part.end = s->part.begin + q->unit;
		s->part.warmup = draw_warmup(s);
		return;
	case SAMPLING_POINTS:
		s->none_left = n == s->points.count;
		if (s->none_left) return;
		s->part.begin = s->points.at[n].interval * q->point_instructions;
		s->part.end = s->part.begin + q->point_instructions;
		s->part.weight = s->points.at[n].weight;
		return;
	case SAMPLING_REGION:
		s->none_left = n > 0;
		s->part.begin = q->from;
		s->part.end = q->to;
		return;
	default: /* markers: where the record says */ s->part.begin = s->part.end = UINT64_MAX;
	}
}

/* `before` positions ahead of `at`, but not within the part before. */
static uint64_t ahead(const struct sampling *s, uint64_t at, uint64_t before)
{
	return at > s->part_end && at - s->part_end > before ? at - before : s->part_end;
}

/* The mode of the present position, and where it ends. */
static enum mode mode_here(const struct sampling *s, uint64_t *until)
{
	if (s->q.kind == SAMPLING_MARKERS && s->mode != MEASURE && s->q.warming == SAMPLING_WARM_ALL)
		return *until = UINT64_MAX, WARM;
	if (s->none_left) return *until = UINT64_MAX, PASS;
	uint64_t detail = ahead(s, s->part.begin, s->part.warmup), warm = ahead(s, detail, s->q.warming);
	if (s->position >= s->part.begin) return *until = s->part.end, MEASURE;
	if (s->position >= detail) return *until = s->part.begin, DETAIL;
	if (s->position >= warm) return *until = detail, WARM;
	return *until = warm, PASS;
}

/* --- measuring ----------------------------------------------------------------------------------------------------- */

static uint64_t denominator(const struct sampling *s, const struct machine_totals *t)
{
	return s->has_instructions ? t->instructions : t->accesses;
}

static uint64_t numerator(const struct metric *m, const struct machine_totals *t)
{
	return m->counter ? *m->counter : t->cycles;
}

static struct machine_totals totals_now(struct sampling *s)
{
	machine_finish(s->machine);
	return machine_totals(s->machine);
}

static void begin_part(struct sampling *s)
{
	machine_load_books(s->machine, s->books);
	struct machine_totals t = totals_now(s);
	s->denominator_before = denominator(s, &t);
	for (size_t i = 0; i < s->metrics; i++) s->metric[i].before = numerator(&s->metric[i], &t);
}

static void end_part(struct sampling *s)
{
	struct machine_totals t = totals_now(s);
	uint64_t x = denominator(s, &t) - s->denominator_before;
	for (size_t i = 0; i < s->metrics; i++) {
		struct metric *m = &s->metric[i];
		estimate_add(&m->estimate, numerator(m, &t) - m->before, x, s->part.weight);
	}
	machine_save_books(s->machine, s->books);
	s->part_end = s->part.end;
	s->mode = DETAIL;
	next_part(s);
}

static void enter(struct sampling *s, enum mode mode)
{
	if (mode == s->mode) return;
	machine_warm(s->machine, mode == WARM);
	if (mode == MEASURE) begin_part(s);
	s->mode = mode;
}

/* --- running ------------------------------------------------------------------------------------------------------- */

static uint64_t steps(const struct sampling *s, const struct record *r)
{
	if (s->by_instruction) return record_instructions(r);
	return r->kind == REC_LOAD || r->kind == REC_STORE;
}

/* How many of rec[0..n-1] end at `until`, or before it; the position moves on. */
static size_t take(struct sampling *s, const struct record *rec, size_t n, uint64_t until)
{
	if (s->q.kind == SAMPLING_MARKERS) {
		size_t i = 0;
		while (i < n && rec[i].kind != REC_MARKER) i++;
		return i + (i < n);
	}
	for (size_t i = 0; i < n; i++)
		if ((s->position += steps(s, &rec[i])) >= until) return i + 1;
	return n;
}

static enum status execute(struct sampling *s, const struct record *rec, size_t n, struct err *err)
{
	return s->mode == PASS ? machine_pass(s->machine, rec, n, err) : machine_run(s->machine, rec, n, err);
}

/* The marker at the end of what was executed begins a part, or ends it. */
static void follow_marker(struct sampling *s, const struct record *r)
{
	if (r->kind != REC_MARKER) return;
	if (r->count == MARKER_BEGIN && s->mode != MEASURE) {
		s->part.begin = 0;
		enter(s, MEASURE);
	}
	if (r->count == MARKER_END && s->mode == MEASURE) end_part(s);
}

enum status sampling_run(struct sampling *s, const struct record *rec, size_t n, struct err *err)
{
	while (n) {
		uint64_t until;
		enter(s, mode_here(s, &until));
		size_t done = take(s, rec, n, until);
		TRY(execute(s, rec, done, err));
		if (s->q.kind == SAMPLING_MARKERS)
			follow_marker(s, &rec[done - 1]);
		else if (s->mode == MEASURE && s->position >= until)
			end_part(s);
		rec += done;
		n -= done;
	}
	return OK;
}

enum status sampling_turn(struct sampling *s, struct engine *e, uint64_t *left, uint64_t *records, bool *more,
			  struct err *err)
{
	uint64_t until;
	enter(s, mode_here(s, &until));
	uint64_t most = until - s->position < *left ? until - s->position : *left, room = most;
	TRY(engine_turn(e, &room, records, more, err));
	s->position += most - room;
	if (*left != UINT64_MAX) *left -= most - room;
	if (s->mode == MEASURE && s->position >= until) end_part(s);
	return OK;
}

bool sampling_is_over(const struct sampling *s) { return s->none_left && s->mode != MEASURE; }

enum status sampling_finish(struct sampling *s, struct err *err)
{
	bool open = s->mode == MEASURE && s->position < s->part.end;
	if (open && s->q.kind != SAMPLING_SYSTEMATIC) end_part(s);
	machine_warm(s->machine, false);
	machine_load_books(s->machine, s->books);
	size_t units = s->metric[0].estimate.units;
	if (s->q.kind == SAMPLING_POINTS && units < s->points.count)
		return err_set(err, ERR_INPUT,
			       "the workload ends before interval %" PRIu64 " of %s, at instruction %" PRIu64,
			       s->points.at[units].interval, s->q.simpoints, s->position);
	if (!units)
		return err_set(err, ERR_INPUT, "nothing was measured: the workload has no %s",
			       s->q.kind == SAMPLING_SYSTEMATIC ? "whole unit of the sample"
			       : s->q.kind == SAMPLING_REGION   ? "such loads and stores"
								: "marker 1, by which its region begins");
	return OK;
}

/* --- building ------------------------------------------------------------------------------------------------------ */

static void add_metric(struct sampling *s, const char *name, const char *what, const uint64_t *counter,
		       double scale)
{
	const char *per = s->has_instructions ? "instruction" : "access";
	s->metric = xrealloc(s->metric, s->metrics + 1, sizeof(*s->metric));
	s->metric[s->metrics++] = (struct metric){
		.name = xstrdup(name),
		.unit = scale == 1
				? xasprintf("%s/%s", what, per)
				: xasprintf("%s/%g %s%s", what, scale, per, s->has_instructions ? "s" : "es"),
		.counter = counter,
		.scale = scale,
		.estimate = {.events = strcmp(what, "cycles") != 0, .chosen = s->q.kind == SAMPLING_POINTS}};
}

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);
	return n >= m && strcmp(text + n - m, end) == 0;
}

/* TLB misses, walks and their cycles, of each core. */
static enum status add_if_asked(void *self, const struct stat_value *v, struct err *err)
{
	struct sampling *s = self;
	const struct stats *stats = machine_stats(s->machine);
	(void)err;
	if (strncmp(v->path, "cpu", 3) != 0) return OK;
	if (ends_with(v->path, "_tlb.misses"))
		add_metric(s, v->path, "misses", stats_find(stats, v->path), 1000);
	if (ends_with(v->path, ".walker.walks"))
		add_metric(s, v->path, "walks", stats_find(stats, v->path), 1000);
	if (ends_with(v->path, ".walker.walk_cycles"))
		add_metric(s, v->path, "cycles", &stats_find_hist(stats, v->path)->sum, 1000);
	return OK;
}

/* Positions of several threads are those of all of them. */
static enum status share_out(struct sampling_request *q, uint64_t threads, struct err *err)
{
	if (threads == 1) return OK;
	if (q->kind == SAMPLING_MARKERS || q->kind == SAMPLING_POINTS)
		return err_set(
			err, ERR_USAGE,
			"stack.threads: %" PRIu64
			", but --simpoints and --roi markers measure parts of one thread; --sample and "
			"--roi FROM:TO measure those of several",
			threads);
	if (q->warming != SAMPLING_WARM_ALL)
		return err_set(
			err, ERR_USAGE,
			"--sample-warming: of %" PRIu64
			" threads (stack.threads) nothing can be passed over: how far each of them gets "
			"meanwhile is what time decides",
			threads);
	q->unit *= threads;
	q->interval *= threads;
	q->from *= threads;
	if (q->to != UINT64_MAX) q->to *= threads;
	q->warmup *= threads;
	return OK;
}

/* Units at one distance would miss what a program does with a period of theirs: pages, loops. So each is moved a little. */
static void place_units(struct sampling *s)
{
	enum { JITTER = 16 }; /* of the interval */
	uint64_t room = s->q.interval - s->q.unit, most = s->q.interval / JITTER;
	s->jitter = most < room ? most : room;
	s->offset = rng_below(&s->rng, room - s->jitter + 1);
}

static enum status build(struct sampling *s, uint64_t seed, struct err *err)
{
	TRY(share_out(&s->q, machine_threads(s->machine), err));
	rng_init(&s->rng, seed, "sampling");
	if (s->q.kind == SAMPLING_SYSTEMATIC) place_units(s);
	s->by_instruction = s->q.kind == SAMPLING_POINTS;
	if (s->by_instruction && !s->has_instructions)
		return err_set(err, ERR_INPUT,
			       "the workload lacks instruction counts, by which %s says where its points are",
			       s->q.simpoints);
	if (s->by_instruction) TRY(simpoints_read(s->q.simpoints, s->q.weights, &s->points, err));
	add_metric(s, s->has_instructions ? "cpi" : "cpa", "cycles", NULL, 1);
	TRY(stats_visit(machine_stats(s->machine), add_if_asked, s, err));
	s->books = machine_books_new(s->machine);
	machine_save_books(s->machine, s->books);
	next_part(s);
	return OK;
}

enum status sampling_new(const struct sampling_request *q, struct machine *m, uint32_t lacks, uint64_t seed,
			 struct sampling **out, struct err *err)
{
	struct sampling *s = xcalloc(1, sizeof(*s));
	s->q = *q;
	s->machine = m;
	s->has_instructions = !(lacks & STREAM_NO_INSTRUCTIONS);
	s->mode = DETAIL;
	enum status st = build(s, seed, err);
	if (st != OK) {
		sampling_free(s);
		return st;
	}
	*out = s;
	return OK;
}

void sampling_free(struct sampling *s)
{
	if (!s) return;
	for (size_t i = 0; i < s->metrics; i++) {
		free(s->metric[i].name);
		free(s->metric[i].unit);
		estimate_fini(&s->metric[i].estimate);
	}
	free(s->metric);
	simpoints_free(&s->points);
	machine_books_free(s->books);
	free(s);
}

size_t sampling_results(const struct sampling *s) { return s->metrics; }

struct sampling_result sampling_result(const struct sampling *s, size_t i)
{
	const struct metric *m = &s->metric[i];
	struct estimated e = estimate_ratio(&m->estimate, SAMPLING_CONFIDENCE_PERCENT);
	e.value *= m->scale;
	e.low *= m->scale;
	e.high *= m->scale;
	return (struct sampling_result){m->name, m->unit, m->estimate.units, e};
}
