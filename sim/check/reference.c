#include "check/reference.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "config/bind.h"
#include "config/merge.h"

/* --- rows -------------------------------------------------------------------------------------------------------- */

static const char *const confidence_names[] = {"V1", "V2", "D", "M", NULL};
static const char *const of_tries_names[] = {"mean", "least", NULL};
static const char *const kind_names[] = {"validation", "fitted", NULL};

#define T struct knee_params
static const struct param knee_rows[] = {
	P_STR(T, key, "", "what grows, such as workload.footprint_bytes; empty: no knee is looked for"),
	P_U64(T, step_bytes, "bytes", 4096, 1, UINT64_C(1) << 40, "growth per entry"),
	P_U64(T, from, "entries", 1, 1, 1 << 20, "where the plateau surely is"),
	P_U64(T, to, "entries", 1 << 20, 1, 1 << 20, "where it surely is left"),
};
#undef T
static SCHEMA(knee_schema, "knee", struct knee_params, knee_rows, "the size at which a plateau ends");

#define T struct reference
static const struct param reference_rows[] = {
	P_STR(T, name, NULL, "of the row, once in its file"),
	P_STR(T, machine, NULL, "machine file"),
	P_STR(T, stack, "", "stack file; empty: native"),
	P_STR(T, workload, NULL, "workload file, YAML or a trace"),
	P_STR(T, sets, "", "key=value of strata run --set, blanks between"),
	P_U64(T, warmup, "accesses", 0, 0, INT64_MAX, "loads and stores before the measured region"),
	P_U64(T, limit, "accesses", 0, 0, INT64_MAX,
	      "loads and stores of the measured region; 0: to the end"),
	P_BOOL(T, populate, 1, "all pages are mapped beforehand"),
	P_U64(T, tries, "runs", 1, 1, 100, "runs that differ in their seed alone, and so in where pages lie"),
	P_ENUM(T, of_tries, of_tries_names, TRIES_MEAN,
	       "what counts of them: the mean, or the least where the best of several was published"),
	P_STR(T, minus, "", "key=value of a second run whose result is taken off; empty: none"),
	P_MAP(T, knee, &knee_schema, "compare the size at which the statistic leaves its plateau"),
	P_STR(T, statistic, NULL,
	      "cycles, instructions, accesses, ns, or counters and distributions by path or pattern (their sum); several are "
	      "added, those with a - before them taken off"),
	P_STR(T, over, "accesses", "what it is divided by, in the same words; empty: nothing"),
	P_U64(T, times, "", 1, 1, 1000000, "what the quotient is multiplied by, such as 100 for percent"),
	P_STR(T, published, NULL, "number, or LOW..HIGH"),
	P_STR(T, tolerance, NULL, "N% of the published number, or a number in its unit"),
	P_STR(T, unit, NULL, "of the published number"),
	P_STR(T, source, NULL, "who published it, and where"),
	P_ENUM(T, confidence, confidence_names, CONF_M,
	       "V1 read in the primary text, V2 quoted by another, D derived, M from memory (never gated)"),
	P_ENUM(T, kind, kind_names, REF_VALIDATION,
	       "fitted: a parameter of the machine was set from this number"),
	P_U64(T, weight, "parts", 1, 1, 1000, "in the mean error"),
};
#undef T
static SCHEMA(reference_schema, "reference", struct reference, reference_rows, "one published figure");

struct file_params {
	struct param_list rows; /* of struct reference */
};
static const struct param file_rows[] = {
	P_LIST(struct file_params, rows, &reference_schema, 1, 1000, "published figures"),
};
SCHEMA(references_schema, "references", struct file_params, file_rows, "published figures to be reproduced");

/* --- what rows of a schema cannot say ------------------------------------------------------------------------------ */

static struct place place_of(const struct node *row, const char *key)
{
	const struct node *value = node_get(row, key);
	return value ? value->at : row->at;
}

/* A path of the file `from`, as seen from here; none stays none. */
static const char *beside(struct conf *c, const char *from, const char *path)
{
	return *path ? conf_beside(c, from, path) : path;
}

static enum status check_knee(const struct check_row *r, const struct node *node, struct err *err)
{
	const struct knee_params *k = &r->ref.knee;
	const struct node *knee = node_get(node, "knee");
	if (knee && !*k->key) return conf_fail(err, knee->at, "%s: knee.key is needed", r->ref.name);
	if (knee && k->from >= k->to)
		return conf_fail(err, knee->at, "%s: knee.from: %llu is not below knee.to, %llu", r->ref.name,
				 (unsigned long long)k->from, (unsigned long long)k->to);
	return OK;
}

static bool is_one_of(const char *text, const char *const *names)
{
	while (*names && strcmp(text, *names) != 0) names++;
	return *names != NULL;
}

/* A time is compared with one in the same unit: nothing here converts. Other units may be whatever the row measures. */
static enum status check_unit(const struct reference *ref, const struct node *node, struct err *err)
{
	static const char *const measured[] = {"cycles", "ns", "ms", NULL};
	static const char *const units[] = {"cycles", "ns", "us", "ms", "s", NULL};
	bool is_time = is_one_of(ref->statistic, measured) && ref->times == 1;
	if (!is_time || !is_one_of(ref->unit, units) || strcmp(ref->statistic, ref->unit) == 0) return OK;
	return conf_fail(err, place_of(node, "unit"), "%s: unit: '%s' is not that of the statistic, %s",
			 ref->name, ref->unit, ref->statistic);
}

static enum status check_row(struct check_row *r, const struct node *node, struct err *err)
{
	const struct reference *ref = &r->ref;
	if (!figure_parse(ref->published, &r->figure))
		return conf_fail(err, place_of(node, "published"),
				 "%s: published: '%s' is neither a number nor LOW..HIGH", ref->name,
				 ref->published);
	if (!tolerance_parse(ref->tolerance, &r->tolerance))
		return conf_fail(err, place_of(node, "tolerance"),
				 "%s: tolerance: '%s' is neither N%% nor a number", ref->name,
				 ref->tolerance);
	TRY(check_unit(ref, node, err));
	return check_knee(r, node, err);
}

/* --- files and folders --------------------------------------------------------------------------------------------- */

static enum status load_file(struct conf *c, const char *path, struct references *out, struct err *err)
{
	struct conf_file file;
	struct file_params params;
	const char *kept = conf_strdup(c, path);
	TRY(conf_load(c, kept, &file, err));
	TRY(schema_bind(c, &references_schema, file.root, &params, err));
	const struct node *list = node_get(file.root, "rows");
	const struct reference *ref = params.rows.items;
	for (size_t i = 0; i < params.rows.count; i++) {
		out->row = xrealloc(out->row, out->count + 1, sizeof(*out->row));
		struct check_row *r = &out->row[out->count++];
		*r = (struct check_row){.ref = ref[i], .file = kept};
		r->ref.machine = beside(c, kept, ref[i].machine);
		r->ref.stack = beside(c, kept, ref[i].stack);
		r->ref.workload = beside(c, kept, ref[i].workload);
		TRY(check_row(r, list->item[i], err));
	}
	return OK;
}

static int is_yaml(const struct dirent *e)
{
	const char *dot = strrchr(e->d_name, '.');
	return dot && dot != e->d_name && !strcmp(dot, ".yaml");
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static enum status load_folder(struct conf *c, const char *path, struct references *out, struct err *err)
{
	struct dirent **entry = NULL;
	enum status st = OK;
	int n = scandir(path, &entry, is_yaml, by_name);
	if (n < 0) return err_set(err, ERR_CONFIG, "%s: %s", path, strerror(errno));
	if (n == 0) st = err_set(err, ERR_CONFIG, "%s: no *.yaml in this folder", path);
	for (int i = 0; i < n; i++) {
		bool slash = path[strlen(path) - 1] == '/';
		char *file = xasprintf("%s%s%s", path, slash ? "" : "/", entry[i]->d_name);
		if (st == OK) st = load_file(c, file, out, err);
		free(file);
		free(entry[i]);
	}
	free(entry);
	return st;
}

enum status references_load(struct conf *c, const char *path, struct references *out, struct err *err)
{
	struct stat about;
	bool folder = stat(path, &about) == 0 && S_ISDIR(about.st_mode);
	return folder ? load_folder(c, path, out, err) : load_file(c, path, out, err);
}

void references_fini(struct references *r)
{
	free(r->row);
	*r = (struct references){0};
}
