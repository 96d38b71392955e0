#include "mem/monitors.h"

#include <stdlib.h>

#include "base/alloc.h"

struct pe {
	bool local, global; /* exclusive; else open */
	uint64_t granule;
};

struct monitors {
	struct pe *pe;
	unsigned pes, granule_bits;
	unsigned tagged; /* of the global one: for so many PEs it is exclusive */
};

struct monitors *monitors_new(unsigned pes, unsigned granule_bits)
{
	struct monitors *m = xcalloc(1, sizeof(*m));
	m->pe = xcalloc(pes, sizeof(*m->pe));
	m->pes = pes;
	m->granule_bits = granule_bits;
	return m;
}

void monitors_free(struct monitors *m)
{
	if (!m) return;
	free(m->pe);
	free(m);
}

static void set_global(struct monitors *m, struct pe *p, bool exclusive)
{
	m->tagged += exclusive;
	m->tagged -= p->global;
	p->global = exclusive;
}

void monitors_load(struct monitors *m, unsigned pe, uint64_t pa)
{
	struct pe *p = &m->pe[pe];
	p->granule = pa >> m->granule_bits;
	p->local = true;
	set_global(m, p, true);
}

void monitors_store(struct monitors *m, unsigned pe, uint64_t pa)
{
	uint64_t granule = pa >> m->granule_bits;
	for (unsigned i = 0; m->tagged && i < m->pes; i++)
		if (i != pe && m->pe[i].global && m->pe[i].granule == granule)
			set_global(m, &m->pe[i], false);
}

bool monitors_store_exclusive(struct monitors *m, unsigned pe, uint64_t pa)
{
	struct pe *p = &m->pe[pe];
	bool passes = p->local && p->global && p->granule == pa >> m->granule_bits;
	p->local = false;
	set_global(m, p, false);
	if (passes) monitors_store(m, pe, pa);
	return passes;
}

void monitors_clear(struct monitors *m, unsigned pe) { m->pe[pe].local = false; }
