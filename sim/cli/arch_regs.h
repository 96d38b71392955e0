/* arch_regs.h - the system registers of a recorded CPU, written by the names of their encodings.
 *
 * With HCR_EL2.E2H = 1, what EL2 writes by an EL1 name goes to its own register, and *_EL12, *_EL02 name the guest's.
 * Source: Arm ARM DDI 0487, D8.2.9 (system register redirection under FEAT_VHE).
 * Not modelled: registers that neither decide about translation nor follow from the recording (ESR, ELR, timers' state).
 */
#ifndef CLI_ARCH_REGS_H
#define CLI_ARCH_REGS_H

#include <jansson.h>
#include <stdio.h>

#include "base/status.h"
#include "mmu/sysregs.h"

/* Followed because they are written, and so tell whether no write was lost. */
#define ARCH_OTHER_REGS(X) \
	X(VBAR_EL1) \
	X(VBAR_EL2) \
	X(VBAR_EL3) \
	X(CONTEXTIDR_EL1) \
	X(CONTEXTIDR_EL2) \
	X(CPACR_EL1) \
	X(CPTR_EL2) \
	X(MDCR_EL2) \
	X(HSTR_EL2) \
	X(CNTVOFF_EL2) \
	X(CNTKCTL_EL1) \
	X(CNTV_CVAL_EL0)

struct arch_regs {
	struct sysregs sys;
#define X(name) uint64_t name;
	ARCH_OTHER_REGS(X)
#undef X
	bool has_el3; /* the recording has SCR_EL3, at the start or in a write */
};

/* Reads one object of regs_start.json or regs_end.json. Members that are not followed are left out. */
enum status arch_regs_load(const json_t *object, struct arch_regs *out, struct err *err);
/* A write by code at `el` to the register that it calls `name`. */
void arch_regs_write(struct arch_regs *r, unsigned el, const char *name, uint64_t value);
/* Compares with what `object` holds, printing what differs; returns how many registers do. */
enum status arch_regs_compare(const struct arch_regs *r, const json_t *object, unsigned cpu, FILE *report,
			      unsigned *differences, struct err *err);

#endif
