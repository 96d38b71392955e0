#include "machine/machine_config.h"

#include <inttypes.h>
#include <string.h>

#include "base/bits.h"

#define F struct machine_params
static const struct param rows[] = {
	P_STR(F, name, NULL, "name of the machine in results"),
	HW_U64(F, clock_mhz, "MHz", 2000, 1, 100000, "core clock: turns nanoseconds into cycles"),
	P_MAP(F, features, &features_schema, "architectural features"),
	P_MAP(F, core, &core_schema, "core"),
	P_LIST(F, tlbs, &tlb_schema, 1, 16, "TLBs"),
	P_MAP(F, walker, &walker_schema, "translation table walkers"),
	P_LIST(F, caches, &cache_schema, 0, 16, "data and instruction caches, in order to memory"),
	P_MAP(F, memory, &memory_schema, "main memory"),
};
#undef F
SCHEMA(machine_schema, "machine", struct machine_params, rows, "a machine");
