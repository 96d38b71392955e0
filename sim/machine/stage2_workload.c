#include "machine/stage2_workload.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "machine/machine.h"

#define F struct stage2_workload
static const struct param rows[] = {
	P_STR(F, stage2, NULL,
	      "operations that take time, blanks between: map, unmap, write, dirty_log_start, dirty_log_collect, relax, hint"),
	P_STR(F, prepare, "", "operations before them that take none"),
	P_U64(F, offset, "bytes", 0, 0, UINT64_C(1) << 52, "where in the VM's memory the area begins"),
	P_U64(F, bytes, "bytes", UINT64_C(1) << 30, 1, UINT64_C(1) << 52, "size of the area"),
	P_U64(F, stride, "bytes", UINT64_C(4096), 4096, UINT64_C(1) << 40,
	      "of operations page by page: one page of so many bytes"),
	P_U64(F, repetitions, "repetitions", 1, 1, 1000000000, "of both"),
};
#undef F
SCHEMA(stage2_workload_schema, "stage2_workload", struct stage2_workload, rows,
       "operations of a hypervisor on a VM's stage 2 tables (workloads/stage2/)");

bool is_stage2_workload(const struct node *root) { return node_get(root, "stage2") != NULL; }

static enum status find(const char *name, enum stage2_op *op, struct err *err)
{
	unsigned i = 0;
	while (stage2_op_names[i] && strcmp(name, stage2_op_names[i]) != 0) i++;
	*op = (enum stage2_op)i;
	if (stage2_op_names[i]) return OK;
	return err_set(
		err, ERR_CONFIG,
		"workload.stage2: '%s' is none of map, unmap, write, dirty_log_start, dirty_log_collect, relax, hint",
		name);
}

static enum status perform(const struct stage2_workload *w, const char *operations, bool timed,
			   struct machine *m, struct err *err)
{
	const struct stage2_area area = {w->offset, w->bytes, w->stride};
	char *text = xstrdup(operations);
	enum status st = OK;
	enum stage2_op op;
	for (char *rest = text, *one; st == OK && (one = strtok_r(rest, " \t\n", &rest));) {
		st = find(one, &op, err);
		if (st == OK) st = machine_stage2(m, op, area, timed, err);
	}
	free(text);
	return st;
}

enum status stage2_workload_repeat(const struct stage2_workload *w, struct machine *m, struct err *err)
{
	TRY(perform(w, w->prepare, false, m, err));
	return perform(w, w->stage2, true, m, err);
}
