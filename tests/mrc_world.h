/* mrc_world.h - what the tests of miss-ratio curves share: streams, and curves of them. */
#ifndef TESTS_MRC_WORLD_H
#define TESTS_MRC_WORLD_H

#include "analysis/mrc.h"
#include "trace_help.h"

#define EXACT(side_, sets_) \
	(struct mrc_spec) { .side = side_, .page_bits = 12, .sets = sets_, .rate = MRC_RATE_ONE }

/* Loads of pages drawn by `theta` from a Zipf law; 0 is uniform. `base` moves them to other addresses. free(list.r). */
struct record_list zipf_stream(uint64_t pages, uint64_t accesses, uint64_t theta_milli, uint64_t base);

/* Finished curves of the whole list; mrc_free(). */
struct mrc *read_curves(const struct mrc_spec *spec, size_t count, const struct record_list *list);
struct mrc *read_curve(struct mrc_spec spec, const struct record_list *list);

#endif
