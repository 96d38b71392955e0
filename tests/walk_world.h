/* walk_world.h - a small memory with page tables in it, for tests of translation.
 *
 * Tables are built through sim/mmu/descriptor.h and read through the walk under test. Stage 2 maps
 * addresses onto themselves, so a stage 1 table has one address. Reads are counted.
 */
#ifndef TESTS_WALK_WORLD_H
#define TESTS_WALK_WORLD_H

#include <assert.h>
#include <string.h>

#include "mmu/translate.h"

enum { WORLD_WORDS = 1 << 12 };

/* The shape of one stage: what a walk of it looks like. */
struct shape {
	uint8_t granule_bits, ia_bits;
	int8_t start, leaf; /* levels */
	uint8_t layout;     /* enum desc_layout */
};

struct world {
	struct sysregs regs;
	struct features f;
	struct {
		uint64_t pa, value;
		bool used;
	} words[WORLD_WORDS];
	uint64_t next1, next2; /* where the next table of each stage goes */
	uint64_t root1, root2;
	struct shape s1, s2;
	unsigned reads, updates;
};

static inline uint64_t *world_word(struct world *w, uint64_t pa)
{
	unsigned i = (unsigned)(pa / 8 * 2654435761u) % WORLD_WORDS;
	while (w->words[i].used && w->words[i].pa != pa) i = (i + 1) % WORLD_WORDS;
	w->words[i].used = true;
	w->words[i].pa = pa;
	return &w->words[i].value;
}

static inline uint64_t world_read(void *self, struct pa pa, const struct walk_ref *ref)
{
	struct world *w = self;
	(void)ref;
	w->reads++;
	return *world_word(w, pa.raw);
}

static inline bool world_update(void *self, struct pa pa, uint64_t old, uint64_t now)
{
	struct world *w = self;
	assert(*world_word(w, pa.raw) == old);
	*world_word(w, pa.raw) = now;
	w->updates++;
	return true;
}

/* EL1&0 with 4 KiB pages and 39 bits through TTBR0, all else off, on a processor with every feature. */
static inline void world_init(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->f = *features_of_cpu("max");
	w->next1 = 0x10000;
	w->next2 = 0x40000000;
	w->s1 = (struct shape){.granule_bits = GRANULE_4K, .ia_bits = 39, .start = 1, .leaf = 3};
	w->s2 = w->s1;
	w->regs.SCTLR_EL1 = 1 | 1 << 2 | 1 << 12;
	w->regs.MAIR_EL1 = 0x44ff; /* index 0: Write-Back, 1: Non-cacheable, 2: Device */
}

static inline uint64_t world_new_table(uint64_t *next, uint64_t bytes)
{
	uint64_t table = (*next + bytes - 1) / bytes * bytes;
	*next = table + bytes;
	return table;
}

static inline uint64_t *world_entry(struct world *w, const struct shape *s, uint64_t table, int level,
				    uint64_t in)
{
	unsigned low = level_entry_bits(s->granule_bits, level);
	uint64_t index = (in & bits_ones(s->ia_bits)) >> low;
	if (level != s->start) index &= bits_ones(level_stride(s->granule_bits));
	return world_word(w, table + 8 * index);
}

/* The entry of `in` at `level`, with tables made on the way. */
static inline uint64_t *world_reach(struct world *w, const struct shape *s, uint64_t root, uint64_t *next,
				    int level, uint64_t in)
{
	uint64_t table = root;
	for (int l = s->start; l < level; l++) {
		uint64_t *entry = world_entry(w, s, table, l, in);
		if (!*entry)
			*entry = desc_table((struct pa){world_new_table(next, 1u << s->granule_bits)},
					    (enum desc_layout)s->layout);
		table = desc_address(*entry, (enum desc_layout)s->layout, s->granule_bits);
	}
	return world_entry(w, s, table, level, in);
}

static inline unsigned world_ps(const struct shape *s) { return s->layout == DESC_OA_48 ? 5 : 6; }

static inline uint64_t world_tg0(const struct shape *s)
{
	return s->granule_bits == GRANULE_4K ? 0 : s->granule_bits == GRANULE_64K ? 1 : 2;
}

static inline void world_stage1(struct world *w)
{
	if (!w->root1) w->root1 = world_new_table(&w->next1, 1u << w->s1.granule_bits);
	w->regs.TTBR0_EL1 = w->root1;
	w->regs.TCR_EL1 |= (64u - w->s1.ia_bits) | world_tg0(&w->s1) << 14 |
			   (uint64_t)world_ps(&w->s1) << 32 | bits_put(w->s1.layout == DESC_OA_DS, 59, 59) |
			   1 << 23;
}

/* Maps va -> out at the leaf level, plus `bits`; the entry itself, to be changed. */
static inline uint64_t *world_map1(struct world *w, uint64_t va, uint64_t out, uint64_t bits)
{
	world_stage1(w);
	uint64_t *entry = world_reach(w, &w->s1, w->root1, &w->next1, w->s1.leaf, va);
	out = bits_align_down(out, level_entry_bits(w->s1.granule_bits, w->s1.leaf));
	*entry = desc_leaf(out, (enum desc_layout)w->s1.layout, w->s1.leaf) | bits;
	return entry;
}

static inline void world_stage2(struct world *w)
{
	const struct shape *s = &w->s2;
	unsigned sl0 = s->granule_bits != GRANULE_4K ? 3u - (unsigned)s->start
		       : s->start == 3               ? 3u
		       : s->start < 0                ? 0u
						     : 2u - (unsigned)s->start;
	if (!w->root2) w->root2 = world_new_table(&w->next2, UINT64_C(16) << s->granule_bits);
	w->regs.VTTBR_EL2 = w->root2;
	w->regs.HCR_EL2 |= HCR_VM;
	w->regs.VTCR_EL2 = (64u - s->ia_bits) | sl0 << 6 | world_tg0(s) << 14 | world_ps(s) << 16 |
			   (w->regs.VTCR_EL2 & (3 << 21)) | bits_put(s->layout == DESC_OA_DS, 32, 32) |
			   bits_put(s->start < 0, 33, 33);
}

static const uint64_t s2_all = DESC_AF | DESC_S2AP_READ | DESC_S2AP_WRITE | S2_ATTR_NORMAL_WB << 2;

/* Maps `ipa` onto itself, plus `bits`. */
static inline uint64_t *world_map2(struct world *w, uint64_t ipa, uint64_t bits)
{
	world_stage2(w);
	uint64_t *entry = world_reach(w, &w->s2, w->root2, &w->next2, w->s2.leaf, ipa);
	ipa = bits_align_down(ipa, level_entry_bits(w->s2.granule_bits, w->s2.leaf));
	*entry = desc_leaf(ipa, (enum desc_layout)w->s2.layout, w->s2.leaf) | bits;
	return entry;
}

/* Stage 2 entries for every stage 1 table made so far. */
static inline void world_map2_tables(struct world *w)
{
	for (uint64_t at = 0x10000; at < w->next1; at += 0x1000) world_map2(w, at, s2_all);
}

static inline struct translation world_translate(struct world *w, uint64_t va, struct access a)
{
	struct regime_info r;
	struct translation t;
	struct walk_mem mem = {.self = w, .read = world_read, .update = world_update};
	w->reads = 0;
	regime_decode(&w->regs, &w->f, regime_of_el(&w->regs, &w->f, a.el, SEC_NONSECURE), SEC_NONSECURE, &r);
	translate(&r, (struct va){va}, a, &mem, &t);
	return t;
}

/* The fault of an access as a text, "ok" without one. */
static inline const char *world_try(struct world *w, uint64_t va, struct access a)
{
	static char text[40];
	struct translation t = world_translate(w, va, a);
	fault_describe(&t.fault, text, sizeof(text));
	return text;
}

static const struct access read0 = {ACCESS_READ, 0, false, false}, read1 = {ACCESS_READ, 1, false, false};
static const struct access write0 = {ACCESS_WRITE, 0, false, false}, write1 = {ACCESS_WRITE, 1, false, false};
static const struct access fetch0 = {ACCESS_FETCH, 0, false, false}, fetch1 = {ACCESS_FETCH, 1, false, false};

#endif
