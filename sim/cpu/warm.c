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

/* The lines that the latest fetch and the latest load or store touched. Touching them once more changes nothing, so it is left
 * out; but a store to a line that was only read marks it written. */
struct latest {
	uint64_t fetched, accessed;
	bool written;
};

static inline bool touch(struct core *c, uint64_t va, enum access_kind kind, struct latest *last)
{
	uint64_t line = va & ~c->data_line_mask;
	bool write = kind == ACCESS_WRITE;
	unsigned served;
	if (line == last->accessed && write <= last->written) return true;
	if (!find_page(c, va, kind, 1, &c->data_req.pa.raw)) return false;
	c->data_req.kind = (uint8_t)kind;
	mem_access(&c->mem->data, &c->data_req, core_now(c), 0, &served);
	last->written = write | (line == last->accessed && last->written);
	last->accessed = line;
	return true;
}

static inline bool warm_data(struct core *c, const struct record *r, struct latest *last)
{
	enum access_kind kind = r->kind == REC_STORE ? ACCESS_WRITE : ACCESS_READ;
	c->instruction += r->gap;
	c->retire += r->gap * c->per_instruction;
	if (!touch(c, r->addr, kind, last)) return false;
	if ((r->addr & c->line_mask) + r->count <= c->line_mask + 1) return true;
	for (uint64_t va = (r->addr | c->line_mask) + 1; va < r->addr + r->count; va += c->line_mask + 1)
		if (!touch(c, va, kind, last)) return false;
	return true;
}

static inline bool warm_fetch(struct core *c, uint64_t va, uint64_t n, struct latest *last)
{
	uint64_t line = va & ~(c->fetch_line_bytes - 1);
	unsigned served;
	if (line == last->fetched) return true;
	if (!find_page(c, va, ACCESS_FETCH, (uint32_t)n, &c->fetch_req.pa.raw)) return false;
	mem_access(&c->mem->fetch, &c->fetch_req, core_now(c), 0, &served);
	last->fetched = line;
	return true;
}

static bool warm_fetches(struct core *c, const struct record *r, struct latest *last)
{
	uint64_t va = r->addr, left = r->count;
	follow_branch(c, va);
	while (left) {
		uint64_t room = (c->fetch_line_bytes - (va & (c->fetch_line_bytes - 1))) / 4;
		uint64_t n = left < room ? left : room;
		if (!n) n = 1;
		if (!warm_fetch(c, va, n, last)) return false;
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
	struct latest last = {UINT64_MAX, UINT64_MAX, false};
	size_t i = 0;
	for (; i < n && rec[i].kind <= REC_STORE; i++) {
		bool ok = rec[i].kind == REC_FETCH ? warm_fetches(c, &rec[i], &last)
						   : warm_data(c, &rec[i], &last);
		if (__builtin_expect(!ok, 0)) break;
	}
	c->dispatch = c->retire;
	return i;
}

static void set_warming(struct core *c, bool warming)
{
	c->warming = c->mem->data.untimed = c->mem->fetch.untimed = warming;
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
