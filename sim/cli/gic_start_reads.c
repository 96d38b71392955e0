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
enum { IROUTER = 0x6000, IROUTER_END = 0x8000 };

struct reads {
	const struct gic_start *start;
	struct gic *g;
	uint32_t *
		touched; /* [cpus + 1][FRAME_WORDS]: bits that an access has told; GICD after the CPUs' GICR */
	bool *known;     /* [cpus][ENCODINGS] */
};

/* Registers of the CPU interface ------------------------------------------------------------------------- */

/* Registers that keep what is written. */
static bool keeps_value(const char *name)
{
	static const char *const names[] = {"ICH_VMCR_EL2", "ICH_HCR_EL2", "ICC_PMR_EL1", "ICC_BPR",
					    "ICC_IGRPEN",   "ICC_CTLR",    "ICH_LR"};
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strncmp(name, names[i], strlen(names[i]))) return true;
	return false;
}

static void see_register(struct reads *r, const struct gic_event *e)
{
	unsigned cpu = gic_start_cpu(r->start, e->arg[0]);
	bool *known = &r->known[cpu * (size_t)ENCODINGS + e->encoding % ENCODINGS];
	const char *name = cpu_if_name(e->encoding);
	if (e->virtual) return;
	bool enables = !strncmp(name, "ICC_IGRPEN", 10) && e->arg[1] != 0;
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

/* False: not an array that keeps what is written. Both enable arrays are one. Pending and active states move by themselves. */
static bool kept(struct access *a)
{
	uint32_t base = a->offset >= SGI_BASE ? SGI_BASE : 0;
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

/* Enable bits that no write has told before; other arrays as a whole. */
static void set_at_start(struct reads *r, const struct access *a, uint32_t told)
{
	bool enable = a->array >= ENABLE_SET && a->array < PENDING;
	if (enable) {
		write_frame(r, a, a->offset + ENABLE_CLEAR - ENABLE_SET, ~a->value & ~told);
		write_frame(r, a, a->offset, a->value & ~told);
	} else if (!told) {
		write_frame(r, a, a->offset, a->value);
	}
}

static void see_access(struct reads *r, struct access a)
{
	if (!kept(&a) || a.offset / 4 >= FRAME_WORDS) return;
	uint32_t *told = &r->touched[a.frame * (size_t)FRAME_WORDS + a.offset / 4];
	bool bits = a.array >= ENABLE_SET && a.array < PENDING;
	if (!a.write) set_at_start(r, &a, *told);
	*told |= a.write && bits ? (uint32_t)a.value : UINT32_MAX;
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
			  .known = xcalloc((size_t)s->cpus * ENCODINGS, sizeof(bool))};
	for (size_t i = 0; i < log->count; i++) {
		const struct gic_event *e = &log->events[i];
		switch (e->kind) {
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
	free(r.known);
}
