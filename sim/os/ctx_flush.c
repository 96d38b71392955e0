/* ctx_flush.c - no identifiers: all spaces share one number, and its entries leave the TLBs whenever another space runs.
 * Global entries stay.
 *
 * Source: what hardware and kernels without ASIDs do; the baseline that ASIDs are measured against.
 */
#include "os/ctx.h"

enum { THE_NUMBER = 1 };

static struct ctx_switch run(struct contexts *c, unsigned cpu, struct context *space)
{
	struct ctx_cpu *here = &c->cpu[cpu];
	struct ctx_switch s = {.number = THE_NUMBER};
	if (!space->id) {
		c->stats.allocations++;
		c->generation += ctx_numbers(c); /* each space has an id, and all the same number */
		space->id = c->generation | THE_NUMBER;
	}
	if (here->active != space->id) s.flush = CTX_FLUSH_NUMBER;
	here->active = space->id;
	return s;
}

const struct ctx_allocator ctx_flush = {
	.name = "flush", .source = "no identifiers: the baseline", .run = run};
