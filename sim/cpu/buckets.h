/* buckets.h - where a cycle went, and at which exception level: what cores count, and handlers hand to them. */
#ifndef CPU_BUCKETS_H
#define CPU_BUCKETS_H

#include "base/types.h"

/* Where a cycle went. */
#define CORE_BUCKETS(X) \
	X(BASE, base, "instructions at the core's width") \
	X(FETCH_TRANSLATION, fetch_translation, "waiting for the translation of a fetch") \
	X(FETCH_MEMORY, fetch_memory, "waiting for instructions") \
	X(DATA_TRANSLATION, data_translation, "waiting for the translation of a load or store") \
	X(DATA_MEMORY, data_memory, "waiting for a load") \
	X(STORE_BUFFER, store_buffer, "waiting for room in the store buffer") \
	X(BARRIER, barrier, "in a DSB, waiting for stores, and the barrier itself") \
	X(TLB_MAINTENANCE, tlb_maintenance, \
	  "issuing TLBIs, in a DSB that waits for them, and accepting those of other cores") \
	X(LOCK, lock, "taking and giving back locks of the program, and spinning at them") \
	X(EXCEPTION, exception, "taking exceptions, returning from them, and in the kernel's handlers") \
	X(HYPERVISOR, hypervisor, "in the hypervisor") \
	X(VMM, vmm, "in the virtual machine monitor, and in other tasks of the host") \
	X(FIRMWARE, firmware, "in firmware, at EL3 or in Secure state") \
	X(IDLE, idle, "nothing to do")

enum core_bucket {
#define X(name, text, doc) BUCKET_##name,
	CORE_BUCKETS(X)
#undef X
		BUCKET_COUNT
};

enum { CORE_LEVELS = 4 }; /* exception levels */

/* What handlers and software below the workload spent: by bucket and exception level, in any order. */
struct core_spent {
	cycles_t cycles[BUCKET_COUNT][CORE_LEVELS];
};

#endif
