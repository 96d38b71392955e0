/* lanes.h - comparing one value with a row of values, several at a time and without branches.
 *
 * Rows are padded to whole groups of 16 bytes. Depends on nothing. GCC's and Clang's vector types make it the same code on
 * every processor, but for gathering a bit per lane, which x86 has an instruction for.
 */
#ifndef BASE_LANES_H
#define BASE_LANES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { LANES_U32 = 4, LANES_U16 = 8 };

typedef uint64_t lanes_words __attribute__((vector_size(16)));
typedef uint32_t lanes_u32 __attribute__((vector_size(16)));
typedef uint16_t lanes_u16 __attribute__((vector_size(16)));
typedef int16_t lanes_i16 __attribute__((vector_size(16)));

/* Four numbers of 8 bytes, for loops that are compiled for processors with AVX2 and for those without. Functions of them are
 * always inlined: how a vector of 32 bytes is passed depends on the processor that one compiles for (hence -Wno-psabi). */
typedef uint64_t lanes_four_u64 __attribute__((vector_size(32)));
typedef double lanes_four __attribute__((vector_size(32)));
typedef int32_t lanes_four_i32 __attribute__((vector_size(16)));
#define LANES_INLINE static inline __attribute__((always_inline))

/* Bit i of the result: lane i of `lanes`, which is all ones or all zeros. */
static inline unsigned lanes_bits_u32(lanes_u32 lanes)
{
#ifdef __SSE2__
	return (unsigned)_mm_movemask_ps((__m128)lanes);
#else
	lanes_u32 bit = {1, 2, 4, 8};
	lanes_words words = (lanes_words)(lanes & bit);
	uint64_t both = words[0] | words[1];
	return (unsigned)(both | both >> 32) & 0xf;
#endif
}

static inline unsigned lanes_bits_u16(lanes_u16 lanes)
{
#ifdef __SSE2__
	return (unsigned)_mm_movemask_epi8(_mm_packs_epi16((__m128i)lanes, _mm_setzero_si128()));
#else
	lanes_u16 bit = {1, 2, 4, 8, 16, 32, 64, 128};
	lanes_words words = (lanes_words)(lanes & bit);
	uint64_t all = words[0] | words[1];
	all |= all >> 32;
	return (unsigned)(all | all >> 16) & 0xff;
#endif
}

/* Bit i is set where row[i] == value, for the LANES_U32 values of a group. */
static inline unsigned lanes_equal_u32(const uint32_t *row, uint32_t value)
{
	lanes_u32 have, want = {value, value, value, value};
	memcpy(&have, row, sizeof(have));
	return lanes_bits_u32((lanes_u32)(have == want));
}

/* The same for the values of four groups. */
static inline unsigned lanes_equal_4u32(const uint32_t *row, uint32_t value)
{
#ifdef __SSE2__
	const __m128i *group = (const __m128i *)(const void *)row, want = _mm_set1_epi32((int)value);
	__m128i first = _mm_cmpeq_epi32(want, _mm_loadu_si128(group)),
		second = _mm_cmpeq_epi32(want, _mm_loadu_si128(group + 1)),
		third = _mm_cmpeq_epi32(want, _mm_loadu_si128(group + 2)),
		fourth = _mm_cmpeq_epi32(want, _mm_loadu_si128(group + 3));
	__m128i low = _mm_packs_epi32(first, second), high = _mm_packs_epi32(third, fourth);
	return (unsigned)_mm_movemask_epi8(_mm_packs_epi16(low, high));
#else
	unsigned equal = 0;
	for (unsigned i = 0; i < 4 * LANES_U32; i += LANES_U32) equal |= lanes_equal_u32(row + i, value) << i;
	return equal;
#endif
}

/* Those of two groups, the bits of `low` first. */
static inline unsigned lanes_bits_2u16(lanes_u16 low, lanes_u16 high)
{
#ifdef __SSE2__
	return (unsigned)_mm_movemask_epi8(_mm_packs_epi16((__m128i)low, (__m128i)high));
#else
	return lanes_bits_u16(low) | lanes_bits_u16(high) << LANES_U16;
#endif
}

/* The same for twice LANES_U16 values. */
static inline unsigned lanes_equal_2u16(const uint16_t *row, uint16_t value)
{
	lanes_u16 low, high, want = {value, value, value, value, value, value, value, value};
	memcpy(&low, row, sizeof(low));
	memcpy(&high, row + LANES_U16, sizeof(high));
	return lanes_bits_2u16((lanes_u16)(low == want), (lanes_u16)(high == want));
}

/* Group `n` of a row that is aligned to 16 bytes. */
static inline lanes_i16 lanes_group_i16(const int16_t *row, unsigned n)
{
	lanes_i16 group;
	memcpy(&group, __builtin_assume_aligned(row + n * LANES_U16, 16), sizeof(group));
	return group;
}

static inline lanes_i16 lanes_all_i16(int16_t value)
{
	return (lanes_i16){value, value, value, value, value, value, value, value};
}

/* Lane by lane. */
static inline lanes_i16 lanes_less_i16(lanes_i16 a, lanes_i16 b)
{
#ifdef __SSE2__
	return (lanes_i16)_mm_min_epi16((__m128i)a, (__m128i)b);
#else
	lanes_i16 a_less = a < b;
	return (a & a_less) | (b & ~a_less);
#endif
}

/* Whether one of the `count` values from row[0] on, a multiple of 2 * LANES_U16 and not 0, is `value`. The row is aligned to 16 bytes. */
static inline bool lanes_any_u16(const uint16_t *row, unsigned count, uint16_t value)
{
	lanes_u16 low, high, any = {0}, want = {value, value, value, value, value, value, value, value};
	const uint16_t *end = row + count;
	do {
		memcpy(&low, __builtin_assume_aligned(row, 16), sizeof(low));
		memcpy(&high, __builtin_assume_aligned(row + LANES_U16, 16), sizeof(high));
		any |= (lanes_u16)(low == want) | (lanes_u16)(high == want);
		row += 2 * LANES_U16;
	} while (row != end);
#ifdef __SSE2__
	return _mm_movemask_epi8((__m128i)any);
#else
	lanes_words words = (lanes_words)any;
	return words[0] | words[1];
#endif
}

/* The least of all lanes, in each of them. */
static inline lanes_i16 lanes_least_i16(lanes_i16 a)
{
	a = lanes_less_i16(a, __builtin_shufflevector(a, a, 4, 5, 6, 7, 0, 1, 2, 3));
	a = lanes_less_i16(a, __builtin_shufflevector(a, a, 2, 3, 0, 1, 6, 7, 4, 5));
	return lanes_less_i16(a, __builtin_shufflevector(a, a, 1, 0, 3, 2, 5, 4, 7, 6));
}

/* lanes_equal_u32() for the LANES_U16 values of a group. */
static inline unsigned lanes_equal_u16(const uint16_t *row, uint16_t value)
{
	lanes_u16 have, want = {value, value, value, value, value, value, value, value};
	memcpy(&have, row, sizeof(have));
	return lanes_bits_u16((lanes_u16)(have == want));
}

#endif
