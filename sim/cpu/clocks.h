/* clocks.h - the two clocks of a core, and what stands beside them, for core*.c only.
 *
 * What they mean is in core.h.
 */
#ifndef CPU_CLOCKS_H
#define CPU_CLOCKS_H

#include "cpu/core.h"

/* The way of an access is one piece of code per core model: calls along it cost more than they save. */
#define ALWAYS_INLINE __attribute__((always_inline))

static inline uint64_t clock_of(cycles_t cycle) { return cycle << CORE_FRACTION_BITS; }
static inline cycles_t cycle_of(uint64_t clock) { return clock >> CORE_FRACTION_BITS; }

/* `n` more instructions pass at the core's width. The window holds back dispatch until there is room. */
static inline void pass_instructions(struct core *c, uint64_t n)
{
	uint64_t step = n * c->per_instruction;
	c->instruction += n;
	c->dispatch += step;
	c->retire += step;
	c->bucket[BUCKET_BASE] += step;
	while (c->rob_tail != c->rob_head) {
		const struct rob_mark *m = &c->rob[c->rob_tail & c->rob_mask];
		if (m->instruction + c->rob_size > c->instruction) break;
		uint64_t room = m->retired +
				(c->instruction - c->rob_size - m->instruction) * c->per_instruction;
		if (room > c->dispatch) c->dispatch = room;
		c->rob_tail++;
	}
}

/* The instructions before a load or store pass. */
static inline void pass_gap(struct core *c, const struct record *r)
{
	pass_instructions(c, r->gap);
	c->stats.instructions += r->gap;
}

/* Holds the retire clock until `clock`, booking the wait to `bucket`. */
static inline void hold_retire(struct core *c, uint64_t clock, enum core_bucket bucket)
{
	if (clock <= c->retire) return;
	c->bucket[bucket] += clock - c->retire;
	c->retire = clock;
}

/* Remembers when the present instruction retires. */
static inline void mark_rob(struct core *c, uint64_t instruction, uint64_t retire)
{
	if (c->rob_head != c->rob_tail && c->rob[(c->rob_head - 1) & c->rob_mask].instruction == instruction)
		c->rob_head--;
	c->rob[c->rob_head++ & c->rob_mask] = (struct rob_mark){instruction, retire};
}

/* A run that begins elsewhere than the last one ended was branched to, by the last instruction. */
static inline void follow_branch(struct core *c, uint64_t va)
{
	if (va != c->next_pc) c->flow.branches = c->flow.branches << 8 | (c->flow.pc >> 4 & 0xff);
	c->flow.pc = va;
}

/* How many of the `left` instructions at `va` are fetched as one piece: those of a line. */
static inline uint64_t fetch_piece_size(const struct core *c, uint64_t va, uint64_t left)
{
	uint64_t room = (c->fetch_line_bytes - (va & (c->fetch_line_bytes - 1))) / 4;
	if (left < room) return left;
	return room ? room : 1; /* a 4-byte instruction that is not aligned, in a foreign trace */
}

static inline void end_of_run(struct core *c, const struct record *r)
{
	c->next_pc = r->addr + UINT64_C(4) * r->count;
	c->flow.pc = c->next_pc - 4;
}

#endif
