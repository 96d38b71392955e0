/* gic_log.h - the interrupt controller's part of an emulator's log, as events.
 *
 * QEMU with `-d int -trace 'gicv3_*'` writes wires, register accesses and what follows of them - the highest pending interrupt of each
 * CPU, its IRQ and FIQ lines, the list register that is first - and between them exceptions and returns. A line may begin with a
 * process and time ("21094@1795213154.449500:"), which is skipped. Lines of other kinds are skipped, too.
 * Source: QEMU 6 to 9, hw/intc/trace-events, target/arm/helper.c (arm_log_exception).
 */
#ifndef CLI_GIC_LOG_H
#define CLI_GIC_LOG_H

#include <stddef.h>

#include "base/status.h"
#include "base/types.h"

/* X(kind, event, text): # stands for a number. The order of numbers is that of struct gic_event.arg. */
#define GIC_LOG_ROWS(X) \
	X(PPI, "gicv3_redist_set_irq", "GICv3 redistributor # interrupt # level changed to #") \
	X(SPI, "gicv3_dist_set_irq", "GICv3 distributor interrupt # level changed to #") \
	X(SGI_SENT, "gicv3_icc_generate_sgi", \
	  "GICv3 CPU i/f # generating SGI # IRM # target affinity #xx targetlist #") \
	X(SGI_PENDING, "gicv3_redist_send_sgi", "GICv3 redistributor # pending SGI #") \
	X(DIST_READ, "gicv3_dist_read", "GICv3 distributor read: offset # data # size # secure #") \
	X(DIST_WRITE, "gicv3_dist_write", "GICv3 distributor write: offset # data # size # secure #") \
	X(REDIST_READ, "gicv3_redist_read", "GICv3 redistributor # read: offset # data # size # secure #") \
	X(REDIST_WRITE, "gicv3_redist_write", \
	  "GICv3 redistributor # write: offset # data # size # secure #") \
	X(HIGHEST, "gicv3_cpuif_update", "GICv3 CPU i/f # HPPI update: irq # group # prio #") \
	X(LINES, "gicv3_cpuif_set_irqs", "GICv3 CPU i/f # HPPI update: setting FIQ # IRQ #") \
	X(VIRTUAL_HIGHEST, "gicv3_cpuif_virt_update", \
	  "GICv3 CPU i/f # virt HPPI update LR index # HPPVLPI # grp # prio #") \
	X(VIRTUAL_LINES, "gicv3_cpuif_virt_set_irqs", \
	  "GICv3 CPU i/f # virt HPPI update: setting FIQ # IRQ #") \
	X(MAINTENANCE, "gicv3_cpuif_virt_set_maint_irq", \
	  "GICv3 CPU i/f # virt HPPI update: setting maintenance-irq #") \
	X(EXCEPTION, "Taking", "exception # [IRQ] on CPU #") \
	X(EXCEPTION_FIQ, "Taking", "exception # [FIQ] on CPU #") \
	X(EXCEPTION_VIRQ, "Taking", "exception # [Virtual IRQ] on CPU #") \
	X(EXCEPTION_VFIQ, "Taking", "exception # [Virtual FIQ] on CPU #") \
	X(TAKEN, "...from", "EL# to EL#") \
	X(RETURN, "Exception", "return from AArch64 EL# to AArch64 EL#")

enum gic_log_kind {
#define X(kind, ...) LOG_##kind,
	GIC_LOG_ROWS(X)
#undef X
		LOG_OTHER_EXCEPTION, /* arg[0]: CPU */
	LOG_ANSWERED, /* LOG_TAKEN of a call that the emulator has answered itself: no level has changed */
	LOG_REG_READ,
	LOG_REG_WRITE, /* a register of the CPU interface. arg[0]: CPU, arg[1]: value */
	LOG_KINDS
};

enum { GIC_LOG_ARGS = 5 };

struct gic_event {
	uint8_t kind;   /* enum gic_log_kind */
	bool virtual;   /* of a register: through ICV_* */
	bool low, high; /* of a register: only this half of it, as AArch32 software accesses list registers */
	uint32_t encoding; /* of a register: cpu_if.h */
	uint32_t line;     /* number in the file, from 1 */
	uint64_t arg[GIC_LOG_ARGS];
};

struct gic_log {
	struct gic_event *events;
	size_t count;
	uint64_t lines, skipped; /* lines of the file; those of kinds that are not known */
};

/* Reads a file, compressed with zstd. ERR_INPUT names file and line of a known event whose text is torn. The caller
 * frees with gic_log_free(). */
enum status gic_log_read(const char *path, struct gic_log *out, struct err *err);
/* Adds one line to a log that began as zero bytes. */
enum status gic_log_line(struct gic_log *log, const char *path, const char *line, struct err *err);
void gic_log_free(struct gic_log *log);

#endif
