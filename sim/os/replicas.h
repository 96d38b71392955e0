/* replicas.h - copies of translation tables, one for each node, that always say the same.
 *
 *   replicas_new(nodes)      pgtable_replicate: a tree keeps copies from now on      replicas_of: (table, node) -> its copy
 * Table descriptors of a copy lead to the copies of the same node, leaves are alike; so a core that begins at the root of its
 * node reads no other node's tables. Whoever writes a descriptor writes all copies (pgtable.c), and the copies' accessed and
 * dirty flags, which hardware sets in the one that it walked, are brought together where the descriptor is read.
 * replicas_take_written() tells which words that were, for whoever charges their writes.
 * A node that has no memory left shares the table of node 0.
 * Source: Achermann et al., "Mitosis: Transparently Self-Replicating Page-Tables for Large-Memory Machines", ASPLOS 2020 (5.2,
 * 5.4); Panwar et al., "Fast Local Page-Tables for Virtualized NUMA Servers with vMitosis", ASPLOS 2021 (4.2).
 * Not modelled: caches of table pages kept per node; migration of a tree that is not replicated; when to replicate (always).
 */
#ifndef OS_REPLICAS_H
#define OS_REPLICAS_H

#include "base/types.h"
#include "stats/stats.h"

enum { REPLICAS_NODES_MAX = 64 };

struct replica_stats {
	uint64_t tables, missing, writes;
};
extern const struct stat_desc replica_stat_rows[];
extern const size_t replica_stat_row_count;

struct replicas;

/* For the trees of one kernel or VM; `nodes` is 2..REPLICAS_NODES_MAX. */
struct replicas *replicas_new(unsigned nodes);
void replicas_free(struct replicas *r); /* NULL is allowed */
unsigned replicas_nodes(const struct replicas *r);
struct replica_stats *replicas_stats(struct replicas *r);

/* The table page at copy[0] has copies at copy[1..nodes-1]; one that is equal to copy[0] is none. */
void replicas_add(struct replicas *r, const uint64_t *copy);
/* Where node `node` has the table page that begins at `table`: there itself, where nothing is known of it. O(1). */
uint64_t replicas_of(const struct replicas *r, uint64_t table, unsigned node);

/* A word of a copy was written. */
void replicas_note(struct replicas *r, struct pa at);
/* The words of copies that were written since the last call, in order; valid until the next note. */
const struct pa *replicas_take_written(struct replicas *r, size_t *count);

#endif
