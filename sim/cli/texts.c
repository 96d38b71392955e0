#include "cli/texts.h"

#include "base/alloc.h"

void texts_add(struct texts *t, const char *text)
{
	t->item = xrealloc(t->item, t->count + 2, sizeof(*t->item));
	t->item[t->count++] = text;
	t->item[t->count] = NULL;
}
