/* priority.h - arithmetic of priorities, as physical and virtual interfaces share it.
 *
 * `bits` are the implemented bits of a priority, `preemption` those of its group priority at most (min(bits, 7)).
 * Source: IHI 0069H 4.8.2 (implemented bits), 4.8.4 to 4.8.6 (views, preemption, binary point).
 */
#ifndef GIC_PRIORITY_H
#define GIC_PRIORITY_H

#include "gic/gic.h"

/* Zero in the bits that are not implemented. */
static inline uint8_t priority_keep(unsigned value, unsigned bits)
{
	return (uint8_t)(value & (0xff00u >> bits));
}

static inline unsigned preemption_bits(unsigned bits) { return bits > 7 ? 7 : bits; }

/* The smallest BPR0 (and Secure BPR1); Non-secure BPR1 cannot be smaller than one more. */
static inline unsigned priority_min_bpr(unsigned bits) { return 7 - preemption_bits(bits); }

/* The bits of a priority that preemption looks at: BPR0 = n leaves bits 7..n+1, Non-secure BPR1 = n bits 7..n. */
static inline uint8_t priority_group_mask(unsigned bpr, bool nonsecure)
{
	unsigned low = nonsecure ? bpr : bpr + 1;
	return (uint8_t)(0xff << low);
}

/* The Non-secure view of a priority or mask with two Security states: only 0x80..0xff, shifted up. */
static inline uint8_t priority_to_nonsecure(unsigned value) { return (uint8_t)(value << 1); }
static inline uint8_t priority_from_nonsecure(unsigned value) { return (uint8_t)(value >> 1 | 0x80); }

/* Whether `a` goes before `b`. */
static inline bool pending_before(const struct gic_pending *a, const struct gic_pending *b)
{
	if (a->priority != b->priority) return a->priority < b->priority;
	if (a->nmi != b->nmi) return a->nmi;
	return a->intid < b->intid;
}

#endif
