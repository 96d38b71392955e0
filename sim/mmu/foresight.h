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

/* A last-level table, for the inputs of a region: at PA `table`, of which `entry` of physical memory held the latest descriptor. Should the page have
 * moved since, what is asked for is of no use, and no more. */
struct foresight_table {
	uint64_t region, table, entry;
};

/* A last descriptor that will be read for `input`, at PA `at`, of a page with this entry; 0: not known where. */
struct foreseen {
	uint64_t input, at, entry;
};

struct foresight {
	struct foresight_table table[2][FORESIGHT_TABLES]; /* by stage - 1, and the low bits of the region */
	struct foreseen next[2];                           /* by stage - 1: asked for by the latest call */
};

/* log2 of what a last-level table of `s` maps. */
static inline unsigned foresight_bits(const struct stage_info *s) { return 2 * s->granule_bits - 3; }

/* A last descriptor was read for `input` at `pa`, in the page of `entry`. */
static inline void foresight_note(struct foresight *f, const struct stage_info *s, uint64_t input,
				  struct pa pa, uint64_t entry)
{
	uint64_t region = input >> foresight_bits(s);
	f->table[s->stage - 1][region % FORESIGHT_TABLES] = (struct foresight_table){
		region, bits_align_down(pa.raw, s->granule_bits), entry};
}

#endif
