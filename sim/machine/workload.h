/* workload.h - a workload as the user named it: a generator or a scenario described in YAML, or a trace file of any
 * format. */
#ifndef MACHINE_WORKLOAD_H
#define MACHINE_WORKLOAD_H

#include "config/bind.h"
#include "config/effective.h"
#include "machine/scenario.h"
#include "machine/stage2_workload.h"
#include "trace/generator.h"

struct workload {
	struct gen_params gen; /* of a generator */
	struct scenario_params scenario;
	struct stage2_workload stage2;
	struct bound bound;           /* the effective configuration of either; schema NULL for a trace */
	struct trace_source *source;  /* of the first thread; NULL: a scenario, or operations on stage 2 */
	struct trace_source **thread; /* of all; NULL where there is one */
	unsigned threads;
	struct workload *own; /* of VMs that run another; owned */
	unsigned owns;
	struct trace_source **all; /* of all threads of all VMs; NULL: `thread` says it all */
};

/* What is known of its stream; of a scenario, that it lacks nothing. */
const struct trace_info *workload_info(const struct workload *w);

/* Reads the configuration (owned by `c`) and opens stream `stream`. `sets` are applied to a generator. */
enum status workload_open(struct workload *w, struct conf *c, const char *path, const char *const *sets,
			  uint64_t seed, uint32_t stream, struct err *err);
/* The same for a workload that must have a stream: a scenario is ERR_CONFIG. */
enum status workload_open_stream(struct workload *w, struct conf *c, const char *path,
				 const char *const *sets, uint64_t seed, uint32_t stream, struct err *err);
/* The same for `processes` that share a core (trace/interleave.h): process i runs stream `stream` + i, from the first
 * again where the workload has no more. */
struct time_share {
	uint64_t processes, switch_every;
};
enum status workload_open_shared(struct workload *w, struct conf *c, const char *path,
				 const char *const *sets, uint64_t seed, uint32_t stream,
				 struct time_share share, struct err *err);
/* The same for `threads` with a core each: thread t runs stream `stream` + t; with processes, the streams of all processes of
 * one thread come before those of the next. ERR_USAGE: the workload has fewer streams than threads. */
enum status workload_open_threads(struct workload *w, struct conf *c, const char *path,
				  const char *const *sets, uint64_t seed, uint32_t stream,
				  struct time_share share, unsigned threads, struct err *err);

/* What the vCPUs of a VM run. */
struct workload_part {
	const char *name, *path; /* of the VM; its own file, or NULL: the next streams of the run's */
	unsigned threads;
	struct time_share share;
};
/* The same for several VMs. Those with files of their own begin at the first stream of these. ERR_USAGE: nobody runs `path`, or it has
 * fewer streams than threads. */
enum status workload_open_parts(struct workload *w, struct conf *c, const char *path, const char *const *sets,
				uint64_t seed, uint32_t stream, const struct workload_part *part,
				unsigned parts, struct err *err);
/* The streams of all threads, those of the first VM first. */
struct trace_source *const *workload_streams(const struct workload *w);
/* What the streams cannot say (enum stream_lack). */
uint32_t workload_lacks(const struct workload *w);
void workload_close(struct workload *w);

#endif
