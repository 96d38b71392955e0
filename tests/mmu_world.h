/* mmu_world.h - VMs with real two-stage tables in simulated memory, and a timed MMU that translates through them.
 *
 * Stage 2 scatters: neighbouring pages of a VM lie apart in physical memory, so that a piece of a table taken for another
 * is noticed. What it maps an IPA to is known without the tables. world_expect() is the functional plane's answer.
 */
#ifndef TESTS_MMU_WORLD_H
#define TESTS_MMU_WORLD_H

#include "base/rng.h"
#include "mmu/mmu.h"

/* A legal shape of one stage. */
struct mmu_shape {
	unsigned granule_bits, ia_bits;
	int start;
};

struct mmu_tree {
	struct mmu_shape shape;
	uint64_t root;
	int vm; /* stage 1 of this VM's; -1: a stage 2 */
};

enum { MMU_VMS = 2, MMU_PROCESSES = 2 };

struct mmu_vm {
	struct mmu_tree stage2;
	struct mmu_tree user[MMU_PROCESSES], kernel; /* TTBR0 of each process, TTBR1 */
	uint64_t next_table, next_table2;            /* IPA, PA */
	struct sysregs regs;
};

struct mmu_setup {
	struct mmu_shape user, kernel, stage2;
	bool two_stages;
	unsigned seed; /* of what stage 2 maps how; 0: pages only, with all permissions */
};

struct mmu_world {
	struct mmu_setup setup;
	struct features features;
	struct physmem *memory;
	struct mmu_vm vm[MMU_VMS];
	unsigned now_vm, now_process, el;
	bool pan;

	struct memory_params memory_params;
	struct node_params node;
	struct param_list no_caches;
	struct mem_side *side;
	struct mem_cpu mem;
	struct mmu *mmu;
};

/* Empty address spaces. The MMU is made by mmu_world_machine(). */
void mmu_world_init(struct mmu_world *w, const struct mmu_setup *s);
void mmu_world_fini(struct mmu_world *w);

/* Builds the MMU; `caches` of struct cache_params, NULL for none. Memory takes 100 cycles. */
void mmu_world_machine(struct mmu_world *w, const struct param_list *tlbs, const struct walker_params *walker,
		       const struct param_list *caches);

/* What one leaf, or a contiguous run of leaves, of `level` around `va` maps; at stage 2 the first 64 KiB of each of the
 * first four 2 MiB behind it. */
struct mmu_mapping {
	uint64_t va, ipa, bits;
	int level;
	bool run;
};
void mmu_world_map(struct mmu_world *w, struct mmu_tree *t, const struct mmu_mapping *m);
/* A page of user and kernel for `process` of `vm`, at any address, allowing everything. */
void mmu_world_map_page(struct mmu_world *w, unsigned vm, unsigned process, uint64_t va, uint64_t ipa);

/* Stage 2 maps the page around `ipa` of `vm`: somebody's table will stand there. */
void mmu_world_back(struct mmu_world *w, unsigned vm, uint64_t ipa);

/* Switches to a process: its registers become the MMU's context. */
void mmu_world_switch(struct mmu_world *w, unsigned vm, unsigned process, unsigned el, bool pan);
/* The functional plane's answer in the present context; memory is not changed. */
void mmu_world_expect(struct mmu_world *w, uint64_t va, enum access_kind kind, struct translation *t);

/* Where stage 2 maps an IPA of `vm`, and the log2 of the unit that it maps as one. */
uint64_t mmu_world_pa(struct mmu_world *w, unsigned vm, uint64_t ipa, unsigned *unit_bits);
uint64_t mmu_world_reads(const struct mmu_world *w);

#endif
