/* test_gic_v2_dist.c - rules of IHI 0048B for the distributor of a GICv2, each a test named after it, and random sequences against a
 * naive one. */
#include <stdlib.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/rng.h"
#include "gic/cpu_if.h"
#include "gic/v2.h"
#include "gic/v2_dist.h"

enum {
	CTLR = 0,
	TYPER = 4,
	IGROUPR = 0x80,
	ISENABLER = 0x100,
	ICENABLER = 0x180,
	ISPENDR = 0x200,
	ICPENDR = 0x280,
	ISACTIVER = 0x300,
	IPRIORITYR = 0x400,
	ITARGETSR = 0x800,
	ICFGR = 0xc00,
	NSACR = 0xe00,
	SGIR = 0xf00,
	CPENDSGIR = 0xf10,
	SPENDSGIR = 0xf20,
	PIDR2 = 0xfe8
};
enum {
	C_CTLR = 0,
	C_PMR = 4,
	C_BPR = 8,
	C_IAR = 0xc,
	C_EOIR = 0x10,
	C_RPR = 0x14,
	C_HPPIR = 0x18,
	C_ABPR = 0x1c,
	C_AIAR = 0x20,
	C_AEOIR = 0x24,
	C_DIR = 0x1000
};
enum { TO_OTHERS = 1 << 24, TO_SELF = 2 << 24, NSATT = 1 << 15, LIST = 16 };
enum { S = 1, NS = 0, SPI = 40 };

static uint32_t d_read(struct gic *g, unsigned pe, unsigned offset, bool secure)
{
	return (uint32_t)gicv2_dist_read(g, pe, offset, 4, secure);
}

static void d_write(struct gic *g, unsigned pe, unsigned offset, uint32_t v, bool secure)
{
	gicv2_dist_write(g, pe, offset, 4, v, secure);
}

static void d_byte(struct gic *g, unsigned pe, unsigned offset, unsigned v, bool secure)
{
	gicv2_dist_write(g, pe, offset, 1, v, secure);
}

static uint32_t c_read(struct gic *g, unsigned pe, unsigned offset, bool secure)
{
	return gicc_read(g, pe, offset, 4, secure);
}

static void c_write(struct gic *g, unsigned pe, unsigned offset, uint32_t v, bool secure)
{
	gicc_write(g, pe, offset, 4, v, secure);
}

/* Both groups enabled everywhere, nothing masked, all SPIs and SGIs enabled at priority 0x80. */
static struct gic *new_gic(unsigned pes, bool security)
{
	const struct gic_params p = {
		.pes = pes, .spis = 32, .v2 = true, .security = security, .list_registers = 4};
	struct gic *g = gic_new(&p);
	d_write(g, 0, CTLR, 3, S);
	d_write(g, 0, ISENABLER + 4, UINT32_MAX, S);
	for (unsigned i = 32; i < 64; i += 4) d_write(g, 0, IPRIORITYR + i, 0x80808080, S);
	for (unsigned pe = 0; pe < pes; pe++) {
		d_write(g, pe, ISENABLER, UINT32_MAX, S);
		for (unsigned i = 0; i < 32; i += 4) d_write(g, pe, IPRIORITYR + i, 0x80808080, S);
		c_write(g, pe, C_CTLR, 3, S);
		c_write(g, pe, C_PMR, 0xff, S);
	}
	return g;
}

Test(gic_v2_dist, typer_tells_cpus_lines_and_security)
{
	struct gic *g = new_gic(4, true), *h = new_gic(1, false);
	cr_expect(eq(u32, d_read(g, 0, TYPER, S), 1 | 3 << 5 | 1 << 10));
	cr_expect(eq(u32, d_read(h, 0, TYPER, S), 1));
	cr_expect(eq(u32, d_read(h, 0, PIDR2, S) >> 4 & 15, 2));
	gic_free(g);
	gic_free(h);
}

Test(gic_v2_dist, itargetsr_of_private_interrupts_tells_who_reads_it_and_ignores_writes)
{
	struct gic *g = new_gic(4, false);
	for (unsigned pe = 0; pe < 4; pe++) {
		d_write(g, pe, ITARGETSR, 0xf, S);
		cr_expect(eq(u32, d_read(g, pe, ITARGETSR, S), 0x01010101u << pe));
		cr_expect(eq(u32, d_read(g, pe, ITARGETSR + 28, S), 0x01010101u << pe));
	}
	gic_free(g);
}

Test(gic_v2_dist, itargetsr_holds_only_cpus_that_there_are_and_nothing_with_a_single_one)
{
	struct gic *g = new_gic(2, false), *h = new_gic(1, false);
	d_byte(g, 0, ITARGETSR + SPI, 0xff, S);
	cr_expect(eq(u32, d_read(g, 1, ITARGETSR + SPI, S), 3));
	d_byte(h, 0, ITARGETSR + SPI, 0xff, S);
	cr_expect(eq(u32, d_read(h, 0, ITARGETSR + SPI, S), 0));
	gic_set_line(h, 0, SPI, true);
	cr_expect(eq(u32, c_read(h, 0, C_IAR, S), SPI), "and all come to that one");
	gic_free(g);
	gic_free(h);
}

Test(gic_v2_dist, an_spi_goes_to_all_its_targets_and_the_first_to_acknowledge_has_it)
{
	struct gic *g = new_gic(3, false);
	d_byte(g, 0, ITARGETSR + SPI, 0x5, S);
	gic_set_line(g, 0, SPI, true);
	cr_expect(gicv2_signals(g, 0).irq);
	cr_expect(not(gicv2_signals(g, 1).irq));
	cr_expect(gicv2_signals(g, 2).irq);
	cr_expect(eq(u32, c_read(g, 2, C_IAR, S), SPI));
	cr_expect(not(gicv2_signals(g, 0).irq));
	cr_expect(eq(u32, c_read(g, 0, C_IAR, S), GIC_SPURIOUS));
	gic_free(g);
}

Test(gic_v2_dist, a_pending_spi_follows_its_targets)
{
	struct gic *g = new_gic(2, false);
	d_byte(g, 0, ITARGETSR + SPI, 1, S);
	gic_set_line(g, 0, SPI, true);
	cr_expect(gicv2_signals(g, 0).irq);
	d_byte(g, 0, ITARGETSR + SPI, 2, S);
	cr_expect(not(gicv2_signals(g, 0).irq));
	cr_expect(gicv2_signals(g, 1).irq);
	d_byte(g, 0, ITARGETSR + SPI, 0, S);
	cr_expect(not(gicv2_signals(g, 1).irq));
	gic_free(g);
}

Test(gic_v2_dist, sgir_goes_to_its_list_to_all_others_or_to_itself)
{
	static const struct {
		uint32_t value, targets;
	} cases[] = {{0xa << LIST | 5, 0xa},
		     {TO_OTHERS | 0xff << LIST | 5, 0xd},
		     {TO_SELF | 0xff << LIST | 5, 0x2},
		     {3 << 24 | 0xff << LIST | 5, 0},
		     {0xf0 << LIST | 5, 0}};
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct gic *g = new_gic(4, false);
		d_write(g, 1, SGIR, cases[i].value, S);
		for (unsigned pe = 0; pe < 4; pe++)
			cr_expect(eq(u32, d_read(g, pe, SPENDSGIR + 4, S) >> 8 & 0xff,
				     cases[i].targets >> pe & 1 ? 1 << 1 : 0),
				  "case %u, PE %u", i, pe);
		gic_free(g);
	}
}

Test(gic_v2_dist, an_sgi_is_pending_once_for_each_source_and_iar_names_it)
{
	struct gic *g = new_gic(4, false);
	d_write(g, 3, SGIR, 1 << LIST | 5, S);
	d_write(g, 1, SGIR, 1 << LIST | 5, S);
	d_write(g, 1, SGIR, 1 << LIST | 5, S);
	cr_expect(eq(u32, d_read(g, 0, SPENDSGIR + 4, S), 0xa00));
	cr_expect(eq(u32, c_read(g, 0, C_HPPIR, S), 1 << 10 | 5));
	cr_expect(eq(u32, c_read(g, 0, C_IAR, S), 1 << 10 | 5));
	cr_expect(eq(u32, d_read(g, 0, SPENDSGIR + 4, S), 0x800), "active, and pending of another");
	cr_expect(eq(u32, c_read(g, 0, C_IAR, S), GIC_SPURIOUS));
	c_write(g, 0, C_EOIR, 1 << 10 | 5, S);
	cr_expect(eq(u32, c_read(g, 0, C_IAR, S), 3 << 10 | 5));
	c_write(g, 0, C_EOIR, 3 << 10 | 5, S);
	cr_expect(eq(u32, c_read(g, 0, C_IAR, S), GIC_SPURIOUS));
	gic_free(g);
}

Test(gic_v2_dist, spendsgir_and_cpendsgir_change_single_sources_of_the_own_pe)
{
	struct gic *g = new_gic(3, false);
	d_byte(g, 0, SPENDSGIR + 9, 0xff, S);
	cr_expect(eq(u32, d_read(g, 0, SPENDSGIR + 8, S), 0x700), "of PEs that there are");
	cr_expect(eq(u32, d_read(g, 1, SPENDSGIR + 8, S), 0));
	d_byte(g, 0, CPENDSGIR + 9, 0x5, S);
	cr_expect(eq(u32, d_read(g, 0, CPENDSGIR + 8, S), 0x200));
	cr_expect(eq(u32, d_read(g, 0, ISPENDR, S), 1 << 9));
	d_byte(g, 0, CPENDSGIR + 9, 0x2, S);
	cr_expect(eq(u32, d_read(g, 0, ISPENDR, S), 0));
	gic_free(g);
}

Test(gic_v2_dist, ispendr_and_icpendr_of_sgis_are_read_only)
{
	struct gic *g = new_gic(2, false);
	d_write(g, 0, ISPENDR, UINT32_MAX, S);
	cr_expect(eq(u32, d_read(g, 0, ISPENDR, S), 0xffff0000));
	d_write(g, 1, SGIR, 1 << LIST | 2, S);
	d_write(g, 0, ICPENDR, UINT32_MAX, S);
	cr_expect(eq(u32, d_read(g, 0, ISPENDR, S), 1 << 2));
	gic_free(g);
}

Test(gic_v2_dist, private_interrupts_are_banked_and_shared_ones_are_not)
{
	struct gic *g = new_gic(2, false);
	d_write(g, 1, ICENABLER, 1 << 20, S);
	d_write(g, 1, ICENABLER + 4, 1 << 3, S);
	cr_expect(eq(u32, d_read(g, 0, ISENABLER, S), UINT32_MAX));
	cr_expect(eq(u32, d_read(g, 1, ISENABLER, S), ~(1u << 20)));
	cr_expect(eq(u32, d_read(g, 0, ISENABLER + 4, S), ~(1u << 3)));
	d_byte(g, 0, IPRIORITYR + 20, 0x40, S);
	cr_expect(eq(u32, gicv2_dist_read(g, 1, IPRIORITYR + 20, 1, S), 0x80));
	gic_free(g);
}

Test(gic_v2_dist, nsatt_chooses_the_group_of_an_sgi_that_secure_software_sends)
{
	struct gic *g = new_gic(2, true);
	d_write(g, 0, IGROUPR, 1 << 7, S);
	for (unsigned group = 0; group < 2; group++) {
		uint32_t nsatt = group ? NSATT : 0;
		d_write(g, 1, SGIR, nsatt | 1 << LIST | 6, S);
		d_write(g, 1, SGIR, nsatt | 1 << LIST | 7, S);
		cr_expect(eq(u32, d_read(g, 0, ISPENDR, S), group ? 1 << 7 : 1 << 6));
		d_write(g, 0, CPENDSGIR + 4, UINT32_MAX, S);
	}
	gic_free(g);
}

Test(gic_v2_dist, without_security_extensions_nsatt_means_nothing)
{
	struct gic *g = new_gic(2, false);
	d_write(g, 1, SGIR, NSATT | 1 << LIST | 6, S);
	cr_expect(eq(u32, d_read(g, 0, ISPENDR, S), 1 << 6));
	gic_free(g);
}

Test(gic_v2_dist, nonsecure_software_sends_group_1_and_what_nsacr_of_the_target_permits)
{
	struct gic *g = new_gic(2, true);
	d_write(g, 0, IGROUPR, 1 << 7, S);
	d_write(g, 1, SGIR, 1 << LIST | 6, NS);
	d_write(g, 1, SGIR, 1 << LIST | 7, NS);
	cr_expect(eq(u32, d_read(g, 0, ISPENDR, S), 1 << 7));
	d_write(g, 0, NSACR, 1 << 12, S);
	d_write(g, 1, SGIR, 1 << LIST | 6, NS);
	cr_expect(eq(u32, d_read(g, 0, ISPENDR, S), 3 << 6));
	gic_free(g);
}

Test(gic_v2_dist, nonsecure_software_sees_group_1_its_own_enable_and_the_upper_half_of_priorities)
{
	struct gic *g = new_gic(2, true);
	d_write(g, 0, IGROUPR + 4, 1 << 8, S);
	d_byte(g, 0, ITARGETSR + SPI, 1, NS);
	d_byte(g, 0, ITARGETSR + SPI + 1, 1, NS);
	cr_expect(eq(u32, d_read(g, 0, ITARGETSR + SPI, S), 1), "of Group 0 it is not for it to write");
	cr_expect(eq(u32, d_read(g, 0, ISENABLER + 4, NS), 1 << 8));
	cr_expect(eq(u32, d_read(g, 0, IGROUPR + 4, NS), 0));
	d_byte(g, 0, IPRIORITYR + SPI, 0x40, NS);
	cr_expect(eq(u32, gicv2_dist_read(g, 0, IPRIORITYR + SPI, 1, S), 0xa0));
	d_write(g, 0, CTLR, 0, NS);
	cr_expect(eq(u32, d_read(g, 0, CTLR, S), 1));
	d_write(g, 0, CTLR, 1, NS);
	cr_expect(eq(u32, d_read(g, 0, CTLR, S), 3));
	cr_expect(eq(u32, d_read(g, 0, CTLR, NS), 1));
	gic_free(g);
}

Test(gic_v2_dist, nsacr_3_opens_the_targets_of_a_secure_interrupt)
{
	struct gic *g = new_gic(2, true);
	d_write(g, 0, NSACR + SPI / 16 * 4, 2u << 2 * (SPI % 16), S);
	d_byte(g, 0, ITARGETSR + SPI, 2, NS);
	cr_expect(eq(u32, d_read(g, 0, ITARGETSR + SPI, S), 0));
	d_write(g, 0, NSACR + SPI / 16 * 4, 3u << 2 * (SPI % 16), S);
	d_byte(g, 0, ITARGETSR + SPI, 2, NS);
	cr_expect(eq(u32, d_read(g, 0, ITARGETSR + SPI, S), 2));
	gic_free(g);
}

Test(gic_v2, nonsecure_software_acknowledges_group_1_behind_the_registers_of_group_0)
{
	struct gic *g = new_gic(1, true);
	d_write(g, 0, IGROUPR + 4, 1 << 8, S);
	c_write(g, 0, C_CTLR, 0, NS);
	cr_expect(eq(u32, c_read(g, 0, C_CTLR, S), 1), "its enable is that of Group 1");
	c_write(g, 0, C_CTLR, 1, NS);
	gic_set_line(g, 0, SPI, true);
	cr_expect(eq(u32, c_read(g, 0, C_AIAR, NS), 0), "which it has no second copy of");
	cr_expect(eq(u32, c_read(g, 0, C_IAR, S), 1022));
	cr_expect(eq(u32, c_read(g, 0, C_IAR, NS), SPI));
	cr_expect(eq(u32, c_read(g, 0, C_RPR, S), 0x80));
	cr_expect(eq(u32, c_read(g, 0, C_RPR, NS), 0x00));
	gic_set_line(g, 0, SPI, false);
	c_write(g, 0, C_EOIR, SPI, NS);
	cr_expect(eq(u32, c_read(g, 0, C_RPR, S), 0xff));
	gic_free(g);
}

Test(gic_v2, group_0_is_hidden_from_nonsecure_software)
{
	struct gic *g = new_gic(1, true);
	gic_set_line(g, 0, SPI, true);
	cr_expect(eq(u32, c_read(g, 0, C_HPPIR, NS), GIC_SPURIOUS));
	cr_expect(eq(u32, c_read(g, 0, C_IAR, NS), GIC_SPURIOUS));
	cr_expect(eq(u32, c_read(g, 0, C_IAR, S), SPI));
	c_write(g, 0, C_EOIR, SPI, NS);
	cr_expect(eq(u32, c_read(g, 0, C_RPR, S), 0x80), "and is not its to end");
	gic_free(g);
}

Test(gic_v2, eoimode_is_of_each_security_state)
{
	struct gic *g = new_gic(1, true);
	struct gic_irq_state s;
	d_write(g, 0, IGROUPR + 4, 1 << 8, S);
	c_write(g, 0, C_CTLR, 1 | 1 << 9, NS);
	cr_expect(eq(u32, c_read(g, 0, C_CTLR, S), 3 | 1 << 10));
	gic_set_line(g, 0, SPI, true);
	c_write(g, 0, C_EOIR, c_read(g, 0, C_IAR, NS), NS);
	gic_irq_state(g, 0, SPI, &s);
	cr_expect(s.active);
	c_write(g, 0, C_DIR, SPI, NS);
	gic_irq_state(g, 0, SPI, &s);
	cr_expect(not(s.active));
	gic_set_line(g, 0, SPI, false);
	gic_set_line(g, 0, SPI + 1, true);
	c_write(g, 0, C_EOIR, c_read(g, 0, C_IAR, S), S);
	gic_set_line(g, 0, SPI + 1, false);
	gic_irq_state(g, 0, SPI + 1, &s);
	cr_expect(not(s.active), "Secure software has not asked for it");
	c_write(g, 0, C_CTLR, 3 | 1 << 9, S);
	cr_expect(eq(u32, c_read(g, 0, C_CTLR, NS), 1), "and what it asks for is its own");
	gic_set_line(g, 0, SPI + 2, true);
	c_write(g, 0, C_EOIR, c_read(g, 0, C_IAR, S), S);
	gic_irq_state(g, 0, SPI + 2, &s);
	cr_expect(s.active);
	gic_free(g);
}

/* --- a naive one ------------------------------------------------------------------------------------------------------ */

enum { PES = 4, INTIDS = 64, NESTED = 64 };

/* Of SGIs and PPIs there is one for each PE; of SPIs place 0 is used. */
struct naive_irq {
	bool enabled, pending, active;
	unsigned priority, sources, targets;
};

struct naive {
	struct naive_irq irq[PES][INTIDS];
	struct {
		uint32_t iar;
		unsigned priority;
	} stack[PES][NESTED];
	unsigned depth[PES];
};

static struct naive_irq *naive_of(struct naive *n, unsigned pe, unsigned intid)
{
	return &n->irq[intid < 32 ? pe : 0][intid];
}

static uint32_t naive_ack(struct naive *n, unsigned pe)
{
	unsigned best = INTIDS, running = 0x100;
	for (unsigned i = 0; i < n->depth[pe]; i++)
		if (n->stack[pe][i].priority < running) running = n->stack[pe][i].priority;
	for (unsigned i = 0; i < INTIDS; i++) {
		const struct naive_irq *q = naive_of(n, pe, i);
		bool here = i < 32 || (q->targets >> pe & 1);
		if (!q->enabled || !q->pending || q->active || !here) continue;
		if (best == INTIDS || q->priority < naive_of(n, pe, best)->priority) best = i;
	}
	if (best == INTIDS || naive_of(n, pe, best)->priority >= running) return GIC_SPURIOUS;
	struct naive_irq *q = naive_of(n, pe, best);
	uint32_t iar = best, from = 0;
	while (best < 16 && !(q->sources >> from & 1)) from++;
	q->sources &= ~(1u << from);
	q->pending = best < 16 && q->sources;
	q->active = true;
	iar |= from << 10;
	n->stack[pe][n->depth[pe]].iar = iar;
	n->stack[pe][n->depth[pe]++].priority = q->priority;
	return iar;
}

static void naive_sgi(struct naive *n, unsigned from, unsigned targets, unsigned sgi)
{
	for (unsigned pe = 0; pe < PES; pe++) {
		if (!(targets >> pe & 1)) continue;
		n->irq[pe][sgi].sources |= 1u << from;
		n->irq[pe][sgi].pending = true;
	}
}

static void acknowledge_or_end(struct gic *g, struct naive *n, unsigned pe, bool end)
{
	if (!end) {
		cr_assert(eq(u32, c_read(g, pe, C_IAR, S), naive_ack(n, pe)));
	} else if (n->depth[pe]) {
		uint32_t iar = n->stack[pe][--n->depth[pe]].iar;
		c_write(g, pe, C_EOIR, iar, S);
		naive_of(n, pe, iar & 0x3ff)->active = false;
	}
}

static void change_register(struct gic *g, struct naive *n, unsigned pe, struct rng *rng)
{
	unsigned intid = (unsigned)rng_below(rng, INTIDS), v = (unsigned)rng_below(rng, 256);
	struct naive_irq *q = naive_of(n, pe, intid);
	uint32_t bit = 1u << intid % 32, word = intid / 32 * 4;
	switch (rng_below(rng, 6)) {
	case 0: d_write(g, pe, ISENABLER + word, bit, S), q->enabled = true; break;
	case 1: d_write(g, pe, ICENABLER + word, bit, S), q->enabled = false; break;
	case 2: d_write(g, pe, ISPENDR + word, bit, S), q->pending |= intid >= 16; break;
	case 3:
		d_write(g, pe, ICPENDR + word, bit, S);
		if (intid >= 16) q->pending = false;
		break;
	case 4:
		if (q->active) break; /* an active priority stays what it was */
		d_byte(g, pe, IPRIORITYR + intid, v, S);
		q->priority = v & 0xf8;
		break;
	default:
		d_byte(g, pe, ITARGETSR + intid, v, S);
		if (intid >= 32) q->targets = v & 15;
	}
}

static void change_sgis(struct gic *g, struct naive *n, unsigned pe, struct rng *rng)
{
	unsigned sgi = (unsigned)rng_below(rng, 16), v = (unsigned)rng_below(rng, 256);
	struct naive_irq *q = &n->irq[pe][sgi];
	switch (rng_below(rng, 5)) {
	case 0: d_write(g, pe, SGIR, v << LIST | sgi, S), naive_sgi(n, pe, v & 15, sgi); break;
	case 1: d_write(g, pe, SGIR, TO_OTHERS | sgi, S), naive_sgi(n, pe, 15 & ~(1u << pe), sgi); break;
	case 2: d_write(g, pe, SGIR, TO_SELF | sgi, S), naive_sgi(n, pe, 1u << pe, sgi); break;
	case 3: d_byte(g, pe, SPENDSGIR + sgi, v, S), q->sources |= v & 15; break;
	default: d_byte(g, pe, CPENDSGIR + sgi, v, S), q->sources &= ~v; break;
	}
	q->pending = q->sources != 0;
}

static void compare(struct gic *g, struct naive *n)
{
	cr_assert(eq(ptr, (void *)gic_check(g), NULL), "%s", gic_check(g));
	for (unsigned pe = 0; pe < PES; pe++)
		for (unsigned i = 0; i < INTIDS; i++) {
			const struct naive_irq *q = naive_of(n, pe, i);
			cr_assert(eq(int, d_read(g, pe, ISPENDR + i / 32 * 4, S) >> i % 32 & 1, q->pending));
			cr_assert(eq(int, d_read(g, pe, ISACTIVER + i / 32 * 4, S) >> i % 32 & 1, q->active));
			if (i < 16)
				cr_assert(eq(u64, gicv2_dist_read(g, pe, SPENDSGIR + i, 1, S), q->sources));
		}
}

Test(gic_v2_random, behaves_as_a_naive_distributor_on_random_sequences)
{
	for (unsigned seed = 0; seed < 20; seed++) {
		struct gic *g = new_gic(PES, false);
		struct naive *n = calloc(1, sizeof(*n));
		struct rng rng;
		rng_init(&rng, seed, "gic.v2.dist");
		for (unsigned pe = 0; pe < PES; pe++)
			for (unsigned i = 0; i < INTIDS; i++)
				n->irq[pe][i] = (struct naive_irq){.enabled = true, .priority = 0x80};
		for (unsigned step = 0; step < 1500; step++) {
			unsigned pe = (unsigned)rng_below(&rng, PES);
			switch (rng_below(&rng, 5)) {
			case 0: change_register(g, n, pe, &rng); break;
			case 1: change_sgis(g, n, pe, &rng); break;
			case 2: acknowledge_or_end(g, n, pe, true); break;
			default: acknowledge_or_end(g, n, pe, false); break;
			}
			if (step % 16 == 0) compare(g, n);
		}
		free(n);
		gic_free(g);
	}
}
