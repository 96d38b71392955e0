/* gic_start_reads.c - registers that a log reads before it writes them: their values at the beginning. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/gic_start.h"

enum { FRAME_WORDS = 0x20000 / 4, ENCODINGS = 1 << 16, SGI_BASE = 0x10000 };
enum {
	ENABLE_SET = 0x100,
	ENABLE_CLEAR = 0x180,
	PENDING = 0x200,
	PRIORITY = 0x400,
	CONFIG = 0xc00,
	PLAIN_END = 0x1000
};
enum { IROUTER = 0x6000, IROUTER_END = 0x8000, GICD_GRP1NS = 2, CTLR = 0x0, RD_WAKER = 0x14 };

struct reads {
	const struct gic_start *start;
	struct gic *g;
	uint32_t *
		touched; /* [cpus + 1][FRAME_WORDS]: bits that an access has told; GICD after the CPUs' GICR */
	uint32_t *claimed; /* the same of enables: bits that Non-secure software has set and not cleared */
	bool *known;       /* [cpus][ENCODINGS] */
	unsigned taking;   /* CPU whose exception the next "...from" line is about */
	bool runs[GIC_LOG_CPUS],
		off[GIC_LOG_CPUS]; /* a CPU has acknowledged something, and then called the firmware */
};

/* Registers of the CPU interface ------------------------------------------------------------------------- */

/* Registers that keep what is written. */
static bool keeps_value(const char *name)
{
	static const char *const names[] = {"ICC_PMR_EL1", "ICC_BPR", "ICC_IGRPEN", "ICC_CTLR"};
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strncmp(name, names[i], strlen(names[i]))) return true;
	return false;
}

/* What is read behind a call of firmware that the emulator is may be of a CPU that has been switched off and on. */
static void see_register(struct reads *r, const struct gic_event *e)
{
	unsigned cpu = gic_start_cpu(r->start, e->arg[0]);
	bool *known = &r->known[cpu * (size_t)ENCODINGS + e->encoding % ENCODINGS];
	const char *name = cpu_if_name(e->encoding);
	if (e->virtual) return;
	if (!strncmp(name, "ICC_IAR", 7)) r->runs[cpu] = true;
	if (r->off[cpu]) return;
	bool enables = !strncmp(name, "ICC_IGRPEN", 10) && e->arg[1] != 0 && !r->runs[cpu];
	if (!*known && e->kind == LOG_REG_READ && keeps_value(name))
		gic_start_register(r->start, r->g, cpu, name, e->arg[1]);
	if (!*known && e->kind == LOG_REG_WRITE && enables) gic_start_register(r->start, r->g, cpu, name, 0);
	*known = true;
}

/* GICD and GICR -------------------------------------------------------------------------------------------- */

struct access {
	unsigned frame; /* CPU, or the number of CPUs: GICD */
	uint32_t offset, array;
	unsigned bytes;
	uint64_t value;
	bool write, secure;
};

/* False: not an array, GICD_CTLR, GICR_CTLR or GICR_WAKER, that keeps what is written. Both enable arrays are one. Pending and
 * active states move by themselves. */
static bool kept(const struct reads *r, struct access *a)
{
	uint32_t base = a->offset >= SGI_BASE ? SGI_BASE : 0;
	if (a->offset == CTLR || (a->frame != r->start->cpus && a->offset == RD_WAKER)) return true;
	a->array = a->offset - base;
	if (a->array >= ENABLE_CLEAR && a->array < PENDING) a->offset -= ENABLE_CLEAR - ENABLE_SET;
	if (a->array >= IROUTER && a->array < IROUTER_END) return !base;
	return (a->array >= 0x80 && a->array < PENDING) || (a->array >= PRIORITY && a->array < PLAIN_END);
}

static void write_frame(struct reads *r, const struct access *a, uint32_t offset, uint64_t value)
{
	if (a->frame == r->start->cpus) {
		gic_dist_write(r->g, offset, a->bytes, value, a->secure);
	} else {
		gic_redist_write(r->g, a->frame, offset, a->bytes, value, a->secure);
	}
}

static bool is_ctlr(const struct reads *r, const struct access *a)
{
	return a->frame == r->start->cpus && a->offset == 0;
}

/* Bits of enables and of GICD_CTLR that no write has told before; other arrays as a whole. */
static void set_at_start(struct reads *r, const struct access *a, uint32_t told)
{
	bool enable = a->array >= ENABLE_SET && a->array < PENDING;
	if (is_ctlr(r, a)) {
		uint64_t now = gic_dist_read(r->g, 0, a->bytes, a->secure);
		write_frame(r, a, 0, (a->value & ~told) | (now & told));
	} else if (enable) {
		write_frame(r, a, a->offset + ENABLE_CLEAR - ENABLE_SET, ~a->value & ~told);
		write_frame(r, a, a->offset, a->value & ~told);
	} else if (!told) {
		write_frame(r, a, a->offset, a->value);
	}
}

/* A write tells the enables that it sets or clears. Of GICD_CTLR Non-secure software among two states tells EnableGrp1A. */
static uint32_t tells(const struct reads *r, const struct access *a)
{
	bool nonsecure = !a->secure && gic_params(r->g)->security;
	if (a->write && a->array >= ENABLE_SET && a->array < PENDING) return (uint32_t)a->value;
	return nonsecure && is_ctlr(r, a) ? GICD_GRP1NS : UINT32_MAX;
}

/* What Non-secure software has enabled and does not see enabled is not its own: of Group 0. */
static void find_secure(struct reads *r, struct access a, uint32_t *claimed)
{
	enum { GROUP = 0x80 };
	bool clears = a.array >= ENABLE_CLEAR; /* `offset` is that of the other array */
	if (a.secure || !gic_params(r->g)->security || a.array < ENABLE_SET || a.array >= PENDING) return;
	if (a.write) {
		*claimed = clears ? *claimed & ~(uint32_t)a.value : *claimed | (uint32_t)a.value;
		return;
	}
	uint32_t hidden = *claimed & ~(uint32_t)a.value, offset = a.offset - (ENABLE_SET - GROUP);
	bool dist = a.frame == r->start->cpus;
	uint64_t group1 = dist ? gic_dist_read(r->g, offset, 4, true)
			       : gic_redist_read(r->g, a.frame, offset, 4, true);
	a.secure = true;
	write_frame(r, &a, offset, group1 & ~hidden);
}

static void see_access(struct reads *r, struct access a)
{
	if (!kept(r, &a) || a.offset / 4 >= FRAME_WORDS) return;
	uint32_t *told = &r->touched[a.frame * (size_t)FRAME_WORDS + a.offset / 4];
	if (!a.write) set_at_start(r, &a, *told);
	find_secure(r, a, &r->claimed[told - r->touched]);
	*told |= tells(r, &a);
}

static struct access access_of(const struct reads *r, const struct gic_event *e)
{
	const uint64_t *a = e->arg;
	bool dist = e->kind == LOG_DIST_READ || e->kind == LOG_DIST_WRITE;
	if (!dist) a++;
	return (struct access){.frame = dist ? r->start->cpus : gic_start_cpu(r->start, e->arg[0]),
			       .offset = (uint32_t)a[0],
			       .value = a[1],
			       .bytes = (unsigned)a[2],
			       .secure = a[3],
			       .write = e->kind == LOG_DIST_WRITE || e->kind == LOG_REDIST_WRITE};
}

void gic_start_first_reads(const struct gic_start *s, const struct gic_log *log, struct gic *g)
{
	struct reads r = {.start = s,
			  .g = g,
			  .touched = xcalloc((size_t)(s->cpus + 1) * FRAME_WORDS, sizeof(uint32_t)),
			  .claimed = xcalloc((size_t)(s->cpus + 1) * FRAME_WORDS, sizeof(uint32_t)),
			  .known = xcalloc((size_t)s->cpus * ENCODINGS, sizeof(bool))};
	for (size_t i = 0; i < log->count; i++) {
		const struct gic_event *e = &log->events[i];
		switch (e->kind) {
		case LOG_OTHER_EXCEPTION: r.taking = gic_start_index(s, e->arg[0]); break;
		case LOG_ANSWERED: r.off[r.taking] |= r.runs[r.taking]; break;
		case LOG_REG_READ:
		case LOG_REG_WRITE: see_register(&r, e); break;
		case LOG_DIST_READ:
		case LOG_DIST_WRITE:
		case LOG_REDIST_READ:
		case LOG_REDIST_WRITE: see_access(&r, access_of(&r, e)); break;
		default: break;
		}
	}
	free(r.touched);
	free(r.claimed);
	free(r.known);
}
