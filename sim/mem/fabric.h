/* fabric.h - the interconnect: from each die to each memory node a latency, and the links that are passed on the way.
 *
 *   fabric_route: (die, node) -> route      route_read, route_write: (route, now, bytes) -> cycles of waiting
 * Node n belongs to die n; a node without a die of its number is far memory that belongs to none. What a route adds to the
 * node's own latency comes from memory.distances where there is a row for the die, or else is the latency of the links
 * passed. Each direction of a link carries its own bytes (channel.h): reads those towards the die, writes the others.
 * Latencies are measured ones in nanoseconds, not ratios of the firmware's SLIT, which only tells an order.
 * Not modelled: routing (a request passes every link between its two sides), bytes of requests and of coherence.
 */
#ifndef MEM_FABRIC_H
#define MEM_FABRIC_H

#include "base/status.h"
#include "mem/node.h"

enum { FABRIC_LINKS_MAX = 16 };

struct mem_link_stats {
	uint64_t reads, writes; /* lines */
	uint64_t queue_cycles;
};

struct mem_link {
	const char *name;
	cycles_t latency;
	struct mem_channel channel[2]; /* towards one side, towards the other */
	struct mem_link_stats stats;
};

/* A link that a route passes; `side`: which of its sides the die is on. */
struct mem_hop {
	struct mem_link *link;
	unsigned side;
};

struct mem_route {
	cycles_t extra; /* above the node's own latency */
	bool local;     /* the node belongs to the die */
	unsigned hops;
	struct mem_hop hop[FABRIC_LINKS_MAX];
};

struct fabric; /* links and routes of a machine */

/* ERR_CONFIG: a row of memory.distances or memory.links that does not fit the nodes. `p` and `node` are borrowed. */
enum status fabric_new(const struct memory_params *p, const struct mem_node *node, uint64_t clock_mhz,
		       struct fabric **out, struct err *err);
void fabric_free(struct fabric *f);
void fabric_register_stats(struct fabric *f, struct stats *s);

/* The routes of a die to all nodes, by node number. Beyond the last node's number all dies are alike. */
struct mem_route *fabric_routes(struct fabric *f, unsigned die);

/* How long a transfer that would begin at `now` waits for the links of its route. */
cycles_t route_read(struct mem_route *r, cycles_t now, uint64_t bytes);
cycles_t route_write(struct mem_route *r, cycles_t now, uint64_t bytes);

#endif
