/* lpi_source.c - see lpi_source.h. */
#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "gic/lpi_source.h"
#include "gic/state.h"

/* Offsets in a redistributor's frames, and fields of GICR_CTLR. */
enum { RD_CTLR = 0x0, RD_INVLPIR = 0xa0, RD_INVALLR = 0xb0, VLPI_BASE = 0x20000, VLPI_END = 0x30000 };
enum { CTLR_ENABLE_LPIS = 1, CTLR_CES = 2, CTLR_IR = 4 };

struct lpi_port { /* one PE's, as its LPIs know the GIC */
	struct lpi_source *source;
	unsigned pe;
};

struct lpi_source {
	struct gic *gic;
	unsigned pes;
	bool v41;
	bool in_gic; /* the GIC called: it will look by itself */
	struct its_redist *redist;
	struct lpi_port *port;
};

static void changed(void *self)
{
	struct lpi_port *port = self;
	if (!port->source->in_gic) gic_lpi_changed(port->source->gic, port->pe);
}

/* --- what the GIC asks ---------------------------------------------------------------------------------------------- */

static bool highest(void *self, unsigned pe, struct gic_pending *out)
{
	const struct lpi_source *s = self;
	struct lpi_offer o = lpi_best(s->redist[pe].lpi);
	uint8_t lower_half = (uint8_t)(o.priority >> 1 | 0x80);
	*out = (struct gic_pending){.intid = o.intid, .group = GIC_G1NS};
	out->priority = gic_one_state(s->gic) ? o.priority : lower_half;
	return o.any;
}

static bool highest_virtual(void *self, unsigned pe, struct gic_pending *out)
{
	const struct lpi_source *s = self;
	struct vpe_offer o = vpe_best(s->redist[pe].vpe);
	*out = (struct gic_pending){
		.intid = o.intid, .priority = o.priority, .group = o.group1 ? GIC_G1NS : GIC_G0};
	return o.any;
}

static void acknowledge(void *self, unsigned pe, uint32_t intid)
{
	struct lpi_source *s = self;
	s->in_gic = true;
	lpi_acknowledge(s->redist[pe].lpi, intid);
	s->in_gic = false;
}

static void acknowledge_virtual(void *self, unsigned pe, uint32_t intid)
{
	struct lpi_source *s = self;
	s->in_gic = true;
	vpe_acknowledge(s->redist[pe].vpe, intid);
	s->in_gic = false;
}

/* --- registers ---------------------------------------------------------------------------------------------------------- */

static bool in_vlpi_frame(const struct its_redist *r, uint32_t offset)
{
	return r->vpe && offset >= VLPI_BASE && offset < VLPI_END;
}

static bool read_reg(void *self, unsigned pe, uint32_t offset, unsigned bytes, uint64_t *value)
{
	const struct lpi_source *s = self;
	const struct its_redist *r = &s->redist[pe];
	if (in_vlpi_frame(r, offset)) return vpe_read(r->vpe, offset - VLPI_BASE, bytes, value);
	if (offset != RD_CTLR) return lpi_read(r->lpi, offset, bytes, value);
	*value = (lpi_enabled(r->lpi) ? CTLR_ENABLE_LPIS : 0) | CTLR_CES | CTLR_IR;
	return true;
}

static bool write_here(struct lpi_source *s, unsigned pe, uint32_t offset, unsigned bytes, uint64_t value)
{
	const struct its_redist *r = &s->redist[pe];
	if (in_vlpi_frame(r, offset)) return vpe_write(r->vpe, offset - VLPI_BASE, bytes, value);
	if (offset == RD_CTLR) {
		lpi_enable(r->lpi, value & CTLR_ENABLE_LPIS);
		return true;
	}
	bool for_vpe = s->v41 && bytes == 8 && value >> 63 && (offset == RD_INVLPIR || offset == RD_INVALLR);
	if (for_vpe) vpe_write_invalidate(r->vpe, value, offset == RD_INVALLR);
	return for_vpe || lpi_write(r->lpi, offset, bytes, value);
}

static bool write_reg(void *self, unsigned pe, uint32_t offset, unsigned bytes, uint64_t value)
{
	struct lpi_source *s = self;
	s->in_gic = true;
	bool known = write_here(s, pe, offset, bytes, value);
	s->in_gic = false;
	return known;
}

/* --- life ----------------------------------------------------------------------------------------------------------------- */

static uint64_t typer_of(const struct lpi_source_params *p)
{
	return bits_put(1, 0, 0) |         /* PLPIS */
	       bits_put(p->v4, 1, 1) |     /* VLPIS */
	       bits_put(p->v4, 2, 2) |     /* Dirty: VPENDBASER says when a vPE is there */
	       bits_put(p->direct, 3, 3) | /* DirectLPI */
	       bits_put(p->v41, 7, 7) |    /* RVPEID */
	       bits_put(p->v41, 26, 26);   /* VSGI */
}

static void add_redist(struct lpi_source *s, unsigned pe, const struct lpi_source_params *p,
		       struct physmem *mem)
{
	struct lpi_params lp = {.id_bits = p->id_bits, .direct = p->direct, .invalidate = true};
	struct vpe_params vp = {.v41 = p->v41, .id_bits = p->id_bits};
	struct its_redist *r = &s->redist[pe];
	s->port[pe] = (struct lpi_port){s, pe};
	*r = (struct its_redist){.lpi = lpi_new(&lp, mem), .node = p->node ? p->node[pe] : 0};
	lpi_on_change(r->lpi, changed, &s->port[pe]);
	if (!p->v4) return;
	r->vpe = vpe_redist_new(&vp, mem, r->lpi);
	vpe_on_change(r->vpe, changed, &s->port[pe]);
}

struct lpi_source *lpi_source_new(const struct lpi_source_params *p, struct gic *g, struct physmem *mem)
{
	struct lpi_source *s = xcalloc(1, sizeof(*s));
	struct gic_lpi_source physical = {
		.self = s,
		.highest = highest,
		.acknowledge = acknowledge,
		.read = read_reg,
		.write = write_reg,
		.gicr_typer = typer_of(p),
		.gicd_typer = (uint32_t)(bits_put(1, 17, 17) |
					 bits_put(p->id_bits - 1, 23, 19)), /* LPIS, IDbits */
	};
	struct gic_lpi_source virtual = {
		.self = s, .highest = highest_virtual, .acknowledge = acknowledge_virtual};
	assert(p->v4 || !p->v41);
	s->gic = g;
	s->pes = gic_params(g)->pes;
	s->v41 = p->v41;
	s->redist = xcalloc(s->pes, sizeof(*s->redist));
	s->port = xcalloc(s->pes, sizeof(*s->port));
	for (unsigned i = 0; i < s->pes; i++) add_redist(s, i, p, mem);
	gic_set_lpi_source(g, &physical);
	if (p->v4) gic_set_vlpi_source(g, &virtual);
	return s;
}

void lpi_source_free(struct lpi_source *s)
{
	if (!s) return;
	for (unsigned i = 0; i < s->pes; i++) {
		vpe_redist_free(s->redist[i].vpe);
		lpi_free(s->redist[i].lpi);
	}
	free(s->redist);
	free(s->port);
	free(s);
}

const struct its_redist *lpi_source_redists(const struct lpi_source *s) { return s->redist; }

size_t lpi_source_bytes(const struct lpi_source *s)
{
	size_t bytes = sizeof(*s) + s->pes * (sizeof(*s->redist) + sizeof(*s->port));
	for (unsigned i = 0; i < s->pes; i++)
		bytes += lpi_bytes(s->redist[i].lpi) + (s->redist[i].vpe ? vpe_bytes(s->redist[i].vpe) : 0);
	return bytes;
}
