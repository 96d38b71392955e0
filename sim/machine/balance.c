#include "machine/balance.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "hyp/stage2_flush.h"
#include "hyp/vm.h"
#include "machine/machine_impl.h"

enum { KILO = 1000, LOOK = 8 }; /* a scan looks at no more than so many times scan_size: virtpages */

/* A page that was touched, for which nothing has been spent yet. */
struct settled {
	uint64_t from, to; /* frames */
	unsigned bits;
};

/* Where a scan of an address space goes on. */
struct scan_place {
	const struct os_aspace *aspace;
	uint64_t at;
};

struct balance {
	struct vm *vm;
	bool host; /* of the VM's memory at stage 2; else a kernel's of its programs */
	const struct balancing_params *params;
	const struct numa *policy;
	struct frames *frames;
	struct balancing *balancing;
	struct vcpu *by; /* who faults */
	cycles_t now;
	bool wanted; /* the page that is being settled should move */
	struct settled *settled;
	size_t count, room;
	struct scan_place *place;
	size_t places;
	uint64_t offset; /* of the next scan of a VM's memory */
};

/* --- what is touched -------------------------------------------------------------------------------------------------- */

static unsigned node_of(const struct vcpu *v) { return v->task.near[0]; }

static int move_to(void *ctx, uint64_t frame, unsigned bits)
{
	struct balance *b = ctx;
	const struct vcpu *v = b->by ? b->by : &b->vm->vcpu[0];
	unsigned near = node_of(v), at = frames_region_of(b->frames, frame);
	int node = balancing_fault(b->balancing, v->number, near, frame, bits, at, b->now);
	b->wanted = node >= 0 && numa_allows(b->policy, (unsigned)node);
	return b->wanted ? node : -1;
}

static void settled(void *ctx, uint64_t frame, uint64_t to, unsigned bits)
{
	struct balance *b = ctx;
	balancing_settled(b->balancing, to, frames_region_of(b->frames, to), b->wanted);
	if (b->count == b->room) {
		b->room = b->room ? 2 * b->room : 4;
		b->settled = xrealloc(b->settled, b->room, sizeof(*b->settled));
	}
	b->settled[b->count++] = (struct settled){frame, to, bits};
}

void balance_enter(struct balance *b, struct vcpu *v, cycles_t now)
{
	if (!b) return;
	b->by = v;
	b->now = now;
}

/* --- time --------------------------------------------------------------------------------------------------------------- */

static unsigned level_of(const struct balance *b)
{
	return b->host || b->vm->kernel.regime == REGIME_EL20 ? 2 : 1;
}

static cycles_t touch(const struct balance *b, const struct vcpu *v, uint64_t pa, enum access_kind kind,
		      cycles_t now)
{
	struct mem_req r = {.pcpu = (uint16_t)v->cpu->number,
			    .pa = {pa},
			    .kind = (uint8_t)kind,
			    .cause = b->host ? CAUSE_HYPERVISOR : CAUSE_DATA,
			    .el = (uint8_t)level_of(b),
			    .security = SEC_NONSECURE};
	unsigned served;
	return mem_access(&v->cpu->mem.data, &r, now, 0, &served);
}

/* The PA of a frame of the kernel, which may be an IPA; false: nothing is behind it. */
static bool pa_of(const struct balance *b, uint64_t frame, struct pa *pa)
{
	if (!b->host && b->vm->hyp) return hyp_populate(b->vm->hyp, (struct ipa){frame}, pa);
	*pa = (struct pa){frame};
	return true;
}

/* Lines are asked for one per cycle, as a copy loop's prefetches do. */
static cycles_t copy(const struct balance *b, const struct vcpu *v, const struct settled *s, cycles_t now)
{
	uint64_t line = UINT64_C(1) << mem_line_bits(b->vm->machine->mem), page = UINT64_C(1)
										  << PHYSMEM_PAGE_BITS;
	cycles_t last = now, at = now;
	for (uint64_t p = 0; p >> s->bits == 0; p += page) {
		struct pa from, to;
		if (!pa_of(b, s->from + p, &from) || !pa_of(b, s->to + p, &to)) continue;
		for (uint64_t i = 0; i < page; i += line, at++) {
			cycles_t read = touch(b, v, from.raw + i, ACCESS_READ, at);
			cycles_t done = touch(b, v, to.raw + i, ACCESS_WRITE, read);
			if (done > last) last = done;
		}
	}
	return last - now;
}

void balance_spend(struct balance *b, struct vcpu *v, cycles_t now, struct core_spent *spent)
{
	struct balancing_stats *stats;
	cycles_t all = 0;
	if (!b || !b->count) return;
	stats = balancing_stats(b->balancing);
	for (size_t i = 0; i < b->count && !v->before_time; i++) {
		const struct settled *s = &b->settled[i];
		all += b->params->fault_cycles;
		if (s->from == s->to) continue;
		cycles_t copied = copy(b, v, s, now + all);
		stats->copy_cycles += copied;
		all += b->params->migrate_cycles + copied;
	}
	b->count = 0;
	stats->fault_cycles += all;
	spent->cycles[b->host ? BUCKET_HYPERVISOR : BUCKET_EXCEPTION][level_of(b)] += all;
}

/* --- scans of a VM's memory --------------------------------------------------------------------------------------------- */

static uint64_t instructions(const struct balance *b, uint64_t count)
{
	return count * KILO / b->vm->machine->hw->primitives.instructions_per_kilocycle;
}

/* One change_prot_numa(): so many bytes of the VM's memory, or up to its end. */
static enum status scan_area(struct balance *b, struct vcpu *v, uint64_t *bytes, bool *end, struct err *err)
{
	struct hyp_vm *vm = b->vm->hyp;
	struct balancing_stats *stats = balancing_stats(b->balancing);
	uint64_t block = UINT64_C(1) << hyp_block_bits(&vm->hyp->p), left = vm->memory_bytes - b->offset;
	uint64_t size = bits_align_down(b->params->scan_size_bytes + block - 1, log2_floor(block));
	struct stage2_area area = {b->offset, size < left ? size : left, 0};
	struct stage2_done done;
	TRY(vcpu_perform_stage2(v, STAGE2_HINT, area, &done, err));
	core_pass(&v->cpu->core, instructions(b, done.changed * b->params->scan_instructions),
		  BUCKET_HYPERVISOR, 2);
	stats->numa_pte_updates += done.hinted_bytes >> vm->stage2.granule_bits;
	stats->numa_huge_pte_updates += done.hinted_blocks;
	stats->tlbi += done.tlbi;
	*bytes = done.hinted_bytes;
	b->offset += area.bytes;
	*end = b->offset == vm->memory_bytes;
	if (*end) b->offset = 0;
	return OK;
}

/* Goes on while nothing of it is mapped. */
static enum status scan_vm(struct balance *b, struct vcpu *v, uint64_t *bytes, bool *end, struct err *err)
{
	for (unsigned i = 0; i < LOOK && !*end && !*bytes; i++) TRY(scan_area(b, v, bytes, end, err));
	return OK;
}

/* --- scans of an address space --------------------------------------------------------------------------------------------- */

struct scanning {
	struct balance *b;
	struct vcpu *v;
	bool alone;
	cycles_t spent;
	uint64_t bytes, leaves;
};

static bool see_leaf(void *ctx, struct pa descriptor, uint64_t frame, unsigned bits)
{
	struct scanning *s = ctx;
	struct balance *b = s->b;
	struct balancing_stats *stats = balancing_stats(b->balancing);
	cycles_t now = core_now(&s->v->cpu->core) + s->spent;
	s->leaves++;
	s->bytes += UINT64_C(1) << bits;
	cycles_t read = touch(b, s->v, descriptor.raw, ACCESS_READ, now);
	if (read > now) s->spent += read - now;
	if (frames_is_pooled(b->frames, frame)) return false;
	if (s->alone && frames_region_of(b->frames, frame) == node_of(s->v)) return false;
	touch(b, s->v, descriptor.raw, ACCESS_WRITE, core_now(&s->v->cpu->core) + s->spent);
	stats->numa_pte_updates += UINT64_C(1) << (bits - os_page_bits(&b->vm->params.os));
	stats->numa_huge_pte_updates += bits > os_page_bits(&b->vm->params.os);
	return true;
}

static struct scan_place *place_of(struct balance *b, const struct os_aspace *as)
{
	for (size_t i = 0; i < b->places; i++)
		if (b->place[i].aspace == as) return &b->place[i];
	b->place = xrealloc(b->place, b->places + 1, sizeof(*b->place));
	b->place[b->places] = (struct scan_place){as, 0};
	return &b->place[b->places++];
}

static void scan_aspace(struct balance *b, struct vcpu *v, uint64_t *bytes, bool *end)
{
	struct scanning s = {.b = b, .v = v, .alone = b->vm->vcpus == 1};
	struct scan_place *place = place_of(b, v->events.present);
	struct balancing_stats *stats = balancing_stats(b->balancing);
	const struct event_stats *events = &b->vm->kernel.stats;
	int64_t size = (int64_t)b->params->scan_size_bytes;
	struct os_scan scan = {
		.at = place->at, .bytes = size, .look = LOOK * size, .wanted = see_leaf, .ctx = &s};
	events_enter(&v->events);
	vcpu_enter_nodes(v);
	os_hint(b->vm->os, v->events.present, &scan);
	s.spent += instructions(b, s.leaves * b->params->scan_instructions);
	core_pass(&v->cpu->core, s.spent, BUCKET_EXCEPTION, level_of(b));
	uint64_t tlbi = events->tlbi;
	if (scan.end > scan.first)
		events_flush(&v->events, v->events.present, (struct va){scan.first}, scan.end - scan.first);
	stats->tlbi += events->tlbi - tlbi;
	place->at = scan.at;
	*bytes = s.bytes;
	*end = !scan.at;
}

/* --- turns ------------------------------------------------------------------------------------------------------------------ */

void balance_begin(struct balance *b, cycles_t now)
{
	if (b) balancing_begin(b->balancing, now);
}

cycles_t balance_next(const struct balance *b) { return b ? balancing_next(b->balancing) : UINT64_MAX; }

/* Of those that run the one that may scan first; NULL: none runs. */
static struct vcpu *choose(const struct balance *b)
{
	const struct host *h = b->vm->machine->host;
	struct vcpu *best = NULL;
	for (unsigned i = 0; i < b->vm->vcpus; i++) {
		struct vcpu *v = &b->vm->vcpu[i];
		if (h && !host_runs(h, v)) continue;
		if (!best || balancing_before(b->balancing, i, best->number)) best = v;
	}
	return best;
}

enum status balance_turn(struct balance *b, struct err *err)
{
	struct vcpu *v = choose(b);
	uint64_t bytes = 0;
	bool end = false;
	if (!v) {
		balancing_put_off(b->balancing, balance_next(b));
		return OK;
	}
	cycles_t from = core_now(&v->cpu->core);
	if (b->host)
		TRY(scan_vm(b, v, &bytes, &end, err));
	else
		scan_aspace(b, v, &bytes, &end);
	balancing_scanned(b->balancing, v->number, from, core_now(&v->cpu->core), bytes, end);
	return OK;
}

/* --- life ------------------------------------------------------------------------------------------------------------------- */

static enum status check(const struct vm *vm, const char *who, struct err *err)
{
	const struct machine *m = vm->machine;
	if (m->hw->walker.page_table.design)
		return err_set(
			err, ERR_CONFIG,
			"%snuma.balancing.enabled: yes, but walker.page_table.design is not Arm's: its tables "
			"have no leaves that are invalid for a while",
			who);
	return OK;
}

/* What knows of a VM's pages by stage 2 alone would take those that a scan has unmapped for absent. */
static enum status check_host(const struct vm *vm, struct err *err)
{
	const struct machine *m = vm->machine;
	bool logs = stack_hypervisor(m->stack)->dirty_log;
	TRY(check(vm, "", err));
	if (!m->stack->memory_operations.count && !logs) return OK;
	return err_set(
		err, ERR_CONFIG,
		"numa.balancing.enabled: yes, beside %s: a VM's memory is not balanced while that is there",
		logs ? "hypervisors.0.dirty_log" : "memory_operations");
}

static struct balance *make(struct vm *vm, bool host, const struct numa *policy,
			    const struct balancing_params *p)
{
	struct balance *b = xcalloc(1, sizeof(*b));
	const struct machine *m = vm->machine;
	unsigned bits = host ? vm->hyp->stage2.granule_bits : os_page_bits(&vm->params.os);
	const struct balancing_setup setup = {p, policy->nodes, vm->vcpus, bits, m->hw->clock_mhz};
	b->vm = vm;
	b->host = host;
	b->params = p;
	b->policy = policy;
	b->frames = host || !vm->hyp ? m->memory.frames : vm->frames;
	b->balancing = balancing_new(&setup);
	return b;
}

enum status balance_new(struct vm *vm, struct err *err)
{
	const struct balancing_params *host = &vm->params.numa.balancing,
				      *guest = &vm->params.os.numa.balancing;
	const struct numa *policy = vm->hyp ? &vm->guest_numa : &vm->numa;
	if (vm->hyp && host->enabled && vm->numa.nodes > 1) {
		TRY(check_host(vm, err));
		vm->balance = make(vm, true, &vm->numa, host);
		hyp_on_hint(vm->hyp, &(struct pgtable_hinting){vm->balance, move_to, settled});
	}
	if (guest->enabled && policy->nodes > 1) {
		TRY(check(vm, "os.", err));
		vm->guest_balance = make(vm, false, policy, guest);
		os_on_hint(vm->os, &(struct pgtable_hinting){vm->guest_balance, move_to, settled});
	}
	return OK;
}

void balance_free(struct balance *b)
{
	if (!b) return;
	balancing_free(b->balancing);
	free(b->settled);
	free(b->place);
	free(b);
}

void balance_register_stats(struct vm *vm, struct stats *s)
{
	if (vm->balance)
		stats_add(s, balancing_stat_rows, balancing_stat_row_count,
			  balancing_stats(vm->balance->balancing), "vm%u.numa_balancing", vm->number);
	if (!vm->guest_balance) return;
	struct balancing_stats *own = balancing_stats(vm->guest_balance->balancing);
	if (vm->hyp)
		stats_add(s, balancing_stat_rows, balancing_stat_row_count, own, "vm%u.os.numa_balancing",
			  vm->number);
	else
		stats_add(s, balancing_stat_rows, balancing_stat_row_count, own, "numa_balancing");
}
