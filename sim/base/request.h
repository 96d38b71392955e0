/* request.h - who asks the memory side for what, and why: the tags that every request carries. */
#ifndef BASE_REQUEST_H
#define BASE_REQUEST_H

#include "base/types.h"

/* Why a request was made. Counters of the memory side are kept per cause. */
#define REQ_CAUSES(X) \
	X(DATA, data, "a load or store of the program") \
	X(IFETCH, ifetch, "an instruction fetch of the program") \
	X(S1_WALK, s1_walk, "a stage 1 descriptor") \
	X(S2_OF_S1, s2_of_s1, "a stage 2 descriptor, to find a stage 1 table") \
	X(S2_FINAL, s2_final, "a stage 2 descriptor, for the address that stage 1 gave") \
	X(DEVICE, device, "a device") \
	X(HYPERVISOR, hypervisor, "the hypervisor's own code") \
	X(VMM, vmm, "the virtual machine monitor in user space")

enum req_cause {
#define X(name, text, doc) CAUSE_##name,
	REQ_CAUSES(X)
#undef X
		CAUSE_COUNT
};

struct mem_req {
	struct pa pa;
	uint16_t pcpu, vcpu, vm; /* vm 0 is the host */
	uint16_t partid;         /* MPAM */
	uint8_t pmg;
	uint8_t kind;  /* enum access_kind */
	uint8_t cause; /* enum req_cause */
	uint8_t el;
	uint8_t security; /* enum security: the physical address space */
};

#endif
