/* mmu_stats.c - what an MMU counts, and the sums that must hold. */
#include "mmu/mmu.h"

#include <inttypes.h>

#include "mmu/page_design.h"
#include "mmu/prefetch.h"
#include "mmu/range_tlb.h"

static const char *const walk_cause_names[] = {"s1_walk", "s2_of_s1", "s2_final", NULL};
static const char *const level_names[] = {"-1", "0", "1", "2", "3", NULL};

struct registration {
	struct stats *stats;
	unsigned number;
	bool shared; /* the MMU shares TLBs */
};

static void register_tlb(void *self, struct tlb *t, int stage)
{
	const struct registration *r = self;
	if (r->shared && t->params.shared) return; /* the pool registers it, once */
	tlb_register_stats(t, r->stats, "cpu%u.%s%s", r->number, t->params.name, stage == 0 ? "_tlb" : "");
}

#define F struct walker_stats
static const struct stat_desc walker_rows[MMU_WALKER_ROWS] = {
	STAT(F, walks, "count", "translation table walks"),
	STAT(F, faults, "count", "walks that ended in a fault"),
	STAT(F, restarts, "count", "walks begun again because their fault was resolved"),
	STAT(F, queue_cycles, "cycles", "cycles that walks waited for a walker"),
	STAT_BY(F, descriptor_reads, walk_cause_names, "count", "descriptors read, by what for"),
	STAT(F, descriptor_updates, "count", "descriptors written by hardware (access flag, dirty state)"),
	STAT_BY(F, read_cycles, walk_cause_names, "cycles", "time of descriptor reads, by what for"),
	STAT_BY2(F, level_cycles, walk_cause_names, level_names, "cycles",
		 "the same by level of the table too (0 for all reads of another design than Arm's)"),
	STAT_BY2(F, reads_served, walk_cause_names, NULL, "count",
		 "descriptors read, by what for and by the level that had them"),
	STAT_DIST(F, walk_cycles, "cycles", "time of a walk, from its walker's start to its end"),
};
#undef F

/* Rows of walkers name this machine's levels. */
static void register_walker(const struct mmu *m, struct stats *s, struct stat_desc *rows,
			    struct walker_stats *stats, const char *name, unsigned number)
{
	for (unsigned i = 0; i < MMU_WALKER_ROWS; i++) {
		rows[i] = walker_rows[i];
		if (rows[i].offset == offsetof(struct walker_stats, reads_served))
			rows[i].labels2 = m->served_names;
	}
	stats_add(s, rows, MMU_WALKER_ROWS, stats, "cpu%u.%s", number, name);
}

void mmu_register_stats(struct mmu *m, struct stats *s, unsigned number)
{
	struct registration r = {s, number, m->shared_count != 0};
	mmu_each_tlb(m, register_tlb, &r);
	register_walker(m, s, m->rows, &m->stats, "walker", number);
	if (m->design) page_design_register_stats(m->design, s, number);
	if (m->ranges)
		stats_add(s, range_tlb_stat_rows, range_tlb_stat_row_count, &m->ranges->stats,
			  "cpu%u.range_tlb", number);
	if (!m->prefetch) return;
	register_walker(m, s, m->prefetch->rows, &m->prefetch->walks, "prefetch_walker", number);
	stats_add(s, prefetch_stat_rows, prefetch_stat_row_count, &m->prefetch->stats, "cpu%u.prefetch",
		  number);
}

struct sums {
	struct err *err;
	enum status st;
};

static void check_tlb(void *ctx, struct tlb *t, int stage)
{
	struct sums *sums = ctx;
	const struct tlb_stats *s = &t->stats;
	(void)stage;
	if (sums->st != OK || s->lookups == s->hits + s->misses + s->merged) return;
	sums->st = err_set(sums->err, ERR_CHECK,
			   "%s: lookups %" PRIu64 " are not hits %" PRIu64 " + misses %" PRIu64
			   " + merged %" PRIu64,
			   t->params.name, s->lookups, s->hits, s->misses, s->merged);
}

/* Whether walks follow on misses of `t`. */
static bool is_last(const struct mmu *m, const struct tlb *t)
{
	for (unsigned side = 0; side < MMU_SIDES; side++)
		for (struct tlb *const *a = m->array[side][m->levels[side] - 1]; *a; a++)
			if (*a == t) return true;
	return false;
}

/* Misses of `m` that no walk begun again accounts for, less its walks: 0 where it shares no TLB. */
static uint64_t misses_without_walk(const struct mmu *m)
{
	uint64_t misses = 0;
	for (unsigned i = 0; i < m->owned_count; i++)
		if (is_last(m, m->owned[i])) misses += m->owned[i]->stats.misses;
	if (m->prefetch) misses -= m->prefetch->stats.used;
	if (m->ranges) misses -= m->ranges->stats.hits + m->ranges->stats.merged;
	return misses + m->stats.restarts - m->stats.walks;
}

/* Misses of the last level that are of several cores; each TLB is counted with the first that looks in it. */
static uint64_t shared_misses(const struct mmu *m)
{
	uint64_t misses = 0;
	for (unsigned i = 0; i < m->shared_count; i++)
		if (m->shared[i]->user[0] == m && is_last(m, m->shared[i]->tlb))
			misses += m->shared[i]->tlb->stats.misses;
	return misses;
}

static enum status bad_walks(uint64_t over, struct err *err)
{
	return err_set(err, ERR_CHECK,
		       "walks are not the misses of the last TLB level + restarts: %" PRId64 " are missing",
		       (int64_t)over);
}

static enum status check_ranges(const struct range_tlb_stats *s, struct err *err)
{
	if (s->lookups == s->hits + s->misses + s->merged) return OK;
	return err_set(err, ERR_CHECK,
		       "range_tlb: lookups %" PRIu64 " are not hits %" PRIu64 " + misses %" PRIu64
		       " + merged %" PRIu64,
		       s->lookups, s->hits, s->misses, s->merged);
}

enum status mmu_check_group(struct mmu *const *m, unsigned n, struct err *err)
{
	struct sums sums = {err, OK};
	uint64_t sum = 0;
	for (unsigned i = 0; i < n; i++) {
		mmu_each_tlb(m[i], check_tlb, &sums);
		if (m[i]->ranges && sums.st == OK) TRY(check_ranges(&m[i]->ranges->stats, err));
		uint64_t over = misses_without_walk(m[i]);
		if (!m[i]->shared_count && over) return bad_walks(over, err);
		sum += over + shared_misses(m[i]);
	}
	if (sums.st != OK) return sums.st;
	return sum ? bad_walks(sum, err) : OK;
}

enum status mmu_check_sums(struct mmu *m, struct err *err) { return mmu_check_group(&m, 1, err); }
