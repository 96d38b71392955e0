/* fuzz_native.c - libFuzzer target: a file of the native trace format whose header and index the fuzzer has changed.
 *
 * Checksums are made to agree where the changed file still has a header and a footer: no fuzzer finds them, and
 * behind them stand the checks of sizes, offsets and totals that are tested here. Frames: fuzz_frame.
 */
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "base/alloc.h"
#include "trace/native.h"
#include "trace/source.h"
#include "trace/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void seal(uint8_t *from, size_t bytes, uint8_t *to)
{
	uint64_t hash = XXH64(from, bytes, 0);
	memcpy(to, &hash, sizeof(hash));
}

static void seal_header(uint8_t *file, size_t size)
{
	if (size < NATIVE_SKIP_HEAD + NATIVE_HEADER_BYTES + 8) return;
	uint32_t header = wire_get32(file + 4);
	if (header < NATIVE_HEADER_BYTES + 8 || header > size - NATIVE_SKIP_HEAD) return;
	seal(file + NATIVE_SKIP_HEAD, header - 8, file + NATIVE_SKIP_HEAD + header - 8);
}

/* The index hash covers the entries and the footer up to itself. */
static void seal_index(uint8_t *file, size_t size)
{
	if (size < NATIVE_FOOTER_BYTES) return;
	uint8_t *footer = file + size - NATIVE_FOOTER_BYTES;
	uint64_t frames = wire_get64(footer + 8);
	if (frames > (size - NATIVE_FOOTER_BYTES) / NATIVE_ENTRY_BYTES) return;
	uint8_t *entries = footer - frames * NATIVE_ENTRY_BYTES;
	seal(entries, (size_t)(footer + 40 - entries), footer + 40);
	memcpy(footer + 48, NATIVE_FOOTER_MAGIC, 8);
}

static void read_all_streams(const uint8_t *file, size_t size)
{
	static struct record batch[TRACE_BATCH];
	struct trace_source *src;
	struct err err;
	for (uint32_t stream = 0; stream < 2; stream++) {
		size_t n = 1;
		if (trace_open_memory("fuzz", file, size, stream, &src, &err) != OK) return;
		while (trace_next(src, batch, TRACE_BATCH, &n, &err) == OK && n) {}
		trace_close(src);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	if (!size) return 0;
	uint8_t *file = xcalloc(size, 1);
	memcpy(file, bytes, size);
	seal_header(file, size);
	seal_index(file, size);
	read_all_streams(file, size);
	free(file);
	return 0;
}
