/* cached.h - what the checker of maintenance.h keeps: translations that some TLB may hold, and the descriptors that each
 * was made of, findable by address and by descriptor.
 */
#ifndef MMU_CACHED_H
#define MMU_CACHED_H

#include "mmu/maintenance.h"

enum { CACHED_DEPS_MAX = 32, CACHED_BUCKETS = 4096 };

/* A word of memory that a walk has read as a descriptor. */
struct descriptor {
	struct pa pa;
	struct descriptor_kind kind;
	struct dependence *first; /* translations that were made of it */
	struct descriptor *next;  /* of its bucket */
};

struct dependence {
	struct cached *owner;
	struct descriptor *descriptor;
	uint64_t value; /* when it was read */
	uint64_t input; /* VA or IPA that its stage translated */
	uint8_t bits;   /* log2 of what it maps; of a table 4K, as it may be left by any piece */
	bool leaf;      /* it maps; false: it leads to a table */
	struct dependence *next, **link; /* of its descriptor's list */
};

/* What TLBIs must take before a translation is gone. */
enum cached_part {
	CACHED_LEAF,   /* the translation itself */
	CACHED_TABLES, /* stage 1 tables on its way: of a walk cache */
	CACHED_IPA,    /* what stage 2 alone is remembered by */
	CACHED_PARTS
};

/* A translation that a TLB may hold; or, of one that is gone, the tables that a walk cache may. */
struct cached {
	struct tlb_entry entry; /* of tables: the addresses that the last of them translates */
	bool tables_only;
	uint8_t table_bits; /* log2 of what the last stage 1 table on its way translates; 0: there is none */
	struct va va;       /* that the walk was for */
	struct access access;
	const struct regime_info *regime; /* that it was for */
	unsigned cpu;                     /* whose TLB */
	uint64_t event;
	struct dependence dep[CACHED_DEPS_MAX];
	unsigned deps;

	/* Since its last descriptor changed (or since it was made): */
	struct descriptor_write write; /* event 0: none changed */
	bool reported;
	bool ordered;      /* a DSB has followed the write */
	bool needs_tables; /* the changed one is a table descriptor, which walk caches hold */
	bool needs_ipa;    /* ... is of stage 2 */
	bool early;        /* a TLBI came before that DSB */
	bool before_ipa;   /* one of stage 1 came before that by IPA had completed */
	uint64_t taken_by
		[CACHED_PARTS]; /* CPUs (by number modulo 64) whose TLBIs took the part in order, and await a DSB */
	bool gone[CACHED_PARTS];     /* that DSB has come */
	struct cached *next, **link; /* of its bucket */
};

struct cached_set {
	struct cached *bucket[CACHED_BUCKETS];
	struct descriptor *descriptor[CACHED_BUCKETS];
	uint64_t size_count[64]; /* translations of 2^b bytes */
	uint64_t count;
};

/* The list in which a translation of 2^bits bytes around `va` is. */
struct cached **cached_bucket(struct cached_set *s, uint64_t va, unsigned bits);
struct cached *cached_add(struct cached_set *s, const struct tlb_entry *e);
void cached_remove(struct cached_set *s, struct cached *c);
/* Calls `fn` for each translation that answers (va, tag), of every size; `fn` may remove what it is given. */
typedef void cached_fn(void *self, struct cached *c);
void cached_each_at(struct cached_set *s, uint64_t va, tlb_tag_t tag, cached_fn *fn, void *self);
/* The same for each that lies inside of the 2^bits bytes around `va`, and is smaller. */
void cached_each_inside(struct cached_set *s, uint64_t va, unsigned bits, tlb_tag_t tag, cached_fn *fn,
			void *self);
void cached_each(struct cached_set *s, cached_fn *fn, void *self);

struct descriptor *cached_find_descriptor(struct cached_set *s, struct pa pa);
/* `c` was made of one more descriptor, at `pa`, of the tree `of`. */
void cached_depend(struct cached_set *s, struct cached *c, struct pa pa, const struct walk_ref *ref,
		   uint64_t value, const struct stage_info *of);
/* Forgets what `c` was made of, and how far its invalidation is. */
void cached_renew(struct cached *c);
/* Its write is the latest: no invalidation counts yet. */
void cached_outdate(struct cached *c, const struct descriptor_write *w);
/* The translation is gone, and its stage 1 tables are left, unless they are remembered already. `c` is valid no more. */
void cached_keep_tables(struct cached_set *s, struct cached *c);

void cached_fini(struct cached_set *s);

#endif
