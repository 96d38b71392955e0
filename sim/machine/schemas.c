#include "machine/schemas.h"

#include <assert.h>
#include <string.h>

#include "machine/machine_config.h"
#include "machine/memops_params.h"
#include "machine/scenario.h"
#include "machine/stack_config.h"
#include "machine/stage2_workload.h"
#include "trace/generator.h"

static const struct schema *const listed[] = {
#define X(ident) &ident,
	SCHEMAS(X)
#undef X
};
enum { LISTED = sizeof(listed) / sizeof(listed[0]) };

static bool is_listed(const struct schema *s)
{
	for (size_t i = 0; i < LISTED; i++)
		if (listed[i] == s) return true;
	return false;
}

static bool has(const struct schema_list *l, const struct schema *s)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->item[i] == s) return true;
	return false;
}

static void add(struct schema_list *l, const struct schema *s)
{
	if (has(l, s)) return;
	assert(l->count < SCHEMAS_MAX);
	l->item[l->count++] = s;
	for (size_t i = 0; i < s->count; i++)
		if (s->param[i].sub && !is_listed(s->param[i].sub)) add(l, s->param[i].sub);
}

void schemas_all(struct schema_list *out)
{
	out->count = 0;
	for (size_t i = 0; i < LISTED; i++) add(out, listed[i]);
}

const struct schema *schemas_find(const char *name)
{
	struct schema_list all;
	schemas_all(&all);
	for (size_t i = 0; i < all.count; i++)
		if (strcmp(all.item[i]->name, name) == 0) return all.item[i];
	return NULL;
}
