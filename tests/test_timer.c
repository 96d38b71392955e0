/* The generic timer: Arm ARM DDI 0487, D12.2; and the host's timers of vCPUs. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/rng.h"
#include "el/trap.h"
#include "gic/timer_soft.h"

/* 3 GHz and 25 MHz: 120 cycles per count. */
static const struct timer_clock clock_3g = {3000000000, 25000000, 0};
static struct timers t;

static void setup(void) { timers_init(&t, &clock_3g); }
TestSuite(timer, .init = setup);

/* A register as software names it at a level, resolved as the level machine does. */
static unsigned reach(const char *name)
{
	struct reg_name n;
	cr_assert(reg_find(name, &n), "%s", name);
	enum el_reg r = reg_resolve(n, t.context.el ? t.context.el : 1, t.context.e2h);
	cr_assert(ne(int, r, R_NONE));
	return reg_encode((struct reg_name){.reg = r});
}
static uint64_t get(const char *name, cycles_t now)
{
	uint64_t value;
	cr_assert(timers_read(&t, reach(name), now, &value));
	return value;
}
static void set(const char *name, cycles_t now, uint64_t value)
{
	cr_assert(timers_write(&t, reach(name), now, value, NULL));
}

Test(timer, counts_at_its_frequency_in_whole_counts)
{
	cr_expect(eq(u64, get("CNTPCT_EL0", 119), 0));
	cr_expect(eq(u64, get("CNTPCT_EL0", 120), 1));
	cr_expect(eq(u64, get("CNTPCT_EL0", 3000000000), 25000000));
	cr_expect(eq(u64, get("CNTFRQ_EL0", 0), 25000000));
	cr_expect(eq(u64, get("CNTPCTSS_EL0", 240), 2));
}

Test(timer, cycle_of_a_count_is_the_first_and_not_the_one_before)
{
	const struct timer_clock clocks[] = {
		{3000000000, 25000000, 0}, {2600000000, 100000000, 7}, {1999999999, 1000000000, 0}};
	struct rng r;
	rng_init(&r, 1, "test.timer");
	for (unsigned i = 0; i < 3000; i++) {
		const struct timer_clock *c = &clocks[i % 3];
		cycles_t now = rng_next(&r) >> (10 + rng_below(&r, 40));
		uint64_t counts = 1 + (rng_next(&r) >> (24 + rng_below(&r, 40)));
		cycles_t at = timer_after(c, now, counts);
		cr_assert(ge(u64, timer_count(c, at) - timer_count(c, now), counts));
		cr_assert(lt(u64, timer_count(c, at - 1) - timer_count(c, now), counts));
	}
}

Test(timer, of_the_far_future_is_never)
{
	cr_expect(eq(u64, timer_after(&clock_3g, 0, UINT64_MAX), TIMER_NEVER));
	cr_expect(eq(u64, timer_after(&clock_3g, 77, 0), 77));
}

Test(timer, condition_is_met_when_the_count_reaches_cval_and_not_before)
{
	set("CNTV_CVAL_EL0", 0, 100);
	set("CNTV_CTL_EL0", 0, TIMER_ENABLE);
	cr_expect(eq(u64, get("CNTV_CTL_EL0", 100 * 120 - 1), TIMER_ENABLE));
	cr_expect(eq(u64, get("CNTV_CTL_EL0", 100 * 120), TIMER_ENABLE | TIMER_ISTATUS));
	cr_expect(not(timers_line(&t, TIMER_V, 100 * 120 - 1)));
	cr_expect(timers_line(&t, TIMER_V, 100 * 120));
	cr_expect(eq(u64, timers_next(&t, 0), 100 * 120));
	cr_expect(eq(u64, timers_next(&t, 100 * 120 - 1), 100 * 120));
	cr_expect(eq(u64, timers_next(&t, 100 * 120), TIMER_NEVER)); /* it is up, and stays */
}

Test(timer, imask_hides_the_line_and_not_the_status)
{
	set("CNTP_CTL_EL0", 0, TIMER_ENABLE | TIMER_IMASK);
	cr_expect(eq(u64, get("CNTP_CTL_EL0", 0), TIMER_ENABLE | TIMER_IMASK | TIMER_ISTATUS));
	cr_expect(not(timers_line(&t, TIMER_P, 0)));
	cr_expect(eq(u64, timers_next(&t, 0), TIMER_NEVER));
	set("CNTP_CTL_EL0", 0, TIMER_ENABLE);
	cr_expect(timers_line(&t, TIMER_P, 0));
}

Test(timer, disabled_has_no_status)
{
	cr_expect(eq(u64, get("CNTP_CTL_EL0", 1000), 0));
	cr_expect(eq(u64, timers_expiry(&t, TIMER_P, 0), TIMER_NEVER));
}

Test(timer, istatus_and_reserved_bits_of_ctl_cannot_be_written)
{
	set("CNTV_CVAL_EL0", 0, UINT64_MAX);
	set("CNTV_CTL_EL0", 0, UINT64_MAX);
	cr_expect(eq(u64, get("CNTV_CTL_EL0", 0), TIMER_ENABLE | TIMER_IMASK));
}

Test(timer, comparison_is_unsigned_over_64_bits)
{
	set("CNTV_CTL_EL0", 0, TIMER_ENABLE);
	set("CNTV_CVAL_EL0", 0, UINT64_C(1) << 63);
	cr_expect(not(timers_status(&t, TIMER_V, 1000000))); /* were it signed, the count would be above it */
	t.context.el = 2;
	set("CNTVOFF_EL2", 0, 1000); /* the virtual count is "negative", that is, huge */
	cr_expect(timers_status(&t, TIMER_V, 0));
}

Test(timer, tval_is_the_signed_distance_to_cval)
{
	cycles_t now = 1000 * 120;
	set("CNTP_TVAL_EL0", now, 50);
	cr_expect(eq(u64, get("CNTP_CVAL_EL0", now), 1050));
	cr_expect(eq(u64, get("CNTP_TVAL_EL0", now + 120), 49));
	set("CNTP_TVAL_EL0", now, 0xffffffff); /* -1 */
	cr_expect(eq(u64, get("CNTP_CVAL_EL0", now), 999));
	set("CNTP_CTL_EL0", now, TIMER_ENABLE);
	cr_expect(timers_line(&t, TIMER_P, now));
	set("CNTP_TVAL_EL0", now, UINT64_C(0xabcd00000001)); /* upper half ignored */
	cr_expect(eq(u64, get("CNTP_CVAL_EL0", now), 1001));
}

Test(timer, tval_goes_on_below_zero_and_reads_32_bits)
{
	set("CNTP_CVAL_EL0", 0, 10);
	set("CNTP_CTL_EL0", 0, TIMER_ENABLE);
	cr_expect(eq(u64, get("CNTP_TVAL_EL0", 15 * 120), UINT32_MAX - 4));
}

Test(timer, timers_are_apart)
{
	t.context.el = 2;
	set("CNTHP_CVAL_EL2", 0, 30);
	set("CNTHP_CTL_EL2", 0, TIMER_ENABLE);
	set("CNTHV_CVAL_EL2", 0, 20);
	set("CNTHV_CTL_EL2", 0, TIMER_ENABLE);
	set("CNTP_CVAL_EL0", 0, 10);
	set("CNTP_CTL_EL0", 0, TIMER_ENABLE);
	cr_expect(eq(u64, timers_next(&t, 0), 10 * 120));
	cr_expect(eq(u64, timers_next(&t, 10 * 120), 20 * 120));
	cr_expect(eq(u64, timers_next(&t, 20 * 120), 30 * 120));
	cr_expect(not(timers_line(&t, TIMER_HP, 20 * 120)));
	cr_expect(timers_line(&t, TIMER_HV, 20 * 120));
	cr_expect(eq(uint, timer_ppi(TIMER_V), 27));
	cr_expect(eq(uint, timer_ppi(TIMER_HP), 26));
}

Test(timer, secure_timers_have_encodings)
{
	uint64_t value = 0;
	const unsigned cntps_cval = 3 << 14 | 7 << 11 | 14 << 7 | 2 << 3 | 2,
		       cnthvs_cval = 3 << 14 | 4 << 11 | 14 << 7 | 4 << 3 | 2;
	cr_expect(timers_write(&t, cntps_cval, 0, 5, NULL));
	cr_expect(timers_read(&t, cntps_cval, 0, &value));
	cr_expect(eq(u64, value, 5));
	cr_expect(timers_write(&t, cnthvs_cval, 0, 6, NULL));
	cr_expect(eq(u64, t.cval[TIMER_HVS], 6));
	cr_expect(eq(u64, t.cval[TIMER_PS], 5));
}

Test(timer, counters_cannot_be_written_and_others_are_not_of_the_timer)
{
	uint64_t value;
	struct reg_name n;
	cr_expect(not(timers_write(&t, reach("CNTPCT_EL0"), 0, 1, NULL)));
	reg_find("TTBR0_EL1", &n);
	cr_expect(not(timers_read(&t, reg_encode(n), 0, &value)));
}

/* --- offsets -------------------------------------------------------------------------------------------------------- */

Test(timer, cntvoff_shifts_the_virtual_counter_and_the_virtual_timer)
{
	t.cntvoff = 40;
	cr_expect(eq(u64, get("CNTVCT_EL0", 100 * 120), 60));
	cr_expect(eq(u64, get("CNTPCT_EL0", 100 * 120), 100));
	set("CNTV_CVAL_EL0", 0, 60);
	set("CNTV_CTL_EL0", 0, TIMER_ENABLE);
	set("CNTP_CVAL_EL0", 0, 200);
	set("CNTP_CTL_EL0", 0, TIMER_ENABLE);
	/* The count begins at -40, which is above CVAL until it reaches 0. */
	cr_expect(timers_line(&t, TIMER_V, 40 * 120 - 1));
	cr_expect(not(timers_line(&t, TIMER_V, 40 * 120)));
	cr_expect(eq(u64, timers_next(&t, 0), 100 * 120));
	cr_expect(eq(u64, timers_next(&t, 100 * 120), 200 * 120));
	set("CNTV_TVAL_EL0", 100 * 120, 10);
	cr_expect(eq(u64, get("CNTV_CVAL_EL0", 0), 70));
}

struct view_row {
	const char *what;
	uint8_t el;
	bool e2h, tge, offset; /* CNTVOFF_EL2 has effect on CNTVCT_EL0 */
};

Test(timer, cntvct_has_no_offset_for_a_host)
{
	static const struct view_row rows[] = {
		{"EL0 of a guest", 0, true, false, true},
		{"EL0 of a host", 0, true, true, false},
		{"EL0, nVHE", 0, false, false, true},
		{"EL1", 1, true, false, true},
		{"EL2 with E2H", 2, true, true, false},
		{"EL2 with E2H in the guest's context", 2, true, false, false},
		{"EL2 without E2H", 2, false, false, true},
		{"EL3", 3, true, true, true},
	};
	t.cntvoff = 40;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		t.context = (struct timer_context){
			.el = rows[i].el, .el2 = true, .e2h = rows[i].e2h, .tge = rows[i].tge};
		cr_expect(eq(u64, timers_virtual(&t, 100 * 120), rows[i].offset ? 60 : 100), "%s",
			  rows[i].what);
	}
}

Test(timer, cntpoff_needs_ecv_its_control_and_a_guest)
{
	t.context = (struct timer_context){.el = 1, .el2 = true, .e2h = true, .ecv = true};
	t.cntpoff = 40;
	t.cnthctl = UINT64_C(1) << 12;
	cr_expect(eq(u64, get("CNTPCT_EL0", 100 * 120), 60));
	t.cnthctl = 0;
	cr_expect(eq(u64, get("CNTPCT_EL0", 100 * 120), 100));
	t.cnthctl = UINT64_C(1) << 12;
	t.context.ecv = false; /* or SCR_EL3.ECVEn = 0 */
	cr_expect(eq(u64, get("CNTPCT_EL0", 100 * 120), 100));
	t.context.ecv = true;
	t.context.el2 = false;
	cr_expect(eq(u64, get("CNTPCT_EL0", 100 * 120), 100));
	t.context.el2 = true;
	t.context.tge = true; /* a host's EL0 */
	t.context.el = 0;
	cr_expect(eq(u64, timers_physical(&t, 100 * 120), 100));
	t.context = (struct timer_context){.el = 2, .el2 = true, .e2h = true, .ecv = true};
	cr_expect(eq(u64, timers_physical(&t, 100 * 120), 100)); /* never at EL2 */
}

Test(timer, cntpoff_shifts_the_physical_timer_of_a_guest)
{
	t.context = (struct timer_context){.el = 1, .el2 = true, .ecv = true};
	t.cntpoff = 40;
	t.cnthctl = UINT64_C(1) << 12;
	set("CNTP_CVAL_EL0", 0, 60);
	set("CNTP_CTL_EL0", 0, TIMER_ENABLE);
	cr_expect(not(timers_line(&t, TIMER_P, 100 * 120 - 1)));
	cr_expect(timers_line(&t, TIMER_P, 100 * 120));
	t.context.el = 2; /* the hypervisor runs: the guest's condition stays */
	cr_expect(not(timers_line(&t, TIMER_P, 100 * 120 - 1)));
	set("CNTHP_CVAL_EL2", 0, 60);
	set("CNTHP_CTL_EL2", 0, TIMER_ENABLE);
	cr_expect(timers_line(&t, TIMER_HP, 60 * 120)); /* no offset */
}

/* --- names ------------------------------------------------------------------------------------------------------------- */

Test(timer, with_e2h_names_of_el1_mean_the_timers_of_el2_and_el02_the_timers_of_el1)
{
	t.context = (struct timer_context){.el = 2, .el2 = true, .e2h = true, .tge = true};
	set("CNTV_CVAL_EL0", 0, 11);
	set("CNTP_CVAL_EL0", 0, 12);
	set("CNTV_CVAL_EL02", 0, 13);
	set("CNTP_CVAL_EL02", 0, 14);
	cr_expect(eq(u64, t.cval[TIMER_HV], 11));
	cr_expect(eq(u64, t.cval[TIMER_HP], 12));
	cr_expect(eq(u64, t.cval[TIMER_V], 13));
	cr_expect(eq(u64, t.cval[TIMER_P], 14));
	t.context.e2h = t.context.tge = false;
	cr_expect(eq(u64, get("CNTV_CVAL_EL0", 0), 13));
	cr_expect(eq(u64, get("CNTHV_CVAL_EL2", 0), 11));
}

Test(timer, tval_el02_has_the_offset_of_the_guests_virtual_timer)
{
	t.context = (struct timer_context){.el = 2, .el2 = true, .e2h = true};
	t.cntvoff = 40;
	set("CNTV_TVAL_EL02", 100 * 120, 5);
	cr_expect(eq(u64, t.cval[TIMER_V], 65));
	set("CNTV_TVAL_EL0", 100 * 120, 5); /* CNTHV_TVAL_EL2 */
	cr_expect(eq(u64, t.cval[TIMER_HV], 105));
}

Test(timer, el0_of_a_host_has_the_timers_of_el2)
{
	t.context = (struct timer_context){.el = 0, .el2 = true, .e2h = true, .tge = true};
	set("CNTV_CVAL_EL0", 0, 11);
	set("CNTP_CVAL_EL0", 0, 12);
	cr_expect(eq(u64, t.cval[TIMER_HV], 11));
	cr_expect(eq(u64, t.cval[TIMER_HP], 12));
	t.context.tge = false;
	cr_expect(eq(u64, get("CNTV_CVAL_EL0", 0), 0));
}

Test(timer, masks_of_cnthctl_concern_realm_and_root_state_only)
{
	t.context.realm_or_root = true;
	t.cnthctl = UINT64_C(1) << 18;
	set("CNTV_CTL_EL0", 0, TIMER_ENABLE);
	set("CNTP_CTL_EL0", 0, TIMER_ENABLE);
	cr_expect(not(timers_line(&t, TIMER_V, 0)));
	cr_expect(timers_line(&t, TIMER_P, 0));
	cr_expect(eq(u64, get("CNTV_CTL_EL0", 0), TIMER_ENABLE | TIMER_ISTATUS));
	t.cnthctl = UINT64_C(1) << 19;
	cr_expect(timers_line(&t, TIMER_V, 0));
	cr_expect(not(timers_line(&t, TIMER_P, 0)));
	t.context.realm_or_root = false;
	cr_expect(timers_line(&t, TIMER_P, 0));
}

Test(timer, writes_say_whether_lines_may_have_changed)
{
	bool lines = false;
	cr_expect(timers_write(&t, reach("CNTV_CTL_EL0"), 0, 1, &lines));
	cr_expect(lines);
	cr_expect(timers_write(&t, reach("CNTFRQ_EL0"), 0, 1, &lines));
	cr_expect(not(lines));
	t.context.el = 2;
	cr_expect(timers_write(&t, reach("CNTVOFF_EL2"), 0, 1, &lines));
	cr_expect(lines);
}

/* --- traps: that the rows of el/trap_rules.c say what D19.12 says ------------------------------------------------------- */

struct trap_row {
	const char *reg;
	uint8_t el;
	bool e2h;
	uint64_t cnthctl;
	bool traps;
};

Test(timer, cnthctl_traps_the_timers_and_counters_of_a_guest)
{
	static const struct trap_row rows[] = {
		{"CNTPCT_EL0", 1, false, 0, true},       {"CNTPCT_EL0", 1, false, 1, false},
		{"CNTP_CTL_EL0", 1, false, 0, true},     {"CNTP_CTL_EL0", 1, false, 2, false},
		{"CNTPCT_EL0", 1, true, 0, true},        {"CNTPCT_EL0", 1, true, 1 << 10, false},
		{"CNTP_TVAL_EL0", 1, true, 0, true},     {"CNTP_TVAL_EL0", 1, true, 1 << 11, false},
		{"CNTV_CTL_EL0", 1, true, 0, false},     {"CNTV_CTL_EL0", 1, true, 1 << 13, true},
		{"CNTVCT_EL0", 1, true, 0, false},       {"CNTVCT_EL0", 1, true, 1 << 14, true},
		{"CNTVCT_EL0", 1, false, 1 << 14, true}, {"CNTV_CVAL_EL0", 2, true, 1 << 13, false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct el_features has = {.el2 = true, .vhe = true};
		struct el_state s;
		struct reg_name n;
		el_reset(&s, &has);
		s.pstate = (s.pstate & ~UINT64_C(15)) | pstate_mode(rows[i].el);
		s.reg[R_HCR_EL2] = (uint64_t)rows[i].e2h << HCR_E2H;
		s.reg[R_CNTHCTL_EL2] = rows[i].cnthctl;
		reg_find(rows[i].reg, &n);
		struct trap_op op = trap_reg(n, false, 0);
		cr_expect(eq(int, trap_decide(&s, &op).outcome == TRAP_TAKEN, rows[i].traps), "row %zu: %s",
			  i, rows[i].reg);
	}
}

/* --- event stream ----------------------------------------------------------------------------------------------------------- */

Test(timer, event_stream_follows_a_bit_of_the_counter)
{
	t.cntkctl = 1 << 2 | 4 << 4; /* EVNTEN, bit 4, rising: counts 16, 48, 80 */
	cr_expect(eq(u64, timers_next_event(&t, 0), 16 * 120));
	cr_expect(eq(u64, timers_next_event(&t, 16 * 120 - 1), 16 * 120));
	cr_expect(eq(u64, timers_next_event(&t, 16 * 120), 48 * 120));
	t.cntkctl |= 1 << 3; /* falling: 32, 64 */
	cr_expect(eq(u64, timers_next_event(&t, 0), 32 * 120));
	t.cntkctl = 1 << 2 | UINT64_C(1) << 17; /* EVNTIS: bit 8 */
	cr_expect(eq(u64, timers_next_event(&t, 0), 256 * 120));
	t.cnthctl = 1 << 2; /* EL2's own, of the physical counter: bit 0 */
	cr_expect(eq(u64, timers_next_event(&t, 0), 1 * 120));
	t.cnthctl = t.cntkctl = 0;
	cr_expect(eq(u64, timers_next_event(&t, 0), TIMER_NEVER));
}

Test(timer, event_stream_of_cntkctl_is_of_the_virtual_counter)
{
	t.cntvoff = 10;
	t.cntkctl = 1 << 2 | 4 << 4;
	cr_expect(eq(u64, timers_next_event(&t, 12 * 120), 26 * 120));
}

/* --- random against a naive model: every cycle is asked -------------------------------------------------------------------- */

Test(timer, next_is_the_first_cycle_at_which_a_line_rises)
{
	const struct timer_clock quick = {7, 3, 0};
	struct rng r;
	rng_init(&r, 2, "test.timer.next");
	for (unsigned round = 0; round < 400; round++) {
		timers_init(&t, &quick);
		t.cntvoff = rng_below(&r, 3) ? rng_below(&r, 50) : 0;
		for (unsigned i = 0; i < TIMER_COUNT; i++) {
			t.ctl[i] = (uint8_t)rng_below(&r, 4);
			t.cval[i] = rng_below(&r, 100);
		}
		cycles_t now = rng_below(&r, 150), first = TIMER_NEVER;
		for (cycles_t at = now + 1; first == TIMER_NEVER && at < 500; at++)
			for (unsigned i = 0; i < TIMER_COUNT; i++)
				if (timers_line(&t, i, at) && !timers_line(&t, i, at - 1)) first = at;
		cr_assert(eq(u64, timers_next(&t, now), first));
	}
}

/* --- the host's timers of a vCPU that does not run -------------------------------------------------------------------------- */

static const unsigned guest = 1 << TIMER_V | 1 << TIMER_P;

Test(soft_timer, wakes_at_the_earliest_timer_that_can_fire, .init = setup)
{
	struct event_queue q = {0};
	struct soft_timer s = {0};
	t.cntvoff = 10;
	t.cval[TIMER_V] = 100;
	t.ctl[TIMER_V] = TIMER_ENABLE;
	t.cval[TIMER_P] = 90;
	t.ctl[TIMER_P] = TIMER_ENABLE | TIMER_IMASK;
	t.cval[TIMER_HP] = 5; /* the host's own */
	t.ctl[TIMER_HP] = TIMER_ENABLE;
	cr_expect(eq(u64, soft_timer_arm(&s, &q, &t, guest, 20 * 120), 110 * 120));
	t.ctl[TIMER_P] = TIMER_ENABLE;
	cr_expect(eq(u64, soft_timer_arm(&s, &q, &t, guest, 20 * 120), 90 * 120));
	cr_assert(eq(ptr, event_take(&q), &s.event));
	cr_expect(eq(u64, s.event.when, 90 * 120));
	cr_expect(soft_timer_expired(&s, &q, 90 * 120));
	event_queue_fini(&q);
}

Test(soft_timer, none_that_can_fire_means_no_event, .init = setup)
{
	struct event_queue q = {0};
	struct soft_timer s = {0};
	t.ctl[TIMER_V] = TIMER_IMASK | TIMER_ENABLE;
	cr_expect(eq(u64, soft_timer_arm(&s, &q, &t, guest, 0), TIMER_NEVER));
	cr_expect(eq(ptr, (void *)event_first(&q), NULL));
	cr_expect(eq(u64, s.armed, 0));
	event_queue_fini(&q);
}

Test(soft_timer, one_that_has_fired_wakes_at_once, .init = setup)
{
	struct event_queue q = {0};
	struct soft_timer s = {0};
	t.ctl[TIMER_V] = TIMER_ENABLE;
	cr_expect(eq(u64, soft_timer_arm(&s, &q, &t, guest, 777), 777));
	soft_timer_cancel(&s, &q);
	cr_expect(eq(ptr, (void *)event_first(&q), NULL));
	event_queue_fini(&q);
}

Test(soft_timer, nanoseconds_round_down_so_it_looks_again_and_sleeps_on)
{
	/* 3 MHz: a count is 333.3 ns, so 333 ns wake before it. */
	const struct timer_clock slow = {3000000000, 3000000, 0};
	struct event_queue q = {0};
	struct soft_timer s = {0};
	timers_init(&t, &slow);
	t.ctl[TIMER_V] = TIMER_ENABLE;
	t.cval[TIMER_V] = 1;
	cr_expect(eq(u64, soft_timer_arm(&s, &q, &t, guest, 0), 999)); /* of 1000 cycles */
	event_take(&q);
	cr_expect(not(soft_timer_expired(&s, &q, 999)));
	cr_expect(eq(u64, s.early, 1));
	const struct event *again = event_first(&q);
	cr_assert(again != NULL);
	cr_expect(eq(u64, again->when, 999 + 999));
	event_take(&q);
	cr_expect(soft_timer_expired(&s, &q, 1998));
	event_queue_fini(&q);
}

Test(soft_timer, emulated_timer_of_a_running_vcpu_is_the_physical_one_of_nvhe, .init = setup)
{
	struct event_queue q = {0};
	struct soft_timer s = {0};
	t.cval[TIMER_V] = 10;
	t.cval[TIMER_P] = 20;
	t.ctl[TIMER_V] = t.ctl[TIMER_P] = TIMER_ENABLE;
	cr_expect(eq(u64, soft_timer_arm(&s, &q, &t, soft_timer_map(SOFT_TIMER_NVHE).emulated, 0), 20 * 120));
	cr_expect(
		eq(u64, soft_timer_arm(&s, &q, &t, soft_timer_map(SOFT_TIMER_VHE).emulated, 0), TIMER_NEVER));
	event_queue_fini(&q);
}

Test(soft_timer, each_timer_of_a_vcpu_is_in_hardware_or_emulated_and_nesting_swaps_them)
{
	for (unsigned i = 0; i < SOFT_TIMER_MODES; i++) {
		struct soft_timer_map m = soft_timer_map((enum soft_timer_mode)i);
		cr_expect(eq(uint, m.direct & m.emulated, 0));
		cr_expect(eq(uint, (m.direct | m.emulated) & guest,
			     i < SOFT_TIMER_NESTED_GUEST ? m.direct | m.emulated : guest));
	}
	struct soft_timer_map below = soft_timer_map(SOFT_TIMER_NESTED_GUEST),
			      hyp = soft_timer_map(SOFT_TIMER_NESTED_HYP);
	cr_expect(eq(uint, below.direct, hyp.emulated));
	cr_expect(eq(uint, below.emulated, hyp.direct));
}
