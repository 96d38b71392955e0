#include "cpu/atomics.h"

#include "cpu/clocks.h"

#define F struct atomic_stats
static const struct stat_desc rows[] = {
	STAT(F, load_exclusives, "operations", "LDXR"),
	STAT(F, store_exclusives, "operations", "STXR"),
	STAT(F, failed, "operations",
	     "of them, those that did not store: another core had been at the granule"),
	STAT(F, near, "operations", "atomics of LSE that were executed in the core"),
	STAT(F, far, "operations", "atomics of LSE that were executed at the home of their line"),
	STAT(F, cycles, "cycles", "that the core waited for all of them, translation included"),
};
#undef F

void core_atomics_register_stats(struct core_atomics *a, struct stats *s, unsigned number)
{
	stats_add(s, rows, sizeof(rows) / sizeof(rows[0]), &a->stats, "cpu%u.atomics", number);
}

/* The core waits for its translation; false: the fault handler failed. */
static bool translate_it(struct core *c, const struct record *r, enum access_kind kind)
{
	struct mmu_done tr;
	if (c->watch) { /* nobody asks where the cycles of an atomic go */
		why_reset(&c->watch->why);
		why_open(&c->watch->why,
			 (struct why_span){.begin = core_now(c), .kind = WHY_ACCESS, .address = r->addr});
	}
	pass_instructions(c, r->gap);
	c->stats.instructions += r->gap;
	if (!mmu_translate(c->mmu, r->addr, kind, 1, core_now(c), &tr)) return false;
	hold_retire(c, clock_of(tr.cycle), BUCKET_DATA_TRANSLATION);
	c->data_req.pa.raw = tr.pa;
	c->data_req.kind = (uint8_t)kind;
	return true;
}

static void wait_for(struct core *c, cycles_t done)
{
	hold_retire(c, clock_of(done), BUCKET_DATA_MEMORY);
	c->dispatch = c->retire;
}

/* An access of the line itself. */
static cycles_t access_line(struct core *c, bool store)
{
	unsigned served;
	c->stats.accesses++;
	c->stats.stores += store;
	c->stats.loads += !store;
	if (c->only_translates) return core_now(c);
	return mem_access(&c->mem->data, &c->data_req, core_now(c), 0, &served);
}

static void load_exclusive(struct core_atomics *a)
{
	struct core *c = a->core;
	cycles_t start = core_now(c), done = access_line(c, false);
	a->stats.load_exclusives++;
	c->stats.access_cycles += done - start;
	c->last_load_done = done;
	monitors_load(a->monitors, a->pe, c->data_req.pa.raw);
	wait_for(c, done);
}

static bool store_exclusive(struct core_atomics *a)
{
	struct core *c = a->core;
	cycles_t start = core_now(c);
	a->stats.store_exclusives++;
	if (!monitors_store_exclusive(a->monitors, a->pe, c->data_req.pa.raw)) {
		a->stats.failed++;
		wait_for(c, start + c->load_hit_cycles);
		return false;
	}
	cycles_t done = access_line(c, true);
	c->stats.access_cycles += done - start;
	wait_for(c, done);
	return true;
}

/* Room in the store buffer, for what nobody waits for. */
static cycles_t *buffer_slot(struct core *c)
{
	cycles_t *slot = &c->store_done[c->store_next];
	if (++c->store_next == c->store_buffer) c->store_next = 0;
	hold_retire(c, clock_of(*slot), BUCKET_STORE_BUFFER);
	c->dispatch = c->retire;
	return slot;
}

static void modify(struct core_atomics *a, bool posted)
{
	struct core *c = a->core;
	cycles_t *slot = posted ? buffer_slot(c) : NULL, start = core_now(c), done;
	monitors_store(a->monitors, a->pe, c->data_req.pa.raw);
	if (!c->only_translates && a->coherence->atomics == ATOMICS_FAR &&
	    !mem_has_alone(&c->mem->data, &c->data_req)) {
		a->stats.far++;
		c->stats.accesses++;
		c->stats.stores++;
		done = mem_access_at_home(&c->mem->data, &c->data_req, a->coherence, start);
	} else {
		a->stats.near++;
		done = access_line(c, true) + a->coherence->local;
	}
	c->stats.access_cycles += done - start;
	if (slot)
		*slot = done;
	else
		wait_for(c, done);
}

enum status core_atomic(struct core_atomics *a, const struct record *r, bool *failed, struct err *err)
{
	struct core *c = a->core;
	cycles_t begun = core_now(c);
	*failed = false;
	if (r->kind == REC_CLREX) {
		monitors_clear(a->monitors, a->pe);
		return OK;
	}
	if (!translate_it(c, r, r->kind == REC_LDXR ? ACCESS_READ : ACCESS_WRITE)) {
		*err = c->err;
		return err->code;
	}
	if (r->kind == REC_LDXR)
		load_exclusive(a);
	else if (r->kind == REC_STXR)
		*failed = !store_exclusive(a);
	else
		modify(a, r->arg == ATOMIC_POSTED);
	a->stats.cycles += core_now(c) - begun;
	return OK;
}
