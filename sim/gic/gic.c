#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "gic/priority.h"
#include "gic/state.h"

enum { MAX_SPIS = GIC_SPI_END - GIC_PRIVATE, MAX_EXT_SPIS = 1024 };

static unsigned whole_banks(unsigned interrupts) { return (interrupts + 31) / 32; }

/* 16 PEs per Aff1, as the target list of an SGI has room for, and 16 of those per Aff2. */
static uint32_t default_affinity(unsigned pe) { return (pe & 15) | (pe >> 4 & 15) << 8 | (pe >> 8) << 16; }

static void check_params(const struct gic_params *p)
{
	assert(p->pes >= 1 && p->pes <= GIC_MAX_PES);
	assert(p->spis <= MAX_SPIS && p->extended_spis <= MAX_EXT_SPIS);
	assert(p->extended_ppis <= GIC_EXT_PPIS && p->extended_ppis % 32 == 0);
	assert(!p->priority_bits || (p->priority_bits >= (p->security ? 5 : 4) && p->priority_bits <= 8));
	assert(!p->kept_priority_bits || (p->kept_priority_bits >= 4 && p->kept_priority_bits <= 8));
	assert(!p->virtual_priority_bits || (p->virtual_priority_bits >= 5 && p->virtual_priority_bits <= 8));
	assert(p->list_registers <= GIC_MAX_LRS);
	assert(!p->v2 || (p->pes <= GIC_V2_PES && !p->extended_ppis && !p->extended_spis && !p->nmi));
}

struct gic *gic_new(const struct gic_params *p)
{
	check_params(p);
	struct gic *g = xcalloc(1, sizeof(*g));
	g->params = *p;
	g->params.affinity = NULL;
	g->prio_bits = p->priority_bits ? p->priority_bits : 5;
	g->kept_bits = p->kept_priority_bits ? p->kept_priority_bits : g->prio_bits;
	g->vprio_bits = p->virtual_priority_bits ? p->virtual_priority_bits : 5;
	g->affinity = xcalloc(p->pes, sizeof(*g->affinity));
	for (unsigned i = 0; i < p->pes; i++) {
		g->affinity[i] = p->affinity ? p->affinity[i] : default_affinity(i);
		assert(!i || g->affinity[i] > g->affinity[i - 1]);
		g->range_selector |= (g->affinity[i] & 0xff) > 15;
	}
	g->spi_banks = whole_banks(p->spis);
	g->ext_banks = whole_banks(p->extended_spis);
	g->spi = xcalloc(g->spi_banks + g->ext_banks, sizeof(struct gic_bank *));
	g->pe = xcalloc(p->pes, sizeof(struct gic_pe *));
	g->ctlr = p->security ? 0 : CTLR_DS;
	return g;
}

static void free_bank(struct gic_bank *b)
{
	if (b) free(b->route);
	free(b);
}

void gic_free(struct gic *g)
{
	if (!g) return;
	for (unsigned i = 0; i < g->spi_banks + g->ext_banks; i++) free_bank(g->spi[i]);
	for (unsigned i = 0; i < g->params.pes; i++) free(g->pe[i]);
	free(g->spi);
	free(g->pe);
	free(g->affinity);
	free(g);
}

const struct gic_params *gic_params(const struct gic *g) { return &g->params; }

void gic_on_change(struct gic *g, void (*changed)(void *self, unsigned pe), void *self)
{
	g->changed = changed;
	g->changed_self = self;
}

void gic_set_lpi_source(struct gic *g, const struct gic_lpi_source *s) { g->lpi = *s; }
void gic_set_vlpi_source(struct gic *g, const struct gic_lpi_source *s) { g->vlpi = *s; }

void gic_touch(struct gic *g, struct gic_pe *pe)
{
	pe->stale = true;
	if (g->changed) g->changed(g->changed_self, pe->index);
	if (g->any_1_of_n) g->epoch++; /* what this PE can take decides what others get */
}

void gic_touch_all(struct gic *g)
{
	g->epoch++;
	for (unsigned i = 0; g->changed && i < g->params.pes; i++)
		if (g->pe[i]) g->changed(g->changed_self, i);
}

void gic_lpi_changed(struct gic *g, unsigned pe) { gic_touch(g, gic_pe(g, pe)); }

int gic_pe_of(const struct gic *g, uint32_t affinity)
{
	unsigned from = 0, to = g->params.pes;
	while (from < to) {
		unsigned middle = (from + to) / 2;
		if (g->affinity[middle] == affinity) return (int)middle;
		if (g->affinity[middle] < affinity) {
			from = middle + 1;
		} else {
			to = middle;
		}
	}
	return -1;
}

uint32_t gic_affinity(const struct gic *g, unsigned pe) { return g->affinity[pe]; }

/* Banks ------------------------------------------------------------------------------------------ */

struct gic_pe *gic_pe(struct gic *g, unsigned index)
{
	assert(index < g->params.pes);
	if (g->pe[index]) return g->pe[index];
	struct gic_pe *pe = g->pe[index] = xcalloc(1, sizeof(*pe));
	pe->index = index;
	pe->asleep = !g->params.awake && !g->params.v2;
	pe->bank.edge = 0xffff; /* SGIs are edges */
	for (unsigned i = 0; i < 2; i++) pe->extended[i].first = GIC_EXT_PPI + 32 * i;
	gic_interface_reset(&pe->cif, g->prio_bits);
	gic_interface_reset(&pe->virt.cif, g->vprio_bits);
	pe->cif.nmi_floor = gic_one_state(g) ? 0 : 0x80;
	pe->virt.fiq_en = true; /* RAO while ICC_SRE_EL1.SRE = 1 */
	pe->stale = true;
	return pe;
}

struct gic_bank *gic_private_bank(struct gic *g, struct gic_pe *pe, unsigned n)
{
	if (!n) return &pe->bank;
	return n <= g->params.extended_ppis / 32 ? &pe->extended[n - 1] : NULL;
}

/* `cpus`: of a GICv2; one with a single PE has nothing to choose. */
static struct gic_bank *new_spi_bank(uint32_t first, int target, uint8_t cpus)
{
	struct gic_bank *b = xcalloc(1, sizeof(*b));
	b->first = first;
	b->route = xcalloc(32, sizeof(*b->route));
	for (unsigned i = 0; i < 32; i++) b->route[i] = (struct gic_route){.target = target, .cpus = cpus};
	return b;
}

/* The place of a bank in gic.spi, or -1. GICD registers of ordinary SPIs have a place for the private ones, too: n = 0. */
static int spi_place(const struct gic *g, unsigned n, bool extended)
{
	if (extended) return n < g->ext_banks ? (int)(g->spi_banks + n) : -1;
	return n >= 1 && n <= g->spi_banks ? (int)n - 1 : -1;
}

struct gic_bank *gic_spi_bank(struct gic *g, unsigned n, bool extended)
{
	int place = spi_place(g, n, extended);
	if (place < 0) return NULL;
	if (!g->spi[place])
		g->spi[place] = new_spi_bank((extended ? GIC_EXT_SPI : 0) + 32 * n, gic_pe_of(g, 0),
					     g->params.pes == 1);
	return g->spi[place];
}

/* The number of its bank within its range. False: no interrupt that gic holds itself. */
static bool place_of(uint32_t intid, unsigned *n, bool *private, bool *extended)
{
	*private = gic_is_private(intid);
	*extended = intid >= GIC_EXT_SPI && intid < GIC_EXT_SPI + MAX_EXT_SPIS;
	if (*private) {
		*n = intid < GIC_PRIVATE ? 0 : 1 + (intid - GIC_EXT_PPI) / 32;
	} else {
		*n = *extended ? (intid - GIC_EXT_SPI) / 32 : intid / 32;
	}
	return *private || *extended || intid < GIC_SPI_END;
}

static struct gic_bank *find(struct gic *g, struct gic_pe *pe, uint32_t intid, bool make)
{
	unsigned n;
	bool private, extended;
	if (!place_of(intid, &n, &private, &extended)) return NULL;
	if (private) return pe ? gic_private_bank(g, pe, n) : NULL;
	int place = spi_place(g, n, extended);
	if (place < 0) return NULL;
	return make ? gic_spi_bank(g, n, extended) : g->spi[place];
}

struct gic_bank *gic_find(struct gic *g, struct gic_pe *pe, uint32_t intid, unsigned *bit)
{
	*bit = intid % 32;
	return find(g, pe, intid, true);
}

struct gic_bank *gic_peek(struct gic *g, struct gic_pe *pe, uint32_t intid, unsigned *bit)
{
	*bit = intid % 32;
	return find(g, pe, intid, false);
}

/* IHI 0069H 4.6: with one Security state GICD_IGROUPR alone decides; with two GRPMODR:GROUPR = 10 is Secure Group 1. */
uint32_t bank_group(const struct gic *g, const struct gic_bank *b, enum gic_group group)
{
	uint32_t secure1 = gic_one_state(g) ? 0 : b->grpmod & ~b->group;
	if (group == GIC_G1NS) return b->group;
	return group == GIC_G1S ? secure1 : ~b->group & ~secure1;
}

enum gic_group bank_group_of(const struct gic *g, const struct gic_bank *b, unsigned bit)
{
	if (b->group >> bit & 1) return GIC_G1NS;
	return bank_group(g, b, GIC_G1S) >> bit & 1 ? GIC_G1S : GIC_G0;
}

bool gic_group_of(struct gic *g, struct gic_pe *pe, uint32_t intid, enum gic_group *out)
{
	unsigned bit;
	*out = GIC_G1NS;
	if (intid >= GIC_LPI) return true;
	struct gic_bank *b = gic_find(g, pe, intid, &bit);
	if (b) *out = bank_group_of(g, b, bit);
	return b != NULL;
}

/* Wires ------------------------------------------------------------------------------------------- */

/* 4.3: a rising edge latches the pending state of an edge-triggered interrupt; of a level-sensitive one the line itself is it. */
void bank_set_line(struct gic_bank *b, unsigned bit, bool level)
{
	uint32_t mask = 1u << bit, old = b->line;
	b->line = level ? old | mask : old & ~mask;
	if (level) b->latch |= mask & b->edge & ~old;
}

void gic_set_line(struct gic *g, unsigned index, uint32_t intid, bool level)
{
	unsigned bit;
	if (intid < GIC_SGIS) return;
	struct gic_pe *pe = gic_is_private(intid) ? gic_pe(g, index) : NULL;
	struct gic_bank *b = gic_find(g, pe, intid, &bit);
	if (!b || (b->line >> bit & 1) == level) return;
	bank_set_line(b, bit, level);
	if (pe) {
		gic_touch(g, pe);
	} else {
		gic_touch_spis(g, b, 1u << bit);
	}
}

void gic_set_sgi(struct gic *g, unsigned index, uint32_t intid)
{
	if (intid >= GIC_SGIS) return;
	struct gic_pe *pe = gic_pe(g, index);
	pe->bank.latch |= 1u << intid;
	gic_touch(g, pe);
}

/* 12.9.36: of an edge-triggered SPI a message is the pending state, which activation takes; to a level-sensitive one it is as a
 * wire, which another message lets fall. */
void gic_message_spi(struct gic *g, uint32_t intid, bool set)
{
	unsigned bit;
	struct gic_bank *b = gic_find(g, NULL, intid, &bit);
	if (!b) return;
	if (b->edge >> bit & 1) {
		b->latch = set ? b->latch | 1u << bit : b->latch & ~(1u << bit);
	} else {
		bank_set_line(b, bit, set);
	}
	gic_touch_spis(g, b, 1u << bit);
}

bool gic_irq_state(struct gic *g, unsigned index, uint32_t intid, struct gic_irq_state *out)
{
	unsigned bit;
	struct gic_bank *b = gic_find(g, gic_pe(g, index), intid, &bit);
	if (!b) return false;
	*out = (struct gic_irq_state){
		.enabled = b->enable >> bit & 1,
		.pending = bank_pending(b) >> bit & 1,
		.active = b->active >> bit & 1,
		.line = b->line >> bit & 1,
		.latched = b->latch >> bit & 1,
		.edge = b->edge >> bit & 1,
		.nmi = b->nmi >> bit & 1,
		.priority = b->priority[bit],
		.group = (uint8_t)bank_group_of(g, b, bit),
		.target = b->route ? gic_spi_target(g, b, bit) : (int)index,
	};
	return true;
}
