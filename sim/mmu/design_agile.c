/* design_agile.c - agile paging: a walk begins in the shadow tree, and ends nested.
 *
 * The shadow holds the upper levels. Its entry above a guest's last-level table is a switch: it says where that table is
 * in memory, and from there the walk goes on nested, with the guest's own entry and then stage 2 of what that says. So
 * a guest writes its last-level entries without a trap, and a walk has 3 + 1 + 4 reads where nested ones have 24. Blocks
 * of a guest end above the switch, and are shadowed whole.
 * Source: J. Gandhi, M. D. Hill, M. M. Swift, "Agile Paging: Exceeding the Best of Nested and Shadow Paging", ISCA 2016,
 * section 3.
 * Not modelled: its policy, which moves parts of a tree between the modes by how often they are written (the switch is
 * above the last level everywhere); a guest with a larger granule than the host's walks nested from the switch on by
 * pieces, at no further cost here; see also design_shadow.c.
 */
#include "mmu/shadow.h"

/* The last descriptor that Arm's walk reads of stage 1. */
struct last_read {
	struct mmu *m;
	struct pa pa;
	int level;
};

static uint64_t note_read(void *self, struct pa pa, const struct walk_ref *ref)
{
	struct last_read *last = self;
	if (ref->cause == CAUSE_S1_WALK) {
		last->pa = pa;
		last->level = ref->level;
	}
	return physmem_read64(last->m->memory, pa);
}

static bool keep(void *self, struct pa pa, uint64_t old, uint64_t now)
{
	(void)self, (void)pa, (void)old, (void)now;
	return true;
}

/* Where the guest's leaf is. What hardware had to update is updated already. */
static struct last_read find_leaf(struct mmu *m, struct va va, struct access a)
{
	struct last_read last = {.m = m, .level = LAST_LEVEL};
	struct walk_mem mem = {.self = &last, .read = note_read, .update = keep};
	struct translation t;
	translate(&m->regime, va, a, &mem, &t);
	return last;
}

/* What the shadow holds above a last-level table: its page number, in the place of an output address. */
static struct mapping switch_mapping(const struct mmu *m, struct va va, struct pa leaf)
{
	unsigned granule = regime_stage1(&m->regime, va)->granule_bits;
	unsigned bits = level_entry_bits(granule, LAST_LEVEL - 1);
	uint64_t within = va.raw & bits_ones(bits);
	return (struct mapping){va.raw, leaf.raw >> granule << bits | within, (uint8_t)bits};
}

static bool is_switched(const struct mmu *m, const struct translation *t)
{
	return m->regime.s2.on && t->s1_level == LAST_LEVEL;
}

/* The guest's leaf, and stage 2 of the address in it, as a nested walk has them. */
static void walk_nested(struct mmu *m, struct pa leaf, struct access a, const struct translation *t)
{
	uint64_t *reads = &m->count->descriptor_reads[CAUSE_S2_FINAL - CAUSE_S1_WALK], before = *reads;
	struct fault fault;
	struct leaf final;
	a.pan = false;
	const struct walk_ref ref = {.cause = CAUSE_S1_WALK,
				     .security = m->regime.security,
				     .level = LAST_LEVEL,
				     .input = t->va.raw,
				     .address = leaf.raw};
	m->walk_mem.read(m, leaf, &ref);
	m->table_bits = 0; /* the design knows no place of a guest's table */
	translate_stage2(&m->regime, t->ipa, a, CAUSE_S2_FINAL, &m->walk_mem, &final, &fault);
	m->design->steps += 1 + *reads - before;
}

static void agile_walk(struct mmu *m, struct access a, struct translation *t)
{
	if (!regime_stage1(&m->regime, t->va)->on) return;
	if (t->fault.kind) {
		shadow_miss(m, t->va);
		return;
	}
	struct mapping want = shadow_mapping(t);
	struct pa leaf = find_leaf(m, t->va, a).pa;
	if (is_switched(m, t)) want = switch_mapping(m, t->va, leaf);
	shadow_look_up(m, t->va, &want);
	if (is_switched(m, t) && !mmu_is_refused(m)) walk_nested(m, leaf, a, t);
}

static void agile_note(struct mmu *m, const struct translation *t)
{
	struct mapping want = shadow_mapping(t);
	if (!regime_stage1(&m->regime, t->va)->on) return;
	if (is_switched(m, t)) want = switch_mapping(m, t->va, find_leaf(m, t->va, (struct access){0}).pa);
	page_design_hold(m, shadow_table(m, t->va), &want);
}

const struct page_table_design design_agile = {.name = "agile",
					       .source = "Gandhi et al., ISCA 2016",
					       .table = &table_tree,
					       .walk = agile_walk,
					       .note = agile_note,
					       .traps = true,
					       .upper_levels = true,
					       .lines_of_pages = true};
