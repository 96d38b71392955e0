/* stage2_workload.h - a workload of a hypervisor: operations on the stage 2 tables of its VM (workloads/stage2/).
 *
 * A YAML file with a key `stage2` is one. In each repetition first the operations of `prepare` are performed, which take no
 * time, and then those of `stage2`, all on the first core, while the VM's vCPUs do nothing.
 */
#ifndef MACHINE_STAGE2_WORKLOAD_H
#define MACHINE_STAGE2_WORKLOAD_H

#include "config/schema.h"
#include "config/yaml.h"
#include "hyp/stage2_ops.h"

struct stage2_workload {
	const char *stage2, *prepare; /* names of STAGE2_OPS, blanks between */
	uint64_t offset, bytes, stride, repetitions;
};
extern const struct schema stage2_workload_schema;

/* Whether a file of workloads that was read is one. */
bool is_stage2_workload(const struct node *root);

struct machine;

/* One repetition. ERR_CONFIG: the stack has no hypervisor, an operation that there is not, and as stage2_perform(). */
enum status stage2_workload_repeat(const struct stage2_workload *w, struct machine *m, struct err *err);

#endif
