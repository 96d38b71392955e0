#include "gic/vits.h"
#include "hyp/vm.h"

#include <inttypes.h>

static const char *const granule_names[] = {"4K", "16K", "64K", NULL};
static const char *const mapping_names[] = {"page", "block", "gigabyte", NULL};
static const char *const mmu_lock_names[] = {"paths", "spinlock", "rwlock", "rwlock_parallel", "mutex", NULL};
static const char *const placement_names[] = {"in_order", "scattered", NULL};

static const char *const vnuma_names[] = {"hidden", "exposed", NULL};

#define T struct hyp_params
static const struct param rows[] = {
	P_ENUM(T, granule, granule_names, OS_PAGE_4K, "page size of the host kernel, the granule at stage 2"),
	P_U64(T, ipa_bits, "bits", 40, 32, 52, "size of a VM's physical address space (KVM's default is 40)"),
	P_BOOL(T, concatenate, 1,
	       "up to 16 start tables side by side in place of a level with few entries (KVM does)"),
	P_ENUM(T, mapping, mapping_names, HYP_PAGE,
	       "stage 2 leaves: pages; blocks of 2M, 32M, 512M wherever memory has one; or with 4K pages blocks of 1G, as of "
	       "hugetlbfs, and else those of 2M"),
	P_U64(T, block_fail_percent, "percent", 0, 0, 100,
	      "share of blocks that fragmented host memory cannot give; pages are mapped instead"),
	P_BOOL(T, contiguous, 0,
	       "runs of 16, 128, 32 pages of 4K, 16K, 64K under the contiguous hint (mainline KVM does not)"),
	P_BOOL(T, exec_on_fetch, 0,
	       "pages are execute-never until a fetch faults, as KVM does without CTR_EL0.DIC"),
	P_U64(T, memory_base, "bytes", UINT64_C(1) << 30, 0, UINT64_C(1) << 52,
	      "IPA that the VM's memory begins at (1G on QEMU's virt machine)"),
	P_U64(T, memory_bytes, "bytes", UINT64_C(4) << 30, UINT64_C(1) << 20, UINT64_C(1) << 52,
	      "size of the VM's memory"),
	P_U64(T, hotplug_bytes, "bytes", 0, 0, UINT64_C(1) << 52,
	      "of the VM's memory, or of each node that its guest sees, that at its end which is not plugged at first: memory_operations "
	      "of kind plug do that (virtio-mem)"),
	P_U64(T, eager_bytes, "bytes", 0, 0, UINT64_C(1) << 30,
	      "eager paging: a fault maps the largest naturally aligned area up to this that is empty and that host memory has "
	      "contiguous, page by page, at the cost of a fault for each; a power of 2, 0: no"),
	P_U64(T, eager_fail_percent, "percent", 0, 0, 100,
	      "share of those areas that fragmented host memory cannot give; half of the size is tried next"),
	P_ENUM(T, placement, placement_names, OS_IN_ORDER,
	       "host pages come in order, or scattered as after a long uptime"),
	/* CAL: dirty_ms_rwlock_vgic of references/hardware.yaml, 1 vCPU: 803 ms / 524288 pages = 1.53 us, at
	 * 3 GHz. */
	P_U64(T, fault_cycles, "cycles", 4600, 0, 1000000000,
	      "cost of a stage 2 fault that maps a page or a run, exit and entry included (derived: Altra, KVM, "
	      "803 ms for 524288 write faults on 4K pages at 3 GHz)"),
	/* CAL: estimated; a page fault and zeroing 2 MiB at 20 GB/s. */
	P_U64(T, block_fault_cycles, "cycles", 305000, 0, UINT64_C(1000000000000),
	      "cost of a stage 2 fault that maps a block (estimated: 2 MiB zeroed at 20 GB/s, 3 GHz)"),
	P_MAP(T, hugetlb, &hugetlb_schema,
	      "pools of huge pages of the host, of which blocks come (mapping: block) where there are any"),
	P_MAP(T, numa, &numa_schema,
	      "placement of the VM's memory and stage 2 tables, as of the VMM's process"),
	P_MAP(T, stage2, &stage2_schema, "maintenance of stage 2 tables"),
	P_ENUM(T, vnuma, vnuma_names, HYP_VNUMA_HIDDEN,
	       "whether the guest sees one node of memory, which numa places; or as many as the machine has, each an equal part of "
	       "its memory that the node of its number backs, and places its own memory on them by os.numa"),
	P_STR(T, paths, "", "file of its software paths (docs/paths.md), relative to the file that says so"),
	P_U64(T, vmm_work_percent, "percent", 100, 1, 10000,
	      "instructions of the VMM's work steps, of what its file says: another build, or other devices"),
	P_U64(T, fault_work_percent, "percent", 100, 1, 10000,
	      "instructions of the work steps whose owner is fault: a stage 2 fault outside of mmu_lock; another kernel"),
	P_U64(T, mmu_work_percent, "percent", 100, 1, 10000, "the same of owner mmu: under mmu_lock"),
	P_ENUM(T, mmu_lock, mmu_lock_names, MMU_LOCK_PATHS,
	       "the lock of stage 2 faults: as the file of paths says; a spin lock or mutex, which excludes all; a rwlock, which "
	       "faults that add a permission take as readers; or a rwlock that all faults take as readers (parallel)"),
	P_U64(T, its_translations, "entries", VITS_CACHED_PER_VCPU, 0, 1024,
	      "translations of devices' messages that the emulated ITS keeps at hand for each vCPU, so that irqfd injects them without its "
	      "lock; 0: as before Linux 5.3"),
	P_BOOL(T, dirty_log, 0,
	       "dirty logging is on: what is mapped when the run begins is write-protected, so that the first write to each page "
	       "faults, and blocks give way to pages"),
	P_STR(T, vmm, "", "file of its VMM's software paths"),
};
#undef T

SCHEMA(hyp_schema, "hyp", struct hyp_params, rows, "a hypervisor's memory management: stage 2 of its VMs");

static unsigned granule_bits(const struct hyp_params *p) { return GRANULE_4K + 2 * (unsigned)p->granule; }

unsigned hyp_block_bits(const struct hyp_params *p) { return level_entry_bits(granule_bits(p), 2); }

/* stage2_pgtable_levels(): four bits of the IPA may go to concatenated tables; there are two levels at
 * least. Without concatenation a level of few entries more. */
struct hyp_geometry hyp_geometry(const struct hyp_params *p)
{
	struct hyp_geometry g = {.granule_bits = granule_bits(p)};
	unsigned ipa_bits = (unsigned)p->ipa_bits, stride = level_stride(g.granule_bits);
	unsigned beside = p->concatenate ? 4 : 0;
	unsigned levels = (ipa_bits - beside - g.granule_bits + stride - 1) / stride;
	if (levels < 2) levels = 2;
	unsigned covered = g.granule_bits + levels * stride;
	g.start_level = 4 - (int)levels;
	g.concatenated = ipa_bits > covered ? ipa_bits - covered : 0;
	return g;
}

enum desc_layout hyp_layout(const struct hyp_params *p, const struct features *f)
{
	if (f->pa_bits <= 48) return DESC_OA_48;
	if (p->granule == OS_PAGE_64K) return f->lpa ? DESC_OA_LPA : DESC_OA_48;
	return f->lpa2 ? DESC_OA_DS : DESC_OA_48;
}

/* The size of a machine's physical addresses from which on stage 2 may start at the geometry's level: DDI 0487, VTCR_EL2.SL0. */
static unsigned start_needs_pa_bits(const struct hyp_geometry *g)
{
	static const uint8_t needs[3][3] = {
		{52, 44, 0}, {0, 52, 42}, {0, 0, 44}}; /* by granule; levels -1, 0, 1 */
	if (g->start_level > 1) return 0;
	return needs[(g->granule_bits - GRANULE_4K) / 2][g->start_level + 1];
}

/* `key`, also to who wants to point at it. */
static const char *at_fault(const char **out, const char *key)
{
	if (out) *out = key;
	return key;
}

enum status hyp_check(const struct hyp_params *p, const struct features *f, const char **key, struct err *err)
{
	uint64_t most = f->pa_bits;
	if (!bit_get(f->granules_stage2, (unsigned)p->granule))
		return err_set(err, ERR_CONFIG,
			       "hyp.%s: %s is not among the machine's features.granules_stage2",
			       at_fault(key, "granule"), granule_names[p->granule]);
	if (most > 48 && hyp_layout(p, f) == DESC_OA_48) most = 48;
	if (p->eager_bytes && !is_power_of_2(p->eager_bytes))
		return err_set(err, ERR_CONFIG, "hyp.%s: %" PRIu64 " is not a power of 2",
			       at_fault(key, "eager_bytes"), p->eager_bytes);
	if (p->mapping == HYP_GIGABYTE && p->granule != OS_PAGE_4K)
		return err_set(err, ERR_CONFIG, "hyp.%s: gigabyte needs granule 4K, not %s",
			       at_fault(key, "mapping"), granule_names[p->granule]);
	if (p->stage2.dirty_log == STAGE2_HARDWARE && !f->hafdbs)
		return err_set(err, ERR_CONFIG,
			       "hyp.%s.dirty_log: hardware needs the machine's features.hafdbs",
			       at_fault(key, "stage2"));
	if (p->stage2.unmap_flush == STAGE2_FLUSH_RANGE && !f->tlbirange)
		return err_set(err, ERR_CONFIG,
			       "hyp.%s.unmap_flush: range needs the machine's features.tlbirange",
			       at_fault(key, "stage2"));
	if (p->ipa_bits > most)
		return err_set(err, ERR_CONFIG,
			       "hyp.%s: %" PRIu64 " is outside 32..%" PRIu64 " of this machine",
			       at_fault(key, "ipa_bits"), p->ipa_bits, most);
	struct hyp_geometry g = hyp_geometry(p);
	if (!p->concatenate && start_needs_pa_bits(&g) > f->pa_bits)
		return err_set(err, ERR_CONFIG,
			       "hyp.%s: no: %" PRIu64
			       " IPA bits of %s pages then start at level %d, which needs "
			       "features.pa_bits of at least %u; this machine has %" PRIu64,
			       at_fault(key, "concatenate"), p->ipa_bits, granule_names[p->granule],
			       g.start_level, start_needs_pa_bits(&g), f->pa_bits);
	if (p->memory_base + p->memory_bytes > UINT64_C(1) << p->ipa_bits)
		return err_set(err, ERR_CONFIG,
			       "hyp.%s: memory from %#" PRIx64 ", %#" PRIx64
			       " bytes, does not fit into hyp.ipa_bits = %" PRIu64,
			       at_fault(key, "memory_bytes"), p->memory_base, p->memory_bytes, p->ipa_bits);
	if ((p->memory_base | p->memory_bytes) & bits_ones(GRANULE_64K))
		return err_set(err, ERR_CONFIG,
			       "hyp.%s, hyp.memory_bytes: %#" PRIx64 ", %#" PRIx64
			       " are not multiples of 64K",
			       at_fault(key, "memory_base"), p->memory_base, p->memory_bytes);
	return OK;
}

struct frames_params hyp_frames_params(const struct hyp_params *p, uint64_t base, uint64_t bytes)
{
	return (struct frames_params){.base = base,
				      .bytes = bytes,
				      .page_bits = granule_bits(p),
				      .block_bits = hyp_block_bits(p),
				      .fail_percent = (unsigned)p->block_fail_percent,
				      .scattered = p->placement == OS_SCATTERED,
				      .path = "hyp.frames"};
}
