/* Errors of the ITS's physical commands. IHI 0069, 5.3. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "its_suites.h"

Test(its, device_out_of_range_is_an_error_of_every_command_that_names_one)
{
	static const enum its_command commands[] = {ITS_INT, ITS_CLEAR, ITS_DISCARD, ITS_INV};
	uint32_t far = 1 << 16;
	for (unsigned i = 0; i < 4; i++)
		cr_expect(eq(u32, cmd_event(world, commands[i], far, 0),
			     its_suite_error(commands[i], ITS_DEVICE_OOR)));
	cr_expect(eq(u32, cmd_mapd(world, far, 4, true), 0x010801));
	cr_expect(eq(u32, cmd_mapti(world, far, 0, 8192, 0), 0x010a01));
	cr_expect(eq(u32, cmd_mapi(world, far, 0, 0), 0x010b01));
	cr_expect(eq(u32, cmd_movi(world, far, 0, 0), 0x010101));
}

Test(its, unmapped_device_is_an_error_of_every_command_about_an_event)
{
	static const enum its_command commands[] = {ITS_INT, ITS_CLEAR, ITS_DISCARD, ITS_INV};
	for (unsigned i = 0; i < 4; i++)
		cr_expect(eq(u32, cmd_event(world, commands[i], 6, 0),
			     its_suite_error(commands[i], ITS_UNMAPPED_DEVICE)));
	cr_expect(eq(u32, cmd_mapti(world, 6, 0, 8192, 0), 0x010a04));
	cr_expect(eq(u32, cmd_movi(world, 6, 0, 0), 0x010104));
}

Test(its, event_out_of_the_devices_range_is_an_error)
{
	cr_expect(eq(u32, cmd_mapti(world, 5, 16, 8200, 0), 0x010a05));
	cr_expect(eq(u32, cmd_mapti(world, 5, 15, 8200, 0), 0));
	cr_expect(eq(u32, cmd_event(world, ITS_INT, 5, 16), 0x010305));
	cr_expect(eq(u32, cmd_event(world, ITS_CLEAR, 5, 16), 0x010505));
	cr_expect(eq(u32, cmd_event(world, ITS_INV, 5, 16), 0x010c05));
	cr_expect(eq(u32, cmd_event(world, ITS_DISCARD, 5, 16), 0x010f05));
	cr_expect(eq(u32, cmd_movi(world, 5, 16, 0), 0x010105));
}

Test(its, unmapped_event_is_an_error)
{
	cr_expect(eq(u32, cmd_event(world, ITS_INT, 5, 2), 0x010307));
	cr_expect(eq(u32, cmd_event(world, ITS_CLEAR, 5, 2), 0x010507));
	cr_expect(eq(u32, cmd_event(world, ITS_INV, 5, 2), 0x010c07));
	cr_expect(eq(u32, cmd_event(world, ITS_DISCARD, 5, 2), 0x010f07));
	cr_expect(eq(u32, cmd_movi(world, 5, 2, 0), 0x010107));
}

Test(its, collection_out_of_range_is_an_error)
{
	cr_expect(eq(u32, cmd_mapc(world, 256, 0, true), 0x010903));
	cr_expect(eq(u32, cmd_mapc(world, 255, 0, true), 0));
	cr_expect(eq(u32, cmd_mapti(world, 5, 0, 8192, 256), 0x010a03));
	cr_expect(eq(u32, cmd_movi(world, 5, 0, 256), 0x010103));
	cr_expect(eq(u32, cmd_invall(world, 256), 0x010d03));
}

Test(its, unmapped_collection_is_an_error)
{
	cr_expect(eq(u32, cmd_invall(world, 9), 0x010d09));
	cr_expect(eq(u32, cmd_movi(world, 5, 0, 9), 0x010109));
	cmd_mapti(world, 5, 2, 8200, 9);
	cmd_mapc(world, 1, 0, true);
	cr_expect(eq(u32, cmd_movi(world, 5, 2, 1), 0x010109)); /* the old one */
}

Test(its, event_of_an_unmapped_collection_is_an_invalid_ite)
{
	cmd_mapti(world, 5, 2, 8200, 9);
	cr_expect(eq(u32, cmd_event(world, ITS_INT, 5, 2), 0x010310));
	cr_expect(eq(u32, cmd_event(world, ITS_CLEAR, 5, 2), 0x010510));
	cr_expect(eq(u32, cmd_event(world, ITS_INV, 5, 2), 0x010c10));
	cr_expect(eq(u32, cmd_event(world, ITS_DISCARD, 5, 2), 0x010f10));
}

Test(its, mapti_of_a_number_that_is_no_lpi_is_an_error)
{
	cr_expect(eq(u32, cmd_mapti(world, 5, 2, 8191, 0), 0x010a06));
	cr_expect(eq(u32, cmd_mapti(world, 5, 2, 1 << 16, 0), 0x010a06));
	cr_expect(eq(u32, cmd_mapti(world, 5, 2, (1 << 16) - 1, 0), 0));
}

Test(its, mapd_with_more_events_than_id_bits_is_an_error)
{
	cr_expect(eq(u32, cmd_mapd(world, 7, 13, true), 0x010802));
	cr_expect(eq(u32, cmd_mapd(world, 7, 12, true), 0));
	cr_expect(eq(u32, cmd_mapd(world, 7, 13, false), 0)); /* unmapping has no size */
}

Test(its, redistributor_that_does_not_exist_is_an_error)
{
	cr_expect(eq(u32, cmd_mapc(world, 0, WORLD_REDISTS, true), 0x010902));
	cr_expect(eq(u32, cmd_movall(world, WORLD_REDISTS, 0), 0x010e01));
	cr_expect(eq(u32, cmd_movall(world, 0, WORLD_REDISTS), 0x010e01));
}

Test(its, command_with_an_error_changes_nothing)
{
	cmd_mapc(world, 0, WORLD_REDISTS, true);
	cmd_mapti(world, 5, 0, 5, 0);
	cmd_movi(world, 5, 0, 9);
	cmd_mapd(world, 5, 13, true);
	struct its_delivery d = its_translate(world->its, 5, 0);
	cr_assert(eq(int, d.drop, ITS_DROP_NONE));
	cr_assert(eq(uint, d.redist, 1));
	cr_assert(eq(u32, d.intid, 8192));
	cr_assert(eq(u64, its_stats(world->its)->errors, 4));
}

Test(its, unknown_and_gicv4_commands_are_errors_of_a_gicv3)
{
	cr_expect(eq(u32, cmd(world, 0x02, 0, 0, 0), 0x0102ff));
	cr_expect(eq(u32, cmd(world, 0x29, 0, 0, 0), 0x0129ff));
	cr_expect(eq(u32, cmd(world, 0xff, 0, 0, 0), 0x01ffff));
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
