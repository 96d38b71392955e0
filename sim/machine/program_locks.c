#include "machine/program_locks.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"

struct named {
	uint64_t word;
	struct lock *lock; /* NULL: a free place */
};

struct program_locks {
	const struct coherence *coherence;
	struct lock_costs costs;
	struct lock_counters counters[LOCK_KIND_COUNT];
	struct named *at; /* open addressing, never more than half full */
	size_t mask, used;
	struct stats *stats; /* where kinds are registered as they are first taken */
	char prefix[16];
	bool registered[LOCK_KIND_COUNT];
};

struct program_locks *program_locks_new(const struct coherence *c, const struct lock_costs *costs)
{
	struct program_locks *l = xcalloc(1, sizeof(*l));
	l->coherence = c;
	l->costs = *costs;
	l->mask = 15;
	l->at = xcalloc(l->mask + 1, sizeof(*l->at));
	return l;
}

void program_locks_free(struct program_locks *l)
{
	if (!l) return;
	for (size_t i = 0; i <= l->mask; i++) free(l->at[i].lock);
	free(l->at);
	free(l);
}

void program_locks_register_stats(struct program_locks *l, struct stats *s, const char *prefix)
{
	l->stats = s;
	snprintf(l->prefix, sizeof(l->prefix), "%s", prefix);
}

static void register_kind(struct program_locks *l, enum lock_kind kind)
{
	char path[64];
	if (!l->stats || l->registered[kind]) return;
	l->registered[kind] = true;
	snprintf(path, sizeof(path), "%sprogram_locks.%s", l->prefix, lock_kind_names[kind]);
	lock_counters_register(&l->counters[kind], l->stats, path);
}

/* --- locks by their words ---------------------------------------------------------------------------------------- */

static struct named *place_of(const struct program_locks *l, uint64_t word)
{
	size_t i = (size_t)(word * UINT64_C(0x9e3779b97f4a7c15) >> 20);
	for (i &= l->mask; l->at[i].lock && l->at[i].word != word; i = (i + 1) & l->mask) {}
	return &l->at[i];
}

static void grow(struct program_locks *l)
{
	struct program_locks old = *l;
	l->mask = 2 * l->mask + 1;
	l->at = xcalloc(l->mask + 1, sizeof(*l->at));
	for (size_t i = 0; i <= old.mask; i++)
		if (old.at[i].lock) *place_of(l, old.at[i].word) = old.at[i];
	free(old.at);
}

static struct lock *find_or_make(struct program_locks *l, uint64_t word, enum lock_kind kind)
{
	struct named *n = place_of(l, word);
	if (n->lock) return n->lock;
	if (2 * l->used >= l->mask) {
		grow(l);
		n = place_of(l, word);
	}
	l->used++;
	register_kind(l, kind);
	*n = (struct named){word, xcalloc(1, sizeof(struct lock))};
	lock_init(n->lock, kind, l->coherence, &l->costs, &l->counters[kind]);
	return n->lock;
}

/* --- who has them -------------------------------------------------------------------------------------------------- */

static struct lock_hold *hold_of(struct lock_user *u, uint64_t word)
{
	for (unsigned i = 0; i < PROGRAM_LOCKS_HELD; i++)
		if (u->hold[i].lock && u->hold[i].word == word) return &u->hold[i];
	return NULL;
}

static struct lock_hold *free_hold(struct lock_user *u)
{
	for (unsigned i = 0; i < PROGRAM_LOCKS_HELD; i++)
		if (!u->hold[i].lock) return &u->hold[i];
	return NULL;
}

static enum status check_take(struct lock_user *u, const struct record *rec, struct err *err)
{
	if (rec->count >= LOCK_KIND_COUNT)
		return err_set(err, ERR_INPUT,
			       "the workload takes the lock at 0x%" PRIx64 " as one of kind %" PRIu32
			       ", outside of 0..%d",
			       rec->addr, rec->count, LOCK_KIND_COUNT - 1);
	if (hold_of(u, rec->addr))
		return err_set(err, ERR_INPUT,
			       "the workload takes the lock at 0x%" PRIx64 " in a thread that has it",
			       rec->addr);
	if (!free_hold(u))
		return err_set(err, ERR_INPUT,
			       "the workload takes the lock at 0x%" PRIx64
			       " in a thread that has %d locks; no more are allowed",
			       rec->addr, PROGRAM_LOCKS_HELD);
	return OK;
}

enum status program_locks_take(struct program_locks *l, struct lock_user *u, unsigned core,
			       const struct record *rec, cycles_t now, cycles_t *done, struct err *err)
{
	TRY(check_take(u, rec, err));
	enum lock_kind kind = (enum lock_kind)rec->count;
	struct lock *lock = find_or_make(l, rec->addr, kind);
	if (lock->kind != kind)
		return err_set(err, ERR_INPUT,
			       "the workload takes the lock at 0x%" PRIx64 " as a %s; it is a %s", rec->addr,
			       lock_kind_names[kind], lock_kind_names[lock->kind]);
	struct lock_hold *h = free_hold(u);
	*h = (struct lock_hold){.word = rec->addr, .lock = lock};
	h->waiter = (struct lock_waiter){
		.core = core, .shared = (rec->flags & REC_SHARED) != 0, .owner = u->owner};
	if (lock_acquire(lock, &h->waiter, now, done)) return OK;
	u->waits = h;
	*done = UINT64_MAX;
	return OK;
}

enum status program_locks_give(struct program_locks *l, struct lock_user *u, const struct record *rec,
			       cycles_t now, lock_granted_fn *granted, void *ctx, cycles_t *done,
			       struct err *err)
{
	struct lock_hold *h = hold_of(u, rec->addr);
	(void)l;
	if (!h)
		return err_set(err, ERR_INPUT,
			       "the workload gives back the lock at 0x%" PRIx64
			       " in a thread that has it not",
			       rec->addr);
	*done = lock_release(h->lock, &h->waiter, now, granted, ctx);
	h->lock = NULL;
	return OK;
}

void lock_user_move(struct lock_user *u, unsigned core)
{
	for (unsigned i = 0; i < PROGRAM_LOCKS_HELD; i++) u->hold[i].waiter.core = core;
}

void lock_user_granted(struct lock_user *u, cycles_t at)
{
	u->waits = NULL;
	u->granted_at = at;
}

enum status program_locks_check(const struct program_locks *l, struct err *err)
{
	char name[32];
	for (size_t i = 0; i <= l->mask; i++) {
		if (!l->at[i].lock) continue;
		snprintf(name, sizeof(name), "0x%" PRIx64, l->at[i].word);
		TRY(lock_check(l->at[i].lock, name, err));
	}
	return OK;
}
