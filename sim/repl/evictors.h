/* evictors.h - whose doing a miss is: would the program have what it misses, had it had the TLB or cache for itself?
 *
 *   evictors_ask (a miss)   evictors_evict, evictors_bring (a fill)   evictors_leave (an entry goes otherwise)
 *
 * For one TLB or cache, whose misses and fills are shown to it. Of each set it keeps what its programs would hold besides what they do
 * hold: what others pushed out, and what a program pushed out itself because others were in the way. Under LRU that is exact
 * for one program beside its kernel, hypervisor and so on: entries leave a set in the order of their last use, so what is kept
 * is older than what is there, and the oldest goes when the program brings so much of its own that both together would not
 * fit. Under other policies the answer is that of LRU. Several programs share one list per set: what does not fit there is counted.
 * Source: Agarwal, Hennessy and Horowitz, Cache Performance of Operating System and Multiprogramming Workloads, ACM TOCS 6(4),
 * 1988 (misses that interference costs); Liu and Solihin, Understanding the Behavior and Implications of Context Switch
 * Misses, ACM TACO 7(4), 2010 (replaced and reordered lines: both are counted).
 * Not modelled: entries that a program uses and another brought in; they are the other's.
 */
#ifndef REPL_EVICTORS_H
#define REPL_EVICTORS_H

#include <stdbool.h>
#include <stdint.h>

#include "stats/stats.h"

/* What runs on a core. */
enum agent_kind { AGENT_NONE, AGENT_PROGRAM, AGENT_KERNEL, AGENT_HYPERVISOR, AGENT_VMM, AGENT_FIRMWARE };

struct agent {
	uint8_t kind;     /* enum agent_kind */
	uint16_t cpu;     /* where, ... */
	uint32_t process; /* ... and for which process */
};

#define EVICTORS(X) \
	X(PROCESS, process, "another process or vCPU that had the core") \
	X(CORE, core, "a program on another core") \
	X(KERNEL, kernel, "the kernel") \
	X(HYPERVISOR, hypervisor, "the hypervisor") \
	X(VMM, vmm, "the virtual machine monitor in user space") \
	X(FIRMWARE, firmware, "firmware")

enum evictor {
#define X(name, text, doc) EVICTOR_##name,
	EVICTORS(X)
#undef X
		EVICTOR_COUNT
};

/* Names an entry. A cache line has its number alone; the rest is for TLBs (tlb/tlb.h). */
struct evicted {
	uint64_t address, tag;
	uint8_t bits, level, s1_bits;
	bool global;
};

struct evictors_stats {
	uint64_t misses_by_evictor[EVICTOR_COUNT];
	uint64_t forgotten;
};
extern const struct stat_desc evictors_stat_rows[];
extern const size_t evictors_stat_row_count;

struct evictors;

/* Free with evictors_free. */
struct evictors *evictors_new(unsigned sets, unsigned ways);
void evictors_free(struct evictors *v);
struct evictors_stats *evictors_stats(struct evictors *v);

/* Who acts from now on; or the same as in another TLB or cache, where what it does has consequences here. */
void evictors_act(struct evictors *v, struct agent agent);
void evictors_act_as(struct evictors *v, const struct evictors *other);
/* It misses `what`: a program's miss is counted as another's doing if it is. O(ways). */
void evictors_ask(struct evictors *v, unsigned set, const struct evicted *what);
/* `what` leaves a way for what evictors_bring() is then told of, which takes it; without the first the way was free. O(ways). */
void evictors_evict(struct evictors *v, unsigned set, unsigned way, const struct evicted *what);
void evictors_bring(struct evictors *v, unsigned set, unsigned way, const struct evicted *what);
/* A way becomes free; `what` is not NULL where the acting agent has pushed it out elsewhere, and so from here. */
void evictors_leave(struct evictors *v, unsigned set, unsigned way, const struct evicted *what);
/* Forgets all of which `takes` says so: after maintenance they would be missing in any case. O(size). */
void evictors_drop(struct evictors *v, bool (*takes)(const void *ctx, const struct evicted *what),
		   const void *ctx);

#endif
