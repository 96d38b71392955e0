#include "hyp/path_args.h"

#include <string.h>

#include "config/bind.h"

enum status arg_text(const struct node *n, const char *what, const char **out, struct err *err)
{
	*out = "";
	if (!n || n->kind != NODE_SCALAR)
		return conf_fail(err, n ? n->at : (struct place){0}, "%s is needed", what);
	*out = n->text;
	return OK;
}

enum status arg_u64(const struct node *n, const char *what, uint64_t *out, struct err *err)
{
	const char *text;
	TRY(arg_text(n, what, &text, err));
	if (!param_parse_u64(text, "", out)) return conf_fail(err, n->at, "%s: %s is needed", text, what);
	return OK;
}

enum status arg_index(const struct path_book *b, const struct node *n, arg_find_fn *find, const char *what,
		      uint16_t *out, struct err *err)
{
	const char *text;
	TRY(arg_text(n, what, &text, err));
	*out = find(b, text);
	return *out == PATH_NONE ? conf_fail(err, n->at, "%s: there is no such %s", text, what) : OK;
}

enum status arg_path(const struct path_book *b, const struct node *n, uint16_t *out, struct err *err)
{
	const struct node *kept = n->kind == NODE_SCALAR && b->named ? node_get(b->named, n->text) : NULL;
	if (!kept || kept->kind != NODE_NULL) return arg_index(b, n, book_path, "path", out, err);
	return conf_fail(err, n->at, "%s: a path without steps (%s:%u), which a file on top must say",
			 n->text, kept->at.file, kept->at.line);
}

enum status arg_register(const char *text, struct place at, struct reg_name *out, struct err *err)
{
	if (!reg_find(text, out)) return conf_fail(err, at, "%s: no register of that name", text);
	bool pstate = out->reg == R_DAIF || out->reg == R_SPSel || out->reg == R_CurrentEL ||
		      out->reg == R_PAN;
	return pstate ? conf_fail(err, at, "%s: is a part of PSTATE; use mask and unmask", text) : OK;
}

enum status arg_one_of(const struct node *n, const char *const *names, const char *what, uint16_t *out,
		       struct err *err)
{
	const char *text;
	TRY(arg_text(n, what, &text, err));
	for (uint16_t i = 0; names[i]; i++)
		if (strcmp(names[i], text) == 0) return *out = i, OK;
	return conf_fail(err, n->at, "%s: %s is needed", text, what);
}
