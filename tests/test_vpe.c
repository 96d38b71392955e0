/* GICv4 and GICv4.1: vPE tables, residency, doorbells, virtual SGIs, V commands. IHI 0069, 5.3, 6, 12.12. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "its_world.h"

#define VALID (UINT64_C(1) << 63)
#define DOORBELL (UINT64_C(1) << 62)
#define PENDING_LAST (UINT64_C(1) << 61)
#define DIRTY (UINT64_C(1) << 60)
#define GROUPS (UINT64_C(3) << 58)
enum { VPROPBASER = 0x70, VPENDBASER = 0x78, VSGIR = 0x80, VSGIPENDR = 0x88 };
enum { DOORBELL_INTID = 9000, NO_DOORBELL = 1023 };

static struct its_world *w;

/* vPE 1 is mapped to redistributor 2; events 0 and 1 of device 5 are its virtual LPIs 8192 and 8193. */
static void map(int version, uint32_t doorbell)
{
	w = its_world_new(version);
	cmd_vmapp(w, 1, 2, true, version == WORLD_V41 ? doorbell : NO_DOORBELL);
	cmd_mapd(w, 5, 4, true);
	for (uint32_t i = 0; i < 2; i++)
		cmd_vmapti(w, 5, i, 1, 8192 + i, version == WORLD_V41 ? NO_DOORBELL : doorbell);
	for (uint32_t i = 8192; i < 8300; i++) world_vconfigure(w, 0, i, 0x80, true);
	world_configure(w, DOORBELL_INTID, 0x20, true);
	cr_assert(eq(u32, its_last_error(w->its), 0));
}
static void setup_v40(void) { map(WORLD_V40, DOORBELL_INTID); }
static void setup_v41(void) { map(WORLD_V41, DOORBELL_INTID); }
static void teardown(void)
{
	cr_expect(eq(ptr, (void *)its_world_check(w), NULL));
	its_world_free(w);
}
TestSuite(vpe_v40, .init = setup_v40, .fini = teardown);
TestSuite(vpe_v41, .init = setup_v41, .fini = teardown);

static uint64_t get(unsigned redist, unsigned offset)
{
	uint64_t value = 0;
	vpe_read(w->vpe[redist], offset, offset < VSGIR ? 8 : 4, &value);
	return value;
}
static void set(unsigned redist, unsigned offset, uint64_t value)
{
	vpe_write(w->vpe[redist], offset, offset < VSGIR ? 8 : 4, value);
}
static void schedule_v40(unsigned redist, uint32_t vpe)
{
	set(redist, VPENDBASER, VALID | world_vpt(vpe));
	vpe_settle(w->vpe[redist]);
}
static void schedule_v41(unsigned redist, uint32_t vpe)
{
	set(redist, VPENDBASER, VALID | GROUPS | vpe);
	vpe_settle(w->vpe[redist]);
}
/* As its_clear_vpend_valid() of Linux does: read, change, write, then poll Dirty. */
static uint64_t deschedule(unsigned redist, uint64_t flags)
{
	set(redist, VPENDBASER, (get(redist, VPENDBASER) & ~VALID) | flags);
	vpe_settle(w->vpe[redist]);
	return get(redist, VPENDBASER);
}
/* cr_assert() takes an int: bit 61 would be lost. */
static bool has(uint64_t value, uint64_t bit) { return value & bit; }
static uint32_t best(unsigned redist)
{
	struct vpe_offer o = vpe_best(w->vpe[redist]);
	return o.any ? o.intid : UINT32_MAX;
}
static void sgi(uint32_t vpe, unsigned intid) { its_write(w->its, 0x20020, 8, (uint64_t)vpe << 32 | intid); }

/* --- residency --------------------------------------------------------------------------------------------------------- */

Test(vpe_v40, virtual_lpi_of_a_resident_vpe_needs_no_doorbell)
{
	schedule_v40(2, 1);
	struct its_delivery d = its_translate(w->its, 5, 0);
	cr_assert(d.is_virtual && d.resident);
	cr_assert(not(d.doorbell));
	cr_assert(eq(uint, d.redist, 2));
	cr_assert(eq(u32, best(2), 8192));
	cr_assert(not(lpi_is_pending(w->lpi[2], DOORBELL_INTID)));
}

Test(vpe_v40, virtual_lpi_of_a_vpe_that_is_not_resident_waits_in_its_table_and_rings)
{
	struct its_delivery d = its_translate(w->its, 5, 0);
	cr_assert(not(d.resident));
	cr_assert(d.doorbell);
	cr_assert(world_memory_pending(w, world_vpt(1), 8192));
	cr_assert(lpi_is_pending(w->lpi[2], DOORBELL_INTID)); /* where the vPE is mapped */
	schedule_v40(2, 1);
	cr_assert(eq(u32, best(2), 8192));
}

Test(vpe_v40, doorbell_1023_is_none)
{
	cmd_vmapti(w, 5, 0, 1, 8192, NO_DOORBELL);
	cr_assert(not(its_translate(w->its, 5, 0).doorbell));
	cr_assert(world_memory_pending(w, world_vpt(1), 8192));
}

Test(vpe_v40, every_virtual_lpi_rings_its_own_doorbell_each_time)
{
	its_translate(w->its, 5, 0);
	lpi_acknowledge(w->lpi[2], DOORBELL_INTID);
	its_translate(w->its, 5, 1);
	cr_assert(lpi_is_pending(w->lpi[2], DOORBELL_INTID));
	cr_assert(eq(u64, vpe_stats(w->vpe[2])->doorbells, 2));
}

Test(vpe_v40, another_vpe_on_the_redistributor_gets_nothing)
{
	cmd_vmapp(w, 3, 2, true, NO_DOORBELL);
	schedule_v40(2, 3);
	its_translate(w->its, 5, 0);
	cr_assert(eq(u32, best(2), UINT32_MAX));
	cr_assert(world_memory_pending(w, world_vpt(1), 8192));
}

Test(vpe_v40, descheduling_writes_the_table_back_and_says_whether_something_waits)
{
	schedule_v40(2, 1);
	its_translate(w->its, 5, 0);
	cr_assert(has(deschedule(2, 0), PENDING_LAST));
	cr_assert(world_memory_pending(w, world_vpt(1), 8192));
	schedule_v40(2, 1);
	vpe_acknowledge(w->vpe[2], 8192);
	cr_assert(not(has(deschedule(2, 0), PENDING_LAST)));
	cr_assert(not(world_memory_pending(w, world_vpt(1), 8192)));
}

Test(vpe_v40, pending_last_counts_enabled_interrupts_only)
{
	world_vconfigure(w, 0, 8192, 0x80, false);
	schedule_v40(2, 1);
	its_translate(w->its, 5, 0);
	cr_assert(not(has(deschedule(2, 0), PENDING_LAST)));
	cr_assert(world_memory_pending(w, world_vpt(1), 8192));
}

Test(vpe_v40, dirty_lasts_until_the_work_is_done_and_nothing_is_offered_meanwhile)
{
	its_translate(w->its, 5, 0);
	set(2, VPENDBASER, VALID | world_vpt(1));
	cr_assert(has(get(2, VPENDBASER), DIRTY));
	cr_assert(eq(u32, best(2), UINT32_MAX));
	its_translate(w->its, 5, 1); /* what arrives now is not lost */
	struct vpe_work work = vpe_settle(w->vpe[2]);
	cr_assert(eq(u64, work.words_read, 1));
	cr_assert(not(has(get(2, VPENDBASER), DIRTY)));
	cr_assert(eq(u32, best(2), 8192));
	vpe_acknowledge(w->vpe[2], 8192);
	cr_assert(eq(u32, best(2), 8193));
	set(2, VPENDBASER, world_vpt(1));
	cr_assert(has(get(2, VPENDBASER), DIRTY));
	work = vpe_settle(w->vpe[2]);
	cr_assert(eq(u64, work.bits_written, 2)); /* 8192 gone, 8193 new */
}

Test(vpe_v40, vpropbaser_is_locked_while_resident)
{
	uint64_t before = get(2, VPROPBASER);
	schedule_v40(2, 1);
	set(2, VPROPBASER, 0x77777000);
	cr_assert(eq(u64, get(2, VPROPBASER), before));
	deschedule(2, 0);
	set(2, VPROPBASER, 0x77777000);
	cr_assert(eq(u64, get(2, VPROPBASER), 0x77777000));
}

Test(vpe_v40, has_no_virtual_sgis)
{
	uint64_t value;
	cr_assert(not(vpe_read(w->vpe[2], VSGIPENDR, 4, &value)));
	cr_assert(not(its_write(w->its, 0x20020, 8, UINT64_C(1) << 32)));
	cr_assert(eq(u32, cmd_vsgi(w, 1, 3, 0x80, true, true), 0x0123ff));
	cr_assert(eq(u32, cmd_vpe(w, ITS_INVDB, 1), 0x012eff));
}

Test(vpe_v41, resident_is_who_vpendbaser_names_by_vpeid)
{
	schedule_v41(2, 1);
	cr_assert(its_translate(w->its, 5, 0).resident);
	cr_assert(eq(u32, best(2), 8192));
	cr_assert(vpe_best(w->vpe[2]).group1);
	cr_assert(eq(u8, vpe_best(w->vpe[2]).priority, 0x80));
}

Test(vpe_v41, vpeid_that_is_not_mapped_has_no_interrupts)
{
	schedule_v41(2, 7);
	cr_assert(eq(u32, best(2), UINT32_MAX));
	deschedule(2, DOORBELL);
}

Test(vpe_v41, resident_on_another_redistributor_than_it_is_mapped_to_gets_nothing_directly)
{
	schedule_v41(3, 1);
	cr_assert(not(its_translate(w->its, 5, 0).resident));
	cr_assert(world_memory_pending(w, world_vpt(1), 8192));
}

/* --- the default doorbell ---------------------------------------------------------------------------------------------- */

Test(vpe_v41, default_doorbell_rings_once_after_it_was_asked_for)
{
	schedule_v41(2, 1);
	cr_assert(not(has(deschedule(2, DOORBELL), PENDING_LAST)));
	cr_assert(its_translate(w->its, 5, 0).doorbell);
	cr_assert(lpi_is_pending(w->lpi[2], DOORBELL_INTID));
	lpi_acknowledge(w->lpi[2], DOORBELL_INTID);
	cr_assert(not(its_translate(w->its, 5, 1).doorbell));
	cr_assert(not(lpi_is_pending(w->lpi[2], DOORBELL_INTID)));
	cr_assert(world_memory_pending(w, world_vpt(1), 8193));
}

Test(vpe_v41, default_doorbell_does_not_ring_unasked)
{
	cr_assert(not(its_translate(w->its, 5, 0).doorbell)); /* never scheduled */
	schedule_v41(2, 1);
	deschedule(2, 0);
	cr_assert(not(its_translate(w->its, 5, 1).doorbell));
}

Test(vpe_v41, default_doorbell_does_not_ring_when_something_was_pending)
{
	schedule_v41(2, 1);
	its_translate(w->its, 5, 0);
	cr_assert(has(deschedule(2, DOORBELL), PENDING_LAST));
	cr_assert(not(its_translate(w->its, 5, 1).doorbell));
}

Test(vpe_v41, default_doorbell_does_not_ring_for_what_is_disabled)
{
	world_vconfigure(w, 0, 8192, 0x80, false);
	schedule_v41(2, 1);
	deschedule(2, DOORBELL);
	cr_assert(not(its_translate(w->its, 5, 0).doorbell));
	cr_assert(its_translate(w->its, 5, 1).doorbell);
}

Test(vpe_v41, default_doorbell_looks_at_the_groups_of_the_last_residency)
{
	set(2, VPENDBASER, VALID | UINT64_C(1) << 59 | 1); /* group 0 only; virtual LPIs are of group 1 */
	vpe_settle(w->vpe[2]);
	its_translate(w->its, 5, 1);
	cr_assert(not(has(deschedule(2, DOORBELL), PENDING_LAST)));
	cr_assert(not(its_translate(w->its, 5, 0).doorbell));
	cmd_vsgi(w, 1, 3, 0x40, false, true);
	sgi(1, 3);
	cr_assert(lpi_is_pending(w->lpi[2], DOORBELL_INTID));
}

Test(vpe_v41, scheduling_in_takes_the_doorbell_back)
{
	schedule_v41(2, 1);
	deschedule(2, DOORBELL);
	schedule_v41(2, 1);
	deschedule(2, 0);
	cr_assert(not(its_translate(w->its, 5, 0).doorbell));
}

Test(vpe_v41, invdb_reads_the_configuration_of_the_doorbell_again)
{
	schedule_v41(2, 1);
	deschedule(2, DOORBELL);
	its_translate(w->its, 5, 0);
	cr_assert(eq(u32, lpi_best(w->lpi[2]).intid, DOORBELL_INTID));
	world_configure(w, DOORBELL_INTID, 0x20, false);
	cr_assert(eq(u32, cmd_vpe(w, ITS_INVDB, 1), 0));
	cr_assert(not(lpi_best(w->lpi[2]).any));
}

/* --- virtual SGIs -------------------------------------------------------------------------------------------------------- */

Test(vpe_v41, virtual_sgi_is_delivered_to_a_resident_vpe_with_its_priority_and_group)
{
	cr_assert(eq(u32, cmd_vsgi(w, 1, 3, 0x40, false, true), 0));
	schedule_v41(2, 1);
	sgi(1, 3);
	struct vpe_offer o = vpe_best(w->vpe[2]);
	cr_assert(o.any);
	cr_assert(eq(u32, o.intid, 3));
	cr_assert(eq(u8, o.priority, 0x40));
	cr_assert(not(o.group1));
	cr_assert(eq(u64, its_stats(w->its)->virtual_sgis, 1));
}

Test(vpe_v41, virtual_sgi_begins_disabled_and_vsgi_enables_it)
{
	schedule_v41(2, 1);
	sgi(1, 0);
	cr_assert(eq(u32, best(2), UINT32_MAX));
	cmd_vsgi(w, 1, 0, 0xf0, true, true);
	cr_assert(eq(u32, best(2), 0));
	cmd_vsgi(w, 1, 0, 0xf0, true, false);
	cr_assert(eq(u32, best(2), UINT32_MAX));
}

Test(vpe_v41, vsgi_keeps_all_sixteen_apart)
{
	for (unsigned i = 0; i < 16; i++) cmd_vsgi(w, 1, i, (15 - i) << 4, i & 1, true);
	schedule_v41(2, 1);
	for (unsigned i = 0; i < 16; i++) sgi(1, i);
	for (unsigned i = 16; i-- > 0;) { /* the last one has the highest priority */
		struct vpe_offer o = vpe_best(w->vpe[2]);
		cr_assert(eq(u32, o.intid, i));
		cr_assert(eq(u8, o.priority, (15 - i) << 4));
		cr_assert(eq(int, o.group1, i & 1));
		vpe_acknowledge(w->vpe[2], i);
	}
}

Test(vpe_v41, vsgi_with_clear_clears_the_pending_state_only)
{
	cmd_vsgi(w, 1, 3, 0x40, true, true);
	schedule_v41(2, 1);
	sgi(1, 3);
	cmd(w, 0x23 | UINT64_C(3) << 32 | 1 << 9, UINT64_C(1) << 32, 0, 0);
	cr_assert(eq(u32, best(2), UINT32_MAX));
	sgi(1, 3);
	cr_assert(eq(u32, best(2), 3));
}

Test(vpe_v41, virtual_sgi_of_a_vpe_that_is_not_resident_waits_and_rings)
{
	cmd_vsgi(w, 1, 3, 0x40, true, true);
	schedule_v41(2, 1);
	deschedule(2, DOORBELL);
	sgi(1, 3);
	cr_assert(lpi_is_pending(w->lpi[2], DOORBELL_INTID));
	schedule_v41(2, 1);
	cr_assert(eq(u32, best(2), 3));
}

Test(vpe_v41, vsgir_asks_and_vsgipendr_answers_for_resident_and_other_vpes)
{
	cmd_vsgi(w, 1, 3, 0x40, true, true);
	sgi(1, 3);
	sgi(1, 15);
	set(2, VSGIR, 1);
	cr_assert(has(get(2, VSGIPENDR), UINT64_C(1) << 31)); /* Busy */
	vpe_settle(w->vpe[2]);
	cr_assert(eq(u64, get(2, VSGIPENDR), 1 << 3 | 1 << 15));
	schedule_v41(2, 1);
	vpe_acknowledge(w->vpe[2], 3);
	set(2, VSGIR, 1);
	vpe_settle(w->vpe[2]);
	cr_assert(eq(u64, get(2, VSGIPENDR), 1 << 15));
	set(2, VSGIR, 9); /* not mapped */
	vpe_settle(w->vpe[2]);
	cr_assert(eq(u64, get(2, VSGIPENDR), 0));
}

Test(vpe_v41, sgir_for_a_vpe_that_is_not_mapped_or_with_the_its_disabled_is_ignored)
{
	sgi(9, 3);
	world_its_set(w, 0, 0);
	sgi(1, 3);
	cr_assert(eq(u64, its_stats(w->its)->virtual_sgis, 0));
}

Test(vpe_v41, bits_of_the_first_kib_that_are_no_virtual_sgi_mean_nothing)
{
	for (unsigned i = 0; i < 128; i++)
		physmem_write64(w->mem, (struct pa){world_vpt(1) + 8 * i}, ~UINT64_C(0xffff));
	schedule_v41(2, 1);
	cr_assert(eq(u32, best(2), UINT32_MAX));
	cr_assert(not(has(deschedule(2, 0), PENDING_LAST)));
}

/* --- V commands ------------------------------------------------------------------------------------------------------------ */

Test(vpe_v41, vmapi_uses_the_event_as_virtual_intid)
{
	cr_assert(eq(u32, cmd(w, 0x2b | UINT64_C(5) << 32, 3 | UINT64_C(1) << 32, UINT64_C(1023) << 32, 0),
		     0x012b13));
	struct its_params p = its_world_params(WORLD_V41);
	p.event_bits = 16;
	struct its_world *big = its_world_new_with(WORLD_V41, &p, true);
	cmd_vmapp(big, 1, 2, true, NO_DOORBELL);
	cmd_mapd(big, 5, 16, true);
	cr_assert(eq(u32,
		     cmd(big, 0x2b | UINT64_C(5) << 32, 9001 | UINT64_C(1) << 32, UINT64_C(1023) << 32, 0),
		     0));
	cr_assert(eq(u32, its_translate(big->its, 5, 9001).intid, 9001));
	its_world_free(big);
}

Test(vpe_v41, vmovp_sends_new_interrupts_to_the_other_redistributor)
{
	its_translate(w->its, 5, 0);
	cr_assert(eq(u32, cmd_vmovp(w, 1, 3), 0));
	schedule_v41(3, 1);
	cr_assert(eq(u32, best(3), 8192)); /* what waited is in its table */
	struct its_delivery d = its_translate(w->its, 5, 1);
	cr_assert(d.resident);
	cr_assert(eq(uint, d.redist, 3));
}

Test(vpe_v41, vmovp_moves_a_pending_doorbell_when_it_says_so)
{
	schedule_v41(2, 1);
	deschedule(2, DOORBELL);
	its_translate(w->its, 5, 0);
	cmd(w, 0x22, UINT64_C(1) << 32, UINT64_C(3) << 16 | VALID, DOORBELL_INTID);
	cr_assert(not(lpi_is_pending(w->lpi[2], DOORBELL_INTID)));
	cr_assert(lpi_is_pending(w->lpi[3], DOORBELL_INTID));
}

Test(vpe_v41, vmovi_moves_an_event_and_its_pending_state_to_another_vpe)
{
	cmd_vmapp(w, 3, 1, true, DOORBELL_INTID);
	its_translate(w->its, 5, 0);
	cr_assert(eq(u32, cmd_vmovi(w, 5, 0, 3), 0));
	cr_assert(not(world_memory_pending(w, world_vpt(1), 8192)));
	cr_assert(world_memory_pending(w, world_vpt(3), 8192));
	cr_assert(eq(uint, its_translate(w->its, 5, 0).redist, 1));
}

Test(vpe_v40, vmovi_changes_the_doorbell_only_with_d)
{
	cmd_vmapp(w, 3, 1, true, NO_DOORBELL);
	cmd(w, 0x21 | UINT64_C(5) << 32, UINT64_C(3) << 32, UINT64_C(9100) << 32, 0);
	its_translate(w->its, 5, 0);
	cr_assert(lpi_is_pending(w->lpi[1], DOORBELL_INTID));
	cmd(w, 0x21 | UINT64_C(5) << 32, UINT64_C(3) << 32, UINT64_C(9100) << 32 | 1, 0);
	its_translate(w->its, 5, 0);
	cr_assert(lpi_is_pending(w->lpi[1], 9100));
}

Test(vpe_v41, int_clear_discard_and_inv_concern_virtual_lpis_too)
{
	schedule_v41(2, 1);
	cr_assert(eq(u32, cmd_event(w, ITS_INT, 5, 0), 0));
	cr_assert(eq(u32, best(2), 8192));
	world_vconfigure(w, 0, 8192, 0x80, false);
	cr_assert(eq(u32, best(2), 8192)); /* cached */
	cr_assert(eq(u32, cmd_event(w, ITS_INV, 5, 0), 0));
	cr_assert(eq(u32, best(2), UINT32_MAX));
	cr_assert(eq(u32, cmd_event(w, ITS_CLEAR, 5, 0), 0));
	world_vconfigure(w, 0, 8192, 0x80, true);
	cmd_event(w, ITS_INV, 5, 0);
	cr_assert(eq(u32, best(2), UINT32_MAX));
	cmd_event(w, ITS_INT, 5, 0);
	cr_assert(eq(u32, cmd_event(w, ITS_DISCARD, 5, 0), 0));
	cr_assert(eq(u32, best(2), UINT32_MAX));
	deschedule(2, 0);
	cmd_event(w, ITS_INT, 5, 1); /* and in memory */
	cr_assert(world_memory_pending(w, world_vpt(1), 8193));
	cmd_event(w, ITS_CLEAR, 5, 1);
	cr_assert(not(world_memory_pending(w, world_vpt(1), 8193)));
}

Test(vpe_v41, vinvall_reads_the_configuration_of_all_virtual_lpis_again)
{
	schedule_v41(2, 1);
	its_translate(w->its, 5, 0);
	its_translate(w->its, 5, 1);
	world_vconfigure(w, 0, 8192, 0x80, false);
	world_vconfigure(w, 0, 8193, 0x80, false);
	cr_assert(eq(u32, best(2), 8192));
	cr_assert(eq(u32, cmd_vpe(w, ITS_VINVALL, 1), 0));
	cr_assert(eq(u32, best(2), UINT32_MAX));
}

Test(vpe_v41, invlpir_and_invallr_with_v_do_so_for_the_resident_vpe)
{
	schedule_v41(2, 1);
	its_translate(w->its, 5, 0);
	world_vconfigure(w, 0, 8192, 0x80, false);
	vpe_write_invalidate(w->vpe[2], VALID | UINT64_C(4) << 32 | 8192, false); /* another vPE */
	cr_assert(eq(u32, best(2), 8192));
	vpe_write_invalidate(w->vpe[2], VALID | UINT64_C(1) << 32 | 8192, false);
	cr_assert(eq(u32, best(2), UINT32_MAX));
	world_vconfigure(w, 0, 8192, 0x80, true);
	vpe_write_invalidate(w->vpe[2], VALID | UINT64_C(1) << 32, true);
	cr_assert(eq(u32, best(2), 8192));
}

Test(vpe_v41, vmapp_unmapping_is_for_the_last_its_only)
{
	cmd(w, 0x29, UINT64_C(1) << 32, 0, 0); /* V = 0, Alloc = 0: another ITS still has it */
	cr_assert(eq(int, its_translate(w->its, 5, 0).drop, ITS_DROP_NONE));
	cmd_vmapp(w, 1, 0, false, NO_DOORBELL);
	cr_assert(eq(int, its_translate(w->its, 5, 0).drop, ITS_DROP_VPE_UNMAPPED));
}

Test(vpe_v41, vmapp_by_a_second_its_keeps_the_virtual_sgis)
{
	cmd_vsgi(w, 1, 3, 0x40, true, true);
	cmd(w, 0x29 | UINT64_C(0x30000000), UINT64_C(1) << 32 | DOORBELL_INTID, UINT64_C(2) << 16 | VALID,
	    world_vpt(1) | 15);
	schedule_v41(2, 1);
	sgi(1, 3);
	cr_assert(eq(u32, best(2), 3));
	deschedule(2, 0);
	cmd_vmapp(w, 1, 2, true, DOORBELL_INTID); /* Alloc = 1: from the beginning */
	schedule_v41(2, 1);
	cr_assert(eq(u32, best(2), UINT32_MAX));
}

/* A second ITS over the same redistributors, with a queue and a device table of its own; its vPE table is at `vpes`. */
static struct its *second_its(int version, uint64_t vpes)
{
	struct its_params p = its_world_params(version);
	struct its_redist redist[WORLD_REDISTS];
	for (unsigned i = 0; i < WORLD_REDISTS; i++)
		redist[i] = (struct its_redist){.lpi = w->lpi[i], .vpe = w->vpe[i]};
	struct its *other = its_new(&p, w->mem, redist, WORLD_REDISTS);
	its_write(other, 0x80, 8, VALID | 0x18000);
	its_write(other, 0x100, 8, VALID | 0x180000);
	its_write(other, 0x110, 8, VALID | vpes | 1);
	its_write(other, 0, 4, 1);
	return other;
}

static void second_cmd(struct its *other, uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3)
{
	uint64_t word[4] = {w0, w1, w2, w3}, at = 0;
	its_read(other, 0x90, 8, &at);
	for (unsigned i = 0; i < 4; i++) physmem_write64(w->mem, (struct pa){0x18000 + at + 8 * i}, word[i]);
	its_write(other, 0x88, 8, at + 32);
	cr_assert(eq(u32, its_step(other).error, 0));
}

/* Event 0 of device 9 of that ITS is virtual LPI 8200 of vPE 1. */
static void second_map(struct its *other)
{
	second_cmd(other, 0x8 | UINT64_C(9) << 32, 3, VALID | world_itt(9), 0);
	second_cmd(other, 0x2a | UINT64_C(9) << 32, UINT64_C(1) << 32, 8200 | UINT64_C(1023) << 32, 0);
}

Test(vpe_v40, each_its_has_its_own_vpe_table_and_needs_its_own_vmovp)
{
	struct its *other = second_its(WORLD_V40, 0x340000);
	second_cmd(other, 0x29, UINT64_C(1) << 32, UINT64_C(2) << 16 | VALID, world_vpt(1) | 15);
	second_map(other);
	cmd_vmovp(w, 1, 3);
	cr_assert(eq(uint, its_translate(w->its, 5, 0).redist, 3));
	cr_assert(eq(uint, its_translate(other, 9, 0).redist, 2));
	second_cmd(other, 0x22, UINT64_C(1) << 32, UINT64_C(3) << 16, 0);
	schedule_v40(3, 1);
	struct its_delivery d = its_translate(other, 9, 0);
	cr_assert(d.resident);
	cr_assert(eq(uint, d.redist, 3));
	its_free(other);
}

Test(vpe_v41, all_its_share_the_vpe_table_and_one_vmovp_is_enough)
{
	struct its *other = second_its(WORLD_V41, 0x300000);
	second_map(other);
	cmd_vmovp(w, 1, 3);
	schedule_v41(3, 1);
	struct its_delivery d = its_translate(other, 9, 0);
	cr_assert(d.resident);
	cr_assert(eq(uint, d.redist, 3));
	its_free(other);
}

/* --- errors ------------------------------------------------------------------------------------------------------------------ */

Test(vpe_v41, vpeid_out_of_range_is_an_error_of_every_v_command)
{
	cr_expect(eq(u32, cmd_vmapp(w, 256, 0, true, NO_DOORBELL), 0x012911));
	cr_expect(eq(u32, cmd_vmapti(w, 5, 2, 256, 8200, NO_DOORBELL), 0x012a11));
	cr_expect(eq(u32, cmd_vmovi(w, 5, 0, 256), 0x012111));
	cr_expect(eq(u32, cmd_vmovp(w, 256, 0), 0x012211));
	cr_expect(eq(u32, cmd_vpe(w, ITS_VSYNC, 256), 0x012511));
	cr_expect(eq(u32, cmd_vpe(w, ITS_VINVALL, 256), 0x012d11));
	cr_expect(eq(u32, cmd_vpe(w, ITS_INVDB, 256), 0x012e11));
	cr_expect(eq(u32, cmd_vsgi(w, 256, 0, 0, true, true), 0x012311));
}

Test(vpe_v41, unmapped_vpe_is_an_error)
{
	cr_expect(eq(u32, cmd_vmapti(w, 5, 2, 9, 8200, NO_DOORBELL), 0x012a14));
	cr_expect(eq(u32, cmd_vmovp(w, 9, 0), 0x012214));
	cr_expect(eq(u32, cmd_vpe(w, ITS_VSYNC, 9), 0x012514));
	cr_expect(eq(u32, cmd_vpe(w, ITS_VINVALL, 9), 0x012d14));
	cr_expect(eq(u32, cmd_vsgi(w, 9, 0, 0, true, true), 0x012314));
	cr_expect(eq(u32, cmd_vmovi(w, 5, 0, 9), 0x012117));
	cmd_vmapp(w, 3, 0, true, NO_DOORBELL);
	cmd_vmapp(w, 1, 0, false, NO_DOORBELL);
	cr_expect(eq(u32, cmd_vmovi(w, 5, 0, 3), 0x012116));
	cr_expect(eq(u32, cmd_event(w, ITS_INT, 5, 0), 0x010310));
}

Test(vpe_v41, vmapti_checks_device_event_and_both_intids)
{
	cr_expect(eq(u32, cmd_vmapti(w, 1 << 16, 0, 1, 8200, NO_DOORBELL), 0x012a01));
	cr_expect(eq(u32, cmd_vmapti(w, 6, 0, 1, 8200, NO_DOORBELL), 0x012a04));
	cr_expect(eq(u32, cmd_vmapti(w, 5, 16, 1, 8200, NO_DOORBELL), 0x012a05));
	cr_expect(eq(u32, cmd_vmapti(w, 5, 2, 1, 8191, NO_DOORBELL), 0x012a13));
	cr_expect(eq(u32, cmd_vmapti(w, 5, 2, 1, 1 << 16, NO_DOORBELL), 0x012a13));
	cr_expect(eq(u32, cmd_vmapti(w, 5, 2, 1, 8200, 1024), 0x012a06));
}

Test(vpe_v41, vmapp_checks_redistributor_table_size_and_doorbell)
{
	uint64_t head = 0x329 | UINT64_C(0x30000000), vpe = UINT64_C(4) << 32 | NO_DOORBELL;
	cr_expect(eq(u32, cmd_vmapp(w, 4, WORLD_REDISTS, true, NO_DOORBELL), 0x012902));
	cr_expect(eq(u32, cmd(w, head, vpe, VALID, world_vpt(4) | 16), 0x012912));
	cr_expect(eq(u32, cmd(w, head, vpe, VALID, world_vpt(4) | 12), 0x012912));
	cr_expect(eq(u32, cmd(w, head, vpe, VALID, world_vpt(4) | 13), 0));
	cr_expect(eq(u32, cmd_vmapp(w, 4, 0, true, 5000), 0x012906));
}

Test(vpe_v41, vmovi_of_a_physical_event_and_movi_of_a_virtual_one_are_errors)
{
	cmd_mapc(w, 0, 0, true);
	cmd_mapti(w, 5, 2, 8200, 0);
	cr_expect(eq(u32, cmd_vmovi(w, 5, 2, 1), 0x012115));
	cr_expect(eq(u32, cmd_movi(w, 5, 0, 0), 0x010107));
}

Test(vpe_v41, virtual_lpi_beyond_the_vpes_table_is_dropped)
{
	/* The table shrinks after the event was mapped. */
	cmd_vmapti(w, 5, 2, 1, 40000, NO_DOORBELL);
	cmd(w, 0x329 | UINT64_C(0x30000000), UINT64_C(1) << 32 | NO_DOORBELL, UINT64_C(2) << 16 | VALID,
	    world_vpt(1) | 13);
	cr_assert(eq(int, its_translate(w->its, 5, 2).drop, ITS_DROP_REDISTRIBUTOR));
	cr_assert(eq(u64, vpe_stats(w->vpe[2])->dropped, 1));
}

Test(vpe_v41, registers_say_gicv41)
{
	uint64_t typer = world_its_get(w, 8);
	cr_expect(eq(u64, typer & 3, 3));
	cr_expect(eq(u64, typer >> 37 & 1, 1));
	cr_expect(eq(u64, typer >> 39 & 3, 3));
	cr_expect(eq(u64, world_its_get(w, 0x110) >> 56 & 7, 2));
	cr_expect(eq(u64, world_its_get(w, 0x110) >> 48 & 31, 31)); /* 32 bytes */
	cr_expect(eq(u64, get(0, VPROPBASER) >> 59 & 7, 3));        /* 4 doublewords: the same */
	cr_expect(eq(u64, world_its_get(w, 0xffe8), 0x40));
}

Test(vpe_v41, two_level_vpe_table_is_shared_by_its_and_redistributor)
{
	const uint64_t level1 = 0x700000, level2 = 0x710000;
	world_its_set(w, 0, 0);
	world_its_set(w, 0x110, VALID | UINT64_C(1) << 62 | level1);
	world_its_set(w, 0, 1);
	set(2, VPROPBASER, VALID | UINT64_C(1) << 55 | level1);
	cr_assert(eq(u32, cmd_vmapp(w, 130, 2, true, NO_DOORBELL), 0x012911));
	physmem_write64(w->mem, (struct pa){level1 + 8}, VALID | level2); /* vPEs 128..255 */
	cr_assert(eq(u32, cmd_vmapp(w, 130, 2, true, NO_DOORBELL), 0));
	cr_assert(eq(u32, cmd_vmapti(w, 5, 3, 130, 8205, NO_DOORBELL), 0));
	its_translate(w->its, 5, 3);
	schedule_v41(2, 130);
	cr_assert(eq(u32, best(2), 8205));
}
