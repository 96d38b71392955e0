#include "cli/gic_start.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "gic/lr.h"

/* What is implemented ---------------------------------------------------------------------------------- */

/* Kinds whose first number is a CPU. */
static bool names_cpu(const struct gic_event *e)
{
	switch (e->kind) {
	case LOG_PPI:
	case LOG_SGI_SENT:
	case LOG_SGI_PENDING:
	case LOG_REDIST_READ:
	case LOG_REDIST_WRITE:
	case LOG_HIGHEST:
	case LOG_LINES:
	case LOG_VIRTUAL_HIGHEST:
	case LOG_VIRTUAL_LINES:
	case LOG_MAINTENANCE:
	case LOG_REG_READ:
	case LOG_REG_WRITE: return true;
	default: return false;
	}
}

static bool is_interrupt(const struct gic_event *e)
{
	return e->kind == LOG_EXCEPTION || e->kind == LOG_EXCEPTION_FIQ || e->kind == LOG_EXCEPTION_VIRQ ||
	       e->kind == LOG_EXCEPTION_VFIQ;
}

enum { CLUSTER = 16 };

static bool add_cpu(struct gic_start *s, uint32_t affinity)
{
	unsigned i = 0;
	while (i < s->cpus && s->affinity[i] < affinity) i++;
	if (i < s->cpus && s->affinity[i] == affinity) return true;
	if (s->cpus == GIC_LOG_CPUS) return false;
	memmove(&s->affinity[i + 1], &s->affinity[i], (s->cpus - i) * sizeof(s->affinity[0]));
	s->affinity[i] = affinity;
	s->cpus++;
	return true;
}

enum { GICD_CTLR_DS = 0x40 };

static bool shows_security(const struct gic_event *e)
{
	switch (e->kind) {
	case LOG_DIST_READ: return e->arg[3] || (!e->arg[0] && !(e->arg[1] & GICD_CTLR_DS));
	case LOG_DIST_WRITE: return e->arg[3];
	case LOG_REDIST_READ:
	case LOG_REDIST_WRITE: return e->arg[4];
	case LOG_HIGHEST: return e->arg[3] != GIC_IDLE_PRIORITY && e->arg[2] == GIC_G1S;
	case LOG_TAKEN:
	case LOG_RETURN: return e->arg[0] == 3 || e->arg[1] == 3;
	case LOG_ANSWERED: return e->arg[0] == 3;
	default: return false;
	}
}

/* A CPU may have nothing but exceptions, which call it by its index. Up to 16 that is its affinity. */
static void add_indexed(struct gic_start *s, const struct gic_log *log)
{
	if (s->cpus && s->affinity[s->cpus - 1] >= CLUSTER) return;
	for (size_t i = 0; i < log->count && s->cpus; i++) {
		const struct gic_event *e = &log->events[i];
		uint64_t index = e->kind == LOG_OTHER_EXCEPTION ? e->arg[0]
				 : is_interrupt(e)              ? e->arg[1]
								: CLUSTER;
		if (index < CLUSTER) add_cpu(s, (uint32_t)index);
	}
}

/* GICD_TYPER: ITLinesNumber, ESPI, SecurityExtn. */
static void read_typer(struct gic_start *s, uint64_t value)
{
	unsigned spis = 32 * (unsigned)bits_get(value, 4, 0);
	if (spis && spis < s->params.spis) s->params.spis = spis;
	if (!bit_get(value, 8)) s->params.extended_spis = 0;
	s->params.security |= bit_get(value, 10);
}

/* ICH_VTR_EL2 tells list registers and virtual priority bits, ICC_CTLR_EL1 the physical ones. */
static void read_identification(struct gic_start *s, const struct gic_event *e)
{
	if (e->kind == LOG_DIST_READ && e->arg[0] == 4) read_typer(s, e->arg[1]);
	if (e->kind != LOG_REG_READ || e->virtual) return;
	const char *name = cpu_if_name(e->encoding);
	if (!strcmp(name, "ICC_NMIAR1_EL1")) s->params.nmi = true;
	if (!strcmp(name, "ICH_VTR_EL2")) {
		s->params.list_registers = (unsigned)bits_get(e->arg[1], 4, 0) % GIC_MAX_LRS + 1;
		s->params.virtual_priority_bits = (unsigned)bits_get(e->arg[1], 31, 29) + 1;
	} else if (!strcmp(name, "ICC_CTLR_EL1")) {
		s->params.priority_bits = (unsigned)bits_get(e->arg[1], 10, 8) + 1;
	}
}

enum status gic_start_find(const struct gic_log *log, const char *path, struct gic_start *out,
			   struct err *err)
{
	*out = (struct gic_start){.params = {.spis = 988,
					     .extended_ppis = 64,
					     .extended_spis = 1024,
					     .priority_bits = 5,
					     .kept_priority_bits = 8,
					     .virtual_priority_bits = 5,
					     .list_registers = 4,
					     .awake = true,
					     .forwards_asleep = true,
					     .disabled_hides = true}};
	for (size_t i = 0; i < log->count; i++) {
		const struct gic_event *e = &log->events[i];
		if (names_cpu(e) && !add_cpu(out, (uint32_t)e->arg[0]))
			return err_set(err, ERR_INPUT, "%s:%u: more than %d CPUs", path, e->line,
				       GIC_LOG_CPUS);
		out->params.security |= shows_security(e);
		out->virtual_lpis |= e->kind == LOG_VIRTUAL_HIGHEST && e->arg[4] != GIC_IDLE_PRIORITY;
		read_identification(out, e);
	}
	add_indexed(out, log);
	if (!out->cpus) return err_set(err, ERR_INPUT, "%s: no event of an interrupt controller", path);
	if (out->params.priority_bits < 5) out->params.priority_bits = 5;
	if (out->params.virtual_priority_bits < 5) out->params.virtual_priority_bits = 5;
	out->params.pes = out->cpus;
	out->fiq_el3 = out->params.security;
	out->reset = gic_start_is_reset(out, log);
	out->params.awake = !out->reset;
	return OK;
}

unsigned gic_start_cpu(const struct gic_start *s, uint64_t name)
{
	unsigned i = 0;
	while (i + 1 < s->cpus && s->affinity[i] != name) i++;
	return i;
}

/* The emulator counts CPUs through and gives 16 of them an Aff1. */
unsigned gic_start_index(const struct gic_start *s, uint64_t index)
{
	uint64_t affinity = (index & 15) | index >> 4 << 8;
	unsigned cpu = gic_start_cpu(s, affinity);
	if (s->affinity[cpu] == affinity || index >= s->cpus) return cpu;
	return (unsigned)index;
}

/* State of interrupts ------------------------------------------------------------------------------------ */

enum { INTIDS = GIC_EXT_SPI + 1024 };

struct seen {
	bool enable_known, enabled;
	bool pending_known, latched;
	bool active_known, active;
	bool shown;  /* stated to be the highest */
	bool loaded; /* a list register alone tells that it was active, and no guest has ended it since */
	uint8_t group, priority;
	unsigned target; /* CPU that it was first shown to */
};

struct survey {
	const struct gic_start *start;
	struct seen *seen; /* [cpus][INTIDS]; shared ones at CPU 0 */
	bool acknowledged[GIC_LOG_CPUS];
	bool configured[GIC_LOG_CPUS]; /* its priority mask or enables of groups are accessed */
	bool masked[GIC_LOG_CPUS]; /* an interrupt of priority `mask` did not come through at the beginning */
	uint8_t mask[GIC_LOG_CPUS];
	uint8_t highest[GIC_LOG_CPUS]; /* the priority last told; 0: none is told yet */
	bool two_steps[GIC_LOG_CPUS];  /* EOImode */
	uint64_t lr[GIC_LOG_CPUS][GIC_MAX_LRS];
	bool sent;     /* an SGI, in the log */
	uint8_t usual; /* priority of those that are never shown: that of the first Non-secure one */
	uint32_t running[GIC_LOG_CPUS]; /* INTID that ended before any acknowledge; GIC_SPURIOUS: none */
};

static struct seen *of(struct survey *s, unsigned cpu, uint64_t intid)
{
	if (intid >= INTIDS) intid = GIC_SPURIOUS; /* its record is never used */
	return &s->seen[(gic_is_private(intid) ? cpu : 0) * (size_t)INTIDS + intid];
}

static void see_pending(struct seen *i, unsigned cpu, uint64_t intid)
{
	if (!i->enable_known) i->enabled = true;
	i->enable_known = true;
	if (!i->pending_known && intid < GIC_SGIS) i->latched = true; /* a wire's rise is implied later */
	i->pending_known = true;
	i->target = i->shown ? i->target : cpu;
}

/* Not active, and no guest has ended it: it was not when a list register was loaded with it. */
static void see_inactive(struct seen *i)
{
	if (i->loaded) i->active = false;
}

static void see_highest(struct survey *s, const struct gic_event *e, unsigned cpu)
{
	struct seen *i = of(s, cpu, e->arg[1]);
	s->highest[cpu] = (uint8_t)e->arg[3];
	if (e->arg[3] == GIC_IDLE_PRIORITY) return;
	see_pending(i, cpu, e->arg[1]);
	see_inactive(i);
	i->active_known = true;
	if (i->shown) return;
	i->shown = true;
	i->group = e->arg[2] < GIC_GROUPS ? (uint8_t)e->arg[2] : GIC_G1NS;
	i->priority = (uint8_t)e->arg[3];
	if (!s->usual && i->group == GIC_G1NS) s->usual = i->priority;
}

/* What is pending and does not come through is masked by what runs: before anything is acknowledged or ends, since before the log. */
static void see_lines(struct survey *s, const struct gic_event *e, unsigned cpu)
{
	bool pending = s->highest[cpu] && s->highest[cpu] != GIC_IDLE_PRIORITY;
	bool before = !s->acknowledged[cpu] && s->running[cpu] == GIC_SPURIOUS;
	if (s->masked[cpu] || !before || !pending || e->arg[1] || e->arg[2]) return;
	s->masked[cpu] = true;
	s->mask[cpu] = s->highest[cpu];
}

enum array {
	ENABLE_SET = 0x100,
	ENABLE_CLEAR = 0x180,
	PENDING_SET = 0x200,
	ACTIVE_SET = 0x300,
	ACTIVE_CLEAR = 0x380,
	SGI_BASE = 0x10000
};

/* A write to an array of one bit per interrupt, `offset` as in GICD or SGI_base. */
static void see_array(struct survey *s, unsigned cpu, uint64_t offset, uint64_t value)
{
	unsigned array = offset & ~UINT64_C(0x7f);
	for (unsigned bit = 0; bit < 32; bit++) {
		struct seen *i = of(s, cpu, (offset & 0x7f) * 8 + bit);
		if (!(value >> bit & 1)) continue;
		if ((array == ENABLE_SET || array == ENABLE_CLEAR) && !i->enable_known) {
			i->enable_known = true;
			i->enabled = false;
		}
		if (array == PENDING_SET) i->pending_known = true;
		if (array == ACTIVE_SET || array == ACTIVE_CLEAR) i->active_known = true;
	}
}

static void see_end(struct survey *s, unsigned cpu, uint64_t intid, bool deactivates)
{
	struct seen *i = of(s, cpu, intid);
	if (!s->acknowledged[cpu] && !deactivates && s->running[cpu] == GIC_SPURIOUS)
		s->running[cpu] = (uint32_t)intid;
	if (!i->active_known && (deactivates || !s->acknowledged[cpu])) i->active = true;
	i->active_known = true;
}

/* What a list register holds of a physical interrupt is active. */
static void see_list_register(struct survey *s, const struct gic_event *e, unsigned cpu)
{
	uint64_t lr = e->arg[1];
	struct seen *i = of(s, cpu, lr_pintid(lr));
	s->lr[cpu][gic_list_register_of(e)] = lr;
	if (!bit_get(lr, LR_HW) || lr_state(lr) == LR_INVALID || i->active_known) return;
	i->active = i->active_known = i->loaded = true;
}

static void see_guest(struct survey *s, const struct gic_event *e, unsigned cpu)
{
	const char *name = cpu_if_name(e->encoding);
	if (strncmp(name, "ICC_EOIR", 8) != 0 && strcmp(name, "ICC_DIR_EL1") != 0) return;
	for (unsigned n = 0; n < GIC_MAX_LRS; n++) {
		uint64_t lr = s->lr[cpu][n];
		if (bit_get(lr, LR_HW) && lr_vintid(lr) == e->arg[1])
			of(s, cpu, lr_pintid(lr))->loaded = false;
	}
}

static void see_register(struct survey *s, const struct gic_event *e, unsigned cpu)
{
	const char *name = cpu_if_name(e->encoding);
	if (e->virtual) see_guest(s, e, cpu);
	if (e->virtual) return;
	if (!strncmp(name, "ICC_IAR", 7) || !strncmp(name, "ICC_NMIAR", 9)) {
		see_pending(of(s, cpu, e->arg[1]), cpu, e->arg[1]);
		of(s, cpu, e->arg[1])->active_known = true;
		s->acknowledged[cpu] = true;
	} else if (!strncmp(name, "ICC_EOIR", 8)) {
		see_end(s, cpu, e->arg[1], false);
	} else if (!strcmp(name, "ICC_DIR_EL1")) {
		see_end(s, cpu, e->arg[1], true);
	} else if (!strncmp(name, "ICC_IGRPEN", 10) || !strcmp(name, "ICC_PMR_EL1")) {
		s->configured[cpu] = true;
	} else if (gic_list_register_of(e) >= 0) {
		see_list_register(s, e, cpu);
	}
}

/* Arrays of active states that are read before anything becomes active or ends. */
static void see_read(struct survey *s, unsigned cpu, uint64_t offset, uint64_t value)
{
	unsigned array = offset & ~UINT64_C(0x7f);
	for (unsigned bit = 0; bit < 32 && (array == ACTIVE_SET || array == ACTIVE_CLEAR); bit++) {
		struct seen *i = of(s, cpu, (offset & 0x7f) * 8 + bit);
		bool active = value >> bit & 1;
		if (!i->active_known) i->active = active;
		i->active_known = true;
		if (!active) see_inactive(i);
	}
}

/* An SGI that arrives before any is sent was sent before the log. */
static void see_arrival(const struct survey *s, struct seen *i)
{
	if (!i->pending_known && !s->sent) i->latched = true;
	i->pending_known = true;
}

static void see(struct survey *s, const struct gic_event *e)
{
	unsigned cpu = names_cpu(e) ? gic_start_cpu(s->start, e->arg[0]) : 0;
	switch (e->kind) {
	case LOG_PPI: of(s, cpu, e->arg[1])->pending_known = true; break;
	case LOG_SPI: of(s, 0, e->arg[0])->pending_known = true; break;
	case LOG_SGI_SENT: s->sent = true; break;
	case LOG_SGI_PENDING: see_arrival(s, of(s, cpu, e->arg[1])); break;
	case LOG_HIGHEST: see_highest(s, e, cpu); break;
	case LOG_LINES: see_lines(s, e, cpu); break;
	case LOG_DIST_WRITE: see_array(s, 0, e->arg[0], e->arg[1]); break;
	case LOG_REDIST_WRITE:
		if (e->arg[1] >= SGI_BASE) see_array(s, cpu, e->arg[1] - SGI_BASE, e->arg[2]);
		break;
	case LOG_DIST_READ: see_read(s, 0, e->arg[0], e->arg[1]); break;
	case LOG_REDIST_READ:
		if (e->arg[1] >= SGI_BASE) see_read(s, cpu, e->arg[1] - SGI_BASE, e->arg[2]);
		break;
	case LOG_REG_READ:
	case LOG_REG_WRITE: see_register(s, e, cpu); break;
	default: break;
	}
}

/* Applying ----------------------------------------------------------------------------------------------- */

enum { GROUPR = 0x80, PRIORITYR = 0x400, GRPMODR = 0xd00, IROUTER = 0x6000 };

void gic_start_write_bit(struct gic *g, unsigned cpu, uint32_t intid, unsigned array)
{
	unsigned offset = array + intid / 32 * 4;
	if (gic_is_private(intid)) {
		gic_redist_write(g, cpu, SGI_BASE + offset, 4, 1u << intid % 32, true);
	} else {
		gic_dist_write(g, offset, 4, 1u << intid % 32, true);
	}
}

/* Arrays whose bits are written as values: read, change, write. */
static void write_group(struct gic *g, unsigned cpu, uint32_t intid, unsigned array)
{
	unsigned offset = array + intid / 32 * 4;
	uint32_t bit = 1u << intid % 32;
	if (gic_is_private(intid)) {
		uint64_t old = gic_redist_read(g, cpu, SGI_BASE + offset, 4, true);
		gic_redist_write(g, cpu, SGI_BASE + offset, 4, old | bit, true);
	} else {
		gic_dist_write(g, offset, 4, gic_dist_read(g, offset, 4, true) | bit, true);
	}
}

static void write_route(const struct gic_start *s, struct gic *g, const struct seen *i, uint32_t intid)
{
	uint32_t affinity = s->affinity[i->target];
	gic_dist_write(g, IROUTER + 8 * intid, 8, (uint64_t)(affinity >> 24) << 32 | (affinity & 0xffffff),
		       true);
}

/* What is never shown is as Linux sets it up: of Group 1, and of the one priority that it uses. */
static void settle(struct survey *s)
{
	enum { LINUX_PRIORITY = 0xa0 };
	for (size_t k = 0; k < (size_t)s->start->cpus * INTIDS; k++) {
		if (s->seen[k].shown) continue;
		s->seen[k].group = GIC_G1NS;
		s->seen[k].priority = s->usual ? s->usual : LINUX_PRIORITY;
	}
}

/* Ordinary INTIDs only: nothing says yet how extended ones would be shown. */
static void apply_interrupt(const struct gic_start *s, struct gic *g, unsigned cpu, uint32_t intid,
			    const struct seen *i)
{
	if (i->group == GIC_G1NS) write_group(g, cpu, intid, GROUPR);
	if (i->group == GIC_G1S) write_group(g, cpu, intid, GRPMODR);
	if (gic_is_private(intid)) {
		gic_redist_write(g, cpu, SGI_BASE + PRIORITYR + intid, 1, i->priority, true);
	} else {
		gic_dist_write(g, PRIORITYR + intid, 1, i->priority, true);
		if (i->shown) write_route(s, g, i, intid);
	}
	if (i->latched) gic_start_write_bit(g, cpu, intid, PENDING_SET);
	if (i->active) gic_start_write_bit(g, cpu, intid, ACTIVE_SET);
	if (i->enabled) gic_start_write_bit(g, cpu, intid, ENABLE_SET);
}

static const struct gic_context firmware = {.el = 3};

/* As Non-secure software where firmware keeps Group 0. */
void gic_start_register(const struct gic_start *s, struct gic *g, unsigned cpu, const char *name,
			uint64_t value)
{
	struct gic_context el2 = {.el = 2, .fiq_el3 = s->fiq_el3};
	const struct gic_context *c = strstr(name, "_EL3") ? &firmware : &el2;
	cpu_if_write(g, cpu, cpu_if_encoding(name), c, value);
}

static void apply_running(const struct survey *s, struct gic *g, unsigned cpu, uint8_t group,
			  uint8_t priority)
{
	unsigned bits = s->start->params.priority_bits;
	unsigned level = priority >> (8 - (bits > 7 ? 7 : bits));
	const char *name = group == GIC_G0 ? "ICC_AP0R0_EL1" : "ICC_AP1R0_EL1";
	if (level < 32) gic_start_register(s->start, g, cpu, name, 1u << level);
}

static void apply_interface(struct survey *s, struct gic *g, unsigned cpu)
{
	cpu_if_write(g, cpu, cpu_if_encoding("ICC_PMR_EL1"), &firmware, 0xff);
	gic_start_register(s->start, g, cpu, "ICC_IGRPEN0_EL1", 1);
	gic_start_register(s->start, g, cpu, "ICC_IGRPEN1_EL1", 1);
	gic_start_register(s->start, g, cpu, "ICC_IGRPEN1_EL3", 3);
	gic_start_register(s->start, g, cpu, "ICC_CTLR_EL1", s->two_steps[cpu] ? 2 : 0);
	const struct seen *i = of(s, cpu, s->running[cpu]);
	bool runs = s->running[cpu] != GIC_SPURIOUS;
	bool told = runs ? i->shown : s->acknowledged[cpu];
	if (s->masked[cpu] && !s->configured[cpu] && !told) {
		apply_running(s, g, cpu, GIC_G1NS, s->mask[cpu]);
	} else if (runs) {
		apply_running(s, g, cpu, i->group, i->priority);
	}
}

void gic_start_apply(const struct gic_start *start, const struct gic_log *log, struct gic *g)
{
	if (start->reset) return;
	struct survey *s = xcalloc(1, sizeof(*s));
	s->start = start;
	s->seen = xcalloc((size_t)start->cpus * INTIDS, sizeof(struct seen));
	for (unsigned i = 0; i < start->cpus; i++) s->running[i] = GIC_SPURIOUS;
	gic_start_ends(start, log, s->two_steps);
	for (size_t i = 0; i < log->count; i++) see(s, &log->events[i]);
	settle(s);
	gic_dist_write(g, 0, 4, 7, true);
	for (unsigned cpu = 0; cpu < start->cpus; cpu++) {
		for (uint32_t intid = 0; intid < GIC_SPI_END; intid++)
			if (gic_is_private(intid) || !cpu)
				apply_interrupt(start, g, cpu, intid, of(s, cpu, intid));
		apply_interface(s, g, cpu);
	}
	gic_start_first_reads(start, log, g);
	gic_start_virtual(start, log, g);
	free(s->seen);
	free(s);
}
