#include "machine/host_task.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/alloc.h"

#define F struct host_task_stats
static const struct stat_desc rows[] = {
	STAT(F, wakeups, "count", "how often it woke up with something to do"),
	STAT(F, merged, "count", "of its periods, those that began before it had done what it woke up for"),
	STAT(F, switches, "count", "how often it got the core"),
	STAT(F, preemptions, "count", "how often it lost the core before it was done"),
	STAT(F, cycles, "cycles", "that it ran for"),
	STAT(F, wait_cycles, "cycles", "that it could have run for, but waited for the core"),
};
#undef F

static cycles_t cycles_of(const struct host *h, uint64_t ns) { return ns * h->machine->hw->clock_mhz / 1000; }
static struct cpu *cpu_of(const struct host *h, const struct host_task *t)
{
	return &h->machine->cpu[t->task.core];
}

enum status host_tasks_check(const struct sched_params *p, struct err *err)
{
	if (!p->task_period_ns || p->task_run_ns < p->task_period_ns) return OK;
	return err_set(err, ERR_CONFIG,
		       "stack.scheduler.task_run_ns: %" PRIu64
		       ", but it is to be less than task_period_ns, %" PRIu64,
		       p->task_run_ns, p->task_period_ns);
}

void host_tasks_new(struct host *h)
{
	struct machine *m = h->machine;
	if (!h->params->task_period_ns) return;
	h->tasks = m->cpus;
	h->task = xcalloc(h->tasks, sizeof(*h->task));
	for (unsigned i = 0; i < h->tasks; i++) {
		struct host_task *t = &h->task[i];
		t->allowed[i / 64] = UINT64_C(1) << i % 64;
		t->task = (struct sched_task){.weight = h->params->task_weight,
					      .allowed = t->allowed,
					      .number = m->vcpus + i,
					      .core = i};
	}
}

void host_tasks_free(struct host *h) { free(h->task); }

void host_tasks_register_stats(struct host *h, struct stats *s)
{
	for (unsigned i = 0; i < h->tasks; i++)
		stats_add(s, rows, sizeof(rows) / sizeof(rows[0]), &h->task[i].stats, "cpu%u.host_task",
			  h->machine->cpu[i].number);
}

static void sleep_until(struct host *h, const struct host_task *t, cycles_t at)
{
	h->turns.wakes(h->turns.self, t->task.number, at);
}

void host_tasks_start(struct host *h)
{
	for (unsigned i = 0; i < h->tasks; i++)
		sleep_until(h, &h->task[i], cycles_of(h, h->params->task_period_ns));
}

void host_task_arm(struct host *h, struct host_task *t)
{
	cycles_t end = core_now(&cpu_of(h, t)->core) + t->left, stop = h->core[t->task.core].stop;
	sleep_until(h, t, end < stop ? end : stop);
}

void host_task_run(struct host *h, struct host_task *t)
{
	host_idle_until(h, cpu_of(h, t), t->task.since);
	t->stats.switches++;
	t->stats.wait_cycles += core_now(&cpu_of(h, t)->core) - t->task.since;
}

void host_task_settle(struct host *h, struct host_task *t, cycles_t at)
{
	struct core *core = &cpu_of(h, t)->core;
	struct core_spent spent = {0};
	cycles_t now = core_now(core), ran = at > now ? at - now : 0;
	if (ran > t->left) ran = t->left;
	spent.cycles[BUCKET_VMM][0] = ran;
	core_spend(core, &spent);
	t->left -= ran;
	t->stats.cycles += ran;
	h->core[t->task.core].tasks += ran;
}

/* The first period that begins behind now. */
static cycles_t next_period(const struct host *h, struct host_task *t, cycles_t now)
{
	cycles_t period = cycles_of(h, h->params->task_period_ns), passed = (now - t->woken) / period;
	t->stats.merged += passed;
	return t->woken + (passed + 1) * period;
}

void host_task_leave(struct host *h, struct host_task *t, bool runnable)
{
	cycles_t now = core_now(&cpu_of(h, t)->core);
	sched_leave(h->sched, t->task.core, runnable, now);
	if (runnable) {
		t->stats.preemptions++;
	} else {
		sleep_until(h, t, next_period(h, t, now));
	}
}

void host_task_rouse(struct host_task *t, const struct host *h, cycles_t at)
{
	t->woken = at;
	t->left = cycles_of(h, h->params->task_run_ns);
	t->stats.wakeups++;
}
