#include "mem/mpam_params.h"

const struct mpam_control_row mpam_controls[MPAM_CONTROL_COUNT] = {
#define X(name_, kind_, reset_, max_, doc) \
	[MPAM_##name_] = {.name = #name_, .kind = MPAM_##kind_, .reset = reset_, .max = max_},
	MPAM_CONTROLS(X)
#undef X
};

static const char *const control_names[] = {
#define X(name, kind, reset, max, doc) #name,
	MPAM_CONTROLS(X)
#undef X
		NULL};

#define F struct mpam_label_params
static const struct param label_rows[] = {
	P_STR(F, threads, "",
	      "threads or vCPUs whose requests have the label, such as 0-3,8; empty: all. Of a row of a VM: its own vCPUs"),
	P_U64(F, partid, "PARTID", 0, 0, MPAM_PARTIDS - 1,
	      "partition of their requests, data and instructions alike"),
	P_U64(F, pmg, "PMG", 0, 0, MPAM_PMGS - 1, "performance monitoring group of their requests"),
};
#undef F
SCHEMA(mpam_label_schema, "label", struct mpam_label_params, label_rows,
       "which label the requests of some threads carry");

#define F struct mpam_setting
static const struct param setting_rows[] = {
	P_U64(F, at_cycle, "cycles", 0, 0, UINT64_C(1) << 62,
	      "when it is written, counted from the start of the run, warm-up included"),
	P_STR(F, msc, "",
	      "memory system component: a cache's name, or node0, node1, ...; empty: all that have the control"),
	P_U64(F, partid, "PARTID", 0, 0, MPAM_PARTIDS - 1, "partition that it is for"),
	P_ENUM(F, control, control_names, MPAM_cpbm,
	       "cpbm, cmax, cmax_soft and cmin of caches with mpam_portions; mbw_min, mbw_max, mbw_max_soft, priority and "
	       "stride of memory with mpam (docs/mpam.md)"),
	P_U64(F, value, "number", 0, 0, UINT64_MAX,
	      "what is written: a bit map for cpbm, else percent or a number"),
};
#undef F
static SCHEMA(setting_schema, "setting", struct mpam_setting, setting_rows, "a write of one control");

#define F struct mpam_params
static const struct param rows[] = {
	P_LIST(F, labels, &mpam_label_schema, 0, 64,
	       "labels of requests, a later row before an earlier one; without: PARTID 0, PMG 0"),
	P_U64(F, hypervisor_partid, "PARTID", 0, 0, MPAM_PARTIDS - 1,
	      "partition of the hypervisor's own requests"),
	P_U64(F, hypervisor_pmg, "PMG", 0, 0, MPAM_PMGS - 1, "their performance monitoring group"),
	P_LIST(F, settings, &setting_schema, 0, 1024,
	       "controls of the partitions, and when they are written"),
};
#undef F
SCHEMA(mpam_schema, "mpam", struct mpam_params, rows, "memory partitioning and monitoring");
