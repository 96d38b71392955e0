/* maintenance_tlbi.c - how TLBIs and DSBs make translations gone that the checker remembers. */
#include "mmu/dsb.h"
#include "mmu/maintenance_impl.h"

/* --- TLBIs ------------------------------------------------------------------------------------------------------- */

/* Whether a TLBI of stage 2 takes what descriptor `d` maps or leads to: any address of a block takes all of it. */
static bool takes_ipa(const struct tlbi_scope *s, const struct cached *x, const struct dependence *d)
{
	struct tlb_entry e = {.va = d->input & ~bits_ones(d->bits),
			      .va_mask = ~bits_ones(d->bits),
			      .tag = x->entry.tag,
			      .tag_mask = TLB_TAG_GLOBAL,
			      .bits = d->bits,
			      .level = TLB_LEVEL_ANY};
	if (d->descriptor->kind.stage != 2 || !s->ipas || !(d->leaf || s->s2_walks)) return false;
	return tlb_match_takes(&s->match, &e);
}

static bool takes_any_ipa(const struct tlbi_scope *s, const struct cached *x)
{
	for (unsigned i = 0; i < x->deps; i++)
		if (x->dep[i].descriptor->pa.raw == x->write.pa.raw && takes_ipa(s, x, &x->dep[i]))
			return true;
	return false;
}

static uint64_t cpu_bit(unsigned cpu) { return UINT64_C(1) << cpu % 64; }

/* A TLBI of CPU `by`. */
struct operation {
	const struct tlbi_scope *scope;
	unsigned by;
	struct checker_reach reach;
};

/* Whether a walk cache may hold the last table on the way of `x` no longer: any address that it translates takes it. */
static bool takes_tables(const struct tlbi_scope *s, const struct cached *x)
{
	const uint64_t region = ~bits_ones(x->table_bits);
	struct tlb_entry e = {.va = x->va.raw & region,
			      .va_mask = region,
			      .tag = x->entry.tag,
			      .tag_mask = TLB_TAG_ALL,
			      .bits = x->table_bits,
			      .level = TLB_LEVEL_ANY};
	return s->translations && s->s1_walks && x->table_bits && tlb_match_takes(&s->match, &e);
}

/* Stage 1 counts once what stage 2 is remembered by is gone, or goes with it (VMALLS12E1). */
static bool counts(const struct cached *x, enum cached_part part, bool takes_ipa_too)
{
	return part == CACHED_IPA || !x->needs_ipa || takes_ipa_too || x->gone[CACHED_IPA];
}

static void apply_tlbi(void *self, struct cached *x)
{
	const struct operation *o = self;
	const struct tlbi_scope *s = o->scope;
	if (o->reach.reaches && !o->reach.reaches(o->reach.ctx, x->cpu)) return;
	const bool takes[CACHED_PARTS] = {[CACHED_LEAF] = !x->tables_only && s->translations &&
							  tlb_match_takes(&s->match, &x->entry),
					  [CACHED_TABLES] = takes_tables(s, x),
					  [CACHED_IPA] = x->needs_ipa && takes_any_ipa(s, x)};
	for (unsigned part = 0; part < CACHED_PARTS; part++) {
		if (!takes[part]) continue;
		if (x->write.event && !x->ordered)
			x->early = true;
		else if (!counts(x, part, takes[CACHED_IPA]))
			x->before_ipa = true;
		else
			x->taken_by[part] |= cpu_bit(o->by);
	}
}

void checker_tlbi(struct checker *c, const struct tlbi_scope *s, struct checker_reach reach)
{
	struct operation o = {s, c->cpu, reach};
	c->stats.events++;
	cached_each(&c->set, apply_tlbi, &o);
}

/* --- barriers ---------------------------------------------------------------------------------------------------- */

struct dsb {
	struct checker *checker;
	bool waits;  /* for TLBIs */
	bool others; /* is for other CPUs, too */
};

static bool all_gone(const struct cached *x)
{
	for (unsigned part = 0; part < CACHED_PARTS; part++)
		if (cached_needs(x, part) && !x->gone[part]) return false;
	return true;
}

static void complete(const struct dsb *b, struct cached *x)
{
	struct cached_set *set = &b->checker->set;
	for (unsigned part = 0; part < CACHED_PARTS; part++) {
		x->gone[part] |= (x->taken_by[part] & cpu_bit(b->checker->cpu)) != 0;
		x->taken_by[part] &= ~cpu_bit(b->checker->cpu);
	}
	if (!all_gone(x)) return;
	if (x->table_bits && !x->gone[CACHED_TABLES])
		cached_keep_tables(set, x);
	else
		cached_remove(set, x);
}

static void order_and_complete(void *self, struct cached *x)
{
	const struct dsb *b = self;
	if (x->cpu != b->checker->cpu && !b->others) return;
	x->ordered = true;
	if (b->waits) complete(b, x);
}

void checker_dsb(struct checker *c, unsigned crm)
{
	struct dsb b = {c, dsb_waits_for_tlbis(crm), dsb_domain(crm) != DSB_NON_SHAREABLE};
	c->stats.events++;
	if (dsb_waits_for_stores(crm)) cached_each(&c->set, order_and_complete, &b);
}
