#include "cli/gic_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/zread.h"
#include "gic/cpu_if.h"

static const struct row {
	const char *event, *text;
} rows[] = {
#define X(kind, event, text) [LOG_##kind] = {event, text},
	GIC_LOG_ROWS(X)
#undef X
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]), NAME_BYTES = 32 };

/* `text` against a template; numbers are decimal or 0x. */
static bool match(const char *text, const char *template, uint64_t *arg)
{
	unsigned n = 0;
	for (; *template; template ++) {
		if (*template != '#') {
			if (*text++ != *template) return false;
			continue;
		}
		char *end;
		if (n == GIC_LOG_ARGS || !(*text == '-' || (*text >= '0' && *text <= '9'))) return false;
		arg[n++] = strtoull(text, &end, *text == '0' && text[1] == 'x' ? 16 : 10);
		text = end;
	}
	return *text == 0 || *text == ' ';
}

/* Some are called without their level. ICH_ELRSR is. */
static bool names_level(const char *name)
{
	size_t length = strlen(name);
	return length > 4 && !strncmp(name + length - 4, "_EL", 3);
}

/* Registers: "GICv3 ICH_LR0_EL2 write cpu 0x1 value 0x0". Those with ICV_ have the encodings of ICC_. */
static bool match_register(const char *text, struct gic_event *e)
{
	char name[NAME_BYTES], verb[8], full[NAME_BYTES + 8];
	int rest = 0;
	if (sscanf(text, "GICv3 %31s %7s %n", name, verb, &rest) != 2 || !rest) return false;
	if (!match(text + rest, "cpu # value #", e->arg)) return false;
	e->virtual = !strncmp(name, "ICV_", 4);
	e->high = !strncmp(name, "ICH_LRC", 7);
	e->low = !e->high && !strncmp(name, "ICH_LR", 6) && !names_level(name);
	if (e->high) memmove(name + 6, name + 7, strlen(name + 7) + 1); /* ICH_LRC0 is of ICH_LR0 */
	if (e->virtual) name[2] = 'C';
	const char *suffix = names_level(name) ? "" : !strncmp(name, "ICH_", 4) ? "_EL2" : "_EL1";
	snprintf(full, sizeof(full), "%s%s", name, suffix);
	e->encoding = cpu_if_encoding(full);
	e->kind = !strcmp(verb, "write") ? LOG_REG_WRITE : LOG_REG_READ;
	return e->encoding;
}

static bool is_register_event(const char *event)
{
	return !strncmp(event, "gicv3_icc_", 10) || !strncmp(event, "gicv3_icv_", 10) ||
	       !strncmp(event, "gicv3_ich_", 10);
}

/* "Taking exception 2 [SVC] on CPU 1" and other exceptions that are no interrupts. */
static bool match_exception(const char *text, struct gic_event *e)
{
	const char *cpu = strstr(text, "on CPU ");
	e->kind = LOG_OTHER_EXCEPTION;
	return cpu && match(cpu, "on CPU #", e->arg);
}

enum parsed { PARSED, NOT_KNOWN, TORN };

static enum parsed parse(const char *line, struct gic_event *e)
{
	char event[48];
	int rest = 0;
	const char *start = strstr(line, ":gicv3_");
	start = start ? start + 1 : line;
	if (sscanf(start, "%47s %n", event, &rest) != 1 || !rest) return NOT_KNOWN;
	bool known = false;
	for (unsigned i = 0; i < ROWS; i++) {
		if (strcmp(rows[i].event, event) != 0) continue;
		known = true;
		e->kind = (uint8_t)i;
		if (match(start + rest, rows[i].text, e->arg)) return PARSED;
	}
	if (!strcmp(event, "Taking")) return match_exception(start + rest, e) ? PARSED : TORN;
	if (!strcmp(event, "Exception") || !strcmp(event, "...from")) return NOT_KNOWN; /* AArch32 */
	if (is_register_event(event)) return match_register(start + rest, e) ? PARSED : NOT_KNOWN;
	return known ? TORN : NOT_KNOWN;
}

/* "...handled as PSCI call", "...handling as semihosting call": the emulator has done, as firmware or as a host, what the exception told
 * before asks for, which is none of the machine. */
static bool is_answered(const char *line)
{
	return !strncmp(line, "...handled as ", 14) || !strncmp(line, "...handling as ", 15);
}

static void take_back(struct gic_log *log)
{
	size_t i = log->count;
	while (i > 0 && log->events[i - 1].kind != LOG_TAKEN) i--;
	if (i > 0) log->events[i - 1].kind = LOG_ANSWERED;
}

static struct gic_event *grow(struct gic_log *log)
{
	if (!(log->count & (log->count - 1)) || !log->count)
		log->events = xrealloc(log->events, log->count ? 2 * log->count : 1, sizeof(*log->events));
	struct gic_event *e = &log->events[log->count];
	memset(e, 0, sizeof(*e));
	return e;
}

enum status gic_log_line(struct gic_log *log, const char *path, const char *line, struct err *err)
{
	log->lines++;
	if (is_answered(line)) take_back(log);
	struct gic_event *e = grow(log);
	e->line = (uint32_t)log->lines;
	switch (parse(line, e)) {
	case PARSED: log->count++; return OK;
	case NOT_KNOWN: log->skipped++; return OK;
	default: return err_set(err, ERR_INPUT, "%s:%u: torn event: %.200s", path, e->line, line);
	}
}

static enum status read_lines(struct zread *z, const char *path, struct gic_log *log, struct err *err)
{
	const char *line;
	for (;;) {
		TRY(zread_line(z, &line, err));
		if (!line) return OK;
		TRY(gic_log_line(log, path, line, err));
	}
}

enum status gic_log_read(const char *path, struct gic_log *out, struct err *err)
{
	struct zread *z;
	memset(out, 0, sizeof(*out));
	TRY(zread_open(path, &z, err));
	enum status st = read_lines(z, path, out, err);
	zread_close(z);
	if (st != OK) gic_log_free(out);
	return st;
}

void gic_log_free(struct gic_log *log)
{
	free(log->events);
	memset(log, 0, sizeof(*log));
}
