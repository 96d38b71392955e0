/* directory.h - which cores may hold a line in their private caches, and which of them wrote it last.
 *
 *   directory_fetch: a core misses a line -> another core gives it, or nobody      directory_write: it writes a line that it has
 * Memory that one core alone has touched costs one look-up per page: its page is private until a second core misses on it. From then
 * on each line of it has an entry, and the caches that hold it know that they must ask before they write it (cache.h,
 * cache_share()). Whether a core still holds a line its caches say; an entry may name cores that do not.
 * A line that another core has written comes from there, by the distance of the two cores (coherence.h), and is clean then;
 * its home gets what was written. A write takes the line from all others. Transfers of one line follow each other.
 * Not modelled: a directory's own size and latency; caches that a cluster shares (a line that they hold is at its home); fetches;
 * transfers of clean lines between cores; bandwidth of transfers.
 */
#ifndef MEM_DIRECTORY_H
#define MEM_DIRECTORY_H

#include "mem/coherence.h"
#include "mem/mem.h"
#include "mem/monitors.h"

struct sharing_stats {                              /* of a core */
	uint64_t transfers[DISTANCES][CAUSE_COUNT]; /* lines that came from another core */
	uint64_t transfer_cycles;
	uint64_t upgrades;      /* writes of lines that it had, which took them from others */
	uint64_t invalidations; /* lines that others took from it */
	uint64_t given;         /* lines that it gave to others */
};

struct directory;

/* For `cpus` cores at most; `c` is borrowed. */
struct directory *directory_new(const struct coherence *c, unsigned line_bits);
void directory_free(struct directory *d); /* NULL is allowed */
/* One more core, `cpu`, of this number on the hardware. Before its first access. */
void directory_join(struct directory *d, struct mem_cpu *cpu, unsigned number);
void directory_register_stats(struct directory *d, struct stats *s);

/* What a core that misses `line` finds. */
struct directory_found {
	bool asked;
	bool shared; /* the line's page is not of one core alone: its caches are to be told (cache_share()) */
	bool given;  /* another core gives the line, at `done` */
	cycles_t done; /* also where it is not given: a write is not over before others have lost the line */
	const struct mem_port *from; /* whose written line goes home now; NULL: none does */
};
struct directory_found directory_fetch(struct directory *d, const struct mem_port *port,
				       const struct mem_req *r, uint64_t line, cycles_t now);
/* A write of a line that the core has and that is shared: when no other core has it. */
cycles_t directory_write(struct directory *d, const struct mem_port *port, uint64_t line, cycles_t now);

/* An atomic of the core at `place` at the line's home, on its way from `now` on: all private caches lose the line. Returns when the home
 * begins with it, and keeps it busy for `occupancy`. */
cycles_t directory_take_home(struct directory *d, const struct mem_port *port, uint64_t line, cycles_t now,
			     cycles_t occupancy);
/* Whether no other core may have the line. */
bool directory_is_alone(struct directory *d, const struct mem_port *port, uint64_t line);
/* Every store that it learns of is told to `m` (borrowed), by the places of cores. */
void directory_use_monitors(struct directory *d, struct monitors *m);

/* Every line that a core got was given by another. ERR_CHECK with both figures. */
enum status directory_check(const struct directory *d, struct err *err);

#endif
