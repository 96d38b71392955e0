/* gic_start.h - the state of an interrupt controller at the beginning of a log: reset, or what follows from what the log says first.
 *
 * Of each thing the first statement counts: an interrupt that is shown as pending before any write enables it was enabled, with that
 * group and priority; an SGI that is shown before it is sent was pending; one that is deactivated before it is acknowledged was active.
 * A group that a CPU interface is told to enable before it acknowledges anything was not enabled. What a list register holds of a
 * physical interrupt was active, unless that is shown to be pending. What is pending and does not come through is masked by what runs.
 * EOImode: gic_start_ends.c; virtual interfaces: gic_start_virtual.c. What nothing is said of is as Linux leaves it: all interrupts in
 * Group 1 and of the priority that is shown first, all groups enabled, nothing masked.
 */
#ifndef CLI_GIC_START_H
#define CLI_GIC_START_H

#include "cli/gic_log.h"
#include "gic/cpu_if.h"

enum { GIC_LOG_CPUS = 512 };

struct gic_start {
	uint32_t affinity[GIC_LOG_CPUS]; /* as the log names CPUs, ascending */
	unsigned cpus;
	bool virtual_lpis; /* a GICv4: some virtual LPI is told of */
	bool reset;        /* the log may begin at reset */
	bool fiq_el3; /* SCR_EL3.FIQ: firmware keeps Group 0. Found as set where there is EL3; the caller may say otherwise */
	bool el3_secure;          /* EL3 means the Secure copy of banked registers (SCR_EL3.NS = 0) */
	struct gic_params params; /* affinity points into this struct */
};

/* What is implemented. ERR_INPUT: no CPU, or too many. */
enum status gic_start_find(const struct gic_log *log, const char *path, struct gic_start *out,
			   struct err *err);
/* The number of the CPU that the log calls `name`. */
unsigned gic_start_cpu(const struct gic_start *s, uint64_t name);
/* The same of a CPU that lines about exceptions call by its index. */
unsigned gic_start_index(const struct gic_start *s, uint64_t index);
/* Brings a new GIC into the state at the beginning. */
void gic_start_apply(const struct gic_start *s, const struct gic_log *log, struct gic *g);

/* Whether the log may begin at reset. */
bool gic_start_is_reset(const struct gic_start *s, const struct gic_log *log);

/* Parts of it: EOImode of each CPU; virtual interfaces; registers that are read before they are written; one register of the CPU interface. */
void gic_start_ends(const struct gic_start *s, const struct gic_log *log, bool *two_steps);
void gic_start_virtual(const struct gic_start *s, const struct gic_log *log, struct gic *g);
void gic_start_first_reads(const struct gic_start *s, const struct gic_log *log, struct gic *g);
void gic_start_register(const struct gic_start *s, struct gic *g, unsigned cpu, const char *name,
			uint64_t value);
/* Writes a 1 for `intid` to the array of GICD, or of the CPU's GICR, that has a bit for each: `array` is its offset in GICD. */
void gic_start_write_bit(struct gic *g, unsigned cpu, uint32_t intid, unsigned array);
/* Number of the list register that an event accesses; -1: none, or half of one. */
int gic_list_register_of(const struct gic_event *e);

#endif
