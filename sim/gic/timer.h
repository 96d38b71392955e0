/* timer.h - the generic timer of one PE: counters with their offsets, seven timers, and when the next one fires.
 *
 *   timers_read, timers_write   one MRS or MSR, by the encoding of the register that it reaches
 *   timers_line                 whether a timer asserts its PPI          timers_next: when a line rises next
 * Nothing is scheduled here and nothing is remembered of lines: they follow from registers and the cycle. Who owns a PE asks
 * timers_next() after each write that returns true, and puts that into its event queue.
 *
 * A timer's condition is met when (count - offset), as a 64-bit unsigned number, is at or above CVAL. TVAL is a view: writing
 * it sets CVAL to the count plus the signed 32-bit value. The offset is CNTVOFF_EL2 for CNTV, CNTPOFF_EL2 for CNTP where
 * FEAT_ECV's offset is in effect, 0 for all others.
 *
 * Registers are named by their own encoding: what HCR_EL2.E2H makes of a name at EL2, and _EL02 names, is resolved before
 * (el/regs.h). At EL0 of a host (E2H and TGE) CNTP_* and CNTV_* are redirected here, to CNTHP_* and CNTHV_*.
 * Traps by CNTKCTL_EL1 and CNTHCTL_EL2 are rows of el/trap_rules.c.
 * Source: Arm ARM DDI 0487, D12.2 (timers), D19.12 (registers), AArch64.CheckTimerConditions(); use of the offsets by direct accesses:
 * accessor pseudocode of CNTPCT_EL0, CNTVCT_EL0, CNTP_TVAL_EL0, CNTV_TVAL_EL0.
 * IMPDEF: ISTATUS reads 0, and TVAL as if enabled, while a timer is disabled (UNKNOWN). A write of CNTFRQ_EL0 changes the number only.
 * Not modelled: memory-mapped timers, AArch32 views, MDCR_EL3 and SCR_EL3.ST traps of CNTPS.
 */
#ifndef GIC_TIMER_H
#define GIC_TIMER_H

#include "gic/gic.h"

/* Name, and the PPI that servers wire it to (Arm BSA: table of PPIs). */
#define TIMERS(X) X(P, 30) X(V, 27) X(HP, 26) X(HV, 28) X(PS, 29) X(HPS, 20) X(HVS, 19)
enum timer_id {
#define X(name, ppi) TIMER_##name,
	TIMERS(X)
#undef X
		TIMER_COUNT
};

#define TIMER_NEVER UINT64_MAX

/* How cycles become counts. One for a machine. */
struct timer_clock {
	uint64_t core_hz, counter_hz; /* neither is 0 */
	uint64_t start;               /* the count at cycle 0 */
};
uint64_t timer_count(const struct timer_clock *c, cycles_t now);
/* The first cycle at which `counts` more than at `now` have been counted; TIMER_NEVER when that does not fit. */
cycles_t timer_after(const struct timer_clock *c, cycles_t now, uint64_t counts);

/* What the counters depend on besides their own registers. All zero: EL0 under an EL1 without EL2. */
struct timer_context {
	uint8_t el;
	bool el2;      /* implemented and enabled in this Security state */
	bool e2h, tge; /* effective HCR_EL2.E2H and TGE */
	bool ecv; /* FEAT_ECV with offset (ID_AA64MMFR0_EL1.ECV = 2), and SCR_EL3.ECVEn where there is EL3 */
	bool realm_or_root; /* Security state: there CNTHCTL_EL2.CNT{V,P}MASK have effect */
};

enum { TIMER_ENABLE = 1, TIMER_IMASK = 2, TIMER_ISTATUS = 4 }; /* CTL */

struct timers {
	const struct timer_clock *clock;
	struct timer_context context; /* of conditions; the owner keeps it true */
	uint64_t cval[TIMER_COUNT];
	uint8_t ctl[TIMER_COUNT]; /* ENABLE and IMASK */
	uint64_t cntvoff, cntpoff, cnthctl, cntkctl, cntfrq;
};

/* After reset: all disabled. `clock` is borrowed. */
void timers_init(struct timers *t, const struct timer_clock *clock);

/* False: no register of the generic timer has this encoding (op0:op1:CRn:CRm:op2 of 2:3:4:4:3 bits), or the direction does not exist.
 * *lines, which may be NULL: the write may have changed lines or their next change. */
bool timers_read(const struct timers *t, unsigned encoding, cycles_t now, uint64_t *value);
bool timers_write(struct timers *t, unsigned encoding, cycles_t now, uint64_t value, bool *lines);

/* CNTPCT_EL0 or CNTVCT_EL0 as t->context sees it. */
uint64_t timers_physical(const struct timers *t, cycles_t now);
uint64_t timers_virtual(const struct timers *t, cycles_t now);

/* ENABLE, and the condition is met; IMASK does not matter. */
bool timers_status(const struct timers *t, enum timer_id id, cycles_t now);
bool timers_line(const struct timers *t, enum timer_id id, cycles_t now);
/* The cycle at which the condition of a timer is met, now or later. TIMER_NEVER: it is disabled, or that does not come. */
cycles_t timers_expiry(const struct timers *t, enum timer_id id, cycles_t now);
/* The first cycle after `now` at which a line rises. (A line falls by itself only when a count with an offset passes 2^64.) */
cycles_t timers_next(const struct timers *t, cycles_t now);
unsigned timer_ppi(enum timer_id id);
/* Puts every line where it is at `now` on its PPI of `pe`. */
void timers_drive(const struct timers *t, cycles_t now, struct gic *g, unsigned pe);

/* The first cycle after `now` at which CNTKCTL_EL1 (of CNTVCT_EL0) or CNTHCTL_EL2 (of CNTPCT_EL0) generates an event for WFE.
 * Source: D12.2.5, EVNTEN, EVNTDIR, EVNTI, EVNTIS. */
cycles_t timers_next_event(const struct timers *t, cycles_t now);

#endif
