/* vector_parse.c - one line of a vector file into a struct vector. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/conform.h"
#include "cli/json.h"
#include "el/regs.h"

static enum status parse_word(const json_t *pair, const char *key, struct vec_word *out, struct err *err)
{
	if (!json_is_array(pair) || json_array_size(pair) != 2)
		return err_set(err, ERR_INPUT, "%s: an entry is not [address, value]", key);
	TRY(json_read_u64(json_array_get(pair, 0), key, &out->pa, err));
	TRY(json_read_u64(json_array_get(pair, 1), key, &out->value, err));
	if (out->pa % 8 == 0) return OK;
	return err_set(err, ERR_INPUT, "%s: 0x%llx is not a multiple of 8", key, (unsigned long long)out->pa);
}

static enum status parse_memory(const json_t *object, const char *key, struct vec_memory *out,
				struct err *err)
{
	json_t *list;
	TRY(json_get_typed(object, key, JSON_ARRAY, &list, err));
	size_t count = json_array_size(list);
	out->words = xcalloc(count, sizeof(*out->words));
	for (; out->count < count; out->count++)
		TRY(parse_word(json_array_get(list, out->count), key, &out->words[out->count], err));
	return OK;
}

/* Registers that take no part in translation may be there. */
static enum status parse_regs(const json_t *object, struct sysregs *out, struct err *err)
{
	json_t *regs, *value;
	const char *name;
	struct reg_name known;
	uint64_t unused;
	TRY(json_get_typed(object, "regs", JSON_OBJECT, &regs, err));
	json_object_foreach(regs, name, value)
	{
		uint64_t *reg = sysregs_find(out, name);
		if (!reg && !reg_find(name, &known))
			return err_set(err, ERR_INPUT, "regs: '%.40s' is no system register", name);
		TRY(json_read_u64(value, name, reg ? reg : &unused, err));
	}
	return OK;
}

static enum status parse_cpu(const json_t *object, struct vector *out, struct err *err)
{
	const char *cpu;
	char known[200] = "";
	TRY(json_get_text(object, "cpu", &cpu, err));
	for (unsigned i = 0; (out->cpu = features_cpu_name(i)); i++) {
		if (strcmp(out->cpu, cpu) == 0) {
			out->features = features_of_cpu(cpu);
			return OK;
		}
		size_t used = strlen(known);
		snprintf(known + used, sizeof(known) - used, "%s%s", i ? ", " : "", out->cpu);
	}
	return err_set(err, ERR_INPUT, "cpu: '%.40s' is not one of %s", cpu, known);
}

static enum status parse_op(const json_t *object, struct vector *out, struct err *err)
{
	const char *op;
	TRY(json_get_text(object, "op", &op, err));
	out->op = at_op_find(op);
	if (out->op != AT_OP_COUNT) return OK;
	return err_set(err, ERR_INPUT, "op: '%.40s' is not an AT operation", op);
}

static enum status parse_kind(const json_t *object, struct vec_access *out, struct err *err)
{
	static const char *const kinds[] = {"read", "write", "fetch"};
	const char *kind;
	TRY(json_get_text(object, "kind", &kind, err));
	for (uint8_t i = 0; i < 3; i++)
		if (strcmp(kind, kinds[i]) == 0) {
			out->kind = i;
			return OK;
		}
	return err_set(err, ERR_INPUT, "kind: '%.40s' is not read, write or fetch", kind);
}

/* A member that may be absent. */
static enum status parse_optional(const json_t *object, const char *key, bool *has, uint64_t *out,
				  struct err *err)
{
	*has = json_object_get(object, key) != NULL;
	return *has ? json_get_u64(object, key, out, err) : OK;
}

static enum status parse_fault(const json_t *object, struct vec_access *out, struct err *err)
{
	uint64_t taken_to;
	TRY(json_get_small(object, "taken_to", 3, &taken_to, err));
	out->taken_to = (uint8_t)taken_to;
	TRY(json_get_u64(object, "esr", &out->esr, err));
	TRY(json_get_u64(object, "far", &out->far, err));
	return parse_optional(object, "hpfar", &out->has_hpfar, &out->hpfar, err);
}

static enum status parse_access(const json_t *object, struct vec_access *out, struct err *err)
{
	const char *result;
	uint64_t el;
	TRY(parse_kind(object, out, err));
	TRY(json_get_small(object, "el", 1, &el, err));
	out->el = (uint8_t)el;
	TRY(json_get_text(object, "result", &result, err));
	out->ok = strcmp(result, "ok") == 0;
	if (!out->ok && strcmp(result, "fault") != 0)
		return err_set(err, ERR_INPUT, "result: '%.40s' is not ok or fault", result);
	if (!out->ok) TRY(parse_fault(object, out, err));
	TRY(parse_optional(object, "data", &out->has_data, &out->data, err));
	out->has_memory = json_object_get(object, "mem_after") != NULL;
	return out->has_memory ? parse_memory(object, "mem_after", &out->memory, err) : OK;
}

static enum status parse_names(const json_t *object, struct vector *out, struct err *err)
{
	const char *id, *group = "", *outcome = "";
	TRY(json_get_text(object, "id", &id, err));
	if (json_object_get(object, "group")) TRY(json_get_text(object, "group", &group, err));
	if (json_object_get(object, "outcome")) TRY(json_get_text(object, "outcome", &outcome, err));
	out->id = xstrdup(id);
	out->group = xstrdup(group);
	out->outcome = xstrdup(outcome);
	return OK;
}

static enum status parse_case(const json_t *object, struct vector *out, struct err *err)
{
	uint64_t pan = 0;
	json_t *access;
	TRY(parse_names(object, out, err));
	TRY(parse_cpu(object, out, err));
	TRY(parse_op(object, out, err));
	TRY(json_get_u64(object, "va", &out->va.raw, err));
	if (json_object_get(object, "pan")) TRY(json_get_small(object, "pan", 1, &pan, err));
	out->pan = pan;
	TRY(parse_regs(object, &out->regs, err));
	TRY(parse_memory(object, "mem", &out->memory, err));
	TRY(json_get_u64(object, "par", &out->par, err));
	TRY(json_get_u64(object, "par_mask", &out->par_mask, err));
	out->has_access = json_object_get(object, "access") != NULL;
	if (!out->has_access) return OK;
	TRY(json_get_typed(object, "access", JSON_OBJECT, &access, err));
	return parse_access(access, &out->access, err);
}

enum status vector_parse(const char *line, size_t bytes, struct vector *out, struct err *err)
{
	json_t *object;
	memset(out, 0, sizeof(*out));
	TRY(json_parse_object(line, bytes, &object, err));
	enum status st = parse_case(object, out, err);
	json_decref(object);
	if (st != OK) vector_free(out);
	return st;
}

void vector_free(struct vector *v)
{
	free(v->id);
	free(v->group);
	free(v->outcome);
	free(v->memory.words);
	free(v->access.memory.words);
	memset(v, 0, sizeof(*v));
}
