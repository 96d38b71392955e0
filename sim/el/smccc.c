#include "el/smccc.h"

#include <stddef.h>
#include <string.h>

static const struct smccc_call calls[] = {
#define X(name, id, narrow) {#name, id, narrow},
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
		if (calls[i].id == id || (calls[i].narrow && calls[i].id == (id | UINT32_C(1) << 30)))
			return &calls[i];
	return NULL;
}

static const struct {
	const char *name;
	unsigned first, last;
} services[] = {
#define X(name, first, last) {#name, first, last},
	SMCCC_SERVICES(X)
#undef X
};

enum smccc_service smccc_service_of(uint32_t id)
{
	for (unsigned i = 0; i < SERVICE_COUNT; i++)
		if (smccc_owner(id) >= services[i].first && smccc_owner(id) <= services[i].last)
			return (enum smccc_service)i;
	return SERVICE_COUNT;
}

bool smccc_service_find(const char *name, enum smccc_service *out)
{
	for (unsigned i = 0; i < SERVICE_COUNT; i++)
		if (strcmp(services[i].name, name) == 0) return *out = (enum smccc_service)i, true;
	return false;
}
