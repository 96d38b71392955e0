#include "machine/machine_impl.h"

#include "base/bits.h"
#include "mmu/range_tlb.h"

static void add_reads(struct range_found *found, const struct range_path *path)
{
	for (unsigned i = 0; i < path->count && found->reads < RANGE_READS_MAX; i++)
		found->read[found->reads++] = path->at[i];
}

/* Cuts what stage 1 maps as one to what stage 2 maps as one around `ipa`, and takes it there. */
static bool through_stage2(const struct vm *vm, uint64_t ipa, struct range_found *found)
{
	struct range s2;
	struct range_path path;
	if (!hyp_find_range(vm->hyp, (struct ipa){ipa}, &s2, &path)) return false;
	uint64_t first_ipa = found->first_pa, last_ipa = first_ipa + (found->last - found->first);
	add_reads(found, &path);
	if (s2.last < last_ipa) found->last -= last_ipa - s2.last;
	if (s2.first > first_ipa) {
		found->first += s2.first - first_ipa;
		first_ipa = s2.first;
	}
	found->first_pa = s2.to + (first_ipa - s2.first);
	return true;
}

static bool find_range(void *owner, uint64_t va, struct range_found *found)
{
	const struct cpu *c = owner;
	const struct vm *vm = c->vcpu->vm;
	struct range s1;
	struct range_path path;
	uint64_t half = bits_align_down(va, (unsigned)vm->params.os.va_bits);
	found->reads = 0;
	if (!os_find_range(vm->os, c->vcpu->events.present, (struct va){va}, &s1, &path)) return false;
	add_reads(found, &path);
	found->first = half | s1.first;
	found->last = half | s1.last;
	found->first_pa = s1.to;
	return !vm->hyp || through_stage2(vm, s1.to + (va - found->first), found);
}

bool machine_keeps_ranges(const struct machine *m)
{
	const struct range_tlb_params *p = &m->hw->walker.range_tlb;
	return p->entries && p->source == RANGE_TABLE;
}

/* Range TLBs need range tables, and pages whose descriptors no hardware changes one by one. */
enum status vm_build_ranges(struct vm *vm, struct err *err)
{
	if (!machine_keeps_ranges(vm->machine)) return OK;
	if (vm->params.os.first_touch != OS_GRANT_ALL)
		return err_set(err, ERR_CONFIG,
			       "walker.range_tlb: ranges have one permission, so os.first_touch must be all");
	os_keep_ranges(vm->os);
	for (unsigned i = 0; i < vm->machine->cpus; i++) {
		struct cpu *c = &vm->machine->cpu[i];
		range_tlb_set_source(c->mmu->ranges, find_range, c);
	}
	return OK;
}
