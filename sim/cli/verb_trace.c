/* verb_trace.c - `strata trace info|cat|import|export|gen`: looks into, converts and makes traces. */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/outfile.h"
#include "cli/numbers.h"
#include "cli/trace_info.h"
#include "cli/verbs.h"
#include "config/bind.h"
#include "config/merge.h"
#include "trace/cut.h"
#include "trace/format.h"
#include "trace/generator.h"
#include "trace/input.h"
#include "trace/text.h"
#include "trace/wire.h"
#include "trace/writer.h"

/* -- Command lines -- */

struct options {
	const char *input, *output, *from, *to;
	bool json;
	uint64_t seed, stream, first, skip, count;
	const char *const *settings; /* of gen: KEY=VALUE..., NULL at the end */
	struct input piped;          /* standard input, which can be read only once, for all streams */
};

static enum status open_stream(const struct options *o, uint32_t stream, struct trace_source **src,
			       struct err *err)
{
	if (!o->piped.name) return trace_open(o->input, stream, src, err);
	return trace_open_memory(o->piped.name, o->piped.mem, (size_t)o->piped.size, stream, src, err);
}

/* The first word is the input, and for `gen` all that follow are settings, which the configuration reads. */
static error_t take_words(struct options *o, struct argp_state *state, bool generates)
{
	o->input = state->argv[state->next];
	o->settings = (const char *const *)&state->argv[state->next + 1];
	if (!generates && *o->settings) argp_error(state, "one input at a time: '%s'", *o->settings);
	state->next = state->argc;
	return 0;
}

enum { OPT_SKIP = 256, OPT_FROM, OPT_FIRST, OPT_STREAM, OPT_TO, OPT_JSON, OPT_SEED };

static error_t parse(int key, char *arg, struct argp_state *state, bool generates)
{
	struct options *o = state->input;
	switch (key) {
	case 'o': o->output = arg; return 0;
	case 'n': o->count = need_number(state, "--count", arg, UINT64_MAX); return 0;
	case OPT_SKIP: o->skip = need_number(state, "--skip", arg, UINT64_MAX); return 0;
	case OPT_FROM: o->from = arg; return 0;
	case OPT_FIRST: o->first = need_number(state, "--from", arg, UINT64_MAX); return 0;
	case OPT_STREAM: o->stream = need_number(state, "--stream", arg, TRACE_STREAMS_MAX - 1); return 0;
	case OPT_TO: o->to = arg; return 0;
	case OPT_JSON: o->json = true; return 0;
	case OPT_SEED: o->seed = need_number(state, "--seed", arg, INT64_MAX); return 0;
	case ARGP_KEY_ARGS: return take_words(o, state, generates);
	case ARGP_KEY_NO_ARGS:
		argp_error(state, generates ? "which generator?" : "which file?");
		return EINVAL;
	default: return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse_file(int key, char *arg, struct argp_state *state)
{
	return parse(key, arg, state, false);
}
static error_t parse_gen(int key, char *arg, struct argp_state *state)
{
	return parse(key, arg, state, true);
}

/* -- info -- */

/* Reads one stream to its end and prints it, or adds it to `streams`. */
static enum status describe_stream(const struct options *o, uint32_t stream, json_t **root, uint32_t *streams,
				   struct err *err)
{
	struct trace_source *src;
	struct trace_summary sum;
	TRY(open_stream(o, stream, &src, err));
	const struct trace_info *info = trace_source_info(src);
	enum status st = trace_summarize(src, &sum, err);
	*streams = info->streams;
	if (st == OK && o->json) {
		if (!*root) *root = trace_heading_json(o->input, info);
		if (!*root ||
		    json_array_append_new(json_object_get(*root, "streams"), trace_summary_json(info, &sum)))
			st = err_set(err, ERR_INPUT, "%s: name or metadata is no UTF-8, which JSON needs",
				     o->input);
	} else if (st == OK) {
		if (stream == 0) trace_print_heading(o->input, info);
		printf("\nstream %" PRIu32 "\n", stream);
		trace_print_summary(info, &sum);
	}
	trace_close(src);
	return st;
}

static enum status run_info(const struct options *o, struct err *err)
{
	json_t *root = NULL;
	uint32_t streams = 1;
	enum status st = OK;
	for (uint32_t i = 0; st == OK && i < streams; i++) st = describe_stream(o, i, &root, &streams, err);
	if (st == OK && root) {
		json_dumpf(root, stdout, JSON_INDENT(2));
		putchar('\n');
	}
	json_decref(root);
	return st;
}

/* -- Passing records on -- */

/* Where the records of one stream go. */
struct sink {
	FILE *text;
	struct trace_writer *writer;
	uint64_t records;
};

static enum status sink_put(struct sink *sink, uint32_t stream, const struct record *r, size_t n,
			    struct err *err)
{
	sink->records += n;
	if (sink->writer) return trace_write(sink->writer, stream, r, n, err);
	for (size_t i = 0; i < n; i++) trace_text_record(sink->text, &r[i]);
	return OK;
}

/* Says that a window reaches beyond the end; what there is of it was taken. */
static void warn_of_short_window(uint32_t stream, const struct trace_cut *left)
{
	if (left->skip || (left->count && left->count != TRACE_UNKNOWN))
		fprintf(stderr,
			"strata: stream %" PRIu32 " ends before the window of --skip and --count does\n",
			stream);
}

/* All records of a source that are in the window. */
static enum status copy_stream(struct trace_source *src, uint32_t stream, struct trace_cut cut,
			       struct sink *sink, struct err *err)
{
	struct record *batch = xcalloc(TRACE_BATCH, sizeof(*batch));
	enum status st = OK;
	size_t n = 1;
	if (sink->text) trace_text_stream(sink->text, stream);
	while (st == OK && n && cut.count) {
		st = trace_next(src, batch, TRACE_BATCH, &n, err);
		if (st == OK) st = sink_put(sink, stream, batch, trace_cut_batch(&cut, batch, n), err);
	}
	if (st == OK) warn_of_short_window(stream, &cut);
	free(batch);
	return st;
}

/* The other streams of a file whose first is open. */
static enum status copy_file(const struct options *o, struct trace_source *first, struct sink *sink,
			     struct err *err)
{
	struct trace_cut cut = {o->skip, o->count};
	uint32_t streams = trace_source_info(first)->streams;
	TRY(copy_stream(first, 0, cut, sink, err));
	for (uint32_t i = 1; i < streams; i++) {
		struct trace_source *src;
		TRY(open_stream(o, i, &src, err));
		enum status st = copy_stream(src, i, cut, sink, err);
		trace_close(src);
		TRY(st);
	}
	return OK;
}

static enum status check_from(const char *from, struct err *err)
{
#define X(name, doc) \
	if (!strcmp(from, #name)) return OK;
	TRACE_FORMATS(X)
#undef X
#define X(name, doc) " " #name
	return err_set(err, ERR_USAGE, "--from: '%s' is no format; there are:" TRACE_FORMATS(X), from);
#undef X
}

static enum status open_input(const struct options *o, struct trace_source **src, struct err *err)
{
	if (o->from) TRY(check_from(o->from, err));
	TRY(open_stream(o, 0, src, err));
	const char *format = trace_source_info(*src)->format;
	if (!o->from || !strcmp(format, o->from)) return OK;
	enum status st = err_set(err, ERR_INPUT, "%s: expected format %s, found %s", o->input, o->from,
				 format);
	trace_close(*src);
	return st;
}

static enum status flush_text(FILE *out, const char *name, struct err *err)
{
	if (!fflush(out) && !ferror(out)) return OK;
	return err_set(err, ERR_HOST, "%s: cannot be written: %s", name, strerror(errno));
}

/* -- cat, export -- */

static enum status print_records(struct trace_source *src, uint64_t count, struct sink *sink, struct err *err)
{
	struct record *batch = xcalloc(TRACE_BATCH, sizeof(*batch));
	enum status st = OK;
	for (size_t n = 1; st == OK && n && count;) {
		st = trace_next(src, batch, count < TRACE_BATCH ? (size_t)count : TRACE_BATCH, &n, err);
		if (st == OK) st = sink_put(sink, 0, batch, n, err);
		count -= st == OK ? n : 0;
	}
	free(batch);
	return st;
}

static enum status run_cat(const struct options *o, struct err *err)
{
	struct trace_source *src;
	struct sink sink = {.text = stdout};
	TRY(open_stream(o, (uint32_t)o->stream, &src, err));
	struct trace_info info = *trace_source_info(src);
	info.streams = 1;
	trace_text_header(stdout, &info);
	enum status st = trace_skip(src, o->first, err);
	if (st == OK) st = print_records(src, o->count, &sink, err);
	if (st == OK) trace_text_end(stdout, sink.records);
	trace_close(src);
	return st == OK ? flush_text(stdout, "standard output", err) : st;
}

static enum status export_text(const struct options *o, struct trace_source *src, FILE *out, struct err *err)
{
	struct sink sink = {.text = out};
	trace_text_header(out, trace_source_info(src));
	TRY(copy_file(o, src, &sink, err));
	trace_text_end(out, sink.records);
	return flush_text(out, o->output ? o->output : "standard output", err);
}

static enum status run_export(const struct options *o, struct err *err)
{
	struct trace_source *src;
	if (o->to && strcmp(o->to, "text"))
		return err_set(err, ERR_USAGE, "--to: '%s' is not an export format; there is: text", o->to);
	TRY(open_input(o, &src, err));
	struct outfile out = {0};
	enum status st = o->output ? outfile_open(&out, o->output, err) : OK;
	if (st == OK) st = export_text(o, src, o->output ? out.file : stdout, err);
	if (st == OK) st = outfile_commit(&out, err);
	outfile_abort(&out);
	trace_close(src);
	return st;
}

/* -- import, gen -- */

/* The description of the file, and where a foreign or cut one comes from. */
static char *import_meta(const struct options *o, const struct trace_info *info)
{
	bool cut = o->skip || o->count != TRACE_UNKNOWN;
	bool own = !strcmp(info->format, "native") || !strcmp(info->format, "text");
	if (own && !cut) return xstrdup(info->meta);
	char *from = xasprintf("%simported_from=%s %016" PRIx64 "\n", info->meta, info->format, info->hash);
	if (!cut) return from;
	char *with_cut = o->count == TRACE_UNKNOWN
				 ? xasprintf("%scut=skip %" PRIu64 " accesses\n", from, o->skip)
				 : xasprintf("%scut=skip %" PRIu64 " keep %" PRIu64 " accesses\n", from,
					     o->skip, o->count);
	free(from);
	return with_cut;
}

static enum status import_to(const struct options *o, struct trace_source *src, struct err *err)
{
	const struct trace_info *info = trace_source_info(src);
	char *meta = import_meta(o, info);
	struct trace_description d = {info->streams, info->lacks, info->page_bytes, meta};
	struct sink sink = {0};
	enum status st = trace_writer_open(o->output, &d, &sink.writer, err);
	free(meta);
	TRY(st);
	st = copy_file(o, src, &sink, err);
	if (st == OK) return trace_writer_commit(sink.writer, err);
	trace_writer_abort(sink.writer);
	return st;
}

static enum status run_import(const struct options *o, struct err *err)
{
	struct trace_source *src;
	if (!o->output) return err_set(err, ERR_USAGE, "trace import: -o FILE is required");
	TRY(open_input(o, &src, err));
	enum status st = import_to(o, src, err);
	trace_close(src);
	return st;
}

/* The workload: a YAML file or the name of a generator, with the settings on top. `c` owns what it refers to. */
static enum status bind_workload(const struct options *o, struct conf *c, struct gen_params *p,
				 struct err *err)
{
	struct conf_file file = {0};
	size_t n = strlen(o->input);
	if (n > 5 && !strcmp(o->input + n - 5, ".yaml")) {
		TRY(conf_load(c, o->input, &file, err));
	} else {
		char *text = xasprintf("generator: %s", o->input);
		enum status st = conf_parse(c, "strata trace gen", text, strlen(text), &file.root, err);
		free(text);
		TRY(st);
	}
	for (size_t i = 0; o->settings[i]; i++) TRY(conf_set(c, &file, "workload", o->settings[i], err));
	return schema_bind(c, &gen_schema, file.root, p, err);
}

static enum status copy_generated(const struct options *o, const struct gen_params *p, struct trace_writer *w,
				  struct err *err)
{
	struct sink sink = {.writer = w};
	for (uint32_t i = 0; i < p->threads; i++) {
		struct trace_source *src;
		TRY(gen_open(o->input, p, o->seed, i, &src, err));
		enum status st = copy_stream(src, i, (struct trace_cut){0, TRACE_UNKNOWN}, &sink, err);
		trace_close(src);
		TRY(st);
	}
	return OK;
}

static enum status write_generated(const struct options *o, const struct gen_params *p, struct err *err)
{
	struct trace_source *src;
	struct trace_writer *w;
	TRY(gen_open(o->input, p, o->seed, 0, &src, err));
	const struct trace_info *info = trace_source_info(src);
	struct trace_description d = {info->streams, info->lacks, info->page_bytes, info->meta};
	enum status st = trace_writer_open(o->output, &d, &w, err);
	trace_close(src);
	TRY(st);
	st = copy_generated(o, p, w, err);
	if (st == OK) return trace_writer_commit(w, err);
	trace_writer_abort(w);
	return st;
}

static enum status run_gen(const struct options *o, struct err *err)
{
	struct gen_params p;
	if (!o->output) return err_set(err, ERR_USAGE, "trace gen: -o FILE is required");
	struct conf *c = conf_new();
	enum status st = bind_workload(o, c, &p, err);
	if (st == OK) st = write_generated(o, &p, err);
	conf_free(c);
	return st;
}

/* The text behind the options of `gen --help`: generators and keys, from their rows. */
static char *gen_help(int key, const char *text, void *input)
{
	(void)input;
	if (key != ARGP_KEY_HELP_POST_DOC) return (char *)text;
	struct wire_buffer out = {0};
#define X(name, doc) wire_put(&out, "  " #name ": " doc "\n", sizeof("  " #name ": " doc "\n") - 1);
	wire_put(&out, "Generators:\n", 12);
	GENERATORS(X)
#undef X
	wire_put(&out, "Keys:\n", 6);
	for (size_t i = 1; i < gen_schema.count; i++) {
		const struct param *row = &gen_schema.param[i];
		if (row->kind == PARAM_LIST || row->kind == PARAM_MAP) continue;
		char *line = xasprintf("  %s=%" PRIu64 " (%s, %" PRIu64 "..%" PRIu64 ") %s\n", row->name,
				       row->dflt, row->unit, row->min, row->max, row->doc);
		wire_put(&out, line, strlen(line));
		free(line);
	}
	static const char mixture[] =
		"  mix=[{generator: NAME, KEY: VALUE, ..., weight: N}, ...] the children of mix\n"
		"  lock.KEY=VALUE critical sections: strata params generator_lock\n"
		"  atomic.KEY=VALUE atomic updates: strata params generator_atomic\n";
	wire_put(&out, mixture, sizeof(mixture)); /* with its zero byte */
	return (char *)out.bytes;
}

/* -- Commands -- */

static const struct argp_option info_options[] = {{"json", OPT_JSON, 0, 0, "print JSON", 0}, {0}};
static const struct argp_option cat_options[] = {
	{"from", OPT_FIRST, "N", 0, "begin with record N (default 0)", 0},
	{"count", 'n', "N", 0, "print N records (default: all)", 0},
	{"stream", OPT_STREAM, "N", 0, "of this stream (default 0)", 0},
	{0},
};
static const struct argp_option import_options[] = {
	{"output", 'o', "FILE", 0, "the native trace to write", 0},
	{"from", OPT_FROM, "FORMAT", 0,
	 "insist on native, mtr1, text, qemu_int, ftrace, lackey, drmemtrace or champsim (default: recognised)",
	 0},
	{"skip", OPT_SKIP, "N", 0, "leave out N accesses (instructions fetched + loads + stores)", 0},
	{"count", 'n', "N", 0, "keep N accesses", 0},
	{0},
};
static const struct argp_option export_options[] = {
	{"output", 'o', "FILE", 0, "default: standard output", 0},
	{"to", OPT_TO, "FORMAT", 0, "text", 0},
	{"skip", OPT_SKIP, "N", 0, "leave out N accesses (instructions fetched + loads + stores)", 0},
	{"count", 'n', "N", 0, "keep N accesses", 0},
	{0},
};
static const struct argp_option gen_options[] = {
	{"output", 'o', "FILE", 0, "the native trace to write", 0},
	{"seed", OPT_SEED, "N", 0, "of the random streams (default 1)", 0},
	{0},
};

struct command {
	const char *name;
	enum status (*run)(const struct options *o, struct err *err);
	struct argp argp;
};

static const struct command commands[] = {
	{"info", run_info, {info_options, parse_file, "FILE", "What a trace holds.", 0, 0, 0}},
	{"cat", run_cat, {cat_options, parse_file, "FILE", "Print a trace in its text form.", 0, 0, 0}},
	{"import",
	 run_import,
	 {import_options, parse_file, "FILE", "Convert to the native format.", 0, 0, 0}},
	{"export",
	 run_export,
	 {export_options, parse_file, "FILE", "Convert from the native format.", 0, 0, 0}},
	{"gen",
	 run_gen,
	 {gen_options, parse_gen, "GENERATOR|WORKLOAD.yaml [KEY=VALUE...]",
	  "Write what a generator computes.\v", 0, gen_help, 0}},
};
enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static void usage(FILE *out)
{
	fputs("usage: strata trace COMMAND [OPTION...] ...\n\ncommands:\n", out);
	for (int i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].argp.doc);
	fputs("\n`strata trace COMMAND --help` describes one.\n", out);
}

static int run_command(const struct command *c, int argc, char **argv)
{
	struct options o = {.count = TRACE_UNKNOWN, .seed = 1};
	struct err err;
	char *name = xasprintf("strata trace %s", c->name);
	argv[0] = name;
	argp_err_exit_status = 2;
	argp_parse(&c->argp, argc, argv, 0, NULL, &o);
	enum status st = o.input && !strcmp(o.input, "-") ? input_open(&o.piped, "-", &err) : OK;
	if (st == OK) st = c->run(&o, &err);
	if (o.piped.name) input_close(&o.piped);
	if (st != OK) fprintf(stderr, "strata: %s\n", err.text);
	free(name);
	return status_exit_code(st);
}

int verb_trace(int argc, char **argv)
{
	if (argc < 2) {
		usage(stderr);
		return 2;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		usage(stdout);
		return 0;
	}
	for (int i = 0; i < COMMANDS; i++)
		if (!strcmp(argv[1], commands[i].name)) return run_command(&commands[i], argc - 1, argv + 1);
	fprintf(stderr, "strata: no command 'trace %s'; `strata trace --help` lists them\n", argv[1]);
	return 2;
}
