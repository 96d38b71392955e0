#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "mmu/page_design.h"
#include "mmu/pom_tlb.h"

enum { WAYS = 4, ENTRY_BYTES_BITS = 4, LINE_BITS = 6, PREDICTOR_SLOTS = 512, REGION_BITS = 21 };

struct pom_tlb {
	struct tlb *array[POM_ARRAYS];
	unsigned page_bits[POM_ARRAYS]; /* of the page number that chooses a set */
	struct table_area area[POM_ARRAYS];
	unsigned area_bits;
	bool settled;
	uint8_t predicted[PREDICTOR_SLOTS]; /* the array that had the region last */
};

/* --- look-up --------------------------------------------------------------------------------------------------- */

/* Memory for the arrays, and the sizes of their pages, when first needed. */
static void settle(struct mmu *m, struct pom_tlb *p)
{
	struct page_design *d = m->design;
	bool both = m->regime.s2.on;
	struct table_site site = {.memory = &d->tables->memory,
				  .params = &d->params,
				  .stats = &d->stats,
				  .space = both ? 2 : 1,
				  .s = both ? m->regime.s2 : m->regime.s1[0]};
	unsigned granule = m->regime.s1[0].granule_bits;
	if (both && m->regime.s2.granule_bits < granule) granule = m->regime.s2.granule_bits;
	for (unsigned i = 0; i < POM_ARRAYS; i++) {
		p->page_bits[i] = level_entry_bits(granule, i ? LAST_LEVEL - 1 : LAST_LEVEL);
		p->array[i]->sizes_held = UINT64_C(1) << p->page_bits[i];
		table_area_take(&site, p->area_bits, &p->area[i]);
	}
	p->settled = true;
}

static uint64_t line_address(const struct pom_tlb *p, unsigned array, uint64_t va)
{
	uint64_t set = (va >> p->page_bits[array]) & (p->array[array]->sets - 1);
	return table_area_address(&p->area[array], set << LINE_BITS);
}

/* Reads one set, and looks in it. An entry that does not allow the access, or is no longer so, goes. */
static bool look_in(struct mmu *m, struct pom_tlb *p, unsigned array, struct access a,
		    const struct translation *t)
{
	struct tlb *tlb = p->array[array];
	if (!p->area[array].piece) return false;
	page_design_read(m, line_address(p, array, t->va.raw), CAUSE_S1_WALK);
	m->design->steps++;
	tlb->stats.lookups++;
	struct tlb_entry *e = tlb_find(tlb, t->va.raw, m->tag);
	bool right = e && !t->fault.kind && (e->pa | (t->va.raw & ~e->va_mask)) == t->pa.raw &&
		     perm_allows(e->perm, a);
	if (e && !right) {
		tlb->stats.permission_misses++;
		tlb_drop(tlb, e);
	}
	tlb->stats.hits += right;
	tlb->stats.misses += !right;
	return right;
}

static uint8_t *prediction(struct pom_tlb *p, uint64_t va)
{
	return &p->predicted[va >> REGION_BITS & (PREDICTOR_SLOTS - 1)];
}

static void fill(struct mmu *m, struct pom_tlb *p, const struct translation *t)
{
	struct tlb_fill f = mmu_fill_of(m, t, m->now);
	unsigned array = f.bits >= p->page_bits[1];
	f.run_bits = f.bits; /* the array takes a page of its size out of it */
	tlb_fill(p->array[array], &f);
	*prediction(p, t->va.raw) = (uint8_t)array;
}

static void pom_walk(struct mmu *m, struct access a, struct translation *t)
{
	struct pom_tlb *p = m->design->pom;
	struct va va = t->va;
	unsigned first = *prediction(p, va.raw);
	if (!p->settled) settle(m, p);
	if (look_in(m, p, first, a, t) || look_in(m, p, !first, a, t)) return;
	m->table_bits = m->learned_count = 0;
	translate(&m->regime, va, a, &m->walk_mem, t);
	if (!t->fault.kind && !mmu_is_refused(m)) fill(m, p, t);
}

/* --- life ------------------------------------------------------------------------------------------------------ */

enum status pom_tlb_new(const struct page_table_params *params, struct pom_tlb **out, struct err *err)
{
	static const char *const names[POM_ARRAYS] = {"pom_small", "pom_large"};
	struct pom_tlb *p = xcalloc(1, sizeof(*p));
	enum status st = OK;
	p->area_bits = log2_floor(params->pom_bytes / POM_ARRAYS);
	for (unsigned i = 0; i < POM_ARRAYS && st == OK; i++) {
		struct tlb_params t = {.name = names[i],
				       .level = 1,
				       .side = SIDE_UNIFIED,
				       .entries = UINT64_C(1) << (p->area_bits - ENTRY_BYTES_BITS),
				       .ways = WAYS,
				       .pages = UINT64_MAX,
				       .policy = REPL_lru};
		st = tlb_new(&t, &p->array[i], err);
	}
	*out = p;
	if (st != OK) pom_tlb_free(p);
	return st;
}

void pom_tlb_free(struct pom_tlb *p)
{
	if (!p) return;
	for (unsigned i = 0; i < POM_ARRAYS; i++) {
		tlb_free(p->array[i]);
		free(p->area[i].piece);
	}
	free(p);
}

struct tlb *const *pom_tlb_arrays(struct pom_tlb *p) { return p->array; }

const struct page_table_design design_pom_tlb = {
	.name = "pom_tlb", .source = "Ryoo et al., ISCA 2017", .walk = pom_walk};
