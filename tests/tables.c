#include "tables.h"

#include <stdlib.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/alloc.h"

struct features tables_features(void)
{
	return (struct features){.granules = 7,
				 .granules_stage2 = 7,
				 .pa_bits = 48,
				 .vhe = 1,
				 .hafdbs = 1,
				 .vmid16 = 1,
				 .asid16 = 1,
				 .xnx = 1,
				 .s2fwb = 1,
				 .pan = 1,
				 .e0pd = 1,
				 .hpds = 1,
				 .ttcnp = 1};
}

struct tables_setup tables_native(void)
{
	return (struct tables_setup){.os = {.va_bits = 48,
					    .first_touch = OS_GRANT_ACCESS,
					    .fault_cycles = 1000,
					    .thp_fault_cycles = 9000},
				     .hyp = {.ipa_bits = 40,
					     .concatenate = 1,
					     .memory_base = 1 << 30,
					     .memory_bytes = UINT64_C(4) << 30,
					     .fault_cycles = 2000,
					     .block_fault_cycles = 8000},
				     .host_base = 1 << 30,
				     .host_bytes = UINT64_C(16) << 30,
				     .regime = REGIME_EL20};
}

struct tables_setup tables_vm(void)
{
	struct tables_setup s = tables_native();
	s.vm = true;
	s.regime = REGIME_EL10;
	return s;
}

static void open_vm(struct tables *w, struct err *err)
{
	struct frames_params p = hyp_frames_params(&w->setup.hyp, w->setup.host_base, w->setup.host_bytes);
	p.seed = 1;
	w->host = frames_new(&p);
	cr_assert(eq(int, hyp_new(&w->setup.hyp, &w->features, w->host, w->mem, &w->hyp, err), OK), "%s",
		  err->text);
	w->vm = hyp_vm_new(w->hyp, 1);
	cr_assert(w->vm != NULL);
	hyp_write_regs(w->vm, &w->regs);
}

static bool serve_stage2(struct tables *w, struct ipa ipa, enum access_kind kind);

/* As hyp_view(), with what it maps written down. */
static bool resolve(void *ctx, uint64_t addr, struct pa *pa)
{
	struct tables *w = ctx;
	struct ipa ipa = {addr};
	if (hyp_ipa_to_pa(w->vm, ipa, pa)) return true;
	return serve_stage2(w, ipa, ACCESS_WRITE) && hyp_ipa_to_pa(w->vm, ipa, pa);
}

static void open_os(struct tables *w, struct err *err)
{
	const struct hyp_params *h = &w->setup.hyp;
	struct frames_params p = os_frames_params(&w->setup.os, w->setup.host_base, w->setup.host_bytes);
	if (w->vm) p = os_frames_params(&w->setup.os, h->memory_base, h->memory_bytes);
	p.seed = 2;
	w->guest = frames_new(&p);
	struct pgtable_view view = {w, resolve};
	enum status st = os_new(&w->setup.os, &w->features, w->guest, w->mem, w->vm ? &view : NULL, &w->os,
				err);
	cr_assert(eq(int, st, OK), "%s", err->text);
	w->as = os_aspace_new(w->os, 7);
	cr_assert(w->as != NULL);
	os_write_regs(w->os, w->as, w->setup.regime, &w->regs);
}

struct tables *tables_open(const struct tables_setup *s, const struct features *f)
{
	struct tables *w = xcalloc(1, sizeof(*w));
	struct err err = {0};
	w->setup = *s;
	w->features = *f;
	w->mem = physmem_new();
	if (s->vm) open_vm(w, &err);
	open_os(w, &err);
	regime_decode(&w->regs, f, s->regime, SEC_NONSECURE, &w->info);
	return w;
}

void tables_close(struct tables *w)
{
	os_free(w->os);
	hyp_free(w->hyp);
	frames_free(w->guest);
	frames_free(w->host);
	physmem_free(w->mem);
	free(w);
}

/* ---- accesses ------------------------------------------------------------------------------- */

static uint64_t read_word(void *mem, struct pa pa, const struct walk_ref *ref)
{
	(void)ref;
	return physmem_read64(mem, pa);
}

static bool update_word(void *mem, struct pa pa, uint64_t old, uint64_t now)
{
	return physmem_cas64(mem, pa, old, now);
}

void tables_translate(struct tables *w, struct va va, enum access_kind kind, struct translation *t)
{
	struct walk_mem mem = {.self = w->mem, .read = read_word, .update = update_word};
	unsigned kernel_el = w->setup.regime == REGIME_EL20 ? 2 : 1;
	struct access a = {.kind = (uint8_t)kind, .el = bit_get(va.raw, 55) ? (uint8_t)kernel_el : 0};
	translate(&w->info, va, a, &mem, t);
}

static void note(struct table_mapping *log, size_t *count, uint64_t from, uint64_t to, unsigned bits)
{
	cr_assert(lt(sz, *count, TABLES_LOG));
	log[(*count)++] = (struct table_mapping){bits_align_down(from, bits), to, bits};
}

static bool serve_stage1(struct tables *w, struct va va, enum access_kind kind)
{
	struct os_fault f = os_handle_fault(w->os, w->as, va, kind);
	cr_assert(ne(int, f.outcome, OS_SPURIOUS), "%#llx", (unsigned long long)va.raw);
	if (f.outcome <= OS_MAPPED_HUGE) note(w->stage1, &w->stage1_count, va.raw, f.frame, f.size_bits);
	return f.outcome <= OS_UPGRADED;
}

static bool serve_stage2(struct tables *w, struct ipa ipa, enum access_kind kind)
{
	struct hyp_fault f = hyp_handle_stage2_fault(w->vm, ipa, kind);
	cr_assert(ne(int, f.outcome, HYP_SPURIOUS), "%#llx", (unsigned long long)ipa.raw);
	if (f.outcome <= HYP_MAPPED_BLOCK)
		note(w->stage2, &w->stage2_count, ipa.raw, f.frame.raw, f.size_bits);
	return f.outcome <= HYP_UPGRADED;
}

void tables_access(struct tables *w, struct va va, enum access_kind kind, struct translation *t)
{
	for (int faults = 0; faults < 8; faults++) {
		tables_translate(w, va, kind, t);
		if (t->fault.kind == FAULT_NONE) return;
		bool served = t->fault.stage == 1 ? serve_stage1(w, va, kind)
						  : serve_stage2(w, t->fault.ipa, kind);
		if (!served) return;
	}
	cr_assert(false, "%#llx faults without end", (unsigned long long)va.raw);
}

/* ---- what was written down ------------------------------------------------------------------ */

static const struct table_mapping *find(const struct table_mapping *log, size_t count, uint64_t from)
{
	const struct table_mapping *found = NULL;
	for (size_t i = 0; i < count; i++)
		if (bits_align_down(from, log[i].bits) == log[i].from) found = &log[i];
	return found;
}

const struct table_mapping *tables_stage1(const struct tables *w, struct va va)
{
	const struct table_mapping *m = find(w->stage1, w->stage1_count, va.raw);
	cr_assert(m != NULL, "nothing was written down for VA %#llx", (unsigned long long)va.raw);
	return m;
}

const struct table_mapping *tables_stage2(const struct tables *w, struct ipa ipa)
{
	const struct table_mapping *m = find(w->stage2, w->stage2_count, ipa.raw);
	cr_assert(m != NULL, "nothing was written down for IPA %#llx", (unsigned long long)ipa.raw);
	return m;
}
