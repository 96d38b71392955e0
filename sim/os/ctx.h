/* ctx.h - what an allocator of contexts.h implements (sim/os/ctx_<name>.c), and the state that they share. */
#ifndef OS_CTX_H
#define OS_CTX_H

#include "os/contexts.h"

struct ctx_cpu {
	uint64_t active;   /* id that runs; 0 after a rollover until the next switch */
	uint64_t reserved; /* id that ran when a generation ended, and stays with its space */
	bool flush_due;
	struct context *running;
};

struct contexts {
	const struct ctx_allocator *allocator;
	unsigned bits; /* of a number, or of a pair's */
	bool pairs;
	unsigned cpus;
	struct ctx_cpu *cpu;
	uint64_t generation; /* in units of 1 << bits */
	uint64_t *used;      /* a bit per number */
	uint64_t *pinned;    /* likewise */
	uint64_t pinned_count;
	uint32_t cursor;        /* where the search for a free number begins */
	struct context **owner; /* by number, for allocators that take numbers away */
	uint64_t clock;
	struct ctx_stats stats;
};

struct ctx_allocator {
	const char *name, *source;
	struct ctx_switch (*run)(struct contexts *c, unsigned cpu, struct context *space);
	void (*leave)(struct contexts *c, unsigned cpu);         /* optional */
	void (*drop)(struct contexts *c, struct context *space); /* optional */
	void (*renew)(struct contexts *c,
		      struct context *space); /* a number of this generation, to be pinned; optional */
};

#define X(name, doc) extern const struct ctx_allocator ctx_##name;
CTX_ALLOCATORS(X)
#undef X

static inline uint64_t ctx_numbers(const struct contexts *c) { return UINT64_C(1) << c->bits; }
static inline uint16_t ctx_number(const struct contexts *c, uint64_t id)
{
	return (uint16_t)(id & (ctx_numbers(c) - 1));
}

/* A free number from `from` on; ctx_numbers() when there is none. */
uint32_t ctx_find_free(const struct contexts *c, uint32_t from);
bool ctx_is_used(const struct contexts *c, uint16_t number);
void ctx_mark_used(struct contexts *c, uint16_t number, bool used);

/* The generation scheme that ctx_linux and ctx_kvm share: gives `space` an id of the present generation. True: a new
 * generation began. */
bool ctx_new_id(struct contexts *c, struct context *space);
/* `space` has an id of the present generation. */
bool ctx_is_current(const struct contexts *c, const struct context *space);

#endif
