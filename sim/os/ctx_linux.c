/* ctx_linux.c - ASIDs as Linux gives them: in order, until they run out; then a new generation begins.
 *
 * Source: Linux 6.6 arch/arm64/mm/context.c: check_and_switch_context(), new_context(), flush_context();
 * arm64_mm_context_get() and _put() for pins. The flush after a rollover is not broadcast: every CPU runs
 * local_flush_tlb_all(), a TLBI VMALLE1, at its own first switch.
 */
#include "os/ctx.h"

static void renew(struct contexts *c, struct context *space)
{
	bool rollover = ctx_new_id(c, space);
	for (unsigned i = 0; rollover && i < c->cpus; i++) c->cpu[i].flush_due = true;
}

static struct ctx_switch run(struct contexts *c, unsigned cpu, struct context *space)
{
	struct ctx_cpu *here = &c->cpu[cpu];
	struct ctx_switch s = {0};
	if (!here->active || !ctx_is_current(c, space)) {
		if (!ctx_is_current(c, space)) renew(c, space);
		if (here->flush_due) s.flush = CTX_FLUSH_CPU;
		here->flush_due = false;
	}
	here->active = space->id;
	s.number = ctx_number(c, space->id);
	return s;
}

const struct ctx_allocator ctx_linux = {
	.name = "linux", .source = "Linux 6.6 arch/arm64/mm/context.c", .run = run, .renew = renew};
