/* Software may write anything anywhere: registers, commands and tables of random bits break no invariant. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/rng.h"
#include "its_world.h"

enum { STEPS = 20000 };
static struct its_world *w;
static struct rng r;

/* Few bits or many; seldom all. */
static uint64_t bits(void)
{
	switch (rng_below(&r, 5)) {
	case 0: return rng_next(&r);
	case 1: return rng_next(&r) & rng_next(&r) & rng_next(&r);
	case 2: return UINT64_C(1) << rng_below(&r, 64);
	case 3: return UINT64_MAX - rng_below(&r, 3);
	default: return rng_below(&r, 70000);
	}
}

/* Mostly where tables are, so that they are read again. */
static struct pa somewhere(void)
{
	static const uint64_t tables[] = {0x100000, 0x200000,   0x300000,   0x400000,
					  0x10000,  0x20000000, 0x30000000, 0x100000000};
	return (struct pa){tables[rng_below(&r, 8)] + rng_below(&r, 64) * 8};
}

static void garble_its(void)
{
	static const unsigned offsets[] = {0x0,   0x4,   0x8,   0x80,  0x88,  0x90,   0x100,
					   0x108, 0x110, 0x118, 0x138, 0x140, 0xffe8, 0x20020};
	unsigned offset = offsets[rng_below(&r, 14)];
	uint64_t value;
	its_write(w->its, offset, rng_below(&r, 2) ? 8 : 4, bits());
	its_read(w->its, offset + (unsigned)rng_below(&r, 8), 4, &value);
}

static void garble_redist(void)
{
	static const unsigned offsets[] = {0x40, 0x48, 0x70, 0x74, 0x78, 0x7c, 0xa0, 0xb0, 0xc0};
	unsigned i = (unsigned)rng_below(&r, WORLD_REDISTS), offset = offsets[rng_below(&r, 9)];
	lpi_write(w->lpi[i], offset, rng_below(&r, 2) ? 8 : 4, bits());
	if (!rng_below(&r, 4)) lpi_enable(w->lpi[i], rng_below(&r, 2));
	lpi_acknowledge(w->lpi[i], lpi_best(w->lpi[i]).intid);
}

static void garble_vpe(void)
{
	unsigned i = (unsigned)rng_below(&r, WORLD_REDISTS);
	static const unsigned offsets[] = {0x70, 0x78, 0x78, 0x78, 0x80, 0x88};
	if (!w->vpe[i]) return;
	vpe_write(w->vpe[i], offsets[rng_below(&r, 6)], rng_below(&r, 2) ? 8 : 4, bits());
	if (rng_below(&r, 2)) vpe_settle(w->vpe[i]);
	vpe_write_invalidate(w->vpe[i], bits(), rng_below(&r, 2));
	vpe_acknowledge(w->vpe[i], vpe_best(w->vpe[i]).intid);
}

static void garble(void)
{
	static const uint8_t opcodes[] = {1,  3,    4,    5,    8,    9,    10,   11,   12,   13,   14,
					  15, 0x21, 0x22, 0x23, 0x25, 0x29, 0x2a, 0x2b, 0x2d, 0x2e, 7};
	switch (rng_below(&r, 8)) {
	case 0: physmem_write64(w->mem, somewhere(), bits()); break;
	case 1: garble_its(); break;
	case 2: garble_redist(); break;
	case 3: garble_vpe(); break;
	case 4: its_translate(w->its, (uint32_t)rng_below(&r, 20), (uint32_t)rng_below(&r, 20)); break;
	case 5: its_translate(w->its, (uint32_t)bits(), (uint32_t)bits()); break;
	case 6: world_its_set(w, 0, 1); break;
	default:
		cmd(w, (bits() & ~UINT64_C(0xff)) | opcodes[rng_below(&r, 22)], bits(), bits(), bits());
		its_drain(w->its);
	}
}

Test(its_garbage, registers_commands_and_tables_of_random_bits_break_nothing)
{
	static const int versions[] = {WORLD_V3, WORLD_V40, WORLD_V41};
	for (unsigned i = 0; i < 6; i++) {
		struct its_params p = its_world_params(versions[i % 3]);
		p.stall = i % 2;
		p.pta = i == 5;
		rng_init(&r, i, "test.its.garbage");
		w = its_world_new_with(versions[i % 3], &p, true);
		for (unsigned k = 0; k < STEPS; k++) {
			garble();
			if (k % 16 == 0) cr_assert(eq(ptr, (void *)its_world_check(w), NULL));
		}
		its_world_free(w);
	}
}
