/* Random commands, messages and residency against a model that is nothing but arrays; both are compared after every step. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "base/rng.h"
#include "its_world.h"

enum {
	DEVICES = 4,
	EVENTS = 18,
	COLLECTIONS = 4,
	LPIS = 12,
	VPES = 4,
	VLPIS = 4,
	SGIS = 16,
	DOORBELL = 8300
};
enum { OOR_DEVICE = 1 << 16, OOR_COLLECTION = 256, OOR_VPE = 256, MAPPED_BITS_MAX = 4 };
#define VALID (UINT64_C(1) << 63)

struct m_event {
	bool valid, is_virtual;
	uint32_t to, intid;
};
struct m_vpe {
	bool valid, wanted, resident;
	unsigned redist;
	uint32_t doorbell;
	uint8_t sgi[SGIS]; /* <7:4> priority <1> group <0> enabled */
	bool lpi_pending[VLPIS], sgi_pending[SGIS];
};
static struct {
	struct {
		bool valid;
		unsigned bits;
		struct m_event event[EVENTS];
	} device[DEVICES];
	struct {
		bool valid;
		unsigned redist;
	} collection[COLLECTIONS];
	struct m_vpe vpe[VPES];
	bool pending[WORLD_REDISTS][LPIS + VPES]; /* doorbells behind the LPIs */
} m;

static struct its_world *w;
static struct rng r;

static unsigned some(unsigned n) { return (unsigned)rng_below(&r, n); }
/* One of n, seldom something that is out of range. */
static uint32_t some_or(unsigned n, uint32_t out) { return some(12) ? some(n) : out; }

/* Mostly few, so that they meet; up to two more than a device of 4 bits has. */
static uint32_t some_event(void) { return some(4) ? some(3) : some(EVENTS); }

/* Configuration is fixed: every third LPI and every second virtual one is disabled. */
static unsigned priority_of(unsigned lpi) { return (lpi * 5 % 7) << 4; }
static bool enabled(unsigned lpi) { return lpi % 3 != 2; }
static bool v_enabled(unsigned vlpi) { return vlpi % 2 == 0; }
static uint32_t intid_of(unsigned lpi) { return lpi < LPIS ? 8192 + lpi : DOORBELL + (lpi - LPIS); }

static unsigned err(unsigned command, unsigned reason) { return 0x010000 | command << 8 | reason; }

/* --- the model ---------------------------------------------------------------------------------------------------------- */

static void m_ring(struct m_vpe *v, bool is_enabled)
{
	if (v->resident || !v->wanted || !is_enabled) return;
	v->wanted = false;
	if (v->doorbell != 1023) m.pending[v->redist][LPIS + (v->doorbell - DOORBELL)] = true;
}

/* Returns the reason for which nothing was delivered. */
static unsigned m_deliver(const struct m_event *e)
{
	if (!e->is_virtual) {
		if (!m.collection[e->to].valid) return 0x10;
		m.pending[m.collection[e->to].redist][e->intid - 8192] = true;
		return 0;
	}
	struct m_vpe *v = &m.vpe[e->to];
	if (!v->valid) return 0x10;
	v->lpi_pending[e->intid - 8192] = true;
	m_ring(v, v_enabled(e->intid - 8192));
	return 0;
}

/* The reason for which (device, event) cannot be used; 0: *out is it. */
static unsigned m_event(uint32_t device, uint32_t event, bool mapped, struct m_event **out)
{
	if (device >= DEVICES && device != OOR_DEVICE) return 0x04;
	if (device == OOR_DEVICE) return 0x01;
	if (!m.device[device].valid) return 0x04;
	if (event >> m.device[device].bits) return 0x05;
	*out = &m.device[device].event[event];
	return mapped && !(*out)->valid ? 0x07 : 0;
}

/* Clears what an event has pending; the reason when it goes nowhere. */
static unsigned m_clear(const struct m_event *e)
{
	if (!e->is_virtual) {
		if (!m.collection[e->to].valid) return 0x10;
		m.pending[m.collection[e->to].redist][e->intid - 8192] = false;
		return 0;
	}
	if (!m.vpe[e->to].valid) return 0x10;
	m.vpe[e->to].lpi_pending[e->intid - 8192] = false;
	return 0;
}

/* --- steps: each does the same to both and compares what comes back ------------------------------------------------------- */

static void expect_error(unsigned got, unsigned command, unsigned reason)
{
	cr_assert(eq(u32, got, reason ? err(command, reason) : 0));
}

static void step_mapd(void)
{
	uint32_t device = some_or(DEVICES, OOR_DEVICE);
	bool valid = some(10);
	unsigned bits = some(10) ? 2 + some(MAPPED_BITS_MAX - 1) : 13;
	unsigned reason = device == OOR_DEVICE ? 0x01 : valid && bits > 12 ? 0x02 : 0;
	expect_error(cmd_mapd(w, device, bits, valid), 0x08, reason);
	if (reason) return;
	m.device[device].valid = valid;
	if (valid) m.device[device].bits = bits;
}

static void step_mapc(void)
{
	uint32_t icid = some_or(COLLECTIONS, OOR_COLLECTION);
	unsigned redist = some_or(WORLD_REDISTS, WORLD_REDISTS);
	bool valid = some(10);
	unsigned reason = icid == OOR_COLLECTION ? 0x03 : valid && redist == WORLD_REDISTS ? 0x02 : 0;
	expect_error(cmd_mapc(w, icid, redist, valid), 0x09, reason);
	if (reason) return;
	m.collection[icid].valid = valid;
	m.collection[icid].redist = redist;
}

static void step_mapti(void)
{
	uint32_t device = some_or(DEVICES, OOR_DEVICE), event = some_event(),
		 icid = some_or(COLLECTIONS, OOR_COLLECTION);
	uint32_t intid = some_or(LPIS, 100000) + 8192;
	struct m_event *e = NULL;
	unsigned reason = m_event(device, event, false, &e);
	if (icid == OOR_COLLECTION && reason != 0x01) reason = 0x03;
	if (!reason && intid >= 1 << 16) reason = 0x06;
	expect_error(cmd_mapti(w, device, event, intid, icid), 0x0a, reason);
	if (!reason) *e = (struct m_event){true, false, icid, intid};
}

static void step_vmapti(void)
{
	uint32_t device = some_or(DEVICES, OOR_DEVICE), event = some_event(), vpe = some_or(VPES, OOR_VPE);
	uint32_t intid = some_or(VLPIS, 100000) + 8192;
	struct m_event *e = NULL;
	unsigned reason = m_event(device, event, false, &e);
	if (vpe == OOR_VPE && reason != 0x01) reason = 0x11;
	if (!reason && !m.vpe[vpe].valid) reason = 0x14;
	if (!reason && intid >= 1 << 16) reason = 0x13;
	expect_error(cmd_vmapti(w, device, event, vpe, intid, 1023), 0x2a, reason);
	if (!reason) *e = (struct m_event){true, true, vpe, intid};
}

static void step_movi(void)
{
	uint32_t device = some_or(DEVICES, OOR_DEVICE), event = some_event(),
		 icid = some_or(COLLECTIONS, OOR_COLLECTION);
	struct m_event *e = NULL;
	unsigned reason = m_event(device, event, true, &e);
	if (icid == OOR_COLLECTION && reason != 0x01) reason = 0x03;
	if (!reason && e->is_virtual) reason = 0x07;
	if (!reason && !(m.collection[e->to].valid && m.collection[icid].valid)) reason = 0x09;
	expect_error(cmd_movi(w, device, event, icid), 0x01, reason);
	if (reason) return;
	bool *from = &m.pending[m.collection[e->to].redist][e->intid - 8192];
	bool was = *from;
	*from = false;
	if (was) m.pending[m.collection[icid].redist][e->intid - 8192] = true;
	e->to = icid;
}

static void step_vmovi(void)
{
	uint32_t device = some_or(DEVICES, OOR_DEVICE), event = some_event(), vpe = some_or(VPES, OOR_VPE);
	struct m_event *e = NULL;
	unsigned reason = m_event(device, event, true, &e);
	if (vpe == OOR_VPE && reason != 0x01) reason = 0x11;
	if (!reason && !e->is_virtual) reason = 0x15;
	if (!reason && !m.vpe[e->to].valid) reason = 0x16;
	if (!reason && !m.vpe[vpe].valid) reason = 0x17;
	expect_error(cmd_vmovi(w, device, event, vpe), 0x21, reason);
	if (reason) return;
	unsigned lpi = e->intid - 8192;
	bool was = m.vpe[e->to].lpi_pending[lpi];
	if (was && e->to != vpe) {
		m.vpe[e->to].lpi_pending[lpi] = false;
		m.vpe[vpe].lpi_pending[lpi] = true;
		m_ring(&m.vpe[vpe], v_enabled(lpi));
	}
	e->to = vpe;
}

static void step_event(void)
{
	static const enum its_command commands[] = {ITS_INT, ITS_CLEAR, ITS_DISCARD, ITS_INV};
	static const uint8_t codes[] = {0x03, 0x05, 0x0f, 0x0c};
	unsigned which = some(4);
	uint32_t device = some_or(DEVICES, OOR_DEVICE), event = some_event();
	struct m_event *e = NULL;
	unsigned reason = m_event(device, event, true, &e);
	if (!reason && which == 0) reason = m_deliver(e);
	if (!reason && (which == 1 || which == 2)) reason = m_clear(e);
	if (!reason && which == 3)
		reason = e->is_virtual               ? (m.vpe[e->to].valid ? 0 : 0x10)
			 : m.collection[e->to].valid ? 0
						     : 0x10;
	if (!reason && which == 2) e->valid = false;
	expect_error(cmd_event(w, commands[which], device, event), codes[which], reason);
}

static void step_movall(void)
{
	unsigned from = some_or(WORLD_REDISTS, WORLD_REDISTS), to = some(WORLD_REDISTS);
	expect_error(cmd_movall(w, from, to), 0x0e, from == WORLD_REDISTS ? 0x01 : 0);
	for (unsigned i = 0; from < WORLD_REDISTS && from != to && i < LPIS + VPES; i++) {
		m.pending[to][i] |= m.pending[from][i];
		m.pending[from][i] = false;
	}
}

static void step_translate(void)
{
	uint32_t device = some_or(DEVICES, OOR_DEVICE), event = some_event();
	struct m_event *e = NULL;
	unsigned reason = m_event(device, event, true, &e);
	if (!reason) reason = m_deliver(e);
	struct its_delivery d = its_translate(w->its, device, event);
	cr_assert(eq(int, d.drop == ITS_DROP_NONE, !reason));
	if (!reason) cr_assert(eq(u32, d.intid, e->intid));
}

/* Software moves and unmaps vPEs that are not resident only. */
static void step_vmapp(void)
{
	uint32_t vpe = some_or(VPES, OOR_VPE);
	unsigned redist = some_or(WORLD_REDISTS, WORLD_REDISTS);
	bool valid = some(10);
	if (vpe != OOR_VPE && m.vpe[vpe].resident) return;
	uint32_t doorbell = some(3) ? DOORBELL + vpe % VPES : 1023;
	unsigned reason = vpe == OOR_VPE ? 0x11 : valid && redist == WORLD_REDISTS ? 0x02 : 0;
	expect_error(cmd_vmapp(w, vpe, redist, valid, doorbell), 0x29, reason);
	if (reason) return;
	struct m_vpe *v = &m.vpe[vpe];
	v->valid = valid;
	v->wanted = false;
	v->redist = redist;
	v->doorbell = doorbell;
	memset(v->sgi, 0, sizeof(v->sgi));
}

static void step_vmovp(void)
{
	uint32_t vpe = some_or(VPES, OOR_VPE);
	unsigned redist = some_or(WORLD_REDISTS, WORLD_REDISTS);
	if (vpe != OOR_VPE && m.vpe[vpe].resident) return;
	unsigned reason = vpe == OOR_VPE            ? 0x11
			  : !m.vpe[vpe].valid       ? 0x14
			  : redist == WORLD_REDISTS ? 0x02
						    : 0;
	expect_error(cmd_vmovp(w, vpe, redist), 0x22, reason);
	if (!reason) m.vpe[vpe].redist = redist;
}

static void step_vsgi(void)
{
	uint32_t vpe = some_or(VPES, OOR_VPE);
	unsigned sgi = some(SGIS), config = some(256) & 0xf3;
	unsigned reason = vpe == OOR_VPE ? 0x11 : !m.vpe[vpe].valid ? 0x14 : 0;
	expect_error(cmd_vsgi(w, vpe, sgi, config & 0xf0, config >> 1 & 1, config & 1), 0x23, reason);
	if (!reason) m.vpe[vpe].sgi[sgi] = (uint8_t)config;
}

static void step_sgi(void)
{
	uint32_t vpe = some(VPES);
	unsigned sgi = some(SGIS);
	its_write(w->its, 0x20020, 8, (uint64_t)vpe << 32 | sgi);
	if (!m.vpe[vpe].valid) return;
	m.vpe[vpe].sgi_pending[sgi] = true;
	m_ring(&m.vpe[vpe], m.vpe[vpe].sgi[sgi] & 1);
}

static bool m_waits(const struct m_vpe *v)
{
	for (unsigned i = 0; i < VLPIS; i++)
		if (v->lpi_pending[i] && v_enabled(i)) return true;
	for (unsigned i = 0; i < SGIS; i++)
		if (v->sgi_pending[i] && (v->sgi[i] & 1)) return true;
	return false;
}

static void step_schedule(void)
{
	struct m_vpe *v = &m.vpe[some(VPES)];
	if (!v->valid || v->resident) return;
	for (unsigned i = 0; i < VPES; i++)
		if (m.vpe[i].resident && m.vpe[i].redist == v->redist) return;
	vpe_write(w->vpe[v->redist], 0x78, 8, VALID | UINT64_C(3) << 58 | (uint64_t)(v - m.vpe));
	vpe_settle(w->vpe[v->redist]);
	v->resident = true;
	v->wanted = false;
}

static void step_deschedule(void)
{
	struct m_vpe *v = &m.vpe[some(VPES)];
	uint64_t doorbell = some(2), value;
	if (!v->resident) return;
	vpe_write(w->vpe[v->redist], 0x78, 8, doorbell << 62 | UINT64_C(3) << 58 | (uint64_t)(v - m.vpe));
	vpe_settle(w->vpe[v->redist]);
	vpe_read(w->vpe[v->redist], 0x78, 8, &value);
	cr_assert(eq(int, value >> 61 & 1, m_waits(v)));
	v->resident = false;
	v->wanted = doorbell && !m_waits(v);
}

static struct lpi_offer m_best(unsigned redist)
{
	struct lpi_offer best = {0};
	for (unsigned i = 0; i < LPIS + VPES; i++) {
		if (!m.pending[redist][i] || !(i >= LPIS || enabled(i))) continue;
		unsigned priority = i < LPIS ? priority_of(i) : 0xf0;
		if (!best.any || priority < best.priority)
			best = (struct lpi_offer){true, intid_of(i), (uint8_t)priority};
	}
	return best;
}

static void step_acknowledge(void)
{
	unsigned redist = some(WORLD_REDISTS);
	struct lpi_offer o = lpi_best(w->lpi[redist]);
	if (!o.any) return;
	lpi_acknowledge(w->lpi[redist], o.intid);
	m.pending[redist][o.intid < DOORBELL ? o.intid - 8192 : LPIS + (o.intid - DOORBELL)] = false;
}

static void step_virtual_acknowledge(void)
{
	struct m_vpe *v = &m.vpe[some(VPES)];
	struct vpe_offer o = v->resident ? vpe_best(w->vpe[v->redist]) : (struct vpe_offer){0};
	if (!o.any) return;
	cr_assert(eq(int, o.group1, o.intid >= 8192 || (v->sgi[o.intid] >> 1 & 1)));
	vpe_acknowledge(w->vpe[v->redist], o.intid);
	bool *pending = o.intid < SGIS ? &v->sgi_pending[o.intid] : &v->lpi_pending[o.intid - 8192];
	cr_assert(pending[0]);
	*pending = false;
}

/* --- what must be the same after every step ------------------------------------------------------------------------------------ */

static bool vpe_has(unsigned vpe, uint32_t intid)
{
	struct vpe_target t = {.vpeid = vpe, .entry = {.vpt = {world_vpt(vpe)}, .vpt_bits = 16}};
	return vpe_is_pending(w->vpe[m.vpe[vpe].redist % WORLD_REDISTS], &t, intid);
}

static void compare_redist(unsigned i)
{
	struct lpi_offer a = lpi_best(w->lpi[i]), b = m_best(i);
	cr_assert(eq(int, a.any, b.any));
	cr_assert(eq(u32, a.intid, b.intid));
	cr_assert(eq(u8, a.priority, b.priority));
	for (unsigned k = 0; k < LPIS + VPES; k++)
		cr_assert(eq(int, lpi_is_pending(w->lpi[i], intid_of(k)), m.pending[i][k]));
}

static void compare(void)
{
	cr_assert(eq(ptr, (void *)its_world_check(w), NULL));
	for (unsigned i = 0; i < WORLD_REDISTS; i++) compare_redist(i);
	for (unsigned v = 0; v < VPES; v++) {
		for (unsigned i = 0; i < VLPIS; i++)
			cr_assert(eq(int, vpe_has(v, 8192 + i), m.vpe[v].lpi_pending[i]));
		for (unsigned i = 0; i < SGIS; i++)
			cr_assert(eq(int, vpe_has(v, i), m.vpe[v].sgi_pending[i]));
		if (m.vpe[v].resident)
			cr_assert(eq(int, vpe_best(w->vpe[m.vpe[v].redist]).any, m_waits(&m.vpe[v])));
	}
}

static void run(uint64_t seed, unsigned steps)
{
	static void (*const all[])(void) = {
		step_mapd,
		step_mapc,
		step_mapti,
		step_mapti,
		step_vmapti,
		step_vmapti,
		step_movi,
		step_vmovi,
		step_event,
		step_event,
		step_event,
		step_movall,
		step_translate,
		step_translate,
		step_translate,
		step_translate,
		step_vmapp,
		step_vmovp,
		step_vsgi,
		step_vsgi,
		step_sgi,
		step_sgi,
		step_schedule,
		step_schedule,
		step_deschedule,
		step_deschedule,
		step_acknowledge,
		step_virtual_acknowledge,
		step_virtual_acknowledge,
		step_virtual_acknowledge,
		step_virtual_acknowledge,
		step_virtual_acknowledge,
		step_virtual_acknowledge,
	};
	memset(&m, 0, sizeof(m));
	rng_init(&r, seed, "test.its.random");
	w = its_world_new(WORLD_V41);
	for (unsigned i = 0; i < LPIS; i++) world_configure(w, 8192 + i, priority_of(i), enabled(i));
	for (unsigned i = 0; i < VPES; i++) world_configure(w, DOORBELL + i, 0xf0, true);
	for (unsigned i = 0; i < VLPIS; i++) world_vconfigure(w, 0, 8192 + i, 0x80, v_enabled(i));
	for (unsigned i = 0; i < steps; i++) {
		all[some(sizeof(all) / sizeof(all[0]))]();
		compare();
	}
}

Test(its_random, commands_messages_and_residency_agree_with_a_naive_model)
{
	uint64_t commands = 0, delivered = 0, doorbells = 0, direct = 0;
	for (uint64_t seed = 1; seed <= 12; seed++) {
		run(seed, 4000);
		for (unsigned i = 0; i < ITS_COMMAND_COUNT; i++) commands += its_stats(w->its)->commands[i];
		delivered += its_stats(w->its)->translations[ITS_DROP_NONE];
		doorbells += its_stats(w->its)->doorbells;
		for (unsigned i = 0; i < WORLD_REDISTS; i++) direct += vpe_stats(w->vpe[i])->direct;
		its_world_free(w);
	}
	/* The sequences must have reached what they are about. */
	cr_assert(lt(u64, 5000, commands));
	cr_assert(lt(u64, 300, delivered));
	cr_assert(lt(u64, 20, doorbells));
	cr_assert(lt(u64, 100, direct));
}
