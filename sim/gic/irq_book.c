#include "gic/irq_book.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/alloc.h"

const char *const irq_stage_names[] = {
#define X(name, doc) #name,
	IRQ_STAGES(X)
#undef X
		NULL};
const char *const virq_stage_names[] = {
#define X(name, doc) #name,
	VIRQ_STAGES(X)
#undef X
		NULL};
const char *const irq_stage_docs[] = {
#define X(name, doc) doc,
	IRQ_STAGES(X)
#undef X
		NULL};
const char *const virq_stage_docs[] = {
#define X(name, doc) doc,
	VIRQ_STAGES(X)
#undef X
		NULL};

/* One that is under way. */
struct record {
	struct irq_span span;
	int passed; /* the last stage that is over; -1: none */
};

struct irq_book {
	bool is_virtual;
	unsigned acknowledged; /* from this stage on a new assertion is another interrupt */
	struct record *record;
	size_t count, room;
	struct irq_times times[GIC_SOURCE_COUNT];
	struct irq_intid intid[IRQ_BOOK_INTIDS];
	struct irq_book_counts counts;
};

#define F struct irq_times
#define TIMES(stage_names) \
	STAT(F, count, "interrupts", "that have ended"), \
		STAT(F, cycles, "cycles", "from their cause to their end"), \
		STAT_BY(F, stage_cycles, stage_names, "cycles", "of them, by stage"), \
		STAT_DIST(F, latency, "cycles", "from cause to end, of each")
static const struct stat_desc irq_rows[] = {TIMES(irq_stage_names)};
static const struct stat_desc virq_rows[] = {TIMES(virq_stage_names)};
#undef F
static const struct stat_desc stage_row = {
	.name = "cycles", .unit = "cycles", .doc = "that an interrupt spent there", .kind = STAT_HIST};
#define F struct irq_intid
static const struct stat_desc intid_rows[] = {
	STAT(F, intid, "INTID", "which interrupt: 0 as well where none has ended"),
	STAT(F, count, "interrupts", "of that INTID that have ended"),
	STAT(F, cycles, "cycles", "from their cause to their end"),
	STAT_DIST(F, latency, "cycles", "from cause to end, of each"),
};
#undef F
#define F struct irq_book_counts
static const struct stat_desc count_rows[] = {
	STAT(F, merged, "interrupts",
	     "raised again before they were acknowledged, so that software sees one"),
	STAT(F, spurious, "reads", "of IAR that found no interrupt"),
	STAT(F, dropped, "interrupts", "that nobody could take: disabled, unmapped"),
	STAT(F, maintenance, "exits", "of a guest for the maintenance interrupt of its list registers"),
	STAT(F, maintenance_cycles, "cycles",
	     "from what that interrupt is for (ICH_MISR_EL2) until the guest was left"),
};
#undef F
enum { INTID_ROWS = 4, TIME_ROWS = 4, COUNT_ROWS = 5 };

struct irq_book *irq_book_new(bool is_virtual)
{
	struct irq_book *b = xcalloc(1, sizeof(*b));
	b->is_virtual = is_virtual;
	b->acknowledged = is_virtual ? (unsigned)VIRQ_acknowledge : (unsigned)IRQ_acknowledge;
	return b;
}

void irq_book_free(struct irq_book *b)
{
	if (!b) return;
	free(b->record);
	free(b);
}

/* The latest of that number: an older one may still be active. */
static struct record *find(struct irq_book *b, unsigned who, uint32_t intid)
{
	for (size_t i = b->count; i-- > 0;)
		if (b->record[i].span.who == who && b->record[i].span.intid == intid) return &b->record[i];
	return NULL;
}

bool irq_book_open(struct irq_book *b, unsigned who, uint32_t intid, enum gic_source source, cycles_t now)
{
	struct record *r = find(b, who, intid);
	if (r && r->passed < (int)b->acknowledged) return b->counts.merged++, false;
	if (r) irq_book_close(b, who, intid);
	if (b->count == b->room) {
		b->room = b->room ? 2 * b->room : 8;
		b->record = xrealloc(b->record, b->room, sizeof(*b->record));
	}
	b->record[b->count] = (struct record){.passed = -1};
	b->record[b->count++].span = (struct irq_span){
		.intid = intid, .who = who, .source = source, .begin = now, .end = now};
	return true;
}

static void mark(struct record *r, unsigned stage, cycles_t now)
{
	if (now > r->span.end) {
		r->span.stage[stage] += now - r->span.end;
		r->span.end = now;
	}
	if ((int)stage > r->passed) r->passed = (int)stage;
}

void irq_book_mark(struct irq_book *b, unsigned who, uint32_t intid, unsigned stage, cycles_t now)
{
	struct record *r = find(b, who, intid);
	if (r) mark(r, stage, now);
}

void irq_book_mark_all(struct irq_book *b, unsigned who, unsigned from, unsigned stage, cycles_t now)
{
	for (size_t i = 0; i < b->count; i++)
		if (b->record[i].span.who == who && b->record[i].passed >= (int)from &&
		    b->record[i].passed < (int)stage)
			mark(&b->record[i], stage, now);
}

/* Counters are zeroed when a warm-up ends, and with them who has a place. */
static void add_intid(struct irq_book *b, const struct irq_span *s)
{
	struct irq_intid *i = b->intid;
	while (i < b->intid + IRQ_BOOK_INTIDS && i->count && i->intid != s->intid) i++;
	if (i == b->intid + IRQ_BOOK_INTIDS) return;
	i->intid = s->intid;
	i->count++;
	i->cycles += s->end - s->begin;
	hist_add(&i->latency, s->end - s->begin);
}

const struct irq_intid *irq_book_intid(const struct irq_book *b, uint32_t intid)
{
	for (unsigned i = 0; i < IRQ_BOOK_INTIDS; i++)
		if (b->intid[i].count && b->intid[i].intid == intid) return &b->intid[i];
	return NULL;
}

void irq_book_close(struct irq_book *b, unsigned who, uint32_t intid)
{
	struct record *r = find(b, who, intid);
	if (!r) return;
	const struct irq_span s = r->span;
	struct irq_times *t = &b->times[s.source];
	t->count++;
	t->cycles += s.end - s.begin;
	hist_add(&t->latency, s.end - s.begin);
	for (unsigned i = 0; i < IRQ_BOOK_STAGES; i++) {
		t->stage_cycles[i] += s.stage[i];
		hist_add(&t->stage[i], s.stage[i]);
	}
	add_intid(b, &s);
	*r = b->record[--b->count];
}

cycles_t irq_book_begin(struct irq_book *b, unsigned who, uint32_t intid, cycles_t otherwise)
{
	const struct record *r = find(b, who, intid);
	return r ? r->span.begin : otherwise;
}

struct irq_book_counts *irq_book_counts(struct irq_book *b) { return &b->counts; }

void irq_book_register_stats(struct irq_book *b, struct stats *s, const char *path)
{
	const char *const *stages = b->is_virtual ? virq_stage_names : irq_stage_names;
	for (unsigned i = 0; i < GIC_SOURCE_COUNT; i++) {
		struct irq_times *t = &b->times[i];
		stats_add(s, b->is_virtual ? virq_rows : irq_rows, TIME_ROWS, t, "%s.%s", path,
			  gic_source_names[i]);
		for (unsigned k = 0; k < IRQ_BOOK_STAGES; k++)
			stats_add(s, &stage_row, 1, &t->stage[k], "%s.%s.%s", path, gic_source_names[i],
				  stages[k]);
	}
	for (unsigned i = 0; i < IRQ_BOOK_INTIDS; i++)
		stats_add(s, intid_rows, INTID_ROWS, &b->intid[i], "%s.intid%u", path, i);
	stats_add(s, count_rows, COUNT_ROWS, &b->counts, "%s", path);
}

const struct irq_times *irq_book_times(const struct irq_book *b, enum gic_source source)
{
	return &b->times[source];
}

enum status irq_book_check(const struct irq_book *b, struct err *err)
{
	for (unsigned i = 0; i < GIC_SOURCE_COUNT; i++) {
		const struct irq_times *t = &b->times[i];
		uint64_t sum = 0;
		for (unsigned k = 0; k < IRQ_BOOK_STAGES; k++) sum += t->stage_cycles[k];
		if (sum == t->cycles && t->count == t->latency.count && t->cycles == t->latency.sum) continue;
		return err_set(err, ERR_CHECK,
			       "interrupts: %s %s: stages have %" PRIu64 " cycles, latencies %" PRIu64,
			       b->is_virtual ? "virtual" : "physical", gic_source_names[i], sum, t->cycles);
	}
	return OK;
}
