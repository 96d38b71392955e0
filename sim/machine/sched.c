#include "machine/sched.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bits.h"

enum { VIRTUAL_BITS = 20 }; /* a cycle of weight 1 << 10 counts 1 << 10 */

__extension__ typedef __int128 wide_t; /* virtual times by weights */

struct queue {                    /* of a core */
	struct sched_task **task; /* the present one, too */
	unsigned count, room;
	struct sched_task *current;
	int64_t base; /* virtual time at which it was empty last */
};

struct sched {
	struct queue *queue;
	unsigned cores;
	cycles_t slice, tick;
};

struct sched *sched_new(unsigned cores, cycles_t slice, cycles_t tick)
{
	struct sched *s = xcalloc(1, sizeof(*s));
	*s = (struct sched){.cores = cores, .slice = slice, .tick = tick};
	s->queue = xcalloc(cores, sizeof(*s->queue));
	return s;
}

void sched_free(struct sched *s)
{
	if (!s) return;
	for (unsigned i = 0; i < s->cores; i++) free(s->queue[i].task);
	free(s->queue);
	free(s);
}

/* --- virtual time ---------------------------------------------------------------------------------------------- */

static int64_t virtual_of(cycles_t cycles, uint64_t weight)
{
	return (int64_t)((cycles << VIRTUAL_BITS) / weight);
}

static int64_t virtual_slice(const struct sched *s, const struct sched_task *t)
{
	return virtual_of(s->slice, t->weight);
}

/* avg_vruntime(): what all of the queue have had, by weight. Rounded down, also below 0. */
static int64_t average(const struct queue *q)
{
	wide_t sum = 0;
	int64_t weight = 0;
	for (unsigned i = 0; i < q->count; i++) {
		sum += (wide_t)q->task[i]->vruntime * (int64_t)q->task[i]->weight;
		weight += (int64_t)q->task[i]->weight;
	}
	if (!weight) return q->base;
	wide_t quotient = sum / weight;
	return (int64_t)(sum % weight < 0 ? quotient - 1 : quotient);
}

static bool is_eligible(const struct queue *q, const struct sched_task *t)
{
	return t->vruntime <= average(q);
}

static bool is_before(const struct sched_task *a, const struct sched_task *b)
{
	return a->deadline != b->deadline ? a->deadline < b->deadline : a->number < b->number;
}

/* pick_eevdf() */
static struct sched_task *pick(const struct queue *q)
{
	int64_t now = average(q);
	struct sched_task *best = NULL;
	for (unsigned i = 0; i < q->count; i++) {
		struct sched_task *t = q->task[i];
		if (t->vruntime <= now && (!best || is_before(t, best))) best = t;
	}
	assert(best || !q->count); /* whoever has had least is eligible */
	return best;
}

/* --- queues ---------------------------------------------------------------------------------------------------- */

static void append(struct queue *q, struct sched_task *t)
{
	if (q->count == q->room) {
		q->room = q->room ? 2 * q->room : 4;
		q->task = xrealloc(q->task, q->room, sizeof(struct sched_task *));
	}
	q->task[q->count++] = t;
}

static uint64_t weight_of(const struct queue *q)
{
	uint64_t sum = 0;
	for (unsigned i = 0; i < q->count; i++) sum += q->task[i]->weight;
	return sum;
}

/* place_entity(): its arrival moves the average, so the lag is stretched to be the same afterwards. */
static void enqueue(struct sched *s, unsigned core, struct sched_task *t)
{
	struct queue *q = &s->queue[core];
	uint64_t load = weight_of(q);
	wide_t lag = 0;
	if (load) lag = (wide_t)t->lag * (int64_t)(load + t->weight) / (int64_t)load;
	t->vruntime = average(q) - (int64_t)lag;
	t->deadline = t->vruntime + virtual_slice(s, t);
	t->core = core;
	t->queued = true;
	append(q, t);
}

/* update_entity_lag() */
static void dequeue(struct sched *s, struct sched_task *t)
{
	struct queue *q = &s->queue[t->core];
	int64_t most = 2 * virtual_slice(s, t), lag = average(q) - t->vruntime;
	unsigned at = 0;
	t->lag = lag > most ? most : lag < -most ? -most : lag;
	q->base = average(q);
	while (q->task[at] != t) at++;
	memmove(&q->task[at], &q->task[at + 1], (q->count - at - 1) * sizeof(q->task[0]));
	q->count--;
	t->queued = false;
}

static bool is_allowed(const struct sched_task *t, unsigned core)
{
	return t->allowed[core / 64] >> core % 64 & 1;
}

/* --- places ---------------------------------------------------------------------------------------------------- */

static unsigned distance(unsigned a, unsigned b) { return a > b ? a - b : b - a; }

/* An idle core where `t` may run, the nearest to where it was; otherwise that. */
static unsigned place(const struct sched *s, const struct sched_task *t)
{
	unsigned best = s->cores;
	for (unsigned c = 0; c < s->cores; c++) {
		if (s->queue[c].count || !is_allowed(t, c)) continue;
		if (best == s->cores || distance(c, t->core) < distance(best, t->core)) best = c;
	}
	return best < s->cores ? best : t->core;
}

unsigned sched_wake(struct sched *s, struct sched_task *t, cycles_t now)
{
	assert(!t->queued);
	t->since = now;
	enqueue(s, place(s, t), t);
	return t->core;
}

bool sched_preempts(const struct sched *s, const struct sched_task *t)
{
	const struct queue *q = &s->queue[t->core];
	return q->current && q->current != t && !is_eligible(q, q->current) && pick(q) == t;
}

/* The queue with most tasks waiting of which one may run on `core`, and of these the one that has waited longest. */
static struct sched_task *find_help(const struct sched *s, unsigned core)
{
	struct sched_task *best = NULL;
	unsigned most = 0;
	for (unsigned c = 0; c < s->cores; c++) {
		unsigned waiting = sched_waiting(s, c);
		if (waiting <= most) continue;
		struct sched_task *longest = NULL;
		for (unsigned i = 0; i < s->queue[c].count; i++) {
			struct sched_task *t = s->queue[c].task[i];
			if (t == s->queue[c].current || !is_allowed(t, core)) continue;
			if (!longest || t->since < longest->since) longest = t;
		}
		if (longest) best = longest, most = waiting;
	}
	return best;
}

static void move(struct sched *s, struct sched_task *t, unsigned core)
{
	dequeue(s, t);
	enqueue(s, core, t);
}

/* --- the present task ------------------------------------------------------------------------------------------ */

struct sched_task *sched_current(const struct sched *s, unsigned core) { return s->queue[core].current; }

void sched_charge(struct sched *s, unsigned core, cycles_t cycles)
{
	struct sched_task *t = s->queue[core].current;
	t->vruntime += virtual_of(cycles, t->weight);
}

void sched_leave(struct sched *s, unsigned core, bool runnable, cycles_t now)
{
	struct sched_task *t = s->queue[core].current;
	s->queue[core].current = NULL;
	t->since = now;
	if (!runnable) dequeue(s, t);
}

void sched_drop(struct sched *s, struct sched_task *t)
{
	assert(t->queued && s->queue[t->core].current != t);
	dequeue(s, t);
}

struct sched_task *sched_next(struct sched *s, unsigned core)
{
	struct queue *q = &s->queue[core];
	assert(!q->current);
	if (!q->count) {
		struct sched_task *help = find_help(s, core);
		if (help) move(s, help, core);
	}
	return q->current = pick(q);
}

unsigned sched_waiting(const struct sched *s, unsigned core)
{
	const struct queue *q = &s->queue[core];
	return q->count - (q->current != NULL);
}

cycles_t sched_stop_at(const struct sched *s, unsigned core, cycles_t now)
{
	const struct sched_task *t = s->queue[core].current;
	if (!t || !sched_waiting(s, core)) return UINT64_MAX;
	uint64_t left = t->deadline > t->vruntime ? (uint64_t)(t->deadline - t->vruntime) : 0;
	cycles_t end = now + ((left * t->weight + bits_ones(VIRTUAL_BITS)) >> VIRTUAL_BITS);
	return s->tick ? (end + s->tick - 1) / s->tick * s->tick : end;
}

unsigned sched_idle_core(const struct sched *s, const struct sched_task *t)
{
	unsigned c = place(s, t);
	return s->queue[c].count ? s->cores : c;
}

/* Gives one that waits here to a busy core that has two less. */
static void balance(struct sched *s, unsigned core)
{
	struct queue *q = &s->queue[core];
	for (unsigned c = 0; c < s->cores; c++) {
		if (!s->queue[c].current || s->queue[c].count + 2 > q->count) continue;
		for (unsigned i = 0; i < q->count; i++) {
			if (q->task[i] == q->current || !is_allowed(q->task[i], c)) continue;
			move(s, q->task[i], c);
			return;
		}
	}
}

bool sched_expire(struct sched *s, unsigned core)
{
	struct queue *q = &s->queue[core];
	struct sched_task *t = q->current;
	if (t->deadline <= t->vruntime)
		t->deadline = t->vruntime + virtual_slice(s, t); /* update_deadline() */
	balance(s, core);
	return pick(q) != t;
}

/* As it runs the average follows it by its share of the weight. */
static cycles_t ineligible_in(const struct queue *q, const struct sched_task *t)
{
	int64_t all = (int64_t)weight_of(q), own = (int64_t)t->weight, ahead = average(q) - t->vruntime;
	wide_t left = (wide_t)ahead * all / (all - own) + 1;
	return ((uint64_t)left * t->weight + bits_ones(VIRTUAL_BITS)) >> VIRTUAL_BITS;
}

bool sched_give_way(struct sched *s, unsigned core, cycles_t *later)
{
	struct queue *q = &s->queue[core];
	struct sched_task *t = q->current;
	int64_t deadline = t->deadline;
	t->deadline = t->vruntime + 2 * virtual_slice(s, t);
	if (pick(q) != t) return true;
	t->deadline = deadline;
	*later = ineligible_in(q, t);
	return false;
}
