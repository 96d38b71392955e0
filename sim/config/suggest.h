/* suggest.h - "did you mean": the known word that is nearest to a misspelt one. */
#ifndef CONFIG_SUGGEST_H
#define CONFIG_SUGGEST_H

#include <stddef.h>

/* Edits (insert, delete, replace, swap of neighbours) from `a` to `b`; words beyond 63 letters count as
 * far apart. */
unsigned word_distance(const char *a, const char *b);

/* The best of the words given one by one to suggest_try(). */
struct suggest {
	const char *wrong, *best; /* best: NULL when none is near enough */
	unsigned distance;
};
void suggest_init(struct suggest *s, const char *wrong);
void suggest_try(struct suggest *s, const char *word);

#endif
