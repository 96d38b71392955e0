/* vm.h - what the files of hyp/ share: the hypervisor's and a VM's state. Others use hyp.h. */
#ifndef HYP_VM_H
#define HYP_VM_H

#include "hyp/dirty_bitmap.h"
#include "hyp/hyp.h"

struct hyp_vm {
	struct hyp *hyp;
	struct pgtable stage2;
	uint16_t vmid;
	uint64_t memory_bytes;
	struct hyp_stats stats;
	struct hyp_populated populated; /* not yet taken */
	struct dirty_bitmap
		*written;    /* pages, as far as they were not collected; NULL: nobody collects them */
	bool hardware_dirty; /* writes make writable-clean leaves dirty (VTCR_EL2.HD) */
	unsigned nodes;      /* virtual ones that the guest sees; 0: it sees none */
	uint64_t node_bytes;
	struct dirty_log *dirty; /* NULL: writes are not logged */
	struct hyp_pages *pages; /* what operations know of single pages (pages.h); NULL: none runs */
	struct hyp_vm *next;
};

struct hyp {
	struct hyp_params p;
	struct features f;
	struct frames *frames;
	struct physmem *mem;
	struct hyp_vm *vms;
};

/* KVM's geometry of a stage 2 tree. */
struct hyp_geometry {
	unsigned granule_bits, concatenated; /* log2 of the start tables */
	int start_level;
};
struct hyp_geometry hyp_geometry(const struct hyp_params *p);
unsigned hyp_block_bits(const struct hyp_params *p);
enum desc_layout hyp_layout(const struct hyp_params *p, const struct features *f);

/* Of a leaf that an access asks for. */
uint64_t hyp_leaf_attributes(const struct hyp_vm *vm, enum access_kind access);

#endif
