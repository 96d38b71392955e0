/* test_exits.c - recorded exceptions against the level machine: vectors, PSTATE, and replays of logs. */
#include <stdio.h>
#include <stdlib.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#include "base/zread.h"
#include "hyp/exits.h"
#include "trace/source.h"

#define BENCH "../shared/real/bench/"

/* --- what an emulator's PE did at each entry ---------------------------------------------------------- */

struct entry {
	unsigned number, from, to;
	uint64_t pc, pstate;
};

/* The next "Taking exception" group; false at the end. */
static bool next_entry(struct zread *z, struct entry *e)
{
	const char *line;
	struct err err = {0};
	bool begun = false;
	while (zread_line(z, &line, &err) == OK && line) {
		if (sscanf(line, "Taking exception %u", &e->number) == 1) begun = true;
		sscanf(line, "...from EL%u to EL%u", &e->from, &e->to);
		if (begun && sscanf(line, "...to EL%*u PC %lx PSTATE %lx", &e->pc, &e->pstate) == 2)
			return true;
	}
	return false;
}

/* The state before an entry as far as the log knows it: the level, and whether EL2 is a host kernel's with
 * PAN on entry. */
static struct el_state state_before(const struct entry *e, bool vhe)
{
	const struct el_features has = {.el2 = true, .vhe = vhe, .pan = vhe};
	bool host = vhe && e->to == 2 && e->from != 1;
	struct el_state s;
	el_reset(&s, &has);
	s.pstate = pstate_mode(e->from);
	if (host) s.reg[R_HCR_EL2] = UINT64_C(1) << HCR_E2H | UINT64_C(1) << HCR_TGE;
	s.reg[R_SCTLR_EL1] = s.reg[R_SCTLR_EL2] = vhe && !host ? UINT64_C(1) << 23 : 0;
	return s;
}

struct log_case {
	char path[64];
	bool vhe;
	unsigned at_least;
};

ParameterizedTestParameters(exits_recorded, entries_land_at_the_vector_and_with_the_pstate_that_the_log_shows)
{
	static struct log_case cases[] = {{BENCH "bench_vhe_icount/int.0.log.zst", true, 5000},
					  {BENCH "bench_nvhe_icount/int.0.log.zst", false, 4000}};
	return cr_make_param_array(struct log_case, cases, 2);
}

ParameterizedTest(struct log_case *c, exits_recorded,
		  entries_land_at_the_vector_and_with_the_pstate_that_the_log_shows)
{
	struct zread *z;
	struct err err = {0};
	struct entry e = {0};
	unsigned checked = 0;
	cr_assert(eq(int, zread_open(c->path, &z, &err), OK), "%s", err.text);
	for (; next_entry(z, &e); checked++) {
		struct el_state s = state_before(&e, c->vhe);
		enum el_kind kind = e.number == 5 || e.number == 14 ? EXC_IRQ : EXC_SYNC;
		struct el_exception x = {.kind = (uint8_t)kind, .to = (uint8_t)e.to};
		struct el_transfer t = el_take(&s, &x);
		/* Every VBAR of these machines ends in 0x000 or 0x800. */
		cr_assert(eq(u64, t.vector, e.pc & 0x7ff), "exception %u from EL%u to EL%u", e.number, e.from,
			  e.to);
		/* PAN stays set from a kernel that had it; the log does not show what it had before. */
		uint64_t unknown = e.from == e.to || !c->vhe ? PSTATE_PAN : 0;
		cr_assert(eq(u64, s.pstate & ~unknown & 0x4003ff, e.pstate & ~unknown & 0x4003ff),
			  "EL%u to EL%u", e.from, e.to);
	}
	zread_close(z);
	cr_assert(ge(u32, checked, c->at_least));
}

/* --- replays ------------------------------------------------------------------------------------------ */

static struct exits replay(const char *path, uint32_t stream)
{
	static struct record batch[TRACE_BATCH];
	struct trace_source *src;
	struct err err = {0};
	struct exits x;
	struct exit_event e;
	exits_init(&x);
	cr_assert(eq(int, trace_open(path, stream, &src, &err), OK), "%s", err.text);
	for (size_t n = 1; n;) {
		cr_assert(eq(int, trace_next(src, batch, TRACE_BATCH, &n, &err), OK), "%s", err.text);
		for (size_t i = 0; i < n; i++) {
			exits_replay(&x, &batch[i], &e);
			cr_assert(zero(ptr, (void *)el_check(&x.el)));
		}
	}
	trace_close(src);
	return x;
}

Test(exits_replay, of_recorded_logs_is_legal_and_levels_follow_on_each_other)
{
	static const char *const logs[] = {
		BENCH "bench_vhe_icount/int.0.log.zst", BENCH "bench_vhe_icount/int_gic.1.log.zst",
		BENCH "bench_nvhe_icount/int.0.log.zst", BENCH "bench_nvhe_icount/int_gic.1.log.zst"};
	for (size_t i = 0; i < 4; i++)
		for (uint32_t cpu = 0; cpu < 2; cpu++) {
			struct exits x = replay(logs[i], cpu);
			cr_assert(eq(u64, x.illegal, 0));
			/* A return that was given to the other CPU shows up as a level that does not follow. */
			cr_assert(le(u64, x.moved, 3), "%s CPU %u", logs[i], cpu);
			cr_assert(lt(u64, 1000, x.entries));
		}
}

Test(exits_replay, of_the_kernels_own_events_alternates_exits_and_entries)
{
	struct exits x = replay(BENCH "bench_vhe_icount/ftrace_bench.txt.zst", 0);
	cr_assert(eq(u64, x.entries, 262));
	cr_assert(eq(u64, x.returns, 262));
	cr_assert(eq(u64, x.moved, 0));
}

Test(exits_replay, an_exception_to_a_lower_level_is_left_out)
{
	struct exits x;
	struct exit_event e;
	const struct record down = {.kind = REC_EXC, .count = exc_count(2, 1, EXC_REC_SYNC)};
	const struct record to_user = {.kind = REC_EXC, .count = exc_count(0, 0, EXC_REC_SYNC)};
	exits_init(&x);
	cr_assert(not(exits_replay(&x, &down, &e)));
	cr_assert(not(exits_replay(&x, &to_user, &e)));
}

Test(exits_replay, a_return_to_a_higher_level_is_illegal_and_stays)
{
	struct exits x;
	struct exit_event e;
	const struct record up = {.kind = REC_ERET, .count = 2, .arg = 1};
	exits_init(&x);
	cr_assert(exits_replay(&x, &up, &e));
	cr_assert(e.transfer.illegal);
	cr_assert(eq(u32, el_level(&x.el), 1));
	cr_assert(eq(u64, x.illegal, 1));
}

Test(exits_logs, of_trace_cmd_are_the_kernels_with_other_blanks)
{
	static const char text[] =
		"cpus=2\n"
		"      CPU 0/KVM-4711  [001]  1234.500000: kvm_entry:            PC: 0xffff800010081234\n"
		"      CPU 0/KVM-4711  [001]  1234.500010: kvm_exit:             TRAP: HSR_EC: 0x0024 (DABT_LOW), PC: "
		"0xffff800010081238\n"
		"      CPU 0/KVM-4711  [001]  1234.500011: kvm_guest_fault:      ipa 0x9000000, hsr 0x93c08007\n"
		"      CPU 0/KVM-4711  [001]  1234.500020: kvm_exit:             IRQ: HSR_EC: 0x0000 (UNKNOWN), PC: 0x10\n";
	struct trace_source *src;
	struct err err = {0};
	struct record rec[8];
	size_t n;
	cr_assert(eq(int, trace_open_memory("log", text, strlen(text), 0, &src, &err), OK), "%s", err.text);
	cr_assert(eq(int, trace_next(src, rec, 8, &n, &err), OK), "%s", err.text);
	cr_assert(eq(sz, n, 3));
	cr_expect(eq(u32, rec[0].kind, REC_ERET));
	cr_expect(eq(u64, rec[1].addr, UINT64_C(0xffff800010081238)));
	cr_expect(eq(u64, esr_ec(rec[1].arg), 0x24));
	cr_expect(eq(u32, exc_kind_of(rec[2].count), EXC_REC_IRQ));
	trace_close(src);
}

/* --- logs that are wrong ------------------------------------------------------------------------------ */

struct wrong_log {
	char text[200];
	char message[80];
};

ParameterizedTestParameters(exits_logs, what_is_wrong_is_named_with_its_line)
{
	static struct wrong_log cases[] = {
		{"Taking exception 2 [SVC] on CPU 0\n...from EL0 to EL1\n...with ESR 0x15/0x56000000\n",
		 "log:4: expected \"...with ELR\""},
		{"Taking exception 2 [SVC] on CPU 0\n...from EL0 to EL7\n",
		 "log:2: expected \"...from ELx to ELy\""},
		{"Taking exception 2 [SVC] on CPU 600\n", "log:1: expected \"on CPU N\", of at most 512"},
		{"Exception return from AArch64 EL1 to AArch32 EL0 PC 0x1000\n",
		 "log:1: expected a return from AArch64"},
		{"# tracer: nop\n a-1 [000] d.... 1.0: kvm_exit: TRAP: PC: 0x0\n",
		 "log:2: expected \"kvm_exit: WHY"},
		{"# tracer: nop\nCPU:0 [LOST 7 EVENTS]\n", "log:2: events were lost"},
		{"# tracer: nop\n [000] d.... 1.0: kvm_entry: PC: 0x0\n", "log:2: expected NAME-PID [CPU]"},
	};
	return cr_make_param_array(struct wrong_log, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct wrong_log *w, exits_logs, what_is_wrong_is_named_with_its_line)
{
	struct trace_source *src;
	struct err err = {0};
	cr_assert(eq(int, trace_open_memory("log", w->text, strlen(w->text), 0, &src, &err), ERR_INPUT));
	cr_assert(ne(ptr, strstr(err.text, w->message), NULL), "%s", err.text);
}
