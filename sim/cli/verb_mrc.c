/* verb_mrc.c - `strata mrc`: the misses of every LRU TLB size, from one reading of a workload. */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/opt.h"
#include "base/alloc.h"
#include "base/bits.h"
#include "cli/mrc_report.h"
#include "cli/numbers.h"
#include "cli/results.h"
#include "cli/texts.h"
#include "cli/verbs.h"
#include "machine/workload.h"

/* --- options ----------------------------------------------------------------------------------------------------- */

struct numbers {
	uint64_t *item;
	size_t count;
};

struct options {
	struct texts workloads, sets_of_workload;
	struct numbers sides, pages, sets, sizes, opt_sizes;
	uint64_t seed, stream, warmup, limit; /* limit 0: to the end */
	uint32_t rate;
	enum table_format format;
	bool svg, split;
};

enum {
	OPT_SIDE = 256,
	OPT_PAGE,
	OPT_SETS,
	OPT_SIZES,
	OPT_OPT,
	OPT_SAMPLE,
	OPT_SPLIT,
	OPT_WARMUP,
	OPT_LIMIT,
	OPT_JSON,
	OPT_CSV,
	OPT_SVG,
	OPT_SET,
	OPT_SEED,
	OPT_STREAM
};

static const struct argp_option mrc_options[] = {
	{"workload", 'w', "FILE", 0,
	 "a trace of any known format, or a generator described in YAML; may be repeated", 0},
	{"side", OPT_SIDE, "LIST", 0, "of data, instruction, both: what the TLB serves (data)", 0},
	{"page", OPT_PAGE, "LIST", 0, "page sizes, such as 4K,2M (4K)", 0},
	{"sets", OPT_SETS, "LIST", 0, "numbers of sets; 1 is fully associative (1)", 0},
	{"sizes", OPT_SIZES, "LIST", 0,
	 "entries to print; without it, text has powers of two, CSV and JSON each size at which misses change",
	 0},
	{"opt", OPT_OPT, "LIST", 0, "entries for which to print Belady's OPT as well, of each number of sets",
	 0},
	{"sample", OPT_SAMPLE, "R", 0,
	 "follow this share of the pages only, 0 < R <= 1, and estimate the error (1)", 0},
	{"split-pages", OPT_SPLIT, NULL, 0, "an access that crosses a page is an access to each", 0},
	{"warmup", OPT_WARMUP, "N", 0, "loads and stores that are read first and do not count (0)", 0},
	{"limit", OPT_LIMIT, "N", 0, "loads and stores that count (to the end)", 0},
	{"json", OPT_JSON, NULL, 0, "print JSON", 0},
	{"csv", OPT_CSV, NULL, 0, "print CSV", 0},
	{"svg", OPT_SVG, NULL, 0, "print a picture of the curves", 0},
	{"set", OPT_SET, "KEY=VALUE", 0,
	 "one value on top of a generator, such as footprint_bytes=1G; may be repeated", 0},
	{"seed", OPT_SEED, "N", 0, "seed of a generator (1)", 0},
	{"stream", OPT_STREAM, "N", 0, "which thread of the workload (0)", 0},
	{0},
};

static void push_number(struct numbers *n, uint64_t value)
{
	n->item = xrealloc(n->item, n->count + 1, sizeof(*n->item));
	n->item[n->count++] = value;
}

static uint64_t need_side(struct argp_state *state, const char *option, const char *word, uint64_t max)
{
	(void)max;
	for (uint64_t i = 0; page_side_names[i]; i++)
		if (!strcmp(word, page_side_names[i])) return i;
	argp_error(state, "%s: '%s' is none of data, instruction, both", option, word);
	return 0;
}

static uint64_t need_positive(struct argp_state *state, const char *option, const char *word, uint64_t max)
{
	uint64_t v = need_number(state, option, word, max);
	if (!v) argp_error(state, "%s: 0 is outside 1..%" PRIu64, option, max);
	return v;
}

/* The exponent of a page size. */
static uint64_t need_page(struct argp_state *state, const char *option, const char *word, uint64_t max)
{
	uint64_t v = need_number(state, option, word, max);
	if (!is_power_of_2(v) || v < 4096)
		argp_error(state, "%s: %s is no power of two of at least 4K", option, word);
	return v ? log2_floor(v) : 0;
}

typedef uint64_t need_fn(struct argp_state *state, const char *option, const char *word, uint64_t max);

/* Adds each word between commas. */
static error_t take_list(struct argp_state *state, const char *option, const char *arg, uint64_t max,
			 need_fn *need, struct numbers *to)
{
	char *copy = xstrdup(arg), *rest = copy;
	for (char *word; (word = strsep(&rest, ","));) push_number(to, need(state, option, word, max));
	free(copy);
	return 0;
}

static uint32_t need_rate(struct argp_state *state, const char *arg)
{
	char *end;
	double rate = strtod(arg, &end);
	double scaled = rint(rate * MRC_RATE_ONE);
	if (end == arg || *end || !(rate > 0 && rate <= 1) || scaled < MRC_GROUPS)
		argp_error(state, "--sample: '%s' is outside %.1g..1", arg,
			   (double)MRC_GROUPS / MRC_RATE_ONE);
	return (uint32_t)scaled;
}

/* A size is printed for each number of sets that divides it; one that none divides would not be there. */
static void need_dividing_sets(struct argp_state *state, const char *option, const struct numbers *sizes,
			       const struct numbers *sets)
{
	for (size_t i = 0; i < sizes->count; i++) {
		size_t k = 0;
		while (k < sets->count && sizes->item[i] % sets->item[k]) k++;
		if (k == sets->count)
			argp_error(state,
				   "%s: %" PRIu64 " entries are a multiple of no number of sets (--sets)",
				   option, sizes->item[i]);
	}
}

static void need_sense(struct argp_state *state, struct options *o)
{
	if (!o->workloads.count) argp_error(state, "-w FILE is needed: a trace, or a generator in YAML");
	if (!o->sides.count) push_number(&o->sides, PAGES_DATA);
	if (!o->pages.count) push_number(&o->pages, 12);
	if (!o->sets.count) push_number(&o->sets, 1);
	need_dividing_sets(state, "--sizes", &o->sizes, &o->sets);
	need_dividing_sets(state, "--opt", &o->opt_sizes, &o->sets);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;
	switch (key) {
	case 'w': texts_add(&o->workloads, arg); return 0;
	case OPT_SIDE: return take_list(state, "--side", arg, 0, need_side, &o->sides);
	case OPT_PAGE: return take_list(state, "--page", arg, UINT64_C(1) << 63, need_page, &o->pages);
	case OPT_SETS: return take_list(state, "--sets", arg, MRC_SETS_MAX, need_positive, &o->sets);
	case OPT_SIZES: return take_list(state, "--sizes", arg, INT64_MAX, need_positive, &o->sizes);
	case OPT_OPT: return take_list(state, "--opt", arg, INT64_MAX, need_positive, &o->opt_sizes);
	case OPT_SAMPLE: o->rate = need_rate(state, arg); return 0;
	case OPT_SPLIT: o->split = true; return 0;
	case OPT_WARMUP: o->warmup = need_number(state, "--warmup", arg, INT64_MAX); return 0;
	case OPT_LIMIT: o->limit = need_number(state, "--limit", arg, INT64_MAX); return 0;
	case OPT_JSON: o->format = TABLE_JSON; return 0;
	case OPT_CSV: o->format = TABLE_CSV; return 0;
	case OPT_SVG: o->svg = true; return 0;
	case OPT_SET: texts_add(&o->sets_of_workload, arg); return 0;
	case OPT_SEED: o->seed = need_number(state, "--seed", arg, INT64_MAX); return 0;
	case OPT_STREAM: o->stream = need_number(state, "--stream", arg, TRACE_STREAMS_MAX - 1); return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s' is not an option; a workload is named by -w", arg);
		return EINVAL;
	case ARGP_KEY_END:
		if (o->svg && o->format != TABLE_TEXT)
			argp_error(state, "--svg goes with neither --json nor --csv");
		need_sense(state, o);
		return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

/* The recording of one side and page size, for OPT. */
struct recording {
	struct page_stream stream;
	struct opt *opt;
};

/* One workload: curves in the order side, page size, sets; a recording per side and page size. */
struct reading {
	char *label;
	struct mrc *mrc;
	struct recording *recording;
	size_t recordings;
};

static size_t curve_count(const struct options *o) { return o->sides.count * o->pages.count * o->sets.count; }

static enum status make_curves(const struct options *o, struct reading *r, struct err *err)
{
	struct mrc_spec *spec = xcalloc(curve_count(o), sizeof(*spec));
	size_t n = 0;
	for (size_t side = 0; side < o->sides.count; side++)
		for (size_t page = 0; page < o->pages.count; page++)
			for (size_t set = 0; set < o->sets.count; set++)
				spec[n++] = (struct mrc_spec){.side = (enum page_side)o->sides.item[side],
							      .page_bits = (unsigned)o->pages.item[page],
							      .sets = (uint32_t)o->sets.item[set],
							      .rate = o->rate,
							      .split = o->split};
	enum status st = mrc_new(spec, n, &r->mrc, err);
	free(spec);
	return st;
}

static void make_recordings(const struct options *o, struct reading *r)
{
	if (!o->opt_sizes.count) return;
	r->recordings = o->sides.count * o->pages.count;
	r->recording = xcalloc(r->recordings, sizeof(*r->recording));
	for (size_t i = 0; i < r->recordings; i++) {
		struct recording *rec = &r->recording[i];
		rec->opt = opt_new();
		rec->stream.side = (enum page_side)o->sides.item[i / o->pages.count];
		rec->stream.page_bits = (unsigned)o->pages.item[i % o->pages.count];
		rec->stream.split = o->split;
		rec->stream.sink = opt_add;
		rec->stream.ctx = rec->opt;
	}
}

static void add_records(struct reading *r, const struct record *rec, size_t n)
{
	mrc_add(r->mrc, rec, n);
	for (size_t i = 0; i < r->recordings; i++) page_stream_add(&r->recording[i].stream, rec, n);
}

/* How many of the records are read until *left loads and stores have been, as strata run counts them. */
static size_t up_to(uint64_t *left, const struct record *rec, size_t n)
{
	for (size_t i = 0; *left != UINT64_MAX && i < n; i++)
		if ((rec[i].kind == REC_LOAD || rec[i].kind == REC_STORE) && --*left == 0) return i + 1;
	return n;
}

static void restart(struct reading *r)
{
	mrc_restart(r->mrc);
	for (size_t i = 0; i < r->recordings; i++) {
		page_stream_restart(&r->recording[i].stream);
		opt_restart(r->recording[i].opt);
	}
}

static enum status read_all(const struct options *o, struct reading *r, struct trace_source *src,
			    struct err *err)
{
	struct record *batch = xcalloc(TRACE_BATCH, sizeof(*batch));
	uint64_t limit = o->limit ? o->limit : UINT64_MAX, left = o->warmup ? o->warmup : limit;
	bool warming = o->warmup, more = true;
	enum status st = OK;
	size_t n;
	while (more && (st = trace_next(src, batch, TRACE_BATCH, &n, err)) == OK && n) {
		for (size_t at = 0; more && at < n;) {
			size_t some = up_to(&left, batch + at, n - at);
			add_records(r, batch + at, some);
			at += some;
			if (left) continue;
			more = warming;
			if (warming) restart(r);
			warming = false;
			left = limit;
		}
	}
	free(batch);
	mrc_finish(r->mrc);
	for (size_t i = 0; i < r->recordings; i++) page_stream_flush(&r->recording[i].stream);
	if (st == OK && mrc_overflows(r->mrc))
		return err_set(err, ERR_INPUT, "%s: switches between more than %d address spaces", r->label,
			       KEY_SPACES_MAX);
	if (st != OK || !warming) return st;
	return err_set(err, ERR_INPUT, "%s: ends within the warm-up of %" PRIu64 " loads and stores",
		       r->label, o->warmup);
}

/* A side without an access is more likely a wrong question than an answer. */
static enum status check_sides(const struct options *o, const struct reading *r,
			       const struct trace_source *src, const char *path, struct err *err)
{
	bool no_fetch = trace_source_info(src)->lacks & STREAM_NO_FETCH;
	for (size_t i = 0; i < curve_count(o); i++) {
		const struct mrc_curve *c = mrc_curve(r->mrc, i);
		if (c->accesses) continue;
		return err_set(err, ERR_INPUT, "%s: no access of side %s%s", path,
			       page_side_names[c->spec.side],
			       no_fetch ? "; the stream lacks instruction fetches" : "");
	}
	return OK;
}

/* "sort" of "x/sort.mtr.zst". */
static char *label_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *label = xstrdup(slash ? slash + 1 : path), *dot = strchr(label + 1, '.');
	if (dot) *dot = 0;
	return label;
}

static enum status read_workload(const struct options *o, const char *path, struct reading *r,
				 struct err *err)
{
	static const char *const none[] = {NULL};
	const char *const *sets = o->sets_of_workload.item ? o->sets_of_workload.item : none;
	struct conf *c = conf_new();
	struct workload w = {0};
	r->label = label_of(path);
	enum status st = workload_open_stream(&w, c, path, sets, o->seed, (uint32_t)o->stream, err);
	if (st == OK) st = make_curves(o, r, err);
	if (st == OK) {
		make_recordings(o, r);
		st = read_all(o, r, w.source, err);
	}
	if (st == OK) st = check_sides(o, r, w.source, path, err);
	workload_close(&w);
	conf_free(c);
	return st;
}

static void free_reading(struct reading *r)
{
	for (size_t i = 0; i < r->recordings; i++) {
		opt_free(r->recording[i].opt);
		page_stream_fini(&r->recording[i].stream);
	}
	free(r->recording);
	free(r->label);
	mrc_free(r->mrc);
}

/* --- answering --------------------------------------------------------------------------------------------------- */

/* Of the sizes that are multiples of the sets. */
static enum status add_opt(const struct options *o, struct recording *rec, uint32_t sets,
			   struct opt_points *to, struct err *err)
{
	to->point = xcalloc(o->opt_sizes.count, sizeof(*to->point));
	for (size_t i = 0; i < o->opt_sizes.count; i++) {
		struct opt_point *p = &to->point[to->count];
		p->entries = o->opt_sizes.item[i];
		if (p->entries % sets) continue;
		TRY(opt_misses(rec->opt, sets, p->entries / sets, &p->misses, err));
		to->count++;
	}
	return OK;
}

static void warn_of_small_sample(const char *label, const struct mrc_curve *c)
{
	if (c->spec.rate == MRC_RATE_ONE || c->pages >= MRC_LEAST_PAGES) return;
	fprintf(stderr, "strata: %s: a sample of %" PRIu64 " pages tells nothing; %d are needed\n", label,
		c->pages, MRC_LEAST_PAGES);
}

static enum status add_series(const struct options *o, struct reading *r, struct mrc_report *report,
			      struct err *err)
{
	for (size_t i = 0; i < curve_count(o); i++) {
		warn_of_small_sample(r->label, mrc_curve(r->mrc, i));
		struct mrc_series *s = &report->series[report->count++];
		*s = (struct mrc_series){.workload = r->label, .curve = mrc_curve(r->mrc, i)};
		if (r->recordings)
			TRY(add_opt(o, &r->recording[i / o->sets.count], s->curve->spec.sets, &s->opt, err));
	}
	return OK;
}

static enum status answer(const struct options *o, struct reading *reading, struct err *err)
{
	struct mrc_report report = {
		.sizes = o->sizes.item, .size_count = o->sizes.count, .format = o->format};
	report.series = xcalloc(o->workloads.count * curve_count(o), sizeof(*report.series));
	enum status st = OK;
	for (size_t i = 0; st == OK && i < o->workloads.count; i++) {
		st = read_workload(o, o->workloads.item[i], &reading[i], err);
		if (st == OK) st = add_series(o, &reading[i], &report, err);
	}
	if (st == OK)
		st = o->svg ? mrc_print_svg(&report, stdout, err) : mrc_print_table(&report, stdout, err);
	for (size_t i = 0; i < report.count; i++) free(report.series[i].opt.point);
	free(report.series);
	return st;
}

static void free_options(struct options *o)
{
	struct numbers *lists[] = {&o->sides, &o->pages, &o->sets, &o->sizes, &o->opt_sizes};
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) free(lists[i]->item);
	free(o->workloads.item);
	free(o->sets_of_workload.item);
}

int verb_mrc(int argc, char **argv)
{
	static const struct argp argp = {
		mrc_options,
		parse_option,
		"-w WORKLOAD...",
		"Prints the misses that LRU TLBs of every size have on a workload, from one reading of it."
		"\vThe figures are those of a simulation of each single TLB that is filled on each of its misses: exact, unless "
		"--sample is given. Accesses are counted as one per instruction fetched, and one per load, store, exclusive or "
		"atomic by the address of its first byte. A switch of processes changes whose pages those of the lower half are.",
		NULL,
		NULL,
		NULL};
	struct options o = {.seed = 1, .rate = MRC_RATE_ONE};
	struct err err = {0};
	results_parse(&argp, argc, argv, &o);
	struct reading *reading = xcalloc(o.workloads.count, sizeof(*reading));
	enum status st = answer(&o, reading, &err);
	for (size_t i = 0; i < o.workloads.count; i++) free_reading(&reading[i]);
	free(reading);
	free_options(&o);
	return st == OK ? 0 : results_fail(st, &err);
}
