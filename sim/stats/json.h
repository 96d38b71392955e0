/* json.h - the registry as JSON: one flat object keyed by complete path, in registration order.
 *
 * A counter is an integer. A histogram is an object with count, sum, min, max, mean, p50, p90, p99.
 * The counters of the warm-up must be taken before stats_reset(); hence an object that the caller keeps.
 */
#ifndef STATS_JSON_H
#define STATS_JSON_H

#include <stdio.h>

#include <jansson.h>

#include "stats/stats.h"

/* Puts every value into *out as a fresh object; json_decref() it. ERR_HOST for a value above 2^63-1, which JSON
 * readers and the library cannot hold. */
enum status stats_to_json(const struct stats *s, json_t **out, struct err *err);

/* Writes `value`, indented and with a final newline. ERR_HOST when the stream fails. */
enum status json_print(FILE *out, const json_t *value, struct err *err);

#endif
