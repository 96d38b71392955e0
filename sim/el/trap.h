/* trap.h - whether an instruction traps, is undefined or goes through: rules as rows.
 *
 *   trap_decide: (state, operation) -> goes through | exception, with the rule that decided
 * trap_rules[] stands in the architecture's priority order: what makes an instruction undefined in its own
 * way, then controls of EL1, of EL2, of EL3. Fine-grained traps are rows of their own (fgt_rows[]), one per
 * register, and come after the other controls of EL2. The first row that applies wins.
 * Source: Arm ARM DDI 0487, D1.3 (priority), D19.2 (the control named by each row), J1.1 (accessor
 * pseudocode).
 * HSTR_EL2 has no rows: it traps AArch32 accesses only. That a register of a feature which the PE lacks is
 * undefined is not known here: on such a PE its controls are RES0, and some of them then trap instead.
 * Controls of EL3 beside those of rows (MDCR_EL3's later ones) trap nothing here.
 * What FEAT_NV2 redirects is in nv.h, and comes after all traps of an EL1 name.
 * Not modelled: AArch32, CNTHCTL_EL2.EL1NV*, MDCR_EL2.HPMN, PSB and TSB CSYNC,
 * GCS and 128-bit instructions, FEAT_TME (withdrawn).
 */
#ifndef EL_TRAP_H
#define EL_TRAP_H

#include "el/exception.h"

/* An instruction that may trap. Make it with one of the functions below. */
struct trap_op {
	trap_set classes;
	uint8_t ec; /* of the trap of this instruction, where the rule has none of its own */
	bool is_reg, write;
	uint32_t iss;
	struct reg_name reg;
};
struct trap_op trap_svc(uint16_t imm);
struct trap_op trap_hvc(uint16_t imm);
struct trap_op trap_smc(uint16_t imm);
struct trap_op trap_wfi(void); /* one that would wait: with a wake-up event pending a WFI is no trap */
struct trap_op trap_wfe(void);
struct trap_op trap_eret(void);
struct trap_op trap_fp(void);
struct trap_op trap_sve(void);
struct trap_op trap_sme(void);
struct trap_op trap_pauth(void);
struct trap_op trap_ls64(void); /* LD64B, ST64B */
struct trap_op trap_st64bv(void);
struct trap_op trap_st64bv0(void);
struct trap_op trap_mops(void); /* CPY*, SET* */
/* MRS or MSR, or a system instruction (op0 = 1: always a write), with transfer register `rt`. */
struct trap_op trap_reg(struct reg_name reg, bool write, unsigned rt);

/* Circumstances that a rule needs, all of them. */
enum trap_need {
	NEED_E2H0 = 1,
	NEED_E2H1 = 2,
	NEED_GUEST = 4, /* not (E2H = 1 and TGE = 1) */
	NEED_HOST = 8,  /* E2H = 1 and TGE = 1 */
	NEED_TGE1 = 16,
	NEED_HCX = 32,    /* FEAT_HCX; while SCR_EL3.HXEn = 0, HCRX_EL2 is as if it were 0 */
	NEED_NO_EL2 = 64, /* not implemented, or off in this security state */
	NEED_NO_EL3 = 128,
	NEED_PHYSICAL_IRQ = 256, /* HCR_EL2.IMO = 0, or at EL2: the access is not to the virtual interface */
	NEED_PHYSICAL_FIQ = 512,
	NEED_SECURE = 1024,
	NEED_NOT_SECURE = 2048, /* Non-secure or Realm */
	NEED_NV = 4096,         /* HCR_EL2.NV = 1, without the redirection of FEAT_NV2 */
};

enum { TRAP_READ = 1, TRAP_WRITE = 2, TRAP_ANY = 3 };
enum { TO_UNDEFINED = 4, TO_SAME = 5 }; /* besides 1, 2, 3 */

struct trap_rule {
	const char *name; /* "HCR_EL2.TWI" */
	trap_set classes;
	uint8_t from;     /* set of levels: 1 << el */
	uint8_t access;   /* TRAP_READ, TRAP_WRITE or both */
	uint16_t control; /* enum el_reg; R_NONE: always applies */
	uint8_t hi, lo;   /* the field of it */
	uint16_t values;  /* set of field values that trap: 1 << value */
	uint16_t need;    /* set of enum trap_need */
	uint8_t to;       /* level, TO_UNDEFINED or TO_SAME */
	uint8_t ec;       /* 0: the operation's own */
	const char *source;
};
extern const struct trap_rule trap_rules[];
extern const size_t trap_rule_count;

/* A register's or instruction's bit in HFGRTR_EL2 and the like; the bit's polarity is in `traps_on`. */
struct fgt_row {
	uint16_t reg;      /* enum el_reg that is accessed; R_NONE: by class */
	uint8_t klass;     /* enum trap_class, where reg is R_NONE */
	uint16_t on_read;  /* control for reads, R_NONE: none */
	uint16_t on_write; /* and for writes and instructions */
	uint8_t bit;
	bool traps_on; /* value of the bit that traps; 0: a "n" field */
	uint8_t from;  /* set of levels */
};
extern const struct fgt_row fgt_rows[];
extern const size_t fgt_row_count;

/* TRAP_MEMORY: no exception; with FEAT_NV2 the access is one of the page of VNCR_EL2. */
enum trap_outcome { TRAP_NO, TRAP_TAKEN, TRAP_UNDEFINED, TRAP_MEMORY };

struct trap_result {
	uint8_t outcome;    /* enum trap_outcome */
	char rule[48];      /* "HCR_EL2.TWI", "HFGRTR_EL2[29]", "no access at this level" */
	const char *source; /* never NULL; "" when outcome is TRAP_NO */
	unsigned offset;    /* TRAP_MEMORY: bytes into that page */
	struct el_exception
		x; /* of TRAP_TAKEN and TRAP_UNDEFINED; preferred_pc as the exception wants it, from s->pc */
	enum el_reg reg; /* TRAP_NO of a register access: the register that is reached */
};

/* What `op` does in state `s`. Pure; O(rules). */
struct trap_result trap_decide(const struct el_state *s, const struct trap_op *op);

#endif
