/* vgic_entry.c - a vGIC's vCPU on a PE: list registers from the ap_list on entry, and back on exit.
 * Source: Linux 6.1 arch/arm64/kvm/vgic/vgic.c (vgic_flush_lr_state, vgic_prune_ap_list), vgic-v3.c (vgic_v3_populate_lr,
 * vgic_v3_fold_lr_state), hyp/vgic-v3-sr.c. */
#include "gic/lr.h"
#include "gic/vgic_state.h"

/* Registers ------------------------------------------------------------------------------------------------- */

static const struct gic_context hypervisor = {.el = 2};
enum {
	ICH_HCR = GIC_SYSREG(3, 4, 12, 11, 0),
	ICH_VTR = GIC_SYSREG(3, 4, 12, 11, 1),
	ICH_ELRSR = GIC_SYSREG(3, 4, 12, 11, 5),
	ICH_VMCR = GIC_SYSREG(3, 4, 12, 11, 7),
	ICH_AP0R0 = GIC_SYSREG(3, 4, 12, 8, 0),
	ICH_AP1R0 = GIC_SYSREG(3, 4, 12, 9, 0),
};
static unsigned ich_lr(unsigned i) { return GIC_SYSREG(3, 4, 12, 12 + i / 8, i % 8); }

static uint64_t read_reg(struct vgic *v, const struct vgic_vcpu *c, unsigned encoding)
{
	uint64_t value = 0;
	v->counts.other_reads++;
	cpu_if_read(c->g, c->pe, encoding, &hypervisor, &value);
	return value;
}

static void write_reg(struct vgic *v, const struct vgic_vcpu *c, unsigned encoding, uint64_t value)
{
	v->counts.other_writes++;
	cpu_if_write(c->g, c->pe, encoding, &hypervisor, value);
}

/* KVM reads ICH_VTR_EL2 each time to know how many active priority registers there are; with 5 bits it is one of each. */
void vgic_load(struct vgic *v, unsigned vcpu, struct gic *g, unsigned pe)
{
	struct vgic_vcpu *c = vgic_vcpu(v, vcpu);
	c->g = g;
	c->pe = pe;
	write_reg(v, c, ICH_VMCR, c->vmcr);
	read_reg(v, c, ICH_VTR);
	write_reg(v, c, ICH_AP0R0, c->ap0r);
	write_reg(v, c, ICH_AP1R0, c->ap1r);
}

void vgic_put(struct vgic *v, unsigned vcpu)
{
	struct vgic_vcpu *c = vgic_vcpu(v, vcpu);
	c->vmcr = read_reg(v, c, ICH_VMCR);
	read_reg(v, c, ICH_VTR);
	c->ap0r = read_reg(v, c, ICH_AP0R0);
	c->ap1r = read_reg(v, c, ICH_AP1R0);
	c->g = NULL;
}

/* Entry --------------------------------------------------------------------------------------------------- */

/* A list register cannot be pending and active at once here: of a mapped interrupt the pending state is kept by the physical
 * distributor, and a level-sensitive one must be looked at again when it ends. */
static uint64_t fill(struct vgic_irq *q)
{
	bool level = !q->edge, may_pend = true;
	uint64_t lr = q->intid | (uint64_t)q->priority << 48 | (uint64_t)q->group1 << LR_GROUP;
	if (q->active) lr |= (uint64_t)LR_ACTIVE << LR_STATE;
	if (q->pintid) {
		lr |= UINT64_C(1) << LR_HW | (uint64_t)q->pintid << 32;
		may_pend = !q->active;
	} else if (level) {
		lr |= UINT64_C(1) << LR_EOI;
		may_pend = !q->active;
	}
	if (!may_pend || !vgic_is_pending(q)) return lr;
	if (q->edge) q->latch = false;
	if (q->pintid && level) q->line = false; /* only its rises are seen; the input is asked for on exit */
	return lr | (uint64_t)LR_PENDING << LR_STATE;
}

/* Active ones first, then those that can be signalled, by priority. */
static bool before(const struct vgic_irq *a, const struct vgic_irq *b)
{
	bool can_a = a->enabled && vgic_is_pending(a), can_b = b->enabled && vgic_is_pending(b);
	if (a->active != b->active) return a->active;
	if (a->active) return false;
	if (can_a != can_b) return can_a;
	return can_a && a->priority < b->priority;
}

/* A stable insertion sort: lists are short, and nearly sorted. */
static void sort(struct vgic_vcpu *c)
{
	struct vgic_irq *rest = c->first;
	c->first = c->last = NULL;
	while (rest) {
		struct vgic_irq *q = rest, *after = c->last;
		rest = q->next;
		while (after && before(q, after)) after = after->previous;
		q->previous = after;
		q->next = after ? after->next : c->first;
		*(after ? &after->next : &c->first) = q;
		*(q->next ? &q->next->previous : &c->last) = q;
	}
}

static void write_list_registers(struct vgic *v, struct vgic_vcpu *c)
{
	if (!c->used) return;
	write_reg(v, c, ICH_HCR, c->hcr);
	for (unsigned i = 0; i < c->used; i++) cpu_if_write(c->g, c->pe, ich_lr(i), &hypervisor, c->lr[i]);
	v->counts.lr_writes += c->used;
}

unsigned vgic_prepare(struct vgic *v, unsigned vcpu, const uint64_t **lr, uint32_t *hcr)
{
	struct vgic_vcpu *c = vgic_vcpu(v, vcpu);
	unsigned wanted = 0;
	v->counts.entries++;
	c->used = 0;
	c->hcr = HCR_EN;
	for (const struct vgic_irq *q = c->first; q; q = q->next) wanted += vgic_wants(v, q) == (int)vcpu;
	if (wanted > v->params.list_registers) sort(c);
	for (struct vgic_irq *q = c->first; q && c->used < v->params.list_registers; q = q->next)
		if (vgic_wants(v, q) == (int)vcpu) c->lr[c->used++] = fill(q);
	if (wanted > v->params.list_registers) {
		c->hcr |= HCR_UIE;
		v->counts.overflows++;
	}
	if (lr) *lr = c->lr;
	if (hcr) *hcr = (uint32_t)c->hcr;
	return c->used;
}

void vgic_enter(struct vgic *v, unsigned vcpu)
{
	vgic_prepare(v, vcpu, NULL, NULL);
	write_list_registers(v, vgic_vcpu(v, vcpu));
}

/* Exit ---------------------------------------------------------------------------------------------------- */

/* Empty list registers are told by one read of ICH_ELRSR_EL2 and not read themselves. */
static void read_list_registers(struct vgic *v, struct vgic_vcpu *c)
{
	if (!c->used) return;
	uint64_t empty = read_reg(v, c, ICH_ELRSR);
	write_reg(v, c, ICH_HCR, c->hcr & ~(uint64_t)HCR_EN);
	for (unsigned i = 0; i < c->used; i++) {
		if (bit_get(empty, i)) {
			c->lr[i] = lr_with_state(c->lr[i], LR_INVALID);
		} else {
			cpu_if_read(c->g, c->pe, ich_lr(i), &hypervisor, &c->lr[i]);
			v->counts.lr_reads++;
		}
		cpu_if_write(c->g, c->pe, ich_lr(i), &hypervisor, 0);
		v->counts.lr_writes++;
	}
}

/* A mapped level: when it was not taken, or has ended with its line up, the input tells whether it is still there. */
static void resample(struct vgic *v, unsigned vcpu, struct vgic_irq *q, bool was_pending, bool ended)
{
	if (!q->pintid || q->edge || !(was_pending || (ended && q->line))) return;
	q->line = v->host.input && v->host.input(v->host.self, vcpu, q->intid);
	if (!q->line && v->host.set_active) v->host.set_active(v->host.self, vcpu, q->pintid, false);
}

static void fold(struct vgic *v, unsigned vcpu, uint64_t lr)
{
	struct vgic_irq *q = vgic_irq(v, vcpu, lr_vintid(lr));
	bool active = lr_is_active(lr), pending = lr_state(lr) & LR_PENDING, ended = q->active && !active;
	if (lr_state(lr) == LR_INVALID && lr_wants_eoi(lr) && v->host.ended)
		v->host.ended(v->host.self, q->intid);
	q->active = active;
	if (q->edge && pending) q->latch = true;
	if (!q->edge && lr_state(lr) == LR_INVALID) q->latch = false;
	resample(v, vcpu, q, pending, ended);
}

/* What nobody wants leaves the list; what another vCPU wants goes there. */
static void prune(struct vgic *v, unsigned vcpu)
{
	struct vgic_irq *next;
	for (struct vgic_irq *q = vgic_vcpu(v, vcpu)->first; q; q = next) {
		next = q->next;
		int wanted = vgic_wants(v, q);
		if (wanted == (int)vcpu) continue;
		vgic_unqueue(v, q);
		if (wanted >= 0) vgic_queue(v, q);
	}
}

static void fold_all(struct vgic *v, unsigned vcpu, struct vgic_vcpu *c)
{
	v->counts.exits++;
	for (unsigned i = 0; i < c->used; i++) fold(v, vcpu, c->lr[i]);
	c->used = 0;
	prune(v, vcpu);
}

void vgic_absorb(struct vgic *v, unsigned vcpu, const uint64_t *lr)
{
	struct vgic_vcpu *c = vgic_vcpu(v, vcpu);
	for (unsigned i = 0; i < c->used; i++) c->lr[i] = lr[i];
	fold_all(v, vcpu, c);
}

void vgic_exit(struct vgic *v, unsigned vcpu)
{
	struct vgic_vcpu *c = vgic_vcpu(v, vcpu);
	read_list_registers(v, c);
	fold_all(v, vcpu, c);
}
