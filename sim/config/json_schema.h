/* json_schema.h - the rows of a schema as a JSON Schema (draft 2020-12), for editors and other programs.
 *
 * Describes one file: `extends` and `sources` are allowed beside the rows' keys, nothing else is. Not
 * modelled: the provenance tags, which JSON has no notion of.
 */
#ifndef CONFIG_JSON_SCHEMA_H
#define CONFIG_JSON_SCHEMA_H

#include "config/schema.h"

/* JSON text, indented, keys in the order of the rows; free() it. */
char *schema_to_json(const struct schema *s);

#endif
