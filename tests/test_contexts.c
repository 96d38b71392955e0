/* Allocators of ASIDs and VMIDs: whatever they give, no space ever finds what another left in a TLB. */
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/rng.h"
#include "os/contexts.h"

enum { CPUS = 4, SPACES = 64, NUMBERS_MAX = 256 };

/* Whose translations each CPU's TLB may hold under each number; NULL: none. */
struct naive_tlbs {
	const struct context *owner[CPUS][NUMBERS_MAX];
};

static void flush_number(struct naive_tlbs *t, unsigned cpu, uint16_t number)
{
	t->owner[cpu][number] = NULL;
}

static void flush(struct naive_tlbs *t, unsigned cpu, struct ctx_switch s)
{
	bool all_cpus = s.flush == CTX_FLUSH_EVERYWHERE || s.flush == CTX_FLUSH_NUMBER_EVERYWHERE;
	bool all_numbers = s.flush == CTX_FLUSH_EVERYWHERE || s.flush == CTX_FLUSH_CPU;
	if (s.flush == CTX_FLUSH_NONE) return;
	for (unsigned c = 0; c < CPUS; c++) {
		if (!all_cpus && c != cpu) continue;
		if (all_numbers)
			memset(t->owner[c], 0, sizeof(t->owner[c]));
		else
			flush_number(t, c, s.number);
	}
}

struct world {
	struct contexts *contexts;
	struct context space[SPACES];
	struct context *running[CPUS];
	uint16_t number[CPUS];
	struct naive_tlbs tlbs;
};

static void run(struct world *w, unsigned cpu, struct context *space)
{
	struct ctx_switch s = contexts_switch(w->contexts, cpu, space);
	flush(&w->tlbs, cpu, s);
	w->running[cpu] = space;
	w->number[cpu] = s.number;
	for (unsigned c = 0; c < CPUS; c++) {
		const struct context **left = &w->tlbs.owner[c][w->number[c]];
		if (!w->running[c]) continue;
		bool own = !*left || *left == w->running[c];
		cr_assert(own,
			  "CPU %u runs space %td under number %u, and would find what another left there", c,
			  w->running[c] - w->space, w->number[c]);
		*left = w->running[c]; /* it goes on, and fills */
	}
}

static void leave(struct world *w, unsigned cpu)
{
	contexts_leave(w->contexts, cpu);
	w->running[cpu] = NULL;
}

/* A space ends: no CPU runs it; a new one takes its place, which TLBs must not take for the old. */
static void replace(struct world *w, struct context *space)
{
	for (unsigned c = 0; c < CPUS; c++)
		if (w->running[c] == space) leave(w, c);
	contexts_drop(w->contexts, space);
	for (unsigned c = 0; c < CPUS; c++)
		for (unsigned n = 0; n < NUMBERS_MAX; n++)
			if (w->tlbs.owner[c][n] == space) w->tlbs.owner[c][n] = (const struct context *)w;
}

static void random_life(enum ctx_kind kind, unsigned bits, unsigned spaces, unsigned steps)
{
	struct world w = {.contexts = contexts_new(kind, bits, CPUS)};
	struct rng r;
	rng_init(&r, bits * 1000 + spaces, ctx_names[kind]);
	for (unsigned i = 0; i < steps; i++) {
		struct context *space = &w.space[rng_below(&r, spaces)];
		unsigned cpu = (unsigned)rng_below(&r, CPUS), what = (unsigned)rng_below(&r, 16);
		if (what == 0)
			leave(&w, cpu);
		else if (what == 1)
			replace(&w, space);
		else
			run(&w, cpu, space);
	}
	contexts_free(w.contexts);
}

#define CONTRACT(name, doc) \
	Test(contexts, name##_never_lets_a_space_find_what_another_left) \
	{ \
		random_life(CTX_##name, 3, 5, 20000); \
		random_life(CTX_##name, 3, SPACES, 20000); \
		random_life(CTX_##name, 8, SPACES, 20000); \
	}
CTX_ALLOCATORS(CONTRACT)

/* --- what Linux does ------------------------------------------------------------------------------------------- */

Test(contexts, linux_flushes_each_cpu_at_its_own_next_switch_after_a_rollover)
{
	struct contexts *c = contexts_new(CTX_linux, 3, 2);
	struct context space[9] = {0}, other = {0};
	cr_expect(eq(int, contexts_switch(c, 1, &other).flush, CTX_FLUSH_NONE));
	for (unsigned i = 0; i < 6; i++)
		cr_expect(eq(int, contexts_switch(c, 0, &space[i]).flush, CTX_FLUSH_NONE));
	cr_expect(eq(u64, contexts_stats(c)->rollovers, 0));
	cr_expect(eq(int, contexts_switch(c, 0, &space[6]).flush, CTX_FLUSH_CPU),
		  "the 8th space, of 7 numbers");
	cr_expect(eq(u64, contexts_stats(c)->rollovers, 1));
	cr_expect(eq(int, contexts_switch(c, 0, &space[7]).flush, CTX_FLUSH_NONE));
	cr_expect(eq(int, contexts_switch(c, 1, &space[8]).flush, CTX_FLUSH_CPU));
	contexts_free(c);
}

Test(contexts, what_runs_keeps_its_number_over_a_rollover)
{
	struct contexts *c = contexts_new(CTX_linux, 3, 2);
	struct context space[8] = {0}, running = {0};
	uint16_t number = contexts_switch(c, 1, &running).number;
	for (unsigned i = 0; i < 8; i++) {
		uint16_t given = contexts_switch(c, 0, &space[i]).number;
		cr_expect(ne(u16, given, number));
	}
	cr_expect(eq(u64, contexts_stats(c)->rollovers, 1));
	cr_expect(eq(u16, contexts_switch(c, 1, &running).number, number));
	contexts_free(c);
}

Test(contexts, a_space_gets_its_former_number_back_where_that_is_free)
{
	struct contexts *c = contexts_new(CTX_linux, 3, 1);
	struct context space[8] = {0};
	for (unsigned i = 0; i < 8; i++) contexts_switch(c, 0, &space[i]);
	uint16_t number = contexts_switch(c, 0, &space[4]).number;
	cr_expect(eq(u16, number, 5));
	cr_expect(eq(u64, contexts_stats(c)->reuses, 1));
	contexts_free(c);
}

Test(contexts, kvm_flushes_everywhere_at_once)
{
	struct contexts *c = contexts_new(CTX_kvm, 3, 2);
	struct context vm[8] = {0};
	for (unsigned i = 0; i < 7; i++)
		cr_expect(eq(int, contexts_switch(c, 0, &vm[i]).flush, CTX_FLUSH_NONE));
	cr_expect(eq(int, contexts_switch(c, 0, &vm[7]).flush, CTX_FLUSH_EVERYWHERE));
	cr_expect(eq(int, contexts_switch(c, 1, &vm[0]).flush, CTX_FLUSH_NONE));
	contexts_free(c);
}

Test(contexts, a_vm_that_left_its_cpu_loses_its_number_at_a_rollover)
{
	struct contexts *c = contexts_new(CTX_kvm, 3, 2);
	struct context vm[8] = {0}, left = {0};
	uint16_t number = contexts_switch(c, 1, &left).number;
	contexts_leave(c, 1);
	for (unsigned i = 0; i < 7; i++) contexts_switch(c, 0, &vm[i]);
	cr_expect(eq(u16, contexts_switch(c, 0, &vm[0]).number, 2), "7 had rolled over, and took 1");
	cr_expect(eq(u16, number, 1));
	contexts_free(c);
}

Test(contexts, lru_takes_the_number_of_who_ran_longest_ago_and_flushes_it_alone)
{
	struct contexts *c = contexts_new(CTX_lru, 3, 1);
	struct context space[8] = {0};
	for (unsigned i = 0; i < 7; i++) contexts_switch(c, 0, &space[i]);
	contexts_switch(c, 0, &space[0]);
	struct ctx_switch s = contexts_switch(c, 0, &space[7]);
	cr_expect(eq(int, s.flush, CTX_FLUSH_NUMBER_EVERYWHERE));
	cr_expect(eq(u16, s.number, 2));
	cr_expect(eq(u64, space[1].id, 0));
	contexts_free(c);
}

Test(contexts, without_identifiers_only_a_switch_to_another_space_flushes)
{
	struct contexts *c = contexts_new(CTX_flush, 8, 1);
	struct context a = {0}, b = {0};
	contexts_switch(c, 0, &a);
	cr_expect(eq(int, contexts_switch(c, 0, &a).flush, CTX_FLUSH_NONE));
	cr_expect(eq(int, contexts_switch(c, 0, &b).flush, CTX_FLUSH_NUMBER));
	cr_expect(eq(int, contexts_switch(c, 0, &a).flush, CTX_FLUSH_NUMBER));
	contexts_free(c);
}

Test(contexts, numbers_of_16_bits_serve_65535_spaces_before_a_rollover)
{
	struct contexts *c = contexts_new(CTX_linux, 16, 1);
	static struct context space[65536];
	for (unsigned i = 0; i < 65535; i++) contexts_switch(c, 0, &space[i]);
	cr_expect(eq(u64, contexts_stats(c)->rollovers, 0));
	contexts_switch(c, 0, &space[65535]);
	cr_expect(eq(u64, contexts_stats(c)->rollovers, 1));
	contexts_free(c);
}
