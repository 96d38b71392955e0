/* checked_run.h - a whole run whose TLB maintenance is watched. */
#ifndef TESTS_CHECKED_RUN_H
#define TESTS_CHECKED_RUN_H

#include "machine/run.h"

/* The run of `q`, to its end: it has to begin and end well, without one mistake in its maintenance. Free with run_free. */
struct run *checked_run(const struct run_request *q, struct run_report *report);

#endif
