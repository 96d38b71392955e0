#include "machine/machine_check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/bits.h"
#include "mmu/page_table.h"
#include "repl/repl.h"

/* Where a checked struct is in the files, and what messages call it. */
struct subject {
	const struct node *map; /* NULL: all defaults */
	struct place file;      /* where to point then */
	char path[96];
	struct err *err;
};

static struct subject subject_of(const struct machine_config *m, const char *key, struct err *err)
{
	const struct node *root = m->bound.file.root;
	struct subject s = {.map = node_get(root, key), .file = root->at, .err = err};
	snprintf(s.path, sizeof(s.path), "%s", key);
	return s;
}

/* The subject's part `word`; `index` finds it where the subject is a list. */
static struct subject part(const struct subject *of, const char *word, size_t index)
{
	struct subject s = *of;
	bool list = of->map && of->map->kind == NODE_LIST;
	s.map = list && index < of->map->count ? of->map->item[index] : node_get(of->map, word);
	if (of->map) s.file = of->map->at;
	snprintf(s.path, sizeof(s.path), "%.45s.%.45s", of->path, word);
	return s;
}

__attribute__((format(printf, 3, 4))) static enum status fault(const struct subject *s, const char *key,
							       const char *fmt, ...)
{
	char text[256];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	const struct node *value = node_get(s->map, key);
	struct place at = value ? value->at : s->map ? s->map->at : s->file;
	return conf_fail(s->err, at, "%s.%s: %s", s->path, key, text);
}

/* --- sets, ways and policies -------------------------------------------------------------------- */

struct shape {
	uint64_t entries, ways, policy;
};

static enum status check_shape(const struct subject *s, struct shape a)
{
	if (a.entries % a.ways != 0)
		return fault(s, "ways", "%" PRIu64 " ways do not divide %" PRIu64 " entries", a.ways,
			     a.entries);
	const struct repl_policy *policy = repl_policies[a.policy];
	if (a.ways > policy->max_ways)
		return fault(s, "ways", "%" PRIu64 " is more than the %u that %s serves", a.ways,
			     policy->max_ways, policy->name);
	return OK;
}

static enum status check_tlb(const struct subject *s, const struct tlb_params *t)
{
	if (!t->pages) return fault(s, "pages", "a TLB that holds no translation size");
	if (t->coalesce && !is_power_of_2(t->coalesce_pages))
		return fault(s, "coalesce_pages", "%" PRIu64 " is none of 2, 4, 8", t->coalesce_pages);
	if (t->level == 1 && t->inclusion != TLB_NINE)
		return fault(s, "inclusion", "level 1 has no level nearer to the core");
	if (t->level == 1 && t->shared) return fault(s, "shared", "a core has its level 1 for itself");
	return check_shape(s, (struct shape){t->entries, t->ways, t->policy});
}

static enum status check_cache(const struct subject *s, const struct cache_params *c)
{
	if (!is_power_of_2(c->line)) return fault(s, "line", "%" PRIu64 " is no power of two", c->line);
	if (c->size % c->line != 0)
		return fault(s, "size", "%" PRIu64 " is no multiple of the line, %" PRIu64, c->size, c->line);
	TRY(check_shape(s, (struct shape){c->size / c->line, c->ways, c->policy}));
	if (is_power_of_2(c->size / c->line / c->ways)) return OK;
	return fault(s, "ways", "%" PRIu64 " ways give %" PRIu64 " sets, which is no power of two", c->ways,
		     c->size / c->line / c->ways);
}

/* --- TLBs --------------------------------------------------------------------------------------- */

/* Bit `level` is set when a TLB of that level serves `side`. */
static uint64_t tlb_levels(const struct param_list *tlbs, enum side side)
{
	const struct tlb_params *t = tlbs->items;
	uint64_t levels = 0;
	for (size_t i = 0; i < tlbs->count; i++)
		if (t[i].side == side || t[i].side == SIDE_UNIFIED) levels |= UINT64_C(1) << t[i].level;
	return levels;
}

static enum status check_levels(const struct subject *s, const struct param_list *tlbs, enum side side)
{
	uint64_t levels = tlb_levels(tlbs, side) >> 1; /* bit 0 is level 1 */
	struct place at = s->map ? s->map->at : s->file;
	if (!(levels & 1))
		return conf_fail(s->err, at, "tlbs: no level 1 TLB for the %s side", side_names[side]);
	if (!is_power_of_2(levels + 1))
		return conf_fail(s->err, at, "tlbs: a level is left out on the %s side", side_names[side]);
	return OK;
}

static bool share_a_side(const struct tlb_params *a, const struct tlb_params *b)
{
	return a->side == b->side || a->side == SIDE_UNIFIED || b->side == SIDE_UNIFIED;
}

/* Whatever `near` may hold, inclusive `t` must be able to hold. */
static enum status check_inclusive(const struct subject *s, const struct tlb_params *t,
				   const struct tlb_params *near)
{
	if (near->pages & ~t->pages)
		return fault(s, "pages", "lacks a size that %s holds, which it shall include", near->name);
	if (near->contiguous && !t->contiguous)
		return fault(s, "contiguous", "no, but %s, which it shall include, holds runs", near->name);
	if (near->coalesce)
		return fault(s, "inclusion", "%s coalesces: nothing includes pages that were not walked for",
			     near->name);
	return OK;
}

static unsigned reach_of(const struct tlb_params *t) { return topology_reach((enum share)t->shared); }

/* Two TLBs that some accesses both look in. */
static enum status check_pair(const struct subject *s, const struct tlb_params *t,
			      const struct tlb_params *other)
{
	if (!share_a_side(t, other)) return OK;
	if (t->level == other->level && (t->pages & other->pages))
		return fault(s, "pages", "%s of the same level holds a size of these, too", other->name);
	if (t->level == other->level && t->inclusion != other->inclusion)
		return fault(s, "inclusion", "%s of the same level differs", other->name);
	if (other->level < t->level && reach_of(other) > reach_of(t))
		return fault(s, "shared", "by fewer cores than %s above it", other->name);
	if (other->level < t->level && t->inclusion == TLB_INCLUSIVE) return check_inclusive(s, t, other);
	return OK;
}

static enum status check_tlbs(const struct machine_config *m, struct err *err)
{
	const struct param_list *list = &m->params.tlbs;
	const struct tlb_params *t = list->items;
	struct subject tlbs = subject_of(m, "tlbs", err);
	for (size_t i = 0; i < list->count; i++) {
		struct subject s = part(&tlbs, t[i].name, i);
		TRY(check_tlb(&s, &t[i]));
		if (t[i].shared && !m->params.features.ttcnp)
			return fault(&s, "shared", "cores share translations only with features.ttcnp");
		for (size_t k = 0; k < list->count; k++)
			if (k != i) TRY(check_pair(&s, &t[i], &t[k]));
	}
	TRY(check_levels(&tlbs, list, SIDE_INSTRUCTION));
	return check_levels(&tlbs, list, SIDE_DATA);
}

/* --- caches ------------------------------------------------------------------------------------- */

static enum status check_cache_order(const struct subject *s, const struct cache_params *before,
				     const struct cache_params *c)
{
	if (c->line != before->line)
		return fault(s, "line", "%" PRIu64 " differs from the %" PRIu64 " of %s", c->line,
			     before->line, before->name);
	if (c->level < before->level || c->level > before->level + 1)
		return fault(s, "level",
			     "%" PRIu64 " after level %" PRIu64 " of %s: caches stand in order to memory",
			     c->level, before->level, before->name);
	return OK;
}

static enum status check_caches(const struct machine_config *m, struct err *err)
{
	const struct param_list *list = &m->params.caches;
	const struct cache_params *c = list->items;
	struct subject caches = subject_of(m, "caches", err);
	for (size_t i = 0; i < list->count; i++) {
		struct subject s = part(&caches, c[i].name, i);
		TRY(check_cache(&s, &c[i]));
		if (i) TRY(check_cache_order(&s, &c[i - 1], &c[i]));
		if (!i && c[i].level != 1) return fault(&s, "level", "the first cache is of level 1");
	}
	return OK;
}

/* --- walker, features, memory ------------------------------------------------------------------- */

static enum status check_walk_caches(const struct subject *walker, const char *key,
				     const struct param_list *list)
{
	const struct walk_cache_params *w = list->items;
	struct subject caches = part(walker, key, 0);
	for (size_t i = 0; i < list->count; i++) {
		char index[24];
		snprintf(index, sizeof(index), "%zu", i);
		struct subject s = part(&caches, index, i);
		TRY(check_shape(&s, (struct shape){w[i].entries, w[i].ways, w[i].policy}));
	}
	return OK;
}

static enum status check_walker(const struct machine_config *m, struct err *err)
{
	const struct walker_params *w = &m->params.walker;
	const struct param_list *caches = &m->params.caches;
	struct subject s = subject_of(m, "walker", err);
	TRY(check_walk_caches(&s, "s1_caches", &w->s1_caches));
	TRY(check_walk_caches(&s, "s2_caches", &w->s2_caches));
	struct subject ipa = part(&s, "ipa_cache", 0);
	TRY(check_shape(&ipa, (struct shape){w->ipa_cache.entries, w->ipa_cache.ways, w->ipa_cache.policy}));
	const struct cache_params *last = caches->count ? (const struct cache_params *)caches->items +
								  caches->count - 1
							: NULL;
	if (w->page_table.design == PAGE_TABLE_asap && !(last && w->descriptor_reads_cached))
		return fault(&s, "descriptor_reads_cached",
			     "asap fetches descriptors into caches, and there are none that hold them");
	if (last && w->first_cache > last->level)
		return fault(&s, "first_cache", "no cache of level %" PRIu64, w->first_cache);
	return OK;
}

static enum status check_features(const struct machine_config *m, struct err *err)
{
	static const uint64_t sizes = 1ull << 32 | 1ull << 36 | 1ull << 40 | 1ull << 42 | 1ull << 44 |
				      1ull << 48 | 1ull << 52;
	const struct features *f = &m->params.features;
	struct subject s = subject_of(m, "features", err);
	if (!(sizes >> f->pa_bits & 1))
		return fault(&s, "pa_bits", "%" PRIu64 " is none of 32, 36, 40, 42, 44, 48, 52", f->pa_bits);
	if (f->pa_bits == 52 && !f->lpa && !f->lpa2) return fault(&s, "pa_bits", "52 needs lpa or lpa2");
	if (!f->granules) return fault(&s, "granules", "at least one is needed");
	if (f->granules_stage2 & ~f->granules)
		return fault(&s, "granules_stage2", "a granule of stage 2 that stage 1 does not have");
	return OK;
}

static enum status check_memory(const struct machine_config *m, struct err *err)
{
	const struct memory_params *mem = &m->params.memory;
	const struct node_params *n = mem->nodes.items;
	struct subject memory = subject_of(m, "memory", err), nodes = part(&memory, "nodes", 0);
	uint64_t end = mem->base, limit = UINT64_C(1) << m->params.features.pa_bits;
	for (size_t i = 0; i < mem->nodes.count; i++) {
		struct subject s = part(&nodes, n[i].name, i);
		end += n[i].size;
		if (end > limit)
			return fault(&s, "size",
				     "the node ends at 0x%" PRIx64 ", beyond %" PRIu64 " bits of address",
				     end, m->params.features.pa_bits);
	}
	return OK;
}

enum status machine_check(const struct machine_config *m, struct err *err)
{
	TRY(check_features(m, err));
	TRY(check_tlbs(m, err));
	TRY(check_caches(m, err));
	TRY(check_walker(m, err));
	return check_memory(m, err);
}
