/* test_gic.c - rules of IHI 0069H for physical interrupts, each a test named after it. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <malloc.h>

#include "gic/why.h"
#include "gic_world.h"

#define FRAME .pes = 1, .spis = 64, .awake = true

static struct gic_world two_states(void)
{
	return gw_new(&(struct gic_params){.pes = 2, .spis = 64, .security = true, .awake = true});
}

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
Test(gic, every_sequence_of_five_events_leaves_one_interrupt_in_the_state_of_the_rules, .timeout = 60)
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

/* --- groups and security: 4.6, 4.8.4 ------------------------------------------------------------------------------------------ */

Test(gic, a_group_is_fiq_or_irq_by_the_security_state_and_level_of_the_pe)
{
	static const struct {
		enum gic_group group;
		uint8_t el;
		bool secure, fiq;
	} rows[] = {
		{GIC_G0, 1, false, true},    {GIC_G0, 1, true, true},   {GIC_G0, 3, false, true},
		{GIC_G1S, 1, false, true},   {GIC_G1S, 1, true, false}, {GIC_G1S, 3, true, true},
		{GIC_G1NS, 1, false, false}, {GIC_G1NS, 1, true, true}, {GIC_G1NS, 3, false, true},
	};
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct gic_world w = two_states();
		gw_irq(&w, PPI, rows[i].group, 0x80);
		gic_set_line(w.g, 0, PPI, true);
		w.c = (struct gic_context){.el = rows[i].el, .secure = rows[i].secure};
		struct gic_signals s = gw_signals(&w);
		cr_assert(s.fiq == rows[i].fiq && s.irq == !rows[i].fiq, "row %u", i);
		gw_free(&w);
	}
}

Test(gic, with_one_security_state_group_1_is_always_irq_and_group_0_fiq)
{
	struct gic_world w = gw_single();
	gw_irq(&w, PPI, GIC_G1NS, 0x80);
	gic_set_line(w.g, 0, PPI, true);
	cr_assert(gw_signals(&w).irq && !gw_signals(&w).fiq);
	gw_group(&w, PPI, GIC_G0);
	cr_assert(gw_signals(&w).fiq && !gw_signals(&w).irq);
	gw_free(&w);
}

Test(gic, each_security_state_acknowledges_its_own_group_1_and_el3_is_told_of_both)
{
	static const struct {
		enum gic_group group;
		struct gic_context c;
		uint64_t iar0, iar1; /* of HPPIR */
	} rows[] = {
		{GIC_G0, {.el = 1}, GIC_SPURIOUS, GIC_SPURIOUS},
		{GIC_G0, {.el = 1, .secure = true}, PPI, GIC_SPURIOUS},
		{GIC_G0, {.el = 3}, PPI, GIC_SPURIOUS},
		{GIC_G1S, {.el = 1}, GIC_SPURIOUS, GIC_SPURIOUS},
		{GIC_G1S, {.el = 1, .secure = true}, GIC_SPURIOUS, PPI},
		{GIC_G1S, {.el = 3}, GIC_INTID_SECURE, PPI},
		{GIC_G1NS, {.el = 1}, GIC_SPURIOUS, PPI},
		{GIC_G1NS, {.el = 1, .secure = true}, GIC_SPURIOUS, GIC_SPURIOUS},
		{GIC_G1NS, {.el = 3}, GIC_INTID_NONSECURE, PPI},
	};
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct gic_world w = two_states();
		gw_irq(&w, PPI, rows[i].group, 0x80);
		gic_set_line(w.g, 0, PPI, true);
		w.c = rows[i].c;
		cr_assert(eq(u64, gw_read(&w, "HPPIR0"), rows[i].iar0), "row %u", i);
		cr_assert(eq(u64, gw_read(&w, "HPPIR1"), rows[i].iar1), "row %u", i);
		cr_assert(eq(u64, gw_read(&w, "IAR0"), rows[i].iar0), "row %u", i);
		bool taken = rows[i].iar0 == PPI || rows[i].iar1 == PPI;
		if (rows[i].iar0 != PPI) cr_assert(eq(u64, gw_read(&w, "IAR1"), rows[i].iar1), "row %u", i);
		w.c = (struct gic_context){.el = 3};
		cr_assert(gw_state(&w, PPI).active == taken, "row %u", i);
		gw_free(&w);
	}
}

Test(gic, nonsecure_software_sees_only_group_1_interrupts_and_the_upper_half_of_priorities)
{
	struct gic_world w = two_states();
	gw_irq(&w, 40, GIC_G1NS, 0xc0);
	gw_irq(&w, 41, GIC_G0, 0x40);
	gw_irq(&w, 42, GIC_G1S, 0x40);
	cr_assert(eq(u64, gic_dist_read(w.g, A_PRIORITY + 40, 1, false), 0x80));
	cr_assert(eq(u64, gic_dist_read(w.g, A_PRIORITY + 41, 1, false), 0));
	cr_assert(eq(u64, gic_dist_read(w.g, A_ENABLE + 4, 4, false), 1u << (40 - 32)));
	gic_dist_write(w.g, A_PRIORITY + 40, 4, 0x20202020, false);
	cr_assert(eq(u64, gic_dist_read(w.g, A_PRIORITY + 40, 4, true), 0x004040 << 8 | 0x90));
	gic_dist_write(w.g, A_DISABLE + 4, 4, UINT32_MAX, false);
	cr_assert(gw_state(&w, 41).enabled && gw_state(&w, 42).enabled && !gw_state(&w, 40).enabled);
	gic_dist_write(w.g, A_GROUP + 4, 4, UINT32_MAX, false);
	cr_assert(eq(u64, gw_state(&w, 41).group, GIC_G0));
	gw_free(&w);
}

Test(gic, nsacr_opens_pending_bits_of_secure_interrupts_by_degrees)
{
	for (unsigned level = 0; level < 4; level++) {
		struct gic_world w = two_states();
		gw_irq(&w, 40, GIC_G0, 0x40);
		gic_dist_write(w.g, A_NSACR + 8, 4, level << 16, true);
		gic_dist_write(w.g, A_SET_PENDING + 4, 4, 1u << 8, false);
		cr_assert(gw_state(&w, 40).pending == (level >= 1));
		gw_bit(&w, A_SET_PENDING, 40);
		gic_dist_write(w.g, A_CLEAR_PENDING + 4, 4, 1u << 8, false);
		cr_assert(gw_state(&w, 40).pending == (level < 2));
		gic_dist_write(w.g, 0x6000 + 8 * 40, 8, 1, false);
		cr_assert(eq(int, gw_state(&w, 40).target, level == 3));
		gw_free(&w);
	}
}

Test(gic, the_nonsecure_view_of_mask_and_running_priority_is_shifted_where_el3_has_group_0)
{
	struct gic_world w = two_states();
	gw_write(&w, "PMR", 0xc0);
	w.c = (struct gic_context){.el = 1, .fiq_el3 = true};
	cr_assert(eq(u64, gw_read(&w, "PMR"), 0x80));
	gw_write(&w, "PMR", 0x40);
	cr_assert(eq(u64, gw_read(&w, "PMR"), 0x40));
	w.c = (struct gic_context){.el = 3};
	cr_assert(eq(u64, gw_read(&w, "PMR"), 0xa0));
	gw_write(&w, "PMR", 0x60);
	w.c = (struct gic_context){.el = 1, .fiq_el3 = true};
	cr_assert(eq(u64, gw_read(&w, "PMR"), 0), "a Secure mask reads as zero");
	gw_write(&w, "PMR", 0xf0);
	w.c = (struct gic_context){.el = 3};
	cr_assert(eq(u64, gw_read(&w, "PMR"), 0x60), "and is not for Non-secure software to change");
	gw_free(&w);
}

Test(gic, ds_can_be_set_and_not_cleared_and_makes_one_security_state)
{
	struct gic_world w = two_states();
	cr_assert(ne(u64, gic_dist_read(w.g, 4, 4, true) & 1u << 10, 0));
	gw_group(&w, PPI, GIC_G1S);
	gic_dist_write(w.g, 0, 4, 0x47, true);
	cr_assert(eq(u64, gic_dist_read(w.g, 0, 4, true), 0x40 | 0x10 | 3));
	cr_assert(eq(u64, gic_dist_read(w.g, 4, 4, true) & 1u << 10, 0));
	cr_assert(eq(u64, gw_state(&w, PPI).group, GIC_G0), "GRPMODR is not looked at");
	gic_dist_write(w.g, 0, 4, 3, true);
	cr_assert(ne(u64, gic_dist_read(w.g, 0, 4, true) & 0x40, 0));
	gw_free(&w);
}

Test(gic, a_group_that_the_distributor_disables_is_not_offered)
{
	struct gic_world w = gw_single();
	struct gic_pending p;
	gw_irq(&w, PPI, GIC_G1NS, 0x80);
	gic_set_line(w.g, 0, PPI, true);
	gic_dist_write(w.g, 0, 4, 1, true);
	cr_assert(not(gic_offered(w.g, 0, &p) || gw_signals(&w).irq));
	gic_dist_write(w.g, 0, 4, 2, true);
	cr_assert(gic_offered(w.g, 0, &p) && gw_signals(&w).irq);
	gw_free(&w);
}

Test(gic, a_group_that_the_cpu_interface_disables_does_not_hide_another_group)
{
	struct gic_world w = gw_single();
	gw_irq(&w, 40, GIC_G0, 0x20);
	gw_irq(&w, 41, GIC_G1NS, 0x80);
	gw_bit(&w, A_SET_PENDING, 40);
	gw_bit(&w, A_SET_PENDING, 41);
	cr_assert(gw_signals(&w).fiq);
	gw_write(&w, "IGRPEN0", 0);
	cr_assert(gw_signals(&w).irq && !gw_signals(&w).fiq);
	cr_assert(eq(u64, gw_read(&w, "IAR1"), 41));
	gw_free(&w);
}

/* --- routing: 3.3, 4.2 --------------------------------------------------------------------------------------------------------- */

static struct gic_world four_pes(void)
{
	static const uint32_t affinity[] = {0x0, 0x1, 0x12, 0x10003};
	return gw_new(&(struct gic_params){.pes = 4, .affinity = affinity, .spis = 64, .awake = true});
}

static bool signalled(struct gic_world *w, unsigned pe) { return gic_signals(w->g, pe, &w->c).irq; }

Test(gic, irouter_names_the_pe_by_its_affinity)
{
	struct gic_world w = four_pes();
	gw_irq(&w, SPI, GIC_G1NS, 0x80);
	gic_set_line(w.g, 0, SPI, true);
	for (unsigned pe = 0; pe < 4; pe++) {
		gic_dist_write(w.g, 0x6000 + 8 * SPI, 8, gic_affinity(w.g, pe), true);
		for (unsigned i = 0; i < 4; i++) cr_assert(signalled(&w, i) == (i == pe));
	}
	gic_dist_write(w.g, 0x6000 + 8 * SPI, 8, 0x55, true);
	for (unsigned i = 0; i < 4; i++) cr_assert(not(signalled(&w, i)), "there is no such PE");
	gw_free(&w);
}

Test(gic, a_1_of_n_interrupt_goes_to_one_willing_pe_and_prefers_an_idle_one)
{
	struct gic_world w = four_pes();
	gw_irq(&w, SPI, GIC_G1NS, 0x80);
	gic_dist_write(w.g, 0x6000 + 8 * SPI, 8, UINT64_C(1) << 31, true);
	gic_set_line(w.g, 0, SPI, true);
	cr_assert(signalled(&w, 0) && !signalled(&w, 1));
	gic_redist_write(w.g, 0, 0, 4, 1u << 25, true); /* DPG1NS */
	cr_assert(signalled(&w, 1) && !signalled(&w, 0));
	gic_redist_write(w.g, 1, 0x14, 4, 2, true); /* asleep */
	cr_assert(signalled(&w, 2) && !signalled(&w, 1));
	w.pe = 2;
	gw_irq(&w, 3, GIC_G1NS, 0xc0);
	gw_bit(&w, A_SET_PENDING, 3);
	gic_set_line(w.g, 0, SPI, false);
	cr_assert(eq(u64, gw_read(&w, "IAR1"), 3));
	gic_set_line(w.g, 0, SPI, true);
	cr_assert(signalled(&w, 3) && !signalled(&w, 2), "PE 2 is busy");
	w.pe = 3;
	cr_assert(eq(u64, gw_read(&w, "IAR1"), SPI));
	for (unsigned i = 0; i < 4; i++) cr_assert(not(signalled(&w, i)));
	gw_free(&w);
}

Test(gic, an_sgi_goes_to_the_targets_of_its_list_and_range)
{
	struct gic_world w = four_pes();
	for (w.pe = 0; w.pe < 4; w.pe++) gw_irq(&w, 5, GIC_G1NS, 0x80);
	w.pe = 0;
	gw_write(&w, "SGI1R", 5u << 24 | 3);
	cr_assert(signalled(&w, 0) && signalled(&w, 1) && !signalled(&w, 2) && !signalled(&w, 3));
	gw_write(&w, "SGI1R", UINT64_C(1) << 44 | 5u << 24 | 4);
	cr_assert(signalled(&w, 2) && !signalled(&w, 3), "RS 1 and bit 2: Aff0 0x12");
	gw_write(&w, "SGI1R", UINT64_C(1) << 32 | 5u << 24 | 8);
	cr_assert(signalled(&w, 3), "Aff2 1, Aff0 3");
	gw_free(&w);
}

Test(gic, an_sgi_with_irm_goes_to_all_but_its_sender)
{
	struct gic_world w = four_pes();
	for (w.pe = 0; w.pe < 4; w.pe++) gw_irq(&w, 5, GIC_G1NS, 0x80);
	w.pe = 1;
	gw_write(&w, "SGI1R", UINT64_C(1) << 40 | 5u << 24);
	for (unsigned i = 0; i < 4; i++) cr_assert(signalled(&w, i) == (i != 1));
	gw_free(&w);
}

/* Rows: register, group of the SGI at the target, sender's state and NSACR: whether it arrives. 12.2.17, GICR_NSACR. */
Test(gic, an_sgi_arrives_if_its_group_is_the_one_asked_for_and_the_sender_may)
{
	static const struct {
		const char *reg;
		enum gic_group group;
		bool secure;
		unsigned nsacr;
		bool arrives;
	} rows[] = {
		{"SGI0R", GIC_G0, true, 0, true},     {"SGI0R", GIC_G1S, true, 0, false},
		{"SGI0R", GIC_G1NS, true, 0, false},  {"SGI1R", GIC_G0, true, 0, true},
		{"SGI1R", GIC_G1S, true, 0, true},    {"SGI1R", GIC_G1NS, true, 0, false},
		{"ASGI1R", GIC_G0, true, 0, false},   {"ASGI1R", GIC_G1S, true, 0, false},
		{"ASGI1R", GIC_G1NS, true, 0, true},  {"SGI0R", GIC_G0, false, 0, false},
		{"SGI0R", GIC_G0, false, 1, true},    {"SGI1R", GIC_G0, false, 2, false},
		{"SGI1R", GIC_G1NS, false, 0, true},  {"SGI1R", GIC_G1S, false, 2, false},
		{"ASGI1R", GIC_G1S, false, 1, false}, {"ASGI1R", GIC_G1S, false, 2, true},
		{"ASGI1R", GIC_G0, false, 1, true},   {"ASGI1R", GIC_G1NS, false, 2, false},
	};
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct gic_world w = two_states();
		w.pe = 1;
		gw_irq(&w, 5, rows[i].group, 0x80);
		gic_redist_write(w.g, 1, SGI_BASE + A_NSACR, 4, rows[i].nsacr << 10, true);
		w.pe = 0;
		w.c = (struct gic_context){.el = 1, .secure = rows[i].secure};
		gw_write(&w, rows[i].reg, 5u << 24 | 2);
		w.pe = 1;
		cr_assert(gw_state(&w, 5).pending == rows[i].arrives, "row %u", i);
		gw_free(&w);
	}
}

Test(gic, a_sleeping_redistributor_forwards_nothing_and_asks_to_be_woken)
{
	struct gic_world w = gw_new(&(struct gic_params){.pes = 1});
	gw_irq(&w, PPI, GIC_G1NS, 0x80);
	cr_assert(eq(u64, gic_redist_read(w.g, 0, 0x14, 4, true), 6));
	cr_assert(not(gic_wake_request(w.g, 0)));
	gic_set_line(w.g, 0, PPI, true);
	cr_assert(gic_wake_request(w.g, 0) && !gw_signals(&w).irq);
	gic_redist_write(w.g, 0, 0x14, 4, 0, true);
	cr_assert(eq(u64, gic_redist_read(w.g, 0, 0x14, 4, true), 0));
	cr_assert(gw_signals(&w).irq && !gic_wake_request(w.g, 0));
	gw_free(&w);
}

/* --- superpriority: 4.9 --------------------------------------------------------------------------------------------------------- */

static struct gic_world with_nmi(void)
{
	struct gic_world w = gw_new(&(struct gic_params){FRAME, .nmi = true});
	gw_irq(&w, 40, GIC_G1NS, 0xf0);
	gw_bit(&w, A_NMI, 40);
	gw_irq(&w, 41, GIC_G1NS, 0x00);
	return w;
}

Test(gic, superpriority_passes_the_mask_and_preempts_every_priority)
{
	struct gic_world w = with_nmi();
	gw_write(&w, "PMR", 0);
	gw_bit(&w, A_SET_PENDING, 40);
	cr_assert(gw_signals(&w).irq && gw_signals(&w).irq_nmi);
	gw_bit(&w, A_CLEAR_PENDING, 40);
	gw_write(&w, "PMR", 0xff);
	gw_bit(&w, A_SET_PENDING, 41);
	cr_assert(eq(u64, gw_read(&w, "IAR1"), 41));
	gw_bit(&w, A_SET_PENDING, 40);
	cr_assert(gw_signals(&w).irq_nmi, "it preempts priority 0");
	cr_assert(eq(u64, gw_read(&w, "NMIAR1"), 40));
	cr_assert(eq(u64, gw_read(&w, "RPR"), UINT64_C(1) << 63));
	gw_write(&w, "EOIR1", 40);
	cr_assert(eq(u64, gw_read(&w, "RPR"), 0));
	gw_free(&w);
}

Test(gic, with_sctlr_nmi_superpriority_is_acknowledged_by_nmiar1_only)
{
	struct gic_world w = with_nmi();
	gw_bit(&w, A_SET_PENDING, 40);
	w.c.nmi = true;
	cr_assert(eq(u64, gw_read(&w, "IAR1"), GIC_INTID_NMI));
	cr_assert(not(gw_state(&w, 40).active));
	cr_assert(eq(u64, gw_read(&w, "NMIAR1"), 40));
	gw_bit(&w, A_SET_PENDING, 41);
	cr_assert(eq(u64, gw_read(&w, "NMIAR1"), GIC_SPURIOUS));
	gw_free(&w);
}

Test(gic, without_the_feature_inmir_is_zero_and_nmiar1_undefined)
{
	struct gic_world w = gw_single();
	uint64_t value;
	gic_dist_write(w.g, A_NMI + 4, 4, UINT32_MAX, true);
	cr_assert(eq(u64, gic_dist_read(w.g, A_NMI + 4, 4, true), 0));
	cr_assert(not(cpu_if_read(w.g, 0, cpu_if_encoding("ICC_NMIAR1_EL1"), &w.c, &value)));
	gw_free(&w);
}

/* --- registers: 12.8 to 12.11 ----------------------------------------------------------------------------------------------------- */

Test(gic, accesses_of_a_size_that_a_register_does_not_allow_are_ignored)
{
	struct gic_world w = gw_single();
	gic_dist_write(w.g, A_ENABLE + 4, 1, 0xff, true);
	gic_dist_write(w.g, A_ENABLE + 4, 8, UINT64_MAX, true);
	cr_assert(eq(u64, gic_dist_read(w.g, A_ENABLE + 4, 4, true), 0));
	gic_dist_write(w.g, A_PRIORITY + 41, 1, 0x50, true);
	cr_assert(eq(u64, gic_dist_read(w.g, A_PRIORITY + 40, 4, true), 0x5000));
	gic_dist_write(w.g, 0x6000 + 8 * 40 + 4, 4, 0x12, true);
	cr_assert(eq(u64, gic_dist_read(w.g, 0x6000 + 8 * 40, 8, true), UINT64_C(0x12) << 32));
	gw_free(&w);
}

Test(gic, what_is_not_implemented_reads_as_zero_and_ignores_writes)
{
	struct gic_world w = gw_new(&(struct gic_params){FRAME});
	static const unsigned offsets[] = {A_ENABLE, A_ENABLE + 12,   A_PRIORITY + 96, 0x800,
					   0x1200,   0x6000 + 8 * 96, 0xf00,           0x7ff8};
	for (unsigned i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		gic_dist_write(w.g, offsets[i], 4, UINT32_MAX, true);
		cr_assert(eq(u64, gic_dist_read(w.g, offsets[i], 4, true), 0), "offset %#x", offsets[i]);
	}
	gic_set_line(w.g, 0, 97, true);
	gic_set_line(w.g, 0, 5000, true);
	gic_set_line(w.g, 0, 1060, true);
	gw_check(&w);
	gw_free(&w);
}

Test(gic, extended_ranges_behave_as_the_ordinary_ones)
{
	static const uint32_t intids[] = {1056, 1119, 4096, 4159};
	for (unsigned i = 0; i < 4; i++) {
		struct gic_world w = gw_single();
		gw_irq(&w, intids[i], GIC_G1NS, 0x40);
		gw_edge(&w, intids[i], true);
		gic_set_line(w.g, 0, intids[i], true);
		gic_set_line(w.g, 0, intids[i], false);
		cr_assert(eq(u64, gw_read(&w, "IAR1"), intids[i]));
		cr_assert(gw_get(&w, A_SET_ACTIVE, intids[i]));
		gw_write(&w, "EOIR1", intids[i]);
		cr_assert(not(gw_state(&w, intids[i]).active));
		gw_free(&w);
	}
}

Test(gic, typer_says_what_is_implemented)
{
	struct gic_world w = gw_single();
	cr_assert(eq(u64, gic_dist_read(w.g, 4, 4, true) & 0x1f, 2), "64 SPIs");
	cr_assert(eq(u64, gic_dist_read(w.g, 4, 4, true) >> 27, 1), "64 extended SPIs");
	cr_assert(ne(u64, gic_dist_read(w.g, 4, 4, true) & 1u << 8, 0));
	gw_free(&w);
	w = four_pes();
	for (unsigned i = 0; i < 4; i++) {
		uint64_t typer = gic_redist_read(w.g, i, 8, 8, true);
		cr_assert(eq(u64, typer >> 32, gic_affinity(w.g, i)));
		cr_assert(eq(u64, typer >> 8 & 0xffff, i));
		cr_assert(eq(int, typer >> 4 & 1, i == 3), "Last");
		cr_assert(eq(u64, gic_redist_read(w.g, i, 12, 4, true), typer >> 32));
	}
	gw_free(&w);
}

Test(gic, sgis_are_always_edges)
{
	struct gic_world w = gw_single();
	gic_redist_write(w.g, 0, SGI_BASE + A_CONFIG, 4, 0, true);
	cr_assert(eq(u64, gic_redist_read(w.g, 0, SGI_BASE + A_CONFIG, 4, true), 0xaaaaaaaa));
	gw_free(&w);
}

Test(gic, a_message_makes_an_spi_pending)
{
	struct gic_world w = gw_single();
	gw_irq(&w, SPI, GIC_G1NS, 0x80);
	gw_edge(&w, SPI, true);
	gic_dist_write(w.g, 0x40, 4, SPI, false);
	cr_assert(gw_state(&w, SPI).pending);
	gic_dist_write(w.g, 0x48, 4, SPI, false);
	cr_assert(not(gw_state(&w, SPI).pending));
	gw_free(&w);
}

/* --- LPIs come from elsewhere ------------------------------------------------------------------------------------------------------- */

static bool one_lpi(void *self, unsigned pe, struct gic_pending *out)
{
	*out = (struct gic_pending){.intid = 8192, .priority = 0x80, .group = GIC_G1NS};
	return !pe && *(bool *)self;
}
static void take_lpi(void *self, unsigned pe, uint32_t intid)
{
	(void)pe;
	cr_assert(eq(u32, intid, 8192));
	*(bool *)self = false;
}

Test(gic, an_lpi_loses_its_pending_state_when_acknowledged_and_has_no_active_one)
{
	struct gic_world w = gw_single();
	bool pending = true;
	gic_set_lpi_source(
		w.g, &(struct gic_lpi_source){.self = &pending, .highest = one_lpi, .acknowledge = take_lpi});
	gic_lpi_changed(w.g, 0);
	gw_irq(&w, SPI, GIC_G1NS, 0x88);
	gic_set_line(w.g, 0, SPI, true);
	cr_assert(eq(u64, gw_read(&w, "IAR1"), 8192));
	cr_assert(not(pending));
	cr_assert(eq(u64, gw_read(&w, "RPR"), 0x80));
	gw_write(&w, "EOIR1", 8192);
	cr_assert(eq(u64, gw_read(&w, "IAR1"), SPI));
	gw_free(&w);
}

static void note(void *self, unsigned pe) { *(unsigned *)self |= 1u << pe; }

Test(gic, a_change_is_told_to_the_pe_that_it_concerns)
{
	struct gic_world w = four_pes();
	unsigned told = 0;
	gw_irq(&w, SPI, GIC_G1NS, 0x80);
	gic_dist_write(w.g, 0x6000 + 8 * SPI, 8, gic_affinity(w.g, 2), true);
	gic_on_change(w.g, note, &told);
	gic_set_line(w.g, 0, SPI, true);
	cr_assert(eq(u32, told, 4));
	told = 0;
	gic_set_line(w.g, 1, PPI, true);
	cr_assert(eq(u32, told, 2));
	gw_free(&w);
}

/* Each stop is reached by taking one thing away from an interrupt that is signalled. */
Test(gic, the_first_rule_that_stops_an_interrupt_is_told)
{
	enum { ROWS = 10 };
	for (unsigned i = 0; i <= ROWS; i++) {
		struct gic_world w = gw_single();
		enum gic_stop expect = GIC_STOP_SIGNALLED;
		gw_irq(&w, SPI, GIC_G1NS, 0x80);
		gic_set_line(w.g, 0, SPI, true);
		switch (i) {
		case 0: gic_set_line(w.g, 0, SPI, false), expect = GIC_STOP_NOT_PENDING; break;
		case 1: gw_bit(&w, A_SET_ACTIVE, SPI), expect = GIC_STOP_ACTIVE; break;
		case 2: gw_bit(&w, A_DISABLE, SPI), expect = GIC_STOP_DISABLED; break;
		case 3: gic_dist_write(w.g, 0, 4, 1, true), expect = GIC_STOP_DISTRIBUTOR; break;
		case 4: gic_dist_write(w.g, 0x6000 + 8 * SPI, 8, 7, true), expect = GIC_STOP_ELSEWHERE; break;
		case 5: gic_redist_write(w.g, 0, 0x14, 4, 2, true), expect = GIC_STOP_ASLEEP; break;
		case 6: gw_write(&w, "IGRPEN1", 0), expect = GIC_STOP_INTERFACE; break;
		case 7:
			gw_irq(&w, 3, GIC_G1NS, 0x40), gw_bit(&w, A_SET_PENDING, 3), expect = GIC_STOP_BEHIND;
			break;
		case 8: gw_write(&w, "PMR", 0x80), expect = GIC_STOP_MASKED; break;
		case 9:
			gw_write(&w, "ICC_AP1R0_EL1", 1u << (0x80 >> 3)), expect = GIC_STOP_NO_PREEMPTION;
			break;
		default: break;
		}
		cr_assert(eq(int, gic_why(w.g, 0, SPI), expect), "row %u", i);
		gw_free(&w);
	}
	struct gic_world w = gw_single();
	cr_assert(eq(int, gic_why(w.g, 0, 1020), GIC_STOP_NOT_THERE));
	gw_free(&w);
}

/* 256 redistributors cost a pointer each until they are used. */
Test(gic, a_redistributor_costs_memory_only_once_it_is_touched)
{
	size_t before = mallinfo2().uordblks;
	struct gic *g = gic_new(&(struct gic_params){.pes = 256, .spis = 988, .awake = true});
	size_t empty = mallinfo2().uordblks - before;
	gic_set_line(g, 200, PPI, true);
	size_t one = mallinfo2().uordblks - before - empty;
	cr_assert(lt(sz, empty, 8192));
	cr_assert(lt(sz, one, 2048));
	gic_free(g);
}
