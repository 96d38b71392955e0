/* verb_explain.c - `strata explain TOPIC`: one thing that happens, step by step, with the reason for each
 * step. */
#include <stdio.h>
#include <string.h>

#include "cli/explain.h"
#include "cli/verbs.h"

static const struct topic {
	const char *name, *doc;
	int (*run)(int argc, char **argv);
} topics[] = {
#define X(name, doc) {#name, doc, explain_##name},
	EXPLAIN_TOPICS(X)
#undef X
};
enum { TOPICS = sizeof(topics) / sizeof(topics[0]) };

static void usage(FILE *out)
{
	fputs("Usage: strata explain TOPIC [OPTION...]\n"
	      "One thing that happens on the machine, step by step, with the reason for each step.\n\ntopics:\n",
	      out);
	for (int i = 0; i < TOPICS; i++) fprintf(out, "  %-10s %s\n", topics[i].name, topics[i].doc);
	fputs("\n`strata explain TOPIC --help` describes one.\n", out);
}

/* The topic's messages begin with `strata explain TOPIC`. */
static int run_topic(const struct topic *topic, int argc, char **argv)
{
	char name[32];
	snprintf(name, sizeof(name), "explain %s", topic->name);
	argv[0] = name;
	return topic->run(argc, argv);
}

int verb_explain(int argc, char **argv)
{
	if (argc > 1 &&
	    (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-?") || !strcmp(argv[1], "--usage"))) {
		usage(stdout);
		return 0;
	}
	for (int i = 0; argc > 1 && i < TOPICS; i++)
		if (strcmp(argv[1], topics[i].name) == 0) return run_topic(&topics[i], argc - 1, argv + 1);
	if (argc > 1) fprintf(stderr, "strata explain: no topic '%s'\n", argv[1]);
	usage(stderr);
	return 2;
}
