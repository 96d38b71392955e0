/* conform_gic.h - `strata conform --gic`: the interrupt controller against the recorded one of an emulator.
 *
 *   conform_gic: a log -> how many of its statements the model agrees with
 *
 * Wires, SGIs sent and register writes of the log are done to the model in order. Everything else is a statement that the model
 * must agree with: acknowledged INTIDs and all registers read, where SGIs arrive, the highest pending interrupt of each CPU with
 * group and priority, its IRQ, FIQ, virtual and maintenance lines, the list register that is first, and that a line is asserted
 * whenever its exception is taken.
 *
 * A log begins while the system runs, so the state before it is taken from its first statements (gic_start.h), or at reset. The emulator
 * writes some causes after their effects (acknowledge, writes to GICD and GICR): a statement about lines may hold after the next of
 * these instead of before it; right behind an end before its deactivation; and of a CPU that returns from an exception at the level that it
 * returns to, before the log says so. LPIs, and wires that other threads of the emulator raise, arrive when they are first stated to be
 * pending (`untold`); the ITS is not replayed. A CPU that calls firmware which the emulator is may come back from being off, at reset.
 * What nothing tells is that with which most of the log holds: whether it begins at reset, whether there are two Security states, SCR_EL3.FIQ,
 * and SCR_EL3.NS while at EL3. NS below EL3 follows of what software does there (conform_gic_context.c).
 * The model's distributor is QEMU's here: it keeps eight bits of a priority, forwards to PEs that sleep, and a disabled group hides others
 * (gic_params.kept_priority_bits, forwards_asleep, disabled_hides).
 * Not compared: registers that only say what is implemented (GICD_TYPER, IIDR, PIDR<n>, constant fields of GICR_CTLR, ICC_CTLR_EL1
 * and ICH_VTR_EL2), and GICR_WAKER by Non-secure software among two states, which the emulator shows it.
 */
#ifndef CLI_CONFORM_GIC_H
#define CLI_CONFORM_GIC_H

#include <stdio.h>

#include "base/status.h"
#include "cli/gic_log.h"

struct gic_totals {
	uint64_t lines, skipped, done; /* lines of the log; of kinds that are not known; wires and writes */
	uint64_t untold;               /* arrivals that the log does not tell and its statements imply */
	uint64_t compared[LOG_KINDS], different[LOG_KINDS];
	uint64_t all_compared, all_different;
};

/* `path`: a log, or a folder with int_gic.1.log.zst. The first differences are printed to `report`. */
enum status conform_gic(const char *path, FILE *report, struct gic_totals *totals, struct err *err);
/* The same of a log that has been read; `path` is for messages. */
enum status conform_gic_log(const struct gic_log *log, const char *path, FILE *report,
			    struct gic_totals *totals, struct err *err);
/* "acknowledged and read registers": what statements of a kind are about; NULL: it makes none. */
const char *conform_gic_kind(enum gic_log_kind kind);

#endif
