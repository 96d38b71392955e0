/* design_asap.c - Arm's tables, whose last levels are fetched before the walk gets there (ASAP).
 *
 * The kernel puts the tables of each of its last levels into one region of memory, in the order of the addresses that they translate, so
 * that base and offset say where a descriptor is before any other was read. When a walk of a stage begins, the walker asks the
 * caches for the descriptors of the asap_s1_levels or asap_s2_levels last levels and waits for none; the walk goes on as ever, and
 * finds them there or on their way. Under a hypervisor each walk of stage 2 begins so, too, and the regions of a guest's
 * tables are contiguous in the host's memory, so that a descriptor of stage 1 is fetched without stage 2.
 * Source: A. Margaritov, D. Ustiugov, E. Bugnion, B. Grot, "Prefetched Address Translation", MICRO 2019.
 * Not modelled: range registers that lack an area, and holes in the regions: every place is known, and it is where Arm's table is; the
 * paper's limit on how many fetches may be under way (miss registers of the caches are).
 */
#include "mmu/page_design.h"

enum { DESCRIPTORS_MAX = 8 };

/* The descriptors that a walk would read. */
struct path {
	struct mmu *m;
	enum req_cause cause; /* of those that are noted */
	unsigned count;
	struct path_read {
		struct pa pa;
		struct walk_ref ref;
	} read[DESCRIPTORS_MAX];
};

static uint64_t note_read(void *self, struct pa pa, const struct walk_ref *ref)
{
	struct path *p = self;
	if (ref->cause == p->cause && p->count < DESCRIPTORS_MAX)
		p->read[p->count++] = (struct path_read){pa, *ref};
	return physmem_read64(p->m->memory, pa);
}

static bool keep(void *self, struct pa pa, uint64_t old, uint64_t now)
{
	(void)self, (void)pa, (void)old, (void)now;
	return true;
}

static void find_path(struct path *p, const struct stage_info *s, uint64_t input)
{
	const struct access a = {.kind = ACCESS_READ, .el = p->m->access[ACCESS_READ].el};
	const struct walk_mem mem = {.self = p, .read = note_read, .update = keep};
	struct translation t;
	struct fault fault;
	struct leaf leaf;
	if (s->stage == 1)
		translate(&p->m->regime, (struct va){input}, a, &mem, &t);
	else
		translate_stage2(&p->m->regime, (struct ipa){input}, a, p->cause, &mem, &leaf, &fault);
}

/* As a walk begins: the descriptors of the last levels are asked for, all at once. */
static void fetch_last_levels(struct mmu *m, const struct stage_info *s, uint64_t input)
{
	const struct page_table_params *params = &m->design->params;
	uint64_t levels = s->stage == 1 ? params->asap_s1_levels : params->asap_s2_levels;
	enum req_cause stage2 = m->final ? CAUSE_S2_FINAL : CAUSE_S2_OF_S1;
	struct path p = {.m = m, .cause = s->stage == 1 ? CAUSE_S1_WALK : stage2};
	if (!levels || m->first_cache == m->port->levels) return;
	find_path(&p, s, input);
	for (unsigned i = 0; i < p.count; i++)
		if (p.read[i].ref.level > LAST_LEVEL - (int)levels)
			page_design_read_behind(m, p.read[i].pa, &p.read[i].ref);
}

static void fetch_and_resume(void *self, const struct stage_info *s, uint64_t input, struct walk_pos *pos)
{
	struct mmu *m = self;
	fetch_last_levels(m, s, input);
	m->walk_mem.shortcuts->resume(m, s, input, pos);
}

static uint64_t reads_waited_for(const struct mmu *m)
{
	const uint64_t *reads = m->count->descriptor_reads;
	return reads[0] + reads[1] + reads[2] - m->design->stats.background_reads;
}

static void asap_walk(struct mmu *m, struct access a, struct translation *t)
{
	struct walk_shortcuts shortcuts = *m->walk_mem.shortcuts;
	struct walk_mem mem = m->walk_mem;
	uint64_t before = reads_waited_for(m);
	shortcuts.resume = fetch_and_resume;
	mem.shortcuts = &shortcuts;
	translate(&m->regime, t->va, a, &mem, t);
	m->design->steps += reads_waited_for(m) - before;
}

const struct page_table_design design_asap = {
	.name = "asap", .source = "Margaritov et al., MICRO 2019", .walk = asap_walk};
