#include "reference.h"

#include <stdlib.h>
#include <time.h>

#include "base/alloc.h"
#include "baseline.h"

enum { STEPS = 2000000, HOPS = 300000, SAMPLES_MAX = 256, LINE = 64, LINES = REFERENCE_CHASE_BYTES / LINE };

struct line {
	struct line *next;
	char rest[LINE - sizeof(struct line *)];
};

struct reference {
	struct line *lines, *at;
	uint64_t state;
	unsigned samples;
	double step_ns[SAMPLES_MAX], hop_ns[SAMPLES_MAX];
};

uint64_t host_cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t xorshift(uint64_t x)
{
	x ^= x << 13;
	x ^= x >> 7;
	return x ^ x << 17;
}

/* One cycle through all lines in random order (Sattolo's shuffle). */
static void link_lines(struct reference *r)
{
	uint32_t *order = xcalloc(LINES, sizeof(*order));
	for (uint32_t i = 0; i < LINES; i++) order[i] = i;
	for (uint32_t i = LINES - 1; i > 0; i--) {
		r->state = xorshift(r->state);
		uint32_t j = (uint32_t)(r->state % i), swap = order[i];
		order[i] = order[j];
		order[j] = swap;
	}
	for (uint32_t i = 0; i < LINES; i++) r->lines[order[i]].next = &r->lines[order[(i + 1) % LINES]];
	free(order);
}

struct reference *reference_new(void)
{
	struct reference *r = xcalloc(1, sizeof(*r));
	r->lines = xcalloc_lines(LINES, sizeof(*r->lines));
	r->at = r->lines;
	r->state = UINT64_C(88172645463325252);
	link_lines(r);
	return r;
}

void reference_free(struct reference *r)
{
	if (!r) return;
	free(r->lines);
	free(r);
}

static double time_xorshift(struct reference *r)
{
	uint64_t begin = host_cpu_ns(), x = r->state;
	for (int i = 0; i < STEPS; i++) {
		x = xorshift(x);
		__asm__ volatile("" : "+r"(x)); /* each step stays a step */
	}
	r->state = x;
	return (double)(host_cpu_ns() - begin) / STEPS;
}

static void hop(struct reference *r, int hops)
{
	struct line *at = r->at;
	for (int i = 0; i < hops; i++) {
		at = at->next;
		__asm__ volatile("" : "+r"(at));
	}
	r->at = at;
}

/* A round beforehand brings back what the workload has pushed out of the caches. */
static double time_chase(struct reference *r)
{
	hop(r, LINES);
	uint64_t begin = host_cpu_ns();
	hop(r, HOPS);
	return (double)(host_cpu_ns() - begin) / HOPS;
}

struct reference_speed reference_sample(struct reference *r)
{
	struct reference_speed speed = {time_xorshift(r), time_chase(r)};
	if (r->samples == SAMPLES_MAX) return speed;
	r->step_ns[r->samples] = speed.step_ns;
	r->hop_ns[r->samples++] = speed.hop_ns;
	return speed;
}

double reference_step_ns(const struct reference *r) { return bench_median(r->step_ns, r->samples); }
double reference_hop_ns(const struct reference *r) { return bench_median(r->hop_ns, r->samples); }
