/* reference.h - two fixed loops that say how fast the host is at the moment.
 *
 *   reference_new -> reference_sample ... -> reference_step_ns, reference_hop_ns
 * xorshift: one dependent xorshift64 step, which is the core's speed alone. chase: one hop of a pointer chase in random
 * order through 8 MiB of 64-byte lines, which is its memory's. A sample of both takes about 8 ms; take many of them in
 * between what is to be compared, so that a host that grows slower or faster meanwhile cancels out.
 * Source: Marsaglia, Xorshift RNGs, J. Stat. Soft. 8(14), 2003: the step (13, 7, 17).
 */
#ifndef BENCH_REFERENCE_H
#define BENCH_REFERENCE_H

#include <stdint.h>

enum { REFERENCE_CHASE_BYTES = 8 << 20 };

struct reference;

struct reference *reference_new(void);
void reference_free(struct reference *r);

struct reference_speed {
	double step_ns, hop_ns;
};

/* Times a slice of both loops. */
struct reference_speed reference_sample(struct reference *r);
/* Nanoseconds per step and per hop: medians over all samples. At least one sample must have been taken. */
double reference_step_ns(const struct reference *r);
double reference_hop_ns(const struct reference *r);

/* Processor time of this thread: a host that is shared slows a wall clock, but hardly this one. */
uint64_t host_cpu_ns(void);

#endif
