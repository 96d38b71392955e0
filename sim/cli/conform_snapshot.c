/* conform_snapshot.c - page tables of a real machine: every answer in truth.txt.zst against the walk. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/zread.h"
#include "cli/conform.h"
#include "cli/json.h"

enum { PAGE_BYTES = 4096, MAX_CPUS = 64 };

struct page {
	uint64_t pa;
	uint64_t words[PAGE_BYTES / 8];
};

struct cpu {
	struct sysregs regs;
	struct features features;
	bool has_scr; /* SCR_EL3 was recorded */
};

struct snapshot {
	struct page **pages; /* by address */
	size_t count, room;
	struct cpu cpus[MAX_CPUS];
	unsigned cpu_count;
	FILE *report; /* NULL: silent */
};

/* One line of truth: a read by `cpu` at `el`. */
struct answer {
	unsigned cpu, el;
	bool pan, mapped;
	struct va va;
	struct pa pa;
};

static int by_address(const void *a, const void *b)
{
	uint64_t x = (*(struct page *const *)a)->pa, y = (*(struct page *const *)b)->pa;
	return (x > y) - (x < y);
}

static int compare_key(const void *key, const void *page)
{
	uint64_t pa = *(const uint64_t *)key, at = (*(struct page *const *)page)->pa;
	return (pa > at) - (pa < at);
}

/* Tables that the snapshot lacks read as invalid. */
static uint64_t snapshot_read(void *self, struct pa pa, const struct walk_ref *ref)
{
	struct snapshot *s = self;
	uint64_t base = bits_align_down(pa.raw, 12);
	struct page **page = bsearch(&base, s->pages, s->count, sizeof(struct page *), compare_key);
	uint64_t desc = page ? (*page)->words[pa.raw % PAGE_BYTES / 8] : 0;
	if (s->report) conform_print_read(s->report, ref, pa, desc);
	if (s->report && !page) fprintf(s->report, "    (that table is not in tables.bin.zst)\n");
	return desc;
}

/* The snapshot is not changed: hardware's update is taken for done. */
static bool snapshot_update(void *self, struct pa pa, uint64_t old, uint64_t now)
{
	(void)self, (void)pa, (void)old, (void)now;
	return true;
}

static enum status read_page(struct zread *z, struct snapshot *s, bool *end, struct err *err)
{
	struct page page;
	size_t got;
	TRY(zread_bytes(z, &page, sizeof(page), &got, err));
	*end = got == 0;
	if (*end) return OK;
	if (got < sizeof(page))
		return err_set(err, ERR_INPUT, "tables.bin.zst: page %zu is cut short", s->count);
	if (page.pa % PAGE_BYTES)
		return err_set(err, ERR_INPUT,
			       "tables.bin.zst: page %zu is at 0x%" PRIx64 ", no page address", s->count,
			       page.pa);
	if (s->count == s->room) {
		s->room = s->room ? 2 * s->room : 64;
		s->pages = xrealloc(s->pages, s->room, sizeof(struct page *));
	}
	s->pages[s->count] = xcalloc(1, sizeof(page));
	*s->pages[s->count++] = page;
	return OK;
}

static enum status load_tables(const char *dir, struct snapshot *s, struct err *err)
{
	struct zread *z;
	bool end = false;
	enum status st;
	char *path = xasprintf("%s/tables.bin.zst", dir);
	st = zread_open(path, &z, err);
	free(path);
	TRY(st);
	while (st == OK && !end) st = read_page(z, s, &end, err);
	zread_close(z);
	if (s->count) qsort(s->pages, s->count, sizeof(struct page *), by_address);
	if (st != OK || s->count) return st;
	return err_set(err, ERR_INPUT, "%s/tables.bin.zst: holds no tables", dir);
}

/* A name as the recording emulator calls it; those without a level are EL1's. */
static uint64_t *find_register(struct sysregs *regs, const char *name)
{
	return sysregs_find(regs, strcmp(name, "SCTLR") == 0 ? "SCTLR_EL1" : name);
}

static enum status load_cpu(const json_t *object, struct cpu *out, struct err *err)
{
	uint64_t mmfr[3];
	const char *name;
	json_t *value;
	if (!json_is_object(object)) return err_set(err, ERR_INPUT, "cpus: an entry is not an object");
	TRY(json_get_u64(object, "ID_AA64MMFR0_EL1", &mmfr[0], err));
	TRY(json_get_u64(object, "ID_AA64MMFR1_EL1", &mmfr[1], err));
	TRY(json_get_u64(object, "ID_AA64MMFR2_EL1", &mmfr[2], err));
	features_from_id(mmfr[0], mmfr[1], mmfr[2], &out->features);
	json_object_foreach((json_t *)object, name, value)
	{
		uint64_t *reg = find_register(&out->regs, name);
		if (reg) TRY(json_read_u64(value, name, reg, err));
		out->has_scr |= reg == &out->regs.SCR_EL3;
	}
	return OK;
}

static enum status load_cpus(const json_t *object, struct snapshot *s, struct err *err)
{
	json_t *cpus;
	TRY(json_get_typed(object, "cpus", JSON_ARRAY, &cpus, err));
	size_t count = json_array_size(cpus);
	if (count < 1 || count > MAX_CPUS)
		return err_set(err, ERR_INPUT, "cpus: %zu entries are outside 1..%d", count, MAX_CPUS);
	for (; s->cpu_count < count; s->cpu_count++)
		TRY(load_cpu(json_array_get(cpus, s->cpu_count), &s->cpus[s->cpu_count], err));
	return OK;
}

static enum status load_regs(const char *dir, struct snapshot *s, struct err *err)
{
	struct err inner = {.text = ""};
	char *path = xasprintf("%s/regs.json", dir);
	json_t *object;
	enum status st = json_parse_file(path, &object, err);
	if (st == OK && load_cpus(object, s, &inner) != OK)
		st = err_set(err, ERR_INPUT, "%s: %s", path, inner.text);
	json_decref(object);
	free(path);
	return st;
}

static void snapshot_free(struct snapshot *s)
{
	for (size_t i = 0; i < s->count; i++) free(s->pages[i]);
	free(s->pages);
	free(s);
}

/* "cpu el pan va pa", pa "-" where nothing is readable. */
static enum status parse_answer(const struct snapshot *s, const char *line, struct answer *out,
				struct err *err)
{
	unsigned pan;
	char pa[20], *end;
	int at = -1;
	int fields = sscanf(line, "%u %u %u %" SCNx64 " %19s %n", &out->cpu, &out->el, &pan, &out->va.raw, pa,
			    &at);
	if (fields != 5 || at < 0 || line[at])
		return err_set(err, ERR_INPUT, "not of the form 'cpu el pan va pa'");
	if (out->cpu >= s->cpu_count)
		return err_set(err, ERR_INPUT, "cpu %u is outside 0..%u", out->cpu, s->cpu_count - 1);
	if (out->el > 3 || pan > 1)
		return err_set(err, ERR_INPUT, "el %u or pan %u is not a level or a bit", out->el, pan);
	out->pan = pan;
	out->mapped = strcmp(pa, "-") != 0;
	out->pa.raw = out->mapped ? strtoull(pa, &end, 16) : 0;
	if (out->mapped && *end) return err_set(err, ERR_INPUT, "'%s' is neither an address nor '-'", pa);
	return OK;
}

/* The truth does not count a clear access flag as a refusal. */
static void ignore_access_flag(struct regime_info *r) { r->s1[0].ha = r->s1[1].ha = r->s2.ha = true; }

/* Without a recorded SCR_EL3 the machine has no Secure state in use. */
static enum security security_of(const struct cpu *cpu, unsigned el)
{
	if (el == 3) return SEC_SECURE;
	return cpu->has_scr && !(cpu->regs.SCR_EL3 & SCR_NS) ? SEC_SECURE : SEC_NONSECURE;
}

static bool run_answer(struct snapshot *s, const struct answer *want)
{
	const struct cpu *cpu = &s->cpus[want->cpu];
	enum security security = security_of(cpu, want->el);
	struct access a = {.kind = ACCESS_READ, .el = (uint8_t)want->el, .pan = want->pan, .probe = true};
	struct walk_mem mem = {.self = s, .read = snapshot_read, .update = snapshot_update};
	struct regime_info r;
	struct translation t;
	regime_decode(&cpu->regs, &cpu->features,
		      regime_of_el(&cpu->regs, &cpu->features, want->el, security), security, &r);
	ignore_access_flag(&r);
	translate(&r, want->va, a, &mem, &t);
	if (s->report) conform_print_result(s->report, &t);
	if (t.fault.kind != FAULT_NONE) return !want->mapped;
	return want->mapped && t.pa.raw == want->pa.raw;
}

static bool check_answer(struct snapshot *s, const char *line, const struct answer *want, FILE *report)
{
	s->report = NULL;
	if (run_answer(s, want)) return true;
	fprintf(report, "expected (cpu el pan va pa): %s\n", line);
	s->report = report;
	run_answer(s, want);
	return false;
}

static enum status check_truth(struct zread *z, struct snapshot *s, FILE *report, struct tally *tally,
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

static enum status run_truth(const char *dir, struct snapshot *s, FILE *report, struct tally *tally,
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
	struct snapshot *s = xcalloc(1, sizeof(*s));
	enum status st = load_regs(dir, s, err);
	if (st == OK) st = load_tables(dir, s, err);
	if (st == OK) st = run_truth(dir, s, report, tally, err);
	snapshot_free(s);
	return st;
}
