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
				     .priority_bits = (unsigned)g->timing.priority_bits,
				     .list_registers = (unsigned)g->timing.list_registers,
				     .maintenance_intid = MAINTENANCE,
				     .nmi = g->timing.nmi != 0,
				     .awake = true};
	g->gic = gic_new(&p);
	if (g->timing.version == GIC_V41)
		g->vpes = path_vpes_new(g->gic, p.pes, (unsigned)g->timing.its_cached);
	gic_dist_write(g->gic, GICD_CTLR, 4, CTLR_DS | CTLR_ENABLE_ALL, false);
	for (unsigned i = 0; i < p.pes; i++) start_pe(g, i);
	if (g->vpes) path_vpes_start(g->vpes);
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

static void changed(void *self, unsigned pe) { ((struct path_gic *)self)->pe[pe].changed = true; }

static void start(struct path_gic *g)
{
	const struct vgic_params guest = {.vcpus = g->params.pes,
					  .list_registers = (unsigned)g->timing.list_registers};
	const struct vgic_host host = {
		.self = g, .kick = kick, .queued = queued, .input = input, .set_active = set_active};
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
	g->book[0] = irq_book_new(false);
	g->book[1] = irq_book_new(true);
	start(g);
	return g;
}

void path_gic_free(struct path_gic *g)
{
	if (!g) return;
	path_vpes_free(g->vpes);
	path_guest_its_free(g->its);
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

bool path_gic_has_deadline(const struct path_gic *g, unsigned pe) { return g->pe[pe].deadline != 0; }

cycles_t path_gic_take_deadline(struct path_gic *g, unsigned pe)
{
	cycles_t deadline = g->pe[pe].deadline;
	g->pe[pe].deadline = 0;
	return deadline;
}

cycles_t path_gic_arrival(const struct path_gic *g, unsigned pe)
{
	const struct path_gic_pe *p = &g->pe[pe];
	cycles_t irq = p->hidden > p->now ? p->hidden : 0, virq = p->vhidden > p->now ? p->vhidden : 0;
	return irq && (!virq || irq < virq) ? irq : virq;
}

/* What is signalled already stays signalled; of several that are under way the first to come unmasks all. */
cycles_t path_gic_send(struct path_gic *g, unsigned from, unsigned to, uint32_t intid, enum gic_source source,
		       cycles_t now)
{
	struct path_gic_pe *p = &g->pe[to];
	struct gic_route_request r = {.source = source, .from = g->pe[from].core, .to = p->core};
	cycles_t hop[GIC_HOP_COUNT];
	cycles_t at = now + gic_route(&g->timing, g->params.topology, g->params.clock_mhz, &r, hop);
	if (!irq_book_open(g->book[0], to, intid, source, now)) return p->hidden;
	for (unsigned i = 0; i < GIC_HOP_COUNT; i++)
		irq_book_mark(g->book[0], to, intid, IRQ_assert + i, now += hop[i]);
	if (!p->waiting++) p->hidden = at;
	return at;
}

void path_gic_send_virtual(struct path_gic *g, unsigned from, unsigned to, uint32_t sgi, cycles_t cause)
{
	struct path_gic_pe *p = &g->pe[to];
	struct gic_route_request r = {.source = GIC_FROM_vsgi, .from = g->pe[from].core, .to = p->core};
	const struct gic_context guest = {.el = 1, .imo = true, .fmo = true};
	cycles_t hop[GIC_HOP_COUNT], now = g->pe[from].now;
	bool waits = gic_signals(g->gic, to, &guest).virq;
	struct path_vsgi sent = path_vpes_sgi(g->vpes, to, sgi);
	r.its_reads = sent.reads;
	cycles_t at = now + gic_route(&g->timing, g->params.topology, g->params.clock_mhz, &r, hop);
	if (!irq_book_open(g->book[1], to, sgi, GIC_FROM_vsgi, cause)) return;
	irq_book_mark(g->book[1], to, sgi, VIRQ_request, now);
	if (sent.doorbell) at = path_gic_send(g, from, to, sent.doorbell, GIC_FROM_doorbell, now);
	if (sent.resident || sent.doorbell) irq_book_mark(g->book[1], to, sgi, VIRQ_delivery, at);
	if (sent.resident && !waits) p->vhidden = at;
}

void path_gic_on_wait(struct path_gic *g, path_gic_others_fn *fn, void *ctx)
{
	g->others = fn;
	g->others_ctx = ctx;
}

enum status path_gic_let_others(struct path_gic *g, unsigned pe, struct err *err)
{
	return g->others ? g->others(g->others_ctx, pe, err) : OK;
}

/* --- books --------------------------------------------------------------------------------------------------------- */

void path_gic_register_stats(struct path_gic *g, struct stats *s, const char *prefix, bool guests)
{
	static const char *const names[] = {"irqs", "virqs"};
	char path[32];
	for (unsigned i = 0; i < 1 + (unsigned)guests; i++) {
		snprintf(path, sizeof(path), "%s%s", prefix, names[i]);
		irq_book_register_stats(g->book[i], s, path);
	}
	/* Zeroing them changes nothing that the vGIC decides by. */
	if (guests) stats_add(s, vgic_rows, VGIC_ROWS, (void *)vgic_counts(g->vgic), "%svgic", prefix);
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
