#include "trace_help.h"

#include <assert.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "trace/writer.h"

char *temporary_path(const char *name)
{
	char dir[] = "/tmp/strata-test.XXXXXX";
	char *made = mkdtemp(dir);
	assert(made);
	return xasprintf("%s/%s", made, name);
}

void remove_temporary(char *path)
{
	unlink(path);
	rmdir(dirname(path));
	free(path);
}

enum status read_all(struct trace_source *src, size_t cap, struct record_list *list, struct err *err)
{
	size_t n = 1, room = 0;
	*list = (struct record_list){0};
	while (n) {
		if (list->n + cap > room)
			list->r = xrealloc(list->r, room = 2 * (room + cap), sizeof(struct record));
		enum status st = trace_next(src, list->r + list->n, cap, &n, err);
		if (st != OK) {
			free(list->r);
			return st;
		}
		list->n += n;
	}
	return OK;
}

static enum status drain(struct trace_source *src, struct record_list *list, struct err *err)
{
	enum status st = read_all(src, 500, list, err);
	trace_close(src);
	return st;
}

enum status read_file(const char *path, uint32_t stream, struct record_list *list, struct err *err)
{
	struct trace_source *src;
	TRY(trace_open(path, stream, &src, err));
	return drain(src, list, err);
}

enum status read_memory(const void *bytes, size_t size, struct record_list *list, struct err *err)
{
	struct trace_source *src;
	TRY(trace_open_memory("memory", bytes, size, 0, &src, err));
	return drain(src, list, err);
}

unsigned char *slurp(const char *path, size_t *size)
{
	FILE *f = fopen(path, "rb");
	assert(f);
	fseek(f, 0, SEEK_END);
	*size = (size_t)ftell(f);
	rewind(f);
	unsigned char *bytes = xcalloc(*size, 1);
	size_t got = fread(bytes, 1, *size, f);
	assert(got == *size);
	fclose(f);
	return bytes;
}

bool contains(const char *text, const char *part) { return strstr(text, part) != NULL; }

bool same_records(const struct record_list *a, const struct record_list *b)
{
	return a->n == b->n && (!a->n || memcmp(a->r, b->r, a->n * sizeof(struct record)) == 0);
}

static uint64_t random_field(struct rng *r)
{
	switch (rng_below(r, 5)) {
	case 0: return 0;
	case 1: return rng_below(r, 256);
	case 2: return UINT64_MAX - rng_below(r, 3);
	case 3: return UINT64_C(1) << rng_below(r, 64);
	default: return rng_next(r);
	}
}

struct record random_record(struct rng *r)
{
	static const uint8_t kinds[] = {
#define X(name, number, text, doc) number,
		RECORD_KINDS(X)
#undef X
	};
	return (struct record){.addr = random_field(r),
			       .arg = random_field(r),
			       .count = (uint32_t)random_field(r),
			       .gap = (uint16_t)random_field(r),
			       .kind = kinds[rng_below(r, sizeof(kinds))],
			       .flags = (uint8_t)random_field(r)};
}

void write_native(const char *path, const struct record_list *streams, uint32_t count)
{
	struct trace_description d = {
		.streams = count, .lacks = STREAM_NO_SIZES, .page_bytes = 16384, .meta = "a=1\nb=2\n"};
	struct trace_writer *w;
	struct err err;
	enum status st = trace_writer_open(path, &d, &w, &err);
	for (uint32_t i = 0; st == OK && i < count; i++)
		st = trace_write(w, i, streams[i].r, streams[i].n, &err);
	if (st == OK) st = trace_writer_commit(w, &err);
	if (st != OK) fprintf(stderr, "%s\n", err.text);
	assert(st == OK);
}
