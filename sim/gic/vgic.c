#include "gic/vgic_state.h"

#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/bits.h"

static unsigned banks(const struct vgic *v) { return (v->params.spis + 31) / 32; }

struct vgic *vgic_new(const struct vgic_params *p, const struct vgic_host *host)
{
	assert(p->vcpus >= 1 && p->vcpus <= GIC_MAX_PES && p->spis <= VGIC_MAX_SPIS);
	assert(p->list_registers >= 1 && p->list_registers <= GIC_MAX_LRS);
	struct vgic *v = xcalloc(1, sizeof(*v));
	v->params = *p;
	v->params.affinity = NULL;
	if (host) v->host = *host;
	v->affinity = xcalloc(p->vcpus, sizeof(*v->affinity));
	for (unsigned i = 0; i < p->vcpus; i++)
		v->affinity[i] = p->affinity ? p->affinity[i] : (i & 15) | i >> 4 << 8;
	v->vcpu = xcalloc(p->vcpus, sizeof(struct vgic_vcpu *));
	v->spis = xcalloc(banks(v), sizeof(struct vgic_irq *));
	return v;
}

void vgic_free(struct vgic *v)
{
	if (!v) return;
	for (unsigned i = 0; i < v->params.vcpus; i++) free(v->vcpu[i]);
	for (unsigned i = 0; i < banks(v); i++) free(v->spis[i]);
	for (size_t i = 0; i < v->lpis; i++) free(v->lpi[i]);
	free(v->lpi);
	free(v->vcpu);
	free(v->spis);
	free(v->affinity);
	free(v);
}

const struct vgic_counts *vgic_counts(const struct vgic *v) { return &v->counts; }

uint32_t vgic_affinity(const struct vgic *v, unsigned vcpu) { return v->affinity[vcpu]; }

/* Interrupts of Group 1, as KVM has them for a GICv3 guest; SGIs are edges. */
static void start_irq(struct vgic_irq *q, uint32_t intid, int target)
{
	*q = (struct vgic_irq){
		.intid = intid, .edge = intid < GIC_SGIS, .group1 = true, .target = target, .queued = -1};
}

struct vgic_vcpu *vgic_vcpu(struct vgic *v, unsigned vcpu)
{
	assert(vcpu < v->params.vcpus);
	if (v->vcpu[vcpu]) return v->vcpu[vcpu];
	struct vgic_vcpu *c = v->vcpu[vcpu] = xcalloc(1, sizeof(*c));
	for (uint32_t i = 0; i < GIC_PRIVATE; i++) start_irq(&c->irq[i], i, (int)vcpu);
	return c;
}

/* Devices have few: a search, as in KVM's list of LPIs. */
static struct vgic_irq *find_lpi(struct vgic *v, uint32_t intid)
{
	for (size_t i = 0; i < v->lpis; i++)
		if (v->lpi[i]->intid == intid) return v->lpi[i];
	return NULL;
}

struct vgic_irq *vgic_irq(struct vgic *v, unsigned vcpu, uint32_t intid)
{
	if (intid < GIC_PRIVATE) return &vgic_vcpu(v, vcpu)->irq[intid];
	if (intid >= GIC_LPI) return find_lpi(v, intid);
	unsigned bank = intid / 32 - 1;
	if (intid >= GIC_SPI_END || bank >= banks(v)) return NULL;
	if (!v->spis[bank]) {
		v->spis[bank] = xcalloc(32, sizeof(struct vgic_irq));
		for (uint32_t i = 0; i < 32; i++)
			start_irq(&v->spis[bank][i], 32 * (bank + 1) + i, vgic_vcpu_of(v, 0));
	}
	return &v->spis[bank][intid % 32];
}

int vgic_vcpu_of(const struct vgic *v, uint32_t affinity)
{
	for (unsigned i = 0; i < v->params.vcpus; i++)
		if (v->affinity[i] == affinity) return (int)i;
	return -1;
}

/* The ap_list --------------------------------------------------------------------------------------------- */

/* An active interrupt stays with the vCPU that has it; a pending one goes to its target if it can be signalled at all. */
int vgic_wants(const struct vgic *v, const struct vgic_irq *q)
{
	if (q->active) return q->queued >= 0 ? q->queued : q->target;
	return q->enabled && vgic_is_pending(q) && v->enabled ? q->target : -1;
}

static void append(struct vgic_vcpu *c, struct vgic_irq *q)
{
	q->previous = c->last;
	q->next = NULL;
	if (c->last) {
		c->last->next = q;
	} else {
		c->first = q;
	}
	c->last = q;
	c->length++;
}

void vgic_unqueue(struct vgic *v, struct vgic_irq *q)
{
	struct vgic_vcpu *c = vgic_vcpu(v, (unsigned)q->queued);
	*(q->previous ? &q->previous->next : &c->first) = q->next;
	*(q->next ? &q->next->previous : &c->last) = q->previous;
	c->length--;
	q->queued = -1;
}

static void kick(struct vgic *v, unsigned vcpu)
{
	v->counts.kicks++;
	if (v->host.kick) v->host.kick(v->host.self, vcpu);
}

void vgic_queue(struct vgic *v, struct vgic_irq *q)
{
	int to = vgic_wants(v, q);
	if (q->queued >= 0 || to < 0) {
		/* What is queued and pending again is signalled at the next entry, which the kick brings about. */
		if (q->queued < 0 || to < 0 || !vgic_is_pending(q)) return;
		if (v->host.queued) v->host.queued(v->host.self, (unsigned)q->queued, q->intid);
		kick(v, (unsigned)q->queued);
		return;
	}
	struct vgic_vcpu *c = vgic_vcpu(v, (unsigned)to);
	append(c, q);
	q->queued = to;
	v->counts.injected++;
	if (v->host.queued) v->host.queued(v->host.self, (unsigned)to, q->intid);
	if (c->length > v->counts.most_waiting) v->counts.most_waiting = c->length;
	kick(v, (unsigned)to);
}

/* Injection ------------------------------------------------------------------------------------------------- */

/* A level that has not changed is no news, and neither is the falling of an edge. */
void vgic_inject(struct vgic *v, unsigned vcpu, uint32_t intid, bool level)
{
	struct vgic_irq *q = intid < GIC_SGIS ? NULL : vgic_irq(v, vcpu, intid);
	if (!q || (q->edge ? !level : q->line == level)) return;
	if (level && vgic_is_pending(q)) v->counts.merged++;
	if (q->edge) {
		q->latch = true;
	} else {
		q->line = level;
	}
	vgic_queue(v, q);
}

/* LPIs have no active state; of edges this one differs in that only. */
void vgic_inject_lpi(struct vgic *v, unsigned vcpu, uint32_t intid, uint8_t priority)
{
	struct vgic_irq *q = find_lpi(v, intid);
	if (!q) {
		q = xcalloc(1, sizeof(*q));
		start_irq(q, intid, (int)vcpu);
		q->edge = q->enabled = true;
		v->lpi = xrealloc(v->lpi, v->lpis + 1, sizeof(struct vgic_irq *));
		v->lpi[v->lpis++] = q;
	}
	q->priority = priority;
	if (q->queued < 0) q->target = (int)vcpu;
	if (q->latch) v->counts.merged++;
	q->latch = true;
	vgic_queue(v, q);
}

static void send_one(struct vgic *v, unsigned vcpu, uint32_t sgi, bool group0)
{
	struct vgic_irq *q = vgic_irq(v, vcpu, sgi);
	if (q->group1 == group0) return;
	if (q->latch) v->counts.merged++;
	q->latch = true;
	vgic_queue(v, q);
}

/* ICC_SGI1R_EL1: Aff3 <55:48>, RS <47:44>, IRM <40>, Aff2 <39:32>, INTID <27:24>, Aff1 <23:16>, TargetList <15:0>. */
void vgic_send_sgi(struct vgic *v, unsigned vcpu, uint64_t sgir, bool group0)
{
	uint32_t sgi = (uint32_t)bits_get(sgir, 27, 24);
	uint32_t cluster = (uint32_t)(bits_get(sgir, 55, 48) << 24 | bits_get(sgir, 39, 32) << 16 |
				      bits_get(sgir, 23, 16) << 8 | bits_get(sgir, 47, 44) << 4);
	for (unsigned i = 0; i < v->params.vcpus; i++) {
		uint32_t aff = v->affinity[i];
		bool listed = (aff & ~15u) == cluster && bit_get(sgir, aff & 15);
		if (bit_get(sgir, 40) ? i != vcpu : listed) send_one(v, i, sgi, group0);
	}
}

void vgic_map(struct vgic *v, unsigned vcpu, uint32_t intid, uint32_t pintid)
{
	struct vgic_irq *q = vgic_irq(v, vcpu, intid);
	if (q) q->pintid = pintid;
}

void vgic_make_edge(struct vgic *v, unsigned vcpu, uint32_t intid)
{
	struct vgic_irq *q = vgic_irq(v, vcpu, intid);
	if (q) q->edge = true;
}

/* Questions ------------------------------------------------------------------------------------------------- */

enum { VMCR_PMR = 24 };

bool vgic_has_pending(struct vgic *v, unsigned vcpu)
{
	struct vgic_vcpu *c = vgic_vcpu(v, vcpu);
	for (const struct vgic_irq *q = c->first; q && v->enabled; q = q->next)
		if (q->enabled && vgic_is_pending(q) && !q->active && q->priority < c->vmcr >> VMCR_PMR)
			return true;
	return false;
}

bool vgic_wanted(struct vgic *v, unsigned vcpu)
{
	for (const struct vgic_irq *q = vgic_vcpu(v, vcpu)->first; q; q = q->next)
		if (vgic_wants(v, q) == (int)vcpu && vgic_is_pending(q)) return true;
	return false;
}

unsigned vgic_listed(const struct vgic *v, unsigned vcpu) { return v->vcpu[vcpu] ? v->vcpu[vcpu]->used : 0; }

unsigned vgic_queued(const struct vgic *v, unsigned vcpu)
{
	return v->vcpu[vcpu] ? v->vcpu[vcpu]->length : 0;
}

bool vgic_irq_state(struct vgic *v, unsigned vcpu, uint32_t intid, struct gic_irq_state *out)
{
	const struct vgic_irq *q = vgic_irq(v, vcpu, intid);
	if (!q) return false;
	*out = (struct gic_irq_state){.enabled = q->enabled,
				      .pending = vgic_is_pending(q),
				      .active = q->active,
				      .line = q->line,
				      .latched = q->latch,
				      .edge = q->edge,
				      .priority = q->priority,
				      .group = q->group1 ? GIC_G1NS : GIC_G0,
				      .target = q->target};
	return true;
}

static const char *check_list(const struct vgic_vcpu *c, unsigned index)
{
	unsigned length = 0;
	const struct vgic_irq *before = NULL;
	for (const struct vgic_irq *q = c->first; q; before = q, q = q->next, length++) {
		if (q->queued != (int)index)
			return "an interrupt is on the list of another vCPU than it says";
		if (q->previous != before) return "a list is torn";
	}
	if (c->last != before || length != c->length) return "a list's end or length is wrong";
	return c->used > c->length ? "more list registers are in use than interrupts are queued" : NULL;
}

const char *vgic_check(const struct vgic *v)
{
	const char *broken = NULL;
	for (unsigned i = 0; !broken && i < v->params.vcpus; i++)
		if (v->vcpu[i]) broken = check_list(v->vcpu[i], i);
	for (unsigned i = 0; i < banks(v) * 32; i++) {
		const struct vgic_irq *q = v->spis[i / 32] ? &v->spis[i / 32][i % 32] : NULL;
		if (q && vgic_wants(v, q) >= 0 && q->queued < 0)
			return "an interrupt that is wanted is on no list";
	}
	return broken;
}
