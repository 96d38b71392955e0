/* path_cost.h - what the events of a path cost on a machine: (event, now) -> cycles, exception level, bucket.
 *
 *   path_costs_new(book, primitives, ports, memory) -> costs      path_cost_of(event) per event that path.h tells
 * An exception and its return cost what the machine says for their levels; a step that moves registers costs so much per
 * register, and the lines of the context where it puts them; `work` costs its instructions at the machine's rate, and its
 * lines: code is fetched one line after the other, data is asked for at once. A line that a first-level cache has costs
 * nothing more, as for the core. Lines that work shares with other vCPUs come from the core that wrote them last, one after the other. Every work step has lines of its own in the memory of its owner; every context has lines for
 * each class of registers.
 * A lock that the vCPUs share (the files' `locks`) takes its line to the core, and may have to be waited for; who else has
 * it, and who gets it, is lock/lock.h's. A TLBI, and a DSB behind it, is a message to all cores where the machine has them (mem/dvm.h). Any other
 * lock is an atomic in the first cache.
 * Each cycle is booked to the level that spent it: an entry to the level that it leads to, a return to the one that it
 * leaves. Steps of the guest go to `base`, those of EL0 outside of the guest to `vmm`, those of EL3 and of Secure state
 * to `firmware`, all others to `hypervisor`; entries and returns to `exception`; waits to `idle`.
 * Lines are found by translation, as path_memory has it. Not modelled: branch prediction, overlap of steps.
 */
#ifndef HYP_PATH_COST_H
#define HYP_PATH_COST_H

#include "cpu/buckets.h"
#include "cpu/primitive_params.h"
#include "gic/timing.h"
#include "hyp/path.h"
#include "hyp/path_share.h"
#include "mem/mem.h"

struct path_costs;

/* Memory of the software, all owners' one behind the other from offset 0 on. */
struct path_memory {
	void *self;
	/* Makes room for `bytes`; once, before all others. ERR_CONFIG: there is none. */
	enum status (*reserve)(void *self, uint64_t bytes, struct err *err);
	/* Where code at `el` finds `offset`, and the cycle at which it knows. */
	cycles_t (*locate)(void *self, uint64_t offset, unsigned el, bool e2h, enum access_kind kind,
			   cycles_t now, uint64_t *pa);
};

struct path_price {
	cycles_t at; /* when it began */
	cycles_t cycles;
	cycles_t memory; /* of them: waiting for lines and their translation */
	uint8_t el;
	uint8_t bucket; /* enum core_bucket */
	bool waits;     /* for a lock: who gives it back will say how long */
};

/* Everything is borrowed and must outlive it. */
struct path_cost_parts {
	const struct path_book *book;
	const struct primitive_params *primitives;
	const struct gic_timing *gic; /* what single registers cost; NULL: as primitives say */
	struct mem_cpu *mem;
	struct path_memory memory;
	cycles_t share_cycles;    /* of a line that another core wrote last */
	cycles_t schedule_cycles; /* of a vPE that becomes resident: step vgic: schedule */
	struct work_percents percent;
	struct path_sharing sharing;
	struct dvm_port port; /* of its core, for messages to all others */
};

/* ERR_CONFIG: there is no memory for the lines. */
enum status path_costs_new(const struct path_cost_parts *parts, struct path_costs **out, struct err *err);
void path_costs_free(struct path_costs *c);

/* The software runs on another core from now on: its ports and memory. */
void path_costs_move(struct path_costs *c, struct mem_cpu *mem, void *memory, struct dvm_port port);

/* The price of `e`, which begins at `now`; touches the lines of its step. EVENT_WRITE costs nothing: its step does. */
struct path_price path_cost_of(struct path_costs *c, const struct path_event *e, cycles_t now);

#endif
