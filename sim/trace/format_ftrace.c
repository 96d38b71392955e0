/* format_ftrace.c - reads a kernel's trace text (/sys/kernel/tracing/trace and trace_pipe, trace-cmd report, perf script):
 * what KVM says of each vCPU's exits.
 *
 *   tinyvm-109   [000] .....  1281.706241: kvm_exit: TRAP: HSR_EC: 0x0020 (IABT_LOW), PC: 0x0000000080000000
 *   tinyvm-109   [000] d....  1281.706226: kvm_entry: PC: 0x0000000080000000
 *   tinyvm   109 [000]  1281.706226:                kvm:kvm_entry: PC: 0x0000000080000000
 * One stream per thread that has such events, in the order in which they first appear. An exit becomes an
 * exception from EL1 to EL2 with the class in its ESR, an entry a return to EL1; the guest's EL0 cannot be
 * told from its EL1. Other events are passed over.
 * Source: Linux 6.1 arch/arm64/kvm/trace_arm.h; Documentation/trace/ftrace.rst; perf-script(1).
 * Not modelled: the trace's times; events that were lost ("CPU:N [LOST M EVENTS]", "[M EVENTS DROPPED]" is an error, for
 * an order with holes is none).
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

/* --- the parts of a line: THREAD [CPU] FLAGS TIME: EVENT: PAYLOAD ------------------------------------------------- */

/* "[CPU]" with nothing but digits in it; NULL: none, so the line is no event. */
static const char *cpu_of(const char *text)
{
	for (const char *at = strstr(text, " ["); at; at = strstr(at + 1, " [")) {
		size_t digits = strspn(at + 2, "0123456789");
		if (digits && at[2 + digits] == ']') return at;
	}
	return NULL;
}

/* Behind the first word of the form SECONDS.MICROSECONDS: - other clocks may have no fraction. */
static const char *behind_time(const char *at)
{
	while (*at) {
		at += strspn(at, " ");
		size_t time = strspn(at, "0123456789.");
		if (time && at[time] == ':') return at + time + 1;
		at += strcspn(at, " ");
	}
	return NULL;
}

/* What follows "NAME:" or "kvm:NAME:", if that is the event of this line. */
static const char *payload_of(const char *event, const char *name)
{
	size_t bytes = strlen(name);
	event += strspn(event, " ");
	if (strncmp(event, "kvm:", 4) == 0) event += 4;
	return strncmp(event, name, bytes) == 0 && event[bytes] == ':' ? event + bytes + 1 : NULL;
}

static const char *back_over(const char *text, const char *end, const char *set)
{
	while (end > text && strchr(set, end[-1])) end--;
	return end;
}

/* The thread is NAME-PID, of perf NAME PID or NAME PID/TID, before " [CPU]" or " (TGID) [CPU]"; names may hold blanks and
 * minus signs. */
static enum status thread_of(struct reader *r, uint32_t *stream, struct err *err)
{
	const char *text = r->l->text, *end = back_over(text, cpu_of(text), " ");
	uint32_t pid = 0;
	if (end > text && end[-1] == ')') end = back_over(text, end - 1, "-0123456789 ");
	if (end > text && end[-1] == '(') end = back_over(text, end - 1, " ");
	const char *at = back_over(text, end, "0123456789");
	if (at == text || !strchr("- /", at[-1]) || sscanf(at, "%" SCNu32, &pid) != 1)
		return lines_bad(r->l, "expected NAME-PID [CPU]", err);
	for (*stream = 0; *stream < r->threads; ++*stream)
		if (r->pid[*stream] == pid) return OK;
	if (r->threads == THREADS_MAX) return lines_bad(r->l, "more than 1024 vCPU threads", err);
	r->pid[r->threads++] = pid;
	return OK;
}

/* --- events ------------------------------------------------------------------------------------------------------ */

static enum status take_exit(struct reader *r, const char *text, struct err *err)
{
	struct record rec = {.kind = REC_EXC};
	uint32_t stream;
	unsigned ec;
	char why[16];
	if (sscanf(text, " %15[A-Z_0-9x]: HSR_EC: %x (%*[^)]), PC: %" SCNx64, why, &ec, &rec.addr) != 3 ||
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

static bool lost_events(const char *text)
{
	return strstr(text, " EVENTS DROPPED]") || (strstr(text, " EVENTS]") && strstr(text, "[LOST "));
}

static enum status take_line(struct reader *r, struct err *err)
{
	const char *cpu = cpu_of(r->l->text), *event = cpu ? behind_time(cpu + 2) : NULL;
	if (lost_events(r->l->text)) return lines_bad(r->l, "events were lost", err);
	if (!event) return OK;
	const char *out = payload_of(event, "kvm_exit"), *in = payload_of(event, "kvm_entry");
	if (out) return take_exit(r, out, err);
	return in ? take_entry(r, in, err) : OK;
}

static enum status read_trace(struct lines *l, struct log_reader *out, struct err *err)
{
	struct reader r = {.l = l, .out = out};
	for (bool more = true; more;) {
		TRY(lines_next(l, &more, err));
		if (more) TRY(take_line(&r, err));
	}
	if (r.threads) return OK;
	return err_set(
		err, ERR_INPUT,
		"%s: no kvm_exit and no kvm_entry in it (of the form THREAD [CPU] TIME: kvm_exit: ...)",
		l->in->name);
}

/* The kernel's header, or that of trace-cmd report; trace_pipe and perf script begin with events. */
static bool is_trace_line(const char *line)
{
	const char *cpu = cpu_of(line);
	return strncmp(line, "# tracer: ", 10) == 0 || strncmp(line, "cpus=", 5) == 0 ||
	       (cpu && behind_time(cpu + 2));
}

static bool detect(const uint8_t *head, size_t n) { return lines_in_head(head, n, is_trace_line); }

static enum status open_trace(struct input *in, uint32_t stream, struct trace_source **out, struct err *err)
{
	return log_open("ftrace", read_trace, in, stream, out, err);
}

const struct trace_format trace_format_ftrace = {.name = "ftrace", .detect = detect, .open = open_trace};
