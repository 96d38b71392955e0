#include "tlb/free_pages.h"

static uint16_t *count_of(struct free_pages *f, int distance)
{
	return &f->count[distance + FREE_DISTANCE_MAX];
}

void free_pages_used(struct free_pages *f, int distance)
{
	uint16_t *count = count_of(f, distance);
	if (++*count <= FREE_COUNT_MAX) return;
	for (unsigned i = 0; i < sizeof(f->count) / sizeof(f->count[0]); i++) f->count[i] /= 2;
}

bool free_pages_choose(struct free_pages *f, uint64_t va, unsigned bits, int distance)
{
	if (*count_of(f, distance) > FREE_THRESHOLD) return true;
	f->sample[f->next] = (struct free_sample){va + 1, (uint8_t)bits, (int8_t)distance};
	f->next = (f->next + 1) % FREE_SAMPLES;
	return false;
}

void free_pages_missed(struct free_pages *f, uint64_t va)
{
	for (unsigned i = 0; i < FREE_SAMPLES; i++) {
		struct free_sample *s = &f->sample[i];
		if (!s->va || (va ^ (s->va - 1)) >> s->bits) continue;
		free_pages_used(f, s->distance);
		s->va = 0;
		return;
	}
}
