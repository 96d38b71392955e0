#include "lock/line.h"

#define F struct line_stats
const struct stat_desc line_stat_rows[] = {
	STAT(F, writes, "operations", "atomics and stores on the line"),
	STAT(F, far, "operations", "of them, executed at the line's home"),
	STAT_BY(F, transfers, core_distance_names, "transfers",
		"the line went to a core, by how far it came; same: it was there"),
	STAT(F, wait_cycles, "cycles", "operations waited behind others that moved the line"),
};
#undef F
const size_t line_stat_row_count = sizeof(line_stat_rows) / sizeof(line_stat_rows[0]);

void line_init(struct shared_line *l, const struct coherence *c, struct line_stats *stats)
{
	*l = (struct shared_line){.coherence = c, .stats = stats};
}

static cycles_t begin(struct shared_line *l, cycles_t now)
{
	if (l->free <= now) return now;
	l->stats->wait_cycles += l->free - now;
	return l->free;
}

/* The line comes to `core` from `now` on: when it has it. The first core of all finds it at home, which is no
 * farther than another core's. */
static cycles_t fetch(struct shared_line *l, unsigned core, cycles_t now)
{
	enum core_distance far = l->owned ? coherence_distance(&l->coherence->topology, l->owner, core)
					  : DISTANCE_SAME;
	l->stats->transfers[far]++;
	l->owner = core;
	l->owned = true;
	if (far == DISTANCE_SAME) return now;
	return l->free = begin(l, now) + l->coherence->transfer[far];
}

/* To the home and back takes as long as to a core of the die: no core is nearer to all others. */
static cycles_t at_home(struct shared_line *l, cycles_t now)
{
	const struct coherence *c = l->coherence;
	cycles_t start = begin(l, now);
	l->owned = false;
	l->stats->far++;
	l->free = start + c->far_occupancy;
	return start + c->transfer[DISTANCE_DIE];
}

cycles_t line_write(struct shared_line *l, unsigned core, cycles_t now)
{
	bool here = l->owned && l->owner == core;
	l->stats->writes++;
	if (l->coherence->atomics == ATOMICS_FAR && !here) return at_home(l, now);
	return fetch(l, core, now) + l->coherence->local;
}

cycles_t line_store(struct shared_line *l, unsigned core, cycles_t now)
{
	l->stats->writes++;
	return fetch(l, core, now);
}

cycles_t line_read(struct shared_line *l, unsigned core, cycles_t now) { return fetch(l, core, now); }
