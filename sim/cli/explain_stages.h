/* explain_stages.h - the stages of interrupts in a scenario, as a table (strata explain irq -w). */
#ifndef CLI_EXPLAIN_STAGES_H
#define CLI_EXPLAIN_STAGES_H

#include "machine/run.h"

/* Runs the scenario and prints, for each kind of interrupt that came, what its stages took on average, in cycles and ns, and the sum.
 * ERR_CONFIG: the machine's GIC is untimed. Other errors as run_execute(). */
enum status explain_stages(const struct run_request *q, struct err *err);

#endif
