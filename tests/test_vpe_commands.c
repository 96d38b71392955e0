/* GICv4 and GICv4.1: commands about vPEs, their errors, several ITSs over one set of redistributors. IHI 0069, 5.3. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "its_suites.h"

/* --- V commands ------------------------------------------------------------------------------------------------------------ */

Test(vpe_v41, vmapi_uses_the_event_as_virtual_intid)
{
	cr_assert(eq(u32,
		     cmd(world, 0x2b | UINT64_C(5) << 32, 3 | UINT64_C(1) << 32, UINT64_C(1023) << 32, 0),
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
	its_translate(world->its, 5, 0);
	cr_assert(eq(u32, cmd_vmovp(world, 1, 3), 0));
	vpe_suite_schedule_v41(3, 1);
	cr_assert(eq(u32, vpe_suite_best(3), 8192)); /* what waited is in its table */
	struct its_delivery d = its_translate(world->its, 5, 1);
	cr_assert(d.resident);
	cr_assert(eq(uint, d.redist, 3));
}

Test(vpe_v41, vmovp_moves_a_pending_doorbell_when_it_says_so)
{
	vpe_suite_schedule_v41(2, 1);
	vpe_suite_deschedule(2, DOORBELL);
	its_translate(world->its, 5, 0);
	cmd(world, 0x22, UINT64_C(1) << 32, UINT64_C(3) << 16 | VALID, DOORBELL_INTID);
	cr_assert(not(lpi_is_pending(world->lpi[2], DOORBELL_INTID)));
	cr_assert(lpi_is_pending(world->lpi[3], DOORBELL_INTID));
}

Test(vpe_v41, vmovi_moves_an_event_and_its_pending_state_to_another_vpe)
{
	cmd_vmapp(world, 3, 1, true, DOORBELL_INTID);
	its_translate(world->its, 5, 0);
	cr_assert(eq(u32, cmd_vmovi(world, 5, 0, 3), 0));
	cr_assert(not(world_memory_pending(world, world_vpt(1), 8192)));
	cr_assert(world_memory_pending(world, world_vpt(3), 8192));
	cr_assert(eq(uint, its_translate(world->its, 5, 0).redist, 1));
}

Test(vpe_v40, vmovi_changes_the_doorbell_only_with_d)
{
	cmd_vmapp(world, 3, 1, true, NO_DOORBELL);
	cmd(world, 0x21 | UINT64_C(5) << 32, UINT64_C(3) << 32, UINT64_C(9100) << 32, 0);
	its_translate(world->its, 5, 0);
	cr_assert(lpi_is_pending(world->lpi[1], DOORBELL_INTID));
	cmd(world, 0x21 | UINT64_C(5) << 32, UINT64_C(3) << 32, UINT64_C(9100) << 32 | 1, 0);
	its_translate(world->its, 5, 0);
	cr_assert(lpi_is_pending(world->lpi[1], 9100));
}

Test(vpe_v41, int_clear_discard_and_inv_concern_virtual_lpis_too)
{
	vpe_suite_schedule_v41(2, 1);
	cr_assert(eq(u32, cmd_event(world, ITS_INT, 5, 0), 0));
	cr_assert(eq(u32, vpe_suite_best(2), 8192));
	world_vconfigure(world, 0, 8192, 0x80, false);
	cr_assert(eq(u32, vpe_suite_best(2), 8192)); /* cached */
	cr_assert(eq(u32, cmd_event(world, ITS_INV, 5, 0), 0));
	cr_assert(eq(u32, vpe_suite_best(2), UINT32_MAX));
	cr_assert(eq(u32, cmd_event(world, ITS_CLEAR, 5, 0), 0));
	world_vconfigure(world, 0, 8192, 0x80, true);
	cmd_event(world, ITS_INV, 5, 0);
	cr_assert(eq(u32, vpe_suite_best(2), UINT32_MAX));
	cmd_event(world, ITS_INT, 5, 0);
	cr_assert(eq(u32, cmd_event(world, ITS_DISCARD, 5, 0), 0));
	cr_assert(eq(u32, vpe_suite_best(2), UINT32_MAX));
	vpe_suite_deschedule(2, 0);
	cmd_event(world, ITS_INT, 5, 1); /* and in memory */
	cr_assert(world_memory_pending(world, world_vpt(1), 8193));
	cmd_event(world, ITS_CLEAR, 5, 1);
	cr_assert(not(world_memory_pending(world, world_vpt(1), 8193)));
}

Test(vpe_v41, vinvall_reads_the_configuration_of_all_virtual_lpis_again)
{
	vpe_suite_schedule_v41(2, 1);
	its_translate(world->its, 5, 0);
	its_translate(world->its, 5, 1);
	world_vconfigure(world, 0, 8192, 0x80, false);
	world_vconfigure(world, 0, 8193, 0x80, false);
	cr_assert(eq(u32, vpe_suite_best(2), 8192));
	cr_assert(eq(u32, cmd_vpe(world, ITS_VINVALL, 1), 0));
	cr_assert(eq(u32, vpe_suite_best(2), UINT32_MAX));
}

Test(vpe_v41, invlpir_and_invallr_with_v_do_so_for_the_resident_vpe)
{
	vpe_suite_schedule_v41(2, 1);
	its_translate(world->its, 5, 0);
	world_vconfigure(world, 0, 8192, 0x80, false);
	vpe_write_invalidate(world->vpe[2], VALID | UINT64_C(4) << 32 | 8192, false); /* another vPE */
	cr_assert(eq(u32, vpe_suite_best(2), 8192));
	vpe_write_invalidate(world->vpe[2], VALID | UINT64_C(1) << 32 | 8192, false);
	cr_assert(eq(u32, vpe_suite_best(2), UINT32_MAX));
	world_vconfigure(world, 0, 8192, 0x80, true);
	vpe_write_invalidate(world->vpe[2], VALID | UINT64_C(1) << 32, true);
	cr_assert(eq(u32, vpe_suite_best(2), 8192));
}

Test(vpe_v41, vmapp_unmapping_is_for_the_last_its_only)
{
	cmd(world, 0x29, UINT64_C(1) << 32, 0, 0); /* V = 0, Alloc = 0: another ITS still has it */
	cr_assert(eq(int, its_translate(world->its, 5, 0).drop, ITS_DROP_NONE));
	cmd_vmapp(world, 1, 0, false, NO_DOORBELL);
	cr_assert(eq(int, its_translate(world->its, 5, 0).drop, ITS_DROP_VPE_UNMAPPED));
}

Test(vpe_v41, vmapp_by_a_second_its_keeps_the_virtual_sgis)
{
	cmd_vsgi(world, 1, 3, 0x40, true, true);
	cmd(world, 0x29 | UINT64_C(0x30000000), UINT64_C(1) << 32 | DOORBELL_INTID, UINT64_C(2) << 16 | VALID,
	    world_vpt(1) | 15);
	vpe_suite_schedule_v41(2, 1);
	vpe_suite_sgi(1, 3);
	cr_assert(eq(u32, vpe_suite_best(2), 3));
	vpe_suite_deschedule(2, 0);
	cmd_vmapp(world, 1, 2, true, DOORBELL_INTID); /* Alloc = 1: from the beginning */
	vpe_suite_schedule_v41(2, 1);
	cr_assert(eq(u32, vpe_suite_best(2), UINT32_MAX));
}

/* A second ITS over the same redistributors, with a queue and a device table of its own; its vPE table is at `vpes`. */
static struct its *second_its(int version, uint64_t vpes)
{
	struct its_params p = its_world_params(version);
	struct its_redist redist[WORLD_REDISTS];
	for (unsigned i = 0; i < WORLD_REDISTS; i++)
		redist[i] = (struct its_redist){.lpi = world->lpi[i], .vpe = world->vpe[i]};
	struct its *other = its_new(&p, world->mem, redist, WORLD_REDISTS);
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
	for (unsigned i = 0; i < 4; i++)
		physmem_write64(world->mem, (struct pa){0x18000 + at + 8 * i}, word[i]);
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
	cmd_vmovp(world, 1, 3);
	cr_assert(eq(uint, its_translate(world->its, 5, 0).redist, 3));
	cr_assert(eq(uint, its_translate(other, 9, 0).redist, 2));
	second_cmd(other, 0x22, UINT64_C(1) << 32, UINT64_C(3) << 16, 0);
	vpe_suite_schedule_v40(3, 1);
	struct its_delivery d = its_translate(other, 9, 0);
	cr_assert(d.resident);
	cr_assert(eq(uint, d.redist, 3));
	its_free(other);
}

Test(vpe_v41, all_its_share_the_vpe_table_and_one_vmovp_is_enough)
{
	struct its *other = second_its(WORLD_V41, 0x300000);
	second_map(other);
	cmd_vmovp(world, 1, 3);
	vpe_suite_schedule_v41(3, 1);
	struct its_delivery d = its_translate(other, 9, 0);
	cr_assert(d.resident);
	cr_assert(eq(uint, d.redist, 3));
	its_free(other);
}

/* --- errors ------------------------------------------------------------------------------------------------------------------ */

Test(vpe_v41, vpeid_out_of_range_is_an_error_of_every_v_command)
{
	cr_expect(eq(u32, cmd_vmapp(world, 256, 0, true, NO_DOORBELL), 0x012911));
	cr_expect(eq(u32, cmd_vmapti(world, 5, 2, 256, 8200, NO_DOORBELL), 0x012a11));
	cr_expect(eq(u32, cmd_vmovi(world, 5, 0, 256), 0x012111));
	cr_expect(eq(u32, cmd_vmovp(world, 256, 0), 0x012211));
	cr_expect(eq(u32, cmd_vpe(world, ITS_VSYNC, 256), 0x012511));
	cr_expect(eq(u32, cmd_vpe(world, ITS_VINVALL, 256), 0x012d11));
	cr_expect(eq(u32, cmd_vpe(world, ITS_INVDB, 256), 0x012e11));
	cr_expect(eq(u32, cmd_vsgi(world, 256, 0, 0, true, true), 0x012311));
}

Test(vpe_v41, unmapped_vpe_is_an_error)
{
	cr_expect(eq(u32, cmd_vmapti(world, 5, 2, 9, 8200, NO_DOORBELL), 0x012a14));
	cr_expect(eq(u32, cmd_vmovp(world, 9, 0), 0x012214));
	cr_expect(eq(u32, cmd_vpe(world, ITS_VSYNC, 9), 0x012514));
	cr_expect(eq(u32, cmd_vpe(world, ITS_VINVALL, 9), 0x012d14));
	cr_expect(eq(u32, cmd_vsgi(world, 9, 0, 0, true, true), 0x012314));
	cr_expect(eq(u32, cmd_vmovi(world, 5, 0, 9), 0x012117));
	cmd_vmapp(world, 3, 0, true, NO_DOORBELL);
	cmd_vmapp(world, 1, 0, false, NO_DOORBELL);
	cr_expect(eq(u32, cmd_vmovi(world, 5, 0, 3), 0x012116));
	cr_expect(eq(u32, cmd_event(world, ITS_INT, 5, 0), 0x010310));
}

Test(vpe_v41, vmapti_checks_device_event_and_both_intids)
{
	cr_expect(eq(u32, cmd_vmapti(world, 1 << 16, 0, 1, 8200, NO_DOORBELL), 0x012a01));
	cr_expect(eq(u32, cmd_vmapti(world, 6, 0, 1, 8200, NO_DOORBELL), 0x012a04));
	cr_expect(eq(u32, cmd_vmapti(world, 5, 16, 1, 8200, NO_DOORBELL), 0x012a05));
	cr_expect(eq(u32, cmd_vmapti(world, 5, 2, 1, 8191, NO_DOORBELL), 0x012a13));
	cr_expect(eq(u32, cmd_vmapti(world, 5, 2, 1, 1 << 16, NO_DOORBELL), 0x012a13));
	cr_expect(eq(u32, cmd_vmapti(world, 5, 2, 1, 8200, 1024), 0x012a06));
}

Test(vpe_v41, vmapp_checks_redistributor_table_size_and_doorbell)
{
	uint64_t head = 0x329 | UINT64_C(0x30000000), vpe = UINT64_C(4) << 32 | NO_DOORBELL;
	cr_expect(eq(u32, cmd_vmapp(world, 4, WORLD_REDISTS, true, NO_DOORBELL), 0x012902));
	cr_expect(eq(u32, cmd(world, head, vpe, VALID, world_vpt(4) | 16), 0x012912));
	cr_expect(eq(u32, cmd(world, head, vpe, VALID, world_vpt(4) | 12), 0x012912));
	cr_expect(eq(u32, cmd(world, head, vpe, VALID, world_vpt(4) | 13), 0));
	cr_expect(eq(u32, cmd_vmapp(world, 4, 0, true, 5000), 0x012906));
}

Test(vpe_v41, vmovi_of_a_physical_event_and_movi_of_a_virtual_one_are_errors)
{
	cmd_mapc(world, 0, 0, true);
	cmd_mapti(world, 5, 2, 8200, 0);
	cr_expect(eq(u32, cmd_vmovi(world, 5, 2, 1), 0x012115));
	cr_expect(eq(u32, cmd_movi(world, 5, 0, 0), 0x010107));
}

Test(vpe_v41, virtual_lpi_beyond_the_vpes_table_is_dropped)
{
	/* The table shrinks after the event was mapped. */
	cmd_vmapti(world, 5, 2, 1, 40000, NO_DOORBELL);
	cmd(world, 0x329 | UINT64_C(0x30000000), UINT64_C(1) << 32 | NO_DOORBELL, UINT64_C(2) << 16 | VALID,
	    world_vpt(1) | 13);
	cr_assert(eq(int, its_translate(world->its, 5, 2).drop, ITS_DROP_REDISTRIBUTOR));
	cr_assert(eq(u64, vpe_stats(world->vpe[2])->dropped, 1));
}

Test(vpe_v41, registers_say_gicv41)
{
	uint64_t typer = world_its_get(world, 8);
	cr_expect(eq(u64, typer & 3, 3));
	cr_expect(eq(u64, typer >> 37 & 1, 1));
	cr_expect(eq(u64, typer >> 39 & 3, 3));
	cr_expect(eq(u64, world_its_get(world, 0x110) >> 56 & 7, 2));
	cr_expect(eq(u64, world_its_get(world, 0x110) >> 48 & 31, 31)); /* 32 bytes */
	cr_expect(eq(u64, vpe_suite_get(0, VPROPBASER) >> 59 & 7, 3));  /* 4 doublewords: the same */
	cr_expect(eq(u64, world_its_get(world, 0xffe8), 0x40));
}

Test(vpe_v41, two_level_vpe_table_is_shared_by_its_and_redistributor)
{
	const uint64_t level1 = 0x700000, level2 = 0x710000;
	world_its_set(world, 0, 0);
	world_its_set(world, 0x110, VALID | UINT64_C(1) << 62 | level1);
	world_its_set(world, 0, 1);
	vpe_suite_set(2, VPROPBASER, VALID | UINT64_C(1) << 55 | level1);
	cr_assert(eq(u32, cmd_vmapp(world, 130, 2, true, NO_DOORBELL), 0x012911));
	physmem_write64(world->mem, (struct pa){level1 + 8}, VALID | level2); /* vPEs 128..255 */
	cr_assert(eq(u32, cmd_vmapp(world, 130, 2, true, NO_DOORBELL), 0));
	cr_assert(eq(u32, cmd_vmapti(world, 5, 3, 130, 8205, NO_DOORBELL), 0));
	its_translate(world->its, 5, 3);
	vpe_suite_schedule_v41(2, 130);
	cr_assert(eq(u32, vpe_suite_best(2), 8205));
}
