#include "cli/verbs.h"
#include <stdio.h>
int verb_conform(int argc, char **argv)
{
	(void)argc;
	fprintf(stderr, "%s\n", argv[0]);
	return 2;
}
