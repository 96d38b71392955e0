#include "mmu/maintenance.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "mmu/maintenance_impl.h"

static const char *const mistake_names[] = {
#define X(name, doc) #name,
	MISTAKES(X)
#undef X
		NULL};
static const char *const mistake_docs[] = {
#define X(name, doc) doc,
	MISTAKES(X)
#undef X
};

const char *mistake_doc(enum mistake_kind kind) { return mistake_docs[kind]; }

#define F struct checker_stats
const struct stat_desc checker_stat_rows[] = {
	STAT(F, events, "events", "descriptor writes, TLBI and DSB that were seen"),
	STAT(F, hits, "count", "TLB hits compared with the tables"),
	STAT(F, walks, "count", "walks compared with the tables"),
	STAT(F, translations, "count", "translations that a TLB may have held"),
	STAT(F, stale_hits, "count", "hits and walks that gave what the tables no longer say"),
	STAT_BY(F, mistakes, mistake_names, "count", "mistakes, by the step that is missing"),
};
#undef F
const size_t checker_stat_row_count = sizeof(checker_stat_rows) / sizeof(checker_stat_rows[0]);

struct checker_stats *checker_stats(struct checker *c) { return &c->stats; }

struct checker *checker_new(const struct features *f, struct physmem *memory, mistake_fn *report, void *owner)
{
	struct checker *c = xcalloc(1, sizeof(*c));
	c->features = f;
	c->memory = memory;
	c->report = report;
	c->owner = owner;
	return c;
}

void checker_on(struct checker *c, unsigned cpu)
{
	c->several |= c->stats.walks && cpu != c->cpu;
	c->cpu = cpu;
}

void checker_free(struct checker *c)
{
	if (!c) return;
	cached_fini(&c->set);
	for (size_t i = 0; i < c->regime_count; i++) free(c->regimes[i]);
	free(c->regimes);
	free(c);
}

static struct cached_text text_of(const struct cached *c)
{
	return (struct cached_text){c->event, c->va.raw, c->entry.pa | (c->va.raw & ~c->entry.va_mask),
				    c->entry.bits, c->tables_only};
}

static void tell(struct checker *c, struct mistake *m)
{
	m->event = c->stats.events;
	if (!c->several) m->cpu = -1;
	c->stats.mistakes[m->kind]++;
	c->report(c->owner, m);
}

/* --- what the tables say --------------------------------------------------------------------------------------- */

/* One functional walk; its descriptors become those of `into`. */
struct look {
	struct checker *checker;
	struct cached *into; /* NULL: nobody's */
	const struct regime_info *regime;
	const struct descriptor_write *coming; /* as if it were done already; NULL: none */
};

static uint64_t read_word(void *self, struct pa pa, const struct walk_ref *ref)
{
	const struct look *l = self;
	const struct stage_info *s = ref->cause == CAUSE_S1_WALK
					     ? regime_stage1(l->regime, (struct va){ref->input})
					     : &l->regime->s2;
	if (l->coming && l->coming->pa.raw == pa.raw) return l->coming->now;
	uint64_t desc = physmem_read64(l->checker->memory, pa);
	if (l->into) cached_depend(&l->checker->set, l->into, pa, ref, desc, s);
	return desc;
}

/* Hardware's updates are the timed walk's business. */
static bool leave_word(void *self, struct pa pa, uint64_t old, uint64_t now)
{
	(void)self, (void)pa, (void)old, (void)now;
	return true;
}

static void look_through(struct look *l, struct va va, struct access a, struct translation *out)
{
	struct walk_mem mem = {.self = l, .read = read_word, .update = leave_word};
	a.probe = true;
	translate(l->regime, va, a, &mem, out);
}

static void look(struct checker *c, const struct regime_info *r, struct va va, struct access a,
		 struct cached *into, struct translation *out)
{
	look_through(&(struct look){c, into, r, NULL}, va, a, out);
}

/* In what a translation is another than `e`, NULL: in nothing. */
static const char *differs_from(const struct tlb_entry *e, const struct translation *now)
{
	if ((e->pa | (now->va.raw & ~e->va_mask)) != now->pa.raw) return "it leads to another address";
	if (e->attr != now->attr || e->sh != now->sh) return "it has other memory attributes";
	return NULL;
}

/* What is wrong with using `e` for the access, by what the tables say now; NULL: nothing. A clear access flag is no
 * reason, as software may clear it without maintenance. */
static const char *harm(const struct tlb_entry *e, const struct translation *now, struct access a)
{
	if (!perm_allows(e->perm, a)) return NULL; /* it would not be used */
	if (now->fault.kind == FAULT_ACCESS_FLAG) return NULL;
	if (now->fault.kind == FAULT_PERMISSION) return "it allows an access that is not allowed any more";
	if (now->fault.kind) return "it maps what is not mapped any more";
	return differs_from(e, now);
}

/* The bits of a table descriptor that mean something: others are software's, or ignored. */
#define TABLE_BITS \
	(DESC_LIMITS | DESC_NS_TABLE | (bits_ones(50) & ~bits_ones(12)) | UINT64_C(3) << 8 | DESC_PLAIN)

/* The same of tables: a walk may begin where they led to. */
static const char *tables_harm(const struct checker *c, const struct cached *x)
{
	for (unsigned i = 0; i < x->deps; i++) {
		uint64_t now = physmem_read64(c->memory, x->dep[i].descriptor->pa);
		if ((now ^ x->dep[i].value) & TABLE_BITS)
			return "a walk may go on from where a table descriptor led to before";
	}
	return NULL;
}

/* --- diagnosis ------------------------------------------------------------------------------------------------- */

static bool is_taken(const struct cached *x, enum cached_part part)
{
	return x->gone[part] || x->taken_by[part];
}

static bool all_taken(const struct cached *x)
{
	for (unsigned part = 0; part < CACHED_PARTS; part++)
		if (cached_needs(x, part) && !is_taken(x, part)) return false;
	return true;
}

static enum mistake_kind missing_step(const struct cached *x)
{
	const bool leaf = is_taken(x, CACHED_LEAF), ipa = is_taken(x, CACHED_IPA);
	if (all_taken(x)) return MISTAKE_NO_DSB_AFTER;
	if (x->early) return MISTAKE_NO_DSB_BEFORE;
	if (ipa && !leaf) return x->before_ipa ? MISTAKE_STAGE1_TLBI_EARLY : MISTAKE_NO_STAGE1_TLBI;
	if (leaf && cached_needs(x, CACHED_TABLES)) return MISTAKE_TLBI_LAST_LEVEL;
	return MISTAKE_NO_TLBI;
}

/* An access and what the tables say of it; looks for translations that disagree. */
struct inspection {
	struct checker *checker;
	const struct tlb_entry *used; /* by the simulated TLB */
	tlb_tag_t tag;
	const struct translation *now;
	struct va va;
	struct access access;
	const char *harm; /* of `used`; NULL: it is right */
	bool walked, told;
};

static void tell_stale(struct inspection *in, struct cached *x, const char *why)
{
	struct mistake m = {.kind = (uint8_t)missing_step(x),
			    .cpu = (int)x->cpu,
			    .hit = in->harm != NULL,
			    .va = in->va,
			    .asid = (uint16_t)x->entry.tag,
			    .write = x->write,
			    .first = text_of(x),
			    .differs = why};
	in->told = true;
	if (!x->reported) tell(in->checker, &m);
	x->reported = true;
}

/* One remembered translation of the address. After a walk there is a new one: the old is told of once, and forgotten. */
static void inspect(void *self, struct cached *x)
{
	struct inspection *in = self;
	const char *why = NULL;
	if (x->cpu != in->checker->cpu) return;
	if (!x->tables_only)
		why = harm(&x->entry, in->now, in->access);
	else if (!in->now->fault.kind)
		why = tables_harm(in->checker, x);
	if (!why) return;
	tell_stale(in, x, why);
	if (in->walked) cached_remove(&in->checker->set, x);
}

/* What was used is wrong, though no translation that is remembered explains it: its walk caches held an old table. */
static void tell_unexplained(struct inspection *in)
{
	struct mistake m = {.kind = MISTAKE_NO_TLBI,
			    .cpu = (int)in->checker->cpu,
			    .hit = true,
			    .va = in->va,
			    .asid = (uint16_t)in->used->tag,
			    .first = {0, in->va.raw, in->used->pa | (in->va.raw & ~in->used->va_mask),
				      in->used->bits, false},
			    .differs = in->harm};
	tell(in->checker, &m);
}

static tlb_tag_t present_tag(const struct regime_info *r)
{
	return tlb_tag((enum regime)r->regime, (enum security)r->security, r->vmid, r->asid);
}

static void inspect_all(struct inspection *in)
{
	in->harm = harm(in->used, in->now, in->access);
	in->checker->stats.stale_hits += in->harm != NULL;
	cached_each_at(&in->checker->set, in->va.raw, in->tag, inspect, in);
	if (in->harm && !in->told) tell_unexplained(in);
}

void checker_hit(struct checker *c, const struct regime_info *r, const struct tlb_entry *e, struct va va,
		 struct access a)
{
	struct translation now;
	c->stats.hits++;
	look(c, r, va, a, NULL, &now);
	struct inspection in = {
		.checker = c, .used = e, .tag = present_tag(r), .now = &now, .va = va, .access = a};
	inspect_all(&in);
}

/* --- walks ----------------------------------------------------------------------------------------------------- */

enum { SEARCHED_BITS = 30 }; /* larger translations are compared at the address that is walked for only */

/* A translation that is about to be remembered, among those of its address. */
struct newcomer {
	struct checker *checker;
	const struct tlb_entry *entry;
	struct va va;
	struct cached *same;
};

static void meet(void *self, struct cached *x)
{
	struct newcomer *n = self;
	if (x->cpu != n->checker->cpu || x->tables_only) return;
	if (x->entry.bits == n->entry->bits && x->entry.tag_mask == n->entry->tag_mask) {
		n->same = x;
		return;
	}
	struct mistake m = {.kind = MISTAKE_CONFLICT,
			    .cpu = (int)x->cpu,
			    .va = n->va,
			    .asid = (uint16_t)n->entry->tag,
			    .write = x->write,
			    .first = text_of(x),
			    .second = {n->checker->stats.events, n->va.raw,
				       n->entry->pa | (n->va.raw & ~n->entry->va_mask), n->entry->bits,
				       false},
			    .differs = x->entry.bits != n->entry->bits ? "they differ in size"
								       : "one is global and the other not"};
	if (!x->reported) tell(n->checker, &m);
	x->reported = true;
}

/* A copy that stays. There are as many as contexts. */
static const struct regime_info *remember_regime(struct checker *c, const struct regime_info *r)
{
	for (size_t i = c->regime_count; i-- > 0;)
		if (memcmp(c->regimes[i], r, sizeof(*r)) == 0) return c->regimes[i];
	c->regimes = xrealloc(c->regimes, c->regime_count + 1, sizeof(*c->regimes));
	struct regime_info *copy = xcalloc(1, sizeof(*copy));
	*copy = *r;
	return c->regimes[c->regime_count++] = copy;
}

void checker_walk(struct checker *c, const struct regime_info *r, const struct tlb_entry *e, struct va va,
		  struct access a)
{
	struct translation now;
	c->stats.walks++;
	look(c, r, va, a, NULL, &now);
	struct inspection in = {.checker = c,
				.used = e,
				.tag = present_tag(r),
				.now = &now,
				.va = va,
				.access = a,
				.walked = true};
	inspect_all(&in);
	struct newcomer n = {.checker = c, .entry = e, .va = va};
	cached_each_at(&c->set, va.raw, in.tag, meet, &n);
	if (e->bits <= SEARCHED_BITS) cached_each_inside(&c->set, va.raw, e->bits, in.tag, meet, &n);
	struct cached *x = n.same;
	if (!x) {
		x = cached_add(&c->set, e);
		c->stats.translations++;
	}
	cached_renew(x);
	x->cpu = c->cpu;
	x->entry = *e;
	x->va = va;
	x->access = a;
	x->regime = remember_regime(c, r);
	x->event = c->stats.events;
	look(c, r, va, a, x, &now);
}

/* --- what software does ---------------------------------------------------------------------------------------- */

/* Whether a translation becomes another one, not none, by a write that makes another table of a table. */
static bool moves_by_table(struct checker *c, const struct cached *x, const struct descriptor_write *w)
{
	struct translation now;
	if (x->tables_only) return false;
	look_through(&(struct look){c, NULL, x->regime, w}, x->va, x->access, &now);
	return !now.fault.kind && differs_from(&x->entry, &now);
}

/* In what the write changes what `d` was made of so that it needs a break; NULL: it needs none. */
static const char *needs_break(struct checker *c, const struct dependence *d,
			       const struct descriptor_write *w)
{
	const struct descriptor_kind *kind = &d->descriptor->kind;
	const char *differs = descriptor_needs_break(kind, d->value, w->now, (unsigned)c->features->bbm);
	if (!(d->value & DESC_VALID) || !(w->now & DESC_VALID)) return NULL;
	bool other_table = !d->leaf && kind->level < LAST_LEVEL && (w->now & DESC_TABLE) &&
			   ((d->value ^ w->now) & TABLE_BITS);
	if (!other_table) return differs;
	return moves_by_table(c, d->owner, w) ? "the table, and so in where it leads" : NULL;
}

/* The word was valid, or is again, while `x` may still be held. */
static void check_make(struct checker *c, const struct dependence *d, const struct descriptor_write *w,
		       bool *told)
{
	const struct cached *x = d->owner;
	const char *differs = *told ? NULL : needs_break(c, d, w);
	if (!differs) return;
	struct mistake m = {.kind = w->old & DESC_VALID ? MISTAKE_NO_BREAK : MISTAKE_EARLY_MAKE,
			    .cpu = (int)x->cpu,
			    .va = x->va,
			    .step = (uint8_t)missing_step(x),
			    .asid = (uint16_t)x->entry.tag,
			    .write = *w,
			    .first = text_of(x),
			    .differs = differs};
	tell(c, &m);
	*told = true;
}

/* The first write that makes the translation untrue counts; what is written over an invalid descriptor is no other
 * reason to invalidate. */
static void outdate(struct cached *x, const struct dependence *d, const struct descriptor_write *w)
{
	if (w->old != d->value) return;
	cached_outdate(x, w);
	x->needs_tables |= !d->leaf && w->stage == 1;
	x->needs_ipa |= w->stage == 2;
}

void checker_write(struct checker *c, struct pa pa, uint64_t old, uint64_t now)
{
	struct descriptor *of = cached_find_descriptor(&c->set, pa);
	bool told = false;
	if (!of || old == now) return;
	c->stats.events++;
	struct descriptor_write w = {c->stats.events, pa, old, now, of->kind.stage, of->kind.level};
	for (struct dependence *d = of->first; d; d = d->next) check_make(c, d, &w, &told);
	for (struct dependence *d = of->first; d; d = d->next) outdate(d->owner, d, &w);
}
