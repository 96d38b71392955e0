/* test_gic_virtual.c - rules of IHI 0069H chapter 5 for list registers, ICV_* and ICH_*, each a test named after it. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "gic/lr.h"
#include "gic_world.h"

/* A hypervisor at EL2 with the virtual interface on, both groups enabled and nothing masked. */
static struct gic_world hypervisor(void)
{
	struct gic_world w = gw_single();
	gw_write(&w, "ICH_HCR_EL2", HCR_EN);
	gw_write(&w, "ICH_VMCR_EL2", UINT64_C(0xff) << VMCR_VPMR | VMCR_VENG0 | VMCR_VENG1);
	return w;
}

static uint64_t lr_of(uint32_t vintid, unsigned priority, enum lr_state state)
{
	return (uint64_t)state << LR_STATE | UINT64_C(1) << LR_GROUP | (uint64_t)priority << 48 | vintid;
}
static uint64_t with_pintid(uint64_t lr, uint32_t pintid)
{
	return lr | UINT64_C(1) << LR_HW | (uint64_t)pintid << 32;
}
static uint64_t with_eoi(uint64_t lr) { return lr | UINT64_C(1) << LR_EOI; }
static void set_bits(struct gic_world *w, uint64_t bits)
{
	gw_write(w, "ICH_HCR_EL2", gw_read(w, "ICH_HCR_EL2") | bits);
}

static uint64_t guest_read(struct gic_world *w, const char *name)
{
	struct gic_context host = w->c;
	w->c = gw_guest();
	uint64_t value = gw_read(w, name);
	w->c = host;
	return value;
}

static void guest_write(struct gic_world *w, const char *name, uint64_t value)
{
	struct gic_context host = w->c;
	w->c = gw_guest();
	gw_write(w, name, value);
	w->c = host;
}

static enum lr_state state_of(struct gic_world *w, const char *lr) { return lr_state(gw_read(w, lr)); }

Test(gic_virtual, a_pending_list_register_asserts_the_virtual_irq_while_the_interface_is_on)
{
	struct gic_world w = hypervisor();
	gw_write(&w, "ICH_LR0_EL2", lr_of(27, 0x80, LR_PENDING));
	cr_assert(gw_signals(&w).virq && !gw_signals(&w).vfiq);
	gw_write(&w, "ICH_HCR_EL2", 0);
	cr_assert(not(gw_signals(&w).virq));
	cr_assert(eq(u64, guest_read(&w, "IAR1"), GIC_SPURIOUS));
	gw_free(&w);
}

Test(gic_virtual, what_is_pending_stays_the_highest_while_the_interface_is_off)
{
	struct gic_world w = hypervisor();
	gw_write(&w, "ICH_LR1_EL2", lr_of(27, 0x80, LR_PENDING));
	gw_write(&w, "ICH_HCR_EL2", 0);
	cr_assert(eq(u64, guest_read(&w, "HPPIR1"), 27));
	cr_assert(eq(u64, guest_read(&w, "IAR1"), GIC_SPURIOUS));
	struct gic_pending p;
	cr_assert(eq(int, gic_virtual_pending(w.g, 0, &p), 1));
	gw_free(&w);
}

Test(gic_virtual, group_0_asserts_the_virtual_fiq)
{
	struct gic_world w = hypervisor();
	gw_write(&w, "ICH_LR0_EL2", lr_of(27, 0x80, LR_PENDING) & ~(UINT64_C(1) << LR_GROUP));
	cr_assert(gw_signals(&w).vfiq && !gw_signals(&w).virq);
	cr_assert(eq(u64, guest_read(&w, "IAR1"), GIC_SPURIOUS));
	cr_assert(eq(u64, guest_read(&w, "IAR0"), 27));
	gw_free(&w);
}

Test(gic_virtual, acknowledge_makes_it_active_and_the_end_invalid)
{
	struct gic_world w = hypervisor();
	gw_write(&w, "ICH_LR2_EL2", lr_of(27, 0x80, LR_PENDING));
	cr_assert(eq(u64, guest_read(&w, "HPPIR1"), 27));
	cr_assert(eq(u64, guest_read(&w, "IAR1"), 27));
	cr_assert(eq(int, state_of(&w, "ICH_LR2_EL2"), LR_ACTIVE));
	cr_assert(eq(u64, guest_read(&w, "RPR"), 0x80));
	cr_assert(eq(u64, gw_read(&w, "ICH_AP1R0_EL2"), 1u << (0x80 >> 3)));
	guest_write(&w, "EOIR1", 27);
	cr_assert(eq(int, state_of(&w, "ICH_LR2_EL2"), LR_INVALID));
	cr_assert(eq(u64, guest_read(&w, "RPR"), GIC_IDLE_PRIORITY));
	gw_free(&w);
}

Test(gic_virtual, active_and_pending_becomes_pending_at_the_end_and_is_not_taken_before)
{
	struct gic_world w = hypervisor();
	gw_write(&w, "ICH_LR0_EL2", lr_of(27, 0x80, LR_ACTIVE_PENDING));
	gw_write(&w, "ICH_AP1R0_EL2", 1u << (0x80 >> 3));
	cr_assert(eq(u64, guest_read(&w, "IAR1"), GIC_SPURIOUS));
	guest_write(&w, "EOIR1", 27);
	cr_assert(eq(int, state_of(&w, "ICH_LR0_EL2"), LR_PENDING));
	cr_assert(eq(u64, guest_read(&w, "IAR1"), 27));
	gw_free(&w);
}

Test(gic_virtual, the_highest_priority_is_first_whatever_its_list_register)
{
	struct gic_world w = hypervisor();
	gw_write(&w, "ICH_LR0_EL2", lr_of(40, 0x80, LR_PENDING));
	gw_write(&w, "ICH_LR1_EL2", lr_of(41, 0x40, LR_PENDING));
	gw_write(&w, "ICH_LR3_EL2", lr_of(42, 0x40, LR_PENDING));
	cr_assert(eq(u64, guest_read(&w, "IAR1"), 41));
	cr_assert(eq(u64, guest_read(&w, "IAR1"), GIC_SPURIOUS), "no preemption by the same priority");
	guest_write(&w, "EOIR1", 41);
	cr_assert(eq(u64, guest_read(&w, "IAR1"), 42));
	gw_free(&w);
}

Test(gic_virtual, the_end_of_a_hardware_interrupt_deactivates_the_physical_one)
{
	for (unsigned hw = 0; hw < 2; hw++) {
		struct gic_world w = hypervisor();
		gw_write(&w, "CTLR", 2);
		gw_irq(&w, PPI, GIC_G1NS, 0x80);
		gic_set_line(w.g, 0, PPI, true);
		gw_write(&w, "EOIR1", gw_read(&w, "IAR1"));
		cr_assert(gw_state(&w, PPI).active);
		uint64_t lr = lr_of(30, 0x80, LR_PENDING);
		gw_write(&w, "ICH_LR0_EL2", hw ? with_pintid(lr, PPI) : lr);
		guest_write(&w, "EOIR1", guest_read(&w, "IAR1"));
		cr_assert(eq(int, gw_state(&w, PPI).active, !hw));
		cr_assert(eq(int, gw_signals(&w).irq, hw), "its line is still high");
		gw_free(&w);
	}
}

Test(gic_virtual, with_veoim_the_end_drops_the_priority_and_dir_deactivates)
{
	struct gic_world w = hypervisor();
	guest_write(&w, "CTLR", 2);
	cr_assert(gw_read(&w, "ICH_VMCR_EL2") >> 9 & 1);
	gw_irq(&w, PPI, GIC_G1NS, 0x80);
	gw_bit(&w, A_SET_ACTIVE, PPI);
	gw_write(&w, "ICH_LR0_EL2", with_pintid(lr_of(27, 0x80, LR_PENDING), PPI));
	guest_read(&w, "IAR1");
	guest_write(&w, "EOIR1", 27);
	cr_assert(eq(u64, guest_read(&w, "RPR"), GIC_IDLE_PRIORITY));
	cr_assert(eq(int, state_of(&w, "ICH_LR0_EL2"), LR_ACTIVE));
	cr_assert(gw_state(&w, PPI).active);
	guest_write(&w, "DIR", 27);
	cr_assert(eq(int, state_of(&w, "ICH_LR0_EL2"), LR_INVALID));
	cr_assert(not(gw_state(&w, PPI).active));
	gw_free(&w);
}

/* ICH_HCR_EL2.EOIcount counts ends that would have deactivated something that is in no list register. */
Test(gic_virtual, eoicount_counts_ends_without_a_list_register_that_dropped_a_priority)
{
	struct gic_world w = hypervisor();
	guest_write(&w, "EOIR1", 40);
	cr_assert(eq(u64, gw_read(&w, "ICH_HCR_EL2") >> HCR_EOICOUNT_SHIFT, 0), "nothing was active");
	gw_write(&w, "ICH_AP1R0_EL2", 7);
	guest_write(&w, "EOIR1", 40);
	cr_assert(eq(u64, gw_read(&w, "ICH_HCR_EL2") >> HCR_EOICOUNT_SHIFT, 1));
	guest_write(&w, "EOIR1", GIC_LPI);
	cr_assert(eq(u64, gw_read(&w, "ICH_HCR_EL2") >> HCR_EOICOUNT_SHIFT, 1), "LPIs are not counted");
	guest_write(&w, "CTLR", 2);
	guest_write(&w, "EOIR1", 40);
	cr_assert(eq(u64, gw_read(&w, "ICH_HCR_EL2") >> HCR_EOICOUNT_SHIFT, 1),
		  "with EOImode 1 it deactivates nothing");
	guest_write(&w, "DIR", 40);
	cr_assert(eq(u64, gw_read(&w, "ICH_HCR_EL2") >> HCR_EOICOUNT_SHIFT, 2));
	gw_free(&w);
}

Test(gic_virtual, an_end_of_another_priority_than_the_dropped_one_leaves_the_list_register_active)
{
	struct gic_world w = hypervisor();
	gw_write(&w, "ICH_LR0_EL2", lr_of(40, 0x80, LR_ACTIVE));
	gw_write(&w, "ICH_AP1R0_EL2", 1u << (0x40 >> 3));
	guest_write(&w, "EOIR1", 40);
	cr_assert(eq(int, state_of(&w, "ICH_LR0_EL2"), LR_ACTIVE));
	gw_free(&w);
}

Test(gic_virtual, a_special_vintid_is_returned_and_emptied_without_becoming_active)
{
	struct gic_world w = hypervisor();
	gw_write(&w, "ICH_LR0_EL2", lr_of(1022, 0x80, LR_PENDING));
	cr_assert(eq(u64, guest_read(&w, "IAR1"), 1022));
	cr_assert(eq(int, state_of(&w, "ICH_LR0_EL2"), LR_INVALID));
	cr_assert(eq(u64, guest_read(&w, "RPR"), GIC_IDLE_PRIORITY));
	gw_free(&w);
}

Test(gic_virtual, elrsr_shows_empty_list_registers_and_eisr_those_whose_end_is_to_be_reported)
{
	struct gic_world w = hypervisor();
	cr_assert(eq(u64, gw_read(&w, "ICH_ELRSR_EL2"), 0xf));
	gw_write(&w, "ICH_LR1_EL2", with_eoi(lr_of(40, 0x80, LR_PENDING)));
	cr_assert(eq(u64, gw_read(&w, "ICH_ELRSR_EL2"), 0xd));
	cr_assert(eq(u64, gw_read(&w, "ICH_EISR_EL2"), 0));
	guest_write(&w, "EOIR1", guest_read(&w, "IAR1"));
	cr_assert(eq(u64, gw_read(&w, "ICH_ELRSR_EL2"), 0xd), "it still has something to say");
	cr_assert(eq(u64, gw_read(&w, "ICH_EISR_EL2"), 2));
	gw_write(&w, "ICH_LR1_EL2", with_pintid(lr_of(40, 0x80, LR_INVALID), 0x200));
	cr_assert(eq(u64, gw_read(&w, "ICH_EISR_EL2"), 0), "with HW = 1 bit 41 is part of pINTID");
	gw_free(&w);
}

/* --- maintenance: 5.4, ICH_MISR_EL2 ------------------------------------------------------------------------------------- */

static void expect_cause(struct gic_world *w, uint64_t misr)
{
	cr_assert(eq(u64, gw_read(w, "ICH_MISR_EL2"), misr));
	cr_assert(eq(int, gw_signals(w).maintenance, misr != 0));
}

Test(gic_virtual, underflow_is_at_most_one_valid_list_register)
{
	struct gic_world w = hypervisor();
	set_bits(&w, HCR_UIE);
	expect_cause(&w, MISR_U);
	gw_write(&w, "ICH_LR0_EL2", lr_of(40, 0x80, LR_ACTIVE));
	expect_cause(&w, MISR_U);
	gw_write(&w, "ICH_LR1_EL2", lr_of(41, 0x80, LR_PENDING));
	expect_cause(&w, 0);
	gw_free(&w);
}

Test(gic_virtual, no_pending_is_no_list_register_in_state_pending)
{
	struct gic_world w = hypervisor();
	set_bits(&w, HCR_NPIE);
	expect_cause(&w, MISR_NP);
	gw_write(&w, "ICH_LR0_EL2", lr_of(40, 0x80, LR_PENDING));
	expect_cause(&w, 0);
	guest_read(&w, "IAR1");
	expect_cause(&w, MISR_NP);
	gw_free(&w);
}

Test(gic_virtual, list_register_entry_not_present_is_a_count_of_ends)
{
	struct gic_world w = hypervisor();
	set_bits(&w, HCR_LRENPIE);
	expect_cause(&w, 0);
	gw_write(&w, "ICH_AP1R0_EL2", 1);
	guest_write(&w, "EOIR1", 40);
	expect_cause(&w, MISR_LRENP);
	gw_write(&w, "ICH_HCR_EL2", HCR_EN | HCR_LRENPIE);
	expect_cause(&w, 0);
	gw_free(&w);
}

Test(gic_virtual, an_end_that_a_list_register_wants_to_hear_of_is_reported)
{
	struct gic_world w = hypervisor();
	gw_write(&w, "ICH_LR0_EL2", with_eoi(lr_of(40, 0x80, LR_PENDING)));
	guest_read(&w, "IAR1");
	expect_cause(&w, 0);
	guest_write(&w, "EOIR1", 40);
	expect_cause(&w, MISR_EOI);
	gw_write(&w, "ICH_LR0_EL2", 0);
	expect_cause(&w, 0);
	gw_free(&w);
}

Test(gic_virtual, enabling_and_disabling_groups_is_reported_where_asked_for)
{
	static const struct {
		uint64_t control, cause;
		const char *reg;
		bool when;
	} rows[] = {{HCR_VGRP0EIE, MISR_VGRP0E, "IGRPEN0", true},
		    {HCR_VGRP0DIE, MISR_VGRP0D, "IGRPEN0", false},
		    {HCR_VGRP1EIE, MISR_VGRP1E, "IGRPEN1", true},
		    {HCR_VGRP1DIE, MISR_VGRP1D, "IGRPEN1", false}};
	for (unsigned i = 0; i < 4; i++) {
		struct gic_world w = hypervisor();
		gw_write(&w, "ICH_HCR_EL2", HCR_EN | rows[i].control);
		guest_write(&w, rows[i].reg, rows[i].when);
		expect_cause(&w, rows[i].cause);
		guest_write(&w, rows[i].reg, !rows[i].when);
		expect_cause(&w, 0);
		gw_free(&w);
	}
}

Test(gic_virtual, the_maintenance_interrupt_is_a_level_of_its_ppi)
{
	struct gic_world w = gw_new(
		&(struct gic_params){.pes = 1, .list_registers = 4, .maintenance_intid = 25, .awake = true});
	gw_irq(&w, 25, GIC_G1NS, 0x80);
	gw_write(&w, "ICH_HCR_EL2", HCR_EN | HCR_NPIE);
	cr_assert(gw_signals(&w).irq);
	cr_assert(eq(u64, gw_read(&w, "IAR1"), 25));
	gw_write(&w, "ICH_HCR_EL2", HCR_EN);
	gw_write(&w, "EOIR1", 25);
	cr_assert(not(gw_signals(&w).irq));
	gw_free(&w);
}

/* --- registers: 12.3, 12.4 -------------------------------------------------------------------------------------------------- */

Test(gic_virtual, vmcr_is_another_view_of_the_guests_registers)
{
	struct gic_world w = hypervisor();
	gw_write(&w, "ICH_VMCR_EL2", 0);
	cr_assert(eq(u64, gw_read(&w, "ICH_VMCR_EL2"), 0x4c0008),
		  "VFIQEn is RES1, binary points have their minimum");
	guest_write(&w, "PMR", 0xff);
	guest_write(&w, "IGRPEN1", 1);
	cr_assert(eq(u64, gw_read(&w, "ICH_VMCR_EL2"), 0xf84c000a), "as recorded of a real guest");
	gw_write(&w, "ICH_VMCR_EL2", 0x50000000 | 6u << VMCR_VBPR0 | 5u << VMCR_VBPR1 | VMCR_VCBPR);
	cr_assert(eq(u64, guest_read(&w, "PMR"), 0x50));
	cr_assert(eq(u64, guest_read(&w, "BPR0"), 6));
	cr_assert(eq(u64, guest_read(&w, "BPR1"), 7), "VCBPR: BPR0 plus one");
	cr_assert(eq(u64, guest_read(&w, "CTLR") & 3, 1));
	cr_assert(eq(u64, guest_read(&w, "IGRPEN1"), 0));
	gw_free(&w);
}

Test(gic_virtual, vtr_says_what_is_implemented)
{
	struct gic_world w = hypervisor();
	cr_assert(eq(u64, gw_read(&w, "ICH_VTR_EL2"), 0x90b80003),
		  "as recorded with 4 list registers and 5 bits");
	gw_free(&w);
}

Test(gic_virtual, registers_that_are_not_there_are_undefined)
{
	struct gic_world w = hypervisor();
	uint64_t value;
	static const char *const missing[] = {"ICH_LR4_EL2", "ICH_AP1R1_EL2", "ICC_CTLR_EL3", "ICC_EOIR1_EL1",
					      "ICC_AP1R1_EL1"};
	for (unsigned i = 0; i < 5; i++)
		cr_assert(not(cpu_if_read(w.g, 0, cpu_if_encoding(missing[i]), &w.c, &value)), "%s",
			  missing[i]);
	w.c.el = 1;
	cr_assert(not(cpu_if_read(w.g, 0, cpu_if_encoding("ICH_LR0_EL2"), &w.c, &value)), "EL1");
	gw_free(&w);
}

Test(gic_virtual, imo_and_fmo_choose_the_interface_by_group)
{
	static const struct {
		const char *name;
		bool by_fmo, by_imo;
	} rows[] = {{"ICC_IAR0_EL1", true, false},  {"ICC_IAR1_EL1", false, true},
		    {"ICC_PMR_EL1", true, true},    {"ICC_DIR_EL1", true, true},
		    {"ICC_SRE_EL1", false, false},  {"ICC_AP0R0_EL1", true, false},
		    {"ICC_SGI1R_EL1", false, false}};
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned encoding = cpu_if_encoding(rows[i].name);
		cr_assert(eq(int, cpu_if_is_virtual(encoding, &(struct gic_context){.el = 1, .fmo = true}),
			     rows[i].by_fmo));
		cr_assert(eq(int, cpu_if_is_virtual(encoding, &(struct gic_context){.el = 1, .imo = true}),
			     rows[i].by_imo));
		cr_assert(
			eq(int, cpu_if_is_virtual(encoding, &(struct gic_context){.el = 2, .imo = true}), 0));
	}
}

Test(gic_virtual, hcr_traps_the_guests_registers_by_kind)
{
	static const struct {
		uint64_t control;
		const char *trapped, *free;
	} rows[] = {{HCR_TC, "ICC_PMR_EL1", "ICC_IAR1_EL1"},
		    {HCR_TALL0, "ICC_IAR0_EL1", "ICC_IAR1_EL1"},
		    {HCR_TALL1, "ICC_IAR1_EL1", "ICC_IAR0_EL1"},
		    {HCR_TDIR, "ICC_DIR_EL1", "ICC_PMR_EL1"}};
	struct gic_context guest = gw_guest();
	for (unsigned i = 0; i < 4; i++) {
		struct gic_world w = hypervisor();
		set_bits(&w, rows[i].control);
		cr_assert(cpu_if_trapped(w.g, 0, cpu_if_encoding(rows[i].trapped), &guest));
		cr_assert(not(cpu_if_trapped(w.g, 0, cpu_if_encoding(rows[i].free), &guest)));
		cr_assert(not(cpu_if_trapped(w.g, 0, cpu_if_encoding(rows[i].trapped), &w.c)));
		gw_free(&w);
	}
}

/* --- virtual LPIs ----------------------------------------------------------------------------------------------------------- */

static bool one_vlpi(void *self, unsigned pe, struct gic_pending *out)
{
	(void)pe;
	*out = (struct gic_pending){.intid = 8200, .priority = 0x60, .group = GIC_G1NS};
	return *(bool *)self;
}
static void take_vlpi(void *self, unsigned pe, uint32_t intid)
{
	(void)pe, (void)intid, *(bool *)self = false;
}

Test(gic_virtual, a_virtual_lpi_competes_with_list_registers_by_priority)
{
	for (unsigned priority = 0x40; priority <= 0x80; priority += 0x20) {
		struct gic_world w = hypervisor();
		bool pending = true;
		gic_set_vlpi_source(w.g, &(struct gic_lpi_source){.self = &pending,
								  .highest = one_vlpi,
								  .acknowledge = take_vlpi});
		gw_write(&w, "ICH_LR0_EL2", lr_of(40, priority, LR_PENDING));
		bool first = priority > 0x60; /* of equal ones the list register */
		cr_assert(eq(u64, guest_read(&w, "IAR1"), first ? 8200 : 40));
		cr_assert(eq(int, pending, !first));
		guest_write(&w, "EOIR1", first ? 8200 : 40);
		cr_assert(eq(u64, guest_read(&w, "RPR"), GIC_IDLE_PRIORITY));
		cr_assert(eq(u64, gw_read(&w, "ICH_HCR_EL2") >> HCR_EOICOUNT_SHIFT, 0));
		gw_free(&w);
	}
}

Test(gic_virtual, with_vsgieoicount_ends_of_sgis_without_a_list_register_are_not_counted)
{
	for (unsigned split = 0; split < 2; split++) {
		struct gic_world w = hypervisor();
		bool pending = false;
		const char *end = split ? "DIR" : "EOIR1";
		gic_set_vlpi_source(w.g, &(struct gic_lpi_source){.self = &pending, .highest = one_vlpi});
		set_bits(&w, HCR_VSGIEOICOUNT);
		guest_write(&w, "CTLR", 2 * split);
		if (!split) gw_write(&w, "ICH_AP1R0_EL2", 7);
		guest_write(&w, end, 5);
		cr_assert(eq(u64, gw_read(&w, "ICH_HCR_EL2") >> HCR_EOICOUNT_SHIFT, 0));
		guest_write(&w, end, 40);
		cr_assert(eq(u64, gw_read(&w, "ICH_HCR_EL2") >> HCR_EOICOUNT_SHIFT, 1), "others are");
		gw_write(&w, "ICH_HCR_EL2", gw_read(&w, "ICH_HCR_EL2") & ~(uint64_t)HCR_VSGIEOICOUNT);
		guest_write(&w, end, 5);
		cr_assert(eq(u64, gw_read(&w, "ICH_HCR_EL2") >> HCR_EOICOUNT_SHIFT, 2), "and without it all");
		gw_free(&w);
	}
}

Test(gic_virtual, an_interface_that_is_off_asks_for_no_maintenance)
{
	struct gic_world w = hypervisor();
	set_bits(&w, HCR_UIE | HCR_NPIE);
	cr_assert(gw_signals(&w).maintenance);
	gw_write(&w, "ICH_HCR_EL2", HCR_UIE | HCR_NPIE);
	cr_assert(not(gw_signals(&w).maintenance));
	cr_assert(eq(u64, gw_read(&w, "ICH_MISR_EL2"), MISR_U | MISR_NP), "the causes are told all the same");
	gw_free(&w);
}

/* --- superpriority: FEAT_GICv3_NMI ------------------------------------------------------------------------------------------ */

static struct gic_world nmi_hypervisor(void)
{
	struct gic_world w = gw_new(
		&(struct gic_params){.pes = 1, .spis = 64, .list_registers = 4, .awake = true, .nmi = true});
	gw_write(&w, "ICH_HCR_EL2", HCR_EN);
	gw_write(&w, "ICH_VMCR_EL2", UINT64_C(0xff) << VMCR_VPMR | VMCR_VENG0 | VMCR_VENG1);
	return w;
}

static uint64_t with_nmi(uint64_t lr) { return lr | UINT64_C(1) << LR_NMI; }

Test(gic_virtual, a_list_register_with_superpriority_goes_before_priority_0)
{
	struct gic_world w = nmi_hypervisor();
	gw_write(&w, "ICH_LR0_EL2", lr_of(40, 0, LR_PENDING));
	gw_write(&w, "ICH_LR1_EL2", with_nmi(lr_of(41, 0xf8, LR_PENDING)));
	cr_assert(eq(u64, guest_read(&w, "IAR1"), 41));
	cr_assert(eq(u64, guest_read(&w, "RPR"), UINT64_C(1) << 63));
	gw_free(&w);
}

Test(gic_virtual, with_sctlr_nmi_superpriority_is_acknowledged_by_icv_nmiar1_only)
{
	struct gic_world w = nmi_hypervisor();
	gw_write(&w, "ICH_LR0_EL2", with_nmi(lr_of(41, 0xf8, LR_PENDING)));
	w.c = gw_guest();
	w.c.nmi = true;
	cr_assert(eq(u64, gw_read(&w, "IAR1"), GIC_INTID_NMI));
	cr_assert(eq(u64, gw_read(&w, "NMIAR1"), 41));
	cr_assert(eq(u64, gw_read(&w, "NMIAR1"), GIC_SPURIOUS));
	gw_free(&w);
}

Test(gic_virtual, the_end_of_a_superpriority_leaves_a_list_register_without_it_active)
{
	struct gic_world w = nmi_hypervisor();
	gw_write(&w, "ICH_LR0_EL2", lr_of(40, 0, LR_ACTIVE));
	gw_write(&w, "ICH_AP1R0_EL2", UINT64_C(1) << 63 | 1);
	guest_write(&w, "EOIR1", 40);
	cr_assert(eq(int, state_of(&w, "ICH_LR0_EL2"), LR_ACTIVE));
	guest_write(&w, "EOIR1", 40);
	cr_assert(eq(int, state_of(&w, "ICH_LR0_EL2"), LR_INVALID));
	gw_free(&w);
}
