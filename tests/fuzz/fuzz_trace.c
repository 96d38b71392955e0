/* fuzz_trace.c - libFuzzer target: any bytes, read as a trace of whatever format they claim to be.
 * Build: clang -fsanitize=fuzzer,address,undefined with everything under sim/ except cli/main.c.
 */
#include <stdlib.h>

#include "trace/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static struct record batch[TRACE_BATCH];
	struct trace_source *src;
	struct err err;
	size_t n = 1;
	if (trace_open_memory("fuzz", bytes, size, 0, &src, &err) != OK) return 0;
	while (trace_next(src, batch, TRACE_BATCH, &n, &err) == OK && n) {}
	trace_close(src);
	return 0;
}
