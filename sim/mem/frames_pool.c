/* frames_pool.c - huge pages that are set aside (frames.h). */
#include "mem/frames_impl.h"

uint64_t frames_set_pool(struct frames *f, unsigned number, uint64_t count)
{
	uint64_t addr, size;
	f = frames_numbered(f, number);
	size = UINT64_C(1) << f->p.block_bits;
	struct frames_pool_stats *s = &f->pool_stats;
	while (s->total < count && frames_take_block(f, f->p.block_bits, &addr)) {
		struct range *last = f->pool.count ? &f->pool.item[f->pool.count - 1] : NULL;
		if (last && last->end == addr)
			last->end = addr + size;
		else
			frames_push(&f->pool, addr, addr + size);
		s->total++;
	}
	for (size_t i = f->pool.count; i-- > 0;)
		frames_push(&f->pool_free, f->pool.item[i].next, f->pool.item[i].end);
	s->free = s->total;
	return s->total;
}

static bool take_own_pooled(struct frames *f, uint64_t *addr)
{
	if (!frames_pop(&f->pool_free, f->p.block_bits, addr)) return false;
	f->pool_stats.free--;
	f->pool_stats.taken++;
	f->takes++;
	return true;
}

bool frames_take_pooled(struct frames *f, uint64_t *addr)
{
	struct frames *first = frames_preferred(f);
	if (take_own_pooled(first, addr)) return true;
	for (unsigned i = 1; i < f->ordered; i++) {
		struct frames *other = f->region[f->order[i]];
		if (!take_own_pooled(other, addr)) continue;
		other->pool_stats.other_node++;
		return true;
	}
	first->pool_stats.failed++;
	return false;
}

bool frames_is_own_pooled(const struct frames *f, uint64_t addr)
{
	for (size_t i = 0; i < f->pool.count; i++)
		if (addr >= f->pool.item[i].next && addr < f->pool.item[i].end) return true;
	return false;
}

bool frames_is_pooled(const struct frames *f, uint64_t addr)
{
	return frames_is_own_pooled(f->region ? f->region[frames_region_of(f, addr)] : f, addr);
}

struct frames_pool_stats *frames_pool_stats(struct frames *f, unsigned number)
{
	return &frames_numbered(f, number)->pool_stats;
}
