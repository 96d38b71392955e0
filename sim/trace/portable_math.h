/* portable_math.h - logarithm and exponential that give the same bits on every host.
 *
 * The C library's may differ in the last place from one version to the next, and a stream must not. These use only
 * +, -, *, / and comparisons of IEEE 754 doubles, which are exact to the bit everywhere (built with
 * -ffp-contract=off), are within a few units in the last place, and are inlined into the loops that use them.
 */
#ifndef TRACE_PORTABLE_MATH_H
#define TRACE_PORTABLE_MATH_H

#include <stdint.h>

/* ln(2) as a sum: the first part has 32 zero bits at its end, so that small multiples of it are exact. */
#define PORTABLE_LN2_HIGH 0x1.62e42feep-1
#define PORTABLE_LN2_LOW 0x1.a39ef35793c76p-33
#define PORTABLE_LN2_INVERSE 0x1.71547652b82fep+0

/* Two numbers at once: the host does to each what it would do to one alone, so the bits are the same. */
typedef double portable_pair __attribute__((vector_size(16)));
typedef uint64_t portable_bits __attribute__((vector_size(16)));

static inline portable_pair portable_both(double x) { return (portable_pair){x, x}; }

/* c[0] + c[1] x + ... + c[n-1] x^(n-1) for n = 12 or 14, in Estrin's order, which keeps the host's pipelines full. */
static inline portable_pair portable_polynomial(const double *c, unsigned n, portable_pair x)
{
	portable_pair x2 = x * x, x4 = x2 * x2, x8 = x4 * x4;
	portable_pair a = (c[0] + c[1] * x) + (c[2] + c[3] * x) * x2;
	portable_pair b = (c[4] + c[5] * x) + (c[6] + c[7] * x) * x2;
	portable_pair d = (c[8] + c[9] * x) + (c[10] + c[11] * x) * x2;
	if (n > 12) d += (c[12] + c[13] * x) * x4;
	return (a + b * x4) + d * x8;
}

/* ln(x) for normal x > 0: x = 2^e m with m in [sqrt(1/2), sqrt(2)), ln m = 2 artanh((m-1)/(m+1)). */
static inline portable_pair portable_log_pair(portable_pair x)
{
	static const double artanh[] = {1.0,      1.0 / 3,  1.0 / 5,  1.0 / 7,  1.0 / 9,  1.0 / 11,
					1.0 / 13, 1.0 / 15, 1.0 / 17, 1.0 / 19, 1.0 / 21, 1.0 / 23};
	const uint64_t high = UINT64_C(1) << 62; /* keeps differences of exponents positive: 1024 of them */
	const uint64_t two_52 = UINT64_C(0x433) << 52; /* 2^52, to whose last place an integer is added */
	portable_bits bits = (portable_bits)x, above = bits - UINT64_C(0x3fe6a09e667f3bcd); /* sqrt(1/2) */
	portable_pair k = (portable_pair)((above + high) >> 52 | two_52) - (0x1p52 + 1024);
	portable_pair m = (portable_pair)(bits - (above & UINT64_C(0xfff0000000000000)));
	portable_pair t = (m - 1.0) / (m + 1.0);
	return (2 * t * portable_polynomial(artanh, 12, t * t) + k * PORTABLE_LN2_LOW) +
	       k * PORTABLE_LN2_HIGH;
}

/* e^x for |x| < 700: x = k ln2 + r with |r| <= ln2 / 2, by the Taylor series of e^r. */
static inline portable_pair portable_exp_pair(portable_pair x)
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
	portable_pair near = x * PORTABLE_LN2_INVERSE;
	int k[2] = {(int)(near[0] + (x[0] < 0 ? -0.5 : 0.5)), (int)(near[1] + (x[1] < 0 ? -0.5 : 0.5))};
	portable_pair n = {k[0], k[1]}, r = (x - n * PORTABLE_LN2_HIGH) - n * PORTABLE_LN2_LOW;
	portable_bits scale = {(uint64_t)(k[0] + 1023) << 52, (uint64_t)(k[1] + 1023) << 52};
	return portable_polynomial(taylor, 14, r) * (portable_pair)scale;
}

static inline double portable_log(double x) { return portable_log_pair(portable_both(x))[0]; }
static inline double portable_exp(double x) { return portable_exp_pair(portable_both(x))[0]; }

#endif
