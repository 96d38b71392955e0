/* format.h - what a trace format implements, and the list of formats.
 *
 * To add an importer: write sim/trace/format_<name>.c with `const struct trace_format trace_format_<name>` and a row
 * here. It is then recognised wherever a trace is read: `strata run`, `strata trace info|cat|import|export`.
 */
#ifndef TRACE_FORMAT_H
#define TRACE_FORMAT_H

#include "trace/input.h"
#include "trace/source.h"

#define TRACE_FORMATS(X) \
	X(native, "the native format: frames, index and checksums (docs/trace-format.md)") \
	X(mtr1, "MTR1 memory traces, plain or zstd-compressed") \
	X(text, "the text form, one record per line, plain or zstd-compressed") \
	X(qemu_int, "exceptions of an emulated machine: the log of qemu -d int, a stream per CPU") \
	X(ftrace, "kvm_exit and kvm_entry of a kernel's trace text, a stream per vCPU thread") \
	X(lackey, "instructions, loads and stores: the log of valgrind --tool=lackey --trace-mem=yes") \
	X(drmemtrace, "DynamoRIO's memory traces (drcachesim): the entries of one thread") \
	X(champsim, "ChampSim's traces: 64 bytes per instruction; known by its contents, so it is the last")

/* A source begins with this; the implementation's own fields follow. */
struct trace_source {
	const struct source_ops *ops;
	struct trace_info info;
};

struct source_ops {
	enum status (*next)(struct trace_source *src, struct record *buf, size_t cap, size_t *n,
			    struct err *err);
	/* Optional: leaves out up to `count` records cheaply and says how many in *skipped. */
	enum status (*skip)(struct trace_source *src, uint64_t count, uint64_t *skipped, struct err *err);
	/* Optional: gives a batch that the source owns, valid until the next call, in place of next(). */
	enum status (*borrow)(struct trace_source *src, const struct record **rec, size_t *n,
			      struct err *err);
	void (*close)(struct trace_source *src); /* frees everything, `src` included */
};

struct trace_format {
	const char *name;
	/* Whether the first bytes are this format's; a zstd layer has been taken off, except of skippable frames. */
	bool (*detect)(const uint8_t *head, size_t n);
	/* Takes over `in` (name and file) on success only. */
	enum status (*open)(struct input *in, uint32_t stream, struct trace_source **out, struct err *err);
};

enum { TRACE_HEAD_BYTES = 4096 }; /* what detect is given, at most */

#define X(name, doc) extern const struct trace_format trace_format_##name;
TRACE_FORMATS(X)
#undef X

/* ERR_INPUT unless stream < streams. */
enum status trace_check_stream(const char *where, uint32_t stream, uint32_t streams, struct err *err);

#endif
