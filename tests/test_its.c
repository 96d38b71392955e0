/* The ITS: queue, tables, physical commands and their errors, translation. IHI 0069, 5.2, 5.3, 12.19. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "base/rng.h"
#include "its_world.h"

#define VALID (UINT64_C(1) << 63)
enum {
	CTLR = 0,
	TYPER = 8,
	CBASER = 0x80,
	CWRITER = 0x88,
	CREADR = 0x90,
	BASER0 = 0x100,
	BASER1 = 0x108,
	BASER2 = 0x110
};

static struct its_world *w;

/* Device 5 has 16 events; 0 and 1 are LPIs 8192 and 8193 of collection 0, which is redistributor 1. */
static void setup(void)
{
	w = its_world_new(WORLD_V3);
	cmd_mapc(w, 0, 1, true);
	cmd_mapd(w, 5, 4, true);
	cmd_mapti(w, 5, 0, 8192, 0);
	cmd_mapti(w, 5, 1, 8193, 0);
	for (uint32_t i = 8192; i < 8300; i++) world_configure(w, i, 0x80, true);
	cr_assert(eq(u32, its_last_error(w->its), 0));
}
static void teardown(void)
{
	cr_expect(eq(ptr, (void *)its_world_check(w), NULL));
	its_world_free(w);
}
TestSuite(its, .init = setup, .fini = teardown);

static bool pending(unsigned redist, uint32_t intid) { return lpi_is_pending(w->lpi[redist], intid); }
static unsigned error_of(enum its_command c, unsigned reason)
{
	static const uint8_t codes[] = {
#define X(name, opcode, code, need, doc) code,
		ITS_COMMANDS(X)
#undef X
	};
	return ITS_ERROR(codes[c], reason);
}
#define ERROR(c, reason) error_of(ITS_##c, ITS_##reason)

/* --- translation ----------------------------------------------------------------------------------------------------- */

Test(its, translates_device_and_event_to_an_lpi_at_the_collections_redistributor)
{
	struct its_delivery d = its_translate(w->its, 5, 1);
	cr_assert(eq(int, d.drop, ITS_DROP_NONE));
	cr_assert(eq(uint, d.redist, 1));
	cr_assert(eq(u32, d.intid, 8193));
	cr_assert(not(d.is_virtual));
	cr_assert(pending(1, 8193));
	cr_assert(not(pending(0, 8193)));
	cr_assert(not(pending(1, 8192)));
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
	cmd_mapti(w, 5, 3, 8200, 7); /* collection 7 is not mapped */
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_expect(eq(int, its_translate(w->its, rows[i].device, rows[i].event).drop, rows[i].drop));
		cr_expect(ge(u64, its_stats(w->its)->translations[rows[i].drop], 1));
	}
	for (unsigned i = 0; i < WORLD_REDISTS; i++) cr_assert(eq(u64, lpi_stats(w->lpi[i])->pended, 0));
}

Test(its, that_is_disabled_ignores_writes)
{
	world_its_set(w, CTLR, 0);
	cr_assert(eq(int, its_translate(w->its, 5, 0).drop, ITS_DROP_DISABLED));
	cr_assert(not(pending(1, 8192)));
}

Test(its, lpi_for_a_redistributor_with_lpis_disabled_is_dropped)
{
	lpi_enable(w->lpi[1], false);
	cr_assert(eq(int, its_translate(w->its, 5, 0).drop, ITS_DROP_REDISTRIBUTOR));
}

Test(its, says_which_deliveries_leave_its_node)
{
	cmd_mapc(w, 1, 2, true); /* redistributors 2 and 3 are on node 1 */
	cmd_mapti(w, 5, 2, 8200, 1);
	cr_assert(not(its_translate(w->its, 5, 0).remote));
	cr_assert(its_translate(w->its, 5, 2).remote);
	cr_assert(eq(u64, its_stats(w->its)->remote, 1));
}

/* --- commands -------------------------------------------------------------------------------------------------------- */

Test(its, mapi_uses_the_event_as_intid)
{
	cmd_mapd(w, 9, 12, true);
	cr_assert(eq(u32, cmd_mapi(w, 9, 100, 0), ERROR(MAPI, PHYSICALID_OOR))); /* no LPI */
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
	cr_assert(eq(u32, cmd_event(w, ITS_INT, 5, 0), 0));
	cr_assert(pending(1, 8192));
	cr_assert(eq(u32, cmd_event(w, ITS_CLEAR, 5, 0), 0));
	cr_assert(not(pending(1, 8192)));
}

Test(its, discard_unmaps_the_event_and_clears_its_pending_state)
{
	its_translate(w->its, 5, 0);
	cr_assert(eq(u32, cmd_event(w, ITS_DISCARD, 5, 0), 0));
	cr_assert(not(pending(1, 8192)));
	cr_assert(eq(int, its_translate(w->its, 5, 0).drop, ITS_DROP_EVENT_UNMAPPED));
	cr_assert(eq(u32, cmd_event(w, ITS_DISCARD, 5, 0), ERROR(DISCARD, UNMAPPED_INTERRUPT)));
}

Test(its, movi_moves_the_event_and_its_pending_state)
{
	cmd_mapc(w, 1, 3, true);
	its_translate(w->its, 5, 0);
	cr_assert(eq(u32, cmd_movi(w, 5, 0, 1), 0));
	cr_assert(not(pending(1, 8192)));
	cr_assert(pending(3, 8192));
	lpi_acknowledge(w->lpi[3], 8192);
	cr_assert(eq(uint, its_translate(w->its, 5, 0).redist, 3));
	cr_assert(eq(uint, its_translate(w->its, 5, 1).redist, 1)); /* the other one stays */
}

Test(its, movall_moves_pending_state_and_leaves_the_collection)
{
	its_translate(w->its, 5, 0);
	its_translate(w->its, 5, 1);
	cr_assert(eq(u32, cmd_movall(w, 1, 2), 0));
	cr_assert(pending(2, 8192) && pending(2, 8193));
	cr_assert(not(pending(1, 8192) || pending(1, 8193)));
	cr_assert(eq(uint, its_translate(w->its, 5, 0).redist, 1));
}

Test(its, mapc_moves_new_interrupts_only)
{
	its_translate(w->its, 5, 0);
	cr_assert(eq(u32, cmd_mapc(w, 0, 2, true), 0));
	cr_assert(pending(1, 8192));
	cr_assert(eq(uint, its_translate(w->its, 5, 1).redist, 2));
}

Test(its, mapc_without_valid_unmaps)
{
	cr_assert(eq(u32, cmd_mapc(w, 0, 0, false), 0));
	cr_assert(eq(int, its_translate(w->its, 5, 0).drop, ITS_DROP_COLLECTION_UNMAPPED));
	cr_assert(eq(u32, cmd_mapc(w, 0, 99, false), 0)); /* RDbase does not matter */
}

Test(its, mapd_without_valid_unmaps_and_leaves_pending_state)
{
	its_translate(w->its, 5, 0);
	cr_assert(eq(u32, cmd_mapd(w, 5, 4, false), 0));
	cr_assert(eq(int, its_translate(w->its, 5, 1).drop, ITS_DROP_DEVICE_UNMAPPED));
	cr_assert(pending(1, 8192));
}

Test(its, mapd_again_gives_another_itt)
{
	cmd(w, 0x8 | UINT64_C(5) << 32, 3, world_itt(77) | VALID, 0);
	cr_assert(eq(int, its_translate(w->its, 5, 0).drop, ITS_DROP_EVENT_UNMAPPED));
	cmd_mapd(w, 5, 4, true); /* the old one still has its entries */
	cr_assert(eq(u32, its_translate(w->its, 5, 0).intid, 8192));
}

Test(its, inv_reads_the_configuration_of_one_lpi_and_invall_of_a_collection)
{
	its_translate(w->its, 5, 0);
	its_translate(w->its, 5, 1);
	world_configure(w, 8192, 0x80, false);
	world_configure(w, 8193, 0x80, false);
	cr_assert(eq(u32, lpi_best(w->lpi[1]).intid, 8192));
	cr_assert(eq(u32, cmd_event(w, ITS_INV, 5, 0), 0));
	cr_assert(eq(u32, lpi_best(w->lpi[1]).intid, 8193));
	cr_assert(eq(u32, cmd_invall(w, 0), 0));
	cr_assert(not(lpi_best(w->lpi[1]).any));
}

Test(its, sync_is_no_error)
{
	cr_assert(eq(u32, cmd(w, 0x05, 0, UINT64_C(1) << 16, 0), 0));
	cr_assert(eq(u64, its_stats(w->its)->commands[ITS_SYNC], 1));
}

/* --- errors ------------------------------------------------------------------------------------------------------------- */

Test(its, device_out_of_range_is_an_error_of_every_command_that_names_one)
{
	static const enum its_command commands[] = {ITS_INT, ITS_CLEAR, ITS_DISCARD, ITS_INV};
	uint32_t far = 1 << 16;
	for (unsigned i = 0; i < 4; i++)
		cr_expect(eq(u32, cmd_event(w, commands[i], far, 0), error_of(commands[i], ITS_DEVICE_OOR)));
	cr_expect(eq(u32, cmd_mapd(w, far, 4, true), 0x010801));
	cr_expect(eq(u32, cmd_mapti(w, far, 0, 8192, 0), 0x010a01));
	cr_expect(eq(u32, cmd_mapi(w, far, 0, 0), 0x010b01));
	cr_expect(eq(u32, cmd_movi(w, far, 0, 0), 0x010101));
}

Test(its, unmapped_device_is_an_error_of_every_command_about_an_event)
{
	static const enum its_command commands[] = {ITS_INT, ITS_CLEAR, ITS_DISCARD, ITS_INV};
	for (unsigned i = 0; i < 4; i++)
		cr_expect(
			eq(u32, cmd_event(w, commands[i], 6, 0), error_of(commands[i], ITS_UNMAPPED_DEVICE)));
	cr_expect(eq(u32, cmd_mapti(w, 6, 0, 8192, 0), 0x010a04));
	cr_expect(eq(u32, cmd_movi(w, 6, 0, 0), 0x010104));
}

Test(its, event_out_of_the_devices_range_is_an_error)
{
	cr_expect(eq(u32, cmd_mapti(w, 5, 16, 8200, 0), 0x010a05));
	cr_expect(eq(u32, cmd_mapti(w, 5, 15, 8200, 0), 0));
	cr_expect(eq(u32, cmd_event(w, ITS_INT, 5, 16), 0x010305));
	cr_expect(eq(u32, cmd_event(w, ITS_CLEAR, 5, 16), 0x010505));
	cr_expect(eq(u32, cmd_event(w, ITS_INV, 5, 16), 0x010c05));
	cr_expect(eq(u32, cmd_event(w, ITS_DISCARD, 5, 16), 0x010f05));
	cr_expect(eq(u32, cmd_movi(w, 5, 16, 0), 0x010105));
}

Test(its, unmapped_event_is_an_error)
{
	cr_expect(eq(u32, cmd_event(w, ITS_INT, 5, 2), 0x010307));
	cr_expect(eq(u32, cmd_event(w, ITS_CLEAR, 5, 2), 0x010507));
	cr_expect(eq(u32, cmd_event(w, ITS_INV, 5, 2), 0x010c07));
	cr_expect(eq(u32, cmd_event(w, ITS_DISCARD, 5, 2), 0x010f07));
	cr_expect(eq(u32, cmd_movi(w, 5, 2, 0), 0x010107));
}

Test(its, collection_out_of_range_is_an_error)
{
	cr_expect(eq(u32, cmd_mapc(w, 256, 0, true), 0x010903));
	cr_expect(eq(u32, cmd_mapc(w, 255, 0, true), 0));
	cr_expect(eq(u32, cmd_mapti(w, 5, 0, 8192, 256), 0x010a03));
	cr_expect(eq(u32, cmd_movi(w, 5, 0, 256), 0x010103));
	cr_expect(eq(u32, cmd_invall(w, 256), 0x010d03));
}

Test(its, unmapped_collection_is_an_error)
{
	cr_expect(eq(u32, cmd_invall(w, 9), 0x010d09));
	cr_expect(eq(u32, cmd_movi(w, 5, 0, 9), 0x010109));
	cmd_mapti(w, 5, 2, 8200, 9);
	cmd_mapc(w, 1, 0, true);
	cr_expect(eq(u32, cmd_movi(w, 5, 2, 1), 0x010109)); /* the old one */
}

Test(its, event_of_an_unmapped_collection_is_an_invalid_ite)
{
	cmd_mapti(w, 5, 2, 8200, 9);
	cr_expect(eq(u32, cmd_event(w, ITS_INT, 5, 2), 0x010310));
	cr_expect(eq(u32, cmd_event(w, ITS_CLEAR, 5, 2), 0x010510));
	cr_expect(eq(u32, cmd_event(w, ITS_INV, 5, 2), 0x010c10));
	cr_expect(eq(u32, cmd_event(w, ITS_DISCARD, 5, 2), 0x010f10));
}

Test(its, registers_keep_the_attributes_that_a_driver_reads_back)
{
	const uint64_t attributes = UINT64_C(7) << 59 | UINT64_C(7) << 53 | 3 << 10;
	world_its_set(w, CTLR, 0);
	world_its_set(w, CBASER, VALID | attributes | 0x10000);
	world_its_set(w, BASER0, VALID | attributes | 0x100000);
	cr_assert(eq(u64, world_its_get(w, CBASER), VALID | attributes | 0x10000));
	cr_assert(eq(u64, world_its_get(w, BASER0),
		     VALID | attributes | 0x100000 | UINT64_C(1) << 56 | UINT64_C(7) << 48));
}

Test(its, mapti_of_a_number_that_is_no_lpi_is_an_error)
{
	cr_expect(eq(u32, cmd_mapti(w, 5, 2, 8191, 0), 0x010a06));
	cr_expect(eq(u32, cmd_mapti(w, 5, 2, 1 << 16, 0), 0x010a06));
	cr_expect(eq(u32, cmd_mapti(w, 5, 2, (1 << 16) - 1, 0), 0));
}

Test(its, mapd_with_more_events_than_id_bits_is_an_error)
{
	cr_expect(eq(u32, cmd_mapd(w, 7, 13, true), 0x010802));
	cr_expect(eq(u32, cmd_mapd(w, 7, 12, true), 0));
	cr_expect(eq(u32, cmd_mapd(w, 7, 13, false), 0)); /* unmapping has no size */
}

Test(its, redistributor_that_does_not_exist_is_an_error)
{
	cr_expect(eq(u32, cmd_mapc(w, 0, WORLD_REDISTS, true), 0x010902));
	cr_expect(eq(u32, cmd_movall(w, WORLD_REDISTS, 0), 0x010e01));
	cr_expect(eq(u32, cmd_movall(w, 0, WORLD_REDISTS), 0x010e01));
}

Test(its, command_with_an_error_changes_nothing)
{
	cmd_mapc(w, 0, WORLD_REDISTS, true);
	cmd_mapti(w, 5, 0, 5, 0);
	cmd_movi(w, 5, 0, 9);
	cmd_mapd(w, 5, 13, true);
	struct its_delivery d = its_translate(w->its, 5, 0);
	cr_assert(eq(int, d.drop, ITS_DROP_NONE));
	cr_assert(eq(uint, d.redist, 1));
	cr_assert(eq(u32, d.intid, 8192));
	cr_assert(eq(u64, its_stats(w->its)->errors, 4));
}

Test(its, unknown_and_gicv4_commands_are_errors_of_a_gicv3)
{
	cr_expect(eq(u32, cmd(w, 0x02, 0, 0, 0), 0x0102ff));
	cr_expect(eq(u32, cmd(w, 0x29, 0, 0, 0), 0x0129ff));
	cr_expect(eq(u32, cmd(w, 0xff, 0, 0, 0), 0x01ffff));
}

Test(its, errors_have_names)
{
	char text[64];
	cr_expect(eq(str, (char *)its_error_text(0x010a04, text, sizeof(text)), "MAPTI_UNMAPPED_DEVICE"));
	cr_expect(eq(str, (char *)its_error_text(0x010507, text, sizeof(text)), "CLEAR_UNMAPPED_INTERRUPT"));
	cr_expect(eq(str, (char *)its_error_text(0x010802, text, sizeof(text)), "MAPD_ITTSIZE_OOR"));
	cr_expect(eq(str, (char *)its_error_text(0x010902, text, sizeof(text)), "MAPC_PROCNUM_OOR"));
	cr_expect(eq(str, (char *)its_error_text(0x010e01, text, sizeof(text)), "MOVALL_PROCNUM_OOR"));
	cr_expect(eq(str, (char *)its_error_text(0x0177ff, text, sizeof(text)), "command 0x77 is unknown"));
}

/* --- the queue ------------------------------------------------------------------------------------------------------------ */

Test(its, queue_wraps_at_its_end)
{
	for (unsigned i = 0; i < 300; i++) cr_assert(eq(u32, cmd_event(w, ITS_INT, 5, 0), 0)); /* 128 fit */
	cr_assert(eq(u64, world_its_get(w, CREADR), w->writer));
	cr_assert(eq(u64, its_stats(w->its)->commands[ITS_INT], 300));
}

Test(its, commands_wait_until_a_step_and_are_executed_in_order)
{
	uint64_t before = world_its_get(w, CREADR);
	physmem_write64(w->mem, (struct pa){0x10000 + w->writer}, 0x3 | UINT64_C(5) << 32);
	physmem_write64(w->mem, (struct pa){0x10000 + w->writer + 32}, 0x4 | UINT64_C(5) << 32);
	for (unsigned i = 8; i < 32; i += 8) {
		physmem_write64(w->mem, (struct pa){0x10000 + w->writer + i}, 0);
		physmem_write64(w->mem, (struct pa){0x10000 + w->writer + 32 + i}, 0);
	}
	world_its_set(w, CWRITER, w->writer + 64);
	cr_assert(not(pending(1, 8192)));
	cr_assert(eq(u64, world_its_get(w, CREADR), before));
	cr_assert(eq(int, its_step(w->its).command, ITS_INT));
	cr_assert(pending(1, 8192));
	cr_assert(eq(u64, world_its_get(w, CREADR), before + 32));
	cr_assert(eq(uint, its_drain(w->its), 1));
	cr_assert(not(pending(1, 8192)));
	cr_assert(not(its_step(w->its).done));
}

Test(its, executes_nothing_while_disabled_or_without_a_valid_queue)
{
	world_its_set(w, CTLR, 0);
	cr_assert(eq(u32, cmd_event(w, ITS_INT, 5, 0), 0));
	cr_assert(not(pending(1, 8192)));
	world_its_set(w, CBASER, 0x10000);
	world_its_set(w, CTLR, 1);
	cr_assert(eq(uint, its_drain(w->its), 0));
}

Test(its, cwriter_beyond_the_queue_executes_nothing)
{
	world_its_set(w, CWRITER, 0x2000);
	cr_assert(eq(uint, its_drain(w->its), 0));
}

Test(its, write_of_cbaser_sets_creadr_to_zero)
{
	cr_assert(ne(u64, world_its_get(w, CREADR), 0));
	world_its_set(w, CBASER, VALID | 0x20000); /* enabled: ignored */
	cr_assert(ne(u64, world_its_get(w, CREADR), 0));
	world_its_set(w, CTLR, 0);
	world_its_set(w, CBASER, VALID | 0x20000);
	cr_assert(eq(u64, world_its_get(w, CREADR), 0));
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

/* --- tables -------------------------------------------------------------------------------------------------------------- */

Test(its, registers_say_what_it_can)
{
	uint64_t typer = world_its_get(w, TYPER);
	cr_expect(eq(u64, typer & 3, 1));             /* physical, not virtual */
	cr_expect(eq(u64, typer >> 4 & 15, 7));       /* 8 bytes per ITE */
	cr_expect(eq(u64, typer >> 8 & 31, 11));      /* 12 event bits */
	cr_expect(eq(u64, typer >> 13 & 31, 15));     /* 16 device bits */
	cr_expect(eq(u64, typer >> 32 & 31, 16 | 7)); /* CIL, 8 collection bits */
	cr_expect(eq(u64, world_its_get(w, BASER0) >> 56 & 7, 1));
	cr_expect(eq(u64, world_its_get(w, BASER1) >> 56 & 7, 4));
	cr_expect(eq(u64, world_its_get(w, BASER2), 0)); /* no vPEs */
	cr_expect(eq(u64, world_its_get(w, BASER0) >> 48 & 31, 7));
	cr_expect(eq(u64, world_its_get(w, 0xffe8), 0x30));
}

Test(its, quiescent_when_disabled)
{
	cr_assert(eq(u64, world_its_get(w, CTLR), 1));
	world_its_set(w, CTLR, 0);
	cr_assert(eq(u64, world_its_get(w, CTLR), UINT64_C(1) << 31));
}

Test(its, type_and_entry_size_of_baser_cannot_be_written_nor_anything_while_enabled)
{
	uint64_t before = world_its_get(w, BASER0);
	world_its_set(w, BASER0, VALID | 0x500000);
	cr_assert(eq(u64, world_its_get(w, BASER0), before));
	world_its_set(w, CTLR, 0);
	world_its_set(w, BASER0, UINT64_MAX);
	cr_assert(eq(u64, world_its_get(w, BASER0) >> 56 & 7, 1));
	cr_assert(eq(u64, world_its_get(w, BASER0) >> 48 & 31, 7));
}

static void reprogram(uint64_t baser0)
{
	world_its_set(w, CTLR, 0);
	world_its_set(w, BASER0, baser0);
	world_its_set(w, CTLR, 1);
}

Test(its, flat_device_table_ends_with_its_pages)
{
	reprogram(VALID | 0x800000); /* one page of 512 devices */
	cr_assert(eq(u32, cmd_mapd(w, 511, 4, true), 0));
	cr_assert(eq(u32, cmd_mapd(w, 512, 4, true), 0x010801));
	reprogram(VALID | 0x800000 | 2 << 8 | 1); /* two of 64 KiB */
	cr_assert(eq(u32, cmd_mapd(w, 16383, 4, true), 0));
	cr_assert(eq(u32, cmd_mapd(w, 16384, 4, true), 0x010801));
}

Test(its, pages_of_64k_have_address_bits_51_to_48_in_15_to_12)
{
	reprogram(VALID | 0x800000 | 0x3000 | 2 << 8);
	cr_assert(eq(u32, cmd_mapd(w, 1, 4, true), 0));
	cr_assert(ne(u64, physmem_read64(w->mem, (struct pa){(UINT64_C(3) << 48) + 0x800000 + 8}), 0));
}

Test(its, without_a_valid_device_table_every_device_is_out_of_range)
{
	reprogram(0x800000);
	cr_assert(eq(u32, cmd_mapd(w, 0, 4, true), 0x010801));
	cr_assert(eq(int, its_translate(w->its, 0, 0).drop, ITS_DROP_DEVICE_RANGE));
}

Test(its, two_level_device_table_goes_through_pages_of_level_2)
{
	const uint64_t level1 = 0x800000, level2 = 0x900000, device = 512 * 3 + 7;
	reprogram(VALID | UINT64_C(1) << 62 | level1);
	cr_assert(eq(u32, cmd_mapd(w, device, 4, true), 0x010801)); /* no page of level 2 yet */
	cr_assert(eq(int, its_translate(w->its, device, 0).drop, ITS_DROP_DEVICE_UNMAPPED));
	physmem_write64(w->mem, (struct pa){level1 + 3 * 8}, VALID | level2);
	cr_assert(eq(u32, cmd_mapd(w, device, 4, true), 0));
	cr_assert(ne(u64, physmem_read64(w->mem, (struct pa){level2 + 7 * 8}), 0));
	cr_assert(eq(u32, cmd_mapti(w, device, 2, 8250, 0), 0));
	cr_assert(eq(u32, its_translate(w->its, device, 2).intid, 8250));
	cr_assert(eq(u32, cmd_mapd(w, 512 * 4, 4, true), 0x010801)); /* its level 1 entry is not valid */
	cr_assert(eq(u32, cmd_mapd(w, 1 << 16, 4, true), 0x010801));
}

Test(its, entries_are_in_memory_and_found_there_by_another_its)
{
	struct its_params p = its_world_params(WORLD_V3);
	struct its_redist redist = {w->lpi[0], NULL, 0, 0}, all[WORLD_REDISTS];
	for (unsigned i = 0; i < WORLD_REDISTS; i++) all[i] = (struct its_redist){w->lpi[i], NULL, 0, 0};
	struct its *other = its_new(&p, w->mem, all, WORLD_REDISTS);
	its_write(other, BASER0, 8, world_its_get(w, BASER0));
	its_write(other, BASER1, 8, world_its_get(w, BASER1));
	its_write(other, CTLR, 4, 1);
	struct its_delivery d = its_translate(other, 5, 1);
	cr_assert(eq(u32, d.intid, 8193));
	cr_assert(eq(uint, d.redist, 1));
	its_free(other);
	other = its_new(&p, w->mem, &redist,
			1); /* a table that names a redistributor that this one does not have */
	its_write(other, BASER0, 8, world_its_get(w, BASER0));
	its_write(other, BASER1, 8, world_its_get(w, BASER1));
	its_write(other, CTLR, 4, 1);
	cr_assert(eq(int, its_translate(other, 5, 1).drop, ITS_DROP_COLLECTION_UNMAPPED));
	its_free(other);
}

Test(its, with_pta_rdbase_is_the_address_of_a_redistributor)
{
	struct its_params p = its_world_params(WORLD_V3);
	p.pta = true;
	struct its_world *a = its_world_new_with(WORLD_V3, &p, true);
	uint64_t address = 0x2f000000 + 2 * UINT64_C(0x40000);
	cr_assert(eq(u32, cmd(a, 0x9, 0, VALID | address, 0), 0));
	cr_assert(eq(u32, cmd(a, 0x9, 0, VALID | (address + 0x10000), 0), 0x010902));
	cmd_mapd(a, 1, 4, true);
	cmd_mapti(a, 1, 0, 8192, 0);
	cr_assert(eq(uint, its_translate(a->its, 1, 0).redist, 2));
	its_world_free(a);
}

/* --- caches -------------------------------------------------------------------------------------------------------------- */

static struct {
	unsigned count;
	enum its_table table[16];
	uint64_t at[16];
} reads;
static void note(void *self, enum its_table table, struct pa at)
{
	(void)self;
	cr_assert(lt(uint, reads.count, 16));
	reads.table[reads.count] = table;
	reads.at[reads.count++] = at.raw;
}

Test(its, translation_reads_device_event_and_collection_in_order_and_then_has_them)
{
	world_its_set(w, CTLR, 0);
	world_its_set(w, BASER0, world_its_get(w, BASER0)); /* a new table: caches are empty */
	world_its_set(w, CTLR, 1);
	its_on_read(w->its, note, NULL);
	struct its_delivery d = its_translate(w->its, 5, 1);
	cr_assert(eq(uint, reads.count, 3));
	cr_expect(eq(int, reads.table[0], ITS_DEVICES));
	cr_expect(eq(u64, reads.at[0], 0x100000 + 5 * 8));
	cr_expect(eq(int, reads.table[1], ITS_EVENTS));
	cr_expect(eq(u64, reads.at[1], world_itt(5) + 8));
	cr_expect(eq(int, reads.table[2], ITS_COLLECTIONS));
	cr_expect(eq(u64, reads.at[2], 0x200000));
	cr_expect(eq(u8, d.reads[ITS_DEVICES], 1));
	d = its_translate(w->its, 5, 1);
	cr_assert(eq(uint, reads.count, 3));
	cr_expect(eq(u8, d.reads[ITS_DEVICES] + d.reads[ITS_EVENTS] + d.reads[ITS_COLLECTIONS], 0));
}

Test(its, commands_take_what_they_change_out_of_the_caches)
{
	its_translate(w->its, 5, 1);
	cmd_mapc(w, 0, 2, true);
	cr_expect(eq(u8, its_translate(w->its, 5, 1).reads[ITS_COLLECTIONS], 1));
	cmd_mapti(w, 5, 1, 8194, 0);
	cr_expect(eq(u8, its_translate(w->its, 5, 1).reads[ITS_EVENTS], 1));
	cmd_mapd(w, 5, 4, true);
	struct its_delivery d = its_translate(w->its, 5, 1);
	cr_expect(eq(u8, d.reads[ITS_DEVICES], 1));
	cr_expect(eq(u8, d.reads[ITS_EVENTS], 1));
	cr_expect(eq(u8, d.reads[ITS_COLLECTIONS], 0));
}

Test(its, caches_of_any_size_find_the_same)
{
	struct its_params p = its_world_params(WORLD_V3);
	memset(p.cached, 0, sizeof(p.cached));
	struct its_world *none = its_world_new_with(WORLD_V3, &p, true);
	struct rng r;
	rng_init(&r, 3, "test.its.caches");
	cmd_mapc(none, 0, 1, true);
	for (unsigned i = 0; i < 3000; i++) {
		uint32_t device = (uint32_t)rng_below(&r, 50), event = (uint32_t)rng_below(&r, 8);
		struct its_delivery a, b;
		if (!rng_below(&r, 10)) {
			cr_assert(eq(u32, cmd_mapd(w, device, 3, true), cmd_mapd(none, device, 3, true)));
			cr_assert(eq(u32, cmd_mapti(w, device, event, 8192 + i, 0),
				     cmd_mapti(none, device, event, 8192 + i, 0)));
		}
		a = its_translate(w->its, device, event);
		b = its_translate(none->its, device, event);
		if (device == 5) continue; /* mapped by setup() only in w */
		cr_assert(eq(int, a.drop, b.drop));
		cr_assert(eq(u32, a.intid, b.intid));
	}
	cr_assert(eq(u64, its_stats(none->its)->cache_hits[ITS_EVENTS], 0));
	cr_assert(lt(u64, 0, its_stats(w->its)->cache_hits[ITS_EVENTS]));
	its_world_free(none);
}
