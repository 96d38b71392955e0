/* at.c - the AT instructions: which translation each asks for, and PAR_EL1. Arm ARM DDI 0487, C5.5,
 * D19.2 (PAR_EL1). */
#include <assert.h>
#include <string.h>

#include "mmu/translate.h"

static const struct at_row {
	const char *name;
	uint8_t el, stages, kind;
	bool pan;
} ops[] = {
#define X(name, el, stages, kind, pan) {#name, el, stages, ACCESS_##kind, pan},
	AT_OPS(X)
#undef X
};

const char *at_op_name(enum at_op op) { return ops[op].name; }

enum at_op at_op_find(const char *name)
{
	for (unsigned i = 0; i < AT_OP_COUNT; i++)
		if (strcmp(ops[i].name, name) == 0) return (enum at_op)i;
	return AT_OP_COUNT;
}

enum regime at_regime(enum at_op op, const struct sysregs *regs, const struct features *f, enum security s)
{
	/* EL1 under {E2H,TGE} = {1,1} is the host, as EL0 is. */
	return regime_of_el(regs, f, ops[op].el <= 1 ? 0 : ops[op].el, s);
}

void at_translate(enum at_op op, const struct regime_info *r, struct va va, bool pan,
		  const struct walk_mem *mem, struct translation *out)
{
	assert(op < AT_OP_COUNT);
	const struct at_row *row = &ops[op];
	struct access a = {.kind = row->kind, .el = row->el, .pan = pan && row->pan, .probe = true};
	if (row->stages == 1)
		translate_stage1(r, va, a, mem, out);
	else
		translate(r, va, a, mem, out);
}

enum { PAR_RES1 = 1 << 11, PAR_F = 1, PAR_PTW = 8, PAR_S = 9, PAR_NS = 9 };

uint64_t par_encode(const struct translation *t)
{
	const struct fault *f = &t->fault;
	if (f->kind != FAULT_NONE)
		return PAR_RES1 | PAR_F | fault_status_code(f) << 1 | bits_put(f->s1ptw, PAR_PTW, PAR_PTW) |
		       bits_put(f->stage == 2, PAR_S, PAR_S);
	return bits_put(t->attr, 63, 56) | bits_align_down(t->pa.raw & bits_ones(52), 12) | PAR_RES1 |
	       bits_put(t->security == SEC_NONSECURE, PAR_NS, PAR_NS) | bits_put(t->sh, 8, 7);
}
