/* host_build.c - the host's scheduler (machine_host.h) is built; its counters, and what they must add up to. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "machine/host_task.h"
#include "machine/stack_place.h"

#define F struct host_vcpu_stats
static const char *const state_names[] = {"run", "steal", "idle", NULL};
static const struct stat_desc stat_rows[] = {
	STAT_BY(F, cycles, state_names, "cycles",
		"on a core, waiting for one (steal), or with nothing to do; they add up to elapsed"),
	STAT(F, elapsed, "cycles", "from the first instruction on, or the end of the warm-up, to the end"),
	STAT(F, switches, "count", "how often it got a core"),
	STAT(F, preemptions, "count", "how often it lost its core while it could have gone on"),
	STAT(F, migrations, "count", "of the switches, those to another core than before"),
	STAT(F, wakeups, "count", "how often it was woken from sleep"),
	STAT(F, yields, "count", "of the preemptions, those by its own WFE at a lock of its program"),
	STAT(F, tlb_flushes, "operations",
	     "TLBI VMALLE1 as it got a core that another vCPU of its VM had last"),
	STAT(F, halts, "count", "WFIs that had something to wait for"),
	STAT(F, polls_hit, "count", "of them, those that ended while the host polled"),
	STAT(F, polls_missed, "count", "of them, those that slept after the host had polled in vain"),
	STAT(F, poll_cycles, "cycles", "of those on a core: the host polled"),
};
#undef F

static const struct stat_desc vmid_rows[] = {
	{.name = "entries",
	 .unit = "entries",
	 .doc = "what the TLBIs of these flushes took from TLBs and walk caches",
	 .offset = offsetof(struct host, vmid_entries)},
};

static cycles_t cycles_of(const struct machine *m, uint64_t ns) { return ns * m->hw->clock_mhz / 1000; }

/* --- counting ---------------------------------------------------------------------------------------------------- */

/* Until when time has passed for a vCPU: as its core says, or who woke up last. */
static cycles_t present_of(const struct host *h, const struct vcpu *v)
{
	const struct host_vcpu *hv = host_vcpu(h, v);
	cycles_t now = hv->state == VCPU_IDLE ? h->now : core_now(&h->machine->cpu[hv->task.core].core);
	return now > hv->since ? now : hv->since;
}

void host_finish(struct host *h)
{
	for (unsigned i = 0; h->started && i < h->machine->vcpus; i++) {
		struct vcpu *v = &h->machine->vcpu[i];
		if (h->vcpu[i].state != VCPU_ENDED) host_account(h, v, h->vcpu[i].state, present_of(h, v));
	}
}

void host_begin_counting(struct host *h)
{
	for (unsigned i = 0; i < h->machine->vcpus; i++) h->vcpu[i].begin = h->vcpu[i].since;
	for (unsigned i = 0; i < h->machine->cpus; i++) {
		h->core[i].begin = core_now(&h->machine->cpu[i].core);
		h->core[i].idle = h->core[i].tasks = 0;
	}
}

static enum status check_vcpu(const struct host *h, const struct vcpu *v, struct err *err)
{
	const struct host_vcpu_stats *s = &host_vcpu(h, v)->stats;
	uint64_t sum = s->cycles[VCPU_RUNS] + s->cycles[VCPU_WAITS] + s->cycles[VCPU_IDLE];
	if (sum == s->elapsed) return OK;
	return err_set(err, ERR_CHECK,
		       "vm%u.vcpu%u.sched: run, steal and idle add up to %" PRIu64 " cycles, %" PRIu64
		       " have elapsed",
		       v->vm->number, v->number, sum, s->elapsed);
}

enum status host_check_sums(const struct host *h, struct err *err)
{
	uint64_t run = 0, busy = 0;
	if (!h->started) return OK;
	for (unsigned i = 0; i < h->machine->vcpus; i++) {
		TRY(check_vcpu(h, &h->machine->vcpu[i], err));
		run += h->vcpu[i].stats.cycles[VCPU_RUNS];
	}
	for (unsigned i = 0; i < h->machine->cpus; i++)
		busy += core_now(&h->machine->cpu[i].core) - h->core[i].begin - h->core[i].idle -
			h->core[i].tasks;
	if (run == busy) return OK;
	return err_set(err, ERR_CHECK,
		       "sched: vCPUs ran for %" PRIu64 " cycles, cores were busy for %" PRIu64, run, busy);
}

/* --- building ---------------------------------------------------------------------------------------------------- */

static void init_vcpu(struct host *h, const struct stack_thread_place *place, unsigned t)
{
	const struct vcpu *v = &h->machine->vcpu[t];
	h->vcpu[t].state = VCPU_ENDED;
	h->vcpu[t].task = (struct sched_task){
		.weight = v->vm->params.weight, .allowed = place->allowed, .number = t, .core = place->home};
}

static unsigned vmid_bits(const struct machine *m)
{
	uint64_t asked = m->stack->scheduler.vmid_bits;
	return asked ? (unsigned)asked : m->hw->features.vmid16 ? 16 : 8;
}

/* What allocated VMIDs need: more numbers than cores, and TLBs in which no other VM has the same. */
static enum status check_vmids(const struct machine *m, struct err *err)
{
	const struct sched_params *p = &m->stack->scheduler;
	if (p->vmid_bits > 8 && !m->hw->features.vmid16)
		return err_set(err, ERR_CONFIG,
			       "stack.scheduler.vmid_bits: %" PRIu64
			       ", but this machine has 8 (features.vmid16)",
			       p->vmid_bits);
	if (m->cpus + 1 >= UINT64_C(1) << vmid_bits(m))
		return err_set(
			err, ERR_CONFIG,
			"stack.scheduler.vmid_bits: %u give too few VMIDs for %u cores; at least %u are needed",
			vmid_bits(m), m->cpus, log2_floor(m->cpus + 1) + 1);
	for (size_t i = 0; p->vmids == CTX_flush + 1 && i < m->hw->tlbs.count; i++)
		if (((const struct tlb_params *)m->hw->tlbs.items)[i].shared)
			return err_set(
				err, ERR_CONFIG,
				"stack.scheduler.vmids: flush: cores that share TLBs need a VMID for each VM");
	return OK;
}

enum status host_new(struct machine *m, const struct stack_places *places, struct host **out, struct err *err)
{
	const struct sched_params *p = &m->stack->scheduler;
	TRY(host_tasks_check(p, err));
	if (p->vmids) TRY(check_vmids(m, err));
	struct host *h = xcalloc(1, sizeof(*h));
	h->machine = m;
	if (p->vmids) h->vmids = contexts_new((enum ctx_kind)(p->vmids - 1), vmid_bits(m), m->cpus);
	h->params = p;
	h->sched = sched_new(m->cpus, cycles_of(m, p->slice_ns),
			     p->tick_hz ? m->hw->clock_mhz * 1000000 / p->tick_hz : 0);
	h->poll = (struct halt_poll_limits){cycles_of(m, p->halt_poll_ns),
					    cycles_of(m, p->halt_poll_grow_start_ns), p->halt_poll_grow,
					    p->halt_poll_shrink};
	h->core = xcalloc(m->cpus, sizeof(*h->core));
	h->vcpu = xcalloc(m->vcpus, sizeof(*h->vcpu));
	for (unsigned t = 0; t < m->vcpus; t++) init_vcpu(h, &places->thread[t], t);
	host_tasks_new(h);
	*out = h;
	return OK;
}

void host_free(struct host *h)
{
	if (!h) return;
	sched_free(h->sched);
	contexts_free(h->vmids);
	host_tasks_free(h);
	free(h->core);
	free(h->vcpu);
	free(h);
}

void host_register_stats(struct host *h, struct stats *s)
{
	for (unsigned t = 0; t < h->machine->vcpus; t++) {
		const struct vcpu *v = &h->machine->vcpu[t];
		stats_add(s, stat_rows, sizeof(stat_rows) / sizeof(stat_rows[0]), &h->vcpu[t].stats,
			  "vm%u.vcpu%u.sched", v->vm->number, v->number);
	}
	host_tasks_register_stats(h, s);
	if (!h->vmids) return;
	stats_add(s, ctx_stat_rows, ctx_stat_row_count, contexts_stats(h->vmids), "vmids");
	stats_add(s, vmid_rows, sizeof(vmid_rows) / sizeof(vmid_rows[0]), h, "vmids");
}
