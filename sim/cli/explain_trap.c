/* explain_trap.c - `strata explain trap OP`: an operation of a guest under a stack, from leaving to having
 * it done. */
#include <argp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/explain.h"
#include "cli/explain_costs.h"
#include "cli/results.h"
#include "cli/texts.h"
#include "machine/export.h"
#include "machine/stack_paths.h"

struct options {
	struct machine_request machine;
	const char *stack, *operation;
	struct texts sets;
	bool brief, guest, registers, costs;
	struct export_request export;
};

enum { OPT_SET = 256, OPT_BRIEF, OPT_GUEST, OPT_REGISTERS, OPT_COSTS, OPT_EXPORT_KVM, OPT_EXPORT_PERFETTO };
enum { EVENTS_MAX = 1000000 }; /* no operation has as many */

static const struct argp_option option_rows[] = {
	{"machine", 'm', "FILE", 0, "hardware: a file of configs/machines/ or one of your own", 0},
	{"stack", 's', "FILE", 0, "software with paths, such as configs/stacks/kvm-vhe.yaml", 0},
	{"set", OPT_SET, "KEY=VALUE", 0,
	 "one value of the machine, such as features.sve=yes, or of the stack (stack.*); may be repeated", 0},
	{"brief", OPT_BRIEF, NULL, 0, "one line of exceptions and returns: hvc:1>2 ret:2>1", 0},
	{"guest", OPT_GUEST, NULL, 0, "with --brief, a second line for what happens inside of the guest", 0},
	{"costs", OPT_COSTS, NULL, 0,
	 "what each step costs, in cycles and nanoseconds, with caches that have seen the operation before",
	 0},
	{"registers", OPT_REGISTERS, NULL, 0, "how often each system register is written and read", 0},
	{"export-kvm", OPT_EXPORT_KVM, "FILE", 0,
	 "write the operation, in time as with --costs, as kvm trace text like a kernel's instead of printing it",
	 0},
	{"export-perfetto", OPT_EXPORT_PERFETTO, "FILE", 0, "the same as a timeline for ui.perfetto.dev", 0},
	{0},
};

static bool exports(const struct options *o) { return o->export.kvm || o->export.perfetto; }

static void need_arguments(const struct options *o, struct argp_state *state)
{
	if (!o->operation)
		argp_error(state, "an operation is needed, such as hvc; --help lists where they are");
	if (!o->machine.path)
		argp_error(state, "-m FILE is needed, such as configs/machines/neoverse-v2.yaml");
	if (o->costs && (o->brief || o->registers))
		argp_error(state, "--costs prints a table of its own; --brief and --registers are others");
	if (exports(o) && (o->brief || o->registers || o->costs))
		argp_error(state, "--export-kvm and --export-perfetto write files, and nothing is printed");
	if (!o->stack) argp_error(state, "-s FILE is needed, such as configs/stacks/kvm-vhe.yaml");
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;
	switch (key) {
	case 'm': o->machine.path = arg; return 0;
	case 's': o->stack = arg; return 0;
	case OPT_SET: texts_add(&o->sets, arg); return 0;
	case OPT_BRIEF: o->brief = true; return 0;
	case OPT_GUEST: o->guest = true; return 0;
	case OPT_REGISTERS: o->registers = true; return 0;
	case OPT_COSTS: o->costs = true; return 0;
	case OPT_EXPORT_KVM: o->export.kvm = arg; return 0;
	case OPT_EXPORT_PERFETTO: o->export.perfetto = arg; return 0;
	case ARGP_KEY_ARG:
		if (o->operation) argp_error(state, "one operation at a time");
		o->operation = arg;
		return 0;
	case ARGP_KEY_END: need_arguments(o, state); return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

/* --- brief ------------------------------------------------------------------------------------------- */

/* Two lines: what the hypervisor sees, and what stays inside of the guest. */
struct brief {
	char *text[2];
	size_t length[2];
	FILE *stream[2];
};

static void brief_event(void *ctx, const struct path_event *e)
{
	struct brief *b = ctx;
	FILE *out = b->stream[e->in_guest];
	if (e->kind != EVENT_ENTRY && e->kind != EVENT_RETURN) return;
	fprintf(out, "%s%s:%u>%u", b->length[e->in_guest] ? " " : "",
		e->kind == EVENT_ENTRY ? e->name : "ret", e->transfer.from, e->transfer.to);
	fflush(out);
}

static enum status print_brief(const struct stack_paths *p, const struct options *o,
			       struct path_counts *counts, struct err *err)
{
	struct brief b = {0};
	for (int i = 0; i < 2; i++) b.stream[i] = open_memstream(&b.text[i], &b.length[i]);
	if (!b.stream[0] || !b.stream[1]) return err_set(err, ERR_HOST, "no memory for the answer");
	enum status st = path_run(p->book, o->operation, brief_event, &b, counts, err);
	for (int i = 0; i < 2; i++) fclose(b.stream[i]);
	if (st == OK) puts(b.text[0]);
	if (st == OK && o->guest && *b.text[1]) printf("(inside guest) %s\n", b.text[1]);
	free(b.text[0]);
	free(b.text[1]);
	return st;
}

/* --- in full ----------------------------------------------------------------------------------------- */

static void print_syndrome(const struct path_event *e)
{
	const struct el_exception *x = &e->exception;
	if (x->kind != EXC_SYNC) return;
	printf("       ESR_EL%u 0x%08" PRIx64 ": EC 0x%02x, %s", x->to, x->esr, esr_ec(x->esr),
	       ec_doc(esr_ec(x->esr)));
	if (x->has_far) printf("; FAR 0x%" PRIx64, x->far);
	if (x->has_hpfar) printf("; HPFAR 0x%" PRIx64, x->hpfar);
	putchar('\n');
}

static void print_entry(const struct path_event *e)
{
	printf("%s:%u>%u  in %s%s\n", e->name, e->transfer.from, e->transfer.to, e->path,
	       e->in_guest ? " (inside the guest)" : "");
	printf("       because of %s (%s)\n", e->rule, e->source);
	print_syndrome(e);
	printf("       to %s, VBAR_EL%u + 0x%03x: path %s\n", e->vector, e->transfer.to, e->transfer.vector,
	       e->to_path);
}

static void print_return(const struct path_event *e)
{
	printf("ret:%u>%u  from %s to %s%s%s\n", e->transfer.from, e->transfer.to, e->path, e->to_path,
	       e->transfer.illegal ? ", illegal: " : "", e->transfer.illegal ? e->transfer.why : "");
}

/* The registers that a step moves, some to a line. */
static void print_list(const struct path_event *e)
{
	enum { PER_LINE = 6 };
	char name[32];
	for (size_t i = 0; i < e->register_count; i++)
		printf("%s%s%s", i % PER_LINE ? " " : "                                   ",
		       reg_text(e->registers[i], name, sizeof(name)),
		       i % PER_LINE == PER_LINE - 1 || i + 1 == e->register_count ? "\n" : "");
}

static void print_step(const struct path_event *e)
{
	printf("  EL%u %s%-22s %s\n", e->el, e->in_guest ? "guest " : "      ", e->path, e->text);
	print_list(e);
}

static void full_event(void *ctx, const struct path_event *e)
{
	(void)ctx;
	switch ((enum path_event_kind)e->kind) {
	case EVENT_STEP: print_step(e); return;
	case EVENT_ENTRY: print_entry(e); return;
	case EVENT_RETURN: print_return(e); return;
	case EVENT_WRITE: return; /* the step says it; --registers counts */
	}
}

static void print_registers(const struct path_counts *c)
{
	printf("%-20s %6s %6s\n", "register", "writes", "reads");
	for (unsigned i = 0; i < R_COUNT; i++)
		if (c->writes[i] || c->reads[i])
			printf("%-20s %6" PRIu64 " %6" PRIu64 "\n", reg_rows[i].name, c->writes[i],
			       c->reads[i]);
}

static enum status answer(const struct options *o, struct stack_paths *p, struct err *err)
{
	struct path_counts counts = {0};
	TRY(stack_paths_load(p, &o->machine, o->stack, err));
	if (exports(o)) return explain_costs(p, o->operation, &o->export, err);
	if (o->costs) return explain_costs(p, o->operation, NULL, err);
	if (o->brief) {
		TRY(print_brief(p, o, &counts, err));
	} else {
		TRY(path_run(p->book, o->operation, o->registers ? NULL : full_event, NULL, &counts, err));
	}
	if (o->registers) print_registers(&counts);
	return OK;
}

int explain_trap(int argc, char **argv)
{
	static const struct argp argp = {
		option_rows,
		parse_option,
		"OPERATION -m MACHINE -s STACK",
		"What happens when a guest performs OPERATION: exceptions and returns, the steps between them, and the rule "
		"behind each exception."
		"\vOperations: hvc, mmio_user_write, mmio_user_read, mmio_vgic_read, sysreg_id, sgi_self, timer_busy, "
		"timer_wfi, stage2_fault, fp, and what else the stack's operations file has.",
		NULL,
		NULL,
		NULL};
	struct options o = {.export.limit = EVENTS_MAX};
	struct stack_paths p = {0};
	struct err err = {0};
	results_parse(&argp, argc, argv, &o);
	o.machine.sets = o.sets.item;
	enum status st = answer(&o, &p, &err);
	stack_paths_free(&p);
	free(o.sets.item);
	return st == OK ? 0 : results_fail(st, &err);
}
