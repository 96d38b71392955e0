#include "machine/memops_params.h"

static const char *const kind_names[] = {
#define X(name, doc) #name,
	MEMOPS(X)
#undef X
		NULL};

#define F struct memop_params
static const struct param rows[] = {
	P_STR(F, name, NULL, "name of the operation in results"),
	P_STR(F, vm, "", "name of the VM of stack.vms whose memory it is; empty: the first"),
	P_ENUM(F, kind, kind_names, MEMOP_precopy, "what is done (docs/memory-operations.md)"),
	P_U64(F, at, "cycles", 0, 0, UINT64_C(1) << 48,
	      "when it begins, from the beginning of what is measured; or when the one before it in the list has ended"),
	P_U64(F, bytes, "bytes", 0, 0, UINT64_C(1) << 52,
	      "preallocate, inflate, deflate, ksm, age, plug, unplug: how much of the VM's memory, from its beginning; 0: all"),
	P_U64(F, node, "node", 0, 0, 63, "plug, unplug: of the nodes that the guest sees (vnuma)"),
	P_U64(F, vcpu, "vCPU", 0, 0, 1023, "cpu_off: its number within the VM"),
	P_U64(F, off_us, "us", 1000, 1, 1000000000, "cpu_off: how long it is off"),
	P_U64(F, link_MBps, "MB/s", 1250, 1, 1000000,
	      "bandwidth of the link to the other host, or of the storage of a snapshot (10 Gbit/s Ethernet)"),
	P_U64(F, link_latency_ns, "ns", 15000, 0, 1000000000,
	      "of the link, one way (estimated: 10 Gbit/s Ethernet with TCP, host to host)"),
	P_U64(F, compress_MBps, "MB/s", 0, 0, 1000000,
	      "of uncompressed bytes: rate of the compression engine; 0: there is none"),
	P_U64(F, compressed_percent, "percent", 100, 1, 100, "what is left of a page once it is compressed"),
	P_U64(F, downtime_us, "us", 300000, 0, 1000000000,
	      "precopy: the VM is stopped once the rest would be sent within this (QEMU's downtime-limit: 300 ms)"),
	P_U64(F, rounds_max, "rounds", 30, 1, 1000,
	      "precopy: the VM is stopped after so many in any case (Xen: 29 and the last, Clark et al., NSDI 2005)"),
	P_U64(F, state_bytes, "bytes", 65536, 0, UINT64_C(1) << 40,
	      "registers and devices, sent while the VM stands still (estimated: some devices of virtio)"),
	P_U64(F, handler_cycles, "cycles", 15000, 0, 1000000000,
	      "of a fault that a thread of the VMM resolves, beyond the fault (estimated: userfaultfd, 5 us at 3 GHz)"),
	P_U64(F, scan_pages, "pages", 100, 1, 1000000,
	      "ksm: looked at before it sleeps (Linux: pages_to_scan); age: looked at together"),
	P_U64(F, scan_sleep_us, "us", 20000, 0, 1000000000,
	      "ksm: how long it sleeps (Linux: sleep_millisecs, 20); age: how long between two looks at all of the memory"),
	P_U64(F, scans, "scans", 3, 1, 1000000, "ksm, age: of all of the memory, then it ends"),
	P_U64(F, duplicate_percent, "percent", 25, 0, 100, "ksm: pages whose content others have, too"),
	P_U64(F, contents, "contents", 64, 1, 1000000, "ksm: different contents among those"),
	P_U64(F, checksum_instructions, "instructions", 1024, 0, 1000000,
	      "ksm: to check a page's sum beyond reading it (estimated: one for 4 bytes)"),
	P_BOOL(F, age_flush, 0,
	       "age: a page that was touched is flushed from TLBs, as before it is swapped out (clear_flush_young); else TLBs "
	       "that hold it go on using it, and it looks untouched, as to idle page tracking (clear_young)"),
};
#undef F
SCHEMA(memop_schema, "memop", struct memop_params, rows,
       "an operation on the memory of a VM of the stack, while it runs");
