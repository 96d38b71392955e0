#include "machine/schemas.h"

#include <string.h>

#include "machine/machine_config.h"
#include "machine/memops_params.h"
#include "machine/scenario.h"
#include "machine/stack_config.h"
#include "machine/stage2_workload.h"
#include "trace/generator.h"

const struct schema *const schemas[] = {
#define X(ident) &ident,
	SCHEMAS(X)
#undef X
		NULL,
};

const struct schema *schemas_find(const char *name)
{
	for (size_t i = 0; schemas[i]; i++)
		if (strcmp(schemas[i]->name, name) == 0) return schemas[i];
	return NULL;
}
