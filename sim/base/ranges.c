#include "base/ranges.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>

struct list {
	const char *text;
	unsigned *item, room, count, last;
	struct err *err;
};

static enum status add(struct list *l, unsigned long number)
{
	if (number > l->last)
		return err_set(l->err, ERR_CONFIG, "'%s': %lu is outside 0..%u", l->text, number, l->last);
	for (unsigned i = 0; i < l->count; i++)
		if (l->item[i] == number)
			return err_set(l->err, ERR_CONFIG, "'%s': %lu is there twice", l->text, number);
	if (l->count == l->room)
		return err_set(l->err, ERR_CONFIG, "'%s': more than %u numbers", l->text, l->room);
	l->item[l->count++] = (unsigned)number;
	return OK;
}

static bool number(const char **p, unsigned long *out)
{
	char *end;
	if (!isdigit((unsigned char)**p)) return false;
	*out = strtoul(*p, &end, 10);
	*p = end;
	return true;
}

/* One number or range, and the comma behind it. */
static enum status add_range(struct list *l, const char **p)
{
	unsigned long from, to;
	bool ok = number(p, &from);
	to = from;
	if (ok && **p == '-') {
		++*p;
		ok = number(p, &to);
	}
	bool more = ok && **p == ',';
	if (more) ++*p;
	if (!ok || to < from || more != (**p != 0))
		return err_set(l->err, ERR_CONFIG, "'%s' is no list like 0-3,8", l->text);
	for (unsigned long n = from; n <= to; n++) TRY(add(l, n));
	return OK;
}

enum status ranges_parse(const char *text, unsigned last, unsigned *out, unsigned room, unsigned *count,
			 struct err *err)
{
	struct list l = {text, out, room, 0, last, err};
	while (*text) TRY(add_range(&l, &text));
	*count = l.count;
	return OK;
}
