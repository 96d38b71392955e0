/* fuzz_frame.c - libFuzzer target: any bytes as a decompressed frame of the native trace format.
 *
 * The checksum is made to agree, as no fuzzer finds one, and the frame is a copy of exactly its size, so that the
 * address sanitizer sees the first byte read beyond it.
 */
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "base/alloc.h"
#include "trace/frame.h"
#include "trace/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static struct record batch[TRACE_BATCH];
	static struct frame_decoder decoder;
	struct err err;
	if (size < 8) return 0;
	uint8_t *raw = xcalloc(size, 1);
	uint64_t hash = XXH64(bytes + 8, size - 8, 0);
	memcpy(raw, bytes, size);
	memcpy(raw, &hash, sizeof(hash));
	if (frame_open(&decoder, raw, size, "fuzz", &err) == OK)
		while (decoder.done < decoder.records) frame_decode(&decoder, batch, TRACE_BATCH);
	free(raw);
	return 0;
}
