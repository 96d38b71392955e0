/* GICv4 and GICv4.1: vPE tables, residency, doorbells, virtual SGIs. IHI 0069, 5.3, 6, 12.12. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "its_suites.h"

/* cr_assert() takes an int: bit 61 would be lost. */
static bool has(uint64_t value, uint64_t bit) { return value & bit; }

/* --- residency --------------------------------------------------------------------------------------------------------- */

Test(vpe_v40, virtual_lpi_of_a_resident_vpe_needs_no_doorbell)
{
	vpe_suite_schedule_v40(2, 1);
	struct its_delivery d = its_translate(world->its, 5, 0);
	cr_assert(d.is_virtual && d.resident);
	cr_assert(not(d.doorbell));
	cr_assert(eq(uint, d.redist, 2));
	cr_assert(eq(u32, vpe_suite_best(2), 8192));
	cr_assert(not(lpi_is_pending(world->lpi[2], DOORBELL_INTID)));
}

Test(vpe_v40, virtual_lpi_of_a_vpe_that_is_not_resident_waits_in_its_table_and_rings)
{
	struct its_delivery d = its_translate(world->its, 5, 0);
	cr_assert(not(d.resident));
	cr_assert(d.doorbell);
	cr_assert(world_memory_pending(world, world_vpt(1), 8192));
	cr_assert(lpi_is_pending(world->lpi[2], DOORBELL_INTID)); /* where the vPE is mapped */
	vpe_suite_schedule_v40(2, 1);
	cr_assert(eq(u32, vpe_suite_best(2), 8192));
}

Test(vpe_v40, doorbell_1023_is_none)
{
	cmd_vmapti(world, 5, 0, 1, 8192, NO_DOORBELL);
	cr_assert(not(its_translate(world->its, 5, 0).doorbell));
	cr_assert(world_memory_pending(world, world_vpt(1), 8192));
}

Test(vpe_v40, every_virtual_lpi_rings_its_own_doorbell_each_time)
{
	its_translate(world->its, 5, 0);
	lpi_acknowledge(world->lpi[2], DOORBELL_INTID);
	its_translate(world->its, 5, 1);
	cr_assert(lpi_is_pending(world->lpi[2], DOORBELL_INTID));
	cr_assert(eq(u64, vpe_stats(world->vpe[2])->doorbells, 2));
}

Test(vpe_v40, another_vpe_on_the_redistributor_gets_nothing)
{
	cmd_vmapp(world, 3, 2, true, NO_DOORBELL);
	vpe_suite_schedule_v40(2, 3);
	its_translate(world->its, 5, 0);
	cr_assert(eq(u32, vpe_suite_best(2), UINT32_MAX));
	cr_assert(world_memory_pending(world, world_vpt(1), 8192));
}

Test(vpe_v40, descheduling_writes_the_table_back_and_says_whether_something_waits)
{
	vpe_suite_schedule_v40(2, 1);
	its_translate(world->its, 5, 0);
	cr_assert(has(vpe_suite_deschedule(2, 0), PENDING_LAST));
	cr_assert(world_memory_pending(world, world_vpt(1), 8192));
	vpe_suite_schedule_v40(2, 1);
	vpe_acknowledge(world->vpe[2], 8192);
	cr_assert(not(has(vpe_suite_deschedule(2, 0), PENDING_LAST)));
	cr_assert(not(world_memory_pending(world, world_vpt(1), 8192)));
}

Test(vpe_v40, pending_last_counts_enabled_interrupts_only)
{
	world_vconfigure(world, 0, 8192, 0x80, false);
	vpe_suite_schedule_v40(2, 1);
	its_translate(world->its, 5, 0);
	cr_assert(not(has(vpe_suite_deschedule(2, 0), PENDING_LAST)));
	cr_assert(world_memory_pending(world, world_vpt(1), 8192));
}

Test(vpe_v40, dirty_lasts_until_the_work_is_done_and_nothing_is_offered_meanwhile)
{
	its_translate(world->its, 5, 0);
	vpe_suite_set(2, VPENDBASER, VALID | world_vpt(1));
	cr_assert(has(vpe_suite_get(2, VPENDBASER), DIRTY));
	cr_assert(eq(u32, vpe_suite_best(2), UINT32_MAX));
	its_translate(world->its, 5, 1); /* what arrives now is not lost */
	struct vpe_work work = vpe_settle(world->vpe[2]);
	cr_assert(eq(u64, work.words_read, 1));
	cr_assert(not(has(vpe_suite_get(2, VPENDBASER), DIRTY)));
	cr_assert(eq(u32, vpe_suite_best(2), 8192));
	vpe_acknowledge(world->vpe[2], 8192);
	cr_assert(eq(u32, vpe_suite_best(2), 8193));
	vpe_suite_set(2, VPENDBASER, world_vpt(1));
	cr_assert(has(vpe_suite_get(2, VPENDBASER), DIRTY));
	work = vpe_settle(world->vpe[2]);
	cr_assert(eq(u64, work.bits_written, 2)); /* 8192 gone, 8193 new */
}

Test(vpe_v40, vpropbaser_is_locked_while_resident)
{
	uint64_t before = vpe_suite_get(2, VPROPBASER);
	vpe_suite_schedule_v40(2, 1);
	vpe_suite_set(2, VPROPBASER, 0x77777000);
	cr_assert(eq(u64, vpe_suite_get(2, VPROPBASER), before));
	vpe_suite_deschedule(2, 0);
	vpe_suite_set(2, VPROPBASER, 0x77777000);
	cr_assert(eq(u64, vpe_suite_get(2, VPROPBASER), 0x77777000));
}

Test(vpe_v40, has_no_virtual_sgis)
{
	uint64_t value;
	cr_assert(not(vpe_read(world->vpe[2], VSGIPENDR, 4, &value)));
	cr_assert(not(its_write(world->its, 0x20020, 8, UINT64_C(1) << 32)));
	cr_assert(eq(u32, cmd_vsgi(world, 1, 3, 0x80, true, true), 0x0123ff));
	cr_assert(eq(u32, cmd_vpe(world, ITS_INVDB, 1), 0x012eff));
}

Test(vpe_v41, resident_is_who_vpendbaser_names_by_vpeid)
{
	vpe_suite_schedule_v41(2, 1);
	cr_assert(its_translate(world->its, 5, 0).resident);
	cr_assert(eq(u32, vpe_suite_best(2), 8192));
	cr_assert(vpe_best(world->vpe[2]).group1);
	cr_assert(eq(u8, vpe_best(world->vpe[2]).priority, 0x80));
}

Test(vpe_v41, vpeid_that_is_not_mapped_has_no_interrupts)
{
	vpe_suite_schedule_v41(2, 7);
	cr_assert(eq(u32, vpe_suite_best(2), UINT32_MAX));
	vpe_suite_deschedule(2, DOORBELL);
}

Test(vpe_v41, resident_on_another_redistributor_than_it_is_mapped_to_gets_nothing_directly)
{
	vpe_suite_schedule_v41(3, 1);
	cr_assert(not(its_translate(world->its, 5, 0).resident));
	cr_assert(world_memory_pending(world, world_vpt(1), 8192));
}

/* --- the default doorbell ---------------------------------------------------------------------------------------------- */

Test(vpe_v41, default_doorbell_rings_once_after_it_was_asked_for)
{
	vpe_suite_schedule_v41(2, 1);
	cr_assert(not(has(vpe_suite_deschedule(2, DOORBELL), PENDING_LAST)));
	cr_assert(its_translate(world->its, 5, 0).doorbell);
	cr_assert(lpi_is_pending(world->lpi[2], DOORBELL_INTID));
	lpi_acknowledge(world->lpi[2], DOORBELL_INTID);
	cr_assert(not(its_translate(world->its, 5, 1).doorbell));
	cr_assert(not(lpi_is_pending(world->lpi[2], DOORBELL_INTID)));
	cr_assert(world_memory_pending(world, world_vpt(1), 8193));
}

Test(vpe_v41, default_doorbell_does_not_ring_unasked)
{
	cr_assert(not(its_translate(world->its, 5, 0).doorbell)); /* never scheduled */
	vpe_suite_schedule_v41(2, 1);
	vpe_suite_deschedule(2, 0);
	cr_assert(not(its_translate(world->its, 5, 1).doorbell));
}

Test(vpe_v41, default_doorbell_does_not_ring_when_something_was_pending)
{
	vpe_suite_schedule_v41(2, 1);
	its_translate(world->its, 5, 0);
	cr_assert(has(vpe_suite_deschedule(2, DOORBELL), PENDING_LAST));
	cr_assert(not(its_translate(world->its, 5, 1).doorbell));
}

Test(vpe_v41, default_doorbell_does_not_ring_for_what_is_disabled)
{
	world_vconfigure(world, 0, 8192, 0x80, false);
	vpe_suite_schedule_v41(2, 1);
	vpe_suite_deschedule(2, DOORBELL);
	cr_assert(not(its_translate(world->its, 5, 0).doorbell));
	cr_assert(its_translate(world->its, 5, 1).doorbell);
}

Test(vpe_v41, default_doorbell_looks_at_the_groups_of_the_last_residency)
{
	vpe_suite_set(2, VPENDBASER,
		      VALID | UINT64_C(1) << 59 | 1); /* group 0 only; virtual LPIs are of group 1 */
	vpe_settle(world->vpe[2]);
	its_translate(world->its, 5, 1);
	cr_assert(not(has(vpe_suite_deschedule(2, DOORBELL), PENDING_LAST)));
	cr_assert(not(its_translate(world->its, 5, 0).doorbell));
	cmd_vsgi(world, 1, 3, 0x40, false, true);
	vpe_suite_sgi(1, 3);
	cr_assert(lpi_is_pending(world->lpi[2], DOORBELL_INTID));
}

Test(vpe_v41, scheduling_in_takes_the_doorbell_back)
{
	vpe_suite_schedule_v41(2, 1);
	vpe_suite_deschedule(2, DOORBELL);
	vpe_suite_schedule_v41(2, 1);
	vpe_suite_deschedule(2, 0);
	cr_assert(not(its_translate(world->its, 5, 0).doorbell));
}

Test(vpe_v41, invdb_reads_the_configuration_of_the_doorbell_again)
{
	vpe_suite_schedule_v41(2, 1);
	vpe_suite_deschedule(2, DOORBELL);
	its_translate(world->its, 5, 0);
	cr_assert(eq(u32, lpi_best(world->lpi[2]).intid, DOORBELL_INTID));
	world_configure(world, DOORBELL_INTID, 0x20, false);
	cr_assert(eq(u32, cmd_vpe(world, ITS_INVDB, 1), 0));
	cr_assert(not(lpi_best(world->lpi[2]).any));
}

/* --- virtual SGIs -------------------------------------------------------------------------------------------------------- */

Test(vpe_v41, virtual_sgi_is_delivered_to_a_resident_vpe_with_its_priority_and_group)
{
	cr_assert(eq(u32, cmd_vsgi(world, 1, 3, 0x40, false, true), 0));
	vpe_suite_schedule_v41(2, 1);
	vpe_suite_sgi(1, 3);
	struct vpe_offer o = vpe_best(world->vpe[2]);
	cr_assert(o.any);
	cr_assert(eq(u32, o.intid, 3));
	cr_assert(eq(u8, o.priority, 0x40));
	cr_assert(not(o.group1));
	cr_assert(eq(u64, its_stats(world->its)->virtual_sgis, 1));
}

Test(vpe_v41, virtual_sgi_begins_disabled_and_vsgi_enables_it)
{
	vpe_suite_schedule_v41(2, 1);
	vpe_suite_sgi(1, 0);
	cr_assert(eq(u32, vpe_suite_best(2), UINT32_MAX));
	cmd_vsgi(world, 1, 0, 0xf0, true, true);
	cr_assert(eq(u32, vpe_suite_best(2), 0));
	cmd_vsgi(world, 1, 0, 0xf0, true, false);
	cr_assert(eq(u32, vpe_suite_best(2), UINT32_MAX));
}

Test(vpe_v41, vsgi_keeps_all_sixteen_apart)
{
	for (unsigned i = 0; i < 16; i++) cmd_vsgi(world, 1, i, (15 - i) << 4, i & 1, true);
	vpe_suite_schedule_v41(2, 1);
	for (unsigned i = 0; i < 16; i++) vpe_suite_sgi(1, i);
	for (unsigned i = 16; i-- > 0;) { /* the last one has the highest priority */
		struct vpe_offer o = vpe_best(world->vpe[2]);
		cr_assert(eq(u32, o.intid, i));
		cr_assert(eq(u8, o.priority, (15 - i) << 4));
		cr_assert(eq(int, o.group1, i & 1));
		vpe_acknowledge(world->vpe[2], i);
	}
}

Test(vpe_v41, vsgi_with_clear_clears_the_pending_state_only)
{
	cmd_vsgi(world, 1, 3, 0x40, true, true);
	vpe_suite_schedule_v41(2, 1);
	vpe_suite_sgi(1, 3);
	cmd(world, 0x23 | UINT64_C(3) << 32 | 1 << 9, UINT64_C(1) << 32, 0, 0);
	cr_assert(eq(u32, vpe_suite_best(2), UINT32_MAX));
	vpe_suite_sgi(1, 3);
	cr_assert(eq(u32, vpe_suite_best(2), 3));
}

Test(vpe_v41, virtual_sgi_of_a_vpe_that_is_not_resident_waits_and_rings)
{
	cmd_vsgi(world, 1, 3, 0x40, true, true);
	vpe_suite_schedule_v41(2, 1);
	vpe_suite_deschedule(2, DOORBELL);
	vpe_suite_sgi(1, 3);
	cr_assert(lpi_is_pending(world->lpi[2], DOORBELL_INTID));
	vpe_suite_schedule_v41(2, 1);
	cr_assert(eq(u32, vpe_suite_best(2), 3));
}

Test(vpe_v41, vsgir_asks_and_vsgipendr_answers_for_resident_and_other_vpes)
{
	cmd_vsgi(world, 1, 3, 0x40, true, true);
	vpe_suite_sgi(1, 3);
	vpe_suite_sgi(1, 15);
	vpe_suite_set(2, VSGIR, 1);
	cr_assert(has(vpe_suite_get(2, VSGIPENDR), UINT64_C(1) << 31)); /* Busy */
	vpe_settle(world->vpe[2]);
	cr_assert(eq(u64, vpe_suite_get(2, VSGIPENDR), 1 << 3 | 1 << 15));
	vpe_suite_schedule_v41(2, 1);
	vpe_acknowledge(world->vpe[2], 3);
	vpe_suite_set(2, VSGIR, 1);
	vpe_settle(world->vpe[2]);
	cr_assert(eq(u64, vpe_suite_get(2, VSGIPENDR), 1 << 15));
	vpe_suite_set(2, VSGIR, 9); /* not mapped */
	vpe_settle(world->vpe[2]);
	cr_assert(eq(u64, vpe_suite_get(2, VSGIPENDR), 0));
}

Test(vpe_v41, sgir_for_a_vpe_that_is_not_mapped_or_with_the_its_disabled_is_ignored)
{
	vpe_suite_sgi(9, 3);
	world_its_set(world, 0, 0);
	vpe_suite_sgi(1, 3);
	cr_assert(eq(u64, its_stats(world->its)->virtual_sgis, 0));
}

Test(vpe_v41, bits_of_the_first_kib_that_are_no_virtual_sgi_mean_nothing)
{
	for (unsigned i = 0; i < 128; i++)
		physmem_write64(world->mem, (struct pa){world_vpt(1) + 8 * i}, ~UINT64_C(0xffff));
	vpe_suite_schedule_v41(2, 1);
	cr_assert(eq(u32, vpe_suite_best(2), UINT32_MAX));
	cr_assert(not(has(vpe_suite_deschedule(2, 0), PENDING_LAST)));
}
