#include "machine/machine_impl.h"

#include <inttypes.h>

void machine_only_translate(struct machine *m)
{
	for (unsigned i = 0; i < m->cpus; i++) core_only_translate(&m->cpu[i].core);
}

/* What leaves the guest takes the path below it; all else is the kernel's. */
static enum status execute_event(struct cpu *c, const struct record *rec, struct err *err)
{
	struct core_spent spent = {0};
	bool known = false;
	if (c->paths) TRY(path_engine_event(c->paths, rec, core_now(&c->core), &known, &spent, err));
	if (!known) return events_execute(&c->events, rec, err);
	machine_tell_spent(c, core_now(&c->core), &spent);
	core_spend(&c->core, &spent);
	return OK;
}

enum status machine_perform(struct machine *m, const char *operation, struct err *err)
{
	struct cpu *c = &m->cpu[0];
	struct core_spent spent = {0};
	if (!c->paths)
		return err_set(err, ERR_CONFIG,
			       "%s: the stack has no software paths, so its guest has no operations",
			       operation);
	path_engine_forget_pages(c->paths);
	TRY(path_engine_perform(c->paths, operation, core_now(&c->core), &spent, err));
	machine_tell_spent(c, core_now(&c->core), &spent);
	core_spend(&c->core, &spent);
	return OK;
}

enum status machine_run(struct machine *m, const struct record *rec, size_t n, struct err *err)
{
	struct cpu *c = &m->cpu[0];
	while (n) {
		size_t executed;
		TRY(core_run(&c->core, rec, n, &executed, err));
		rec += executed;
		n -= executed;
		for (; n && rec->kind > REC_STORE; rec++, n--) TRY(execute_event(c, rec, err));
	}
	return OK;
}

unsigned machine_threads(const struct machine *m) { return m->cpus; }

cycles_t machine_lookahead(const struct machine *m)
{
	if (m->hw->order == ORDER_STRICT) return 0;
	if (m->hw->lookahead_cycles) return m->hw->lookahead_cycles;
	cycles_t memory = mem_cross_latency(m->mem), tlbs = tlb_pool_cross_latency(&m->shared_tlbs);
	return tlbs < memory ? tlbs : memory;
}

cycles_t machine_next(const struct machine *m, unsigned t, const struct record *rec)
{
	return core_next(&m->cpu[t].core, rec);
}

/* Executes the first of `n` records, and those behind it that begin in time and are of its kind. */
static enum status run_some(struct cpu *c, const struct record *rec, size_t n, cycles_t until,
			    size_t *executed, struct err *err)
{
	if (rec->kind <= REC_STORE) return core_run_until(&c->core, rec, n, until, executed, err);
	*executed = 1;
	return execute_event(c, rec, err);
}

enum status machine_run_until(struct machine *m, unsigned t, const struct record *rec, size_t n,
			      cycles_t until, size_t *executed, struct err *err)
{
	struct cpu *c = &m->cpu[t];
	size_t some = 0;
	*executed = 0;
	do {
		TRY(run_some(c, rec + *executed, n - *executed, until, &some, err));
		*executed += some;
	} while (*executed < n && core_next(&c->core, &rec[*executed]) < until);
	return OK;
}

enum status machine_populate(struct machine *m, unsigned t, const struct record *rec, size_t n,
			     struct err *err)
{
	struct cpu *c = &m->cpu[t];
	for (; n; rec++, n--) {
		if (rec->kind == REC_SWITCH) {
			populate_switch(&c->populator);
			c->events.core = NULL; /* until machine_populate_end() no time passes */
			TRY(events_execute(&c->events, rec, err));
		}
		if (rec->kind <= REC_STORE) TRY(populate_access(&c->populator, rec, err));
	}
	return OK;
}

void machine_populate_end(struct machine *m)
{
	for (unsigned i = 0; i < m->cpus; i++) {
		events_rewind(&m->cpu[i].events);
		m->cpu[i].events.core = &m->cpu[i].core;
	}
	if (m->vm) hyp_take_populated(m->vm); /* of what came after the last fault: no time passed */
}
