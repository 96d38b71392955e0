#include "os/contexts.h"
#include "os/kernel.h"

static const char *const page_size_names[] = {"4K", "16K", "64K", NULL};
static const char *const thp_names[] = {"never", "always", NULL};
static const char *const first_touch_names[] = {"all", "access", NULL};
static const char *const placement_names[] = {"in_order", "scattered", NULL};

static const char *const affinity_names[] = {"one", "spread", "requester", NULL};
static const char *const device_names[] = {"emulated", "assigned", "direct", NULL};
static const char *const idle_names[] = {"tickless", "periodic", "haltpoll", NULL};

static const char *const shootdown_names[] = {"broadcast", "ipi", NULL};

/* OS_ASIDS_RECORDED, and the allocators behind it. */
static const char *const asids_names[] = {"recorded",
#define X(name, doc) #name,
					  CTX_ALLOCATORS(X)
#undef X
						  NULL};

#define T struct os_work_params
static const struct param work_rows[] = {
	P_U64(T, instructions, "instructions", 0, 0, 10000000,
	      "what the kernel executes, at primitives.instructions_per_kilocycle, beside the exception and its return; the lines "
	      "that they are on are fetched. 0: nothing is known, and nothing is charged"),
	P_U64(T, lines, "lines", 0, 0, 1000000, "lines of data that it touches each time"),
	P_U64(T, span_lines, "lines", 0, 0, 10000000,
	      "lines of data that successive times move through, round about; at least `lines`"),
};
#undef T
SCHEMA(os_work_schema, "work", struct os_work_params, work_rows,
       "work of the kernel, which passes through TLBs and caches as the program does");

/* The tick of Linux: hrtimer_interrupt(), tick_sched_timer() and what update_process_times() calls. Estimated from the size of these
 * functions. */
#define T struct os_work_params
static const struct param tick_rows[] = {
	P_U64(T, instructions, "instructions", 2500, 1, 10000000,
	      "that the handler of a tick executes, beside what the paths say of its interrupt (estimated)"),
	P_U64(T, lines, "lines", 50, 0, 1000000, "lines of data that it touches each time (estimated)"),
	P_U64(T, span_lines, "lines", 0, 0, 10000000,
	      "lines of data that successive times move through, round about; at least `lines`"),
};
#undef T
SCHEMA(os_tick_schema, "tick", struct os_work_params, tick_rows,
       "the kernel's work at each tick, which passes through TLBs and caches as the program does");

#define T struct os_params
static const struct param rows[] = {
	P_ENUM(T, page_size, page_size_names, OS_PAGE_4K, "page size of the kernel, its granule at stage 1"),
	P_U64(T, va_bits, "bits", 48, 36, 52,
	      "size of the user and of the kernel half: 39, 48, 52 with 4K pages; 36, 47, 48, 52 with 16K; "
	      "42, 48, 52 with 64K"),
	P_ENUM(T, thp, thp_names, OS_THP_NEVER,
	       "transparent huge pages: a first touch maps a whole block (2M, 32M, 512M)"),
	P_U64(T, thp_fail_percent, "percent", 0, 0, 100,
	      "share of huge pages that fragmented memory cannot give; base pages are mapped instead"),
	P_BOOL(T, contiguous, 0,
	       "a first touch maps a run of 16, 128, 32 pages of 4K, 16K, 64K under the contiguous hint"),
	P_U64(T, contiguous_fail_percent, "percent", 0, 0, 100,
	      "share of those runs that fragmented memory cannot give; their pages are mapped one by one"),
	P_U64(T, eager_bytes, "bytes", 0, 0, UINT64_C(1) << 30,
	      "eager paging: a first touch maps the largest naturally aligned area up to this that is empty and that memory has "
	      "contiguous, page by page, at the cost of a fault for each; a power of 2, 0: no"),
	P_U64(T, eager_fail_percent, "percent", 0, 0, 100,
	      "share of those areas that fragmented memory cannot give; half of the size is tried next"),
	P_ENUM(T, placement, placement_names, OS_IN_ORDER,
	       "base pages come in order, or scattered as after a long uptime"),
	P_ENUM(T, first_touch, first_touch_names, OS_GRANT_ALL,
	       "permissions that a first touch maps: all of them, dirty at once; or what the access needs, the rest by later "
	       "faults and by hardware dirty state"),
	P_BOOL(T, shared_frame, 0,
	       "every base page maps one and the same frame, as micro-benchmarks of TLBs do to keep their data in the "
	       "first-level cache"),
	P_U64(T, mutex_spin_cycles, "cycles", 3000, 0, 1000000000,
	      "how long a thread of the program spins at a mutex that another one has before it sleeps (estimated: 1 us at 3 GHz)"),
	P_U64(T, mutex_wake_cycles, "cycles", 9000, 0, 1000000000,
	      "from the wake-up of such a thread until it runs (estimated: futex, scheduler and interrupt, 3 us at 3 GHz)"),
	P_U64(T, mutex_wake_caller_cycles, "cycles", 3000, 0, 1000000000,
	      "what the wake-up takes from the thread that gives the mutex back (estimated: 1 us at 3 GHz)"),
	/* CAL: estimated; an anonymous 4 KiB fault takes 0.5 to 0.7 us with zeroing on 3 GHz servers. */
	P_U64(T, fault_cycles, "cycles", 1800, 0, 1000000000,
	      "kernel's cost of a minor fault that maps a page or a run (estimated: 0.6 us at 3 GHz, with zeroing "
	      "of a page)"),
	/* CAL: estimated; zeroing 2 MiB at 20 GB/s. */
	P_U64(T, thp_fault_cycles, "cycles", 300000, 0, UINT64_C(1000000000000),
	      "kernel's cost of a fault that maps a huge page (estimated: 2 MiB zeroed at 20 GB/s, 3 GHz)"),
	P_ENUM(T, asids, asids_names, OS_ASIDS_RECORDED,
	       "who gives address spaces their ASIDs: the switch records of the workload; generations as Linux or as KVM; "
	       "least recently run; one for all, flushed at every switch"),
	P_U64(T, asid_bits, "bits", 0, 0, 16,
	      "bits of an ASID, at most those that the machine has (features.asid16); 0: all of them"),
	P_BOOL(T, kpti, 0,
	       "CONFIG_UNMAP_KERNEL_AT_EL0: two ASIDs an address space, the kernel's pages in that of its own, and TLBIs for both; the kernel "
	       "is entered and left by a trampoline"),
	P_U64(T, pinned_asids, "address spaces", 0, 0, 65535,
	      "asids linux: so many address spaces, the first that run, keep their ASIDs over rollovers, as devices use them "
	      "(shared virtual addressing: arm64_mm_context_get())"),
	P_ENUM(T, shootdown, shootdown_names, OS_SHOOTDOWN_BROADCAST,
	       "how TLB maintenance reaches other cores: by broadcast TLBIs, or by interrupts whose handlers do it, as on "
	       "architectures without broadcasts"),
	P_U64(T, processes, "processes", 1, 1, 4096,
	      "processes that share the core; each runs the workload, or another of its streams, in an address space of "
	      "its own"),
	P_U64(T, switch_every, "accesses", 10000, 1, UINT64_C(1) << 48,
	      "processes: loads and stores from one switch to the next"),
	P_MAP(T, syscall, &os_work_schema,
	      "what the kernel does at a system call, a record svc of the workload"),
	P_MAP(T, page_fault, &os_work_schema, "at a fault of stage 1; in addition to fault_cycles"),
	P_MAP(T, process_switch, &os_work_schema, "at a change of the address space, a record switch"),
	P_U64(T, tick_hz, "Hz", 0, 0, 100000,
	      "ticks of the kernel on each of its CPUs (Linux: CONFIG_HZ, 250 in arm64's defconfig); 0: none"),
	P_ENUM(T, idle, idle_names, OS_IDLE_TICKLESS,
	       "tick_hz: a WFI that waits for a timer stops the tick (CONFIG_NO_HZ_IDLE); or is ended by each tick (CONFIG_HZ_PERIODIC); "
	       "or stops it after the kernel has polled for a while (cpuidle's governor haltpoll)"),
	P_MAP(T, tick, &os_tick_schema, "what the kernel does at each tick"),
	P_MAP(T, interrupt, &os_work_schema,
	      "tick_hz: what the handler of any other interrupt does, beside what the paths say of it"),
	P_MAP(T, softirq, &os_work_schema, "tick_hz: what a soft interrupt behind a handler does"),
	P_U64(T, softirq_percent, "percent", 100, 0, 100,
	      "share of handlers that raise a soft interrupt (estimated)"),
	P_U64(T, device_irq_hz, "Hz", 0, 0, 1000000,
	      "tick_hz: interrupts of a device, for requests of each CPU (a parameter of the workload); 0: none"),
	P_ENUM(T, device_kind, device_names, OS_DEVICE_EMULATED,
	       "whose interrupts they are: of a device that the host of a guest emulates, and injects; of one that is assigned to the guest, "
	       "or the kernel's own, whose messages interrupt the host; of one whose messages a GICv4 delivers to the guest itself"),
	P_U64(T, device_queues, "queues", 1, 1, 4096, "of that device: each has an interrupt of its own"),
	P_ENUM(T, irq_affinity, affinity_names, OS_IRQS_ONE,
	       "where they go: all to the first CPU; queue n to CPU n, round about (/proc/irq/*/smp_affinity); each to the CPU that "
	       "requested, which has a queue of its own (blk-mq)"),
	P_U64(T, guest_halt_poll_ns, "ns", 200000, 0, 1000000000,
	      "idle: haltpoll: the longest time to poll (module parameter of cpuidle's haltpoll and its default, as the next four)"),
	P_U64(T, guest_halt_poll_grow_start, "ns", 50000, 0, 1000000000, "the first time to poll"),
	P_U64(T, guest_halt_poll_grow, "factor", 2, 0, 1000,
	      "by which it grows after a halt that polling could have caught"),
	P_U64(T, guest_halt_poll_shrink, "divisor", 2, 0, 1000,
	      "by which it shrinks after a longer halt; 0: to nothing"),
	P_BOOL(T, guest_halt_poll_allow_shrink, 1, "whether it shrinks"),
	P_MAP(T, hugetlb, &hugetlb_schema,
	      "pools of huge pages; where there are any, programs' memory is of hugetlbfs, whatever thp says"),
	P_MAP(T, numa, &numa_schema,
	      "placement of the program's memory and tables; in a VM, whose memory is one node to the guest, the hypervisor's counts"),
};
#undef T

SCHEMA(os_schema, "os", struct os_params, rows,
       "the kernel of the machine or of a guest: how it maps memory");

/* The VA sizes that Linux offers per page size (arch/arm64/Kconfig, ARM64_VA_BITS). */
enum need { NEED_NOTHING, NEED_LVA, NEED_LPA2 };
static const struct {
	unsigned page_bits, va_bits;
	enum need need;
} va_sizes[] = {
	{GRANULE_4K, 39, NEED_NOTHING},  {GRANULE_4K, 48, NEED_NOTHING},  {GRANULE_4K, 52, NEED_LPA2},
	{GRANULE_16K, 36, NEED_NOTHING}, {GRANULE_16K, 47, NEED_NOTHING}, {GRANULE_16K, 48, NEED_NOTHING},
	{GRANULE_16K, 52, NEED_LPA2},    {GRANULE_64K, 42, NEED_NOTHING}, {GRANULE_64K, 48, NEED_NOTHING},
	{GRANULE_64K, 52, NEED_LVA},
};

unsigned os_asid_bits(const struct os_params *p, const struct features *f)
{
	if (p->asid_bits) return (unsigned)p->asid_bits;
	return f->asid16 ? 16 : 8;
}

unsigned os_page_bits(const struct os_params *p) { return GRANULE_4K + 2 * (unsigned)p->page_size; }
unsigned os_huge_bits(const struct os_params *p) { return level_entry_bits(os_page_bits(p), OS_HUGE_LEVEL); }

enum desc_layout os_layout(const struct os_params *p, const struct features *f)
{
	if (p->page_size == OS_PAGE_64K) return f->lpa && f->pa_bits > 48 ? DESC_OA_LPA : DESC_OA_48;
	return p->va_bits > 48 ? DESC_OA_DS : DESC_OA_48;
}

/* `key`, also to who wants to point at it. */
static const char *at_fault(const char **out, const char *key)
{
	if (out) *out = key;
	return key;
}

enum status os_check(const struct os_params *p, const struct features *f, const char **key, struct err *err)
{
	const char *size = page_size_names[p->page_size];
	if (p->asid_bits > 8 && !f->asid16)
		return err_set(err, ERR_CONFIG, "os.%s: %llu, but this machine has 8 (features.asid16)",
			       at_fault(key, "asid_bits"), (unsigned long long)p->asid_bits);
	if (p->asids && p->asid_bits == 1)
		return err_set(err, ERR_CONFIG, "os.%s: 1 gives no ASID to allocate beside 0 and one",
			       at_fault(key, "asid_bits"));
	if (p->kpti && p->asids == OS_ASIDS_RECORDED)
		return err_set(err, ERR_CONFIG,
			       "os.%s: an allocator gives ASIDs in pairs: os.asids must not be recorded",
			       at_fault(key, "kpti"));
	if (p->pinned_asids && p->asids != OS_ASIDS_LINUX)
		return err_set(err, ERR_CONFIG, "os.%s: %llu, but only os.asids linux pins",
			       at_fault(key, "pinned_asids"), (unsigned long long)p->pinned_asids);
	if (p->eager_bytes && !is_power_of_2(p->eager_bytes))
		return err_set(err, ERR_CONFIG, "os.%s: %llu is not a power of 2",
			       at_fault(key, "eager_bytes"), (unsigned long long)p->eager_bytes);
	if (!bit_get(f->granules, (unsigned)p->page_size))
		return err_set(err, ERR_CONFIG, "os.%s: %s is not among the machine's features.granules",
			       at_fault(key, "page_size"), size);
	for (size_t i = 0; i < sizeof(va_sizes) / sizeof(va_sizes[0]); i++) {
		if (va_sizes[i].page_bits != os_page_bits(p) || va_sizes[i].va_bits != p->va_bits) continue;
		if (va_sizes[i].need == NEED_LVA && !f->lva)
			return err_set(err, ERR_CONFIG, "os.%s: 52 with 64K pages needs features.lva",
				       at_fault(key, "va_bits"));
		if (va_sizes[i].need == NEED_LPA2 && !f->lpa2)
			return err_set(err, ERR_CONFIG, "os.%s: 52 with %s pages needs features.lpa2",
				       at_fault(key, "va_bits"), size);
		return OK;
	}
	static const char *const allowed[] = {"39, 48, 52", "36, 47, 48, 52", "42, 48, 52"};
	return err_set(err, ERR_CONFIG, "os.%s: %llu is not a size of Linux with %s pages: %s",
		       at_fault(key, "va_bits"), (unsigned long long)p->va_bits, size, allowed[p->page_size]);
}

struct frames_params os_frames_params(const struct os_params *p, uint64_t base, uint64_t bytes)
{
	return (struct frames_params){.base = base,
				      .bytes = bytes,
				      .page_bits = os_page_bits(p),
				      .block_bits = os_huge_bits(p),
				      .fail_percent = (unsigned)p->thp_fail_percent,
				      .scattered = p->placement == OS_SCATTERED,
				      .path = "os.frames"};
}
