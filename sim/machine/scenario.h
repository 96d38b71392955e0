/* scenario.h - a workload of operations: what the guest does to leave, again and again (workloads/micro/).
 *
 * A YAML file with a key `operations` is a scenario; one without is a generator. Operations are those of the stack's file of
 * operations (docs/paths.md), performed in the order that is given, `repetitions` times after `warmup` times.
 * They are performed by the first vCPU. With `others` all further ones (stack.threads) perform that operation, which ends by itself or
 * waits, and go on from there whenever the first one waits for them.
 * Not modelled: what the guest does between them.
 */
#ifndef MACHINE_SCENARIO_H
#define MACHINE_SCENARIO_H

#include "config/schema.h"
#include "config/yaml.h"

struct scenario_params {
	const char *operations; /* names, blanks between */
	const char *others;     /* what the other vCPUs do meanwhile; "": nothing */
	uint64_t repetitions, warmup;
};
extern const struct schema scenario_schema;

/* Whether a file of workloads that was read is a scenario. */
bool is_scenario(const struct node *root);

/* Calls `perform` for each operation of one repetition, in order. Stops at the first that fails. */
typedef enum status scenario_perform_fn(void *ctx, const char *operation, struct err *err);
enum status scenario_repeat(const struct scenario_params *p, scenario_perform_fn *perform, void *ctx,
			    struct err *err);

#endif
