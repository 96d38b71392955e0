#include "machine/stack_config.h"

#define F struct stack_params
static const struct param rows[] = {
	P_STR(F, name, "native", "name of the stack in results"),
	P_MAP(F, os, &os_schema, "the kernel: the machine's own, or the guest's under a hypervisor"),
	P_LIST(F, hypervisors, &hyp_schema, 0, 1, "hypervisors, nearest to the hardware first; none: native"),
	P_STR(F, operations, "", "file of the guest's operations for strata explain trap (docs/paths.md)"),
	P_STR(F, firmware, "", "file of the software paths of EL3"),
};
#undef F
SCHEMA(stack_schema, "stack", struct stack_params, rows, "a software stack");

const struct hyp_params *stack_hypervisor(const struct stack_params *s)
{
	return s->hypervisors.count ? s->hypervisors.items : NULL;
}
