/* test_gic_v2.c - rules of IHI 0048B for the memory-mapped interfaces of a GICv2, each a test named after it. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/rng.h"
#include "gic/lr.h"
#include "gic/v2.h"
#include "gic_world.h"

enum {
	CTLR = 0,
	PMR = 4,
	BPR = 8,
	IAR = 0xc,
	EOIR = 0x10,
	RPR = 0x14,
	HPPIR = 0x18,
	ABPR = 0x1c,
	AIAR = 0x20,
	AEOIR = 0x24,
	DIR = 0x1000,
	H_HCR = 0,
	H_VMCR = 8,
	H_MISR = 0x10,
	H_ELRSR = 0x30,
	H_APR = 0xf0,
	H_LR = 0x100
};
enum { EN0 = 1, EN1 = 2, ACKCTL = 4, FIQEN = 8, EOIMODE = 0x200 };

static uint32_t c_read(struct gic_world *w, unsigned offset) { return gicc_read(w->g, 0, offset, 4, false); }
static void c_write(struct gic_world *w, unsigned offset, uint32_t v)
{
	gicc_write(w->g, 0, offset, 4, v, false);
}
static uint32_t v_read(struct gic_world *w, unsigned offset) { return gicv_read(w->g, 0, offset, 4); }
static void v_write(struct gic_world *w, unsigned offset, uint32_t v) { gicv_write(w->g, 0, offset, 4, v); }
static uint32_t h_read(struct gic_world *w, unsigned offset) { return gich_read(w->g, 0, offset, 4); }
static void h_write(struct gic_world *w, unsigned offset, uint32_t v) { gich_write(w->g, 0, offset, 4, v); }

static struct gic_world host(uint32_t ctlr)
{
	struct gic_world w = gw_single();
	c_write(&w, CTLR, ctlr);
	c_write(&w, PMR, 0xff);
	gw_irq(&w, 40, GIC_G0, 0x80);
	gw_irq(&w, 41, GIC_G1NS, 0x80);
	return w;
}

Test(gic_v2, group_0_is_irq_unless_fiqen)
{
	for (unsigned fiq = 0; fiq < 2; fiq++) {
		struct gic_world w = host(EN0 | EN1 | (fiq ? FIQEN : 0));
		gw_bit(&w, A_SET_PENDING, 40);
		cr_assert(eq(int, gicv2_signals(w.g, 0).fiq, fiq));
		cr_assert(eq(int, gicv2_signals(w.g, 0).irq, !fiq));
		gw_free(&w);
	}
}

Test(gic_v2, iar_tells_of_group_1_by_1022_unless_ackctl_and_aiar_acknowledges_it)
{
	struct gic_world w = host(EN0 | EN1);
	gw_bit(&w, A_SET_PENDING, 41);
	cr_assert(eq(u32, c_read(&w, IAR), 1022));
	cr_assert(eq(u32, c_read(&w, HPPIR), 1022));
	cr_assert(eq(u32, c_read(&w, AIAR), 41));
	cr_assert(eq(u32, c_read(&w, RPR), 0x80));
	c_write(&w, EOIR, 41);
	cr_assert(gw_state(&w, 41).active, "EOIR is Group 0's");
	c_write(&w, AEOIR, 41);
	cr_assert(not(gw_state(&w, 41).active));
	c_write(&w, CTLR, EN0 | EN1 | ACKCTL);
	gw_bit(&w, A_SET_PENDING, 41);
	cr_assert(eq(u32, c_read(&w, HPPIR), 41));
	cr_assert(eq(u32, c_read(&w, IAR), 41));
	c_write(&w, EOIR, 41);
	cr_assert(not(gw_state(&w, 41).active));
	cr_assert(eq(u32, c_read(&w, IAR), GIC_SPURIOUS));
	gw_free(&w);
}

Test(gic_v2, aiar_does_not_acknowledge_group_0)
{
	struct gic_world w = host(EN0 | EN1);
	gw_bit(&w, A_SET_PENDING, 40);
	cr_assert(eq(u32, c_read(&w, AIAR), GIC_SPURIOUS));
	cr_assert(eq(u32, c_read(&w, IAR), 40));
	gw_free(&w);
}

Test(gic_v2, with_eoimode_dir_deactivates)
{
	struct gic_world w = host(EN0 | EN1 | EOIMODE);
	gw_bit(&w, A_SET_PENDING, 40);
	c_write(&w, EOIR, c_read(&w, IAR));
	cr_assert(gw_state(&w, 40).active);
	c_write(&w, DIR, 40);
	cr_assert(not(gw_state(&w, 40).active));
	gw_free(&w);
}

Test(gic_v2, registers_keep_what_is_written_and_other_sizes_are_ignored)
{
	struct gic_world w = host(EN1 | ACKCTL | FIQEN);
	cr_assert(eq(u32, c_read(&w, CTLR), EN1 | ACKCTL | FIQEN));
	c_write(&w, BPR, 5);
	c_write(&w, ABPR, 6);
	cr_assert(eq(u32, c_read(&w, BPR), 5));
	cr_assert(eq(u32, c_read(&w, ABPR), 6));
	gicc_write(w.g, 0, PMR, 1, 0x10, false);
	cr_assert(eq(u32, c_read(&w, PMR), 0xf8));
	cr_assert(eq(u32, gicc_read(w.g, 0, PMR, 8, false), 0));
	h_write(&w, H_VMCR, 31u << 27 | 6u << 21 | 5u << 18 | EOIMODE | FIQEN | ACKCTL | EN1);
	cr_assert(eq(u32, h_read(&w, H_VMCR),
		     31u << 27 | 6u << 21 | 5u << 18 | EOIMODE | FIQEN | ACKCTL | EN1));
	cr_assert(eq(u32, v_read(&w, CTLR), EOIMODE | FIQEN | ACKCTL | EN1));
	gw_free(&w);
}

/* Bits of GICH_LR: HW 31, Grp1 30, pending 28, priority 27:23, EOI 19, CPUID 12:10. */
Test(gic_v2, a_list_register_has_its_32_bit_layout_and_a_virtual_sgi_its_source)
{
	struct gic_world w = host(EN0 | EN1);
	h_write(&w, H_HCR, 1);
	h_write(&w, H_VMCR, 31u << 27 | EN0 | EN1);
	uint32_t lr = 1u << 28 | 16u << 23 | 3u << 10 | 5;
	h_write(&w, H_LR + 4, lr);
	cr_assert(eq(u32, h_read(&w, H_LR + 4), lr));
	cr_assert(eq(u32, h_read(&w, H_ELRSR), 0xd));
	cr_assert(gicv2_signals(w.g, 0).virq);
	cr_assert(eq(u32, v_read(&w, IAR), 3u << 10 | 5));
	cr_assert(eq(u32, h_read(&w, H_LR + 4) >> 28 & 3, 2));
	cr_assert(eq(u32, h_read(&w, H_APR), 1u << 16));
	v_write(&w, EOIR, 3u << 10 | 5);
	cr_assert(eq(u32, h_read(&w, H_LR + 4) >> 28 & 3, 0));
	cr_assert(eq(u32, h_read(&w, H_APR), 0));
	gw_free(&w);
}

Test(gic_v2, a_virtual_interface_that_is_off_has_nothing_to_acknowledge_and_tells_what_is_pending)
{
	struct gic_world w = host(EN0 | EN1);
	h_write(&w, H_VMCR, 31u << 27 | EN0 | EN1);
	h_write(&w, H_LR, 1u << 30 | 1u << 28 | 16u << 23 | 33);
	cr_assert(not(gicv2_signals(w.g, 0).virq));
	cr_assert(eq(u32, v_read(&w, IAR), GIC_SPURIOUS));
	cr_assert(eq(u32, v_read(&w, AIAR), GIC_SPURIOUS));
	cr_assert(eq(u32, v_read(&w, HPPIR), GIC_INTID_NMI));
	h_write(&w, H_HCR, 1);
	cr_assert(eq(u32, v_read(&w, IAR), GIC_INTID_NMI));
	cr_assert(eq(u32, v_read(&w, AIAR), 33));
	gw_free(&w);
}

Test(gic_v2, the_end_of_a_hardware_list_register_deactivates_the_physical_interrupt)
{
	struct gic_world w = host(EN0 | EN1 | EOIMODE);
	gw_bit(&w, A_SET_PENDING, 40);
	c_write(&w, EOIR, c_read(&w, IAR));
	h_write(&w, H_HCR, 1);
	h_write(&w, H_VMCR, 31u << 27 | EN0);
	h_write(&w, H_LR, 1u << 31 | 1u << 28 | 16u << 23 | 40u << 10 | 33);
	cr_assert(eq(u32, v_read(&w, IAR), 33));
	cr_assert(gw_state(&w, 40).active);
	v_write(&w, EOIR, 33);
	cr_assert(not(gw_state(&w, 40).active));
	gw_free(&w);
}

/* The same events and accesses of a Group 0 interrupt through frames and through system registers. */
Test(gic_v2, frames_and_system_registers_are_one_interface)
{
	for (unsigned seed = 0; seed < 20; seed++) {
		struct gic_world a = gw_single(), b = gw_single();
		struct rng rng;
		rng_init(&rng, seed, "gic.v2");
		for (uint32_t i = 40; i < 48; i++) {
			unsigned priority = (unsigned)rng_below(&rng, 256);
			gw_irq(&a, i, GIC_G0, priority);
			gw_irq(&b, i, GIC_G0, priority);
		}
		for (unsigned step = 0; step < 300; step++) {
			uint32_t intid = 40 + (uint32_t)rng_below(&rng, 8),
				 v = (uint32_t)rng_below(&rng, 256);
			switch (rng_below(&rng, 6)) {
			case 0:
			case 1: gw_bit(&a, A_SET_PENDING, intid), gw_bit(&b, A_SET_PENDING, intid); break;
			case 2: cr_assert(eq(u64, c_read(&a, IAR), gw_read(&b, "IAR0"))); break;
			case 3: c_write(&a, EOIR, intid), gw_write(&b, "EOIR0", intid); break;
			case 4: c_write(&a, PMR, v), gw_write(&b, "PMR", v); break;
			default: c_write(&a, BPR, v & 7), gw_write(&b, "BPR0", v & 7); break;
			}
			cr_assert(eq(u64, c_read(&a, RPR), gw_read(&b, "RPR")));
			cr_assert(eq(u64, c_read(&a, HPPIR), gw_read(&b, "HPPIR0")));
			cr_assert(eq(int, gicv2_signals(a.g, 0).irq, gw_signals(&b).fiq));
		}
		gw_free(&a);
		gw_free(&b);
	}
}
