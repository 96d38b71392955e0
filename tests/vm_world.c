#include "vm_world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/alloc.h"
#include "machine/engine.h"
#include "machine/stack_book.h"
#include "trace/format.h"

static enum status read_stack(struct vm_world *w, const char *yaml)
{
	struct bound b = {.name = "stack", .schema = &stack_schema, .params = &w->stack};
	w->conf = conf_new();
	TRY(conf_parse(w->conf, "s.yaml", yaml, strlen(yaml), &b.file.root, &w->err));
	TRY(stack_bind(w->conf, b.file.root, &w->stack, &w->err));
	TRY(stack_check(&b, &w->config.params.features, &w->err));
	const struct node *merged;
	return stack_book_load(w->conf, b.file.root, &w->config.params.features, &w->book, &merged, &w->err);
}

enum status vm_world_open(struct vm_world *w, const char *yaml, const char *const *sets)
{
	struct machine_request q = {.path = "configs/machines/neoverse-n1.yaml", .sets = sets};
	memset(w, 0, sizeof(*w));
	cr_assert(eq(int, machine_config_load(&w->config, &q, &w->err), OK), "%s", w->err.text);
	TRY(read_stack(w, yaml));
	TRY(machine_new(&w->config.params, &w->stack, 1, &w->machine, &w->err));
	return w->book ? machine_use_paths(w->machine, w->book, &w->err)
		       : machine_without_paths(w->machine, &w->err);
}

void vm_world_close(struct vm_world *w)
{
	if (w->machine) {
		machine_finish(w->machine);
		cr_expect(eq(int, machine_check_sums(w->machine, &w->err), OK), "%s", w->err.text);
	}
	machine_free(w->machine);
	machine_config_free(&w->config);
	conf_free(w->conf);
}

uint64_t vm_world_counter(const struct vm_world *w, const char *format, ...)
{
	char path[80];
	va_list args;
	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	const uint64_t *value = stats_find(machine_stats(w->machine), path);
	cr_assert(ne(ptr, (void *)value, NULL), "no counter %s", path);
	return *value;
}

struct script {
	struct trace_source base;
	const struct record *rec;
	size_t n, at;
	uint64_t times;
};

static enum status script_next(struct trace_source *src, struct record *buf, size_t cap, size_t *n,
			       struct err *err)
{
	struct script *s = (struct script *)src;
	(void)err;
	for (*n = 0; *n < cap && s->times; ++*n) {
		buf[*n] = s->rec[s->at];
		if (++s->at == s->n) s->at = 0, s->times--;
	}
	return OK;
}

static void script_close(struct trace_source *src) { free(src); }

struct trace_source *script_source(const struct record *rec, size_t n, uint64_t times)
{
	static const struct source_ops ops = {.next = script_next, .close = script_close};
	struct script *s = xcalloc(1, sizeof(*s));
	*s = (struct script){{.ops = &ops, .info = {.streams = 1}}, rec, n, 0, times};
	return &s->base;
}

void vm_world_run(struct vm_world *w, struct trace_source **source, uint64_t limit)
{
	struct engine *e = engine_new(w->machine, source);
	uint64_t left = limit ? limit : UINT64_MAX, records = 0;
	enum status st = OK;
	for (bool more = true; st == OK && more && left;)
		st = engine_turn(e, &left, &records, &more, &w->err);
	cr_assert(eq(int, st, OK), "%s", w->err.text);
	engine_free(e);
	for (unsigned i = 0; i < machine_threads(w->machine); i++) trace_close(source[i]);
	machine_finish(w->machine);
}
