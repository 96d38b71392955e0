/* The ITS: translation, physical commands, queue. IHI 0069, 5.2, 5.3, 12.19. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "its_suites.h"

/* --- translation ----------------------------------------------------------------------------------------------------- */

Test(its, translates_device_and_event_to_an_lpi_at_the_collections_redistributor)
{
	struct its_delivery d = its_translate(world->its, 5, 1);
	cr_assert(eq(int, d.drop, ITS_DROP_NONE));
	cr_assert(eq(uint, d.redist, 1));
	cr_assert(eq(u32, d.intid, 8193));
	cr_assert(not(d.is_virtual));
	cr_assert(its_suite_pending(1, 8193));
	cr_assert(not(its_suite_pending(0, 8193)));
	cr_assert(not(its_suite_pending(1, 8192)));
}

struct drop_row {
	uint32_t device, event;
	enum its_drop drop;
};

Test(its, ignores_a_write_that_has_no_translation)
{
	static const struct drop_row rows[] = {
		{1 << 16, 0, ITS_DROP_DEVICE_RANGE},   {UINT32_MAX, 0, ITS_DROP_DEVICE_RANGE},
		{6, 0, ITS_DROP_DEVICE_UNMAPPED},      {5, 16, ITS_DROP_EVENT_RANGE},
		{5, UINT32_MAX, ITS_DROP_EVENT_RANGE}, {5, 2, ITS_DROP_EVENT_UNMAPPED},
		{5, 3, ITS_DROP_COLLECTION_UNMAPPED},
	};
	cmd_mapti(world, 5, 3, 8200, 7); /* collection 7 is not mapped */
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_expect(
			eq(int, its_translate(world->its, rows[i].device, rows[i].event).drop, rows[i].drop));
		cr_expect(ge(u64, its_stats(world->its)->translations[rows[i].drop], 1));
	}
	for (unsigned i = 0; i < WORLD_REDISTS; i++) cr_assert(eq(u64, lpi_stats(world->lpi[i])->pended, 0));
}

Test(its, that_is_disabled_ignores_writes)
{
	world_its_set(world, CTLR, 0);
	cr_assert(eq(int, its_translate(world->its, 5, 0).drop, ITS_DROP_DISABLED));
	cr_assert(not(its_suite_pending(1, 8192)));
}

Test(its, lpi_for_a_redistributor_with_lpis_disabled_is_dropped)
{
	lpi_enable(world->lpi[1], false);
	cr_assert(eq(int, its_translate(world->its, 5, 0).drop, ITS_DROP_REDISTRIBUTOR));
}

Test(its, says_which_deliveries_leave_its_node)
{
	cmd_mapc(world, 1, 2, true); /* redistributors 2 and 3 are on node 1 */
	cmd_mapti(world, 5, 2, 8200, 1);
	cr_assert(not(its_translate(world->its, 5, 0).remote));
	cr_assert(its_translate(world->its, 5, 2).remote);
	cr_assert(eq(u64, its_stats(world->its)->remote, 1));
}

/* --- commands -------------------------------------------------------------------------------------------------------- */

Test(its, mapi_uses_the_event_as_intid)
{
	cmd_mapd(world, 9, 12, true);
	cr_assert(eq(u32, cmd_mapi(world, 9, 100, 0),
		     its_suite_error(ITS_MAPI, ITS_PHYSICALID_OOR))); /* no LPI */
	struct its_params p = its_world_params(WORLD_V3);
	p.event_bits = 16;
	struct its_world *big = its_world_new_with(WORLD_V3, &p, true);
	cmd_mapc(big, 0, 3, true);
	cmd_mapd(big, 9, 16, true);
	cr_assert(eq(u32, cmd_mapi(big, 9, 9000, 0), 0));
	cr_assert(eq(u32, its_translate(big->its, 9, 9000).intid, 9000));
	cr_assert(lpi_is_pending(big->lpi[3], 9000));
	its_world_free(big);
}

Test(its, int_makes_an_event_pending_and_clear_takes_it_back)
{
	cr_assert(eq(u32, cmd_event(world, ITS_INT, 5, 0), 0));
	cr_assert(its_suite_pending(1, 8192));
	cr_assert(eq(u32, cmd_event(world, ITS_CLEAR, 5, 0), 0));
	cr_assert(not(its_suite_pending(1, 8192)));
}

Test(its, discard_unmaps_the_event_and_clears_its_pending_state)
{
	its_translate(world->its, 5, 0);
	cr_assert(eq(u32, cmd_event(world, ITS_DISCARD, 5, 0), 0));
	cr_assert(not(its_suite_pending(1, 8192)));
	cr_assert(eq(int, its_translate(world->its, 5, 0).drop, ITS_DROP_EVENT_UNMAPPED));
	cr_assert(eq(u32, cmd_event(world, ITS_DISCARD, 5, 0),
		     its_suite_error(ITS_DISCARD, ITS_UNMAPPED_INTERRUPT)));
}

Test(its, movi_moves_the_event_and_its_pending_state)
{
	cmd_mapc(world, 1, 3, true);
	its_translate(world->its, 5, 0);
	cr_assert(eq(u32, cmd_movi(world, 5, 0, 1), 0));
	cr_assert(not(its_suite_pending(1, 8192)));
	cr_assert(its_suite_pending(3, 8192));
	lpi_acknowledge(world->lpi[3], 8192);
	cr_assert(eq(uint, its_translate(world->its, 5, 0).redist, 3));
	cr_assert(eq(uint, its_translate(world->its, 5, 1).redist, 1)); /* the other one stays */
}

Test(its, movall_moves_pending_state_and_leaves_the_collection)
{
	its_translate(world->its, 5, 0);
	its_translate(world->its, 5, 1);
	cr_assert(eq(u32, cmd_movall(world, 1, 2), 0));
	cr_assert(its_suite_pending(2, 8192) && its_suite_pending(2, 8193));
	cr_assert(not(its_suite_pending(1, 8192) || its_suite_pending(1, 8193)));
	cr_assert(eq(uint, its_translate(world->its, 5, 0).redist, 1));
}

Test(its, mapc_moves_new_interrupts_only)
{
	its_translate(world->its, 5, 0);
	cr_assert(eq(u32, cmd_mapc(world, 0, 2, true), 0));
	cr_assert(its_suite_pending(1, 8192));
	cr_assert(eq(uint, its_translate(world->its, 5, 1).redist, 2));
}

Test(its, mapc_without_valid_unmaps)
{
	cr_assert(eq(u32, cmd_mapc(world, 0, 0, false), 0));
	cr_assert(eq(int, its_translate(world->its, 5, 0).drop, ITS_DROP_COLLECTION_UNMAPPED));
	cr_assert(eq(u32, cmd_mapc(world, 0, 99, false), 0)); /* RDbase does not matter */
}

Test(its, mapd_without_valid_unmaps_and_leaves_pending_state)
{
	its_translate(world->its, 5, 0);
	cr_assert(eq(u32, cmd_mapd(world, 5, 4, false), 0));
	cr_assert(eq(int, its_translate(world->its, 5, 1).drop, ITS_DROP_DEVICE_UNMAPPED));
	cr_assert(its_suite_pending(1, 8192));
}

Test(its, mapd_again_gives_another_itt)
{
	cmd(world, 0x8 | UINT64_C(5) << 32, 3, world_itt(77) | VALID, 0);
	cr_assert(eq(int, its_translate(world->its, 5, 0).drop, ITS_DROP_EVENT_UNMAPPED));
	cmd_mapd(world, 5, 4, true); /* the old one still has its entries */
	cr_assert(eq(u32, its_translate(world->its, 5, 0).intid, 8192));
}

Test(its, inv_reads_the_configuration_of_one_lpi_and_invall_of_a_collection)
{
	its_translate(world->its, 5, 0);
	its_translate(world->its, 5, 1);
	world_configure(world, 8192, 0x80, false);
	world_configure(world, 8193, 0x80, false);
	cr_assert(eq(u32, lpi_best(world->lpi[1]).intid, 8192));
	cr_assert(eq(u32, cmd_event(world, ITS_INV, 5, 0), 0));
	cr_assert(eq(u32, lpi_best(world->lpi[1]).intid, 8193));
	cr_assert(eq(u32, cmd_invall(world, 0), 0));
	cr_assert(not(lpi_best(world->lpi[1]).any));
}

Test(its, sync_is_no_error)
{
	cr_assert(eq(u32, cmd(world, 0x05, 0, UINT64_C(1) << 16, 0), 0));
	cr_assert(eq(u64, its_stats(world->its)->commands[ITS_SYNC], 1));
}

/* --- the queue ------------------------------------------------------------------------------------------------------------ */

Test(its, queue_wraps_at_its_end)
{
	for (unsigned i = 0; i < 300; i++)
		cr_assert(eq(u32, cmd_event(world, ITS_INT, 5, 0), 0)); /* 128 fit */
	cr_assert(eq(u64, world_its_get(world, CREADR), world->writer));
	cr_assert(eq(u64, its_stats(world->its)->commands[ITS_INT], 300));
}

Test(its, commands_wait_until_a_step_and_are_executed_in_order)
{
	uint64_t before = world_its_get(world, CREADR);
	physmem_write64(world->mem, (struct pa){0x10000 + world->writer}, 0x3 | UINT64_C(5) << 32);
	physmem_write64(world->mem, (struct pa){0x10000 + world->writer + 32}, 0x4 | UINT64_C(5) << 32);
	for (unsigned i = 8; i < 32; i += 8) {
		physmem_write64(world->mem, (struct pa){0x10000 + world->writer + i}, 0);
		physmem_write64(world->mem, (struct pa){0x10000 + world->writer + 32 + i}, 0);
	}
	world_its_set(world, CWRITER, world->writer + 64);
	cr_assert(not(its_suite_pending(1, 8192)));
	cr_assert(eq(u64, world_its_get(world, CREADR), before));
	cr_assert(eq(int, its_step(world->its).command, ITS_INT));
	cr_assert(its_suite_pending(1, 8192));
	cr_assert(eq(u64, world_its_get(world, CREADR), before + 32));
	cr_assert(eq(uint, its_drain(world->its), 1));
	cr_assert(not(its_suite_pending(1, 8192)));
	cr_assert(not(its_step(world->its).done));
}

Test(its, executes_nothing_while_disabled_or_without_a_valid_queue)
{
	world_its_set(world, CTLR, 0);
	cr_assert(eq(u32, cmd_event(world, ITS_INT, 5, 0), 0));
	cr_assert(not(its_suite_pending(1, 8192)));
	world_its_set(world, CBASER, 0x10000);
	world_its_set(world, CTLR, 1);
	cr_assert(eq(uint, its_drain(world->its), 0));
}

Test(its, cwriter_beyond_the_queue_executes_nothing)
{
	world_its_set(world, CWRITER, 0x2000);
	cr_assert(eq(uint, its_drain(world->its), 0));
}

Test(its, write_of_cbaser_sets_creadr_to_zero)
{
	cr_assert(ne(u64, world_its_get(world, CREADR), 0));
	world_its_set(world, CBASER, VALID | 0x20000); /* enabled: ignored */
	cr_assert(ne(u64, world_its_get(world, CREADR), 0));
	world_its_set(world, CTLR, 0);
	world_its_set(world, CBASER, VALID | 0x20000);
	cr_assert(eq(u64, world_its_get(world, CREADR), 0));
}

Test(its, that_stalls_stops_at_an_error_until_retry)
{
	struct its_params p = its_world_params(WORLD_V3);
	p.stall = true;
	struct its_world *s = its_world_new_with(WORLD_V3, &p, true);
	uint64_t at = s->writer;
	cr_assert(eq(u32, cmd_mapti(s, 5, 0, 8192, 0), 0x010a04));
	cr_assert(eq(u64, world_its_get(s, CREADR), at | 1)); /* Stalled, at the command */
	cr_assert(not(its_step(s->its).done));
	/* The driver puts another command in its place. */
	physmem_write64(s->mem, (struct pa){0x10000 + at}, 0x8 | UINT64_C(5) << 32);
	physmem_write64(s->mem, (struct pa){0x10000 + at + 8}, 3);
	physmem_write64(s->mem, (struct pa){0x10000 + at + 16}, world_itt(5) | VALID);
	world_its_set(s, CWRITER, s->writer | 1);
	cr_assert(eq(u32, its_step(s->its).error, 0));
	cr_assert(eq(u64, world_its_get(s, CREADR), s->writer));
	its_world_free(s);
}
