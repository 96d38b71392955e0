#include "check/calibrate.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "config/merge.h"
#include "config/suggest.h"

const char *const row_use_names[] = {"fitted", "check", "from memory", "another machine", NULL};

static const char machine_prefix[] = "machine.", stack_prefix[] = "stack.";

static bool is_of(const char *path, const char *prefix) { return strncmp(path, prefix, strlen(prefix)) == 0; }

/* --- how well a figure is known ------------------------------------------------------------------------------------ */

/* One in the last digit of "1.33": 0.01. Of a range, of its first number. */
static double last_digit(const char *published)
{
	const char *dot = strchr(published, '.');
	if (!dot || dot[1] == '.') return 1;
	return pow(10, -(double)strspn(dot + 1, "0123456789"));
}

double calibrated_sigma(const struct check_row *row)
{
	double middle = (row->figure.low + row->figure.high) / 2, half = row->figure.high - middle;
	double sigma = row->tolerance.percent ? row->tolerance.amount / 100 * middle : row->tolerance.amount;
	if (sigma == 0) sigma = last_digit(row->ref.published) / 2;
	if (row->ref.confidence == CONF_D) sigma *= 2;
	return (sigma + half) / sqrt((double)row->ref.weight);
}

double calibrated_residual(const struct calibrated_row *r, double model)
{
	return (model - (r->row->figure.low + r->row->figure.high) / 2) / r->sigma;
}

/* --- which rows ------------------------------------------------------------------------------------------------------ */

static bool is_named(const struct calibration_request *q, const char *name)
{
	if (!q->rows) return true;
	for (size_t i = 0; q->rows[i]; i++)
		if (fnmatch(q->rows[i], name, 0) == 0) return true;
	return false;
}

static enum status check_patterns(const struct references *refs, const struct calibration_request *q,
				  struct err *err)
{
	for (size_t i = 0; q->rows && q->rows[i]; i++) {
		struct suggest near;
		bool found = false;
		suggest_init(&near, q->rows[i]);
		for (size_t k = 0; k < refs->count; k++) {
			const struct reference *ref = &refs->row[k].ref;
			suggest_try(&near, ref->name);
			bool hit = fnmatch(q->rows[i], ref->name, 0) == 0;
			found |= hit;
			if (hit && ref->confidence == CONF_M && !strpbrk(q->rows[i], "*?["))
				return err_set(
					err, ERR_CONFIG,
					"--rows: %s is from memory (confidence M), and not to be fitted to",
					ref->name);
		}
		if (!found)
			return err_set(err, ERR_CONFIG, "--rows: no row is named '%s'%s%s%s", q->rows[i],
				       near.best ? "; did you mean '" : "", near.best ? near.best : "",
				       near.best ? "'?" : "");
	}
	return OK;
}

static enum status read_rows(const struct references *refs, const struct calibration_request *q,
			     struct calibration *c, struct err *err)
{
	c->row = xcalloc(refs->count, sizeof(*c->row));
	c->rows = refs->count;
	for (size_t i = 0; i < c->rows; i++) {
		struct calibrated_row *r = &c->row[i];
		const struct reference *ref = &refs->row[i].ref;
		*r = (struct calibrated_row){.row = &refs->row[i], .stack = "", .use = USE_CHECK};
		r->sigma = calibrated_sigma(r->row);
		TRY(conf_name(c->conf, ref->machine, &r->machine, err));
		if (*ref->stack) TRY(conf_name(c->conf, ref->stack, &r->stack, err));
		if (!r->machine) r->machine = "";
		if (!r->stack) r->stack = "";
		if (ref->confidence == CONF_M)
			r->use = USE_NOT_MEMORY;
		else if (is_named(q, ref->name))
			r->use = USE_FITTED;
	}
	return OK;
}

static bool any_of_stack(const struct calibration *c)
{
	for (size_t i = 0; i < c->keys; i++)
		if (is_of(c->key[i].path, stack_prefix)) return true;
	return false;
}

/* Whether the key is a key of what the row runs on. */
static bool applies(const struct calibration *c, const struct calibrated_key *k,
		    const struct calibrated_row *r)
{
	return is_of(k->path, stack_prefix) ? *r->stack && strcmp(r->stack, c->first->stack) == 0
					    : strcmp(r->machine, c->first->machine) == 0;
}

static bool any_applies(const struct calibration *c, const struct calibrated_row *r)
{
	for (size_t i = 0; i < c->keys; i++)
		if (applies(c, &c->key[i], r)) return true;
	return false;
}

/* Without --rows, what is of another machine than the first row is left out; asked for, it is refused. */
static enum status check_row_place(const struct calibration *c, const struct calibration_request *q,
				   struct calibrated_row *r, struct err *err)
{
	const char *what = strcmp(r->machine, c->first->machine) != 0                  ? "machine"
			   : any_of_stack(c) && strcmp(r->stack, c->first->stack) != 0 ? "stack"
										       : NULL;
	if (what && q->rows && r->use == USE_FITTED)
		return err_set(err, ERR_CONFIG, "rows %s and %s run on different files of the %s",
			       c->first->row->ref.name, r->row->ref.name, what);
	if (what && r->use == USE_FITTED) r->use = USE_CHECK;
	if (r->use == USE_CHECK && !any_applies(c, r)) r->use = USE_NOT_THERE;
	return OK;
}

static const char *full_path(struct calibration *c, const char *key)
{
	if (is_of(key, machine_prefix) || is_of(key, stack_prefix)) return key;
	char *text = xasprintf("%s%s", machine_prefix, key);
	const char *kept = conf_strdup(c->conf, text);
	free(text);
	return kept;
}

/* A row that sets the key itself would not see the fit. */
static enum status check_row_sets(const struct calibration *c, const struct calibrated_row *r,
				  struct err *err)
{
	for (size_t i = 0; i < c->keys; i++) {
		const char *path = c->key[i].path, *shorter = path + strlen(machine_prefix);
		const char *name = is_of(path, stack_prefix) ? path : shorter;
		size_t n = strlen(name);
		for (const char *at = strstr(r->row->ref.sets, name); at; at = strstr(at + 1, name))
			if (at[n] == '=' && (at == r->row->ref.sets || strchr(" \t\n.", at[-1])))
				return err_set(err, ERR_CONFIG, "%s: row %s sets it itself", name,
					       r->row->ref.name);
	}
	return OK;
}

static enum status choose_rows(struct calibration *c, const struct calibration_request *q, struct err *err)
{
	for (size_t i = 0; i < c->rows && !c->first; i++)
		if (c->row[i].use == USE_FITTED) c->first = &c->row[i];
	if (!c->first) return err_set(err, ERR_CONFIG, "there is no row to fit to: all are from memory");
	if (any_of_stack(c) && !*c->first->stack)
		return err_set(err, ERR_CONFIG, "row %s has no stack file, so there is no key %s to fit",
			       c->first->row->ref.name, stack_prefix);
	for (size_t i = 0; i < c->rows; i++) {
		struct calibrated_row *r = &c->row[i];
		TRY(check_row_place(c, q, r, err));
		if (r->use != USE_FITTED) continue;
		TRY(check_row_sets(c, r, err));
		c->used++;
	}
	return OK;
}

/* --- which keys ------------------------------------------------------------------------------------------------------ */

struct key_search {
	struct conf *conf;
	struct calibrated_key *key;
	struct suggest near;
	enum param_kind kind;
	bool found;
};

static enum status find_key(void *ctx, const struct config_value *v, struct err *err)
{
	struct key_search *s = ctx;
	(void)err;
	suggest_try(&s->near, v->path);
	if (s->near.best == v->path) s->near.best = conf_strdup(s->conf, v->path); /* outlives the visit */
	if (strcmp(v->path, s->key->path) != 0) return OK;
	s->found = true;
	s->kind = v->param->kind;
	s->key->unit = v->param->unit;
	s->key->min = v->param->min;
	s->key->max = v->param->max;
	if (s->kind == PARAM_U64) s->key->before = strtoull(v->text, NULL, 10);
	return OK;
}

static enum status read_key(const struct calibration *c, struct calibrated_key *key, struct err *err)
{
	struct key_search s = {.conf = c->conf, .key = key};
	suggest_init(&s.near, key->path);
	TRY(check_row_visit(c->first->row, &(struct check_how){.overlays = c->overlays}, find_key, &s, err));
	if (!s.found)
		return err_set(err, ERR_CONFIG, "--fit: '%s' is no key of what row %s runs on%s%s%s",
			       key->path, c->first->row->ref.name, s.near.best ? "; did you mean '" : "",
			       s.near.best ? s.near.best : "", s.near.best ? "'?" : "");
	if (s.kind != PARAM_U64) return err_set(err, ERR_CONFIG, "--fit: %s is no number", key->path);
	key->after = key->before;
	return OK;
}

static enum status name_keys(struct calibration *c, const struct calibration_request *q, struct err *err)
{
	for (; q->keys[c->keys]; c->keys++) {
		if (c->keys == FIT_MAX_KEYS)
			return err_set(err, ERR_CONFIG, "--fit: more than %d keys", FIT_MAX_KEYS);
		if (is_of(q->keys[c->keys], "workload."))
			return err_set(err, ERR_CONFIG,
				       "--fit: %s: a workload is what was measured, not what is to be found",
				       q->keys[c->keys]);
		const char *path = full_path(c, q->keys[c->keys]);
		for (size_t i = 0; i < c->keys; i++)
			if (strcmp(c->key[i].path, path) == 0)
				return err_set(err, ERR_CONFIG, "--fit: %s stands there twice", path);
		c->key[c->keys].path = path;
	}
	return OK;
}

/* Reads what the keys are now from the machine and stack of the first row. */
static enum status read_keys(struct calibration *c, struct err *err)
{
	for (size_t i = 0; i < c->keys; i++) TRY(read_key(c, &c->key[i], err));
	return OK;
}

/* --- the model ------------------------------------------------------------------------------------------------------- */

/* Runs a row with those of `value` that are keys of its machine and stack. */
static enum status run_row(const struct calibration *c, const struct calibrated_row *r, const uint64_t *value,
			   struct outcome *out, struct err *err)
{
	char *text[FIT_MAX_KEYS + 1] = {NULL};
	size_t n = 0;
	for (size_t i = 0; i < c->keys; i++)
		if (applies(c, &c->key[i], r)) text[n++] = xasprintf("%s=%" PRIu64, c->key[i].path, value[i]);
	struct check_how how = {.overlays = c->overlays, .sets = (const char *const *)text, .last = c->last};
	enum status st = check_row_run(r->row, &how, out, err);
	while (n) free(text[--n]);
	return st;
}

static enum status residuals(void *ctx, const uint64_t *value, double *residual, struct err *err)
{
	const struct calibration *c = ctx;
	for (size_t i = 0; i < c->rows; i++) {
		struct outcome o;
		if (c->row[i].use != USE_FITTED) continue;
		TRY(run_row(c, &c->row[i], value, &o, err));
		*residual++ = calibrated_residual(&c->row[i], o.model);
	}
	return OK;
}

/* Runs all rows with the values before (`after` false) or after. */
static enum status run_rows(struct calibration *c, bool after, struct err *err)
{
	uint64_t value[FIT_MAX_KEYS];
	for (size_t i = 0; i < c->keys; i++) value[i] = after ? c->key[i].after : c->key[i].before;
	for (size_t i = 0; i < c->rows; i++) {
		struct calibrated_row *r = &c->row[i];
		if (r->use != USE_FITTED && r->use != USE_CHECK) continue;
		struct outcome *o = after ? &r->after : &r->before;
		TRY(run_row(c, r, value, o, err));
		if (after && r->use == USE_FITTED) check_mark_fitted(o);
	}
	return OK;
}

static enum status fit(struct calibration *c, struct err *err)
{
	struct fit_key key[FIT_MAX_KEYS];
	for (size_t i = 0; i < c->keys; i++)
		key[i] = (struct fit_key){c->key[i].path, c->key[i].before, c->key[i].min, c->key[i].max};
	struct fit_problem p = {.key = key, .keys = c->keys, .rows = c->used, .model = residuals, .ctx = c};
	TRY(fit_run(&p, &c->fit, err));
	for (size_t i = 0; i < c->keys; i++) {
		c->key[i].after = c->fit.value[i];
		c->key[i].error = c->fit.error[i];
	}
	TRY(run_rows(c, false, err));
	TRY(run_rows(c, true, err));
	return fit_identifies(&p, &c->fit, err);
}

enum status calibration_run(const struct references *refs, const struct calibration_request *q,
			    struct calibration *out, struct err *err)
{
	*out = (struct calibration){.conf = conf_new(), .overlays = q->overlays, .last = check_last_new()};
	TRY(check_patterns(refs, q, err));
	TRY(name_keys(out, q, err));
	TRY(read_rows(refs, q, out, err));
	TRY(choose_rows(out, q, err));
	TRY(read_keys(out, err));
	return fit(out, err);
}

void calibration_fini(struct calibration *c)
{
	check_last_free(c->last);
	free(c->row);
	conf_free(c->conf);
	*c = (struct calibration){0};
}
