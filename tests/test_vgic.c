/* test_vgic.c - rules of KVM's vGIC, each a test named after it, and random devices and guests that must lose no interrupt. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "gic/lr.h"
#include "gic/vgic.h"
#include "gic_world.h"

/* A VM of two vCPUs on one PE; the guest has enabled its GIC and masks nothing. */
struct vm {
	struct gic_world w;
	struct vgic *v;
	unsigned vcpu; /* on the PE */
	bool input;    /* of mapped interrupts */
	unsigned kicked, ended;
};

enum { GUEST_PMR = 0xf8 };

static void on_kick(void *self, unsigned vcpu) { ((struct vm *)self)->kicked |= 1u << vcpu; }
static bool on_input(void *self, unsigned vcpu, uint32_t intid)
{
	return (void)vcpu, (void)intid, ((struct vm *)self)->input;
}
static void on_ended(void *self, uint32_t intid) { ((struct vm *)self)->ended = intid; }
static void on_set_active(void *self, unsigned vcpu, uint32_t pintid, bool active)
{
	(void)vcpu;
	gw_bit(&((struct vm *)self)->w, active ? A_SET_ACTIVE : A_CLEAR_ACTIVE, pintid);
}

static void load(struct vm *m, unsigned vcpu)
{
	m->vcpu = vcpu;
	vgic_load(m->v, vcpu, m->w.g, 0);
}

/* The guest's access to its CPU interface. */
static uint64_t guest_read(struct vm *m, const char *name)
{
	m->w.c = gw_guest();
	uint64_t value = gw_read(&m->w, name);
	m->w.c = (struct gic_context){.el = 2};
	return value;
}

static void guest_write(struct vm *m, const char *name, uint64_t value)
{
	m->w.c = gw_guest();
	gw_write(&m->w, name, value);
	m->w.c = (struct gic_context){.el = 2};
}

static void vm_new(struct vm *m, unsigned list_registers)
{
	memset(m, 0, sizeof(*m));
	m->w = gw_new(
		&(struct gic_params){.pes = 1, .spis = 32, .list_registers = list_registers, .awake = true});
	struct vgic_host host = {m, on_kick, on_input, on_set_active, on_ended, NULL};
	m->v = vgic_new(&(struct vgic_params){.vcpus = 2, .spis = 64, .list_registers = list_registers},
			&host);
	vgic_dist_write(m->v, 0, 0, 4, 2);
	for (unsigned i = 2; i-- > 0;) {
		vgic_redist_write(m->v, i, SGI_BASE + A_ENABLE, 4, UINT32_MAX);
		load(m, i);
		guest_write(m, "PMR", 0xff);
		guest_write(m, "IGRPEN1", 1);
		if (i) vgic_put(m->v, i);
	}
	for (unsigned i = 4; i <= 8; i += 4) vgic_dist_write(m->v, 0, A_ENABLE + i, 4, UINT32_MAX);
}

static void vm_free(struct vm *m)
{
	const char *broken = vgic_check(m->v);
	cr_assert(broken == NULL, "%s", broken);
	vgic_free(m->v);
	gw_free(&m->w);
}

static void configure_edge(struct vm *m, uint32_t intid)
{
	uint32_t old = (uint32_t)vgic_dist_read(m->v, 0, A_CONFIG + intid / 16 * 4, 4);
	vgic_dist_write(m->v, 0, A_CONFIG + intid / 16 * 4, 4, old | 2u << intid % 16 * 2);
}

static void set_priority(struct vm *m, uint32_t intid, unsigned priority)
{
	vgic_dist_write(m->v, 0, A_PRIORITY + intid, 1, priority);
}

static uint64_t lr(struct vm *m, unsigned i)
{
	char name[16];
	snprintf(name, sizeof(name), "ICH_LR%u_EL2", i);
	return gw_read(&m->w, name);
}

static struct gic_irq_state state(struct vm *m, uint32_t intid)
{
	struct gic_irq_state s;
	cr_assert(vgic_irq_state(m->v, m->vcpu, intid, &s));
	return s;
}

/* The list register and the accesses around it are the recorded ones of a Linux host (issue 5, bench_vhe_icount). */
Test(vgic, an_sgi_of_the_guest_is_the_recorded_list_register)
{
	struct vm m;
	vm_new(&m, 4);
	vgic_send_sgi(m.v, 0, 1u << 24 | 1, false);
	cr_assert(eq(u32, m.kicked, 1));
	vgic_enter(m.v, 0);
	cr_assert(eq(u64, lr(&m, 0), UINT64_C(0x5000000000000001)));
	cr_assert(eq(u64, gw_read(&m.w, "ICH_HCR_EL2"), 1));
	cr_assert(eq(u64, guest_read(&m, "IAR1"), 1));
	guest_write(&m, "EOIR1", 1);
	struct vgic_counts before = *vgic_counts(m.v);
	vgic_exit(m.v, 0);
	cr_assert(eq(u64, lr(&m, 0), 0));
	cr_assert(eq(u64, gw_read(&m.w, "ICH_HCR_EL2"), 0));
	cr_assert(eq(u64, vgic_counts(m.v)->other_reads - before.other_reads, 1), "ICH_ELRSR_EL2");
	cr_assert(eq(u64, vgic_counts(m.v)->lr_reads, 0), "an empty list register is not read");
	cr_assert(eq(u32, vgic_queued(m.v, 0), 0));
	vm_free(&m);
}

Test(vgic, a_mapped_timer_is_the_recorded_list_register_and_its_end_ends_the_physical_interrupt)
{
	struct vm m;
	vm_new(&m, 4);
	vgic_map(m.v, 0, 27, 27);
	gw_irq(&m.w, 27, GIC_G1NS, 0x80);
	gw_bit(&m.w, A_SET_ACTIVE, 27);
	vgic_inject(m.v, 0, 27, true);
	vgic_enter(m.v, 0);
	cr_assert(eq(u64, lr(&m, 0), UINT64_C(0x7000001b0000001b)));
	guest_write(&m, "EOIR1", guest_read(&m, "IAR1"));
	cr_assert(not(gw_state(&m.w, 27).active));
	vgic_exit(m.v, 0);
	cr_assert(eq(u32, vgic_queued(m.v, 0), 0));
	vm_free(&m);
}

Test(vgic, a_mapped_level_that_was_not_taken_asks_its_input_on_exit)
{
	for (unsigned high = 0; high < 2; high++) {
		struct vm m;
		vm_new(&m, 4);
		vgic_map(m.v, 0, 27, 27);
		gw_irq(&m.w, 27, GIC_G1NS, 0x80);
		gw_bit(&m.w, A_SET_ACTIVE, 27);
		vgic_inject(m.v, 0, 27, true);
		vgic_enter(m.v, 0);
		m.input = high;
		vgic_exit(m.v, 0);
		cr_assert(eq(int, state(&m, 27).pending, high));
		cr_assert(eq(int, gw_state(&m.w, 27).active, high));
		cr_assert(eq(u32, vgic_queued(m.v, 0), high));
		vm_free(&m);
	}
}

Test(vgic, a_level_is_pending_again_until_its_line_falls_and_its_end_is_told)
{
	struct vm m;
	vm_new(&m, 4);
	vgic_inject(m.v, 0, 40, true);
	for (unsigned i = 0; i < 2; i++) {
		vgic_enter(m.v, 0);
		cr_assert(lr(&m, 0) >> LR_EOI & 1);
		cr_assert(eq(u64, guest_read(&m, "IAR1"), 40));
		guest_write(&m, "EOIR1", 40);
		m.ended = 0;
		vgic_exit(m.v, 0);
		cr_assert(eq(u32, m.ended, 40));
		cr_assert(eq(u32, vgic_queued(m.v, 0), 1));
	}
	vgic_inject(m.v, 0, 40, false);
	vgic_enter(m.v, 0);
	cr_assert(eq(u64, guest_read(&m, "IAR1"), GIC_SPURIOUS));
	vgic_exit(m.v, 0);
	cr_assert(eq(u32, vgic_queued(m.v, 0), 0));
	vm_free(&m);
}

Test(vgic, edges_before_an_entry_merge_and_one_while_active_is_pending_too)
{
	struct vm m;
	vm_new(&m, 4);
	configure_edge(&m, 40);
	vgic_inject(m.v, 0, 40, true);
	vgic_inject(m.v, 0, 40, true);
	cr_assert(eq(u64, vgic_counts(m.v)->merged, 1));
	vgic_enter(m.v, 0);
	cr_assert(eq(u64, guest_read(&m, "IAR1"), 40));
	vgic_exit(m.v, 0);
	cr_assert(state(&m, 40).active && !state(&m, 40).pending);
	vgic_inject(m.v, 0, 40, true);
	vgic_enter(m.v, 0);
	cr_assert(eq(int, lr_state(lr(&m, 0)), LR_ACTIVE_PENDING));
	guest_write(&m, "EOIR1", 40);
	cr_assert(eq(u64, guest_read(&m, "IAR1"), 40));
	guest_write(&m, "EOIR1", 40);
	vgic_exit(m.v, 0);
	cr_assert(eq(u32, vgic_queued(m.v, 0), 0));
	vm_free(&m);
}

Test(vgic, a_level_or_mapped_interrupt_is_never_pending_and_active_in_a_list_register)
{
	for (unsigned mapped = 0; mapped < 2; mapped++) {
		struct vm m;
		vm_new(&m, 4);
		if (mapped) vgic_map(m.v, 0, 27, 27);
		m.input = true;
		vgic_inject(m.v, 0, 27, true);
		vgic_enter(m.v, 0);
		guest_read(&m, "IAR1");
		vgic_exit(m.v, 0);
		vgic_inject(m.v, 0, 27, false);
		vgic_inject(m.v, 0, 27, true);
		vgic_enter(m.v, 0);
		cr_assert(eq(int, lr_state(lr(&m, 0)), LR_ACTIVE));
		vgic_exit(m.v, 0);
		vm_free(&m);
	}
}

Test(vgic, more_interrupts_than_list_registers_enter_by_priority_active_ones_first_and_ask_for_underflow)
{
	struct vm m;
	vm_new(&m, 2);
	for (uint32_t i = 40; i < 46; i++) {
		configure_edge(&m, i);
		set_priority(&m, i, 0xe0 - 8 * (i - 40));
	}
	vgic_inject(m.v, 0, 40, true);
	vgic_enter(m.v, 0);
	guest_read(&m, "IAR1");
	vgic_exit(m.v, 0);
	for (uint32_t i = 41; i < 46; i++) vgic_inject(m.v, 0, i, true);
	vgic_enter(m.v, 0);
	cr_assert(eq(u32, lr_vintid(lr(&m, 0)), 40), "active");
	cr_assert(eq(u32, lr_vintid(lr(&m, 1)), 45), "the most urgent");
	cr_assert(ne(u64, gw_read(&m.w, "ICH_HCR_EL2") & HCR_UIE, 0));
	cr_assert(eq(u64, vgic_counts(m.v)->overflows, 1));
	cr_assert(not(gw_signals(&m.w).maintenance), "two are in use");
	guest_write(&m, "EOIR1", guest_read(&m, "IAR1"));
	cr_assert(gw_signals(&m.w).maintenance, "one is left");
	vgic_exit(m.v, 0);
	for (uint32_t i = 44; i > 40; i--) {
		vgic_enter(m.v, 0);
		cr_assert(eq(u64, guest_read(&m, "IAR1"), i));
		guest_write(&m, "EOIR1", i);
		vgic_exit(m.v, 0);
	}
	cr_assert(eq(u32, vgic_queued(m.v, 0), 1));
	vm_free(&m);
}

Test(vgic, an_entry_with_nothing_to_give_touches_no_register)
{
	struct vm m;
	vm_new(&m, 4);
	struct vgic_counts before = *vgic_counts(m.v);
	vgic_enter(m.v, 0);
	vgic_exit(m.v, 0);
	struct vgic_counts after = *vgic_counts(m.v);
	cr_assert(eq(u64, after.other_writes + after.other_reads + after.lr_writes,
		     before.other_writes + before.other_reads + before.lr_writes));
	vm_free(&m);
}

Test(vgic, load_and_put_keep_the_mask_and_the_active_priorities_of_each_vcpu)
{
	struct vm m;
	vm_new(&m, 4);
	vgic_inject(m.v, 0, 27, true);
	vgic_enter(m.v, 0);
	set_priority(&m, 27, 0);
	guest_read(&m, "IAR1");
	guest_write(&m, "PMR", 0x80);
	vgic_exit(m.v, 0);
	vgic_put(m.v, 0);
	load(&m, 1);
	cr_assert(eq(u64, guest_read(&m, "PMR"), GUEST_PMR));
	cr_assert(eq(u64, guest_read(&m, "RPR"), GIC_IDLE_PRIORITY));
	vgic_put(m.v, 1);
	load(&m, 0);
	cr_assert(eq(u64, guest_read(&m, "PMR"), 0x80));
	cr_assert(eq(u64, guest_read(&m, "RPR"), 0));
	vgic_put(m.v, 0);
	vm_free(&m);
}

Test(vgic, a_queued_interrupt_that_is_rerouted_moves_at_the_next_exit)
{
	struct vm m;
	vm_new(&m, 4);
	configure_edge(&m, 40);
	vgic_inject(m.v, 0, 40, true);
	vgic_dist_write(m.v, 0, 0x6000 + 8 * 40, 8, 1);
	m.kicked = 0;
	vgic_enter(m.v, 0);
	cr_assert(eq(u64, guest_read(&m, "IAR1"), GIC_SPURIOUS));
	vgic_exit(m.v, 0);
	cr_assert(eq(u32, vgic_queued(m.v, 0), 0));
	cr_assert(eq(u32, vgic_queued(m.v, 1), 1));
	cr_assert(eq(u32, m.kicked, 2));
	vm_free(&m);
}

Test(vgic, an_active_interrupt_stays_with_its_vcpu_when_rerouted)
{
	struct vm m;
	vm_new(&m, 4);
	configure_edge(&m, 40);
	vgic_inject(m.v, 0, 40, true);
	vgic_enter(m.v, 0);
	guest_read(&m, "IAR1");
	vgic_exit(m.v, 0);
	vgic_dist_write(m.v, 0, 0x6000 + 8 * 40, 8, 1);
	vgic_inject(m.v, 0, 40, true);
	cr_assert(eq(u32, vgic_queued(m.v, 0), 1));
	vgic_enter(m.v, 0);
	guest_write(&m, "EOIR1", 40);
	vgic_exit(m.v, 0);
	cr_assert(eq(u32, vgic_queued(m.v, 1), 1), "what has come since goes where it is routed now");
	vm_free(&m);
}

Test(vgic, a_disabled_interrupt_leaves_the_list_and_comes_back_when_enabled)
{
	struct vm m;
	vm_new(&m, 4);
	vgic_inject(m.v, 0, 40, true);
	vgic_dist_write(m.v, 0, A_DISABLE + 4, 4, 1u << 8);
	vgic_enter(m.v, 0);
	vgic_exit(m.v, 0);
	cr_assert(eq(u32, vgic_queued(m.v, 0), 0));
	vgic_dist_write(m.v, 0, A_ENABLE + 4, 4, 1u << 8);
	cr_assert(eq(u32, vgic_queued(m.v, 0), 1));
	vm_free(&m);
}

Test(vgic, a_distributor_that_is_off_queues_nothing_until_it_is_on)
{
	struct vm m;
	vm_new(&m, 4);
	vgic_dist_write(m.v, 0, 0, 4, 0);
	vgic_inject(m.v, 0, 40, true);
	cr_assert(eq(u32, vgic_queued(m.v, 0), 0));
	vgic_dist_write(m.v, 0, 0, 4, 2);
	cr_assert(eq(u32, vgic_queued(m.v, 0), 1));
	vm_free(&m);
}

Test(vgic, a_waiting_vcpu_is_woken_by_what_passes_its_mask)
{
	struct vm m;
	vm_new(&m, 4);
	set_priority(&m, 40, 0x80);
	guest_write(&m, "PMR", 0x80);
	vgic_put(m.v, 0);
	vgic_inject(m.v, 0, 40, true);
	cr_assert(not(vgic_has_pending(m.v, 0)));
	set_priority(&m, 40, 0x78);
	cr_assert(vgic_has_pending(m.v, 0));
	vm_free(&m);
}

Test(vgic, sgis_go_to_the_targets_of_their_list_or_to_all_others)
{
	struct vm m;
	vm_new(&m, 4);
	vgic_send_sgi(m.v, 0, 5u << 24 | 2, false);
	cr_assert(eq(u32, m.kicked, 2));
	vgic_send_sgi(m.v, 1, UINT64_C(1) << 40 | 5u << 24, false);
	cr_assert(eq(u32, m.kicked, 3));
	m.kicked = 0;
	vgic_send_sgi(m.v, 0, 6u << 24 | 3, true);
	cr_assert(eq(u32, m.kicked, 0), "they are of Group 1");
	vm_free(&m);
}

Test(vgic, the_guest_reads_back_what_it_writes)
{
	struct vm m;
	vm_new(&m, 4);
	vgic_dist_write(m.v, 0, A_PRIORITY + 40, 4, 0xffa05013);
	cr_assert(eq(u64, vgic_dist_read(m.v, 0, A_PRIORITY + 40, 4), 0xf8a05010), "5 bits");
	cr_assert(eq(u64, vgic_dist_read(m.v, 0, A_ENABLE, 4), 0), "private ones are not the distributor's");
	cr_assert(eq(u64, vgic_redist_read(m.v, 1, SGI_BASE + A_ENABLE, 4), UINT32_MAX));
	vgic_redist_write(m.v, 1, SGI_BASE + A_CONFIG, 4, 0);
	cr_assert(eq(u64, vgic_redist_read(m.v, 1, SGI_BASE + A_CONFIG, 4), 0xaaaaaaaa));
	cr_assert(eq(u64, vgic_dist_read(m.v, 0, 4, 4) & 31, 2));
	cr_assert(eq(u64, vgic_redist_read(m.v, 1, 8, 8), UINT64_C(1) << 32 | 0x110));
	vgic_redist_write(m.v, 0, SGI_BASE + A_SET_PENDING, 4, 1u << 27);
	cr_assert(eq(u64, vgic_redist_read(m.v, 0, SGI_BASE + A_CLEAR_PENDING, 4), 1u << 27));
	vgic_redist_write(m.v, 0, SGI_BASE + A_SET_ACTIVE, 4, 1u << 28);
	cr_assert(eq(u64, vgic_redist_read(m.v, 0, SGI_BASE + A_CLEAR_ACTIVE, 4), 1u << 28));
	vgic_redist_write(m.v, 0, SGI_BASE + A_CLEAR_ACTIVE, 4, 1u << 28);
	vm_free(&m);
}

/* --- nothing is lost, nothing is invented ----------------------------------------------------------------------------- */

enum { DEVICES = 12, FIRST = 40 };

struct device {
	bool edge, line, owed; /* owed: an edge that the guest has not acknowledged since it rose */
	bool enabled;
};

struct scene {
	struct vm m;
	struct rng rng;
	struct device d[DEVICES];
	unsigned taken;
};

static bool may_come(const struct device *d) { return d->enabled && (d->edge ? d->owed : d->line); }

static void device_event(struct scene *s)
{
	unsigned i = (unsigned)rng_below(&s->rng, DEVICES);
	struct device *d = &s->d[i];
	if (!rng_below(&s->rng, 4)) {
		d->enabled = !d->enabled;
		vgic_dist_write(s->m.v, 0, (d->enabled ? A_ENABLE : A_DISABLE) + 4, 4,
				1u << (FIRST + i - 32));
		return;
	}
	d->line = !d->line;
	d->owed |= d->edge && d->line;
	vgic_inject(s->m.v, 0, FIRST + i, d->line);
}

/* The guest takes one interrupt, perhaps serves the device, and ends it. What comes must have been signalled. */
static bool guest_takes(struct scene *s)
{
	uint64_t intid = guest_read(&s->m, "IAR1");
	if (intid == GIC_SPURIOUS) return false;
	cr_assert(intid >= FIRST && intid < FIRST + DEVICES);
	struct device *d = &s->d[intid - FIRST];
	s->taken++;
	d->owed = false;
	if (!d->edge && d->line && rng_next(&s->rng) & 1) {
		d->line = false;
		vgic_inject(s->m.v, 0, (uint32_t)intid, false);
	}
	guest_write(&s->m, "EOIR1", intid);
	return true;
}

static void run_guest(struct scene *s, unsigned most)
{
	vgic_enter(s->m.v, 0);
	while (most-- && guest_takes(s)) {}
	vgic_exit(s->m.v, 0);
	const char *broken = vgic_check(s->m.v);
	cr_assert(broken == NULL, "%s", broken);
}

static void drain(struct scene *s)
{
	for (unsigned i = 0; i < 1000 && vgic_queued(s->m.v, 0); i++) run_guest(s, 3);
	for (unsigned i = 0; i < DEVICES; i++)
		cr_assert(not(may_come(&s->d[i])), "interrupt %u was lost", FIRST + i);
	cr_assert(eq(u32, vgic_queued(s->m.v, 0), 0));
}

Test(vgic, random_devices_lose_no_interrupt_whatever_the_number_of_list_registers)
{
	for (unsigned seed = 0; seed < 60; seed++) {
		struct scene s = {.taken = 0};
		vm_new(&s.m, 1 + seed % 4);
		rng_init(&s.rng, seed, "vgic.random");
		for (unsigned i = 0; i < DEVICES; i++) {
			s.d[i] = (struct device){.edge = rng_next(&s.rng) & 1, .enabled = true};
			if (s.d[i].edge) configure_edge(&s.m, FIRST + i);
			set_priority(&s.m, FIRST + i, (unsigned)rng_below(&s.rng, 0xf0));
		}
		for (unsigned step = 0; step < 300; step++) {
			for (unsigned i = 0; i < 3; i++) device_event(&s);
			run_guest(&s, (unsigned)rng_below(&s.rng, 3));
			if (step % 50 == 49) drain(&s);
		}
		cr_assert(lt(u32, 100, s.taken));
		vm_free(&s.m);
	}
}
