#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "gic/lr.h"
#include "hyp/path_gic_state.h"

enum { MAINTENANCE = 25, GUEST_TIMER = 27, KERNEL_PRIORITY = 0xa0, KERNEL_MASK = 0xf0, CTLR_ENABLE_ALL = 7 };
enum {
	GICR_SGI_BASE = 0x10000,
	IGROUPR = 0x80,
	ISENABLER = 0x100,
	IPRIORITYR = 0x400,
	GICD_CTLR = 0,
	CTLR_DS = 0x40
};

static const struct topology_params one_unit = {0};
static const struct gic_timing untimed = {.version = GIC_UNTIMED, .list_registers = 4, .priority_bits = 5};

#define F struct vgic_counts
static const struct stat_desc vgic_rows[] = {
	STAT(F, injected, "interrupts", "put onto the list of a vCPU"),
	STAT(F, merged, "interrupts", "raised while they were pending already"),
	STAT(F, entries, "entries", "for which list registers were filled"),
	STAT(F, overflows, "entries", "on which an interrupt found no list register"),
	STAT(F, most_waiting, "interrupts", "on the list of one vCPU at once, at most"),
	STAT(F, kicks, "kicks", "of a vCPU that has something new to take"),
};
#undef F
enum { VGIC_ROWS = sizeof(vgic_rows) / sizeof(vgic_rows[0]) };

/* --- as a kernel leaves it ------------------------------------------------------------------------------------- */

/* One Security state; ICC_ registers are programmed at EL2, where no access is virtual. */
static void start_pe(struct path_gic *g, unsigned pe)
{
	static const struct gic_context hypervisor = {.el = 2};
	gic_redist_write(g->gic, pe, GICR_SGI_BASE + IGROUPR, 4, UINT32_MAX, false);
	for (unsigned i = 0; i < GIC_PRIVATE; i += 4)
		gic_redist_write(g->gic, pe, GICR_SGI_BASE + IPRIORITYR + i, 4, KERNEL_PRIORITY * 0x1010101u,
				 false);
	gic_redist_write(g->gic, pe, GICR_SGI_BASE + ISENABLER, 4, UINT32_MAX, false);
	cpu_if_write(g->gic, pe, cpu_if_encoding("ICC_PMR_EL1"), &hypervisor, KERNEL_MASK);
	cpu_if_write(g->gic, pe, cpu_if_encoding("ICC_IGRPEN1_EL1"), &hypervisor, 1);
}

static void start_gic(struct path_gic *g)
{
	const struct gic_params p = {.pes = g->params.pes,
				     .spis = PATH_SPIS,
				     .priority_bits = (unsigned)g->timing.priority_bits,
				     .list_registers = (unsigned)g->timing.list_registers,
				     .maintenance_intid = MAINTENANCE,
				     .nmi = g->timing.nmi != 0,
				     .awake = true};
	g->gic = gic_new(&p);
	if (g->timing.version != GIC_V2) g->host_its = path_host_its_new(g->gic, p.pes, &g->timing);
	gic_dist_write(g->gic, GICD_CTLR, 4, CTLR_DS | CTLR_ENABLE_ALL, false);
	for (unsigned i = 0; i < p.pes; i++) start_pe(g, i);
	if (g->host_its) path_host_its_start(g->host_its);
}

static void start_guest(struct path_gic *g, unsigned vcpu)
{
	for (unsigned i = 0; i < GIC_PRIVATE; i += 4)
		vgic_redist_write(g->vgic, vcpu, GICR_SGI_BASE + IPRIORITYR + i, 4,
				  KERNEL_PRIORITY * 0x1010101u);
	vgic_redist_write(g->vgic, vcpu, GICR_SGI_BASE + ISENABLER, 4, UINT32_MAX);
	vgic_map(g->vgic, vcpu, GUEST_TIMER, GUEST_TIMER);
}

/* --- what the vGIC asks ------------------------------------------------------------------------------------------ */

static void kick(void *self, unsigned vcpu) { ((struct path_gic *)self)->pe[vcpu].kicked = true; }

static void queued(void *self, unsigned vcpu, uint32_t intid)
{
	struct path_gic *g = self;
	irq_book_open(g->book[1], vcpu, intid, g->cause, g->cause_at);
	irq_book_mark(g->book[1], vcpu, intid, VIRQ_request, g->cause_now);
}

static bool input(void *self, unsigned vcpu, uint32_t intid)
{
	return ((struct path_gic *)self)->pe[vcpu].timer == intid;
}

static void set_active(void *self, unsigned vcpu, uint32_t pintid, bool active)
{
	struct path_gic *g = self;
	uint32_t offset = GICR_SGI_BASE + (active ? 0x300 : 0x380); /* ISACTIVER0, ICACTIVER0 */
	gic_redist_write(g->gic, vcpu, offset, 4, UINT32_C(1) << pintid, false);
}

static void ended(void *self, uint32_t intid) { path_device_ended(self, intid); }

static void changed(void *self, unsigned pe) { ((struct path_gic *)self)->pe[pe].changed = true; }

static void start(struct path_gic *g)
{
	const struct vgic_params guest = {.vcpus = g->params.pes,
					  .spis = PATH_SPIS,
					  .list_registers = (unsigned)g->timing.list_registers};
	const struct vgic_host host = {.self = g,
				       .kick = kick,
				       .queued = queued,
				       .input = input,
				       .set_active = set_active,
				       .ended = ended};
	start_gic(g);
	gic_on_change(g->gic, changed, g);
	g->vgic = vgic_new(&guest, &host);
	vgic_dist_write(g->vgic, 0, GICD_CTLR, 4, 2);
	for (unsigned i = 0; i < g->params.pes; i++) start_guest(g, i);
}

struct path_gic *path_gic_new(const struct path_gic_params *p)
{
	assert(p->pes >= 1 && p->pes <= GIC_MAX_PES);
	struct path_gic *g = xcalloc(1, sizeof(*g));
	g->params = *p;
	g->timing = p->timing && p->timing->version != GIC_UNTIMED ? *p->timing : untimed;
	if (!g->params.topology) g->params.topology = &one_unit;
	g->pe = xcalloc(p->pes, sizeof(*g->pe));
	for (unsigned i = 0; i < p->pes; i++) g->pe[i].core = p->core ? p->core[i] : i;
	g->params.core = NULL;
	g->devices = path_devices_new(p->pes);
	g->book[0] = irq_book_new(false);
	g->book[1] = irq_book_new(true);
	start(g);
	return g;
}

void path_gic_free(struct path_gic *g)
{
	if (!g) return;
	path_host_its_free(g->host_its);
	path_guest_its_free(g->its);
	path_devices_free(g->devices);
	gic_free(g->gic);
	vgic_free(g->vgic);
	irq_book_free(g->book[0]);
	irq_book_free(g->book[1]);
	free(g->pe);
	free(g);
}

unsigned path_gic_pes(const struct path_gic *g) { return g->params.pes; }

/* --- time --------------------------------------------------------------------------------------------------------- */

void path_gic_at(struct path_gic *g, unsigned pe, cycles_t now) { g->pe[pe].now = now; }
void path_gic_deadline(struct path_gic *g, unsigned pe, cycles_t deadline) { g->pe[pe].deadline = deadline; }

cycles_t path_gic_deadline_of(const struct path_gic *g, unsigned pe) { return g->pe[pe].deadline; }

cycles_t path_gic_take_deadline(struct path_gic *g, unsigned pe)
{
	cycles_t deadline = g->pe[pe].deadline;
	g->pe[pe].deadline = 0;
	return deadline;
}

cycles_t path_gic_arrival(const struct path_gic *g, unsigned pe)
{
	const struct path_gic_pe *p = &g->pe[pe];
	const cycles_t at[] = {p->hidden, p->vhidden, p->maintained ? p->maintenance : 0};
	cycles_t first = 0;
	for (unsigned i = 0; i < sizeof(at) / sizeof(at[0]); i++)
		if (at[i] > p->now && (!first || at[i] < first)) first = at[i];
	return first;
}

/* It arrives at a part at `at`; what it waits there for others. */
static cycles_t wait_at(struct path_gic *g, enum gic_part part, unsigned to, cycles_t at)
{
	struct gic_gate *gates[GIC_PART_COUNT] = {&g->distributor, &g->its_gate, &g->pe[to].redistributor};
	const uint64_t gaps[GIC_PART_COUNT] = {g->timing.distributor_gap_ns, g->timing.its_gap_ns,
					       g->timing.redistributor_gap_ns};
	return gic_gate_pass(gates[part], &g->gates[part], at, gic_ns(gaps[part], g->params.clock_mhz));
}

/* Parts in the order in which a message comes to them, and whose messages do. */
#define FROM(source) (1u << GIC_FROM_##source)
static const struct {
	enum gic_part part;
	enum gic_hop hop; /* in which the wait is counted */
	unsigned sources;
} parts[] = {
	{GIC_PART_its, GIC_HOP_translate, FROM(lpi) | FROM(vsgi) | FROM(doorbell)},
	{GIC_PART_distributor, GIC_HOP_distributor, FROM(sgi) | FROM(spi)},
	{GIC_PART_redistributor, GIC_HOP_redistributor,
	 FROM(sgi) | FROM(ppi) | FROM(spi) | FROM(lpi) | FROM(vsgi) | FROM(doorbell)},
};
#undef FROM

/* The way of `r` from `now` on to PE `to`, with what it waits for others. Returns the sum of all hops. */
static cycles_t way_of(struct path_gic *g, unsigned to, struct gic_route_request r, cycles_t now,
		       cycles_t hop[GIC_HOP_COUNT])
{
	r.to = g->pe[to].core;
	cycles_t sum = gic_route(&g->timing, g->params.topology, g->params.clock_mhz, &r, hop);
	cycles_t at = now + hop[GIC_HOP_assert];
	if (g->timing.version == GIC_UNTIMED) return 0;
	for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		bool absent = g->timing.version == GIC_V2 && parts[i].part == GIC_PART_redistributor;
		bool passes = !absent && parts[i].sources >> r.source & 1;
		cycles_t wait = passes ? wait_at(g, parts[i].part, to, at) : 0;
		hop[parts[i].hop] += wait;
		at += hop[parts[i].hop];
		sum += wait;
	}
	return sum;
}

void path_gic_tell_sent(const struct path_gic *g, unsigned to, cycles_t at)
{
	if (g->sent) g->sent(g->sent_ctx, to, at);
}

/* What is signalled already stays signalled; of several that are under way the first to come unmasks all. */
static cycles_t send(struct path_gic *g, unsigned to, uint32_t intid, struct gic_route_request r,
		     cycles_t now)
{
	struct path_gic_pe *p = &g->pe[to];
	cycles_t hop[GIC_HOP_COUNT];
	if (!irq_book_open(g->book[0], to, intid, r.source, now)) return p->hidden;
	cycles_t at = now + way_of(g, to, r, now, hop);
	for (unsigned i = 0; i < GIC_HOP_COUNT; i++)
		irq_book_mark(g->book[0], to, intid, IRQ_assert + i, now += hop[i]);
	if (!p->waiting++ || at < p->hidden) p->hidden = at;
	return at;
}

cycles_t path_gic_send(struct path_gic *g, unsigned from, unsigned to, uint32_t intid, enum gic_source source,
		       cycles_t now)
{
	return send(g, to, intid, (struct gic_route_request){.source = source, .from = g->pe[from].core},
		    now);
}

cycles_t path_gic_send_maintenance(struct path_gic *g, unsigned pe, cycles_t now)
{
	const struct gic_route_request r = {.source = GIC_FROM_ppi, .from = g->pe[pe].core};
	cycles_t hop[GIC_HOP_COUNT];
	cycles_t at = now + way_of(g, pe, r, now, hop);
	path_gic_tell_sent(g, pe, at);
	return at;
}

cycles_t path_gic_send_device(struct path_gic *g, const struct path_device_way *d, cycles_t now)
{
	const struct gic_route_request r = {.source = d->source,
					    .from = (unsigned)g->timing.device_core,
					    .by_device = true,
					    .its_reads = d->sent.reads};
	cycles_t at = send(g, d->to, d->intid, r, now);
	path_gic_tell_sent(g, d->to, at);
	return at;
}

/* `r` says where it comes from; asked for at `cause`, with the ITS from `now` on. */
static void deliver(struct path_gic *g, const struct path_device_way *d, struct gic_route_request r,
		    cycles_t cause, cycles_t now)
{
	struct path_gic_pe *p = &g->pe[d->to];
	cycles_t hop[GIC_HOP_COUNT];
	r.its_reads = d->sent.reads;
	if (!irq_book_open(g->book[1], d->to, d->intid, r.source, cause)) return;
	irq_book_mark(g->book[1], d->to, d->intid, VIRQ_request, now);
	cycles_t at = now;
	if (d->sent.doorbell) {
		r.source = GIC_FROM_doorbell;
		at = send(g, d->to, d->sent.doorbell, r, now);
	} else if (d->sent.resident) {
		at += way_of(g, d->to, r, now, hop);
		if (!d->waits) p->vhidden = at;
	} else {
		return;
	}
	irq_book_mark(g->book[1], d->to, d->intid, VIRQ_delivery, at);
	path_gic_tell_sent(g, d->to, at);
}

bool path_gic_virtual_waits(struct path_gic *g, unsigned pe)
{
	const struct gic_context guest = {.el = 1, .imo = true, .fmo = true};
	return gic_signals(g->gic, pe, &guest).virq;
}

void path_gic_send_virtual(struct path_gic *g, unsigned from, unsigned to, uint32_t sgi, cycles_t cause)
{
	const struct gic_route_request r = {.source = GIC_FROM_vsgi, .from = g->pe[from].core};
	struct path_device_way d = {.to = to, .intid = sgi, .waits = path_gic_virtual_waits(g, to)};
	d.sent = path_host_its_sgi(g->host_its, to, sgi);
	deliver(g, &d, r, cause, g->pe[from].now);
}

void path_gic_send_device_virtual(struct path_gic *g, const struct path_device_way *d, cycles_t now)
{
	const struct gic_route_request r = {
		.source = d->source, .from = (unsigned)g->timing.device_core, .by_device = true};
	deliver(g, d, r, now, now);
}

void path_gic_cause(struct path_gic *g, enum gic_source source, cycles_t at, cycles_t now)
{
	g->cause = source;
	g->cause_at = at;
	g->cause_now = now;
}

struct path_guest_its *path_gic_guest_its(struct path_gic *g)
{
	if (!g->its) g->its = path_guest_its_new(g->params.pes, g->params.translations);
	return g->its;
}

void path_gic_on_wait(struct path_gic *g, path_gic_others_fn *fn, void *ctx)
{
	g->others = fn;
	g->others_ctx = ctx;
}

void path_gic_on_sent(struct path_gic *g, path_gic_sent_fn *fn, void *ctx)
{
	g->sent = fn;
	g->sent_ctx = ctx;
}

enum status path_gic_let_others(struct path_gic *g, unsigned pe, struct err *err)
{
	return g->others ? g->others(g->others_ctx, pe, err) : OK;
}

/* --- books --------------------------------------------------------------------------------------------------------- */

static bool takes_turns(const struct gic_timing *t)
{
	return t->distributor_gap_ns || t->its_gap_ns || t->redistributor_gap_ns;
}

void path_gic_register_stats(struct path_gic *g, struct stats *s, const char *prefix, bool guests)
{
	static const char *const names[] = {"irqs", "virqs"};
	char path[32];
	for (unsigned i = 0; i < 1 + (unsigned)guests; i++) {
		snprintf(path, sizeof(path), "%s%s", prefix, names[i]);
		irq_book_register_stats(g->book[i], s, path);
	}
	for (unsigned i = 0; i < GIC_PART_COUNT && takes_turns(&g->timing); i++) {
		snprintf(path, sizeof(path), "%sgic.%s", prefix, gic_part_names[i]);
		gic_gate_register_stats(&g->gates[i], s, path);
	}
	/* Zeroing them changes nothing that the vGIC decides by. */
	if (guests) stats_add(s, vgic_rows, VGIC_ROWS, (void *)vgic_counts(g->vgic), "%svgic", prefix);
}

void path_gic_register_message_stats(struct path_gic *g, struct stats *s, const char *prefix, bool guests)
{
	if (!g->host_its || g->counts_messages) return;
	g->counts_messages = true;
	path_host_its_register_stats(g->host_its, s, prefix);
	if (guests) path_guest_its_register_stats(path_gic_guest_its(g), s, prefix);
}

enum status path_gic_check(const struct path_gic *g, struct err *err)
{
	for (unsigned i = 0; i < 2; i++) TRY(irq_book_check(g->book[i], err));
	return OK;
}

/* --- flags ---------------------------------------------------------------------------------------------------------- */

void path_gic_signal(struct path_gic *g, unsigned pe, unsigned flag)
{
	if (!g->flag[flag].count++ || g->flag[flag].at <= g->pe[pe].now) {
		g->flag[flag].pe = pe;
		g->flag[flag].at = g->pe[pe].now;
	}
}

bool path_gic_signalled(const struct path_gic *g, unsigned pe, unsigned flag, unsigned times, cycles_t *seen)
{
	*seen = g->flag[flag].at + (g->flag[flag].pe == pe ? 0 : g->params.share_cycles);
	return g->flag[flag].count >= times;
}

void path_gic_forget(struct path_gic *g, unsigned flag) { g->flag[flag].count = 0; }
