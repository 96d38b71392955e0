/* test_lanes.c - base/lanes.h: many values at a time, against one at a time. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/lanes.h"
#include "base/rng.h"

enum { COUNT_MAX = 8 * LANES_U16, VALUES = 24 };

static unsigned naive_equal(const uint16_t *row, unsigned count, uint16_t value)
{
	unsigned found = 0;
	for (unsigned i = 0; i < count; i++) found |= (unsigned)(row[i] == value) << i;
	return found;
}

Test(lanes, equal_values_are_those_of_a_loop)
{
	uint16_t row[COUNT_MAX];
	struct rng r;
	rng_init(&r, 1, "lanes");
	for (unsigned step = 0; step < 2000; step++) {
		uint16_t value = (uint16_t)(0xfff0 + rng_below(&r, VALUES));
		for (unsigned i = 0; i < COUNT_MAX; i++) row[i] = (uint16_t)(0xfff0 + rng_below(&r, VALUES));
		cr_assert(eq(uint, lanes_equal_u16(row, value), naive_equal(row, LANES_U16, value)));
		cr_assert(eq(uint, lanes_equal_2u16(row, value), naive_equal(row, 2 * LANES_U16, value)));
	}
}

Test(lanes, equal_words_are_those_of_a_loop)
{
	uint32_t row[4 * LANES_U32];
	struct rng r;
	rng_init(&r, 2, "lanes");
	for (unsigned step = 0; step < 2000; step++) {
		uint32_t value = (uint32_t)(0xfffffff0 + rng_below(&r, VALUES));
		unsigned equal = 0;
		for (unsigned i = 0; i < 4 * LANES_U32; i++) {
			row[i] = (uint32_t)(0xfffffff0 + rng_below(&r, VALUES));
			equal |= (unsigned)(row[i] == value) << i;
		}
		cr_assert(eq(uint, lanes_equal_4u32(row, value), equal));
		cr_assert(eq(uint, lanes_equal_u32(row, value), equal & 0xf));
	}
}

Test(lanes, any_is_whether_a_loop_finds_one)
{
	_Alignas(16) uint16_t row[COUNT_MAX] = {0};
	for (unsigned count = 2 * LANES_U16; count <= COUNT_MAX; count += 2 * LANES_U16) {
		cr_assert(not(lanes_any_u16(row, count, 0x8001)));
		for (unsigned i = 0; i < COUNT_MAX; i++) {
			row[i] = 0x8001;
			cr_assert(eq(int, lanes_any_u16(row, count, 0x8001), i < count), "%u of %u", i,
				  count);
			cr_assert(not(lanes_any_u16(row, count, 0x8000)));
			row[i] = 0;
		}
	}
}
