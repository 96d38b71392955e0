#include "mmu/maintenance.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "mmu/cached.h"

struct checker {
	const struct features *features;
	struct physmem *memory;
	mistake_fn *report;
	void *owner;
	struct cached_set set;
	unsigned cpu; /* that acts */
	bool several; /* CPUs have acted */
	struct checker_stats stats;
};

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
	free(c);
}

static struct cached_text text_of(const struct cached *c)
{
	return (struct cached_text){c->event, c->va.raw, c->entry.pa | (c->va.raw & ~c->entry.va_mask),
				    c->entry.bits};
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
};

static uint64_t read_word(void *self, struct pa pa, const struct walk_ref *ref)
{
	const struct look *l = self;
	uint64_t desc = physmem_read64(l->checker->memory, pa);
	const struct stage_info *s = ref->cause == CAUSE_S1_WALK
					     ? regime_stage1(l->regime, (struct va){ref->input})
					     : &l->regime->s2;
	if (l->into) cached_depend(&l->checker->set, l->into, pa, ref, desc, s->granule_bits);
	return desc;
}

/* Hardware's updates are the timed walk's business. */
static bool leave_word(void *self, struct pa pa, uint64_t old, uint64_t now)
{
	(void)self, (void)pa, (void)old, (void)now;
	return true;
}

static void look(struct checker *c, const struct regime_info *r, struct va va, struct access a,
		 struct cached *into, struct translation *out)
{
	struct look l = {c, into, r};
	struct walk_mem mem = {.self = &l, .read = read_word, .update = leave_word};
	a.probe = true;
	translate(r, va, a, &mem, out);
}

/* What is wrong with using `e` for the access, by what the tables say now; NULL: nothing. A clear access flag is no
 * reason, as software may clear it without maintenance. */
static const char *harm(const struct tlb_entry *e, const struct translation *now, struct access a)
{
	if (!perm_allows(e->perm, a)) return NULL; /* it would not be used */
	if (now->fault.kind == FAULT_ACCESS_FLAG) return NULL;
	if (now->fault.kind == FAULT_PERMISSION) return "it allows an access that is not allowed any more";
	if (now->fault.kind) return "it maps what is not mapped any more";
	if ((e->pa | (now->va.raw & ~e->va_mask)) != now->pa.raw) return "it leads to another address";
	if (e->attr != now->attr) return "it has other memory attributes";
	return NULL;
}

/* --- diagnosis ------------------------------------------------------------------------------------------------- */

static bool all_taken(const struct cached *x)
{
	return x->taken && (x->tables_taken || !x->needs_tables) && (x->ipa_taken || !x->needs_ipa);
}

static enum mistake_kind missing_step(const struct cached *x)
{
	if (all_taken(x)) return MISTAKE_NO_DSB_AFTER;
	if (x->early) return MISTAKE_NO_DSB_BEFORE;
	if (x->ipa_taken && !x->taken) return MISTAKE_NO_STAGE1_TLBI;
	if (x->taken && x->needs_tables) return MISTAKE_TLBI_LAST_LEVEL;
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
	const char *why = x->cpu == in->checker->cpu ? harm(&x->entry, in->now, in->access) : NULL;
	if (!why) return;
	tell_stale(in, x, why);
	if (in->walked) cached_remove(&in->checker->set, x);
}

/* What was used is wrong, though no translation that is remembered explains it: its walk caches held an old table. */
static void tell_unexplained(struct inspection *in)
{
	struct mistake m = {
		.kind = MISTAKE_NO_TLBI,
		.cpu = (int)in->checker->cpu,
		.hit = true,
		.va = in->va,
		.asid = (uint16_t)in->used->tag,
		.first = {0, in->va.raw, in->used->pa | (in->va.raw & ~in->used->va_mask), in->used->bits},
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
	if (x->cpu != n->checker->cpu) return;
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
				       n->entry->pa | (n->va.raw & ~n->entry->va_mask), n->entry->bits},
			    .differs = x->entry.bits != n->entry->bits ? "they differ in size"
								       : "one is global and the other not"};
	if (!x->reported) tell(n->checker, &m);
	x->reported = true;
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
	x->event = c->stats.events;
	look(c, r, va, a, x, &now);
}

/* --- what software does ---------------------------------------------------------------------------------------- */

/* The word was valid, or is again, while `x` may still be held. */
static void check_make(struct checker *c, const struct dependence *d, const struct descriptor_write *w,
		       bool *told)
{
	const struct cached *x = d->owner;
	unsigned bbm = (unsigned)c->features->bbm;
	const char *differs = descriptor_needs_break(w->stage, w->level, d->value, w->now, bbm);
	if (*told || !(d->value & DESC_VALID) || !(w->now & DESC_VALID) || !differs) return;
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
	x->write = *w;
	x->reported = x->ordered = x->early = x->taken = x->tables_taken = x->ipa_taken = false;
	x->needs_tables |= !d->leaf && w->stage == 1;
	x->needs_ipa |= w->stage == 2;
}

void checker_write(struct checker *c, struct pa pa, uint64_t old, uint64_t now)
{
	struct descriptor *of = cached_find_descriptor(&c->set, pa);
	bool told = false;
	if (!of || old == now) return;
	c->stats.events++;
	struct descriptor_write w = {c->stats.events, pa, old, now, of->stage, of->level};
	for (struct dependence *d = of->first; d; d = d->next) check_make(c, d, &w, &told);
	for (struct dependence *d = of->first; d; d = d->next) outdate(d->owner, d, &w);
}

/* Whether a TLBI of stage 2 takes what descriptor `d` maps or leads to: any address of a block takes all of it. */
static bool takes_ipa(const struct tlbi_scope *s, const struct cached *x, const struct dependence *d)
{
	struct tlb_entry e = {.va = d->input & ~bits_ones(d->bits),
			      .va_mask = ~bits_ones(d->bits),
			      .tag = x->entry.tag,
			      .tag_mask = TLB_TAG_GLOBAL,
			      .bits = d->bits,
			      .level = TLB_LEVEL_ANY};
	if (d->descriptor->stage != 2 || !s->ipas || !(d->leaf || s->s2_walks)) return false;
	return tlb_match_takes(&s->match, &e);
}

static bool takes_any_ipa(const struct tlbi_scope *s, const struct cached *x)
{
	for (unsigned i = 0; i < x->deps; i++)
		if (x->dep[i].descriptor->pa.raw == x->write.pa.raw && takes_ipa(s, x, &x->dep[i]))
			return true;
	return false;
}

/* A TLBI of CPU `by`. */
struct operation {
	const struct tlbi_scope *scope;
	unsigned by;
	struct checker_reach reach;
};

static void apply_tlbi(void *self, struct cached *x)
{
	const struct operation *o = self;
	const struct tlbi_scope *s = o->scope;
	if (o->reach.reaches && !o->reach.reaches(o->reach.ctx, x->cpu)) return;
	bool taken = s->translations && tlb_match_takes(&s->match, &x->entry);
	bool ipa = x->needs_ipa && takes_any_ipa(s, x);
	if (!taken && !ipa) return;
	if (x->write.event && !x->ordered) {
		x->early = true;
		return;
	}
	x->taken_by = o->by;
	x->taken |= taken;
	x->tables_taken |= taken && s->s1_walks;
	x->ipa_taken |= ipa;
}

void checker_tlbi(struct checker *c, const struct tlbi_scope *s, struct checker_reach reach)
{
	struct operation o = {s, c->cpu, reach};
	c->stats.events++;
	cached_each(&c->set, apply_tlbi, &o);
}

static void order(void *self, struct cached *x)
{
	(void)self;
	x->ordered = true;
}

static void complete(void *self, struct cached *x)
{
	struct checker *c = self;
	if (all_taken(x) && x->taken_by == c->cpu)
		cached_remove(&c->set, x);
	else
		x->ordered = true;
}

void checker_dsb(struct checker *c, unsigned crm)
{
	enum { TYPE_LOADS = 1, TYPE_STORES = 2, TYPE_ALL = 3 };
	unsigned types = crm & 3;
	c->stats.events++;
	if (types == TYPE_ALL) cached_each(&c->set, complete, c);
	if (types == TYPE_STORES) cached_each(&c->set, order, NULL);
}
