/* core_watch.c - running while somebody asks where the cycles of accesses go.
 *
 * Each step is executed by core.c; what the clocks did is told from how they stood before and after it.
 */
#include "base/order.h"
#include "cpu/core_steps.h"

/* --- faults ------------------------------------------------------------------------------------------------------ */

static cycles_t spent_in(const struct core_spent *spent, enum core_bucket bucket)
{
	cycles_t sum = 0;
	for (unsigned el = 0; el < CORE_LEVELS; el++) sum += spent->cycles[bucket][el];
	return sum;
}

void core_watch_fault(struct core *c, const struct mmu_fault *fault, const struct core_spent *spent,
		      cycles_t now)
{
	static const struct {
		enum core_bucket bucket;
		enum why_kind kind;
	} parts[] = {{BUCKET_EXCEPTION, WHY_EXCEPTION},
		     {BUCKET_HYPERVISOR, WHY_HYPERVISOR},
		     {BUCKET_VMM, WHY_VMM},
		     {BUCKET_FIRMWARE, WHY_FIRMWARE},
		     {BUCKET_IDLE, WHY_IDLE},
		     {BUCKET_BASE, WHY_GUEST}};
	cycles_t at = core_now(c);
	struct why *w = &c->watch->why;
	size_t span = why_open(w,
			       (struct why_span){.begin = now,
						 .kind = WHY_FAULT,
						 .name = fault_kind_name((enum fault_kind)fault->fault.kind),
						 .stage = fault->fault.stage,
						 .level = fault->fault.level,
						 .address = fault->va.raw});
	if (at > now) why_leaf(w, (struct why_span){now, at, .kind = WHY_RETIRE});
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		cycles_t cycles = spent_in(spent, parts[i].bucket);
		if (cycles) why_leaf(w, (struct why_span){at, at + cycles, .kind = (uint8_t)parts[i].kind});
		at += cycles;
	}
	why_close(w, span, at);
}

/* --- running ------------------------------------------------------------------------------------------------------ */

/* Where an access's spans for data begin: behind the translation, which is the first inside of the root. */
static size_t after_translation(const struct why *w, cycles_t *known)
{
	size_t i = 1;
	while (w->span[i].kind != WHY_TRANSLATION) i++;
	*known = w->span[i].end;
	while (++i < w->count && w->span[i].depth > 1) continue;
	return i;
}

/* Puts what memory told, or that the first cache had the line, into a span of its own from `begin` to `end`. */
static void wrap_memory(struct core *c, struct why *w, size_t at, cycles_t begin, cycles_t end)
{
	for (size_t i = at; i < w->count; i++) w->span[i].depth = 2;
	bool told = at < w->count;
	struct why_span memory = {begin, end, .kind = WHY_MEMORY, .depth = 1, .address = c->data_req.pa.raw};
	why_insert(w, at, &memory);
	if (told) return;
	w->depth = 2;
	const struct cache *first = c->mem->data.level[0];
	why_leaf(w,
		 (struct why_span){begin, end, .kind = WHY_CACHE, .name = first ? first->params.name : NULL});
}

/* A store waits for its turn to leave the core, then for room in the store buffer. */
struct store_waits {
	cycles_t known, turn, room;
};

static void note_store_waits(struct why *w, size_t *at, const struct store_waits *s)
{
	struct why_span wait = {s->known, s->turn, .kind = WHY_RETIRE, .depth = 1};
	struct why_span buffer = {s->turn, s->room, .kind = WHY_STORE_BUFFER, .depth = 1};
	if (s->turn > s->known) why_insert(w, (*at)++, &wait);
	if (s->room > s->turn) why_insert(w, (*at)++, &buffer);
}

/* Executes one load or store that lies within a line, and writes down where its cycles went. */
static bool watch_piece(struct core *c, uint64_t va, const struct record *r)
{
	struct why *w = &c->watch->why;
	bool is_store = r->kind == REC_STORE;
	cycles_t dispatched = cycle_of(c->dispatch), issue = dispatched, retire = core_now(c);
	cycles_t *slot = &c->store_done[c->store_next], slot_free = *slot, known;
	if (!is_store && (r->flags & REC_DEPENDENT) && c->last_load_done > issue) issue = c->last_load_done;
	why_reset(w);
	why_open(w, (struct why_span){.begin = dispatched, .kind = WHY_ACCESS, .address = va});
	if (issue > dispatched) why_leaf(w, (struct why_span){dispatched, issue, .kind = WHY_ISSUE});
	if (!core_step_access(c, va, r)) return false;
	cycles_t done = is_store ? *slot : c->last_load_done;
	size_t at = after_translation(w, &known);
	struct store_waits s = {known, known, known};
	if (is_store) s.turn = cycles_later(known, retire), s.room = cycles_later(s.turn, slot_free);
	note_store_waits(w, &at, &s);
	wrap_memory(c, w, at, s.room, done);
	w->depth = 1;
	why_close(w, 0, done);
	struct watched a = {.number = c->stats.accesses,
			    .va = va,
			    .issue = issue,
			    .done = done,
			    .cost = done - issue - (s.turn - s.known),
			    .kind = is_store ? ACCESS_WRITE : ACCESS_READ};
	return watch_access(c->watch, &a, &c->err) == OK;
}

static bool watch_data(struct core *c, const struct record *r)
{
	pass_gap(c, r);
	if (!watch_piece(c, r->addr, r)) return false;
	if ((r->addr & c->line_mask) + r->count <= c->line_mask + 1) return true;
	for (uint64_t va = (r->addr | c->line_mask) + 1; va < r->addr + r->count; va += c->line_mask + 1) {
		c->stats.splits++;
		if (!watch_piece(c, va, r)) return false;
	}
	return true;
}

static size_t run_watched(struct core *c, const struct record *rec, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (rec[i].kind > REC_STORE) return i;
		why_reset(&c->watch->why);
		if (!(rec[i].kind == REC_FETCH ? core_step_fetch(c, &rec[i]) : watch_data(c, &rec[i])))
			return i;
	}
	return n;
}

void core_watch(struct core *c, struct watch *w)
{
	c->watch = w;
	c->run = run_watched;
	mmu_explain(c->mmu, &w->why);
}
