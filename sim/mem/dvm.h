/* dvm.h - TLB maintenance on its way to other cores: DVM messages through the interconnect.
 *
 *   dvm_send: (core, domain, now) -> when it has left the core, and when a DSB behind it may complete
 *   dvm_sync: the DSB behind them -> when all have answered
 *   dvm_accept: what a core has lost to the messages of others since it was last asked
 * A broadcast TLBI goes to the interconnect's home node, which sends it on to every core of the domain, collects their
 * answers, and then tells the sender. The home node has so many messages under way at once; others wait there, and a core of
 * which too many wait cannot issue the next. A die that is farther away answers later (fabric.h), and the slowest one counts.
 * With `sync` a DSB behind broadcasts is a message of its own (DVMOp(Sync)), which the home node has under way like any.
 * A core that accepts a message loses some cycles, whether or not it holds what the message is about.
 * Calls come in the order of the cores' turns (decision 0070): a message that is a lookahead late finds the home node as busy
 * as it was then.
 * Source: Arm CoreLink CCN-502 TRM 100052, 2.7 (DVM messages: MN, four outstanding to a requester, one DVMOp(Sync)); Arm AMBA 5 CHI
 * (IHI 0050), DVM operations; Arm ARM DDI 0487, D8.17 (domains).
 * Not modelled: several home nodes; bytes of messages on links; messages of instruction cache maintenance and of SMMUs;
 * filters of who could hold an entry.
 */
#ifndef MEM_DVM_H
#define MEM_DVM_H

#include "mem/fabric.h"
#include "mem/topology.h"

enum dvm_domain { DVM_INNER, DVM_OUTER, DVM_DOMAINS };

struct dvm_params {
	uint64_t outstanding; /* at the home node; 0: no messages, all cores answer after a constant time */
	uint64_t trip_cycles, accept_cycles, queue;
	uint64_t inner; /* enum dvm_inner */
	uint64_t sync;  /* bool */
};
extern const struct schema dvm_schema;

/* Which cores are in one inner shareable domain; the outer one holds all. */
enum dvm_inner { DVM_INNER_ALL, DVM_INNER_SOCKET, DVM_INNER_DIE, DVM_INNER_CLUSTER };

struct dvm; /* the home node, and the cores that run something */

/* The place of a core in it. */
struct dvm_port {
	struct dvm *dvm; /* NULL: there are no messages */
	unsigned place;
};

struct dvm_parts { /* all borrowed */
	const struct dvm_params *params;
	const struct topology_params *topology;
	struct fabric *fabric;
	unsigned cores; /* of the hardware: idle ones answer, too */
	unsigned dies;
};

struct dvm *dvm_new(const struct dvm_parts *parts);
void dvm_free(struct dvm *d);
/* Core `number` runs something; returns its place, counted from 0. */
unsigned dvm_join(struct dvm *d, unsigned number);
void dvm_register_stats(struct dvm *d, struct stats *s);

/* Whether maintenance by the core at place `from` reaches the one at `to`. */
bool dvm_reaches(const struct dvm *d, unsigned from, unsigned to, enum dvm_domain domain);

struct dvm_trip {
	cycles_t sent; /* the core may go on */
	cycles_t late; /* that the slowest answer takes longer than an idle home node and a near die would */
};
struct dvm_trip dvm_send(struct dvm *d, unsigned from, enum dvm_domain domain, cycles_t now);
/* A DSB by the core at place `from` behind broadcasts, which are to complete `all` cycles after they are sent: when its own message is
 * answered; 0: it sends none. What is left of `all` when it has been under way is the answers' way. */
cycles_t dvm_sync(struct dvm *d, unsigned from, enum dvm_domain domain, cycles_t now, cycles_t all);

/* Cycles that the core at place `at`, which is at cycle `now`, has lost to messages that have come by then; counted as lost. */
cycles_t dvm_accept(struct dvm *d, unsigned at, cycles_t now);

#endif
