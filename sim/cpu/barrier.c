#include "cpu/barrier.h"

#include "base/order.h"
#include "mmu/dsb.h"

static void wait_clock(struct core *c, uint64_t wait, enum core_bucket bucket)
{
	c->bucket[bucket] += wait;
	if (c->maintenance.el) c->by_handler[bucket][c->maintenance.el] += wait;
	c->retire += wait;
	c->dispatch = c->retire;
}

static void wait_for(struct core *c, cycles_t cycles, enum core_bucket bucket)
{
	wait_clock(c, cycles << CORE_FRACTION_BITS, bucket);
}

/* The whole core stands still until `cycle`. */
static void wait_until(struct core *c, cycles_t cycle, enum core_bucket bucket)
{
	uint64_t clock = cycle << CORE_FRACTION_BITS;
	wait_clock(c, clock > c->retire ? clock - c->retire : 0, bucket);
}

void core_maintain_at(struct core *c, unsigned el) { c->maintenance.el = el; }

void core_set_maintenance(struct core *c, const struct primitive_params *p)
{
	c->maintenance.tlbi = p->tlbi_cycles;
	c->maintenance.local = p->tlbi_local_cycles;
	c->maintenance.broadcast = p->tlbi_broadcast_cycles;
	c->maintenance.dsb = p->dsb_cycles;
}

void core_set_dvm(struct core *c, struct dvm *d, unsigned place)
{
	c->maintenance.dvm = d;
	c->maintenance.place = place;
}

/* When all have answered; the core may have to wait until it can issue. */
static cycles_t broadcast(struct core *c, enum tlbi_share reach)
{
	if (!c->maintenance.dvm) return core_now(c) + c->maintenance.broadcast;
	enum dvm_domain domain = reach == TLBI_OUTER ? DVM_OUTER : DVM_INNER;
	c->maintenance.unsynced = true;
	struct dvm_trip trip = dvm_send(c->maintenance.dvm, c->maintenance.place, domain, core_now(c));
	wait_until(c, trip.sent, BUCKET_TLB_MAINTENANCE);
	return trip.sent + c->maintenance.broadcast + trip.late;
}

cycles_t core_tlbi(struct core *c, enum tlbi_share reach)
{
	wait_for(c, c->maintenance.tlbi, BUCKET_TLB_MAINTENANCE);
	cycles_t everywhere = reach == TLBI_LOCAL ? 0 : broadcast(c, reach);
	cycles_t here = core_now(c) + c->maintenance.local;
	c->tlbi_done_here = cycles_later(c->tlbi_done_here, here);
	c->tlbi_done_everywhere = cycles_later(c->tlbi_done_everywhere, everywhere);
	return cycles_later(here, everywhere);
}

void core_await_tlbi(struct core *c, cycles_t done)
{
	c->tlbi_done_everywhere = cycles_later(c->tlbi_done_everywhere, done);
}

cycles_t core_accept(struct core *c)
{
	if (!c->maintenance.dvm) return 0;
	cycles_t lost = dvm_accept(c->maintenance.dvm, c->maintenance.place, core_now(c));
	if (lost) wait_for(c, lost, BUCKET_TLB_MAINTENANCE);
	return lost;
}

/* The barrier's own message to all who had the broadcasts, where there is one. */
static void sync_broadcasts(struct core *c, enum dvm_domain domain)
{
	if (!c->maintenance.unsynced) return;
	c->maintenance.unsynced = false;
	core_await_tlbi(c, dvm_sync(c->maintenance.dvm, c->maintenance.place, domain, core_now(c),
				    c->maintenance.broadcast));
}

void core_dsb(struct core *c, unsigned crm)
{
	enum dsb_domain domain = dsb_domain(crm);
	for (unsigned i = 0; dsb_waits_for_stores(crm) && i < c->store_buffer; i++)
		wait_until(c, c->store_done[i], BUCKET_BARRIER);
	if (dsb_waits_for_tlbis(crm)) {
		wait_until(c, c->tlbi_done_here, BUCKET_TLB_MAINTENANCE);
		if (domain != DSB_NON_SHAREABLE)
			sync_broadcasts(c, domain == DSB_INNER_SHAREABLE ? DVM_INNER : DVM_OUTER);
		if (domain != DSB_NON_SHAREABLE)
			wait_until(c, c->tlbi_done_everywhere, BUCKET_TLB_MAINTENANCE);
	}
	wait_for(c, c->maintenance.dsb, BUCKET_BARRIER);
}
