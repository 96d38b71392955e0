/* fault.h - why a translation did not succeed, and how the architecture reports it.
 *
 *   struct fault is a result: its `kind` is FAULT_NONE after a good translation.
 * Source: Arm ARM DDI 0487, D8.15 (MMU faults), D19.2 ESR_ELx, FAR_ELx, HPFAR_EL2, PAR_EL1.
 * Not modelled: external aborts, TLB conflicts, alignment and granule protection faults.
 */
#ifndef MMU_FAULT_H
#define MMU_FAULT_H

#include "base/types.h"

/* name, text of the vectors and of messages, status code base (level 0..3) */
#define FAULT_KINDS(X) \
	X(NONE, "ok", 0x3f) \
	X(ADDRESS_SIZE, "asize", 0x00) \
	X(TRANSLATION, "trans", 0x04) \
	X(ACCESS_FLAG, "af", 0x08) \
	X(PERMISSION, "perm", 0x0c)

enum fault_kind {
#define X(name, text, code) FAULT_##name,
	FAULT_KINDS(X)
#undef X
};

struct fault {
	uint8_t kind;   /* enum fault_kind */
	int8_t level;   /* -1..3; 0 for what is refused before the first descriptor */
	uint8_t stage;  /* 1 or 2 */
	bool s1ptw;     /* stage 2 fault on a stage 1 descriptor */
	struct ipa ipa; /* stage 2 only: the address that stage 2 refused */
};

/* One access of a program, as translation sees it. */
struct access {
	uint8_t kind; /* enum access_kind */
	uint8_t el;   /* whose permissions: 0 for EL0 and for unprivileged loads and stores (LDTR) */
	bool pan;     /* PSTATE.PAN; of no effect on EL0 and fetches */
	bool probe;   /* an AT instruction or a debugger: never marks a page dirty */
};

/* What the instruction adds to the syndrome of a stage 2 data abort (ISV = 1). */
struct syndrome_hint {
	bool valid;           /* false: ISV = 0 */
	uint8_t size_bits;    /* log2 of the access size in bytes: SAS */
	uint8_t reg;          /* transfer register: SRT */
	bool sf, sign_extend; /* 64-bit register; SSE */
	bool acqrel;          /* AR */
};

/* "trans L2 S2 ptw", as in the vectors; `text` holds `bytes`. */
void fault_describe(const struct fault *f, char *text, size_t bytes);
/* "trans", as in the vectors. */
const char *fault_kind_name(enum fault_kind kind);

/* The 6-bit status code (DFSC, IFSC, FST). */
unsigned fault_status_code(const struct fault *f);
/* ESR_ELx for an abort taken from `from_el` to `to_el`. */
uint64_t fault_esr(const struct fault *f, struct access a, const struct syndrome_hint *hint, unsigned from_el,
		   unsigned to_el);
/* True when HPFAR_EL2 is valid; then *hpfar is its value. */
bool fault_hpfar(const struct fault *f, uint64_t *hpfar);

#endif
