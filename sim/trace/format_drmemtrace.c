/* format_drmemtrace.c - reads DynamoRIO's memory traces (drcachesim, drmemtrace): one thread's file of 12-byte entries.
 *
 *   u16 type, u16 size, u64 addr, little-endian, packed
 * An instruction stands before its loads and stores. It begins with a header and is complete with the footer. Entries that
 * are no access of the program (prefetches, flushes, encodings, markers: time, CPU, system calls) are passed over.
 * Source: DynamoRIO, clients/drcachesim/common/trace_entry.h (trace_entry_t, trace_type_t).
 * Not modelled: archives as they are (.zip: its members chunk.*, in order, are the trace); time and CPU of the entries;
 * several threads in one file, which become one stream.
 */
#include "trace/steps.h"

enum { ENTRY_BYTES = 12, BUNDLE_MAX = 8, VERSION_MAX = 255 };
enum {
	TYPE_READ = 0,
	TYPE_WRITE = 1,
	TYPE_INSTR = 10, /* to 16: by kind of branch */
	TYPE_INSTR_RETURN = 16,
	TYPE_INSTR_BUNDLE = 17, /* `size` instructions behind the last, their lengths in the bytes of addr */
	TYPE_THREAD = 22,
	TYPE_HEADER = 25,
	TYPE_FOOTER = 26,
	TYPE_MARKER = 28,
	TYPE_INSTR_SYSENTER = 31,
	TYPE_INSTR_TAKEN_JUMP = 48,
	TYPE_INSTR_UNTAKEN_JUMP = 49,
	TYPE_MAX = 255,
};

struct entry {
	unsigned type, size;
	uint64_t addr;
};

static struct entry entry_at(const uint8_t *p)
{
	uint32_t head = wire_get32(p);
	return (struct entry){head & 0xffff, head >> 16, wire_get64(p + 4)};
}

static bool is_instruction(unsigned type)
{
	return (type >= TYPE_INSTR && type <= TYPE_INSTR_RETURN) || type == TYPE_INSTR_SYSENTER ||
	       type == TYPE_INSTR_TAKEN_JUMP || type == TYPE_INSTR_UNTAKEN_JUMP;
}

struct drmemtrace {
	struct steps s;
	uint64_t after; /* address behind the last instruction */
	bool footer;
};

static enum status take_bundle(struct drmemtrace *d, struct entry e, const uint8_t *lengths, struct err *err)
{
	if (e.size > BUNDLE_MAX)
		return steps_bad(&d->s, ENTRY_BYTES, "a bundle of more than 8 instructions", err);
	for (unsigned i = 0; i < e.size; i++) {
		steps_fetch(&d->s, d->after);
		d->after += lengths[i];
	}
	return OK;
}

static enum status take_entry(struct drmemtrace *d, const uint8_t *p, struct err *err)
{
	struct entry e = entry_at(p);
	if (d->footer)
		return steps_bad(&d->s, ENTRY_BYTES,
				 "expected nothing behind the footer (one thread's file at a time)", err);
	if (e.type > TYPE_MAX)
		return steps_bad(&d->s, ENTRY_BYTES, "not an entry of a memory trace: its type is over 255",
				 err);
	if (e.type == TYPE_READ || e.type == TYPE_WRITE)
		steps_data(&d->s, e.type == TYPE_READ ? REC_LOAD : REC_STORE, e.addr, e.size);
	if (is_instruction(e.type)) {
		steps_fetch(&d->s, e.addr);
		d->after = e.addr + e.size;
	}
	d->footer = e.type == TYPE_FOOTER;
	return e.type == TYPE_INSTR_BUNDLE ? take_bundle(d, e, p + 4, err) : OK;
}

static enum status take(struct steps *s, bool *more, struct err *err)
{
	struct drmemtrace *d = (struct drmemtrace *)s;
	const uint8_t *p;
	TRY(steps_item(s, ENTRY_BYTES, &p, err));
	*more = p;
	if (p) return take_entry(d, p, err);
	return d->footer ? OK : steps_bad(s, 0, "truncated: the trace ends without its footer", err);
}

static bool detect(const uint8_t *head, size_t n)
{
	if (n < 2 * ENTRY_BYTES) return false;
	struct entry first = entry_at(head), second = entry_at(head + ENTRY_BYTES);
	return first.type == TYPE_HEADER && first.addr && first.addr <= VERSION_MAX &&
	       (second.type == TYPE_MARKER || second.type == TYPE_THREAD);
}

static enum status open_drmemtrace(struct input *in, uint32_t stream, struct trace_source **out,
				   struct err *err)
{
	static const struct steps_kind kind = {"drmemtrace", sizeof(struct drmemtrace), STREAM_NO_DEPENDENCE,
					       take};
	return steps_open(&kind, in, stream, out, err);
}

const struct trace_format trace_format_drmemtrace = {
	.name = "drmemtrace", .detect = detect, .open = open_drmemtrace};
