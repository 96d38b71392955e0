/* gic_start_virtual.c - the virtual CPU interface at the beginning of a log: list registers, active priorities, whether it is on.
 *
 * A log may begin while a guest runs. What its hypervisor loaded before is told by what the guest then does with it, and by what is
 * saved at the end: the list register that is stated to be the first was pending, and its group enabled; what the guest acknowledges was
 * pending, and what it ends without having acknowledged it was active. A register that is saved before it is loaded again had that value,
 * but for what the guest did in between. What nothing is said of is as in the next list register with that INTID. Maintenance that is
 * asserted was asked for as KVM does, when list registers underflow. The interface was off where it signals nothing that is pending.
 * Source: IHI 0069H chapter 5. Not modelled: AArch32 hypervisors, virtual LPIs, what a guest writes to ICV_* before the save.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/gic_start.h"
#include "gic/lr.h"

enum { NO_VINTID = 0x10000, LINUX_PRIORITY = 0xa0, DEPTH = 32, ACTIVE_SET = 0x300 };
enum { MASK_TOLD = 0x100 }; /* in virtual_start.mask */
#define LINUX_MASK UINT64_C(0xf0)
#define LINUX_VMCR (LINUX_MASK << VMCR_VPMR | 3 << VMCR_VBPR1 | 2 << VMCR_VBPR0 | VMCR_VFIQEN)

/* What is in a list register now; until it is loaded, also what was in it at the beginning. */
struct list_register {
	bool loaded, told, held_at_start;
	size_t ended;    /* event by which the guest has ended it before it was loaded; 0: none */
	uint32_t vintid; /* NO_VINTID: not known yet */
	enum lr_state now, at_start;
	uint32_t vintid_at_start;
	uint64_t saved; /* as it was read before it was loaded; 0: it was not */
	bool group;     /* of what it was loaded with; otherwise of Group 1 */
};

struct virtual_start {
	struct list_register lr[GIC_MAX_LRS];
	int first;                    /* the list register that was last stated to be */
	bool on, hcr_told, vmcr_told; /* something has been signalled, or registers accessed */
	bool vmcr_read,
		enabled[2];    /* before it was written; groups that were enabled before it was accessed */
	bool underflow, split; /* maintenance has been asserted before; the guest deactivates */
	bool quiet;            /* something pending has not been signalled before ICH_HCR_EL2 was accessed */
	bool mask_told;        /* the guest has accessed ICV_PMR_EL1 */
	uint64_t hcr, vmcr, mask; /* at the beginning */
	bool active_told[2];      /* ICH_AP<n>R0_EL2 has been accessed */
	uint64_t active[2];       /* at the beginning, without what `ended` adds */
	uint32_t taken[DEPTH],
		ended[DEPTH]; /* acknowledged and not ended; ended and not acknowledged since the beginning */
	unsigned takes, ends;
};

struct survey {
	const struct gic_start *start;
	const struct gic_log *log;
	struct virtual_start *v; /* of each CPU */
};

/* Fields ------------------------------------------------------------------------------------------------------------ */

int gic_list_register_of(const struct gic_event *e)
{
	if ((e->kind != LOG_REG_READ && e->kind != LOG_REG_WRITE) || e->low || e->high) return -1;
	const char *name = cpu_if_name(e->encoding);
	if (strncmp(name, "ICH_LR", 6) != 0) return -1;
	int n = atoi(name + 6);
	return n < GIC_MAX_LRS ? n : -1;
}

/* What a list register with `vintid` holds, by the next one of `cpu` that does. */
static uint64_t fields_like(const struct survey *s, unsigned cpu, uint32_t vintid)
{
	for (size_t i = 0; i < s->log->count && vintid != NO_VINTID; i++) {
		const struct gic_event *e = &s->log->events[i];
		if (gic_list_register_of(e) < 0 || gic_start_cpu(s->start, e->arg[0]) != cpu) continue;
		if (lr_vintid(e->arg[1]) == vintid && lr_state(e->arg[1]) != LR_INVALID) return e->arg[1];
	}
	return UINT64_C(1) << LR_GROUP | (uint64_t)LINUX_PRIORITY << 48 | (vintid & (NO_VINTID - 1));
}

/* Its bit in ICH_AP<n>R0_EL2. */
static uint64_t priority_bit(const struct survey *s, uint64_t lr)
{
	unsigned bits = s->start->params.virtual_priority_bits;
	unsigned level = lr_priority(lr) >> (8 - (bits > 7 ? 7 : bits));
	return level < 32 ? UINT64_C(1) << level : 0;
}

/* Which list register it is in --------------------------------------------------------------------------------------- */

static struct list_register *known(struct virtual_start *v, uint32_t vintid, enum lr_state state)
{
	for (unsigned i = 0; i < GIC_MAX_LRS; i++)
		if (v->lr[i].told && v->lr[i].vintid == vintid && v->lr[i].now & state) return &v->lr[i];
	return NULL;
}

/* The one that is saved with it before any is loaded again. */
static struct list_register *saved_later(const struct survey *s, unsigned cpu, size_t at, uint32_t vintid)
{
	for (; at < s->log->count; at++) {
		const struct gic_event *e = &s->log->events[at];
		int n = gic_list_register_of(e);
		if (n < 0 || gic_start_cpu(s->start, e->arg[0]) != cpu) continue;
		struct list_register *l = &s->v[cpu].lr[n];
		if (e->kind == LOG_REG_WRITE && e->arg[1]) return NULL;
		if (lr_vintid(e->arg[1]) == vintid && !l->loaded && !l->told) return l;
	}
	return NULL;
}

static struct list_register *untold(const struct survey *s, struct virtual_start *v)
{
	for (unsigned i = 0; i < s->start->params.list_registers; i++)
		if (!v->lr[i].loaded && !v->lr[i].told) return &v->lr[i];
	return NULL;
}

static void tell(struct list_register *l, uint32_t vintid, enum lr_state state)
{
	if (!l->told) {
		l->held_at_start = l->told = true;
		l->at_start = l->now = state;
		l->vintid = NO_VINTID;
	}
	if (l->vintid == NO_VINTID) l->vintid = l->vintid_at_start = vintid;
}

static void load(struct list_register *l, uint64_t value)
{
	l->loaded = l->told = true;
	l->now = lr_state(value);
	l->vintid = lr_vintid(value);
	l->group = bit_get(value, LR_GROUP);
}

/* The one that `vintid` is in, as the guest shows it; NULL: nowhere. */
static struct list_register *holder(const struct survey *s, unsigned cpu, size_t at, enum lr_state state)
{
	struct virtual_start *v = &s->v[cpu];
	uint32_t vintid = (uint32_t)s->log->events[at].arg[1];
	if (vintid >= GIC_LPI && s->start->virtual_lpis) return NULL;
	struct list_register *l = known(v, vintid, state);
	struct list_register *first = v->first >= 0 ? &v->lr[v->first] : NULL;
	if (!l && state == LR_PENDING && first && first->told && first->vintid == NO_VINTID) l = first;
	if (!l) l = saved_later(s, cpu, at, vintid);
	if (!l) l = untold(s, v);
	if (l) tell(l, vintid, state);
	return l;
}

/* Events ------------------------------------------------------------------------------------------------------------- */

static bool is_special(uint64_t intid) { return intid >= GIC_SPI_END && intid <= GIC_SPURIOUS; }

static void see_enabled(struct virtual_start *v, bool group0, bool group1)
{
	if (v->vmcr_told) return;
	v->enabled[0] |= group0;
	v->enabled[1] |= group1;
}

static void acknowledged(const struct survey *s, unsigned cpu, size_t at)
{
	struct virtual_start *v = &s->v[cpu];
	uint64_t vintid = s->log->events[at].arg[1];
	if (is_special(vintid)) return;
	bool group0 = !strcmp(cpu_if_name(s->log->events[at].encoding), "ICC_IAR0_EL1");
	see_enabled(v, group0, !group0);
	struct list_register *l = holder(s, cpu, at, LR_PENDING);
	v->on = true;
	if (l) l->now = (enum lr_state)((l->now & ~LR_PENDING) | LR_ACTIVE);
	if (v->takes < DEPTH) v->taken[v->takes++] = (uint32_t)vintid;
}

static void ended(const struct survey *s, unsigned cpu, size_t at)
{
	struct virtual_start *v = &s->v[cpu];
	uint32_t vintid = (uint32_t)s->log->events[at].arg[1];
	if (is_special(vintid)) return;
	struct list_register *l = holder(s, cpu, at, LR_ACTIVE);
	if (l) l->now = (enum lr_state)(l->now & ~LR_ACTIVE);
	if (l && !l->loaded) l->ended = at;
	unsigned i = v->takes;
	while (i-- > 0)
		if (v->taken[i] == vintid) break;
	if (i < v->takes) {
		v->taken[i] = v->taken[--v->takes];
	} else if (!v->active_told[1] && v->ends < DEPTH) {
		v->ended[v->ends++] = vintid;
	}
}

static void see_list_register(struct list_register *l, const struct gic_event *e)
{
	uint64_t value = e->arg[1];
	if (e->kind == LOG_REG_WRITE) {
		load(l, value);
	} else if (!l->loaded) {
		tell(l, lr_vintid(value), lr_state(value));
		if (!l->saved) l->saved = value;
	}
}

/* What it was before what has been taken since. */
static void see_active(const struct survey *s, unsigned cpu, unsigned group, const struct gic_event *e)
{
	struct virtual_start *v = &s->v[cpu];
	if (!v->active_told[group] && e->kind == LOG_REG_READ) {
		v->active[group] = e->arg[1];
		for (unsigned i = 0; i < v->takes; i++)
			v->active[group] &= ~priority_bit(s, fields_like(s, cpu, v->taken[i]));
	}
	v->active_told[group] = true;
}

/* Off when it is first switched on, and the other way round, unless statements before tell. */
static void see_hcr(struct virtual_start *v, const struct gic_event *e)
{
	bool write = e->kind == LOG_REG_WRITE;
	bool was_on = write && (v->on || (!v->quiet && !(e->arg[1] & HCR_EN)));
	if (!v->hcr_told) v->hcr = (was_on ? HCR_EN : 0) | (write ? 0 : e->arg[1]);
	v->hcr_told = true;
}

static void see_vmcr(struct virtual_start *v, const struct gic_event *e)
{
	if (v->vmcr_told) return;
	v->vmcr = e->arg[1];
	v->vmcr_told = true;
	v->vmcr_read = e->kind == LOG_REG_READ;
}

/* A guest that reads its mask before it writes it has that; one that writes it had another. */
static void see_mask(struct virtual_start *v, const struct gic_event *e)
{
	uint64_t mask = e->kind == LOG_REG_READ ? e->arg[1] : LINUX_MASK;
	if (!v->mask_told && !v->vmcr_told) v->mask = mask | MASK_TOLD;
	v->mask_told = true;
}

static void see_guest(const struct survey *s, unsigned cpu, size_t at)
{
	const struct gic_event *e = &s->log->events[at];
	const char *name = cpu_if_name(e->encoding);
	if (e->kind == LOG_REG_READ && !strncmp(name, "ICC_IAR", 7)) acknowledged(s, cpu, at);
	if (e->kind == LOG_REG_WRITE && !strncmp(name, "ICC_EOIR", 8)) ended(s, cpu, at);
	if (!strcmp(name, "ICC_PMR_EL1")) see_mask(&s->v[cpu], e);
	if (!strcmp(name, "ICC_DIR_EL1")) s->v[cpu].split = true;
}

static void see_register(const struct survey *s, unsigned cpu, size_t at)
{
	struct virtual_start *v = &s->v[cpu];
	const struct gic_event *e = &s->log->events[at];
	const char *name = cpu_if_name(e->encoding);
	int n = gic_list_register_of(e);
	if (e->virtual) see_guest(s, cpu, at);
	if (n >= 0) see_list_register(&v->lr[n], e);
	if (!strcmp(name, "ICH_AP0R0_EL2")) see_active(s, cpu, 0, e);
	if (!strcmp(name, "ICH_AP1R0_EL2")) see_active(s, cpu, 1, e);
	if (!strcmp(name, "ICH_HCR_EL2")) see_hcr(v, e);
	if (!strcmp(name, "ICH_VMCR_EL2")) see_vmcr(v, e);
}

static void see_first(struct virtual_start *v, const struct gic_event *e)
{
	v->first = e->arg[1] < GIC_MAX_LRS ? (int)e->arg[1] : -1;
	if (v->first < 0) return;
	struct list_register *l = &v->lr[v->first];
	if (!l->loaded) tell(l, NO_VINTID, LR_PENDING);
	see_enabled(v, l->loaded && !l->group, !l->loaded || l->group);
}

static void see_lines(struct virtual_start *v, const struct gic_event *e)
{
	v->on |= e->arg[1] || e->arg[2];
	v->quiet |= v->first >= 0 && !v->hcr_told && !v->on;
	see_enabled(v, e->arg[1], e->arg[2]);
}

static void see(const struct survey *s, size_t at)
{
	const struct gic_event *e = &s->log->events[at];
	bool index = e->kind == LOG_EXCEPTION_VIRQ || e->kind == LOG_EXCEPTION_VFIQ;
	unsigned cpu = index ? gic_start_index(s->start, e->arg[1]) : gic_start_cpu(s->start, e->arg[0]);
	struct virtual_start *v = &s->v[cpu];
	switch (e->kind) {
	case LOG_VIRTUAL_HIGHEST: see_first(v, e); break;
	case LOG_VIRTUAL_LINES: see_lines(v, e); break;
	case LOG_MAINTENANCE: v->underflow |= !v->hcr_told && e->arg[1]; break;
	case LOG_EXCEPTION_VIRQ:
	case LOG_EXCEPTION_VFIQ: v->on = true; break;
	case LOG_REG_READ:
	case LOG_REG_WRITE: see_register(s, cpu, at); break;
	default: break;
	}
}

/* Applying ----------------------------------------------------------------------------------------------------------- */

static bool taken_before(const struct survey *s, unsigned cpu, uint32_t intid, size_t end)
{
	for (size_t i = 0; i < end; i++) {
		const struct gic_event *e = &s->log->events[i];
		if (e->kind != LOG_REG_READ || e->virtual || e->arg[1] != intid) continue;
		if (strncmp(cpu_if_name(e->encoding), "ICC_IAR", 7) != 0) continue;
		if (gic_start_cpu(s->start, e->arg[0]) == cpu) return true;
	}
	return false;
}

/* What a list register holds of a physical interrupt is active until the guest ends it. See gic_start.c for those that it does not. */
static void apply_list_register(const struct survey *s, struct gic *g, unsigned cpu, unsigned n)
{
	const struct list_register *l = &s->v[cpu].lr[n];
	char name[32];
	if (!l->held_at_start || (l->at_start == LR_INVALID && !l->saved)) return;
	uint64_t lr = lr_with_state(l->saved ? l->saved : fields_like(s, cpu, l->vintid_at_start),
				    l->at_start);
	snprintf(name, sizeof(name), "ICH_LR%u_EL2", n);
	gic_start_register(s->start, g, cpu, name, lr);
	uint32_t intid = lr_pintid(lr);
	if (!bit_get(lr, LR_HW) || !l->ended || intid >= GIC_SPI_END) return;
	if (!taken_before(s, cpu, intid, l->ended)) gic_start_write_bit(g, cpu, intid, ACTIVE_SET);
}

static uint64_t vmcr_of(const struct virtual_start *v)
{
	uint64_t vmcr = v->vmcr_told ? v->vmcr : LINUX_VMCR | (v->split ? VMCR_VEOIM : 0);
	uint64_t enables = (v->enabled[0] ? VMCR_VENG0 : 0) | (v->enabled[1] ? VMCR_VENG1 : 0);
	if (!v->vmcr_read) vmcr = (vmcr & ~(uint64_t)(VMCR_VENG0 | VMCR_VENG1)) | enables;
	if (v->mask) vmcr = (vmcr & ~bits_put(0xff, 31, 24)) | bits_put(v->mask & 0xff, 31, 24);
	return vmcr;
}

static uint64_t hcr_of(const struct virtual_start *v)
{
	uint64_t hcr = v->hcr_told || !v->on ? v->hcr : HCR_EN;
	return hcr | (v->underflow ? HCR_UIE | HCR_EN : 0);
}

static void apply(const struct survey *s, struct gic *g, unsigned cpu)
{
	struct virtual_start *v = &s->v[cpu];
	for (unsigned i = 0; i < v->ends; i++) {
		uint64_t lr = fields_like(s, cpu, v->ended[i]);
		v->active[bit_get(lr, LR_GROUP)] |= priority_bit(s, lr);
	}
	gic_start_register(s->start, g, cpu, "ICH_AP0R0_EL2", v->active[0]);
	gic_start_register(s->start, g, cpu, "ICH_AP1R0_EL2", v->active[1]);
	for (unsigned i = 0; i < s->start->params.list_registers; i++) apply_list_register(s, g, cpu, i);
	gic_start_register(s->start, g, cpu, "ICH_VMCR_EL2", vmcr_of(v));
	gic_start_register(s->start, g, cpu, "ICH_HCR_EL2", hcr_of(v));
}

void gic_start_virtual(const struct gic_start *start, const struct gic_log *log, struct gic *g)
{
	struct survey s = {
		.start = start, .log = log, .v = xcalloc(start->cpus, sizeof(struct virtual_start))};
	for (unsigned i = 0; i < start->cpus; i++) s.v[i].first = -1;
	for (size_t i = 0; i < log->count; i++) see(&s, i);
	for (unsigned i = 0; i < start->cpus; i++) apply(&s, g, i);
	free(s.v);
}
