/* memop_pages.c - page sharing, balloons, and memory that is mapped before it is touched. */
#include "base/alloc.h"
#include "hyp/vm.h"
#include "machine/memops_impl.h"

enum { BALLOON_ARRAY = 256 }; /* VIRTIO_BALLOON_ARRAY_PFNS_MAX */

static uint64_t pages_of(const struct memops *o, const struct memop *op)
{
	uint64_t bytes = op->p->bytes ? op->p->bytes : o->vm->params.memory_bytes;
	return bytes >> o->vm->hyp->stage2.granule_bits;
}

/* --- sharing ------------------------------------------------------------------------------------------------------- */

/* A number that depends on nothing but the page, the operation and the seed. */
static uint64_t draw(uint64_t key, uint64_t page)
{
	uint64_t x = (page + 1) * UINT64_C(0x9e3779b97f4a7c15) ^ key;
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/* The content that a page has together with others; false: it is like no other. */
static bool content_of(const struct memops *o, const struct memop *op, uint64_t page, uint64_t *content)
{
	if (hyp_pages_flags(o->vm->hyp, page) & HYP_PAGE_WRITTEN) return false;
	*content = draw(op->key[1], page) % op->p->contents;
	return draw(op->key[0], page) % 100 < op->p->duplicate_percent;
}

/* Whether KSM looks at the page, and where it is. */
static bool is_candidate(const struct memops *o, uint64_t page, struct pa *frame)
{
	const struct hyp_vm *vm = o->vm->hyp;
	if (hyp_pages_flags(vm, page) & HYP_PAGE_SHARED) return false;
	return hyp_pages_frame(vm, page, frame) && !hyp_pages_has_tables(vm, page);
}

static void merge(struct memops *o, struct memop *op, uint64_t page, uint64_t frame)
{
	if (page_ops_merge(&o->pages, page, frame))
		stage2_flush_ipa(&o->pages.flusher, hyp_pages_ipa(o->vm->hyp, page).raw, LAST_LEVEL, true);
	op->stats.pages++;
}

/* Two pages of one content were found: the first one's frame becomes that of both. */
static void share_first(struct memops *o, struct memop *op, uint64_t first, uint64_t content)
{
	struct pa frame;
	if (!is_candidate(o, first, &frame)) return;
	merge(o, op, first, frame.raw);
	op->stable[content] = frame.raw;
}

/* The next page that is mapped; false: there is none. */
static bool next_mapped(const struct memops *o, struct memop *op)
{
	struct pa frame;
	while (op->cursor < pages_of(o, op) && !hyp_pages_frame(o->vm->hyp, op->cursor, &frame)) op->cursor++;
	return op->cursor < pages_of(o, op);
}

/* cmp_and_merge_page(): a page whose sum has not changed since the last scan is looked up among the shared ones, then among those
 * of this scan. */
static void scan_page(struct memops *o, struct memop *op, uint64_t page)
{
	struct hyp_vm *vm = o->vm->hyp;
	struct pa frame;
	uint64_t content;
	op_clock_instructions(&o->clock, vm->hyp->p.stage2.visit_instructions);
	if (!is_candidate(o, page, &frame)) return;
	op_clock_page(&o->clock, frame, NULL);
	op_clock_instructions(&o->clock, op->p->checksum_instructions);
	bool seen = hyp_pages_flags(vm, page) & HYP_PAGE_SEEN;
	hyp_pages_set(vm, page, 0, HYP_PAGE_SEEN);
	if (!seen || !content_of(o, op, page, &content)) return;
	uint64_t *first = &op->first[content];
	/* A frame that nobody maps any longer is no page to merge with. */
	if (op->stable[content] && !hyp_pages_shares(vm, op->stable[content])) op->stable[content] = 0;
	if (!op->stable[content] && *first && *first - 1 != page) share_first(o, op, *first - 1, content);
	if (!op->stable[content]) {
		*first = page + 1;
		return;
	}
	struct pa stable = {op->stable[content]};
	op_clock_page(&o->clock, stable, NULL); /* compared byte for byte */
	if (stable.raw != frame.raw) {
		merge(o, op, page, stable.raw);
		op->stats.freed_bytes += UINT64_C(1) << vm->stage2.granule_bits;
	}
}

static void count_shared(struct memops *o, struct memop *op)
{
	op->stats.shared = 0;
	for (uint64_t i = 0; i < hyp_pages_count(o->vm->hyp); i++)
		op->stats.shared += (hyp_pages_flags(o->vm->hyp, i) & HYP_PAGE_SHARED) != 0;
}

/* The unstable tree is built anew by each scan. */
static void end_scan(struct memops *o, struct memop *op)
{
	for (uint64_t i = 0; i < op->p->contents; i++) op->first[i] = 0;
	count_shared(o, op);
}

enum status memop_ksm(struct memops *o, struct memop *op, bool *done, struct err *err)
{
	(void)err;
	if (!op->stable) {
		op->stable = xcalloc(op->p->contents, sizeof(*op->stable));
		op->first = xcalloc(op->p->contents, sizeof(*op->first));
		op->left = op->p->scans;
	}
	for (uint64_t i = 0; i < op->p->scan_pages && next_mapped(o, op); i++) scan_page(o, op, op->cursor++);
	if (!next_mapped(o, op)) {
		op->cursor = 0;
		op->stats.rounds++;
		*done = !--op->left;
		end_scan(o, op);
	}
	if (!*done) memops_wait(o, op, o->clock.now + op->p->scan_sleep_us * o->machine->hw->clock_mhz, true);
	return OK;
}

/* --- balloon ------------------------------------------------------------------------------------------------------- */

/* The guest's driver tells the host of something. */
struct vcpu *memops_kick(struct memops *o, struct memop *op)
{
	enum { PATIENCE_NS = 100000 };
	cycles_t cycles = o->vm->hyp->hyp->p.fault_cycles;
	struct vcpu *v = memops_running(o);
	if (!v) {
		memops_wait(o, op, o->clock.now + PATIENCE_NS * o->machine->hw->clock_mhz / 1000, true);
		return NULL;
	}
	core_pass(&v->cpu->core, cycles, BUCKET_HYPERVISOR, 2);
	op->stats.exits++;
	op->stats.guest_cycles += cycles;
	o->held = true;
	return v;
}

static void put_into_balloon(struct memops *o, uint64_t ipa)
{
	if (o->balloon_count == o->balloon_room) {
		o->balloon_room = o->balloon_room ? 2 * o->balloon_room : BALLOON_ARRAY;
		o->balloon = xrealloc(o->balloon, o->balloon_room, sizeof(*o->balloon));
	}
	o->balloon[o->balloon_count++] = ipa;
}

/* The host takes a page of the balloon back: madvise(MADV_DONTNEED) of each. */
static void reclaim(struct memops *o, struct memop *op, uint64_t ipa)
{
	struct hyp_vm *vm = o->vm->hyp;
	unsigned host = vm->stage2.granule_bits, guest = os_page_bits(&o->vm->params.os);
	uint64_t page = (ipa - vm->hyp->p.memory_base) >> host;
	for (uint64_t i = 0; host <= guest && i >> (guest - host) == 0; i++)
		if (page_ops_drop(&o->pages, page + i)) op->stats.freed_bytes += UINT64_C(1) << host;
}

enum status memop_inflate(struct memops *o, struct memop *op, bool *done, struct err *err)
{
	(void)err;
	unsigned bits = os_page_bits(&o->vm->params.os);
	uint64_t want = (op->p->bytes ? op->p->bytes : o->vm->params.memory_bytes) >> bits, ipa;
	bool empty = false;                 /* the guest has no free page left */
	if (!memops_kick(o, op)) return OK; /* of up to 256 pages */
	for (unsigned i = 0; i < BALLOON_ARRAY && op->cursor < want; i++, op->cursor++) {
		empty = !frames_take_page(o->vm->frames, &ipa);
		if (empty) break;
		put_into_balloon(o, ipa);
		reclaim(o, op, ipa);
		op->stats.pages++;
	}
	*done = op->cursor == want || empty;
	return OK;
}

enum status memop_deflate(struct memops *o, struct memop *op, bool *done, struct err *err)
{
	(void)err;
	unsigned bits = os_page_bits(&o->vm->params.os);
	uint64_t want = (op->p->bytes ? op->p->bytes : o->vm->params.memory_bytes) >> bits;
	if (!memops_kick(o, op)) return OK; /* of up to 256 pages */
	for (unsigned i = 0; i < BALLOON_ARRAY && op->cursor < want && o->balloon_count; i++, op->cursor++) {
		frames_give(o->vm->frames, o->balloon[--o->balloon_count], bits);
		op->stats.pages++;
	}
	*done = op->cursor == want || !o->balloon_count;
	return OK;
}

/* --- memory that is mapped before ------------------------------------------------------------------------------------ */

enum status memop_preallocate(struct memops *o, struct memop *op, bool *done, struct err *err)
{
	struct hyp_vm *vm = o->vm->hyp;
	uint64_t page = UINT64_C(1) << vm->stage2.granule_bits, left = pages_of(o, op) - op->cursor;
	uint64_t most = UINT64_C(1) << (hyp_block_bits(&vm->hyp->p) - vm->stage2.granule_bits);
	struct stage2_area area = {op->cursor * page, (left < most ? left : most) * page, 0};
	struct stage2_done what;
	TRY(stage2_perform(vm, STAGE2_MAP, area, &o->clock.steps, &what, err));
	op->cursor += area.bytes / page;
	op->stats.pages += area.bytes / page;
	op->stats.changed += what.changed;
	*done = op->cursor == pages_of(o, op);
	return OK;
}
