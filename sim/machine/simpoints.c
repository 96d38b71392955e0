#include "machine/simpoints.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static bool blank(const char *line) { return line[strspn(line, " \t\r\n")] == '\0'; }

/* Two numbers in a line, and nothing else; the second is whole. */
static bool two_numbers(const char *line, double *first, uint64_t *second)
{
	char *end;
	*first = strtod(line, &end);
	if (end == line || !isfinite(*first) || *first < 0) return false;
	const char *rest = end + strspn(end, " \t");
	if (rest == end || *rest < '0' || *rest > '9') return false;
	errno = 0;
	*second = strtoull(rest, &end, 10);
	return errno == 0 && blank(end);
}

/* What is done with a line's numbers. */
typedef enum status line_fn(struct simpoints *s, double first, uint64_t point, const char *place,
			    struct err *err);

static enum status read_lines(const char *path, const char *form, line_fn *fn, struct simpoints *s,
			      struct err *err)
{
	FILE *f = fopen(path, "r");
	char line[256], place[512];
	enum status st = OK;
	if (!f) return err_set(err, ERR_INPUT, "%s: %s", path, strerror(errno));
	for (unsigned number = 1; st == OK && fgets(line, sizeof(line), f); number++) {
		double first;
		uint64_t point;
		if (blank(line)) continue;
		snprintf(place, sizeof(place), "%s:%u", path, number);
		if (two_numbers(line, &first, &point))
			st = fn(s, first, point, place, err);
		else
			st = err_set(err, ERR_INPUT, "%s: not \"%s\": %.40s", place, form, line);
	}
	if (st == OK && ferror(f)) st = err_set(err, ERR_HOST, "%s: cannot be read", path);
	fclose(f);
	return st;
}

static struct simpoint *find(const struct simpoints *s, uint64_t point)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->at[i].point == point) return &s->at[i];
	return NULL;
}

enum { NO_WEIGHT = -1 };

static enum status add_point(struct simpoints *s, double interval, uint64_t point, const char *place,
			     struct err *err)
{
	if (interval != floor(interval) || interval > 0x1p53)
		return err_set(err, ERR_INPUT, "%s: interval %g is not a whole number", place, interval);
	if (find(s, point)) return err_set(err, ERR_INPUT, "%s: point %" PRIu64 " again", place, point);
	s->at = xrealloc(s->at, s->count + 1, sizeof(*s->at));
	s->at[s->count++] = (struct simpoint){
		.interval = (uint64_t)interval, .point = point, .weight = NO_WEIGHT};
	return OK;
}

static enum status add_weight(struct simpoints *s, double weight, uint64_t point, const char *place,
			      struct err *err)
{
	struct simpoint *p = find(s, point);
	if (!p) return err_set(err, ERR_INPUT, "%s: no interval is point %" PRIu64, place, point);
	if (p->weight >= 0) return err_set(err, ERR_INPUT, "%s: point %" PRIu64 " again", place, point);
	p->weight = weight;
	return OK;
}

static int by_interval(const void *a, const void *b)
{
	uint64_t x = ((const struct simpoint *)a)->interval, y = ((const struct simpoint *)b)->interval;
	return (x > y) - (x < y);
}

static enum status check(const struct simpoints *s, const char *simpoints, const char *weights,
			 struct err *err)
{
	double sum = 0;
	if (!s->count) return err_set(err, ERR_INPUT, "%s: no interval in it", simpoints);
	for (size_t i = 0; i < s->count; i++) {
		if (s->at[i].weight < 0)
			return err_set(err, ERR_INPUT, "%s: no weight for point %" PRIu64 " of %s", weights,
				       s->at[i].point, simpoints);
		if (i && s->at[i].interval == s->at[i - 1].interval)
			return err_set(err, ERR_INPUT,
				       "%s: interval %" PRIu64 " is two points, %" PRIu64 " and %" PRIu64,
				       simpoints, s->at[i].interval, s->at[i - 1].point, s->at[i].point);
		sum += s->at[i].weight;
	}
	if (fabs(sum - 1) > 0.01)
		return err_set(err, ERR_INPUT, "%s: weights add up to %g, not to 1", weights, sum);
	return OK;
}

enum status simpoints_read(const char *simpoints, const char *weights, struct simpoints *out, struct err *err)
{
	struct simpoints s = {0};
	enum status st = read_lines(simpoints, "interval point", add_point, &s, err);
	if (st == OK) st = read_lines(weights, "weight point", add_weight, &s, err);
	if (st == OK && s.count) qsort(s.at, s.count, sizeof(*s.at), by_interval);
	if (st == OK) st = check(&s, simpoints, weights, err);
	if (st == OK)
		*out = s;
	else
		simpoints_free(&s);
	return st;
}

void simpoints_free(struct simpoints *s)
{
	free(s->at);
	*s = (struct simpoints){0};
}
