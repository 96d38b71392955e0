/* json.h - typed members of a JSON object, with errors that name the member and say what is allowed. */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <stdint.h>

#include <jansson.h>

#include "base/status.h"

/* Parses `bytes` of text: one JSON object. On OK the caller owns *out (json_decref). */
enum status json_parse_object(const char *text, size_t bytes, json_t **out, struct err *err);
/* Reads a file: one JSON value of any type, owned by the caller. */
enum status json_parse_file(const char *path, json_t **out, struct err *err);
/* A number: a JSON integer or a string "0x...". `what` names it in errors. */
enum status json_read_u64(const json_t *value, const char *what, uint64_t *out, struct err *err);
/* The member `key`, which must be there. */
enum status json_get_u64(const json_t *object, const char *key, uint64_t *out, struct err *err);
/* As json_get_u64, and at most `max`. */
enum status json_get_small(const json_t *object, const char *key, uint64_t max, uint64_t *out,
			   struct err *err);
/* A string; valid as long as the object. */
enum status json_get_text(const json_t *object, const char *key, const char **out, struct err *err);
/* A member of the given type. */
enum status json_get_typed(const json_t *object, const char *key, json_type type, json_t **out,
			   struct err *err);

#endif
