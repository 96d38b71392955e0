#include "lock/lock.h"

#include <assert.h>
#include <inttypes.h>

const char *const lock_kind_names[] = {
#define X(name, text, doc) #text,
	LOCK_KINDS(X)
#undef X
		NULL};

#define F struct lock_stats
static const struct stat_desc rows[] = {
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

void lock_init(struct lock *l, enum lock_kind kind, const struct coherence *c, const struct lock_costs *costs,
	       struct lock_counters *counters)
{
	*l = (struct lock){.kind = kind, .costs = *costs, .stats = &counters->lock};
	line_init(&l->line, c, &counters->line);
}

void lock_counters_register(struct lock_counters *c, struct stats *s, const char *path)
{
	stats_add(s, rows, sizeof(rows) / sizeof(rows[0]), &c->lock, "%s", path);
	stats_add(s, line_stat_rows, line_stat_row_count, &c->line, "%s.line", path);
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
	l->stats->taken++;
	l->stats->shared += as_reader(l, w);
	l->stats->wait_cycles += at - w->since;
	hist_add(&l->stats->wait, at - w->since);
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
	l->stats->contended++;
}

bool lock_acquire(struct lock *l, struct lock_waiter *w, cycles_t now, cycles_t *done)
{
	w->since = now;
	bool in_order = l->kind != LOCK_TEST_AND_SET;
	*done = takes_nothing(l, w) ? now : line_write(&l->line, w->core, now);
	if (takes_nothing(l, w) || (!(in_order && l->first) && is_free_for(l, w))) {
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

/* `w` leaves the queue. */
static void leave_queue(struct lock *l, const struct lock_waiter *w)
{
	struct lock_waiter **at = &l->first, *before = NULL;
	for (; *at != w; at = &(*at)->next) before = *at;
	*at = w->next;
	if (l->last == w) l->last = before;
}

/* Who spins on the lock's own line reads it again after a store; every second one, from the one behind `next` on, if `odd`. */
static void read_again(struct lock *l, const struct lock_waiter *next, bool odd, cycles_t now)
{
	bool reads = odd;
	for (const struct lock_waiter *w = l->first; w; w = w->next) {
		if (w == next || w->away) continue;
		if (reads) line_read(&l->line, w->core, now);
		reads = !reads;
	}
}

/* When the first of the queue has the lock that it could have from `visible` on. Each spins on a line of its own, which its
 * predecessor writes when it has the lock; the first spins on the lock's. */
static cycles_t hand_over_by_queue(struct lock *l, struct lock_waiter *w, cycles_t visible)
{
	cycles_t start = visible > l->head_ready ? visible : l->head_ready;
	cycles_t at = line_read(&l->line, w->core, start);
	if (w->next) l->head_ready = at + coherence_transfer(l->line.coherence, w->core, w->next->core);
	return at;
}

static cycles_t hand_over_by_ticket(struct lock *l, struct lock_waiter *w, cycles_t visible)
{
	read_again(l, w, true, visible);
	cycles_t at = line_read(&l->line, w->core, visible);
	read_again(l, w, false, visible);
	return at;
}

/* It reads that the lock is free, and takes it; then the others find it taken. */
static cycles_t hand_over_to_nearest(struct lock *l, struct lock_waiter *w, cycles_t visible)
{
	line_read(&l->line, w->core, visible);
	cycles_t at = line_write(&l->line, w->core, visible > l->line.free ? visible : l->line.free);
	read_again(l, w, true, at);
	read_again(l, w, false, at);
	return at;
}

/* Who is next when `core` has given the lock back; NULL: nobody looks at it. */
static struct lock_waiter *choose(const struct lock *l, unsigned core)
{
	struct lock_waiter *best = NULL;
	cycles_t nearest = 0;
	if (l->kind != LOCK_TEST_AND_SET) return l->first;
	for (struct lock_waiter *w = l->first; w; w = w->next) {
		cycles_t way = coherence_transfer(l->line.coherence, core, w->core);
		if (w->away || (best && way >= nearest)) continue;
		best = w;
		nearest = way;
	}
	return best;
}

static cycles_t hand_over(struct lock *l, struct lock_waiter *w, cycles_t visible, lock_granted_fn *granted,
			  void *ctx)
{
	static cycles_t (*const way[])(struct lock *, struct lock_waiter *, cycles_t) = {
		[LOCK_SPINLOCK] = hand_over_by_queue, [LOCK_RWLOCK] = hand_over_by_queue,
		[LOCK_MUTEX] = hand_over_by_queue,    [LOCK_RCU] = hand_over_by_queue,
		[LOCK_TICKET] = hand_over_by_ticket,  [LOCK_TEST_AND_SET] = hand_over_to_nearest};
	cycles_t start = visible > l->head_ready ? visible : l->head_ready, idle = slept(l, w, start);
	cycles_t at = way[l->kind](l, w, visible);
	if (idle) {
		l->stats->sleeps++;
		at += l->costs.sleep_wake;
		idle += l->costs.sleep_wake;
	}
	leave_queue(l, w);
	l->stats->hand_overs++;
	take(l, w, at);
	granted(ctx, w, at, idle);
	return at;
}

static void give_back(struct lock *l, const struct lock_waiter *w, cycles_t now)
{
	assert(l->holders);
	l->returns++;
	l->holders--;
	l->stats->released++;
	l->stats->hold_cycles += now > w->taken ? now - w->taken : 0;
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
	uint64_t sleeps = l->stats->sleeps;
	give_back(l, w, now);
	if (takes_nothing(l, w)) return now;
	cycles_t done = atomic ? line_write(&l->line, w->core, now) : now;
	cycles_t visible = atomic ? done : line_store(&l->line, w->core, now);
	struct lock_waiter *next;
	while ((next = choose(l, w->core)) && is_free_for(l, next))
		visible = hand_over(l, next, visible, granted, ctx);
	return l->stats->sleeps > sleeps ? done + l->costs.wake_caller : done;
}

bool lock_come_back(struct lock *l, struct lock_waiter *w, cycles_t now, cycles_t *done)
{
	w->away = false;
	if (l->kind != LOCK_TEST_AND_SET) return false;
	*done = line_write(&l->line, w->core, now);
	if (!is_free_for(l, w)) return false;
	leave_queue(l, w);
	take(l, w, *done);
	return true;
}

enum status lock_check(const struct lock *l, const char *name, struct err *err)
{
	if (l->grants == l->returns + l->holders && l->readers + l->written <= l->holders) return OK;
	return err_set(err, ERR_CHECK,
		       "lock %s: taken %" PRIu64 " times, which is not given back %" PRIu64
		       " + held %" PRIu64,
		       name, l->grants, l->returns, l->holders);
}
