/* verb_list.c - `strata list [KIND]`: what can be chosen by name, what it does, where it is from. */
#include <argp.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cli/verbs.h"
#include "config/suggest.h"
#include "lock/lock.h"
#include "machine/memops_params.h"
#include "mem/line_prefetch.h"
#include "mem/numa.h"
#include "mmu/page_table.h"
#include "os/ctx.h"
#include "repl/repl.h"
#include "tlb/prefetch.h"
#include "trace/format.h"
#include "trace/generator.h"

struct item {
	const char *name, *doc;
	const char *const *source; /* NULL: it is this project's own */
};

#define X(name, doc) {#name, doc, &repl_##name.source},
static const struct item policies[] = {REPL_POLICIES(X)};
#undef X
#define X(name, doc) {#name, doc, &prefetch_##name.source},
static const struct item prefetcher_items[] = {PREFETCHERS(X)};
#undef X
#define X(name, doc) {#name, doc, &line_prefetch_##name.source},
static const struct item line_prefetcher_items[] = {LINE_PREFETCHERS(X)};
#undef X
#define X(name, doc) {#name, doc, &design_##name.source},
static const struct item designs[] = {PAGE_TABLE_DESIGNS(X)};
#undef X
#define X(name, doc) {#name, doc, &ctx_##name.source},
static const struct item contexts[] = {CTX_ALLOCATORS(X)};
#undef X
#define X(name, doc) {#name, doc, NULL},
static const struct item generators[] = {GENERATORS(X)};
static const struct item formats[] = {TRACE_FORMATS(X)};
static const struct item numa_policies[] = {NUMA_POLICIES(X)};
static const struct item numa_tables[] = {NUMA_TABLE_POLICIES(X)};
static const struct item operations[] = {MEMOPS(X)};
#undef X
#define X(ident, name, doc) {#name, doc, NULL},
static const struct item locks[] = {LOCK_KINDS(X)};
#undef X

static const struct kind {
	const char *name, *doc, *key; /* `key`: where one is chosen */
	const struct item *item;
	size_t count;
} kinds[] = {
#define KIND(name, key, items, doc) \
	{ \
		name, doc, key, items, sizeof(items) / sizeof(items[0]) \
	}
	KIND("policies", "policy of a TLB, walk cache or cache", policies,
	     "which way of a full set is replaced"),
	KIND("prefetchers", "walker.prefetch.kind", prefetcher_items,
	     "what is prefetched when the last TLB level misses"),
	KIND("cache-prefetchers", "caches.NAME.prefetch.kind", line_prefetcher_items,
	     "which lines a cache brings ahead of requests"),
	KIND("page-tables", "walker.page_table.design", designs, "how translation tables are built"),
	KIND("contexts", "stack.os.asids, stack.scheduler.vmids", contexts, "who gets which ASID or VMID"),
	KIND("numa-policies", "stack.numa.policy", numa_policies, "where pages come from"),
	KIND("table-policies", "stack.numa.tables", numa_tables, "where translation tables come from"),
	KIND("operations", "stack.memory_operations.NAME.kind", operations,
	     "what is done to a VM's memory while it runs"),
	KIND("locks", "lock steps of software paths", locks, "how a lock is taken and handed over"),
	KIND("generators", "generator of a workload", generators, "accesses that are computed"),
	KIND("formats", "recognised by their contents", formats, "traces that are read"),
#undef KIND
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static const char *source_of(const struct item *i) { return i->source ? *i->source : NULL; }

static void print_kind(const struct kind *k)
{
	printf("%s: %s (%s)\n", k->name, k->doc, k->key);
	for (size_t i = 0; i < k->count; i++) {
		const char *source = source_of(&k->item[i]);
		printf("  %-16s  %s", k->item[i].name, k->item[i].doc);
		if (source) printf(" [%s]", source);
		putchar('\n');
	}
}

static json_t *json_of(const struct kind *k)
{
	json_t *items = json_array();
	for (size_t i = 0; i < k->count; i++)
		json_array_append_new(items, json_pack("{s:s, s:s, s:s?}", "name", k->item[i].name, "doc",
						       k->item[i].doc, "source", source_of(&k->item[i])));
	return json_pack("{s:s, s:s, s:s, s:o}", "kind", k->name, "doc", k->doc, "key", k->key, "items",
			 items);
}

struct options {
	const char *kind;
	bool json;
};

static void show(const struct options *o)
{
	json_t *all = json_array();
	bool first = true;
	for (size_t i = 0; i < KINDS; i++) {
		if (o->kind && strcmp(o->kind, kinds[i].name) != 0) continue;
		if (o->json) {
			json_array_append_new(all, json_of(&kinds[i]));
		} else {
			if (!first) putchar('\n');
			print_kind(&kinds[i]);
		}
		first = false;
	}
	if (o->json) {
		json_dumpf(all, stdout, JSON_INDENT(2));
		putchar('\n');
	}
	json_decref(all);
}

static bool is_kind(const char *name)
{
	for (size_t i = 0; i < KINDS; i++)
		if (strcmp(name, kinds[i].name) == 0) return true;
	return false;
}

static int refuse(const char *name)
{
	struct suggest near;
	suggest_init(&near, name);
	for (size_t i = 0; i < KINDS; i++) suggest_try(&near, kinds[i].name);
	if (near.best) {
		fprintf(stderr, "strata list: no kind '%s'; did you mean '%s'?\n", name, near.best);
		return 2;
	}
	fprintf(stderr, "strata list: no kind '%s'; there are:", name);
	for (size_t i = 0; i < KINDS; i++) fprintf(stderr, "%s %s", i ? "," : "", kinds[i].name);
	fputc('\n', stderr);
	return 2;
}

enum { OPT_JSON = 256 };
static const struct argp_option option_rows[] = {
	{"json", OPT_JSON, NULL, 0, "the same as JSON", 0},
	{0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;
	switch (key) {
	case OPT_JSON: o->json = true; break;
	case ARGP_KEY_ARG:
		if (o->kind) argp_error(state, "one KIND, please");
		o->kind = arg;
		break;
	default: return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

int verb_list(int argc, char **argv)
{
	static const struct argp argp = {
		.options = option_rows,
		.parser = parse_option,
		.args_doc = "[KIND]",
		.doc = "What can be chosen by name - policies, prefetchers, page-table designs and others, of KIND or of all: "
		       "what each does, and the paper or manual that it is from.",
	};
	struct options o = {0};
	argp_err_exit_status = 2;
	argv[0] = (char[]){"strata list"};
	if (argp_parse(&argp, argc, argv, 0, NULL, &o)) return 2;
	if (o.kind && !is_kind(o.kind)) return refuse(o.kind);
	show(&o);
	return 0;
}
