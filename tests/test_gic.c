/* test_gic.c - rules of IHI 0069H for physical interrupts, each a test named after it. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "gic_world.h"

#define FRAME .pes = 1, .spis = 64, .awake = true

/* --- states of one interrupt: 4.1.2 ------------------------------------------------------------------------------------- */

Test(gic, a_level_sensitive_interrupt_is_pending_as_long_as_its_line_is_high)
{
	struct gic_world w = gw_single();
	gw_irq(&w, SPI, GIC_G1NS, 0x80);
	gic_set_line(w.g, 0, SPI, true);
	cr_assert(gw_state(&w, SPI).pending && gw_signals(&w).irq);
	gic_set_line(w.g, 0, SPI, false);
	cr_assert(not(gw_state(&w, SPI).pending || gw_signals(&w).irq));
	cr_assert(eq(u64, gw_read(&w, "IAR1"), GIC_SPURIOUS));
	gw_free(&w);
}

Test(gic, an_edge_stays_pending_after_its_line_has_fallen)
{
	struct gic_world w = gw_single();
	gw_irq(&w, SPI, GIC_G1NS, 0x80);
	gw_edge(&w, SPI, true);
	gic_set_line(w.g, 0, SPI, true);
	gic_set_line(w.g, 0, SPI, false);
	cr_assert(eq(u64, gw_read(&w, "IAR1"), SPI));
	cr_assert(not(gw_state(&w, SPI).pending));
	gw_free(&w);
}

Test(gic, a_line_that_is_still_high_makes_an_acknowledged_level_interrupt_active_and_pending)
{
	struct gic_world w = gw_single();
	gw_irq(&w, SPI, GIC_G1NS, 0x80);
	gic_set_line(w.g, 0, SPI, true);
	cr_assert(eq(u64, gw_read(&w, "IAR1"), SPI));
	cr_assert(gw_state(&w, SPI).active && gw_state(&w, SPI).pending);
	cr_assert(not(gw_signals(&w).irq));
	gw_write(&w, "EOIR1", SPI);
	cr_assert(gw_signals(&w).irq && !gw_state(&w, SPI).active);
	gw_free(&w);
}

Test(gic, an_edge_while_active_is_taken_after_the_end)
{
	struct gic_world w = gw_single();
	gw_irq(&w, SPI, GIC_G1NS, 0x80);
	gw_edge(&w, SPI, true);
	gic_set_line(w.g, 0, SPI, true);
	gw_read(&w, "IAR1");
	gic_set_line(w.g, 0, SPI, false);
	gic_set_line(w.g, 0, SPI, true);
	cr_assert(gw_state(&w, SPI).active && gw_state(&w, SPI).pending);
	gw_write(&w, "EOIR1", SPI);
	cr_assert(eq(u64, gw_read(&w, "IAR1"), SPI));
	gw_free(&w);
}

Test(gic, ispendr_latches_a_level_sensitive_interrupt_until_it_is_acknowledged)
{
	struct gic_world w = gw_single();
	gw_irq(&w, SPI, GIC_G1NS, 0x80);
	gw_bit(&w, A_SET_PENDING, SPI);
	cr_assert(gw_state(&w, SPI).pending);
	gic_set_line(w.g, 0, SPI, true);
	gic_set_line(w.g, 0, SPI, false);
	cr_assert(gw_state(&w, SPI).pending, "the line does not take the latch away");
	cr_assert(eq(u64, gw_read(&w, "IAR1"), SPI));
	cr_assert(not(gw_state(&w, SPI).pending));
	gw_free(&w);
}

Test(gic, icpendr_clears_a_latch_and_not_a_line)
{
	struct gic_world w = gw_single();
	gw_irq(&w, SPI, GIC_G1NS, 0x80);
	gw_bit(&w, A_SET_PENDING, SPI);
	gw_bit(&w, A_CLEAR_PENDING, SPI);
	cr_assert(not(gw_state(&w, SPI).pending));
	gic_set_line(w.g, 0, SPI, true);
	gw_bit(&w, A_CLEAR_PENDING, SPI);
	cr_assert(gw_state(&w, SPI).pending && gw_get(&w, A_CLEAR_PENDING, SPI));
	gw_free(&w);
}

Test(gic, a_disabled_interrupt_becomes_pending_and_is_not_signalled)
{
	struct gic_world w = gw_single();
	gw_irq(&w, PPI, GIC_G1NS, 0x80);
	gw_bit(&w, A_DISABLE, PPI);
	gic_set_line(w.g, 0, PPI, true);
	cr_assert(gw_state(&w, PPI).pending && !gw_signals(&w).irq);
	gw_bit(&w, A_ENABLE, PPI);
	cr_assert(gw_signals(&w).irq);
	gw_free(&w);
}

Test(gic, isactiver_makes_active_without_a_running_priority_and_icactiver_ends_it)
{
	struct gic_world w = gw_single();
	gw_irq(&w, PPI, GIC_G1NS, 0x80);
	gic_set_line(w.g, 0, PPI, true);
	gw_bit(&w, A_SET_ACTIVE, PPI);
	cr_assert(not(gw_signals(&w).irq));
	cr_assert(eq(u64, gw_read(&w, "RPR"), GIC_IDLE_PRIORITY));
	gw_bit(&w, A_CLEAR_ACTIVE, PPI);
	cr_assert(gw_signals(&w).irq);
	gw_free(&w);
}

/* What the states say, written down once more: pending is the latch or, of a level, the line. */
struct one {
	bool edge, line, latch, active;
};
enum event { RISE, FALL, SET_PENDING, CLEAR_PENDING, SET_ACTIVE, CLEAR_ACTIVE, ACKNOWLEDGE, END, EVENTS };

static bool one_pending(const struct one *o) { return o->latch || (!o->edge && o->line); }

static void one_event(struct one *o, enum event e, bool *running)
{
	switch (e) {
	case RISE:
		o->latch |= o->edge && !o->line;
		o->line = true;
		break;
	case FALL: o->line = false; break;
	case SET_PENDING: o->latch = true; break;
	case CLEAR_PENDING: o->latch = false; break;
	case SET_ACTIVE: o->active = true; break;
	case CLEAR_ACTIVE: o->active = false; break;
	case ACKNOWLEDGE:
		if (one_pending(o) && !o->active && !*running) o->active = *running = true, o->latch = false;
		break;
	default:
		if (*running) o->active = *running = false;
	}
}

static void do_event(struct gic_world *w, enum event e)
{
	static const enum gic_array arrays[] = {[SET_PENDING] = A_SET_PENDING,
						[CLEAR_PENDING] = A_CLEAR_PENDING,
						[SET_ACTIVE] = A_SET_ACTIVE,
						[CLEAR_ACTIVE] = A_CLEAR_ACTIVE};
	if (e == RISE || e == FALL) {
		gic_set_line(w->g, 0, SPI, e == RISE);
	} else if (e == ACKNOWLEDGE) {
		gw_read(w, "IAR1");
	} else if (e == END) {
		gw_write(w, "EOIR1", SPI);
	} else {
		gw_bit(w, arrays[e], SPI);
	}
}

/* The priority that an acknowledge made active outlives ICACTIVER: only the end drops it. */
Test(gic, every_sequence_of_five_events_leaves_one_interrupt_in_the_state_of_the_rules)
{
	enum { LENGTH = 5, SEQUENCES = EVENTS * EVENTS * EVENTS * EVENTS * EVENTS };
	for (unsigned n = 0; n < 2 * SEQUENCES; n++) {
		struct one o = {.edge = n >= SEQUENCES};
		bool running = false;
		struct gic_world w = gw_new(&(struct gic_params){FRAME});
		gw_irq(&w, SPI, GIC_G1NS, 0x80);
		gw_edge(&w, SPI, o.edge);
		for (unsigned i = 0, left = n; i < LENGTH; i++, left /= EVENTS) {
			do_event(&w, left % EVENTS);
			one_event(&o, left % EVENTS, &running);
			struct gic_irq_state s = gw_state(&w, SPI);
			cr_assert(s.pending == one_pending(&o) && s.active == o.active,
				  "sequence %u, event %u", n, i);
			cr_assert(gw_signals(&w).irq == (s.pending && !s.active && !running),
				  "sequence %u, event %u", n, i);
		}
		gw_free(&w);
	}
}

/* --- priorities: 4.8 ------------------------------------------------------------------------------------------------------- */

Test(gic, the_lowest_value_is_first_and_of_equal_ones_the_lowest_intid)
{
	struct gic_world w = gw_single();
	static const struct {
		uint32_t intid;
		unsigned priority;
	} order[] = {{41, 0x20}, {42, 0x20}, {4100, 0x20}, {3, 0x40}, {1060, 0x40}, {40, 0x60}};
	for (unsigned i = 6; i-- > 0;) {
		gw_irq(&w, order[i].intid, GIC_G1NS, order[i].priority);
		gw_bit(&w, A_SET_PENDING, order[i].intid);
	}
	for (unsigned i = 0; i < 6; i++) {
		cr_assert(eq(u64, gw_read(&w, "IAR1"), order[i].intid));
		gw_write(&w, "EOIR1", order[i].intid);
	}
	gw_free(&w);
}

Test(gic, a_priority_equal_to_the_mask_is_masked)
{
	struct gic_world w = gw_single();
	gw_irq(&w, SPI, GIC_G1NS, 0x80);
	gic_set_line(w.g, 0, SPI, true);
	gw_write(&w, "PMR", 0x80);
	cr_assert(not(gw_signals(&w).irq));
	cr_assert(eq(u64, gw_read(&w, "IAR1"), GIC_SPURIOUS));
	cr_assert(eq(u64, gw_read(&w, "HPPIR1"), SPI), "it is still the highest pending");
	gw_write(&w, "PMR", 0x88);
	cr_assert(gw_signals(&w).irq);
	gw_free(&w);
}

Test(gic, bits_of_priorities_that_are_not_implemented_read_as_zero)
{
	for (unsigned bits = 4; bits <= 8; bits++) {
		struct gic_world w = gw_new(&(struct gic_params){FRAME, .priority_bits = bits});
		unsigned implemented = 0xff00 >> bits & 0xff;
		gw_priority(&w, SPI, 0xff);
		cr_assert(eq(u64, gic_dist_read(w.g, A_PRIORITY + SPI, 1, true), implemented));
		gw_write(&w, "PMR", 0xff);
		cr_assert(eq(u64, gw_read(&w, "PMR"), implemented));
		cr_assert(eq(u64, gw_read(&w, "CTLR") >> 8 & 7, bits - 1));
		gw_free(&w);
	}
}

/* 4.8.5: Group 1 Non-secure compares bits 7..BPR, Group 0 bits 7..BPR+1. */
Test(gic, only_a_higher_group_priority_preempts)
{
	for (unsigned bpr = 0; bpr < 8; bpr++) {
		for (unsigned group = 0; group < 2; group++) {
			struct gic_world w = gw_new(&(struct gic_params){FRAME, .priority_bits = 8});
			const char *iar = group ? "IAR1" : "IAR0";
			unsigned low = group ? (bpr ? bpr : 1) : bpr + 1;
			gw_write(&w, group ? "BPR1" : "BPR0", bpr);
			gw_irq(&w, 40, group ? GIC_G1NS : GIC_G0, 0x80);
			gw_bit(&w, A_SET_PENDING, 40);
			cr_assert(eq(u64, gw_read(&w, iar), 40));
			for (unsigned priority = 0; priority < 0x80; priority += 1) {
				gw_irq(&w, 41, group ? GIC_G1NS : GIC_G0, priority);
				gw_bit(&w, A_SET_PENDING, 41);
				struct gic_signals s = gw_signals(&w);
				cr_assert(eq(int, s.irq || s.fiq, priority >> low < 0x80u >> low),
					  "BPR %u, %#x", bpr, priority);
			}
			gw_free(&w);
		}
	}
}

Test(gic, a_binary_point_cannot_go_below_its_minimum)
{
	for (unsigned bits = 4; bits <= 8; bits++) {
		struct gic_world w = gw_new(&(struct gic_params){FRAME, .priority_bits = bits});
		unsigned least = bits == 8 ? 0 : 7 - bits;
		gw_write(&w, "BPR0", 0);
		gw_write(&w, "BPR1", 0);
		cr_assert(eq(u64, gw_read(&w, "BPR0"), least));
		cr_assert(eq(u64, gw_read(&w, "BPR1"), least + 1));
		gw_free(&w);
	}
}

Test(gic, with_cbpr_group_1_uses_bpr0_and_reads_bpr1_as_one_more)
{
	struct gic_world w = gw_single();
	gw_write(&w, "BPR0", 6);
	gw_write(&w, "CTLR", 1);
	cr_assert(eq(u64, gw_read(&w, "BPR1"), 7));
	gw_write(&w, "BPR1", 3);
	cr_assert(eq(u64, gw_read(&w, "BPR1"), 7), "writes are ignored");
	gw_irq(&w, 40, GIC_G1NS, 0x80);
	gw_irq(&w, 41, GIC_G1NS, 0x00);
	gw_bit(&w, A_SET_PENDING, 40);
	gw_read(&w, "IAR1");
	gw_bit(&w, A_SET_PENDING, 41);
	cr_assert(gw_signals(&w).irq, "bit 7 is still compared");
	gw_write(&w, "BPR0", 7);
	cr_assert(not(gw_signals(&w).irq), "no bit is");
	gw_free(&w);
}

Test(gic, active_priorities_nest_and_an_end_drops_the_highest)
{
	struct gic_world w = gw_single();
	for (unsigned i = 0; i < 3; i++) {
		gw_irq(&w, 40 + i, GIC_G1NS, 0xa0 - 0x40 * i);
		gw_bit(&w, A_SET_PENDING, 40 + i);
		cr_assert(eq(u64, gw_read(&w, "IAR1"), 40 + i));
		cr_assert(eq(u64, gw_read(&w, "RPR"), 0xa0 - 0x40 * i));
	}
	cr_assert(eq(u64, gw_read(&w, "ICC_AP1R0_EL1"),
		     1u << (0xa0 >> 3) | 1u << (0x60 >> 3) | 1u << (0x20 >> 3)));
	gw_write(&w, "EOIR1", 42);
	cr_assert(eq(u64, gw_read(&w, "RPR"), 0x60));
	gw_write(&w, "EOIR1", 41);
	gw_write(&w, "EOIR1", 40);
	cr_assert(eq(u64, gw_read(&w, "RPR"), GIC_IDLE_PRIORITY));
	cr_assert(eq(u64, gw_read(&w, "ICC_AP1R0_EL1"), 0));
	gw_free(&w);
}

/* --- ends: 4.? EOImode ------------------------------------------------------------------------------------------------------ */

Test(gic, with_eoimode_1_an_end_drops_the_priority_and_dir_deactivates)
{
	struct gic_world w = gw_single();
	gw_write(&w, "CTLR", 2);
	gw_irq(&w, SPI, GIC_G1NS, 0x80);
	gw_bit(&w, A_SET_PENDING, SPI);
	gw_read(&w, "IAR1");
	gw_write(&w, "EOIR1", SPI);
	cr_assert(eq(u64, gw_read(&w, "RPR"), GIC_IDLE_PRIORITY));
	cr_assert(gw_state(&w, SPI).active);
	gw_write(&w, "DIR", SPI);
	cr_assert(not(gw_state(&w, SPI).active));
	gw_free(&w);
}

Test(gic, with_eoimode_0_dir_is_ignored)
{
	struct gic_world w = gw_single();
	gw_irq(&w, SPI, GIC_G1NS, 0x80);
	gw_bit(&w, A_SET_PENDING, SPI);
	gw_read(&w, "IAR1");
	gw_write(&w, "DIR", SPI);
	cr_assert(gw_state(&w, SPI).active);
	gw_free(&w);
}

Test(gic, dir_deactivates_in_any_order)
{
	struct gic_world w = gw_single();
	gw_write(&w, "CTLR", 2);
	for (unsigned i = 0; i < 2; i++) {
		gw_irq(&w, 40 + i, GIC_G1NS, 0x80);
		gw_bit(&w, A_SET_PENDING, 40 + i);
		gw_read(&w, "IAR1");
		gw_write(&w, "EOIR1", 40 + i);
	}
	gw_write(&w, "DIR", 40);
	cr_assert(gw_state(&w, 41).active && !gw_state(&w, 40).active);
	gw_free(&w);
}

Test(gic, an_end_of_another_group_of_nothing_or_of_a_special_intid_is_ignored)
{
	struct gic_world w = gw_single();
	gw_irq(&w, SPI, GIC_G1NS, 0x80);
	gw_bit(&w, A_SET_PENDING, SPI);
	gw_read(&w, "IAR1");
	gw_write(&w, "EOIR0", SPI);
	gw_write(&w, "EOIR1", GIC_SPURIOUS);
	cr_assert(gw_state(&w, SPI).active);
	cr_assert(eq(u64, gw_read(&w, "RPR"), 0x80));
	gw_write(&w, "EOIR1", SPI);
	gw_bit(&w, A_SET_ACTIVE, SPI);
	gw_write(&w, "EOIR1", SPI);
	cr_assert(gw_state(&w, SPI).active, "no priority was active");
	gw_free(&w);
}
