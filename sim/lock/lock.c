#include "lock/lock.h"

#include <assert.h>
#include <inttypes.h>

const char *const lock_kind_names[] = {
#define X(name, text, doc) #text,
	LOCK_KINDS(X)
#undef X
		NULL};

#define F struct lock_stats
const struct stat_desc lock_stat_rows[] = {
	STAT(F, taken, "acquisitions", "the lock was taken"),
	STAT(F, shared, "acquisitions", "of them, beside others that hold it"),
	STAT(F, contended, "acquisitions", "of them, after waiting for a holder"),
	STAT(F, released, "releases", "the lock was given back"),
	STAT(F, hand_overs, "hand-overs", "a release let a waiter go on"),
	STAT(F, sleeps, "waits", "a waiter gave up spinning and slept"),
	STAT(F, wait_cycles, "cycles", "from asking for the lock to having it"),
	STAT(F, hold_cycles, "cycles", "from having it to giving it back"),
	STAT_DIST(F, wait, "cycles", "wait of each acquisition"),
};
#undef F
const size_t lock_stat_row_count = sizeof(lock_stat_rows) / sizeof(lock_stat_rows[0]);

void lock_init(struct lock *l, enum lock_kind kind, const struct coherence *c, const struct lock_costs *costs)
{
	*l = (struct lock){.kind = kind, .costs = *costs};
	line_init(&l->line, c);
}

void lock_register_stats(struct lock *l, struct stats *s, const char *path)
{
	stats_add(s, lock_stat_rows, lock_stat_row_count, &l->stats, "%s", path);
	stats_add(s, line_stat_rows, line_stat_row_count, &l->line.stats, "%s.line", path);
}

/* --- who may hold it beside whom --------------------------------------------------------------------------------- */

static bool has_readers(const struct lock *l) { return l->kind == LOCK_RWLOCK || l->kind == LOCK_RCU; }
static bool as_reader(const struct lock *l, const struct lock_waiter *w)
{
	return w->shared && has_readers(l);
}
static bool takes_nothing(const struct lock *l, const struct lock_waiter *w)
{
	return w->shared && l->kind == LOCK_RCU;
}

/* RCU's readers are in nobody's way, so they are not counted. */
static bool is_free_for(const struct lock *l, const struct lock_waiter *w)
{
	return !l->written && (as_reader(l, w) || !l->readers);
}

static void take(struct lock *l, struct lock_waiter *w, cycles_t at)
{
	w->taken = at;
	l->grants++;
	l->holders++;
	l->stats.taken++;
	l->stats.shared += as_reader(l, w);
	l->stats.wait_cycles += at - w->since;
	hist_add(&l->stats.wait, at - w->since);
	if (takes_nothing(l, w)) return;
	if (as_reader(l, w))
		l->readers++;
	else
		l->written = true;
}

/* --- taking it --------------------------------------------------------------------------------------------------- */

static void queue(struct lock *l, struct lock_waiter *w)
{
	w->next = NULL;
	if (l->last)
		l->last->next = w;
	else
		l->first = w;
	l->last = w;
	l->stats.contended++;
}

bool lock_acquire(struct lock *l, struct lock_waiter *w, cycles_t now, cycles_t *done)
{
	w->since = now;
	*done = takes_nothing(l, w) ? now : line_write(&l->line, w->core, now);
	if (takes_nothing(l, w) || (!l->first && is_free_for(l, w))) {
		take(l, w, *done);
		return true;
	}
	if (!l->first) l->head_ready = *done;
	queue(l, w);
	return false;
}

/* --- handing it over --------------------------------------------------------------------------------------------- */

/* How long a waiter slept that was let go on at `at`; 0: it was still spinning. */
static cycles_t slept(const struct lock *l, const struct lock_waiter *w, cycles_t at)
{
	if (l->kind != LOCK_MUTEX || at <= w->since + l->costs.spin_limit) return 0;
	return at - w->since - l->costs.spin_limit;
}

/* The first of the queue gets the lock, which it could from `visible` on: it spins on the lock's line, and who comes behind it
 * on a line of its own, which its predecessor writes when it has the lock. Returns when it has it. */
static cycles_t hand_over(struct lock *l, cycles_t visible, lock_granted_fn *granted, void *ctx)
{
	struct lock_waiter *w = l->first;
	cycles_t start = visible > l->head_ready ? visible : l->head_ready, idle = slept(l, w, start);
	cycles_t at = line_read(&l->line, w->core, start);
	if (idle) {
		l->stats.sleeps++;
		at += l->costs.sleep_wake;
		idle += l->costs.sleep_wake;
	}
	l->first = w->next;
	if (!l->first) l->last = NULL;
	if (l->first) l->head_ready = at + coherence_transfer(l->line.coherence, w->core, l->first->core);
	l->stats.hand_overs++;
	take(l, w, at);
	granted(ctx, w, at, idle);
	return at;
}

static void give_back(struct lock *l, const struct lock_waiter *w, cycles_t now)
{
	assert(l->holders);
	l->returns++;
	l->holders--;
	l->stats.released++;
	l->stats.hold_cycles += now > w->taken ? now - w->taken : 0;
	if (takes_nothing(l, w)) return;
	if (as_reader(l, w))
		l->readers--;
	else
		l->written = false;
}

/* A reader counts itself out with an atomic; who holds a lock alone clears it by a store that it does not wait for. */
cycles_t lock_release(struct lock *l, struct lock_waiter *w, cycles_t now, lock_granted_fn *granted,
		      void *ctx)
{
	bool atomic = as_reader(l, w);
	uint64_t sleeps = l->stats.sleeps;
	give_back(l, w, now);
	if (takes_nothing(l, w)) return now;
	cycles_t done = atomic ? line_write(&l->line, w->core, now) : now;
	cycles_t visible = atomic ? done : line_store(&l->line, w->core, now);
	while (l->first && is_free_for(l, l->first)) visible = hand_over(l, visible, granted, ctx);
	return l->stats.sleeps > sleeps ? done + l->costs.wake_caller : done;
}

enum status lock_check(const struct lock *l, const char *name, struct err *err)
{
	if (l->grants == l->returns + l->holders && l->readers + l->written <= l->holders) return OK;
	return err_set(err, ERR_CHECK,
		       "lock %s: taken %" PRIu64 " times, which is not given back %" PRIu64
		       " + held %" PRIu64,
		       name, l->grants, l->returns, l->holders);
}
