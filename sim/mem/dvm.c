#include "mem/dvm.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/order.h"

static const char *const inner_names[] = {"all", "socket", "die", "cluster", NULL};
static const enum share inner_shares[] = {SHARE_ALL, SHARE_SOCKET, SHARE_DIE, SHARE_CLUSTER};

#define F struct dvm_params
static const struct param params[] = {
	HW_U64(F, outstanding, "messages", 0, 0, 1024,
	       "broadcast TLBIs that the interconnect has under way at once; 0: any number, and all answer after "
	       "primitives.tlbi_broadcast_cycles"),
	HW_U64(F, trip_cycles, "cycles", 300, 1, 1000000,
	       "how long one is under way between the interconnect's home node and the cores of its die"),
	HW_U64(F, queue, "messages", 16, 1, 1024, "of one core that may wait before its next TLBI stalls"),
	HW_U64(F, accept_cycles, "cycles", 20, 0, 100000, "that a core loses to each message of another"),
	HW_ENUM(F, inner, inner_names, DVM_INNER_ALL,
		"the cores of one inner shareable domain; Linux needs all that it runs on in one"),
	HW_BOOL(F, sync, 0, "a DSB behind broadcasts is a message of its own, too (DVMOp(Sync))"),
};
#undef F
SCHEMA(dvm_schema, "dvm", struct dvm_params, params, "TLB maintenance as messages to other cores");

struct dvm_stats {
	uint64_t messages, syncs, stall_cycles, wait_cycles, far_cycles;
};

struct agent_stats {
	uint64_t sent, accepted, lost_cycles;
};

/* A core that runs something. */
struct agent {
	unsigned number, die;
	unsigned domain;           /* inner shareable */
	cycles_t far[DVM_DOMAINS]; /* how much longer than a near one the farthest die of a domain answers */
	cycles_t *answered;        /* a ring: when each of its last messages was */
	unsigned next;
	cycles_t first; /* message of others that it has not yet accepted; of `waiting` */
	uint64_t waiting;
	struct agent_stats stats;
};

struct dvm {
	struct dvm_parts parts;
	cycles_t *busy; /* a ring of `outstanding`: until when each message at the home node is under way */
	unsigned next;
	struct agent *agent;
	unsigned agents;
	struct dvm_stats stats;
};

#define F struct dvm_stats
static const struct stat_desc stat_rows[] = {
	STAT(F, messages, "messages", "broadcast TLBIs, to all cores of their domain each"),
	STAT(F, syncs, "messages", "of DSBs behind them"),
	STAT(F, stall_cycles, "cycles", "that cores waited to issue one, as too many of theirs were waiting"),
	STAT(F, wait_cycles, "cycles", "that messages waited at the home node for others under way"),
	STAT(F, far_cycles, "cycles",
	     "that the answers of the farthest die took longer than those of a near one"),
};
#undef F
#define F struct agent_stats
static const struct stat_desc agent_rows[] = {
	STAT(F, sent, "messages", "broadcast TLBIs of this core"),
	STAT(F, accepted, "messages", "of other cores, accepted"),
	STAT(F, lost_cycles, "cycles", "lost to them"),
};
#undef F

struct dvm *dvm_new(const struct dvm_parts *parts)
{
	struct dvm *d = xcalloc(1, sizeof(*d));
	d->parts = *parts;
	d->busy = xcalloc(parts->params->outstanding, sizeof(*d->busy));
	return d;
}

void dvm_free(struct dvm *d)
{
	if (!d) return;
	for (unsigned i = 0; i < d->agents; i++) free(d->agent[i].answered);
	free(d->agent);
	free(d->busy);
	free(d);
}

void dvm_register_stats(struct dvm *d, struct stats *s)
{
	stats_add(s, stat_rows, sizeof(stat_rows) / sizeof(stat_rows[0]), &d->stats, "dvm");
	for (unsigned i = 0; i < d->agents; i++)
		stats_add(s, agent_rows, sizeof(agent_rows) / sizeof(agent_rows[0]), &d->agent[i].stats,
			  "cpu%u.dvm", d->agent[i].number);
}

/* --- who is reached -------------------------------------------------------------------------------------------- */

static bool in_domain(const struct dvm *d, unsigned domain_of_sender, unsigned core, enum dvm_domain domain)
{
	enum share share = inner_shares[d->parts.params->inner];
	return domain == DVM_OUTER || topology_unit(d->parts.topology, share, core) == domain_of_sender;
}

bool dvm_reaches(const struct dvm *d, unsigned from, unsigned to, enum dvm_domain domain)
{
	return in_domain(d, d->agent[from].domain, d->agent[to].number, domain);
}

static cycles_t distance(const struct dvm *d, const struct agent *a, enum dvm_domain domain)
{
	const struct mem_route *route = fabric_routes(d->parts.fabric, a->die);
	unsigned die_cores = (unsigned)d->parts.topology->die_cores;
	cycles_t most = 0;
	for (unsigned die = 0; die_cores && die < d->parts.dies && die * die_cores < d->parts.cores; die++)
		if (die != a->die && in_domain(d, a->domain, die * die_cores, domain))
			most = cycles_later(most, route[die].extra);
	return most;
}

unsigned dvm_join(struct dvm *d, unsigned number)
{
	const struct topology_params *t = d->parts.topology;
	struct agent a = {.number = number, .die = topology_unit(t, SHARE_DIE, number)};
	a.domain = topology_unit(t, inner_shares[d->parts.params->inner], number);
	for (unsigned i = 0; i < DVM_DOMAINS; i++) a.far[i] = distance(d, &a, (enum dvm_domain)i);
	a.answered = xcalloc(d->parts.params->queue, sizeof(*a.answered));
	d->agent = xrealloc(d->agent, d->agents + 1, sizeof(*d->agent));
	d->agent[d->agents] = a;
	return d->agents++;
}

/* --- messages -------------------------------------------------------------------------------------------------- */

/* It comes to the others half a trip after it has left the home node. */
static void deliver(struct dvm *d, unsigned from, enum dvm_domain domain, cycles_t at)
{
	for (unsigned i = 0; i < d->agents; i++) {
		struct agent *a = &d->agent[i];
		if (i == from || !dvm_reaches(d, from, i, domain)) continue;
		if (!a->waiting++) a->first = at;
	}
}

/* One more is under way: when it has left the core, and the home node begins with it. */
static cycles_t begin(struct dvm *d, unsigned from, enum dvm_domain domain, cycles_t now, cycles_t *left)
{
	const struct dvm_params *p = d->parts.params;
	struct agent *a = &d->agent[from];
	cycles_t *own = &a->answered[a->next++ % p->queue], *slot = &d->busy[d->next++ % p->outstanding];
	cycles_t sent = cycles_later(now, *own), start = cycles_later(sent, *slot), far = a->far[domain];
	*own = *slot = start + p->trip_cycles + far;
	deliver(d, from, domain, start + (p->trip_cycles + far) / 2);
	d->stats.stall_cycles += sent - now;
	d->stats.wait_cycles += start - sent;
	d->stats.far_cycles += far;
	*left = sent;
	return start;
}

struct dvm_trip dvm_send(struct dvm *d, unsigned from, enum dvm_domain domain, cycles_t now)
{
	cycles_t sent, start = begin(d, from, domain, now, &sent);
	d->agent[from].stats.sent++;
	d->stats.messages++;
	return (struct dvm_trip){.sent = sent, .late = start - sent + d->agent[from].far[domain]};
}

cycles_t dvm_sync(struct dvm *d, unsigned from, enum dvm_domain domain, cycles_t now, cycles_t all)
{
	cycles_t trip = d->parts.params->trip_cycles, sent;
	if (!d->parts.params->sync) return 0;
	d->stats.syncs++;
	cycles_t start = begin(d, from, domain, now, &sent);
	return start + d->agent[from].far[domain] + cycles_later(trip, all > trip ? all - trip : 0);
}

cycles_t dvm_accept(struct dvm *d, unsigned at, cycles_t now)
{
	struct agent *a = &d->agent[at];
	if (!a->waiting || a->first > now) return 0;
	cycles_t lost = a->waiting * d->parts.params->accept_cycles;
	a->stats.accepted += a->waiting;
	a->stats.lost_cycles += lost;
	a->waiting = 0;
	return lost;
}
