/* core.h - a core that executes a workload's records: in order, or with a window that lets latencies overlap.
 *
 *   core_run: records -> how many were executed, up to the first one that the core does not know
 *
 * Two clocks run through the program. The dispatch clock says when an instruction enters the window, the retire clock
 * when it leaves; both advance by 1/width per instruction. A load or store starts at the dispatch clock - or when the
 * load it depends on is done - and holds the retire clock until it is done. An instruction is dispatched only when the
 * one `rob` instructions before it has retired. In order, both clocks wait together for what a first-level cache
 * hit does not cover. Stores leave through a store buffer; fetches that miss hold both clocks.
 * Every step of the retire clock is booked to one bucket, so the buckets add up to the total, exactly.
 * Source: Karkhanis and Smith, "A First-Order Superscalar Processor Model", ISCA 2004; Carlson et al., "An Evaluation
 * of High-Level Mechanistic Core Models" (ROB-centric), ACM TACO 11(3), 2014.
 * Not modelled: branch prediction, functional units, dependences other than REC_DEPENDENT, wrong-path accesses.
 */
#ifndef CPU_CORE_H
#define CPU_CORE_H

#include "base/record.h"
#include "cpu/buckets.h"
#include "cpu/core_params.h"
#include "cpu/watch.h"
#include "mem/mem.h"
#include "mmu/mmu.h"

enum { CORE_FRACTION_BITS = 16 }; /* clocks and buckets count 1/65536 of a cycle */

struct core_stats {
	uint64_t instructions, loads, stores, fetches,
		accesses; /* accesses = loads + stores, after splitting */
	uint64_t splits;
	uint64_t
		access_cycles; /* from the issue of each load and store to its completion, translation included */
	uint64_t faults;       /* resolved by a handler */
	uint64_t cycles;       /* set by core_finish */
	uint64_t cycles_by_bucket[BUCKET_COUNT]; /* set by core_finish */
	uint64_t cycles_by_el[CORE_LEVELS];      /* set by core_finish */
};

struct rob_mark {
	uint64_t instruction, retired;
}; /* the retire clock was held at this instruction until then */

/* Resolves a fault met at `now` so that the access may be tried again. Any status but OK ends the run. */
typedef enum status core_fault_fn(void *owner, const struct mmu_fault *fault, cycles_t now,
				  struct core_spent *spent, struct err *err);

struct core;
/* core_hits.h: executes hits; returns the index of the first record of rec[0..n-1] that is not wholly executed, or n. Of a
 * fetch, *fetched instructions are; of a load or store, its gap has passed; of another kind, nothing is. */
typedef size_t core_hits_fn(struct core *c, const struct record *rec, size_t n, uint32_t *fetched);

struct core {
	uint64_t dispatch, retire;     /* the two clocks */
	uint64_t per_instruction;      /* clock step */
	uint64_t bucket[BUCKET_COUNT]; /* since the last core_reset_stats */
	unsigned workload_el;
	uint64_t retire_at_reset;
	uint64_t instruction; /* instructions dispatched */
	cycles_t last_load_done;
	struct rob_mark *rob; /* a ring of rob_mask + 1 */
	unsigned rob_mask, rob_head, rob_tail, rob_size;
	cycles_t *store_done; /* a ring: when each store buffer entry is free */
	unsigned store_buffer, store_next;
	cycles_t tlbi_done_here, tlbi_done_everywhere; /* of the TLBIs so far; barrier.h */
	struct {
		cycles_t tlbi, local, broadcast, dsb;
		unsigned el;     /* of who executes it; 0: the workload's own */
		struct dvm *dvm; /* how broadcasts reach other cores; NULL: in a constant time */
		unsigned place;  /* of this core in it */
		bool unsynced;   /* broadcasts that no DSB has waited for yet */
	} maintenance;
	cycles_t fetch_hit_cycles, load_hit_cycles; /* of the first-level caches */
	uint64_t fetch_line_bytes;
	struct repl_flow flow;              /* for replacement policies of TLBs, and prefetchers */
	uint64_t next_pc;                   /* where a run that is no branch goes on */
	uint64_t data_line_mask;            /* line size - 1 */
	uint64_t line_mask;                 /* line size - 1; all ones when accesses are never split */
	struct mem_req data_req, fetch_req; /* tags filled in once */
	struct mmu *mmu;
	struct mem_cpu *mem;
	core_fault_fn *on_fault;
	void *fault_owner;
	size_t (*run)(struct core *c, const struct record *rec, size_t n);
	core_hits_fn *hits;
	size_t (*timed_run)(struct core *c, const struct record *rec,
			    size_t n); /* while the core warms: what to come back to */
	bool in_order, only_translates, warming;
	cycles_t lookahead;  /* of the machine's cores; 0: strict order */
	struct watch *watch; /* NULL: no access is watched */
	struct err err;      /* of a fault handler that failed */
	struct core_stats stats;
	/* Of `bucket`, what others than the workload spent. */
	uint64_t by_handler[BUCKET_COUNT][CORE_LEVELS];
};

/* Builds a core around an MMU and caches that outlive it. */
void core_init(struct core *c, const struct core_params *p, struct mmu *mmu, struct mem_cpu *mem);
/* From now on only translation takes time, in order and in full: fetches, loads and stores of the program see no cache and
 * take the time of a first-level hit, which the core hides. Descriptor reads go through the caches as ever. */
void core_only_translate(struct core *c);
void core_fini(struct core *c);
void core_register_stats(struct core *c, struct stats *s, unsigned number);

/* Shows every load and store to `w` (borrowed), until the core is no more. Cycles and counters stay what they are. */
void core_watch(struct core *c, struct watch *w);

/* Executes rec[0..n-1] up to the first record that is not FETCH, LOAD or STORE; *executed says how many. When a fault
 * handler fails, returns its status, and the count is of the records before the one at fault. */
enum status core_run(struct core *c, const struct record *rec, size_t n, size_t *executed, struct err *err);

/* When the access of `rec` would begin, or any other record take effect. Changes nothing. */
cycles_t core_next(const struct core *c, const struct record *rec);
/* Whether the core may execute `rec` in a turn that ends at `until`, which is c->lookahead cycles beyond the time of the core that is
 * next: before that time everything, and in the lookahead what is private - loads, stores and fetches whose translation and lines are in
 * the core's own first level, or on their way there - so that all cores' requests reach what they share in order of time. *next: core_next().
 * Changes nothing. */
bool core_goes_on(const struct core *c, const struct record *rec, cycles_t until, cycles_t *next);

/* How a turn of a core ended. */
struct core_turn {
	size_t executed;
	bool over;     /* the next record is not of this turn, ... */
	cycles_t next; /* ... but begins then */
};
/* As core_run(), for one of several cores: the first record, and then those that core_goes_on() with. */
enum status core_run_until(struct core *c, const struct record *rec, size_t n, cycles_t until,
			   struct core_turn *turn, struct err *err);

/* Time passes for the whole core: what was spent below or beside the workload. */
void core_spend(struct core *c, const struct core_spent *spent);

/* The same, of one bucket. */
void core_pass(struct core *c, cycles_t cycles, enum core_bucket bucket, unsigned el);

/* Forgets what has been counted; time goes on. */
void core_reset_stats(struct core *c);
/* Turns the clocks into stats.cycles and stats.cycles_by_bucket, whole cycles that still add up. May be repeated. */
void core_finish(struct core *c);
/* Checks that buckets and levels add up to the clock, that every bucket of handlers is what they spent at their levels,
 * and that accesses are loads + stores. ERR_CHECK with both figures. */
enum status core_check_sums(const struct core *c, struct err *err);

/* What is counted outside of core_stats, kept aside while something else is counted (warm.h). */
struct core_books {
	uint64_t bucket[BUCKET_COUNT], by_handler[BUCKET_COUNT][CORE_LEVELS], elapsed;
};
void core_save_books(const struct core *c, struct core_books *b);
void core_load_books(struct core *c, const struct core_books *b);

/* The present cycle, for events and handlers. */
static inline cycles_t core_now(const struct core *c) { return c->retire >> CORE_FRACTION_BITS; }

#endif
