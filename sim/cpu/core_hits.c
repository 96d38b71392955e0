#include "cpu/core_hits.h"

#include "cpu/clocks.h"

/* What a run changes, apart from the core and its TLBs: the loop over data has it in registers. The clocks are what they
 * are ahead of the instructions' own time, so that an instruction moves neither. */
struct hits {
	uint64_t instruction, dispatch_ahead, retire_ahead;
	uint64_t room_at; /* the instruction for which a mark of the window has to make room */
	cycles_t last_load_done;
	uint64_t touches; /* the number of the next touch, of both TLBs */
	uint64_t accesses, stores, store_cycles, merged, missed, fetches, fetched;
	uint64_t late_cycles; /* of merged and missed accesses, beyond those of a hit */
	/* The latest access, if it was a load that waited for its line: another load of the line finds the same, and touches
	 * what was touched last. */
	uint64_t waited_va;
	cycles_t waited_entry,
		waited_line; /* when its TLB entry answers (NEVER: no such access), and when the line
					       arrives */
};

#define NEVER UINT64_MAX

static inline uint64_t own_time(const struct core *c, const struct hits *h)
{
	return h->instruction * c->per_instruction;
}

static inline uint64_t next_room(const struct core *c)
{
	if (c->rob_tail == c->rob_head) return UINT64_MAX;
	return c->rob[c->rob_tail & c->rob_mask].instruction + c->rob_size;
}

static inline struct hits begin(const struct core *c)
{
	const struct tlb *data = c->mmu->first[ACCESS_READ], *fetch = c->mmu->first[ACCESS_FETCH];
	uint64_t own = c->instruction * c->per_instruction;
	return (struct hits){.instruction = c->instruction,
			     .dispatch_ahead = c->dispatch - own,
			     .retire_ahead = c->retire - own,
			     .room_at = next_room(c),
			     .last_load_done = c->last_load_done,
			     .touches = data->touches > fetch->touches ? data->touches : fetch->touches};
}

static inline void count(struct tlb *t, uint64_t lookups, struct cache *cache, uint64_t hits, uint64_t merged)
{
	t->stats.lookups += lookups;
	t->stats.hits += lookups;
	cache->stats.accesses += hits + merged;
	cache->stats.hits += hits;
	cache->stats.merged += merged;
}

static inline void count_data(struct core *c, const struct hits *h)
{
	struct tlb *t = c->mmu->first[ACCESS_READ];
	struct cache *cache = c->mem->data.level[0];
	uint64_t loads = h->accesses - h->stores;
	c->stats.loads += loads;
	c->stats.stores += h->stores;
	c->stats.accesses += h->accesses;
	c->stats.access_cycles += h->late_cycles + h->accesses * cache->hit_cycles +
				  loads * t->params.hit_cycles + h->store_cycles;
	count(t, h->accesses, cache, h->accesses - h->merged - h->missed, h->merged);
}

static inline void end(struct core *c, const struct hits *h, bool in_place)
{
	struct tlb *data = c->mmu->first[ACCESS_READ], *fetch = c->mmu->first[ACCESS_FETCH];
	uint64_t instructions = h->instruction - c->instruction;
	c->instruction = h->instruction;
	c->dispatch = h->dispatch_ahead + own_time(c, h);
	c->retire = h->retire_ahead + own_time(c, h);
	c->last_load_done = h->last_load_done;
	c->bucket[BUCKET_BASE] += instructions * c->per_instruction;
	c->stats.instructions += instructions;
	count_data(c, h);
	if (in_place) data->touches = h->touches;
	if (!h->fetches) return;
	c->stats.fetches += h->fetches;
	count(fetch, h->fetched, c->mem->fetch.level[0], h->fetches, 0);
	if (in_place) fetch->touches = h->touches;
}

/* As pass_instructions(). */
static inline ALWAYS_INLINE void pass(struct core *c, struct hits *h, uint64_t n, bool in_order)
{
	h->instruction += n;
	while (!in_order && __builtin_expect(h->instruction >= h->room_at, 0)) {
		uint64_t room = c->rob[c->rob_tail & c->rob_mask].retired +
				(h->instruction - h->room_at) * c->per_instruction;
		uint64_t dispatch = h->dispatch_ahead + own_time(c, h);
		if (room > dispatch) h->dispatch_ahead += room - dispatch;
		c->rob_tail++;
		h->room_at = next_room(c);
	}
}

/* As hold_retire(). */
static inline void hold(struct core *c, struct hits *h, uint64_t clock, enum core_bucket bucket)
{
	uint64_t retire = h->retire_ahead + own_time(c, h);
	if (clock <= retire) return;
	c->bucket[bucket] += clock - retire;
	h->retire_ahead += clock - retire;
}

/* One kind of access on its way: its TLB, and its first-level cache. */
struct way_in {
	const struct mmu *mmu;
	struct tlb *tlb;
	struct cache *cache;
	const struct mem_port *port;
	uint64_t security; /* above the line's address */
	bool in_place;
};

static inline ALWAYS_INLINE struct way_in way_in(struct core *c, enum access_kind kind, bool in_place)
{
	bool fetch = kind == ACCESS_FETCH;
	const struct mem_port *port = fetch ? &c->mem->fetch : &c->mem->data;
	const struct mem_req *r = fetch ? &c->fetch_req : &c->data_req;
	return (struct way_in){c->mmu,
			       c->mmu->first[kind],
			       port->level[0],
			       port,
			       (uint64_t)r->security << port->security_shift,
			       in_place};
}

struct found {
	const struct tlb_entry *entry;
	uint64_t pa, line;
	int way; /* CACHE_MISS: not in the first cache */
};

/* Looks in the TLB at `now` and in the cache; changes nothing. False: the predicted entry does not answer. */
static inline ALWAYS_INLINE bool find(const struct way_in *w, uint64_t va, enum access_kind kind,
				      cycles_t now, struct found *f)
{
	const struct tlb_entry *e = f->entry = mmu_predicted(w->mmu, w->tlb, va, kind, now);
	if (__builtin_expect(!e, 0)) return false;
	f->pa = e->pa | (va & ~e->va_mask);
	f->line = f->pa >> w->port->line_bits | w->security;
	f->way = cache_way_of(w->cache, f->line);
	return true;
}

static inline ALWAYS_INLINE void touch_entry(const struct way_in *w, struct hits *h, const struct found *f)
{
	if (w->in_place)
		w->tlb->touched[f->entry - w->tlb->entry] = ++h->touches;
	else
		tlb_touch(w->tlb, f->entry);
}

static inline ALWAYS_INLINE void touch_line(const struct way_in *w, const struct found *f)
{
	struct cache_set *set = cache_set_of(w->cache, f->line);
	if (w->in_place)
		cache_touch_masked(w->cache, set, (unsigned)f->way);
	else
		cache_touch(w->cache, set, (unsigned)f->way);
}

/* A line is `ready` later than a hit would be `done`. */
static inline ALWAYS_INLINE cycles_t wait_for_line(struct hits *h, cycles_t ready, cycles_t done)
{
	h->merged++;
	h->late_cycles += ready - done;
	return ready;
}

/* A load holds the retire clock: it was translated at `known`, and done at `done`. */
static inline ALWAYS_INLINE void wait_for_load(struct core *c, struct hits *h, cycles_t known, cycles_t done,
					       bool in_order)
{
	hold(c, h, clock_of(known), BUCKET_DATA_TRANSLATION);
	hold(c, h, clock_of(done), BUCKET_DATA_MEMORY);
	if (in_order) {
		h->dispatch_ahead = h->retire_ahead;
		return;
	}
	mark_rob(c, h->instruction, h->retire_ahead + own_time(c, h));
	h->room_at = next_room(c);
}

/* When a load from the line of the latest access is done; 0: it is not such a load. */
static inline ALWAYS_INLINE cycles_t load_again(struct hits *h, const struct way_in *w, uint64_t va,
						cycles_t start)
{
	cycles_t done = start + w->tlb->params.hit_cycles + w->cache->hit_cycles;
	if (!w->in_place || __builtin_expect(h->waited_entry > start, 1)) return 0;
	if ((va ^ h->waited_va) >> w->port->line_bits) return 0;
	return h->waited_line > done ? wait_for_line(h, h->waited_line, done) : done;
}

/* A load that the first cache has not: the memory side counts it, and knows all of its time. */
static inline ALWAYS_INLINE cycles_t load_missed(struct core *c, struct hits *h, const struct found *f,
						 cycles_t known, cycles_t hit_done)
{
	unsigned served;
	c->data_req.pa.raw = f->pa;
	c->data_req.kind = ACCESS_READ;
	cycles_t done = mem_access_missed(&c->mem->data, &c->data_req, known, 0, &served);
	h->missed++;
	h->late_cycles += done - hit_done;
	return done;
}

/* Loads; 0: the predicted entry does not answer. Otherwise returns when it is done. */
static inline ALWAYS_INLINE cycles_t load_line(struct core *c, struct hits *h, const struct way_in *w,
					       uint64_t va, cycles_t start)
{
	struct found f;
	if (!find(w, va, ACCESS_READ, start, &f)) return 0;
	cycles_t known = start + w->tlb->params.hit_cycles, done = known + w->cache->hit_cycles;
	touch_entry(w, h, &f);
	h->waited_entry = NEVER;
	if (__builtin_expect(f.way == CACHE_MISS, 0)) return load_missed(c, h, &f, known, done);
	touch_line(w, &f);
	if (__builtin_expect(!cache_may_wait(w->cache, f.line, f.way, known), 1)) return done;
	cycles_t ready = cache_arrival(w->cache, f.line, (unsigned)f.way);
	if (ready <= done) return done;
	h->waited_va = va;
	h->waited_entry = f.entry->ready;
	h->waited_line = ready;
	return wait_for_line(h, ready, done);
}

static inline ALWAYS_INLINE bool load(struct core *c, struct hits *h, const struct way_in *w,
				      const struct record *r, bool in_order)
{
	uint64_t own = own_time(c, h);
	cycles_t start = cycle_of(h->dispatch_ahead + own);
	if (__builtin_expect(r->flags & REC_DEPENDENT, 0) && h->last_load_done > start)
		start = h->last_load_done;
	cycles_t done = load_again(h, w, r->addr, start);
	if (!done && !(done = load_line(c, h, w, r->addr, start))) return false;
	cycles_t hidden = in_order ? c->load_hit_cycles : 0;
	h->last_load_done = done;
	if (__builtin_expect(clock_of(done) > h->retire_ahead + own + clock_of(hidden), 0))
		wait_for_load(c, h, start + w->tlb->params.hit_cycles, done - hidden, in_order);
	return true;
}

static inline ALWAYS_INLINE bool store(struct core *c, struct hits *h, const struct way_in *w,
				       const struct record *r)
{
	struct found f;
	uint64_t own = own_time(c, h);
	cycles_t start = cycle_of(h->dispatch_ahead + own), leaves = cycle_of(h->retire_ahead + own);
	cycles_t *slot = &c->store_done[c->store_next];
	if (start + w->tlb->params.hit_cycles > leaves || *slot > leaves || !w->cache->write_back)
		return false;
	if (!find(w, r->addr, ACCESS_WRITE, start, &f) || f.way == CACHE_MISS) return false;
	cycles_t done = leaves + w->cache->hit_cycles;
	if (cache_may_wait(w->cache, f.line, f.way, leaves)) {
		if (cache_is_shared(w->cache, f.line, f.way)) return false; /* others may have it */
		cycles_t ready = cache_arrival(w->cache, f.line, (unsigned)f.way);
		if (ready > done) done = wait_for_line(h, ready, done);
	}
	*slot = done;
	touch_entry(w, h, &f);
	touch_line(w, &f);
	cache_marks(w->cache, cache_set_of(w->cache, f.line))[f.way] |= CACHE_DIRTY;
	if (++c->store_next == c->store_buffer) c->store_next = 0;
	h->store_cycles += leaves - start;
	h->waited_entry = NEVER;
	h->stores++;
	return true;
}

/* Loads and stores up to one that is not a hit, or another kind of record. */
static inline ALWAYS_INLINE size_t data_run(struct core *c, struct hits *to, const struct record *rec,
					    size_t n, bool in_order, bool in_place)
{
	const struct way_in w = way_in(c, ACCESS_READ, in_place);
	const uint64_t line_mask = c->line_mask;
	struct hits h = *to;
	h.waited_entry = NEVER;
	const struct record *r = rec, *end = rec + n;
	for (; r != end && (unsigned)(r->kind - REC_LOAD) <= REC_STORE - REC_LOAD; r++) {
		pass(c, &h, r->gap, in_order);
		if (__builtin_expect((r->addr & line_mask) + r->count > line_mask + 1, 0)) break;
		if (!(r->kind == REC_STORE ? store(c, &h, &w, r) : load(c, &h, &w, r, in_order))) break;
	}
	h.accesses += (size_t)(r - rec);
	*to = h;
	return (size_t)(r - rec);
}

/* One piece of a fetch, `n` instructions within one line. */
static inline ALWAYS_INLINE bool fetch(struct core *c, struct hits *h, const struct way_in *w, uint64_t va,
				       uint64_t n)
{
	struct found f;
	cycles_t start = cycle_of(h->dispatch_ahead + own_time(c, h));
	if (w->tlb->params.hit_cycles || !find(w, va, ACCESS_FETCH, start, &f)) return false;
	if (f.way == CACHE_MISS || cache_may_wait(w->cache, f.line, f.way, start)) return false;
	touch_entry(w, h, &f);
	touch_line(w, &f);
	h->fetches++;
	h->fetched += n;
	return true;
}

/* Returns how many instructions of the run were fetched. */
static inline ALWAYS_INLINE uint64_t fetch_run(struct core *c, struct hits *h, const struct record *r,
					       bool in_order, bool in_place)
{
	const struct way_in w = way_in(c, ACCESS_FETCH, in_place);
	uint64_t done = 0;
	follow_branch(c, r->addr);
	while (done < r->count) {
		uint64_t va = r->addr + 4 * done, n = fetch_piece_size(c, va, r->count - done);
		if (!fetch(c, h, &w, va, n)) return done;
		pass(c, h, n, in_order);
		done += n;
	}
	end_of_run(c, r);
	return done;
}

static inline ALWAYS_INLINE size_t hits(struct core *c, const struct record *rec, size_t n, uint32_t *fetched,
					bool in_order, bool in_place)
{
	struct hits h = begin(c);
	size_t i = 0;
	for (; i < n; i++) {
		i += data_run(c, &h, rec + i, n - i, in_order, in_place);
		if (i == n || rec[i].kind != REC_FETCH) break;
		*fetched = (uint32_t)fetch_run(c, &h, &rec[i], in_order, in_place);
		if (*fetched != rec[i].count) break;
	}
	end(c, &h, in_place);
	return i;
}

#define LOOP(name, in_order, in_place) \
	static size_t name(struct core *c, const struct record *rec, size_t n, uint32_t *fetched) \
	{ \
		return hits(c, rec, n, fetched, in_order, in_place); \
	}
LOOP(window_called, false, false)
LOOP(window_in_place, false, true)
LOOP(in_order_called, true, false)
LOOP(in_order_in_place, true, true)

size_t core_no_hits(struct core *c, const struct record *rec, size_t n, uint32_t *fetched)
{
	(void)n;
	*fetched = 0;
	if (rec->kind == REC_FETCH) {
		follow_branch(c, rec->addr);
	} else if (rec->kind <= REC_STORE) {
		pass_gap(c, rec);
	}
	return 0;
}

core_hits_fn *core_hits_choose(const struct core *c)
{
	static core_hits_fn *const loop[2][2] = {{window_called, window_in_place},
						 {in_order_called, in_order_in_place}};
	const struct cache *data = c->mem->data.level[0], *fetch = c->mem->fetch.level[0];
	const struct mmu *m = c->mmu;
	if (!data || !fetch || data->ahead || fetch->ahead) return core_no_hits;
	bool in_place = m->first[ACCESS_READ]->touched && m->first[ACCESS_FETCH]->touched && data->mask &&
			fetch->mask;
	return loop[c->in_order][in_place];
}
