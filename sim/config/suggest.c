#include "config/suggest.h"

#include <stdint.h>
#include <string.h>

enum { WORD_MAX = 63 };

static unsigned min2(unsigned a, unsigned b) { return a < b ? a : b; }

/* Optimal string alignment, three rows of the table at a time. */
unsigned word_distance(const char *a, const char *b)
{
	size_t m = strlen(a), n = strlen(b);
	if (m > WORD_MAX || n > WORD_MAX) return WORD_MAX;
	uint8_t row[3][WORD_MAX + 1] = {{0}};
	for (size_t j = 0; j <= n; j++) row[0][j] = (uint8_t)j;
	for (size_t i = 1; i <= m; i++) {
		uint8_t *now = row[i % 3];
		const uint8_t *above = row[(i + 2) % 3], *two_above = row[(i + 1) % 3];
		now[0] = (uint8_t)i;
		for (size_t j = 1; j <= n; j++) {
			unsigned best = above[j - 1] + (a[i - 1] != b[j - 1]);
			best = min2(best, min2(above[j], now[j - 1]) + 1u);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				best = min2(best, two_above[j - 2] + 1u);
			now[j] = (uint8_t)best;
		}
	}
	return row[m % 3][n];
}

void suggest_init(struct suggest *s, const char *wrong)
{
	size_t letters = strlen(wrong);
	*s = (struct suggest){.wrong = wrong, .distance = letters < 3 ? 2 : (unsigned)letters / 3 + 1};
}

void suggest_try(struct suggest *s, const char *word)
{
	unsigned d = word_distance(s->wrong, word);
	if (d >= s->distance) return;
	s->distance = d;
	s->best = word;
}
