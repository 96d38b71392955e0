#include "hyp/dirty.h"

#include <stdlib.h>

#include "base/alloc.h"

#define F struct dirty_stats
const struct stat_desc dirty_stat_rows[] = {
	STAT(F, protected_leaves, "descriptors", "leaves that were write-protected when the log began"),
	STAT(F, blocks_split, "blocks", "blocks that gave way to pages when they were written"),
	STAT(F, pages_logged, "faults", "faults that made a page writable, and logged it"),
};
#undef F
const size_t dirty_stat_row_count = sizeof(dirty_stat_rows) / sizeof(dirty_stat_rows[0]);

void dirty_begin(struct hyp_vm *vm)
{
	const struct hyp_params *p = &vm->hyp->p;
	unsigned bits = hyp_block_bits(p);
	if (vm->dirty) return;
	vm->dirty = xcalloc(1, sizeof(*vm->dirty));
	vm->dirty->first = p->memory_base >> bits;
	vm->dirty->block = xcalloc((vm->memory_bytes >> bits) + 2, sizeof(*vm->dirty->block));
}

void hyp_end_dirty_log(struct hyp_vm *vm)
{
	if (vm->dirty) free(vm->dirty->block);
	free(vm->dirty);
	vm->dirty = NULL;
	dirty_bitmap_free(vm->written);
	vm->written = NULL;
}

struct dirty_stats *hyp_dirty_stats(struct hyp_vm *vm) { return vm->dirty ? &vm->dirty->stats : NULL; }

static uint64_t *block_of(const struct hyp_vm *vm, uint64_t ipa)
{
	return &vm->dirty->block[(ipa >> hyp_block_bits(&vm->hyp->p)) - vm->dirty->first];
}

static uint64_t take_out(void *ctx, uint64_t addr, const struct pgtable_slot *leaf)
{
	(void)ctx, (void)addr, (void)leaf;
	return 0;
}

void dirty_split(struct hyp_vm *vm, uint64_t ipa, const struct pgtable_slot *slot)
{
	struct pgtable *t = &vm->stage2;
	unsigned bits = level_entry_bits(t->granule_bits, slot->level);
	uint64_t changed = 0;
	for (uint64_t at = 0; at >> bits == 0; at += UINT64_C(1) << hyp_block_bits(&vm->hyp->p))
		*block_of(vm, bits_align_down(ipa, bits) + at) = (pgtable_output(t, slot) + at) | 1;
	enum pgtable_result r = pgtable_edit(t, bits_align_down(ipa, bits), UINT64_C(1) << bits, take_out,
					     NULL, &changed);
	assert(r == PGTABLE_OK && changed == 1);
	if (t->breaking.broken)
		t->breaking.broken(t->breaking.ctx, bits_align_down(ipa, bits), UINT64_C(1) << bits);
	vm->dirty->stats.blocks_split++;
}

void dirty_forget(struct hyp_vm *vm, uint64_t ipa, uint64_t bytes)
{
	const struct hyp_params *p = &vm->hyp->p;
	unsigned bits = hyp_block_bits(p);
	uint64_t end = ipa + bytes, memory_end = p->memory_base + vm->memory_bytes;
	if (!vm->dirty) return;
	if (ipa < p->memory_base) ipa = p->memory_base;
	if (end > memory_end) end = memory_end;
	for (uint64_t at = bits_align_down(ipa, bits); at < end; at += UINT64_C(1) << bits)
		*block_of(vm, at) = 0;
}

bool dirty_find(const struct hyp_vm *vm, uint64_t ipa, uint64_t *pa)
{
	uint64_t block = vm->dirty ? *block_of(vm, ipa) : 0;
	uint64_t offset = ipa & bits_ones(hyp_block_bits(&vm->hyp->p));
	*pa = (block & ~UINT64_C(1)) + bits_align_down(offset, vm->stage2.granule_bits);
	return block != 0;
}
