/* line.h - a cache line that several cores write: a lock word, a counter, the head of a ring.
 *
 *   line_write: (core, now) -> when its atomic or store is done      line_read: -> when it has the value
 * The line is with the core that wrote it last, and goes from core to core one transfer after the other: who asks while it
 * is under way waits behind. A near atomic takes the line; a far one is done where the line has its home, which is busy
 * with it for a short time, and leaves it there. Calls come in order of time, up to the lookahead of the engine.
 * Not modelled: order of requests at the home other than first come, first served; eviction of the line meanwhile.
 */
#ifndef LOCK_LINE_H
#define LOCK_LINE_H

#include "mem/coherence.h"
#include "stats/stats.h"

struct line_stats {
	uint64_t writes, far;          /* far: of them, done at the home */
	uint64_t transfers[DISTANCES]; /* of the line to a core, by how far it came; same: it was there */
	uint64_t wait_cycles;          /* behind other transfers */
};
extern const struct stat_desc line_stat_rows[];
extern const size_t line_stat_row_count;

struct shared_line {
	const struct coherence *coherence;
	cycles_t free; /* when the latest transfer or far atomic ends */
	unsigned owner;
	bool owned; /* else it is at its home, in no core */
	struct line_stats *stats;
};

/* Both are borrowed; several lines may count together. */
void line_init(struct shared_line *l, const struct coherence *c, struct line_stats *stats);

/* An atomic read-modify-write by `core` from `now` on; when it is done. */
cycles_t line_write(struct shared_line *l, unsigned core, cycles_t now);
/* A store that nobody waits for; when other cores can see it. */
cycles_t line_store(struct shared_line *l, unsigned core, cycles_t now);
/* When `core` sees what was written at `now`, while it waits for that: the line comes to it. */
cycles_t line_read(struct shared_line *l, unsigned core, cycles_t now);

#endif
