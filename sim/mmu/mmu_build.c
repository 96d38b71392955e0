/* mmu_build.c - an MMU from its parameters, and who looks on. */
#include "mmu/mmu.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "mmu/levels.h"
#include "mmu/mmu_walk.h"
#include "mmu/page_design.h"
#include "mmu/pom_tlb.h"
#include "mmu/prefetch.h"
#include "mmu/range_tlb.h"

/* A TLB that holds entries of any size, for walk positions or stage 2 translations. */
static enum status build_inner(const char *name, uint64_t entries, uint64_t ways, uint64_t policy,
			       struct tlb **out, struct err *err)
{
	struct tlb_params p = {.name = name,
			       .level = 1,
			       .side = SIDE_UNIFIED,
			       .entries = entries,
			       .ways = ways < entries ? ways : entries,
			       .pages = UINT64_MAX,
			       .policy = policy};
	TRY(tlb_new(&p, out, err));
	(*out)->sizes_held = UINT64_MAX;
	return OK;
}

static enum status build_walk_caches(struct mmu *m, const struct param_list *list, unsigned stage,
				     struct err *err)
{
	static const char *const names[2][MMU_WALK_CACHES_MAX] = {
		{"s1_walk_cache", "s1_walk_cache1", "s1_walk_cache2", "s1_walk_cache3", "s1_walk_cache4",
		 "s1_walk_cache5", "s1_walk_cache6", "s1_walk_cache7"},
		{"s2_walk_cache", "s2_walk_cache1", "s2_walk_cache2", "s2_walk_cache3", "s2_walk_cache4",
		 "s2_walk_cache5", "s2_walk_cache6", "s2_walk_cache7"},
	};
	for (size_t i = 0; i < list->count; i++) {
		const struct walk_cache_params *p = (const struct walk_cache_params *)list->items + i;
		if (!p->entries) continue;
		struct walk_cache *c = &m->cache[stage - 1][m->caches[stage - 1]];
		TRY(build_inner(names[stage - 1][i], p->entries, p->ways, p->policy, &c->tlb, err));
		c->place = xcalloc(p->entries, sizeof(*c->place));
		c->levels = p->levels;
		c->cycles = p->cycles;
		c->ipa_only = p->ipa_only;
		c->tables_only = p->tables_only;
		/* Bit l + 1 is for tables of level l, which lead to level l + 1. */
		for (unsigned level = 0; level < WALK_LEVELS; level++)
			m->learners[stage - 1][level] |= (uint8_t)(bit_get(c->levels, level)
								   << m->caches[stage - 1]);
		m->caches[stage - 1]++;
	}
	m->cache_fill[stage - 1].like = (struct tlb_entry){.tag_mask = TLB_TAG_ALL, .level = TLB_LEVEL_ANY};
	return OK;
}

static enum status build(struct mmu *m, const struct mmu_parts *p, struct err *err)
{
	const struct walker_params *w = p->walker;
	TRY(prefetch_new(&w->prefetch, &m->prefetch, err));
	TRY(levels_build(m, p, err));
	range_tlb_new(&w->range_tlb, &m->ranges);
	m->wants_neighbours |= m->prefetch && m->prefetch->neighbours;
	m->wants_neighbours |= m->ranges && w->range_tlb.source == RANGE_COLT_FA;
	TRY(build_walk_caches(m, &w->s1_caches, 1, err));
	TRY(build_walk_caches(m, &w->s2_caches, 2, err));
	TRY(page_design_new(&w->page_table, &m->design, err));
	if (m->design && m->ranges && w->range_tlb.source == RANGE_TABLE)
		return err_set(err, ERR_CONFIG,
			       "walker.range_tlb: ranges stand beside Arm's tables, not those of %s",
			       m->design->row->name);
	if (!w->ipa_cache.entries) return OK;
	m->ipa_leaf = xcalloc(w->ipa_cache.entries, sizeof(*m->ipa_leaf));
	m->ipa_cycles = w->ipa_cache.cycles;
	m->ipa_fill.like.tag_mask = TLB_TAG_ALL;
	return build_inner("ipa_cache", w->ipa_cache.entries, w->ipa_cache.ways, w->ipa_cache.policy,
			   &m->ipa_cache, err);
}

void mmu_settle(struct mmu *m)
{
	bool asked = m->explained || m->level[0][0]->evictors;
	m->plain_walks = !m->design && !m->wants_neighbours && !asked;
	m->plain = m->plain_walks && m->one_each && !m->shared_count && !m->prefetch && !m->ranges &&
		   !m->observer;
	for (unsigned side = 0; side < MMU_SIDES; side++)
		for (unsigned l = 0; l < m->levels[side]; l++) m->plain &= m->level[side][l]->plain;
	bool nested = m->regime.s2.on;
	m->walk = !m->plain_walks ? mmu_walk_any : nested ? mmu_walk_two_stages : mmu_walk_one_stage;
	m->miss = !m->plain ? mmu_miss_any : nested ? mmu_miss_two_stages : mmu_miss_one_stage;
}

enum status mmu_new_of(const struct mmu_parts *p, struct mmu **out, struct err *err)
{
	const struct walker_params *w = p->walker;
	struct mmu *m = xcalloc_lines(1, sizeof(*m));
	m->walkers = (unsigned)w->walkers;
	m->count = &m->stats;
	m->cycles_per_level = w->cycles_per_level;
	m->port = &p->mem->data;
	m->first_cache = w->descriptor_reads_cached ? (unsigned)w->first_cache - 1 : m->port->levels;
	m->served_names = p->mem->served_names;
	m->memory = p->memory;
	enum status st = build(m, p, err);
	if (st != OK) {
		mmu_free(m);
		return st;
	}
	mmu_connect_walks(m);
	mmu_settle(m);
	*out = m;
	return OK;
}

enum status mmu_new(const struct param_list *tlbs, const struct walker_params *w, struct mem_cpu *mem,
		    struct physmem *memory, struct mmu **out, struct err *err)
{
	return mmu_new_of(&(struct mmu_parts){.tlbs = tlbs, .walker = w, .mem = mem, .memory = memory}, out,
			  err);
}

void mmu_free(struct mmu *m)
{
	if (!m) return;
	for (unsigned i = 0; i < m->owned_count; i++) tlb_free(m->owned[i]);
	for (unsigned stage = 0; stage < 2; stage++) {
		for (unsigned i = 0; i < m->caches[stage]; i++) {
			tlb_free(m->cache[stage][i].tlb);
			free(m->cache[stage][i].place);
		}
	}
	page_design_free(m->design);
	tlb_free(m->ipa_cache);
	tlb_free(m->blind);
	free(m->ipa_leaf);
	if (!m->foresight_shared) free(m->foresight);
	prefetch_free(m->prefetch);
	range_tlb_free(m->ranges);
	free(m);
}

void mmu_each_tlb(struct mmu *m, mmu_tlb_fn *fn, void *ctx)
{
	for (unsigned i = 0; i < m->owned_count; i++) fn(ctx, m->owned[i], 0);
	for (unsigned i = 0; i < m->shared_count; i++) fn(ctx, m->shared[i]->tlb, 0);
	if (m->prefetch) fn(ctx, m->prefetch->buffer, 0);
	for (int stage = 1; stage <= 2; stage++)
		for (unsigned i = 0; i < m->caches[stage - 1]; i++)
			fn(ctx, m->cache[stage - 1][i].tlb, stage);
	if (m->ipa_cache) fn(ctx, m->ipa_cache, 3);
	for (unsigned i = 0; m->design && m->design->pom && i < POM_ARRAYS; i++)
		fn(ctx, pom_tlb_arrays(m->design->pom)[i], 0);
}

void mmu_set_table_memory(struct mmu *m, const struct table_memory *memory)
{
	if (m->design) m->design->tables->memory = *memory;
}

/* Has every look-up take the slow way: the first TLB to be asked is one that holds nothing. */
static void see_all(struct mmu *m)
{
	struct tlb_params p = m->level[0][0]->params;
	struct err err;
	p.entries = p.ways = 1;
	p.pages = 1;
	p.policy = REPL_fifo;
	if (!m->blind && tlb_new(&p, &m->blind, &err) != OK) assert(!"a TLB of one entry");
	for (unsigned kind = 0; kind < 3; kind++) m->first[kind] = m->blind;
}

void mmu_count_evictors(struct mmu *m)
{
	for (unsigned i = 0; i < m->owned_count; i++) tlb_count_evictors(m->owned[i]);
	for (unsigned i = 0; i < m->shared_count; i++)
		if (!m->shared[i]->tlb->evictors) tlb_count_evictors(m->shared[i]->tlb);
	for (unsigned i = 0; i < m->caches[0]; i++) tlb_count_evictors(m->cache[0][i].tlb);
	for (unsigned i = 0; i < m->caches[1]; i++) tlb_count_evictors(m->cache[1][i].tlb);
	if (m->ipa_cache) tlb_count_evictors(m->ipa_cache);
	mmu_settle(m);
}

void mmu_explain(struct mmu *m, struct why *why)
{
	m->why = m->port->why = why;
	m->explained = why != NULL;
	mem_settle(m->port);
	mmu_settle(m);
	see_all(m);
}

void mmu_observe(struct mmu *m, struct mmu_observer *o)
{
	o->next = m->observer;
	m->observer = o;
	mmu_settle(m);
	if (o->hit) see_all(m);
}

static void follow(void *flow, struct tlb *t, int stage)
{
	(void)stage;
	if (t->state.shared) t->state.shared->flow = flow;
}

void mmu_follow(struct mmu *m, const struct repl_flow *flow)
{
	m->flow = flow;
	mmu_each_tlb(m, follow, (void *)(uintptr_t)flow);
}
