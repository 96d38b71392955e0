/* summary.h - what a stream holds: totals of its records, and the pages that they touch. */
#ifndef TRACE_SUMMARY_H
#define TRACE_SUMMARY_H

#include "trace/source.h"

struct trace_summary {
	uint64_t records, by_kind[256];
	uint64_t instructions; /* as record_instructions() counts them */
	uint64_t fetches;      /* instructions of fetch records */
	uint64_t loads, stores;
	uint64_t code_pages; /* 4 KiB pages with a fetched instruction */
	uint64_t data_pages; /* 4 KiB pages with the first byte of a load or store */
	uint64_t all_pages;  /* either */
};

/* Reads the rest of the stream and adds it up. Host memory: about 16 bytes per page touched. */
enum status trace_summarize(struct trace_source *src, struct trace_summary *out, struct err *err);

/* Instruction fetches + loads + stores: what --skip and --count of `strata trace` count. */
static inline uint64_t trace_summary_accesses(const struct trace_summary *s)
{
	return s->fetches + s->loads + s->stores;
}

#endif
