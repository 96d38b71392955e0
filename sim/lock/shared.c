#include "lock/shared.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

struct lock_set *lock_set_new(void) { return xcalloc(1, sizeof(struct lock_set)); }

void lock_set_free(struct lock_set *s)
{
	if (!s) return;
	for (size_t i = 0; i < s->count; i++) free(s->item[i].counters);
	free(s->item);
	free(s);
}

void lock_set_add(struct lock_set *s, const char *name, enum lock_kind kind, const struct coherence *c,
		  const struct lock_costs *costs)
{
	s->item = xrealloc(s->item, s->count + 1, sizeof(*s->item));
	struct named_lock *n = &s->item[s->count++];
	n->name = name;
	n->counters = xcalloc(1, sizeof(*n->counters));
	lock_init(&n->lock, kind, c, costs, n->counters);
}

struct lock *lock_set_find(const struct lock_set *s, const char *name)
{
	for (size_t i = 0; i < s->count; i++)
		if (strcmp(s->item[i].name, name) == 0) return &s->item[i].lock;
	return NULL;
}

void lock_set_register_stats(struct lock_set *s, struct stats *stats, const char *prefix)
{
	char path[64];
	for (size_t i = 0; i < s->count; i++) {
		snprintf(path, sizeof(path), "%s.locks.%s", prefix, s->item[i].name);
		lock_counters_register(s->item[i].counters, stats, path);
	}
}

enum status lock_set_check(const struct lock_set *s, struct err *err)
{
	for (size_t i = 0; i < s->count; i++) TRY(lock_check(&s->item[i].lock, s->item[i].name, err));
	return OK;
}
