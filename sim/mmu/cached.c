#include "mmu/cached.h"

#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"

static unsigned bucket_of(uint64_t key)
{
	return (unsigned)(key * UINT64_C(0x9e3779b97f4a7c15) >> 52) % CACHED_BUCKETS;
}

struct cached **cached_bucket(struct cached_set *s, uint64_t va, unsigned bits)
{
	return &s->bucket[bucket_of((va >> bits) + bits)];
}

struct cached *cached_add(struct cached_set *s, const struct tlb_entry *e)
{
	struct cached *c = xcalloc(1, sizeof(*c)), **list = cached_bucket(s, e->va, e->bits);
	c->entry = *e;
	c->link = list;
	c->next = *list;
	if (c->next) c->next->link = &c->next;
	*list = c;
	s->size_count[e->bits]++;
	s->count++;
	return c;
}

void cached_renew(struct cached *c)
{
	for (unsigned i = 0; i < c->deps; i++) {
		struct dependence *d = &c->dep[i];
		*d->link = d->next;
		if (d->next) d->next->link = d->link;
	}
	c->deps = 0;
	c->write = (struct descriptor_write){0};
	c->reported = c->ordered = c->needs_tables = c->needs_ipa = c->early = false;
	c->taken = c->tables_taken = c->ipa_taken = false;
}

void cached_remove(struct cached_set *s, struct cached *c)
{
	cached_renew(c);
	*c->link = c->next;
	if (c->next) c->next->link = c->link;
	s->size_count[c->entry.bits]--;
	s->count--;
	free(c);
}

static void each_of_size(struct cached_set *s, uint64_t va, unsigned bits, tlb_tag_t tag, cached_fn *fn,
			 void *self)
{
	for (struct cached *c = *cached_bucket(s, va, bits), *next; c; c = next) {
		next = c->next;
		if (c->entry.bits == bits && tlb_matches(&c->entry, va, tag)) fn(self, c);
	}
}

void cached_each_inside(struct cached_set *s, uint64_t va, unsigned bits, tlb_tag_t tag, cached_fn *fn,
			void *self)
{
	uint64_t first = va & ~bits_ones(bits);
	for (unsigned size = 0; size < bits; size++)
		for (uint64_t at = 0; s->size_count[size] && at < UINT64_C(1) << bits;
		     at += UINT64_C(1) << size)
			each_of_size(s, first + at, size, tag, fn, self);
}

void cached_each_at(struct cached_set *s, uint64_t va, tlb_tag_t tag, cached_fn *fn, void *self)
{
	for (unsigned bits = 0; bits < 64; bits++)
		if (s->size_count[bits]) each_of_size(s, va, bits, tag, fn, self);
}

void cached_each(struct cached_set *s, cached_fn *fn, void *self)
{
	for (unsigned i = 0; i < CACHED_BUCKETS; i++) {
		for (struct cached *c = s->bucket[i], *next; c; c = next) {
			next = c->next;
			fn(self, c);
		}
	}
}

struct descriptor *cached_find_descriptor(struct cached_set *s, struct pa pa)
{
	struct descriptor *d = s->descriptor[bucket_of(pa.raw >> 3)];
	while (d && d->pa.raw != pa.raw) d = d->next;
	return d;
}

static struct descriptor *find_or_add(struct cached_set *s, struct pa pa, const struct walk_ref *ref)
{
	struct descriptor *d = cached_find_descriptor(s, pa), **list = &s->descriptor[bucket_of(pa.raw >> 3)];
	if (!d) {
		d = xcalloc(1, sizeof(*d));
		*d = (struct descriptor){.pa = pa, .next = *list};
		*list = d;
	}
	d->stage = ref->cause == CAUSE_S1_WALK ? 1 : 2;
	d->level = ref->level;
	return d;
}

void cached_depend(struct cached_set *s, struct cached *c, struct pa pa, const struct walk_ref *ref,
		   uint64_t value, unsigned granule_bits)
{
	assert(c->deps < CACHED_DEPS_MAX);
	struct descriptor *of = find_or_add(s, pa, ref);
	struct dependence *d = &c->dep[c->deps++];
	bool leaf = ref->level == LAST_LEVEL || !(value & DESC_TABLE);
	*d = (struct dependence){
		.owner = c,
		.descriptor = of,
		.value = value,
		.input = ref->input,
		.bits = (uint8_t)(leaf ? level_entry_bits(granule_bits, ref->level) : GRANULE_4K),
		.leaf = leaf,
		.next = of->first,
		.link = &of->first};
	if (d->next) d->next->link = &d->next;
	of->first = d;
}

static void free_descriptors(struct descriptor *d)
{
	while (d) {
		struct descriptor *next = d->next;
		free(d);
		d = next;
	}
}

void cached_fini(struct cached_set *s)
{
	for (unsigned i = 0; i < CACHED_BUCKETS; i++)
		while (s->bucket[i]) cached_remove(s, s->bucket[i]);
	for (unsigned i = 0; i < CACHED_BUCKETS; i++) free_descriptors(s->descriptor[i]);
}
