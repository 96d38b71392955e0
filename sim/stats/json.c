#include "stats/json.h"

#include <errno.h>
#include <string.h>

static enum status put_u64(json_t *object, const char *key, const char *path, uint64_t value, struct err *err)
{
	if (value > INT64_MAX)
		return err_set(err, ERR_HOST, "%s: %s %llu does not fit into JSON's 63 bits", path, key,
			       (unsigned long long)value);
	json_object_set_new(object, key, json_integer((json_int_t)value));
	return OK;
}

static enum status put_hist(json_t *object, const char *path, const struct hist *h, struct err *err)
{
	const struct {
		const char *key;
		uint64_t value;
	} part[] = {{"count", h->count},
		    {"sum", h->sum},
		    {"min", h->min},
		    {"max", h->max},
		    {"p50", hist_quantile(h, 0.50)},
		    {"p90", hist_quantile(h, 0.90)},
		    {"p99", hist_quantile(h, 0.99)}};
	for (size_t i = 0; i < sizeof(part) / sizeof(part[0]); i++)
		TRY(put_u64(object, part[i].key, path, part[i].value, err));
	double mean = h->count ? (double)h->sum / (double)h->count : 0;
	json_object_set_new(object, "mean", h->count ? json_real(mean) : json_null());
	return OK;
}

static enum status put_value(void *ctx, const struct stat_value *v, struct err *err)
{
	json_t *all = ctx;
	if (!v->hist) return put_u64(all, v->path, v->path, v->value, err);
	json_t *object = json_object();
	json_object_set_new(all, v->path, object);
	return put_hist(object, v->path, v->hist, err);
}

enum status stats_to_json(const struct stats *s, json_t **out, struct err *err)
{
	*out = json_object();
	enum status st = stats_visit(s, put_value, *out, err);
	if (st == OK) return OK;
	json_decref(*out);
	*out = NULL;
	return st;
}

enum status json_print(FILE *out, const json_t *value, struct err *err)
{
	if (json_dumpf(value, out, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) == 0 &&
	    fputc('\n', out) != EOF && fflush(out) == 0)
		return OK;
	return err_set(err, ERR_HOST, "cannot write JSON: %s", strerror(errno));
}
