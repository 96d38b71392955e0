/* memop_age.c - which pages of a VM are in use: access flags are cleared, and looked at again a period later.
 *
 * What the host's reclaim and idle page tracking do through KVM's MMU notifiers. A processor with FEAT_HAFDBS sets the flag
 * again by itself; on others the next access that misses the TLBs is an exit (handle_access_fault()).
 * Source: Linux 6.1 arch/arm64/kvm/mmu.c (kvm_age_gfn), hyp/pgtable.c (stage2_age_walker), virt/kvm/kvm_main.c
 * (clear_flush_young flushes the VMID if a page was young, clear_young does not), mm/page_idle.c.
 */
#include "hyp/vm.h"
#include "machine/memops_impl.h"

static uint64_t pages_of(const struct memops *o, const struct memop *op)
{
	uint64_t bytes = op->p->bytes ? op->p->bytes : o->vm->params.memory_bytes;
	return bytes >> o->vm->hyp->stage2.granule_bits;
}

static void look(struct memops *o, struct memop *op)
{
	uint64_t pages;
	bool young = page_ops_age(&o->pages, op->cursor, op->p->age_flush, &pages);
	op->cursor += pages;
	if (!young) return;
	op->stats.pages += pages;
	op->stats.last_round_pages += pages;
}

static void keep_round(struct memop *op)
{
	if (op->stats.rounds < MEMOP_ROUNDS_KEPT)
		op->round_pages[op->stats.rounds] = op->stats.last_round_pages;
	op->stats.rounds++;
}

enum status memop_age(struct memops *o, struct memop *op, bool *done, struct err *err)
{
	uint64_t all = pages_of(o, op);
	(void)err;
	if (!op->cursor) op->stats.last_round_pages = 0;
	for (uint64_t i = 0; i < op->p->scan_pages && op->cursor < all; i++) look(o, op);
	if (op->cursor < all) return OK;
	keep_round(op);
	op->cursor = 0;
	*done = op->stats.rounds == op->p->scans;
	if (!*done) memops_wait(o, op, o->clock.now + op->p->scan_sleep_us * o->machine->hw->clock_mhz, true);
	return OK;
}
