#include "hyp/path_its.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "gic/lpi_source.h"
#include "gic/vits.h"

/* Where things are in the memory of either ITS. */
enum {
	QUEUE = 0x10000,
	QUEUE_BYTES = 0x1000,
	DEVICES = 0x100000,
	COLLECTIONS = 0x200000,
	VPES = 0x300000,
	CONFIG = 0x400000,
	VCONFIG = 0x500000,
	ITT = 0x600000,
	MESSAGE_ITT = 0x800000,
	DIRECT_ITT = 0xa00000,
};
/* Devices, by their DeviceID: whose events INT names; of messages for PEs or vCPUs, and for vPEs. */
enum { COMMANDED, MESSAGES, DIRECT };
enum {
	PENDING_BASE = 0x1000000,
	PENDING_BYTES = 0x10000,
	EVENT_BITS = 12,
	MESSAGE_BITS = 16,
	PRIORITY = 0xa0
};
enum { ID_BITS = 17, NO_DOORBELL = 1023 };
#define ENABLED_BYTES ((PRIORITY | 1) * UINT64_C(0x101010101010101))
enum {
	CTLR = 0,
	CBASER = 0x80,
	CWRITER = 0x88,
	BASER = 0x100,
	SGIR = 0x20020,
	PROPBASER = 0x70,
	PENDBASER = 0x78
};
/* GICR_VPENDBASER: VGrp0En and VGrp1En <59:58>, Valid, vPEID <15:0>. */
enum { VPROPBASER = 0x20070, VPENDBASER = 0x20078, VPE_GROUPS = 3 };
#define VALID (UINT64_C(1) << 63)

/* --- commands ----------------------------------------------------------------------------------------------------- */

/* Opcodes of the commands that are posted here. IHI 0069, 5.3. */
enum {
	OP_INT = 0x03,
	OP_MAPD = 0x08,
	OP_MAPC = 0x09,
	OP_MAPTI = 0x0a,
	OP_VSGI = 0x23,
	OP_VMAPP = 0x29,
	OP_VMAPTI = 0x2a
};

static void put_command(struct physmem *mem, uint64_t *writer, const uint64_t word[4])
{
	for (unsigned i = 0; i < 4; i++) physmem_write64(mem, (struct pa){QUEUE + *writer + 8 * i}, word[i]);
	*writer = (*writer + 32) % QUEUE_BYTES;
}

/* Configuration bytes are written before an event is mapped, so that nothing has read them yet. */
static void enable_lpi(struct physmem *mem, uint64_t table, uint32_t intid)
{
	physmem_write64(mem, (struct pa){table + ((intid - GIC_LPI) & ~UINT32_C(7))}, ENABLED_BYTES);
}

static uint64_t message_lpi(unsigned event) { return PATH_MESSAGE_LPI + event; }

/* --- the guest's --------------------------------------------------------------------------------------------------- */

struct path_guest_its {
	struct physmem *memory;
	struct its_redist *redist;
	struct vits *vits;
	unsigned vcpus;
	uint64_t writer;
	bool *mapped; /* by event of MESSAGES */
};

static bool post(struct path_guest_its *p, uint64_t w0, uint64_t w1, uint64_t w2)
{
	const uint64_t word[4] = {w0, w1, w2, 0};
	put_command(p->memory, &p->writer, word);
	vits_write(p->vits, CWRITER, 8, p->writer);
	return vits_step(p->vits).error == 0;
}

/* Priority 0xa0, enabled, for each vCPU's LPI. */
static void configure(struct path_guest_its *p)
{
	for (unsigned i = 0; i < p->vcpus; i += 8)
		physmem_write64(p->memory, (struct pa){CONFIG + i}, ENABLED_BYTES);
	for (unsigned i = 0; i < p->vcpus; i++) {
		lpi_write(p->redist[i].lpi, PROPBASER, 8, CONFIG | (ID_BITS - 1));
		lpi_write(p->redist[i].lpi, PENDBASER, 8, PENDING_BASE + i * UINT64_C(2) * PENDING_BYTES);
		lpi_enable(p->redist[i].lpi, true);
	}
}

struct path_guest_its *path_guest_its_new(unsigned vcpus, unsigned cached)
{
	struct path_guest_its *p = xcalloc(1, sizeof(*p));
	const struct lpi_params lp = {.id_bits = ID_BITS};
	p->memory = physmem_new();
	p->vcpus = vcpus;
	p->redist = xcalloc(vcpus, sizeof(*p->redist));
	for (unsigned i = 0; i < vcpus; i++) p->redist[i].lpi = lpi_new(&lp, p->memory);
	p->mapped = xcalloc((size_t)vcpus * PATH_MESSAGES, sizeof(*p->mapped));
	configure(p);
	p->vits = vits_new(p->memory, p->redist, vcpus, cached * vcpus);
	vits_write(p->vits, CBASER, 8, VALID | QUEUE);
	vits_write(p->vits, BASER, 8, VALID | DEVICES);
	vits_write(p->vits, BASER + 8, 8, VALID | COLLECTIONS);
	vits_write(p->vits, CTLR, 4, 1);
	post(p, OP_MAPD | (uint64_t)COMMANDED << 32, EVENT_BITS - 1, VALID | ITT);
	post(p, OP_MAPD | (uint64_t)MESSAGES << 32, MESSAGE_BITS - 1, VALID | MESSAGE_ITT);
	for (unsigned i = 0; i < vcpus; i++) {
		post(p, OP_MAPC, 0, VALID | (uint64_t)i << 16 | i);
		post(p, OP_MAPTI, i | (uint64_t)(GIC_LPI + i) << 32, i);
	}
	*its_stats(vits_its(p->vits)) = (struct its_stats){0};
	*vits_stats(p->vits) = (struct vits_stats){0};
	return p;
}

void path_guest_its_register_stats(struct path_guest_its *p, struct stats *s, const char *prefix)
{
	stats_add(s, vits_stat_rows, vits_stat_count, vits_stats(p->vits), "%svits", prefix);
	stats_add(s, its_stat_rows, its_stat_count, its_stats(vits_its(p->vits)), "%svits", prefix);
}

void path_guest_its_free(struct path_guest_its *p)
{
	if (!p) return;
	vits_free(p->vits);
	for (unsigned i = 0; i < p->vcpus; i++) lpi_free(p->redist[i].lpi);
	physmem_free(p->memory);
	free(p->redist);
	free(p->mapped);
	free(p);
}

/* KVM keeps the pending state with the interrupt, which is on a vCPU's list from then on. */
static bool take_pending(struct path_guest_its *p, struct path_lpi *out)
{
	for (unsigned i = 0; i < p->vcpus; i++) {
		struct lpi_offer o = lpi_best(p->redist[i].lpi);
		if (!o.any) continue;
		*out = (struct path_lpi){i, o.intid, o.priority};
		lpi_acknowledge(p->redist[i].lpi, o.intid);
		return true;
	}
	return false;
}

bool path_guest_its_int(struct path_guest_its *p, unsigned event, struct path_lpi *out)
{
	return post(p, OP_INT | (uint64_t)COMMANDED << 32, event, 0) && take_pending(p, out);
}

/* The guest's driver has mapped it long ago. */
static void map_message(struct path_guest_its *p, unsigned event)
{
	uint64_t lpi = message_lpi(event);
	if (p->mapped[event]) return;
	p->mapped[event] = true;
	enable_lpi(p->memory, CONFIG, (uint32_t)lpi);
	post(p, OP_MAPTI | (uint64_t)MESSAGES << 32, event | lpi << 32, event / PATH_MESSAGES);
}

bool path_guest_its_message(struct path_guest_its *p, unsigned event, struct path_lpi *out)
{
	map_message(p, event);
	return vits_inject(p->vits, MESSAGES, event).delivery.drop == ITS_DROP_NONE && take_pending(p, out);
}

bool path_guest_its_has(const struct path_guest_its *p, unsigned event)
{
	return vits_has(p->vits, MESSAGES, event);
}

/* --- the machine's ---------------------------------------------------------------------------------------------------- */

struct path_host_its {
	struct physmem *memory;
	struct gic *gic;
	struct lpi_source *source;
	struct its *its;
	unsigned pes, reads;
	bool v4, v41;
	bool *resident;  /* by vPE */
	bool *mapped[2]; /* by event: of MESSAGES, of DIRECT */
	uint64_t writer;
};

static void count_read(void *self, enum its_table table, struct pa at)
{
	(void)table, (void)at;
	((struct path_host_its *)self)->reads++;
}

struct path_host_its *path_host_its_new(struct gic *g, unsigned pes, const struct gic_timing *t)
{
	struct path_host_its *p = xcalloc(1, sizeof(*p));
	const bool v41 = t->version == GIC_V41, v4 = v41 || t->version == GIC_V4;
	const unsigned cached = (unsigned)t->its_cached;
	const struct lpi_source_params lp = {.id_bits = ID_BITS, .v4 = v4, .v41 = v41};
	const struct its_params ip = {.device_bits = 8,
				      .event_bits = MESSAGE_BITS,
				      .collection_bits = 12,
				      .id_bits = ID_BITS,
				      .vpe_bits = 12,
				      .v4 = v4,
				      .v41 = v41,
				      .cached = {cached, cached, cached, cached}};
	p->memory = physmem_new();
	p->gic = g;
	p->pes = pes;
	p->v4 = v4;
	p->v41 = v41;
	p->resident = xcalloc(pes, sizeof(*p->resident));
	for (unsigned i = 0; i < 2; i++)
		p->mapped[i] = xcalloc((size_t)pes * PATH_MESSAGES, sizeof(*p->mapped[i]));
	p->source = lpi_source_new(&lp, g, p->memory);
	p->its = its_new(&ip, p->memory, lpi_source_redists(p->source), pes);
	its_on_read(p->its, count_read, p);
	return p;
}

void path_host_its_free(struct path_host_its *p)
{
	if (!p) return;
	its_free(p->its);
	lpi_source_free(p->source);
	free(p->resident);
	for (unsigned i = 0; i < 2; i++) free(p->mapped[i]);
	physmem_free(p->memory);
	free(p);
}

static void command(struct path_host_its *p, uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3)
{
	const uint64_t word[4] = {w0, w1, w2, w3};
	put_command(p->memory, &p->writer, word);
	its_write(p->its, CWRITER, 8, p->writer);
	its_drain(p->its);
}

bool path_host_its_has_vpes(const struct path_host_its *p) { return p && p->v4; }
bool path_host_its_has_sgis(const struct path_host_its *p) { return p && p->v41; }

static uint64_t pending_table(unsigned vpe) { return PENDING_BASE + (uint64_t)vpe * 4 * PENDING_BYTES; }

static uint64_t vpe_table(unsigned vpe) { return pending_table(vpe) + 2 * PENDING_BYTES; }

void path_host_its_schedule(struct path_host_its *p, unsigned vpe, bool resident)
{
	uint64_t valid = resident ? VALID : 0, doorbell = resident ? 0 : UINT64_C(1) << 62;
	uint64_t what = valid | (p->v41 ? doorbell | (uint64_t)VPE_GROUPS << 58 | vpe : vpe_table(vpe));
	if (p->resident[vpe] == resident) return;
	p->resident[vpe] = resident;
	if (!p->v41 && resident) gic_redist_write(p->gic, vpe, VPROPBASER, 8, VCONFIG | (ID_BITS - 1), false);
	gic_redist_write(p->gic, vpe, VPENDBASER, 8, what, false);
	vpe_settle(lpi_source_redists(p->source)[vpe].vpe);
}

/* VMAPP with Alloc and PTZ, as Linux maps a vPE first; all its SGIs, which GICv4.0 has none of, enabled in group 1. */
static void map_vpe(struct path_host_its *p, unsigned n)
{
	command(p, OP_VMAPP | 0x300 | VCONFIG, (uint64_t)n << 32 | (GIC_LPI + n), (uint64_t)n << 16 | VALID,
		vpe_table(n) | (ID_BITS - 1));
	for (uint64_t sgi = 0; p->v41 && sgi < GIC_SGIS; sgi++)
		command(p, OP_VSGI | sgi << 32 | (PRIORITY >> 4) << 20 | 1 << 10 | 1 << 8, (uint64_t)n << 32,
			0, 0);
	path_host_its_schedule(p, n, true);
}

static void start_redistributor(struct path_host_its *p, unsigned n)
{
	gic_redist_write(p->gic, n, PROPBASER, 8, CONFIG | (ID_BITS - 1), false);
	gic_redist_write(p->gic, n, PENDBASER, 8, pending_table(n), false);
	gic_redist_write(p->gic, n, 0, 4, 1, false);
	command(p, OP_MAPC, 0, VALID | (uint64_t)n << 16 | n, 0);
	if (p->v41) gic_redist_write(p->gic, n, VPROPBASER, 8, VALID | VPES | 31, false);
	if (p->v4) map_vpe(p, n);
}

/* The set-up is no part of a run. */
static void forget_counts(struct path_host_its *p)
{
	const struct its_redist *redist = lpi_source_redists(p->source);
	*its_stats(p->its) = (struct its_stats){0};
	for (unsigned i = 0; i < p->pes; i++) {
		*lpi_stats(redist[i].lpi) = (struct lpi_stats){0};
		if (p->v4) *vpe_stats(redist[i].vpe) = (struct vpe_stats){0};
	}
}

void path_host_its_start(struct path_host_its *p)
{
	its_write(p->its, CBASER, 8, VALID | QUEUE);
	its_write(p->its, BASER, 8, VALID | DEVICES);
	its_write(p->its, BASER + 8, 8, VALID | COLLECTIONS | 15);
	if (p->v4) its_write(p->its, BASER + 16, 8, VALID | VPES | 31);
	its_write(p->its, CTLR, 4, 1);
	command(p, OP_MAPD | (uint64_t)MESSAGES << 32, MESSAGE_BITS - 1, VALID | MESSAGE_ITT, 0);
	command(p, OP_MAPD | (uint64_t)DIRECT << 32, MESSAGE_BITS - 1, VALID | DIRECT_ITT, 0);
	for (unsigned i = 0; i < p->pes; i++) enable_lpi(p->memory, CONFIG, GIC_LPI + i); /* doorbells */
	for (unsigned i = 0; i < p->pes; i++) start_redistributor(p, i);
	forget_counts(p);
}

void path_host_its_register_stats(struct path_host_its *p, struct stats *s, const char *prefix)
{
	const struct its_redist *redist = lpi_source_redists(p->source);
	stats_add(s, its_stat_rows, its_stat_count, its_stats(p->its), "%sgic.its", prefix);
	for (unsigned i = 0; i < p->pes; i++) {
		stats_add(s, lpi_stat_rows, lpi_stat_count, lpi_stats(redist[i].lpi), "%sgic.pe%u.lpis",
			  prefix, i);
		if (p->v4)
			stats_add(s, vpe_stat_rows, vpe_stat_count, vpe_stats(redist[i].vpe),
				  "%sgic.pe%u.vpes", prefix, i);
	}
}

static uint64_t doorbells(const struct path_host_its *p, unsigned vpe)
{
	return vpe_stats(lpi_source_redists(p->source)[vpe].vpe)->doorbells;
}

/* What vPE `vpe` has to say of what came for it since `rung` doorbells had. */
static struct path_its_sent sent_to_vpe(const struct path_host_its *p, unsigned vpe, uint32_t intid,
					uint64_t rung)
{
	uint32_t doorbell = doorbells(p, vpe) > rung ? GIC_LPI + vpe : 0;
	return (struct path_its_sent){p->reads, intid, p->resident[vpe], doorbell};
}

/* GITS_SGIR: vPEID <47:32>, vINTID <3:0>. */
struct path_its_sent path_host_its_sgi(struct path_host_its *p, unsigned vpe, unsigned sgi)
{
	uint64_t before = doorbells(p, vpe);
	p->reads = 0;
	its_write(p->its, SGIR, 8, (uint64_t)vpe << 32 | sgi);
	return sent_to_vpe(p, vpe, sgi, before);
}

/* A driver, or the hypervisor for an assigned device, has done that long ago. */
static void map_event(struct path_host_its *p, unsigned event, bool direct)
{
	uint64_t lpi = message_lpi(event), target = event / PATH_MESSAGES;
	if (p->mapped[direct][event]) return;
	p->mapped[direct][event] = true;
	enable_lpi(p->memory, direct ? VCONFIG : CONFIG, (uint32_t)lpi);
	uint64_t doorbell = p->v41 ? NO_DOORBELL : GIC_LPI + target; /* GICv4.1: the vPE's */
	if (direct) {
		command(p, OP_VMAPTI | (uint64_t)DIRECT << 32, event | target << 32, lpi | doorbell << 32, 0);
	} else {
		command(p, OP_MAPTI | (uint64_t)MESSAGES << 32, event | lpi << 32, target, 0);
	}
}

struct path_its_sent path_host_its_message(struct path_host_its *p, unsigned event, bool direct)
{
	unsigned vpe = event / PATH_MESSAGES;
	uint64_t before = direct ? doorbells(p, vpe) : 0;
	map_event(p, event, direct);
	p->reads = 0;
	struct its_delivery d = its_translate(p->its, direct ? DIRECT : MESSAGES, event);
	if (d.drop != ITS_DROP_NONE) return (struct path_its_sent){.reads = p->reads};
	return direct ? sent_to_vpe(p, vpe, d.intid, before)
		      : (struct path_its_sent){.reads = p->reads, .intid = d.intid};
}
