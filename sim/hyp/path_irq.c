/* path_irq.c - a path machine and its interrupt controller (path_gic.h): register accesses, lines, timers, and the
 * steps by which a hypervisor's vGIC is told what has happened. */
#include "el/gic_lines.h"
#include "gic/lr.h"
#include "hyp/path_gic_state.h"
#include "hyp/path_steps.h"

/* IPI_CALL_FUNC: Linux 6.6 arch/arm64/kernel/smp.c, enum ipi_msg_type. */
enum {
	GUEST_TIMER = 27,
	EVENT_CHANNELS = 31,
	RESCHEDULE = 0,
	CALL_FUNCTION = 1,
	TIMER_OFF = 3,
	TIMER_ENABLED = 1
};
#define SGIR_ALL_OTHERS (UINT64_C(1) << 40) /* ICC_SGI1R_EL1.IRM */
_Static_assert((int)PATH_LISTS == (int)GIC_MAX_LRS, "each list register is a row");

const struct reg_name path_list_registers[PATH_LISTS] = {
	{.reg = R_ICH_LR0_EL2},  {.reg = R_ICH_LR1_EL2},  {.reg = R_ICH_LR2_EL2},  {.reg = R_ICH_LR3_EL2},
	{.reg = R_ICH_LR4_EL2},  {.reg = R_ICH_LR5_EL2},  {.reg = R_ICH_LR6_EL2},  {.reg = R_ICH_LR7_EL2},
	{.reg = R_ICH_LR8_EL2},  {.reg = R_ICH_LR9_EL2},  {.reg = R_ICH_LR10_EL2}, {.reg = R_ICH_LR11_EL2},
	{.reg = R_ICH_LR12_EL2}, {.reg = R_ICH_LR13_EL2}, {.reg = R_ICH_LR14_EL2}, {.reg = R_ICH_LR15_EL2}};

static struct path_gic_pe *pe_of(const struct path_machine *m) { return &m->gic->pe[m->pe]; }
static cycles_t now_of(const struct path_machine *m) { return pe_of(m)->now; }
static struct irq_book *physical(const struct path_machine *m) { return m->gic->book[0]; }
static struct irq_book *virtual(const struct path_machine *m) { return m->gic->book[1]; }

/* --- lines ------------------------------------------------------------------------------------------------------ */

static bool wants_maintenance(const struct path_machine *m)
{
	struct gic_context c = gic_lines_context(&m->el);
	return gic_signals(m->gic->gic, m->pe, &c).maintenance;
}

/* The PPI of the list registers takes its time as every other one; whether it is still under way, and nothing else is signalled. */
static bool maintenance_is_hidden(struct path_machine *m)
{
	struct path_gic_pe *p = pe_of(m);
	bool wanted = wants_maintenance(m);
	if (wanted && !p->maintained) {
		p->maintenance_from = p->now;
		p->maintenance = path_gic_send_maintenance(m->gic, m->pe, p->now);
	}
	p->maintained = wanted;
	return wanted && !p->waiting && p->now < p->maintenance;
}

void path_update_lines(struct path_machine *m)
{
	const struct path_gic_pe *p = pe_of(m);
	gic_lines_update(&m->el, m->gic->gic, m->pe);
	bool irq = m->el.lines & 1u << ASYNC_IRQ;
	if ((irq || p->maintained) && maintenance_is_hidden(m)) m->el.lines &= ~(1u << ASYNC_IRQ);
	if (p->now < p->hidden) m->el.lines &= ~(1u << ASYNC_IRQ | 1u << ASYNC_FIQ);
	if (p->now < p->vhidden) m->el.lines &= ~(1u << ASYNC_VIRQ | 1u << ASYNC_VFIQ);
}

static void set_timer(struct path_machine *m, uint32_t intid, bool level)
{
	struct path_gic_pe *p = pe_of(m);
	p->timer = level ? intid : 0;
	gic_set_line(m->gic->gic, m->pe, intid, level);
}

bool path_fire_timer(struct path_machine *m)
{
	struct path_gic_pe *p = pe_of(m);
	uint32_t intid = m->armed;
	if (!intid) return false;
	m->armed = 0;
	set_timer(m, intid, true);
	path_gic_send(m->gic, m->pe, m->pe, intid, GIC_FROM_ppi, p->deadline > p->now ? p->deadline : p->now);
	p->deadline = 0;
	path_update_lines(m);
	return true;
}

cycles_t path_raise(struct path_machine *m, uint32_t intid, cycles_t at)
{
	struct path_gic_pe *p = pe_of(m);
	set_timer(m, intid, true);
	path_gic_send(m->gic, m->pe, m->pe, intid, GIC_FROM_ppi, at);
	path_update_lines(m);
	return p->hidden > p->now ? p->hidden : p->now;
}

void path_tick(struct path_machine *m, uint32_t intid)
{
	struct path_gic_pe *p = pe_of(m);
	set_timer(m, intid, true);
	if (p->hidden > p->now) p->hidden = p->now;
	path_update_lines(m);
}

/* The wire of `intid`, or of any timer for 0, falls. */
static void timer_falls(struct path_machine *m, uint32_t intid)
{
	uint32_t high = pe_of(m)->timer;
	if (high && (!intid || intid == high)) set_timer(m, high, false);
}

/* --- exceptions, as the books see them --------------------------------------------------------------------------- */

void path_note_exit(struct path_machine *m) { pe_of(m)->left = now_of(m); }

/* The guest was left while the interrupt of its list registers is signalled. */
static void note_maintenance(struct path_machine *m)
{
	struct irq_book_counts *counts = irq_book_counts(virtual(m));
	const struct path_gic_pe *p = pe_of(m);
	if (!wants_maintenance(m)) return;
	counts->maintenance++;
	counts->maintenance_cycles += p->now - p->maintenance_from;
}

void path_note_taken(struct path_machine *m, const struct el_exception *x, bool left_guest)
{
	if (left_guest) irq_book_mark_all(virtual(m), m->pe, VIRQ_delivery, VIRQ_exit, now_of(m));
	if (left_guest && x->kind == EXC_IRQ) note_maintenance(m);
	if (x->kind != EXC_IRQ && x->kind != EXC_FIQ) return;
	if (x->virtual_line) {
		irq_book_mark_all(virtual(m), m->pe, VIRQ_delivery, VIRQ_exception, now_of(m));
	} else {
		irq_book_mark_all(physical(m), m->pe, IRQ_interface, IRQ_exception, now_of(m));
	}
}

void path_note_entered(struct path_machine *m)
{
	irq_book_mark_all(virtual(m), m->pe, VIRQ_inject, VIRQ_entry, now_of(m));
}

/* --- registers ---------------------------------------------------------------------------------------------------- */

static bool at_virtual_interface(const struct path_machine *m, unsigned encoding)
{
	struct gic_context c = gic_lines_context(&m->el);
	return cpu_if_is_virtual(encoding, &c);
}

static void acknowledged(struct path_machine *m, bool is_virtual)
{
	struct path_gic_pe *p = pe_of(m);
	uint32_t intid = (uint32_t)m->acknowledged;
	if (intid >= GIC_INTID_SECURE && intid <= GIC_SPURIOUS) {
		irq_book_counts(m->gic->book[is_virtual])->spurious++;
		return;
	}
	irq_book_mark(m->gic->book[is_virtual], m->pe, intid, is_virtual ? VIRQ_acknowledge : IRQ_acknowledge,
		      p->now);
	if (is_virtual) return;
	p->waiting -= p->waiting > 0;
	path_device_acknowledged(m->gic, m->pe, intid);
}

/* Whether a physical interrupt has come to its end, be it by the guest's end of a virtual one that stands for it. */
static void close_physical(struct path_machine *m, uint32_t intid)
{
	struct gic_irq_state s;
	if (intid >= GIC_LPI) { /* which is never active */
		irq_book_close(physical(m), m->pe, intid);
		return;
	}
	if (intid >= GIC_SPI_END || !gic_irq_state(m->gic->gic, m->pe, intid, &s) || s.active) return;
	irq_book_mark(physical(m), m->pe, intid, IRQ_deactivate, now_of(m));
	irq_book_close(physical(m), m->pe, intid);
}

static bool gic_encoding(enum el_reg reg, unsigned *encoding)
{
	*encoding = reg_encode((struct reg_name){.reg = (uint16_t)reg});
	return cpu_if_name(*encoding) != NULL;
}

uint64_t path_register(struct path_machine *m, enum el_reg reg)
{
	unsigned encoding;
	uint64_t value;
	struct gic_context c = gic_lines_context(&m->el);
	if (!gic_encoding(reg, &encoding) || !cpu_if_read(m->gic->gic, m->pe, encoding, &c, &value))
		return m->el.reg[reg];
	m->el.reg[reg] = value;
	if (reg != R_ICC_IAR1_EL1 && reg != R_ICC_IAR0_EL1) return value;
	m->acknowledged = value;
	acknowledged(m, at_virtual_interface(m, encoding));
	return value;
}

static void ended(struct path_machine *m, enum el_reg reg, uint32_t intid, bool is_virtual)
{
	if (is_virtual) {
		irq_book_mark(virtual(m), m->pe, intid, VIRQ_handler, now_of(m));
		irq_book_close(virtual(m), m->pe, intid);
	} else if (reg != R_ICC_DIR_EL1) {
		irq_book_mark(physical(m), m->pe, intid, IRQ_handler, now_of(m));
	}
	close_physical(m, intid);
}

/* An SGI reaches the PEs whose signals may have changed by it. */
static void sgi_sent(struct path_machine *m, uint64_t value)
{
	for (unsigned i = 0; i < m->gic->params.pes; i++) {
		if (!m->gic->pe[i].changed) continue;
		cycles_t at = path_gic_send(m->gic, m->pe, i, (uint32_t)bits_get(value, 27, 24), GIC_FROM_sgi,
					    now_of(m));
		irq_book_mark_all(virtual(m), i, VIRQ_request, VIRQ_send, now_of(m));
		irq_book_mark_all(virtual(m), i, VIRQ_send, VIRQ_delivery, at);
		path_gic_tell_sent(m->gic, i, at);
	}
}

static bool is_timer_control(enum el_reg reg)
{
	return reg == R_CNTV_CTL_EL0 || reg == R_CNTP_CTL_EL0 || reg == R_CNTHP_CTL_EL2 ||
	       reg == R_CNTHV_CTL_EL2;
}

static uint32_t timer_of(enum el_reg reg)
{
	switch (reg) {
	case R_CNTV_CTL_EL0: return GUEST_TIMER;
	case R_CNTP_CTL_EL0: return 30;
	case R_CNTHP_CTL_EL2: return 26;
	default: return 28;
	}
}

/* ICC_CTLR_EL1.EOImode: a write of EOIR does not deactivate. */
static bool end_is_split(struct path_machine *m)
{
	static const struct gic_context hypervisor = {.el = 2};
	uint64_t ctlr = 0;
	cpu_if_read(m->gic->gic, m->pe, reg_encode((struct reg_name){.reg = R_ICC_CTLR_EL1}), &hypervisor,
		    &ctlr);
	return bit_get(ctlr, 1);
}

void path_register_written(struct path_machine *m, enum el_reg reg, uint64_t value)
{
	unsigned encoding;
	struct gic_context c = gic_lines_context(&m->el);
	m->el.reg[reg] = value;
	if (is_timer_control(reg) && (value & TIMER_OFF) != TIMER_ENABLED && path_in_guest(m))
		timer_falls(m, timer_of(reg));
	if (!gic_encoding(reg, &encoding)) return;
	bool is_virtual = at_virtual_interface(m, encoding);
	bool end = reg == R_ICC_EOIR1_EL1 || reg == R_ICC_EOIR0_EL1 || reg == R_ICC_DIR_EL1;
	bool sgi = reg == R_ICC_SGI1R_EL1 || reg == R_ICC_SGI0R_EL1 || reg == R_ICC_ASGI1R_EL1;
	uint32_t intid = (uint32_t)bits_get(value, 23, 0);
	if (end && (is_virtual || reg == R_ICC_DIR_EL1 || !end_is_split(m))) timer_falls(m, intid);
	for (unsigned i = 0; sgi && i < m->gic->params.pes; i++) m->gic->pe[i].changed = false;
	cpu_if_write(m->gic->gic, m->pe, encoding, &c, value);
	if (end) ended(m, reg, intid, is_virtual);
	if (sgi) sgi_sent(m, value);
}

/* What the start says of the interrupt controller; a register that it does not name stays as path_gic.h has it. */
void path_start_registers(struct path_machine *m)
{
	static const struct gic_context hypervisor = {.el = 2};
	for (unsigned r = 0; r < R_COUNT; r++) {
		unsigned encoding;
		uint64_t value = m->el.reg[r];
		if (value && gic_encoding((enum el_reg)r, &encoding))
			cpu_if_write(m->gic->gic, m->pe, encoding, &hypervisor, value);
	}
}

/* --- the vGIC ------------------------------------------------------------------------------------------------------ */

static void inject(struct path_machine *m, cycles_t cause, enum gic_source source)
{
	path_gic_cause(m->gic, source, cause, now_of(m));
}

/* irqfd_wakeup() of KVM, and kvm_vcpu_kick(). */
cycles_t path_inject_message(struct path_machine *m, uint32_t intid, cycles_t at)
{
	enum { GICR_ISPENDR0 = 0x10200, PRIORITY = 0xa0 };
	struct path_gic *g = m->gic;
	inject(m, at, GIC_FROM_lpi);
	vgic_inject_lpi(g->vgic, m->pe, intid, PRIORITY);
	pe_of(m)->kicked = false;
	gic_redist_write(g->gic, m->pe, GICR_ISPENDR0, 4, 1u << RESCHEDULE, false);
	cycles_t arrival = path_gic_send(g, m->pe, m->pe, RESCHEDULE, GIC_FROM_sgi, at);
	irq_book_mark_all(virtual(m), m->pe, VIRQ_request, VIRQ_delivery, arrival);
	path_update_lines(m);
	return arrival > now_of(m) ? arrival : now_of(m);
}

/* The guest's timer has fired, as its PPI or as a timer of the host; while the guest has not ended it, the physical one is active. */
static void inject_timer(struct path_machine *m)
{
	struct gic_irq_state s;
	cycles_t began = irq_book_begin(physical(m), m->pe, (uint32_t)m->acknowledged, now_of(m));
	inject(m, began, GIC_FROM_ppi);
	if (gic_irq_state(m->gic->gic, m->pe, GUEST_TIMER, &s) && !s.active)
		gic_redist_write(m->gic->gic, m->pe, 0x10300, 4, 1u << GUEST_TIMER, false);
	vgic_inject(m->gic->vgic, m->pe, GUEST_TIMER, false);
	vgic_inject(m->gic->vgic, m->pe, GUEST_TIMER, true);
}

static unsigned encoding_of_list(unsigned i) { return reg_encode(path_list_registers[i]); }

/* List registers that are not used are empty. */
static void prepare(struct path_machine *m)
{
	static const struct gic_context hypervisor = {.el = 2};
	const uint64_t *lr;
	unsigned used = vgic_prepare(m->gic->vgic, m->pe, &lr, &m->list_control);
	for (unsigned i = used; i < m->gic->timing.list_registers; i++)
		cpu_if_write(m->gic->gic, m->pe, encoding_of_list(i), &hypervisor, 0);
	for (unsigned i = 0; i < used; i++) m->list_value[i] = lr[i];
	pe_of(m)->kicked = false;
}

static void absorb(struct path_machine *m)
{
	static const struct gic_context hypervisor = {.el = 2};
	uint64_t lr[GIC_MAX_LRS];
	for (unsigned i = 0; i < m->gic->timing.list_registers; i++)
		cpu_if_read(m->gic->gic, m->pe, encoding_of_list(i), &hypervisor, &lr[i]);
	vgic_absorb(m->gic->vgic, m->pe, lr);
}

/* The guest's driver has posted an INT for the event of its last vCPU. */
static void inject_lpi(struct path_machine *m)
{
	struct path_gic *g = m->gic;
	struct path_lpi lpi;
	inject(m, pe_of(m)->left, GIC_FROM_lpi);
	if (path_guest_its_int(path_gic_guest_its(g), g->params.pes - 1, &lpi)) {
		vgic_inject_lpi(g->vgic, lpi.vcpu, lpi.intid, lpi.priority);
	} else {
		irq_book_counts(virtual(m))->dropped++;
	}
}

/* An event channel for the last vCPU has an event: the PPI that stands for all of them (Xen's GUEST_EVTCHN_PPI) becomes pending once for
 * each, as by vgic_inject_irq(), whatever its wire. */
static void inject_event(struct path_machine *m)
{
	struct path_gic *g = m->gic;
	unsigned last = g->params.pes - 1;
	inject(m, pe_of(m)->left, GIC_FROM_ppi);
	vgic_make_edge(g->vgic, last, EVENT_CHANNELS);
	vgic_inject(g->vgic, last, EVENT_CHANNELS, true);
}

/* ICC_SGI1R_EL1 as the guest would have written it, for vCPUs of one cluster: to the first of its list, which is off the list then. */
static void send_virtual(struct path_machine *m)
{
	struct path_gic *g = m->gic;
	uint32_t list = m->moved & 0xffff;
	if (!list || !path_host_its_has_sgis(g->host_its)) return;
	unsigned to = (unsigned)__builtin_ctz(list) + 16 * (unsigned)bits_get(m->moved, 23, 16);
	m->moved &= m->moved - 1;
	if (to < g->params.pes)
		path_gic_send_virtual(g, m->pe, to, (uint32_t)bits_get(m->moved, 27, 24), pe_of(m)->left);
}

/* What came meanwhile is offered by the GIC from now on: no list register has it. */
static void schedule(struct path_machine *m, bool resident)
{
	if (path_host_its_has_vpes(m->gic->host_its))
		path_host_its_schedule(m->gic->host_its, m->pe, resident);
	if (resident) irq_book_mark_all(virtual(m), m->pe, VIRQ_request, VIRQ_inject, now_of(m));
}

void path_vgic(struct path_machine *m, enum path_vgic verb)
{
	switch (verb) {
	case VGIC_prepare: prepare(m); break;
	case VGIC_absorb: absorb(m); break;
	case VGIC_sgi:
		inject(m, pe_of(m)->left, GIC_FROM_sgi);
		vgic_send_sgi(m->gic->vgic, m->pe, m->moved, false);
		break;
	case VGIC_broadcast:
		inject(m, pe_of(m)->left, GIC_FROM_sgi);
		vgic_send_sgi(m->gic->vgic, m->pe, SGIR_ALL_OTHERS | (uint64_t)CALL_FUNCTION << 24, false);
		break;
	case VGIC_timer: inject_timer(m); break;
	case VGIC_lpi: inject_lpi(m); break;
	case VGIC_event: inject_event(m); break;
	case VGIC_vsgi: send_virtual(m); break;
	case VGIC_schedule: schedule(m, true); break;
	case VGIC_deschedule: schedule(m, false); break;
	case VGIC_KINDS: break;
	}
}

unsigned path_lists(const struct path_machine *m) { return vgic_listed(m->gic->vgic, m->pe); }

void path_listed(struct path_machine *m, unsigned i)
{
	irq_book_mark(virtual(m), m->pe, lr_vintid(m->list_value[i]), VIRQ_inject, now_of(m));
}

bool path_vgic_holds(const struct path_machine *m, enum path_vgic_state what)
{
	if (what == VGIC_pending) return vgic_wanted(m->gic->vgic, m->pe);
	if (what == VGIC_doorbell) return m->acknowledged - GIC_LPI < m->gic->params.pes;
	if (what == VGIC_direct) return path_host_its_has_vpes(m->gic->host_its);
	if (what == VGIC_sgis) return path_host_its_has_sgis(m->gic->host_its);
	if (what == VGIC_unsent) return (m->moved & 0xffff) != 0;
	for (unsigned i = 0; i < m->gic->params.pes; i++)
		if (i != m->pe && m->gic->pe[i].kicked) return true;
	return false;
}

/* --- SGIs that paths send ------------------------------------------------------------------------------------------ */

/* ICC_SGI1R_EL1: Aff3 <55:48>, RS <47:44>, Aff2 <39:32>, INTID <27:24>, Aff1 <23:16>, TargetList <15:0>. */
static uint64_t sgi_to(uint32_t aff, uint32_t intid, uint64_t list)
{
	return (uint64_t)intid << 24 | bits_put(aff >> 24, 55, 48) | bits_put(aff >> 16 & 0xff, 39, 32) |
	       bits_put(aff >> 8 & 0xff, 23, 16) | bits_put(aff >> 4 & 15, 47, 44) | list;
}

/* The first other core whose vCPU is wanted: a reschedule SGI for it, which this sends. */
uint64_t path_kick(struct path_machine *m)
{
	for (unsigned i = 0; i < m->gic->params.pes; i++) {
		if (i == m->pe || !m->gic->pe[i].kicked) continue;
		uint32_t aff = gic_affinity(m->gic->gic, i);
		m->gic->pe[i].kicked = false;
		return sgi_to(aff, RESCHEDULE, UINT64_C(1) << (aff & 15));
	}
	return SGIR_ALL_OTHERS; /* nobody: there is no other */
}

/* The next PE that is still to be sent to; none: the number of PEs. */
static unsigned next_target(const struct path_machine *m)
{
	return m->target == m->pe ? m->target + 1 : m->target;
}

bool path_has_targets(const struct path_machine *m) { return next_target(m) < path_gic_pes(m->gic); }

/* As gic_ipi_send_mask() of Linux: all of a cluster, which have all but Aff0<3:0> in common, by one write. */
uint64_t path_next_targets(struct path_machine *m, bool cluster)
{
	unsigned pes = path_gic_pes(m->gic), first = next_target(m);
	if (first >= pes) return SGIR_ALL_OTHERS;
	uint32_t aff = gic_affinity(m->gic->gic, first);
	uint64_t list = UINT64_C(1) << (aff & 15);
	for (m->target = first + 1; cluster && m->target < pes; m->target++) {
		uint32_t other = gic_affinity(m->gic->gic, m->target);
		if ((other ^ aff) & ~15u) break;
		if (m->target != m->pe) list |= UINT64_C(1) << (other & 15);
	}
	return sgi_to(aff, CALL_FUNCTION, list);
}

/* --- devices -------------------------------------------------------------------------------------------------------- */

bool path_raise_devices(struct path_machine *m)
{
	const struct path_step *s = m->raised;
	if (!s) return false;
	unsigned last = m->gic->params.pes - 1;
	const struct path_raise r = {.kind = (enum path_device_kind)s->target,
				     .count = (unsigned)s->number,
				     .pe = s->host_last ? last : m->pe,
				     .vcpu = s->guest_last ? last : m->pe};
	m->raised = NULL;
	path_device_raise(m->gic, &r, now_of(m));
	path_update_lines(m);
	return true;
}

void path_device(struct path_machine *m, enum path_device_verb verb)
{
	path_device_do(m->gic, m->pe, verb, (uint32_t)m->acknowledged);
	path_update_lines(m);
}

bool path_device_state(const struct path_machine *m, enum path_device_state what)
{
	return path_device_holds(m->gic, m->pe, what, (uint32_t)m->acknowledged);
}
