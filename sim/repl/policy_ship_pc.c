/* SHiP-PC: the signature is the instruction that missed.
 *
 * Needs instruction fetches in the stream, and an owner that knows the path: the TLBs of a core. Elsewhere every signature is the same.
 */
#include "repl/ship.h"

static void ship_pc_fill(void *set, unsigned ways, unsigned way)
{
	ship_fill_as(set, ways, way, ship_signature(ship_told(set)->flow->pc >> 2));
}

const struct repl_policy repl_ship_pc = {
	.name = "ship_pc",
	.source =
		"Wu, Jaleel, Hasenplaugh, Martonosi, Steely, Emer, MICRO 2011: SHiP-PC, 16 K counters of 3 bits",
	.max_ways = 65534,
	.state_bytes = ship_state_bytes,
	.touch = ship_touch,
	.fill = ship_pc_fill,
	.victim = ship_victim,
	.victim_among = ship_victim_among,
	.shared_bytes = ship_shared_bytes,
};
