#include "cli/json.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

static const char *type_name(json_type type)
{
	static const char *const names[] = {"an object", "a list", "a text", "a whole number",
					    "a number",  "true",   "false",  "null"};
	return names[type];
}

enum status json_parse_object(const char *text, size_t bytes, json_t **out, struct err *err)
{
	json_error_t e;
	*out = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &e);
	if (!*out) return err_set(err, ERR_INPUT, "column %d: %s", e.column, e.text);
	if (json_is_object(*out)) return OK;
	enum status st = err_set(err, ERR_INPUT, "%s where an object is expected",
				 type_name(json_typeof(*out)));
	json_decref(*out);
	return st;
}

enum status json_parse_file(const char *path, json_t **out, struct err *err)
{
	json_error_t e;
	*out = json_load_file(path, JSON_REJECT_DUPLICATES, &e);
	if (*out) return OK;
	if (e.line < 1)
		return err_set(err, ERR_INPUT, "%s", e.text); /* it says what could not be opened, and why */
	return err_set(err, ERR_INPUT, "%s:%d:%d: %s", path, e.line, e.column, e.text);
}

static enum status read_hex(const char *text, const char *what, uint64_t *out, struct err *err)
{
	char *end;
	errno = 0;
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X') && isxdigit((unsigned char)text[2])) {
		*out = strtoull(text, &end, 16);
		if (!*end && !errno) return OK;
	}
	return err_set(err, ERR_INPUT, "%s: '%.40s' is not a 64-bit number of the form 0x...", what, text);
}

enum status json_read_u64(const json_t *value, const char *what, uint64_t *out, struct err *err)
{
	if (json_is_string(value)) return read_hex(json_string_value(value), what, out, err);
	if (!json_is_integer(value))
		return err_set(err, ERR_INPUT, "%s: %s where a number is expected", what,
			       value ? type_name(json_typeof(value)) : "nothing");
	json_int_t n = json_integer_value(value);
	if (n < 0) return err_set(err, ERR_INPUT, "%s: %lld is negative", what, (long long)n);
	*out = (uint64_t)n;
	return OK;
}

enum status json_get_u64(const json_t *object, const char *key, uint64_t *out, struct err *err)
{
	json_t *value = json_object_get(object, key);
	if (!value) return err_set(err, ERR_INPUT, "'%s' is missing", key);
	return json_read_u64(value, key, out, err);
}

enum status json_get_small(const json_t *object, const char *key, uint64_t max, uint64_t *out,
			   struct err *err)
{
	TRY(json_get_u64(object, key, out, err));
	if (*out <= max) return OK;
	return err_set(err, ERR_INPUT, "%s: %llu is outside 0..%llu", key, (unsigned long long)*out,
		       (unsigned long long)max);
}

enum status json_get_typed(const json_t *object, const char *key, json_type type, json_t **out,
			   struct err *err)
{
	*out = json_object_get(object, key);
	if (!*out) return err_set(err, ERR_INPUT, "'%s' is missing", key);
	if (json_typeof(*out) == type) return OK;
	return err_set(err, ERR_INPUT, "%s: %s where %s is expected", key, type_name(json_typeof(*out)),
		       type_name(type));
}

enum status json_get_text(const json_t *object, const char *key, const char **out, struct err *err)
{
	json_t *value;
	TRY(json_get_typed(object, key, JSON_STRING, &value, err));
	*out = json_string_value(value);
	return OK;
}
