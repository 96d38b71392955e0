/* LPIs and virtual LPIs through a whole GIC: from an ITS to ICC_IAR1_EL1 and ICV_IAR1_EL1; and what many of them cost. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

#include "base/rng.h"
#include "gic/cpu_if.h"
#include "gic/lpi_source.h"
#include "gic/timer.h"

#define VALID (UINT64_C(1) << 63)
enum { PES = 2, CONFIG = 0x400000, VCONFIG = 0x500000, VPT = 0x600000, VPES = 0x700000 };

static struct gic *gic;
static struct lpi_source *source;
static struct physmem *mem;
static const struct its_redist *redist;

static struct gic_context el1 = {.el = 1};

static uint64_t icc(unsigned pe, const char *name, const struct gic_context *c)
{
	uint64_t value = 0;
	cr_assert(cpu_if_read(gic, pe, cpu_if_encoding(name), c, &value));
	return value;
}
static void icc_write(unsigned pe, const char *name, const struct gic_context *c, uint64_t value)
{
	cr_assert(cpu_if_write(gic, pe, cpu_if_encoding(name), c, value));
}

static void start(bool security, bool v41)
{
	struct gic_params p = {
		.pes = PES, .spis = 32, .list_registers = 4, .security = security, .awake = true};
	struct lpi_source_params lp = {.id_bits = 16, .v4 = true, .v41 = v41};
	mem = physmem_new();
	gic = gic_new(&p);
	source = lpi_source_new(&lp, gic, mem);
	redist = lpi_source_redists(source);
	gic_dist_write(gic, 0, 4, 0x37, true); /* GICD_CTLR: groups on, affinity routing */
	for (unsigned i = 0; i < PES; i++) {
		gic_redist_write(gic, i, 0x70, 8, CONFIG | 15, false);
		gic_redist_write(gic, i, 0x78, 8, 0x1000000 * (i + 1), false);
		gic_redist_write(gic, i, 0, 4, 1, false);
		icc_write(i, "ICC_PMR_EL1", &el1, 0xff);
		icc_write(i, "ICC_IGRPEN1_EL1", &el1, 1);
	}
	physmem_write64(mem, (struct pa){CONFIG}, 0xa1a1a1a1a1a1a1a1);
}
static void setup(void) { start(false, true); }
static void teardown(void)
{
	cr_expect(eq(ptr, (void *)gic_check(gic), NULL));
	lpi_source_free(source);
	gic_free(gic);
	physmem_free(mem);
}
TestSuite(lpi_source, .init = setup, .fini = teardown);

Test(lpi_source, lpi_is_signalled_acknowledged_and_ended_by_the_cpu_interface)
{
	cr_assert(not(gic_signals(gic, 1, &el1).irq));
	lpi_set_pending(redist[1].lpi, 8193);
	cr_assert(gic_signals(gic, 1, &el1).irq);
	cr_assert(not(gic_signals(gic, 0, &el1).irq));
	cr_assert(eq(u64, icc(1, "ICC_IAR1_EL1", &el1), 8193));
	cr_assert(not(lpi_is_pending(redist[1].lpi, 8193)));
	cr_assert(eq(uint, gic_running_priority(gic, 1), 0xa0));
	cr_assert(not(gic_signals(gic, 1, &el1).irq));
	icc_write(1, "ICC_EOIR1_EL1", &el1, 8193);
	cr_assert(eq(uint, gic_running_priority(gic, 1), 0xff));
	cr_assert(eq(u64, icc(1, "ICC_IAR1_EL1", &el1), 1023));
}

Test(lpi_source, lpi_pends_again_while_it_is_handled)
{
	lpi_set_pending(redist[0].lpi, 8192);
	icc(0, "ICC_IAR1_EL1", &el1);
	lpi_set_pending(redist[0].lpi, 8192); /* same priority: no preemption, no loss */
	cr_assert(not(gic_signals(gic, 0, &el1).irq));
	icc_write(0, "ICC_EOIR1_EL1", &el1, 8192);
	cr_assert(eq(u64, icc(0, "ICC_IAR1_EL1", &el1), 8192));
}

Test(lpi_source, registers_of_lpis_are_those_of_the_redistributor)
{
	cr_expect(eq(u64, gic_redist_read(gic, 0, 0, 4, false) & 7, 7)); /* EnableLPIs, CES, IR */
	cr_expect(eq(u64, gic_redist_read(gic, 0, 0x70, 8, false), CONFIG | 15));
	cr_expect(
		eq(u64, gic_redist_read(gic, 0, 8, 8, false) & 0x87, 0x87)); /* PLPIS, VLPIS, Dirty, RVPEID */
	cr_expect(eq(u64, gic_dist_read(gic, 4, 4, false) >> 17 & 0x7d,
		     15 << 2 | 1)); /* LPIS, 16 bits of INTID */
	lpi_set_pending(redist[0].lpi, 8192);
	gic_redist_write(gic, 0, 0, 4, 0, false);
	cr_expect(not(gic_signals(gic, 0, &el1).irq));
	cr_expect(not(lpi_enabled(redist[0].lpi)));
}

Test(lpi_source, with_two_security_states_priorities_are_in_the_lower_half)
{
	struct gic_pending p;
	teardown();
	start(true, true);
	lpi_set_pending(redist[0].lpi, 8192);
	cr_assert(gic_offered(gic, 0, &p));
	cr_assert(eq(u8, p.priority, 0xa0 >> 1 | 0x80));
	cr_assert(eq(u8, p.group, GIC_G1NS));
}

Test(lpi_source, virtual_lpi_of_a_resident_vpe_is_signalled_as_virq_and_acknowledged_by_the_guest)
{
	struct gic_context guest = {.el = 1, .imo = true, .fmo = true}, el2 = {.el = 2};
	struct vpe_target t = {.vpeid = 3, .at = {VPES + 3 * 32}};
	t.entry = (struct vpe_entry){.valid = true,
				     .redist = 1,
				     .vpt = {VPT},
				     .vconf = {VCONFIG},
				     .vpt_bits = 16,
				     .doorbell = 8192};
	vpe_entry_write(&t.entry, mem, t.at, true);
	physmem_write64(mem, (struct pa){VCONFIG}, 0x41);
	gic_redist_write(gic, 1, 0x20070, 8, VALID | VPES, false);
	icc_write(1, "ICH_HCR_EL2", &el2, 1);
	icc_write(1, "ICC_PMR_EL1", &guest, 0xff);
	icc_write(1, "ICC_IGRPEN1_EL1", &guest, 1);
	vpe_set_pending(redist[1].vpe, &t, 8192, 1023);
	gic_redist_write(gic, 1, 0x20078, 8, VALID | UINT64_C(3) << 58 | 3, false);
	cr_assert(not(gic_signals(gic, 1, &guest).virq)); /* Dirty */
	vpe_settle(redist[1].vpe);
	cr_assert(gic_signals(gic, 1, &guest).virq);
	cr_assert(eq(u64, icc(1, "ICC_IAR1_EL1", &guest), 8192));
	cr_assert(not(gic_signals(gic, 1, &guest).virq));
	icc_write(1, "ICC_EOIR1_EL1", &guest, 8192);
	cr_assert(eq(u64, icc(1, "ICC_IAR1_EL1", &guest), 1023));
}

Test(lpi_source, timer_raises_its_ppi_when_its_condition_is_met_and_drops_it_with_a_new_cval)
{
	const struct timer_clock clock = {3000000000, 25000000, 0};
	const unsigned cval = 3 << 14 | 3 << 11 | 14 << 7 | 3 << 3 | 2,
		       ctl = cval - 1; /* CNTV_CVAL_EL0, CNTV_CTL_EL0 */
	struct timers t;
	timers_init(&t, &clock);
	timers_write(&t, cval, 0, 10, NULL);
	timers_write(&t, ctl, 0, TIMER_ENABLE, NULL);
	gic_redist_write(gic, 1, 0x10080, 4, UINT32_MAX, false); /* GICR_IGROUPR0, GICR_ISENABLER0 */
	gic_redist_write(gic, 1, 0x10100, 4, 1u << 27, false);
	timers_drive(&t, 1199, gic, 1);
	cr_assert(not(gic_signals(gic, 1, &el1).irq));
	timers_drive(&t, 1200, gic, 1);
	cr_assert(gic_signals(gic, 1, &el1).irq);
	cr_assert(eq(u64, icc(1, "ICC_IAR1_EL1", &el1), 27));
	icc_write(1, "ICC_EOIR1_EL1", &el1, 27);
	cr_assert(gic_signals(gic, 1, &el1).irq); /* level: it is still up */
	timers_write(&t, cval, 1300, 1000, NULL);
	timers_drive(&t, 1300, gic, 1);
	cr_assert(not(gic_signals(gic, 1, &el1).irq));
	cr_assert(eq(u64, timers_next(&t, 1300), 120000));
}

/* --- cost ------------------------------------------------------------------------------------------------------------------ */

enum { MANY_PES = 256, MANY_BITS = 21 };

static struct lpi_source *many_redists(struct gic **g, struct physmem *m)
{
	struct gic_params p = {.pes = MANY_PES, .spis = 32, .list_registers = 4};
	struct lpi_source_params lp = {.id_bits = MANY_BITS};
	*g = gic_new(&p);
	struct lpi_source *s = lpi_source_new(&lp, *g, m);
	for (unsigned i = 0; i < MANY_PES; i++) {
		struct lpi *l = lpi_source_redists(s)[i].lpi;
		lpi_write(l, 0x70, 8, UINT64_C(0x10000000) | (MANY_BITS - 1));
		lpi_write(l, 0x78, 8, UINT64_C(0x100000000) + i * UINT64_C(0x40000));
		lpi_enable(l, true); /* looks through a pending table of 256 KiB */
	}
	return s;
}

Test(lpi_cost, of_256_redistributors_with_a_million_configured_lpis_is_what_is_used)
{
	struct physmem *m = physmem_new();
	struct gic *g;
	uint64_t memory = physmem_usage(m).host_bytes;
	struct lpi_source *s = many_redists(&g, m);
	const struct its_redist *r = lpi_source_redists(s);
	cr_assert(lt(sz, lpi_source_bytes(s),
		     MANY_PES * 512)); /* nothing used: nothing but the redistributors */
	size_t idle = lpi_source_bytes(s);
	for (uint32_t i = 0; i < 1000; i++) lpi_set_pending(r[i % MANY_PES].lpi, 8192 + i * 997);
	/* Sets begin with 8 places for 16 bytes of entry, and 8 of 4 bytes in the heap. */
	cr_assert(le(sz, lpi_source_bytes(s) - idle, MANY_PES * 8 * (16 + 4)));
	cr_assert(eq(u64, physmem_usage(m).host_bytes, memory)); /* memory was read and not written */
	lpi_source_free(s);
	gic_free(g);
	physmem_free(m);
}

Test(lpi_cost, of_a_million_pending_lpis_grows_with_their_number)
{
	struct physmem *m = physmem_new();
	struct gic *g;
	struct lpi_source *s = many_redists(&g, m);
	const struct its_redist *r = lpi_source_redists(s);
	const uint32_t count = 1000000;
	size_t idle = lpi_source_bytes(s);
	for (uint64_t at = 0; at < count; at += 8)
		physmem_write64(m, (struct pa){0x10000000 + at}, 0xa1a1a1a1a1a1a1a1);
	for (uint32_t i = 0; i < count; i++) cr_assert(lpi_set_pending(r[i % MANY_PES].lpi, 8192 + i));
	/* Entries in a table that is at least 3/8 full, and a heap that is half full. */
	cr_assert(lt(sz, lpi_source_bytes(s) - idle, (size_t)count * 51));
	for (uint32_t i = 0; i < count; i++) { /* all of one priority: the lowest INTID first */
		struct lpi_offer o = lpi_best(r[i % MANY_PES].lpi);
		cr_assert(o.any && o.intid == 8192 + i);
		lpi_acknowledge(r[i % MANY_PES].lpi, o.intid);
	}
	lpi_source_free(s);
	gic_free(g);
	physmem_free(m);
}
