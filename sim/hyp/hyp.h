/* hyp.h - a hypervisor's stage 2: what backs the memory of its VMs, populated on first touch.
 *
 *   fault: (VM, IPA, access) -> what was mapped, or that the IPA is no memory (a device: an exit to the VMM)
 *
 * Geometry, descriptors and registers are those of KVM on arm64: the start level is the one that needs at
 * most 16 concatenated tables (unless `concatenate` is off), leaves are Normal write-back, inner shareable, with the access flag set.
 * hyp_view() lets a guest kernel (os.h) write its tables at IPAs; that touches memory, and so takes stage 2
 * faults, which are counted like any other.
 *
 * Source: Linux 6.6 arch/arm64/kvm/hyp/pgtable.c, kvm/mmu.c, include/asm/kvm_arm.h, stage2_pgtable.h.
 * What the hypervisor does to a VM's memory as a whole, such as write protection for a dirty log, is in stage2_ops.h.
 * Not modelled: VMA alignment (an IPA block can always be backed by a block), RAS and pointer-authentication bits of
 * HCR_EL2.
 */
#ifndef HYP_HYP_H
#define HYP_HYP_H

#include "base/status.h"
#include "config/schema.h"
#include "hyp/stage2_params.h"
#include "mmu/features.h"
#include "os/os.h"
#include "os/pgtable.h"
#include "stats/stats.h"

enum hyp_mapping { HYP_PAGE, HYP_BLOCK, HYP_GIGABYTE };
enum hyp_vnuma { HYP_VNUMA_HIDDEN, HYP_VNUMA_EXPOSED };

/* The lock that stage 2 faults take; parallel: a reader-writer lock that they all take as readers. */
enum hyp_mmu_lock {
	MMU_LOCK_PATHS,
	MMU_LOCK_SPINLOCK,
	MMU_LOCK_RWLOCK,
	MMU_LOCK_RWLOCK_PARALLEL,
	MMU_LOCK_MUTEX
};

struct hyp_params {
	uint64_t granule; /* enum os_page_size: the host kernel's page size */
	uint64_t ipa_bits;
	uint64_t concatenate; /* bool: start tables side by side in place of a level of few entries */
	uint64_t mapping;     /* enum hyp_mapping */
	uint64_t block_fail_percent;
	uint64_t contiguous;    /* bool: runs of pages under the contiguous hint */
	uint64_t exec_on_fetch; /* bool: pages are execute-never until a fetch faults */
	uint64_t memory_base, memory_bytes;
	uint64_t eager_bytes, eager_fail_percent; /* as of the kernel (os.h) */
	uint64_t placement;                       /* enum os_placement */
	uint64_t fault_cycles, block_fault_cycles;
	struct numa_params numa;       /* of the VM's memory */
	uint64_t hotplug_bytes;        /* of the memory: not plugged at first */
	struct hugetlb_params hugetlb; /* where blocks come from */
	struct stage2_params stage2;
	uint64_t vnuma; /* enum hyp_vnuma */
	uint64_t vmm_work_percent, fault_work_percent, mmu_work_percent;
	uint64_t mmu_lock;         /* enum hyp_mmu_lock */
	uint64_t its_translations; /* that an emulated ITS keeps for each vCPU */
	uint64_t dirty_log;        /* bool */
	const char *paths,
		*vmm; /* files of software paths (path.h), relative to the stack file; "" for none */
};
extern const struct schema hyp_schema;

enum hyp_outcome {
	HYP_MAPPED_PAGE,
	HYP_MAPPED_RUN,
	HYP_MAPPED_AREA, /* many pages, contiguous in memory */
	HYP_MAPPED_BLOCK,
	HYP_UPGRADED,   /* it was mapped; a permission was added */
	HYP_SPURIOUS,   /* it was mapped and allowed already */
	HYP_NOT_MEMORY, /* outside of the VM's memory: emulate a device */
	HYP_NO_MEMORY,  /* the host's region has no frame left */
};

/* What a fault of a watched page (pages.h) was. */
enum hyp_fault_page {
	HYP_FAULT_PLAIN,
	HYP_FAULT_LOGGED,  /* the first write since the log was taken */
	HYP_FAULT_COPIED,  /* a page that was shared has a copy of its own, made of `copied` */
	HYP_FAULT_KEPT,    /* the page has to be saved before the write */
	HYP_FAULT_LANDED,  /* it was absent, its content was here */
	HYP_FAULT_AGED,    /* it had lost its access flag, and no hardware sets it */
	HYP_FAULT_FETCHED, /* it was absent, its content had to be fetched from another machine */
};

struct hyp_fault {
	enum hyp_outcome outcome;
	unsigned size_bits; /* log2 of the bytes mapped; 0 when nothing is mapped */
	unsigned tables;    /* table pages created */
	cycles_t cycles;    /* the hypervisor's cost, exit and entry included (see fault_cycles) */
	cycles_t beyond;    /* of it, what a block takes beyond a page: to clear it */
	struct pa frame;    /* that the block, page or run of pages begins at */
	enum hyp_fault_page page;
	bool hinted;      /* a scan (STAGE2_HINT) had unmapped it */
	struct pa copied; /* HYP_FAULT_COPIED: what it was made of; _KEPT: what is to be saved */
};

struct hyp_stats {
	uint64_t faults, upgrades, spurious, not_memory, failed;
	uint64_t pages_mapped, runs_mapped, blocks_mapped, blocks_failed, tables, unmapped;
	uint64_t areas_mapped, areas_failed;
};
extern const struct stat_desc hyp_stat_rows[];
extern const size_t hyp_stat_row_count;

struct hyp;
struct hyp_vm; /* owned by the hyp; lives as long */

/* Whether a machine with these features can run it; ERR_CONFIG names key and choice, and puts the key into *key unless
 * that is NULL. */
enum status hyp_check(const struct hyp_params *p, const struct features *f, const char **key,
		      struct err *err);
/* What frames_new needs for host memory [base, base + bytes), but the seed. */
struct frames_params hyp_frames_params(const struct hyp_params *p, uint64_t base, uint64_t bytes);

/* A hypervisor that backs VMs from `frames` (made with hyp_frames_params); borrowed, like `mem`. */
enum status hyp_new(const struct hyp_params *p, const struct features *f, struct frames *frames,
		    struct physmem *mem, struct hyp **out, struct err *err);
void hyp_free(struct hyp *hyp);

/* A VM with `vmid` and memory_bytes at memory_base, or NULL when no frames are left for its start tables. */
struct hyp_vm *hyp_vm_new(struct hyp *hyp, uint16_t vmid);
/* Another size than the hypervisor's memory_bytes, that hyp_check() would allow. Before anything is mapped. */
void hyp_vm_set_memory(struct hyp_vm *vm, uint64_t bytes);
/* The VM has another VMID from now on; false: it has it already. Registers that hold the old one stay (hyp_enter_vmid). */
bool hyp_vm_set_vmid(struct hyp_vm *vm, uint16_t vmid);
/* VTTBR_EL2 gets the VMID that the VM has. */
void hyp_enter_vmid(const struct hyp_vm *vm, struct sysregs *regs);
/* Writes HCR_EL2, VTCR_EL2 and VTTBR_EL2 as they are while the VM runs, its own MMU on. */
void hyp_write_regs(const struct hyp_vm *vm, struct sysregs *regs);

/* The VM's memory is cut into so many virtual nodes from now on, each backed by the host's node of its number and no other. The
 * first begins where the memory does, and all but the last are of *node_bytes bytes. ERR_CONFIG: it is too small for that. */
enum status hyp_expose_nodes(struct hyp_vm *vm, unsigned nodes, uint64_t *node_bytes, struct err *err);

/* Keeps a copy of the stage 2 tables on every node of the host's memory from now on (os/replicas.h); NULL: there is but one.
 * Before anything is mapped. */
struct replicas *hyp_replicate(struct hyp_vm *vm);
/* VTTBR_EL2 becomes that of cores of `node`, behind hyp_write_regs(). */
void hyp_enter_node(const struct hyp_vm *vm, unsigned node, struct sysregs *regs);

/* From now on `broken` is told of every leaf that is broken up, before smaller ones take its place (pgtable.h). */
void hyp_on_break(struct hyp_vm *vm, const struct pgtable_break *broken);
/* Whoever says where pages that STAGE2_HINT unmapped go when they are touched. */
void hyp_on_hint(struct hyp_vm *vm, const struct pgtable_hinting *h);
/* Keeps a range table of stage 2 from now on. Before anything is mapped. */
void hyp_keep_ranges(struct hyp_vm *vm);
/* The range that holds `ipa`, if ranges are kept; as ranges_find(). */
bool hyp_find_range(const struct hyp_vm *vm, struct ipa ipa, struct range *out, struct range_path *path);

/* Maps or upgrades what an access to `ipa` needs. */
struct hyp_fault hyp_handle_stage2_fault(struct hyp_vm *vm, struct ipa ipa, enum access_kind access);
/* The PA behind `ipa` if it is mapped. Functional: nothing is charged, counted or created. */
bool hyp_ipa_to_pa(const struct hyp_vm *vm, struct ipa ipa, struct pa *pa);
/* The same, but what is absent is mapped first, by a stage 2 write fault; false: not memory, or none left. */
bool hyp_populate(struct hyp_vm *vm, struct ipa ipa, struct pa *pa);
/* Logs writes from now on: all that is mapped becomes read-only (dirty.h). Again: anew. */
void hyp_start_dirty_log(struct hyp_vm *vm);
void hyp_end_dirty_log(struct hyp_vm *vm);
struct dirty_stats *hyp_dirty_stats(struct hyp_vm *vm); /* NULL: there is no log */
extern const struct stat_desc dirty_stat_rows[];
extern const size_t dirty_stat_row_count;

/* Removes what is mapped in [ipa, ipa + bytes) and gives its frames back; returns the leaves removed. */
uint64_t hyp_unmap(struct hyp_vm *vm, struct ipa ipa, uint64_t bytes);

/* For os_new: the VM's memory as its kernel writes it. Valid while the VM is. */
struct pgtable_view hyp_view(struct hyp_vm *vm);

/* The faults that hyp_populate() and the view took since the last call, and their cost: they happen while the guest
 * kernel runs, so whoever called it charges them. */
struct hyp_populated {
	uint64_t faults;
	cycles_t cycles, beyond; /* as in hyp_fault */
	uint64_t fetched;        /* of them, pages that came from another machine */
};
struct hyp_populated hyp_take_populated(struct hyp_vm *vm);

struct hyp_stats *hyp_stats(struct hyp_vm *vm);

#endif
