#include "cli/explain_stages.h"

#include <inttypes.h>
#include <stdio.h>

#include "gic/irq_book.h"

/* Tenths of a mean, rounded. */
static uint64_t tenths(uint64_t sum, uint64_t count) { return (10 * sum + count / 2) / count; }

static void print_time(uint64_t cycles, uint64_t count, uint64_t clock_mhz)
{
	uint64_t c = tenths(cycles, count), ns = tenths(cycles * 1000 / clock_mhz, count);
	printf("%8" PRIu64 ".%" PRIu64 " %8" PRIu64 ".%" PRIu64, c / 10, c % 10, ns / 10, ns % 10);
}

/* A counter of the run; false: there is none of that name. */
static bool counter(const struct run *r, const char *book, const char *source, const char *name,
		    uint64_t *out)
{
	char path[96];
	snprintf(path, sizeof(path), "%s.%s.%s", book, source, name);
	const uint64_t *found = stats_find(run_stats(r), path);
	if (found) *out = *found;
	return found != NULL;
}

static void print_source(const struct run *r, const char *book, bool is_virtual, const char *source)
{
	const char *const *names = is_virtual ? virq_stage_names : irq_stage_names,
			  *const *docs = is_virtual ? virq_stage_docs : irq_stage_docs;
	uint64_t count = 0, cycles = 0, clock = run_clock_mhz(r);
	if (!counter(r, book, source, "count", &count) || !count) return;
	counter(r, book, source, "cycles", &cycles);
	printf("%s.%s: %" PRIu64 " interrupts\n    cycles         ns  stage\n", book, source, count);
	for (unsigned i = 0; names[i]; i++) {
		char name[48];
		uint64_t spent = 0;
		snprintf(name, sizeof(name), "stage_cycles.%s", names[i]);
		counter(r, book, source, name, &spent);
		if (!spent) continue;
		print_time(spent, count, clock);
		printf("  %-14s %s\n", names[i], docs[i]);
	}
	print_time(cycles, count, clock);
	puts("  sum");
}

static void print_books(const struct run *r)
{
	static const struct {
		const char *name;
		bool is_virtual;
	} books[] = {{"irqs", false}, {"vm0.irqs", false}, {"vm0.virqs", true}};
	for (size_t b = 0; b < sizeof(books) / sizeof(books[0]); b++)
		for (unsigned i = 0; i < GIC_SOURCE_COUNT; i++)
			print_source(r, books[b].name, books[b].is_virtual, gic_source_names[i]);
}

static bool is_timed(const struct run *r)
{
	uint64_t ignored;
	return counter(r, "irqs", "sgi", "count", &ignored) ||
	       counter(r, "vm0.irqs", "sgi", "count", &ignored);
}

enum status explain_stages(const struct run_request *q, struct err *err)
{
	struct run *r;
	struct run_report report;
	TRY(run_new(q, &r, err));
	enum status st = OK;
	if (!is_timed(r))
		st = err_set(err, ERR_CONFIG,
			     "%s: gic.version: untimed, or %s has no software paths: nothing is counted",
			     q->machine, q->stack);
	if (st == OK) st = run_execute(r, NULL, NULL, &report, err);
	if (st == OK) print_books(r);
	run_free(r);
	return st;
}
