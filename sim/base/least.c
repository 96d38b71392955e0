#include "base/least.h"

#include <stdlib.h>

#include "base/alloc.h"

struct least least_new(unsigned count)
{
	struct least l = {.places = 1};
	while (l.places < count) l.places *= 2;
	l.least = xcalloc(2 * (size_t)l.places, sizeof(*l.least));
	for (unsigned i = count; i < l.places; i++) least_put(&l, i, UINT64_MAX);
	return l;
}

void least_free(struct least *l) { free(l->least); }
