#include "trace/generator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "base/alloc.h"
#include "trace/format.h"
#include "trace/gen.h"
#include "trace/wire.h"

/* -- Rows -- */

static const char *const generator_names[] = {
#define X(name, doc) #name,
	GENERATORS(X)
#undef X
		NULL};

#define T struct gen_params
#define GEN_ROWS \
	P_ENUM(T, generator, generator_names, GEN_uniform, "how addresses follow each other"), \
		P_U64(T, base_address, "bytes", UINT64_C(0x4000000000), 0, UINT64_C(1) << 56, \
		      "first VA of the footprint"), \
		P_U64(T, footprint_bytes, "bytes", UINT64_C(1) << 30, 1, UINT64_C(1) << 48, \
		      "memory that is accessed"), \
		P_U64(T, access_bytes, "bytes", 8, 1, 4096, "size of an access"), \
		P_U64(T, instruction_gap, "instructions", 4, 1, 65535, \
		      "instructions per access, the accessing one included"), \
		P_U64(T, read_percent, "%", 100, 0, 100, "share of loads, the others are stores"), \
		P_BOOL(T, dependent, 0, \
		       "uniform: the address of an access is known when the load before it is done"), \
		P_BOOL(T, update, 0, "every address is loaded, then stored to; two accesses"), \
		P_U64(T, stride_bytes, "bytes", 4096, 1, UINT64_C(1) << 47, \
		      "stride: distance of successive accesses"), \
		P_U64(T, item_bytes, "bytes", 4096, 1, UINT64_C(1) << 30, "chase, zipf: size of an item"), \
		P_U64(T, theta_milli, "1/1000", 990, 0, 5000, "zipf: exponent; 0 is uniform"), \
		P_U64(T, hot_pages, "pages", 16, 1, 1 << 20, \
		      "tlb_mix: size of the hot set, in pages of 4 KiB"), \
		P_U64(T, warm_pages, "pages", 512, 1, 1 << 24, "tlb_mix: size of the warm set"), \
		P_U64(T, hot_permille, "1/1000", 990, 0, 1000, "tlb_mix: share of accesses to the hot set"), \
		P_U64(T, warm_permille, "1/1000", 5, 0, 1000, "tlb_mix: share of accesses to the warm set")

static const struct param child_rows[] = {
	GEN_ROWS,
	P_U64(T, weight, "parts", 1, 1, 10000, "share in the mixture"),
};
SCHEMA(gen_child_schema, "generator_child", struct gen_params, child_rows, "one part of a mixture");

static const struct param gen_rows[] = {
	GEN_ROWS,
	P_U64(T, accesses, "accesses", 10000000, 1, UINT64_C(1) << 48, "loads and stores of each thread"),
	P_U64(T, threads, "threads", 1, 1, TRACE_STREAMS_MAX,
	      "streams; they differ in their random numbers and, with thread_bytes, in their place"),
	P_U64(T, thread_bytes, "bytes", 0, 0, UINT64_C(1) << 40,
	      "how far behind the footprint of one thread that of the next one begins; 0: they all share one"),
	P_MAP(T, lock, &gen_lock_schema, "critical sections between the accesses"),
	P_MAP(T, atomic, &gen_atomic_schema, "atomic updates between the accesses"),
	P_LIST(T, mix, &gen_child_schema, 0, 64, "mix: the children"),
};
SCHEMA(gen_schema, "generator", struct gen_params, gen_rows, "a workload that is computed, without a file");
#undef T

/* -- Generators -- */

static const struct generator *const generators[] = {
#define X(name, doc) &gen_##name,
	GENERATORS(X)
#undef X
};

const struct generator *generator_find(uint64_t kind) { return generators[kind]; }

enum status gen_check_multiple(const char *where, const char *key, uint64_t value, uint64_t of,
			       struct err *err)
{
	if (value % of == 0) return OK;
	return err_set(err, ERR_CONFIG, "%s: %s: %llu is not a multiple of %llu", where, key,
		       (unsigned long long)value, (unsigned long long)of);
}

enum status gen_check(const char *where, const struct gen_params *p, struct err *err)
{
	const struct generator *g = generator_find(p->generator);
	TRY(gen_check_multiple(where, "footprint_bytes", p->footprint_bytes, p->access_bytes, err));
	TRY(gen_check_multiple(where, "base_address", p->base_address, p->access_bytes, err));
	TRY(gen_check_multiple(where, "thread_bytes", p->thread_bytes, p->access_bytes, err));
	if (p->update && p->read_percent != 100)
		return err_set(err, ERR_CONFIG, "%s: read_percent: %llu has no meaning with update: yes",
			       where, (unsigned long long)p->read_percent);
	return g->check ? g->check(where, p, err) : OK;
}

void gen_start(struct gen_state *s, const struct gen_params *p, const char *path, uint64_t seed,
	       uint32_t stream)
{
	const struct generator *g = generator_find(p->generator);
	char *name = xasprintf("%s.%s.%u", path, g->name, stream);
	*s = (struct gen_state){.p = p, .path = path, .own = xcalloc(1, g->state_bytes)};
	rng_init(&s->rng, seed, name);
	free(name);
	if (g->start) g->start(s, seed, stream);
}

void gen_stop(struct gen_state *s)
{
	const struct generator *g = generator_find(s->p->generator);
	if (g->stop) g->stop(s);
	free(s->own);
}

/* Spreads the loads at buf[0..n/2] out to pairs of load and store, from the last to the first. */
static void spread_updates(struct record *buf, size_t pairs)
{
	for (size_t i = pairs; i-- > 0;) {
		struct record r = buf[i];
		r.kind = REC_LOAD;
		buf[2 * i] = r;
		r.kind = REC_STORE;
		buf[2 * i + 1] = r;
	}
}

static void fill_updates(struct gen_state *s, const struct generator *g, struct record *buf, size_t n)
{
	if (s->store_due && n) {
		*buf++ = s->store;
		s->store_due = false;
		n--;
	}
	g->fill(s, buf, n / 2);
	spread_updates(buf, n / 2);
	if (n % 2) {
		struct record pair[2];
		g->fill(s, pair, 1);
		spread_updates(pair, 1);
		buf[n - 1] = pair[0];
		s->store = pair[1];
		s->store_due = true;
	}
}

void gen_fill(struct gen_state *s, struct record *buf, size_t n)
{
	const struct generator *g = generator_find(s->p->generator);
	if (s->p->update)
		fill_updates(s, g, buf, n);
	else
		g->fill(s, buf, n);
}

/* -- Source -- */

struct gen_source {
	struct trace_source base;
	struct gen_params p;
	struct gen_state gen;
	struct gen_locks locks;
	struct gen_atomics atomics;
	uint64_t left; /* accesses */
	char *meta;
};

static enum status gen_next(struct trace_source *src, struct record *buf, size_t cap, size_t *n,
			    struct err *err)
{
	struct gen_source *s = (struct gen_source *)src;
	(void)err;
	*n = s->left < cap ? (size_t)s->left : cap;
	gen_fill(&s->gen, buf, *n);
	s->left -= *n;
	return OK;
}

static void fill_outside(void *gen, struct record *buf, size_t k) { gen_fill(gen, buf, k); }

static enum status gen_next_locking(struct trace_source *src, struct record *buf, size_t cap, size_t *n,
				    struct err *err)
{
	struct gen_source *s = (struct gen_source *)src;
	(void)err;
	*n = gen_locks_fill(&s->locks, buf, cap, &s->left, fill_outside, &s->gen);
	return OK;
}

static enum status gen_next_updating(struct trace_source *src, struct record *buf, size_t cap, size_t *n,
				     struct err *err)
{
	struct gen_source *s = (struct gen_source *)src;
	(void)err;
	*n = gen_atomics_fill(&s->atomics, buf, cap, &s->left, fill_outside, &s->gen);
	return OK;
}

static void gen_close(struct trace_source *src)
{
	struct gen_source *s = (struct gen_source *)src;
	gen_stop(&s->gen);
	free(s->p.mix.items);
	free(s->meta);
	free(s);
}

static const struct source_ops gen_ops = {.next = gen_next, .close = gen_close};
static const struct source_ops locking_ops = {.next = gen_next_locking, .close = gen_close};
static const struct source_ops updating_ops = {.next = gen_next_updating, .close = gen_close};

static const struct source_ops *ops_of(const struct gen_params *p)
{
	return p->lock.kind ? &locking_ops : p->atomic.kind ? &updating_ops : &gen_ops;
}

static uint64_t records_of(const struct gen_params *p)
{
	if (p->lock.kind) return gen_locks_records(&p->lock, p->accesses);
	return p->atomic.kind ? gen_atomics_records(&p->atomic, p->accesses) : p->accesses;
}

/* Everything that decides the streams, as lines "key=value"; children are prefixed by their number. */
static void describe(struct wire_buffer *out, const char *prefix, const struct schema *schema, const void *p)
{
	for (size_t i = 0; i < schema->count; i++) {
		const struct param *row = &schema->param[i];
		if (row->kind == PARAM_LIST || row->kind == PARAM_MAP) continue;
		uint64_t v;
		memcpy(&v, (const char *)p + row->offset, sizeof(v));
		char *line = row->kind == PARAM_ENUM
				     ? xasprintf("%s%s=%s\n", prefix, row->name, row->choices[v])
				     : xasprintf("%s%s=%llu\n", prefix, row->name, (unsigned long long)v);
		wire_put(out, line, strlen(line));
		free(line);
	}
}

static char *describe_all(const struct gen_params *p, uint64_t seed)
{
	struct wire_buffer out = {0};
	const struct gen_params *child = p->mix.items;
	char prefix[32];
	snprintf(prefix, sizeof(prefix), "seed=%llu\n", (unsigned long long)seed);
	wire_put(&out, prefix, strlen(prefix));
	describe(&out, "", &gen_schema, p);
	if (p->lock.kind) describe(&out, "lock.", &gen_lock_schema, &p->lock);
	if (p->atomic.kind) describe(&out, "atomic.", &gen_atomic_schema, &p->atomic);
	for (size_t i = 0; i < p->mix.count; i++) {
		snprintf(prefix, sizeof(prefix), "mix.%zu.", i);
		describe(&out, prefix, &gen_child_schema, &child[i]);
	}
	wire_put(&out, "", 1);
	return (char *)out.bytes;
}

/* A copy of the parameters that owns its list of children. */
static void copy_params(struct gen_params *to, const struct gen_params *from)
{
	*to = *from;
	if (!from->mix.count) {
		to->mix = (struct param_list){0};
		return;
	}
	to->mix.items = xcalloc(from->mix.count, sizeof(struct gen_params));
	memcpy(to->mix.items, from->mix.items, from->mix.count * sizeof(struct gen_params));
}

/* Puts the footprints of stream `stream` in their place. */
static void move_footprints(struct gen_params *p, uint32_t stream)
{
	struct gen_params *child = p->mix.items;
	p->base_address += stream * p->thread_bytes;
	for (size_t i = 0; i < p->mix.count; i++) child[i].base_address += stream * p->thread_bytes;
}

enum status gen_open(const char *where, const struct gen_params *p, uint64_t seed, uint32_t stream,
		     struct trace_source **out, struct err *err)
{
	*out = NULL;
	TRY(gen_check(where, p, err));
	if (p->lock.kind && p->atomic.kind)
		return err_set(err, ERR_CONFIG,
			       "%s: atomic.kind: lock.kind has sections already; one of them is none", where);
	TRY(trace_check_stream(where, stream, (uint32_t)p->threads, err));
	struct gen_source *s = xcalloc(1, sizeof(*s));
	copy_params(&s->p, p);
	s->left = p->accesses;
	s->meta = describe_all(&s->p, seed);
	move_footprints(&s->p, stream);
	s->base.ops = ops_of(p);
	uint64_t records = records_of(p);
	s->base.info = (struct trace_info){
		.format = generator_find(p->generator)->name,
		.meta = s->meta,
		.streams = (uint32_t)p->threads,
		.lacks = STREAM_NO_FETCH,
		.page_bytes = 4096,
		.records = records,
		.instructions = TRACE_UNKNOWN, /* children of a mixture may have gaps of their own */
		.file_records = records * p->threads,
		.hash = XXH64(s->meta, strlen(s->meta), 0),
	};
	if (p->generator != GEN_mix) s->base.info.instructions = p->accesses * p->instruction_gap;
	gen_start(&s->gen, &s->p, "workload", seed, stream);
	gen_atomics_start(&s->atomics, &s->p.atomic, "workload", seed, stream);
	gen_locks_start(&s->locks, &s->p.lock, p->instruction_gap, "workload", seed, stream);
	*out = &s->base;
	return OK;
}
