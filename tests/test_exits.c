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

/* --- the forms that logs have --------------------------------------------------------------------------- */

/* The exceptions and returns of one stream, as "hvc:1>2 ret:2>1". */
static char *sequence_of(const char *text, uint32_t stream)
{
	static struct record batch[TRACE_BATCH];
	char *out = NULL;
	size_t bytes, n;
	FILE *to = open_memstream(&out, &bytes);
	struct trace_source *src;
	struct err err = {0};
	struct exits x;
	struct exit_event e;
	exits_init(&x);
	cr_assert(eq(int, trace_open_memory("log", text, strlen(text), stream, &src, &err), OK), "%s",
		  err.text);
	cr_assert(eq(int, trace_next(src, batch, TRACE_BATCH, &n, &err), OK), "%s", err.text);
	for (size_t i = 0; i < n; i++)
		if (exits_replay(&x, &batch[i], &e))
			fprintf(to, "%s%s:%u>%u", i ? " " : "", e.name, e.transfer.from, e.transfer.to);
	trace_close(src);
	fclose(to);
	return out;
}

struct log_form {
	char text[900];
	char sequence[100];
};

#define EXCEPTION(number, from, to, esr, elr) \
	"Taking exception " #number " [what] on CPU 0\n...from EL" #from " to EL" #to "\n...with ESR " esr \
	"\n...with ELR 0x" #elr "\n...to EL" #to " PC 0x1000 PSTATE 0x3c9\n"
#define RETURN(from, to, pc) "Exception return from AArch64 EL" #from " to AArch64 EL" #to " PC 0x" #pc "\n"

ParameterizedTestParameters(exits_logs, every_form_of_an_emulators_log_is_read)
{
	static struct log_form forms[] = {
		/* Firmware at EL3, entered from below and left to both. */
		{EXCEPTION(13, 1, 3, "0x17/0x5e000000", 10) RETURN(3, 1, 10)
			 EXCEPTION(13, 2, 3, "0x17/0x5e000000", 20) RETURN(3, 2, 20),
		 "smc:1>3 ret:3>1 smc:2>3 ret:3>2"},
		/* FIQ to EL3, interrupts with superpriority, virtual ones and SError. */
		{EXCEPTION(6, 1, 3, "0x0/0x0", 10) EXCEPTION(26, 3, 3, "0x0/0x0", 14) RETURN(3, 3, 14)
			 RETURN(3, 1, 10),
		 "fiq:1>3 irq:3>3 ret:3>3 ret:3>1"},
		{EXCEPTION(27, 0, 1, "0x0/0x0", 10) RETURN(1, 0, 10) EXCEPTION(28, 1, 1, "0x0/0x0", 10)
			 EXCEPTION(24, 1, 1, "0x2f/0xbe000000", 14),
		 "virq:0>1 ret:1>0 vfiq:1>1 vserror:1>1"},
		/* QEMU 9.0 and later tell SPSR, of aborts after FAR; an ESR may be of 64 bits. */
		{"Taking exception 4 [Data Abort] on CPU 0\n...from EL1 to EL2\n...with ESR 0x24/0x193830045\n"
		 "...with MFAR 0x0\n...with FAR 0x9000004\n...with SPSR 0x5\n...with ELR 0x40000fbc\n"
		 "...to EL2 PC 0x1000 PSTATE 0x3c9\n" RETURN(2, 1, 40000fc0),
		 "dabt_low:1>2 ret:2>1"},
		/* Lines of other parts of the emulator before and between, and ends of lines of another system. */
		{"CPU Reset (CPU 0)\r\nTaking exception 11 [Hypervisor Call] on CPU 0\r\n"
		 "77@1700000000.000001:gicv3_cpuif_set_irqs GICv3 CPU i/f 0x0\r\n...from EL1 to EL2\r\n"
		 "...with ESR 0x16/0x5a000001\r\nInvalid read at addr 0x0\r\n...with ELR 0x40080058\r\n" RETURN(
			 2, 1, 40080058),
		 "hvc:1>2 ret:2>1"},
		/* Calls that the emulator answers itself leave no level. */
		{"Taking exception 13 [Secure Monitor Call] on CPU 0\n...from EL2 to EL3\n...with ESR 0x17/0x5e000000\n"
		 "...handled as PSCI call\n" EXCEPTION(11, 1, 2, "0x16/0x5a000000", 10) RETURN(2, 1, 10),
		 "hvc:1>2 ret:2>1"},
		{"Taking exception 16 [Semihosting call] on CPU 0\n...from EL1 to EL1\n"
		 "...handling as semihosting call 0x18\n" EXCEPTION(2, 0, 1, "0x15/0x56000000", 10)
			 RETURN(1, 0, 10),
		 "svc:0>1 ret:1>0"},
	};
	return cr_make_param_array(struct log_form, forms, sizeof(forms) / sizeof(forms[0]));
}

ParameterizedTest(struct log_form *f, exits_logs, every_form_of_an_emulators_log_is_read)
{
	char *sequence = sequence_of(f->text, 0);
	cr_expect(eq(str, sequence, f->sequence));
	free(sequence);
}

ParameterizedTestParameters(exits_logs, every_form_of_a_kernels_trace_text_is_read)
{
	static struct log_form forms[] = {
		/* trace_pipe: no header, and other events first. */
		{"          <idle>-0       [001] d.h..     5.479806: ipi_exit: (Function call interrupts)\n"
		 "          vcpu-0-4711    [001] d....     5.479810: kvm_exit: TRAP: HSR_EC: 0x0001 (WFx), PC: 0x10\n"
		 "          vcpu-0-4711    [000] d....     5.479811: kvm_entry: PC: 0x10\n",
		 "wfx:1>2 ret:2>1"},
		/* With thread groups, and flags of an older kernel. */
		{"# tracer: nop\n"
		 "       CPU 0/KVM-4711  (  4700) [001] d...     5.479810: kvm_exit: IRQ: HSR_EC: 0x0000 (UNKNOWN), PC: 0x10\n"
		 "       CPU 0/KVM-4711  (-------) [001] d...     5.479811: kvm_entry: PC: 0x10\n",
		 "irq:1>2 ret:2>1"},
		/* perf script: with PID, and with PID/TID. */
		{"CPU 0/KVM  4711 [001]  5.479810:           kvm:kvm_exit: TRAP: HSR_EC: 0x0016 (HVC64), PC: 0x10\n"
		 "CPU 0/KVM  4700/4711 [001]  5.479811:          kvm:kvm_entry: PC: 0x10\n",
		 "hvc:1>2 ret:2>1"},
		/* A task that is named as an event is, under a clock that counts. */
		{"cpus=2\r\nCPU 1 is empty\r\n"
		 "kvm_exit: x-9  [001]  1234: sched_switch:  prev_comm=kvm_exit: next_comm=kvm_entry: PC: 0x0\r\n"
		 "kvm_exit: x-9  [001]  1235: kvm_exit:      SERROR: HSR_EC: 0x0000 (UNKNOWN), PC: 0x10\r\n",
		 "serror:1>2"},
	};
	return cr_make_param_array(struct log_form, forms, sizeof(forms) / sizeof(forms[0]));
}

ParameterizedTest(struct log_form *f, exits_logs, every_form_of_a_kernels_trace_text_is_read)
{
	char *sequence = sequence_of(f->text, 0);
	cr_expect(eq(str, sequence, f->sequence));
	free(sequence);
}

/* Linux arch/arm64/include/asm/esr.h and kvm_arm.h (kvm_arm_exception_class). */
Test(exits_logs, every_class_that_kvm_names_has_a_name)
{
	static const uint8_t classes[] = {0x00, 0x01, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0c,
					  0x11, 0x12, 0x13, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x1f,
					  0x20, 0x21, 0x22, 0x24, 0x25, 0x26, 0x28, 0x2c, 0x2f, 0x30,
					  0x31, 0x32, 0x33, 0x34, 0x35, 0x38, 0x3a, 0x3c};
	for (size_t i = 0; i < sizeof(classes); i++)
		cr_expect(ne(ptr, (void *)ec_name(classes[i]), NULL), "%#x", classes[i]);
}

/* One thread for each vCPU of each guest, whatever CPU it runs on. */
Test(exits_logs, two_guests_are_streams_by_thread)
{
	static const char text[] =
		"a-1  [000] d....  1.0: kvm_entry: PC: 0x10\nb-2  [001] d....  1.1: kvm_entry: PC: 0x20\n"
		"a-1  [000] d....  1.2: kvm_exit: TRAP: HSR_EC: 0x0016 (HVC64), PC: 0x14\n"
		"b-2  [000] d....  1.3: kvm_exit: TRAP: HSR_EC: 0x0018 (SYS64), PC: 0x24\n"
		"a-1  [001] d....  1.4: kvm_entry: PC: 0x14\n";
	char *first = sequence_of(text, 0), *second = sequence_of(text, 1);
	cr_expect(eq(str, first, (char *)"ret:2>1 hvc:1>2 ret:2>1"));
	cr_expect(eq(str, second, (char *)"ret:2>1 sysreg:1>2"));
	free(first);
	free(second);
}

/* __print_symbolic() gives a number to what kvm_arm_exception_type does not name: 3, an illegal execution state. */
Test(exits_logs, why_an_exit_was_may_be_a_number)
{
	char *got = sequence_of(
		"# tracer: nop\n a-1 [000] d.... 1.0: kvm_exit: 0x3: HSR_EC: 0x000e (0xe), PC: 0x80\n", 0);
	cr_expect(ne(ptr, strstr(got, ":1>2"), NULL), "%s", got);
	free(got);
}

/* CPU 0 calls its hypervisor while CPU 1 has a system call, an interrupt and returns. */
static const char mixed[] =
	"Taking exception 5 [IRQ] on CPU 0\n...from EL0 to EL1\n...with ESR 0x0/0x0\n...with ELR 0x10\n"
	"Taking exception 11 [Hypervisor Call] on CPU 0\n"
	"Taking exception 2 [SVC] on CPU 1\n"
	"...from EL1 to EL2\n"
	"...from EL0 to EL1\n"
	"...with ESR 0x15/0x56000000\n"
	"...with ELR 0x2000\n"
	"...to EL1 PC 0x400 PSTATE 0x3c5\n"
	"Exception return from AArch64 EL1 to AArch64 EL0 PC 0x2000\n"
	"Taking exception 5 [IRQ] on CPU 1\n"
	"...with ESR 0x16/0x5a000000\n"
	"...from EL0 to EL1\n"
	"...with ESR 0x16/0x5a000000\n"
	"...with ELR 0x2010\n"
	"...with ELR 0x1000\n"
	"Exception return from AArch64 EL2 to AArch64 EL1 PC 0x1000\n";

Test(exits_logs, cpus_that_write_into_each_other_are_told_apart)
{
	char *first = sequence_of(mixed, 0), *second = sequence_of(mixed, 1);
	cr_expect(eq(str, first, (char *)"irq:0>1 hvc:1>2 ret:2>1"));
	cr_expect(eq(str, second, (char *)"svc:0>1 ret:1>0 irq:0>1"));
	free(first);
	free(second);
}

#define IRQ_OF(cpu) \
	"Taking exception 5 [IRQ] on CPU " cpu "\n...from EL0 to EL1\n...with ESR 0x0/0x0\n...with ELR 0x10\n"
#define LOOK_AT(cpu) \
	"gicv3_cpuif_update GICv3 CPU i/f " cpu " HPPI update: irq 27 group 2 prio 255\n" \
	"gicv3_cpuif_set_irqs GICv3 CPU i/f " cpu " HPPI update: setting FIQ 0 IRQ 0\n"
#define LOOK_AT_BOTH(cpu) \
	LOOK_AT(cpu) \
	"gicv3_cpuif_virt_update GICv3 CPU i/f " cpu \
	" virt HPPI update LR index -1 HPPVLPI 0 grp 0 prio 255\n"
#define RETURN_ "Exception return from AArch64 EL1 to AArch64 EL0 PC 0x10\n"

/* Two CPUs that were interrupted at the same place: without the lines of the interrupt controller CPU 1, which acted last, returns first. */
static const struct {
	const char *text, *sequence; /* of CPU 0 */
} looks[] = {
	{IRQ_OF("0") LOOK_AT("0x0") IRQ_OF("1") LOOK_AT("0x1") RETURN_ LOOK_AT("0x0") IRQ_OF("0")
		 LOOK_AT("0x0"),
	 "irq:0>1 ret:1>0 irq:0>1"},
	{IRQ_OF("0") LOOK_AT_BOTH("0x0") IRQ_OF("1") LOOK_AT_BOTH("0x1") RETURN_ LOOK_AT_BOTH("0x0"),
	 "irq:0>1 ret:1>0"},
	/* CPU 1 writes that it returns while CPU 0 takes an interrupt, whose look is not that of the return; a wire's is none either. */
	{IRQ_OF("1") LOOK_AT_BOTH("0x1") IRQ_OF("0") RETURN_ LOOK_AT_BOTH("0x0") LOOK_AT("0x0")
		 LOOK_AT_BOTH("0x1"),
	 "irq:0>1"},
};

Test(exits_logs, the_interface_that_is_looked_at_behind_a_return_tells_its_cpu)
{
	for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
		char *got = sequence_of(looks[i].text, 0);
		cr_expect(eq(str, got, (char *)looks[i].sequence), "log %zu", i);
		free(got);
	}
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
		{"cpus=2\nCPU:1 [7 EVENTS DROPPED]\n", "log:2: events were lost"},
		{"Taking exception 2 [SVC] on CPU 0\n...with ELR 0x10\n",
		 "log:2: expected \"...from ELx to ELy\""},
		{"Taking exception 2 [SVC] on CPU 0\nTaking exception 2 [SVC] on CPU 0\n",
		 "log:2: expected \"...from ELx to ELy\""},
		{"Taking exception 2 [SVC] on CPU 0\nTaking exception 2 [SVC] on CPU 1\n",
		 "log:3: expected \"...from ELx to ELy\""},
		{"# tracer: nop\n [000] d.... 1.0: kvm_entry: PC: 0x0\n", "log:2: expected NAME-PID [CPU]"},
		{"# tracer: nop\n a-1 [000] d.... 1.0: kvm_mmio: mmio read len 4 gpa 0x0 val 0x0\n",
		 "log: no kvm_exit and no kvm_entry in it"},
		{" a-1 0d.... 10us : kvm_exit: IRQ: HSR_EC: 0x0000 (UNKNOWN), PC: 0x0\n# tracer: nop\n",
		 "log: no kvm_exit and no kvm_entry in it"},
		{"103@1795213359.176123:virtio_queue_notify vdev 0xaaaaef472260 n 1 vq 0xaaaaef47c988\n",
		 "log: no exception and no return in it"},
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
