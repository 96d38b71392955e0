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

/* --- Linux to the letter --------------------------------------------------------------------------------------------- */

/* Linux's allocator as its source has it: one flag per ASID, in pairs those of kernels' partners set from the beginning.
 * Its own is in pairs of numbers, so that the two have nothing but the rule in common. */
struct letter {
	unsigned bits, cpus;
	bool kpti;
	uint64_t generation, cursor, pinned_asids;
	bool map[NUMBERS_MAX], pinned[NUMBERS_MAX], flush_pending[CPUS];
	uint64_t active[CPUS], reserved[CPUS];
	uint64_t id[SPACES];
	unsigned pins[SPACES];
};

static void letter_init(struct letter *l, unsigned bits, unsigned cpus, bool kpti)
{
	*l = (struct letter){
		.bits = bits, .cpus = cpus, .kpti = kpti, .generation = UINT64_C(1) << bits, .cursor = 1};
	for (unsigned n = 1; kpti && n < 1u << bits; n += 2) l->map[n] = l->pinned[n] = true;
}

static uint64_t letter_asid(const struct letter *l, uint64_t id) { return id % (UINT64_C(1) << l->bits); }

static void letter_flush_context(struct letter *l)
{
	memcpy(l->map, l->pinned, sizeof(l->map));
	for (unsigned i = 0; i < l->cpus; i++) {
		uint64_t asid = l->active[i] ? l->active[i] : l->reserved[i];
		l->active[i] = 0;
		l->map[letter_asid(l, asid)] = true;
		l->reserved[i] = asid;
		l->flush_pending[i] = true;
	}
}

static uint64_t letter_free(const struct letter *l, uint64_t from)
{
	while (from < UINT64_C(1) << l->bits && l->map[from]) from++;
	return from;
}

static uint64_t letter_new_context(struct letter *l, unsigned space)
{
	uint64_t number, old = l->id[space], renewed = l->generation | letter_asid(l, old);
	bool hit = false;
	for (unsigned i = 0; old && i < l->cpus; i++) {
		if (l->reserved[i] != old) continue;
		l->reserved[i] = renewed;
		hit = true;
	}
	if (hit || (old && l->pins[space])) return renewed;
	if (old && !l->map[letter_asid(l, old)]) {
		l->map[letter_asid(l, old)] = true;
		return renewed;
	}
	number = letter_free(l, l->cursor);
	if (number >> l->bits) {
		l->generation += UINT64_C(1) << l->bits;
		letter_flush_context(l);
		number = letter_free(l, 1);
	}
	cr_assert(not(number >> l->bits), "an ASID is left after each rollover");
	l->map[number] = true;
	l->cursor = number;
	return number | l->generation;
}

static bool letter_is_current(const struct letter *l, unsigned space)
{
	return l->id[space] >> l->bits == l->generation >> l->bits;
}

static struct ctx_switch letter_switch(struct letter *l, unsigned cpu, unsigned space)
{
	struct ctx_switch s = {0};
	if (!l->active[cpu] || !letter_is_current(l, space)) {
		if (!letter_is_current(l, space)) l->id[space] = letter_new_context(l, space);
		s.flush = l->flush_pending[cpu] ? CTX_FLUSH_CPU : CTX_FLUSH_NONE;
		l->flush_pending[cpu] = false;
	}
	l->active[cpu] = l->id[space];
	s.number = (uint16_t)letter_asid(l, l->id[space]);
	return s;
}

static uint16_t letter_get(struct letter *l, unsigned space)
{
	uint64_t available = (UINT64_C(1) << l->bits) / (l->kpti ? 2 : 1);
	if (l->pins[space]++) return (uint16_t)letter_asid(l, l->id[space]) | l->kpti;
	if (l->pinned_asids >= available - l->cpus - 2) {
		l->pins[space] = 0;
		return 0;
	}
	l->pins[space] = 0;
	if (!letter_is_current(l, space)) l->id[space] = letter_new_context(l, space);
	l->pins[space] = 1;
	l->pinned_asids++;
	l->pinned[letter_asid(l, l->id[space])] = true;
	return (uint16_t)letter_asid(l, l->id[space]) | l->kpti;
}

static void letter_put(struct letter *l, unsigned space)
{
	if (--l->pins[space]) return;
	l->pinned[letter_asid(l, l->id[space])] = false;
	l->pinned_asids--;
}

static void expect_letter(unsigned bits, bool kpti, unsigned pin_of_16)
{
	static struct letter l;
	struct context space[SPACES] = {0};
	struct contexts *c = kpti ? contexts_new_pairs(CTX_linux, bits, CPUS)
				  : contexts_new(CTX_linux, bits, CPUS);
	struct rng r;
	letter_init(&l, bits, CPUS, kpti);
	rng_init(&r, bits * 2 + kpti, "contexts");
	for (unsigned i = 0; i < 20000; i++) {
		unsigned n = (unsigned)rng_below(&r, SPACES), cpu = (unsigned)rng_below(&r, CPUS);
		if (rng_below(&r, 16) >= pin_of_16) {
			struct ctx_switch want = letter_switch(&l, cpu, n),
					  s = contexts_switch(c, cpu, &space[n]);
			cr_assert(eq(u16, s.number, want.number), "switch %u", i);
			cr_assert(eq(int, s.flush, want.flush), "switch %u", i);
		} else if (l.pins[n] && rng_below(&r, 2)) {
			letter_put(&l, n);
			contexts_unpin(c, &space[n]);
		} else {
			cr_assert(eq(u16, contexts_pin(c, &space[n]), letter_get(&l, n)), "pin %u", i);
		}
		cr_assert(eq(u32, space[n].pins, l.pins[n]));
	}
	cr_expect(ge(u64, contexts_stats(c)->rollovers, 10));
	if (pin_of_16) cr_expect(ge(u64, contexts_stats(c)->pins, 40));
	contexts_free(c);
}

Test(contexts, linux_gives_the_numbers_and_flushes_of_its_source)
{
	expect_letter(4, false, 0);
	expect_letter(5, false, 0);
	expect_letter(6, false, 0);
}

Test(contexts, linux_pins_as_its_source_does)
{
	expect_letter(4, false, 2);
	expect_letter(5, false, 6);
	expect_letter(6, false, 10);
}

Test(contexts, linux_pairs_are_those_of_its_source)
{
	expect_letter(4, true, 0);
	expect_letter(6, true, 0);
	expect_letter(5, true, 2);
	expect_letter(6, true, 8);
}

/* --- pins -------------------------------------------------------------------------------------------------------- */

Test(contexts, a_pinned_number_stays_over_rollovers_and_is_nobody_elses)
{
	struct contexts *c = contexts_new(CTX_linux, 4, 1);
	struct context pinned = {0}, space[40] = {0};
	uint16_t number = contexts_pin(c, &pinned);
	cr_assert(ne(u16, number, 0), "it has never run");
	for (unsigned i = 0; i < 200; i++) {
		uint16_t given = contexts_switch(c, 0, &space[i % 40]).number;
		cr_assert(ne(u16, given, number), "switch %u", i);
	}
	cr_expect(ge(u64, contexts_stats(c)->rollovers, 3));
	cr_expect(eq(u16, contexts_switch(c, 0, &pinned).number, number));
	contexts_unpin(c, &pinned);
	bool given = false;
	for (unsigned i = 0; i < 200; i++) given |= contexts_switch(c, 0, &space[i % 40]).number == number;
	cr_expect(given, "from then on it is a number as any other");
	contexts_free(c);
}

Test(contexts, so_many_are_pinned_that_every_cpu_and_one_more_still_have_a_number)
{
	static const struct {
		bool pairs;
		unsigned bits, cpus, most;
	} cases[] = {
		{false, 4, 2, 16 - 2 - 2}, {true, 5, 2, 16 - 2 - 2}, {false, 8, 4, 250}, {true, 8, 4, 122}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct contexts *c = cases[i].pairs
					     ? contexts_new_pairs(CTX_linux, cases[i].bits, cases[i].cpus)
					     : contexts_new(CTX_linux, cases[i].bits, cases[i].cpus);
		struct context space[256] = {0}, more = {0}, others[64] = {0};
		cr_assert(eq(u64, contexts_most_pinned(c), cases[i].most));
		for (unsigned n = 0; n < cases[i].most; n++)
			cr_assert(ne(u16, contexts_pin(c, &space[n]), 0));
		cr_expect(eq(u16, contexts_pin(c, &more), 0));
		cr_expect(eq(u64, contexts_stats(c)->pins_refused, 1));
		cr_expect(ne(u16, contexts_pin(c, &space[0]), 0), "one more of the same space is no more");
		for (unsigned n = 0; n < 500; n++)
			cr_assert(ne(u16, contexts_switch(c, n % cases[i].cpus, &others[n % 64]).number, 0));
		contexts_unpin(c, &space[1]);
		cr_expect(ne(u16, contexts_pin(c, &more), 0));
		contexts_free(c);
	}
}

Test(contexts, pins_are_counted)
{
	struct contexts *c = contexts_new(CTX_linux, 4, 1);
	struct context pinned = {0}, space[40] = {0};
	uint16_t number = contexts_pin(c, &pinned);
	cr_expect(eq(u16, contexts_pin(c, &pinned), number));
	contexts_unpin(c, &pinned);
	for (unsigned i = 0; i < 200; i++)
		cr_assert(ne(u16, contexts_switch(c, 0, &space[i % 40]).number, number));
	contexts_unpin(c, &pinned);
	cr_expect(eq(u32, pinned.pins, 0));
	cr_expect(eq(u64, contexts_stats(c)->pins, 1));
	contexts_free(c);
}

Test(contexts, a_pin_that_rolls_over_has_every_cpu_flush_itself)
{
	struct contexts *c = contexts_new(CTX_linux, 3, 2);
	struct context space[7] = {0}, pinned = {0};
	for (unsigned i = 0; i < 7; i++) contexts_switch(c, 0, &space[i]);
	cr_assert(eq(u64, contexts_stats(c)->rollovers, 0));
	cr_assert(ne(u16, contexts_pin(c, &pinned), 0));
	cr_expect(eq(u64, contexts_stats(c)->rollovers, 1));
	cr_expect(eq(int, contexts_switch(c, 0, &space[6]).flush, CTX_FLUSH_CPU));
	cr_expect(eq(int, contexts_switch(c, 1, &space[0]).flush, CTX_FLUSH_CPU));
	contexts_free(c);
}

Test(contexts, allocators_but_linux_pin_nothing)
{
	for (int kind = 0; kind < CTX_COUNT; kind++) {
		struct contexts *c = contexts_new((enum ctx_kind)kind, 8, 2);
		struct context space = {0};
		cr_expect(eq(int, contexts_pin(c, &space) != 0, kind == CTX_linux), "%s", ctx_names[kind]);
		cr_expect(eq(u32, space.pins, kind == CTX_linux), "%s", ctx_names[kind]);
		contexts_free(c);
	}
}

/* --- pairs ------------------------------------------------------------------------------------------------------- */

Test(contexts, in_pairs_half_as_many_spaces_have_a_number_and_it_is_even)
{
	for (int kind = 0; kind < CTX_COUNT; kind++) {
		struct contexts *c = contexts_new_pairs((enum ctx_kind)kind, 4, 1);
		struct context space[8] = {0};
		for (unsigned i = 0; i < 7; i++) {
			struct ctx_switch s = contexts_switch(c, 0, &space[i]);
			cr_expect(eq(u16, s.number, kind == CTX_flush ? 2 : 2 * (i + 1)), "%s",
				  ctx_names[kind]);
			cr_expect(eq(u16, ctx_user_number(s.number, true), s.number + 1));
		}
		cr_expect(eq(u64, contexts_stats(c)->rollovers + contexts_stats(c)->evictions, 0));
		contexts_switch(c, 0, &space[7]);
		cr_expect(eq(u64, contexts_stats(c)->rollovers + contexts_stats(c)->evictions,
			     kind != CTX_flush));
		contexts_free(c);
	}
	cr_expect(eq(u16, ctx_user_number(6, false), 6), "without pairs the program's is the kernel's");
}
