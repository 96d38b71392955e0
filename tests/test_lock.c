/* Lines that cores share, and locks on them: distances, transfers one behind the other, queues and hand-overs. */
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/rng.h"
#include "lock/lock.h"

enum { CLUSTER = 10, DIE = 50, SOCKET = 90, MACHINE = 300, ATOMIC = 4, HOME = 7 };

/* Two sockets of two dies of two clusters of two cores, at 1 GHz: a nanosecond is a cycle. */
static struct coherence make(enum atomics atomics)
{
	const struct topology_params t = {.cluster_cores = 2, .die_cores = 4, .socket_cores = 8};
	const struct coherence_params p = {.cluster_ns = CLUSTER,
					   .die_ns = DIE,
					   .socket_ns = SOCKET,
					   .machine_ns = MACHINE,
					   .atomics = atomics,
					   .far_atomic_ns = HOME};
	struct coherence c;
	coherence_init(&c, &p, &t, 1000, ATOMIC);
	return c;
}

/* --- lines --------------------------------------------------------------------------------------------------------- */

Test(line, comes_as_late_as_its_cores_are_far_apart)
{
	static const struct {
		unsigned to;
		cycles_t cycles;
	} rows[] = {{0, 0}, {1, CLUSTER}, {2, DIE}, {3, DIE}, {4, SOCKET}, {7, SOCKET}, {8, MACHINE}};
	struct coherence c = make(ATOMICS_NEAR);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct shared_line l;
		struct line_stats stats = {0};
		line_init(&l, &c, &stats);
		line_write(&l, 0, 100);
		cr_expect(eq(u64, line_write(&l, rows[i].to, 1000), 1000 + rows[i].cycles + ATOMIC),
			  "to core %u", rows[i].to);
	}
}

Test(line, a_machine_that_says_nothing_is_one_die)
{
	const struct topology_params none = {0}, sockets = {.socket_cores = 4}, dies = {.die_cores = 4};
	cr_expect(eq(int, coherence_distance(&none, 0, 100), DISTANCE_DIE));
	cr_expect(eq(int, coherence_distance(&sockets, 0, 3), DISTANCE_DIE));
	cr_expect(eq(int, coherence_distance(&sockets, 0, 4), DISTANCE_MACHINE));
	cr_expect(eq(int, coherence_distance(&dies, 0, 4), DISTANCE_SOCKET));
	cr_expect(eq(int, coherence_distance(&none, 5, 5), DISTANCE_SAME));
}

Test(line, transfers_follow_each_other)
{
	struct coherence c = make(ATOMICS_NEAR);
	struct shared_line l;
	struct line_stats stats = {0};
	line_init(&l, &c, &stats);
	line_write(&l, 0, 0);
	line_write(&l, 2, 100);
	cr_expect(eq(u64, line_write(&l, 0, 120), 100 + 2 * DIE + ATOMIC), "it is under way until 150");
	cr_expect(eq(u64, stats.wait_cycles, 30));
	cr_expect(eq(u64, line_write(&l, 2, 200), 200 + DIE + ATOMIC), "it was there at 200");
	cr_expect(eq(u64, stats.wait_cycles, 30));
	cr_expect(eq(u64, stats.transfers[DISTANCE_DIE], 3));
	cr_expect(eq(u64, stats.transfers[DISTANCE_SAME], 1));
}

/* Far atomics of many cores are so much denser than transfers as the home is faster. */
Test(line, far_atomics_stay_at_home)
{
	struct coherence near = make(ATOMICS_NEAR), far = make(ATOMICS_FAR);
	struct shared_line a, b;
	struct line_stats elsewhere = {0}, home = {0};
	line_init(&a, &near, &elsewhere);
	line_init(&b, &far, &home);
	cycles_t last_near = 0, last_far = 0;
	for (unsigned i = 0; i < 100; i++) {
		last_near = line_write(&a, i % 2 * 2, 0);
		last_far = line_write(&b, i % 2 * 2, 0);
	}
	cr_expect(eq(u64, last_near, 99 * DIE + ATOMIC));
	cr_expect(eq(u64, last_far, 99 * HOME + DIE));
	cr_expect(eq(u64, home.far, 100));
}

Test(line, a_far_atomic_on_a_line_of_its_own_core_is_near)
{
	struct coherence c = make(ATOMICS_FAR);
	struct shared_line l;
	struct line_stats stats = {0};
	line_init(&l, &c, &stats);
	line_store(&l, 3, 0);
	cr_expect(eq(u64, line_write(&l, 3, 1000), 1000 + ATOMIC));
	cr_expect(eq(u64, line_write(&l, 0, 2000), 2000 + DIE));
}

/* --- locks ------------------------------------------------------------------------------------------------------- */

struct grants {
	cycles_t at[16], idle[16];
	unsigned order[16], count;
};

static void granted(void *ctx, struct lock_waiter *w, cycles_t at, cycles_t idle)
{
	struct grants *g = ctx;
	g->at[w->core] = at;
	g->idle[w->core] = idle;
	g->order[g->count++] = w->core;
}

struct rig {
	struct coherence coherence;
	struct lock lock;
	struct lock_counters counters;
	struct lock_waiter by[16];
	struct grants got;
};

static void build(struct rig *r, enum lock_kind kind)
{
	const struct lock_costs costs = {.spin_limit = 1000, .sleep_wake = 400, .wake_caller = 70};
	memset(r, 0, sizeof(*r));
	r->coherence = make(ATOMICS_NEAR);
	lock_init(&r->lock, kind, &r->coherence, &costs, &r->counters);
	for (unsigned i = 0; i < 16; i++) r->by[i].core = i;
}

static bool ask(struct rig *r, unsigned core, bool shared, cycles_t now)
{
	cycles_t done;
	r->by[core].shared = shared;
	if (!lock_acquire(&r->lock, &r->by[core], now, &done)) return false;
	r->got.at[core] = done;
	return true;
}

static cycles_t give(struct rig *r, unsigned core, cycles_t now)
{
	return lock_release(&r->lock, &r->by[core], now, granted, &r->got);
}

Test(lock, an_uncontended_one_costs_an_atomic_and_the_way_of_its_line)
{
	struct rig r;
	build(&r, LOCK_SPINLOCK);
	cr_expect(ask(&r, 0, false, 100));
	cr_expect(eq(u64, r.got.at[0], 100 + ATOMIC));
	cr_expect(eq(u64, give(&r, 0, 200), 200), "nobody waits for the store that clears it");
	cr_expect(ask(&r, 0, false, 300));
	cr_expect(eq(u64, r.got.at[0], 300 + ATOMIC));
	give(&r, 0, 310);
	cr_expect(ask(&r, 2, false, 400));
	cr_expect(eq(u64, r.got.at[2], 400 + DIE + ATOMIC));
	cr_expect(eq(u64, r.counters.lock.contended, 0));
}

/* The line is with the core that waits: back for the store that clears it, and again to who spins on it. */
Test(lock, a_spin_lock_is_handed_over_by_its_line)
{
	struct rig r;
	build(&r, LOCK_SPINLOCK);
	ask(&r, 0, false, 0);
	cr_expect(not(ask(&r, 2, false, 100)));
	give(&r, 0, 1000);
	cr_expect(eq(u64, r.got.at[2], 1000 + 2 * DIE));
	cr_expect(eq(u64, r.got.idle[2], 0), "it spins");
	cr_expect(eq(u64, r.counters.lock.hand_overs, 1));
	cr_expect(eq(u64, r.counters.lock.wait_cycles, ATOMIC + 900 + 2 * DIE));
}

Test(lock, waiters_get_it_in_the_order_in_which_they_asked)
{
	static const unsigned order[] = {3, 1, 6, 2};
	struct rig r;
	build(&r, LOCK_SPINLOCK);
	ask(&r, 0, false, 0);
	for (unsigned i = 0; i < 4; i++) ask(&r, order[i], false, 100 + i);
	give(&r, 0, 2000);
	for (unsigned i = 0; i < 4; i++) {
		cr_assert(eq(u32, r.got.count, i + 1), "one at a time");
		cr_expect(eq(u32, r.got.order[i], order[i]));
		give(&r, order[i], r.got.at[order[i]] + 500);
	}
	cr_expect(eq(u32, r.got.count, 4));
}

/* Theory: where all always wait, each round takes the critical section and the hand-over, however many they are. */
Test(lock, a_saturated_spin_lock_gives_one_turn_per_hold_and_hand_over)
{
	const cycles_t hold = 400;
	struct rig r;
	build(&r, LOCK_SPINLOCK);
	for (unsigned i = 0; i < 4; i++) ask(&r, i, false, i);
	cycles_t first = 0, at = r.got.at[0];
	unsigned core = 0, turns = 400;
	for (unsigned i = 0; i < turns; i++) {
		if (i == 8) first = at;
		r.got.count = 0;
		give(&r, core, at + hold);
		ask(&r, core, false, at + hold);
		core = (core + 1) % 4;
		at = r.got.at[core];
	}
	cycles_t turn = (at - first) / (turns - 8);
	cr_expect(lt(u64, hold + CLUSTER - 1, turn), "%lu", (unsigned long)turn);
	cr_expect(lt(u64, turn, hold + 3 * DIE + 1), "%lu", (unsigned long)turn);
}

Test(lock, readers_hold_a_reader_writer_lock_together)
{
	struct rig r;
	build(&r, LOCK_RWLOCK);
	cr_expect(ask(&r, 0, true, 0));
	cr_expect(ask(&r, 1, true, 100));
	cr_expect(eq(u64, r.got.at[1], 100 + CLUSTER + ATOMIC), "its line is written nevertheless");
	cr_expect(not(ask(&r, 2, false, 200)), "a writer waits for them");
	cr_expect(not(ask(&r, 3, true, 300)), "who comes behind a writer waits for it");
	give(&r, 0, 1000);
	cr_expect(eq(u32, r.got.count, 0), "one reader is left");
	cycles_t done = give(&r, 1, 2000);
	cr_expect(lt(u64, 2000 + ATOMIC, done), "readers count themselves out by an atomic: %lu",
		  (unsigned long)done);
	cr_expect(eq(u32, r.got.count, 1));
	cr_expect(eq(u32, r.got.order[0], 2));
	give(&r, 2, r.got.at[2] + 100);
	cr_expect(eq(u32, r.got.order[1], 3));
}

Test(lock, a_writer_lets_all_readers_behind_it_go_on)
{
	struct rig r;
	build(&r, LOCK_RWLOCK);
	ask(&r, 0, false, 0);
	for (unsigned i = 1; i < 5; i++) cr_expect(not(ask(&r, i, true, 100 * i)));
	give(&r, 0, 5000);
	cr_expect(eq(u32, r.got.count, 4));
	cr_expect(eq(u32, r.lock.readers, 4));
	for (unsigned i = 2; i < 5; i++)
		cr_expect(lt(u64, r.got.at[i - 1], r.got.at[i]), "one after the other, as the queue moves");
}

Test(lock, only_a_reader_writer_lock_has_readers)
{
	static const enum lock_kind exclusive[] = {LOCK_SPINLOCK, LOCK_MUTEX};
	for (unsigned i = 0; i < 2; i++) {
		struct rig r;
		build(&r, exclusive[i]);
		cr_expect(ask(&r, 0, true, 0));
		cr_expect(not(ask(&r, 1, true, 10)), "%s", lock_kind_names[exclusive[i]]);
	}
}

/* A waiter spins for 1000 cycles; the cycle more makes it sleep, and its wake-up costs both sides. */
Test(lock, a_mutex_sleeps_beyond_its_spin_limit_and_not_before)
{
	struct rig r;
	build(&r, LOCK_MUTEX);
	ask(&r, 0, false, 0);
	ask(&r, 1, false, 100);
	cycles_t store = CLUSTER; /* the line comes back */
	cr_expect(eq(u64, give(&r, 0, 1100 - store), 1100 - store));
	cr_expect(eq(u64, r.counters.lock.sleeps, 0));
	cr_expect(eq(u64, r.got.idle[1], 0));
	build(&r, LOCK_MUTEX);
	ask(&r, 0, false, 0);
	ask(&r, 1, false, 100);
	cr_expect(eq(u64, give(&r, 0, 1101 - store), 1101 - store + 70));
	cr_expect(eq(u64, r.counters.lock.sleeps, 1));
	cr_expect(eq(u64, r.got.at[1], 1101 + CLUSTER + 400));
	cr_expect(eq(u64, r.got.idle[1], 401));
}

Test(lock, rcu_readers_wait_for_nobody_and_write_no_line)
{
	struct rig r;
	build(&r, LOCK_RCU);
	cr_expect(ask(&r, 0, false, 0), "an updater");
	cr_expect(ask(&r, 1, true, 50));
	cr_expect(eq(u64, r.got.at[1], 50));
	cr_expect(eq(u64, give(&r, 1, 60), 60));
	cr_expect(eq(u64, r.counters.line.writes, 1));
	cr_expect(not(ask(&r, 2, false, 70)), "updaters exclude each other");
	give(&r, 0, 500);
	cr_expect(eq(u32, r.got.order[0], 2));
}

/* Against the rules as such: one writer or readers, nobody is forgotten, nobody goes before the release. */
static void play(enum lock_kind kind, uint64_t seed)
{
	enum { CORES = 16, STEPS = 4000 };
	enum { IDLE, WAITS, HOLDS } state[CORES] = {IDLE};
	struct rig r;
	struct rng rng;
	struct err err = {0};
	build(&r, kind);
	rng_init(&rng, seed, "test.lock");
	cycles_t now = 0;
	for (unsigned step = 0; step < STEPS; step++) {
		unsigned core = (unsigned)rng_below(&rng, CORES);
		now += rng_below(&rng, 200);
		r.got.count = 0;
		if (state[core] == IDLE) {
			state[core] = ask(&r, core, rng_below(&rng, 2), now) ? HOLDS : WAITS;
		} else if (state[core] == HOLDS) {
			if (now < r.got.at[core]) now = r.got.at[core];
			give(&r, core, now);
			state[core] = IDLE;
			for (unsigned i = 0; i < r.got.count; i++) {
				unsigned next = r.got.order[i];
				cr_assert(eq(int, state[next], WAITS));
				cr_assert(lt(u64, now, r.got.at[next]));
				state[next] = HOLDS;
			}
		}
		unsigned writers = 0, readers = 0;
		for (unsigned i = 0; i < CORES; i++) {
			bool reads = r.by[i].shared && kind == LOCK_RWLOCK;
			bool apart = r.by[i].shared && kind == LOCK_RCU;
			if (state[i] == HOLDS && !apart) *(reads ? &readers : &writers) += 1;
		}
		cr_assert(writers + (readers > 0) <= 1);
		if (!writers && !readers) cr_assert(eq(ptr, r.lock.first, NULL), "it is free, and one waits");
		cr_assert(eq(int, lock_check(&r.lock, "test", &err), OK), "%s", err.text);
	}
	cr_expect(lt(u64, STEPS / 20, r.counters.lock.taken));
}

Test(lock, any_order_of_asking_and_giving_back_keeps_the_rules)
{
	for (int kind = 0; kind < LOCK_KIND_COUNT; kind++)
		for (uint64_t seed = 1; seed < 5; seed++) play((enum lock_kind)kind, seed);
}

/* --- locks on whose own line all spin -------------------------------------------------------------------------- */

/* From the release until the next one has it, with `waiters` behind the holder. */
static cycles_t hand_over_cycles(enum lock_kind kind, unsigned waiters)
{
	struct rig r;
	build(&r, kind);
	ask(&r, 0, false, 0);
	for (unsigned i = 1; i <= waiters; i++) ask(&r, i, false, 100 * i);
	give(&r, 0, 100000);
	cr_assert(eq(u32, r.got.count, 1));
	return r.got.at[r.got.order[0]] - 100000;
}

Test(lock, a_queued_hand_over_takes_as_long_however_many_wait)
{
	cr_expect(le(u64, hand_over_cycles(LOCK_SPINLOCK, 15), MACHINE + CLUSTER));
}

/* Boyd-Wickizer et al., OLS 2012: half of those who spin read the line before the one whose turn it is. */
Test(lock, a_ticket_hand_over_takes_the_longer_the_more_spin)
{
	cycles_t few = hand_over_cycles(LOCK_TICKET, 1), some = hand_over_cycles(LOCK_TICKET, 4),
		 many = hand_over_cycles(LOCK_TICKET, 15);
	cr_expect(lt(u64, few + DIE, some), "%lu, %lu", (unsigned long)few, (unsigned long)some);
	cr_expect(lt(u64, 2 * some, many), "%lu, %lu", (unsigned long)some, (unsigned long)many);
}

Test(lock, a_ticket_lock_is_fair)
{
	static const unsigned order[] = {12, 1, 6, 2};
	struct rig r;
	build(&r, LOCK_TICKET);
	ask(&r, 0, false, 0);
	for (unsigned i = 0; i < 4; i++) ask(&r, order[i], false, 100 + i);
	for (unsigned i = 0, core = 0; i < 4; core = order[i++]) {
		give(&r, core, 10000 * (i + 1));
		cr_expect(eq(u32, r.got.order[i], order[i]));
	}
}

Test(lock, a_test_and_set_lock_goes_to_the_nearest)
{
	static const unsigned asked[] = {12, 6, 1, 2}, got[] = {1, 2, 6, 12};
	struct rig r;
	build(&r, LOCK_TEST_AND_SET);
	ask(&r, 0, false, 0);
	for (unsigned i = 0; i < 4; i++) cr_expect(not(ask(&r, asked[i], false, 100 + i)));
	for (unsigned i = 0, core = 0; i < 4; core = got[i++]) {
		give(&r, core, 10000 * (i + 1));
		cr_expect(eq(u32, r.got.order[i], got[i]));
	}
}

/* Lock-waiter preemption: a queue hands over to who is not there, and all behind wait for it. */
Test(lock, a_queue_waits_for_who_is_away_and_a_test_and_set_lock_does_not)
{
	static const enum lock_kind queues[] = {LOCK_SPINLOCK, LOCK_TICKET, LOCK_RWLOCK, LOCK_MUTEX};
	for (unsigned i = 0; i < sizeof(queues) / sizeof(queues[0]); i++) {
		struct rig r;
		build(&r, queues[i]);
		ask(&r, 0, false, 0);
		ask(&r, 1, false, 100);
		ask(&r, 2, false, 200);
		r.by[1].away = true;
		give(&r, 0, 500);
		cr_expect(eq(u32, r.got.order[0], 1), "%s", lock_kind_names[queues[i]]);
		cr_expect(eq(u32, r.got.count, 1));
	}
	struct rig r;
	cycles_t done;
	build(&r, LOCK_TEST_AND_SET);
	ask(&r, 0, false, 0);
	ask(&r, 1, false, 100);
	ask(&r, 2, false, 200);
	r.by[1].away = r.by[2].away = true;
	give(&r, 0, 500);
	cr_expect(eq(u32, r.got.count, 0), "it is free, and nobody looks");
	cr_expect(lock_come_back(&r.lock, &r.by[2], 900, &done));
	cr_expect(le(u64, 900, done));
	cr_expect(not(lock_come_back(&r.lock, &r.by[1], 950, &done)), "it is taken again");
	give(&r, 2, 1000);
	cr_expect(eq(u32, r.got.order[0], 1));
}
