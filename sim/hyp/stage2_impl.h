#ifndef STRATA_HYP_STAGE2_IMPL_H
#define STRATA_HYP_STAGE2_IMPL_H

/* Inside of the operations on stage 2 (stage2_ops.h): for stage2_ops.c and stage2_log.c alone. */

#include "hyp/stage2_flush.h"
#include "hyp/vm.h"

/* An operation on its way. */
struct op {
	struct hyp_vm *vm;
	const struct stage2_params *p;
	const struct stage2_clock *clock;
	struct stage2_flusher flusher;
	struct stage2_done *done;
	enum stage2_unmap_flush unmap_flush;
};

static inline void op_step(const struct op *o, enum stage2_step s, uint64_t operand)
{
	o->clock->step(o->clock->self, s, operand);
}

/* A walk looks at a descriptor. */
static inline void op_see(struct op *o, const struct pgtable_slot *slot)
{
	o->done->descriptors++;
	op_step(o, STAGE2_INSTRUCTIONS, o->p->visit_instructions);
	op_step(o, STAGE2_READ, slot->at.raw);
}

/* By compare and exchange, as the guest's walks may write it, too. */
static inline void op_exchange(struct op *o, struct pgtable_slot *slot, uint64_t desc)
{
	pgtable_set(&o->vm->stage2, slot, desc);
	slot->desc = desc;
	o->done->changed++;
	op_step(o, STAGE2_ATOMIC, 0);
	op_step(o, STAGE2_WRITE, slot->at.raw);
}

static inline bool op_is_leaf(const struct pgtable_slot *slot)
{
	return (slot->desc & DESC_VALID) && (slot->level == LAST_LEVEL || !(slot->desc & DESC_TABLE));
}

static inline unsigned op_leaf_bits(const struct op *o, const struct pgtable_slot *slot)
{
	return level_entry_bits(o->vm->stage2.granule_bits, slot->level);
}

/* stage2_log.c */
enum pgtable_result op_start_log(struct op *o);
enum pgtable_result op_protect_all(struct op *o);
enum pgtable_result op_collect_log(struct op *o);

#endif
