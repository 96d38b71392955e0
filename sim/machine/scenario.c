#include "machine/scenario.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define F struct scenario_params
static const struct param rows[] = {
	P_STR(F, operations, NULL, "of the guest, blanks between (strata explain trap knows them)"),
	P_STR(F, others, "",
	      "operation that the other vCPUs perform meanwhile (stack.threads: 2 or more); empty: none"),
	P_U64(F, repetitions, "repetitions", 1000, 1, 1000000000, "that are measured"),
	P_U64(F, warmup, "repetitions", 100, 0, 1000000000, "before that: caches fill"),
};
#undef F
SCHEMA(scenario_schema, "scenario", struct scenario_params, rows,
       "operations of a guest, again and again (workloads/micro/)");

bool is_scenario(const struct node *root) { return node_get(root, "operations") != NULL; }

enum status scenario_repeat(const struct scenario_params *p, scenario_perform_fn *perform, void *ctx,
			    struct err *err)
{
	char *text = xstrdup(p->operations);
	enum status st = OK;
	for (char *rest = text, *one; st == OK && (one = strtok_r(rest, " \t\n", &rest));)
		st = perform(ctx, one, err);
	free(text);
	return st;
}
