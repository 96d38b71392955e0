/* format_lackey.c - reads what `valgrind --tool=lackey --trace-mem=yes` logs: instructions, loads and stores of a program.
 *
 *   I  0401ab70,3     an instruction: address, bytes
 *    L 1fff000628,8   a load of the instruction before; S a store, M a load and a store of the same bytes
 *   ==4711== ...      valgrind's own words, passed over
 * Valgrind runs the threads of a program one after the other and does not say which: they are one stream.
 * Source: Valgrind 3.19, lackey/lk_main.c; its manual, "Lackey".
 * The log has no end mark: that it was cut is seen where the cut is inside of a line.
 */
#include <stdlib.h>
#include <string.h>

#include "trace/steps.h"

struct line {
	char kind; /* I, L, S or M; 0: valgrind's own words */
	uint64_t addr;
	uint32_t bytes;
};

/* "ADDRESS,BYTES", the address in hexadecimal. */
static bool parse_access(const char *text, struct line *out)
{
	size_t digits = strspn(text, "0123456789abcdefABCDEF"), end = 0;
	if (!digits || digits > 16 || text[digits] != ',') return false;
	end = digits + 1 + strspn(text + digits + 1, "0123456789");
	if (text[end] || end == digits + 1 || end > digits + 6) return false;
	out->addr = strtoull(text, NULL, 16);
	out->bytes = (uint32_t)strtoul(text + digits + 1, NULL, 10);
	return out->bytes > 0;
}

static bool parse(const char *text, struct line *out)
{
	static const char *const starts[] = {"I  ", " L ", " S ", " M "};
	static const char kinds[] = "ILSM";
	*out = (struct line){0};
	if (!strncmp(text, "==", 2) || !*text) return true;
	for (int i = 0; i < 4; i++)
		if (!strncmp(text, starts[i], 3)) out->kind = kinds[i];
	return out->kind && parse_access(text + 3, out);
}

static enum status take(struct steps *s, bool *more, struct err *err)
{
	struct line l;
	TRY(lines_next(&s->lines, more, err));
	if (!*more) return OK;
	if (!parse(s->lines.text, &l))
		return lines_bad(&s->lines, "expected \"I  ADDRESS,BYTES\", or L, S or M", err);
	if (l.kind == 'I') steps_fetch(s, l.addr);
	if (l.kind == 'L' || l.kind == 'M') steps_data(s, REC_LOAD, l.addr, l.bytes);
	if (l.kind == 'S' || l.kind == 'M') steps_data(s, REC_STORE, l.addr, l.bytes);
	return OK;
}

static bool is_access(const char *text)
{
	struct line l;
	return parse(text, &l) && l.kind;
}

static bool detect(const uint8_t *head, size_t n) { return lines_in_head(head, n, is_access); }

static enum status open_lackey(struct input *in, uint32_t stream, struct trace_source **out, struct err *err)
{
	static const struct steps_kind kind = {"lackey", sizeof(struct steps), STREAM_NO_DEPENDENCE, take};
	return steps_open(&kind, in, stream, out, err);
}

const struct trace_format trace_format_lackey = {.name = "lackey", .detect = detect, .open = open_lackey};
