/* test_gic_groups.c - rules of IHI 0069H for groups, Security states and routing, each a test named after it. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "gic_world.h"

static struct gic_world two_states(void)
{
	return gw_new(&(struct gic_params){.pes = 2, .spis = 64, .security = true, .awake = true});
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

Test(gic, nsacr_shows_the_active_state_and_does_not_let_it_be_written)
{
	struct gic_world w = two_states();
	gw_irq(&w, 40, GIC_G0, 0x40);
	gic_dist_write(w.g, A_NSACR + 8, 4, 2 << 16, true);
	gic_dist_write(w.g, A_SET_ACTIVE + 4, 4, 1u << 8, false);
	cr_assert(not(gw_state(&w, 40).active));
	gw_bit(&w, A_SET_ACTIVE, 40);
	cr_assert(eq(u64, gic_dist_read(w.g, A_SET_ACTIVE + 4, 4, false), 1u << 8));
	gic_dist_write(w.g, A_CLEAR_ACTIVE + 4, 4, 1u << 8, false);
	cr_assert(gw_state(&w, 40).active);
	gw_free(&w);
}

Test(gic, nsacr_of_a_redistributor_opens_no_register)
{
	struct gic_world w = two_states();
	gw_irq(&w, 5, GIC_G0, 0x40);
	gic_redist_write(w.g, 0, SGI_BASE + A_NSACR, 4, 3u << 10, true);
	gic_redist_write(w.g, 0, SGI_BASE + A_SET_PENDING, 4, 1u << 5, false);
	cr_assert(not(gw_state(&w, 5).pending));
	gw_bit(&w, A_SET_PENDING, 5);
	cr_assert(eq(u64, gic_redist_read(w.g, 0, SGI_BASE + A_SET_PENDING, 4, false), 0));
	gw_free(&w);
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

Test(gic, where_disabled_groups_hide_the_first_of_one_is_not_signalled_and_nothing_else_is)
{
	struct gic_world w = gw_new(
		&(struct gic_params){.pes = 1, .spis = 64, .awake = true, .disabled_hides = true});
	gw_irq(&w, 40, GIC_G0, 0x20);
	gw_irq(&w, 41, GIC_G1NS, 0x80);
	gw_bit(&w, A_SET_PENDING, 40);
	gw_bit(&w, A_SET_PENDING, 41);
	gw_write(&w, "IGRPEN0", 0);
	cr_assert(not(gw_signals(&w).irq));
	cr_assert(eq(u64, gw_read(&w, "HPPIR1"), GIC_SPURIOUS));
	gw_bit(&w, A_DISABLE, 40);
	cr_assert(gw_signals(&w).irq);
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

/* Table 12-14, note. */
Test(gic, with_one_security_state_asgi1r_sends_group_0)
{
	struct gic_world w = gw_single();
	gw_irq(&w, 5, GIC_G0, 0x80);
	gw_irq(&w, 6, GIC_G1NS, 0x80);
	gw_write(&w, "ASGI1R", 5u << 24 | 1);
	gw_write(&w, "ASGI1R", 6u << 24 | 1);
	cr_assert(gw_state(&w, 5).pending && !gw_state(&w, 6).pending);
	gw_free(&w);
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

Test(gic, a_redistributor_that_forwards_asleep_says_that_it_sleeps)
{
	struct gic_world w = gw_new(&(struct gic_params){.pes = 1, .spis = 64, .forwards_asleep = true});
	gw_irq(&w, PPI, GIC_G1NS, 0x80);
	gic_redist_write(w.g, 0, 0x14, 4, 2, true);
	gic_set_line(w.g, 0, PPI, true);
	cr_assert(gw_signals(&w).irq);
	cr_assert(eq(u64, gic_redist_read(w.g, 0, 0x14, 4, true), 6));
	gw_free(&w);
}

Test(gic, with_cbpr_of_secure_group_1_its_binary_point_is_bpr0_and_the_other_states_is_not)
{
	struct gic_world w = two_states();
	const struct gic_context secure = {.el = 1, .secure = true}, nonsecure = {.el = 1};
	gw_write(&w, "ICC_CTLR_EL3", 1);
	w.c = nonsecure;
	gw_write(&w, "BPR1", 7);
	w.c = secure;
	gw_write(&w, "BPR0", 5);
	cr_assert(eq(u64, gw_read(&w, "BPR1"), 5));
	gw_write(&w, "BPR1", 6);
	cr_assert(eq(u64, gw_read(&w, "BPR0"), 6));
	w.c = nonsecure;
	cr_assert(eq(u64, gw_read(&w, "BPR1"), 7));
	gw_free(&w);
}

Test(gic, dir_needs_the_group_to_be_taken_by_the_state_and_level_that_writes_it)
{
	static const struct {
		enum gic_group group;
		struct gic_context c;
		bool may;
	} rows[] = {
		{GIC_G0, {.el = 3}, true},
		{GIC_G1S, {.el = 3}, true},
		{GIC_G1NS, {.el = 3}, true},
		{GIC_G0, {.el = 1, .secure = true}, true},
		{GIC_G0, {.el = 1, .secure = true, .fiq_el3 = true}, false},
		{GIC_G0, {.el = 1, .secure = true, .irq_el3 = true}, true},
		{GIC_G1S, {.el = 1, .secure = true}, true},
		{GIC_G1S, {.el = 1, .secure = true, .irq_el3 = true}, false},
		{GIC_G1S, {.el = 1, .secure = true, .fiq_el3 = true}, true},
		{GIC_G1NS, {.el = 1, .secure = true}, true},
		{GIC_G0, {.el = 2}, false},
		{GIC_G1S, {.el = 2}, false},
		{GIC_G1NS, {.el = 2}, true},
		{GIC_G1NS, {.el = 2, .fiq_el3 = true}, true},
		{GIC_G1NS, {.el = 2, .irq_el3 = true}, false},
		{GIC_G1NS, {.el = 1}, true},
	};
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct gic_world w = two_states();
		gw_irq(&w, 40, rows[i].group, 0x80);
		gw_bit(&w, A_SET_ACTIVE, 40);
		gw_write(&w, "ICC_CTLR_EL3", 0x1c); /* EOImode of EL3 and both states */
		w.c = rows[i].c;
		gw_write(&w, "DIR", 40);
		w.c = (struct gic_context){.el = 3};
		cr_expect(gw_state(&w, 40).active == !rows[i].may, "row %u", i);
		gw_free(&w);
	}
}

Test(gic, nsacr_1_lets_nonsecure_messages_set_a_secure_spi_and_2_clear_it)
{
	enum { SETSPI_NSR = 0x40, CLRSPI_NSR = 0x48 };
	for (unsigned level = 0; level < 3; level++) {
		struct gic_world w = two_states();
		gw_irq(&w, 40, GIC_G0, 0x40);
		gw_edge(&w, 40, true);
		gic_dist_write(w.g, A_NSACR + 8, 4, level << 16, true);
		gic_dist_write(w.g, SETSPI_NSR, 4, 40, false);
		cr_expect(gw_state(&w, 40).pending == (level >= 1), "level %u", level);
		gic_dist_write(w.g, SETSPI_NSR, 4, 40, true);
		gic_dist_write(w.g, CLRSPI_NSR, 4, 40, false);
		cr_expect(gw_state(&w, 40).pending == (level < 2), "level %u", level);
		gw_free(&w);
	}
}

Test(gic, nonsecure_software_sees_of_the_groups_that_a_pe_declines_its_own)
{
	enum { DPG0 = 1 << 24, DPG1NS = 1 << 25, DPG1S = 1 << 26 };
	struct gic_world w = two_states();
	gic_redist_write(w.g, 0, 0, 4, DPG0 | DPG1NS | DPG1S, true);
	cr_assert(eq(u64, gic_redist_read(w.g, 0, 0, 4, true), DPG0 | DPG1NS | DPG1S));
	cr_assert(eq(u64, gic_redist_read(w.g, 0, 0, 4, false), DPG1NS));
	gic_redist_write(w.g, 0, 0, 4, 0, false);
	cr_assert(eq(u64, gic_redist_read(w.g, 0, 0, 4, true), DPG0 | DPG1S));
	gw_free(&w);
}
