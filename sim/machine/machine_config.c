#include "machine/machine_config.h"

#include "machine/machine_check.h"
#include "machine/schemas.h"

static const char *const order_names[] = {"lookahead", "strict", NULL};

#define F struct machine_params
static const struct param rows[] = {
	P_STR(F, name, NULL, "name of the machine in results"),
	HW_U64(F, clock_mhz, "MHz", 2000, 1, 100000, "core clock: turns nanoseconds into cycles"),
	HW_U64(F, cores, "cores", 1, 1, 1024,
	       "cores of the machine, all alike; only those that run something cost memory and time"),
	P_MAP(F, topology, &topology_schema, "clusters, dies and sockets"),
	P_ENUM(F, order, order_names, ORDER_LOOKAHEAD,
	       "how several cores are simulated: each runs ahead of the others by hits within the lookahead; or strict: always the earliest, "
	       "one record at a time"),
	P_U64(F, lookahead_cycles, "cycles", 0, 0, 1000000,
	      "how far a core runs ahead; 0: as far as no core can see what another does, the latency of what they share "
	      "nearest"),
	P_MAP(F, features, &features_schema, "architectural features"),
	P_MAP(F, core, &core_schema, "core"),
	P_MAP(F, primitives, &primitive_schema, "costs of the steps of software paths on it"),
	P_MAP(F, gic, &gic_schema, "interrupt controller"),
	P_LIST(F, tlbs, &tlb_schema, 1, 16, "TLBs"),
	P_MAP(F, walker, &walker_schema, "translation table walkers"),
	P_LIST(F, caches, &cache_schema, 0, 16, "data and instruction caches, in order to memory"),
	P_MAP(F, memory, &memory_schema, "main memory"),
	P_MAP(F, dvm, &dvm_schema, "TLB maintenance on its way to other cores"),
	P_MAP(F, coherence, &coherence_schema, "lines that cores share"),
	P_LIST(F, fits, &fits_schema, 0, FITS_MAX, "published figures that numbers were fitted to"),
};
#undef F
SCHEMA(machine_schema, "machine", struct machine_params, rows, "a machine");

static enum status read_files(struct machine_config *m, const struct machine_request *req, struct err *err)
{
	struct conf_file *file = &m->bound.file;
	TRY(conf_load(m->conf, req->path, file, err));
	for (size_t i = 0; req->overlays && req->overlays[i]; i++)
		TRY(conf_overlay(m->conf, file, req->overlays[i], err));
	if (req->overlays) conf_drop(file, "stack");
	for (size_t i = 0; req->sets && req->sets[i]; i++)
		TRY(conf_set(m->conf, file, "machine", req->sets[i], err));
	return OK;
}

enum status machine_config_load(struct machine_config *m, const struct machine_request *req, struct err *err)
{
	*m = (struct machine_config){.conf = conf_new()};
	m->bound = (struct bound){.name = "machine", .schema = &machine_schema, .params = &m->params};
	TRY(read_files(m, req, err));
	TRY(schemas_check_kind(m->bound.file.root, &machine_schema, err));
	TRY(schema_bind(m->conf, &machine_schema, m->bound.file.root, &m->params, err));
	TRY(config_check_provenance(&m->bound, err));
	return machine_check(m, err);
}

void machine_config_free(struct machine_config *m)
{
	conf_free(m->conf);
	m->conf = NULL;
}
