#include "cpu/core.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "base/order.h"
#include "cpu/core_hits.h"
#include "mmu/foresight.h"
#include "cpu/core_steps.h"

static const char *const bucket_names[] = {
#define X(name, text, doc) #text,
	CORE_BUCKETS(X)
#undef X
		NULL};

static const char *const el_names[] = {"el0", "el1", "el2", "el3", NULL};

#define F struct core_stats
static const struct stat_desc stat_rows[] = {
	STAT(F, instructions, "instructions", "instructions executed"),
	STAT(F, loads, "count", "loads, after splitting"),
	STAT(F, stores, "count", "stores, after splitting"),
	STAT(F, accesses, "count", "loads and stores, after splitting"),
	STAT(F, fetches, "count", "lines or parts of lines fetched"),
	STAT(F, access_cycles, "cycles", "latency of loads and stores, from issue to completion, added up"),
	STAT(F, splits, "count", "loads and stores that crossed a line and were split"),
	STAT(F, faults, "count", "accesses that faulted and were tried again"),
	STAT(F, cycles, "cycles", "time from the first instruction to the retirement of the last"),
	STAT_BY(F, cycles_by_bucket, bucket_names, "cycles", "where the cycles went; they add up to cycles"),
	STAT_BY(F, cycles_by_el, el_names, "cycles",
		"at which exception level; the workload's own are at that of its program; they add up to cycles"),
};
#undef F

/* Time passes for the whole core: a handler ran. */
static void stop_for(struct core *c, cycles_t cycles, enum core_bucket bucket, unsigned el)
{
	hold_retire(c, c->retire + clock_of(cycles), bucket);
	c->by_handler[bucket][el] += clock_of(cycles);
}

void core_spend(struct core *c, const struct core_spent *spent)
{
	for (unsigned bucket = 0; bucket < BUCKET_COUNT; bucket++)
		for (unsigned el = 0; el < CORE_LEVELS; el++)
			if (spent->cycles[bucket][el])
				stop_for(c, spent->cycles[bucket][el], (enum core_bucket)bucket, el);
	c->dispatch = c->retire;
}

void core_pass(struct core *c, cycles_t cycles, enum core_bucket bucket, unsigned el)
{
	stop_for(c, cycles, bucket, el);
	c->dispatch = c->retire;
}

/* --- fetch ----------------------------------------------------------------------------------------------------- */

/* The MMU met a fault at *now: its handler runs, and the walk goes on when it is done. */
static bool resolve(void *owner, const struct mmu_fault *fault, cycles_t *now)
{
	struct core *c = owner;
	struct core_spent spent = {0};
	c->stats.faults++;
	if (c->on_fault(c->fault_owner, fault, cycles_later(*now, core_now(c)), &spent, &c->err) != OK)
		return false;
	bool fetch = fault->access.kind == ACCESS_FETCH;
	hold_retire(c, clock_of(*now), fetch ? BUCKET_FETCH_TRANSLATION : BUCKET_DATA_TRANSLATION);
	if (c->watch) core_watch_fault(c, fault, &spent, *now);
	core_spend(c, &spent);
	*now = cycle_of(c->retire);
	return true;
}

/* Fetches one piece, `n` instructions within one line. */
static inline bool fetch_piece(struct core *c, uint64_t va, uint32_t n)
{
	struct mmu_done tr;
	cycles_t start = cycle_of(c->dispatch);
	if (!mmu_translate(c->mmu, va, ACCESS_FETCH, n, start, &tr)) return false;
	unsigned served;
	c->stats.fetches++;
	c->fetch_req.pa.raw = tr.pa;
	cycles_t done = mem_access(&c->mem->fetch, &c->fetch_req, tr.cycle, 0, &served);
	if (done > start + c->fetch_hit_cycles) {
		done -= c->fetch_hit_cycles;
		hold_retire(c, clock_of(tr.cycle), BUCKET_FETCH_TRANSLATION);
		hold_retire(c, clock_of(done), BUCKET_FETCH_MEMORY);
		if (clock_of(done) > c->dispatch) c->dispatch = clock_of(done);
	}
	pass_instructions(c, n);
	c->stats.instructions += n;
	return true;
}

/* Fetches the run but for its first `done` instructions. */
static inline bool fetch_rest(struct core *c, const struct record *r, uint64_t done)
{
	while (done < r->count) {
		uint64_t va = r->addr + 4 * done, n = fetch_piece_size(c, va, r->count - done);
		if (!fetch_piece(c, va, (uint32_t)n)) return false;
		done += n;
	}
	end_of_run(c, r);
	return true;
}

/* --- data ------------------------------------------------------------------------------------------------------ */

/* Translates for a load or store. `unforeseen`: no entry is predicted for it. */
static inline ALWAYS_INLINE bool translate_data(struct core *c, uint64_t va, enum access_kind kind,
						cycles_t start, bool unforeseen, struct mmu_done *out)
{
	return unforeseen ? c->mmu->miss(c->mmu, va, kind, 1, start, out)
			  : mmu_translate(c->mmu, va, kind, 1, start, out);
}

static inline ALWAYS_INLINE bool load(struct core *c, uint64_t va, bool dependent, bool unforeseen,
				      bool in_order)
{
	struct mmu_done tr;
	unsigned served;
	cycles_t start = cycle_of(c->dispatch);
	if (dependent && c->last_load_done > start) start = c->last_load_done;
	if (!translate_data(c, va, ACCESS_READ, start, unforeseen, &tr)) return false;
	c->data_req.pa.raw = tr.pa;
	c->data_req.kind = ACCESS_READ;
	cycles_t done = mem_access(&c->mem->data, &c->data_req, tr.cycle, 0, &served);
	c->last_load_done = done;
	c->stats.loads++;
	c->stats.access_cycles += done - start;
	cycles_t hidden = in_order ? c->load_hit_cycles : 0;
	if (clock_of(done) <= c->retire + clock_of(hidden)) return true;
	hold_retire(c, clock_of(tr.cycle), BUCKET_DATA_TRANSLATION);
	hold_retire(c, clock_of(done - hidden), BUCKET_DATA_MEMORY);
	if (in_order)
		c->dispatch = c->retire;
	else
		mark_rob(c, c->instruction, c->retire);
	return true;
}

static inline ALWAYS_INLINE bool store(struct core *c, uint64_t va, bool unforeseen, bool in_order)
{
	struct mmu_done tr;
	unsigned served;
	cycles_t start = cycle_of(c->dispatch);
	if (!translate_data(c, va, ACCESS_WRITE, start, unforeseen, &tr)) return false;
	uint64_t before = c->retire;
	hold_retire(c, clock_of(tr.cycle), BUCKET_DATA_TRANSLATION);
	cycles_t *slot = &c->store_done[c->store_next];
	if (++c->store_next == c->store_buffer) c->store_next = 0;
	hold_retire(c, clock_of(*slot), BUCKET_STORE_BUFFER);
	c->data_req.pa.raw = tr.pa;
	c->data_req.kind = ACCESS_WRITE;
	*slot = mem_access(&c->mem->data, &c->data_req, cycle_of(c->retire), 0, &served);
	c->stats.stores++;
	c->stats.access_cycles += *slot - start;
	if (c->retire == before) return true;
	if (in_order)
		c->dispatch = c->retire;
	else
		mark_rob(c, c->instruction, c->retire);
	return true;
}

static inline ALWAYS_INLINE bool access_piece(struct core *c, uint64_t va, const struct record *r,
					      bool unforeseen, bool in_order)
{
	c->stats.accesses++;
	if (r->kind == REC_STORE) return store(c, va, unforeseen, in_order);
	return load(c, va, r->flags & REC_DEPENDENT, unforeseen, in_order);
}

/* The pieces after the first of an access that crosses a line. */
static __attribute__((noinline)) bool access_more(struct core *c, const struct record *r, bool in_order)
{
	for (uint64_t va = (r->addr | c->line_mask) + 1; va < r->addr + r->count; va += c->line_mask + 1) {
		c->stats.splits++;
		if (!access_piece(c, va, r, false, in_order)) return false;
	}
	return true;
}

/* A load or store whose gap has passed. */
static inline ALWAYS_INLINE bool access_data(struct core *c, const struct record *r, bool unforeseen,
					     bool in_order)
{
	if (!access_piece(c, r->addr, r, unforeseen, in_order)) return false;
	if (__builtin_expect((r->addr & c->line_mask) + r->count <= c->line_mask + 1, 1)) return true;
	return access_more(c, r, in_order);
}

/* --- one step, for core_watch.c ---------------------------------------------------------------------------------- */

__attribute__((noinline, cold)) bool core_step_fetch(struct core *c, const struct record *r)
{
	follow_branch(c, r->addr);
	return fetch_rest(c, r, 0);
}

__attribute__((noinline, cold)) bool core_step_access(struct core *c, uint64_t va, const struct record *r)
{
	return c->in_order ? access_piece(c, va, r, false, true) : access_piece(c, va, r, false, false);
}

/* --- running --------------------------------------------------------------------------------------------------- */

/* What the first-level TLB is predicted to say of a record, before anything is looked up. */
enum outlook { OUTLOOK_HIT, OUTLOOK_WAIT, OUTLOOK_MISS };

/* Of a load or store: no entry is there, whenever it begins; or one whose walk will not have ended. Neither is a hit. */
static inline enum outlook outlook_of(const struct core *c, const struct record *r)
{
	enum access_kind kind = r->kind == REC_STORE ? ACCESS_WRITE : ACCESS_READ;
	if (r->kind != REC_LOAD && r->kind != REC_STORE) return OUTLOOK_HIT;
	const struct tlb_entry *e = mmu_predicted(c->mmu, c->mmu->first[kind], r->addr, kind, UINT64_MAX);
	if (!e) return OUTLOOK_MISS;
	return e->ready > cycle_of(c->dispatch) ? OUTLOOK_WAIT : OUTLOOK_HIT;
}

static inline ALWAYS_INLINE size_t run(struct core *c, const struct record *rec, size_t n, bool in_order)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t fetched = 0;
		enum outlook outlook = outlook_of(c, &rec[i]);
		if (outlook == OUTLOOK_MISS && n - i > FORESIGHT_RECORDS)
			mmu_foresee(c->mmu, rec[i + FORESIGHT_RECORDS].addr, true);
		if (outlook == OUTLOOK_HIT)
			i += c->hits(c, rec + i, n - i, &fetched);
		else
			pass_gap(c, &rec[i]); /* all that a run of hits would do */
		if (i == n || rec[i].kind > REC_STORE) return i;
		bool ok = rec[i].kind == REC_FETCH
				  ? fetch_rest(c, &rec[i], fetched)
				  : access_data(c, &rec[i], outlook == OUTLOOK_MISS, in_order);
		if (__builtin_expect(!ok, 0)) return i;
	}
	return n;
}

static size_t run_window(struct core *c, const struct record *rec, size_t n) { return run(c, rec, n, false); }
static size_t run_in_order(struct core *c, const struct record *rec, size_t n)
{
	return run(c, rec, n, true);
}

enum status core_run(struct core *c, const struct record *rec, size_t n, size_t *executed, struct err *err)
{
	*executed = c->run(c, rec, n);
	if (c->err.code == OK) return OK;
	*err = c->err;
	return err->code;
}

/* --- running beside other cores ---------------------------------------------------------------------------------- */

/* The dispatch clock once `n` more instructions have passed: what pass_instructions() makes of it. */
static uint64_t dispatch_after(const struct core *c, uint64_t n)
{
	uint64_t instruction = c->instruction + n, dispatch = c->dispatch + n * c->per_instruction;
	for (unsigned i = c->rob_tail; i != c->rob_head; i++) {
		const struct rob_mark *m = &c->rob[i & c->rob_mask];
		if (m->instruction + c->rob_size > instruction) break;
		uint64_t room = m->retired +
				(instruction - c->rob_size - m->instruction) * c->per_instruction;
		if (room > dispatch) dispatch = room;
	}
	return dispatch;
}

cycles_t core_next(const struct core *c, const struct record *rec)
{
	if (rec->kind > REC_STORE) return core_now(c);
	cycles_t start = cycle_of(dispatch_after(c, rec->kind == REC_FETCH ? 0 : rec->gap));
	bool waits = rec->kind == REC_LOAD && (rec->flags & REC_DEPENDENT) && c->last_load_done > start;
	return waits ? c->last_load_done : start;
}

/* Whether the first-level TLB has the page of `va` at `now`, and the first-level cache its line, in which there may be a write. The page may
 * still be walked, but where others may ask for the line meanwhile. */
static bool is_near(const struct core *c, uint64_t va, enum access_kind kind, cycles_t now)
{
	const struct mem_port *port = kind == ACCESS_FETCH ? &c->mem->fetch : &c->mem->data;
	const struct cache *cache = port->level[0];
	const struct tlb_entry *e = mmu_predicted(c->mmu, c->mmu->first[kind], va, kind, UINT64_MAX);
	if (!e || c->only_translates) return e != NULL;
	if (!cache || cache->params.shared || cache->ahead || (kind == ACCESS_WRITE && !cache->write_back))
		return false;
	if (cache_is_coherent(cache) && e->ready > now) return false;
	return cache_way_of(cache, mem_line_at(port, e->pa | (va & ~e->va_mask), SEC_NONSECURE)) !=
	       CACHE_MISS;
}

static bool is_private(const struct core *c, const struct record *rec, cycles_t now)
{
	static const enum access_kind kind[] = {
		[REC_FETCH] = ACCESS_FETCH, [REC_LOAD] = ACCESS_READ, [REC_STORE] = ACCESS_WRITE};
	uint64_t line = c->mem->data.side ? UINT64_C(1) << c->mem->data.line_bits : 1;
	uint64_t bytes = rec->kind == REC_FETCH ? UINT64_C(4) * rec->count : rec->count;
	uint64_t last = rec->addr + (bytes ? bytes - 1 : 0);
	for (uint64_t va = rec->addr; va <= last; va = (va | (line - 1)) + 1)
		if (!is_near(c, va, kind[rec->kind], now)) return false;
	return true;
}

bool core_goes_on(const struct core *c, const struct record *rec, cycles_t until, cycles_t *next)
{
	cycles_t now = *next = core_next(c, rec);
	if (now >= until) return false;
	if (!c->lookahead || now + c->lookahead < until) return true;
	return rec->kind <= REC_STORE && is_private(c, rec, now);
}

enum status core_run_until(struct core *c, const struct record *rec, size_t n, cycles_t until,
			   struct core_turn *turn, struct err *err)
{
	size_t i = 0;
	turn->over = false;
	do {
		if (!c->run(c, &rec[i], 1)) break;
		i++;
		if (i < n) turn->over = !core_goes_on(c, &rec[i], until, &turn->next);
	} while (i < n && rec[i].kind <= REC_STORE && !turn->over);
	turn->executed = i;
	if (c->err.code == OK) return OK;
	*err = c->err;
	return err->code;
}

/* --- building -------------------------------------------------------------------------------------------------- */

void core_init(struct core *c, const struct core_params *p, struct mmu *mmu, struct mem_cpu *mem)
{
	*c = (struct core){
		.mmu = mmu, .mem = mem, .per_instruction = (UINT64_C(1) << CORE_FRACTION_BITS) / p->width};
	c->in_order = p->model != CORE_WINDOW;
	c->run = c->in_order ? run_in_order : run_window;
	c->hits = core_hits_choose(c);
	c->rob_size = (unsigned)p->rob;
	c->rob_mask = (2u << log2_floor(p->rob + 1)) - 1;
	c->rob = xcalloc(c->rob_mask + 1, sizeof(*c->rob));
	c->store_buffer = (unsigned)p->store_buffer;
	c->store_done = xcalloc(c->store_buffer, sizeof(*c->store_done));
	c->fetch_hit_cycles = mem->fetch.levels ? mem->fetch.level[0]->hit_cycles : 0;
	c->load_hit_cycles = mem->data.levels ? mem->data.level[0]->hit_cycles : 0;
	c->fetch_line_bytes = UINT64_C(1) << mem_line_bits(mem->fetch.side);
	c->data_line_mask = (UINT64_C(1) << mem_line_bits(mem->data.side)) - 1;
	c->line_mask = p->split_pages ? c->data_line_mask : UINT64_MAX >> 1;
	c->data_req.cause = CAUSE_DATA;
	c->fetch_req.cause = CAUSE_IFETCH;
	c->fetch_req.kind = ACCESS_FETCH;
	mmu_follow(mmu, &c->flow);
	mem->flow = &c->flow;
	mmu->resolve = resolve;
	mmu->resolve_owner = c;
}

void core_fini(struct core *c)
{
	free(c->rob);
	free(c->store_done);
}

void core_register_stats(struct core *c, struct stats *s, unsigned number)
{
	stats_add(s, stat_rows, sizeof(stat_rows) / sizeof(stat_rows[0]), &c->stats, "cpu%u", number);
}

void core_reset_stats(struct core *c)
{
	memset(c->bucket, 0, sizeof(c->bucket));
	memset(c->by_handler, 0, sizeof(c->by_handler));
	c->stats = (struct core_stats){0};
	c->retire_at_reset = c->retire;
	if (c->watch) watch_reset(c->watch);
}

void core_save_books(const struct core *c, struct core_books *b)
{
	memcpy(b->bucket, c->bucket, sizeof(b->bucket));
	memcpy(b->by_handler, c->by_handler, sizeof(b->by_handler));
	b->elapsed = c->retire - c->retire_at_reset;
}

void core_load_books(struct core *c, const struct core_books *b)
{
	memcpy(c->bucket, b->bucket, sizeof(b->bucket));
	memcpy(c->by_handler, b->by_handler, sizeof(b->by_handler));
	c->retire_at_reset = c->retire - b->elapsed;
}

/* Splits parts[0..n-1], fractions of cycles, into whole cycles that add up to what the parts add up to. */
static void whole_cycles(const uint64_t *parts, size_t n, uint64_t *out)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < n; i++) {
		out[i] = cycle_of(sum + parts[i]) - cycle_of(sum);
		sum += parts[i];
	}
}

/* What nobody else spent is the workload's. */
static void clocks_by_el(const struct core *c, uint64_t out[CORE_LEVELS])
{
	memset(out, 0, CORE_LEVELS * sizeof(out[0]));
	for (unsigned b = 0; b < BUCKET_COUNT; b++) {
		uint64_t others = 0;
		for (unsigned el = 0; el < CORE_LEVELS; el++) {
			out[el] += c->by_handler[b][el];
			others += c->by_handler[b][el];
		}
		out[c->workload_el] += c->bucket[b] - others;
	}
}

void core_finish(struct core *c)
{
	uint64_t by_el[CORE_LEVELS];
	clocks_by_el(c, by_el);
	whole_cycles(c->bucket, BUCKET_COUNT, c->stats.cycles_by_bucket);
	whole_cycles(by_el, CORE_LEVELS, c->stats.cycles_by_el);
	c->stats.cycles = cycle_of(c->retire - c->retire_at_reset);
}

/* Buckets that the core itself books nothing to. */
static bool of_handlers(unsigned bucket) { return bucket >= BUCKET_EXCEPTION; }

static enum status check_levels(const struct core *c, struct err *err)
{
	for (unsigned b = 0; b < BUCKET_COUNT; b++) {
		uint64_t sum = 0;
		for (unsigned el = 0; el < CORE_LEVELS; el++) sum += c->by_handler[b][el];
		if (sum <= c->bucket[b] && (sum == c->bucket[b] || !of_handlers(b))) continue;
		return err_set(err, ERR_CHECK,
			       "cycles: %s has %" PRIu64 "/65536, its exception levels add up to %" PRIu64
			       "/65536",
			       bucket_names[b], c->bucket[b], sum);
	}
	return OK;
}

enum status core_check_sums(const struct core *c, struct err *err)
{
	uint64_t sum = 0;
	for (int b = 0; b < BUCKET_COUNT; b++) sum += c->bucket[b];
	if (sum != c->retire - c->retire_at_reset)
		return err_set(err, ERR_CHECK,
			       "cycles: buckets add up to %" PRIu64 "/65536, the clock says %" PRIu64
			       "/65536",
			       sum, c->retire - c->retire_at_reset);
	TRY(check_levels(c, err));
	if (c->stats.accesses != c->stats.loads + c->stats.stores)
		return err_set(err, ERR_CHECK,
			       "accesses %" PRIu64 " are not loads %" PRIu64 " + stores %" PRIu64,
			       c->stats.accesses, c->stats.loads, c->stats.stores);
	return OK;
}
