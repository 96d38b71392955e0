/* The host's run queues: who runs, for how long, where; and how long a host polls for a halted vCPU. */
#include <stdlib.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/rng.h"
#include "machine/halt_poll.h"
#include "machine/sched.h"

enum { CORES = 4, TASKS = 8, SLICE = 1000 };

static const uint64_t anywhere[SCHED_CORES_MAX / 64] = {0xf};

struct world {
	struct sched *sched;
	struct sched_task task[TASKS];
	uint64_t allowed[TASKS][SCHED_CORES_MAX / 64];
	cycles_t ran[TASKS], now[CORES];
};

static struct world *open_world(unsigned cores, cycles_t tick)
{
	struct world *w = calloc(1, sizeof(*w));
	w->sched = sched_new(cores, SLICE, tick);
	for (unsigned i = 0; i < TASKS; i++)
		w->task[i] = (struct sched_task){.weight = 1024, .allowed = anywhere, .number = i};
	return w;
}

static void close_world(struct world *w)
{
	sched_free(w->sched);
	free(w);
}

static void pin(struct world *w, unsigned task, unsigned core)
{
	w->allowed[task][0] = UINT64_C(1) << core;
	w->task[task].allowed = w->allowed[task];
	w->task[task].core = core;
}

/* Lets core 0 run until `end`. */
static void run(struct world *w, cycles_t end)
{
	cycles_t now = w->now[0];
	while (now < end) {
		struct sched_task *t = sched_current(w->sched, 0);
		if (!t) t = sched_next(w->sched, 0);
		cycles_t stop = sched_stop_at(w->sched, 0, now);
		if (stop > end) stop = end;
		sched_charge(w->sched, 0, stop - now);
		w->ran[t->number] += stop - now;
		now = stop;
		if (sched_expire(w->sched, 0)) sched_leave(w->sched, 0, true, now);
	}
	w->now[0] = now;
}

Test(sched, a_task_alone_is_never_asked_to_stop)
{
	struct world *w = open_world(1, 0);
	sched_wake(w->sched, &w->task[0], 0);
	cr_expect(eq(ptr, sched_next(w->sched, 0), &w->task[0]));
	cr_expect(eq(u64, sched_stop_at(w->sched, 0, 5), UINT64_MAX));
	sched_wake(w->sched, &w->task[1], 5);
	cr_expect(eq(u64, sched_stop_at(w->sched, 0, 5), 5 + SLICE), "until another one waits");
	close_world(w);
}

Test(sched, weights_share_time_within_one_slice)
{
	static const unsigned weight[] = {1024, 2048, 512, 335};
	struct world *w = open_world(1, 0);
	uint64_t sum = 0;
	for (unsigned i = 0; i < 4; i++) {
		w->task[i].weight = weight[i];
		sum += weight[i];
		sched_wake(w->sched, &w->task[i], 0);
	}
	run(w, 100 * SLICE);
	for (unsigned i = 0; i < 4; i++) {
		cycles_t share = 100 * SLICE * weight[i] / sum;
		cycles_t apart = w->ran[i] > share ? w->ran[i] - share : share - w->ran[i];
		cr_expect(le(u64, apart, SLICE), "%u: %lu of %lu", i, w->ran[i], share);
	}
	close_world(w);
}

Test(sched, a_slice_ends_at_the_first_tick_after_it)
{
	struct world *w = open_world(1, 300);
	sched_wake(w->sched, &w->task[0], 0);
	sched_wake(w->sched, &w->task[1], 0);
	sched_next(w->sched, 0);
	cr_expect(eq(u64, sched_stop_at(w->sched, 0, 0), 1200));
	cr_expect(eq(u64, sched_stop_at(w->sched, 0, 200), 1200), "1200 is a tick itself");
	cr_expect(eq(u64, sched_stop_at(w->sched, 0, 201), 1500));
	close_world(w);
}

Test(sched, who_slept_gets_the_core_from_one_that_had_more_than_its_share)
{
	struct world *w = open_world(1, 0);
	sched_wake(w->sched, &w->task[0], 0);
	sched_wake(w->sched, &w->task[1], 0);
	sched_next(w->sched, 0);
	sched_leave(w->sched, 0, false, 0); /* task 0 sleeps with no lag */
	sched_next(w->sched, 0);
	sched_charge(w->sched, 0, 500);
	sched_wake(w->sched, &w->task[0], 500);
	cr_expect(not(sched_preempts(w->sched, &w->task[0])), "none of both has had more");
	sched_charge(w->sched, 0, 1);
	cr_expect(sched_preempts(w->sched, &w->task[0]));
	close_world(w);
}

Test(sched, a_task_that_wakes_up_goes_to_the_nearest_idle_core_where_it_may_run)
{
	struct world *w = open_world(CORES, 0);
	pin(w, 1, 2);
	w->task[0].core = 2;
	cr_expect(eq(uint, sched_wake(w->sched, &w->task[0], 0), 2), "where it was");
	sched_next(w->sched, 2);
	cr_expect(eq(uint, sched_wake(w->sched, &w->task[1], 0), 2), "pinned, though others are idle");
	w->task[2].core = 2;
	cr_expect(eq(uint, sched_wake(w->sched, &w->task[2], 0), 1));
	w->task[3].core = 2;
	cr_expect(eq(uint, sched_wake(w->sched, &w->task[3], 0), 3));
	w->task[4].core = 3;
	cr_expect(eq(uint, sched_wake(w->sched, &w->task[4], 0), 0));
	w->task[5].core = 3;
	cr_expect(eq(uint, sched_wake(w->sched, &w->task[5], 0), 3), "none is idle");
	close_world(w);
}

Test(sched, an_idle_core_helps_the_fullest_queue_with_who_has_waited_longest_and_may_come)
{
	struct world *w = open_world(2, 0);
	for (unsigned i = 0; i < 4; i++) {
		pin(w, i, 0);
		sched_wake(w->sched, &w->task[i], 10 - i);
	}
	sched_next(w->sched, 0);
	cr_expect(eq(ptr, sched_next(w->sched, 1), NULL), "all are pinned elsewhere");
	w->task[1].allowed = w->task[2].allowed = anywhere;
	cr_expect(eq(ptr, sched_next(w->sched, 1), &w->task[2]));
	cr_expect(eq(uint, sched_waiting(w->sched, 0), 2));
	cr_expect(eq(uint, w->task[2].core, 1));
	close_world(w);
}

Test(sched, shares_stay_fair_when_tasks_sleep_and_wake_at_random)
{
	struct world *w = open_world(1, 0);
	struct rng r;
	rng_init(&r, 7, "sched");
	cycles_t slept = 0;
	for (unsigned i = 0; i < 3; i++) sched_wake(w->sched, &w->task[i], 0);
	for (unsigned round = 0; round < 300; round++) {
		run(w, w->now[0] + rng_below(&r, 3 * SLICE));
		struct sched_task *t = sched_current(w->sched, 0);
		if (!t || t->number != 2) continue; /* tasks 0 and 1 never sleep */
		sched_leave(w->sched, 0, false, w->now[0]);
		cycles_t from = w->now[0];
		run(w, from + rng_below(&r, 5 * SLICE));
		slept += w->now[0] - from;
		sched_wake(w->sched, t, w->now[0]);
	}
	cycles_t apart = w->ran[0] > w->ran[1] ? w->ran[0] - w->ran[1] : w->ran[1] - w->ran[0];
	cr_expect(le(u64, apart, 2 * SLICE), "%lu and %lu", w->ran[0], w->ran[1]);
	cr_expect(lt(u64, w->ran[2], w->ran[0]),
		  "sleep is not made up for: a lag is not a right to time that has passed");
	cr_expect(lt(u64, (w->now[0] - slept) / 4, w->ran[2]), "while awake it has its share");
	close_world(w);
}

/* --- polling ------------------------------------------------------------------------------------------------------ */

static const struct halt_poll_limits kvm = {.most = 500, .grow_start = 10, .grow = 2, .shrink = 0};

Test(halt_poll, grows_while_halts_are_short_but_longer_than_it)
{
	cr_expect(eq(u64, halt_poll_after(&kvm, 0, 100), 10), "from where it begins");
	cr_expect(eq(u64, halt_poll_after(&kvm, 10, 100), 20));
	cr_expect(eq(u64, halt_poll_after(&kvm, 400, 499), 500), "to its limit");
	cr_expect(eq(u64, halt_poll_after(&kvm, 100, 100), 100), "polling caught it: nothing to learn");
	cr_expect(eq(u64, halt_poll_after(&kvm, 100, 500), 100), "neither short nor long");
}

Test(halt_poll, shrinks_after_a_halt_that_it_could_not_have_caught)
{
	struct halt_poll_limits half = kvm;
	half.shrink = 2;
	cr_expect(eq(u64, halt_poll_after(&kvm, 400, 501), 0));
	cr_expect(eq(u64, halt_poll_after(&half, 400, 501), 200));
	cr_expect(eq(u64, halt_poll_after(&half, 18, 501), 0), "below where it begins there is none");
}

Test(halt_poll, no_limit_is_no_polling)
{
	struct halt_poll_limits none = kvm;
	none.most = 0;
	cr_expect(eq(u64, halt_poll_after(&none, 100, 1), 0));
}
