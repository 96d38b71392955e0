/* texts.h - the arguments of an option that may be repeated, in order. */
#ifndef CLI_TEXTS_H
#define CLI_TEXTS_H

#include <stddef.h>

/* Starts as {0}. `item` ends with NULL, or is NULL while there is none; free() it. The texts are borrowed. */
struct texts {
	const char **item;
	size_t count;
};

void texts_add(struct texts *t, const char *text);

#endif
