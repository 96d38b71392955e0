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

/* The kinds of files that a run is made of. */
static const struct {
	const struct schema *schema;
	const char *words, *prefix; /* of --set */
} kinds[] = {{&machine_schema, "a machine (-m)", "machine."},
	     {&stack_schema, "a stack (-s)", "stack."},
	     {&gen_schema, "a workload (-w)", "workload."},
	     {&scenario_schema, "a workload (-w)", "workload."},
	     {&stage2_workload_schema, "a workload (-w)", "workload."}};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static bool knows(const struct schema *s, const char *key, size_t length)
{
	for (size_t k = 0; k < s->count; k++)
		if (strlen(s->param[k].name) == length && !strncmp(s->param[k].name, key, length))
			return true;
	return false;
}

const char *schemas_missing_prefix(const char *assignment)
{
	size_t length = strcspn(assignment, ".=");
	for (size_t i = 0; i < KINDS; i++)
		if (knows(kinds[i].schema, assignment, length)) return i ? kinds[i].prefix : NULL;
	return NULL;
}

/* How many of the keys of `root` a schema knows; *first: the first that it does not know, or the count. */
static size_t known_keys(const struct node *root, const struct schema *s, size_t *first)
{
	size_t known = 0;
	*first = root->count;
	for (size_t i = root->count; i-- > 0;) {
		bool is = knows(s, root->key[i], strlen(root->key[i]));
		known += is;
		if (!is) *first = i;
	}
	return known;
}

enum status schemas_check_kind(const struct node *root, const struct schema *expected, struct err *err)
{
	size_t unknown, unused, most = known_keys(root, expected, &unknown);
	const char *likelier = NULL, *wanted = expected->doc;
	for (size_t i = 0; i < KINDS; i++) {
		size_t known = known_keys(root, kinds[i].schema, &unused);
		if (kinds[i].schema == expected) wanted = kinds[i].words;
		if (known <= most) continue;
		most = known;
		likelier = kinds[i].words;
	}
	if (!likelier || unknown == root->count) return OK;
	return conf_fail(err, root->key_at[unknown], "'%.60s' is no key of %s; this file seems to be %s",
			 root->key[unknown], wanted, likelier);
}
