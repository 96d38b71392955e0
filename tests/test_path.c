/* test_path.c - software paths against what real KVM did: exceptions and their order, what causes each exit. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#include "path_text.h"

#define BENCH "../shared/real/bench/"

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
	char *vhe = path_brief("neoverse-v2", "kvm-vhe", c->operation);
	char *nvhe = path_brief("cortex-a72", "kvm-nvhe", c->operation);
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
		path_text_load(&p, stacks[s][0], stacks[s][1]);
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
	struct path_text t = path_text_new();
	struct machine_request req = {.path = "configs/machines/neoverse-v2.yaml"};
	cr_assert(eq(int, stack_paths_load(&p, &req, stack, &err), OK), "%s", err.text);
	path_text_open(&t);
	cr_assert(eq(int, path_run(p.book, "mmio_user_write", path_text_brief, &t, NULL, &err), OK), "%s",
		  err.text);
	path_text_close(&t);
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
	char *n1 = path_brief("neoverse-n1", "kvm-vhe", "mmio_user_write"),
	     *v2 = path_brief("neoverse-v2", "kvm-vhe", "mmio_user_write");
	cr_assert(eq(str, n1, " dabt_low:1>2 ret:2>0 svc:0>2 ret:2>1"));
	cr_assert(eq(str, v2, " dabt_low:1>2 ret:2>0 sve:0>2 ret:2>0 svc:0>2 ret:2>1"));
	free(n1);
	free(v2);
}

Test(path_features, firmware_is_called_on_each_exit_of_a_guest_where_the_cpu_needs_it)
{
	char *a72 = path_brief("cortex-a72", "kvm-nvhe-el3", "hvc"),
	     *n1 = path_brief("neoverse-n1", "kvm-nvhe-el3", "hvc");
	char *fp = path_brief("cortex-a72", "kvm-nvhe-el3", "fp");
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
	path_text_load(&p, machine, stack);
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
	char *vhe = path_brief("neoverse-v2", "kvm-vhe", c->operation);
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
	char *vhe = path_brief("neoverse-n1", "kvm-vhe-debugged", c->operation);
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
		path_text_load(&p, stacks[i][0], stacks[i][1]);
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
		path_text_load(&p, stacks[i][0], stacks[i][1]);
		cr_assert(eq(int, path_run(p.book, c->operation, first_syndrome, &esr, NULL, &err), OK), "%s",
			  err.text);
		cr_expect(eq(u64, esr & 0x3f, c->status), "%s under %s", c->operation, stacks[i][1]);
		cr_expect(eq(int, (esr >> 6 & 1), c->write));
		cr_expect(eq(u64, esr >> 26, 0x24));
		stack_paths_free(&p);
	}
	char *vhe = path_brief("neoverse-v2", "kvm-vhe", c->operation);
	cr_expect(eq(str, vhe, " dabt_low:1>2 ret:2>1"));
	free(vhe);
}
