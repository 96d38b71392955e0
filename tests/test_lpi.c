/* Physical LPIs of a redistributor: IHI 0069, 5.1 and 12.11. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/rng.h"
#include "gic/lpi.h"
#include "its_world.h"

enum {
	PROPBASER = 0x70,
	PENDBASER = 0x78,
	SETLPIR = 0x40,
	CLRLPIR = 0x48,
	INVLPIR = 0xa0,
	INVALLR = 0xb0,
	SYNCR = 0xc0
};

static struct its_world *w;
static struct lpi *lpi; /* redistributor 0 */

static void setup(void)
{
	w = its_world_new(WORLD_V3);
	lpi = w->lpi[0];
}
static void teardown(void)
{
	cr_expect(eq(ptr, (void *)its_world_check(w), NULL));
	its_world_free(w);
}
TestSuite(lpi, .init = setup, .fini = teardown);

static uint32_t best(struct lpi *l)
{
	struct lpi_offer o = lpi_best(l);
	return o.any ? o.intid : 0;
}

Test(lpi, is_offered_when_pending_and_enabled_and_not_otherwise)
{
	world_configure(w, 8200, 0xa0, false);
	cr_assert(lpi_set_pending(lpi, 8200));
	cr_assert(not(lpi_best(lpi).any));
	world_configure(w, 8200, 0xa0, true);
	lpi_invalidate(lpi, 8200);
	cr_assert(eq(u32, best(lpi), 8200));
	cr_assert(eq(u8, lpi_best(lpi).priority, 0xa0));
	lpi_clear_pending(lpi, 8200);
	cr_assert(not(lpi_best(lpi).any));
}

Test(lpi, of_lower_priority_value_comes_first_then_the_lower_intid)
{
	world_configure(w, 8200, 0xa0, true);
	world_configure(w, 8300, 0x40, true);
	world_configure(w, 8201, 0xa0, true);
	lpi_set_pending(lpi, 8201);
	lpi_set_pending(lpi, 8300);
	lpi_set_pending(lpi, 8200);
	cr_assert(eq(u32, best(lpi), 8300));
	lpi_acknowledge(lpi, 8300);
	cr_assert(eq(u32, best(lpi), 8200));
	lpi_acknowledge(lpi, 8200);
	cr_assert(eq(u32, best(lpi), 8201));
}

Test(lpi, acknowledge_clears_pending_because_there_is_no_active_state)
{
	world_configure(w, 8192, 0, true);
	lpi_set_pending(lpi, 8192);
	lpi_acknowledge(lpi, 8192);
	cr_assert(not(lpi_is_pending(lpi, 8192)));
	lpi_set_pending(lpi, 8192); /* again, at once */
	cr_assert(eq(u32, best(lpi), 8192));
}

Test(lpi, made_pending_twice_is_pending_once)
{
	world_configure(w, 8192, 0, true);
	lpi_set_pending(lpi, 8192);
	lpi_set_pending(lpi, 8192);
	lpi_acknowledge(lpi, 8192);
	cr_assert(not(lpi_best(lpi).any));
	cr_assert(eq(u64, lpi_stats(lpi)->merged, 1));
	cr_assert(eq(u64, lpi_stats(lpi)->pended, 1));
}

Test(lpi, bits_1_and_0_are_not_part_of_the_priority)
{
	world_write8(w, world_config(8192), 0xff);
	lpi_set_pending(lpi, 8192);
	cr_assert(eq(u8, lpi_best(lpi).priority, 0xfc));
}

Test(lpi, configuration_change_shows_only_after_inv)
{
	world_configure(w, 8192, 0x80, true);
	lpi_set_pending(lpi, 8192);
	lpi_acknowledge(lpi, 8192);
	world_configure(w, 8192, 0x20, true);
	lpi_set_pending(lpi, 8192);
	cr_assert(eq(u8, lpi_best(lpi).priority, 0x80)); /* cached */
	lpi_invalidate(lpi, 8192);
	cr_assert(eq(u8, lpi_best(lpi).priority, 0x20));
}

Test(lpi, inv_concerns_one_intid_and_invall_all)
{
	for (uint32_t i = 8192; i < 8195; i++) {
		world_configure(w, i, 0x80, true);
		lpi_set_pending(lpi, i);
		world_configure(w, i, 0x80, false);
	}
	lpi_invalidate(lpi, 8192);
	cr_assert(eq(u32, best(lpi), 8193));
	lpi_invalidate_all(lpi);
	cr_assert(not(lpi_best(lpi).any));
}

Test(lpi, invall_also_concerns_what_is_cached_and_not_pending)
{
	world_configure(w, 8192, 0x80, true);
	lpi_set_pending(lpi, 8192);
	lpi_acknowledge(lpi, 8192);
	world_configure(w, 8192, 0x80, false);
	lpi_invalidate_all(lpi);
	lpi_set_pending(lpi, 8192);
	cr_assert(not(lpi_best(lpi).any));
}

Test(lpi, inv_of_a_pending_lpi_moves_it_to_its_new_priority)
{
	world_configure(w, 8192, 0x80, true);
	world_configure(w, 8193, 0x40, true);
	lpi_set_pending(lpi, 8192);
	lpi_set_pending(lpi, 8193);
	world_configure(w, 8192, 0x00, true);
	lpi_invalidate(lpi, 8192);
	cr_assert(eq(u32, best(lpi), 8192));
	world_configure(w, 8192, 0xf8, true);
	lpi_invalidate(lpi, 8192);
	cr_assert(eq(u32, best(lpi), 8193));
}

Test(lpi, out_of_the_table_is_ignored)
{
	cr_assert(not(lpi_set_pending(lpi, 8191)));
	cr_assert(not(lpi_set_pending(lpi, 0)));
	cr_assert(not(lpi_set_pending(lpi, 1 << 16)));
	cr_assert(lpi_set_pending(lpi, (1 << 16) - 1));
	cr_assert(eq(u64, lpi_stats(lpi)->dropped, 3));
}

Test(lpi, idbits_of_propbaser_limit_the_range_and_gicd_typer_limits_idbits)
{
	struct lpi_params p = {.id_bits = 15};
	struct lpi *l = lpi_new(&p, w->mem);
	lpi_write(l, PROPBASER, 8, world_config(WORLD_LPI) | 13); /* 14 bits */
	lpi_write(l, PENDBASER, 8, world_pending_table(5));
	lpi_enable(l, true);
	cr_assert(lpi_set_pending(l, (1 << 14) - 1));
	cr_assert(not(lpi_set_pending(l, 1 << 14)));
	lpi_enable(l, false);
	lpi_write(l, PROPBASER, 8, world_config(WORLD_LPI) | 31); /* 32 bits: as many as there are */
	lpi_enable(l, true);
	cr_assert(lpi_set_pending(l, (1 << 15) - 1));
	cr_assert(not(lpi_set_pending(l, 1 << 15)));
	lpi_free(l);
}

Test(lpi, fewer_than_14_idbits_hold_no_lpi)
{
	struct lpi_params p = {.id_bits = 16};
	struct lpi *l = lpi_new(&p, w->mem);
	lpi_write(l, PROPBASER, 8, 12); /* 13 bits: 8192 INTIDs, none of them an LPI */
	lpi_enable(l, true);
	cr_assert(not(lpi_set_pending(l, 8192)));
	lpi_free(l);
}

Test(lpi, while_disabled_everything_is_ignored)
{
	lpi_enable(lpi, false);
	world_configure(w, 8192, 0, true);
	cr_assert(not(lpi_set_pending(lpi, 8192)));
	lpi_enable(lpi, true);
	cr_assert(not(lpi_best(lpi).any));
}

Test(lpi, enabling_reads_the_pending_table)
{
	lpi_enable(lpi, false);
	world_configure(w, 9000, 0x10, true);
	physmem_write64(w->mem, (struct pa){world_pending_table(0) + 9000 / 64 * 8},
			UINT64_C(1) << 9000 % 64);
	lpi_enable(lpi, true);
	cr_assert(eq(u32, best(lpi), 9000));
	cr_assert(eq(u8, lpi_best(lpi).priority, 0x10));
}

Test(lpi, enabling_finds_the_first_word_behind_pages_that_were_never_written)
{
	lpi_enable(lpi, false);
	physmem_write64(w->mem, (struct pa){world_pending_table(0) + 4096},
			1); /* the second page begins with INTID 32768 */
	lpi_enable(lpi, true);
	cr_assert(lpi_is_pending(lpi, 32768));
	cr_assert(eq(u64, lpi_stats(lpi)->words_loaded, 1));
}

Test(lpi, enabling_reads_no_intid_below_8192)
{
	lpi_enable(lpi, false);
	for (unsigned i = 0; i < 128; i++)
		physmem_write64(w->mem, (struct pa){world_pending_table(0) + 8 * i}, UINT64_MAX);
	lpi_enable(lpi, true);
	cr_assert(eq(u64, lpi_stats(lpi)->words_loaded, 0));
}

Test(lpi, ptz_says_that_the_pending_table_is_zero)
{
	lpi_enable(lpi, false);
	world_configure(w, 9000, 0x10, true);
	physmem_write64(w->mem, (struct pa){world_pending_table(0) + 9000 / 64 * 8},
			UINT64_C(1) << 9000 % 64);
	lpi_write(lpi, PENDBASER, 8, world_pending_table(0) | UINT64_C(1) << 62);
	lpi_enable(lpi, true);
	cr_assert(not(lpi_best(lpi).any));
}

Test(lpi, ptz_reads_as_zero_and_survives_a_write_of_the_other_half)
{
	uint64_t value;
	lpi_enable(lpi, false);
	lpi_write(lpi, PENDBASER + 4, 4, 1u << 30);
	lpi_write(lpi, PENDBASER, 4, (uint32_t)world_pending_table(0));
	lpi_read(lpi, PENDBASER, 8, &value);
	cr_assert(eq(u64, value, world_pending_table(0)));
	physmem_write64(w->mem, (struct pa){world_pending_table(0) + 9000 / 64 * 8},
			UINT64_C(1) << 9000 % 64);
	lpi_enable(lpi, true);
	cr_assert(not(lpi_is_pending(lpi, 9000)));
}

Test(lpi, disabling_writes_the_pending_table_back)
{
	lpi_set_pending(lpi, 8192);
	lpi_set_pending(lpi, 40000);
	cr_assert(not(world_memory_pending(w, world_pending_table(0), 40000)));
	lpi_enable(lpi, false);
	cr_assert(world_memory_pending(w, world_pending_table(0), 8192));
	cr_assert(world_memory_pending(w, world_pending_table(0), 40000));
	lpi_enable(lpi, true);
	lpi_acknowledge(lpi, 40000);
	lpi_enable(lpi, false);
	cr_assert(not(world_memory_pending(w, world_pending_table(0), 40000)));
	cr_assert(world_memory_pending(w, world_pending_table(0), 8192));
}

Test(lpi, table_registers_are_locked_while_enabled)
{
	uint64_t before, after;
	lpi_read(lpi, PROPBASER, 8, &before);
	lpi_write(lpi, PROPBASER, 8, 0x12345000);
	lpi_read(lpi, PROPBASER, 8, &after);
	cr_assert(eq(u64, after, before));
	lpi_enable(lpi, false);
	lpi_write(lpi, PROPBASER, 8, 0x12345000);
	lpi_read(lpi, PROPBASER, 8, &after);
	cr_assert(eq(u64, after, 0x12345000));
}

Test(lpi, setlpir_and_clrlpir_exist_with_direct_lpis_only)
{
	struct lpi_params p = {.id_bits = 16, .direct = true};
	struct lpi *l = lpi_new(&p, w->mem);
	uint64_t value;
	cr_assert(not(lpi_write(lpi, SETLPIR, 8, 8192)));
	lpi_write(l, PROPBASER, 8, world_config(WORLD_LPI) | 15);
	lpi_write(l, PENDBASER, 8, world_pending_table(5));
	lpi_enable(l, true);
	cr_assert(lpi_write(l, SETLPIR, 8, 8192));
	cr_assert(lpi_is_pending(l, 8192));
	cr_assert(lpi_write(l, CLRLPIR, 8, 8192));
	cr_assert(not(lpi_is_pending(l, 8192)));
	cr_assert(lpi_read(l, SETLPIR, 8, &value)); /* write-only */
	cr_assert(eq(u64, value, 0));
	lpi_free(l);
}

Test(lpi, invlpir_and_invallr_do_as_the_commands)
{
	uint64_t busy = 1;
	world_configure(w, 8192, 0x80, true);
	world_configure(w, 8193, 0x80, true);
	lpi_set_pending(lpi, 8192);
	lpi_set_pending(lpi, 8193);
	world_configure(w, 8192, 0x80, false);
	world_configure(w, 8193, 0x80, false);
	lpi_write(lpi, INVLPIR, 8, 8192);
	cr_assert(eq(u32, best(lpi), 8193));
	lpi_write(lpi, INVALLR, 8, 0);
	cr_assert(not(lpi_best(lpi).any));
	cr_assert(lpi_read(lpi, SYNCR, 4, &busy));
	cr_assert(eq(u64, busy, 0));
}

Test(lpi, registers_take_aligned_halves_and_nothing_else)
{
	uint64_t value;
	lpi_enable(lpi, false);
	lpi_write(lpi, PROPBASER, 8, UINT64_C(0xabcd12345000) | 15);
	cr_assert(lpi_read(lpi, PROPBASER + 4, 4, &value));
	cr_assert(eq(u64, value, 0xabcd));
	cr_assert(not(lpi_read(lpi, PROPBASER + 2, 4, &value)));
	cr_assert(not(lpi_read(lpi, PROPBASER, 2, &value)));
	cr_assert(not(lpi_read(lpi, SYNCR, 8, &value)));
}

Test(lpi, moves_with_its_pending_state)
{
	world_configure(w, 8192, 0x80, true);
	lpi_set_pending(lpi, 8192);
	lpi_move(lpi, w->lpi[1], 8192);
	cr_assert(not(lpi_is_pending(lpi, 8192)));
	cr_assert(eq(u32, best(w->lpi[1]), 8192));
	lpi_move(lpi, w->lpi[2], 8192); /* nothing pending: nothing moves */
	cr_assert(not(lpi_is_pending(w->lpi[2], 8192)));
}

Test(lpi, is_lost_when_moved_to_a_redistributor_with_lpis_disabled)
{
	lpi_set_pending(lpi, 8192);
	lpi_enable(w->lpi[1], false);
	lpi_move(lpi, w->lpi[1], 8192);
	cr_assert(not(lpi_is_pending(lpi, 8192)));
	lpi_enable(w->lpi[1], true);
	cr_assert(not(lpi_is_pending(w->lpi[1], 8192)));
}

static unsigned changes;
static void changed(void *self) { changes += self == lpi; }

Test(lpi, tells_of_every_change_of_what_is_offered)
{
	world_configure(w, 8192, 0x80, true);
	lpi_on_change(lpi, changed, lpi);
	lpi_set_pending(lpi, 8192);
	cr_assert(eq(uint, changes, 1));
	lpi_acknowledge(lpi, 8192);
	cr_assert(eq(uint, changes, 2));
	lpi_acknowledge(lpi, 8192); /* was not pending */
	cr_assert(eq(uint, changes, 2));
	lpi_enable(lpi, false);
	cr_assert(eq(uint, changes, 3));
}

/* The naive model: arrays over the whole range. */
enum { RANGE = 200 };
static struct {
	bool pending[RANGE];
	uint8_t memory[RANGE], cached[RANGE];
	bool known[RANGE]; /* cached is what the redistributor read */
} model;

static uint32_t model_best(void)
{
	uint32_t found = 0;
	unsigned least = 0x100;
	for (unsigned i = 0; i < RANGE; i++) {
		if (!model.pending[i] || !(model.cached[i] & 1) || (model.cached[i] & 0xfc) >= least)
			continue;
		least = model.cached[i] & 0xfc;
		found = 8192 + i;
	}
	return found;
}

static void model_read(unsigned i)
{
	if (!model.known[i]) model.cached[i] = model.memory[i];
	model.known[i] = true;
}

static void random_step(struct rng *r, unsigned i)
{
	uint32_t intid = 8192 + i;
	switch (rng_below(r, 8)) {
	case 0:
	case 1:
	case 2:
		lpi_set_pending(lpi, intid);
		model_read(i);
		model.pending[i] = true;
		break;
	case 3:
		lpi_clear_pending(lpi, intid);
		model.pending[i] = false;
		break;
	case 4:
		model.memory[i] = (uint8_t)rng_next(r);
		world_write8(w, world_config(intid), model.memory[i]);
		break;
	case 5:
		lpi_invalidate(lpi, intid);
		model.known[i] = false;
		if (model.pending[i]) model_read(i);
		break;
	case 6:
		if (rng_below(r, 20)) break;
		lpi_invalidate_all(lpi);
		for (unsigned k = 0; k < RANGE; k++) {
			model.known[k] = false;
			if (model.pending[k]) model_read(k);
		}
		break;
	default:
		if (!model_best()) break;
		model.pending[model_best() - 8192] = false;
		lpi_acknowledge(lpi, lpi_best(lpi).intid);
	}
}

Test(lpi, random_operations_agree_with_a_naive_model)
{
	struct rng r;
	rng_init(&r, 1, "test.lpi");
	for (unsigned step = 0; step < 50000; step++) {
		random_step(&r, (unsigned)rng_below(&r, RANGE));
		cr_assert(eq(u32, best(lpi), model_best()));
		if (step % 64 == 0) cr_assert(eq(ptr, (void *)lpi_check(lpi), NULL));
	}
	for (unsigned i = 0; i < RANGE; i++)
		cr_assert(eq(int, lpi_is_pending(lpi, 8192 + i), model.pending[i]));
}
