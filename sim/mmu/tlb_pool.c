#include "mmu/tlb_pool.h"

#include <stdlib.h>

#include "base/alloc.h"

static struct shared_tlb *find(const struct tlb_pool *p, const struct tlb_params *row, unsigned unit)
{
	for (unsigned i = 0; i < p->count; i++)
		if (p->item[i]->row == row && p->item[i]->unit == unit) return p->item[i];
	return NULL;
}

static enum status add(struct tlb_pool *p, const struct tlb_params *row, unsigned unit,
		       struct shared_tlb **out, struct err *err)
{
	struct tlb *t = NULL;
	TRY(tlb_new(row, &t, err));
	*out = xcalloc(1, sizeof(**out));
	**out = (struct shared_tlb){.tlb = t, .row = row, .unit = unit};
	p->item = xrealloc(p->item, p->count + 1, sizeof(struct shared_tlb *));
	p->item[p->count++] = *out;
	return OK;
}

enum status tlb_pool_get(struct tlb_pool *p, const struct tlb_params *row, unsigned cpu, struct mmu *m,
			 struct shared_tlb **out, struct err *err)
{
	unsigned unit = topology_unit(&p->topology, (enum share)row->shared, cpu);
	*out = find(p, row, unit);
	if (!*out) TRY(add(p, row, unit, out, err));
	struct shared_tlb *s = *out;
	s->user = xrealloc(s->user, s->users + 1, sizeof(struct mmu *));
	s->user[s->users++] = m;
	return OK;
}

void tlb_pool_fini(struct tlb_pool *p)
{
	for (unsigned i = 0; i < p->count; i++) {
		tlb_free(p->item[i]->tlb);
		free(p->item[i]->user);
		free(p->item[i]);
	}
	free(p->item);
}

void tlb_pool_register_stats(struct tlb_pool *p, struct stats *s)
{
	for (unsigned i = 0; i < p->count; i++) {
		const struct shared_tlb *t = p->item[i];
		char prefix[TOPOLOGY_PREFIX_BYTES];
		topology_prefix((enum share)t->row->shared, t->unit, prefix);
		tlb_register_stats(t->tlb, s, "%s%s_tlb", prefix, t->row->name);
	}
}

cycles_t tlb_pool_cross_latency(const struct tlb_pool *p)
{
	cycles_t least = UINT64_MAX;
	for (unsigned i = 0; i < p->count; i++)
		if (p->item[i]->users > 1 && p->item[i]->row->hit_cycles < least)
			least = p->item[i]->row->hit_cycles;
	return least;
}
