/* memops_params.h - operations on a VM's memory while it runs: what is done, when, and with which means. */
#ifndef MACHINE_MEMOPS_PARAMS_H
#define MACHINE_MEMOPS_PARAMS_H

#include "config/schema.h"

#define MEMOPS(X) \
	X(precopy, "live migration: rounds of what was written, then the rest while the VM stands still") \
	X(postcopy, "live migration: the VM goes on at once, and its pages follow or are fetched") \
	X(snapshot, "what is in memory is saved, pages that are about to be written first") \
	X(ksm, "pages of equal content come to share one frame") \
	X(preallocate, "memory is mapped before it is touched") \
	X(inflate, "the guest's balloon gives free memory back to the host") \
	X(deflate, "the balloon gives it to the guest again") \
	X(age, "pages that were touched since the last look are counted, and their access flags cleared") \
	X(plug, "the guest has more memory: what hotplug_bytes left out (virtio-mem)") \
	X(unplug, "memory is taken from the guest, which moves what is there") \
	X(cpu_off, "a vCPU is off for a while, or is added when that is over")

enum memop_kind {
#define X(name, doc) MEMOP_##name,
	MEMOPS(X)
#undef X
		MEMOP_KIND_COUNT
};

struct memop_params {
	const char *name, *vm; /* vm: of stack.vms; "": the first */
	uint64_t kind;         /* enum memop_kind */
	uint64_t at;
	uint64_t bytes, node; /* node: of the guest */
	uint64_t vcpu, off_us;
	uint64_t link_MBps, link_latency_ns, compress_MBps, compressed_percent;
	uint64_t downtime_us, rounds_max, state_bytes;
	uint64_t handler_cycles;
	uint64_t scan_pages, scan_sleep_us, scans, duplicate_percent, contents, checksum_instructions;
	uint64_t age_flush; /* bool */
};
extern const struct schema memop_schema; /* of one operation */

#endif
