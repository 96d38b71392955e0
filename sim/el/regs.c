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

static unsigned encode(unsigned op0, unsigned op1, unsigned crn, unsigned crm, unsigned op2)
{
	return op0 << 14 | op1 << 11 | crn << 7 | crm << 3 | op2;
}

/* Encodings that have no row of their own belong to the first family whose fixed bits they have. */
#define FIELDS(op0, op1, crn, crm, op2) (op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2)
static const struct family {
	uint16_t mask, value;
	uint16_t reg;
} reg_families[] = {
	{FIELDS(3, 0, 11, 0, 0), FIELDS(3, 0, 11, 0, 0), R_IMPDEF}, /* CRn 11 and 15 of each op1 */
	{FIELDS(3, 7, 15, 15, 0), FIELDS(3, 0, 0, 1, 0), R_ID_SPACE},
	{FIELDS(3, 7, 15, 14, 0), FIELDS(3, 0, 0, 2, 0), R_ID_SPACE},
	{FIELDS(3, 7, 15, 12, 0), FIELDS(3, 0, 0, 4, 0), R_ID_SPACE},
	{FIELDS(3, 7, 15, 8, 7), FIELDS(2, 1, 0, 8, 7), R_TRC_ID}, /* TRCIDR0 to 7 */
	{FIELDS(3, 7, 15, 8, 7), FIELDS(2, 1, 0, 0, 6), R_TRC_ID}, /* TRCIDR8 to 13 */
	{FIELDS(3, 7, 15, 8, 7), FIELDS(2, 1, 0, 0, 7), R_TRC_IMSPEC},
	{FIELDS(3, 7, 15, 12, 7), FIELDS(2, 1, 0, 8, 5), R_TRC_CNTVR},
	{FIELDS(3, 7, 15, 8, 7), FIELDS(2, 1, 1, 8, 2), R_TRC_SSCSR},
	{FIELDS(3, 7, 8, 0, 0), FIELDS(2, 1, 0, 0, 0), R_TRACE_UNIT},
	{FIELDS(3, 7, 15, 0, 0), FIELDS(2, 1, 8, 0, 0), R_BRB_DATA}, /* BRBINF, BRBSRC, BRBTGT */
	{FIELDS(3, 7, 15, 0, 0), FIELDS(1, 4, 8, 0, 0), R_TLBI_EL2_SPACE},
	{FIELDS(3, 7, 15, 0, 0), FIELDS(1, 6, 8, 0, 0), R_TLBI_EL3_SPACE},
};
#undef FIELDS
enum { FAMILIES = sizeof(reg_families) / sizeof(reg_families[0]) };

static bool is_family(unsigned reg)
{
	for (unsigned i = 0; i < FAMILIES; i++)
		if (reg_families[i].reg == reg) return true;
	return false;
}

/* CRn = 9 instead of 8: the TLBI without the completion of XS accesses (FEAT_XS). */
static bool is_tlbi(unsigned encoding) { return (encoding & ~(7u << 11 | 0x7fu)) == encode(1, 0, 8, 0, 0); }
static bool is_nxs(unsigned encoding) { return (encoding & ~(7u << 11 | 0x7fu)) == encode(1, 0, 9, 0, 0); }

static unsigned op1_of(struct reg_name name)
{
	if (name.encoding) return name.encoding >> 11 & 7;
	return name.el12 ? 5 : reg_rows[name.reg].op1;
}

bool reg_is_nxs(struct reg_name name) { return is_nxs(name.encoding); }

unsigned reg_encode(struct reg_name name)
{
	const struct reg_row *r = &reg_rows[name.reg];
	return name.encoding ? name.encoding : encode(r->op0, op1_of(name), r->crn, r->crm, r->op2);
}

static bool decode_row(unsigned encoding, struct reg_name *out)
{
	for (uint16_t i = 0; i < R_COUNT; i++)
		for (int el12 = 0; el12 <= (redirect_of(i) != NULL); el12++) {
			*out = (struct reg_name){.reg = i, .el12 = el12};
			if (reg_encode(*out) == encoding) return true;
		}
	return false;
}

static bool decode_family(unsigned encoding, struct reg_name *out)
{
	for (unsigned i = 0; i < FAMILIES; i++) {
		const struct family *f = &reg_families[i];
		if ((encoding & f->mask) != f->value) continue;
		*out = (struct reg_name){.reg = f->reg, .encoding = (uint16_t)encoding};
		return true;
	}
	return false;
}

bool reg_decode(unsigned encoding, struct reg_name *out)
{
	if (decode_row(encoding, out) || decode_family(encoding, out)) return true;
	if (!is_nxs(encoding) || !reg_decode(encoding ^ encode(0, 0, 1, 0, 0), out)) return false;
	out->encoding = (uint16_t)encoding;
	return true;
}

/* S<op0>_<op1>_C<CRn>_C<CRm>_<op2>, as assemblers write what has no name. */
static bool find_generic(const char *name, struct reg_name *out)
{
	unsigned op0, op1, crn, crm, op2;
	int end = 0;
	if (sscanf(name, "S%1u_%1u_C%2u_C%2u_%1u%n", &op0, &op1, &crn, &crm, &op2, &end) != 5 || name[end])
		return false;
	if (op0 == 0 || op0 > 3 || op1 > 7 || crn > 15 || crm > 15 || op2 > 7) return false;
	return reg_decode(encode(op0, op1, crn, crm, op2), out);
}

/* TLBI_VAE1NXS */
static bool find_nxs(const char *name, size_t length, struct reg_name *out)
{
	unsigned reg;
	if (length < 4 || strcmp(name + length - 3, "NXS") != 0 || !find_row(name, length - 3, &reg))
		return false;
	unsigned encoding = reg_encode((struct reg_name){.reg = (uint16_t)reg});
	if (!is_tlbi(encoding)) return false;
	*out = (struct reg_name){.reg = (uint16_t)reg,
				 .encoding = (uint16_t)(encoding ^ encode(0, 0, 1, 0, 0))};
	return true;
}

bool reg_find(const char *name, struct reg_name *out)
{
	size_t n = strlen(name);
	unsigned reg;
	if (find_row(name, n, &reg)) return *out = (struct reg_name){.reg = (uint16_t)reg}, true;
	if (find_generic(name, out) || find_nxs(name, n, out)) return true;
	/* TCR_EL12 is TCR_EL1 with op1 = 5, CNTV_CTL_EL02 is CNTV_CTL_EL0. */
	if (n < 2 || name[n - 1] != '2' || !find_row(name, n - 1, &reg) || !redirect_of(reg)) return false;
	*out = (struct reg_name){.reg = (uint16_t)reg, .el12 = true};
	return true;
}

const char *reg_text(struct reg_name name, char *out, size_t bytes)
{
	unsigned e = name.encoding;
	if (e && is_family(name.reg))
		snprintf(out, bytes, "S%u_%u_C%u_C%u_%u", e >> 14, e >> 11 & 7, e >> 7 & 15, e >> 3 & 15,
			 e & 7);
	else
		snprintf(out, bytes, "%s%s", reg_rows[name.reg].name,
			 name.el12   ? "2"
			 : is_nxs(e) ? "NXS"
				     : "");
	return out;
}

/* What is IMPLEMENTATION DEFINED says itself who may reach it; HCR_EL2.TIDCP and SCTLR_ELx.TIDCP come first. */
unsigned reg_min_el(struct reg_name name)
{
	static const uint8_t level[8] = {1, 1, 1, 0, 2, 2, 3, 1};
	return name.reg == R_IMPDEF ? 0 : level[op1_of(name)];
}

enum el_reg reg_resolve(struct reg_name name, unsigned el, bool e2h)
{
	assert(name.reg < R_COUNT);
	if (el < reg_min_el(name)) return R_NONE;
	if (name.el12) return e2h ? name.reg : R_NONE; /* at EL3 as well: DDI 0487, FEAT_VHE */
	const struct redirect *r = el == 2 && e2h ? redirect_of(name.reg) : NULL;
	return r ? r->el2 : name.reg;
}
