/* balancing.h - what automatic NUMA balancing decides: who migrates where, and how often tasks are sampled.
 *
 *   balancing_fault: (task, frame, node) -> where it goes      balancing_settled: what became of it
 *   balancing_scanned: a scan has ended                        balancing_next: when the next is due, and who performs it
 * Pages are unmapped by scans; the fault of the next task that touches one is a sample. A page whose task was the same at the last
 * sample, or whose last sample was from the same node, goes to the task's node: the two-stage filter. The period from scan to
 * scan grows while faults are private or local, and shrinks while they are remote.
 * All of it is integers. Tasks and nodes go by number, frames are names only.
 * Source: Linux 6.6 kernel/sched/fair.c (should_numa_migrate_memory, task_numa_fault, task_numa_placement, update_task_scan_period,
 * task_scan_min, task_scan_max, task_numa_work); the limit of the rate: mm/migrate.c before 4.20 (numamigrate_update_ratelimit).
 * Not modelled: moving tasks to their memory; groups of fewer than all tasks (they are one from the first shared fault on); a task's
 * share of time; numa_migrate_retry (placement looks at each fault whether a scan has ended); memory tiers.
 */
#ifndef OS_BALANCING_H
#define OS_BALANCING_H

#include "mem/numa.h"
#include "stats/stats.h"

/* As /proc/vmstat names them, but for the last ones. */
struct balancing_stats {
	uint64_t numa_pte_updates, numa_huge_pte_updates;
	uint64_t numa_hint_faults, numa_hint_faults_local;
	uint64_t numa_pages_migrated, pgmigrate_success, pgmigrate_fail;
	uint64_t rate_limited;
	uint64_t scans, passes, scan_cycles, fault_cycles, copy_cycles, tlbi;
};
extern const struct stat_desc balancing_stat_rows[];
extern const size_t balancing_stat_row_count;

struct balancing;

struct balancing_setup {
	const struct balancing_params *params; /* borrowed */
	unsigned nodes, tasks;
	unsigned page_bits;
	uint64_t clock_mhz;
};

struct balancing *balancing_new(const struct balancing_setup *setup);
void balancing_free(struct balancing *b);
struct balancing_stats *balancing_stats(struct balancing *b);

/* A sample: `task`, on a core of node `near`, touches 2^bits bytes at `frame`, on node `at`. The node that they should migrate to;
 * -1: they stay. */
int balancing_fault(struct balancing *b, unsigned task, unsigned near, uint64_t frame, unsigned bits,
		    unsigned at, cycles_t now);
/* They are at `to` of node `at` now, where they were or elsewhere; `wanted`: balancing_fault() wanted them to move. */
void balancing_settled(struct balancing *b, uint64_t to, unsigned at, bool wanted);

/* The first scan is due scan_delay after `now`. */
void balancing_begin(struct balancing *b, cycles_t now);
/* When the next scan is due; UINT64_MAX: never. */
cycles_t balancing_next(const struct balancing *b);
/* Whether `task` should perform it rather than `other`. */
bool balancing_before(const struct balancing *b, unsigned task, unsigned other);
/* `task` has performed one from `from` to `until`; `end`: it came to the end of the memory. `bytes`: that it looked at. */
void balancing_scanned(struct balancing *b, unsigned task, cycles_t from, cycles_t until, uint64_t bytes,
		       bool end);
/* Nobody is there to perform it: later. */
void balancing_put_off(struct balancing *b, cycles_t now);
/* A task's period, in cycles; for who looks on. */
cycles_t balancing_period(const struct balancing *b, unsigned task);

#endif
