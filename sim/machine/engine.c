#include "machine/engine.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "event/turns.h"
#include "machine/machine_host.h"
#include "machine/turns_ahead.h"

enum { THREAD_BATCH = 64 }; /* small, so that the batches of all threads stay in the caches of the host */

/* A thread of the workload: its stream, and what was read of it ahead. */
struct thread {
	cycles_t when; /* its next record begins; of the one that runs, the present turn did */
	bool queued;   /* its turn is to come */
	bool ended;    /* its stream has ended */
	bool waits;    /* for another thread */
	size_t at, count;
	struct trace_source *source;
	bool hits;         /* its latest turn was long */
	struct event wake; /* from sleep; of vCPUs that are scheduled */
	struct turns_ahead ahead;
	struct record buf[THREAD_BATCH];
};

struct engine {
	struct machine *machine;
	struct turns turns;       /* of the threads that have not ended, and are not running */
	struct event_queue queue; /* of all else */
	struct thread *thread;
	unsigned threads;
	cycles_t lookahead;
	bool foresees;  /* the host fetches what turns to come look at */
	bool scheduled; /* a host says which threads have turns (machine_host.h) */
	bool started;
	struct event operation; /* the next step of an operation on memory */
};

static unsigned number_of(const struct engine *e, const struct thread *t)
{
	return (unsigned)(t - e->thread);
}

static void drop_turn(struct engine *e, struct thread *t)
{
	if (t->queued) turns_drop(&e->turns, number_of(e, t), t->when);
	t->queued = false;
}

static void queue_turn(struct engine *e, struct thread *t, cycles_t when)
{
	drop_turn(e, t);
	turns_put(&e->turns, number_of(e, t), when);
	t->when = when;
	t->queued = true;
}

static struct thread *take_turn(struct engine *e)
{
	struct thread *t = &e->thread[turns_take(&e->turns).number];
	t->queued = false;
	return t;
}

/* The event that comes before all turns; NULL: none does. Of equal times what hardware does by itself comes first. */
static const struct event *first_event(const struct engine *e)
{
	const struct event *event = event_first(&e->queue);
	const struct turn *turn = turns_at(&e->turns, 0);
	return event && (!turn || event->when <= turn->when) ? event : NULL;
}

/* When the next thread has its turn, or something else happens; UINT64_MAX: never. */
static cycles_t next_time(const struct engine *e)
{
	const struct event *event = event_first(&e->queue);
	const struct turn *turn = turns_at(&e->turns, 0);
	cycles_t when = turn ? turn->when : UINT64_MAX;
	return event && event->when < when ? event->when : when;
}

static void on_wake(void *engine, unsigned t)
{
	struct engine *e = engine;
	struct thread *th = &e->thread[t];
	if (!th->waits && (e->scheduled || !th->queued))
		return; /* it has not come to wait yet: its turn is not over */
	cycles_t when = th->waits ? machine_now(e->machine, t) : machine_resumes(e->machine, t);
	th->waits = false;
	queue_turn(e, th, when);
}

struct engine *engine_new(struct machine *m, struct trace_source *const *source)
{
	struct engine *e = xcalloc(1, sizeof(*e));
	e->machine = m;
	e->lookahead = machine_take_turns(m);
	e->foresees = machine_foresees(m);
	e->threads = machine_threads(m);
	e->scheduled = machine_schedules(m);
	unsigned tasks = machine_host_tasks(m);
	e->thread = xcalloc(e->threads + tasks, sizeof(*e->thread));
	turns_init(&e->turns, e->threads);
	machine_on_wake(m, on_wake, e);
	e->operation = (struct event){.owner = e, .phase = EVENT_HARDWARE};
	for (unsigned t = 0; t < e->threads; t++) {
		e->thread[t].source = source[t];
		e->thread[t].wake = (struct event){.owner = &e->thread[t], .phase = EVENT_HARDWARE};
		if (!e->scheduled) queue_turn(e, &e->thread[t], 0);
	}
	for (unsigned t = e->threads; t < e->threads + tasks; t++)
		e->thread[t].wake = (struct event){.owner = &e->thread[t], .phase = EVENT_HARDWARE};
	return e;
}

void engine_free(struct engine *e)
{
	if (!e) return;
	event_queue_fini(&e->queue);
	turns_fini(&e->turns);
	free(e->thread);
	free(e);
}

static enum status refill(struct thread *t, struct err *err)
{
	if (t->at < t->count || t->ended) return OK;
	t->at = 0;
	turns_ahead_restart(&t->ahead);
	TRY(trace_next(t->source, t->buf, THREAD_BATCH, &t->count, err));
	t->ended = !t->count;
	return OK;
}

cycles_t engine_now(const struct engine *e)
{
	cycles_t next = next_time(e);
	return next == UINT64_MAX ? 0 : next;
}

static uint64_t count_data(const struct record *rec, size_t n)
{
	uint64_t count = 0;
	for (size_t i = 0; i < n; i++) count += rec[i].kind == REC_LOAD || rec[i].kind == REC_STORE;
	return count;
}

/* Until when `t` may go on: a lookahead beyond the next thread; but what it does below its guest is what others see, in strict
 * order of time. */
static cycles_t horizon(const struct engine *e, const struct thread *t)
{
	cycles_t next = next_time(e);
	if (next == UINT64_MAX || machine_is_busy(e->machine, number_of(e, t))) return next;
	return next + e->lookahead;
}

/* What is left of a region, and was executed in all. */
struct progress {
	uint64_t *left, *records;
};

/* Runs what has been read of `t`, up to the horizon. */
static enum status run(struct engine *e, struct thread *t, cycles_t until, const struct progress *p,
		       struct core_turn *turn, struct err *err)
{
	size_t n = t->count - t->at;
	const struct record *rec = &t->buf[t->at];
	if (n > *p->left) n = *p->left;
	TRY(machine_run_until(e->machine, number_of(e, t), rec, n, until, turn, err));
	t->at += turn->executed;
	*p->records += turn->executed;
	if (*p->left != UINT64_MAX) *p->left -= count_data(rec, turn->executed);
	return refill(t, err);
}

static bool has_more(const struct engine *e, const struct thread *t)
{
	return t->count || machine_is_busy(e->machine, number_of(e, t));
}

static cycles_t next_of(const struct engine *e, const struct thread *t)
{
	if (machine_is_busy(e->machine, number_of(e, t))) return machine_resumes(e->machine, number_of(e, t));
	return machine_next(e->machine, number_of(e, t), &t->buf[t->at]);
}

static enum status check_end(const struct engine *e, struct err *err)
{
	unsigned waiting = 0;
	for (unsigned t = 0; t < e->threads; t++) waiting += machine_waits(e->machine, t);
	if (!waiting) return OK;
	return err_set(err, ERR_INPUT, "%u threads wait for locks that nobody gives back", waiting);
}

/* Whether `t` goes on in this turn; else *next is when it does. */
static bool goes_on(const struct engine *e, const struct thread *t, cycles_t *next)
{
	if (machine_is_busy(e->machine, number_of(e, t))) return (*next = next_of(e, t)) < horizon(e, t);
	return machine_goes_on(e->machine, number_of(e, t), &t->buf[t->at], horizon(e, t), next);
}

/* --- threads that a host schedules -------------------------------------------------------------------------------- */

static void on_runs(void *self, unsigned t)
{
	struct engine *e = self;
	event_drop(&e->queue, &e->thread[t].wake);
	queue_turn(e, &e->thread[t], machine_now(e->machine, t));
}

static void on_stops(void *self, unsigned t)
{
	struct engine *e = self;
	drop_turn(e, &e->thread[t]);
}

static void on_wakes(void *self, unsigned t, cycles_t at)
{
	struct engine *e = self;
	event_at(&e->queue, &e->thread[t].wake, at);
}

/* It waits for a lock on its core. */
static enum status spin_turn(struct engine *e, struct thread *t, struct err *err)
{
	unsigned number = number_of(e, t);
	cycles_t next;
	TRY(machine_spin(e->machine, number, t->when, &next, err));
	if (next != UINT64_MAX) queue_turn(e, t, next);
	return OK;
}

/* Runs a thread that has a core, until another one's turn, or until it has to make way, sleeps or ends. */
static enum status scheduled_turn(struct engine *e, struct thread *t, const struct progress *p,
				  struct err *err)
{
	unsigned number = number_of(e, t);
	struct core_turn turn;
	cycles_t next;
	cycles_t until = horizon(e, t), stop = machine_stop_at(e->machine, number);
	TRY(refill(t, err));
	machine_accept(e->machine, number);
	if (machine_waits(e->machine, number)) return spin_turn(e, t, err);
	while (t->count && *p->left) {
		if (machine_now(e->machine, number) >= stop) {
			queue_turn(e, t, next_of(e, t));
			return machine_expire(e->machine, number, err);
		}
		/* The turn was for whoever would be there. */
		if (next_of(e, t) > t->when && !goes_on(e, t, &next)) break;
		TRY(run(e, t, until < stop ? until : stop, p, &turn, err));
		if (machine_has_stopped(e->machine, number)) return OK;
		if (machine_waits(e->machine, number)) return spin_turn(e, t, err);
	}
	if (!t->count) return machine_end(e->machine, number, err);
	queue_turn(e, t, next_of(e, t));
	return OK;
}

static enum status start(struct engine *e, struct err *err)
{
	const struct machine_turns turns = {e, on_runs, on_stops, on_wakes};
	e->started = true;
	return machine_start(e->machine, &turns, err);
}

static enum status wake_thread(struct engine *e, struct err *err)
{
	struct event *first = event_take(&e->queue);
	return machine_wake(e->machine, number_of(e, first->owner), first->when, err);
}

/* --- operations on memory ---------------------------------------------------------------------------------------- */

static void schedule_operation(struct engine *e)
{
	cycles_t next = machine_next_operation(e->machine);
	if (next != UINT64_MAX) event_at(&e->queue, &e->operation, next);
}

void engine_begin_operations(struct engine *e)
{
	machine_begin_operations(e->machine);
	schedule_operation(e);
}

/* Threads that were stopped go on later than the queue says. */
static void put_off_threads(struct engine *e)
{
	for (unsigned i = 0; i < e->threads; i++) {
		struct thread *t = &e->thread[i];
		if (t->queued && (t->at < t->count || machine_is_busy(e->machine, i)))
			queue_turn(e, t, next_of(e, t));
	}
}

/* Nobody is left whom an operation could be done to: it ends where it is. */
static enum status turn_operation(struct engine *e, bool *more, struct err *err)
{
	bool held;
	event_drop(&e->queue, &e->operation);
	*more = e->turns.count || e->queue.count;
	if (!*more) return OK;
	TRY(machine_turn_operations(e->machine, &held, err));
	if (held) put_off_threads(e);
	schedule_operation(e);
	return OK;
}

/* --- turns --------------------------------------------------------------------------------------------------------- */

/* One thread has had its turn: so all others are one nearer to theirs. */
static void foresee_turns(struct engine *e)
{
	for (unsigned step = 0; step < FORESIGHT_STEPS; step++) {
		const struct turn *turn = turns_at(&e->turns, turns_ahead_distance[step]);
		struct thread *t = turn ? &e->thread[turn->number] : NULL;
		if (t && !t->hits)
			machine_foresee(e->machine, turn->number, &t->ahead, step, t->buf, t->at, t->count);
	}
}

/* Runs a thread with a core of its own until another one's turn, or until it waits or ends. */
static enum status own_turn(struct engine *e, struct thread *t, const struct progress *p, struct err *err)
{
	struct core_turn turn = {0};
	uint64_t before = *p->records;
	TRY(refill(t, err));
	bool late = machine_accept(e->machine, number_of(e, t));
	if (late && has_more(e, t) && *p->left && next_of(e, t) >= horizon(e, t)) {
		queue_turn(e, t, next_of(e, t));
		return OK;
	}
	while (!turn.over && has_more(e, t) && *p->left) {
		TRY(run(e, t, horizon(e, t), p, &turn, err));
		if (machine_waits(e->machine, number_of(e, t))) {
			t->waits = true;
			return OK;
		}
		if (!turn.over && has_more(e, t)) turn.over = !goes_on(e, t, &turn.next);
	}
	if (has_more(e, t)) queue_turn(e, t, turn.over ? turn.next : next_of(e, t));
	t->hits = *p->records - before > TURNS_AHEAD_TURN;
	if (e->foresees) foresee_turns(e);
	return OK;
}

enum status engine_turn(struct engine *e, uint64_t *left, uint64_t *records, bool *more, struct err *err)
{
	const struct progress progress = {left, records};
	if (e->scheduled && !e->started) TRY(start(e, err));
	const struct event *event = first_event(e);
	*more = event || e->turns.count;
	if (!*more) return check_end(e, err);
	if (event == &e->operation) return turn_operation(e, more, err);
	if (event) return wake_thread(e, err);
	struct thread *t = take_turn(e);
	return e->scheduled ? scheduled_turn(e, t, &progress, err) : own_turn(e, t, &progress, err);
}
