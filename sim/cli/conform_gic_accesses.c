/* conform_gic_accesses.c - accesses to registers: writes are done to the model, and what is read is compared with what it has. */
#include <string.h>

#include "base/bits.h"
#include "cli/conform_replay.h"

/* The fields of a register that are state. */
static uint64_t compared_bits(const char *name)
{
	if (!strcmp(name, "ICC_CTLR_EL1")) return 3;
	if (!strcmp(name, "ICC_CTLR_EL3")) return 0x1f;
	if (!strcmp(name, "ICH_VTR_EL2")) return bits_put(UINT64_MAX, 31, 26) | bits_ones(5);
	return UINT64_MAX;
}

/* Of GICR_CTLR CES and IR say what is implemented. */
enum { SGI_BASE = 0x10000, RD_CTLR_CES_IR = 6, RD_WAKER = 0x14 };

/* Non-secure software among two states may not see GICR_WAKER, but the emulator shows it. */
static bool hidden_waker(const struct replay *r, const struct gic_event *e)
{
	return e->arg[1] == RD_WAKER && !e->arg[4] && r->start.params.security;
}

static bool identification(uint64_t offset)
{
	return (offset >= 0x4 && offset < 0x14) || (offset >= 0x18 && offset < 0x80) || offset >= 0xffd0;
}

static void do_half(struct replay *r, const struct gic_event *e, unsigned cpu, const struct gic_context *c)
{
	uint64_t whole = 0, mask = e->high ? ~bits_ones(32) : bits_ones(32);
	unsigned shift = e->high ? 32 : 0;
	cpu_if_read(r->g, cpu, e->encoding, c, &whole);
	if (e->kind == LOG_REG_READ) {
		replay_same(r, e, e->arg[1], (whole & mask) >> shift, UINT64_MAX);
		return;
	}
	r->totals->done++;
	cpu_if_write(r->g, cpu, e->encoding, c, (whole & ~mask) | e->arg[1] << shift);
}

void replay_called(struct replay *r, size_t i)
{
	if (r->moves[i].cpu >= 0) r->called[r->moves[i].cpu] = true;
}

/* A CPU that was switched off begins with its interface at reset, which the log does not tell: what it reads first does. */
static void switch_on(struct replay *r, unsigned cpu)
{
	static const char *const names[] = {"ICC_IGRPEN0_EL1", "ICC_IGRPEN1_EL1", "ICC_CTLR_EL1",
					    "ICC_AP0R0_EL1",   "ICC_AP1R0_EL1",   "ICC_BPR0_EL1",
					    "ICC_BPR1_EL1",    "ICC_PMR_EL1"};
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		gic_start_register(&r->start, r->g, cpu, names[i], 0);
	r->called[cpu] = false;
}

/* Not what the model has, and zero, as at reset. */
static bool shows_reset(const struct replay *r, const struct gic_event *e, unsigned cpu, uint64_t value)
{
	const char *name = cpu_if_name(e->encoding);
	uint64_t bits = compared_bits(name);
	if (!r->called[cpu] || e->virtual || !((value ^ e->arg[1]) & bits) || e->arg[1] & bits) return false;
	return !strcmp(name, "ICC_CTLR_EL1") || !strcmp(name, "ICC_PMR_EL1");
}

/* The emulator drops the priority first, says what follows of that, and deactivates then. */
static bool ends(const struct gic_event *e)
{
	return !e->virtual && !strncmp(cpu_if_name(e->encoding), "ICC_EOIR", 8);
}

static bool is_active(struct replay *r, unsigned cpu, uint64_t intid)
{
	struct gic_irq_state s;
	return gic_irq_state(r->g, cpu, (uint32_t)intid, &s) && s.active;
}

static void note_end(struct replay *r, const struct gic_event *e, unsigned cpu)
{
	r->end_at = (size_t)(e - r->log.events);
	r->end_cpu = cpu;
	r->ended = (uint32_t)e->arg[1];
}

void replay_register(struct replay *r, const struct gic_event *e)
{
	unsigned cpu = gic_start_cpu(&r->start, e->arg[0]);
	struct gic_context c = replay_access_context(r, cpu, e);
	uint64_t value = 0;
	if (e->low || e->high) {
		do_half(r, e, cpu, &c);
		return;
	}
	if (e->kind == LOG_REG_WRITE) {
		r->totals->done++;
		bool active = ends(e) && is_active(r, cpu, e->arg[1]);
		cpu_if_write(r->g, cpu, e->encoding, &c, e->arg[1]);
		if (active && e->arg[1] < GIC_SPI_END && !is_active(r, cpu, e->arg[1])) note_end(r, e, cpu);
		return;
	}
	bool there = cpu_if_read(r->g, cpu, e->encoding, &c, &value);
	if (shows_reset(r, e, cpu, value)) {
		switch_on(r, cpu);
		cpu_if_read(r->g, cpu, e->encoding, &c, &value);
	}
	if (replay_acknowledges(e)) r->called[cpu] = false;
	replay_same(r, e, e->arg[1], value, there ? compared_bits(cpu_if_name(e->encoding)) : UINT64_MAX);
}

void replay_frame(struct replay *r, const struct gic_event *e)
{
	const uint64_t *a = e->arg;
	unsigned cpu = gic_start_cpu(&r->start, a[0]);
	bool write = e->kind == LOG_DIST_WRITE || e->kind == LOG_REDIST_WRITE;
	r->totals->done += write;
	switch (e->kind) {
	case LOG_DIST_WRITE: gic_dist_write(r->g, (uint32_t)a[0], (unsigned)a[2], a[1], a[3]); return;
	case LOG_REDIST_WRITE:
		gic_redist_write(r->g, cpu, (uint32_t)a[1], (unsigned)a[3], a[2], a[4]);
		return;
	case LOG_DIST_READ:
		if (identification(a[0])) return;
		replay_same(r, e, a[1], gic_dist_read(r->g, (uint32_t)a[0], (unsigned)a[2], a[3]),
			    UINT64_MAX);
		return;
	default:
		if (a[1] >= SGI_BASE ? a[1] >= SGI_BASE + 0xffd0 : identification(a[1])) return;
		if (hidden_waker(r, e)) return;
		replay_same(r, e, a[2], gic_redist_read(r->g, cpu, (uint32_t)a[1], (unsigned)a[3], a[4]),
			    a[1] ? UINT64_MAX : ~(uint64_t)RD_CTLR_CES_IR);
	}
}
