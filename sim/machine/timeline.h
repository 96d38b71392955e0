/* timeline.h - a run as Trace Event JSON: a track for each vCPU, slices for exception level, path and step.
 *
 *   timeline_event(event, price) | timeline_spent | timeline_walk -> slices and instants      timeline_end
 * Slices nest: EL, then path, then step; begin and end are "B" and "E", the end has the exact cycles in its args. What is
 * between handlers is the program, at EL0 on the path "workload"; what handlers spend without a path is named by its bucket.
 * So the slices of each level sum to the cycles that the run counts at that level, and those of all to its cycles.
 * Instants are exceptions, interrupts and walks. Written as it happens: memory does not grow with the run.
 * Source: "Trace Event Format" (Chromium project), duration, instant and metadata events; times are microseconds.
 */
#ifndef MACHINE_TIMELINE_H
#define MACHINE_TIMELINE_H

#include <stdio.h>

#include "cpu/buckets.h"

struct timeline;
struct path_event; /* hyp/path.h */
struct path_price; /* hyp/path_cost.h */

/* Writes to `out` (borrowed). `limit`: slices and instants; the rest is left out, and otherData says how many. */
struct timeline *timeline_new(FILE *out, unsigned vcpus, uint64_t clock_mhz, uint64_t limit);
void timeline_free(struct timeline *t);
/* The track of `vcpu` begins at `at`, on core `cpu`. */
void timeline_begin(struct timeline *t, unsigned vcpu, unsigned cpu, cycles_t at);
void timeline_event(struct timeline *t, unsigned vcpu, const struct path_event *e,
		    const struct path_price *price);
/* A fault or event took *spent from `at` on, what timeline_event() was told included. */
void timeline_spent(struct timeline *t, unsigned vcpu, cycles_t at, const struct core_spent *spent);
void timeline_walk(struct timeline *t, unsigned vcpu, cycles_t at, uint64_t va);
/* From `from` to `to` the vCPU had no core, so that its track has nothing there; nor behind it, until it goes on. */
void timeline_waited(struct timeline *t, unsigned vcpu, cycles_t from, cycles_t to, bool goes_on);
/* The track ends at `at`. */
void timeline_end(struct timeline *t, unsigned vcpu, cycles_t at);
/* After all tracks: completes the JSON. Whether the file took it is the caller's to ask (ferror). */
void timeline_finish(struct timeline *t);

#endif
