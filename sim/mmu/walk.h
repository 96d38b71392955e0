/* walk.h - one stage of a translation table walk as a stepper that never touches memory itself.
 *
 *   walk_begin(stage, input, ...)          -> FAULT_NONE and a position, or why not (level 0)
 *   walk_descriptor(stage, &pos, input)    -> where the next descriptor is
 *   walk_step(stage, &pos, descriptor)     -> WALK_TABLE (pos is one level down) | WALK_LEAF | WALK_FAULT
 *   leaf_read(stage, &pos, input, desc)    -> struct leaf; leaf_check() judges an access,
 *                                             leaf_updated() gives what the hardware writes back
 * The caller reads each descriptor; of a stage 1 under a stage 2, after it has translated the descriptor's
 * address with the same stepper and the other stage_info. A position is all that a walk cache must hold: a
 * walk resumes from any copy of one, for every input of the same stage_info that shares the bits above
 * level_entry_bits(granule, pos.level - 1).
 * Source: Arm ARM DDI 0487, D8.2, D8.4 (permissions), D8.5 (hardware updates), D8.6 (memory attributes,
 * contiguous), and the shared pseudocode AArch64.S1Walk, S2Walk, S[12]DirectBasePermissions.
 * Not modelled: see regime.h and descriptor.h; the optional fault of a contiguous run that exceeds the
 * input range.
 */
#ifndef MMU_WALK_H
#define MMU_WALK_H

#include "mmu/regime.h"

/* Where a walk stands: about to read a descriptor of `table`. */
struct walk_pos {
	uint64_t table;
	int8_t level;
	uint8_t limits;   /* WALK_*: what the tables above took away */
	uint8_t security; /* enum security of `table`'s address */
	uint8_t fault;    /* enum fault_kind, after WALK_FAULT */
};
/* In the order of DESC_LIMITS, but for the last. */
enum { WALK_PXN = 1, WALK_UXN = 2, WALK_NO_USER = 4, WALK_READ_ONLY = 8, WALK_NS = 16 };

enum walk_step { WALK_TABLE, WALK_LEAF, WALK_FAULT };

/* Permissions as a TLB holds them, judged by perm_allows() without the descriptor. */
enum {
	PERM_PR = 1, /* EL1 and above: read */
	PERM_PW = 2,
	PERM_PX = 4,
	PERM_UR = 8, /* EL0: read */
	PERM_UW = 16,
	PERM_UX = 32,
	PERM_ALL = 63,
	PERM_GUARDED = 64, /* PSTATE.PAN keeps EL1 and above from reading and writing it */
};

struct leaf {
	uint64_t out; /* output address of the input address */
	uint64_t desc;
	uint8_t bits;     /* log2 of the block or page, of what of it is in the output range */
	uint8_t run_bits; /* log2 of the contiguous run it belongs to, = bits where there is none */
	int8_t level;
	uint8_t perm;       /* PERM_*: for a TLB; clean pages are read-only, E0PD takes EL0's away */
	uint8_t perm_check; /* PERM_*: what an access may do; more than perm on a clean page under HD */
	uint8_t attr;       /* stage 1: byte of MAIR; stage 2: MemAttr */
	uint8_t sh;         /* enum shareability */
	uint8_t security;   /* enum security of `out` */
	bool global, af, dirty;
	uint32_t
		like; /* number of the leaf that differs from this one in its addresses alone; 0: not known */
};

/* True when `perm` lets `a` through. */
static inline bool perm_allows(unsigned perm, struct access a)
{
	unsigned need = 1u << a.kind << (a.el == 0 ? 3 : 0);
	if (a.pan && a.el != 0 && a.kind != ACCESS_FETCH && (perm & PERM_GUARDED)) return false;
	return perm & need;
}

static inline enum fault_kind walk_begin(const struct stage_info *s, uint64_t input, struct access a,
					 struct walk_pos *pos)
{
	if (!stage_in_range(s, input, (enum access_kind)a.kind)) return FAULT_TRANSLATION;
	if (__builtin_expect(s->refuses, 0)) {
		if (s->deny_el0 && a.el == 0) return FAULT_TRANSLATION;
		if (s->bad) return (enum fault_kind)s->bad;
	}
	*pos = (struct walk_pos){.table = s->base, .level = s->start_level, .security = s->security};
	return FAULT_NONE;
}

/* The address of the descriptor that `pos` is about to read (an IPA for a stage 1 under a stage 2). */
static inline uint64_t walk_descriptor(const struct stage_info *s, const struct walk_pos *pos, uint64_t input)
{
	const struct level_info *l = &s->level[pos->level + 1];
	return pos->table | ((input >> l->shift) & l->index);
}

/* What the table descriptor `desc` takes away from everything below it, as WALK_* bits. */
static inline uint8_t walk_limits(const struct stage_info *s, uint64_t desc)
{
	return s->limits ? (uint8_t)((desc & DESC_LIMITS) >> DESC_LIMITS_SHIFT) : 0;
}

/* walk_step() of a descriptor that is not plain. */
enum walk_step walk_step_odd(const struct stage_info *s, struct walk_pos *pos, uint64_t desc);

/* Takes one descriptor in. After WALK_FAULT, pos->fault and pos->level tell what and where. */
static inline enum walk_step walk_step(const struct stage_info *s, struct walk_pos *pos, uint64_t desc)
{
	const struct level_info *l = &s->level[pos->level + 1];
	if (__builtin_expect((desc & l->plain) != DESC_PLAIN, 0)) {
		struct walk_pos odd = *pos; /* so that `pos` itself can be in registers */
		enum walk_step step = walk_step_odd(s, &odd, desc);
		*pos = odd;
		return step;
	}
	if (pos->level == LAST_LEVEL) return WALK_LEAF;
	pos->limits |= walk_limits(s, desc);
	pos->table = desc & s->level[WALK_LEVELS - 1].field;
	pos->level++;
	return WALK_TABLE;
}

/* What the descriptor `desc`, met as WALK_LEAF at `pos`, says about `input`. */
void leaf_read(const struct stage_info *s, const struct walk_pos *pos, uint64_t input, uint64_t desc,
	       struct leaf *out);

/* FAULT_NONE, FAULT_ADDRESS_SIZE, FAULT_ACCESS_FLAG or FAULT_PERMISSION. The input gives the low bits of an output:
 * within a block that is larger than the output range some lie beyond it. StageOA, OAOutOfRange. */
static inline enum fault_kind leaf_check(const struct stage_info *s, const struct leaf *leaf, struct access a)
{
	if (leaf->out >> s->oa_bits) return FAULT_ADDRESS_SIZE;
	if (!leaf->af && !s->ha) return FAULT_ACCESS_FLAG;
	return perm_allows(leaf->perm_check, a) ? FAULT_NONE : FAULT_PERMISSION;
}

/* What hardware writes back (FEAT_HAFDBS) after leaf_check() has let `a` through; leaf->desc: nothing. */
uint64_t leaf_updated(const struct stage_info *s, const struct leaf *leaf, struct access a);

#endif
