/* Reference prediction table: a row per instruction has its latest address, its stride, and how sure that is.
 *
 * An address that is as the row predicts makes it surer, another one less; a new stride is taken unless the row was STEADY, which forgives
 * once. While it is STEADY, the lines are asked for that the accesses `distance` ... `distance` + `degree` - 1 ahead will touch. All accesses
 * train it, hits, too. Where a trace has no fetches, all accesses are one instruction's.
 * IMPDEF: the paper's look-ahead counter runs ahead of the program by the memory's latency; here by a fixed distance.
 */
#include "mem/line_prefetch.h"

enum { INITIAL, TRANSIENT, STEADY, NO_PREDICTION };

struct stride_row {
	uint64_t pc, address;
	int64_t stride;
	uint32_t state, used;
};

static size_t stride_state_bytes(const struct line_prefetch_params *p)
{
	return p->table_entries * sizeof(struct stride_row);
}

/* By the state and whether the address was as predicted: the next state, and whether the stride is the new one. */
static const struct {
	uint8_t state;
	bool takes_stride;
} next_of[4][2] = {
	[INITIAL] = {{TRANSIENT, true}, {STEADY, false}},
	[TRANSIENT] = {{NO_PREDICTION, true}, {STEADY, false}},
	[STEADY] = {{INITIAL, false}, {STEADY, false}},
	[NO_PREDICTION] = {{NO_PREDICTION, true}, {TRANSIENT, false}},
};

static void stride_train(void *state, const struct line_prefetch_params *p, const struct line_prefetch_use *u,
			 struct line_prefetch_list *out)
{
	struct stride_row *row = (struct stride_row *)state + line_prefetch_row(u->pc, p->table_entries);
	if (!row->used || row->pc != u->pc) {
		*row = (struct stride_row){.pc = u->pc, .address = u->address, .used = 1};
		return;
	}
	int64_t stride = (int64_t)(u->address - row->address);
	bool right = stride == row->stride;
	if (next_of[row->state][right].takes_stride) row->stride = stride;
	row->state = next_of[row->state][right].state;
	row->address = u->address;
	uint64_t first = line_prefetch_or(p->distance, 1), end = first + line_prefetch_or(p->degree, 1);
	for (uint64_t i = first; row->state == STEADY && i < end; i++)
		line_prefetch_propose(out, u, (u->address + i * (uint64_t)row->stride) >> u->line_bits);
}

const struct line_prefetcher line_prefetch_stride = {
	.name = "stride",
	.source =
		"Chen and Baer, Effective Hardware-Based Data Prefetching for High-Performance Processors, IEEE TC 44(5), 1995 "
		"(reference prediction table)",
	.sees_hits = true,
	.state_bytes = stride_state_bytes,
	.train = stride_train,
};
