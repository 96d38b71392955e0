/* kvm_text.h - exits as the trace events of Linux's KVM: kvm_entry, kvm_exit, and what the handler of the exit tells.
 *
 *   kvm_text_event(event of a path) -> lines      kvm_text_write -> all of them, by time
 * An exit is an exception of the guest to EL2, an entry the return from there to the guest; what EL3 takes and gives back
 * KVM does not see, and traps of FP and SVE that go back to the guest without a write of HCR_EL2 (its switch of the world) it
 * does not trace: hyp/include/hyp/switch.h, fixup_guest_exit(). The kernel traces kvm_exit after its switch of the world and kvm_entry before it; here both have the time
 * of the exception and the return themselves. A hypervisor that is not KVM is told of in KVM's words, too.
 * Source: Linux 6.1 arch/arm64/kvm/trace_arm.h, trace_handle_exit.h, include/trace/events/kvm.h, kernel/trace/trace_output.c
 * (the columns), arch/arm64/include/asm/kvm_arm.h (kvm_arm_exception_class).
 * Not modelled: values that devices give and take (val is 0x0), r0 of calls that paths do not name; interrupt controller,
 * timer, debug and scheduler events.
 */
#ifndef MACHINE_KVM_TEXT_H
#define MACHINE_KVM_TEXT_H

#include <stdio.h>

#include "base/types.h"

struct kvm_text;
struct path_event; /* hyp/path.h */
struct path_price; /* hyp/path_cost.h */

/* `limit`: lines that are kept. */
struct kvm_text *kvm_text_new(unsigned vcpus, uint64_t limit);
void kvm_text_free(struct kvm_text *k);
/* vCPU `vcpu` on core `cpu` has met `e`, at that price. */
void kvm_text_event(struct kvm_text *k, unsigned vcpu, unsigned cpu, const struct path_event *e,
		    const struct path_price *price);
/* The whole text; times are cycles of `clock_mhz`. Whether the file took it is the caller's to ask (ferror). */
void kvm_text_write(const struct kvm_text *k, unsigned cpus, uint64_t clock_mhz, FILE *out);

#endif
