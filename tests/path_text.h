/* path_text.h - software paths of the shipped stacks, written down in the notation of the recordings of KVM. */
#ifndef TESTS_PATH_TEXT_H
#define TESTS_PATH_TEXT_H

#include <stdio.h>

#include "machine/stack_paths.h"

struct path_text {
	char *chars; /* to be freed, after path_text_close() */
	size_t length;
	FILE *stream;
};

struct path_text path_text_new(void);
void path_text_open(struct path_text *t);
const char *path_text_close(struct path_text *t);

/* Names of files without folders and ending; stack_paths_free() it. */
void path_text_load(struct stack_paths *p, const char *machine, const char *stack);
/* A listener (ctx: struct path_text) that writes the exceptions outside of the guest. */
void path_text_brief(void *ctx, const struct path_event *e);
/* What it writes of an operation; to be freed. */
char *path_brief(const char *machine, const char *stack, const char *operation);

#endif
