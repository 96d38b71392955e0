/* Locks of a program: sections of generators, threads that wait for each other, and vCPUs that do so without a core. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "lock/lock.h"
#include "trace/generator.h"
#include "trace_help.h"
#include "vm_world.h"

/* --- streams --------------------------------------------------------------------------------------------------------- */

static struct gen_params locking(void)
{
	struct gen_params p;
	schema_defaults(&gen_schema, &p);
	p.footprint_bytes = 1 << 20;
	p.accesses = 5000;
	p.lock.kind = 1 + LOCK_RWLOCK;
	p.lock.locks = 3;
	p.lock.think_accesses = 7;
	p.lock.critical_accesses = 4;
	p.lock.reader_percent = 40;
	return p;
}

static struct record_list generate(const struct gen_params *p, size_t cap)
{
	struct trace_source *src;
	struct record_list list;
	struct err err = {0};
	cr_assert(eq(int, gen_open("test", p, 1, 0, &src, &err), OK), "%s", err.text);
	cr_assert(eq(int, read_all(src, cap, &list, &err), OK));
	cr_expect(eq(u64, trace_source_info(src)->records, list.n));
	trace_close(src);
	return list;
}

static bool is_access(const struct record *r) { return r->kind == REC_LOAD || r->kind == REC_STORE; }

Test(sections, each_takes_one_lock_uses_what_it_guards_and_gives_it_back)
{
	struct gen_params p = locking();
	struct record_list list = generate(&p, 512);
	uint64_t held = 0, inside = 0, outside = 0, accesses = 0;
	bool reader = false;
	for (size_t i = 0; i < list.n; i++) {
		const struct record *r = &list.r[i];
		accesses += is_access(r);
		if (r->kind == REC_LOCK) {
			cr_assert(eq(u64, held, 0));
			cr_assert(eq(u64, outside, 7));
			held = r->addr, inside = 0, reader = r->flags & REC_SHARED;
		} else if (r->kind == REC_UNLOCK) {
			cr_assert(eq(u64, held, r->addr));
			cr_assert(inside == 4 || accesses == p.accesses);
			held = outside = 0;
		} else if (held) {
			cr_assert(held + 64 <= r->addr + 64 && r->addr < held + 128);
			cr_assert(r->kind == REC_LOAD || !reader);
			inside++;
		} else {
			cr_assert(lt(u64, r->addr, p.lock.base_address));
			outside++;
		}
	}
	cr_expect(eq(u64, accesses, p.accesses));
	cr_expect(eq(u64, held, 0), "a stream does not end within a section");
	free(list.r);
}

Test(sections, are_the_same_however_the_stream_is_cut_and_however_long_it_is)
{
	struct gen_params p = locking();
	for (p.accesses = 1; p.accesses < 40; p.accesses++) {
		struct record_list a = generate(&p, 512), b = generate(&p, 1);
		cr_expect(same_records(&a, &b));
		free(a.r), free(b.r);
	}
}

Test(sections, readers_and_locks_are_as_many_as_asked)
{
	struct gen_params p = locking();
	p.accesses = 110000;
	struct record_list list = generate(&p, 512);
	uint64_t readers = 0, sections = 0, first = 0;
	for (size_t i = 0; i < list.n; i++) {
		if (list.r[i].kind != REC_LOCK) continue;
		sections++;
		readers += (list.r[i].flags & REC_SHARED) != 0;
		first += list.r[i].addr == p.lock.base_address;
	}
	cr_expect(eq(u64, sections, 10000));
	cr_expect(readers > 3750 && readers < 4250, "%lu", readers);
	cr_expect(first > 3090 && first < 3580, "%lu", first);
	free(list.r);
}

Test(sections, updates_come_between_the_accesses)
{
	static const struct {
		uint64_t kind;
		uint8_t first, arg;
	} rows[] = {{GEN_ATOMIC_EXCLUSIVE, REC_LDXR, 0},
		    {GEN_ATOMIC_RETURNING, REC_ATOMIC, ATOMIC_RETURNING},
		    {GEN_ATOMIC_POSTED, REC_ATOMIC, ATOMIC_POSTED}};
	for (unsigned k = 0; k < 3; k++) {
		struct gen_params p = locking();
		p.lock.kind = 0;
		p.atomic.kind = rows[k].kind;
		p.atomic.think_accesses = 3;
		struct record_list list = generate(&p, 512), again = generate(&p, 1);
		uint64_t between = 0, updates = 0;
		cr_expect(same_records(&list, &again));
		for (size_t i = 0; i < list.n; i++) {
			if (is_access(&list.r[i])) {
				between++;
				continue;
			}
			cr_assert(eq(u64, between, 3));
			cr_assert(eq(u8, list.r[i].kind, rows[k].first));
			cr_assert(eq(u64, list.r[i].arg, rows[k].arg));
			if (list.r[i].kind == REC_LDXR) {
				cr_assert(eq(u8, list.r[++i].kind, REC_STXR));
				cr_assert(eq(u8, list.r[i].flags, REC_AGAIN));
			}
			between = 0, updates++;
		}
		cr_expect(eq(u64, updates, (5000 - 1) / 3));
		free(list.r), free(again.r);
	}
}

/* --- threads on cores of their own ----------------------------------------------------------------------------------- */

#define TAKE(kind_) \
	{ \
		.kind = REC_LOCK, .addr = 0x50000, .count = kind_ \
	}
#define READ(kind_) \
	{ \
		.kind = REC_LOCK, .addr = 0x50000, .count = kind_, .flags = REC_SHARED \
	}
#define GIVE \
	{ \
		.kind = REC_UNLOCK, .addr = 0x50000 \
	}
#define WORK(n) \
	{ \
		.kind = REC_LOAD, .addr = 0x10000, .count = 8, .gap = n \
	}

static const char *const eight[] = {"cores=8", NULL};

static void run(struct vm_world *w, const char *yaml, const struct record *rec, size_t n, uint64_t times)
{
	struct trace_source *source[16];
	cr_assert(eq(int, vm_world_open(w, yaml, eight), OK), "%s", w->err.text);
	for (unsigned i = 0; i < machine_threads(w->machine); i++) source[i] = script_source(rec, n, times);
	vm_world_run(w, source, 0);
}

static uint64_t last_cycle(const struct vm_world *w, unsigned cores)
{
	uint64_t last = 0;
	for (unsigned i = 0; i < cores; i++) {
		uint64_t one = vm_world_counter(w, "cpu%u.cycles", i);
		if (one > last) last = one;
	}
	return last;
}

/* Four instructions in a cycle: 4000 are 1000 cycles. */
Test(program_locks, sections_exclude_each_other_and_waiting_is_a_bucket_of_its_own)
{
	static const enum lock_kind kinds[] = {LOCK_SPINLOCK, LOCK_TICKET, LOCK_TEST_AND_SET, LOCK_MUTEX,
					       LOCK_RWLOCK};
	for (unsigned k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		const struct record loop[] = {TAKE(kinds[k]), WORK(4000), GIVE};
		struct vm_world w;
		uint64_t lock = 0;
		run(&w, "name: x\nthreads: 4\nos: {mutex_spin_cycles: 1000000}\n", loop, 3, 50);
		const char *kind = lock_kind_names[kinds[k]];
		cr_expect(le(u64, 4 * 50 * 1000, last_cycle(&w, 4)), "%s", kind);
		cr_expect(eq(u64, vm_world_counter(&w, "program_locks.%s.taken", kind), 200));
		cr_expect(lt(u64, 150, vm_world_counter(&w, "program_locks.%s.contended", kind)));
		for (unsigned i = 0; i < 4; i++)
			lock += vm_world_counter(&w, "cpu%u.cycles_by_bucket.lock", i);
		cr_expect(le(u64, vm_world_counter(&w, "program_locks.%s.wait_cycles", kind), lock));
		vm_world_close(&w);
	}
}

Test(program_locks, readers_of_a_reader_writer_lock_work_beside_each_other)
{
	static const struct record read[] = {READ(LOCK_RWLOCK), WORK(4000), GIVE};
	static const struct record write[] = {TAKE(LOCK_RWLOCK), WORK(4000), GIVE};
	struct vm_world w;
	run(&w, "name: x\nthreads: 4\n", read, 3, 50);
	uint64_t beside = last_cycle(&w, 4);
	vm_world_close(&w);
	run(&w, "name: x\nthreads: 4\n", write, 3, 50);
	cr_expect(lt(u64, 2 * beside, last_cycle(&w, 4)));
	vm_world_close(&w);
}

Test(program_locks, a_mutex_sleeps_and_its_core_is_idle)
{
	static const struct record loop[] = {TAKE(LOCK_MUTEX), WORK(40000), GIVE};
	struct vm_world w;
	run(&w, "name: x\nthreads: 2\nos: {mutex_spin_cycles: 1000}\n", loop, 3, 20);
	cr_expect(lt(u64, 10, vm_world_counter(&w, "program_locks.mutex.sleeps")));
	cr_expect(lt(u64, 10000, vm_world_counter(&w, "cpu0.cycles_by_bucket.idle")));
	vm_world_close(&w);
}

Test(program_locks, vms_have_locks_of_their_own)
{
	static const struct record loop[] = {TAKE(LOCK_SPINLOCK), WORK(4000), GIVE};
	struct vm_world w;
	run(&w, "name: x\nhypervisors: [{}]\nvms: [{name: a}, {name: b}]\n", loop, 3, 50);
	cr_expect(eq(u64, vm_world_counter(&w, "vm0.program_locks.spinlock.contended"), 0));
	cr_expect(eq(u64, vm_world_counter(&w, "vm1.program_locks.spinlock.contended"), 0));
	vm_world_close(&w);
}

static void expect_refusal(const char *what, const struct record *rec, size_t n)
{
	struct vm_world w;
	cr_assert(eq(int, vm_world_open(&w, "name: x\n", eight), OK), "%s", w.err.text);
	cr_expect(eq(int, machine_run(w.machine, rec, n, &w.err), ERR_INPUT));
	cr_expect(strstr(w.err.text, what) && strstr(w.err.text, "0x50000"), "%s", w.err.text);
	machine_free(w.machine);
	w.machine = NULL;
	vm_world_close(&w);
}

Test(program_locks, what_no_program_could_do_is_refused)
{
	static const struct record twice[] = {TAKE(0), TAKE(0)}, stray[] = {GIVE}, unknown[] = {TAKE(99)},
				   other[] = {TAKE(LOCK_TICKET), GIVE, TAKE(LOCK_MUTEX)};
	expect_refusal("in a thread that has it", twice, 2);
	expect_refusal("has it not", stray, 1);
	expect_refusal("outside of 0..", unknown, 1);
	expect_refusal("it is a ticket", other, 3);
}

/* --- vCPUs that share a core ------------------------------------------------------------------------------------------- */

#define SHARED(wfe) \
	"hypervisors: [{}]\nscheduler: {slice_ns: 20000, tick_hz: 0, switch_cycles: 200, halt_poll_ns: 0, wfe_exits: " wfe \
	"}\nthreads: 4\ncpus: 0-1\n"

/* A section is shorter than a slice, and longer than what is between: most of the time somebody has the lock. */
static uint64_t over_committed(enum lock_kind kind, const char *yaml, struct vm_world *w)
{
	const struct record loop[] = {WORK(400), TAKE(kind), WORK(4000), GIVE};
	run(w, yaml, loop, 4, 400);
	cr_expect(eq(u64, vm_world_counter(w, "vm0.program_locks.%s.released", lock_kind_names[kind]), 1600));
	return last_cycle(w, 2);
}

Test(program_locks, a_preempted_waiter_holds_up_a_queue_and_no_test_and_set_lock)
{
	struct vm_world w;
	uint64_t unfair = over_committed(LOCK_TEST_AND_SET, SHARED("no"), &w);
	vm_world_close(&w);
	uint64_t queued = over_committed(LOCK_SPINLOCK, SHARED("no"), &w);
	vm_world_close(&w);
	uint64_t tickets = over_committed(LOCK_TICKET, SHARED("no"), &w);
	vm_world_close(&w);
	cr_expect(lt(u64, unfair * 3 / 2, queued), "%lu, %lu", unfair, queued);
	cr_expect(lt(u64, unfair * 3 / 2, tickets), "%lu, %lu", unfair, tickets);
}

Test(program_locks, exits_of_wfe_give_the_core_to_who_could_go_on)
{
	struct vm_world w;
	uint64_t spins = over_committed(LOCK_SPINLOCK, SHARED("no"), &w);
	cr_expect(eq(u64, vm_world_counter(&w, "vm0.vcpu0.sched.yields"), 0));
	vm_world_close(&w);
	uint64_t yields = over_committed(LOCK_SPINLOCK, SHARED("yes"), &w);
	cr_expect(lt(u64, 10, vm_world_counter(&w, "vm0.vcpu0.sched.yields")));
	vm_world_close(&w);
	cr_expect(lt(u64, yields * 3 / 2, spins), "%lu, %lu", yields, spins);
}

Test(program_locks, a_sleeper_at_a_mutex_leaves_its_core_to_others)
{
	struct vm_world w;
	over_committed(LOCK_MUTEX,
		       "hypervisors: [{}]\nos: {mutex_spin_cycles: 500}\nscheduler: {slice_ns: "
		       "20000, tick_hz: 0, switch_cycles: 200, halt_poll_ns: 0}\nthreads: 4\ncpus: 0-1\n",
		       &w);
	cr_expect(lt(u64, 0, vm_world_counter(&w, "vm0.vcpu0.sched.cycles.idle")));
	cr_expect(lt(u64, 0, vm_world_counter(&w, "vm0.vcpu0.sched.wakeups")));
	vm_world_close(&w);
}
