/* os.h - the kernel of a machine or of a guest, as translation sees it: address spaces that fill on demand.
 *
 *   fault: (address space, VA, access) -> what was mapped, and what that cost
 *
 * Natively the kernel's addresses are PAs. In a VM they are IPAs, and the hypervisor's view (hyp_view) finds and
 * populates what is behind each table page that the kernel writes. Descriptors and registers are those that
 * Linux writes on arm64 for the page size and VA size chosen. User addresses are VA<55> = 0 (TTBR0), one tree per
 * address space, not global; kernel addresses share one global tree (TTBR1).
 * Traces do not say what was mapped with which permissions. So either a first touch grants all of them, dirty at once, as
 * for a program that has run for a while; or they grow with use: a page first fetched from is read-execute, any other is
 * read-write, and an access that is not allowed is granted. os_protect says so explicitly. When they grow,
 * a page first read is writable but clean (DBM, AP[2]): FEAT_HAFDBS or a permission fault makes it dirty.
 *
 * Source: Linux 6.6 arch/arm64: include/asm/pgtable-prot.h, pgtable-hwdef.h, pgalloc.h, mm/proc.S,
 * mm/contpte.c (6.9).
 * Not modelled: VMAs (THP and runs are taken wherever nothing of the block is mapped), the shared zero page,
 * copy-on-write, khugepaged, contiguous blocks (hugetlb), swapping, KPTI's trampoline tables (os.kpti has its
 * ASIDs, nG pages and time).
 */
#ifndef OS_OS_H
#define OS_OS_H

#include "base/status.h"
#include "config/schema.h"
#include "mem/numa.h"
#include "mmu/features.h"
#include "mmu/sysregs.h"
#include "os/pgtable.h"
#include "os/ranges.h"
#include "stats/stats.h"

enum os_page_size { OS_PAGE_4K, OS_PAGE_16K, OS_PAGE_64K };
enum os_thp { OS_THP_NEVER, OS_THP_ALWAYS };
enum os_first_touch { OS_GRANT_ALL, OS_GRANT_ACCESS };
/* Who says which ASID an address space has: the workload's SWITCH records, or allocator `value - 1` of contexts.h. */
enum { OS_ASIDS_RECORDED, OS_ASIDS_LINUX };
enum os_shootdown { OS_SHOOTDOWN_BROADCAST, OS_SHOOTDOWN_IPI };
enum os_placement { OS_IN_ORDER, OS_SCATTERED };

enum os_device_kind { OS_DEVICE_EMULATED, OS_DEVICE_ASSIGNED, OS_DEVICE_DIRECT };
enum os_irq_affinity { OS_IRQS_ONE, OS_IRQS_SPREAD, OS_IRQS_REQUESTER };
enum os_idle { OS_IDLE_TICKLESS, OS_IDLE_PERIODIC, OS_IDLE_HALTPOLL };

/* What the kernel does when it is entered. */
struct os_work_params {
	uint64_t instructions, lines, span_lines;
};

struct os_params {
	uint64_t page_size; /* enum os_page_size */
	uint64_t va_bits;   /* 39, 48, 52 with 4K; 36, 47, 48, 52 with 16K; 42, 48, 52 with 64K */
	uint64_t thp;       /* enum os_thp */
	uint64_t thp_fail_percent;
	uint64_t contiguous; /* bool: runs of pages under the contiguous hint */
	uint64_t contiguous_fail_percent;
	uint64_t eager_bytes; /* a power of 2: what a first touch maps at most; 0: a page */
	uint64_t eager_fail_percent;
	uint64_t placement;    /* enum os_placement */
	uint64_t first_touch;  /* enum os_first_touch */
	uint64_t shared_frame; /* bool: every base page maps one and the same frame */
	uint64_t fault_cycles, thp_fault_cycles;
	uint64_t mutex_spin_cycles, mutex_wake_cycles, mutex_wake_caller_cycles;
	uint64_t shootdown; /* enum os_shootdown */
	uint64_t asids;     /* enum os_asids */
	uint64_t asid_bits; /* 0: as many as the machine has */
	uint64_t kpti;      /* bool: the kernel is not mapped while the program runs */
	uint64_t pinned_asids;
	uint64_t processes, switch_every;
	struct os_work_params syscall, page_fault, process_switch;
	uint64_t tick_hz; /* CONFIG_HZ; 0: no tick */
	uint64_t idle;    /* enum os_idle */
	struct os_work_params tick, interrupt, softirq;
	uint64_t device_irq_hz;               /* for requests of each CPU; 0: none */
	uint64_t device_kind;                 /* enum os_device_kind */
	uint64_t device_queues, irq_affinity; /* enum os_irq_affinity */
	uint64_t softirq_percent;             /* of interrupts that are followed by one */
	uint64_t guest_halt_poll_ns, guest_halt_poll_grow_start, guest_halt_poll_grow, guest_halt_poll_shrink;
	uint64_t guest_halt_poll_allow_shrink; /* bool */
	struct numa_params numa;               /* of a kernel that owns the machine */
	struct hugetlb_params hugetlb;         /* its programs' memory is of them */
};
extern const struct schema os_schema, os_work_schema, os_tick_schema;

enum os_outcome {
	OS_MAPPED_PAGE,
	OS_MAPPED_RUN,  /* a contiguous run of pages */
	OS_MAPPED_AREA, /* many pages, contiguous in memory */
	OS_MAPPED_HUGE, /* one block */
	OS_UPGRADED,    /* it was mapped, or hinted; access flag, dirty state or permission was added */
	OS_SPURIOUS,    /* it was mapped and the access is allowed: a stale TLB entry */
	OS_BAD_ADDRESS, /* the VA is outside of the address space: the program would get SIGSEGV */
	OS_NO_MEMORY,   /* the kernel's region has no frame left */
	OS_NO_BACKING,  /* the hypervisor has no memory for a table page */
};

struct os_fault {
	enum os_outcome outcome;
	unsigned size_bits; /* log2 of the bytes mapped; 0 when nothing is mapped */
	unsigned tables;    /* table pages created */
	cycles_t
		cycles; /* the kernel's cost, without exception entry and return and without stage 2 faults */
	uint64_t frame; /* PA or IPA that the VA's block, page or run of pages begins at */
	bool hinted;    /* os_hint() had unmapped it; `cycles` is 0 then */
};

struct os_stats {
	uint64_t faults, upgrades, spurious, failed;
	uint64_t pages_mapped, runs_mapped, huge_mapped, huge_failed, runs_failed, tables, unmapped;
	uint64_t areas_mapped, areas_failed;
};
extern const struct stat_desc os_stat_rows[];
extern const size_t os_stat_row_count;

struct os;
struct os_aspace; /* owned by the os; lives as long */

enum { OS_PROT_READ = 1, OS_PROT_WRITE = 2, OS_PROT_EXEC = 4 };

/* Whether Linux and a machine with these features have the combination; ERR_CONFIG names key and choice, and puts the
 * key into *key unless that is NULL. */
enum status os_check(const struct os_params *p, const struct features *f, const char **key, struct err *err);

/* What frames_new needs for this kernel's memory [base, base + bytes), but the seed. */
struct frames_params os_frames_params(const struct os_params *p, uint64_t base, uint64_t bytes);

/* A kernel whose memory is `frames` (made with os_frames_params). Both and `mem` are borrowed and outlive it.
 * A `view` of NULL means native. ERR_CONFIG as os_check, and when the memory cannot hold even the kernel's
 * root table. */
enum status os_new(const struct os_params *p, const struct features *f, struct frames *frames,
		   struct physmem *mem, const struct pgtable_view *view, struct os **out, struct err *err);
void os_free(struct os *os);

/* Keeps a copy of every table on each node of the kernel's memory from now on (replicas.h); NULL: it has but one. Before the
 * first address space. */
struct replicas *os_replicate(struct os *os);

/* Keeps a range table beside each tree from now on (ranges.h). Before the first address space. */
void os_keep_ranges(struct os *os);
/* The range of `as` that holds `va` (in its half of the address space), if ranges are kept; as ranges_find(). */
bool os_find_range(const struct os *os, const struct os_aspace *as, struct va va, struct range *out,
		   struct range_path *path);

/* A new empty address space, or NULL when no frame is left for its root. Lives until os_free. */
struct os_aspace *os_aspace_new(struct os *os, uint16_t asid);
void os_aspace_set_asid(struct os_aspace *as, uint16_t asid);
uint16_t os_aspace_asid(const struct os_aspace *as); /* with kpti the kernel's in it */

/* Writes SCTLR, TCR, MAIR and both TTBRs as they are while `as` runs: those of EL1 (REGIME_EL10), or of EL2
 * with HCR_EL2.{E2H,TGE} set (REGIME_EL20, a host kernel with VHE). ASIDs are in TTBR1 (TCR.A1), as Linux has
 * them. */
void os_write_regs(const struct os *os, const struct os_aspace *as, enum regime regime, struct sysregs *regs);

/* With kpti, the program's registers become the kernel's, whose ASID is the other one of the pair (tramp_map_kernel). */
void os_enter_kernel(const struct os *os, enum regime regime, struct sysregs *regs);

/* The TTBRs become those of cores of `node`, behind os_write_regs(), where tables have copies. */
void os_enter_node(const struct os *os, const struct os_aspace *as, unsigned node, enum regime regime,
		   struct sysregs *regs);

/* Maps or upgrades what an access to `va` (without tag) needs. Well below a microsecond on average. */
struct os_fault os_handle_fault(struct os *os, struct os_aspace *as, struct va va, enum access_kind access);

/* From now on the kernel tells of each block and contiguous run that it breaks up, by VA, while nothing is mapped there:
 * TLB maintenance has to be done before it returns. */
void os_on_break(struct os *os, const struct pgtable_break *b);

/* Removes what is mapped in [va, va + bytes), whole pages, and gives its frames back; returns the number of
 * leaf descriptors removed, for the TLB maintenance that the caller owes. Blocks that stick out are split. */
uint64_t os_unmap(struct os *os, struct os_aspace *as, struct va va, uint64_t bytes);
/* Sets the permissions (OS_PROT_*) of what is mapped there; returns the number of descriptors changed. */
uint64_t os_protect(struct os *os, struct os_aspace *as, struct va va, uint64_t bytes, unsigned prot);

/* Stores a descriptor as it is into the slot of `va` at `level`; false: no table of that level leads there. */
bool os_set_descriptor(struct os *os, struct os_aspace *as, struct va va, int level, uint64_t desc);

/* A scan of NUMA balancing: from where on, and how much. */
struct os_scan {
	uint64_t at;   /* user address; becomes that where it ended, or 0 at the end of the address space */
	int64_t bytes; /* that may still be unmapped */
	int64_t look;  /* that may still be looked at */
	/* Told of each mapped leaf: where its descriptor is, and its memory. Returns whether it is to be unmapped. */
	bool (*wanted)(void *ctx, struct pa descriptor, uint64_t frame, unsigned bits);
	void *ctx;
	uint64_t first, end; /* out: addresses within which leaves were unmapped; equal: there were none */
};
/* Unmaps user pages until they are touched: the TLB maintenance of [first, end) is the caller's. Nothing where all pages share one
 * frame. Source: Linux 6.6 kernel/sched/fair.c (task_numa_work), mm/mprotect.c (change_pte_range with MM_CP_PROT_NUMA). */
void os_hint(struct os *os, struct os_aspace *as, struct os_scan *scan);
/* Whoever says where user pages that os_hint() unmapped go when they are touched. */
void os_on_hint(struct os *os, const struct pgtable_hinting *h);

/* Memory [from, end) of the kernel is to be empty, as to be taken offline. */
struct os_evacuation {
	uint64_t from, end;
	/* 2^bits bytes at `va` of `as`, of frame `from`, are not mapped at the moment: TLB maintenance and the copy to frame `to` are due. */
	void (*moving)(void *ctx, struct os_aspace *as, struct va va, uint64_t from, uint64_t to,
		       unsigned bits);
	void *ctx;
	uint64_t moved,
		left; /* out: base pages that have another frame now; leaves that have not, for want of memory */
};
/* Whether only user pages are there: tables and the kernel's own pages do not move. */
bool os_is_movable(const struct os *os, uint64_t from, uint64_t end);
/* Gives user pages that are there other frames, break before make; the caller has isolated the memory. Source: Linux 6.6
 * mm/page_alloc.c (alloc_contig_range), mm/migrate.c (migrate_pages). Not modelled: huge pages that are split for want of one. */
void os_evacuate(struct os *os, struct os_evacuation *e);

struct os_stats *os_stats(struct os *os);
/* Bits of the ASIDs that the kernel uses. */
unsigned os_asid_bits(const struct os_params *p, const struct features *f);
unsigned os_page_bits(const struct os_params *p);
unsigned os_huge_bits(const struct os_params *p);

#endif
