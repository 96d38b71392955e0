/* memop_migrate.c - live migration by pre-copy and post-copy, and snapshots. */
#include "hyp/vm.h"
#include "machine/memops_impl.h"

enum { BATCH = 16 }; /* pages of a step: others see the link and the tables change so often */
enum { START, ROUND, STOP };

static struct stage2_area all(const struct memops *o)
{
	return (struct stage2_area){0, o->vm->params.memory_bytes, 0};
}

/* Write-protects the whole VM, as the start of a dirty log does. */
static enum status protect_all(struct memops *o, struct memop *op, struct err *err)
{
	struct stage2_done done;
	TRY(stage2_perform(o->vm->hyp, STAGE2_DIRTY_LOG_START, all(o), &o->clock.steps, &done, err));
	op->stats.descriptors += done.descriptors;
	op->stats.changed += done.changed;
	hyp_end_dirty_log(o->vm->hyp); /* pages are known by their flags (hyp/pages.h) */
	return OK;
}

/* Marks every page that is mapped; returns how many. */
static uint64_t mark_mapped(struct memops *o, uint8_t flag)
{
	struct hyp_vm *vm = o->vm->hyp;
	struct pa frame;
	uint64_t marked = 0;
	for (uint64_t i = 0; i < hyp_pages_count(vm); i++) {
		if (!hyp_pages_frame(vm, i, &frame)) continue;
		hyp_pages_set(vm, i, HYP_PAGE_DIRTY, flag);
		marked++;
	}
	return marked;
}

/* Takes the log: what was written since is protected again, and is to be sent. */
static uint64_t take_log(struct memops *o)
{
	struct hyp_vm *vm = o->vm->hyp;
	uint64_t taken = 0;
	for (uint64_t i = 0; i < hyp_pages_count(vm); i++) {
		if (!(hyp_pages_flags(vm, i) & HYP_PAGE_DIRTY)) continue;
		page_ops_protect(&o->pages, i);
		hyp_pages_set(vm, i, HYP_PAGE_DIRTY, HYP_PAGE_SEEN);
		taken++;
	}
	if (taken)
		stage2_flush_range(&o->pages.flusher, hyp_pages_ipa(vm, 0).raw, o->vm->params.memory_bytes);
	return taken;
}

/* The next page at or behind the cursor that has the flag; false: there is none. */
static bool next_page(struct memops *o, struct memop *op, uint8_t flag)
{
	const struct hyp_vm *vm = o->vm->hyp;
	while (op->cursor < hyp_pages_count(vm) && !(hyp_pages_flags(vm, op->cursor) & flag)) op->cursor++;
	return op->cursor < hyp_pages_count(vm);
}

/* Sends up to `most` pages that are marked; returns how many. */
static uint64_t send_some(struct memops *o, struct memop *op, uint8_t flag, uint64_t most)
{
	struct hyp_vm *vm = o->vm->hyp;
	uint64_t sent = 0;
	struct pa frame;
	for (; sent < most && next_page(o, op, flag); op->cursor++) {
		hyp_pages_set(vm, op->cursor, flag, 0);
		if (!hyp_pages_frame(vm, op->cursor, &frame)) continue;
		memops_send(o, op, frame);
		sent++;
	}
	return sent;
}

static void begin_round(struct memop *op, uint64_t pages)
{
	if (op->stats.rounds < MEMOP_ROUNDS_KEPT) op->round_pages[op->stats.rounds] = pages;
	op->stats.rounds++;
	op->cursor = 0;
	op->left = pages;
}

/* Registers and devices follow; the VM goes on at the other end once all has come. */
static cycles_t send_state(struct memops *o, const struct memop *op)
{
	cycles_t begin = o->link_free > o->clock.now ? o->link_free : o->clock.now;
	o->link_free = begin + memops_transfer(o, op->p->state_bytes, op->p->link_MBps);
	return o->link_free + memops_latency(o, op);
}

/* The VM is on another host, whose stage 2 maps nothing yet. What is done here takes no time there. */
static void arrive(struct memops *o, bool remote)
{
	struct hyp_vm *vm = o->vm->hyp;
	o->clock.untimed = true;
	for (uint64_t i = 0; i < hyp_pages_count(vm); i++) page_ops_leave(&o->pages, i, remote);
	stage2_flush_vmid(&o->pages.flusher);
	o->clock.untimed = false;
	o->pages.descriptors = o->pages.changed = o->clock.tlbi = o->clock.dsb = 0;
}

/* --- pre-copy ---------------------------------------------------------------------------------------------------- */

static bool converges(const struct memops *o, const struct memop *op, uint64_t pages)
{
	cycles_t limit = op->p->downtime_us * o->machine->hw->clock_mhz;
	return pages * o->page_cycles <= limit;
}

static enum status stop_and_copy(struct memops *o, struct memop *op, struct err *err)
{
	cycles_t from = o->clock.now;
	take_log(o);
	hyp_pages_log(o->vm->hyp, false);
	op->cursor = 0;
	op->stats.last_round_pages = send_some(o, op, HYP_PAGE_SEEN, UINT64_MAX);
	memops_wait(o, op, send_state(o, op), false);
	op->stats.bytes += op->p->state_bytes;
	TRY(memops_hold(o, op, from, o->clock.now, err));
	arrive(o, false);
	return OK;
}

enum status memop_precopy(struct memops *o, struct memop *op, bool *done, struct err *err)
{
	if (op->phase == START) {
		hyp_pages_log(o->vm->hyp, true);
		TRY(protect_all(o, op, err));
		begin_round(op, mark_mapped(o, HYP_PAGE_SEEN));
		op->phase = ROUND;
		return OK;
	}
	if (op->phase == STOP) {
		*done = true;
		return stop_and_copy(o, op, err);
	}
	cycles_t ahead = o->link_free;
	if (send_some(o, op, HYP_PAGE_SEEN, BATCH)) { /* one batch is on the link, one being read */
		memops_wait(o, op, ahead, false);
		return OK;
	}
	memops_wait(o, op, o->link_free, false);
	uint64_t pages = take_log(o);
	if (converges(o, op, pages) || op->stats.rounds >= op->p->rounds_max)
		op->phase = STOP;
	else
		begin_round(op, pages);
	if (op->phase == STOP) op->left = pages;
	return OK;
}

/* --- post-copy --------------------------------------------------------------------------------------------------- */

enum status memop_postcopy(struct memops *o, struct memop *op, bool *done, struct err *err)
{
	struct hyp_vm *vm = o->vm->hyp;
	if (op->phase == START) {
		cycles_t from = o->clock.now;
		memops_wait(o, op, send_state(o, op), false);
		op->stats.bytes += op->p->state_bytes;
		TRY(memops_hold(o, op, from, o->clock.now, err));
		arrive(o, true);
		op->phase = ROUND;
		op->stats.rounds = 1;
		return OK;
	}
	cycles_t ahead = o->link_free;
	unsigned sent = 0;
	for (; sent < BATCH && next_page(o, op, HYP_PAGE_REMOTE); op->cursor++, sent++) {
		memops_send(o, op, hyp_pages_absent_frame(vm, op->cursor));
		hyp_pages_set(vm, op->cursor, HYP_PAGE_REMOTE, 0);
	}
	memops_wait(o, op, sent ? ahead : o->link_free, false);
	*done = !sent;
	return OK;
}

/* --- snapshots --------------------------------------------------------------------------------------------------- */

/* The VM stands still while all of it is protected and its registers are put aside. */
static enum status begin_snapshot(struct memops *o, struct memop *op, struct err *err)
{
	cycles_t from = o->clock.now;
	uint64_t buffer;
	if (!frames_take_page(o->vm->hyp->stage2.frames, &buffer))
		return err_set(err, ERR_CONFIG, "memory_operations.%s: no memory left for a buffer",
			       op->p->name);
	op->buffer.raw = buffer;
	TRY(protect_all(o, op, err));
	begin_round(op, mark_mapped(o, HYP_PAGE_KEPT));
	o->clock.steps.step(&o->clock, STAGE2_FILL, op->p->state_bytes);
	TRY(memops_hold(o, op, from, o->clock.now, err));
	op->phase = ROUND;
	return OK;
}

enum status memop_snapshot(struct memops *o, struct memop *op, bool *done, struct err *err)
{
	if (op->phase == START) return begin_snapshot(o, op, err);
	cycles_t ahead = o->link_free;
	uint64_t sent = send_some(o, op, HYP_PAGE_KEPT, BATCH);
	memops_wait(o, op, sent ? ahead : o->link_free, false);
	if (sent) return OK;
	memops_wait(o, op, send_state(o, op), false);
	op->stats.bytes += op->p->state_bytes;
	frames_give(o->vm->hyp->stage2.frames, op->buffer.raw, o->vm->hyp->stage2.granule_bits);
	*done = true;
	return OK;
}
