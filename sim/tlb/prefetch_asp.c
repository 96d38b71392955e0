/* Arbitrary stride prefetching: a table by instruction holds the last page that it missed and its stride. The
 * stride is followed from its second repetition on.
 */
#include "tlb/prefetch.h"

struct asp_row {
	uint64_t pc, page;
	int64_t stride;
	uint64_t repeats; /* of the stride in a row; 0 for a new row, too */
};

static size_t asp_state_bytes(const struct prefetch_params *p)
{
	return p->table_entries * sizeof(struct asp_row);
}

static void asp_miss(void *state, const struct prefetch_params *p, const struct prefetch_miss *m,
		     struct prefetch_list *out)
{
	struct asp_row *row = (struct asp_row *)state + prefetch_row(m->pc, p->table_entries);
	if (row->pc != m->pc) {
		*row = (struct asp_row){.pc = m->pc, .page = m->page};
		return;
	}
	int64_t stride = (int64_t)(m->page - row->page);
	row->repeats = stride == row->stride ? row->repeats + 1 : 0;
	row->stride = stride;
	row->page = m->page;
	if (row->repeats && stride) prefetch_propose(out, m->page + (uint64_t)stride);
}

const struct prefetcher prefetch_asp = {
	.name = "asp",
	.source =
		"Chen and Baer, Effective Hardware-Based Data Prefetching for High-Performance Processors, IEEE TC 44(5), "
		"1995; for TLBs: Kandiraju and Sivasubramaniam, ISCA 2002 (ASP)",
	.state_bytes = asp_state_bytes,
	.miss = asp_miss,
};
