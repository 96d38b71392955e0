/* The ITS: registers, tables in memory, and what it caches of them. IHI 0069, 5.2, 12.19. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "base/rng.h"
#include "its_suites.h"

/* --- tables -------------------------------------------------------------------------------------------------------------- */

Test(its, registers_say_what_it_can)
{
	uint64_t typer = world_its_get(world, TYPER);
	cr_expect(eq(u64, typer & 3, 1));             /* physical, not virtual */
	cr_expect(eq(u64, typer >> 4 & 15, 7));       /* 8 bytes per ITE */
	cr_expect(eq(u64, typer >> 8 & 31, 11));      /* 12 event bits */
	cr_expect(eq(u64, typer >> 13 & 31, 15));     /* 16 device bits */
	cr_expect(eq(u64, typer >> 32 & 31, 16 | 7)); /* CIL, 8 collection bits */
	cr_expect(eq(u64, world_its_get(world, BASER0) >> 56 & 7, 1));
	cr_expect(eq(u64, world_its_get(world, BASER1) >> 56 & 7, 4));
	cr_expect(eq(u64, world_its_get(world, BASER2), 0)); /* no vPEs */
	cr_expect(eq(u64, world_its_get(world, BASER0) >> 48 & 31, 7));
	cr_expect(eq(u64, world_its_get(world, 0xffe8), 0x30));
}

Test(its, registers_keep_the_attributes_that_a_driver_reads_back)
{
	const uint64_t attributes = UINT64_C(7) << 59 | UINT64_C(7) << 53 | 3 << 10;
	world_its_set(world, CTLR, 0);
	world_its_set(world, CBASER, VALID | attributes | 0x10000);
	world_its_set(world, BASER0, VALID | attributes | 0x100000);
	cr_assert(eq(u64, world_its_get(world, CBASER), VALID | attributes | 0x10000));
	cr_assert(eq(u64, world_its_get(world, BASER0),
		     VALID | attributes | 0x100000 | UINT64_C(1) << 56 | UINT64_C(7) << 48));
}

Test(its, quiescent_when_disabled)
{
	cr_assert(eq(u64, world_its_get(world, CTLR), 1));
	world_its_set(world, CTLR, 0);
	cr_assert(eq(u64, world_its_get(world, CTLR), UINT64_C(1) << 31));
}

Test(its, type_and_entry_size_of_baser_cannot_be_written_nor_anything_while_enabled)
{
	uint64_t before = world_its_get(world, BASER0);
	world_its_set(world, BASER0, VALID | 0x500000);
	cr_assert(eq(u64, world_its_get(world, BASER0), before));
	world_its_set(world, CTLR, 0);
	world_its_set(world, BASER0, UINT64_MAX);
	cr_assert(eq(u64, world_its_get(world, BASER0) >> 56 & 7, 1));
	cr_assert(eq(u64, world_its_get(world, BASER0) >> 48 & 31, 7));
}

static void reprogram(uint64_t baser0)
{
	world_its_set(world, CTLR, 0);
	world_its_set(world, BASER0, baser0);
	world_its_set(world, CTLR, 1);
}

Test(its, flat_device_table_ends_with_its_pages)
{
	reprogram(VALID | 0x800000); /* one page of 512 devices */
	cr_assert(eq(u32, cmd_mapd(world, 511, 4, true), 0));
	cr_assert(eq(u32, cmd_mapd(world, 512, 4, true), 0x010801));
	reprogram(VALID | 0x800000 | 2 << 8 | 1); /* two of 64 KiB */
	cr_assert(eq(u32, cmd_mapd(world, 16383, 4, true), 0));
	cr_assert(eq(u32, cmd_mapd(world, 16384, 4, true), 0x010801));
}

Test(its, pages_of_64k_have_address_bits_51_to_48_in_15_to_12)
{
	reprogram(VALID | 0x800000 | 0x3000 | 2 << 8);
	cr_assert(eq(u32, cmd_mapd(world, 1, 4, true), 0));
	cr_assert(ne(u64, physmem_read64(world->mem, (struct pa){(UINT64_C(3) << 48) + 0x800000 + 8}), 0));
}

Test(its, without_a_valid_device_table_every_device_is_out_of_range)
{
	reprogram(0x800000);
	cr_assert(eq(u32, cmd_mapd(world, 0, 4, true), 0x010801));
	cr_assert(eq(int, its_translate(world->its, 0, 0).drop, ITS_DROP_DEVICE_RANGE));
}

Test(its, two_level_device_table_goes_through_pages_of_level_2)
{
	const uint64_t level1 = 0x800000, level2 = 0x900000, device = 512 * 3 + 7;
	reprogram(VALID | UINT64_C(1) << 62 | level1);
	cr_assert(eq(u32, cmd_mapd(world, device, 4, true), 0x010801)); /* no page of level 2 yet */
	cr_assert(eq(int, its_translate(world->its, device, 0).drop, ITS_DROP_DEVICE_UNMAPPED));
	physmem_write64(world->mem, (struct pa){level1 + 3 * 8}, VALID | level2);
	cr_assert(eq(u32, cmd_mapd(world, device, 4, true), 0));
	cr_assert(ne(u64, physmem_read64(world->mem, (struct pa){level2 + 7 * 8}), 0));
	cr_assert(eq(u32, cmd_mapti(world, device, 2, 8250, 0), 0));
	cr_assert(eq(u32, its_translate(world->its, device, 2).intid, 8250));
	cr_assert(eq(u32, cmd_mapd(world, 512 * 4, 4, true), 0x010801)); /* its level 1 entry is not valid */
	cr_assert(eq(u32, cmd_mapd(world, 1 << 16, 4, true), 0x010801));
}

Test(its, entries_are_in_memory_and_found_there_by_another_its)
{
	struct its_params p = its_world_params(WORLD_V3);
	struct its_redist redist = {world->lpi[0], NULL, 0, 0}, all[WORLD_REDISTS];
	for (unsigned i = 0; i < WORLD_REDISTS; i++) all[i] = (struct its_redist){world->lpi[i], NULL, 0, 0};
	struct its *other = its_new(&p, world->mem, all, WORLD_REDISTS);
	its_write(other, BASER0, 8, world_its_get(world, BASER0));
	its_write(other, BASER1, 8, world_its_get(world, BASER1));
	its_write(other, CTLR, 4, 1);
	struct its_delivery d = its_translate(other, 5, 1);
	cr_assert(eq(u32, d.intid, 8193));
	cr_assert(eq(uint, d.redist, 1));
	its_free(other);
	other = its_new(&p, world->mem, &redist,
			1); /* a table that names a redistributor that this one does not have */
	its_write(other, BASER0, 8, world_its_get(world, BASER0));
	its_write(other, BASER1, 8, world_its_get(world, BASER1));
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
	world_its_set(world, CTLR, 0);
	world_its_set(world, BASER0, world_its_get(world, BASER0)); /* a new table: caches are empty */
	world_its_set(world, CTLR, 1);
	its_on_read(world->its, note, NULL);
	struct its_delivery d = its_translate(world->its, 5, 1);
	cr_assert(eq(uint, reads.count, 3));
	cr_expect(eq(int, reads.table[0], ITS_DEVICES));
	cr_expect(eq(u64, reads.at[0], 0x100000 + 5 * 8));
	cr_expect(eq(int, reads.table[1], ITS_EVENTS));
	cr_expect(eq(u64, reads.at[1], world_itt(5) + 8));
	cr_expect(eq(int, reads.table[2], ITS_COLLECTIONS));
	cr_expect(eq(u64, reads.at[2], 0x200000));
	cr_expect(eq(u8, d.reads[ITS_DEVICES], 1));
	d = its_translate(world->its, 5, 1);
	cr_assert(eq(uint, reads.count, 3));
	cr_expect(eq(u8, d.reads[ITS_DEVICES] + d.reads[ITS_EVENTS] + d.reads[ITS_COLLECTIONS], 0));
}

Test(its, commands_take_what_they_change_out_of_the_caches)
{
	its_translate(world->its, 5, 1);
	cmd_mapc(world, 0, 2, true);
	cr_expect(eq(u8, its_translate(world->its, 5, 1).reads[ITS_COLLECTIONS], 1));
	cmd_mapti(world, 5, 1, 8194, 0);
	cr_expect(eq(u8, its_translate(world->its, 5, 1).reads[ITS_EVENTS], 1));
	cmd_mapd(world, 5, 4, true);
	struct its_delivery d = its_translate(world->its, 5, 1);
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
			cr_assert(eq(u32, cmd_mapd(world, device, 3, true), cmd_mapd(none, device, 3, true)));
			cr_assert(eq(u32, cmd_mapti(world, device, event, 8192 + i, 0),
				     cmd_mapti(none, device, event, 8192 + i, 0)));
		}
		a = its_translate(world->its, device, event);
		b = its_translate(none->its, device, event);
		if (device == 5) continue; /* mapped by setup() only in world */
		cr_assert(eq(int, a.drop, b.drop));
		cr_assert(eq(u32, a.intid, b.intid));
	}
	cr_assert(eq(u64, its_stats(none->its)->cache_hits[ITS_EVENTS], 0));
	cr_assert(lt(u64, 0, its_stats(world->its)->cache_hits[ITS_EVENTS]));
	its_world_free(none);
}
