#include "mmu/foresight.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "mmu/mmu.h"
#include "tlb/fill.h"

#define ALWAYS_INLINE __attribute__((always_inline)) /* GCC drops calls of what does nothing but prefetch */

/* The index entry of the page of `at`, a descriptor of `t`. It may be an old one, which costs a wrong guess. */
static inline uint64_t entry_of(const struct mmu *m, const struct stage_info *s, struct foresight_table *t,
				struct pa at)
{
	if (__builtin_expect(t->entry != 0, 1)) return t->entry;
	uint64_t entry = physmem_entry(m->memory, at);
	if (s->granule_bits == PHYSMEM_PAGE_BITS) t->entry = entry;
	return entry;
}

/* Where the last descriptor of `input` is, among the tables of its stage; false: not known. */
static inline ALWAYS_INLINE bool find_descriptor(const struct mmu *m, struct foresight_table *table,
						 const struct stage_info *s, uint64_t input,
						 struct foreseen *out)
{
	out->entry = 0;
	if (!s->on) return false;
	uint64_t region = input >> foresight_bits(s);
	struct foresight_table *t = &table[region % FORESIGHT_TABLES];
	const struct level_info *last = &s->level[LAST_LEVEL + 1];
	if ((t->table ^ foresight_tag(region)) % FORESIGHT_TABLES) return false;
	struct pa at = {bits_align_down(t->table, PHYSMEM_PAGE_BITS) |
			((input >> last->shift) & last->index)};
	*out = (struct foreseen){s, input, at.raw, entry_of(m, s, t, at)};
	return true;
}

/* Where the page of a descriptor that was asked for leads, if it is one. */
static inline uint64_t output_of(const struct mmu *m, const struct foreseen *f)
{
	uint64_t desc = physmem_word(m->memory, f->entry, (struct pa){f->at});
	uint64_t page = UINT64_C(1) << f->tree->granule_bits;
	return (desc & f->tree->level[LAST_LEVEL + 1].field) | (f->input & (page - 1));
}

static inline const struct stage_info *stage1_of(const struct mmu *m, uint64_t va)
{
	return regime_stage1(&m->regime, (struct va){va});
}

/* --- one core ---------------------------------------------------------------------------------------------------- */

enum reach {
	LAST_CACHE,
	ALL_CACHES
}; /* what is asked for beside what is in memory: of one core's caches the host has most */

/* Asks for the last descriptor of `input`, and for what its line needs. */
static inline ALWAYS_INLINE void ask_for_descriptor(const struct mmu *m, struct foresight_table *table,
						    const struct stage_info *s, uint64_t input,
						    enum reach reach, struct foreseen *out)
{
	if (!find_descriptor(m, table, s, input, out)) return;
	physmem_prefetch(out->entry, (struct pa){out->at});
	if (reach == LAST_CACHE) {
		mem_prefetch(m->port, (struct pa){out->at});
	} else {
		physmem_prefetch_slot(m->memory, (struct pa){out->at});
		mem_prefetch_all(m->port, (struct pa){out->at});
	}
}

/* The latest of each stage is a step further by now. */
void mmu_foresee(struct mmu *m, uint64_t va, bool data)
{
	struct foresight *f = m->foresight;
	const struct stage_info *s2 = &m->regime.s2;
	if (!m->plain_walks) return; /* of tables that are no trees, or watched at every step */
	if (!f) f = m->foresight = foresight_new();
	struct foreseen *first = &f->next[0], *second = &f->next[1];
	if (second->entry && data) mem_prefetch(m->port, (struct pa){output_of(m, second)});
	second->entry = 0;
	if (first->entry && s2->on)
		ask_for_descriptor(m, f->table[1], s2, output_of(m, first), LAST_CACHE, second);
	else if (first->entry && data)
		mem_prefetch(m->port, (struct pa){output_of(m, first)});
	ask_for_descriptor(m, f->table[0], stage1_of(m, va), va, LAST_CACHE, first);
}

/* --- one core of many -------------------------------------------------------------------------------------------- */

/* What the VA alone tells. */
static inline ALWAYS_INLINE void foresee_first(const struct mmu *m, uint64_t va, struct foreseen_access *a)
{
	struct foresight *f = m->foresight;
	const struct stage_info *s1 = stage1_of(m, va), *s2 = &m->regime.s2;
	a->stage[1].entry = 0;
	__builtin_prefetch(&m->first[ACCESS_READ]->predict[tlb_slot(va)], 1);
	for (unsigned l = 1; l < m->levels[1]; l++) tlb_prefetch_set(m->level[1][l], va);
	ask_for_descriptor(m, f->table[0], s1, va, ALL_CACHES, &a->stage[0]);
	if (!a->stage[0].entry) return;
	uint64_t region = va >> foresight_above_bits(s1);
	const struct foresight_above *above = &f->above[region % FORESIGHT_ABOVE];
	const struct level_info *level = &s1->level[LAST_LEVEL];
	if (above->region == region)
		mem_prefetch_all(m->port, (struct pa){above->table | ((va >> level->shift) & level->index)});
	if (!s2->on) return;
	struct foreseen table;
	uint64_t ipa = f->ipa[(va >> foresight_bits(s1)) % FORESIGHT_TABLES];
	if (m->ipa_cache) tlb_prefetch_set(m->ipa_cache, ipa);
	ask_for_descriptor(m, f->table[1], s2, ipa, ALL_CACHES, &table);
}

/* What stage 1's descriptor tells, and the sets that were asked for. */
static inline ALWAYS_INLINE void foresee_second(const struct mmu *m, struct foreseen_access *a, bool data)
{
	const struct stage_info *s2 = &m->regime.s2;
	uint64_t va = a->stage[0].input, out = output_of(m, &a->stage[0]);
	__builtin_prefetch(tlb_predicted(m->first[ACCESS_READ], va), 1);
	if (s2->on) {
		if (m->ipa_cache) tlb_prefetch_set(m->ipa_cache, out);
		ask_for_descriptor(m, m->foresight->table[1], s2, out, ALL_CACHES, &a->stage[1]);
	} else if (data) {
		mem_prefetch_all(m->port, (struct pa){out});
	}
}

/* What stage 2's tells. */
static inline ALWAYS_INLINE void foresee_third(const struct mmu *m, const struct foreseen_access *a,
					       bool data)
{
	if (a->stage[1].entry && data) mem_prefetch_all(m->port, (struct pa){output_of(m, &a->stage[1])});
}

void mmu_foresee_step(struct mmu *m, unsigned step, uint64_t va, bool data, struct foreseen_access *a)
{
	if (step == 0) a->stage[0].entry = 0;
	if (!m->plain_walks || !m->foresight) return;
	if (step == 0)
		foresee_first(m, va, a);
	else if (a->stage[0].entry && step == 1)
		foresee_second(m, a, data);
	else if (a->stage[0].entry)
		foresee_third(m, a, data);
}

/* --- building ---------------------------------------------------------------------------------------------------- */

struct foresight *foresight_new(void) { return xcalloc_lines(1, sizeof(struct foresight)); }

void mmu_share_foresight(struct mmu *m, struct foresight *f)
{
	if (!m->foresight_shared) free(m->foresight);
	m->foresight = f;
	m->foresight_shared = true;
}
