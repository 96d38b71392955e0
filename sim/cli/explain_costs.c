#include "cli/explain_costs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "hyp/path_cost.h"
#include "machine/export.h"
#include "machine/machine.h"

enum { WARM_UPS = 20 };

static const char *const bucket_names[] = {
#define X(name, text, doc) #text,
	CORE_BUCKETS(X)
#undef X
};

/* Cycles of one path, in the order of their first step. */
struct path_sum {
	const char *name;
	cycles_t cycles;
};

struct waterfall {
	uint64_t clock_mhz;
	cycles_t sum, memory;
	cycles_t by_el[CORE_LEVELS], by_bucket[BUCKET_COUNT];
	struct path_sum *path;
	size_t paths;
};

/* Tenths of a nanosecond, rounded. */
static uint64_t tenths(const struct waterfall *w, cycles_t cycles)
{
	return (cycles * 10000 + w->clock_mhz / 2) / w->clock_mhz;
}

static void print_time(const struct waterfall *w, cycles_t cycles)
{
	printf("%8" PRIu64 " %7" PRIu64 ".%" PRIu64, cycles, tenths(w, cycles) / 10, tenths(w, cycles) % 10);
}

static void add_to_path(struct waterfall *w, const char *name, cycles_t cycles)
{
	size_t i = 0;
	while (i < w->paths && strcmp(w->path[i].name, name) != 0) i++;
	if (i == w->paths) {
		w->path = xrealloc(w->path, w->paths + 1, sizeof(*w->path));
		w->path[w->paths++] = (struct path_sum){.name = name};
	}
	w->path[i].cycles += cycles;
}

static void print_transfer(const struct path_event *e)
{
	bool entry = e->kind == EVENT_ENTRY;
	printf("%s:%u>%u to %s\n", entry ? e->name : "ret", e->transfer.from, e->transfer.to, e->to_path);
}

/* Steps that take no time are control: shown by plain `explain trap`. */
static void on_price(void *ctx, const struct path_event *e, const struct path_price *price)
{
	struct waterfall *w = ctx;
	w->sum += price->cycles;
	w->memory += price->memory;
	w->by_el[price->el] += price->cycles;
	w->by_bucket[price->bucket] += price->cycles;
	add_to_path(w, e->path, price->cycles);
	if (!price->cycles && e->kind == EVENT_STEP) return;
	if (e->kind == EVENT_WRITE) return;
	print_time(w, price->cycles);
	printf(" %8" PRIu64 "  EL%u %-10s %-24s ", w->sum, price->el, bucket_names[price->bucket], e->path);
	if (e->kind == EVENT_STEP) {
		puts(e->text);
	} else {
		print_transfer(e);
	}
}

static void print_sums(const struct waterfall *w)
{
	char level[8];
	puts("  cycles        ns");
	for (size_t i = 0; i < w->paths; i++) {
		if (!w->path[i].cycles) continue;
		print_time(w, w->path[i].cycles);
		printf("  path %s\n", w->path[i].name);
	}
	for (unsigned el = 0; el < CORE_LEVELS; el++) {
		snprintf(level, sizeof(level), "EL%u", el);
		if (!w->by_el[el]) continue;
		print_time(w, w->by_el[el]);
		printf("  %s\n", level);
	}
	for (unsigned b = 0; b < BUCKET_COUNT; b++) {
		if (!w->by_bucket[b]) continue;
		print_time(w, w->by_bucket[b]);
		printf("  bucket %s\n", bucket_names[b]);
	}
	print_time(w, w->memory);
	puts("  of it waiting for lines of memory");
	print_time(w, w->sum);
	puts("  sum");
}

/* Caches have seen the operation; the guest has just been entered for the first time. */
static enum status warm_up(struct machine *m, const char *operation, struct err *err)
{
	for (int i = 0; i < WARM_UPS; i++) {
		TRY(machine_enter_guest(m, err));
		TRY(machine_perform(m, operation, err));
	}
	TRY(machine_enter_guest(m, err));
	machine_finish(m);
	return OK;
}

static enum status print_waterfall(struct machine *m, const struct stack_paths *p, const char *operation,
				   struct err *err)
{
	struct waterfall w = {.clock_mhz = p->machine.params.clock_mhz};
	TRY(warm_up(m, operation, err));
	cycles_t before = machine_totals(m).cycles;
	machine_listen(m, on_price, &w);
	puts("  cycles        ns      sum  at  bucket     path                     step");
	enum status st = machine_perform(m, operation, err);
	machine_finish(m);
	if (st == OK) print_sums(&w);
	free(w.path);
	if (st != OK) return st;
	TRY(machine_check_sums(m, err));
	cycles_t passed = machine_totals(m).cycles - before;
	if (passed == w.sum) return OK;
	return err_set(err, ERR_CHECK, "%s: steps add up to %" PRIu64 " cycles, the clock says %" PRIu64,
		       operation, w.sum, passed);
}

/* The same operation once more, told of to the files. */
static enum status write_exports(struct machine *m, const struct stack_paths *p, const char *operation,
				 const struct export_request *q, struct err *err)
{
	const struct export_parts parts = {m, true, p->machine.params.clock_mhz};
	struct export *x;
	TRY(warm_up(m, operation, err));
	TRY(export_new(q, &parts, &x, err));
	export_begin(x);
	enum status st = machine_perform(m, operation, err);
	machine_finish(m);
	if (st == OK) st = machine_check_sums(m, err);
	if (st == OK) st = export_commit(x, err);
	export_free(x);
	return st;
}

enum status explain_costs(const struct stack_paths *p, const char *operation, const struct export_request *q,
			  struct err *err)
{
	struct machine *m;
	TRY(machine_new(&p->machine.params, &p->stack, 1, &m, err));
	enum status st = machine_use_paths(m, p->book, err);
	if (st == OK) st = q ? write_exports(m, p, operation, q, err) : print_waterfall(m, p, operation, err);
	machine_free(m);
	return st;
}
