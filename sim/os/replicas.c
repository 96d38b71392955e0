#include "os/replicas.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bits.h"

#define F struct replica_stats
const struct stat_desc replica_stat_rows[] = {
	STAT(F, tables, "pages", "copies of translation tables on other nodes than the first"),
	STAT(F, missing, "pages", "copies that a node had no memory for: it walks those of the first node"),
	STAT(F, writes, "descriptors", "descriptors written to copies, beside those of the first node"),
};
#undef F
const size_t replica_stat_row_count = sizeof(replica_stat_rows) / sizeof(replica_stat_rows[0]);

struct replicas {
	unsigned nodes;
	uint64_t *row; /* of nodes words each: a table's address on every node */
	size_t rows, row_room;
	size_t *slot; /* by hash of the table's address: row + 1, or 0; at most half full */
	unsigned slot_bits;
	struct pa *written;
	size_t written_count, written_room;
	struct replica_stats stats;
};

enum { FIRST_SLOT_BITS = 6 };

struct replicas *replicas_new(unsigned nodes)
{
	struct replicas *r = xcalloc(1, sizeof(*r));
	assert(nodes > 1 && nodes <= REPLICAS_NODES_MAX);
	r->nodes = nodes;
	r->slot_bits = FIRST_SLOT_BITS;
	r->slot = xcalloc(UINT64_C(1) << r->slot_bits, sizeof(*r->slot));
	return r;
}

void replicas_free(struct replicas *r)
{
	if (!r) return;
	free(r->row);
	free(r->slot);
	free(r->written);
	free(r);
}

unsigned replicas_nodes(const struct replicas *r) { return r->nodes; }
struct replica_stats *replicas_stats(struct replicas *r) { return &r->stats; }

/* The slot of `table`, or the free one that ends the search. */
static size_t *slot_of(const struct replicas *r, uint64_t table)
{
	uint64_t last = bits_ones(r->slot_bits);
	uint64_t i = table * UINT64_C(0x9e3779b97f4a7c15) >> (64 - r->slot_bits);
	while (r->slot[i] && r->row[(r->slot[i] - 1) * r->nodes] != table) i = (i + 1) & last;
	return &r->slot[i];
}

static void grow(struct replicas *r)
{
	free(r->slot);
	r->slot_bits++;
	r->slot = xcalloc(UINT64_C(1) << r->slot_bits, sizeof(*r->slot));
	for (size_t i = 0; i < r->rows; i++) *slot_of(r, r->row[i * r->nodes]) = i + 1;
}

void replicas_add(struct replicas *r, const uint64_t *copy)
{
	if (r->rows == r->row_room) {
		r->row_room = r->row_room ? 2 * r->row_room : 16;
		r->row = xrealloc(r->row, r->row_room * r->nodes, sizeof(*r->row));
	}
	memcpy(&r->row[r->rows * r->nodes], copy, r->nodes * sizeof(*copy));
	r->rows++;
	*slot_of(r, copy[0]) = r->rows;
	if (2 * r->rows > bits_ones(r->slot_bits)) grow(r);
	for (unsigned n = 1; n < r->nodes; n++) {
		r->stats.tables += copy[n] != copy[0];
		r->stats.missing += copy[n] == copy[0];
	}
}

uint64_t replicas_of(const struct replicas *r, uint64_t table, unsigned node)
{
	size_t row = *slot_of(r, table);
	assert(node < r->nodes);
	return row ? r->row[(row - 1) * r->nodes + node] : table;
}

void replicas_note(struct replicas *r, struct pa at)
{
	if (r->written_count == r->written_room) {
		r->written_room = r->written_room ? 2 * r->written_room : 16;
		r->written = xrealloc(r->written, r->written_room, sizeof(*r->written));
	}
	r->written[r->written_count++] = at;
	r->stats.writes++;
}

const struct pa *replicas_take_written(struct replicas *r, size_t *count)
{
	*count = r->written_count;
	r->written_count = 0;
	return r->written;
}
