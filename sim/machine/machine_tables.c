#include "machine/machine_impl.h"

static struct frames *frames_of_space(struct machine *m, unsigned space)
{
	return space == 1 && m->vm ? m->guest_frames : m->memory.frames;
}

/* A guest that clears a new table has touched all of it. */
static bool back_table(struct machine *m, uint64_t addr, unsigned bits)
{
	struct pa pa;
	uint64_t page = UINT64_C(1) << PHYSMEM_PAGE_BITS;
	for (uint64_t at = 0; at >> bits == 0; at += page)
		if (!hyp_populate(m->vm, (struct ipa){addr + at}, &pa)) return false;
	return true;
}

static bool take_table(void *owner, unsigned space, unsigned bits, uint64_t *addr)
{
	struct machine *m = owner;
	struct frames *frames = frames_of_space(m, space);
	if (!frames_take_block(frames, bits, addr)) return false;
	if (space == 2 || !m->vm || back_table(m, *addr, bits)) return true;
	frames_give(frames, *addr, bits);
	return false;
}

static void give_table(void *owner, unsigned space, unsigned bits, uint64_t addr)
{
	frames_give(frames_of_space(owner, space), addr, bits);
}

void machine_give_table_memory(struct machine *m)
{
	for (unsigned i = 0; i < m->cpus; i++)
		mmu_set_table_memory(m->mmus[i], &(struct table_memory){m, take_table, give_table});
}
