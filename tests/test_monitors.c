/* The exclusives monitors, rule by rule (Arm ARM DDI 0487, B2.17), and exclusives and atomics as cores execute them. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/rng.h"
#include "mem/monitors.h"
#include "vm_world.h"

enum { PES = 4, GRANULE_BITS = 6, A = 0x1000, B = 0x2000 };

static struct monitors *monitors(void) { return monitors_new(PES, GRANULE_BITS); }

Test(monitors, a_store_exclusive_without_a_load_exclusive_does_not_store)
{
	struct monitors *m = monitors();
	cr_expect(not(monitors_store_exclusive(m, 0, A)));
	monitors_free(m);
}

Test(monitors, a_store_exclusive_behind_its_load_exclusive_stores_once)
{
	struct monitors *m = monitors();
	monitors_load(m, 0, A);
	cr_expect(monitors_store_exclusive(m, 0, A + 8), "the same granule");
	cr_expect(not(monitors_store_exclusive(m, 0, A)), "both monitors are open behind it");
	monitors_free(m);
}

Test(monitors, a_store_of_another_pe_to_the_granule_opens_the_global_monitor)
{
	static const struct {
		uint64_t stored;
		bool passes;
	} rows[] = {{A, false}, {A + 63, false}, {A + 64, true}, {A - 1, true}};
	struct monitors *m = monitors();
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		monitors_load(m, 0, A);
		monitors_store(m, 1, rows[i].stored);
		cr_expect(eq(int, monitors_store_exclusive(m, 0, A), rows[i].passes), "row %u", i);
	}
	monitors_free(m);
}

Test(monitors, a_load_of_another_pe_changes_nothing)
{
	struct monitors *m = monitors();
	monitors_load(m, 0, A);
	monitors_load(m, 1, A);
	cr_expect(monitors_store_exclusive(m, 0, A));
	monitors_free(m);
}

Test(monitors, of_two_pes_with_one_granule_the_first_that_stores_wins)
{
	struct monitors *m = monitors();
	monitors_load(m, 0, A);
	monitors_load(m, 1, A);
	cr_expect(monitors_store_exclusive(m, 1, A));
	cr_expect(not(monitors_store_exclusive(m, 0, A)));
	monitors_free(m);
}

Test(monitors, a_store_exclusive_that_fails_opens_nobodys_monitor)
{
	struct monitors *m = monitors();
	monitors_load(m, 0, A);
	cr_expect(not(monitors_store_exclusive(m, 1, A)));
	cr_expect(monitors_store_exclusive(m, 0, A));
	monitors_free(m);
}

Test(monitors, clrex_and_exception_returns_open_the_local_monitor)
{
	struct monitors *m = monitors();
	monitors_load(m, 0, A);
	monitors_load(m, 1, A);
	monitors_clear(m, 0);
	cr_expect(not(monitors_store_exclusive(m, 0, A)));
	cr_expect(monitors_store_exclusive(m, 1, A), "of that PE alone");
	monitors_free(m);
}

Test(monitors, a_pe_has_one_granule_tagged_at_a_time)
{
	struct monitors *m = monitors();
	monitors_load(m, 0, A);
	monitors_load(m, 0, B);
	monitors_store(m, 1, A);
	cr_expect(monitors_store_exclusive(m, 0, B));
	monitors_load(m, 0, A);
	monitors_load(m, 0, B);
	cr_expect(not(monitors_store_exclusive(m, 0, A)), "it was let go");
	monitors_free(m);
}

Test(monitors, a_pes_own_stores_do_not_open_its_monitors)
{
	struct monitors *m = monitors();
	monitors_load(m, 0, A);
	monitors_store(m, 0, A);
	cr_expect(monitors_store_exclusive(m, 0, A));
	monitors_free(m);
}

/* Against the state machines as such, one per PE and address. */
Test(monitors, any_order_of_operations_is_that_of_the_state_machines)
{
	enum { ADDRESSES = 3, STEPS = 20000 };
	struct {
		bool local, global[ADDRESSES];
		unsigned at;
	} pe[PES] = {0};
	struct monitors *m = monitors();
	struct rng rng;
	unsigned passed = 0;
	rng_init(&rng, 1, "test.monitors");
	for (unsigned step = 0; step < STEPS; step++) {
		unsigned p = (unsigned)rng_below(&rng, PES), a = (unsigned)rng_below(&rng, ADDRESSES);
		bool stores = false;
		switch (rng_below(&rng, 5)) {
		case 0:
			monitors_load(m, p, a << GRANULE_BITS);
			for (unsigned i = 0; i < ADDRESSES; i++) pe[p].global[i] = i == a;
			pe[p].local = true;
			pe[p].at = a;
			break;
		case 1:
			monitors_store(m, p, a << GRANULE_BITS);
			stores = true;
			break;
		case 2: monitors_clear(m, p), pe[p].local = false; break;
		default:
			stores = pe[p].local && pe[p].at == a && pe[p].global[a];
			cr_assert(eq(int, monitors_store_exclusive(m, p, a << GRANULE_BITS), stores));
			passed += stores;
			pe[p].local = false;
			for (unsigned i = 0; i < ADDRESSES; i++) pe[p].global[i] = false;
		}
		for (unsigned i = 0; stores && i < PES; i++)
			if (i != p) pe[i].global[a] = false;
	}
	cr_expect(lt(u32, STEPS / 50, passed));
	monitors_free(m);
}

/* --- as cores execute them ----------------------------------------------------------------------------------------- */

#define WORD 0x10000
#define LDXR \
	{ \
		.kind = REC_LDXR, .addr = WORD, .count = 8, .gap = 1 \
	}
#define STXR \
	{ \
		.kind = REC_STXR, .addr = WORD, .count = 8, .gap = 1 \
	}
#define STXR_AGAIN \
	{ \
		.kind = REC_STXR, .addr = WORD, .count = 8, .gap = 1, .flags = REC_AGAIN \
	}
#define STORE \
	{ \
		.kind = REC_STORE, .addr = WORD, .count = 8, .gap = 1 \
	}
#define ADD \
	{ \
		.kind = REC_ATOMIC, .addr = WORD, .count = 8, .gap = 1 \
	}

static const char *const shared[] = {"cores=4", "coherence.protocol=directory", NULL};
static const char *const far_shared[] = {"cores=4", "coherence.protocol=directory", "coherence.atomics=far",
					 NULL};

static void execute(struct vm_world *w, unsigned thread, struct record rec)
{
	struct core_turn turn;
	cr_assert(eq(int, machine_run_until(w->machine, thread, &rec, 1, UINT64_MAX, &turn, &w->err), OK),
		  "%s", w->err.text);
}

static void build(struct vm_world *w, unsigned threads, const char *const *sets)
{
	static const char *const yaml[] = {"name: x\n", "threads: 1\n", "threads: 2\n", "threads: 3\n",
					   "threads: 4\n"};
	cr_assert(eq(int, vm_world_open(w, yaml[threads], sets), OK), "%s", w->err.text);
}

static uint64_t failed(const struct vm_world *w, unsigned core)
{
	return vm_world_counter(w, "cpu%u.atomics.failed", core);
}

/* Whether an STXR of core 0 stores, behind its LDXR and what another thread or the core does then. */
static bool stores_behind(unsigned thread, struct record between)
{
	struct vm_world w;
	build(&w, 2, shared);
	execute(&w, 0, (struct record)STORE);
	execute(&w, 1, (struct record)STORE);
	execute(&w, 0, (struct record)LDXR);
	execute(&w, thread, between);
	execute(&w, 0, (struct record)STXR);
	bool stores = !failed(&w, 0);
	vm_world_close(&w);
	return stores;
}

Test(atomics, what_another_core_does_to_the_line_decides_whether_a_store_exclusive_stores)
{
	static const struct {
		const char *what;
		unsigned thread;
		struct record between;
		bool stores;
	} rows[] = {
		{"its load", 1, {.kind = REC_LOAD, .addr = WORD, .count = 8, .gap = 1}, true},
		{"its store", 1, STORE, false},
		{"its store beside", 1, {.kind = REC_STORE, .addr = WORD + 32, .count = 8, .gap = 1}, false},
		{"its store elsewhere",
		 1,
		 {.kind = REC_STORE, .addr = WORD + 64, .count = 8, .gap = 1},
		 true},
		{"its atomic", 1, ADD, false},
		{"its load exclusive", 1, LDXR, true},
		{"an own store", 0, STORE, true},
		{"CLREX", 0, {.kind = REC_CLREX}, false},
		{"CLREX of the other", 1, {.kind = REC_CLREX}, true},
		{"a system call", 0, {.kind = REC_SVC}, false},
		{"a barrier", 0, {.kind = REC_DSB, .count = 11}, true},
		{"a fault", 0, {.kind = REC_LOAD, .addr = 16 * WORD, .count = 8, .gap = 1}, false}};
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect(eq(int, stores_behind(rows[i].thread, rows[i].between), rows[i].stores), "%s",
			  rows[i].what);
}

static uint64_t run_all(struct vm_world *w, const struct record *rec, size_t n, unsigned threads,
			uint64_t times, const char *const *sets)
{
	struct trace_source *source[4];
	uint64_t cycles = 0;
	build(w, threads, sets);
	for (unsigned i = 0; i < threads; i++) source[i] = script_source(rec, n, times);
	vm_world_run(w, source, 0);
	for (unsigned i = 0; i < threads; i++) {
		uint64_t one = vm_world_counter(w, "cpu%u.cycles", i);
		if (one > cycles) cycles = one;
	}
	return cycles;
}

/* Every pass of the program's loop ends with a store; those that fail are made up for. */
Test(atomics, a_loop_of_exclusives_goes_on_until_each_has_stored)
{
	static const struct record loop[] = {LDXR, STXR_AGAIN};
	struct vm_world w;
	uint64_t stored = 0, lost = 0;
	run_all(&w, loop, 2, 4, 500, shared);
	for (unsigned i = 0; i < 4; i++) {
		uint64_t own = vm_world_counter(&w, "cpu%u.atomics.store_exclusives", i) - failed(&w, i);
		cr_expect(eq(u64, own, 500));
		cr_expect(eq(u64, vm_world_counter(&w, "cpu%u.atomics.load_exclusives", i),
			     500 + failed(&w, i)));
		stored += own;
		lost += failed(&w, i);
	}
	cr_expect(eq(u64, stored, 2000));
	cr_expect(lt(u64, 0, lost), "they are in each other's way");
	vm_world_close(&w);
}

Test(atomics, a_loop_of_exclusives_never_fails_on_one_core_alone)
{
	static const struct record loop[] = {LDXR, STXR_AGAIN};
	struct vm_world w;
	run_all(&w, loop, 2, 1, 500, shared);
	cr_expect(eq(u64, failed(&w, 0), 0));
	vm_world_close(&w);
}

Test(atomics, are_near_where_the_core_has_the_line_for_itself_and_else_as_the_machine_says)
{
	static const struct record own[] = {STORE, ADD}, add[] = {ADD};
	struct vm_world w;
	run_all(&w, own, 2, 1, 500, far_shared);
	cr_expect(eq(u64, vm_world_counter(&w, "cpu0.atomics.far"), 0));
	cr_expect(eq(u64, vm_world_counter(&w, "cpu0.atomics.near"), 500));
	vm_world_close(&w);
	uint64_t far = run_all(&w, add, 1, 1, 500, far_shared);
	cr_expect(eq(u64, vm_world_counter(&w, "cpu0.atomics.far"), 500), "what is done at home stays there");
	vm_world_close(&w);
	uint64_t near = run_all(&w, add, 1, 1, 500, shared);
	cr_expect(eq(u64, vm_world_counter(&w, "cpu0.atomics.near"), 500));
	cr_expect(lt(u64, 2 * near, far), "%lu, %lu", near, far);
	vm_world_close(&w);
}

/* STADD: nobody waits for it. */
Test(atomics, one_that_returns_no_value_is_not_waited_for)
{
	static const struct record add[] = {ADD}, post[] = {{.kind = REC_ATOMIC,
							     .addr = WORD,
							     .count = 8,
							     .gap = 1,
							     .arg = ATOMIC_POSTED}};
	struct vm_world w;
	uint64_t waits = run_all(&w, add, 1, 4, 500, far_shared);
	vm_world_close(&w);
	uint64_t goes_on = run_all(&w, post, 1, 4, 500, far_shared);
	vm_world_close(&w);
	cr_expect(lt(u64, 2 * goes_on, waits), "%lu, %lu", goes_on, waits);
}

/* One core updates the word sooner by exclusives; four do by atomics at home, which need no transfer for each. */
Test(atomics, far_atomics_overtake_exclusives_as_cores_join)
{
	static const struct record loop[] = {LDXR, STXR_AGAIN}, add[] = {ADD};
	struct vm_world w;
	uint64_t exclusive = run_all(&w, loop, 2, 4, 500, shared);
	vm_world_close(&w);
	uint64_t near = run_all(&w, add, 1, 4, 500, shared);
	vm_world_close(&w);
	uint64_t far = run_all(&w, add, 1, 4, 500, far_shared);
	vm_world_close(&w);
	cr_expect(lt(u64, near, exclusive), "%lu, %lu", near, exclusive);
	cr_expect(lt(u64, far, near), "%lu, %lu", far, near);
}
