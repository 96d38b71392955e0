/* schemas.h - the list of configuration schemas, for `strata params`. To add one: one line here, and its header in
 * schemas.c.
 */
#ifndef MACHINE_SCHEMAS_H
#define MACHINE_SCHEMAS_H

#include "config/schema.h"

#define SCHEMAS(X) X(features_schema)

/* All of them, NULL at the end. */
extern const struct schema *const schemas[];

/* The schema called `name`, or NULL. */
const struct schema *schemas_find(const char *name);

#endif
