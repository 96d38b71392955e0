/* walk_text.h - one translation in words: each descriptor, where it was found, what its bits say, and what follows. */
#ifndef CLI_WALK_TEXT_H
#define CLI_WALK_TEXT_H

#include <stdio.h>

#include "mmu/translate.h"

/* The memory that holds the tables; *held false: it is not known there. */
typedef uint64_t walk_word_fn(const void *self, struct pa pa, bool *held);

struct walk_question {
	const struct regime_info *regime;
	struct va va;
	struct access access;
	walk_word_fn *word;
	const void *self;
};

/* Walks without changing memory, and prints the steps. */
void walk_explain(FILE *out, const struct walk_question *q);

#endif
