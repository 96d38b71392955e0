/* path.h - where in the configuration a value is: a chain of words kept on the stack while descending. */
#ifndef CONFIG_PATH_H
#define CONFIG_PATH_H

#include <stddef.h>

struct path {
	const struct path *up; /* NULL: the first word */
	const char *word;      /* a key, or the name or index of a list item; "" is left out */
};

/* "tlbs.l2.ways" into `out`, cut at `bytes`. Returns out. */
const char *path_text(const struct path *p, char *out, size_t bytes);

#endif
