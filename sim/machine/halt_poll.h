/* halt_poll.h - how long a host polls for a halted vCPU before its thread sleeps.
 *
 *   halt_poll_after: how long the halt was -> how long the next one is polled for
 * The time grows while halts are short but longer than it, and shrinks after one that polling could not have caught.
 * Source: Linux 6.6 virt/kvm/kvm_main.c (kvm_vcpu_halt, grow_halt_poll_ns, shrink_halt_poll_ns).
 * Not modelled: invalid wake-ups, a limit per VM.
 */
#ifndef MACHINE_HALT_POLL_H
#define MACHINE_HALT_POLL_H

#include "base/types.h"

struct halt_poll_limits {
	cycles_t most, grow_start; /* most = 0: no polling */
	uint64_t grow, shrink;
};

/* What follows on `poll` after a halt of `halted` cycles, polling included. */
cycles_t halt_poll_after(const struct halt_poll_limits *l, cycles_t poll, cycles_t halted);

#endif
