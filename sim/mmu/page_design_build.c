/* page_design_build.c - a page-table design from its parameters, which cores share its tables, and what it counts. */
#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "mmu/page_design.h"
#include "mmu/pom_tlb.h"

enum status page_design_new(const struct page_table_params *params, struct page_design **out, struct err *err)
{
	*out = NULL;
	if (params->design == PAGE_TABLE_radix) return OK;
	if (!is_power_of_2(params->initial_lines))
		return err_set(err, ERR_CONFIG, "walker.page_table.initial_lines: %llu is not a power of two",
			       (unsigned long long)params->initial_lines);
	if (!is_power_of_2(params->pom_bytes))
		return err_set(err, ERR_CONFIG, "walker.page_table.pom_bytes: %llu is not a power of two",
			       (unsigned long long)params->pom_bytes);
	struct page_design *d = xcalloc(1, sizeof(*d));
	d->row = page_table_designs[params->design];
	d->params = *params;
	d->tables = xcalloc(1, sizeof(*d->tables));
	d->tables->params = *params;
	d->tables->borrowers = 1;
	if (params->design == PAGE_TABLE_pom_tlb) TRY(pom_tlb_new(params, &d->pom, err));
	*out = d;
	return OK;
}

static void keep(void *ctx, unsigned space, unsigned bits, uint64_t addr)
{
	(void)ctx, (void)space, (void)bits, (void)addr;
}

/* What memory came from may be gone already, and is not given anything back. */
static void leave_tables(const struct page_design *d)
{
	struct design_tables *t = d->tables;
	if (--t->borrowers) return;
	t->memory.give = keep;
	for (unsigned i = 0; i < t->count; i++) d->row->table->free(t->table[i].table);
	free(t->table);
	free(t->user);
	free(t);
}

void page_design_free(struct page_design *d)
{
	if (!d) return;
	leave_tables(d);
	pom_tlb_free(d->pom);
	free(d);
}

static void add_user(struct design_tables *t, struct mmu *m)
{
	t->user = xrealloc(t->user, t->users + 1, sizeof(struct mmu *));
	m->design->user = t->users;
	t->user[t->users++] = m;
}

void page_design_share(struct mmu *m, struct mmu *with)
{
	if (!m->design || m == with || m->design->tables == with->design->tables) return;
	assert(!m->design->tables->count);
	leave_tables(m->design);
	struct design_tables *t = m->design->tables = with->design->tables;
	t->borrowers++;
	if (!t->users) add_user(t, with);
	add_user(t, m);
}

#define F struct page_table_stats
static const struct stat_desc rows[] = {
	STAT(F, lookups, "look-ups", "look-ups of one stage's table of the design"),
	STAT(F, absent, "look-ups", "of them, that found nothing"),
	STAT(F, steps, "steps",
	     "reads that walks waited for one after the other; those of one step are made at once"),
	STAT(F, background_reads, "reads", "reads that no walk waited for"),
	STAT(F, inserts, "mappings", "mappings added to tables"),
	STAT(F, moves, "lines", "lines moved, to make room or to a larger table"),
	STAT(F, resizes, "tables", "tables grown to twice their size"),
	STAT(F, homeless, "mappings", "mappings that no memory was found for"),
	STAT(F, replicas, "entries", "copies of the entry of a block in a merged table"),
	STAT(F, removed, "mappings", "mappings taken out as the kernel unmapped them"),
	STAT(F, corrected, "mappings", "mappings replaced, because Arm's tables say something else by now"),
	STAT(F, tables, "tables", "tables and nodes taken from memory"),
	STAT(F, small_nodes, "tables", "of them, those that memory had only in smaller pieces"),
	STAT(F, taken_bytes, "bytes", "memory taken for tables"),
	STAT(F, given_bytes, "bytes", "memory given back"),
	STAT(F, traps, "exits",
	     "writes to a guest's table that trapped to the hypervisor, as walks or unmapping showed"),
	STAT(F, trap_cycles, "cycles", "time of them within walks"),
};
static const struct stat_desc frame_rows[] = {
	STAT(F, remaps, "mappings", "mappings that lost the entry of their frame to another page of it"),
	STAT(F, remap_cycles, "cycles",
	     "time of faults within walks that gave a frame's entry to another page"),
};
#undef F

void page_design_register_stats(struct page_design *d, struct stats *s, unsigned number)
{
	const char *group = "cpu%u.page_table";
	stats_add(s, rows, sizeof(rows) / sizeof(rows[0]), &d->stats, group, number);
	if (!d->row->table || !d->row->table->displaces) return;
	stats_add(s, frame_rows, sizeof(frame_rows) / sizeof(frame_rows[0]), &d->stats, group, number);
}
