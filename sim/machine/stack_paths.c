#include "machine/stack_paths.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "config/merge.h"
#include "machine/stack_book.h"

enum status stack_file(struct conf *c, const char *stack, const struct node *map, const char *key,
		       const char **out, struct err *err)
{
	const struct node *n = node_get(map, key);
	*out = NULL;
	if (!n || n->kind != NODE_SCALAR || !*n->text) return OK;
	bool typed = strncmp(n->at.file, "--set ", strlen("--set ")) == 0;
	*out = conf_beside(c, typed ? stack : n->at.file, n->text);
	return conf_need_file(*out, key, n->at, err);
}

enum status stack_book_load(struct conf *c, const struct node *stack, const struct features *features,
			    struct path_book **out, const struct node **merged, struct err *err)
{
	const struct node *list = node_get(stack, "hypervisors");
	const struct node *hypervisor = list && list->kind == NODE_LIST && list->count ? list->item[0] : NULL;
	const struct {
		const struct node *map;
		const char *key;
	} named[] = {{hypervisor, "paths"}, {hypervisor, "vmm"}, {stack, "operations"}, {stack, "firmware"}};
	enum { NAMED = sizeof(named) / sizeof(named[0]) };
	const char *path[NAMED];
	struct conf_file file = {0};
	*out = NULL;
	*merged = NULL;
	for (size_t i = 0; i < NAMED; i++)
		TRY(stack_file(c, stack->at.file, named[i].map, named[i].key, &path[i], err));
	if (!path[0] && !path[2] && !path[3]) return OK;
	for (size_t i = 0; i < NAMED; i++) {
		if (!path[i]) continue;
		if (file.root) {
			TRY(conf_overlay(c, &file, path[i], err));
		} else {
			TRY(conf_load(c, path[i], &file, err));
		}
	}
	*merged = file.root;
	return path_book_bind(c, file.root, features, out, err);
}

/* `sets` of the stack, or all others; NULL at the end. free() it. */
static const char **sets_of(const char *const *sets, bool stack)
{
	size_t count = 0, used = 0;
	while (sets && sets[count]) count++;
	const char **out = xcalloc(count + 1, sizeof(*out));
	for (size_t i = 0; i < count; i++)
		if ((strncmp(sets[i], "stack.", strlen("stack.")) == 0) == stack) out[used++] = sets[i];
	return out;
}

static enum status load_stack(struct stack_paths *p, const char *stack, const char *const *sets,
			      struct err *err)
{
	struct conf_file file;
	const struct node *merged;
	TRY(conf_load(p->conf, stack, &file, err));
	for (size_t i = 0; sets[i]; i++) TRY(conf_set(p->conf, &file, "stack", sets[i], err));
	TRY(stack_bind(p->conf, file.root, &p->stack, err));
	TRY(stack_book_load(p->conf, file.root, &p->machine.params.features, &p->book, &merged, err));
	if (p->book) return OK;
	return conf_fail(
		err, file.root->at,
		"this stack names no software paths (hypervisors.0.paths, operations, firmware); kvm-vhe does");
}

enum status stack_paths_load(struct stack_paths *p, const struct machine_request *machine, const char *stack,
			     struct err *err)
{
	*p = (struct stack_paths){.conf = conf_new()};
	const char **of_machine = sets_of(machine->sets, false), **of_stack = sets_of(machine->sets, true);
	struct machine_request req = {machine->path, machine->overlays, of_machine};
	enum status st = machine_config_load(&p->machine, &req, err);
	if (st == OK) st = load_stack(p, stack, of_stack, err);
	free(of_machine);
	free(of_stack);
	return st;
}

void stack_paths_free(struct stack_paths *p)
{
	if (p->machine.conf) machine_config_free(&p->machine);
	conf_free(p->conf);
	p->conf = NULL;
}
