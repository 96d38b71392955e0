#include "cli/arch_pending.h"

#include "base/alloc.h"

void arch_pending_note(struct arch_pendings *all, const struct arch_pending *p)
{
	if (all->count == all->room) {
		all->room = all->room ? 2 * all->room : 16;
		all->list = xrealloc(all->list, all->room, sizeof(*all->list));
	}
	all->list[all->count++] = *p;
}

struct arch_pending *arch_pending_awaited(const struct arch_pendings *all, const struct tlb_entry *e,
					  bool own)
{
	for (unsigned k = 0; k < all->count; k++) {
		struct arch_pending *p = &all->list[k];
		if (!(own ? p->here : p->elsewhere)) continue;
		if (p->scope.translations && tlb_match_takes(&p->scope.match, e)) return p;
	}
	return NULL;
}

bool arch_pending_doubt(struct arch_pending *p, const struct arch_conflict *reference)
{
	if (p->forgotten) return false;
	if (!p->doubts++) p->first = *reference;
	return true;
}

void arch_pending_forget(struct arch_pendings *all, unsigned el, arch_pending_fn *fn, void *ctx)
{
	for (unsigned k = all->forgotten; k < all->count; k++) {
		struct arch_pending *p = &all->list[k];
		if (p->forgotten || p->el <= el) continue;
		p->forgotten = true;
		if (p->doubts) fn(ctx, p);
	}
	while (all->forgotten < all->count && all->list[all->forgotten].forgotten) all->forgotten++;
}
