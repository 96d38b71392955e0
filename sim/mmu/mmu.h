/* mmu.h - timed translation: TLBs, walk caches and walkers around the functional walk.
 *
 *   mmu_translate: (va, kind, now) -> the PA and the cycle at which it is known, or a fault
 *
 * The walk is translate() of translate.h, the same code as in the functional plane; this module only lets it start
 * further down (walk caches, IPA cache) and charges its descriptor reads to the memory side. So no timing
 * parameter can change a result. A fault that m->resolve takes care of restarts the walk, not the look-up, so that TLB
 * misses count pages and not faults. TLBs of one level are looked up by side; levels.h says which level is filled by what.
 * Calls may come with any `now`; state changes in the order of the calls.
 * Source: Arm ARM DDI 0487, D8.2 (walks), D8.14 (TLBs), D8.15 (ASIDs, VMIDs).
 * Not modelled: speculative walks of mispredicted paths.
 */
#ifndef MMU_MMU_H
#define MMU_MMU_H

#include "mem/mem.h"
#include "mem/physmem.h"
#include "mmu/page_table.h"
#include "mmu/tlb_pool.h"
#include "mmu/translate.h"
#include "mmu/walker_params.h"
#include "tlb/tlb.h"

enum {
	MMU_SIDES = 2,
	MMU_LEVELS_MAX = 4,
	MMU_ARRAYS_MAX = 4,
	MMU_TLBS_MAX = 16,
	MMU_WALK_CACHES_MAX = 8,
	MMU_WALKERS_MAX = 64,
	MMU_WALK_CAUSES = 3,
	MMU_WALK_LEVELS = 5, /* of descriptors: -1..3 */
	MMU_WALKER_ROWS = 10
};

/* Why a translation was refused: everything that a handler needs. */
struct mmu_fault {
	struct fault fault;
	struct va va; /* without the tag that the regime ignores */
	struct access access;
};

struct mmu_done {
	cycles_t cycle;
	uint64_t pa;
};

/* Resolves a fault met at *now, so that the walk may be tried again from the *now that it gives; false: it cannot. */
typedef bool mmu_resolve_fn(void *owner, const struct mmu_fault *fault, cycles_t *now);

struct walker_stats {
	uint64_t walks, faults, restarts; /* walks = misses of the last TLB level + restarts */
	uint64_t queue_cycles;
	uint64_t descriptor_reads[MMU_WALK_CAUSES];
	uint64_t descriptor_updates;
	uint64_t read_cycles[MMU_WALK_CAUSES];
	uint64_t level_cycles[MMU_WALK_CAUSES][MMU_WALK_LEVELS]; /* the same, by level + 1 */
	uint64_t reads_served[MMU_WALK_CAUSES][MEM_SERVED_COUNT];
	struct hist walk_cycles;
};

/* A TLB that holds walk positions instead of translations: entry i belongs to pos[i]. */
struct walk_cache {
	struct tlb *tlb;
	struct walk_place *place;
	uint64_t levels; /* bit l + 1: table descriptors of level l */
	cycles_t cycles;
	bool ipa_only;    /* stage 1: where a table is behind stage 2 is not held */
	bool tables_only; /* stage 2: walks for the access's own address go by */
};

struct walk_place {
	struct walk_pos pos;
	uint64_t table;   /* PA of pos.table, behind stage 2 */
	bool table_known; /* false: stage 2 maps it in pieces smaller than the table */
};

/* The leaf at which one stage of the latest walk ended, and where its descriptor was read. */
struct walk_end {
	struct walk_pos pos;
	uint64_t input;
	struct pa pa;
	struct leaf leaf;
	bool known, read; /* read: in this walk, so that its line has been seen */
};

/* What a VA becomes, as TLBs hold it: (va & keep) | set. */
struct mmu_top {
	uint64_t keep, set;
};

struct mmu_walker {
	cycles_t from, until;
}; /* its latest walk */

/* What TLBs are filled with, made of leaves by these numbers; va, pa and like.ready are those of the latest walk. */
struct mmu_made {
	struct tlb_fill fill;
	uint32_t like[2]; /* leaf.like by stage - 1; [0] 0: nothing is made */
	bool fetch;
};

/* Sees every look-up that a TLB answers and every walk that succeeds. `e` is what answered, or what was filled. Either
 * function may be NULL; without `hit`, predicted hits stay as fast as they are. */
struct mmu_observer {
	void *self;
	struct mmu_observer *next;
	void (*hit)(void *self, const struct tlb_entry *e, struct va va, struct access a);
	void (*walked)(void *self, const struct tlb_entry *e, struct va va, struct access a);
};

struct mmu;
/* A walk for an access to `va` (mmu_walk.h). */
typedef bool mmu_walk_fn(struct mmu *m, uint64_t va, struct access a, cycles_t now);
/* mmu_translate() of what the predicted entry does not settle. */
typedef bool mmu_miss_fn(struct mmu *m, uint64_t va, enum access_kind kind, unsigned n, cycles_t now,
			 struct mmu_done *out);

struct mmu {                  /* laid out for the hit path; change it through the functions below only */
	struct tlb *first[3]; /* level 1, by enum access_kind */
	tlb_tag_t tag;        /* of the present context */
	uint16_t perm_mask[3], perm_want[3]; /* an entry lets a kind through if (perm & mask) == want */
	mmu_resolve_fn *resolve;             /* NULL: no fault is resolved */
	void *resolve_owner;
	struct mmu_fault fault; /* of the last translation that failed */

	struct tlb *level[MMU_SIDES][MMU_LEVELS_MAX]; /* [0] instruction, [1] data */
	struct tlb *array[MMU_SIDES][MMU_LEVELS_MAX]
			 [MMU_ARRAYS_MAX + 1]; /* all TLBs of a level, level[] first */
	unsigned levels[MMU_SIDES];
	bool one_each; /* a level is one TLB, and none has ports to wait for */
	bool plain; /* plain_walks, and a miss wants no more either: one_each, and nothing but TLBs of single translations to look in and to fill */
	bool plain_walks; /* of Arm's tables, of which nobody wants more than the result, cycles and counters */
	mmu_walk_fn *walk;             /* by plain_walks, ... */
	mmu_miss_fn *miss;             /* ... by plain, and by how many stages are on */
	bool wants_neighbours;         /* a TLB that coalesces, or a prefetcher */
	struct mmu_prefetch *prefetch; /* NULL: none */
	struct range_tlb *ranges;      /* NULL: none */
	struct foresight *foresight;   /* NULL: nobody has asked for it yet (foresight.h) */
	bool foresight_shared;         /* it is another's, and this core one of many */
	const struct repl_flow *flow;  /* NULL: nobody tells where the program is */
	bool ahead, ahead_refused;     /* a prefetch walks; it would have had to write */
	struct tlb *owned[MMU_TLBS_MAX];
	unsigned owned_count;
	struct shared_tlb *shared[MMU_TLBS_MAX]; /* with other cores; of the pool */
	unsigned shared_count;
	struct walk_cache cache[2][MMU_WALK_CACHES_MAX]; /* by stage - 1 */
	unsigned caches[2];
	uint8_t learners[2][WALK_LEVELS]; /* which of them hold positions of this level */
	struct tlb_fill cache_fill[2];    /* of them: the latest, under the tag of the context */
	struct tlb *ipa_cache;            /* NULL: none */
	struct leaf *ipa_leaf;            /* per entry of it */
	struct tlb_fill ipa_fill;         /* of it: the latest, likewise */
	cycles_t ipa_cycles;

	struct mmu_top top[2][2]; /* of data and of fetches, by bit 55 */
	struct regime_info regime;
	tlb_tag_t stage2_tag;
	struct access access[3]; /* by kind */
	struct mmu_walker walker[MMU_WALKERS_MAX];
	unsigned walkers;
	cycles_t cycles_per_level;
	unsigned first_cache; /* that descriptors are read through; port->levels: none is */
	struct mem_port *port;
	struct physmem *memory;
	struct mem_req req;
	struct walk_mem walk_mem;
	struct page_design *design; /* NULL: Arm's own tables, which this module walks itself */

	cycles_t now;                 /* of the walk in progress */
	uint64_t table_ipa, table_pa; /* a stage 1 table whose PA is known without stage 2, ... */
	unsigned table_bits;          /* ... log2 of its size; 0: none */
	bool final;                   /* the present walk of stage 2 is for the access's own address */
	struct walk_place *learned[MMU_WALK_CACHES_MAX]; /* places whose table has not been read yet */
	unsigned learned_count;
	struct walk_memo memo;
	struct mmu_made made;
	struct translation walked; /* of a walk of m->design, or that neighbours are asked of */
	struct walk_end end[2];    /* by stage - 1; kept where neighbours are asked for */
	const char *const *served_names;
	struct why *why;               /* NULL: nobody asks where the cycles go, or not just now */
	bool explained;                /* mmu_explain(): somebody asks now and then */
	struct mmu_observer *observer; /* NULL: nobody looks on */
	struct tlb *blind;             /* in place of first[] where every look-up is to be seen */
	struct walker_stats *count;    /* of the walk in progress: stats, or the prefetcher's */
	struct walker_stats stats;
	struct stat_desc rows[MMU_WALKER_ROWS]; /* of stats, with this machine's level names */
};

/* Builds the MMU of one core over its data port. `tlbs` lists struct tlb_params. Everything is borrowed and must outlive
 * it. ERR_CONFIG names the key at fault. */
enum status mmu_new(const struct param_list *tlbs, const struct walker_params *w, struct mem_cpu *mem,
		    struct physmem *memory, struct mmu **out, struct err *err);
/* What an MMU is built of that may share TLBs with others. All borrowed; those of the pool must outlive it. */
struct mmu_parts {
	const struct param_list *tlbs;
	const struct walker_params *walker;
	struct mem_cpu *mem;
	struct physmem *memory;
	struct tlb_pool *pool; /* NULL: it has all its TLBs for itself */
	unsigned cpu;          /* its core's number */
};
enum status mmu_new_of(const struct mmu_parts *p, struct mmu **out, struct err *err);
void mmu_free(struct mmu *m);
/* For mmu_new: lets walks read memory through the port, and learn. */
void mmu_connect_walks(struct mmu *m);
/* After each change of what is there, who looks on, or the stages: whether the ways may be taken that are compiled for nobody (plain, plain_walks), and
 * how walks go. */
void mmu_settle(struct mmu *m);
void mmu_register_stats(struct mmu *m, struct stats *s, unsigned number);

/* Makes `regs` the present context at `el`: decodes them, and forms the tag. TLBs keep what they hold. */
void mmu_set_context(struct mmu *m, const struct sysregs *regs, const struct features *f, unsigned el,
		     bool pan, enum security security);

/* An access to `va` comes some accesses later, and misses now: lets the host know (foresight.h). `data`: what it reads will be looked for in
 * caches, too. Changes nothing. */
void mmu_foresee(struct mmu *m, uint64_t va, bool data);
/* The same for one core of many: an access to `va` comes when some others have had their turns. Steps 0 to FORESIGHT_STEPS - 1 are called one after
 * the other, some turns apart, so that each finds in the host's caches what the one before has asked for; `a` is kept in between. Does nothing before
 * mmu_share_foresight(). */
enum { FORESIGHT_STEPS = 3 };
struct foreseen_access;
void mmu_foresee_step(struct mmu *m, unsigned step, uint64_t va, bool data, struct foreseen_access *a);
/* Remembers tables in `f` (borrowed) from now on, with others that have the same. */
void mmu_share_foresight(struct mmu *m, struct foresight *f);

/* The predicted entry of the first TLB, if it answers an access at `now`; else NULL, which says nothing. Changes nothing. */
static inline const struct tlb_entry *mmu_predicted(const struct mmu *m, const struct tlb *t, uint64_t va,
						    enum access_kind kind, cycles_t now)
{
	const struct tlb_entry *e = tlb_predicted(t, va);
	bool right = tlb_matches(e, va, m->tag) && (e->perm & m->perm_mask[kind]) == m->perm_want[kind] &&
		     e->ready <= now;
	return right ? e : NULL;
}

/* mmu_translate() of what `e` of the first TLB answers, whose walk has not ended; only where m->plain. */
bool mmu_wait(struct mmu *m, struct tlb_entry *e, uint64_t va, enum access_kind kind, unsigned n,
	      cycles_t now, struct mmu_done *out);

/* Translates the address of `n` accesses in a row to one page (instructions of a run; 1 for data), starting at `now`.
 * False: m->fault says why, and out->cycle when it was known. */
static inline bool mmu_translate(struct mmu *m, uint64_t va, enum access_kind kind, unsigned n, cycles_t now,
				 struct mmu_done *out)
{
	struct tlb *t = m->first[kind];
	struct tlb_entry *e = tlb_predicted(t, va);
	bool right = tlb_matches(e, va, m->tag) && (e->perm & m->perm_mask[kind]) == m->perm_want[kind];
	if (__builtin_expect(!right, 0)) return m->miss(m, va, kind, n, now, out);
	if (__builtin_expect(e->ready > now, 0))
		return m->plain ? mmu_wait(m, e, va, kind, n, now, out) : m->miss(m, va, kind, n, now, out);
	tlb_touch(t, e);
	t->stats.lookups += n;
	t->stats.hits += n;
	out->cycle = now + t->params.hit_cycles;
	out->pa = e->pa | (va & ~e->va_mask);
	return true;
}

/* Where tables of other designs than radix come from; borrowed. Before the first translation. */
void mmu_set_table_memory(struct mmu *m, const struct table_memory *memory);
/* What a walk found, as TLBs are filled with it from cycle `ready` on. */
struct tlb_fill mmu_fill_of(const struct mmu *m, const struct translation *t, cycles_t ready);
/* Writes down in `why` (borrowed) how each translation comes about. Predicted hits take the slow way then, at the same
 * cycles and counts. */
void mmu_explain(struct mmu *m, struct why *why);
/* Lets `o` (borrowed) look on, beside others. */
void mmu_observe(struct mmu *m, struct mmu_observer *o);

static inline void mmu_tell_hit(const struct mmu *m, const struct tlb_entry *e, uint64_t va, struct access a)
{
	for (const struct mmu_observer *o = m->observer; o; o = o->next)
		if (o->hit) o->hit(o->self, e, (struct va){va}, a);
}

static inline void mmu_tell_walked(const struct mmu *m, const struct tlb_entry *e, uint64_t va,
				   struct access a)
{
	for (const struct mmu_observer *o = m->observer; o; o = o->next)
		if (o->walked) o->walked(o->self, e, (struct va){va}, a);
}

enum mmu_ahead { MMU_WALKED, MMU_NO_WALKER, MMU_REFUSED };
/* Whether the walk in progress is a prefetch that may not go on. */
static inline bool mmu_is_refused(const struct mmu *m) { return m->ahead && m->ahead_refused; }

/* Walks for a prefetch of `va` at `now`, if a walker is free then. MMU_WALKED: *out is what to fill, with what the walk has seen beside
 * it in near[TLB_PAGES_MAX], where somebody wants neighbours. MMU_REFUSED: it met a fault, or a descriptor that hardware would have
 * to write. */
enum mmu_ahead mmu_walk_ahead(struct mmu *m, uint64_t va, struct access a, cycles_t now, struct tlb_fill *out,
			      struct tlb_entry *near);

/* Shows the path of the program, which must outlive `m`, to the policies of all its TLBs that look at it. */
void mmu_follow(struct mmu *m, const struct repl_flow *flow);

/* From now on every TLB of it, shared ones, walk caches and the IPA cache included, counts whose doing its misses are; before statistics are registered. */
void mmu_count_evictors(struct mmu *m);

/* Calls `fn` for every TLB, shared ones included, walk cache and IPA cache. `stage`: 0 combined translations, 1 and 2 walk caches of that
 * stage, 3 the IPA cache. */
typedef void mmu_tlb_fn(void *ctx, struct tlb *t, int stage);
void mmu_each_tlb(struct mmu *m, mmu_tlb_fn *fn, void *ctx);

/* Checks lookups = hits + misses + merged in every TLB of the `n` MMUs, and their walks against the misses: of each MMU, or of
 * all together where they share TLBs. ERR_CHECK. */
enum status mmu_check_group(struct mmu *const *m, unsigned n, struct err *err);
/* The same for one that shares nothing. */
enum status mmu_check_sums(struct mmu *m, struct err *err);

#endif
