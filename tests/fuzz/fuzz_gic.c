/* fuzz_gic.c - logs of interrupt controllers, read and replayed: no line breaks the model. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/conform_gic.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t bytes);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t bytes)
{
	static FILE *nowhere;
	struct gic_log log = {0};
	struct gic_totals totals;
	struct err err;
	char *text = malloc(bytes + 1), *rest = text, *line;
	enum status st = OK;
	if (!nowhere) nowhere = fopen("/dev/null", "w");
	memcpy(text, data, bytes);
	text[bytes] = 0;
	while (st == OK && (line = strsep(&rest, "\n"))) st = gic_log_line(&log, "fuzz", line, &err);
	if (st == OK && nowhere) conform_gic_log(&log, "fuzz", nowhere, &totals, &err);
	gic_log_free(&log);
	free(text);
	return 0;
}
