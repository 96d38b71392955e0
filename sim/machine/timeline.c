#include "machine/timeline.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "hyp/path_cost.h"

static const char *const bucket_names[] = {
#define X(name, text, doc) #text,
	CORE_BUCKETS(X)
#undef X
};

enum { NO_LEVEL = 0xff, EVENTS_AT_ONCE = 6 /* program, exception, level, path, step */ };

struct track {
	cycles_t now, el_begin, path_begin;
	unsigned el; /* of the open slice; NO_LEVEL: none is open */
	char *path;  /* of the open slice; NULL: none */
	struct core_spent told;
	bool away; /* it has no core */
};

struct timeline {
	FILE *out;
	struct track *track;
	unsigned vcpus;
	uint64_t clock_mhz, limit, count, left_out;
};

struct timeline *timeline_new(FILE *out, unsigned vcpus, uint64_t clock_mhz, uint64_t limit)
{
	struct timeline *t = xcalloc(1, sizeof(*t));
	*t = (struct timeline){.out = out, .vcpus = vcpus, .clock_mhz = clock_mhz, .limit = limit};
	t->track = xcalloc(vcpus, sizeof(*t->track));
	fputs("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n"
	      "{\"ph\":\"M\",\"pid\":1,\"tid\":0,\"name\":\"process_name\",\"args\":{\"name\":\"vm0\"}}",
	      out);
	return t;
}

void timeline_free(struct timeline *t)
{
	if (!t) return;
	for (unsigned i = 0; i < t->vcpus; i++) free(t->track[i].path);
	free(t->track);
	free(t);
}

/* --- JSON ---------------------------------------------------------------------------------------------------------- */

static void put_string(FILE *out, const char *text)
{
	fputc('"', out);
	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		if (*c == '"' || *c == '\\') fputc('\\', out);
		if (*c < ' ')
			fprintf(out, "\\u%04x", *c);
		else
			fputc(*c, out);
	}
	fputc('"', out);
}

/* What all events have; a comma after the one before. Microseconds to the picosecond, rounded down. */
static void put_head(struct timeline *t, const struct track *k, char phase, cycles_t at)
{
	uint64_t us = at / t->clock_mhz, ps = at % t->clock_mhz * 1000000 / t->clock_mhz;
	fprintf(t->out, ",\n{\"ph\":\"%c\",\"pid\":1,\"tid\":%u,\"ts\":%" PRIu64 ".%06" PRIu64, phase,
		(unsigned)(k - t->track), us, ps);
}

static void put_begin(struct timeline *t, const struct track *k, const char *category, const char *name)
{
	put_head(t, k, 'B', k->now);
	fprintf(t->out, ",\"cat\":\"%s\",\"name\":", category);
	put_string(t->out, name);
	fputc('}', t->out);
	t->count++;
}

static void put_end(struct timeline *t, const struct track *k, cycles_t cycles)
{
	put_head(t, k, 'E', k->now);
	fprintf(t->out, ",\"args\":{\"cycles\":%" PRIu64 "}}", cycles);
}

static void put_instant(struct timeline *t, const struct track *k, const char *category, const char *name)
{
	put_head(t, k, 'i', k->now);
	fprintf(t->out, ",\"s\":\"t\",\"cat\":\"%s\",\"name\":", category);
	put_string(t->out, name);
	t->count++;
}

/* --- slices -------------------------------------------------------------------------------------------------------- */

static void close_path(struct timeline *t, struct track *k)
{
	if (!k->path) return;
	put_end(t, k, k->now - k->path_begin);
	free(k->path);
	k->path = NULL;
}

static void close_level(struct timeline *t, struct track *k)
{
	close_path(t, k);
	if (k->el == NO_LEVEL) return;
	put_end(t, k, k->now - k->el_begin);
	k->el = NO_LEVEL;
}

/* From now on `path` runs at `el`. */
static void enter(struct timeline *t, struct track *k, unsigned el, const char *path)
{
	char level[8];
	if (k->el != el) {
		close_level(t, k);
		snprintf(level, sizeof(level), "EL%u", el);
		put_begin(t, k, "el", level);
		k->el = el;
		k->el_begin = k->now;
	}
	if (k->path && strcmp(k->path, path) == 0) return;
	close_path(t, k);
	put_begin(t, k, "path", path);
	k->path = xstrdup(path);
	k->path_begin = k->now;
}

/* The program ran until `at`. */
static void advance(struct timeline *t, struct track *k, cycles_t at)
{
	if (at <= k->now) return;
	enter(t, k, 0, "workload");
	k->now = at;
}

/* Beyond the limit nothing new begins; what is open ends where the last thing ended. */
static bool full(struct timeline *t)
{
	if (t->count + EVENTS_AT_ONCE <= t->limit) return false;
	for (unsigned i = 0; i < t->vcpus && !t->left_out; i++) close_level(t, &t->track[i]);
	t->left_out++;
	return true;
}

void timeline_begin(struct timeline *t, unsigned vcpu, unsigned cpu, cycles_t at)
{
	struct track *k = &t->track[vcpu];
	k->now = at;
	k->el = NO_LEVEL;
	fprintf(t->out,
		",\n{\"ph\":\"M\",\"pid\":1,\"tid\":%u,\"name\":\"thread_name\",\"args\":{\"name\":\"vcpu%u on cpu%u\"}}",
		vcpu, vcpu, cpu);
}

static void put_exception(struct timeline *t, const struct track *k, const struct path_event *e)
{
	put_instant(t, k, e->exception.kind == EXC_SYNC ? "exception" : "interrupt", e->name);
	fprintf(t->out, ",\"args\":{\"from\":%u,\"to\":%u,\"vector\":", e->transfer.from, e->transfer.to);
	put_string(t->out, e->vector);
	fputs("}}", t->out);
}

static void put_step(struct timeline *t, struct track *k, const struct path_event *e, cycles_t cycles)
{
	char transfer[32];
	const char *name = e->text;
	if (e->kind != EVENT_STEP) {
		snprintf(transfer, sizeof(transfer), "%s:%u>%u", e->kind == EVENT_ENTRY ? e->name : "ret",
			 e->transfer.from, e->transfer.to);
		name = transfer;
	}
	put_begin(t, k, "step", name);
	k->now += cycles;
	put_end(t, k, cycles);
}

void timeline_event(struct timeline *t, unsigned vcpu, const struct path_event *e,
		    const struct path_price *price)
{
	struct track *k = &t->track[vcpu];
	if (e->kind == EVENT_WRITE || (e->kind == EVENT_STEP && !price->cycles)) return;
	k->told.cycles[price->bucket][price->el] += price->cycles;
	if (full(t)) return;
	advance(t, k, price->at);
	if (e->kind == EVENT_ENTRY) put_exception(t, k, e);
	if (!price->cycles) return;
	enter(t, k, price->el, e->kind == EVENT_ENTRY ? e->to_path : e->path);
	put_step(t, k, e, price->cycles);
}

void timeline_spent(struct timeline *t, unsigned vcpu, cycles_t at, const struct core_spent *spent)
{
	struct track *k = &t->track[vcpu];
	for (unsigned b = 0; b < BUCKET_COUNT; b++) {
		for (unsigned el = 0; el < CORE_LEVELS; el++) {
			cycles_t more = spent->cycles[b][el] - k->told.cycles[b][el];
			if (!more || full(t)) continue;
			advance(t, k, at);
			enter(t, k, el, bucket_names[b]);
			k->now += more;
		}
	}
	k->told = (struct core_spent){0};
}

void timeline_walk(struct timeline *t, unsigned vcpu, cycles_t at, uint64_t va)
{
	struct track *k = &t->track[vcpu];
	if (full(t)) return;
	advance(t, k, at);
	put_instant(t, k, "translation", "walk");
	fprintf(t->out, ",\"args\":{\"va\":\"0x%" PRIx64 "\"}}", va);
}

void timeline_waited(struct timeline *t, unsigned vcpu, cycles_t from, cycles_t to, bool goes_on)
{
	struct track *k = &t->track[vcpu];
	if (!k->away && !full(t)) advance(t, k, from);
	close_level(t, k);
	if (to > k->now) k->now = to;
	k->away = !goes_on;
}

void timeline_end(struct timeline *t, unsigned vcpu, cycles_t at)
{
	struct track *k = &t->track[vcpu];
	if (!t->left_out && !k->away) advance(t, k, at);
	close_level(t, k);
}

void timeline_finish(struct timeline *t)
{
	fprintf(t->out, "\n],\"otherData\":{\"clock_mhz\":%" PRIu64 ",\"left_out\":%" PRIu64 "}}\n",
		t->clock_mhz, t->left_out);
}
