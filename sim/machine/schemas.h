/* schemas.h - the list of configuration schemas, for `strata params`. One that a row of another leads to is there without a line; to
 * add one, or to give it a place: one line here, and its header in schemas.c.
 */
#ifndef MACHINE_SCHEMAS_H
#define MACHINE_SCHEMAS_H

#include "config/schema.h"
#include "config/yaml.h"

#define SCHEMAS(X) \
	X(machine_schema) \
	X(features_schema) \
	X(core_schema) \
	X(primitive_schema) \
	X(gic_schema) \
	X(tlb_schema) \
	X(walker_schema) \
	X(walk_cache_schema) \
	X(ipa_cache_schema) \
	X(prefetch_schema) \
	X(cache_schema) \
	X(topology_schema) \
	X(memory_schema) \
	X(coherence_schema) \
	X(node_schema) \
	X(distance_schema) \
	X(link_schema) \
	X(dvm_schema) \
	X(fits_schema) \
	X(stack_schema) \
	X(numa_schema) \
	X(memop_schema) \
	X(os_schema) \
	X(hyp_schema) \
	X(gen_schema) \
	X(gen_child_schema) \
	X(gen_lock_schema) \
	X(gen_atomic_schema) \
	X(stage2_workload_schema) \
	X(stage2_schema) \
	X(scenario_schema)

enum { SCHEMAS_MAX = 64 };

struct schema_list {
	const struct schema *item[SCHEMAS_MAX];
	size_t count;
};

/* Those of the list, each followed by what its rows lead to and is not in the list itself; each once. */
void schemas_all(struct schema_list *out);

/* ERR_CONFIG where the file `root` is rather one of another kind - machine, stack, workload - than `expected`: where it has keys
 * that `expected` does not know, and another kind knows more of its keys. */
enum status schemas_check_kind(const struct node *root, const struct schema *expected, struct err *err);

/* What "key.path=value" lacks in front: "stack." or "workload.", where its first word is no key of a machine but one of these. NULL:
 * nothing. */
const char *schemas_missing_prefix(const char *assignment);

/* The schema called `name`, or NULL. */
const struct schema *schemas_find(const char *name);

#endif
