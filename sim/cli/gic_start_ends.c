/* gic_start_ends.c - EOImode at the beginning of a log, from what the emulator tells behind ends of interrupts.
 *
 * It looks at the interface once behind the drop of the priority, and once more behind a deactivation. What an acknowledge or a write to GICD or
 * GICR leads to stands before it, so what follows of such a one right behind an end may be either's.
 */
#include <string.h>

#include "cli/gic_start.h"

enum mode { NOT_TOLD, ONE_STEP, TWO_STEPS };

static bool names(const struct gic_event *e, const char *registers)
{
	return !e->virtual && !strncmp(cpu_if_name(e->encoding), registers, strlen(registers));
}

static bool stands_behind_its_effects(const struct gic_event *e)
{
	if (e->kind == LOG_DIST_WRITE || e->kind == LOG_REDIST_WRITE) return true;
	return e->kind == LOG_REG_READ && names(e, "ICC_IAR");
}

/* What event `i`, an end, tells. */
static enum mode mode_told(const struct gic_start *s, const struct gic_log *log, size_t i)
{
	unsigned looks = 0, cpu = gic_start_cpu(s, log->events[i].arg[0]);
	for (i++; i < log->count; i++) {
		const struct gic_event *e = &log->events[i];
		if (e->kind != LOG_HIGHEST && e->kind != LOG_LINES) break;
		looks += e->kind == LOG_HIGHEST && gic_start_cpu(s, e->arg[0]) == cpu;
	}
	if (i == log->count || !looks) return NOT_TOLD;
	if (stands_behind_its_effects(&log->events[i])) return looks > 2 ? ONE_STEP : NOT_TOLD;
	return looks > 1 ? ONE_STEP : TWO_STEPS;
}

struct modes {
	uint8_t of[GIC_LOG_CPUS];   /* enum mode */
	bool changed[GIC_LOG_CPUS]; /* its ICC_CTLR_EL1 has been written */
	uint8_t usual;              /* of the CPU that tells it first */
	bool deactivates;           /* ICC_DIR_EL1 is written */
};

static void see(struct modes *m, const struct gic_start *s, const struct gic_log *log, size_t i)
{
	const struct gic_event *e = &log->events[i];
	unsigned cpu = gic_start_cpu(s, e->arg[0]);
	m->changed[cpu] |= names(e, "ICC_CTLR");
	m->deactivates |= names(e, "ICC_DIR");
	if (!names(e, "ICC_EOIR") || e->arg[1] >= GIC_SPI_END || m->of[cpu] || m->changed[cpu]) return;
	m->of[cpu] = (uint8_t)mode_told(s, log, i);
	if (!m->usual) m->usual = m->of[cpu];
}

void gic_start_ends(const struct gic_start *s, const struct gic_log *log, bool *two_steps)
{
	struct modes m = {.usual = NOT_TOLD};
	for (size_t i = 0; i < log->count; i++)
		if (log->events[i].kind == LOG_REG_WRITE) see(&m, s, log, i);
	if (!m.usual) m.usual = m.deactivates ? TWO_STEPS : ONE_STEP;
	for (unsigned cpu = 0; cpu < s->cpus; cpu++)
		two_steps[cpu] = (m.of[cpu] ? m.of[cpu] : m.usual) == TWO_STEPS;
}
