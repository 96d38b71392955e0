/* test_path_registers.c - registers that software paths write, how often and in which order, against what real KVM did. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/zread.h"
#include "path_text.h"

#define ARCH "../shared/real/arch/"

static struct path_counts counts_of_operation(const char *machine, const char *stack, const char *operation)
{
	struct stack_paths p;
	struct err err = {0};
	struct path_counts c = {0};
	path_text_load(&p, machine, stack);
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
	struct path_text *t = ctx;
	if (e->kind == EVENT_ENTRY || e->kind == EVENT_RETURN) fprintf(t->stream, "E%u;", e->transfer.to);
	if (e->kind == EVENT_WRITE && watched(reg_rows[e->reg].name))
		fprintf(t->stream, "%s;", reg_rows[e->reg].name);
}

/* The recorded stream in the same words: levels reached and watched registers written, of all CPUs. */
static char *recorded_stream(const char *path)
{
	struct err err = {0};
	struct zread *z;
	struct path_text t = path_text_new();
	const char *line;
	char name[32];
	unsigned el;
	path_text_open(&t);
	cr_assert(eq(int, zread_open(path, &z, &err), OK), "%s", err.text);
	while (zread_line(z, &line, &err) == OK && line) {
		if (sscanf(line, "E %u", &el) == 1) fprintf(t.stream, "E%u;", el);
		if (sscanf(line, "M %31s", name) == 1 && watched(name)) fprintf(t.stream, "%s;", name);
	}
	zread_close(z);
	path_text_close(&t);
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
	struct path_text t = path_text_new();
	path_text_load(&p, "cortex-a72", "kvm-nvhe");
	path_text_open(&t);
	cr_assert(eq(int, path_run(p.book, "hvc", levels_and_writes, &t, NULL, &err), OK));
	const char *ours = path_text_close(&t);
	char *recorded = recorded_stream(ARCH "arch_bench_nvhe/arch.txt.zst");
	/* 216 round trips are recorded; 49 of them with nothing else in between, neither an interrupt nor
	 * the other CPU. */
	cr_assert(ge(u32, occurrences(recorded, ours), 49), "%s", ours);
	free(recorded);
	free(t.chars);
	stack_paths_free(&p);
}
