/* guest_world.h - kernels that are interrupted, on a Neoverse N1: as guests of KVM, and on bare metal. */
#ifndef TESTS_GUEST_WORLD_H
#define TESTS_GUEST_WORLD_H

#include "vm_world.h"

enum { GUEST_MHZ = 3000, PAGE = 4096 }; /* of a Neoverse N1 */

/* Stacks whose kernel has the keys `os`. */
#define GUEST(os) \
	"os: {" os "}\n" \
	"hypervisors: [{paths: configs/hypervisors/kvm-vhe.yaml, vmm: configs/vmms/minimal.yaml}]\n" \
	"operations: configs/guests/operations.yaml\n"
#define NATIVE(os) "os: {" os "}\nhypervisors: []\noperations: configs/guests/linux-native.yaml\n"

/* vm_world_open() of a stack that must be right. */
void guest_open(struct vm_world *w, const char *yaml);
/* Loads of one page, with instructions between. */
void guest_run_loads(struct vm_world *w, uint64_t loads);
/* `times` sleeps of so many microseconds each, with a load between. */
void guest_run_sleeps(struct vm_world *w, uint64_t microseconds, uint64_t times);
/* How often what comes `hz` times a second comes in so many cycles. */
uint64_t guest_ticks(uint64_t cycles, uint64_t hz);

#endif
