#include "mmu/foresight.h"

#include "base/alloc.h"
#include "base/bits.h"
#include "mmu/mmu.h"

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

/* Asks for the last descriptor of `input`, and for what its line needs. */
static inline ALWAYS_INLINE void ask_for_descriptor(const struct mmu *m, struct foresight_table *table,
						    const struct stage_info *s, uint64_t input,
						    struct foreseen *out)
{
	out->entry = 0;
	if (!s->on) return;
	uint64_t region = input >> foresight_bits(s);
	struct foresight_table *t = &table[region % FORESIGHT_TABLES];
	const struct level_info *last = &s->level[LAST_LEVEL + 1];
	if ((t->table ^ foresight_tag(region)) % FORESIGHT_TABLES) return;
	struct pa at = {bits_align_down(t->table, PHYSMEM_PAGE_BITS) |
			((input >> last->shift) & last->index)};
	*out = (struct foreseen){s, input, at.raw, entry_of(m, s, t, at)};
	physmem_prefetch(out->entry, at);
	mem_prefetch(m->port, at);
}

/* Where the page of a descriptor that was asked for leads, if it is one. */
static inline uint64_t output_of(const struct mmu *m, const struct foreseen *f)
{
	uint64_t desc = physmem_word(m->memory, f->entry, (struct pa){f->at});
	uint64_t page = UINT64_C(1) << f->tree->granule_bits;
	return (desc & f->tree->level[LAST_LEVEL + 1].field) | (f->input & (page - 1));
}

/* An access is on its way to what it leads to. */
static inline ALWAYS_INLINE void ask_for_data(const struct mmu *m, const struct foreseen *f)
{
	mem_prefetch(m->port, (struct pa){output_of(m, f)});
}

/* The latest of each stage is a step further by now. */
void mmu_foresee(struct mmu *m, uint64_t va, bool data)
{
	struct foresight *f = m->foresight;
	const struct stage_info *s2 = &m->regime.s2;
	if (!m->plain_walks) return; /* of tables that are no trees, or watched at every step */
	if (!f) f = m->foresight = xcalloc_lines(1, sizeof(*f));
	struct foreseen *first = &f->next[0], *second = &f->next[1];
	if (second->entry && data) ask_for_data(m, second);
	second->entry = 0;
	if (first->entry && s2->on)
		ask_for_descriptor(m, f->table[1], s2, output_of(m, first), second);
	else if (first->entry && data)
		ask_for_data(m, first);
	ask_for_descriptor(m, f->table[0], regime_stage1(&m->regime, (struct va){va}), va, first);
}
