/* generator.h - workloads without a file: streams of accesses computed as they are read.
 *
 *   gen_open(params, seed, stream) -> a trace_source like any other
 * To add one: write sim/trace/gen_<name>.c with `const struct generator gen_<name>` and a row in GENERATORS. From
 * that follow its name in YAML and on the command line, its help, and the contract tests. A stream is decided by
 * (parameters, seed, stream number) alone. Instructions between accesses are counted by `gap`; there are no fetches.
 * Not modelled: instruction fetches, phases that change over time, dependences other than the chase's.
 */
#ifndef TRACE_GENERATOR_H
#define TRACE_GENERATOR_H

#include "config/schema.h"
#include "trace/gen_atomics.h"
#include "trace/gen_locks.h"
#include "trace/source.h"

#define GENERATORS(X) \
	X(uniform, "random addresses, uniformly distributed (GUPS with update: yes)") \
	X(sequential, "one access after the other, again from the start at the end of the footprint") \
	X(stride, "as sequential, in steps of stride_bytes") \
	X(chase, \
	  "a pointer chase: every item once, in a random cyclic order; each address depends on the last load") \
	X(zipf, "items of random popularity: the item of rank k is drawn with weight k^-theta") \
	X(tlb_mix, "a hot, a warm and a cold set of pages, hit with given shares") \
	X(copy, "a block copy: loads from the first half of the footprint, stores to the second") \
	X(mix, "weighted mixture of other generators")

enum generator_kind {
#define X(name, doc) GEN_##name,
	GENERATORS(X)
#undef X
		GEN_COUNT
};

struct gen_params {
	uint64_t generator; /* enum generator_kind */
	uint64_t base_address, footprint_bytes;
	uint64_t accesses; /* of each thread */
	uint64_t threads, thread_bytes;
	uint64_t access_bytes, instruction_gap, read_percent, update;
	uint64_t dependent;                   /* uniform: bool */
	uint64_t stride_bytes;                /* stride */
	uint64_t item_bytes;                  /* chase, zipf */
	uint64_t theta_milli;                 /* zipf */
	uint64_t hot_pages, warm_pages;       /* tlb_mix */
	uint64_t hot_permille, warm_permille; /* tlb_mix */
	uint64_t weight;                      /* of a child of mix */
	struct gen_lock_params lock;          /* critical sections; not of a child */
	struct gen_atomic_params atomic;      /* atomic updates; likewise */
	struct param_list mix;                /* mix: struct gen_params, described by gen_child_schema */
};

/* A workload's mapping in YAML; a child of a mixture has no children of its own. */
extern const struct schema gen_schema;
extern const struct schema gen_child_schema;

/* Checks what rows cannot say (sizes that must divide each other, ...) and starts stream `stream` of the workload.
 * `where` names the workload in messages. `p` is copied, its list of children included. */
enum status gen_open(const char *where, const struct gen_params *p, uint64_t seed, uint32_t stream,
		     struct trace_source **out, struct err *err);

#endif
