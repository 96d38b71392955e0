#include "mmu/foresight.h"

#include "base/alloc.h"
#include "base/bits.h"
#include "mmu/mmu.h"

/* Asks for the last descriptor of `input`, and for what its line needs. */
static inline struct foreseen ask_for_descriptor(const struct mmu *m, unsigned stage,
						 const struct stage_info *s, uint64_t input)
{
	if (!s->on) return (struct foreseen){0};
	uint64_t region = input >> foresight_bits(s);
	const struct foresight_table *t = &m->foresight->table[stage - 1][region % FORESIGHT_TABLES];
	const struct level_info *last = &s->level[LAST_LEVEL + 1];
	if (t->region != region || !t->table) return (struct foreseen){0};
	struct pa at = {t->table | ((input >> last->shift) & last->index)};
	bool whole = s->granule_bits == PHYSMEM_PAGE_BITS; /* else the table is of several pages */
	struct foreseen f = {input, at.raw, whole ? t->entry : physmem_entry(m->memory, at)};
	physmem_prefetch(f.entry, at);
	mem_prefetch(m->port, at, (enum security)s->security);
	return f;
}

/* Where the page of a descriptor that was asked for leads, if it is one. */
static inline uint64_t output_of(const struct mmu *m, const struct stage_info *s, struct foreseen f)
{
	uint64_t desc = physmem_word(m->memory, f.entry, (struct pa){f.at});
	return (desc & s->level[LAST_LEVEL + 1].field) | (f.input & bits_ones(s->granule_bits));
}

/* An access is on its way to the output of `s`. Inlined as mem_prefetch() is. */
static inline __attribute__((always_inline)) void ask_for_data(const struct mmu *m,
							       const struct stage_info *s, struct foreseen f)
{
	mem_prefetch(m->port, (struct pa){output_of(m, s, f)}, (enum security)s->security);
}

void mmu_foresee(struct mmu *m, uint64_t va, bool data)
{
	struct foresight *f = m->foresight;
	const struct stage_info *s2 = &m->regime.s2;
	if (!m->plain_walks) return; /* of tables that are no trees, or watched at every step */
	if (!f) f = m->foresight = xcalloc_lines(1, sizeof(*f));
	struct foreseen latest = ask_for_descriptor(m, 1, regime_stage1(&m->regime, (struct va){va}), va);
	if (!data && !s2->on) return;
	struct foreseen first = f->next[0], second = f->next[1];
	f->next[0] = latest;
	f->next[1].entry = 0;
	if (data && second.entry) ask_for_data(m, s2, second);
	if (!first.entry) return;
	const struct stage_info *s1 = regime_stage1(&m->regime, (struct va){first.input});
	if (s2->on)
		f->next[1] = ask_for_descriptor(m, 2, s2, output_of(m, s1, first));
	else
		ask_for_data(m, s1, first);
}
