/* mpam_params.h - what a stack says of memory partitioning and monitoring: labels of requests, and writes of controls.
 *
 * A setting is the write of one MPAMCFG register of a memory system component (MSC): a cache with portions, or the bandwidth
 * of a node. Those of cycle 0 are there when time begins; later ones reprogram it while the run goes on.
 * Source: Arm IHI 0099 (MPAM for memory system components); Arm ARM DDI 0487, chapter on MPAM, for the labels.
 */
#ifndef MEM_MPAM_PARAMS_H
#define MEM_MPAM_PARAMS_H

#include "config/schema.h"

enum { MPAM_PARTIDS = 64, MPAM_PMGS = 4 };

enum mpam_msc_kind { MPAM_CACHE, MPAM_MEMORY };

/* Name, kind of MSC, value after reset, largest value, what it is. */
#define MPAM_CONTROLS(X) \
	X(cpbm, CACHE, UINT64_MAX, UINT64_MAX, \
	  "MPAMCFG_CPBM: a bit per cache portion that the PARTID may allocate in") \
	X(cmax, CACHE, 100, 100, "MPAMCFG_CMAX: percent of the cache's lines that the PARTID may have") \
	X(cmax_soft, CACHE, 0, 1, \
	  "MPAMCFG_CMAX.SOFTLIM, 1: beyond cmax the PARTID may still fill ways that hold nothing") \
	X(cmin, CACHE, 0, 100, \
	  "MPAMCFG_CMIN: percent of the cache's lines below which others do not replace those of the PARTID") \
	X(mbw_min, MEMORY, 0, 100, \
	  "MPAMCFG_MBW_MIN: percent of the bandwidth that is preferred to all others'") \
	X(mbw_max, MEMORY, 100, 100, "MPAMCFG_MBW_MAX.MAX: percent of the bandwidth") \
	X(mbw_max_soft, MEMORY, 0, 1, \
	  "the opposite of MPAMCFG_MBW_MAX.HARDLIM, 1: beyond mbw_max the PARTID gets what no other wants") \
	X(priority, MEMORY, 0, 255, \
	  "MPAMCFG_PRI.INTPRI: requests of a larger one are served first; 0 is the lowest") \
	X(stride, MEMORY, 0, 65535, \
	  "MPAMCFG_MBW_PROP.STRIDEM1 + 1: what bandwidth costs the PARTID relative to others that compete; 0: not enabled")

enum mpam_control {
#define X(name, kind, reset, max, doc) MPAM_##name,
	MPAM_CONTROLS(X)
#undef X
		MPAM_CONTROL_COUNT
};

struct mpam_control_row {
	const char *name;
	enum mpam_msc_kind kind;
	uint64_t reset, max;
};
extern const struct mpam_control_row mpam_controls[MPAM_CONTROL_COUNT];

struct mpam_label_params { /* MPAM1_EL1 and MPAM0_EL1 of vCPUs, or of threads where there is no hypervisor */
	const char *threads; /* "0-3,8"; "": all */
	uint64_t partid, pmg;
};

struct mpam_setting {
	uint64_t at_cycle, partid;
	const char *msc;  /* "slc", "node0"; "": all that have the control */
	uint64_t control; /* enum mpam_control */
	uint64_t value;
};

struct mpam_params {
	struct param_list labels;                   /* of struct mpam_label_params; a later one overrides */
	uint64_t hypervisor_partid, hypervisor_pmg; /* MPAM2_EL2 */
	struct param_list settings;                 /* of struct mpam_setting */
};

extern const struct schema mpam_schema, mpam_label_schema;

#endif
