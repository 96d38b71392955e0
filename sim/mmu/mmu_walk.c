#include "base/order.h"
#include "mmu/mmu_steps.h"
#include "mmu/neighbours.h"
#include "mmu/page_design.h"
#include "mmu/prefetch.h"

void mmu_write_look_up(struct mmu *m, enum why_kind kind, const struct tlb *t, uint64_t address,
		       const struct tlb_entry *e, cycles_t begin, cycles_t end)
{
	const char *outcome = !e ? "miss" : e->ready > begin ? "is being walked, waits" : "hit";
	why_leaf(m->why, (struct why_span){begin, end, .name = t->params.name, .outcome = outcome,
					   .kind = (uint8_t)kind, .address = address});
}

/* --- what is rare in a walk, or only for who looks on ------------------------------------------------------------- */

size_t mmu_open_read(struct mmu *m, struct pa pa, const struct walk_ref *ref)
{
	return why_open(m->why, (struct why_span){.begin = m->now,
						  .kind = WHY_DESCRIPTOR,
						  .address = pa.raw,
						  .value = physmem_read64(m->memory, pa),
						  .cause = ref->cause,
						  .stage = ref->cause == CAUSE_S1_WALK ? 1 : 2,
						  .level = ref->level});
}

void mmu_close_read(struct mmu *m, size_t span, unsigned served, cycles_t done)
{
	struct why *w = m->why;
	if (why_count(w) == span + 1)
		why_leaf(w,
			 (struct why_span){m->now, done, .name = m->served_names[served], .kind = WHY_CACHE});
	if (m->cycles_per_level)
		why_leaf(w, (struct why_span){done, done + m->cycles_per_level, .kind = WHY_WALKER_STEP});
	why_close(w, span, done + m->cycles_per_level);
}

bool mmu_update_descriptor(struct mmu *m, struct pa pa, uint64_t old, uint64_t now)
{
	unsigned served;
	if (m->ahead) return m->ahead_refused = true;
	m->req.pa = pa;
	m->req.kind = ACCESS_WRITE;
	size_t span = why_open(
		m->why,
		(struct why_span){.begin = m->now, .kind = WHY_UPDATE, .address = pa.raw, .value = now});
	cycles_t begin = m->now;
	m->now = mem_access(m->port, &m->req, m->now, m->first_cache, &served);
	if (why_count(m->why) == span + 1)
		why_leaf(m->why, (struct why_span){begin, m->now, .name = m->served_names[m->first_cache],
						   .kind = WHY_CACHE});
	why_close(m->why, span, m->now);
	m->stats.descriptor_updates++;
	return physmem_cas64(m->memory, pa, old, now);
}

void mmu_ask_evictors(const struct mmu *m, struct tlb *t, const struct tlb_fill *f)
{
	evictors_act(t->evictors, m->port->cpu->agent);
	tlb_ask_evictors(t, f);
}

/* --- the steps as struct walk_mem names them ----------------------------------------------------------------------- */

static struct walk_shape shape_of(const struct mmu *m)
{
	return (struct walk_shape){.nested = m->regime.s2.on};
}

static uint64_t read_descriptor(void *self, struct pa pa, const struct walk_ref *ref)
{
	struct mmu *m = self;
	const struct stage_info *s = ref->cause == CAUSE_S1_WALK
					     ? regime_stage1(&m->regime, (struct va){ref->input})
					     : &m->regime.s2;
	return step_read(m, s, pa, ref, shape_of(m));
}

static bool update_descriptor(void *self, struct pa pa, uint64_t old, uint64_t now)
{
	return mmu_update_descriptor(self, pa, old, now);
}

static void resume(void *self, const struct stage_info *s, uint64_t input, struct walk_pos *pos)
{
	step_resume(self, s, s->stage, input, pos, shape_of(self));
}

static void learn(void *self, const struct stage_info *s, uint64_t input, const struct walk_pos *pos)
{
	step_learn(self, s, s->stage, input, pos, shape_of(self));
}

static bool find_table(void *self, uint64_t ipa, struct pa *out)
{
	return step_find_table(self, ipa, out, shape_of(self));
}

static const struct leaf *find_stage2(void *self, uint64_t ipa, struct access a, enum req_cause cause)
{
	return step_find_stage2(self, ipa, a, cause, shape_of(self));
}

static void learn_stage2(void *self, uint64_t ipa, const struct leaf *leaf)
{
	step_learn_stage2(self, ipa, leaf, shape_of(self));
}

static void found(void *self, const struct stage_info *s, const struct walk_pos *pos, uint64_t input,
		  struct pa pa, const struct leaf *leaf)
{
	struct mmu *m = self;
	if (m->wants_neighbours) m->end[s->stage - 1] = (struct walk_end){*pos, input, pa, *leaf, true, true};
}

void mmu_connect_walks(struct mmu *m)
{
	static const struct walk_shortcuts shortcuts = {resume,      learn,        find_table,
							find_stage2, learn_stage2, found};
	m->walk_mem = (struct walk_mem){m, read_descriptor, update_descriptor, &shortcuts, &m->memo};
}

/* --- walk ------------------------------------------------------------------------------------------------------ */

enum { LARGEST_BITS = 47 }; /* of an entry, where both stages are off */

struct tlb_fill mmu_fill_of(const struct mmu *m, const struct translation *t, cycles_t ready)
{
	return (struct tlb_fill){
		.va = t->va.raw,
		.pa = t->pa.raw,
		.bits = (unsigned)u64_min(u64_min(t->s1_bits, t->s2_bits), LARGEST_BITS),
		.run_bits = (unsigned)u64_min(u64_min(t->s1_run_bits, t->s2_run_bits), LARGEST_BITS),
		.like = mmu_entry_of(m, t, ready),
	};
}

/* Into m->walked, and m->made.fill: through m->design, or with what somebody who looks on asks for. */
static bool walk(struct mmu *m, uint64_t va, struct access a)
{
	m->end[0].known = m->end[1].known = false;
	if (m->design)
		page_design_walk(m, (struct va){va}, a, &m->walked);
	else
		translate(&m->regime, (struct va){va}, a, &m->walk_mem, &m->walked);
	if (m->walked.fault.kind) return m->fault.fault = m->walked.fault, false;
	m->made.fill = mmu_fill_of(m, &m->walked, m->now);
	m->made.like[0] = 0;
	return true;
}

bool mmu_walk_any(struct mmu *m, uint64_t va, struct access a, cycles_t now)
{
	cycles_t start;
	struct mmu_walker *w = choose_walker(m, now, &start);
	size_t span = why_open(m->why, (struct why_span){.begin = now, .kind = WHY_WALK, .address = va});
	if (start > now) why_leaf(m->why, (struct why_span){now, start, .kind = WHY_WALKER_QUEUE});
	m->now = start;
	bool done = walk(m, va, a);
	end_walk(m, w, now, start);
	why_close(m->why, span, m->now);
	return done || refuse_walk(m, va, a);
}

void mmu_tell_of_walk(struct mmu *m, const struct tlb_fill *f, struct access a)
{
	for (unsigned i = 0; i < f->near_count; i++) mmu_tell_walked(m, &f->near[i], f->near[i].va, a);
	struct tlb_entry e = f->like;
	e.bits = (uint8_t)f->bits;
	e.va_mask = ~bits_ones(f->bits);
	e.va = f->va & e.va_mask;
	e.pa = f->pa & e.va_mask;
	mmu_tell_walked(m, &e, f->va, a);
}

enum mmu_ahead mmu_walk_ahead(struct mmu *m, uint64_t va, struct access a, cycles_t now, struct tlb_fill *out,
			      struct tlb_entry *near)
{
	cycles_t start;
	struct mmu_walker *w = choose_walker(m, now, &start);
	struct why *why = m->why, *port_why = m->port->why;
	struct translation t;
	if (start > now) return MMU_NO_WALKER;
	m->why = m->port->why = NULL; /* no part of the access that is explained */
	m->count = &m->prefetch->walks;
	m->ahead = true;
	m->ahead_refused = false;
	m->end[0].known = m->end[1].known = false;
	m->now = now;
	if (m->design)
		page_design_walk(m, (struct va){va}, a, &t);
	else
		translate(&m->regime, (struct va){va}, a, &m->walk_mem, &t);
	*w = (struct mmu_walker){.from = now, .until = m->now};
	m->count->walks++;
	m->count->faults += t.fault.kind != FAULT_NONE;
	hist_add(&m->count->walk_cycles, m->now - now);
	m->ahead = false;
	m->count = &m->stats;
	m->why = why;
	m->port->why = port_why;
	if (t.fault.kind || m->ahead_refused) return MMU_REFUSED;
	*out = mmu_fill_of(m, &t, m->now);
	out->near = near;
	if (m->wants_neighbours) out->near_count = mmu_neighbours(m, &t, a, m->now, near);
	if (m->observer) mmu_tell_of_walk(m, out, a);
	return MMU_WALKED;
}
