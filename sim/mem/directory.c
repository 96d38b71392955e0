#include "mem/directory.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/bits.h"

enum { PAGE_BITS = 12, GROUPS = 64 };

/* --- entries by number ------------------------------------------------------------------------------------------- */

struct entry {
	uint64_t key;     /* line or page + 1; 0: free */
	uint64_t sharers; /* a bit per group of cores */
	cycles_t free;    /* when the latest transfer ends */
	uint32_t writer;  /* place + 1 of the core that wrote it last, or has the page; 0: none */
};
static const uint32_t all_cores = UINT32_MAX;

struct table { /* open addressing, never more than half full */
	struct entry *entry;
	uint64_t mask, used;
};

static struct entry *slot_of(const struct table *t, uint64_t key)
{
	uint64_t i = key * UINT64_C(0x9e3779b97f4a7c15) >> 20;
	for (i &= t->mask; t->entry[i].key && t->entry[i].key != key; i = (i + 1) & t->mask) {}
	return &t->entry[i];
}

static void grow(struct table *t)
{
	struct table old = *t;
	t->mask = 2 * t->mask + 1;
	t->entry = xcalloc(t->mask + 1, sizeof(*t->entry));
	for (uint64_t i = 0; i <= old.mask; i++)
		if (old.entry[i].key) *slot_of(t, old.entry[i].key) = old.entry[i];
	free(old.entry);
}

static struct entry *entry_of(struct table *t, uint64_t number)
{
	if (2 * t->used >= t->mask) grow(t);
	struct entry *e = slot_of(t, number + 1);
	if (!e->key) t->used++;
	e->key = number + 1;
	return e;
}

static void table_init(struct table *t)
{
	*t = (struct table){.mask = 1023};
	t->entry = xcalloc(t->mask + 1, sizeof(*t->entry));
}

/* --- cores --------------------------------------------------------------------------------------------------------- */

struct member {
	struct mem_cpu *cpu;
	unsigned number;
	struct sharing_stats stats;
};

struct directory {
	const struct coherence *coherence;
	unsigned line_bits;
	struct table pages, lines;
	struct member *member; /* by place */
	unsigned members;
	struct monitors *monitors; /* NULL: nobody asks for stores */
};

struct directory *directory_new(const struct coherence *c, unsigned line_bits)
{
	struct directory *d = xcalloc(1, sizeof(*d));
	d->coherence = c;
	d->line_bits = line_bits;
	table_init(&d->pages);
	table_init(&d->lines);
	return d;
}

void directory_free(struct directory *d)
{
	if (!d) return;
	free(d->pages.entry);
	free(d->lines.entry);
	free(d->member);
	free(d);
}

static struct cache *private_level(const struct mem_port *port, unsigned level)
{
	struct cache *c = level < port->levels ? port->level[level] : NULL;
	return c && !c->params.shared ? c : NULL;
}

void directory_join(struct directory *d, struct mem_cpu *cpu, unsigned number)
{
	struct cache *c;
	d->member = xrealloc(d->member, d->members + 1, sizeof(*d->member));
	d->member[d->members] = (struct member){.cpu = cpu, .number = number};
	cpu->place = d->members++;
	for (unsigned i = 0; (c = private_level(&cpu->data, i)); i++) cache_make_coherent(c);
}

static uint64_t group_of(unsigned place) { return UINT64_C(1) << place % GROUPS; }

/* --- what cores hold ------------------------------------------------------------------------------------------- */

struct held {
	bool any, dirty;
};

static struct held look(const struct mem_port *port, uint64_t line)
{
	struct held h = {0};
	struct cache *c;
	for (unsigned i = 0; (c = private_level(port, i)); i++) {
		int way = cache_way_of(c, line);
		if (way == CACHE_MISS) continue;
		h.any = true;
		h.dirty |= (cache_marks(c, cache_set_of(c, line))[way] & CACHE_DIRTY) != 0;
	}
	return h;
}

static void share_in(const struct mem_port *port, uint64_t line)
{
	struct cache *c;
	for (unsigned i = 0; (c = private_level(port, i)); i++) cache_share(c, line);
}

static void clean_in(const struct mem_port *port, uint64_t line)
{
	struct cache *c;
	for (unsigned i = 0; (c = private_level(port, i)); i++) {
		int way = cache_way_of(c, line);
		if (way != CACHE_MISS) cache_marks(c, cache_set_of(c, line))[way] &= (uint16_t)~CACHE_DIRTY;
	}
}

/* True if the core had it. */
static bool take_from(struct member *m, uint64_t line)
{
	struct cache *c;
	bool had = false;
	for (unsigned i = 0; (c = private_level(&m->cpu->data, i)); i++) had |= cache_drop(c, line).valid;
	m->stats.invalidations += had;
	return had;
}

/* The page of `line`, so far of one core alone, gets an entry for each line that this core holds. */
static void open_page(struct directory *d, struct entry *page, uint64_t line)
{
	unsigned bits = PAGE_BITS - d->line_bits, owner = page->writer - 1;
	const struct mem_port *port = &d->member[owner].cpu->data;
	page->writer = all_cores;
	for (uint64_t at = line >> bits << bits; at >> bits == line >> bits; at++) {
		struct held h = look(port, at);
		if (!h.any) continue;
		struct entry *e = entry_of(&d->lines, at);
		e->sharers = group_of(owner);
		e->writer = h.dirty ? owner + 1 : 0;
		share_in(port, at);
	}
}

/* Takes the line from all but the one at `place`; the cycles until the farthest has lost it. */
static cycles_t take_from_others(struct directory *d, struct entry *e, unsigned place, uint64_t line)
{
	cycles_t longest = 0;
	for (unsigned i = 0; i < d->members; i++) {
		if (i == place || !(e->sharers & group_of(i)) || !take_from(&d->member[i], line)) continue;
		cycles_t way = coherence_transfer(d->coherence, d->member[i].number, d->member[place].number);
		if (way > longest) longest = way;
	}
	e->sharers = 0;
	return longest;
}

/* --- what the memory side asks ----------------------------------------------------------------------------------- */

static void tell_monitors(struct directory *d, const struct mem_port *port, uint64_t line)
{
	uint64_t pa = (line & bits_ones(port->security_shift)) << port->line_bits;
	if (d->monitors) monitors_store(d->monitors, port->cpu->place, pa);
}

void directory_use_monitors(struct directory *d, struct monitors *m) { d->monitors = m; }

/* The core that wrote the line last still has it, written: it gives it. */
static void give(struct directory *d, struct entry *e, const struct mem_port *port, const struct mem_req *r,
		 uint64_t line, cycles_t now, struct directory_found *out)
{
	struct member *to = &d->member[port->cpu->place], *from = &d->member[e->writer - 1];
	if (!look(&from->cpu->data, line).dirty) return;
	enum core_distance far = coherence_distance(&d->coherence->topology, from->number, to->number);
	cycles_t start = e->free > now ? e->free : now;
	out->given = true;
	out->done = port->untimed ? now : (e->free = start + d->coherence->transfer[far]);
	to->stats.transfers[far][r->cause]++;
	to->stats.transfer_cycles += out->done - now;
	from->stats.given++;
	clean_in(&from->cpu->data, line);
	if (r->kind != ACCESS_WRITE) out->from = &from->cpu->data;
}

struct directory_found directory_fetch(struct directory *d, const struct mem_port *port,
				       const struct mem_req *r, uint64_t line, cycles_t now)
{
	struct directory_found out = {.asked = true, .done = now};
	unsigned place = port->cpu->place;
	struct entry *page = entry_of(&d->pages, line >> (PAGE_BITS - d->line_bits));
	if (!page->writer) page->writer = place + 1;
	if (page->writer == place + 1) return out;
	if (page->writer != all_cores) open_page(d, page, line);
	struct entry *e = entry_of(&d->lines, line);
	out.shared = true;
	if (e->writer && e->writer != place + 1) give(d, e, port, r, line, now, &out);
	if (r->kind == ACCESS_WRITE) {
		cycles_t lost = now + take_from_others(d, e, place, line);
		if (lost > out.done && !port->untimed) out.done = lost;
		e->writer = place + 1;
		tell_monitors(d, port, line);
	} else {
		e->writer = 0;
	}
	e->sharers |= group_of(place);
	return out;
}

cycles_t directory_write(struct directory *d, const struct mem_port *port, uint64_t line, cycles_t now)
{
	unsigned place = port->cpu->place;
	struct entry *e = entry_of(&d->lines, line);
	if (e->writer == place + 1) return now;
	cycles_t start = e->free > now ? e->free : now, lost = take_from_others(d, e, place, line);
	e->writer = place + 1;
	e->sharers = group_of(place);
	tell_monitors(d, port, line);
	if (!lost || port->untimed) return now;
	d->member[place].stats.upgrades++;
	return e->free = start + lost;
}

/* --- atomics at home --------------------------------------------------------------------------------------------- */

bool directory_is_alone(struct directory *d, const struct mem_port *port, uint64_t line)
{
	unsigned place = port->cpu->place;
	const struct entry *page = entry_of(&d->pages, line >> (PAGE_BITS - d->line_bits));
	if (page->writer != all_cores) return page->writer == place + 1;
	return entry_of(&d->lines, line)->writer == place + 1;
}

cycles_t directory_take_home(struct directory *d, const struct mem_port *port, uint64_t line, cycles_t now,
			     cycles_t occupancy)
{
	unsigned place = port->cpu->place;
	struct entry *page = entry_of(&d->pages, line >> (PAGE_BITS - d->line_bits));
	if (page->writer && page->writer != all_cores) open_page(d, page, line);
	page->writer = all_cores;
	struct entry *e = entry_of(&d->lines, line);
	cycles_t start = e->free > now ? e->free : now, lost = take_from_others(d, e, place, line);
	take_from(&d->member[place], line);
	e->writer = 0;
	tell_monitors(d, port, line);
	if (port->untimed) return now;
	e->free = start + lost + occupancy;
	return start + lost;
}

/* --- counters ---------------------------------------------------------------------------------------------------- */

#define F struct sharing_stats
static const struct stat_desc rows[] = {
	STAT_BY2(F, transfers, core_distance_names, req_cause_names, "lines",
		 "lines that another core had written and gave, by how far it is"),
	STAT(F, transfer_cycles, "cycles", "until they had come"),
	STAT(F, upgrades, "writes", "writes of lines that the core had, which took them from others"),
	STAT(F, invalidations, "lines", "lines that others took, to write them"),
	STAT(F, given, "lines", "lines that it had written and gave"),
};
#undef F

void directory_register_stats(struct directory *d, struct stats *s)
{
	for (unsigned i = 0; i < d->members; i++)
		stats_add(s, rows, sizeof(rows) / sizeof(rows[0]), &d->member[i].stats, "cpu%u.sharing",
			  d->member[i].number);
}

enum status directory_check(const struct directory *d, struct err *err)
{
	uint64_t given = 0, got = 0;
	for (unsigned i = 0; i < d->members; i++) {
		given += d->member[i].stats.given;
		for (unsigned far = 0; far < DISTANCES; far++)
			for (unsigned c = 0; c < CAUSE_COUNT; c++)
				got += d->member[i].stats.transfers[far][c];
	}
	if (given == got) return OK;
	return err_set(err, ERR_CHECK, "sharing: %" PRIu64 " lines given are not the %" PRIu64 " that came",
		       given, got);
}
