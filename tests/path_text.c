#include "path_text.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

struct path_text path_text_new(void)
{
	struct path_text t = {0};
	return t;
}

void path_text_open(struct path_text *t) { t->stream = open_memstream(&t->chars, &t->length); }

const char *path_text_close(struct path_text *t)
{
	fclose(t->stream);
	return t->chars;
}

void path_text_load(struct stack_paths *p, const char *machine, const char *stack)
{
	struct err err = {0};
	char m[128], s[128];
	snprintf(m, sizeof(m), "configs/machines/%s.yaml", machine);
	snprintf(s, sizeof(s), "configs/stacks/%s.yaml", stack);
	struct machine_request req = {.path = m};
	cr_assert(eq(int, stack_paths_load(p, &req, s, &err), OK), "%s", err.text);
}

void path_text_brief(void *ctx, const struct path_event *e)
{
	struct path_text *t = ctx;
	if (e->in_guest || (e->kind != EVENT_ENTRY && e->kind != EVENT_RETURN)) return;
	fprintf(t->stream, " %s:%u>%u", e->kind == EVENT_ENTRY ? e->name : "ret", e->transfer.from,
		e->transfer.to);
}

char *path_brief(const char *machine, const char *stack, const char *operation)
{
	struct stack_paths p;
	struct err err = {0};
	struct path_text t = path_text_new();
	path_text_load(&p, machine, stack);
	path_text_open(&t);
	enum status st = path_run(p.book, operation, path_text_brief, &t, NULL, &err);
	path_text_close(&t);
	cr_assert(eq(int, st, OK), "%s", err.text);
	stack_paths_free(&p);
	return t.chars;
}
