#include "el/regs.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define T(name) TRAP_SET(name)
#define RW REG_RW
#define RO REG_RO
#define WO REG_WO
const struct reg_row reg_rows[R_COUNT] = {
#define X(name, op0, op1, crn, crm, op2, access, classes) {#name, op0, op1, crn, crm, op2, access, classes},
	EL_REGS(X)
#undef X
};
#undef T
#undef RW
#undef RO
#undef WO

/* The EL2 register that each EL1 name means under E2H; R_COUNT rows would mostly be empty. */
static const struct redirect {
	uint16_t el1, el2;
} redirects[] = {
#define X(el1, el2) {R_##el1, R_##el2},
	EL_REDIRECTS(X)
#undef X
};
enum { REDIRECTS = sizeof(redirects) / sizeof(redirects[0]) };

static const struct redirect *redirect_of(unsigned reg)
{
	for (unsigned i = 0; i < REDIRECTS; i++)
		if (redirects[i].el1 == reg) return &redirects[i];
	return NULL;
}

static bool find_row(const char *name, size_t length, unsigned *out)
{
	for (unsigned i = 0; i < R_COUNT; i++)
		if (strlen(reg_rows[i].name) == length && memcmp(reg_rows[i].name, name, length) == 0)
			return *out = i, true;
	return false;
}

bool reg_find(const char *name, struct reg_name *out)
{
	size_t n = strlen(name);
	unsigned reg;
	if (find_row(name, n, &reg)) return *out = (struct reg_name){.reg = (uint16_t)reg}, true;
	/* TCR_EL12 is TCR_EL1 with op1 = 5, CNTV_CTL_EL02 is CNTV_CTL_EL0. */
	if (n < 2 || name[n - 1] != '2' || !find_row(name, n - 1, &reg) || !redirect_of(reg)) return false;
	*out = (struct reg_name){.reg = (uint16_t)reg, .el12 = true};
	return true;
}

static unsigned op1_of(struct reg_name name) { return name.el12 ? 5 : reg_rows[name.reg].op1; }

unsigned reg_encode(struct reg_name name)
{
	const struct reg_row *r = &reg_rows[name.reg];
	return (unsigned)r->op0 << 14 | op1_of(name) << 11 | (unsigned)r->crn << 7 | (unsigned)r->crm << 3 |
	       r->op2;
}

bool reg_decode(unsigned encoding, struct reg_name *out)
{
	for (uint16_t i = 0; i < R_COUNT; i++)
		for (int el12 = 0; el12 <= (redirect_of(i) != NULL); el12++) {
			*out = (struct reg_name){.reg = i, .el12 = el12};
			if (reg_encode(*out) == encoding) return true;
		}
	return false;
}

const char *reg_text(struct reg_name name, char *out, size_t bytes)
{
	snprintf(out, bytes, "%s%s", reg_rows[name.reg].name, name.el12 ? "2" : "");
	return out;
}

unsigned reg_min_el(struct reg_name name)
{
	static const uint8_t level[8] = {1, 1, 1, 0, 2, 2, 3, 1};
	return level[op1_of(name)];
}

enum el_reg reg_resolve(struct reg_name name, unsigned el, bool e2h)
{
	assert(name.reg < R_COUNT);
	if (el < reg_min_el(name)) return R_NONE;
	if (name.el12) return e2h ? name.reg : R_NONE; /* at EL3 as well: DDI 0487, FEAT_VHE */
	const struct redirect *r = el == 2 && e2h ? redirect_of(name.reg) : NULL;
	return r ? r->el2 : name.reg;
}
