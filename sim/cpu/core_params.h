/* core_params.h - what a machine file says of its cores. */
#ifndef CPU_CORE_PARAMS_H
#define CPU_CORE_PARAMS_H

#include "config/schema.h"

enum core_model { CORE_IN_ORDER, CORE_WINDOW };

struct core_params {
	uint64_t model, width, rob, store_buffer, split_pages;
};
extern const struct schema core_schema;

#endif
