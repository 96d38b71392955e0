/* page_ids.h - page numbers to dense numbers 0, 1, 2, ... in order of first use: a hash table that only grows. */
#ifndef ANALYSIS_PAGE_IDS_H
#define ANALYSIS_PAGE_IDS_H

#include <stddef.h>
#include <stdint.h>

struct page_ids {       /* zeroed: empty */
	uint64_t *page; /* page + 1; 0: free */
	uint32_t *id;
	size_t slots, count;     /* a power of two, at most half of it used */
	uint64_t last_page_plus; /* the last answer, for curves that ask for the same page in turn */
	uint32_t last_id;
};

/* The number of a page, given to it now if it is new. Ends the program beyond 2^32 - 2 pages. */
uint32_t page_id(struct page_ids *ids, uint64_t page);
void page_ids_free(struct page_ids *ids);

#endif
