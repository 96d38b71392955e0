/* physmem.h - simulated physical memory: sparse 64-bit words over 52-bit addresses.
 *
 *   read64: address -> word, 0 where nothing was written       write64, cas64: any word anywhere
 *
 * It holds the descriptors of translation tables, bit for bit. What is read but never written costs
 * nothing. A 4 KiB page of words is stored in one of two forms, and which one shows only in the usage:
 *   compact  512 x 32 bits: 4 bits choose a template of attributes, 28 bits are <39:12> of the word.
 *            Templates live in sets of 16 that pages share, so that they stay in the host's L1.
 *   raw      512 x 64 bits, for pages that need more than 16 templates.
 * A word is found by a hash of its page number, then in the page: two host cache misses at worst. (A radix
 * tree is no faster here, and where scattered placement leaves one table in each of its nodes it costs many
 * times the tables.) Memory is not thread-safe; it grows and never shrinks.
 *
 * Not modelled: data. Programs' loads and stores carry no values; only tables are held here.
 */
#ifndef MEM_PHYSMEM_H
#define MEM_PHYSMEM_H

#include <assert.h>

#include "base/bits.h"
#include "base/types.h"

enum {
	PHYSMEM_PAGE_BITS = 12,
	PHYSMEM_PAGE_WORDS = 512,
	PHYSMEM_PA_BITS = 52,
	PHYSMEM_GROUP_BITS =
		2, /* pages that are neighbours in memory are so in the index: one host cache line */
	PHYSMEM_TEMPLATES = 16,  /* of one set */
	PHYSMEM_FIELD_BITS = 28, /* of the word that a compact entry holds, from bit 12 */
};

/* A page's index entry: 0 absent; <1:0> form, <47:6> host address >> 6, <63:48> template set. */
enum physmem_form { PHYSMEM_ABSENT, PHYSMEM_COMPACT, PHYSMEM_RAW }; /* a word has 2 << form bytes */

struct physmem_slot {
	uint64_t key; /* page number + 1; 0: free */
	uint64_t entry;
};
struct physmem_set {
	uint64_t word[PHYSMEM_TEMPLATES]; /* word[0] is 0; after it, a 0 is a place that is free */
};
struct physmem_arena;

/* Told of every word that is about to be written (not of physmem_clear(), which makes fresh tables). */
typedef void physmem_write_fn(void *self, struct pa pa, uint64_t old, uint64_t now);

/* Open only for the inline read; written by physmem.c alone. */
struct physmem {
	struct physmem_slot *slot; /* open addressing, linear probing, at most half full */
	uint64_t last;             /* number of slots, a power of 2, minus 1 */
	unsigned hash_shift;
	struct physmem_set *set;
	struct physmem_arena *arena;
	physmem_write_fn *on_write; /* NULL: nobody looks on */
	void *on_write_self;
};

struct physmem_usage {
	uint64_t compact_pages, raw_pages; /* 4 KiB pages of words in each form */
	uint64_t template_sets;
	uint64_t host_bytes; /* everything allocated: pages, index, sets, unused ends of chunks */
};

struct physmem *physmem_new(void);
void physmem_free(struct physmem *m);
struct physmem_usage physmem_usage(const struct physmem *m);

/* Stores `word` at `pa` (8-byte aligned, below 2^52; anything else is a bug). Writing 0 where nothing is
 * stored allocates nothing. */
void physmem_write64(struct physmem *m, struct pa pa, uint64_t word);
/* Zeroes [pa, pa + bytes), both multiples of 4 KiB. Costs next to nothing where nothing is stored. */
void physmem_clear(struct physmem *m, struct pa pa, uint64_t bytes);
/* If the word at `pa` is `expected`, stores `desired` and returns true. */
bool physmem_cas64(struct physmem *m, struct pa pa, uint64_t expected, uint64_t desired);

/* Whether `pa` is 8-byte aligned and below 2^52. */
static inline bool physmem_legal(struct pa pa)
{
	return !(pa.raw & ~bits_align_down(bits_ones(PHYSMEM_PA_BITS), 3));
}

/* Where the search for a page begins. */
static inline uint64_t physmem_hash(const struct physmem *m, uint64_t page)
{
	uint64_t group = (page >> PHYSMEM_GROUP_BITS) * UINT64_C(0x9e3779b97f4a7c15) >> m->hash_shift;
	return group << PHYSMEM_GROUP_BITS | (page & bits_ones(PHYSMEM_GROUP_BITS));
}

/* The slot of pa's page, or the free one that ends the search for it. */
static inline struct physmem_slot *physmem_slot(const struct physmem *m, struct pa pa)
{
	uint64_t page = pa.raw >> PHYSMEM_PAGE_BITS, i = physmem_hash(m, page);
	struct physmem_slot *slot = &m->slot[i];
	assert(physmem_legal(pa));
	while (__builtin_expect(slot->key != page + 1, 0) && slot->key)
		slot = &m->slot[i = (i + 1) & m->last];
	return slot;
}

/* The index entry of the page that `pa` lies in; 0 when nothing was ever written to it. */
static inline uint64_t physmem_entry(const struct physmem *m, struct pa pa)
{
	return physmem_slot(m, pa)->entry;
}

static inline void *physmem_entry_page(uint64_t entry)
{
	return (void *)(uintptr_t)(entry & UINT64_C(0xffffffffffc0));
}

/* The word that a compact cell stands for. */
static inline uint64_t physmem_expand(const struct physmem *m, uint64_t entry, uint32_t cell)
{
	const struct physmem_set *set = &m->set[entry >> 48];
	return set->word[cell >> PHYSMEM_FIELD_BITS] | (cell & bits_ones(PHYSMEM_FIELD_BITS))
							       << PHYSMEM_PAGE_BITS;
}

/* The word at `pa` of a page by its index entry. */
static inline uint64_t physmem_word(const struct physmem *m, uint64_t entry, struct pa pa)
{
	unsigned word = (pa.raw >> 3) & (PHYSMEM_PAGE_WORDS - 1);
	const void *page = physmem_entry_page(entry);
	if (__builtin_expect((entry & 3) == PHYSMEM_COMPACT, 1))
		return physmem_expand(m, entry, ((const uint32_t *)page)[word]);
	return entry ? ((const uint64_t *)page)[word] : 0;
}

/* Has the host fetch that word, which will be read some time later. Always inlined: GCC takes a function that does nothing else for one
 * without effect. */
static inline __attribute__((always_inline)) void physmem_prefetch(uint64_t entry, struct pa pa)
{
	size_t word = (pa.raw >> 3) & (PHYSMEM_PAGE_WORDS - 1);
	__builtin_prefetch((const char *)physmem_entry_page(entry) + (word << 1 << (entry & 3)));
}

/* Likewise what says where the page of `pa` is. */
static inline __attribute__((always_inline)) void physmem_prefetch_slot(const struct physmem *m, struct pa pa)
{
	__builtin_prefetch(&m->slot[physmem_hash(m, pa.raw >> PHYSMEM_PAGE_BITS)]);
}

/* The word at `pa` (8-byte aligned, below 2^52). */
static inline uint64_t physmem_read64(const struct physmem *m, struct pa pa)
{
	return physmem_word(m, physmem_entry(m, pa), pa);
}

#endif
