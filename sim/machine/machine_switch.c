/* machine_switch.c - a vCPU leaves a core, another enters: context, TLB maintenance, costs. */
#include "machine/host_impl.h"
#include "mmu/tlbi.h"

static void spend(struct cpu *c, cycles_t cycles, enum core_bucket bucket)
{
	struct core_spent spent = {0};
	spent.cycles[bucket][2] = cycles;
	core_spend(&c->core, &spent);
}

static void tell_waited(const struct vcpu *v, cycles_t from, cycles_t to, bool goes_on)
{
	const struct machine_observer *o = v->cpu->observer;
	if (o) o->waited(o->self, vcpu_thread(v), from, to, goes_on);
}

void host_account(struct host *h, struct vcpu *v, enum vcpu_state next, cycles_t now)
{
	struct host_vcpu *hv = host_vcpu(h, v);
	if (hv->state == VCPU_WAITS || hv->state == VCPU_IDLE)
		tell_waited(v, hv->since, now, next == VCPU_RUNS);
	else if (next == VCPU_ENDED)
		tell_waited(v, now, now, false);
	if (hv->state < VCPU_ENDED) {
		hv->stats.cycles[hv->state] += now - hv->since;
		hv->stats.elapsed = now - hv->begin;
	}
	hv->state = next;
	hv->since = now;
}

void host_idle_until(struct host *h, struct cpu *c, cycles_t until)
{
	cycles_t now = core_now(&c->core);
	if (until <= now) return;
	spend(c, until - now, BUCKET_IDLE);
	h->core[cpu_index(c)].idle += until - now;
}

void machine_load_vcpu(struct vcpu *v, struct cpu *c)
{
	v->cpu = c;
	c->vcpu = v;
	v->events.mmu = c->mmu;
	v->events.shooter = &c->shooter;
	c->shooter.kernel = &v->vm->kernel.shoots;
	if (v->events.core) v->events.core = &c->core;
	mmu_set_context(c->mmu, &v->regs, &c->machine->hw->features, 0, false, SEC_NONSECURE);
	machine_label_cpu(c, v->mpam);
	events_occupy(&v->events);
	if (v->work) kernel_work_move(v->work, c->mmu, &c->mem);
	if (!v->paths) return;
	path_engine_move(v->paths, &c->mem, c->path_memory, cpu_dvm_port(c));
	host_memory_set_guest(c->path_memory, &v->regs);
}

/* __kvm_flush_cpu_context(), at EL2 with the VM's VMID loaded: stage 1 of that VMID, in this core's TLBs alone. */
static void flush_stage1(struct host *h, struct vcpu *v, struct cpu *c)
{
	enum { DSB_NSH = 7 };
	const struct tlbi_context at_el2 = {&v->regs, &h->machine->hw->features, 2, SEC_NONSECURE};
	struct tlbi_op op;
	struct tlbi_scope scope;
	bool known = tlbi_named("VMALLE1", &op) && tlbi_resolve(op, 0, &at_el2, &scope) == TLBI_DONE;
	assert(known);
	core_tlbi(&c->core, false);
	mmu_tlbi(c->mmu, &scope);
	core_dsb(&c->core, DSB_NSH);
	host_vcpu(h, v)->stats.tlb_flushes++;
}

/* The TLBI at EL2 by which a hypervisor does what an allocator of VMIDs asks for, as __kvm_flush_vm_context(). */
static void flush_vmids(struct host *h, struct vcpu *v, struct cpu *c, enum ctx_flush flush)
{
	enum { DSB_NSHST = 6, DSB_NSH = 7, DSB_ISHST = 10, DSB_ISH = 11 };
	static const char *const operation[] = {[CTX_FLUSH_CPU] = "ALLE1",
						[CTX_FLUSH_EVERYWHERE] = "ALLE1IS",
						[CTX_FLUSH_NUMBER] = "VMALLS12E1",
						[CTX_FLUSH_NUMBER_EVERYWHERE] = "VMALLS12E1IS"};
	struct machine *m = h->machine;
	const struct tlbi_context at_el2 = {&v->regs, &m->hw->features, 2, SEC_NONSECURE};
	bool everywhere = flush == CTX_FLUSH_EVERYWHERE || flush == CTX_FLUSH_NUMBER_EVERYWHERE;
	struct shootdown what = {.by = &at_el2};
	if (flush == CTX_FLUSH_NONE) return;
	bool known = tlbi_named(operation[flush], &what.op);
	assert(known);
	c->shooter.core = &c->core;
	shootdown_dsb(&m->shootdowns, &c->shooter, everywhere ? DSB_ISHST : DSB_NSHST);
	shootdown_tlbi(&m->shootdowns, &c->shooter, &what, &h->vmid_entries);
	shootdown_dsb(&m->shootdowns, &c->shooter, everywhere ? DSB_ISH : DSB_NSH);
}

/* The VM of `v`, which core `c` is given to, has a VMID from now on. It is another than before only while none of its vCPUs runs. */
static enum ctx_flush give_vmid(struct host *h, struct vcpu *v, struct cpu *c)
{
	struct vm *vm = v->vm;
	if (!h->vmids) return CTX_FLUSH_NONE;
	struct ctx_switch s = contexts_switch(h->vmids, cpu_index(c), &vm->vmid);
	if (hyp_vm_set_vmid(vm->hyp, s.number))
		for (unsigned i = 0; i < vm->vcpus; i++) hyp_enter_vmid(vm->hyp, &vm->vcpu[i].regs);
	return s.flush;
}

/* The core has the registers of `v`, with the VMID that its VM has. */
static void load(struct host *h, struct vcpu *v, struct cpu *c)
{
	struct host_core *hc = &h->core[cpu_index(c)];
	uint16_t vmid = (uint16_t)(v->regs.VTTBR_EL2 >> 48);
	if (hc->loaded != v || hc->vmid != vmid) machine_load_vcpu(v, c);
	hc->loaded = v;
	hc->vmid = vmid;
}

static void move(struct host *h, struct vcpu *v, struct cpu *c)
{
	if (v->cpu == c) return;
	unsigned next = v->task.next, guest_next = v->guest_task.next;
	numa_task_init(&v->task, &c->mem);
	v->guest_task = v->task;
	v->task.next = next;
	v->guest_task.next = guest_next;
	v->events.node = v->task.near[0];
	host_vcpu(h, v)->stats.migrations++;
}

enum status host_leave_guest(struct host *h, struct vcpu *v, struct err *err)
{
	struct core *core = &v->cpu->core;
	struct core_spent spent = {0};
	cycles_t now = core_now(core);
	if (!v->parks) return spend(v->cpu, h->params->switch_cycles / 2, BUCKET_HYPERVISOR), OK;
	if (path_engine_is_away(v->paths)) return OK;
	TRY(path_engine_preempt(v->paths, now, &spent, err));
	machine_tell_spent(v->cpu, now, &spent);
	core_spend(core, &spent);
	return OK;
}

enum status host_resume_guest(struct host *h, struct vcpu *v, struct err *err)
{
	struct core *core = &v->cpu->core;
	struct core_spent spent = {0};
	cycles_t now = core_now(core), half = h->params->switch_cycles - h->params->switch_cycles / 2;
	if (!v->parks) return spend(v->cpu, half, BUCKET_HYPERVISOR), OK;
	if (!path_engine_is_away(v->paths)) return OK; /* it has not run yet: it was booted */
	TRY(path_engine_come_back(v->paths, now, &spent, err));
	machine_tell_spent(v->cpu, now, &spent);
	core_spend(core, &spent);
	return OK;
}

enum status host_enter_guest(struct host *h, struct vcpu *v, struct cpu *c, struct err *err)
{
	const struct vcpu **last = &v->vm->last_ran[cpu_index(c)];
	host_idle_until(h, c, host_vcpu(h, v)->since);
	host_account(h, v, VCPU_RUNS, core_now(&c->core));
	move(h, v, c);
	enum ctx_flush flush = give_vmid(h, v, c);
	load(h, v, c);
	flush_vmids(h, v, c, flush);
	TRY(host_resume_guest(h, v, err));
	if (*last && *last != v) flush_stage1(h, v, c);
	*last = v;
	cpu_returns_from_exception(c);
	vcpu_return_to_lock(v);
	return OK;
}
