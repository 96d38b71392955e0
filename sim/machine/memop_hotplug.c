/* memop_hotplug.c - memory and vCPUs that come and go: virtio-mem, and a vCPU that is off for a while.
 *
 * Memory is plugged as the driver does it, a section of 128 MiB after the other: a request to the host, then the kernel makes its
 * map of the new pages. It is unplugged block by block of the size of a huge page, from the end of the node: what is there moves, page by
 * page, break before make; then a request, and the host unmaps the block. Tables and pages of the kernel do not move: there it ends.
 * Source: Linux 6.6 drivers/virtio/virtio_mem.c (sub-block mode), mm/memory_hotplug.c, mm/sparse.c (SECTION_SIZE_BITS 27 with 4K and 16K
 * pages), mm/page_alloc.c (alloc_contig_range); QEMU hw/virtio/virtio-mem.c (ram_block_discard_range).
 * Not modelled: blocks that are unplugged around one that is stuck; udev and who else is told; interrupts for the answers; the time of
 * PSCI calls beyond an exit, and of a kernel that takes a CPU out of its structures.
 */
#include "base/order.h"
#include "hyp/vm.h"
#include "machine/memops_impl.h"

#define SECTION_BYTES (UINT64_C(128) << 20)
enum { STRUCT_PAGE_BYTES = 64, KILO = 1000, GUEST_EL = 1 };

static uint64_t hotplug_bytes(const struct memops *o)
{
	return bits_align_down(o->vm->hyp->hyp->p.hotplug_bytes, os_huge_bits(&o->vm->params.os));
}

static uint64_t wanted(const struct memops *o, const struct memop *op)
{
	uint64_t bytes = op->p->bytes ? op->p->bytes : hotplug_bytes(o);
	return bits_align_down(bytes, os_huge_bits(&o->vm->params.os));
}

/* The guest's kernel, on the core of `v`. */
static void pass(struct memop *op, struct vcpu *v, cycles_t cycles)
{
	core_pass(&v->cpu->core, cycles, BUCKET_EXCEPTION, GUEST_EL);
	op->stats.guest_cycles += cycles;
}

/* --- plug ---------------------------------------------------------------------------------------------------------- */

/* memmap_init_range(): a struct page for each page is written. */
static void make_map(struct memops *o, struct memop *op, struct vcpu *v, uint64_t pages)
{
	uint64_t line = UINT64_C(1) << mem_line_bits(o->machine->mem);
	uint64_t lines = (pages * STRUCT_PAGE_BYTES + line - 1) / line;
	pass(op, v, lines * o->machine->hw->primitives.fill_line_millicycles / KILO);
}

enum status memop_plug(struct memops *o, struct memop *op, bool *done, struct err *err)
{
	unsigned node = (unsigned)op->p->node, page_bits = os_page_bits(&o->vm->params.os);
	uint64_t end = frames_end(o->vm->frames, node), room = o->vm->guest_end[node] - end;
	uint64_t size = u64_min(u64_min(SECTION_BYTES, room), wanted(o, op) - op->cursor);
	(void)err;
	*done = !size;
	if (*done) return OK;
	struct vcpu *v = memops_kick(o, op);
	if (!v) return OK;
	frames_grow(o->vm->frames, node, end + size);
	make_map(o, op, v, size >> page_bits);
	op->cursor += size;
	op->stats.pages += size >> page_bits;
	memops_wait(o, op, core_now(&v->cpu->core), true);
	return OK;
}

/* --- unplug -------------------------------------------------------------------------------------------------------- */

struct mover {
	struct memops *o;
	struct memop *op;
	struct vcpu *v;
};

/* Pages of the host that are behind those of the guest; what was never written is copied from nothing. */
static void copy(const struct mover *m, uint64_t from, uint64_t to, unsigned bits)
{
	struct hyp_vm *vm = m->o->vm->hyp;
	struct core *core = &m->v->cpu->core;
	struct op_clock c;
	op_clock_init(&c, m->o->vm, &m->v->cpu->mem, core_now(core));
	c.cause = CAUSE_DATA;
	c.el = GUEST_EL;
	for (uint64_t at = 0; at >> bits == 0; at += UINT64_C(1) << vm->stage2.granule_bits) {
		struct pa source, target;
		if (!hyp_ipa_to_pa(vm, (struct ipa){from + at}, &source)) continue;
		if (hyp_populate(vm, (struct ipa){to + at}, &target)) op_clock_page(&c, source, &target);
	}
	pass(m->op, m->v, c.now - core_now(core));
	struct hyp_populated new = hyp_take_populated(vm);
	core_pass(core, new.cycles, BUCKET_HYPERVISOR, 2);
	m->op->stats.guest_cycles += new.cycles;
}

static void moving(void *ctx, struct os_aspace *as, struct va va, uint64_t from, uint64_t to, unsigned bits)
{
	const struct mover *m = ctx;
	const struct core *core = &m->v->cpu->core;
	const struct event_stats *events = &m->o->vm->kernel.stats;
	uint64_t tlbi = events->tlbi;
	cycles_t before = core_now(core);
	events_flush(&m->v->events, as, va, UINT64_C(1) << bits);
	m->op->stats.guest_cycles += core_now(core) - before;
	m->op->stats.tlbi += events->tlbi - tlbi;
	copy(m, from, to, bits);
}

/* The host takes the block back: whole, unless it knows of single pages of it, or has larger blocks. */
static enum status discard(struct memops *o, struct memop *op, uint64_t ipa, unsigned bits, struct err *err)
{
	struct hyp_vm *vm = o->vm->hyp;
	unsigned page_bits = vm->stage2.granule_bits;
	uint64_t used = frames_used_bytes(vm->stage2.frames), offset = ipa - vm->hyp->p.memory_base;
	bool whole = hyp_block_bits(&vm->hyp->p) <= bits;
	for (uint64_t at = 0; at >> bits == 0; at += UINT64_C(1) << page_bits)
		whole &= !(hyp_pages_flags(vm, (offset + at) >> page_bits) &
			   (HYP_PAGE_SHARED | HYP_PAGE_ABSENT));
	if (whole) {
		struct stage2_area area = {offset, UINT64_C(1) << bits, 0};
		struct stage2_done what;
		TRY(stage2_perform(vm, STAGE2_UNMAP, area, &o->clock.steps, &what, err));
		op->stats.changed += what.changed;
		op->stats.descriptors += what.descriptors;
	} else {
		for (uint64_t at = 0; at >> bits == 0; at += UINT64_C(1) << page_bits)
			page_ops_drop(&o->pages, (offset + at) >> page_bits);
	}
	op->stats.freed_bytes += used - frames_used_bytes(vm->stage2.frames);
	return OK;
}

/* The last block of the node is empty, and the guest uses it no more; false: it stays. */
static bool offline(struct memops *o, struct memop *op, struct vcpu *v, uint64_t from, unsigned bits)
{
	struct mover m = {o, op, v};
	struct os_evacuation e = {from, from + (UINT64_C(1) << bits), moving, &m, 0, 0};
	unsigned node = (unsigned)op->p->node;
	events_enter(&v->events);
	vcpu_enter_nodes(v);
	v->vm->faulting = v;
	frames_isolate(o->vm->frames, node, from);
	os_evacuate(o->vm->os, &e);
	frames_end_isolation(o->vm->frames, node, from, !e.left);
	op->stats.copied += e.moved;
	return !e.left;
}

enum status memop_unplug(struct memops *o, struct memop *op, bool *done, struct err *err)
{
	unsigned node = (unsigned)op->p->node, bits = os_huge_bits(&o->vm->params.os);
	uint64_t end = frames_end(o->vm->frames, node), first = o->vm->guest_end[node] - hotplug_bytes(o);
	uint64_t block = UINT64_C(1) << bits;
	*done = op->cursor >= wanted(o, op) || end < first + block ||
		!os_is_movable(o->vm->os, end - block, end);
	if (*done) return OK;
	struct vcpu *v = memops_kick(o, op);
	if (!v) return OK;
	*done = !offline(o, op, v, end - block, bits);
	memops_wait(o, op, core_now(&v->cpu->core), true);
	if (*done) return OK;
	op->cursor += block;
	op->stats.pages += block >> os_page_bits(&o->vm->params.os);
	return discard(o, op, end - block, bits, err);
}

/* --- vCPUs --------------------------------------------------------------------------------------------------------- */

enum status memop_cpu_off(struct memops *o, struct memop *op, bool *done, struct err *err)
{
	struct vcpu *v = &o->vm->vcpu[op->p->vcpu];
	cycles_t from = o->clock.now, until = from + op->p->off_us * o->machine->hw->clock_mhz;
	op->stats.exits++;
	op->stats.down_cycles += until - from;
	memops_wait(o, op, until, true);
	*done = true;
	return memops_hold_vcpu(o, v, from, until, err);
}
