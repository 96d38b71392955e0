/* simpoints.h - which intervals of a program stand for it, as SimPoint 3 says.
 *
 *   simpoints_read(FILE, FILE) -> intervals and weights, in order of time
 * A line of the simpoints file is "interval point": the number of an interval, from 0, and the name of the point that it is. A
 * line of the weights file is "weight point": the share of the program that the point stands for.
 * Source: Hamerly, Perelman, Lau, Calder, "SimPoint 3.0: Faster and More Flexible Program Analysis", 2005; options
 * -saveSimpoints and -saveSimpointWeights.
 * Not modelled: intervals of varying length (-fixedLength off).
 */
#ifndef MACHINE_SIMPOINTS_H
#define MACHINE_SIMPOINTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct simpoint {
	uint64_t interval, point;
	double weight;
};

struct simpoints {
	struct simpoint *at; /* by interval */
	size_t count;
};

/* ERR_INPUT with file and line: a line that is not of this form, a point without weight or twice, weights that do not add up
 * to 1 within 1 %. ERR_HOST: a file that cannot be read. */
enum status simpoints_read(const char *simpoints, const char *weights, struct simpoints *out,
			   struct err *err);
void simpoints_free(struct simpoints *s);

#endif
