/* schemas.h - the list of configuration schemas, for `strata params`. To add one: one line here, and its header in
 * schemas.c.
 */
#ifndef MACHINE_SCHEMAS_H
#define MACHINE_SCHEMAS_H

#include "config/schema.h"

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
	X(stage2_workload_schema) \
	X(stage2_schema) \
	X(scenario_schema)

/* All of them, NULL at the end. */
extern const struct schema *const schemas[];

/* The schema called `name`, or NULL. */
const struct schema *schemas_find(const char *name);

#endif
