#include "mmu/foresight.h"

#include "base/alloc.h"
#include "base/bits.h"
#include "mmu/mmu.h"

/* Asks for the last descriptor of `input`, and for the sets of its line. */
static struct foreseen ask_for_descriptor(const struct mmu *m, unsigned stage, const struct stage_info *s,
					  uint64_t input)
{
	uint64_t region = s->on ? input >> foresight_bits(s) : 0;
	const struct foresight_table *t = &m->foresight->table[stage - 1][region % FORESIGHT_TABLES];
	const struct level_info *last = &s->level[LAST_LEVEL + 1];
	if (!s->on || t->region != region || !t->table) return (struct foreseen){0};
	struct pa at = {t->table | ((input >> last->shift) & last->index)};
	physmem_prefetch(m->memory, at);
	mem_prefetch(m->port, at, (enum security)s->security);
	return (struct foreseen){input, at.raw};
}

/* Where the page of a descriptor that was asked for leads, if it is one. */
static uint64_t output_of(const struct mmu *m, const struct stage_info *s, struct foreseen f)
{
	uint64_t desc = physmem_read64(m->memory, (struct pa){f.at});
	return (desc & s->level[LAST_LEVEL + 1].field) | (f.input & bits_ones(s->granule_bits));
}

void mmu_foresee(struct mmu *m, uint64_t va, bool data)
{
	struct foresight *f = m->foresight;
	const struct stage_info *s2 = &m->regime.s2;
	if (!f) f = m->foresight = xcalloc_lines(1, sizeof(*f));
	struct foreseen first = f->next[0], second = f->next[1];
	f->next[0] = ask_for_descriptor(m, 1, regime_stage1(&m->regime, (struct va){va}), va);
	f->next[1].at = 0;
	if (data && second.at)
		mem_prefetch(m->port, (struct pa){output_of(m, s2, second)}, (enum security)s2->security);
	if (!first.at) return;
	const struct stage_info *s1 = regime_stage1(&m->regime, (struct va){first.input});
	uint64_t out = output_of(m, s1, first);
	if (s2->on)
		f->next[1] = ask_for_descriptor(m, 2, s2, out);
	else if (data)
		mem_prefetch(m->port, (struct pa){out}, (enum security)s1->security);
}
