/* export.h - a run as text for other tools: the kernel's kvm events, and a timeline for Perfetto.
 *
 *   export_new(files, machine) -> export      export_begin: from here on      export_commit: the files are there
 * `kvm` is text as /sys/kernel/tracing/trace has it (kvm_text.h), which `strata trace import` reads; `perfetto` is JSON in
 * the Trace Event Format (timeline.h), for ui.perfetto.dev and chrome://tracing. Both are in simulated time at the core clock,
 * counted from cycle 0 of the run. Nothing is looked at before export_begin(), and nothing of the run changes.
 */
#ifndef MACHINE_EXPORT_H
#define MACHINE_EXPORT_H

#include "machine/machine.h"

struct export_request {
	const char *kvm, *perfetto; /* names of files; NULL: not wanted */
	uint64_t limit;             /* events of each file; later ones are left out, and the file says so */
};

struct export_parts { /* borrowed */
	struct machine *machine;
	bool has_paths; /* machine_use_paths() gave it some */
	uint64_t clock_mhz;
};

struct export;

/* Opens the files beside their names. ERR_USAGE: kvm events are wanted of a stack without software paths; ERR_HOST. */
enum status export_new(const struct export_request *q, const struct export_parts *parts, struct export **out,
		       struct err *err);
/* Tells of everything from now on; once. */
void export_begin(struct export *e);
/* Completes the files and gives them their names. ERR_HOST. */
enum status export_commit(struct export *e, struct err *err);
/* Without export_commit() nothing is left behind. */
void export_free(struct export *e);

#endif
