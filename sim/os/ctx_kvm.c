/* ctx_kvm.c - VMIDs as KVM gives them: generations, with one broadcast flush at the rollover.
 *
 * A vCPU that leaves its CPU gives up the claim to its number (VMID_ACTIVE_INVALID), so that a rollover reserves only what
 * runs at that moment.
 * Source: Linux 6.6 arch/arm64/kvm/vmid.c: kvm_arm_vmid_update(), kvm_arm_vmid_clear_active(), flush_context(), and
 * __kvm_flush_vm_context() in kvm/hyp/: TLBI ALLE1IS.
 */
#include "os/ctx.h"

/* An id whose number is 0 and whose generation is the first: no VM has it. */
static uint64_t invalid(const struct contexts *c) { return ctx_numbers(c); }

static struct ctx_switch run(struct contexts *c, unsigned cpu, struct context *space)
{
	struct ctx_cpu *here = &c->cpu[cpu];
	struct ctx_switch s = {0};
	if (!ctx_is_current(c, space) && ctx_new_id(c, space)) s.flush = CTX_FLUSH_EVERYWHERE;
	here->active = space->id;
	s.number = ctx_number(c, space->id);
	return s;
}

static void leave(struct contexts *c, unsigned cpu) { c->cpu[cpu].active = invalid(c); }

const struct ctx_allocator ctx_kvm = {
	.name = "kvm", .source = "Linux 6.6 arch/arm64/kvm/vmid.c", .run = run, .leave = leave};
