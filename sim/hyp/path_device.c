#include "hyp/path_device.h"

#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "hyp/path_gic_state.h"

enum {
	GICD_IGROUPR = 0x80,
	GICD_ISENABLER = 0x100,
	GICD_IPRIORITYR = 0x400,
	GICD_ICFGR = 0xc00,
	GICD_IROUTER = 0x6000
};
enum { DRIVER_PRIORITY = 0xa0 };
#define ICFGR_EDGES UINT64_C(0xaaaaaaaa)

/* A device with a wire. */
struct wire {
	bool configured;
	unsigned pe, vcpu;
	bool wants, masked, high;
	bool ended; /* by a guest, and nobody has looked at it since */
	cycles_t at;
};

/* Acknowledged by a PE and not yet injected; nothing in a kernel that has no guests. */
struct taken {
	uint32_t intid[2 * PATH_DEVICE_COUNT + PATH_MESSAGES];
	unsigned count;
};

struct path_devices {
	struct wire wire[PATH_SPIS];
	cycles_t *message_at; /* by event */
	struct taken *taken;  /* by PE */
	unsigned pes;
};

struct path_devices *path_devices_new(unsigned pes)
{
	struct path_devices *d = xcalloc(1, sizeof(*d));
	d->pes = pes;
	d->message_at = xcalloc((size_t)pes * PATH_MESSAGES, sizeof(*d->message_at));
	d->taken = xcalloc(pes, sizeof(*d->taken));
	return d;
}

void path_devices_free(struct path_devices *d)
{
	if (!d) return;
	free(d->message_at);
	free(d->taken);
	free(d);
}

const char *path_device_lacks(const struct path_gic *g, enum path_device_kind kind)
{
	if (kind == DEVICE_vlpi && !path_host_its_has_vpes(g->host_its)) return "needs gic.version 4 or 4.1";
	if (kind == DEVICE_lpi && !g->host_its) return "needs gic.version 3 or later";
	return NULL;
}

/* --- which ------------------------------------------------------------------------------------------------------------- */

static struct wire *wire_of(const struct path_gic *g, uint32_t intid)
{
	uint32_t n = intid - PATH_EDGE_SPI;
	return n < PATH_SPIS ? &g->devices->wire[n] : NULL;
}

static bool is_level(uint32_t intid) { return intid - PATH_LEVEL_SPI < PATH_DEVICE_COUNT; }

static bool is_message(const struct path_gic *g, uint32_t intid)
{
	return intid - PATH_MESSAGE_LPI < g->devices->pes * PATH_MESSAGES;
}

/* --- wires ------------------------------------------------------------------------------------------------------------- */

static uint64_t router(uint32_t affinity) { return (uint64_t)(affinity >> 24) << 32 | (affinity & 0xffffff); }

static void write_both(struct path_gic *g, uint32_t offset, unsigned bytes, uint64_t value)
{
	gic_dist_write(g->gic, offset, bytes, value, false);
	vgic_dist_write(g->vgic, 0, offset, bytes, value);
}

/* The host's driver and the guest's do the same to their distributors, but for the target. All 16 interrupts of a word of
 * GICD_ICFGR<n> are of one kind. */
static void configure(struct path_gic *g, struct wire *w, uint32_t intid)
{
	write_both(g, GICD_IGROUPR + intid / 32 * 4, 4, UINT32_MAX);
	write_both(g, GICD_ICFGR + intid / 16 * 4, 4, is_level(intid) ? 0 : ICFGR_EDGES);
	write_both(g, GICD_IPRIORITYR + intid, 1, DRIVER_PRIORITY);
	gic_dist_write(g->gic, GICD_IROUTER + 8 * intid, 8, router(gic_affinity(g->gic, w->pe)), false);
	vgic_dist_write(g->vgic, 0, GICD_IROUTER + 8 * intid, 8, router(vgic_affinity(g->vgic, w->vcpu)));
	write_both(g, GICD_ISENABLER + intid / 32 * 4, 4, UINT32_C(1) << intid % 32);
	w->configured = true;
}

static void move(struct path_gic *g, struct wire *w, uint32_t intid, cycles_t now)
{
	bool level = w->wants && !w->masked;
	if (level == w->high) return;
	w->high = level;
	gic_set_line(g->gic, 0, intid, level);
	if (!level) return;
	const struct path_device_way way = {.to = w->pe, .intid = intid, .source = GIC_FROM_spi};
	path_gic_send_device(g, &way, now);
}

/* An edge is a pulse: what is pending already swallows it (irq_book.h, merged). */
static void raise_wire(struct path_gic *g, const struct path_raise *r, unsigned n, cycles_t now)
{
	uint32_t intid = (r->kind == DEVICE_spi ? PATH_EDGE_SPI : PATH_LEVEL_SPI) + n;
	struct wire *w = wire_of(g, intid);
	if (!w->configured || w->pe != r->pe || w->vcpu != r->vcpu) {
		w->pe = r->pe;
		w->vcpu = r->vcpu;
		configure(g, w, intid);
	}
	if (w->wants) irq_book_counts(g->book[0])->merged++;
	if (!w->wants) w->at = now;
	w->wants = true;
	move(g, w, intid, now);
	if (is_level(intid)) return;
	w->wants = false;
	move(g, w, intid, now);
}

/* --- messages ---------------------------------------------------------------------------------------------------------- */

static void raise_message(struct path_gic *g, const struct path_raise *r, unsigned n, cycles_t now)
{
	bool direct = r->kind == DEVICE_vlpi;
	unsigned event = r->vcpu * PATH_MESSAGES + n;
	struct path_device_way way = {.to = r->vcpu, .source = GIC_FROM_lpi};
	if (direct) way.waits = path_gic_virtual_waits(g, way.to);
	way.sent = path_host_its_message(g->host_its, event, direct);
	way.intid = way.sent.intid;
	g->devices->message_at[event] = now;
	if (!way.intid) {
		irq_book_counts(g->book[direct])->dropped++;
	} else if (direct) {
		path_gic_send_device_virtual(g, &way, now);
	} else {
		path_gic_send_device(g, &way, now);
	}
}

void path_device_raise(struct path_gic *g, const struct path_raise *r, cycles_t now)
{
	assert(r->first + r->count <= PATH_DEVICE_COUNT && !path_device_lacks(g, r->kind));
	for (unsigned i = r->first; i < r->first + r->count; i++) {
		if (r->kind == DEVICE_spi || r->kind == DEVICE_level_spi) {
			raise_wire(g, r, i, now);
		} else {
			raise_message(g, r, i, now);
		}
	}
}

/* --- what software does ------------------------------------------------------------------------------------------------ */

void path_device_acknowledged(struct path_gic *g, unsigned pe, uint32_t intid)
{
	struct taken *t = &g->devices->taken[pe];
	if (!wire_of(g, intid) && !is_message(g, intid)) return;
	for (unsigned i = 0; i < t->count; i++)
		if (t->intid[i] == intid) return;
	assert(t->count < sizeof(t->intid) / sizeof(t->intid[0]));
	t->intid[t->count++] = intid;
}

static void inject_message(struct path_gic *g, unsigned pe, uint32_t intid)
{
	struct path_lpi lpi;
	unsigned event = intid - PATH_MESSAGE_LPI;
	path_gic_cause(g, GIC_FROM_lpi, g->devices->message_at[event], g->pe[pe].now);
	if (path_guest_its_message(path_gic_guest_its(g), event, &lpi)) {
		vgic_inject_lpi(g->vgic, lpi.vcpu, lpi.intid, lpi.priority);
	} else {
		irq_book_counts(g->book[1])->dropped++;
	}
}

static void inject(struct path_gic *g, unsigned pe)
{
	struct taken *t = &g->devices->taken[pe];
	for (unsigned i = 0; i < t->count; i++) {
		const struct wire *w = wire_of(g, t->intid[i]);
		if (!w) {
			inject_message(g, pe, t->intid[i]);
			continue;
		}
		path_gic_cause(g, GIC_FROM_spi, w->at, g->pe[pe].now);
		vgic_inject(g->vgic, w->vcpu, t->intid[i], true);
	}
	t->count = 0;
}

/* irqfd_resampler_ack(): what the end is told to looks at its device again. */
static void unmask(struct path_gic *g, cycles_t now)
{
	for (unsigned i = 0; i < PATH_SPIS; i++) {
		struct wire *w = &g->devices->wire[i];
		if (!w->ended) continue;
		w->ended = w->masked = false;
		if (w->wants) w->at = now;
		move(g, w, PATH_EDGE_SPI + i, now);
	}
}

void path_device_do(struct path_gic *g, unsigned pe, enum path_device_verb verb, uint32_t intid)
{
	struct wire *w = wire_of(g, intid);
	cycles_t now = g->pe[pe].now;
	switch (verb) {
	case DEVICE_inject: inject(g, pe); return;
	case DEVICE_unmask: unmask(g, now); return;
	case DEVICE_mask:
		if (w) w->masked = true;
		break;
	case DEVICE_serve:
		if (w) w->wants = false;
		break;
	case DEVICE_VERBS: return;
	}
	if (w) move(g, w, intid, now);
}

/* Fold: irqfd's resampler lowers the line before the list is looked through. */
void path_device_ended(struct path_gic *g, uint32_t intid)
{
	struct wire *w = wire_of(g, intid);
	if (!w || !is_level(intid)) return;
	w->ended = true;
	vgic_inject(g->vgic, w->vcpu, intid, false);
}

static bool all_cached(const struct path_gic *g, unsigned pe)
{
	const struct taken *t = &g->devices->taken[pe];
	for (unsigned i = 0; i < t->count; i++) {
		if (!is_message(g, t->intid[i])) continue;
		if (!g->its || !path_guest_its_has(g->its, t->intid[i] - PATH_MESSAGE_LPI)) return false;
	}
	return true;
}

static bool any_ended(const struct path_gic *g)
{
	for (unsigned i = 0; i < PATH_SPIS; i++)
		if (g->devices->wire[i].ended) return true;
	return false;
}

bool path_device_holds(const struct path_gic *g, unsigned pe, enum path_device_state what, uint32_t intid)
{
	switch (what) {
	case DEVICE_any: return wire_of(g, intid) || is_message(g, intid);
	case DEVICE_level: return is_level(intid);
	case DEVICE_message: return is_message(g, intid);
	case DEVICE_cached: return all_cached(g, pe);
	case DEVICE_ended: return any_ended(g);
	case DEVICE_STATES: break;
	}
	return false;
}
