/* core_translate.c - running with translation alone.
 *
 * One clock: what translation takes, in order and in full, on top of the instructions at the core's width.
 */
#include "cpu/clocks.h"
#include "cpu/core_hits.h"
#include "mmu/foresight.h"

enum { SMALLEST_PAGE = 4096 };

/* What a batch adds up to; kept apart from the core so that it stays in registers. */
struct batch_counts {
	uint64_t instructions, loads, stores, fetches, access_cycles;
};

static void add_counts(struct core *c, const struct batch_counts *b)
{
	c->instruction += b->instructions;
	c->stats.instructions += b->instructions;
	c->bucket[BUCKET_BASE] += b->instructions * c->per_instruction;
	c->stats.loads += b->loads;
	c->stats.stores += b->stores;
	c->stats.accesses += b->loads + b->stores;
	c->stats.fetches += b->fetches;
	c->stats.access_cycles += b->access_cycles + (b->loads + b->stores) * c->load_hit_cycles;
	c->dispatch = c->retire;
}

/* Translates for `n` accesses in a row to one page, and waits for the answer. */
static inline bool wait_for_page(struct core *c, uint64_t va, enum access_kind kind, uint32_t n,
				 enum core_bucket bucket, struct batch_counts *b)
{
	struct mmu_done tr;
	cycles_t start = cycle_of(c->retire);
	if (!mmu_translate(c->mmu, va, kind, n, start, &tr)) return false;
	if (__builtin_expect(tr.cycle == start, 1)) return true;
	b->access_cycles += kind == ACCESS_FETCH ? 0 : tr.cycle - start;
	hold_retire(c, clock_of(tr.cycle), bucket);
	return true;
}

static bool fetch_pages(struct core *c, const struct record *r, struct batch_counts *b)
{
	uint64_t va = r->addr, left = r->count;
	follow_branch(c, va);
	while (left) {
		uint64_t room = (SMALLEST_PAGE - (va & (SMALLEST_PAGE - 1)) + 3) / 4,
			 n = left < room ? left : room;
		if (!wait_for_page(c, va, ACCESS_FETCH, (uint32_t)n, BUCKET_FETCH_TRANSLATION, b))
			return false;
		b->instructions += n;
		b->fetches++;
		c->retire += n * c->per_instruction;
		va += 4 * n;
		left -= n;
	}
	c->flow.pc = va - 4;
	c->next_pc = va;
	return true;
}

/* The pages after the first of an access that crosses. */
static bool touch_more_pages(struct core *c, const struct record *r, enum access_kind kind,
			     struct batch_counts *b)
{
	for (uint64_t va = (r->addr | (SMALLEST_PAGE - 1)) + 1; va < r->addr + r->count;
	     va += SMALLEST_PAGE) {
		c->stats.splits++;
		b->loads += kind == ACCESS_READ;
		b->stores += kind == ACCESS_WRITE;
		if (!wait_for_page(c, va, kind, 1, BUCKET_DATA_TRANSLATION, b)) return false;
	}
	return true;
}

static inline bool touch_data(struct core *c, const struct record *r, struct batch_counts *b)
{
	enum access_kind kind = r->kind == REC_STORE ? ACCESS_WRITE : ACCESS_READ;
	b->instructions += r->gap;
	c->retire += r->gap * c->per_instruction;
	b->loads += kind == ACCESS_READ;
	b->stores += kind == ACCESS_WRITE;
	if (!wait_for_page(c, r->addr, kind, 1, BUCKET_DATA_TRANSLATION, b)) return false;
	bool inside = (r->addr & (SMALLEST_PAGE - 1)) + r->count <= SMALLEST_PAGE ||
		      c->line_mask > SMALLEST_PAGE;
	return __builtin_expect(inside, 1) || touch_more_pages(c, r, kind, b);
}

/* --- loads and stores in a row ------------------------------------------------------------------------------------------------------ */

_Static_assert(REC_STORE == REC_LOAD + 1 && ACCESS_WRITE == ACCESS_READ + 1, "kinds follow each other");

static inline void touch(struct tlb *t, const struct tlb_entry *e, uint64_t *touches, bool in_place)
{
	if (in_place)
		t->touched[e - t->entry] = ++*touches;
	else
		tlb_touch(t, e);
}

/* Translates what the predicted entry does not answer, and waits: wait_for_page() out of line. */
static __attribute__((noinline)) bool miss(struct core *c, uint64_t va, enum access_kind kind,
					   struct batch_counts *b)
{
	struct mmu_done tr;
	cycles_t start = cycle_of(c->retire);
	if (!c->mmu->miss(c->mmu, va, kind, 1, start, &tr)) return false;
	b->access_cycles += tr.cycle - start;
	hold_retire(c, clock_of(tr.cycle), BUCKET_DATA_TRANSLATION);
	return true;
}

/* What touch_data() does, for loads and stores up to one that crosses a page or is refused, or another kind of record; a
 * predicted hit takes no time. Returns how many; of one that is refused, the gap has passed. */
static inline ALWAYS_INLINE size_t touch_all(struct core *c, const struct record *rec, size_t n,
					     struct batch_counts *b, bool in_place, bool *refused)
{
	const struct mmu *m = c->mmu;
	const uint64_t page_mask = c->line_mask > SMALLEST_PAGE ? 0 : SMALLEST_PAGE - 1;
	const uint64_t room = page_mask ? SMALLEST_PAGE : UINT64_MAX, step = c->per_instruction;
	struct tlb *t = m->first[ACCESS_READ];
	uint64_t retire = c->retire, touches = t->touches, instructions = 0, stores = 0, misses = 0;
	const struct record *r = rec, *end = rec + n;
	for (; r != end; r++) {
		unsigned kind = (unsigned)r->kind - REC_LOAD;
		uint64_t next = retire + r->gap * step;
		if (__builtin_expect(kind > ACCESS_WRITE || (r->addr & page_mask) + r->count > room, 0))
			break;
		const struct tlb_entry *e = mmu_predicted(m, t, r->addr, (enum access_kind)kind,
							  cycle_of(next));
		retire = next;
		instructions += r->gap;
		stores += kind;
		if (__builtin_expect(e != NULL, 1)) {
			touch(t, e, &touches, in_place);
			continue;
		}
		misses++;
		if (end - r > FORESIGHT_RECORDS) mmu_foresee(c->mmu, r[FORESIGHT_RECORDS].addr, false);
		c->retire = next;
		if (in_place) t->touches = touches;
		*refused = !miss(c, r->addr, (enum access_kind)kind, b);
		touches = t->touches;
		retire = c->retire;
		if (*refused) break;
	}
	size_t count = (size_t)(r - rec);
	c->retire = retire;
	b->instructions += instructions;
	b->stores += stores;
	b->loads += count + *refused - stores;
	if (in_place) t->touches = touches;
	t->stats.lookups += count + *refused - misses;
	t->stats.hits += count + *refused - misses;
	return count;
}

/* --- running --------------------------------------------------------------------------------------------------- */

static bool execute(struct core *c, const struct record *r, struct batch_counts *b)
{
	return r->kind == REC_FETCH ? fetch_pages(c, r, b) : touch_data(c, r, b);
}

enum hit_loop { NO_LOOP, CALLED, IN_PLACE };

static inline ALWAYS_INLINE size_t run(struct core *c, const struct record *rec, size_t n, enum hit_loop loop)
{
	struct batch_counts counts = {0};
	bool refused = false;
	size_t i = 0;
	for (; i < n; i++) {
		if (loop != NO_LOOP) i += touch_all(c, rec + i, n - i, &counts, loop == IN_PLACE, &refused);
		if (i == n || refused || rec[i].kind > REC_STORE || !execute(c, &rec[i], &counts)) break;
	}
	add_counts(c, &counts);
	return i;
}

static size_t run_no_loop(struct core *c, const struct record *rec, size_t n)
{
	return run(c, rec, n, NO_LOOP);
}

static size_t run_called(struct core *c, const struct record *rec, size_t n)
{
	return run(c, rec, n, CALLED);
}
static size_t run_in_place(struct core *c, const struct record *rec, size_t n)
{
	return run(c, rec, n, IN_PLACE);
}

void core_only_translate(struct core *c)
{
	const struct tlb *t = c->mmu->first[ACCESS_READ];
	c->only_translates = true;
	c->run = t->params.hit_cycles ? run_no_loop : t->touched ? run_in_place : run_called;
}
