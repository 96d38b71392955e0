/* prefetch.h - translations brought into a buffer before they are asked for.
 *
 *   prefetch_take: a miss of all TLBs -> the buffer's answer      prefetch_train: a miss -> prefetches
 * The buffer is looked up when the last TLB level has missed. What it has moves into the TLBs, so they hold only what was asked for. Each miss, answered by the buffer or by a walk, trains the
 * prefetcher (tlb/prefetch.h), and each page that it proposes is walked for if a walker is free then; else it
 * is dropped. Such a walk reads descriptors through the caches as any walk does, but writes none: a page that
 * would need its access flag set is not prefetched, nor one that faults.
 * What the counters say: accuracy is used / filled; coverage is used / (used + demand walks); timeliness is
 * late / used and late_cycles; pollution is `unused` (entries that went before they were used), `early` (of
 * those, what was then walked for), and the caches' traffic under prefetch_walker. A page of the buffer is accounted for once: filled =
 * used + unused + the buffer's invalidated and permission_misses + what is in it.
 * Source: Kandiraju and Sivasubramaniam, ISCA 2002 (buffer beside the TLB, trained by misses); Vavouliotis et
 * al., ISCA 2021.
 * Not modelled: prefetches waiting for a walker; prefetching into the TLBs themselves; giving up a walk for a
 * demand one.
 */
#ifndef MMU_PREFETCH_H
#define MMU_PREFETCH_H

#include "mmu/mmu.h"
#include "tlb/free_pages.h"

enum { PREFETCH_LOST = 64 };

struct prefetch_stats {
	uint64_t misses;                             /* that trained it */
	uint64_t proposed, held, no_walker, refused; /* proposed = held + no_walker + refused + walked */
	uint64_t walked, neighbours, filled;         /* filled = walked + neighbours */
	uint64_t used, late, late_cycles, unused, early;
};

struct mmu_prefetch {
	const struct prefetcher *how;
	enum prefetch_neighbours neighbours;
	struct prefetch_params params;
	void *state;
	struct tlb *buffer;
	int8_t *distance; /* by entry of it, from the page that was walked for; 0: it was walked for itself */
	struct free_pages free;       /* of neighbours that are sampled */
	uint64_t lost[PREFETCH_LOST]; /* VAs of what left the buffer unused, the latest of them */
	unsigned lost_next;
	struct prefetch_stats stats;
	struct walker_stats walks;
	struct stat_desc rows[MMU_WALKER_ROWS]; /* of walks */
};

extern const struct stat_desc prefetch_stat_rows[];
extern const size_t prefetch_stat_row_count;

/* *out is NULL where `params` say none. */
enum status prefetch_new(const struct prefetch_params *params, struct mmu_prefetch **out, struct err *err);
void prefetch_free(struct mmu_prefetch *p);

/* Looks in the buffer at *now, which moves on by the time of that. True: it had the translation, which is now
 * in the TLBs. */
bool prefetch_take(struct mmu *m, uint64_t va, struct access a, unsigned n, cycles_t *now,
		   struct mmu_done *out);
/* A translation of 2^bits bytes at `va` had to be walked for, or came from the buffer; it was known `at`. */
void prefetch_train(struct mmu *m, uint64_t va, unsigned bits, struct access a, cycles_t at);
/* Takes neighbours that a walk for `va` has seen into the buffer, as far as they are wanted. */
void prefetch_take_neighbours(struct mmu *m, unsigned side, uint64_t va, const struct tlb_entry *near,
			      unsigned count);

#endif
