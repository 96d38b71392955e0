/* free_pages.h - which neighbours of a page are worth a place in the prefetch buffer, by sampling.
 *
 *   free_pages_choose: (page, distance) -> to the buffer, or it is remembered      free_pages_missed, free_pages_used: what came of it
 * The neighbours of a page on its line of descriptors are at distances of -7 to 7. Each distance has a counter. A neighbour at a distance
 * whose counter is above a threshold goes to the buffer, others only to a sampler: their numbers are kept, and nothing else. A miss
 * that the sampler knows, and a use of a neighbour in the buffer, count up. When a counter is full all are halved.
 * Source: Vavouliotis et al., Exploiting Page Table Locality for Agile TLB Prefetching, ISCA 2021: SBFP, its free distance table (14
 * counters of 10 bits, threshold 100) and sampler (64 entries, the oldest goes).
 * Not modelled: time of the sampler's look-up; address spaces in the sampler.
 */
#ifndef TLB_FREE_PAGES_H
#define TLB_FREE_PAGES_H

#include <stdbool.h>
#include <stdint.h>

enum { FREE_DISTANCE_MAX = 7, FREE_SAMPLES = 64, FREE_THRESHOLD = 100, FREE_COUNT_MAX = 1023 };

struct free_sample {
	uint64_t va; /* of the page, + 1; 0: none */
	uint8_t bits;
	int8_t distance;
};

/* Zero it at first. */
struct free_pages {
	uint16_t count[2 * FREE_DISTANCE_MAX + 1]; /* by distance + FREE_DISTANCE_MAX */
	struct free_sample sample[FREE_SAMPLES];
	unsigned next;
};

/* The page of 2^bits bytes at `va`, `distance` pages from the one that was walked for, is known: whether to put it into the buffer. */
bool free_pages_choose(struct free_pages *f, uint64_t va, unsigned bits, int distance);
/* A miss that the buffer did not have. */
void free_pages_missed(struct free_pages *f, uint64_t va);
/* A use of a page that the buffer had for its distance. */
void free_pages_used(struct free_pages *f, int distance);

#endif
