#include "cpu/watch.h"

#include <stdlib.h>

#include "base/alloc.h"

static int compare_numbers(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

void watch_init(struct watch *w, const uint64_t *at, size_t want)
{
	*w = (struct watch){.want = want, .pick = xcalloc(want, sizeof(*w->pick))};
	if (!at) return;
	w->at = xcalloc(want, sizeof(*w->at));
	for (size_t i = 0; i < want; i++) w->at[i] = at[i];
	qsort(w->at, want, sizeof(*w->at), compare_numbers);
}

void watch_fini(struct watch *w)
{
	for (size_t i = 0; i < w->want; i++) why_fini(&w->pick[i].why);
	why_fini(&w->why);
	free(w->pick);
	free(w->at);
}

void watch_reset(struct watch *w) { w->count = 0; }

static bool is_slower(const struct watched *a, const struct watched *b)
{
	return a->cost != b->cost ? a->cost > b->cost : a->number < b->number;
}

/* Where the present access goes, or NULL: it is not picked. */
static struct watched *choose(struct watch *w, const struct watched *a)
{
	if (w->at && !bsearch(&a->number, w->at, w->want, sizeof(*w->at), compare_numbers)) return NULL;
	if (w->count < w->want) return &w->pick[w->count++];
	if (w->at || !w->want) return NULL;
	struct watched *fastest = &w->pick[0];
	for (size_t i = 1; i < w->count; i++)
		if (is_slower(fastest, &w->pick[i])) fastest = &w->pick[i];
	return is_slower(a, fastest) ? fastest : NULL;
}

enum status watch_access(struct watch *w, const struct watched *a, struct err *err)
{
	TRY(why_check(&w->why, err));
	struct watched *pick = choose(w, a);
	if (!pick) return OK;
	struct why why = pick->why;
	why_copy(&why, &w->why);
	*pick = *a;
	pick->why = why;
	return OK;
}

static int compare_watched(const void *a, const void *b) { return is_slower(a, b) ? -1 : 1; }

static int compare_by_number(const void *a, const void *b)
{
	return compare_numbers(&((const struct watched *)a)->number, &((const struct watched *)b)->number);
}

void watch_sort(struct watch *w)
{
	qsort(w->pick, w->count, sizeof(*w->pick), w->at ? compare_by_number : compare_watched);
}
