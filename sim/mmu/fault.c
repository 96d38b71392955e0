#include "mmu/fault.h"

#include <stdio.h>

#include "base/bits.h"

static const struct kind {
	const char *text;
	uint8_t code;
} kinds[] = {
#define X(name, text, code) {text, code},
	FAULT_KINDS(X)
#undef X
};

const char *fault_kind_name(enum fault_kind kind) { return kinds[kind].text; }

void fault_describe(const struct fault *f, char *text, size_t bytes)
{
	if (f->kind == FAULT_NONE)
		snprintf(text, bytes, "ok");
	else
		snprintf(text, bytes, "%s L%d S%d%s", kinds[f->kind].text, f->level, f->stage,
			 f->s1ptw ? " ptw" : "");
}

/* Level -1 has codes of its own; only address size and translation faults can happen there. */
unsigned fault_status_code(const struct fault *f)
{
	if (f->level >= 0) return kinds[f->kind].code + (unsigned)f->level;
	return f->kind == FAULT_ADDRESS_SIZE ? 0x29 : 0x2b;
}

enum { EC_INSTRUCTION_ABORT = 0x20, EC_DATA_ABORT = 0x24, EC_SAME_EL = 1 };

/* ISV and what comes with it: only for a stage 2 data abort that is not on a walk. */
static uint64_t hint_bits(const struct fault *f, const struct syndrome_hint *h)
{
	if (!h || !h->valid || f->stage != 2 || f->s1ptw) return 0;
	return bits_put(1, 24, 24) | bits_put(h->size_bits, 23, 22) | bits_put(h->sign_extend, 21, 21) |
	       bits_put(h->reg, 20, 16) | bits_put(h->sf, 15, 15) | bits_put(h->acqrel, 14, 14);
}

uint64_t fault_esr(const struct fault *f, struct access a, const struct syndrome_hint *hint, unsigned from_el,
		   unsigned to_el)
{
	bool fetch = a.kind == ACCESS_FETCH;
	uint64_t ec = (fetch ? EC_INSTRUCTION_ABORT : EC_DATA_ABORT) | (from_el == to_el ? EC_SAME_EL : 0);
	uint64_t esr = ec << 26 | bits_put(1, 25, 25) | bits_put(f->s1ptw, 7, 7) | fault_status_code(f);
	return fetch ? esr : esr | hint_bits(f, hint) | bits_put(a.kind == ACCESS_WRITE, 6, 6);
}

/* A stage 2 permission fault leaves it UNKNOWN, unless it happened on a walk. */
bool fault_hpfar(const struct fault *f, uint64_t *hpfar)
{
	if (f->stage != 2 || (f->kind == FAULT_PERMISSION && !f->s1ptw)) return false;
	*hpfar = bits_get(f->ipa.raw, 51, 12) << 4;
	return true;
}
