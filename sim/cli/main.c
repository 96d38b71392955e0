/* main.c - `strata VERB ...`: finds the verb's row and hands over. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gsl/gsl_errno.h>

#include "base/status.h"
#include "base/version.h"
#include "cli/verbs.h"
#include "config/suggest.h"

struct verb {
	const char *name, *doc;
	int (*run)(int argc, char **argv);
};

static const struct verb verbs[] = {
#define X(name, doc) {#name, doc, verb_##name},
	VERBS(X)
#undef X
};
enum { VERB_COUNT = sizeof(verbs) / sizeof(verbs[0]) };

static void usage(FILE *out)
{
	fprintf(out, "usage: strata VERB [OPTION...]\n"
		     "A cycle-level simulator of Arm64 virtualization.\n\nverbs:\n");
	for (int i = 0; i < VERB_COUNT; i++) fprintf(out, "  %-10s %s\n", verbs[i].name, verbs[i].doc);
	fprintf(out,
		"\n`strata VERB --help` describes one; `strata --version` says which results to expect. Exit: 0 good, 1 a check failed, 2 wrong usage or input, "
		"3 the host failed.\n");
}

/* Data that could not be written must not pass for success, whichever verb wrote it, and on exit() as well. */
static void check_stdout(int status, void *unused)
{
	(void)unused;
	if (fflush(stdout) == 0 && !ferror(stdout)) return;
	if (status != 0) return; /* told already, or a failure of its own */
	fprintf(stderr, "strata: standard output: cannot be written: %s\n", strerror(errno));
	_exit(status_exit_code(ERR_HOST));
}

static int no_verb(const char *word)
{
	struct suggest near;
	suggest_init(&near, word);
	for (int i = 0; i < VERB_COUNT; i++) suggest_try(&near, verbs[i].name);
	if (near.best)
		fprintf(stderr, "strata: no verb '%s'; did you mean '%s'?\n", word, near.best);
	else
		fprintf(stderr, "strata: no verb '%s'; `strata --help` lists them\n", word);
	return 2;
}

int main(int argc, char **argv)
{
	on_exit(check_stdout, NULL);
	gsl_set_error_handler_off(); /* the default handler aborts */
	signal(SIGXFSZ,
	       SIG_IGN); /* a limit of file sizes (ulimit -f) is an error of write(), as a full disk is */
	if (argc < 2) {
		usage(stderr);
		return 2;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		usage(stdout);
		return 0;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		puts("strata " STRATA_VERSION);
		return 0;
	}
	for (int i = 0; i < VERB_COUNT; i++)
		if (strcmp(argv[1], verbs[i].name) == 0) return verbs[i].run(argc - 1, argv + 1);
	return no_verb(argv[1]);
}
