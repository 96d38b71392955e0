/* test_gic_random.c - random sequences of events and register accesses against naive models, with invariants after every step.
 *
 * The naive GIC searches all interrupts for every question, keeps active priorities as a set of values, and shares no code with the
 * model.
 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "gic/why.h"
#include "gic_world.h"

/* --- the naive GIC --------------------------------------------------------------------------------------------------------- */

enum { PES = 3, IRQS = 14, SHARED = 8 }; /* interrupts from SHARED on are SPIs */
static const uint32_t intids[IRQS] = {0, 3, 15, 16, 27, 31, 1056, 1100, 32, 33, 40, 95, 4096, 4127};

struct naive_irq {
	bool enabled, line, latch, active, edge, group, grpmod, nmi, any;
	unsigned priority;
	int target;
};

struct naive_pe {
	struct naive_irq irq[SHARED];
	unsigned pmr, bpr[3];
	bool enabled[3], eoi[3], cbpr[2]; /* eoi: Secure, Non-secure, EL3 */
	bool active[3][256], nmi_active[3];
	bool asleep, declines[3];
};

struct naive {
	bool two, nmi; /* two Security states */
	unsigned bits; /* of priorities */
	bool enabled[3];
	struct naive_pe pe[PES];
	struct naive_irq spi[IRQS - SHARED];
};

static struct naive_irq *irq_at(struct naive *n, unsigned pe, unsigned i)
{
	return i < SHARED ? &n->pe[pe].irq[i] : &n->spi[i - SHARED];
}

static unsigned group_of(const struct naive *n, const struct naive_irq *q)
{
	if (q->group) return GIC_G1NS;
	return n->two && q->grpmod ? GIC_G1S : GIC_G0;
}

static unsigned smallest_bpr(const struct naive *n, unsigned group)
{
	unsigned least = n->bits >= 8 ? 0 : 7 - n->bits;
	return group == GIC_G1NS ? least + 1 : least;
}

/* What preemption compares: the priority with its lowest bits gone. */
static unsigned compared(const struct naive *n, const struct naive_pe *p, unsigned group, unsigned priority)
{
	unsigned drop = p->bpr[GIC_G0] + 1;
	(void)n;
	if (group == GIC_G1S && !p->cbpr[0]) drop = p->bpr[GIC_G1S] + 1;
	if (group == GIC_G1NS && !p->cbpr[1]) drop = p->bpr[GIC_G1NS];
	return priority >> drop << drop;
}

static bool has_nmi(const struct naive *n, const struct naive_irq *q)
{
	return n->nmi && q->nmi && group_of(n, q) != GIC_G0;
}

static unsigned effective(const struct naive *n, const struct naive_irq *q)
{
	if (!has_nmi(n, q)) return q->priority;
	return n->two && group_of(n, q) == GIC_G1NS ? 0x80 : 0;
}

static unsigned running_of(const struct naive *n, const struct naive_pe *p, unsigned group)
{
	if (p->nmi_active[group]) return n->two && group == GIC_G1NS ? 0x80 : 0;
	for (unsigned v = 0; v < 256; v++)
		if (p->active[group][v]) return v;
	return 0x100;
}

static unsigned running(const struct naive *n, const struct naive_pe *p, unsigned *group)
{
	unsigned best = 0x100;
	*group = 0;
	for (unsigned i = 0; i < 3; i++)
		if (running_of(n, p, i) < best) best = running_of(n, p, i), *group = i;
	return best;
}

static bool busy(const struct naive *n, const struct naive_pe *p)
{
	(void)n;
	for (unsigned i = 0; i < 3; i++)
		for (unsigned v = 0; v < 256; v++)
			if (p->active[i][v]) return true;
	return false;
}

static int goes_to(const struct naive *n, const struct naive_irq *q)
{
	int second = -1;
	unsigned group = group_of(n, q);
	if (!q->any) return q->target;
	for (int i = PES - 1; i >= 0; i--) {
		const struct naive_pe *p = &n->pe[i];
		if (!p->asleep && p->enabled[group] && !p->declines[group] && busy(n, p)) second = i;
	}
	for (int i = 0; i < PES; i++) {
		const struct naive_pe *p = &n->pe[i];
		if (!p->asleep && p->enabled[group] && !p->declines[group] && !busy(n, p)) return i;
	}
	return second;
}

/* The interrupt of highest priority among those that `pe` may be shown, -1: none. */
static int highest(struct naive *n, unsigned pe)
{
	int best = -1;
	for (unsigned i = 0; i < IRQS; i++) {
		const struct naive_irq *q = irq_at(n, pe, i);
		unsigned group = group_of(n, q);
		bool pending = q->latch || (q->line && !q->edge);
		if (!pending || !q->enabled || q->active || n->pe[pe].asleep) continue;
		if (!n->enabled[group] || !n->pe[pe].enabled[group]) continue;
		if (i >= SHARED && goes_to(n, q) != (int)pe) continue;
		if (best < 0) {
			best = (int)i;
			continue;
		}
		const struct naive_irq *b = irq_at(n, pe, (unsigned)best);
		unsigned mine = effective(n, q) * 2 + !has_nmi(n, q),
			 its = effective(n, b) * 2 + !has_nmi(n, b);
		if (mine < its || (mine == its && intids[i] < intids[best])) best = (int)i;
	}
	return best;
}

static bool passes(struct naive *n, unsigned pe, int i)
{
	if (i < 0) return false;
	const struct naive_pe *p = &n->pe[pe];
	const struct naive_irq *q = irq_at(n, pe, (unsigned)i);
	unsigned group = group_of(n, q), by, priority = effective(n, q);
	if (has_nmi(n, q)) {
		if (n->two && group == GIC_G1NS && p->pmr < 0x80) return false;
	} else if (priority >= p->pmr) {
		return false;
	}
	unsigned now = running(n, p, &by);
	if (now == 0x100) return true;
	unsigned mine = compared(n, p, group, priority), its = compared(n, p, group, now);
	return mine < its || (mine == its && has_nmi(n, q) && !p->nmi_active[group]);
}

static bool secure_context(const struct naive *n, const struct gic_context *c)
{
	return n->two && (c->el == 3 || c->secure);
}

/* The INTID that IAR<k> or HPPIR<k> shows of interrupt i. */
static uint32_t shown(struct naive *n, unsigned pe, int i, unsigned k, const struct gic_context *c)
{
	if (i < 0) return GIC_SPURIOUS;
	unsigned group = group_of(n, irq_at(n, pe, (unsigned)i));
	bool el3 = n->two && c->el == 3, secure_irq = n->two && group != GIC_G1NS;
	if (k == 0 && group == GIC_G0) return secure_irq && !secure_context(n, c) ? GIC_SPURIOUS : intids[i];
	if (k == 0) return !el3 ? GIC_SPURIOUS : secure_irq ? GIC_INTID_SECURE : GIC_INTID_NONSECURE;
	if (group == GIC_G0) return GIC_SPURIOUS;
	return !n->two || el3 || secure_irq == secure_context(n, c) ? intids[i] : GIC_SPURIOUS;
}

static uint32_t acknowledge(struct naive *n, unsigned pe, unsigned k, const struct gic_context *c)
{
	int i = highest(n, pe);
	if (!passes(n, pe, i)) return GIC_SPURIOUS;
	uint32_t intid = shown(n, pe, i, k, c);
	if (intid >= 1020 && intid <= 1023) return intid;
	struct naive_irq *q = irq_at(n, pe, (unsigned)i);
	unsigned group = group_of(n, q), step = n->bits >= 8 ? 2 : 1u << (8 - n->bits);
	if (has_nmi(n, q)) {
		n->pe[pe].nmi_active[group] = true;
	} else {
		n->pe[pe].active[group][compared(n, &n->pe[pe], group, q->priority) / step * step] = true;
	}
	q->active = true;
	q->latch = false;
	return intid;
}

static bool split(const struct naive *n, unsigned pe, const struct gic_context *c)
{
	return n->pe[pe].eoi[n->two && c->el == 3 ? 2 : !secure_context(n, c)];
}

static void drop(struct naive_pe *p, unsigned group)
{
	if (p->nmi_active[group]) {
		p->nmi_active[group] = false;
		return;
	}
	unsigned v = 0;
	while (!p->active[group][v]) v++;
	p->active[group][v] = false;
}

static void end(struct naive *n, unsigned pe, unsigned k, unsigned i, const struct gic_context *c)
{
	unsigned group;
	if (running(n, &n->pe[pe], &group) == 0x100 || (k == 0) != (group == GIC_G0)) return;
	bool secure_group = n->two && group != GIC_G1NS;
	if (n->two && c->el != 3 && secure_group != secure_context(n, c)) return;
	drop(&n->pe[pe], group);
	if (!split(n, pe, c)) irq_at(n, pe, i)->active = false;
}

static void deactivate(struct naive *n, unsigned pe, unsigned i, const struct gic_context *c)
{
	struct naive_irq *q = irq_at(n, pe, i);
	bool secure_irq = n->two && group_of(n, q) != GIC_G1NS;
	if (!split(n, pe, c)) return;
	if (secure_irq && !secure_context(n, c)) return;
	if (group_of(n, q) == GIC_G0 && c->fiq_el3 && !(n->two && c->el == 3)) return;
	q->active = false;
}

/* --- both side by side ------------------------------------------------------------------------------------------------------ */

struct pair {
	struct naive n;
	struct gic_world w;
	struct rng rng;
	unsigned taken[PES][16], depth[PES]; /* what software has acknowledged and not ended */
};

static unsigned pick(struct pair *p, unsigned n) { return (unsigned)rng_below(&p->rng, n); }
static bool flip(struct pair *p) { return rng_next(&p->rng) & 1; }

static void random_context(struct pair *p)
{
	static const struct gic_context one[] = {{.el = 1}, {.el = 2}};
	static const struct gic_context two[] = {
		{.el = 3}, {.el = 1, .secure = true}, {.el = 1}, {.el = 2}, {.el = 1, .fiq_el3 = true}};
	p->w.c = p->n.two ? two[pick(p, 5)] : one[pick(p, 2)];
	p->w.pe = pick(p, PES);
}

static unsigned keep_bits(const struct pair *p, unsigned v)
{
	return v >> (8 - p->n.bits) << (8 - p->n.bits);
}

/* One event of interrupt i, done to both. */
static void interrupt_event(struct pair *p)
{
	unsigned i = pick(p, IRQS);
	struct naive_irq *q = irq_at(&p->n, p->w.pe, i);
	bool v = flip(p);
	bool sgi = intids[i] < 16;
	switch (pick(p, 9)) {
	case 0:
	case 1:
		gic_set_line(p->w.g, p->w.pe, intids[i], v);
		if (sgi) break;
		q->latch |= v && !q->line && q->edge;
		q->line = v;
		break;
	case 2: gw_bit(&p->w, v ? A_SET_PENDING : A_CLEAR_PENDING, intids[i]), q->latch = v; break;
	case 3: gw_bit(&p->w, v ? A_ENABLE : A_DISABLE, intids[i]), q->enabled = v; break;
	case 4:
		if (pick(p, 4)) break;
		gw_bit(&p->w, v ? A_SET_ACTIVE : A_CLEAR_ACTIVE, intids[i]), q->active = v;
		break;
	case 5:
		q->priority = keep_bits(p, pick(p, 256));
		gw_priority(&p->w, intids[i], q->priority | pick(p, 1u << (8 - p->n.bits)));
		break;
	case 6:
		gw_edge(&p->w, intids[i], v);
		if (!sgi) q->edge = v;
		break;
	case 7: {
		unsigned group = pick(p, p->n.two ? 3 : 2);
		if (group == 1 && !p->n.two) group = GIC_G1NS;
		gw_group(&p->w, intids[i], group);
		q->group = group == GIC_G1NS;
		q->grpmod = group == GIC_G1S;
		break;
	}
	default:
		if (i < SHARED) break;
		q->any = !pick(p, 3);
		q->target = (int)pick(p, PES);
		uint32_t offset = intids[i] >= 4096 ? 0x8000 + 8 * (intids[i] - 4096)
						    : 0x6000 + 8 * intids[i];
		gic_dist_write(p->w.g, offset, 8,
			       (uint64_t)q->any << 31 | gic_affinity(p->w.g, (unsigned)q->target), true);
	}
}

static bool restricted_mask(const struct pair *p)
{
	return p->n.two && !secure_context(&p->n, &p->w.c) && p->w.c.fiq_el3;
}

static void control_event(struct pair *p)
{
	struct naive_pe *q = &p->n.pe[p->w.pe];
	unsigned v = pick(p, 256), bank = p->n.two && p->w.c.secure ? GIC_G1S : GIC_G1NS;
	bool on = pick(p, 5);
	switch (pick(p, 8)) {
	case 0:
		gw_write(&p->w, "PMR", v);
		if (restricted_mask(p) && q->pmr < 0x80) break;
		q->pmr = keep_bits(p, restricted_mask(p) ? v / 2 + 0x80 : v);
		break;
	case 1: {
		unsigned k = flip(p) ? bank : GIC_G0, least = smallest_bpr(&p->n, k);
		gw_write(&p->w, k ? "BPR1" : "BPR0", v & 7);
		if (k == GIC_G1NS && q->cbpr[1] && !(p->n.two && p->w.c.el == 3)) break;
		if (k == GIC_G1S && q->cbpr[0]) k = GIC_G0, least = smallest_bpr(&p->n, k);
		q->bpr[k] = (v & 7) < least ? least : v & 7;
		break;
	}
	case 2: gw_write(&p->w, "IGRPEN0", on), q->enabled[0] = on; break;
	case 3: gw_write(&p->w, "IGRPEN1", on), q->enabled[bank] = on; break;
	case 4:
		gw_write(&p->w, "CTLR", v & 3);
		q->eoi[bank == GIC_G1NS] = v & 2;
		if (!p->n.two) q->cbpr[1] = v & 1;
		break;
	case 5:
		if (p->w.c.el != 3) break;
		gw_write(&p->w, "ICC_CTLR_EL3", v & 0x1f);
		q->cbpr[0] = v & 1, q->cbpr[1] = v & 2, q->eoi[2] = v & 4, q->eoi[0] = v & 8,
		q->eoi[1] = v & 16;
		break;
	case 6:
		if (pick(p, 4)) break;
		gic_redist_write(p->w.g, p->w.pe, 0x14, 4, on ? 0 : 2, true);
		q->asleep = !on;
		break;
	default:
		if (pick(p, 4)) break;
		v = pick(p, 8);
		gic_dist_write(p->w.g, 0, 4, v, true);
		p->n.enabled[GIC_G0] = v & 1, p->n.enabled[GIC_G1NS] = v & 2, p->n.enabled[GIC_G1S] = v & 4;
		unsigned dpg = pick(p, 8);
		gic_redist_write(p->w.g, p->w.pe, 0, 4, dpg << 24, true);
		q->declines[GIC_G0] = dpg & 1, q->declines[GIC_G1NS] = dpg & 2;
		q->declines[GIC_G1S] = p->n.two && dpg & 4;
	}
}

static unsigned index_of(uint32_t intid)
{
	unsigned i = 0;
	while (i < IRQS && intids[i] != intid) i++;
	return i;
}

static void software_event(struct pair *p)
{
	unsigned pe = p->w.pe, k = flip(p), *depth = &p->depth[pe];
	unsigned i = *depth && pick(p, 8) ? p->taken[pe][*depth - 1] : pick(p, IRQS);
	switch (pick(p, 5)) {
	case 0:
	case 1: {
		uint32_t came = (uint32_t)gw_read(&p->w, k ? "IAR1" : "IAR0");
		cr_assert(eq(u32, came, acknowledge(&p->n, pe, k, &p->w.c)));
		if (index_of(came) < IRQS && *depth < 16) p->taken[pe][(*depth)++] = index_of(came);
		break;
	}
	case 2:
	case 3:
		gw_write(&p->w, k ? "EOIR1" : "EOIR0", intids[i]);
		end(&p->n, pe, k, i, &p->w.c);
		if (*depth && !pick(p, 3)) (*depth)--;
		break;
	default: gw_write(&p->w, "DIR", intids[i]), deactivate(&p->n, pe, i, &p->w.c);
	}
}

static void agree(struct pair *p, unsigned pe)
{
	unsigned by, now = running(&p->n, &p->n.pe[pe], &by);
	int i = highest(&p->n, pe);
	unsigned group = i < 0 ? 0 : group_of(&p->n, irq_at(&p->n, pe, (unsigned)i));
	p->w.pe = pe;
	struct gic_signals s = gw_signals(&p->w);
	bool on = passes(&p->n, pe, i);
	bool fiq = group == GIC_G0 || (p->n.two && (p->w.c.el == 3 || p->w.c.secure != (group == GIC_G1S)));
	cr_assert(eq(int, s.fiq, on &&fiq));
	cr_assert(eq(int, s.irq, on && !fiq));
	cr_assert(eq(u64, gw_read(&p->w, "HPPIR0"), shown(&p->n, pe, i, 0, &p->w.c)));
	cr_assert(eq(u64, gw_read(&p->w, "HPPIR1"), shown(&p->n, pe, i, 1, &p->w.c)));
	cr_assert(eq(u32, gic_running_priority(p->w.g, pe), now == 0x100 ? 0xff : now));
	for (unsigned k = 0; k < IRQS; k++) {
		struct gic_irq_state t = gw_state(&p->w, intids[k]);
		const struct naive_irq *q = irq_at(&p->n, pe, k);
		cr_assert(eq(int, t.pending, q->latch || (q->line && !q->edge)));
		cr_assert(eq(int, t.active, q->active));
		cr_assert(eq(int, gic_why(p->w.g, pe, intids[k]) == GIC_STOP_SIGNALLED, on && i == (int)k));
	}
}

static void agree_everywhere(struct pair *p)
{
	unsigned pe = p->w.pe;
	for (unsigned i = 0; i < PES; i++) agree(p, i);
	p->w.pe = pe;
	gw_check(&p->w);
}

static void pair_new(struct pair *p, unsigned seed)
{
	memset(p, 0, sizeof(*p));
	rng_init(&p->rng, seed, "gic.random");
	p->n.two = seed & 1;
	p->n.nmi = seed & 2;
	p->n.bits = 5 + seed / 4 % 4;
	p->w = gw_new(&(struct gic_params){.pes = PES,
					   .spis = 64,
					   .extended_ppis = 64,
					   .extended_spis = 32,
					   .priority_bits = p->n.bits,
					   .security = p->n.two,
					   .nmi = p->n.nmi,
					   .list_registers = 4,
					   .awake = true});
	for (unsigned i = 0; i < 3; i++) p->n.enabled[i] = true;
	for (unsigned pe = 0; pe < PES; pe++) {
		p->n.pe[pe].pmr = keep_bits(p, 0xff);
		for (unsigned i = 0; i < 3; i++) {
			p->n.pe[pe].enabled[i] = i != GIC_G1S || p->n.two;
			p->n.pe[pe].bpr[i] = smallest_bpr(&p->n, i);
		}
		for (unsigned i = 0; i < SHARED; i++) p->n.pe[pe].irq[i].edge = intids[i] < 16;
	}
}

/* Enabled and with superpriority here and there, so that something happens. */
static void pair_start(struct pair *p)
{
	for (unsigned pe = 0; pe < PES; pe++) {
		p->w.pe = pe;
		for (unsigned i = 0; i < IRQS; i++) {
			if (i >= SHARED && pe) continue;
			struct naive_irq *q = irq_at(&p->n, pe, i);
			q->priority = keep_bits(p, pick(p, 256));
			q->group = flip(p);
			q->enabled = true;
			gw_irq(&p->w, intids[i], q->group ? GIC_G1NS : GIC_G0, q->priority);
			if (!p->n.nmi || pick(p, 4) || !q->group) continue;
			q->nmi = true;
			gw_bit(&p->w, A_NMI, intids[i]);
		}
	}
}

Test(gic_random, behaves_as_a_naive_gic_on_random_sequences)
{
	enum { SEEDS = 64, STEPS = 400 };
	unsigned acknowledged = 0;
	struct pair *p = malloc(sizeof(*p));
	for (unsigned seed = 0; seed < SEEDS; seed++) {
		pair_new(p, seed);
		pair_start(p);
		for (unsigned step = 0; step < STEPS; step++) {
			random_context(p);
			switch (pick(p, 4)) {
			case 0: interrupt_event(p); break;
			case 1: control_event(p); break;
			case 2: interrupt_event(p); break;
			default: software_event(p); break;
			}
			agree_everywhere(p);
			acknowledged += p->depth[p->w.pe];
		}
		gw_free(&p->w);
	}
	free(p);
	cr_assert(lt(u32, 1000, acknowledged), "the sequences took interrupts");
}
