#include "gic/gate.h"

const char *const gic_part_names[] = {
#define X(name, doc) #name,
	GIC_PARTS(X)
#undef X
		NULL};

#define F struct gic_gate_stats
static const struct stat_desc rows[] = {
	STAT(F, messages, "messages", "that have passed"),
	STAT(F, waited, "messages", "of them, that had to wait for others"),
	STAT(F, wait_cycles, "cycles", "that these have waited"),
	STAT(F, most_cycles, "cycles", "that one of them has waited, at most"),
};
#undef F

cycles_t gic_gate_pass(struct gic_gate *g, struct gic_gate_stats *s, cycles_t at, cycles_t gap)
{
	s->messages++;
	if (!gap || at < g->from) return 0;
	cycles_t wait = at < g->free ? g->free - at : 0;
	if (!wait) g->from = at;
	g->free = at + wait + gap;
	s->waited += wait > 0;
	s->wait_cycles += wait;
	if (wait > s->most_cycles) s->most_cycles = wait;
	return wait;
}

void gic_gate_register_stats(struct gic_gate_stats *s, struct stats *stats, const char *path)
{
	stats_add(stats, rows, sizeof(rows) / sizeof(rows[0]), s, "%s", path);
}
