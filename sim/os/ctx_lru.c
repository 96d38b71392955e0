/* ctx_lru.c - numbers stay with their spaces until there are none left; then the space that has not run for longest
 * loses its own, and only that one is flushed.
 *
 * Source: the policy that Linux's generations do without; compare x86's TLB_NR_DYN_ASIDS (arch/x86/mm/tlb.c,
 * choose_new_asid()), which recycles six PCIDs per CPU.
 */
#include <assert.h>

#include "os/ctx.h"

static bool runs_somewhere(const struct contexts *c, const struct context *space)
{
	for (unsigned i = 0; i < c->cpus; i++)
		if (c->cpu[i].running == space) return true;
	return false;
}

/* A number that nobody owns any more, else the one whose space ran least recently and does not run now. O(numbers), as
 * rare as evictions are. */
static uint32_t oldest(const struct contexts *c)
{
	uint32_t found = 0;
	for (uint32_t n = 1; n < ctx_numbers(c); n++) {
		const struct context *o = c->owner[n];
		if (!o) return n;
		if (runs_somewhere(c, o)) continue;
		if (!found || o->stamp < c->owner[found]->stamp) found = n;
	}
	assert(found); /* there are more numbers than CPUs */
	return found;
}

static enum ctx_flush take_number(struct contexts *c, struct context *space)
{
	uint32_t n = ctx_find_free(c, 1);
	bool taken = n == ctx_numbers(c);
	if (taken) {
		n = oldest(c);
		if (c->owner[n]) {
			c->owner[n]->id = 0;
			c->stats.evictions++;
		}
	}
	ctx_mark_used(c, (uint16_t)n, true);
	c->owner[n] = space;
	space->id = c->generation | n;
	c->stats.allocations++;
	return taken ? CTX_FLUSH_NUMBER_EVERYWHERE : CTX_FLUSH_NONE;
}

static struct ctx_switch run(struct contexts *c, unsigned cpu, struct context *space)
{
	struct ctx_switch s = {0};
	c->cpu[cpu].running = NULL; /* what ran here may lose its number */
	if (!space->id) s.flush = take_number(c, space);
	s.number = ctx_number(c, space->id);
	return s;
}

/* The number stays used: what the space left in TLBs is flushed when somebody else gets it. */
static void drop(struct contexts *c, struct context *space)
{
	if (space->id) c->owner[ctx_number(c, space->id)] = NULL;
}

const struct ctx_allocator ctx_lru = {.name = "lru",
				      .source = "least recently run; compare x86's choose_new_asid()",
				      .run = run,
				      .drop = drop};
