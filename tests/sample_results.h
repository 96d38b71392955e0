/* sample_results.h - hand-made runs for the tests of store and report: small numbers whose ratios are known. */
#ifndef TESTS_SAMPLE_RESULTS_H
#define TESTS_SAMPLE_RESULTS_H

#include "stats/stats.h"
#include "store/store.h"

/* The counters of one CPU, as a machine registers them. */
struct sample_cpu {
	struct sample_core {
		uint64_t instructions, accesses, cycles, access_cycles;
		uint64_t cycles_by_bucket[3];
	} core;
	struct sample_tlb {
		uint64_t lookups, hits, misses, merged;
	} l1d, l2;
	struct sample_walker {
		uint64_t walks, descriptor_reads[3], reads_served[3][2];
		struct hist walk_cycles;
	} walker;
};

/* A name in a fresh folder of its own for a file that does not exist yet; free() it. sample_remove() deletes both. */
char *sample_path(void);
void sample_remove(char *path);

/* CPU `number` of a run in which 1000 instructions take 2000 cycles and make 400 accesses: 30 L1D TLB misses, 10 L2 TLB
 * misses, 10 walks of 4 s1_walk reads each. */
void sample_fill(struct sample_cpu *cpu);
void sample_register(struct stats *s, struct sample_cpu *cpu, unsigned number);

/* From here on what fails ends the process: in a test or in its child. */

struct store *sample_open(const char *path); /* STORE_APPEND */

/* Gathers a run of `cpus` equal CPUs of sample_fill, with `cycles` elapsed; the caller commits or drops. */
void sample_gather(struct store *st, const char *name, unsigned cpus, uint64_t cycles);
/* The same, committed. Gives the run's number. */
int64_t sample_append(const char *path, const char *name, unsigned cpus, uint64_t cycles);

/* First column of the first row of `sql`, which must be there. */
double sample_number(struct store *st, const char *sql);

#endif
