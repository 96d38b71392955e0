/* conform_snapshot.c - page tables of a real machine: every answer in truth.txt.zst against the walk. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/zread.h"
#include "cli/conform.h"
#include "cli/snapshot.h"

struct truth {
	struct snapshot snapshot;
	FILE *report; /* NULL: silent */
};

/* One line of truth: a read by `cpu` at `el`. */
struct answer {
	unsigned cpu, el;
	bool pan, mapped;
	struct va va;
	struct pa pa;
};

static uint64_t snapshot_read(void *self, struct pa pa, const struct walk_ref *ref)
{
	const struct truth *s = self;
	bool held;
	uint64_t desc = snapshot_word(&s->snapshot, pa, &held);
	if (s->report) conform_print_read(s->report, ref, pa, desc);
	if (s->report && !held) fprintf(s->report, "    (that table is not in tables.bin.zst)\n");
	return desc;
}

/* The snapshot is not changed: hardware's update is taken for done. */
static bool snapshot_update(void *self, struct pa pa, uint64_t old, uint64_t now)
{
	(void)self, (void)pa, (void)old, (void)now;
	return true;
}

/* A hexadecimal number of at most 64 bits. */
static bool read_address(const char *text, uint64_t *out)
{
	char *end;
	errno = 0;
	*out = strtoull(text, &end, 16);
	return isxdigit((unsigned char)*text) && !*end && !errno;
}

/* "cpu el pan va pa", pa "-" where nothing is readable. */
static enum status parse_answer(const struct truth *s, const char *line, struct answer *out, struct err *err)
{
	unsigned pan;
	char va[24], pa[24];
	int at = -1;
	int fields = sscanf(line, "%u %u %u %23s %23s %n", &out->cpu, &out->el, &pan, va, pa, &at);
	if (fields != 5 || at < 0 || line[at])
		return err_set(err, ERR_INPUT, "not of the form 'cpu el pan va pa'");
	if (out->cpu >= s->snapshot.cpu_count)
		return err_set(err, ERR_INPUT, "cpu %u is outside 0..%u", out->cpu,
			       s->snapshot.cpu_count - 1);
	if (out->el > 3 || pan > 1)
		return err_set(err, ERR_INPUT, "el %u or pan %u is not a level or a bit", out->el, pan);
	if (!read_address(va, &out->va.raw))
		return err_set(err, ERR_INPUT, "va '%s' is no address in hexadecimal", va);
	out->pan = pan;
	out->pa.raw = 0;
	out->mapped = strcmp(pa, "-") != 0;
	if (!out->mapped || read_address(pa, &out->pa.raw)) return OK;
	return err_set(err, ERR_INPUT, "pa '%s' is neither an address in hexadecimal nor '-'", pa);
}

/* The truth does not count a clear access flag as a refusal. */
static void ignore_access_flag(struct regime_info *r) { r->s1[0].ha = r->s1[1].ha = r->s2.ha = true; }

static bool run_answer(struct truth *s, const struct answer *want)
{
	struct access a = {.kind = ACCESS_READ, .el = (uint8_t)want->el, .pan = want->pan, .probe = true};
	struct walk_mem mem = {.self = s, .read = snapshot_read, .update = snapshot_update};
	struct regime_info r;
	struct translation t;
	snapshot_regime(&s->snapshot, want->cpu, want->el, &r);
	ignore_access_flag(&r);
	translate(&r, want->va, a, &mem, &t);
	if (s->report) conform_print_result(s->report, &t);
	if (t.fault.kind != FAULT_NONE) return !want->mapped;
	return want->mapped && t.pa.raw == want->pa.raw;
}

static bool check_answer(struct truth *s, const char *line, const struct answer *want, FILE *report)
{
	s->report = NULL;
	if (run_answer(s, want)) return true;
	fprintf(report, "expected (cpu el pan va pa): %s\n", line);
	s->report = report;
	run_answer(s, want);
	return false;
}

static enum status check_truth(struct zread *z, struct truth *s, FILE *report, struct tally *tally,
			       struct err *err)
{
	const char *line;
	for (unsigned long n = 1;; n++) {
		struct answer want;
		struct err inner;
		TRY(zread_line(z, &line, err));
		if (!line) return OK;
		if (parse_answer(s, line, &want, &inner) != OK)
			return err_set(err, ERR_INPUT, "truth.txt.zst:%lu: %s", n, inner.text);
		*(check_answer(s, line, &want, report) ? &tally->passed : &tally->failed) += 1;
	}
}

static enum status run_truth(const char *dir, struct truth *s, FILE *report, struct tally *tally,
			     struct err *err)
{
	struct zread *z;
	char *path = xasprintf("%s/truth.txt.zst", dir);
	enum status st = zread_open(path, &z, err);
	free(path);
	TRY(st);
	st = check_truth(z, s, report, tally, err);
	zread_close(z);
	if (st != OK || tally->passed + tally->failed > 0) return st;
	return err_set(err, ERR_INPUT, "%s/truth.txt.zst: holds no answers", dir);
}

enum status conform_snapshot(const char *dir, FILE *report, struct tally *tally, struct err *err)
{
	struct truth *s = xcalloc(1, sizeof(*s));
	enum status st = snapshot_load(&s->snapshot, dir, err);
	if (st == OK) st = run_truth(dir, s, report, tally, err);
	snapshot_fini(&s->snapshot);
	free(s);
	return st;
}
