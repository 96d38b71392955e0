#include "mmu_world.h"

#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

enum { PA_BITS = 44, IPA_BITS = 40 };
#define TABLES_IPA UINT64_C(0x10000000)
#define TABLES_PA (UINT64_C(1) << 40)

/* --- stage 2: a function of the IPA ------------------------------------------------------------------------------- */

/* How one gigabyte (or the next block size) of a VM is mapped. */
struct chunk {
	int level;
	bool run, absent;
	uint64_t bits;
};

static unsigned chunk_bits(unsigned granule_bits)
{
	return granule_bits == GRANULE_4K ? 30 : level_entry_bits(granule_bits, 2);
}

static unsigned unit_bits(unsigned granule, int level, bool run)
{
	return level_entry_bits(granule, level) + (run ? contiguous_entries_bits(granule, level) : 0);
}

static int lowest_block_level(unsigned granule_bits) { return granule_bits == GRANULE_4K ? 1 : 2; }

static uint64_t random_stage2_bits(struct rng *r)
{
	uint64_t bits = desc_s2_attr(rng_below(r, 8) ? S2_ATTR_NORMAL_WB : S2_ATTR_DEVICE);
	if (rng_below(r, 8)) bits |= DESC_AF;
	if (rng_below(r, 8)) bits |= DESC_S2AP_READ;
	if (rng_below(r, 4)) bits |= DESC_S2AP_WRITE;
	if (rng_below(r, 4) == 0) bits |= DESC_S2_XN;
	if (rng_below(r, 4) == 0) bits |= DESC_S2_XNX;
	if (rng_below(r, 3) == 0) bits |= DESC_DBM;
	return bits;
}

static uint64_t all_stage2_bits(const struct mmu_world *w)
{
	bool fwb = w->vm[0].regs.HCR_EL2 & HCR_FWB;
	return DESC_AF | DESC_S2AP_READ | DESC_S2AP_WRITE |
	       desc_s2_attr(fwb ? S2_FWB_NORMAL_WB : S2_ATTR_NORMAL_WB);
}

static struct chunk chunk_of(const struct mmu_world *w, unsigned vm, uint64_t ipa)
{
	unsigned granule = w->setup.stage2.granule_bits;
	uint64_t number = ipa >> chunk_bits(granule);
	struct chunk c = {.level = LAST_LEVEL, .bits = all_stage2_bits(w)};
	struct rng r;
	if (!w->setup.seed) return c;
	rng_init(&r, w->setup.seed + vm * 1000003 + number * 7919, "chunk");
	c.level = rng_below(&r, 2) ? LAST_LEVEL : lowest_block_level(granule) + (int)rng_below(&r, 2);
	c.run = rng_below(&r, 3) == 0 && unit_bits(granule, c.level, true) <= chunk_bits(granule);
	uint64_t random = random_stage2_bits(&r);
	if (number == TABLES_IPA >> chunk_bits(granule)) return c;
	c.bits = random;
	c.absent = rng_below(&r, 16) == 0;
	return c;
}

static uint64_t scatter(const struct chunk *c, unsigned vm, unsigned unit, uint64_t ipa)
{
	uint64_t flip = (UINT64_C(0x2a5) << unit) & bits_ones(IPA_BITS);
	return (ipa ^ flip) | (uint64_t)(c->level & 3) << 42 | (uint64_t)vm << 41;
}

uint64_t mmu_world_pa(struct mmu_world *w, unsigned vm, uint64_t ipa, unsigned *unit)
{
	struct chunk c = chunk_of(w, vm, ipa);
	*unit = unit_bits(w->setup.stage2.granule_bits, c.level, c.run);
	if (!w->setup.two_stages) return *unit = 64, ipa;
	return scatter(&c, vm, *unit, ipa);
}

/* --- tables ------------------------------------------------------------------------------------------------------- */

static void map_stage2(struct mmu_world *w, unsigned vm, uint64_t ipa);

/* Where a table of `t` at `address` is in memory. */
static struct pa table_pa(struct mmu_world *w, const struct mmu_tree *t, uint64_t address)
{
	unsigned unit;
	if (t->vm < 0) return (struct pa){address};
	if (!w->setup.two_stages) return (struct pa){address};
	map_stage2(w, (unsigned)t->vm, address);
	return (struct pa){mmu_world_pa(w, (unsigned)t->vm, address, &unit)};
}

static uint64_t new_table(struct mmu_world *w, const struct mmu_tree *t, unsigned vm, uint64_t bytes)
{
	uint64_t *next = t->vm < 0 ? &w->vm[vm].next_table2 : &w->vm[vm].next_table;
	uint64_t table = (*next + bytes - 1) & ~(bytes - 1);
	*next = table + bytes;
	return table;
}

static uint64_t entry_at(const struct mmu_tree *t, uint64_t table, int level, uint64_t in)
{
	unsigned low = level_entry_bits(t->shape.granule_bits, level);
	uint64_t index = (in & bits_ones(t->shape.ia_bits)) >> low;
	if (level != t->shape.start) index &= bits_ones(level_stride(t->shape.granule_bits));
	return table + 8 * index;
}

/* What a new table takes away from all below it. */
static uint64_t table_limits(const struct mmu_world *w, const struct mmu_tree *t, uint64_t table)
{
	struct rng r;
	rng_init(&r, w->setup.seed + table, "limits");
	if (!w->setup.seed || t->vm < 0 || rng_below(&r, 4)) return 0;
	return bits_put(1u << rng_below(&r, 4), 62, 59);
}

static void write_leaf(struct mmu_world *w, struct mmu_tree *t, unsigned vm, uint64_t in, int level,
		       uint64_t leaf)
{
	uint64_t table = t->root;
	for (int l = t->shape.start; l < level; l++) {
		struct pa at = table_pa(w, t, entry_at(t, table, l, in));
		uint64_t old = physmem_read64(w->memory, at);
		if (!old) {
			uint64_t next = new_table(w, t, vm, UINT64_C(1) << t->shape.granule_bits);
			uint64_t desc = desc_table((struct pa){next}, DESC_OA_48) | table_limits(w, t, next);
			physmem_write64(w->memory, at, desc);
			table = next;
		} else {
			table = desc_address(old, DESC_OA_48, t->shape.granule_bits);
		}
	}
	physmem_write64(w->memory, table_pa(w, t, entry_at(t, table, level, in)), leaf);
}

static void write_unit(struct mmu_world *w, struct mmu_tree *t, unsigned vm, const struct mmu_mapping *m)
{
	unsigned granule = t->shape.granule_bits, leaf = level_entry_bits(granule, m->level);
	unsigned unit = unit_bits(granule, m->level, m->run);
	uint64_t from = bits_align_down(m->va, unit), to = bits_align_down(m->ipa, unit);
	uint64_t bits = m->bits | (unit > leaf ? DESC_CONTIGUOUS : 0);
	for (uint64_t at = 0; at < UINT64_C(1) << unit; at += UINT64_C(1) << leaf)
		write_leaf(w, t, vm, from + at, m->level, desc_leaf(to + at, DESC_OA_48, m->level) | bits);
}

static void map_stage2(struct mmu_world *w, unsigned vm, uint64_t ipa)
{
	struct chunk c = chunk_of(w, vm, ipa);
	unsigned unit;
	struct mmu_mapping m = {.va = ipa, .bits = c.bits, .level = c.level, .run = c.run};
	if (!w->setup.two_stages || c.absent) return;
	m.ipa = mmu_world_pa(w, vm, ipa, &unit);
	write_unit(w, &w->vm[vm].stage2, vm, &m);
}

void mmu_world_back(struct mmu_world *w, unsigned vm, uint64_t ipa) { map_stage2(w, vm, ipa); }

void mmu_world_map(struct mmu_world *w, struct mmu_tree *t, const struct mmu_mapping *m)
{
	unsigned granule = t->shape.granule_bits, unit = unit_bits(granule, m->level, m->run);
	uint64_t step = UINT64_C(1) << 21, from = bits_align_down(m->ipa, unit);
	write_unit(w, t, (unsigned)t->vm, m);
	for (uint64_t at = 0; at < UINT64_C(1) << unit && at < 4 * step; at += step)
		for (uint64_t page = 0; page < 1 << 16; page += 1 << 12)
			map_stage2(w, (unsigned)t->vm, from + at + page);
}

void mmu_world_map_page(struct mmu_world *w, unsigned vm, unsigned process, uint64_t va, uint64_t ipa)
{
	struct mmu_vm *v = &w->vm[vm];
	struct mmu_mapping m = {
		.va = va, .ipa = ipa, .bits = DESC_AF | DESC_AP_USER | DESC_NG, .level = LAST_LEVEL};
	mmu_world_map(w, bit_get(va, 55) ? &v->kernel : &v->user[process], &m);
}

/* --- registers ---------------------------------------------------------------------------------------------------- */

static uint64_t tg0(unsigned granule) { return granule == GRANULE_4K ? 0 : granule == GRANULE_64K ? 1 : 2; }
static uint64_t tg1(unsigned granule) { return granule == GRANULE_4K ? 2 : granule == GRANULE_64K ? 3 : 1; }

static void init_tree(struct mmu_world *w, struct mmu_tree *t, unsigned vm, struct mmu_shape shape,
		      bool stage2)
{
	*t = (struct mmu_tree){.shape = shape, .vm = stage2 ? -1 : (int)vm};
	t->root = new_table(w, t, vm, (stage2 ? UINT64_C(16) : 1) << shape.granule_bits);
}

static void init_regs(const struct mmu_setup *s, struct mmu_vm *v)
{
	uint64_t sl0 = (s->stage2.granule_bits == GRANULE_4K ? 2u : 3u) - (unsigned)s->stage2.start;
	v->regs.SCTLR_EL1 = 1 | 1 << 2 | 1 << 12;
	v->regs.MAIR_EL1 = 0x44ff;
	v->regs.TCR_EL1 = (64 - s->user.ia_bits) | (uint64_t)(64 - s->kernel.ia_bits) << 16 |
			  tg0(s->user.granule_bits) << 14 | tg1(s->kernel.granule_bits) << 30 |
			  UINT64_C(5) << 32;
	v->regs.VTCR_EL2 = (64 - s->stage2.ia_bits) | sl0 << 6 | tg0(s->stage2.granule_bits) << 14 | 5 << 16;
	v->regs.HCR_EL2 = s->two_stages ? HCR_VM : 0;
}

void mmu_world_init(struct mmu_world *w, const struct mmu_setup *s)
{
	memset(w, 0, sizeof(*w));
	w->setup = *s;
	w->features = *features_of_cpu("max");
	w->memory = physmem_new();
	for (unsigned vm = 0; vm < MMU_VMS; vm++) {
		struct mmu_vm *v = &w->vm[vm];
		init_regs(s, v);
		v->next_table = s->two_stages ? TABLES_IPA : TABLES_IPA + ((uint64_t)vm << 41);
		v->next_table2 = TABLES_PA + ((uint64_t)vm << 38);
		init_tree(w, &v->stage2, vm, s->stage2, true);
		init_tree(w, &v->kernel, vm, s->kernel, false);
		for (unsigned p = 0; p < MMU_PROCESSES; p++) init_tree(w, &v->user[p], vm, s->user, false);
		v->regs.VTTBR_EL2 = v->stage2.root | (uint64_t)(vm + 1) << 48;
	}
}

void mmu_world_fini(struct mmu_world *w)
{
	mmu_free(w->mmu);
	if (w->side) mem_cpu_fini(&w->mem);
	mem_free(w->side);
	physmem_free(w->memory);
}

void mmu_world_machine(struct mmu_world *w, const struct param_list *tlbs, const struct walker_params *walker,
		       const struct param_list *caches)
{
	struct err err;
	w->node = (struct node_params){.name = "node",
				       .size = UINT64_C(1) << PA_BITS,
				       .latency_ns = 100,
				       .bandwidth_MBps = 10000000};
	w->memory_params = (struct memory_params){.nodes = {&w->node, 1}};
	cr_assert(eq(int, mem_new(&w->memory_params, caches ? caches : &w->no_caches, 1000, &w->side, &err),
		     OK),
		  "%s", err.text);
	cr_assert(eq(int, mem_cpu_init(&w->mem, w->side, 0, &err), OK), "%s", err.text);
	cr_assert(eq(int, mmu_new(tlbs, walker, &w->mem, w->memory, &w->mmu, &err), OK), "%s", err.text);
	mmu_world_switch(w, 0, 0, 0, false);
}

/* --- use ---------------------------------------------------------------------------------------------------------- */

static void present_regs(const struct mmu_world *w, struct sysregs *regs)
{
	const struct mmu_vm *v = &w->vm[w->now_vm];
	*regs = v->regs;
	regs->TTBR0_EL1 = v->user[w->now_process].root | (uint64_t)(w->now_process + 1) << 48;
	regs->TTBR1_EL1 = v->kernel.root;
}

void mmu_world_switch(struct mmu_world *w, unsigned vm, unsigned process, unsigned el, bool pan)
{
	struct sysregs regs;
	w->now_vm = vm;
	w->now_process = process;
	w->el = el;
	w->pan = pan;
	present_regs(w, &regs);
	mmu_set_context(w->mmu, &regs, &w->features, el, pan, SEC_NONSECURE);
}

static uint64_t plain_read(void *self, struct pa pa, const struct walk_ref *ref)
{
	(void)ref;
	return physmem_read64(self, pa);
}

static bool plain_update(void *self, struct pa pa, uint64_t old, uint64_t now)
{
	(void)self, (void)pa, (void)old, (void)now;
	return true;
}

void mmu_world_expect(struct mmu_world *w, uint64_t va, enum access_kind kind, struct translation *t)
{
	struct walk_mem mem = {.self = w->memory, .read = plain_read, .update = plain_update};
	struct access a = {.kind = (uint8_t)kind, .el = (uint8_t)w->el, .pan = w->pan};
	struct sysregs regs;
	struct regime_info info;
	present_regs(w, &regs);
	regime_decode(&regs, &w->features, REGIME_EL10, SEC_NONSECURE, &info);
	translate(&info, (struct va){va}, a, &mem, t);
}

uint64_t mmu_world_reads(const struct mmu_world *w)
{
	uint64_t reads = 0;
	for (unsigned c = 0; c < MMU_WALK_CAUSES; c++) reads += w->mmu->stats.descriptor_reads[c];
	return reads;
}
