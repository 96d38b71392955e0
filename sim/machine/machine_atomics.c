/* machine_atomics.c - exclusives and atomics of the workload: made when the first of them comes, and tried again where a program would. */
#include "machine/machine_impl.h"

/* Monitors of all cores, and counters. */
static void build(struct machine *m)
{
	enum { WORD_BITS = 2 };
	m->monitors = monitors_new(m->cpus, (unsigned)m->hw->coherence.erg + WORD_BITS);
	mem_use_monitors(m->mem, m->monitors);
	for (unsigned i = 0; i < m->cpus; i++) {
		struct cpu *c = &m->cpu[i];
		c->atomics = (struct core_atomics){
			.core = &c->core, .coherence = &m->coherence, .monitors = m->monitors, .pe = i};
		core_atomics_register_stats(&c->atomics, m->stats, c->number);
	}
}

/* The load exclusive that a store exclusive which failed goes back to: the program's latest. */
static struct record load_of(const struct vcpu *v)
{
	return (struct record){.kind = REC_LDXR, .addr = v->exclusive, .count = 8};
}

enum status vcpu_atomic_record(struct vcpu *v, const struct record *rec, struct err *err)
{
	struct machine *m = v->vm->machine;
	struct record load = load_of(v);
	bool failed;
	if (!m->monitors) build(m);
	if (rec->kind == REC_LDXR) v->exclusive = rec->addr;
	bool back = v->again == AGAIN_LOAD;
	TRY(core_atomic(&v->cpu->atomics, back ? &load : rec, &failed, err));
	v->again = back ? AGAIN_STORE : failed && (rec->flags & REC_AGAIN) ? AGAIN_LOAD : AGAIN_NOT;
	return OK;
}

void cpu_returns_from_exception(struct cpu *c)
{
	if (c->machine->monitors) monitors_clear(c->machine->monitors, (unsigned)(c - c->machine->cpu));
}
