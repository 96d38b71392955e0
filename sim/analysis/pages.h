/* pages.h - the pages that one side of a stream touches, in order, without immediate repetitions.
 *
 *   page_stream_add(stream, records) -> page keys, handed to `sink` in blocks
 * Counting is that of a TLB: one access per instruction fetched and per load, store, exclusive or atomic, by the address of its first
 * byte; with `split`, one per page that it touches. An access to the page of the access before it is counted and not handed on: it is
 * a hit in every TLB that has an entry, and changes no order of use.
 * A key says the page and whose it is. A SWITCH record goes to the address space of its ASID (the stream begins in 1, as programs do), where
 * every page of the lower half is another one; the upper half is the same in all. Tags of the lower half are no part of a page.
 * Source: address tags: Arm ARM DDI 0487, D8.8 (TBI); ASIDs and the halves: D8.16, and Linux's use of them.
 * Not modelled: TLBI, UNMAP and DESC records; contention of LOCK records.
 */
#ifndef ANALYSIS_PAGES_H
#define ANALYSIS_PAGES_H

#include <stdbool.h>
#include <stddef.h>

#include "analysis/page_ids.h"
#include "base/record.h"

enum page_side { PAGES_DATA, PAGES_INSTRUCTION, PAGES_BOTH, PAGE_SIDES };
extern const char *const page_side_names[]; /* "data", "instruction", "both"; NULL at the end */

enum { PAGE_BLOCK = 1024 };

typedef void page_sink_fn(void *ctx, const uint64_t *key, size_t n);

/* Keys: bit 63 is set for the upper half; below it, the lower half has the address space from bit KEY_SPACE on. A page has at most 52 bits, of
 * the lower half without its tag 44. */
enum { KEY_SPACE = 44, KEY_UPPER = 63, KEY_SPACES_MAX = 1 << 16 };

/* The page number, which chooses the set. */
static inline uint64_t page_of_key(uint64_t key)
{
	return key >> KEY_UPPER ? key & ~(UINT64_C(1) << KEY_UPPER) : key & ((UINT64_C(1) << KEY_SPACE) - 1);
}

struct page_stream { /* zeroed but for the fields up to `ctx` */
	enum page_side side;
	unsigned page_bits; /* log2 of the page size, 12 or more */
	bool split;         /* a load or store that crosses a page is an access to each */
	page_sink_fn *sink;
	void *ctx;
	uint64_t accesses;      /* all, repetitions included */
	uint64_t last;          /* the page of the last access + 1; 0: none in this address space */
	uint64_t space;         /* bits of the present address space in keys */
	struct page_ids spaces; /* by ASID */
	bool overflows;
	size_t held;
	uint64_t block[PAGE_BLOCK];
};

/* Beyond KEY_SPACES_MAX address spaces, `overflows` says that keys are of several. */
void page_stream_add(struct page_stream *s, const struct record *r, size_t n);
/* Hands on what is held. Call it at the end. */
void page_stream_flush(struct page_stream *s);
/* Hands on what is held, and counts accesses from here on. */
void page_stream_restart(struct page_stream *s);
/* Frees what it allocated, not `s`. */
void page_stream_fini(struct page_stream *s);

#endif
