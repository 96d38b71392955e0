#include "cpu/warm.h"

#include "cpu/clocks.h"

/* Translates, and waits for the answer where a walk gave it. */
static inline bool find_page(struct core *c, uint64_t va, enum access_kind kind, uint32_t n, uint64_t *pa)
{
	struct mmu_done tr;
	cycles_t now = core_now(c);
	if (!mmu_translate(c->mmu, va, kind, n, now, &tr)) return false;
	if (tr.cycle > now) c->retire = tr.cycle << CORE_FRACTION_BITS;
	*pa = tr.pa;
	return true;
}

/* The line that the latest fetch, or the latest load or store, touched, and how many times in a row. */
struct latest {
	uint64_t line;
	unsigned times;
	bool written;
};

/* Of the side's first TLB and cache: whether one touch more changes nothing, and whether those of the other side change nothing here. */
struct warming {
	struct latest fetch, data;
	bool repeats_matter, sides_meet;
};

static const struct latest no_latest = {.line = UINT64_MAX};

static bool counts_touches(const struct mmu *m, const struct mem_port *p, unsigned side)
{
	const struct cache *c = p->level[0];
	return m->level[side][0]->state.shared || (c && (c->shared || c->ahead));
}

/* An inclusive level that both sides share takes from the first what the other side pushed out of it. */
static bool has_inclusive(const struct core *c)
{
	bool found = false;
	for (unsigned l = 0; l < c->mmu->levels[1]; l++)
		found |= c->mmu->level[1][l]->params.inclusion == TLB_INCLUSIVE;
	for (struct cache *const *l = c->mem->data.level; *l; l++)
		found |= (*l)->params.inclusion == INCL_INCLUSIVE;
	return found;
}

static struct warming begin(const struct core *c)
{
	const struct mmu *m = c->mmu;
	const struct mem_port *data = &c->mem->data, *fetch = &c->mem->fetch;
	bool first_is_one = m->level[0][0] == m->level[1][0] || data->level[0] == fetch->level[0];
	return (struct warming){
		.fetch = no_latest,
		.data = no_latest,
		.repeats_matter = counts_touches(m, fetch, 0) || counts_touches(m, data, 1),
		.sides_meet = first_is_one || has_inclusive(c),
	};
}

/* The first access to a line may fill it, the second touches what is there; more touches in a row change nothing (repl/repl.h) and are
 * left out, where no policy counts them. But a store to a line that was only read marks it written. */
static inline bool is_again(const struct warming *w, const struct latest *l, uint64_t line, bool write)
{
	return line == l->line && l->times >= 2 && write <= l->written && !w->repeats_matter;
}

static inline void note(const struct warming *w, struct latest *l, struct latest *other, uint64_t line,
			bool write)
{
	if (l->line != line) *l = (struct latest){.line = line};
	l->times++;
	l->written |= write;
	if (w->sides_meet) *other = no_latest;
}

static inline bool touch(struct core *c, uint64_t va, enum access_kind kind, struct warming *w)
{
	uint64_t line = va & ~c->data_line_mask;
	bool write = kind == ACCESS_WRITE;
	unsigned served;
	if (is_again(w, &w->data, line, write)) return true;
	if (!find_page(c, va, kind, 1, &c->data_req.pa.raw)) return false;
	c->data_req.kind = (uint8_t)kind;
	mem_access(&c->mem->data, &c->data_req, core_now(c), 0, &served);
	note(w, &w->data, &w->fetch, line, write);
	return true;
}

static inline bool warm_data(struct core *c, const struct record *r, struct warming *w)
{
	enum access_kind kind = r->kind == REC_STORE ? ACCESS_WRITE : ACCESS_READ;
	c->instruction += r->gap;
	c->retire += r->gap * c->per_instruction;
	if (!touch(c, r->addr, kind, w)) return false;
	if ((r->addr & c->line_mask) + r->count <= c->line_mask + 1) return true;
	for (uint64_t va = (r->addr | c->line_mask) + 1; va < r->addr + r->count; va += c->line_mask + 1)
		if (!touch(c, va, kind, w)) return false;
	return true;
}

static inline bool warm_fetch(struct core *c, uint64_t va, uint64_t n, struct warming *w)
{
	uint64_t line = va & ~(c->fetch_line_bytes - 1);
	unsigned served;
	if (is_again(w, &w->fetch, line, false)) return true;
	if (!find_page(c, va, ACCESS_FETCH, (uint32_t)n, &c->fetch_req.pa.raw)) return false;
	mem_access(&c->mem->fetch, &c->fetch_req, core_now(c), 0, &served);
	note(w, &w->fetch, &w->data, line, false);
	return true;
}

static bool warm_fetches(struct core *c, const struct record *r, struct warming *w)
{
	uint64_t va = r->addr, left = r->count;
	follow_branch(c, va);
	while (left) {
		uint64_t room = (c->fetch_line_bytes - (va & (c->fetch_line_bytes - 1))) / 4;
		uint64_t n = left < room ? left : room;
		if (!n) n = 1;
		if (!warm_fetch(c, va, n, w)) return false;
		va += 4 * n;
		left -= n;
	}
	c->instruction += r->count;
	c->retire += r->count * c->per_instruction;
	end_of_run(c, r);
	return true;
}

static size_t run_warming(struct core *c, const struct record *rec, size_t n)
{
	struct warming w = begin(c);
	size_t i = 0;
	for (; i < n && rec[i].kind <= REC_STORE; i++) {
		bool ok = rec[i].kind == REC_FETCH ? warm_fetches(c, &rec[i], &w) : warm_data(c, &rec[i], &w);
		if (__builtin_expect(!ok, 0)) break;
	}
	c->dispatch = c->retire;
	return i;
}

static void set_warming(struct core *c, bool warming)
{
	c->warming = c->mem->data.untimed = c->mem->fetch.untimed = warming;
	mem_settle(&c->mem->data);
	mem_settle(&c->mem->fetch);
}

void core_begin_warming(struct core *c)
{
	if (c->warming) return;
	c->timed_run = c->run;
	if (!c->only_translates) c->run = run_warming;
	set_warming(c, true);
}

void core_end_warming(struct core *c)
{
	if (!c->warming) return;
	c->run = c->timed_run;
	set_warming(c, false);
}
