/* Modified arbitrary stride prefetching: as asp, but it does not wait for a stride to repeat; it follows the
 * stored stride and the one just seen.
 */
#include "tlb/prefetch.h"

struct masp_row {
	uint64_t pc, page;
	int64_t stride; /* 0: none yet */
};

static size_t masp_state_bytes(const struct prefetch_params *p)
{
	return p->table_entries * sizeof(struct masp_row);
}

static void masp_miss(void *state, const struct prefetch_params *p, const struct prefetch_miss *m,
		      struct prefetch_list *out)
{
	struct masp_row *row = (struct masp_row *)state + prefetch_row(m->pc, p->table_entries);
	if (row->pc != m->pc) {
		*row = (struct masp_row){.pc = m->pc, .page = m->page};
		return;
	}
	int64_t stride = (int64_t)(m->page - row->page);
	if (row->stride) prefetch_propose(out, m->page + (uint64_t)row->stride);
	if (stride && stride != row->stride) prefetch_propose(out, m->page + (uint64_t)stride);
	row->stride = stride;
	row->page = m->page;
}

const struct prefetcher prefetch_masp = {
	.name = "masp",
	.source =
		"Vavouliotis et al., Exploiting Page Table Locality for Agile TLB Prefetching, ISCA 2021 (MASP)",
	.state_bytes = masp_state_bytes,
	.miss = masp_miss,
};
