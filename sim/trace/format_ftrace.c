/* format_ftrace.c - reads a kernel's trace text (/sys/kernel/tracing/trace, trace-cmd report): what KVM says of each
 * vCPU's exits.
 *
 *   tinyvm-109   [000] .....  1281.706241: kvm_exit: TRAP: HSR_EC: 0x0020 (IABT_LOW), PC: 0x0000000080000000
 *   tinyvm-109   [000] d....  1281.706226: kvm_entry: PC: 0x0000000080000000
 * One stream per thread that has such events, in the order in which they first appear. An exit becomes an
 * exception from EL1 to EL2 with the class in its ESR, an entry a return to EL1; the guest's EL0 cannot be
 * told from its EL1. Other events are passed over.
 * Source: Linux 6.1 arch/arm64/kvm/trace_arm.h; Documentation/trace/ftrace.rst.
 * Not modelled: the trace's times; events that were lost ("CPU:N [LOST M EVENTS]" is an error, for an order
 * with holes is none).
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "trace/lines.h"

enum { THREADS_MAX = 1024 };

struct reader {
	struct lines *l;
	struct log_reader *out;
	uint32_t pid[THREADS_MAX];
	uint32_t threads;
};

/* The thread of a line is "NAME-PID" before " [CPU]"; names may hold blanks and minus signs. */
static enum status thread_of(struct reader *r, uint32_t *stream, struct err *err)
{
	const char *bracket = strstr(r->l->text, " ["), *minus = bracket;
	uint32_t pid;
	while (minus && minus > r->l->text && *minus != '-') minus--;
	if (!minus || sscanf(minus, "-%" SCNu32, &pid) != 1)
		return lines_bad(r->l, "expected NAME-PID [CPU]", err);
	for (*stream = 0; *stream < r->threads; ++*stream)
		if (r->pid[*stream] == pid) return OK;
	if (r->threads == THREADS_MAX) return lines_bad(r->l, "more than 1024 vCPU threads", err);
	r->pid[r->threads++] = pid;
	return OK;
}

static enum status take_exit(struct reader *r, const char *text, struct err *err)
{
	struct record rec = {.kind = REC_EXC};
	uint32_t stream;
	unsigned ec;
	char why[16];
	if (sscanf(text, " %15[A-Z_]: HSR_EC: %x (%*[^)]), PC: %" SCNx64, why, &ec, &rec.addr) != 3 ||
	    ec > 63)
		return lines_bad(r->l, "expected \"kvm_exit: WHY: HSR_EC: class (NAME), PC: address\"", err);
	bool irq = strcmp(why, "IRQ") == 0, serror = strcmp(why, "SERROR") == 0;
	rec.count = exc_count(1, 2, irq ? EXC_REC_IRQ : serror ? EXC_REC_SERROR : EXC_REC_SYNC);
	if (!irq) rec.arg = (uint64_t)ec << 26 | UINT64_C(1) << 25;
	TRY(thread_of(r, &stream, err));
	log_add(r->out, stream, &rec);
	return OK;
}

static enum status take_entry(struct reader *r, const char *text, struct err *err)
{
	struct record rec = {.kind = REC_ERET, .count = 1, .arg = 2};
	uint32_t stream;
	if (sscanf(text, " PC: %" SCNx64, &rec.addr) != 1)
		return lines_bad(r->l, "expected \"kvm_entry: PC: address\"", err);
	TRY(thread_of(r, &stream, err));
	log_add(r->out, stream, &rec);
	return OK;
}

static enum status take_line(struct reader *r, struct err *err)
{
	static const char exit_name[] = ": kvm_exit: ", entry_name[] = ": kvm_entry: ";
	const char *out = strstr(r->l->text, exit_name), *in = strstr(r->l->text, entry_name);
	if (strstr(r->l->text, " EVENTS]") && strstr(r->l->text, "[LOST "))
		return lines_bad(r->l, "events were lost", err);
	if (out) return take_exit(r, out + strlen(exit_name), err);
	return in ? take_entry(r, in + strlen(entry_name), err) : OK;
}

static enum status read_trace(struct lines *l, struct log_reader *out, struct err *err)
{
	struct reader r = {.l = l, .out = out};
	for (bool more = true;;) {
		TRY(lines_next(l, &more, err));
		if (!more) return OK;
		TRY(take_line(&r, err));
	}
}

/* The kernel's own header, or that of trace-cmd report, whose lines are the same but for blanks. */
static bool detect(const uint8_t *head, size_t n)
{
	return (n >= 10 && memcmp(head, "# tracer: ", 10) == 0) || (n >= 5 && memcmp(head, "cpus=", 5) == 0);
}

static enum status open_trace(struct input *in, uint32_t stream, struct trace_source **out, struct err *err)
{
	return log_open("ftrace", read_trace, in, stream, out, err);
}

const struct trace_format trace_format_ftrace = {.name = "ftrace", .detect = detect, .open = open_trace};
