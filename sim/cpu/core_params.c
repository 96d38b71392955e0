#include "cpu/core_params.h"

static const char *const model_names[] = {"in_order", "window", NULL};

#define F struct core_params
static const struct param rows[] = {
	HW_ENUM(F, model, model_names, CORE_WINDOW,
		"in_order: a load that misses the first-level cache stops the core; window: a reorder buffer lets latencies overlap"),
	HW_U64(F, width, "instructions/cycle", 4, 1, 16, "instructions dispatched and retired per cycle"),
	HW_U64(F, rob, "instructions", 128, 1, 4096, "reorder buffer (window only)"),
	HW_U64(F, store_buffer, "stores", 32, 1, 1024,
	       "stores that may be under way after they left the core"),
	P_BOOL(F, split_pages, 1, "an access that crosses a page or a line is two accesses"),
};
#undef F
SCHEMA(core_schema, "core", struct core_params, rows, "a core");
