#include "cli/sampling_options.h"

#include <string.h>

#include "cli/numbers.h"

static const struct argp_option options[] = {
	{NULL, 0, NULL, 0, "Measuring a part of the region, and estimating the rest:", 1},
	{"sample", SAMPLING_OPT_SAMPLE, "UNIT:INTERVAL", 0,
	 "measure UNIT loads and stores of every INTERVAL, at a place that the seed decides, and print estimates with their "
	 "confidence intervals",
	 1},
	{"roi", SAMPLING_OPT_ROI, "FROM:TO", 0,
	 "measure loads and stores FROM..TO-1, counted from 0 (TO may be left out); or `markers': what lies between the "
	 "workload's markers 1 and 2",
	 1},
	{"simpoints", SAMPLING_OPT_SIMPOINTS, "FILE", 0,
	 "measure the intervals that SimPoint chose, and print estimates by their weights", 1},
	{"weights", SAMPLING_OPT_WEIGHTS, "FILE", 0, "SimPoint's weights", 1},
	{"simpoint-length", SAMPLING_OPT_LENGTH, "N", 0, "instructions of an interval of SimPoint", 1},
	{"sample-warmup", SAMPLING_OPT_WARMUP, "N", 0,
	 "run so many loads and stores (with --simpoints: instructions) in detail before each measured part (2000)",
	 1},
	{"sample-warming", SAMPLING_OPT_WARMING, "N", 0,
	 "before that, let so many go through TLBs and caches without time, and pass over what is left; or `all' (all)",
	 1},
	{0},
};

enum { DEFAULT_WARMUP = 2000 };

/* Two options that choose parts would choose twice. */
static void choose(struct sampling_request *q, enum sampling_kind kind, struct argp_state *state)
{
	if (q->kind != SAMPLING_NONE && q->kind != kind)
		argp_error(state,
			   "--sample, --roi and --simpoints each say what is measured: one of them, please");
	q->kind = kind;
}

/* The numbers of "A:B", as `form` calls them; without B `last`. */
static void parse_pair(struct argp_state *state, const char *option, const char *form, char *text,
		       uint64_t last, uint64_t *a, uint64_t *b)
{
	char *colon = strchr(text, ':');
	if (!colon) argp_error(state, "%s: '%s' is not of the form %s", option, text, form);
	*colon = '\0';
	*a = need_number(state, option, text, INT64_MAX);
	*b = colon[1] || !last ? need_number(state, option, colon + 1, INT64_MAX) : last;
}

static void parse_sample(struct sampling_request *q, char *arg, struct argp_state *state)
{
	choose(q, SAMPLING_SYSTEMATIC, state);
	parse_pair(state, "--sample", "UNIT:INTERVAL", arg, 0, &q->unit, &q->interval);
	if (!q->interval)
		argp_error(state, "--sample: an interval of 0; it is at least the unit, and that 1");
	if (!q->unit || q->unit > q->interval)
		argp_error(state, "--sample: a unit of %llu is outside 1..%llu, the interval",
			   (unsigned long long)q->unit, (unsigned long long)q->interval);
}

static void parse_roi(struct sampling_request *q, char *arg, struct argp_state *state)
{
	bool markers = strcmp(arg, "markers") == 0;
	choose(q, markers ? SAMPLING_MARKERS : SAMPLING_REGION, state);
	if (markers) return;
	parse_pair(state, "--roi", "FROM:TO or `markers'", arg, UINT64_MAX, &q->from, &q->to);
	if (q->from >= q->to)
		argp_error(state, "--roi: nothing lies from %llu to %llu", (unsigned long long)q->from,
			   (unsigned long long)q->to);
}

static void check_points(const struct sampling_request *q, struct argp_state *state)
{
	bool points = q->kind == SAMPLING_POINTS;
	if (points && (!q->weights || !q->point_instructions))
		argp_error(state, "--simpoints needs --weights FILE and --simpoint-length N");
	if (!points && (q->weights || q->point_instructions))
		argp_error(state, "--weights and --simpoint-length belong to --simpoints FILE");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct sampling_request *q = state->input;
	switch (key) {
	case ARGP_KEY_INIT:
		q->warmup = DEFAULT_WARMUP;
		q->warming = SAMPLING_WARM_ALL;
		return 0;
	case SAMPLING_OPT_SAMPLE: parse_sample(q, arg, state); return 0;
	case SAMPLING_OPT_ROI: parse_roi(q, arg, state); return 0;
	case SAMPLING_OPT_SIMPOINTS:
		choose(q, SAMPLING_POINTS, state);
		q->simpoints = arg;
		return 0;
	case SAMPLING_OPT_WEIGHTS: q->weights = arg; return 0;
	case SAMPLING_OPT_LENGTH:
		q->point_instructions = need_number(state, "--simpoint-length", arg, INT64_MAX);
		if (!q->point_instructions) argp_error(state, "--simpoint-length: at least 1 instruction");
		return 0;
	case SAMPLING_OPT_WARMUP: q->warmup = need_number(state, "--sample-warmup", arg, INT64_MAX); return 0;
	case SAMPLING_OPT_WARMING:
		q->warming = strcmp(arg, "all") == 0 ? SAMPLING_WARM_ALL
						     : need_number(state, "--sample-warming", arg, INT64_MAX);
		return 0;
	case ARGP_KEY_END: check_points(q, state); return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

const struct argp sampling_argp = {options, parse, NULL, NULL, NULL, NULL, NULL};

void sampling_check(const struct run_request *q, struct argp_state *state)
{
	const struct sampling_request *s = &q->sampling;
	if (s->kind == SAMPLING_NONE) return;
	if (q->explain || q->on_mistake)
		argp_error(state,
			   "--explain and --check-maintenance look at every access; --sample, --roi and "
			   "--simpoints leave some out");
	if (s->kind != SAMPLING_SYSTEMATIC && (q->warmup || q->limit))
		argp_error(state,
			   "--roi and --simpoints say where the program is measured, so --warmup and --limit "
			   "cannot");
	if (s->kind == SAMPLING_MARKERS && s->warming && s->warming != SAMPLING_WARM_ALL)
		argp_error(state, "--sample-warming: where a marker comes is not known before; 0 or all");
}

void sampling_print(FILE *out, const struct sampling *s)
{
	struct sampling_result first = sampling_result(s, 0);
	fprintf(out, "%-28s %12s  %-27s  %s (%zu measured parts)\n", "estimate", "value",
		first.estimate.has_interval ? "95 % interval" : "", "unit", first.units);
	for (size_t i = 0; i < sampling_results(s); i++) {
		struct sampling_result r = sampling_result(s, i);
		char interval[64] = "";
		if (!r.estimate.known) continue;
		if (r.estimate.has_interval)
			snprintf(interval, sizeof(interval), "%.4f .. %.4f", r.estimate.low, r.estimate.high);
		fprintf(out, "%-28s %12.4f  %-27s  %s\n", r.metric, r.estimate.value, interval, r.unit);
	}
}
