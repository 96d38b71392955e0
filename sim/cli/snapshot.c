#include "cli/snapshot.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/zread.h"
#include "cli/json.h"

static int by_address(const void *a, const void *b)
{
	uint64_t x = (*(struct snapshot_page *const *)a)->pa, y = (*(struct snapshot_page *const *)b)->pa;
	return (x > y) - (x < y);
}

static int compare_key(const void *key, const void *page)
{
	uint64_t pa = *(const uint64_t *)key, at = (*(struct snapshot_page *const *)page)->pa;
	return (pa > at) - (pa < at);
}

static enum status read_page(struct zread *z, struct snapshot *s, bool *end, struct err *err)
{
	struct snapshot_page page;
	size_t got;
	TRY(zread_bytes(z, &page, sizeof(page), &got, err));
	*end = got == 0;
	if (*end) return OK;
	if (got < sizeof(page))
		return err_set(err, ERR_INPUT, "tables.bin.zst: page %zu is cut short", s->count);
	if (page.pa % SNAPSHOT_PAGE_BYTES)
		return err_set(err, ERR_INPUT,
			       "tables.bin.zst: page %zu is at 0x%" PRIx64 ", no page address", s->count,
			       page.pa);
	if (s->count == s->room) {
		s->room = s->room ? 2 * s->room : 64;
		s->pages = xrealloc(s->pages, s->room, sizeof(struct snapshot_page *));
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
	if (s->count) qsort(s->pages, s->count, sizeof(struct snapshot_page *), by_address);
	if (st != OK || s->count) return st;
	return err_set(err, ERR_INPUT, "%s/tables.bin.zst: holds no tables", dir);
}

/* A name as the recording emulator calls it; those without a level are EL1's. */
static uint64_t *find_register(struct sysregs *regs, const char *name)
{
	return sysregs_find(regs, strcmp(name, "SCTLR") == 0 ? "SCTLR_EL1" : name);
}

static enum status load_cpu(const json_t *object, struct snapshot_cpu *out, struct err *err)
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
	if (count < 1 || count > SNAPSHOT_MAX_CPUS)
		return err_set(err, ERR_INPUT, "cpus: %zu entries are outside 1..%d", count,
			       SNAPSHOT_MAX_CPUS);
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

void snapshot_fini(struct snapshot *s)
{
	for (size_t i = 0; i < s->count; i++) free(s->pages[i]);
	free(s->pages);
}

enum status snapshot_load(struct snapshot *s, const char *dir, struct err *err)
{
	*s = (struct snapshot){0};
	TRY(load_regs(dir, s, err));
	return load_tables(dir, s, err);
}

/* --- use ------------------------------------------------------------------------------------------------------- */

uint64_t snapshot_word(const struct snapshot *s, struct pa pa, bool *held)
{
	uint64_t base = bits_align_down(pa.raw, 12);
	struct snapshot_page **page = bsearch(&base, s->pages, s->count, sizeof(struct snapshot_page *),
					      compare_key);
	*held = page != NULL;
	return page ? (*page)->words[pa.raw % SNAPSHOT_PAGE_BYTES / 8] : 0;
}

static enum security security_of(const struct snapshot_cpu *cpu, unsigned el)
{
	if (el == 3) return SEC_SECURE;
	return cpu->has_scr && !(cpu->regs.SCR_EL3 & SCR_NS) ? SEC_SECURE : SEC_NONSECURE;
}

void snapshot_regime(const struct snapshot *s, unsigned cpu, unsigned el, struct regime_info *out)
{
	const struct snapshot_cpu *c = &s->cpus[cpu];
	enum security security = security_of(c, el);
	regime_decode(&c->regs, &c->features, regime_of_el(&c->regs, &c->features, el, security), security,
		      out);
}
