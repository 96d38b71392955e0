#include "machine/stack_paths.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "config/merge.h"

/* `name` as said in `file`. */
static const char *beside(struct conf *c, const char *file, const char *name)
{
	const char *slash = strrchr(file, '/');
	size_t folder = slash && name[0] != '/' ? (size_t)(slash - file) + 1 : 0;
	char *path = conf_alloc(c, folder + strlen(name) + 1);
	memcpy(path, file, folder);
	strcpy(path + folder, name);
	return path;
}

/* The file that `key` of `map` names, resolved; NULL: it names none. */
static const char *file_of(struct conf *c, const struct node *map, const char *key)
{
	const struct node *n = node_get(map, key);
	if (!n || n->kind != NODE_SCALAR || !*n->text) return NULL;
	return beside(c, n->at.file, n->text);
}

static enum status load_book(struct stack_paths *p, const struct node *root, struct err *err)
{
	const struct node *list = node_get(root, "hypervisors");
	const struct node *hypervisor = list && list->kind == NODE_LIST && list->count ? list->item[0] : NULL;
	const char *named[] = {file_of(p->conf, hypervisor, "paths"), file_of(p->conf, hypervisor, "vmm"),
			       file_of(p->conf, root, "operations"), file_of(p->conf, root, "firmware")};
	const char *files[5] = {0};
	size_t count = 0;
	for (size_t i = 0; i < 4; i++)
		if (named[i]) files[count++] = named[i];
	if (!count)
		return conf_fail(
			err, root->at,
			"this stack names no software paths (hypervisors.0.paths, firmware); kvm-vhe does");
	return path_book_load(p->conf, files, &p->machine.params.features, &p->book, err);
}

enum status stack_paths_load(struct stack_paths *p, const struct machine_request *machine, const char *stack,
			     struct err *err)
{
	struct conf_file file;
	*p = (struct stack_paths){.conf = conf_new()};
	TRY(machine_config_load(&p->machine, machine, err));
	TRY(conf_load(p->conf, stack, &file, err));
	TRY(schema_bind(p->conf, &stack_schema, file.root, &p->stack, err));
	return load_book(p, file.root, err);
}

void stack_paths_free(struct stack_paths *p)
{
	if (p->machine.conf) machine_config_free(&p->machine);
	conf_free(p->conf);
	p->conf = NULL;
}
