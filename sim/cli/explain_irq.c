/* explain_irq.c - `strata explain irq EVENT...`: one interrupt through wires, registers and the CPU interface, event by event; and with
 * -w the stages of a scenario's interrupts. */
#include <argp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/explain.h"
#include "cli/explain_stages.h"
#include "cli/results.h"
#include "cli/texts.h"
#include "gic/why.h"

struct options {
	uint64_t intid, priority;
	enum gic_group group;
	bool edge, security, secure;
	uint64_t el;
	char **events;
	int count;
	const char *machine, *stack, *workload; /* workload NULL: events */
	struct texts sets;
};

enum { OPT_EDGE = 256, OPT_GROUP, OPT_PRIORITY, OPT_STATES, OPT_SECURE, OPT_EL, OPT_SET };

static const struct argp_option option_rows[] = {
	{"intid", 'i', "N", 0,
	 "the interrupt: 0-15 SGI, 16-31 PPI, 32-1019 SPI, 1056-1119 and 4096-5119 extended (27)", 0},
	{"edge", OPT_EDGE, NULL, 0, "edge-triggered (level-sensitive; SGIs are edges)", 0},
	{"group", OPT_GROUP, "0|1s|1ns", 0, "its group (1ns)", 0},
	{"priority", OPT_PRIORITY, "N", 0,
	 "its priority, 0 to 0xff, lower is more urgent; 5 bits are implemented (0xa0)", 0},
	{"two-states", OPT_STATES, NULL, 0, "the GIC has two Security states (one: GICD_CTLR.DS = 1)", 0},
	{"secure", OPT_SECURE, NULL, 0, "the PE is in Secure state; implies --two-states", 0},
	{"workload", 'w', "SCENARIO", 0,
	 "in place of events: the stages that the interrupts of a scenario pass, timed", 1},
	{"machine", 'm', "MACHINE", 0, "with -w: the machine", 1},
	{"stack", 's', "STACK", 0, "with -w: the stack, which has software paths", 1},
	{"set", OPT_SET, "KEY=VALUE", 0, "with -w: as strata run has it; may be repeated", 1},
	{"el", OPT_EL, "N", 0, "exception level of the PE, 1 to 3 (1)", 0},
	{0},
};

/* X(word, argument or NULL, what it does) */
#define EVENTS(X) \
	X(rise, NULL, "its wire goes high (an SGI is sent)") \
	X(fall, NULL, "its wire goes low") \
	X(pend, NULL, "ISPENDR") \
	X(unpend, NULL, "ICPENDR") \
	X(enable, NULL, "ISENABLER") \
	X(disable, NULL, "ICENABLER") \
	X(ack, NULL, "software reads ICC_IAR0_EL1 or ICC_IAR1_EL1, by its group") \
	X(eoi, NULL, "software writes ICC_EOIR0_EL1 or ICC_EOIR1_EL1") \
	X(dir, NULL, "software writes ICC_DIR_EL1") \
	X(eoimode, "0|1", "ICC_CTLR_EL1.EOImode") \
	X(pmr, "N", "ICC_PMR_EL1") \
	X(bpr, "0-7", "ICC_BPR<n>_EL1 of its group") \
	X(group_enable, "0|1", "ICC_IGRPEN<n>_EL1 of its group") \
	X(other, "N", "another interrupt of its group, of priority N, becomes pending") \
	X(sleep, "0|1", "GICR_WAKER.ProcessorSleep")

enum event {
#define X(word, ...) EV_##word,
	EVENTS(X)
#undef X
		EVENT_COUNT
};
static const struct event_row {
	const char *word, *argument, *doc;
} event_rows[] = {
#define X(word, argument, doc) {#word, argument, doc},
	EVENTS(X)
#undef X
};

static bool parse_group(const char *text, enum gic_group *out)
{
	static const char *const names[GIC_GROUPS] = {"0", "1s", "1ns"};
	for (unsigned i = 0; i < GIC_GROUPS; i++) {
		if (strcmp(text, names[i]) != 0) continue;
		*out = i;
		return true;
	}
	return false;
}

static uint64_t number(struct argp_state *state, const char *text, const char *what, uint64_t most)
{
	char *end;
	uint64_t value = strtoull(text, &end, 0);
	if (*text < '0' || *text > '9' || *end || value > most)
		argp_error(state, "%s: '%s' is not a number up to %" PRIu64, what, text, most);
	return value;
}

static void finish(struct options *o, struct argp_state *state)
{
	if (o->workload) {
		if (!o->machine || !o->stack || o->count)
			argp_error(state, "-w SCENARIO needs -m MACHINE and -s STACK, and no EVENT");
		return;
	}
	if (o->machine || o->stack || o->sets.count)
		argp_error(state, "-m, -s and --set are for -w SCENARIO");
	if (!o->count) argp_error(state, "an EVENT is needed, such as rise; --help lists them");
	if (o->group == GIC_G1S || o->secure || o->el == 3) o->security = true;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;
	switch (key) {
	case 'i': o->intid = number(state, arg, "--intid", 5119); return 0;
	case OPT_PRIORITY: o->priority = number(state, arg, "--priority", 0xff); return 0;
	case 'w': o->workload = arg; return 0;
	case 'm': o->machine = arg; return 0;
	case 's': o->stack = arg; return 0;
	case OPT_SET: texts_add(&o->sets, arg); return 0;
	case OPT_EDGE: o->edge = true; return 0;
	case OPT_STATES: o->security = true; return 0;
	case OPT_SECURE: o->secure = true; return 0;
	case OPT_EL: o->el = number(state, arg, "--el", 3); return 0;
	case OPT_GROUP:
		if (!parse_group(arg, &o->group))
			argp_error(state, "--group: '%s' is none of 0, 1s, 1ns", arg);
		return 0;
	case ARGP_KEY_ARGS:
		o->events = state->argv + state->next;
		o->count = state->argc - state->next;
		return 0;
	case ARGP_KEY_END: finish(o, state); return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

static char *help_filter(int key, const char *text, void *input)
{
	(void)input;
	if (key != ARGP_KEY_HELP_POST_DOC) return (char *)text;
	char *out = NULL;
	size_t bytes;
	FILE *f = open_memstream(&out, &bytes);
	if (!f) return (char *)text;
	fputs(text, f);
	for (unsigned i = 0; i < EVENT_COUNT; i++)
		fprintf(f, "\n  %s%s%s: %s", event_rows[i].word, event_rows[i].argument ? "=" : "",
			event_rows[i].argument ? event_rows[i].argument : "", event_rows[i].doc);
	fputc('\n', f);
	fclose(f);
	return out;
}

static const struct argp argp = {
	.options = option_rows,
	.parser = parse_option,
	.args_doc = "EVENT...\n-w SCENARIO -m MACHINE -s STACK",
	.doc = "What an interrupt is in after each event, what its PE sees, and the rule that stops it.\v"
	       "The GIC is a GICv3 with one PE and 5 bits of priority; at first the interrupt is enabled and inactive, all groups are "
	       "enabled, nothing is masked. Events:",
	.help_filter = help_filter,
};

/* The world -------------------------------------------------------------------------------------------------- */

struct world {
	const struct options *o;
	struct gic *g;
	struct gic_context c;
	uint32_t other; /* INTID of the other interrupt */
};

enum {
	SGI_BASE = 0x10000,
	GROUPR = 0x80,
	ENABLE = 0x100,
	DISABLE = 0x180,
	PEND = 0x200,
	UNPEND = 0x280,
	PRIORITYR = 0x400,
	CONFIG = 0xc00,
	GRPMODR = 0xd00,
	WAKER = 0x14
};

/* Where arrays of `width` bits per interrupt have INTID. Extended SPIs have arrays of their own. */
static uint32_t array_of(uint32_t array, uint32_t intid)
{
	if (intid < GIC_EXT_SPI) return array;
	switch (array) {
	case GROUPR: return 0x1000;
	case PRIORITYR: return 0x2000;
	case CONFIG: return 0x3000;
	case GRPMODR: return 0x3400;
	default: return 0x1200 + (array - ENABLE) * 4;
	}
}

static uint32_t index_of(uint32_t intid)
{
	if (intid >= GIC_EXT_SPI) return intid - GIC_EXT_SPI;
	return intid >= GIC_EXT_PPI ? GIC_PRIVATE + intid - GIC_EXT_PPI : intid;
}

static void write_array(struct world *w, uint32_t array, uint32_t intid, unsigned width, unsigned value)
{
	uint32_t n = index_of(intid), offset = array_of(array, intid) + n * width / 32 * 4;
	uint32_t word = value << (n * width % 32);
	bool whole = array == GROUPR || array == GRPMODR || array == CONFIG || array == PRIORITYR;
	if (gic_is_private(intid)) {
		offset += SGI_BASE;
		if (whole) word |= (uint32_t)gic_redist_read(w->g, 0, offset, 4, true);
		gic_redist_write(w->g, 0, offset, 4, word, true);
	} else {
		if (whole) word |= (uint32_t)gic_dist_read(w->g, offset, 4, true);
		gic_dist_write(w->g, offset, 4, word, true);
	}
}

static void write_reg(struct world *w, const char *name, uint64_t value)
{
	cpu_if_write(w->g, 0, cpu_if_encoding(name), &w->c, value);
}

/* The register of the interrupt's group: of two whose names differ in one digit. */
static const char *of_group(const struct world *w, const char *group0, const char *group1)
{
	return w->o->group == GIC_G0 ? group0 : group1;
}

static void prepare(struct world *w, uint32_t intid, unsigned priority)
{
	if (w->o->group == GIC_G1NS) write_array(w, GROUPR, intid, 1, 1);
	if (w->o->group == GIC_G1S) write_array(w, GRPMODR, intid, 1, 1);
	write_array(w, PRIORITYR, intid, 8, priority);
	write_array(w, ENABLE, intid, 1, 1);
}

static void world_new(struct world *w)
{
	const struct options *o = w->o;
	w->g = gic_new(&(struct gic_params){.pes = 1,
					    .spis = 988,
					    .extended_ppis = 64,
					    .extended_spis = 1024,
					    .security = o->security,
					    .awake = true});
	gic_dist_write(w->g, 0, 4, 7, true);
	w->c = (struct gic_context){.el = 3};
	write_reg(w, "ICC_PMR_EL1", 0xff);
	write_reg(w, "ICC_IGRPEN0_EL1", 1);
	write_reg(w, "ICC_IGRPEN1_EL1", 1);
	write_reg(w, "ICC_IGRPEN1_EL3", 3);
	w->c = (struct gic_context){.el = (uint8_t)o->el, .secure = o->secure};
	prepare(w, (uint32_t)o->intid, (unsigned)o->priority);
	if (o->edge) write_array(w, CONFIG, (uint32_t)o->intid, 2, 2);
	w->other = o->intid == 31 ? 30 : 31;
}

/* Events ------------------------------------------------------------------------------------------------------- */

/* What was read, for an acknowledge. */
static uint64_t acknowledge(struct world *w)
{
	uint64_t value = GIC_SPURIOUS;
	cpu_if_read(w->g, 0, cpu_if_encoding(of_group(w, "ICC_IAR0_EL1", "ICC_IAR1_EL1")), &w->c, &value);
	return value;
}

static void wire(struct world *w, bool level)
{
	uint32_t intid = (uint32_t)w->o->intid;
	if (intid < GIC_SGIS && level) gic_set_sgi(w->g, 0, intid);
	gic_set_line(w->g, 0, intid, level);
}

static void other_arrives(struct world *w, unsigned priority)
{
	prepare(w, w->other, priority);
	write_array(w, PEND, w->other, 1, 1);
}

static void happen(struct world *w, enum event e, uint64_t value, uint64_t *read)
{
	uint32_t intid = (uint32_t)w->o->intid;
	switch (e) {
	case EV_rise: wire(w, true); break;
	case EV_fall: wire(w, false); break;
	case EV_pend: write_array(w, PEND, intid, 1, 1); break;
	case EV_unpend: write_array(w, UNPEND, intid, 1, 1); break;
	case EV_enable: write_array(w, ENABLE, intid, 1, 1); break;
	case EV_disable: write_array(w, DISABLE, intid, 1, 1); break;
	case EV_ack: *read = acknowledge(w); break;
	case EV_eoi: write_reg(w, of_group(w, "ICC_EOIR0_EL1", "ICC_EOIR1_EL1"), intid); break;
	case EV_dir: write_reg(w, "ICC_DIR_EL1", intid); break;
	case EV_eoimode:
		write_reg(w, w->o->el == 3 ? "ICC_CTLR_EL3" : "ICC_CTLR_EL1",
			  value ? w->o->el == 3 ? 4 : 2 : 0);
		break;
	case EV_pmr: write_reg(w, "ICC_PMR_EL1", value); break;
	case EV_bpr: write_reg(w, of_group(w, "ICC_BPR0_EL1", "ICC_BPR1_EL1"), value); break;
	case EV_group_enable: write_reg(w, of_group(w, "ICC_IGRPEN0_EL1", "ICC_IGRPEN1_EL1"), value); break;
	case EV_other: other_arrives(w, (unsigned)value); break;
	case EV_sleep: gic_redist_write(w->g, 0, WAKER, 4, value ? 2 : 0, true); break;
	case EVENT_COUNT: break;
	}
}

/* "0|1" and "0-7" end with the largest value; N is a byte. */
static uint64_t most_of(const char *argument)
{
	char last = argument[strlen(argument) - 1];
	return last >= '0' && last <= '9' ? (uint64_t)(last - '0') : 0xff;
}

static bool parse_value(const struct event_row *r, const char *text, uint64_t *value)
{
	char *end;
	if (*text != '=' || text[1] < '0' || text[1] > '9') return false;
	*value = strtoull(text + 1, &end, 0);
	return !*end && *value <= most_of(r->argument);
}

/* "pmr=0x80" -> event and value; what is wrong goes to stderr. */
static bool parse_event(const char *text, enum event *e, uint64_t *value)
{
	size_t length = strcspn(text, "=");
	*value = 0;
	for (unsigned i = 0; i < EVENT_COUNT; i++) {
		const struct event_row *r = &event_rows[i];
		if (strlen(r->word) != length || strncmp(r->word, text, length) != 0) continue;
		*e = i;
		if (r->argument ? parse_value(r, text + length, value) : !text[length]) return true;
		fprintf(stderr, "strata explain irq: '%s': %s%s%s is expected%s\n", text, r->word,
			r->argument ? "=" : "", r->argument ? r->argument : "",
			r->argument && most_of(r->argument) == 0xff ? ", N up to 0xff" : "");
		return false;
	}
	fprintf(stderr, "strata explain irq: '%s' is no event; --help lists them\n", text);
	return false;
}

/* Output ------------------------------------------------------------------------------------------------------- */

static const char *state_text(const struct gic_irq_state *s)
{
	if (s->active) return s->pending ? "active and pending" : "active";
	return s->pending ? "pending" : "inactive";
}

static void print_line(struct world *w, const char *event, const uint64_t *read)
{
	struct gic_irq_state s;
	struct gic_signals lines = gic_signals(w->g, 0, &w->c);
	enum gic_stop stop = gic_why(w->g, 0, (uint32_t)w->o->intid);
	char heading[32];
	gic_irq_state(w->g, 0, (uint32_t)w->o->intid, &s);
	if (read) {
		snprintf(heading, sizeof(heading), "%s -> %" PRIu64, event, *read);
	} else {
		snprintf(heading, sizeof(heading), "%s", event);
	}
	printf("%-16s %-19s %-4s running 0x%02x  %s\n", heading, state_text(&s),
	       lines.fiq   ? "FIQ"
	       : lines.irq ? "IRQ"
			   : "-",
	       gic_running_priority(w->g, 0), gic_why_text(stop));
}

static int run(const struct options *o)
{
	struct world w = {.o = o};
	struct gic_irq_state s;
	int status = 0;
	world_new(&w);
	if (!gic_irq_state(w.g, 0, (uint32_t)o->intid, &s)) {
		fprintf(stderr, "strata explain irq: there is no INTID %" PRIu64 "\n", o->intid);
		status = 2;
	}
	if (!status) print_line(&w, "start", NULL);
	for (int i = 0; i < o->count && !status; i++) {
		enum event e;
		uint64_t value, read = 0;
		if (parse_event(o->events[i], &e, &value)) {
			happen(&w, e, value, &read);
			print_line(&w, o->events[i], e == EV_ack ? &read : NULL);
		} else {
			status = 2;
		}
	}
	gic_free(w.g);
	return status;
}

int explain_irq(int argc, char **argv)
{
	struct options o = {.intid = 27, .priority = 0xa0, .group = GIC_G1NS, .el = 1};
	results_parse(&argp, argc, argv, &o);
	if (!o.workload) return run(&o);
	struct err err = {0};
	const struct run_request q = {.machine = o.machine,
				      .stack = o.stack,
				      .workload = o.workload,
				      .sets = o.sets.item,
				      .seed = 1};
	enum status st = explain_stages(&q, &err);
	free(o.sets.item);
	return st == OK ? 0 : results_fail(st, &err);
}
