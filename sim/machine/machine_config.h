/* machine_config.h - what a machine file says: the whole of it as one struct.
 *
 *   machine_load: file, overlays, --set -> struct machine
 * The parts belong to the modules that they configure; here they are only put together. See
 * configs/machines/.
 */
#ifndef MACHINE_MACHINE_CONFIG_H
#define MACHINE_MACHINE_CONFIG_H

#include "config/bind.h"
#include "config/effective.h"
#include "config/fits.h"
#include "cpu/core_params.h"
#include "cpu/primitive_params.h"
#include "gic/timing.h"
#include "mem/dvm.h"
#include "mem/coherence.h"
#include "mem/mem_params.h"
#include "mmu/features.h"
#include "mmu/walker_params.h"
#include "tlb/tlb_params.h"

/* How several cores are brought into one order; engine.h. */
enum machine_order { ORDER_LOOKAHEAD, ORDER_STRICT };

struct machine_params {
	const char *name;
	uint64_t clock_mhz;
	uint64_t cores;
	struct topology_params topology;
	uint64_t order;            /* enum machine_order */
	uint64_t lookahead_cycles; /* 0: the smallest cross-core latency */
	struct features features;
	struct core_params core;
	struct primitive_params primitives;
	struct gic_timing gic;
	struct param_list tlbs; /* of struct tlb_params */
	struct walker_params walker;
	struct param_list caches; /* of struct cache_params, in order to memory */
	struct memory_params memory;
	struct dvm_params dvm;
	struct coherence_params coherence;
	struct param_list fits; /* of struct fit_item */
};

extern const struct schema machine_schema;

/* A machine file that was read, with the files and the schema it is bound to. */
struct machine_config {
	struct conf *conf; /* owns all the rest */
	struct machine_params params;
	struct bound bound; /* for config_visit, config_hash */
};

/* What the user named on the command line. Arrays end with NULL; a NULL array is empty. */
struct machine_request {
	const char *path;
	const char *const *overlays; /* files on top, in order; what they say under `stack` is not for here */
	const char *const *sets;     /* "path=value", in order, after the overlays */
};

/* Reads, merges, binds and checks a machine: types and ranges, provenance of hardware numbers, and what
 * holds between rows (ways divide entries, sizes are powers of two, names are unique, levels have no
 * gap). machine_config_free() it, also after an error. */
enum status machine_config_load(struct machine_config *m, const struct machine_request *req, struct err *err);
void machine_config_free(struct machine_config *m);

#endif
