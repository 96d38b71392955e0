/* test_path.c - software paths against what real KVM did: exceptions, register writes, their order. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#include "base/zread.h"
#include "machine/stack_paths.h"

#define BENCH "../shared/real/bench/"
#define ARCH "../shared/real/arch/"

struct text {
	char *chars;
	size_t length;
	FILE *stream;
};

static struct text text_new(void)
{
	struct text t = {0};
	return t;
}

static void text_open(struct text *t) { t->stream = open_memstream(&t->chars, &t->length); }

static const char *text_close(struct text *t)
{
	fclose(t->stream);
	return t->chars;
}

static void load(struct stack_paths *p, const char *machine, const char *stack)
{
	struct err err = {0};
	char m[128], s[128];
	snprintf(m, sizeof(m), "configs/machines/%s.yaml", machine);
	snprintf(s, sizeof(s), "configs/stacks/%s.yaml", stack);
	struct machine_request req = {.path = m};
	cr_assert(eq(int, stack_paths_load(p, &req, s, &err), OK), "%s", err.text);
}

/* Exceptions outside of the guest, in the notation of the recordings. */
static void brief(void *ctx, const struct path_event *e)
{
	struct text *t = ctx;
	if (e->in_guest || (e->kind != EVENT_ENTRY && e->kind != EVENT_RETURN)) return;
	fprintf(t->stream, " %s:%u>%u", e->kind == EVENT_ENTRY ? e->name : "ret", e->transfer.from,
		e->transfer.to);
}

static char *brief_of(const char *machine, const char *stack, const char *operation)
{
	struct stack_paths p;
	struct err err = {0};
	struct text t = text_new();
	load(&p, machine, stack);
	text_open(&t);
	enum status st = path_run(p.book, operation, brief, &t, NULL, &err);
	text_close(&t);
	cr_assert(eq(int, st, OK), "%s", err.text);
	stack_paths_free(&p);
	return t.chars;
}

/* --- against recordings of KVM -------------------------------------------------------------------------- */

/* How often phases.txt shows `sequence` (with a leading blank) for an operation; -1: no such line. */
static int times_seen(const char *phases, const char *operation, const char *sequence)
{
	static char line[4096];
	bool inside = false;
	int times, at, seen = -1;
	FILE *f = fopen(phases, "r");
	cr_assert(ne(ptr, f, NULL), "%s", phases);
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		if (strncmp(line, "== ", 3) == 0) inside = strcmp(line + 3, operation) == 0;
		if (inside && sscanf(line, " %d x %n", &times, &at) == 1 &&
		    strcmp(line + at, sequence + 1) == 0)
			seen = times;
	}
	fclose(f);
	return seen;
}

struct recorded_case {
	char operation[24];
	int vhe, nvhe; /* the least number of times that the recording must show what we print */
};

ParameterizedTestParameters(path_recorded, each_operation_takes_the_exceptions_that_kvm_took)
{
	static struct recorded_case cases[] = {
		{"hvc", 16, 16},
		{"mmio_user_write", 16, 16},
		{"mmio_user_read", 16, 15},
		{"mmio_vgic_read", 16, 16},
		{"sysreg_id", 16, 16},
		{"sgi_self", 16, 16},
		{"timer_busy", 15, 16},
		{"timer_wfi", 13, 13},
		{"stage2_fault", 16, 16},
		{"fp", 16, 16},
	};
	return cr_make_param_array(struct recorded_case, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct recorded_case *c, path_recorded, each_operation_takes_the_exceptions_that_kvm_took)
{
	char *vhe = brief_of("neoverse-v2", "kvm-vhe", c->operation);
	char *nvhe = brief_of("cortex-a72", "kvm-nvhe", c->operation);
	cr_assert(ge(int, times_seen(BENCH "bench_vhe_icount/phases.txt", c->operation, vhe), c->vhe),
		  "%s:%s", c->operation, vhe);
	cr_assert(ge(int, times_seen(BENCH "bench_nvhe_icount/phases.txt", c->operation, nvhe), c->nvhe),
		  "%s:%s", c->operation, nvhe);
	free(vhe);
	free(nvhe);
}

static void virtual_entries(void *ctx, const struct path_event *e)
{
	unsigned *count = ctx;
	*count += e->in_guest && e->kind == EVENT_ENTRY && strcmp(e->name, "virq") == 0;
}

Test(path_recorded, interrupts_reach_the_guest_inside_once)
{
	static const char *const operations[] = {"sgi_self", "timer_busy", "timer_wfi"};
	static const char *const stacks[][2] = {{"neoverse-v2", "kvm-vhe"},   {"cortex-a72", "kvm-nvhe"},
						{"neoverse-n1", "bao"},       {"cortex-a72", "el2linux"},
						{"neoverse-n1", "jailhouse"}, {"neoverse-n1", "xen"}};
	for (int s = 0; s < 6; s++) {
		struct stack_paths p;
		struct err err = {0};
		load(&p, stacks[s][0], stacks[s][1]);
		for (int i = 0; i < 3; i++) {
			unsigned count = 0;
			cr_assert(eq(int,
				     path_run(p.book, operations[i], virtual_entries, &count, NULL, &err),
				     OK));
			cr_assert(eq(u32, count, 1), "%s on %s", operations[i], stacks[s][1]);
		}
		stack_paths_free(&p);
	}
}

/* --- VMMs ----------------------------------------------------------------------------------------------- */

/* A write of the guest to a device of the VMM, on a CPU with SVE, under KVM with VHE. */
static char *write_to(const char *vmm)
{
	char stack[] = "/tmp/strata-vmm-XXXXXX", dir[256];
	FILE *f = fdopen(mkstemp(stack), "w");
	cr_assert(f && getcwd(dir, sizeof(dir)));
	fprintf(f,
		"name: t\nhypervisors:\n  - {paths: %s/configs/hypervisors/kvm-vhe.yaml, vmm: "
		"%s/configs/vmms/%s.yaml}\noperations: %s/configs/guests/operations.yaml\n",
		dir, dir, vmm, dir);
	fclose(f);
	struct stack_paths p;
	struct err err = {0};
	struct text t = text_new();
	struct machine_request req = {.path = "configs/machines/neoverse-v2.yaml"};
	cr_assert(eq(int, stack_paths_load(&p, &req, stack, &err), OK), "%s", err.text);
	text_open(&t);
	cr_assert(eq(int, path_run(p.book, "mmio_user_write", brief, &t, NULL, &err), OK), "%s", err.text);
	text_close(&t);
	stack_paths_free(&p);
	remove(stack);
	return t.chars;
}

Test(path_vmm, only_those_that_copy_by_an_sve_memcpy_take_the_sve_trap)
{
	static const struct {
		const char *name;
		bool sve;
	} vmms[] = {{"minimal", true},  {"qemu", true},         {"stratovirt", true},
		    {"kvmtool", false}, {"firecracker", false}, {"cloud-hypervisor", false}};
	for (size_t i = 0; i < sizeof(vmms) / sizeof(vmms[0]); i++) {
		char *got = write_to(vmms[i].name);
		cr_expect(eq(str, got,
			     vmms[i].sve ? " dabt_low:1>2 ret:2>0 sve:0>2 ret:2>0 svc:0>2 ret:2>1"
					 : " dabt_low:1>2 ret:2>0 svc:0>2 ret:2>1"),
			  "%s", vmms[i].name);
		free(got);
	}
}

/* --- features and firmware ------------------------------------------------------------------------------ */

Test(path_features, without_sve_the_vmm_takes_no_sve_trap)
{
	char *n1 = brief_of("neoverse-n1", "kvm-vhe", "mmio_user_write"),
	     *v2 = brief_of("neoverse-v2", "kvm-vhe", "mmio_user_write");
	cr_assert(eq(str, n1, " dabt_low:1>2 ret:2>0 svc:0>2 ret:2>1"));
	cr_assert(eq(str, v2, " dabt_low:1>2 ret:2>0 sve:0>2 ret:2>0 svc:0>2 ret:2>1"));
	free(n1);
	free(v2);
}

Test(path_features, firmware_is_called_on_each_exit_of_a_guest_where_the_cpu_needs_it)
{
	char *a72 = brief_of("cortex-a72", "kvm-nvhe-el3", "hvc"),
	     *n1 = brief_of("neoverse-n1", "kvm-nvhe-el3", "hvc");
	char *fp = brief_of("cortex-a72", "kvm-nvhe-el3", "fp");
	cr_assert(eq(str, a72, " hvc:1>2 smc:2>3 ret:3>2 ret:2>1 hvc:1>2 ret:2>1"));
	cr_assert(eq(str, n1, " hvc:1>2 ret:2>1 hvc:1>2 ret:2>1"));
	cr_assert(eq(str, fp, " fp:1>2 smc:2>3 ret:3>2 ret:2>1"));
	free(a72);
	free(n1);
	free(fp);
}

/* --- other exits ------------------------------------------------------------------------------------------ */

struct exit_case {
	char operation[20], vhe[32], vhe_rule[24], nvhe_rule[24];
};

static void first_rule(void *ctx, const struct path_event *e)
{
	char *rule = ctx;
	if (e->kind == EVENT_ENTRY && !*rule) snprintf(rule, 48, "%s", e->rule);
}

static void check_rule(const char *machine, const char *stack, const char *operation, const char *expected)
{
	struct stack_paths p;
	struct err err = {0};
	char rule[48] = "";
	load(&p, machine, stack);
	cr_assert(eq(int, path_run(p.book, operation, first_rule, rule, NULL, &err), OK), "%s", err.text);
	cr_assert(eq(str, rule, (char *)expected), "%s under %s", operation, stack);
	stack_paths_free(&p);
}

/* With the register values of a Debian 12 host: HCR_EL2 with TWE clear, CNTHCTL_EL2 0xcc6 under VHE, TVM under nVHE while the guest's
 * caches are off. */
ParameterizedTestParameters(path_exits, each_is_caused_by_the_control_that_kvm_sets)
{
	static struct exit_case cases[] = {
		{"smc", " smc:1>2 ret:2>1", "HCR_EL2.TSC", "HCR_EL2.TSC"},
		{"wfe", "", "", ""},
		{"sysreg_pmu", " sysreg:1>2 ret:2>1", "MDCR_EL2.TPMCR", "MDCR_EL2.TPMCR"},
		{"sysreg_debug", " sysreg:1>2 ret:2>1", "MDCR_EL2.TDA", "MDCR_EL2.TDA"},
		{"sysreg_id", " sysreg:1>2 ret:2>1", "HCR_EL2.TID3", "HCR_EL2.TID3"},
		{"sgi_self", " sysreg:1>2 ret:2>1", "HCR_EL2.IMO", "HCR_EL2.IMO"},
		{"timer_physical", "", "", "CNTHCTL_EL2.EL1PCEN"},
		{"vm_control", "", "", "HCR_EL2.TVM"},
		{"fp", " fp:1>2 ret:2>1", "CPTR_EL2.FPEN", "CPTR_EL2.TFP"},
	};
	return cr_make_param_array(struct exit_case, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct exit_case *c, path_exits, each_is_caused_by_the_control_that_kvm_sets)
{
	char *vhe = brief_of("neoverse-v2", "kvm-vhe", c->operation);
	cr_assert(eq(str, vhe, c->vhe), "%s", c->operation);
	check_rule("neoverse-v2", "kvm-vhe", c->operation, c->vhe_rule);
	check_rule("cortex-a72", "kvm-nvhe", c->operation, c->nvhe_rule);
	free(vhe);
}

/* KVM_EXIT_DEBUG: out to the VMM and back, by the control that KVM_SET_GUEST_DEBUG sets. Three calls of its debugger come between. */
ParameterizedTestParameters(path_debug, each_event_reaches_the_vmm_by_mdcr_tde)
{
	static struct exit_case cases[] = {
		{"debug_brk", "brk:1>2", "", ""},
		{"debug_breakpoint", "breakpt_low:1>2", "", ""},
		{"debug_watchpoint", "watchpt_low:1>2", "", ""},
		{"debug_step", "step_low:1>2", "", ""},
	};
	return cr_make_param_array(struct exit_case, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct exit_case *c, path_debug, each_event_reaches_the_vmm_by_mdcr_tde)
{
	char want[200];
	snprintf(want, sizeof(want),
		 " %s ret:2>0 svc:0>2 ret:2>0 svc:0>2 ret:2>0 svc:0>2 ret:2>0 svc:0>2 ret:2>1", c->vhe);
	char *vhe = brief_of("neoverse-n1", "kvm-vhe-debugged", c->operation);
	cr_expect(eq(str, vhe, (char *)want));
	free(vhe);
	check_rule("neoverse-n1", "kvm-vhe-debugged", c->operation, "MDCR_EL2.TDE");
	check_rule("cortex-a72", "kvm-nvhe-debugged", c->operation, "MDCR_EL2.TDE");
}

/* kvm_arch_vcpu_load(): WFE is left to a guest that has its CPU alone, and traps where others want it. */
Test(path_wfe, is_trapped_only_while_other_threads_want_the_cpu)
{
	static const char *const stacks[][2] = {{"neoverse-n1", "kvm-vhe"}, {"cortex-a72", "kvm-nvhe"}};
	for (int i = 0; i < 2; i++) {
		struct stack_paths p;
		struct path_machine *m;
		struct err err = {0};
		char rule[48] = "";
		load(&p, stacks[i][0], stacks[i][1]);
		cr_assert(eq(int, path_machine_new(p.book, NULL, &m, &err), OK), "%s", err.text);
		path_machine_listen(m, first_rule, rule, NULL);
		cr_assert(eq(int, path_perform(m, "wfe", &err), OK), "%s", err.text);
		cr_expect(eq(str, rule, (char *)""));
		path_machine_listen(m, NULL, NULL, NULL);
		cr_assert(path_use_scheduler(m));
		cr_assert(eq(int, path_perform(m, "hvc", &err), OK), "%s",
			  err.text); /* the next entry loads it */
		path_machine_listen(m, first_rule, rule, NULL);
		cr_assert(eq(int, path_perform(m, "wfe", &err), OK), "%s", err.text);
		cr_expect(eq(str, rule, (char *)"HCR_EL2.TWE"), "%s", stacks[i][1]);
		path_machine_free(m);
		stack_paths_free(&p);
	}
}

struct abort_case {
	char operation[24];
	unsigned status; /* DFSC */
	bool write;
};

ParameterizedTestParameters(path_aborts, stage_2_says_why_it_refuses)
{
	static struct abort_case cases[] = {{"stage2_fault", 0x07, false},
					    {"stage2_write_protected", 0x0f, true},
					    {"stage2_aged", 0x0b, false}};
	return cr_make_param_array(struct abort_case, cases, sizeof(cases) / sizeof(cases[0]));
}

static void first_syndrome(void *ctx, const struct path_event *e)
{
	uint64_t *esr = ctx;
	if (e->kind == EVENT_ENTRY && !*esr) *esr = e->exception.esr;
}

/* A page that is there is written again without an exit: what the exit left is a mapping. */
ParameterizedTest(struct abort_case *c, path_aborts, stage_2_says_why_it_refuses)
{
	static const char *const stacks[][2] = {{"neoverse-v2", "kvm-vhe"}, {"cortex-a72", "kvm-nvhe"}};
	for (int i = 0; i < 2; i++) {
		struct stack_paths p;
		struct err err = {0};
		uint64_t esr = 0;
		load(&p, stacks[i][0], stacks[i][1]);
		cr_assert(eq(int, path_run(p.book, c->operation, first_syndrome, &esr, NULL, &err), OK), "%s",
			  err.text);
		cr_expect(eq(u64, esr & 0x3f, c->status), "%s under %s", c->operation, stacks[i][1]);
		cr_expect(eq(int, (esr >> 6 & 1), c->write));
		cr_expect(eq(u64, esr >> 26, 0x24));
		stack_paths_free(&p);
	}
	char *vhe = brief_of("neoverse-v2", "kvm-vhe", c->operation);
	cr_expect(eq(str, vhe, " dabt_low:1>2 ret:2>1"));
	free(vhe);
}

/* --- other hypervisors ------------------------------------------------------------------------------------ */

static const char *const all_operations[] = {
	"hvc",      "mmio_user_write", "mmio_user_read", "mmio_vgic_read", "sysreg_id",
	"sgi_self", "timer_busy",      "timer_wfi",      "stage2_fault",   "fp"};

Test(path_protected, takes_the_exceptions_of_kvm_without_vhe_though_its_host_has_a_stage_2)
{
	for (size_t i = 0; i < 10; i++) {
		char *protected = brief_of("cortex-a72", "kvm-protected", all_operations[i]);
		char *plain = brief_of("cortex-a72", "kvm-nvhe", all_operations[i]);
		cr_assert(eq(str, protected, plain));
		free(protected);
		free(plain);
	}
}

static void expect_all(const char *machine, const char *stack, const char *const expected[static 10])
{
	for (size_t i = 0; i < 10; i++) {
		char *got = brief_of(machine, stack, all_operations[i]);
		cr_assert(eq(str, got, (char *)expected[i]), "%s of %s", all_operations[i], stack);
		free(got);
	}
}

/* Bao, in the order of all_operations: what a guest owns never leaves it. */
Test(path_bao, leaves_the_guest_for_interrupts_and_what_it_emulates_only)
{
	static const char *const expected[] = {" hvc:1>2 ret:2>1",
					       "",
					       "",
					       " dabt_low:1>2 ret:2>1",
					       "",
					       " sysreg:1>2 ret:2>1",
					       " irq:1>2 ret:2>1",
					       " irq:1>2 ret:2>1",
					       "",
					       ""};
	expect_all("neoverse-n1", "bao", expected);
}

/* Jailhouse, in the same order: as Bao, and FP and WFI are the cell's. */
Test(path_jailhouse, leaves_the_cell_for_interrupts_and_what_it_emulates_only)
{
	static const char *const expected[] = {" hvc:1>2 ret:2>1",
					       "",
					       "",
					       " dabt_low:1>2 ret:2>1",
					       "",
					       " sysreg:1>2 ret:2>1",
					       " irq:1>2 ret:2>1",
					       " irq:1>2 ret:2>1",
					       "",
					       ""};
	expect_all("neoverse-n1", "jailhouse", expected);
}

/* el2Linux leaves for its kernel as VHE does; only user space is reached by way of EL1. */
Test(path_el2linux, differs_from_vhe_by_the_way_to_user_space_only)
{
	for (size_t i = 0; i < 10; i++) {
		bool user = strncmp(all_operations[i], "mmio_user", 9) == 0;
		char *vhe = brief_of("neoverse-n1", "kvm-vhe", all_operations[i]),
		     *el2 = brief_of("cortex-a72", "el2linux", all_operations[i]);
		if (user)
			cr_expect(eq(str, el2, " dabt_low:1>2 ret:2>1 ret:1>0 svc:0>1 hvc:1>2 ret:2>1"));
		else
			cr_expect(eq(str, el2, vhe), "%s", all_operations[i]);
		free(vhe);
		free(el2);
	}
}

/* Xen answers at EL2; a device is dom0's, which is entered and left like any guest. */
Test(path_xen, answers_at_el2_and_runs_dom0_for_devices)
{
	static const char *const expected[] = {" hvc:1>2 ret:2>1",
					       " dabt_low:1>2 ret:2>1 hvc:1>2 ret:2>1 wfx:1>2 ret:2>1",
					       " dabt_low:1>2 ret:2>1 hvc:1>2 ret:2>1 wfx:1>2 ret:2>1",
					       " dabt_low:1>2 ret:2>1",
					       " sysreg:1>2 ret:2>1",
					       " sysreg:1>2 ret:2>1",
					       " irq:1>2 ret:2>1",
					       " wfx:1>2 irq:2>2 ret:2>2 ret:2>1",
					       "",
					       ""};
	expect_all("neoverse-n1", "xen", expected);
}

struct worlds {
	bool seen[2]; /* normal, trusted OS */
};

static void worlds_seen(void *ctx, const struct path_event *e)
{
	struct worlds *w = ctx;
	if (e->kind == EVENT_STEP && e->el == 1) w->seen[strcmp(e->path, "trusted_os") == 0] = true;
}

Test(path_monitor, a_call_of_the_trusted_os_switches_worlds_and_back)
{
	char *psci = brief_of("cortex-a72", "secure-monitor", "smc_psci");
	char *os = brief_of("cortex-a72", "secure-monitor", "smc_trusted_os");
	cr_assert(eq(str, psci, " smc:1>3 ret:3>1"));
	cr_assert(eq(str, os, " smc:1>3 ret:3>1 smc:1>3 ret:3>1"));
	free(psci);
	free(os);
}

Test(path_monitor, el1_registers_move_only_when_worlds_change)
{
	struct stack_paths p;
	struct err err = {0};
	struct path_counts psci = {0}, os = {0};
	struct worlds w = {0};
	load(&p, "cortex-a72", "secure-monitor");
	cr_assert(eq(int, path_run(p.book, "smc_psci", NULL, NULL, &psci, &err), OK));
	cr_assert(eq(int, path_run(p.book, "smc_trusted_os", worlds_seen, &w, &os, &err), OK));
	cr_assert(w.seen[0]);
	cr_assert(w.seen[1]);
	cr_assert(eq(u64, psci.writes[R_TTBR0_EL1], 0));
	cr_assert(eq(u64, os.writes[R_TTBR0_EL1], 2));
	cr_assert(eq(u64, os.writes[R_SCR_EL3], 2));
	stack_paths_free(&p);
}

/* --- register writes ------------------------------------------------------------------------------------ */

static struct path_counts counts_of_operation(const char *machine, const char *stack, const char *operation)
{
	struct stack_paths p;
	struct err err = {0};
	struct path_counts c = {0};
	load(&p, machine, stack);
	cr_assert(eq(int, path_run(p.book, operation, NULL, NULL, &c, &err), OK), "%s", err.text);
	stack_paths_free(&p);
	return c;
}

static struct path_counts counts_of(const char *machine, const char *stack)
{
	return counts_of_operation(machine, stack, "hvc");
}

/* With VHE an exit leaves EL1's registers alone, and a switch to another VM saves and restores them; KVM of 2015 and nVHE's
 * world switch move them at each exit. */
Test(path_switch, another_vm_moves_the_state_that_an_exit_leaves_in_the_cpu)
{
	struct path_counts exit = counts_of("neoverse-n1", "kvm-vhe");
	struct path_counts other = counts_of_operation("neoverse-n1", "kvm-vhe", "vm_switch");
	cr_expect(eq(u64, exit.writes[R_VBAR_EL1] + exit.reads[R_VBAR_EL1], 0));
	cr_expect(eq(u64, other.writes[R_VBAR_EL1], 1));
	cr_expect(eq(u64, other.reads[R_VBAR_EL1], 1));
	cr_expect(eq(u64, other.writes[R_VTTBR_EL2], exit.writes[R_VTTBR_EL2]));
	exit = counts_of("cortex-a72", "kvm-2015");
	other = counts_of_operation("cortex-a72", "kvm-2015", "vm_switch");
	cr_expect(eq(u64, other.writes[R_VBAR_EL1], exit.writes[R_VBAR_EL1]));
	cr_expect(lt(u64, 0, exit.writes[R_VBAR_EL1]));
	exit = counts_of("cortex-a72", "xen");
	other = counts_of_operation("cortex-a72", "xen", "vm_switch");
	cr_expect(eq(u64, exit.writes[R_VBAR_EL1], 0));
	cr_expect(eq(u64, other.writes[R_VBAR_EL1], 1));
}

struct write_case {
	uint16_t reg;
	uint64_t vhe, nvhe, nvhe_no_erratum;
};

/* Writes per guest exit and entry as counted in the recordings (real/README.md); a CPU without erratum
 * 1319367 writes TCR_EL1 and SCTLR_EL1 once each way. */
Test(path_registers, a_round_trip_writes_what_kvm_wrote)
{
	static const struct write_case cases[] = {
		{R_HCR_EL2, 2, 2, 2},   {R_VTTBR_EL2, 1, 2, 2}, {R_VTCR_EL2, 1, 1, 1}, {R_TTBR0_EL1, 0, 2, 2},
		{R_TTBR1_EL1, 0, 2, 2}, {R_MAIR_EL1, 0, 2, 2},  {R_TCR_EL1, 0, 4, 2},  {R_SCTLR_EL1, 0, 3, 2},
		{R_CPTR_EL2, 2, 2, 2},  {R_VBAR_EL2, 2, 2, 2},  {R_MDCR_EL2, 0, 2, 2},
	};
	struct path_counts vhe = counts_of("neoverse-v2", "kvm-vhe"),
			   nvhe = counts_of("cortex-a72", "kvm-nvhe");
	struct path_counts plain = counts_of("neoverse-n1", "kvm-nvhe");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct write_case *c = &cases[i];
		cr_assert(eq(u64, vhe.writes[c->reg], c->vhe), "VHE %s", reg_rows[c->reg].name);
		cr_assert(eq(u64, nvhe.writes[c->reg], c->nvhe), "nVHE %s", reg_rows[c->reg].name);
		cr_assert(eq(u64, plain.writes[c->reg], c->nvhe_no_erratum), "nVHE, no erratum: %s",
			  reg_rows[c->reg].name);
	}
}

/* The registers that the recorder watched and that our paths write. */
static bool watched(const char *name)
{
	static const char *const names[] = {"TCR_EL1",        "TTBR0_EL1",   "TTBR1_EL1",  "MAIR_EL1",
					    "CONTEXTIDR_EL1", "VTCR_EL2",    "VTTBR_EL2",  "HCR_EL2",
					    "MDCR_EL2",       "CPTR_EL2",    "VBAR_EL2",   "SCTLR_EL1",
					    "CNTVOFF_EL2",    "ICH_HCR_EL2", "ICH_LR0_EL2"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], name) == 0) return true;
	return false;
}

static void levels_and_writes(void *ctx, const struct path_event *e)
{
	struct text *t = ctx;
	if (e->kind == EVENT_ENTRY || e->kind == EVENT_RETURN) fprintf(t->stream, "E%u;", e->transfer.to);
	if (e->kind == EVENT_WRITE && watched(reg_rows[e->reg].name))
		fprintf(t->stream, "%s;", reg_rows[e->reg].name);
}

/* The recorded stream in the same words: levels reached and watched registers written, of all CPUs. */
static char *recorded_stream(const char *path)
{
	struct err err = {0};
	struct zread *z;
	struct text t = text_new();
	const char *line;
	char name[32];
	unsigned el;
	text_open(&t);
	cr_assert(eq(int, zread_open(path, &z, &err), OK), "%s", err.text);
	while (zread_line(z, &line, &err) == OK && line) {
		if (sscanf(line, "E %u", &el) == 1) fprintf(t.stream, "E%u;", el);
		if (sscanf(line, "M %31s", name) == 1 && watched(name)) fprintf(t.stream, "%s;", name);
	}
	zread_close(z);
	text_close(&t);
	return t.chars;
}

static unsigned occurrences(const char *in, const char *what)
{
	unsigned count = 0;
	for (const char *at = in; (at = strstr(at, what)); at++) count++;
	return count;
}

Test(path_registers, the_world_switch_writes_in_the_order_that_kvm_wrote)
{
	struct stack_paths p;
	struct err err = {0};
	struct text t = text_new();
	load(&p, "cortex-a72", "kvm-nvhe");
	text_open(&t);
	cr_assert(eq(int, path_run(p.book, "hvc", levels_and_writes, &t, NULL, &err), OK));
	const char *ours = text_close(&t);
	char *recorded = recorded_stream(ARCH "arch_bench_nvhe/arch.txt.zst");
	/* 216 round trips are recorded; 49 of them with nothing else in between, neither an interrupt nor
	 * the other CPU. */
	cr_assert(ge(u32, occurrences(recorded, ours), 49), "%s", ours);
	free(recorded);
	free(t.chars);
	stack_paths_free(&p);
}
