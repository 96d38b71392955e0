/* foresight.h - has the host fetch ahead what walks of accesses to come will read.
 *
 *   mmu_foresee: the VA of an access that comes some accesses later      foresight_note: where a walk has read a last descriptor
 * Random accesses wait for the host's memory three times, one after the other: at stage 1's last descriptor, at stage 2's, and at the sets of the
 * model's caches for their lines and for the data's. A batch of records says what comes, so each is asked for some accesses ahead:
 * foresight remembers the last tables of both stages by the regions that they map, and looks there as a walk will. It changes nothing of the
 * model, and where it is wrong nothing but a line of the host's caches is lost.
 */
#ifndef MMU_FORESIGHT_H
#define MMU_FORESIGHT_H

#include "mmu/regime.h"

enum {
	FORESIGHT_RECORDS = 6,   /* how far ahead to ask: each step of two takes a miss, and then some time */
	FORESIGHT_TABLES = 4096, /* of each stage: 8 GiB of pages of 4 KiB */
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

struct foresight {
	struct foresight_table table[2][FORESIGHT_TABLES]; /* by stage - 1, and the low bits of the region */
	struct foreseen next[2];                           /* by stage - 1: asked for by the latest call */
};

/* log2 of what a last-level table of `s` maps. */
static inline unsigned foresight_bits(const struct stage_info *s) { return 2 * s->granule_bits - 3; }

/* What struct foresight_table has of a region in the bits below a table. */
static inline uint64_t foresight_tag(uint64_t region) { return region / FORESIGHT_TABLES % FORESIGHT_TABLES; }

static inline void foresight_note(struct foresight *f, unsigned stage, const struct stage_info *s,
				  uint64_t input, uint64_t descriptor)
{
	uint64_t region = input >> foresight_bits(s);
	uint64_t page = UINT64_C(1) << s->granule_bits, table = (descriptor & -page) | foresight_tag(region);
	struct foresight_table *t = &f->table[stage - 1][region % FORESIGHT_TABLES];
	if (__builtin_expect(t->table != table, 0)) *t = (struct foresight_table){.table = table};
}

#endif
