/* foresight.h - has the host fetch ahead what walks of accesses to come will read.
 *
 *   mmu_foresee: the VA of an access that comes some accesses later      foresight_note: where a walk has read a descriptor
 *   mmu_foresee_step: the same of one core of many, in steps that lie some turns of other cores apart
 * Random accesses wait for the host's memory three times, one after the other: at stage 1's last descriptor, at stage 2's, and at the sets of the
 * model's caches for their lines and for the data's. A batch of records says what comes, so each is asked for some accesses ahead:
 * foresight remembers the last tables of both stages by the regions that they map, and looks there as a walk will. It changes nothing of the
 * model, and where it is wrong nothing but a line of the host's caches is lost.
 *
 * One core's own caches and TLBs are in those of the host. Where many cores take turns they are not: there a step asks for them, too, and all
 * that share tables share what is remembered of these.
 */
#ifndef MMU_FORESIGHT_H
#define MMU_FORESIGHT_H

#include "mmu/regime.h"

enum {
	FORESIGHT_RECORDS = 6,   /* how far ahead to ask: each step of two takes a miss, and then some time */
	FORESIGHT_TABLES = 4096, /* of each stage: 8 GiB of pages of 4 KiB */
	FORESIGHT_ABOVE = 64,    /* tables of the level above, of stage 1 */
};

/* A last-level table of the inputs of a region: its PA, and in the bits below it those of the region above the place in the list. */
struct foresight_table {
	uint64_t table;
	uint64_t
		entry; /* of its page in physical memory, of a table of one page that was asked for; else 0 */
};

/* A last descriptor of `tree` that will be read for `input`, at PA `at`, in the page of `entry` of physical memory; 0: not known where. */
struct foreseen {
	const struct stage_info *tree;
	uint64_t input, at, entry;
};

/* What the steps of an access know of it, by stage - 1. */
struct foreseen_access {
	struct foreseen stage[2];
};

/* The table of the level above the last for a region. Of the first one it may not be known yet, which costs a wrong guess. */
struct foresight_above {
	uint64_t table, region;
};

struct foresight {
	struct foresight_table table[2][FORESIGHT_TABLES]; /* by stage - 1, and the low bits of the region */
	uint64_t ipa[FORESIGHT_TABLES];                    /* of stage 1's, likewise */
	struct foresight_above above[FORESIGHT_ABOVE];     /* by the low bits of the region */
	struct foreseen next[2]; /* by stage - 1: asked for by the latest mmu_foresee() */
};

/* Nothing is remembered. Free with free(). */
struct foresight *foresight_new(void);

/* log2 of what a last-level table of `s` maps. */
static inline unsigned foresight_bits(const struct stage_info *s) { return 2 * s->granule_bits - 3; }

/* What struct foresight_table has of a region in the bits below a table. */
static inline uint64_t foresight_tag(uint64_t region) { return region / FORESIGHT_TABLES % FORESIGHT_TABLES; }

/* log2 of what a table of the level above maps. */
static inline unsigned foresight_above_bits(const struct stage_info *s)
{
	return foresight_bits(s) + s->granule_bits - 3;
}

/* A walk for `input` has read the last descriptor of `stage` at PA `descriptor`, and of stage 1 at IPA `ipa`. */
static inline void foresight_note(struct foresight *f, unsigned stage, const struct stage_info *s,
				  uint64_t input, uint64_t descriptor, uint64_t ipa)
{
	uint64_t region = input >> foresight_bits(s), place = region % FORESIGHT_TABLES;
	uint64_t page = UINT64_C(1) << s->granule_bits, table = (descriptor & -page) | foresight_tag(region);
	struct foresight_table *t = &f->table[stage - 1][place];
	if (__builtin_expect(t->table == table, 1)) return;
	*t = (struct foresight_table){.table = table};
	if (stage == 1) f->ipa[place] = ipa & -page;
}

/* The same of the level above, of stage 1; only who shares asks for that. */
static inline void foresight_note_above(struct foresight *f, const struct stage_info *s, uint64_t input,
					uint64_t descriptor)
{
	uint64_t region = input >> foresight_above_bits(s), page = UINT64_C(1) << s->granule_bits;
	f->above[region % FORESIGHT_ABOVE] = (struct foresight_above){.table = descriptor & -page,
								      .region = region};
}

#endif
