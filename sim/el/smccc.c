#include "el/smccc.h"

#include <stddef.h>
#include <string.h>

static const struct smccc_call calls[] = {
#define X(name, id) {#name, id},
	SMCCC_CALLS(X)
#undef X
};
enum { CALLS = sizeof(calls) / sizeof(calls[0]) };

const struct smccc_call *smccc_find(const char *name)
{
	for (unsigned i = 0; i < CALLS; i++)
		if (strcmp(calls[i].name, name) == 0) return &calls[i];
	return NULL;
}

const struct smccc_call *smccc_by_id(uint32_t id)
{
	for (unsigned i = 0; i < CALLS; i++)
		if (calls[i].id == id) return &calls[i];
	return NULL;
}
