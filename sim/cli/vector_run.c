/* vector_run.c - runs one vector, the AT and the real access, and compares both with what is expected. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/conform.h"

enum { STORED_HINT_SIZE = 3, READ_REG = 2, WRITE_REG = 1 };
static const uint64_t stored_value = UINT64_C(0xfeedfacecafe0123);

/* A case's memory while it runs: the given words, what they were, and words that a store added. */
struct memory {
	struct vec_word *words;
	uint64_t *was;
	size_t count, given;
	FILE *report;
};

static void memory_init(struct memory *m, const struct vec_memory *given, FILE *report)
{
	*m = (struct memory){.count = given->count, .given = given->count, .report = report};
	m->words = xcalloc(given->count + 1, sizeof(*m->words));
	m->was = xcalloc(given->count + 1, sizeof(*m->was));
	for (size_t i = 0; i < given->count; i++) {
		m->words[i] = given->words[i];
		m->was[i] = given->words[i].value;
	}
}

static void memory_free(struct memory *m)
{
	free(m->words);
	free(m->was);
}

static struct vec_word *memory_find(const struct memory *m, struct pa pa)
{
	for (size_t i = 0; i < m->count; i++)
		if (m->words[i].pa == pa.raw) return &m->words[i];
	return NULL;
}

static uint64_t memory_get(const struct memory *m, struct pa pa)
{
	struct vec_word *word = memory_find(m, pa);
	return word ? word->value : 0;
}

/* A run stores at most once to a word that was not given: table updates change given words only. */
static void memory_put(struct memory *m, struct pa pa, uint64_t value)
{
	struct vec_word *word = memory_find(m, pa);
	if (!word) {
		m->was[m->count] = 0;
		word = &m->words[m->count++];
	}
	*word = (struct vec_word){pa.raw, value};
}

static uint64_t memory_read(void *self, struct pa pa, const struct walk_ref *ref)
{
	struct memory *m = self;
	uint64_t value = memory_get(m, pa);
	if (m->report) conform_print_read(m->report, ref, pa, value);
	return value;
}

static bool memory_update(void *self, struct pa pa, uint64_t old, uint64_t now)
{
	struct memory *m = self;
	if (memory_get(m, pa) != old) return false;
	if (m->report)
		fprintf(m->report, "    hardware update [0x%" PRIx64 "] = 0x%016" PRIx64 "\n", pa.raw, now);
	memory_put(m, pa, now);
	return true;
}

static bool agrees(FILE *report, const char *what, uint64_t expected, uint64_t came)
{
	if (expected == came) return true;
	if (report)
		fprintf(report, "    %s: expected 0x%" PRIx64 ", came 0x%" PRIx64 "\n", what, expected, came);
	return false;
}

static bool changed_as_expected(const struct memory *m, const struct vec_memory *expected, FILE *report)
{
	bool good = true;
	char what[40];
	struct memory want = {.words = expected->words, .count = expected->count};
	for (size_t i = 0; i < m->count; i++) {
		struct vec_word *word = memory_find(&want, (struct pa){m->words[i].pa});
		snprintf(what, sizeof(what), "word at 0x%" PRIx64, m->words[i].pa);
		good &= agrees(report, what, word ? word->value : m->was[i], m->words[i].value);
	}
	for (size_t i = 0; i < expected->count; i++) {
		snprintf(what, sizeof(what), "word at 0x%" PRIx64, expected->words[i].pa);
		if (!memory_find(m, (struct pa){expected->words[i].pa}))
			good &= agrees(report, what, expected->words[i].value, 0);
	}
	return good;
}

static bool run_at(const struct vector *v, FILE *report)
{
	struct regime_info r;
	struct translation t;
	struct memory m;
	memory_init(&m, &v->memory, report);
	struct walk_mem mem = {.self = &m, .read = memory_read, .update = memory_update};
	if (report) fprintf(report, "  AT %s\n", at_op_name(v->op));
	regime_decode(&v->regs, v->features, at_regime(v->op, &v->regs, v->features, SEC_NONSECURE),
		      SEC_NONSECURE, &r);
	at_translate(v->op, &r, v->va, v->features->pan && v->pan, &mem, &t);
	memory_free(&m);
	if (report) conform_print_result(report, &t);
	return agrees(report, "PAR_EL1 under par_mask", v->par & v->par_mask, par_encode(&t) & v->par_mask);
}

/* What a good access does to memory and registers. */
static bool finish_access(const struct vec_access *a, struct memory *m, struct pa pa, FILE *report)
{
	pa.raw = bits_align_down(pa.raw, 3);
	if (a->kind == ACCESS_WRITE) memory_put(m, pa, stored_value);
	if (!a->ok) return agrees(report, "result (0 = ok, 1 = fault)", 1, 0);
	return !a->has_data || agrees(report, "data", a->data, memory_get(m, pa));
}

static bool fault_as_expected(const struct vec_access *a, const struct abort_report *came, FILE *report)
{
	if (a->ok) return agrees(report, "result (0 = ok, 1 = fault)", 0, 1);
	bool good = agrees(report, "taken to EL", a->taken_to, came->taken_to);
	good &= agrees(report, "ESR", a->esr, came->esr);
	good &= agrees(report, "FAR", a->far, came->far);
	return good & (!a->has_hpfar || agrees(report, "HPFAR_EL2", a->hpfar, came->hpfar));
}

static bool run_access_in(const struct vector *v, struct memory *m, FILE *report)
{
	const struct vec_access *want = &v->access;
	struct access a = {.kind = want->kind, .el = want->el, .pan = v->features->pan && v->pan};
	struct syndrome_hint hint = {.valid = true,
				     .size_bits = STORED_HINT_SIZE,
				     .sf = true,
				     .reg = want->kind == ACCESS_WRITE ? WRITE_REG : READ_REG};
	struct walk_mem mem = {.self = m, .read = memory_read, .update = memory_update};
	struct regime_info r;
	struct translation t;
	struct abort_report came;
	regime_decode(&v->regs, v->features, regime_of_el(&v->regs, v->features, want->el, SEC_NONSECURE),
		      SEC_NONSECURE, &r);
	translate(&r, v->va, a, &mem, &t);
	if (report) conform_print_result(report, &t);
	if (t.fault.kind == FAULT_NONE) return finish_access(want, m, t.pa, report);
	abort_report(&r, &t.fault, v->va, a, want->el, &hint, &came);
	return fault_as_expected(want, &came, report);
}

static bool run_access(const struct vector *v, FILE *report)
{
	static const char *const kinds[] = {"read", "write", "fetch"};
	struct memory m;
	memory_init(&m, &v->memory, report);
	if (report) fprintf(report, "  %s at EL%d\n", kinds[v->access.kind], v->access.el);
	bool good = run_access_in(v, &m, report);
	if (v->access.has_memory) good &= changed_as_expected(&m, &v->access.memory, report);
	memory_free(&m);
	return good;
}

bool vector_run(const struct vector *v, FILE *report)
{
	if (report)
		fprintf(report, "%s (%s, %s) va 0x%" PRIx64 " pan %d: expected %s\n", v->id, v->group, v->cpu,
			v->va.raw, v->pan, v->outcome);
	bool good = run_at(v, report);
	return (!v->has_access || run_access(v, report)) && good;
}
