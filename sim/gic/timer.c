/* timer.c - see timer.h. */
#include <assert.h>

#include "base/bits.h"
#include "gic/timer.h"

/* --- cycles and counts -------------------------------------------------------------------------------------------- */

/* Counts since cycle 0; cycles and frequencies of 64 bits need 128. */
static u128_t counted(const struct timer_clock *c, cycles_t now)
{
	return (u128_t)now * c->counter_hz / c->core_hz;
}

uint64_t timer_count(const struct timer_clock *c, cycles_t now)
{
	return c->start + (uint64_t)counted(c, now);
}

cycles_t timer_after(const struct timer_clock *c, cycles_t now, uint64_t counts)
{
	u128_t target = counted(c, now) + counts;
	if (!counts) return now;
	if (target > (~(u128_t)0 - c->counter_hz) / c->core_hz) return TIMER_NEVER;
	u128_t cycle = (target * c->core_hz + c->counter_hz - 1) / c->counter_hz;
	return cycle >= TIMER_NEVER ? TIMER_NEVER : (cycles_t)cycle;
}

void timers_init(struct timers *t, const struct timer_clock *clock)
{
	assert(clock->core_hz && clock->counter_hz);
	*t = (struct timers){.clock = clock, .cntfrq = clock->counter_hz};
}

unsigned timer_ppi(enum timer_id id)
{
	static const uint8_t ppi[] = {
#define X(name, number) number,
		TIMERS(X)
#undef X
	};
	return ppi[id];
}

/* --- offsets --------------------------------------------------------------------------------------------------------- */

enum { CNTHCTL_ECV = 12, CNTHCTL_CNTVMASK = 18, CNTHCTL_CNTPMASK = 19 };

static bool is_host(const struct timer_context *c) { return c->e2h && c->tge; }

static bool ecv_offset(const struct timers *t)
{
	const struct timer_context *c = &t->context;
	return c->ecv && c->el2 && !is_host(c) && bit_get(t->cnthctl, CNTHCTL_ECV);
}

/* Of the comparison. D12.2.4 */
static uint64_t offset_of(const struct timers *t, enum timer_id id)
{
	if (id == TIMER_V) return t->cntvoff;
	return id == TIMER_P && ecv_offset(t) ? t->cntpoff : 0;
}

/* Of a TVAL that software accesses: CNTP_TVAL has the offset below EL2 only. */
static uint64_t tval_offset(const struct timers *t, enum timer_id id)
{
	return id == TIMER_P && t->context.el >= 2 ? 0 : offset_of(t, id);
}

uint64_t timers_physical(const struct timers *t, cycles_t now)
{
	return timer_count(t->clock, now) - tval_offset(t, TIMER_P);
}

uint64_t timers_virtual(const struct timers *t, cycles_t now)
{
	const struct timer_context *c = &t->context;
	bool plain = (c->el == 2 && c->e2h) || (c->el == 0 && is_host(c));
	return timer_count(t->clock, now) - (plain ? 0 : t->cntvoff);
}

/* --- conditions ------------------------------------------------------------------------------------------------------ */

static uint64_t view(const struct timers *t, enum timer_id id, cycles_t now)
{
	return timer_count(t->clock, now) - offset_of(t, id);
}

bool timers_status(const struct timers *t, enum timer_id id, cycles_t now)
{
	return (t->ctl[id] & TIMER_ENABLE) && view(t, id, now) >= t->cval[id];
}

/* CNTHCTL_EL2 masks the EL1 timers of Realm and Root state. */
static bool masked(const struct timers *t, enum timer_id id)
{
	bool more = (id == TIMER_V && bit_get(t->cnthctl, CNTHCTL_CNTVMASK)) ||
		    (id == TIMER_P && bit_get(t->cnthctl, CNTHCTL_CNTPMASK));
	return (t->ctl[id] & TIMER_IMASK) || (more && t->context.realm_or_root);
}

bool timers_line(const struct timers *t, enum timer_id id, cycles_t now)
{
	return timers_status(t, id, now) && !masked(t, id);
}

cycles_t timers_expiry(const struct timers *t, enum timer_id id, cycles_t now)
{
	uint64_t count = view(t, id, now);
	if (!(t->ctl[id] & TIMER_ENABLE)) return TIMER_NEVER;
	return count >= t->cval[id] ? now : timer_after(t->clock, now, t->cval[id] - count);
}

/* When the condition becomes true again, or for the first time: it is false from the count 0 up to CVAL. */
static cycles_t next_rise(const struct timers *t, enum timer_id id, cycles_t now)
{
	uint64_t count = view(t, id, now);
	bool never = !(t->ctl[id] & TIMER_ENABLE) || masked(t, id) || !t->cval[id] || t->cval[id] == count;
	return never ? TIMER_NEVER : timer_after(t->clock, now, t->cval[id] - count);
}

cycles_t timers_next(const struct timers *t, cycles_t now)
{
	cycles_t next = TIMER_NEVER;
	for (unsigned i = 0; i < TIMER_COUNT; i++) {
		cycles_t at = next_rise(t, (enum timer_id)i, now);
		if (at < next) next = at;
	}
	return next;
}

void timers_drive(const struct timers *t, cycles_t now, struct gic *g, unsigned pe)
{
	for (unsigned i = 0; i < TIMER_COUNT; i++)
		gic_set_line(g, pe, timer_ppi((enum timer_id)i), timers_line(t, (enum timer_id)i, now));
}

/* --- the event stream ------------------------------------------------------------------------------------------------ */

/* CNTKCTL_EL1 and CNTHCTL_EL2 have these fields at the same places. */
static cycles_t next_event(const struct timers *t, uint64_t ctl, uint64_t count, cycles_t now)
{
	unsigned bit = (unsigned)bits_get(ctl, 7, 4) + (bit_get(ctl, 17) ? 8 : 0);
	uint64_t period = UINT64_C(2) << bit, edge = bit_get(ctl, 3) ? 0 : period / 2;
	if (!bit_get(ctl, 2)) return TIMER_NEVER;
	uint64_t counts = (edge - count) & (period - 1);
	return timer_after(t->clock, now, counts ? counts : period);
}

cycles_t timers_next_event(const struct timers *t, cycles_t now)
{
	cycles_t el1 = next_event(t, t->cntkctl, timers_virtual(t, now), now);
	cycles_t el2 = next_event(t, t->cnthctl, timers_physical(t, now), now);
	return el1 < el2 ? el1 : el2;
}

/* --- registers ---------------------------------------------------------------------------------------------------------- */

enum kind { PHYSICAL, VIRTUAL, TVAL, CTL, CVAL, PLAIN };

static const struct reg {
	uint16_t encoding;
	uint8_t kind, timer;
	uint16_t plain; /* offset of the member, PLAIN */
} regs[] = {
#define ENCODING(op1, crm, op2) (3 << 14 | (op1) << 11 | 14 << 7 | (crm) << 3 | (op2))
#define TIMER(op1, crm, id) \
	{ENCODING(op1, crm, 0), TVAL, id, 0}, {ENCODING(op1, crm, 1), CTL, id, 0}, \
	{ \
		ENCODING(op1, crm, 2), CVAL, id, 0 \
	}
#define MEMBER(op1, crm, op2, m) \
	{ \
		ENCODING(op1, crm, op2), PLAIN, 0, offsetof(struct timers, m) \
	}
	{ENCODING(3, 0, 1), PHYSICAL, 0, 0}, /* CNTPCT_EL0 */
	{ENCODING(3, 0, 5), PHYSICAL, 0, 0}, /* CNTPCTSS_EL0 */
	{ENCODING(3, 0, 2), VIRTUAL, 0, 0},  /* CNTVCT_EL0 */
	{ENCODING(3, 0, 6), VIRTUAL, 0, 0},  /* CNTVCTSS_EL0 */
	TIMER(3, 2, TIMER_P),
	TIMER(3, 3, TIMER_V),
	TIMER(4, 2, TIMER_HP),
	TIMER(4, 3, TIMER_HV),
	TIMER(4, 5, TIMER_HPS),
	TIMER(4, 4, TIMER_HVS),
	TIMER(7, 2, TIMER_PS),
	MEMBER(3, 0, 0, cntfrq),
	MEMBER(4, 0, 3, cntvoff),
	MEMBER(4, 0, 6, cntpoff),
	MEMBER(4, 1, 0, cnthctl),
	MEMBER(0, 1, 0, cntkctl),
};

static const struct reg *find_reg(unsigned encoding)
{
	for (size_t i = 0; i < sizeof(regs) / sizeof(regs[0]); i++)
		if (regs[i].encoding == encoding) return &regs[i];
	return NULL;
}

static enum timer_id reached(const struct timers *t, const struct reg *r)
{
	bool host_el0 = t->context.el == 0 && is_host(&t->context);
	if (host_el0 && r->timer == TIMER_P) return TIMER_HP;
	return host_el0 && r->timer == TIMER_V ? TIMER_HV : (enum timer_id)r->timer;
}

static uint64_t *plain(struct timers *t, const struct reg *r) { return (uint64_t *)((char *)t + r->plain); }

bool timers_read(const struct timers *t, unsigned encoding, cycles_t now, uint64_t *value)
{
	const struct reg *r = find_reg(encoding);
	if (!r) return false;
	enum timer_id id = reached(t, r);
	switch ((enum kind)r->kind) {
	case PHYSICAL: *value = timers_physical(t, now); break;
	case VIRTUAL: *value = timers_virtual(t, now); break;
	case TVAL:
		*value = (uint32_t)(t->cval[id] - (timer_count(t->clock, now) - tval_offset(t, id)));
		break;
	case CTL: *value = t->ctl[id] | (timers_status(t, id, now) ? TIMER_ISTATUS : 0); break;
	case CVAL: *value = t->cval[id]; break;
	case PLAIN: *value = *(const uint64_t *)((const char *)t + r->plain); break;
	}
	return true;
}

bool timers_write(struct timers *t, unsigned encoding, cycles_t now, uint64_t value, bool *lines)
{
	const struct reg *r = find_reg(encoding);
	if (!r || r->kind == PHYSICAL || r->kind == VIRTUAL) return false;
	enum timer_id id = reached(t, r);
	uint64_t count = timer_count(t->clock, now) - tval_offset(t, id);
	switch ((enum kind)r->kind) {
	case TVAL: t->cval[id] = count + (uint64_t)(int64_t)(int32_t)(uint32_t)value; break;
	case CTL: t->ctl[id] = value & (TIMER_ENABLE | TIMER_IMASK); break;
	case CVAL: t->cval[id] = value; break;
	default: *plain(t, r) = value; break;
	}
	if (lines) *lines = r->kind != PLAIN || plain(t, r) != &t->cntfrq;
	return true;
}
