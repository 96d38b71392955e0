#define _GNU_SOURCE /* sched_getaffinity */
#include "trace/ahead.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "trace/format.h"

enum { AHEAD_BATCHES = 8 };

/* What one call of the inner source's next() gave. */
struct batch {
	struct record rec[TRACE_BATCH];
	size_t count;
	enum status status;
	struct err err;
};

struct ahead {
	struct trace_source base;
	struct trace_source *inner; /* the thread's alone while it runs */
	struct batch *batch;        /* a ring; those from taken to filled - 1 are the reader's */
	const struct batch *held;   /* the reader's batch; NULL: none */
	size_t at;                  /* records of it that next() has copied */
	pthread_t thread;

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t changed;
	size_t filled, taken; /* batches since the beginning */
	bool stop;
};

/* --- the thread -------------------------------------------------------------------------------------------------- */

/* Waits for room; false: nobody wants more. */
static bool wait_for_room(struct ahead *a)
{
	pthread_mutex_lock(&a->lock);
	while (!a->stop && a->filled - a->taken == AHEAD_BATCHES) pthread_cond_wait(&a->changed, &a->lock);
	bool wanted = !a->stop;
	pthread_mutex_unlock(&a->lock);
	return wanted;
}

static void hand_over(struct ahead *a)
{
	pthread_mutex_lock(&a->lock);
	a->filled++;
	pthread_cond_signal(&a->changed);
	pthread_mutex_unlock(&a->lock);
}

static void *read_ahead(void *self)
{
	struct ahead *a = self;
	for (size_t i = 0; wait_for_room(a); i++) {
		struct batch *b = &a->batch[i % AHEAD_BATCHES];
		b->status = trace_next(a->inner, b->rec, TRACE_BATCH, &b->count, &b->err);
		bool last = b->status != OK || b->count == 0;
		hand_over(a);
		if (last) break;
	}
	return NULL;
}

/* --- the reader -------------------------------------------------------------------------------------------------- */

static void give_back(struct ahead *a)
{
	if (!a->held) return;
	pthread_mutex_lock(&a->lock);
	a->taken++;
	pthread_cond_signal(&a->changed);
	pthread_mutex_unlock(&a->lock);
	a->held = NULL;
}

/* The batch that is next in order; the last one, of an error or the end, stays. */
static const struct batch *take(struct ahead *a)
{
	pthread_mutex_lock(&a->lock);
	while (a->filled == a->taken) pthread_cond_wait(&a->changed, &a->lock);
	const struct batch *b = &a->batch[a->taken % AHEAD_BATCHES];
	pthread_mutex_unlock(&a->lock);
	a->at = 0;
	if (b->status == OK && b->count) a->held = b;
	return b;
}

static enum status borrow(struct trace_source *src, const struct record **rec, size_t *n, struct err *err)
{
	struct ahead *a = (struct ahead *)src;
	give_back(a);
	const struct batch *b = take(a);
	*rec = b->rec;
	*n = b->status == OK ? b->count : 0;
	if (b->status != OK) *err = b->err;
	return b->status;
}

static enum status next(struct trace_source *src, struct record *buf, size_t cap, size_t *n, struct err *err)
{
	struct ahead *a = (struct ahead *)src;
	const struct record *rec;
	if (!a->held || a->at == a->held->count) TRY(borrow(src, &rec, n, err));
	*n = 0;
	if (!a->held) return OK;
	*n = a->held->count - a->at < cap ? a->held->count - a->at : cap;
	memcpy(buf, a->held->rec + a->at, *n * sizeof(*buf));
	a->at += *n;
	return OK;
}

static void close_ahead(struct trace_source *src)
{
	struct ahead *a = (struct ahead *)src;
	pthread_mutex_lock(&a->lock);
	a->stop = true;
	pthread_cond_signal(&a->changed);
	pthread_mutex_unlock(&a->lock);
	pthread_join(a->thread, NULL);
	pthread_cond_destroy(&a->changed);
	pthread_mutex_destroy(&a->lock);
	trace_close(a->inner);
	free(a->batch);
	free(a);
}

static const struct source_ops ops = {.next = next, .borrow = borrow, .close = close_ahead};

struct trace_source *trace_ahead(struct trace_source *inner)
{
	struct ahead *a = xcalloc(1, sizeof(*a));
	a->base = (struct trace_source){&ops, *trace_source_info(inner)};
	a->inner = inner;
	a->batch = xcalloc(AHEAD_BATCHES, sizeof(*a->batch));
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->changed, NULL);
	if (pthread_create(&a->thread, NULL, read_ahead, a) == 0) return &a->base;
	pthread_cond_destroy(&a->changed);
	pthread_mutex_destroy(&a->lock);
	free(a->batch);
	free(a);
	return inner;
}

unsigned trace_host_cpus(void)
{
	cpu_set_t set;
	return sched_getaffinity(0, sizeof(set), &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
}
