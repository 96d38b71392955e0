/* portable_math.h - logarithm and exponential that give the same bits on every host.
 *
 * The C library's may differ in the last place from one version to the next, and a stream must not. These use only
 * +, -, *, / and comparisons of IEEE 754 doubles, which are exact to the bit everywhere (built with
 * -ffp-contract=off), are within a few units in the last place, and are inlined into the loops that use them.
 */
#ifndef TRACE_PORTABLE_MATH_H
#define TRACE_PORTABLE_MATH_H

#include <stdint.h>
#include <string.h>

/* ln(2) as a sum: the first part has 32 zero bits at its end, so that small multiples of it are exact. */
#define PORTABLE_LN2_HIGH 0x1.62e42feep-1
#define PORTABLE_LN2_LOW 0x1.a39ef35793c76p-33
#define PORTABLE_LN2_INVERSE 0x1.71547652b82fep+0

static inline double portable_scale(double x, int exponent)
{
	uint64_t bits = (uint64_t)(exponent + 1023) << 52;
	double scale;
	memcpy(&scale, &bits, sizeof(scale));
	return x * scale;
}

/* c[0] + c[1] x + ... + c[15] x^15, in Estrin's order, which keeps the host's pipelines full. */
static inline double portable_polynomial(const double c[16], double x)
{
	double x2 = x * x, x4 = x2 * x2, x8 = x4 * x4;
	double a = (c[0] + c[1] * x) + (c[2] + c[3] * x) * x2;
	double b = (c[4] + c[5] * x) + (c[6] + c[7] * x) * x2;
	double d = (c[8] + c[9] * x) + (c[10] + c[11] * x) * x2;
	double e = (c[12] + c[13] * x) + (c[14] + c[15] * x) * x2;
	return (a + b * x4) + (d + e * x4) * x8;
}

/* ln(x) for normal x > 0: x = 2^e m with m in [sqrt(1/2), sqrt(2)), ln m = 2 artanh((m-1)/(m+1)). */
static inline double portable_log(double x)
{
	static const double artanh[16] = {1.0,      1.0 / 3,  1.0 / 5,  1.0 / 7,  1.0 / 9,  1.0 / 11,
					  1.0 / 13, 1.0 / 15, 1.0 / 17, 1.0 / 19, 1.0 / 21, 1.0 / 23};
	uint64_t bits, above;
	double m;
	memcpy(&bits, &x, sizeof(bits));
	above = bits - UINT64_C(0x3fe6a09e667f3bcd); /* sqrt(1/2) */
	int64_t e = (int64_t)above >> 52;
	bits -= above & UINT64_C(0xfff0000000000000);
	memcpy(&m, &bits, sizeof(m));
	double t = (m - 1) / (m + 1), k = (double)e;
	return (2 * t * portable_polynomial(artanh, t * t) + k * PORTABLE_LN2_LOW) + k * PORTABLE_LN2_HIGH;
}

/* e^x for |x| < 700: x = k ln2 + r with |r| <= ln2 / 2, by the Taylor series of e^r. */
static inline double portable_exp(double x)
{
	static const double taylor[16] = {1.0,
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
	int k = (int)(x * PORTABLE_LN2_INVERSE + (x < 0 ? -0.5 : 0.5));
	double r = (x - k * PORTABLE_LN2_HIGH) - k * PORTABLE_LN2_LOW;
	return portable_scale(portable_polynomial(taylor, r), k);
}

#endif
