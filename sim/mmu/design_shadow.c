/* design_shadow.c - shadow paging: the hypervisor keeps one table of both stages, which the walker reads as a native one.
 *
 * A walk has as many reads as without a hypervisor. The price is that the shadow has to follow the guest's tables: they are
 * write-protected, and each entry that a guest writes traps. Here the trap of an entry is taken when a walk first needs
 * it, within the walk, or when the guest unmaps it.
 * Source: as in J. Gandhi, M. D. Hill, M. M. Swift, "Agile Paging: Exceeding the Best of Nested and Shadow Paging",
 * ISCA 2016, section 2; K. Adams, O. Agesen, "A Comparison of Software and Hardware Techniques for x86 Virtualization",
 * ASPLOS 2006, section 2.
 * Not modelled: several entries brought up to date by one trap; the hypervisor's work as instructions (it is
 * page_table.trap_cycles); traps of context switches; entries that a guest writes and no walk needs.
 */
#include <assert.h>

#include "mmu/shadow.h"

/* Levels as Arm's for a VA of this size in the smaller granule. */
static struct stage_info shadow_geometry(const struct mmu *m, struct va va)
{
	struct stage_info s = *regime_stage1(&m->regime, va);
	if (!m->regime.s2.on || m->regime.s2.granule_bits >= s.granule_bits) return s;
	s.granule_bits = m->regime.s2.granule_bits;
	unsigned stride = level_stride(s.granule_bits);
	s.start_level = (int8_t)(LAST_LEVEL + 1 - (s.ia_bits - s.granule_bits + stride - 1) / stride);
	return s;
}

struct design_table *shadow_table(struct mmu *m, struct va va)
{
	struct stage_info s = shadow_geometry(m, va);
	return page_design_table(m, 1, va, &s, m->regime.s2.on ? 2 : 1);
}

struct mapping shadow_mapping(const struct translation *t)
{
	uint8_t bits = t->s1_bits < t->s2_bits ? t->s1_bits : t->s2_bits;
	return (struct mapping){t->va.raw, t->pa.raw, bits};
}

void shadow_miss(struct mmu *m, struct va va)
{
	struct design_query q = {shadow_table(m, va), va.raw, CAUSE_S1_WALK};
	struct mapping found;
	page_design_look_up(m, &q, &found);
}

bool shadow_look_up(struct mmu *m, struct va va, const struct mapping *want)
{
	struct design_query q = {shadow_table(m, va), va.raw, CAUSE_S1_WALK};
	struct mapping found;
	if (!page_design_holds(m, q.in, want)) {
		shadow_miss(m, va);
		if (m->ahead && m->regime.s2.on) { /* nothing traps for a prefetch */
			m->ahead_refused = true;
			return false;
		}
		if (!page_design_hold(m, q.in, want)) return false;
		if (m->regime.s2.on) page_design_trap(m);
	}
	bool is_found = page_design_look_up(m, &q, &found);
	assert(is_found && found.out == want->out); /* the copy says what Arm's tables say */
	return true;
}

static void shadow_walk(struct mmu *m, struct access a, struct translation *t)
{
	struct mapping want = shadow_mapping(t);
	(void)a;
	if (!regime_stage1(&m->regime, t->va)->on) return;
	if (t->fault.kind)
		shadow_miss(m, t->va);
	else
		shadow_look_up(m, t->va, &want);
}

static void shadow_note(struct mmu *m, const struct translation *t)
{
	struct mapping want = shadow_mapping(t);
	if (regime_stage1(&m->regime, t->va)->on) page_design_hold(m, shadow_table(m, t->va), &want);
}

const struct page_table_design design_shadow = {.name = "shadow",
						.source = "Gandhi et al., ISCA 2016, section 2",
						.table = &table_tree,
						.walk = shadow_walk,
						.note = shadow_note,
						.traps = true};
