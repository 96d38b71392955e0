#include "machine/stack_config.h"

#include <inttypes.h>

#include "base/ranges.h"

#define F struct stack_params
static const struct param rows[] = {
	P_STR(F, name, "native", "name of the stack in results"),
	P_U64(F, threads, "threads", 1, 1, STACK_THREADS_MAX,
	      "threads of the workload that run side by side, thread n its stream n: on a core each, under a hypervisor as "
	      "vCPUs of one VM"),
	P_STR(F, pin, "", "cores that they run on, in order, such as 0-3,8; empty: thread n on core n"),
	P_MAP(F, os, &os_schema, "the kernel: the machine's own, or the guest's under a hypervisor"),
	P_LIST(F, hypervisors, &hyp_schema, 0, 1, "hypervisors, nearest to the hardware first; none: native"),
	P_STR(F, operations, "", "file of the guest's operations for strata explain trap (docs/paths.md)"),
	P_STR(F, firmware, "", "file of the software paths of EL3"),
	P_LIST(F, fits, &fits_schema, 0, FITS_MAX, "published figures that numbers were fitted to"),
};
#undef F
SCHEMA(stack_schema, "stack", struct stack_params, rows, "a software stack");

const struct hyp_params *stack_hypervisor(const struct stack_params *s)
{
	return s->hypervisors.count ? s->hypervisors.items : NULL;
}

enum status stack_place(const struct stack_params *s, unsigned cores, unsigned cpu[STACK_THREADS_MAX],
			struct err *err)
{
	unsigned count = 0;
	if (ranges_parse(s->pin, cores - 1, cpu, STACK_THREADS_MAX, &count, err) != OK) {
		const struct err what = *err;
		return err_set(err, what.code, "stack.pin: %.400s", what.text);
	}
	for (; !*s->pin && count < s->threads && count < cores; count++) cpu[count] = count;
	if (count >= s->threads) return OK;
	return err_set(err, ERR_CONFIG, "stack.threads: %" PRIu64 ", but there are %u cores %s", s->threads,
		       count, *s->pin ? "in stack.pin" : "in the machine (cores)");
}

/* Puts the place of `key`, or of the mapping that lacks it, in front of what `err` says. */
static enum status add_place(const struct bound *stack, const struct node *map, const char *key,
			     struct err *err)
{
	const struct err what = *err;
	const struct node *value = node_get(map, key);
	struct place at = value ? value->at : map ? map->at : stack->file.root->at;
	return conf_fail(err, at, "%s", what.text);
}

enum status stack_check(const struct bound *stack, const struct features *f, struct err *err)
{
	const struct stack_params *s = stack->params;
	const struct hyp_params *hyp = stack_hypervisor(s);
	const struct node *root = stack->file.root, *list = node_get(root, "hypervisors");
	const char *key;
	if (os_check(&s->os, f, &key, err) != OK) return add_place(stack, node_get(root, "os"), key, err);
	if (hyp && hyp_check(hyp, f, &key, err) != OK) return add_place(stack, list->item[0], key, err);
	return OK;
}
