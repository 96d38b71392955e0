/* trace_help.h - what the tests of traces share: temporary files, random records, whole streams in memory. */
#ifndef TESTS_TRACE_HELP_H
#define TESTS_TRACE_HELP_H

#include "base/rng.h"
#include "trace/source.h"

struct record_list {
	struct record *r;
	size_t n;
};

/* A path in a fresh private directory; remove_temporary() deletes both. */
char *temporary_path(const char *name);
void remove_temporary(char *path);

/* Reads a stream to its end in batches of `cap` records. On OK free(list->r). */
enum status read_all(struct trace_source *src, size_t cap, struct record_list *list, struct err *err);
enum status read_file(const char *path, uint32_t stream, struct record_list *list, struct err *err);
enum status read_memory(const void *bytes, size_t size, struct record_list *list, struct err *err);
/* The bytes of a file; free() them. */
unsigned char *slurp(const char *path, size_t *size);

/* Whether a message says something. */
bool contains(const char *text, const char *part);
bool same_records(const struct record_list *a, const struct record_list *b);

/* A record of any kind with fields that are 0, small, random or extreme. */
struct record random_record(struct rng *r);
/* Writes a native trace with one list per stream; asserts that it works. */
void write_native(const char *path, const struct record_list *streams, uint32_t count);

#endif
