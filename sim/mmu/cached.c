#include "mmu/cached.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static unsigned bucket_of(uint64_t key)
{
	return (unsigned)(key * UINT64_C(0x9e3779b97f4a7c15) >> 52) % CACHED_BUCKETS;
}

struct cached **cached_bucket(struct cached_set *s, uint64_t va, unsigned bits)
{
	return &s->bucket[bucket_of((va >> bits) + bits)];
}

static void link_in(struct cached_set *s, struct cached *c)
{
	struct cached **list = cached_bucket(s, c->entry.va, c->entry.bits);
	c->link = list;
	c->next = *list;
	if (c->next) c->next->link = &c->next;
	*list = c;
	s->size_count[c->entry.bits]++;
	s->count++;
}

static void link_out(struct cached_set *s, struct cached *c)
{
	*c->link = c->next;
	if (c->next) c->next->link = c->link;
	s->size_count[c->entry.bits]--;
	s->count--;
}

struct cached *cached_add(struct cached_set *s, const struct tlb_entry *e)
{
	struct cached *c = xcalloc(1, sizeof(*c));
	c->entry = *e;
	link_in(s, c);
	return c;
}

static void forget_invalidations(struct cached *c)
{
	c->reported = c->ordered = c->early = c->before_ipa = false;
	memset(c->taken_by, 0, sizeof(c->taken_by));
	memset(c->gone, 0, sizeof(c->gone));
}

void cached_outdate(struct cached *c, const struct descriptor_write *w)
{
	c->write = *w;
	forget_invalidations(c);
}

static void unlink_dependence(const struct dependence *d)
{
	*d->link = d->next;
	if (d->next) d->next->link = d->link;
}

void cached_renew(struct cached *c)
{
	for (unsigned i = 0; i < c->deps; i++) unlink_dependence(&c->dep[i]);
	c->deps = 0;
	c->table_bits = 0;
	c->needs_tables = c->needs_ipa = false;
	cached_outdate(c, &(struct descriptor_write){0});
}

void cached_remove(struct cached_set *s, struct cached *c)
{
	cached_renew(c);
	link_out(s, c);
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

static struct descriptor *find_or_add(struct cached_set *s, struct pa pa, struct descriptor_kind kind)
{
	struct descriptor *d = cached_find_descriptor(s, pa), **list = &s->descriptor[bucket_of(pa.raw >> 3)];
	if (!d) {
		d = xcalloc(1, sizeof(*d));
		*d = (struct descriptor){.pa = pa, .next = *list};
		*list = d;
	}
	d->kind = kind;
	return d;
}

static void add_dependence(struct cached *c, struct descriptor *of, struct dependence what)
{
	assert(c->deps < CACHED_DEPS_MAX);
	struct dependence *d = &c->dep[c->deps++];
	*d = what;
	d->owner = c;
	d->descriptor = of;
	d->next = of->first;
	d->link = &of->first;
	if (d->next) d->next->link = &d->next;
	of->first = d;
}

void cached_depend(struct cached_set *s, struct cached *c, struct pa pa, const struct walk_ref *ref,
		   uint64_t value, const struct stage_info *of)
{
	struct descriptor_kind kind = {of->stage, ref->level, of->granule_bits, of->layout};
	unsigned bits = level_entry_bits(of->granule_bits, ref->level);
	bool leaf = ref->level == LAST_LEVEL || !(value & DESC_TABLE);
	if (!leaf && of->stage == 1) c->table_bits = (uint8_t)bits;
	add_dependence(c, find_or_add(s, pa, kind),
		       (struct dependence){.value = value,
					   .input = ref->input,
					   .bits = (uint8_t)(leaf ? bits : GRANULE_4K),
					   .leaf = leaf});
}

/* --- tables alone ------------------------------------------------------------------------------------------------ */

static bool is_table_of(const struct dependence *d) { return !d->leaf && d->descriptor->kind.stage == 1; }

static void keep_table_dependences(struct cached *c)
{
	unsigned count = c->deps;
	struct dependence dep[CACHED_DEPS_MAX];
	memcpy(dep, c->dep, count * sizeof(*dep));
	for (unsigned i = 0; i < count; i++) unlink_dependence(&c->dep[i]);
	c->deps = 0;
	for (unsigned i = 0; i < count; i++)
		if (is_table_of(&dep[i])) add_dependence(c, dep[i].descriptor, dep[i]);
}

static bool same_tables(const struct cached *a, const struct cached *b)
{
	bool same = a->tables_only && a->cpu == b->cpu && a->entry.tag == b->entry.tag &&
		    a->entry.va == b->entry.va && a->entry.bits == b->entry.bits && a->deps == b->deps;
	for (unsigned i = 0; same && i < a->deps; i++)
		same = a->dep[i].descriptor == b->dep[i].descriptor && a->dep[i].value == b->dep[i].value;
	return same;
}

static bool is_known(const struct cached_set *s, const struct cached *c)
{
	const struct cached *x = *cached_bucket((struct cached_set *)s, c->entry.va, c->entry.bits);
	while (x && (x == c || !same_tables(x, c))) x = x->next;
	return x;
}

void cached_keep_tables(struct cached_set *s, struct cached *c)
{
	const uint64_t region = ~bits_ones(c->table_bits);
	keep_table_dependences(c);
	link_out(s, c);
	c->entry = (struct tlb_entry){.va = c->va.raw & region,
				      .va_mask = region,
				      .tag = c->entry.tag,
				      .tag_mask = TLB_TAG_ALL,
				      .bits = c->table_bits,
				      .level = TLB_LEVEL_ANY};
	c->tables_only = true;
	c->needs_ipa = false;
	cached_outdate(c, &(struct descriptor_write){0});
	link_in(s, c);
	if (is_known(s, c)) cached_remove(s, c);
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
