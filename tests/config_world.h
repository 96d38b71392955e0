/* config_world.h - a small schema with a row of every kind, for the tests of configuration. */
#ifndef TESTS_CONFIG_WORLD_H
#define TESTS_CONFIG_WORLD_H

#include "config/bind.h"
#include "config/effective.h"
#include "config/merge.h"

struct part_params {
	const char *name;
	uint64_t size, ways;
};
struct world_params {
	const char *name;
	uint64_t count, fast, colour, sizes, bytes;
	struct part_params main;
	struct param_list parts;   /* of struct part_params */
	struct param_list weights; /* of uint64_t */
};

extern const struct schema world_schema;

/* Parsed and bound text. world_free() it. */
struct world {
	struct conf *conf;
	struct world_params params;
	struct bound bound;
	struct err err;
	enum status status;
};
void world_read(struct world *w, const char *yaml);
void world_free(struct world *w);

/* What reading and binding `yaml` (called "w.yaml") complains of; "" when it does not. Valid until the next call. */
const char *world_error(const char *yaml);

/* Writes `text` to a file `name` of this test's own folder, up to 32 of them. The path is valid until temp_clean(). */
const char *temp_file(const char *name, const char *text);
/* Removes those files and their folder. */
void temp_clean(void);

#endif
