/* verbs.h - the list of `strata VERB`s. To add one: write sim/cli/verb_<name>.c and add a row here.
 *
 * A verb parses its own words with argp, writes data to stdout and messages to stderr, and returns the process exit
 * code: 0 good, 1 a check or comparison failed, 2 wrong usage or input, 3 the host failed.
 */
#ifndef CLI_VERBS_H
#define CLI_VERBS_H

#define VERBS(X) \
	X(run, "a workload on a machine under a software stack, into the results database") \
	X(report, "one row per stored run: TLB misses, walks, cycles, slow-down") \
	X(compare, "two stored runs, counter by counter") \
	X(conform, "translation vectors and snapshots against the functional plane") \
	X(explain, "one thing that happens, step by step, with reasons") \
	X(trace, "look into, convert and make traces") \
	X(mrc, "misses of every LRU TLB size at once, from one reading of a workload") \
	X(check, "the model against published measurements, with an exit code") \
	X(calibrate, "numbers of a machine or stack fitted to published measurements") \
	X(params, "the rows of configuration files, and the values of a machine with their sources") \
	X(list, "what can be chosen by name: policies, prefetchers, page-table designs, ...")

#define X(name, doc) int verb_##name(int argc, char **argv);
VERBS(X)
#undef X

#endif
