/* gate.h - parts of a GIC that take one message after the other, so that those of a burst wait.
 *
 *   gic_gate_pass: arrives at a time -> how long it waits for those before it
 * A part accepts a message, and the next one not before its gap is over. Who calls need not call in order of time, as cores run one after the
 * other: a message from before the queue that stands there now is not held up by it.
 * Source: CoreLink GIC-600 TRM 100336, 2: distributor, redistributors and ITS are blocks joined by AXI4-Stream links, which carry one message
 * at a time. Gaps are not published.
 * Not modelled: the links' buffers, which are never full; commands of an ITS, which nobody waits for here.
 */
#ifndef GIC_GATE_H
#define GIC_GATE_H

#include "gic/timing.h"
#include "stats/stats.h"

/* X(name, what passes) */
#define GIC_PARTS(X) \
	X(distributor, "SGIs and SPIs") \
	X(its, "messages of devices, virtual SGIs and doorbells") \
	X(redistributor, "all that comes to one core")
enum gic_part {
#define X(name, doc) GIC_PART_##name,
	GIC_PARTS(X)
#undef X
		GIC_PART_COUNT
};

struct gic_gate {
	cycles_t from, free; /* when its present queue began; when it takes the next one */
};

/* Of all gates of one part. */
struct gic_gate_stats {
	uint64_t messages, waited, wait_cycles, most_cycles;
};

/* One arrives at `at`; the next is taken `gap` cycles after it, 0: at once. Returns the cycles that it waits. */
cycles_t gic_gate_pass(struct gic_gate *g, struct gic_gate_stats *s, cycles_t at, cycles_t gap);

/* As named in GIC_PARTS; NULL at the end. */
extern const char *const gic_part_names[];
void gic_gate_register_stats(struct gic_gate_stats *s, struct stats *stats, const char *path);

#endif
