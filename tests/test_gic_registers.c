/* test_gic_registers.c - rules of IHI 0069H for superpriority, registers, LPIs and what is told, each a test named after it. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <malloc.h>

#include "gic/why.h"
#include "gic_world.h"

#define FRAME .pes = 1, .spis = 64, .awake = true

static struct gic_world four_pes(void)
{
	static const uint32_t affinity[] = {0x0, 0x1, 0x12, 0x10003};
	return gw_new(&(struct gic_params){.pes = 4, .affinity = affinity, .spis = 64, .awake = true});
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

static struct gic_world nmi_of_two_states(enum gic_group group)
{
	struct gic_world w = gw_new(&(struct gic_params){FRAME, .nmi = true, .security = true});
	gw_irq(&w, 40, group, 0xf0);
	gw_bit(&w, A_NMI, 40);
	gw_bit(&w, A_SET_PENDING, 40);
	return w;
}

Test(gic, superpriority_of_another_security_state_is_spurious_and_not_1022)
{
	struct gic_world w = nmi_of_two_states(GIC_G1S);
	w.c = (struct gic_context){.el = 1, .nmi = true};
	cr_assert(eq(u64, gw_read(&w, "IAR1"), GIC_SPURIOUS));
	w.c = (struct gic_context){.el = 1, .secure = true, .nmi = true};
	cr_assert(eq(u64, gw_read(&w, "IAR1"), GIC_INTID_NMI));
	gw_free(&w);
}

Test(gic, rpr_tells_secure_software_of_both_states_superpriority)
{
	struct gic_world w = nmi_of_two_states(GIC_G1NS);
	const struct gic_context secure = {.el = 1, .secure = true}, nonsecure = {.el = 1};
	w.c = nonsecure;
	cr_assert(eq(u64, gw_read(&w, "NMIAR1"), 40));
	cr_assert(eq(u64, gw_read(&w, "RPR") >> 62, 2));
	w.c = secure;
	cr_assert(eq(u64, gw_read(&w, "RPR") >> 62, 1), "NMI_NS");
	cr_assert(eq(u64, gw_read(&w, "RPR") & 0xff, 0x80));
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

Test(gic, registers_of_two_security_states_are_zero_with_one)
{
	static const uint32_t offsets[] = {A_GRPMOD + 4, A_NSACR + 8};
	struct gic_world one = gw_single(), two = nmi_of_two_states(GIC_G1S);
	for (unsigned i = 0; i < 2; i++) {
		gic_dist_write(one.g, offsets[i], 4, UINT32_MAX, true);
		gic_dist_write(two.g, offsets[i], 4, UINT32_MAX, true);
		cr_expect(eq(u64, gic_dist_read(one.g, offsets[i], 4, true), 0));
		cr_expect(eq(u64, gic_dist_read(two.g, offsets[i], 4, true), UINT32_MAX));
	}
	gw_free(&one);
	gw_free(&two);
}

Test(gic, irouter_is_written_whole_or_by_halves)
{
	struct gic_world w = four_pes();
	gic_dist_write(w.g, 0x6000 + 8 * SPI, 8, UINT64_C(0x1200000003), true);
	cr_assert(eq(u64, gic_dist_read(w.g, 0x6000 + 8 * SPI, 8, true), UINT64_C(0x1200000003)));
	gic_dist_write(w.g, 0x6000 + 8 * SPI + 4, 4, 0x34, true);
	cr_assert(eq(u64, gic_dist_read(w.g, 0x6000 + 8 * SPI, 8, true), UINT64_C(0x3400000003)));
	gic_dist_write(w.g, 0x6000 + 8 * SPI, 4, 0x12, true);
	cr_assert(eq(u64, gic_dist_read(w.g, 0x6000 + 8 * SPI, 8, true), UINT64_C(0x3400000012)));
	cr_assert(eq(u64, gic_dist_read(w.g, 0x6000 + 8 * SPI + 4, 4, true), 0x34));
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

Test(gic, a_distributor_may_keep_more_bits_of_a_priority_than_the_interface_compares)
{
	struct gic_world w = gw_new(&(struct gic_params){FRAME, .priority_bits = 5, .kept_priority_bits = 8});
	gw_irq(&w, 40, GIC_G1NS, 0x85);
	gw_irq(&w, 41, GIC_G1NS, 0x83);
	gw_bit(&w, A_SET_PENDING, 40);
	gw_bit(&w, A_SET_PENDING, 41);
	cr_assert(eq(u64, gic_dist_read(w.g, A_PRIORITY + 40, 1, true), 0x85));
	cr_assert(eq(u64, gw_read(&w, "IAR1"), 41), "the lower value is first");
	cr_assert(eq(u64, gw_read(&w, "RPR"), 0x80));
	cr_assert(not(gw_signals(&w).irq), "and the other one does not preempt it");
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

Test(gic, a_message_of_a_level_sensitive_spi_stays_until_it_is_taken_back)
{
	struct gic_world w = gw_single();
	gw_irq(&w, SPI, GIC_G1NS, 0x80);
	gic_dist_write(w.g, 0x40, 4, SPI, false);
	cr_assert(eq(u64, gw_read(&w, "IAR1"), SPI));
	cr_assert(gw_state(&w, SPI).pending, "active and pending");
	gw_write(&w, "EOIR1", SPI);
	cr_assert(eq(u64, gw_read(&w, "IAR1"), SPI));
	gic_dist_write(w.g, 0x48, 4, SPI, false);
	cr_assert(not(gw_state(&w, SPI).pending));
	gw_write(&w, "EOIR1", SPI);
	cr_assert(eq(u64, gw_read(&w, "IAR1"), GIC_SPURIOUS));
	gw_free(&w);
}

Test(gic, a_message_of_an_edge_is_consumed_by_its_acknowledge)
{
	struct gic_world w = gw_single();
	gw_irq(&w, SPI, GIC_G1NS, 0x80);
	gw_edge(&w, SPI, true);
	gic_dist_write(w.g, 0x40, 4, SPI, false);
	cr_assert(eq(u64, gw_read(&w, "IAR1"), SPI));
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
