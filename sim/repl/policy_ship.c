/* SHiP-Mem: the signature is the region of memory: 256 keys, which is the paper's 16 KiB for a cache of 64-byte lines, and 1 MiB for a TLB of
 * 4 KiB pages.
 */
#include "repl/ship.h"

enum { REGION_BITS = 8 };

static void ship_fill(void *set, unsigned ways, unsigned way)
{
	ship_fill_as(set, ways, way, ship_signature(ship_told(set)->key >> REGION_BITS));
}

const struct repl_policy repl_ship = {
	.name = "ship",
	.source =
		"Wu, Jaleel, Hasenplaugh, Martonosi, Steely, Emer, MICRO 2011: SHiP-Mem, 16 K counters of 3 bits",
	.max_ways = 65534,
	.state_bytes = ship_state_bytes,
	.touch = ship_touch,
	.fill = ship_fill,
	.victim = ship_victim,
	.victim_among = ship_victim_among,
	.shared_bytes = ship_shared_bytes,
};
