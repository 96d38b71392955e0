/* pages.h - the pages that one side of a stream touches, in order, without immediate repetitions.
 *
 *   page_stream_add(stream, records) -> page numbers, handed to `sink` in blocks
 * Counting is that of a TLB: one access per instruction fetched and per load or store, by the address of its first
 * byte. An access to the page of the access before it is counted and not handed on: it is a hit in every TLB that has
 * an entry, and changes no order of use.
 * Not modelled: accesses that cross a page, address spaces (a SWITCH record changes nothing), TLBI.
 */
#ifndef ANALYSIS_PAGES_H
#define ANALYSIS_PAGES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/record.h"

enum page_side { PAGES_DATA, PAGES_INSTRUCTION, PAGES_BOTH, PAGE_SIDES };
extern const char *const page_side_names[]; /* "data", "instruction", "both"; NULL at the end */

enum { PAGE_BLOCK = 1024 };

typedef void page_sink_fn(void *ctx, const uint64_t *page, size_t n);

struct page_stream { /* zeroed but for the fields up to `ctx` */
	enum page_side side;
	unsigned page_bits; /* log2 of the page size, 12 or more */
	page_sink_fn *sink;
	void *ctx;
	uint64_t accesses; /* all, repetitions included */
	uint64_t last;     /* the page of the last access + 1 */
	size_t held;
	uint64_t block[PAGE_BLOCK];
};

void page_stream_add(struct page_stream *s, const struct record *r, size_t n);
/* Hands on what is held. Call it at the end. */
void page_stream_flush(struct page_stream *s);

#endif
