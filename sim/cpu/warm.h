/* warm.h - functional warming: what a program does to TLBs, walk caches, caches and page tables, without its time.
 *
 *   core_begin_warming ... core_run ... core_end_warming
 *
 * Between the two, core_run() executes records in order: accesses translate and walk, lines move, replacement and prefetchers
 * learn, handlers resolve faults, as ever. But nothing overlaps and nothing waits for memory: the clock advances by the
 * instructions at the core's width and by the look-ups of TLBs and first-level caches that a walk makes. What is counted meanwhile means
 * little; put the books aside (core_save_books, stats_save).
 * A core that only translates goes on doing that, without the latency of memory.
 * Source: Wunderlich et al., "SMARTS: Accelerating Microarchitecture Simulation via Rigorous Statistical Sampling", ISCA
 * 2003 (functional warming).
 */
#ifndef CPU_WARM_H
#define CPU_WARM_H

#include "cpu/core.h"

void core_begin_warming(struct core *c);
/* Back to the way of executing before. */
void core_end_warming(struct core *c);

#endif
