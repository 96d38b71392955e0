/* fuzz_mtr1.c - libFuzzer target: any bytes as the records of an MTR1 trace.
 *
 * The header is made here, so that all of the input is decoded; what the fuzzer may do to headers, fuzz_trace does.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "trace/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void read_to_end(struct trace_source *src)
{
	static struct record batch[TRACE_BATCH];
	struct err err;
	size_t n = 1;
	while (trace_next(src, batch, TRACE_BATCH, &n, &err) == OK && n) {}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const uint8_t header[16] = {'M', 'T', 'R', '1', 1};
	uint8_t *file = xcalloc(sizeof(header) + size, 1);
	struct trace_source *src;
	struct err err;
	memcpy(file, header, sizeof(header));
	if (size) memcpy(file + sizeof(header), bytes, size);
	if (trace_open_memory("fuzz", file, sizeof(header) + size, 0, &src, &err) == OK) {
		read_to_end(src);
		trace_close(src);
	}
	free(file);
	return 0;
}
