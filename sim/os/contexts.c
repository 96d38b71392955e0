#include "os/contexts.h"

#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "os/ctx.h"

#define F struct ctx_stats
const struct stat_desc ctx_stat_rows[] = {
	STAT(F, switches, "count", "a space began to run"),
	STAT(F, allocations, "numbers", "numbers given to a space that had none, or no valid one"),
	STAT(F, reuses, "numbers", "of them, the number that the space had before a rollover"),
	STAT(F, rollovers, "count", "numbers ran out, and a new generation began"),
	STAT(F, evictions, "numbers", "numbers taken away from a space that may run again"),
	STAT(F, flushes, "operations", "flushes asked for"),
};
const size_t ctx_stat_row_count = sizeof(ctx_stat_rows) / sizeof(ctx_stat_rows[0]);
const struct stat_desc ctx_pin_rows[] = {
	STAT(F, pins, "spaces", "spaces whose number was pinned"),
	STAT(F, pins_refused, "spaces", "spaces for which too many were pinned already"),
};
#undef F
const size_t ctx_pin_row_count = sizeof(ctx_pin_rows) / sizeof(ctx_pin_rows[0]);

static const struct ctx_allocator *const allocators[] = {
#define X(name, doc) &ctx_##name,
	CTX_ALLOCATORS(X)
#undef X
};

const char *const ctx_names[] = {
#define X(name, doc) #name,
	CTX_ALLOCATORS(X)
#undef X
		NULL};

static size_t words(const struct contexts *c) { return (ctx_numbers(c) + 63) / 64; }

struct contexts *contexts_new(enum ctx_kind kind, unsigned bits, unsigned cpus)
{
	assert(bits >= 1 && bits <= 16 && cpus && cpus + 1 < UINT64_C(1) << bits);
	struct contexts *c = xcalloc(1, sizeof(*c));
	c->allocator = allocators[kind];
	c->bits = bits;
	c->cpus = cpus;
	c->cpu = xcalloc(cpus, sizeof(*c->cpu));
	c->used = xcalloc(words(c), sizeof(*c->used));
	c->pinned = xcalloc(words(c), sizeof(*c->pinned));
	c->owner = xcalloc(ctx_numbers(c), sizeof(struct context *));
	c->generation = ctx_numbers(c);
	c->cursor = 1;
	return c;
}

struct contexts *contexts_new_pairs(enum ctx_kind kind, unsigned bits, unsigned cpus)
{
	struct contexts *c = contexts_new(kind, bits - 1, cpus);
	c->pairs = true;
	return c;
}

void contexts_free(struct contexts *c)
{
	if (!c) return;
	free(c->cpu);
	free(c->used);
	free(c->pinned);
	free(c->owner);
	free(c);
}

struct ctx_stats *contexts_stats(struct contexts *c) { return &c->stats; }

struct ctx_switch contexts_switch(struct contexts *c, unsigned cpu, struct context *space)
{
	assert(cpu < c->cpus);
	space->stamp = ++c->clock;
	struct ctx_switch s = c->allocator->run(c, cpu, space);
	s.number = (uint16_t)(s.number << c->pairs);
	c->cpu[cpu].running = space;
	c->stats.switches++;
	c->stats.flushes += s.flush != CTX_FLUSH_NONE;
	return s;
}

void contexts_leave(struct contexts *c, unsigned cpu)
{
	if (c->allocator->leave) c->allocator->leave(c, cpu);
	c->cpu[cpu].running = NULL;
}

void contexts_drop(struct contexts *c, struct context *space)
{
	for (unsigned i = 0; i < c->cpus; i++) assert(c->cpu[i].running != space);
	assert(!space->pins);
	if (c->allocator->drop) c->allocator->drop(c, space);
	*space = (struct context){0};
}

/* --- pins ------------------------------------------------------------------------------------------------------- */

static void set_bit(uint64_t *map, uint16_t number, bool on)
{
	uint64_t bit = UINT64_C(1) << number % 64;
	map[number / 64] = on ? map[number / 64] | bit : map[number / 64] & ~bit;
}

/* asids_update_limit(): beside 0, what each CPU has reserved, and all that is pinned, one is left. */
uint64_t contexts_most_pinned(const struct contexts *c)
{
	return c->allocator->renew && ctx_numbers(c) > c->cpus + 2 ? ctx_numbers(c) - c->cpus - 2 : 0;
}

/* arm64_mm_context_get() */
uint16_t contexts_pin(struct contexts *c, struct context *space)
{
	if (!space->pins && c->pinned_count >= contexts_most_pinned(c)) {
		c->stats.pins_refused++;
		return 0;
	}
	if (!space->pins) { /* until it has a number of this generation, none is its to keep */
		if (!ctx_is_current(c, space)) c->allocator->renew(c, space);
		set_bit(c->pinned, ctx_number(c, space->id), true);
		c->pinned_count++;
		c->stats.pins++;
	}
	space->pins++;
	return ctx_user_number((uint16_t)(ctx_number(c, space->id) << c->pairs), c->pairs);
}

/* arm64_mm_context_put() */
void contexts_unpin(struct contexts *c, struct context *space)
{
	assert(space->pins);
	if (--space->pins) return;
	set_bit(c->pinned, ctx_number(c, space->id), false);
	c->pinned_count--;
}

/* --- what allocators share -------------------------------------------------------------------------------------- */

uint32_t ctx_find_free(const struct contexts *c, uint32_t from)
{
	uint32_t n = from;
	while (n < ctx_numbers(c) && bit_get(c->used[n / 64], n % 64)) n++;
	return n;
}

bool ctx_is_used(const struct contexts *c, uint16_t number)
{
	return bit_get(c->used[number / 64], number % 64);
}

void ctx_mark_used(struct contexts *c, uint16_t number, bool used) { set_bit(c->used, number, used); }

bool ctx_is_current(const struct contexts *c, const struct context *space)
{
	return space->id && !((space->id ^ c->generation) >> c->bits);
}

/* --- generations ------------------------------------------------------------------------------------------------ */

/* flush_context(): all numbers are free again, but those that are pinned, and those that run, or ran when the generation before this one ended
 * and have not been switched from since. */
static void begin_generation(struct contexts *c)
{
	c->generation += ctx_numbers(c);
	for (size_t i = 0; i < words(c); i++) c->used[i] = c->pinned[i];
	for (unsigned i = 0; i < c->cpus; i++) {
		struct ctx_cpu *cpu = &c->cpu[i];
		uint64_t id = cpu->active ? cpu->active : cpu->reserved;
		cpu->active = 0;
		cpu->reserved = id;
		ctx_mark_used(c, ctx_number(c, id), true);
	}
	c->stats.rollovers++;
}

/* check_update_reserved_asid(): a reserved id stays with its space, in the new generation, on every CPU that has it. */
static bool renew_reserved(struct contexts *c, uint64_t id, uint64_t renewed)
{
	bool found = false;
	for (unsigned i = 0; i < c->cpus; i++) {
		if (c->cpu[i].reserved != id) continue;
		c->cpu[i].reserved = renewed;
		found = true;
	}
	return found;
}

static bool keeps_number(struct contexts *c, const struct context *space)
{
	uint64_t renewed = c->generation | ctx_number(c, space->id);
	if (!space->id) return false;
	return renew_reserved(c, space->id, renewed) || space->pins ||
	       !ctx_is_used(c, ctx_number(c, space->id));
}

bool ctx_new_id(struct contexts *c, struct context *space)
{
	bool rollover = false;
	uint32_t number = ctx_number(c, space->id);
	c->stats.allocations++;
	if (keeps_number(c, space)) {
		c->stats.reuses++;
	} else {
		number = ctx_find_free(c, c->cursor);
		rollover = number == ctx_numbers(c);
		if (rollover) {
			begin_generation(c);
			number = ctx_find_free(c, 1); /* there are more numbers than CPUs */
		}
		c->cursor = number;
	}
	ctx_mark_used(c, (uint16_t)number, true);
	space->id = c->generation | number;
	return rollover;
}
