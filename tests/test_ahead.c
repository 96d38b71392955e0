/* A stream that is read ahead by a thread: the same records, the same end, the same errors. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#include "base/alloc.h"
#include "trace/ahead.h"
#include "trace/format.h"
#include "trace_help.h"

/* Record i has address i; batches are of changing length; at `fails` comes an error instead. */
struct counting {
	struct trace_source base;
	uint64_t at, records, fails;
	unsigned *closed;
};

static enum status count_next(struct trace_source *src, struct record *buf, size_t cap, size_t *n,
			      struct err *err)
{
	struct counting *c = (struct counting *)src;
	size_t want = 1 + c->at % cap;
	for (*n = 0; *n < want && c->at < c->records; ++*n, ++c->at) {
		if (c->at == c->fails) {
			if (*n) return OK;
			return err_set(err, ERR_INPUT, "record %d is bad", (int)c->at);
		}
		buf[*n] = (struct record){.addr = c->at};
	}
	return OK;
}

static void count_close(struct trace_source *src)
{
	++*((struct counting *)src)->closed;
	free(src);
}

static struct trace_source *counting_source(uint64_t records, uint64_t fails, unsigned *closed)
{
	static const struct source_ops ops = {.next = count_next, .close = count_close};
	struct counting *c = xcalloc(1, sizeof(*c));
	*c = (struct counting){{.ops = &ops, .info = {.streams = 7}}, 0, records, fails, closed};
	*closed = 0;
	return &c->base;
}

struct length {
	uint64_t records, cap; /* cap 0: borrowed */
};
static struct length lengths[] = {{0, 1},         {1, 1},          {3, 2}, {100000, 7},
				  {100000, 4096}, {300000, 10000}, {0, 0}, {300000, 0}};

ParameterizedTestParameters(ahead, gives_the_records_of_the_inner_source_in_order)
{
	return cr_make_param_array(struct length, lengths, sizeof(lengths) / sizeof(lengths[0]));
}

ParameterizedTest(struct length *l, ahead, gives_the_records_of_the_inner_source_in_order)
{
	unsigned closed;
	struct trace_source *src = trace_ahead(counting_source(l->records, UINT64_MAX, &closed));
	struct record *buf = xcalloc(l->cap ? l->cap : 1, sizeof(*buf));
	const struct record *rec = buf;
	struct err err = {0};
	uint64_t seen = 0;
	size_t n = 1;
	cr_expect(eq(u32, trace_source_info(src)->streams, 7), "its description is the inner one's");
	while (n) {
		enum status st = l->cap ? trace_next(src, buf, l->cap, &n, &err)
					: trace_borrow(src, buf, &rec, &n, &err);
		cr_assert(eq(int, st, OK), "%s", err.text);
		for (size_t i = 0; i < n; i++) cr_assert(eq(u64, rec[i].addr, seen++));
	}
	cr_expect(eq(u64, seen, l->records));
	cr_expect(eq(int, trace_next(src, buf, 1, &n, &err), OK));
	cr_expect(eq(sz, n, 0), "the end stays the end");
	trace_close(src);
	cr_expect(eq(uint, closed, 1), "the inner source is closed with it");
	free(buf);
}

Test(ahead, an_error_comes_after_all_records_before_it)
{
	enum { BAD = 50000 };
	unsigned closed;
	struct trace_source *src = trace_ahead(counting_source(UINT64_MAX, BAD, &closed));
	struct record buf[100];
	const struct record *rec;
	struct err err = {0};
	uint64_t seen = 0;
	size_t n;
	enum status st;
	while ((st = trace_borrow(src, buf, &rec, &n, &err)) == OK) seen += n;
	cr_expect(eq(u64, seen, BAD));
	cr_expect(eq(int, st, ERR_INPUT));
	cr_expect(eq(str, err.text, (char *)"record 50000 is bad"));
	trace_close(src);
}

Test(ahead, may_be_closed_at_any_point)
{
	for (uint64_t taken = 0; taken < 40; taken++) {
		unsigned closed;
		struct trace_source *src = trace_ahead(counting_source(UINT64_MAX, UINT64_MAX, &closed));
		struct record buf[1];
		const struct record *rec;
		struct err err;
		size_t n;
		for (uint64_t i = 0; i < taken; i++)
			cr_assert(eq(int, trace_borrow(src, buf, &rec, &n, &err), OK));
		trace_close(src);
		cr_assert(eq(uint, closed, 1));
	}
}

Test(ahead, a_source_that_keeps_no_batches_fills_the_readers_own)
{
	unsigned closed;
	struct trace_source *src = counting_source(5, UINT64_MAX, &closed);
	struct record *own = xcalloc(TRACE_BATCH, sizeof(*own));
	const struct record *rec;
	struct err err;
	size_t n;
	cr_assert(eq(int, trace_borrow(src, own, &rec, &n, &err), OK));
	cr_expect(eq(ptr, (void *)(uintptr_t)rec, own));
	cr_expect(eq(sz, n, 1));
	trace_close(src);
	free(own);
}
