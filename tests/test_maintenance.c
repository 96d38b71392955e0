/* Break-before-make, and the checker of TLB maintenance on two stages; tests/cli/maintenance.sh has one stage. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

#include "mmu_world.h"
#include "mmu/maintenance.h"

/* --- which changes need a break -------------------------------------------------------------------------------- */

#define PAGE (DESC_VALID | DESC_TABLE | DESC_AF | DESC_NG | UINT64_C(0x80000000))
#define BLOCK (DESC_VALID | DESC_AF | DESC_NG | UINT64_C(0x80000000))

static const struct change {
	const char *what;
	int stage, level;
	uint64_t old, now;
	unsigned
		enough; /* the FEAT_BBM level from which no break is needed; 3: never enough, 0: none is needed */
} changes[] = {
	{"another address", 1, 3, PAGE, PAGE ^ 0x1000, 3},
	{"another address of a block", 1, 2, BLOCK, BLOCK ^ 0x200000, 3},
	{"another memory type", 1, 3, PAGE, PAGE | 1 << 2, 3},
	{"another memory type of stage 2", 2, 3, PAGE, PAGE | 1 << 5, 3},
	{"read-only", 1, 3, PAGE, PAGE | DESC_AP_READ_ONLY, 0},
	{"not executable", 1, 3, PAGE, PAGE | DESC_UXN, 0},
	{"not accessed", 1, 3, PAGE, PAGE & ~DESC_AF, 0},
	{"a software bit", 1, 3, PAGE, PAGE | UINT64_C(1) << 55, 0},
	{"global", 1, 3, PAGE, PAGE & ~DESC_NG, 3},
	{"global no more", 1, 3, PAGE & ~DESC_NG, PAGE, 0},
	{"bit 11 of stage 2", 2, 3, PAGE, PAGE & ~DESC_NG, 0},
	{"contiguous", 1, 3, PAGE, PAGE | DESC_CONTIGUOUS, 1},
	{"a table in place of a block", 1, 2, BLOCK, BLOCK | DESC_TABLE, 2},
	{"a block in place of a table", 2, 1, BLOCK | DESC_TABLE, BLOCK, 2},
	{"another table", 1, 1, BLOCK | DESC_TABLE, (BLOCK | DESC_TABLE) ^ 0x1000, 0},
	{"another shareability", 1, 3, PAGE, PAGE | 3 << 8, 3},
	{"another shareability of stage 2", 2, 2, BLOCK, BLOCK | 2 << 8, 3},
	{"bits of a block below its address", 1, 2, BLOCK, BLOCK | 0x1000, 0},
	{"bits 49:48 where they are no address", 1, 3, PAGE, PAGE | UINT64_C(1) << 48, 0},
};

Test(maintenance, a_change_needs_a_break_below_its_level_of_support)
{
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		const struct change *c = &changes[i];
		for (unsigned bbm = 0; bbm <= 2; bbm++) {
			const struct descriptor_kind kind = {(uint8_t)c->stage, (int8_t)c->level, GRANULE_4K,
							     DESC_OA_48};
			bool needed = descriptor_needs_break(&kind, c->old, c->now, bbm);
			cr_expect(eq(int, needed, bbm < c->enough), "%s at level %u", c->what, bbm);
		}
	}
}

/* Wherever the layout has bits of the output address, they are that, and nothing else. */
Test(maintenance, an_output_address_of_52_bits_is_compared_whole)
{
	static const struct descriptor_kind ds4 = {1, 3, GRANULE_4K, DESC_OA_DS},
					    ds16 = {2, 3, GRANULE_16K, DESC_OA_DS},
					    lpa = {1, 2, GRANULE_64K, DESC_OA_LPA};
	static const struct {
		const struct descriptor_kind *kind;
		uint64_t old, changed;
	} rows[] = {
		{&ds4, PAGE, UINT64_C(1) << 48}, {&ds16, PAGE, UINT64_C(1) << 49}, {&ds4, PAGE, 1 << 9},
		{&ds16, PAGE, 1 << 8},           {&lpa, BLOCK, 1 << 12},           {&lpa, BLOCK, 1 << 15}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *differs = descriptor_needs_break(rows[i].kind, rows[i].old,
							     rows[i].old ^ rows[i].changed, 2);
		cr_expect(differs && strcmp(differs, "the output address") == 0, "row %zu", i);
	}
}

/* --- two stages ------------------------------------------------------------------------------------------------ */

static const uint64_t va = 0x40001000, ipa = 0x20005000;

struct world {
	struct mmu_world w;
	struct checker *checker;
	struct mmu_observer observer;
	struct mistake last;
	unsigned mistakes;
	struct tlb_entry filled; /* by the latest walk */
	struct pa leaf;          /* the final stage 2 descriptor of `va`, ... */
	struct pa above_leaf;    /* ... and the one that leads to its table */
};

static void note_mistake(void *owner, const struct mistake *m)
{
	struct world *t = owner;
	t->last = *m;
	t->mistakes++;
}

static void hit(void *self, const struct tlb_entry *e, struct va at, struct access a)
{
	struct world *t = self;
	checker_hit(t->checker, &t->w.mmu->regime, e, at, a);
}

static void walked(void *self, const struct tlb_entry *e, struct va at, struct access a)
{
	struct world *t = self;
	t->filled = *e;
	checker_walk(t->checker, &t->w.mmu->regime, e, at, a);
}

static void written(void *self, struct pa pa, uint64_t old, uint64_t now)
{
	checker_write(((struct world *)self)->checker, pa, old, now);
}

static uint64_t find_leaf(void *self, struct pa pa, const struct walk_ref *ref)
{
	struct world *t = self;
	if (ref->cause == CAUSE_S2_FINAL) {
		t->above_leaf = t->leaf;
		t->leaf = pa;
	}
	return physmem_read64(t->w.memory, pa);
}

static void start(struct world *t)
{
	static struct tlb_params tlb = {.name = "l1",
					.level = 1,
					.side = SIDE_UNIFIED,
					.entries = 16,
					.ways = 16,
					.pages = UINT64_MAX,
					.policy = REPL_lru};
	static const struct mmu_setup setup = {.user = {GRANULE_4K, 48, 0},
					       .kernel = {GRANULE_4K, 48, 0},
					       .stage2 = {GRANULE_4K, 40, 1},
					       .two_stages = true};
	static const struct walker_params walker = {
		.walkers = 1, .first_cache = 1, .ipa_cache = {.entries = 16, .ways = 16, .policy = REPL_lru}};
	*t = (struct world){.mistakes = 0};
	mmu_world_init(&t->w, &setup);
	mmu_world_map_page(&t->w, 0, 0, va, ipa);
	mmu_world_machine(&t->w, &(struct param_list){&tlb, 1}, &walker, NULL);
	t->checker = checker_new(&t->w.features, t->w.memory, note_mistake, t);
	t->observer = (struct mmu_observer){.self = t, .hit = hit, .walked = walked};
	mmu_observe(t->w.mmu, &t->observer);
	t->w.memory->on_write = written;
	t->w.memory->on_write_self = t;
	struct walk_mem mem = {.self = t, .read = find_leaf};
	struct translation out;
	translate(&t->w.mmu->regime, (struct va){va}, (struct access){.probe = true}, &mem, &out);
	cr_assert(ne(u64, t->leaf.raw, 0));
}

static void stop(struct world *t)
{
	checker_free(t->checker);
	mmu_world_fini(&t->w);
}

static bool access_va(struct world *t)
{
	struct mmu_done done;
	return mmu_translate(t->w.mmu, va, ACCESS_READ, 1, 1000, &done);
}

/* The hypervisor, at EL2 with the VM's registers, executes an operation. */
static void tlbi(struct world *t, const char *name, uint64_t operand)
{
	struct sysregs regs = t->w.vm[0].regs;
	struct tlbi_context c = {&regs, &t->w.features, 2, SEC_NONSECURE};
	struct tlbi_op op;
	struct tlbi_scope scope;
	cr_assert(tlbi_named(name, &op) && tlbi_resolve(op, operand, &c, &scope) == TLBI_DONE);
	mmu_tlbi(t->w.mmu, &scope);
	checker_tlbi(t->checker, &scope, (struct checker_reach){NULL, NULL});
}

/* An access that a TLB answers as if it had not been told of any TLBI: it may have made the translation again. */
static void report_access(struct world *t)
{
	const struct tlb_entry stale = t->filled;
	checker_hit(t->checker, &t->w.mmu->regime, &stale, (struct va){va},
		    (struct access){.kind = ACCESS_READ, .el = 1});
}

enum { NSHST = 6, NSH = 7, ISHST = 10, ISH = 11 };

static void unmap_stage2(struct world *t)
{
	cr_assert(access_va(t));
	physmem_write64(t->w.memory, t->leaf, 0);
	checker_dsb(t->checker, ISHST);
}

Test(maintenance, a_stage_2_change_is_undone_by_ipa_and_then_by_vmid)
{
	struct world t;
	start(&t);
	unmap_stage2(&t);
	tlbi(&t, "IPAS2E1IS", ipa >> 12);
	checker_dsb(t.checker, ISH);
	tlbi(&t, "VMALLE1IS", 0);
	checker_dsb(t.checker, ISH);
	cr_expect(not(access_va(&t)));
	cr_expect(eq(uint, t.mistakes, 0));
	stop(&t);
}

Test(maintenance, by_ipa_alone_leaves_what_was_made_of_it)
{
	struct world t;
	start(&t);
	unmap_stage2(&t);
	tlbi(&t, "IPAS2E1IS", ipa >> 12);
	checker_dsb(t.checker, ISH);
	cr_expect(access_va(&t), "the combined entry still answers");
	cr_assert(eq(uint, t.mistakes, 1));
	cr_expect(eq(u8, t.last.kind, MISTAKE_NO_STAGE1_TLBI));
	cr_expect(t.last.hit);
	cr_expect(eq(u64, t.last.write.pa.raw, t.leaf.raw));
	cr_expect(eq(u8, t.last.write.stage, 2));
	stop(&t);
}

Test(maintenance, vmalle1_counts_when_the_invalidation_by_ipa_has_completed)
{
	for (int both = 0; both < 2; both++) {
		struct world t;
		start(&t);
		unmap_stage2(&t);
		if (both) tlbi(&t, "IPAS2E1IS", ipa >> 12);
		tlbi(&t, "VMALLE1IS", 0); /* a walk may make it again of what is remembered by IPA */
		checker_dsb(t.checker, ISH);
		if (!both) tlbi(&t, "IPAS2E1IS", ipa >> 12);
		checker_dsb(t.checker, ISH);
		report_access(&t);
		cr_assert(eq(uint, t.mistakes, 1));
		cr_expect(eq(u8, t.last.kind, MISTAKE_STAGE1_TLBI_EARLY));
		stop(&t);
	}
}

/* --- tables ---------------------------------------------------------------------------------------------------- */

/* The stage 2 table of `va` gets a twin, whose entry for the page is `leaf`, and that one becomes the table. */
static void change_table(struct world *t, uint64_t leaf)
{
	const struct pa twin = {UINT64_C(0x7f000000)}, table = {bits_align_down(t->leaf.raw, GRANULE_4K)};
	for (uint64_t at = 0; at < 4096; at += 8)
		physmem_write64(t->w.memory, (struct pa){twin.raw + at},
				physmem_read64(t->w.memory, (struct pa){table.raw + at}));
	physmem_write64(t->w.memory, (struct pa){twin.raw + (t->leaf.raw - table.raw)}, leaf);
	uint64_t above = physmem_read64(t->w.memory, t->above_leaf);
	physmem_write64(t->w.memory, t->above_leaf, (above ^ table.raw) | twin.raw);
}

Test(maintenance, another_table_needs_a_break_where_it_makes_another_translation)
{
	static const struct {
		uint64_t changed;
		bool needed;
	} rows[] = {{0, false},
		    {0x1000, true}, /* another address */
		    {1 << 5, true}, /* another memory type */
		    {DESC_S2AP_WRITE, false},
		    {DESC_VALID, false}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct world t;
		start(&t);
		cr_assert(access_va(&t));
		change_table(&t, physmem_read64(t.w.memory, t.leaf) ^ rows[i].changed);
		cr_assert(eq(uint, t.mistakes, rows[i].needed), "row %zu", i);
		cr_expect(eq(u64, t.last.write.pa.raw, rows[i].needed ? t.above_leaf.raw : 0), "row %zu", i);
		if (rows[i].needed) cr_expect(eq(u8, t.last.kind, MISTAKE_NO_BREAK));
		stop(&t);
	}
}

Test(maintenance, by_another_ipa_is_no_invalidation_at_all)
{
	struct world t;
	start(&t);
	unmap_stage2(&t);
	tlbi(&t, "IPAS2E1IS", (ipa >> 12) + 1);
	checker_dsb(t.checker, ISH);
	access_va(&t);
	cr_assert(eq(uint, t.mistakes, 1));
	cr_expect(eq(u8, t.last.kind, MISTAKE_NO_TLBI));
	stop(&t);
}

Test(maintenance, a_mistake_is_told_once_however_often_it_is_hit)
{
	struct world t;
	start(&t);
	unmap_stage2(&t);
	for (int i = 0; i < 3; i++) access_va(&t);
	cr_expect(eq(uint, t.mistakes, 1));
	cr_expect(eq(u64, checker_stats(t.checker)->stale_hits, 3));
	stop(&t);
}

Test(maintenance, everything_of_the_vm_at_once_is_enough)
{
	struct world t;
	start(&t);
	unmap_stage2(&t);
	tlbi(&t, "VMALLS12E1IS", 0);
	checker_dsb(t.checker, ISH);
	cr_expect(not(access_va(&t)));
	cr_expect(eq(uint, t.mistakes, 0));
	stop(&t);
}

/* --- several CPUs ---------------------------------------------------------------------------------------------- */

/* Translations of CPUs 0 and 1, then the end of it in the tables; the kernel is on CPU 0. */
static void unmap_on_two(struct world *t)
{
	static const struct tlb_match everything = {.levels = 0};
	start(t);
	cr_assert(access_va(t));
	tlb_invalidate(t->w.mmu->level[1][0], &everything); /* what CPU 1 walks for is its own */
	checker_on(t->checker, 1);
	cr_assert(access_va(t));
	checker_on(t->checker, 0);
	physmem_write64(t->w.memory, t->leaf, 0);
	checker_dsb(t->checker, ISHST);
}

static bool reaches_first(const void *ctx, unsigned cpu)
{
	(void)ctx;
	return cpu == 0;
}

static void tlbi_all(struct world *t, bool everywhere)
{
	struct tlbi_scope all = {.translations = true,
				 .ipas = true,
				 .s1_walks = true,
				 .s2_walks = true,
				 .match = {.tag = t->w.mmu->tag, .tag_mask = TLB_TAG_GLOBAL}};
	checker_tlbi(t->checker, &all, (struct checker_reach){everywhere ? NULL : reaches_first, NULL});
}

Test(maintenance, a_tlbi_that_is_not_broadcast_leaves_what_other_cpus_hold)
{
	for (int everywhere = 0; everywhere < 2; everywhere++) {
		struct world t;
		unmap_on_two(&t);
		tlbi_all(&t, everywhere);
		checker_dsb(t.checker, ISH);
		checker_on(t.checker, 1);
		access_va(&t); /* the TLB itself has not been told, and answers */
		cr_assert(eq(uint, t.mistakes, 1));
		cr_expect(eq(u8, t.last.kind, MISTAKE_NO_TLBI));
		cr_expect(eq(int, t.last.cpu, 1));
		cr_expect(eq(int, t.last.write.event == 0, everywhere), "then nothing explains the answer");
		stop(&t);
	}
}

Test(maintenance, a_dsb_of_another_cpu_completes_no_tlbi)
{
	for (unsigned cpu = 0; cpu < 2; cpu++) {
		struct world t;
		unmap_on_two(&t);
		tlbi_all(&t, true);
		checker_on(t.checker, cpu);
		checker_dsb(t.checker, ISH);
		checker_on(t.checker, 1);
		access_va(&t);
		cr_assert(eq(uint, t.mistakes, 1));
		cr_expect(eq(u8, t.last.kind, cpu ? MISTAKE_NO_DSB_AFTER : MISTAKE_NO_TLBI));
		stop(&t);
	}
}

/* CPU 0 changes the tables; the translation is of CPU 1. */
Test(maintenance, a_dsb_that_is_not_shareable_is_for_its_own_cpu)
{
	for (int shareable = 0; shareable < 2; shareable++) {
		struct world t;
		unmap_on_two(&t);
		tlbi_all(&t, true);
		checker_dsb(t.checker, shareable ? ISH : NSH);
		checker_on(t.checker, 1);
		access_va(&t);
		cr_assert(eq(uint, t.mistakes, 1));
		cr_expect(eq(u8, t.last.kind, shareable ? MISTAKE_NO_TLBI : MISTAKE_NO_DSB_AFTER));
		cr_expect(eq(int, t.last.write.event == 0, shareable), "else the TLB alone is wrong");
		stop(&t);
	}
}

Test(maintenance, of_two_cpus_that_invalidate_one_dsb_is_enough)
{
	for (unsigned waits = 0; waits < 2; waits++) {
		struct world t;
		unmap_on_two(&t);
		tlbi_all(&t, true);
		checker_on(t.checker, 1);
		tlbi_all(&t, true);
		checker_on(t.checker, waits);
		checker_dsb(t.checker, ISH);
		checker_on(t.checker, 1);
		access_va(&t);
		cr_assert(eq(uint, t.mistakes, 1));
		cr_expect(eq(u64, t.last.write.event, 0), "the translation was gone; the TLB alone is wrong");
		stop(&t);
	}
}
