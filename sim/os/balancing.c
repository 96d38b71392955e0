#include "os/balancing.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/bits.h"

enum {
	MAX_SCAN_WINDOW_MB = 2560,
	PERIOD_SLOTS = 10,
	PERIOD_THRESHOLD = 7,
	ACTIVE_NODE_FRACTION = 3,
	EARLY_SCANS = 4, /* passes in which a first or private fault migrates at once */
	SCAN_SHARE = 32, /* a task scans for at most one part in so many of its time */
	RATE_WINDOW_MS = 100,
	NO_NODE = -1
};

#define F struct balancing_stats
const struct stat_desc balancing_stat_rows[] = {
	STAT(F, numa_pte_updates, "pages", "base pages that scans unmapped, those of huge pages included"),
	STAT(F, numa_huge_pte_updates, "huge pages", "of them, as huge pages"),
	STAT(F, numa_hint_faults, "faults", "on what scans had unmapped, one for a huge page"),
	STAT(F, numa_hint_faults_local, "faults", "of them, on memory of the task's own node"),
	STAT(F, numa_pages_migrated, "pages", "base pages that went to the node of who touched them"),
	STAT(F, pgmigrate_success, "pages", "the same"),
	STAT(F, pgmigrate_fail, "pages", "base pages that should have, but that node had no memory"),
	STAT(F, rate_limited, "pages", "base pages that should have, but too many had just migrated there"),
	STAT(F, scans, "scans", "performed"),
	STAT(F, passes, "passes", "through all of the memory (numa_scan_seq)"),
	STAT(F, scan_cycles, "cycles", "that tasks spent in scans, TLB maintenance included"),
	STAT(F, fault_cycles, "cycles", "that they spent in hinting faults beyond an ordinary fault"),
	STAT(F, copy_cycles, "cycles", "of them, to copy what migrated"),
	STAT(F, tlbi, "operations", "TLBI that scans executed"),
};
#undef F
const size_t balancing_stat_row_count = sizeof(balancing_stat_rows) / sizeof(balancing_stat_rows[0]);

/* Samples of a task or of all, by node: of memory and of cores, private ones at 1. */
struct samples {
	uint64_t mem[2], cpu[2];         /* averages, halved at each pass */
	uint64_t mem_now[2], cpu_now[2]; /* since the last pass */
};

struct task {
	struct samples *node;
	int preferred;
	uint64_t pass;
	uint64_t local, remote, failed; /* numa_faults_locality */
	uint64_t total;
	cycles_t period, period_max, stamp;
};

/* Who touched a frame last. */
struct touch {
	uint64_t key;  /* frame + 1; 0: free */
	uint32_t task; /* + 1 */
	uint32_t node;
};

struct window {
	cycles_t begin;
	uint64_t bytes;
};

struct sample { /* that is on its way: between balancing_fault() and balancing_settled() */
	struct task *task;
	unsigned near, bits;
	uint64_t frame;
	cycles_t at;
	bool private, local, limited;
};

struct balancing {
	struct balancing_setup s;
	struct balancing_stats stats;
	struct task *task;
	struct samples *all; /* of the group */
	bool grouped;        /* there was a shared fault */
	unsigned active_nodes;
	uint64_t most_cpu;
	struct touch *touch; /* open addressing, at most half full */
	uint64_t touches, room;
	struct window *window; /* of each node */
	struct sample now;
	cycles_t next;
	uint64_t pass, resident, seen;
};

static cycles_t cycles_of(const struct balancing *b, uint64_t us) { return us * b->s.clock_mhz; }

struct balancing *balancing_new(const struct balancing_setup *setup)
{
	struct balancing *b = xcalloc(1, sizeof(*b));
	b->s = *setup;
	b->task = xcalloc(setup->tasks, sizeof(*b->task));
	b->all = xcalloc(setup->nodes, sizeof(*b->all));
	b->window = xcalloc(setup->nodes, sizeof(*b->window));
	for (unsigned i = 0; i < setup->tasks; i++) {
		b->task[i].node = xcalloc(setup->nodes, sizeof(*b->all));
		b->task[i].preferred = NO_NODE;
	}
	b->next = UINT64_MAX;
	return b;
}

void balancing_free(struct balancing *b)
{
	if (!b) return;
	for (unsigned i = 0; i < b->s.tasks; i++) free(b->task[i].node);
	free(b->task);
	free(b->all);
	free(b->window);
	free(b->touch);
	free(b);
}

struct balancing_stats *balancing_stats(struct balancing *b) { return &b->stats; }

/* --- who touched a frame last (page_cpupid_xchg_last) --------------------------------------------------------------- */

static struct touch *place_of(const struct balancing *b, uint64_t frame)
{
	uint64_t at = (frame + 1) * UINT64_C(0x9e3779b97f4a7c15) >> 20;
	while (b->touch[at & (b->room - 1)].key && b->touch[at & (b->room - 1)].key != frame + 1) at++;
	return &b->touch[at & (b->room - 1)];
}

static void grow(struct balancing *b)
{
	struct touch *old = b->touch;
	uint64_t room = b->room;
	b->room = room ? 2 * room : 1024;
	b->touch = xcalloc(b->room, sizeof(*b->touch));
	for (uint64_t i = 0; i < room; i++)
		if (old[i].key) *place_of(b, old[i].key - 1) = old[i];
	free(old);
}

/* Returns who it was before; task 0: nobody. */
static struct touch exchange_touch(struct balancing *b, uint64_t frame, struct touch now)
{
	if (2 * b->touches >= b->room) grow(b);
	struct touch *t = place_of(b, frame), before = *t;
	b->touches += !t->key;
	*t = now;
	t->key = frame + 1;
	return before;
}

/* --- who migrates ---------------------------------------------------------------------------------------------------- */

static uint64_t both(const uint64_t pair[2]) { return pair[0] + pair[1]; }

/* should_numa_migrate_memory() */
static bool should_migrate(const struct balancing *b, const struct task *t, struct touch last, unsigned near,
			   unsigned at, bool same_task)
{
	const struct samples *to = &b->all[near], *from = &b->all[at];
	if ((t->preferred == NO_NODE || t->pass <= EARLY_SCANS) && (!last.task || same_task)) return true;
	if (last.task && last.node != near) return false;
	if (same_task || !b->grouped) return true;
	if (both(to->cpu) > both(from->cpu) * ACTIVE_NODE_FRACTION) return true;
	return both(to->cpu) * both(from->mem) * 3 > both(from->cpu) * both(to->mem) * 4;
}

static bool is_limited(struct balancing *b, unsigned node, unsigned bits, cycles_t now)
{
	uint64_t limit = b->s.params->rate_limit_MBps * 1000 * RATE_WINDOW_MS;
	struct window *w = &b->window[node];
	if (!limit) return false;
	if (now - w->begin >= cycles_of(b, UINT64_C(1000) * RATE_WINDOW_MS)) *w = (struct window){now, 0};
	if (w->bytes > limit) return true;
	w->bytes += UINT64_C(1) << bits;
	return false;
}

static uint64_t pages_of(const struct balancing *b, unsigned bits)
{
	return UINT64_C(1) << (bits - b->s.page_bits);
}

int balancing_fault(struct balancing *b, unsigned task, unsigned near, uint64_t frame, unsigned bits,
		    unsigned at, cycles_t now)
{
	struct task *t = &b->task[task];
	struct touch last = exchange_touch(b, frame, (struct touch){0, task + 1, near});
	bool same = last.task == task + 1;
	b->now = (struct sample){.task = t,
				 .near = near,
				 .bits = bits,
				 .frame = frame,
				 .at = now,
				 .private = !last.task || same,
				 .local = near == at};
	b->stats.numa_hint_faults++;
	b->stats.numa_hint_faults_local += near == at;
	if (!should_migrate(b, t, last, near, at, same) || near == at) return NO_NODE;
	if (!is_limited(b, near, bits, now)) return (int)near;
	b->now.limited = true;
	b->stats.rate_limited += pages_of(b, bits);
	return NO_NODE;
}

/* --- how often tasks are sampled ------------------------------------------------------------------------------------- */

static uint64_t windows(const struct balancing *b)
{
	uint64_t size = b->s.params->scan_size_bytes;
	return b->resident ? (b->resident + size - 1) / size : 1;
}

/* No more than MAX_SCAN_WINDOW_MB a second are scanned, unless the least period itself asks for that. */
static cycles_t scan_min(const struct balancing *b)
{
	const struct balancing_params *p = b->s.params;
	uint64_t most = (uint64_t)MAX_SCAN_WINDOW_MB << 20,
		 size = p->scan_size_bytes < most ? p->scan_size_bytes : most;
	uint64_t floor_us = size * 1000000 / most, us = p->scan_period_min_us / windows(b);
	if (us < floor_us && p->scan_period_min_us >= floor_us) us = floor_us;
	return cycles_of(b, us ? us : 1);
}

static void count_group(const struct balancing *b, uint64_t by_kind[2])
{
	by_kind[0] = by_kind[1] = 0;
	for (unsigned n = 0; n < b->s.nodes; n++)
		for (unsigned k = 0; k < 2; k++) by_kind[k] += b->all[n].mem[k];
}

static cycles_t scan_max(const struct balancing *b)
{
	cycles_t least = scan_min(b), most = cycles_of(b, b->s.params->scan_period_max_us) / windows(b);
	uint64_t kind[2];
	if (b->grouped) {
		count_group(b, kind);
		cycles_t scaled = most * b->s.tasks / (both(kind) + 1) * (kind[0] + 1);
		if (scaled > most) most = scaled;
	}
	return most > least ? most : least;
}

/* update_task_scan_period() */
static void adapt_period(struct balancing *b, struct task *t, uint64_t shared, uint64_t private)
{
	cycles_t slot = (t->period + PERIOD_SLOTS - 1) / PERIOD_SLOTS, least = scan_min(b),
		 most = scan_max(b);
	if (t->local + shared == 0 || t->failed) {
		t->period = 2 * t->period < t->period_max ? 2 * t->period : t->period_max;
		b->next = b->now.at + t->period;
		return;
	}
	uint64_t local = t->local * PERIOD_SLOTS / (t->local + t->remote + !(t->local + t->remote));
	uint64_t own = private * PERIOD_SLOTS / (private + shared + !(private + shared));
	uint64_t ratio = own >= PERIOD_THRESHOLD ? own : local;
	if (ratio >= PERIOD_THRESHOLD) {
		t->period += slot * (ratio - PERIOD_THRESHOLD + (ratio == PERIOD_THRESHOLD));
	} else {
		ratio = local > own ? local : own;
		cycles_t less = slot * (PERIOD_THRESHOLD - ratio);
		t->period = t->period > less ? t->period - less : 0;
	}
	if (t->period < least) t->period = least;
	if (t->period > most) t->period = most;
	t->local = t->remote = t->failed = 0;
}

/* One node of a task: the average decays by half, what came since is added. The task runs all of the time. */
static void decay(struct samples *own, struct samples *all, unsigned k, uint64_t since)
{
	uint64_t weight = (UINT64_C(1) << 16) * own->cpu_now[k] / (since + 1);
	uint64_t mem = own->mem_now[k] + own->mem[k] - own->mem[k] / 2,
		 cpu = weight + own->cpu[k] - own->cpu[k] / 2;
	all->mem[k] += mem - own->mem[k];
	all->cpu[k] += cpu - own->cpu[k];
	own->mem[k] = mem;
	own->cpu[k] = cpu;
	own->mem_now[k] = own->cpu_now[k] = 0;
}

static void count_active(struct balancing *b)
{
	b->most_cpu = b->active_nodes = 0;
	for (unsigned n = 0; n < b->s.nodes; n++)
		if (both(b->all[n].cpu) > b->most_cpu) b->most_cpu = both(b->all[n].cpu);
	for (unsigned n = 0; n < b->s.nodes; n++)
		b->active_nodes += both(b->all[n].cpu) * ACTIVE_NODE_FRACTION > b->most_cpu;
}

/* task_numa_placement(): once for each pass of scans. */
static void place(struct balancing *b, struct task *t)
{
	uint64_t kind[2] = {0, 0}, most = 0, since = t->local + t->remote;
	if (t->pass == b->pass) return;
	t->pass = b->pass;
	t->period_max = scan_max(b);
	for (unsigned n = 0; n < b->s.nodes; n++) {
		for (unsigned k = 0; k < 2; k++) {
			kind[k] += t->node[n].mem_now[k];
			decay(&t->node[n], &b->all[n], k, since);
		}
		uint64_t faults = both(b->grouped ? b->all[n].mem : t->node[n].mem);
		if (faults > most) most = faults, t->preferred = (int)n;
	}
	count_active(b);
	adapt_period(b, t, kind[0], kind[1]);
}

static bool is_active(const struct balancing *b, unsigned node)
{
	return both(b->all[node].cpu) * ACTIVE_NODE_FRACTION > b->most_cpu;
}

/* task_numa_fault() */
static void count_sample(struct balancing *b, unsigned at, bool failed)
{
	const struct sample *s = &b->now;
	struct task *t = s->task;
	uint64_t pages = pages_of(b, s->bits);
	bool local = s->local;
	if (!s->private) b->grouped = true;
	if (!s->private && b->active_nodes > 1 && is_active(b, s->near) && is_active(b, at)) local = true;
	place(b, t);
	if (failed) t->failed += pages;
	t->node[at].mem_now[s->private] += pages;
	t->node[s->near].cpu_now[s->private] += pages;
	*(local ? &t->local : &t->remote) += pages;
}

void balancing_settled(struct balancing *b, uint64_t to, unsigned at, bool wanted)
{
	struct sample *s = &b->now;
	uint64_t pages = pages_of(b, s->bits);
	bool moved = to != s->frame, failed = (wanted && !moved) || s->limited;
	if (moved) {
		exchange_touch(b, to, exchange_touch(b, s->frame, (struct touch){0, 0, 0}));
		b->stats.numa_pages_migrated += pages;
		b->stats.pgmigrate_success += pages;
	}
	if (wanted && !moved) b->stats.pgmigrate_fail += pages;
	count_sample(b, at, failed);
}

/* --- scans ------------------------------------------------------------------------------------------------------------ */

void balancing_begin(struct balancing *b, cycles_t now)
{
	b->next = now + cycles_of(b, b->s.params->scan_delay_us);
	for (unsigned i = 0; i < b->s.tasks; i++) b->task[i].period = scan_min(b);
}

cycles_t balancing_next(const struct balancing *b)
{
	cycles_t first = UINT64_MAX;
	for (unsigned i = 0; i < b->s.tasks; i++)
		if (b->task[i].stamp < first) first = b->task[i].stamp;
	return b->next > first ? b->next : first;
}

bool balancing_before(const struct balancing *b, unsigned task, unsigned other)
{
	return b->task[task].stamp < b->task[other].stamp;
}

void balancing_scanned(struct balancing *b, unsigned task, cycles_t from, cycles_t until, uint64_t bytes,
		       bool end)
{
	struct task *t = &b->task[task];
	b->stats.scans++;
	b->stats.scan_cycles += until - from;
	b->next = from + t->period;
	t->stamp = from + t->period + SCAN_SHARE * (until - from);
	b->seen += bytes;
	if (!end) return;
	b->resident = b->seen;
	b->seen = 0;
	b->pass++;
	b->stats.passes++;
}

void balancing_put_off(struct balancing *b, cycles_t now)
{
	b->next = now + cycles_of(b, b->s.params->scan_period_min_us);
}

cycles_t balancing_period(const struct balancing *b, unsigned task) { return b->task[task].period; }
