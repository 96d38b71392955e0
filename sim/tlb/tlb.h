/* tlb.h - a TLB of combined translations, tagged by regime, security state, VMID and ASID.
 *
 *   tlb_hit: (va, tag) -> entry or NULL, the few instructions of a predicted hit
 *   tlb_find: the whole look-up      tlb_fill: a walk's result -> entry      tlb_invalidate: TLBI
 *
 * An entry knows its own size, so one TLB holds pages and blocks together; a set is chosen by the page number
 * at the entry's size, and a look-up tries each size that is present. A way predictor, indexed by low bits of
 * the page number, finds most hits at once, and is verified against the entry itself: it costs time when
 * wrong, never truth.
 * No policy is called on a hit where a number or a mask says all that it would note of the touch (repl/repl.h).
 *
 * A TLB that coalesces holds several neighbouring pages per entry. Its entries are then *lines* of
 * 2^slot_bits pages, kept by tlb/lines.c: a line has the place and the age, and one struct tlb_entry per page
 * says what that page is. Those are what look-ups give and what the predictor knows, so a hit takes the same
 * instructions as in any other TLB.
 * Source: Arm ARM DDI 0487, D8.14 (TLB maintenance), D8.15 (use of ASIDs and VMIDs).
 * Not modelled: conflict aborts for two entries of one address.
 */
#ifndef TLB_TLB_H
#define TLB_TLB_H

#include "base/status.h"
#include "base/types.h"
#include "repl/evictors.h"
#include "repl/recency.h"
#include "repl/repl.h"
#include "stats/stats.h"
#include "tlb/order.h"
#include "tlb/ports.h"
#include "tlb/tlb_params.h"

/* --- tags ------------------------------------------------------------------------------------------------------ */

/* Who a translation belongs to, packed: ASID <15:0>, VMID <31:16>, regime <33:32>, security <35:34>. */
typedef uint64_t tlb_tag_t;

enum { TLB_TAG_ASID_BITS = 16 };
#define TLB_TAG_ALL ((tlb_tag_t)0xfffffffffULL)
#define TLB_TAG_GLOBAL (TLB_TAG_ALL & ~(tlb_tag_t)0xffff) /* leaves the ASID out of the comparison */

static inline tlb_tag_t tlb_tag(enum regime regime, enum security security, uint16_t vmid, uint16_t asid)
{
	return (tlb_tag_t)security << 34 | (tlb_tag_t)regime << 32 | (tlb_tag_t)vmid << 16 | asid;
}

/* --- entries --------------------------------------------------------------------------------------------------- */

struct tlb_entry {                /* one host cache line */
	uint64_t va, va_mask;     /* matches x where ((va ^ x) & va_mask) == 0 */
	tlb_tag_t tag, tag_mask;  /* and the request's tag likewise; an invalid entry matches no tag */
	uint64_t pa;              /* where va goes */
	cycles_t ready;           /* when the walk that brought it ends */
	uint16_t perm;            /* what it allows; the owner's business */
	uint8_t bits;             /* log2 of the size that this entry maps */
	uint8_t s1_bits, s2_bits; /* log2 of the translation's size at each stage; s2 is 0 without stage 2 */
	uint8_t level;            /* of the stage 1 leaf + 1: last-level-only TLBI and TTL hints */
	uint8_t attr, sh;         /* memory attributes (MAIR encoding) and shareability */
	uint32_t set;             /* where it stands; fixed */
	uint16_t way;
	bool contiguous, device;
};

struct tlb_stats {
	uint64_t lookups, hits, misses, merged; /* lookups = hits + misses + merged */
	uint64_t fills, evictions, invalidated;
	uint64_t permission_misses; /* misses on an entry that did not allow the access */
	uint64_t neighbours,
		joins; /* pages that came along with the one asked for; fills of a line that was there */
	uint64_t dropped_above; /* entries of nearer levels that an eviction here took along */
	uint64_t port_conflicts, port_wait_cycles;
};

enum { TLB_PREDICTOR_SLOTS = 1024, TLB_NUMBERED_WAYS = TLB_ORDER_WAYS_MAX, TLB_PAGES_MAX = 8 };

/* The pages that a fill replaced: what an exclusive level takes over, and an inclusive one takes away. */
struct tlb_victims {
	struct tlb_entry page[TLB_PAGES_MAX];
	unsigned count;
};

struct tlb { /* laid out for the hit path and for what a miss looks at; change it through the functions below only */
	struct tlb_entry *entry; /* sets x ways, row major; behind them the pages of each line */
	uint64_t *
		touched; /* by entry, the number of its last touch or fill; NULL: not in place of the policy */
	uint64_t touches;        /* the latest number */
	struct tlb_order *order; /* of the ways by their numbers; NULL: they are few */
	uint64_t
		*recency; /* the policy's state where it is an order in one word (repl/recency.h), in place of
				    touched; else NULL */
	uint16_t *sig;    /* sets x sig_stride: a few bits of each entry's page; 0 = invalid */
	uint64_t sizes_present; /* bit b: an entry of 2^b bytes is here */
	unsigned set_mask;      /* a page's set is these bits of its number, unless ... */
	bool folded;  /* ... the index takes others, too, or the number of sets is no power of two */
	bool narrow;  /* few ways, no lines, not folded */
	bool ordered; /* one set, and its recency in one word */
	bool plain; /* an entry is one translation, filled wherever it was missed, and nobody asks what a fill evicts */
	unsigned sets, ways, set_bits, sig_stride;
	unsigned
		full_of; /* a plain TLB of simple index whose entries are all valid and of 2^full_of bytes; 0: it is not so */
	unsigned slot_bits; /* log2 of the pages of a line; 0: an entry is one translation */
	struct tlb_stats stats;
	struct tlb_params params;
	uint32_t predict[TLB_PREDICTOR_SLOTS]; /* index of the entry that the last access of this slot used */
	struct repl_mask *mask; /* by way, what a touch does; NULL: the policy's function does it */
	uint32_t size_count[64];
	uint64_t sizes_held;         /* bit b: entries of 2^b bytes are allowed */
	uint16_t *valid;             /* valid ways per set */
	struct tlb_ports *ports;     /* NULL: as many as look-ups come */
	struct tlb_victims *victims; /* of the latest fill; NULL: nobody asks */
	struct evictors *evictors;   /* NULL: nobody asks whose doing misses are */
	const struct repl_policy *policy;
	struct repl_state state;
};

/* Builds a TLB from checked params; ERR_CONFIG names what does not fit together. Free with tlb_free. */
enum status tlb_new(const struct tlb_params *p, struct tlb **out, struct err *err);
void tlb_free(struct tlb *t);
/* Of an empty TLB that is asked first: makes tlb_hit() and tlb_touch() as fast as can be, at some cost of evictions. */
void tlb_expect_hits(struct tlb *t);
/* Registers the counters under a printf-style path. */
void tlb_register_stats(struct tlb *t, struct stats *s, const char *path, ...)
	__attribute__((format(printf, 3, 4)));

/* --- look-up --------------------------------------------------------------------------------------------------- */

static inline bool tlb_matches(const struct tlb_entry *e, uint64_t va, tlb_tag_t tag)
{
	return (((va ^ e->va) & e->va_mask) | ((tag ^ e->tag) & e->tag_mask)) == 0;
}

static inline unsigned tlb_slot(uint64_t va) { return va >> 12 & (TLB_PREDICTOR_SLOTS - 1); }

/* The entry that va most likely has, right or wrong. */
static inline struct tlb_entry *tlb_predicted(const struct tlb *t, uint64_t va)
{
	return &t->entry[t->predict[tlb_slot(va)]];
}

static inline void *tlb_state_of(const struct tlb *t, unsigned set)
{
	return t->state.set + set * t->state.stride;
}

/* A touch where t->mask is there. */
static inline void tlb_touch_masked(const struct tlb *t, const struct tlb_entry *e)
{
	uint64_t *word = tlb_state_of(t, e->set);
	*word = (*word & t->mask[e->way].keep) | t->mask[e->way].set;
}

/* Touches an entry, or the line that a page is of. */
static inline void tlb_touch(struct tlb *t, const struct tlb_entry *e)
{
	if (t->touched)
		t->touched[e - t->entry] = ++t->touches;
	else if (t->mask)
		tlb_touch_masked(t, e);
	else
		t->policy->touch(tlb_state_of(t, e->set), t->ways, e->way);
}

/* The same where hits are not so frequent that a branch more would count. */
static inline void tlb_touch_found(struct tlb *t, const struct tlb_entry *e)
{
	if (!t->recency)
		tlb_touch(t, e);
	else if (recency_nibbles_first(&t->recency[e->set]) != e->way)
		recency_nibbles_front(&t->recency[e->set], e->way);
}

/* The predicted entry if it is the right one, touched; else NULL, which says nothing. Counts nothing. */
static inline struct tlb_entry *tlb_hit(struct tlb *t, uint64_t va, tlb_tag_t tag)
{
	struct tlb_entry *e = tlb_predicted(t, va);
	if (__builtin_expect(!tlb_matches(e, va, tag), 0)) return NULL;
	tlb_touch(t, e);
	return e;
}

/* The entry for va, touched and predicted from now on, or NULL. Counts nothing. Valid until the next fill. */
struct tlb_entry *tlb_find(struct tlb *t, uint64_t va, tlb_tag_t tag);

/* The same for a TLB of large entries, where one often answers all: in a single set the most recent entry is tried first, if no smaller one can
 * be the answer. */
static inline struct tlb_entry *tlb_find_again(struct tlb *t, uint64_t va, tlb_tag_t tag)
{
	if (!t->ordered) return tlb_find(t, va, tag);
	struct tlb_entry *e = &t->entry[recency_nibbles_first(t->recency)];
	bool right = tlb_matches(e, va, tag) && !(t->sizes_present & ~e->va_mask); /* none is smaller */
	return right ? e : tlb_find(t, va, tag);
}

/* When a look-up of `va` that wants to begin at `now` can, as ports allow; counts what it waits. */
static inline cycles_t tlb_begin(struct tlb *t, uint64_t va, cycles_t now)
{
	if (!t->ports) return now;
	cycles_t begin = tlb_ports_reserve(t->ports, va, now);
	t->stats.port_conflicts += begin > now;
	t->stats.port_wait_cycles += begin - now;
	return begin;
}

/* The entry for va or NULL; nothing learns of it. */
const struct tlb_entry *tlb_peek(struct tlb *t, uint64_t va, tlb_tag_t tag);

/* --- change ---------------------------------------------------------------------------------------------------- */

/* A translation to be filled. `run_bits` is the size with contiguous runs taken as one, `bits` without; the
 * entry becomes the largest piece around `va` that this TLB holds. `like` carries everything but va, va_mask,
 * pa and bits:
 * those are computed from `va` and the address `pa` that it goes to. */
struct tlb_fill {
	uint64_t va, pa;
	unsigned bits, run_bits;
	struct tlb_entry like;
	const struct tlb_entry
		*near; /* neighbours known from the same walk, complete; for TLBs that coalesce */
	unsigned near_count;
};

/* log2 of the entry, or of the page of a line, that a fill would make; 0: none. */
unsigned tlb_fill_bits(const struct tlb *t, const struct tlb_fill *f);
/* Fills; returns the entry, or NULL where the TLB holds no size that is small enough. */
struct tlb_entry *tlb_fill(struct tlb *t, const struct tlb_fill *f);

/* Which entries a TLBI takes: all conditions must hold. A zero mask leaves the condition out. */
struct tlb_match {
	bool by_address;
	uint64_t first, last; /* under by_address: overlaps the stage 1 block or page that the entry is of */
	tlb_tag_t tag, tag_mask; /* compared where the entry compares, too: global entries match any ASID */
	bool not_global;         /* only entries that have an ASID */
	uint8_t levels;          /* bit l + 1: only leaves of level l, and of no known level; 0: any */
	uint8_t granule_bits;    /* only what comes from tables of this granule, or of no known one; 0: any */
};

/* The `level` of an entry whose leaf's is not known, or that is no leaf: level hints do not spare it. */
enum { TLB_LEVEL_ANY = 7 };

/* An entry may be a piece of a stage 1 block, cut to what stage 2 or the TLB allows: maintenance of any
 * address of the block takes every piece. Without a stage 1 (s1_bits 64) an entry is only itself. */
static inline uint64_t tlb_match_mask(const struct tlb_entry *e)
{
	return e->s1_bits > e->bits && e->s1_bits < 64 ? UINT64_MAX << e->s1_bits : e->va_mask;
}

/* Whether a descriptor of tables of this granule covers 2^bits bytes, at one level or another. No size is of two granules. */
static inline bool tlb_size_is_of(unsigned bits, unsigned granule_bits)
{
	return bits >= granule_bits && (bits - granule_bits) % (granule_bits - 3) == 0;
}

/* The granule of the tables that an entry comes from: of stage 1 where it has one. 0: not known. */
static inline unsigned tlb_granule(const struct tlb_entry *e)
{
	unsigned bits = e->s1_bits ? e->s1_bits : e->bits;
	for (unsigned granule = GRANULE_4K; granule <= GRANULE_64K; granule += 2)
		if (tlb_size_is_of(bits, granule)) return granule;
	return 0;
}

static inline bool tlb_comes_of(const struct tlb_entry *e, unsigned granule_bits)
{
	unsigned granule = tlb_granule(e);
	return !granule || granule == granule_bits;
}

static inline bool tlb_match_takes(const struct tlb_match *m, const struct tlb_entry *e)
{
	uint64_t mask = tlb_match_mask(e);
	if (!e->bits) return false;
	if (m->by_address && (m->first > (e->va | ~mask) || m->last < (e->va & mask))) return false;
	if ((m->tag ^ e->tag) & m->tag_mask & e->tag_mask) return false;
	if (m->not_global && e->tag_mask != TLB_TAG_ALL) return false;
	if (m->granule_bits && !tlb_comes_of(e, m->granule_bits)) return false;
	return !m->levels || e->level == TLB_LEVEL_ANY || (m->levels >> e->level & 1);
}

/* Removes the entries that `m` takes; returns how many: of a sub-blocked TLB, pages. O(entries). */
unsigned tlb_invalidate(struct tlb *t, const struct tlb_match *m);
/* Removes one entry; a page of a line goes alone where its neighbours can stay without it. */
void tlb_drop(struct tlb *t, struct tlb_entry *e);
/* The other pages of the line that `e` is of, copied to near[TLB_PAGES_MAX]; returns how many. 0 without
 * lines. */
unsigned tlb_near(const struct tlb *t, const struct tlb_entry *e, struct tlb_entry *near);
/* Removes `e` and all of its line; the other pages are copied as by tlb_near. */
unsigned tlb_take(struct tlb *t, struct tlb_entry *e, struct tlb_entry *near);
/* From now on each fill leaves in t->victims what it replaced. */
void tlb_keep_victims(struct tlb *t);
/* From now on counts whose doing its misses are (repl/evictors.h); before tlb_register_stats(). By evictors_act() its owner says who
 * fills, and by tlb_ask_evictors(), before the fill, what was missed. */
void tlb_count_evictors(struct tlb *t);
void tlb_ask_evictors(struct tlb *t, const struct tlb_fill *f);
/* As tlb_drop(), of an entry that goes because an inclusive TLB below has evicted its own. */
void tlb_drop_evicted(struct tlb *t, struct tlb_entry *e);
/* Calls `fn` for each translation held. `fn` may drop the one it is given. */
typedef void tlb_entry_fn(void *ctx, struct tlb *t, struct tlb_entry *e);
void tlb_each(struct tlb *t, tlb_entry_fn *fn, void *ctx);

/* Asserts what must always hold: signatures, counts and sizes agree with the entries. O(entries); for tests.
 * */
void tlb_check(const struct tlb *t);

#endif
