#include "mmu/page_design.h"

#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"

/* --- Arm's tables, without time -------------------------------------------------------------------------------- */

static uint64_t read_word(void *self, struct pa pa, const struct walk_ref *ref)
{
	(void)ref;
	return physmem_read64(((struct mmu *)self)->memory, pa);
}

static bool update_word(void *self, struct pa pa, uint64_t old, uint64_t now)
{
	struct mmu *m = self;
	if (m->ahead) return m->ahead_refused = true;
	m->stats.descriptor_updates++;
	return physmem_cas64(m->memory, pa, old, now);
}

static struct walk_mem untimed(struct mmu *m)
{
	return (struct walk_mem){.self = m, .read = read_word, .update = update_word};
}

/* --- tables ---------------------------------------------------------------------------------------------------- */

static struct design_table *add_table(struct design_tables *d)
{
	if (is_power_of_2(d->count) || !d->count)
		d->table = xrealloc(d->table, d->count ? 2 * d->count : 1, sizeof(*d->table));
	return &d->table[d->count++];
}

/* What tables have counted is this core's doing. */
static void take_over_counts(struct page_design *d)
{
	uint64_t *mine = (uint64_t *)&d->stats, *done = (uint64_t *)&d->tables->done;
	for (size_t i = 0; i < sizeof(d->stats) / sizeof(*mine); i++) mine[i] += done[i];
	d->tables->done = (struct page_table_stats){0};
}

static tlb_tag_t without_asid(tlb_tag_t tag) { return tag & ~bits_ones(TLB_TAG_ASID_BITS); }

/* A table by frame is of one memory: a guest's, or the machine's in one security state. */
static tlb_tag_t memory_of(const struct mmu *m, unsigned stage)
{
	return stage == 1 ? without_asid(m->tag) : (tlb_tag_t)m->regime.security;
}

static bool is_upper(const struct mmu *m, unsigned stage, uint64_t address)
{
	return stage == 1 && m->regime.two_ranges && bit_get(address, 55);
}

/* Which address space a table belongs to; a table for all of them belongs to nobody. */
static struct design_table key_of(const struct mmu *m, unsigned stage, struct va va)
{
	struct design_table k = {.stage = stage};
	const struct table_kind *kind = m->design->row->table;
	if (kind->displaces) k.owner = memory_of(m, stage);
	if (kind->shared) return k;
	k.owner = stage == 1 ? m->tag : m->stage2_tag;
	k.upper = is_upper(m, stage, va.raw);
	return k;
}

static struct design_table *find_table(const struct page_design *d, const struct design_table *key)
{
	for (unsigned i = 0; i < d->tables->count; i++) {
		struct design_table *t = &d->tables->table[i];
		if (t->stage == key->stage && t->owner == key->owner && t->upper == key->upper) return t;
	}
	return NULL;
}

struct design_table *page_design_table(struct mmu *m, unsigned stage, struct va va,
				       const struct stage_info *s, unsigned space)
{
	struct page_design *d = m->design;
	struct design_table key = key_of(m, stage, va), *t = find_table(d, &key);
	if (t) return t;
	struct design_tables *tables = d->tables;
	struct table_site site = {.memory = &tables->memory,
				  .params = &tables->params,
				  .stats = &tables->done,
				  .space = space,
				  .s = *s};
	assert(tables->memory.take); /* the machine hands it over before anything runs */
	key.s = *s;
	key.space = space;
	key.table = d->row->table->make(&site);
	take_over_counts(d);
	t = add_table(tables);
	*t = key;
	return t;
}

/* Whose mapping it is. A table by frame has a kernel's page, of the upper half, once for all ASIDs. */
static tlb_tag_t tag_of(const struct mmu *m, const struct design_table *t, uint64_t address)
{
	if (t->stage == 2) return m->stage2_tag;
	return is_upper(m, 1, address) && m->design->row->table->displaces ? memory_of(m, 1) : m->tag;
}

/* A look-up's input: the bits that the stage translates. A shared table tells the halves of stage 1 apart. */
static uint64_t input_of(const struct mmu *m, const struct design_table *t, uint64_t address)
{
	bool both_halves = m->design->row->table->shared && t->stage == 1;
	return address & bits_ones(both_halves ? 56 : t->s.ia_bits);
}

bool page_design_holds(const struct mmu *m, const struct design_table *t, const struct mapping *want)
{
	struct mapping has;
	uint64_t input = input_of(m, t, want->input);
	return m->design->row->table->find(t->table, input, tag_of(m, t, want->input), &has) &&
	       has.out == want->out && has.bits <= want->bits;
}

static void forget_positions_in(struct mmu *m, unsigned stage, const struct tlb_match *match)
{
	for (unsigned i = 0; i < m->caches[stage - 1]; i++) tlb_invalidate(m->cache[stage - 1][i].tlb, match);
}

/* Who puts a leaf in the place of a node flushes the walk caches of where that was, in all cores. */
static void forget_positions(struct mmu *m, const struct design_table *t, const struct mapping *leaf)
{
	const struct design_tables *tables = m->design->tables;
	struct tlb_match match = {.by_address = true,
				  .first = bits_align_down(leaf->input, leaf->bits),
				  .tag = t->stage == 1 ? m->tag : m->stage2_tag,
				  .tag_mask = TLB_TAG_ALL};
	match.last = match.first | bits_ones(leaf->bits);
	if (!tables->users) forget_positions_in(m, t->stage, &match);
	for (unsigned i = 0; i < tables->users; i++) forget_positions_in(tables->user[i], t->stage, &match);
}

/* As page_design_hold(), of what the table does not hold so. */
static bool take_in(struct mmu *m, const struct design_table *t, const struct mapping *add, tlb_tag_t tag,
		    bool otherwise)
{
	const struct table_kind *kind = m->design->row->table;
	struct page_table_stats *stats = &m->design->stats;
	uint64_t first = bits_align_down(add->input, add->bits);
	if (otherwise) kind->remove(t->table, first, UINT64_C(1) << add->bits, tag);
	if (kind->cuts_off && kind->cuts_off(t->table, add)) forget_positions(m, t, add);
	bool held = kind->insert(t->table, add, tag);
	take_over_counts(m->design);
	stats->corrected += otherwise;
	stats->homeless += !held;
	return held;
}

bool page_design_hold(struct mmu *m, struct design_table *t, const struct mapping *want)
{
	const struct table_kind *kind = m->design->row->table;
	struct mapping has, add = *want;
	tlb_tag_t tag = tag_of(m, t, want->input);
	add.input = input_of(m, t, want->input);
	bool known = kind->find(t->table, add.input, tag, &has);
	if (known && has.out == add.out && has.bits <= add.bits) return true;
	return take_in(m, t, &add, tag, known);
}

/* --- reads ----------------------------------------------------------------------------------------------------- */

/* Spans of time must follow each other; those of reads at once do not, and stay unwritten. */
static struct why *hush(struct mmu *m)
{
	struct why *w = m->why;
	m->why = m->port->why = NULL;
	return w;
}

static void speak(struct mmu *m, struct why *w) { m->why = m->port->why = w; }

/* What was not written down meanwhile, as one span. */
static void speak_of_reads(struct mmu *m, struct why *w, cycles_t begin, uint64_t reads, enum req_cause cause)
{
	speak(m, w);
	why_leaf(w, (struct why_span){begin, m->now, .kind = WHY_PLACES, .value = reads,
				      .cause = (uint8_t)cause});
}

void page_design_read(struct mmu *m, uint64_t pa, enum req_cause cause)
{
	struct walk_ref ref = {.cause = (uint8_t)cause, .security = m->regime.security, .address = pa};
	cycles_t begin = m->now;
	struct why *w = hush(m);
	m->walk_mem.read(m, (struct pa){pa}, &ref);
	speak_of_reads(m, w, begin, 1, cause);
	m->table_bits = 0; /* what a timed radix walk would conclude about Arm's tables */
}

/* Where a stage 1 table's address is in memory. */
static uint64_t table_pa(struct mmu *m, const struct design_table *t, uint64_t address)
{
	static const struct access read = {.kind = ACCESS_READ, .el = 1};
	if (t->space == 2 || !m->regime.s2.on) return address;
	return page_design_stage2(m, address, read, CAUSE_S2_OF_S1);
}

/* When each read of a step arrived, and how many steps that took; the last of them. */
struct arrivals {
	struct arrival {
		cycles_t now;
		uint64_t steps;
	} read[LOOKUP_READS_MAX], last;
};

static void wait_for(struct mmu *m, const struct arrival *a)
{
	m->now = a->now;
	m->design->steps = a->steps;
}

/* The walker's own time before a step. */
static void compute_hash(struct mmu *m, bool first)
{
	const struct table_kind *kind = m->design->row->table;
	bool hashes = kind->hashed || (kind->hashes_once && first);
	cycles_t cycles = hashes ? m->design->params.hash_cycles : 0;
	if (cycles) why_leaf(m->why, (struct why_span){m->now, m->now + cycles, .kind = WHY_WALKER_STEP});
	m->now += cycles;
}

/* Reads the addresses of one step at once. */
static void read_step(struct mmu *m, const struct design_query *q, const struct lookup *l,
		      struct arrivals *out)
{
	struct page_design *d = m->design;
	const struct arrival start = {m->now, d->steps};
	out->last = start;
	for (unsigned i = 0; i < l->reads; i++) {
		wait_for(m, &start);
		page_design_read(m, table_pa(m, q->in, l->read[i]), q->cause);
		out->read[i] = (struct arrival){m->now, d->steps + 1};
		if (m->now > out->last.now) out->last = out->read[i];
	}
}

void page_design_read_behind(struct mmu *m, struct pa pa, const struct walk_ref *ref)
{
	const cycles_t now = m->now;
	const unsigned bits = m->table_bits, learned = m->learned_count;
	const uint64_t table_ipa = m->table_ipa, table_pa = m->table_pa;
	struct why *w = hush(m);
	m->learned_count = 0; /* what the read says of a table is not where the walk stands */
	m->walk_mem.read(m, pa, ref);
	m->table_bits = bits;
	m->table_ipa = table_ipa;
	m->table_pa = table_pa;
	m->learned_count = learned;
	m->now = now;
	speak(m, w);
	m->design->stats.background_reads++;
}

/* A line that nobody waits for. */
static void read_behind(struct mmu *m, const struct design_query *q, uint64_t address)
{
	const struct arrival before = {m->now, m->design->steps};
	struct why *w = hush(m);
	page_design_read(m, table_pa(m, q->in, address), q->cause);
	wait_for(m, &before);
	speak(m, w);
	m->design->stats.background_reads++;
}

/* --- look-up --------------------------------------------------------------------------------------------------- */

/* Walk caches of the machine may move a tree's look-up down, and learn of the nodes that it passes. */
static void resume(struct mmu *m, const struct design_table *t, struct lookup *l)
{
	struct walk_pos start = {.level = t->s.start_level}, pos = start;
	m->walk_mem.shortcuts->resume(m, &t->s, l->input, &pos);
	m->table_bits = m->learned_count = 0;
	if (pos.level > start.level) l->pos = pos;
}

static void learn(struct mmu *m, const struct design_table *t, const struct lookup *l)
{
	m->walk_mem.shortcuts->learn(m, &t->s, l->input, &l->pos);
	m->table_bits = m->learned_count = 0;
}

/* One step, from its hashes to the read that matters; what comes next. */
static enum lookup_step take_step(struct mmu *m, const struct design_query *q, struct lookup *l, bool first)
{
	struct arrivals at;
	unsigned reads = l->reads;
	compute_hash(m, first);
	cycles_t begin = m->now;
	struct why *w = m->why;
	if (reads > 1) hush(m);
	read_step(m, q, l, &at);
	enum lookup_step step = m->design->row->table->next(q->in->table, l);
	wait_for(m, step == LOOKUP_FOUND ? &at.read[l->match] : &at.last);
	if (reads > 1) speak_of_reads(m, w, begin, reads, q->cause);
	return step;
}

bool page_design_look_up(struct mmu *m, const struct design_query *q, struct mapping *out)
{
	const struct table_kind *kind = m->design->row->table;
	struct design_table in = *q->in; /* reads through stage 2 may add tables */
	struct design_query query = {&in, q->input, q->cause};
	struct lookup l = {.input = input_of(m, &in, q->input),
			   .tag = tag_of(m, &in, q->input),
			   .user = m->design->user,
			   .of_table = q->cause == CAUSE_S2_OF_S1};
	m->design->stats.lookups++;
	m->final = q->cause == CAUSE_S2_FINAL;
	if (kind->positions) resume(m, &in, &l);
	enum lookup_step step = kind->begin(in.table, &l);
	for (unsigned i = 0; i < l.behinds; i++) read_behind(m, &query, l.behind[i]);
	for (bool first = true; step == LOOKUP_READ; first = false) {
		step = take_step(m, &query, &l, first);
		if (step == LOOKUP_READ && kind->positions) learn(m, &in, &l);
	}
	*out = l.found;
	m->design->stats.absent += step == LOOKUP_ABSENT;
	return step == LOOKUP_FOUND;
}

/* A frame that a table by frame has as another page: the walk finds nothing, and the fault's handler gives it the
 * entry. False: for a prefetch nothing faults. */
static bool remap(struct mmu *m, struct design_query q, const struct mapping *want)
{
	const struct table_kind *kind = m->design->row->table;
	const bool stage2 = q.in->stage == 2;
	struct mapping at = *want, found;
	at.input = input_of(m, q.in, want->input);
	if (!kind->displaces || page_design_holds(m, q.in, want) ||
	    !kind->displaces(q.in->table, &at, tag_of(m, q.in, want->input)))
		return true;
	page_design_look_up(m, &q, &found);
	if (m->ahead) {
		m->ahead_refused = true;
		return false;
	}
	const cycles_t cycles = m->design->params.remap_cycles;
	enum why_kind who = stage2 ? WHY_HYPERVISOR : WHY_EXCEPTION;
	why_leaf(m->why, (struct why_span){m->now, m->now + cycles, .kind = who});
	m->now += cycles;
	m->design->stats.remap_cycles += cycles;
	return true;
}

/* --- stages ---------------------------------------------------------------------------------------------------- */

static struct design_table *stage2_table(struct mmu *m)
{
	return page_design_table(m, 2, (struct va){0}, &m->regime.s2, 2);
}

static struct design_table *stage1_table(struct mmu *m, struct va va)
{
	return page_design_table(m, 1, va, regime_stage1(&m->regime, va), 1);
}

uint64_t page_design_stage2(struct mmu *m, uint64_t ipa, struct access a, enum req_cause cause)
{
	struct walk_mem mem = untimed(m);
	struct fault fault;
	struct leaf leaf;
	struct mapping found;
	const struct leaf *known = m->walk_mem.shortcuts->find_stage2(m, ipa, a, cause);
	if (known) return known->out;
	bool mapped = translate_stage2(&m->regime, (struct ipa){ipa}, a, cause, &mem, &leaf, &fault);
	struct design_query q = {stage2_table(m), ipa, cause};
	struct mapping want = {ipa, leaf.out, leaf.bits};
	if (mapped && !remap(m, q, &want)) return leaf.out;
	bool held = mapped && page_design_hold(m, q.in, &want);
	bool is_found = page_design_look_up(m, &q, &found);
	if (!mapped) return ipa;
	assert(!held || (is_found && found.out == leaf.out)); /* the copy says what Arm's tables say */
	m->walk_mem.shortcuts->learn_stage2(m, ipa, &leaf);
	return leaf.out;
}

/* Stage 1 as far as it goes: a fault of it ends where its table has nothing. True: `t` needs stage 2. */
static bool walk_stage1(struct mmu *m, const struct translation *t, uint64_t *ipa)
{
	struct mapping found, want = {t->va.raw, t->ipa.raw, t->s1_bits};
	bool held = false;
	*ipa = t->va.raw;
	if (!regime_stage1(&m->regime, t->va)->on) return true;
	struct design_query q = {stage1_table(m, t->va), t->va.raw, CAUSE_S1_WALK};
	if (!t->fault.kind && !remap(m, q, &want)) return false;
	q.in = stage1_table(m, t->va); /* stage 2 may have got a table meanwhile */
	if (!t->fault.kind) held = page_design_hold(m, q.in, &want);
	bool is_found = page_design_look_up(m, &q, &found);
	assert(!held || (is_found && found.out == t->ipa.raw));
	*ipa = t->fault.kind ? found.out : t->ipa.raw;
	return is_found || !t->fault.kind;
}

void page_design_walk_stages(struct mmu *m, struct access a, struct translation *t)
{
	uint64_t ipa;
	a.pan = false;
	if (walk_stage1(m, t, &ipa) && m->regime.s2.on) page_design_stage2(m, ipa, a, CAUSE_S2_FINAL);
}

void page_design_trap(struct mmu *m)
{
	m->design->stats.traps++;
	m->design->stats.trap_cycles += m->design->params.trap_cycles;
	why_leaf(m->why,
		 (struct why_span){m->now, m->now + m->design->params.trap_cycles, .kind = WHY_HYPERVISOR});
	m->now += m->design->params.trap_cycles;
}

/* --- walks ----------------------------------------------------------------------------------------------------- */

void page_design_walk(struct mmu *m, struct va va, struct access a, struct translation *t)
{
	/* Where the design's lines have the pages that Arm's have, those tell of the neighbours. */
	const struct walk_shortcuts ends = {.found = m->walk_mem.shortcuts->found};
	struct walk_mem mem = untimed(m);
	if (m->wants_neighbours && m->design->row->lines_of_pages) mem.shortcuts = &ends;
	m->design->steps = 0;
	m->table_bits = m->learned_count = 0;
	translate(&m->regime, va, a, &mem, t);
	m->design->row->walk(m, a, t);
	m->design->stats.steps += m->design->steps;
}

void page_design_note(struct mmu *m, const struct translation *t)
{
	if (m->design && m->design->row->note) m->design->row->note(m, t);
}

void page_design_note_stages(struct mmu *m, const struct translation *t)
{
	struct mapping s1 = {t->va.raw, t->ipa.raw, t->s1_bits}, s2 = {t->ipa.raw, t->pa.raw, t->s2_bits};
	if (regime_stage1(&m->regime, t->va)->on) page_design_hold(m, stage1_table(m, t->va), &s1);
	if (m->regime.s2.on) page_design_hold(m, stage2_table(m), &s2);
}

/* What is above a guest's last level changes where all that one of its tables maps is unmapped. */
static void leave_last_level(const struct stage_info *s, uint64_t *first, uint64_t *end)
{
	unsigned bits = level_entry_bits(s->granule_bits, LAST_LEVEL - 1);
	*first = bits_align_down(*first + bits_ones(bits), bits);
	*end = bits_align_down(*end, bits);
}

void page_design_forget(struct mmu *m, tlb_tag_t owner, struct va va, uint64_t bytes)
{
	const struct page_design *d = m->design;
	if (!d || !d->row->table) return;
	const struct table_kind *kind = d->row->table;
	const bool upper = is_upper(m, 1, va.raw), nested = m->regime.s2.on;
	struct design_table key = {.stage = 1, .owner = owner, .upper = upper};
	if (kind->shared)
		key = (struct design_table){.stage = 1, .owner = kind->displaces ? without_asid(owner) : 0};
	const struct design_table *t = find_table(d, &key);
	if (!t) return;
	uint64_t first = input_of(m, t, va.raw), end = first + bytes;
	if (d->row->upper_levels && nested) leave_last_level(regime_stage1(&m->regime, va), &first, &end);
	if (first >= end) return;
	struct page_table_stats *stats = &m->design->stats;
	uint64_t removed = stats->removed;
	kind->remove(t->table, first, end - first, upper && kind->displaces ? without_asid(owner) : owner);
	take_over_counts(m->design);
	if (d->row->traps && nested) stats->traps += stats->removed - removed;
}
