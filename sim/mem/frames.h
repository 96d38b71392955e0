/* frames.h - hands out the page frames of one region: a NUMA node's memory, or a VM's (addresses are IPAs).
 *
 *   page: one base page, in order or scattered     block: a naturally aligned power of two
 *   table: a page for a translation table, taken from groups of 2 MiB that hold nothing else
 *   frames_join: the regions of several nodes as one
 *
 * The region is cut into pageblocks (the size of a huge page). In order, pages fill one pageblock after
 * the other. Scattered, pages come in a pseudo-random order without repetition, first from the odd
 * pageblocks, and from the even ones when those are full: memory as it looks on a machine that has been
 * up for a while, where half of the pageblocks are never whole. Running out is a result (false).
 * The order is computed (base/permute.h), so no list of free frames exists and untouched memory costs nothing.
 *
 * Source: Linux mm/page_alloc.c (pageblocks, grouping by migrate type).
 * Not modelled: coalescing of freed neighbours, per-CPU lists, compaction, watermarks.
 */
#ifndef MEM_FRAMES_H
#define MEM_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

struct frames;

struct frames_params {
	uint64_t base, bytes;  /* the region; what does not fill a whole page at its ends is not used */
	unsigned page_bits;    /* log2 of the base page: 12, 14 or 16 */
	unsigned block_bits;   /* log2 of a pageblock, the huge page: 21, 25 or 29 */
	unsigned fail_percent; /* 0..100: share of frames_take_huge() that fails, for fragmentation */
	bool scattered;
	uint64_t seed;
	const char *path; /* names the random stream */
};

struct frames *frames_new(const struct frames_params *p);
void frames_free(struct frames *f);

/* Several regions as one: what is taken comes from the first region of an order that has it. Takes over the `count` regions and the array (freed with free()). */
struct frames *frames_join(struct frames **region, unsigned count);
/* From now on the regions are tried in this order, and others not at all; at first all are, as they come. */
void frames_prefer(struct frames *f, const unsigned *order, unsigned count);
/* The same for translation tables alone; count 0: they come from where pages do, as at first. `in_turn`: each begins one further
 * in the order than the one before. */
void frames_prefer_tables(struct frames *f, const unsigned *order, unsigned count, bool in_turn);
/* How many regions were joined; 1: none. */
unsigned frames_regions(const struct frames *f);
/* The number of the region that `addr` lies in; 0 where none were joined. */
unsigned frames_region_of(const struct frames *f, uint64_t addr);

/* Each puts an address into *addr, or returns false and leaves it: the region has nothing left that fits. */
bool frames_take_page(struct frames *f, uint64_t *addr);
bool frames_take_table(struct frames *f, uint64_t *addr);
/* 2^bits bytes, aligned to their size; bits is at least page_bits. A scattered region has no blocks larger
 * than a pageblock, and a small one (below 16 pageblocks) none larger than 256 KiB. */
bool frames_take_block(struct frames *f, unsigned bits, uint64_t *addr);
/* The same, for a run of pages that is given only where memory is not fragmented: `fail_percent` of them fail. */
bool frames_take_run(struct frames *f, unsigned bits, unsigned fail_percent, uint64_t *addr);
/* Where a huge page may come from that no pool has: the first region of the order alone, or any. Linux tries the local node by
 * itself (__GFP_THISNODE), and others for memory that was madvised (__GFP_DIRECT_RECLAIM): mm/mempolicy.c, alloc_pages_mpol(). */
enum frames_reach { FRAMES_LOCAL, FRAMES_ANYWHERE };
/* A pageblock, for a huge page: fails as often as fail_percent says. */
bool frames_take_huge(struct frames *f, enum frames_reach reach, uint64_t *addr);

/* Hotplug of memory at the end of region `number`, whose memory is handed out in order. */
uint64_t frames_end(const struct frames *f, unsigned number);
/* The region ends at `end` from now on, behind where it did: there is so much more. */
void frames_grow(struct frames *f, unsigned number, uint64_t end);
/* Nothing of what is free from `from` on is handed out any more; what is in use there may still be given back. Then either it is gone,
 * and the region ends there, or what was free is so again. */
void frames_isolate(struct frames *f, unsigned number, uint64_t from);
void frames_end_isolation(struct frames *f, unsigned number, uint64_t from, bool gone);

/* A pool of huge pages that are set aside, as those of hugetlbfs on a node. */
struct frames_pool_stats {
	uint64_t total, free;  /* huge pages, now */
	uint64_t taken, given; /* since it was made */
	uint64_t other_node,
		failed; /* taken because the first node's pool was empty; asked for when all were */
};
/* Sets `count` huge pages of region `number` aside; returns how many there were. Once. */
uint64_t frames_set_pool(struct frames *f, unsigned number, uint64_t count);
/* One from the pools, of the first region of the order that has any; no share of them fails. */
bool frames_take_pooled(struct frames *f, uint64_t *addr);
/* Whether `addr` lies in a huge page of a pool, taken or not. */
bool frames_is_pooled(const struct frames *f, uint64_t addr);
struct frames_pool_stats *frames_pool_stats(struct frames *f, unsigned number);

/* Of region `number` of several joined and of no other, whatever order is set. 2^bits bytes as frames_take_block(). */
bool frames_take_table_of(struct frames *f, unsigned number, uint64_t *addr);
bool frames_take_block_of(struct frames *f, unsigned number, unsigned bits, uint64_t *addr);
bool frames_take_page_of(struct frames *f, unsigned number, uint64_t *addr);

/* Gives back 2^bits bytes at `addr`, as they were taken or as any aligned part of that. A huge page of a pool goes back to it; parts of
 * one are ordinary memory from then on. */
void frames_give(struct frames *f, uint64_t addr, unsigned bits);

/* How often anything was handed out. */
uint64_t frames_takes(const struct frames *f);
/* Bytes handed out and not given back. */
uint64_t frames_used_bytes(const struct frames *f);

#endif
