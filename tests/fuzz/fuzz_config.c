/* fuzz_config.c - any bytes as a machine, stack or workload file: read, bound, checked, listed. libFuzzer finds what
 * crashes or hangs.
 *
 * The last bytes are also tried as a --set. Start it with configs/ as the corpus.
 */
#include <stdint.h>
#include <string.h>

#include "machine/machine_check.h"
#include "machine/machine_config.h"
#include "machine/stack_config.h"
#include "trace/generator.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void set_from_tail(struct conf *c, struct conf_file *f, const uint8_t *data, size_t size)
{
	char assignment[160];
	struct err err;
	size_t n = size < sizeof(assignment) - 1 ? size : sizeof(assignment) - 1;
	memcpy(assignment, data + size - n, n);
	assignment[n] = 0;
	conf_set(c, f, NULL, assignment, &err);
}

/* `sources` stands apart from what is bound, as when files are merged. */
static void take_sources(struct conf_file *f)
{
	struct node *sources = node_get(f->root, "sources");
	if (!sources || sources->kind != NODE_MAP) return;
	for (size_t i = 0; i < f->root->count; i++)
		if (f->root->item[i] == sources) node_remove(f->root, i);
	f->sources = sources;
}

/* The same text as a stack, and as a workload that is started. */
static void bind_software(const struct machine_config *m)
{
	struct stack_params stack;
	struct gen_params gen;
	struct trace_source *source;
	struct err err;
	schema_bind(m->conf, &stack_schema, m->bound.file.root, &stack, &err);
	if (schema_bind(m->conf, &gen_schema, m->bound.file.root, &gen, &err) != OK) return;
	if (gen.footprint_bytes >> 20) return; /* a chase or Zipf makes a table of it, which takes its time */
	if (gen_open("f.yaml", &gen, 1, 0, &source, &err) == OK) trace_close(source);
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
		take_sources(f);
		set_from_tail(m.conf, f, data, size);
		bind_and_check(&m);
		bind_software(&m);
	}
	conf_free(m.conf);
	return 0;
}
