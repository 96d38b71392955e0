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
};
enum { PENDING_BASE = 0x1000000, PENDING_BYTES = 0x10000, ID_BITS = 16, EVENT_BITS = 12, PRIORITY = 0xa0 };
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
enum { OP_INT = 0x03, OP_MAPD = 0x08, OP_MAPC = 0x09, OP_MAPTI = 0x0a, OP_VSGI = 0x23, OP_VMAPP = 0x29 };

static void put_command(struct physmem *mem, uint64_t *writer, const uint64_t word[4])
{
	for (unsigned i = 0; i < 4; i++) physmem_write64(mem, (struct pa){QUEUE + *writer + 8 * i}, word[i]);
	*writer = (*writer + 32) % QUEUE_BYTES;
}

/* --- the guest's --------------------------------------------------------------------------------------------------- */

struct path_guest_its {
	struct physmem *memory;
	struct its_redist *redist;
	struct vits *vits;
	unsigned vcpus;
	uint64_t writer;
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
		physmem_write64(p->memory, (struct pa){CONFIG + i},
				(PRIORITY | 1) * UINT64_C(0x101010101010101));
	for (unsigned i = 0; i < p->vcpus; i++) {
		lpi_write(p->redist[i].lpi, PROPBASER, 8, CONFIG | (ID_BITS - 1));
		lpi_write(p->redist[i].lpi, PENDBASER, 8, PENDING_BASE + i * UINT64_C(2) * PENDING_BYTES);
		lpi_enable(p->redist[i].lpi, true);
	}
}

struct path_guest_its *path_guest_its_new(unsigned vcpus)
{
	struct path_guest_its *p = xcalloc(1, sizeof(*p));
	const struct lpi_params lp = {.id_bits = ID_BITS};
	p->memory = physmem_new();
	p->vcpus = vcpus;
	p->redist = xcalloc(vcpus, sizeof(*p->redist));
	for (unsigned i = 0; i < vcpus; i++) p->redist[i].lpi = lpi_new(&lp, p->memory);
	configure(p);
	p->vits = vits_new(p->memory, p->redist, vcpus, VITS_CACHED_PER_VCPU * vcpus);
	vits_write(p->vits, CBASER, 8, VALID | QUEUE);
	vits_write(p->vits, BASER, 8, VALID | DEVICES);
	vits_write(p->vits, BASER + 8, 8, VALID | COLLECTIONS);
	vits_write(p->vits, CTLR, 4, 1);
	post(p, OP_MAPD, EVENT_BITS - 1, VALID | ITT);
	for (unsigned i = 0; i < vcpus; i++) {
		post(p, OP_MAPC, 0, VALID | (uint64_t)i << 16 | i);
		post(p, OP_MAPTI, i | (uint64_t)(GIC_LPI + i) << 32, i);
	}
	return p;
}

void path_guest_its_free(struct path_guest_its *p)
{
	if (!p) return;
	vits_free(p->vits);
	for (unsigned i = 0; i < p->vcpus; i++) lpi_free(p->redist[i].lpi);
	physmem_free(p->memory);
	free(p->redist);
	free(p);
}

/* KVM keeps the pending state with the interrupt, which is on a vCPU's list from then on. */
bool path_guest_its_int(struct path_guest_its *p, unsigned event, struct path_lpi *out)
{
	if (!post(p, OP_INT, event, 0)) return false;
	for (unsigned i = 0; i < p->vcpus; i++) {
		struct lpi_offer o = lpi_best(p->redist[i].lpi);
		if (!o.any) continue;
		*out = (struct path_lpi){i, o.intid, o.priority};
		lpi_acknowledge(p->redist[i].lpi, o.intid);
		return true;
	}
	return false;
}

/* --- of a GICv4.1 ---------------------------------------------------------------------------------------------------- */

struct path_vpes {
	struct physmem *memory;
	struct gic *gic;
	struct lpi_source *source;
	struct its *its;
	unsigned pes, reads;
	bool *resident; /* by vPE */
	uint64_t writer;
};

static void count_read(void *self, enum its_table table, struct pa at)
{
	(void)table, (void)at;
	((struct path_vpes *)self)->reads++;
}

struct path_vpes *path_vpes_new(struct gic *g, unsigned pes, unsigned cached)
{
	struct path_vpes *p = xcalloc(1, sizeof(*p));
	const struct lpi_source_params lp = {.id_bits = ID_BITS, .v4 = true, .v41 = true};
	const struct its_params ip = {.device_bits = 8,
				      .event_bits = EVENT_BITS,
				      .collection_bits = 8,
				      .id_bits = ID_BITS,
				      .vpe_bits = 12,
				      .v4 = true,
				      .v41 = true,
				      .cached = {cached, cached, cached, cached}};
	p->memory = physmem_new();
	p->gic = g;
	p->pes = pes;
	p->resident = xcalloc(pes, sizeof(*p->resident));
	p->source = lpi_source_new(&lp, g, p->memory);
	p->its = its_new(&ip, p->memory, lpi_source_redists(p->source), pes);
	its_on_read(p->its, count_read, p);
	return p;
}

void path_vpes_free(struct path_vpes *p)
{
	if (!p) return;
	its_free(p->its);
	lpi_source_free(p->source);
	free(p->resident);
	physmem_free(p->memory);
	free(p);
}

static void command(struct path_vpes *p, uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3)
{
	const uint64_t word[4] = {w0, w1, w2, w3};
	put_command(p->memory, &p->writer, word);
	its_write(p->its, CWRITER, 8, p->writer);
	its_drain(p->its);
}

static uint64_t pending_table(unsigned vpe) { return PENDING_BASE + (uint64_t)vpe * 4 * PENDING_BYTES; }

void path_vpes_schedule(struct path_vpes *p, unsigned vpe, bool resident)
{
	uint64_t what = resident ? VALID : UINT64_C(1) << 62; /* Valid, or Doorbell */
	if (p->resident[vpe] == resident) return;
	p->resident[vpe] = resident;
	gic_redist_write(p->gic, vpe, VPENDBASER, 8, what | (uint64_t)VPE_GROUPS << 58 | vpe, false);
	vpe_settle(lpi_source_redists(p->source)[vpe].vpe);
}

/* VMAPP with Alloc and PTZ, as Linux maps a vPE first; all its SGIs enabled in group 1. */
static void map_vpe(struct path_vpes *p, unsigned n)
{
	command(p, OP_VMAPP | 0x300 | VCONFIG, (uint64_t)n << 32 | (GIC_LPI + n), (uint64_t)n << 16 | VALID,
		(pending_table(n) + 2 * PENDING_BYTES) | (ID_BITS - 1));
	for (uint64_t sgi = 0; sgi < GIC_SGIS; sgi++)
		command(p, OP_VSGI | sgi << 32 | (PRIORITY >> 4) << 20 | 1 << 10 | 1 << 8, (uint64_t)n << 32,
			0, 0);
	path_vpes_schedule(p, n, true);
}

void path_vpes_start(struct path_vpes *p)
{
	its_write(p->its, CBASER, 8, VALID | QUEUE);
	its_write(p->its, BASER, 8, VALID | DEVICES);
	its_write(p->its, BASER + 8, 8, VALID | COLLECTIONS);
	its_write(p->its, BASER + 16, 8, VALID | VPES | 31);
	its_write(p->its, CTLR, 4, 1);
	for (unsigned i = 0; i < p->pes; i += 8) /* doorbells */
		physmem_write64(p->memory, (struct pa){CONFIG + i},
				(PRIORITY | 1) * UINT64_C(0x101010101010101));
	for (unsigned i = 0; i < p->pes; i++) {
		gic_redist_write(p->gic, i, PROPBASER, 8, CONFIG | (ID_BITS - 1), false);
		gic_redist_write(p->gic, i, PENDBASER, 8, pending_table(i), false);
		gic_redist_write(p->gic, i, 0, 4, 1, false);
		gic_redist_write(p->gic, i, VPROPBASER, 8, VALID | VPES | 31, false);
		map_vpe(p, i);
	}
}

/* GITS_SGIR: vPEID <47:32>, vINTID <3:0>. */
struct path_vsgi path_vpes_sgi(struct path_vpes *p, unsigned vpe, unsigned sgi)
{
	const uint64_t *rung = &vpe_stats(lpi_source_redists(p->source)[vpe].vpe)->doorbells;
	uint64_t before = *rung;
	p->reads = 0;
	its_write(p->its, SGIR, 8, (uint64_t)vpe << 32 | sgi);
	return (struct path_vsgi){p->reads, p->resident[vpe], *rung > before ? GIC_LPI + vpe : 0};
}
