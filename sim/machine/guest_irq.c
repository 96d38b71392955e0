/* guest_irq.c - interrupts of a program that runs, taken between two of its records, and of its kernel when that is idle.
 *
 * Tick and timer are times in the vCPU's clock (guest_clock.h). The run loops compare the next of them with the core's clock where they
 * look for the next event anyway: what begins before it is executed first. Then the timer's wire rises in the GIC, and when that is
 * signalled the vCPU takes it by the paths: natively in its own vector, in a guest by leaving it, and so on. A kernel that idles waits by
 * its WFI, whose path lasts until then.
 */
#include <stdio.h>

#include "machine/machine_impl.h"

enum { FIRST_PPI = 16, FIRST_SPI = 32, FIRST_LPI = 8192, PERCENT = 100 };

static const struct os_params *os_of(const struct vcpu *v) { return &v->vm->params.os; }
static unsigned kernel_el(const struct vcpu *v) { return v->vm->kernel.regime == REGIME_EL20 ? 2 : 1; }
static cycles_t cycles_of(const struct machine *m, uint64_t ns) { return ns * m->hw->clock_mhz / 1000; }

/* --- a device -------------------------------------------------------------------------------------------------------- */

/* Message n of the VM's device is for a request of CPU n, round about. Which queue's, and who gets it. */
static unsigned queue_of(const struct vcpu *v, uint64_t n)
{
	const struct os_params *os = os_of(v);
	unsigned requester = (unsigned)(n % v->vm->vcpus);
	return os->irq_affinity == OS_IRQS_REQUESTER ? requester : requester % (unsigned)os->device_queues;
}

static unsigned target_of(const struct vcpu *v, uint64_t n)
{
	return os_of(v)->irq_affinity == OS_IRQS_ONE ? 0 : queue_of(v, n) % v->vm->vcpus;
}

static enum path_device_kind device_of(const struct vcpu *v)
{
	return os_of(v)->device_kind == OS_DEVICE_DIRECT ? DEVICE_vlpi : DEVICE_lpi;
}

/* In the middle of its share of the second, so that it does not come with a tick. */
static cycles_t time_of(const struct vcpu *v, uint64_t n)
{
	uint64_t clock_hz = v->vm->machine->hw->clock_mhz * 1000000;
	return (cycles_t)((u128_t)(2 * n + 1) * clock_hz / (2 * os_of(v)->device_irq_hz * v->vm->vcpus));
}

/* When the next one for `v` is due, which v->messages is then. */
static cycles_t next_message(struct vcpu *v)
{
	unsigned looked = 0;
	for (; looked < v->vm->vcpus && target_of(v, v->messages) != v->number; looked++) v->messages++;
	return looked < v->vm->vcpus ? time_of(v, v->messages)
				     : CLOCK_NEVER; /* who gets none in a round gets none */
}

/* A thread of the host injects it; or it comes through the ITS, and interrupts host or guest as what others send does. */
static cycles_t send_message(struct vcpu *v)
{
	cycles_t due = v->clock.message, now = core_now(&v->cpu->core);
	unsigned queue = queue_of(v, v->messages), device = queue / v->vm->vcpus % PATH_DEVICE_COUNT;
	if (os_of(v)->device_kind == OS_DEVICE_EMULATED)
		return path_engine_inject_message(v->paths, FIRST_LPI + queue, due, now);
	path_engine_raise_message(v->paths, device_of(v), device, due, now);
	return CLOCK_NEVER;
}

static void raise_message(struct vcpu *v)
{
	struct guest_clock *c = &v->clock;
	cycles_t arrival = send_message(v);
	c->stats.messages++;
	c->message_fired_at = c->message;
	v->messages++;
	clock_set_message(c, next_message(v), arrival);
}

static enum status start_device(struct vcpu *v, struct err *err)
{
	const struct os_params *os = os_of(v);
	if (!os->device_irq_hz) return OK;
	bool emulated = os->device_kind == OS_DEVICE_EMULATED;
	const char *lacks = emulated ? NULL : path_engine_lacks_device(v->paths, device_of(v));
	if (v->vm->machine->host)
		return err_set(err, ERR_CONFIG,
			       "os.device_irq_hz: %llu, but its messages are for vCPUs that have a core each",
			       (unsigned long long)os->device_irq_hz);
	if (!v->vm->hyp && os->device_kind != OS_DEVICE_ASSIGNED)
		return err_set(
			err, ERR_CONFIG,
			"os.device_irq_hz: %llu, but without a hypervisor nobody injects its messages; "
			"os.device_kind: assigned",
			(unsigned long long)os->device_irq_hz);
	if (lacks) return err_set(err, ERR_CONFIG, "os.device_kind: %s", lacks);
	clock_set_message(&v->clock, next_message(v), CLOCK_NEVER);
	return OK;
}

/* --- set-up ---------------------------------------------------------------------------------------------------------- */

static void register_clock(struct vcpu *v)
{
	char path[48];
	if (v->vm->hyp) {
		snprintf(path, sizeof(path), "vm%u.vcpu%u.clock", v->vm->number, v->number);
	} else {
		snprintf(path, sizeof(path), "cpu%u.clock", v->cpu->number);
	}
	stats_add(v->cpu->machine->stats, clock_stat_rows, clock_stat_row_count, &v->clock.stats, "%s", path);
}

static struct haltpoll_limits limits_of(const struct machine *m, const struct os_params *os)
{
	return (struct haltpoll_limits){.most = cycles_of(m, os->guest_halt_poll_ns),
					.grow_start = cycles_of(m, os->guest_halt_poll_grow_start),
					.grow = os->guest_halt_poll_grow,
					.shrink = os->guest_halt_poll_shrink,
					.allow_shrink = os->guest_halt_poll_allow_shrink};
}

enum status vcpu_start_clock(struct vcpu *v, struct err *err)
{
	const struct machine *m = v->vm->machine;
	const struct os_params *os = os_of(v);
	char name[48];
	if (!os->tick_hz) return OK;
	if (m->host && !v->parks)
		return err_set(
			err, ERR_CONFIG,
			"os.tick_hz: the paths of this hypervisor have no step schedule, so nothing says "
			"how a vCPU that shares its core is interrupted");
	clock_start(&v->clock, m->hw->clock_mhz * 1000000 / os->tick_hz, 0);
	v->clock.limits = limits_of(m, os);
	snprintf(name, sizeof(name), "vm%u.vcpu%u.softirq", v->vm->number, v->number);
	rng_init(&v->softirq, m->seed, name);
	path_engine_set_variable(v->paths, "kernel_handles", true);
	register_clock(v);
	return start_device(v, err);
}

/* --- handlers -------------------------------------------------------------------------------------------------------- */

static cycles_t soft_interrupt(struct vcpu *v, cycles_t now)
{
	if (!v->softirq_raised) return 0;
	cycles_t spent = kernel_work_handle(v->work, KERNEL_SOFTIRQ, now);
	v->softirq_raised = false;
	v->clock.stats.softirqs++;
	v->clock.stats.softirq_cycles += spent;
	return spent;
}

/* One interrupt of the timer serves all that has expired. */
static cycles_t handler(struct vcpu *v, bool timer, cycles_t now)
{
	const struct guest_clock *c = &v->clock;
	bool tick = timer && c->tick_fired, other = !tick || c->timer_fired;
	cycles_t spent = tick ? kernel_work_handle(v->work, KERNEL_TICK, now) : 0;
	if (other) spent += kernel_work_handle(v->work, KERNEL_INTERRUPT, now + spent);
	v->softirq_raised |= rng_below(&v->softirq, PERCENT) < os_of(v)->softirq_percent;
	v->softirq_raised &= os_of(v)->softirq.instructions != 0;
	return spent;
}

cycles_t vcpu_handle_interrupt(void *vcpu, uint32_t intid, bool soft, cycles_t now)
{
	struct vcpu *v = vcpu;
	bool timer = intid >= FIRST_PPI && intid < FIRST_SPI, ticks = os_of(v)->tick_hz != 0;
	if (soft) return ticks ? soft_interrupt(v, now) : 0;
	if (intid >= FIRST_LPI) clock_set_message(&v->clock, v->clock.message, CLOCK_NEVER);
	if (timer && !clock_has_fired(&v->clock))
		clock_fire(&v->clock, now, CLOCK_NEVER); /* what has expired */
	cycles_t spent = ticks ? handler(v, timer, now) : 0;
	v->clock.stats.handler_cycles += spent;
	if (timer) {
		clock_handled(&v->clock, now + spent);
	} else {
		clock_woken(&v->clock, now + spent);
	}
	return spent;
}

/* --- a program that runs --------------------------------------------------------------------------------------------- */

/* A halt whose path had stopped is over, if that has come to its end: what woke it may have been before its timer. */
static void end_halt(struct vcpu *v)
{
	struct guest_clock *c = &v->clock;
	if (!c->halt_due || path_engine_is_busy(v->paths)) return;
	if (clock_has_fired(c) && core_now(&v->cpu->core) < c->halt_due) clock_put_back(c);
	path_engine_wait_until(v->paths, 0);
	c->halt_due = 0;
}

void vcpu_interrupt_piece(struct vcpu *v, cycles_t cycles)
{
	end_halt(v);
	if (!v->clock.taking) return;
	v->clock.stats.cycles += cycles;
	v->clock.taking = path_engine_is_busy(v->paths);
}

static enum status take(struct vcpu *v, cycles_t due, struct err *err)
{
	struct core *core = &v->cpu->core;
	struct core_spent spent = {0};
	cycles_t now = core_now(core);
	v->clock.stats.taken++;
	hist_add(&v->clock.stats.latency, now - due);
	v->clock.taking = true;
	TRY(path_engine_interrupt(v->paths, now, &spent, err));
	machine_tell_spent(v->cpu, now, &spent);
	core_spend(core, &spent);
	vcpu_interrupt_piece(v, core_now(core) - now);
	return OK;
}

/* What came while the vCPU was out of its guest has been served there. */
static enum status take_signal(struct vcpu *v, cycles_t now, struct err *err)
{
	cycles_t signalled = v->clock.signal;
	clock_signalled(&v->clock);
	return path_engine_is_signalled(v->paths, now) ? take(v, signalled, err) : OK;
}

/* Another core, or a device, has sent an interrupt to a vCPU, which takes it when it is there. */
static void on_sent(void *vm, unsigned pe, cycles_t at)
{
	struct vcpu *v = &((struct vm *)vm)->vcpu[pe];
	struct machine *m = v->vm->machine;
	clock_signal(&v->clock, at);
	if (!path_engine_halt_end(v->paths)) return;
	m->woke = true;
	m->wake(m->wake_ctx, vcpu_thread(v));
}

cycles_t machine_resumes(const struct machine *m, unsigned t)
{
	const struct vcpu *v = &m->vcpu[t];
	cycles_t now = core_now(&v->cpu->core), end = v->paths ? path_engine_halt_end(v->paths) : 0;
	return end > now ? end : now;
}

void vm_watch_interrupts(struct vm *vm) { path_gic_on_sent(vm->gic, on_sent, vm); }

/* Paths without a step `handler` serve it all the same. */
enum status vcpu_interrupt(struct vcpu *v, struct err *err)
{
	struct guest_clock *c = &v->clock;
	cycles_t now = core_now(&v->cpu->core);
	if (c->message_arrival <= now) {
		clock_set_message(c, c->message, CLOCK_NEVER);
		return take(v, c->message_fired_at, err);
	}
	if (c->message <= now && c->message_arrival == CLOCK_NEVER) return raise_message(v), OK;
	if (c->arrival <= now) {
		c->arrival = CLOCK_NEVER;
		return take(v, c->fired_at, err);
	}
	if (c->signal <= now) return take_signal(v, now, err);
	if (clock_has_fired(c)) {
		clock_handled(c, now);
	} else {
		clock_fire(c, now, path_engine_raise_timer(v->paths, clock_due(c), now));
	}
	return OK;
}

/* --- a kernel that is idle ------------------------------------------------------------------------------------------- */

static void pass(struct vcpu *v, cycles_t until)
{
	struct core *core = &v->cpu->core;
	cycles_t now = core_now(core);
	struct core_spent spent = {0};
	spent.cycles[BUCKET_IDLE][kernel_el(v)] = until - now;
	machine_tell_spent(v->cpu, now, &spent);
	core_spend(core, &spent);
}

/* cpuidle's state 0: the kernel looks for something to do until an interrupt comes, or for as long as it may. */
static void poll(struct vcpu *v, cycles_t now)
{
	struct guest_clock *c = &v->clock;
	cycles_t due = c->message < clock_due(c) ? c->message : clock_due(c), end = now + c->poll_limit;
	bool hit = due <= end;
	c->stats.polls++;
	c->stats.polls_hit += hit;
	c->polled = !hit;
	if (hit) end = due > now ? due : now;
	c->stats.poll_cycles += end - now;
	pass(v, end);
}

/* WFI, whose path lasts until what is due next fires. */
static enum status halt(struct vcpu *v, const struct record *rec, cycles_t now, bool *over, struct err *err)
{
	struct guest_clock *c = &v->clock;
	if (os_of(v)->idle != OS_IDLE_PERIODIC) clock_stop_tick(c);
	cycles_t due = clock_due(c);
	c->stats.halts++;
	c->halted_at = now;
	bool woken = c->message < due;
	if (woken) { /* it is under way by the time that it wakes the guest */
		raise_message(v);
		clock_set_message(c, c->message, CLOCK_NEVER);
	}
	clock_fire(c, due, CLOCK_NEVER);
	path_engine_wait_until(v->paths, due);
	TRY(vcpu_leave(v, rec, err));
	bool stopped = path_engine_is_busy(v->paths), goes_on = !v->stopped && !stopped;
	if (stopped) c->halt_due = due;
	if (goes_on && clock_has_fired(c) && core_now(&v->cpu->core) < due) clock_put_back(c);
	*over = !stopped && !woken && c->until <= due;
	return OK;
}

enum status vcpu_leave_with_timer(struct vcpu *v, const struct record *rec, struct err *err)
{
	struct guest_clock *c = &v->clock;
	cycles_t due = clock_due(c);
	if (due == CLOCK_NEVER || clock_has_fired(c)) return vcpu_leave(v, rec, err);
	path_engine_wait_until(v->paths, due);
	TRY(vcpu_leave(v, rec, err));
	if (path_engine_is_busy(v->paths)) {
		c->halt_due = due;
	} else {
		path_engine_wait_until(v->paths, 0);
	}
	return OK;
}

/* Without a timer nobody knows what it waits for: that is there at once. */
enum status vcpu_idle(struct vcpu *v, const struct record *rec, bool *over, struct err *err)
{
	struct guest_clock *c = &v->clock;
	cycles_t now = core_now(&v->cpu->core);
	*over = false;
	if (c->arrival != CLOCK_NEVER) return pass(v, c->arrival), OK;
	if (c->message_arrival != CLOCK_NEVER) return pass(v, c->message_arrival), OK;
	if (c->signal != CLOCK_NEVER && c->signal > now) return pass(v, c->signal), OK;
	if (!c->until && c->timer != CLOCK_NEVER) c->until = c->timer;
	enum status st = OK;
	if (!c->until) {
		path_engine_wait_until(v->paths, 0);
		*over = true;
		st = vcpu_leave(v, rec, err);
	} else if (c->timer == CLOCK_NEVER) {
		*over = true;
	} else if (os_of(v)->idle == OS_IDLE_HALTPOLL && c->poll_limit && !c->polled) {
		poll(v, now);
	} else {
		st = halt(v, rec, now, over, err);
	}
	if (*over) c->until = 0;
	return st;
}
