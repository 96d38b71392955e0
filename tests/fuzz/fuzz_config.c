/* fuzz_config.c - any bytes as a machine file: read, bound, checked, listed. libFuzzer finds what crashes or hangs.
 *
 * The last bytes are also tried as a --set. Start it with configs/machines and configs/teaching as the corpus.
 */
#include <stdint.h>
#include <string.h>

#include "machine/machine_check.h"
#include "machine/machine_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void set_from_tail(struct conf *c, struct conf_file *f, const uint8_t *data, size_t size)
{
	char assignment[160];
	struct err err;
	size_t n = size < sizeof(assignment) - 1 ? size : sizeof(assignment) - 1;
	memcpy(assignment, data + size - n, n);
	assignment[n] = 0;
	conf_set(c, f, assignment, &err);
}

static void bind_and_check(struct machine_config *m)
{
	struct err err;
	if (schema_bind(m->conf, &machine_schema, m->bound.file.root, &m->params, &err) != OK) return;
	config_check_provenance(&m->bound, &err);
	machine_check(m, &err);
	config_hash(&m->bound);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct machine_config m = {.conf = conf_new()};
	struct err err;
	m.bound = (struct bound){.name = "machine", .schema = &machine_schema, .params = &m.params};
	struct conf_file *f = &m.bound.file;
	f->sources = node_new(m.conf, NODE_MAP, (struct place){"f.yaml", 1, 1});
	enum status st = conf_parse(m.conf, "f.yaml", (const char *)data, size, &f->root, &err);
	if (st == OK && f->root->kind == NODE_MAP) {
		set_from_tail(m.conf, f, data, size);
		bind_and_check(&m);
	}
	conf_free(m.conf);
	return 0;
}
