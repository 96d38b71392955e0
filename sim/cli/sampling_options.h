/* sampling_options.h - the options of `strata run` that say which parts of a program are measured, and how results are printed. */
#ifndef CLI_SAMPLING_OPTIONS_H
#define CLI_SAMPLING_OPTIONS_H

#include <argp.h>
#include <stdio.h>

#include "machine/run.h"

enum {
	SAMPLING_OPT_FIRST = 512,
	SAMPLING_OPT_SAMPLE = SAMPLING_OPT_FIRST,
	SAMPLING_OPT_WARMUP,
	SAMPLING_OPT_WARMING,
	SAMPLING_OPT_ROI,
	SAMPLING_OPT_SIMPOINTS,
	SAMPLING_OPT_WEIGHTS,
	SAMPLING_OPT_LENGTH
};

/* A child of `strata run`'s parser; its input is the struct sampling_request, zero at first. */
extern const struct argp sampling_argp;

/* Refuses what other options of the run contradict. */
void sampling_check(const struct run_request *q, struct argp_state *state);

/* Prints the estimates as a table. */
void sampling_print(FILE *out, const struct sampling *s);

#endif
