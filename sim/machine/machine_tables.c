#include "machine/machine_impl.h"
#include "mmu/page_design.h"

static struct frames *frames_of_space(struct vm *vm, unsigned space)
{
	return space == 1 && vm->hyp ? vm->frames : vm->machine->memory.frames;
}

/* A guest that clears a new table has touched all of it. */
static bool back_table(struct vm *vm, uint64_t addr, unsigned bits)
{
	struct pa pa;
	uint64_t page = UINT64_C(1) << PHYSMEM_PAGE_BITS;
	for (uint64_t at = 0; at >> bits == 0; at += page)
		if (!hyp_populate(vm->hyp, (struct ipa){addr + at}, &pa)) return false;
	return true;
}

static bool take_table(void *owner, unsigned space, unsigned bits, uint64_t *addr)
{
	struct vm *vm = owner;
	struct frames *frames = frames_of_space(vm, space);
	if (!frames_take_block(frames, bits, addr)) return false;
	if (space == 2 || !vm->hyp || back_table(vm, *addr, bits)) return true;
	frames_give(frames, *addr, bits);
	return false;
}

static void give_table(void *owner, unsigned space, unsigned bits, uint64_t addr)
{
	frames_give(frames_of_space(owner, space), addr, bits);
}

void vm_give_table_memory(struct vm *vm)
{
	for (unsigned i = 0; i < vm->vcpus; i++)
		page_design_share(vm->vcpu[i].cpu->mmu, vm->vcpu[0].cpu->mmu);
	mmu_set_table_memory(vm->vcpu[0].cpu->mmu, &(struct table_memory){vm, take_table, give_table});
}
