/* portable_math.h - logarithm and exponential that give the same bits on every host.
 *
 * The C library's may differ in the last place from one version to the next, and a stream must not. These use only
 * +, -, *, / and comparisons of IEEE 754 doubles, which are exact to the bit everywhere (built with
 * -ffp-contract=off), are within a few units in the last place, and are inlined into the loops that use them.
 */
#ifndef TRACE_PORTABLE_MATH_H
#define TRACE_PORTABLE_MATH_H

#include <stdint.h>

#include "base/lanes.h"

/* ln(2) as a sum: the first part has 32 zero bits at its end, so that small multiples of it are exact. */
#define PORTABLE_LN2_HIGH 0x1.62e42feep-1
#define PORTABLE_LN2_LOW 0x1.a39ef35793c76p-33
#define PORTABLE_LN2_INVERSE 0x1.71547652b82fep+0

/* Four numbers at once: the host does to each what it would do to one alone, so the bits are the same. */
LANES_INLINE lanes_four portable_all(double x) { return (lanes_four){x, x, x, x}; }

/* c[0] + c[1] x + ... + c[n-1] x^(n-1) for n = 12 or 14, in Estrin's order, which keeps the host's pipelines full. */
LANES_INLINE lanes_four portable_polynomial(const double *c, unsigned n, lanes_four x)
{
	lanes_four x2 = x * x, x4 = x2 * x2, x8 = x4 * x4;
	lanes_four a = (c[0] + c[1] * x) + (c[2] + c[3] * x) * x2;
	lanes_four b = (c[4] + c[5] * x) + (c[6] + c[7] * x) * x2;
	lanes_four d = (c[8] + c[9] * x) + (c[10] + c[11] * x) * x2;
	if (n > 12) d += (c[12] + c[13] * x) * x4;
	return (a + b * x4) + d * x8;
}

/* ln(x) for normal x > 0: x = 2^e m with m in [sqrt(1/2), sqrt(2)), ln m = 2 artanh((m-1)/(m+1)). */
LANES_INLINE lanes_four portable_log_four(lanes_four x)
{
	static const double artanh[] = {1.0,      1.0 / 3,  1.0 / 5,  1.0 / 7,  1.0 / 9,  1.0 / 11,
					1.0 / 13, 1.0 / 15, 1.0 / 17, 1.0 / 19, 1.0 / 21, 1.0 / 23};
	const uint64_t high = UINT64_C(1) << 62; /* keeps differences of exponents positive: 1024 of them */
	const uint64_t two_52 = UINT64_C(0x433) << 52; /* 2^52, to whose last place an integer is added */
	lanes_four_u64 bits = (lanes_four_u64)x, above = bits - UINT64_C(0x3fe6a09e667f3bcd); /* sqrt(1/2) */
	lanes_four k = (lanes_four)((above + high) >> 52 | two_52) - (0x1p52 + 1024);
	lanes_four m = (lanes_four)(bits - (above & UINT64_C(0xfff0000000000000)));
	lanes_four t = (m - 1.0) / (m + 1.0);
	return (2 * t * portable_polynomial(artanh, 12, t * t) + k * PORTABLE_LN2_LOW) +
	       k * PORTABLE_LN2_HIGH;
}

/* e^x for |x| < 700: x = k ln2 + r with |r| <= ln2 / 2, by the Taylor series of e^r. */
LANES_INLINE lanes_four portable_exp_four(lanes_four x)
{
	static const double taylor[] = {1.0,
					1.0,
					1.0 / 2,
					1.0 / 6,
					1.0 / 24,
					1.0 / 120,
					1.0 / 720,
					1.0 / 5040,
					1.0 / 40320,
					1.0 / 362880,
					1.0 / 3628800,
					1.0 / 39916800,
					1.0 / 479001600,
					1.0 / 6227020800};
	const lanes_four two_52 = portable_all(0x1p52 + 1023); /* to whose last place an integer is added */
	lanes_four_u64 sign = (lanes_four_u64)x & UINT64_C(1) << 63;
	lanes_four half = (lanes_four)(sign | (lanes_four_u64)portable_all(0.5));
	lanes_four_i32 k = __builtin_convertvector(x * PORTABLE_LN2_INVERSE + half, lanes_four_i32);
	lanes_four n = __builtin_convertvector(k, lanes_four);
	lanes_four r = (x - n * PORTABLE_LN2_HIGH) - n * PORTABLE_LN2_LOW;
	lanes_four_u64 scale = (lanes_four_u64)(n + two_52) << 52;
	return portable_polynomial(taylor, 14, r) * (lanes_four)scale;
}

static inline double portable_log(double x) { return portable_log_four(portable_all(x))[0]; }
static inline double portable_exp(double x) { return portable_exp_four(portable_all(x))[0]; }

#endif
