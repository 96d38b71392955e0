#include "cli/walk_text.h"

#include <inttypes.h>

static const char *const regime_names[] = {
	[REGIME_EL10] = "EL1&0", [REGIME_EL2] = "EL2", [REGIME_EL20] = "EL2&0", [REGIME_EL3] = "EL3"};
static const char *const access_names[] = {"read", "write", "fetch"};

struct telling {
	FILE *out;
	const struct walk_question *q;
};

static void print_stage(FILE *out, const struct stage_info *s, const char *what)
{
	if (!s->on) {
		fprintf(out, "%s is off: addresses pass unchanged\n", what);
		return;
	}
	fprintf(out,
		"%s: granule %u KiB, %u bits of input, %u of output; begins at level %d, table 0x%" PRIx64
		"\n",
		what, 1u << (s->granule_bits - 10), s->ia_bits, s->oa_bits, s->start_level, s->base);
}

static void print_head(FILE *out, const struct walk_question *q)
{
	const struct regime_info *r = q->regime;
	bool upper = r->two_ranges && bit_get(q->va.raw, 55);
	fprintf(out, "%s of VA 0x%" PRIx64 " at EL%u, regime %s", access_names[q->access.kind], q->va.raw,
		q->access.el, regime_names[r->regime]);
	if (r->two_ranges) fprintf(out, ", ASID %u", r->asid);
	if (r->regime == REGIME_EL10) fprintf(out, ", VMID %u", r->vmid);
	fputc('\n', out);
	if (r->two_ranges) fprintf(out, "VA<55> is %d: the tables of TTBR%d\n", upper, upper);
	print_stage(out, regime_stage1(r, q->va), "stage 1");
	print_stage(out, &r->s2, "stage 2");
}

/* --- descriptors ----------------------------------------------------------------------------------------------- */

static void print_stage1_leaf(FILE *out, const struct stage_info *s, uint64_t d)
{
	fprintf(out, ", attribute %u (MAIR 0x%02" PRIx64 ")", (unsigned)bits_get(d, 4, 2),
		s->mair >> 8 * bits_get(d, 4, 2) & 0xff);
	fputs(d & DESC_AP_READ_ONLY ? ", read-only" : ", writable", out);
	if (s->user) fputs(d & DESC_AP_USER ? ", also for EL0" : ", not for EL0", out);
	if (d & DESC_UXN) fputs(s->user ? ", EL0 may not execute (UXN)" : ", not executable (XN)", out);
	if (s->user && (d & DESC_PXN)) fputs(", EL1 may not execute (PXN)", out);
	if (s->user) fputs(d & DESC_NG ? ", of this ASID (nG)" : ", global", out);
}

static void print_stage2_leaf(FILE *out, uint64_t d)
{
	fprintf(out, ", MemAttr %u", (unsigned)bits_get(d, 5, 2));
	fputs(d & DESC_S2AP_READ ? ", readable" : ", not readable", out);
	fputs(d & DESC_S2AP_WRITE ? ", writable" : ", not writable", out);
	fprintf(out, ", XN %u", (unsigned)bits_get(d, 54, 53));
}

static void print_leaf(FILE *out, const struct stage_info *s, int level, uint64_t d)
{
	unsigned bits = level_entry_bits(s->granule_bits, level);
	fprintf(out, "%s of %" PRIu64 " KiB at 0x%" PRIx64, level == LAST_LEVEL ? "page" : "block",
		UINT64_C(1) << (bits - 10), desc_address(d, (enum desc_layout)s->layout, bits));
	if (s->stage == 1)
		print_stage1_leaf(out, s, d);
	else
		print_stage2_leaf(out, d);
	fputs(d & DESC_AF ? ", accessed"
	      : s->ha     ? ", not accessed yet (hardware sets AF)"
			  : ", AF is clear",
	      out);
	if (d & DESC_DBM) fputs(s->hd ? ", DBM: hardware manages dirty state" : ", DBM (not in use)", out);
	if (d & DESC_CONTIGUOUS)
		fprintf(out, ", one of %u contiguous", 1u << contiguous_entries_bits(s->granule_bits, level));
}

static void print_table(FILE *out, const struct stage_info *s, uint64_t d)
{
	fprintf(out, "table at 0x%" PRIx64, desc_address(d, (enum desc_layout)s->layout, s->granule_bits));
	if (!s->limits) return;
	if (d & DESC_AP_TABLE_NO_USER) fputs(", nothing below is for EL0", out);
	if (d & DESC_AP_TABLE_READ_ONLY) fputs(", nothing below is writable", out);
	if (d & DESC_UXN_TABLE) fputs(", EL0 executes nothing below (UXNTable)", out);
	if (d & DESC_PXN_TABLE) fputs(", EL1 executes nothing below (PXNTable)", out);
}

/* What a descriptor met at `level` is. */
static void print_meaning(FILE *out, const struct stage_info *s, int level, uint64_t d)
{
	struct walk_pos pos = {.level = (int8_t)level};
	enum walk_step step = walk_step(s, &pos, d);
	if (step == WALK_TABLE)
		print_table(out, s, d);
	else if (step == WALK_LEAF)
		print_leaf(out, s, level, d);
	else if (!(d & DESC_VALID))
		fputs("invalid: bit 0 is clear", out);
	else if (pos.fault == FAULT_ADDRESS_SIZE)
		fprintf(out, "its address has more than %u bits", s->oa_bits);
	else
		fputs("no descriptor of this level: reserved", out);
}

static uint64_t tell_read(void *self, struct pa pa, const struct walk_ref *ref)
{
	const struct telling *t = self;
	bool held = true, first = ref->cause == CAUSE_S1_WALK;
	const struct stage_info *s = first ? regime_stage1(t->q->regime, t->q->va) : &t->q->regime->s2;
	uint64_t desc = t->q->word(t->q->self, pa, &held);
	unsigned low = level_entry_bits(s->granule_bits, ref->level), width = level_stride(s->granule_bits);
	if (ref->level == s->start_level) width = s->ia_bits - low;
	fprintf(t->out, "%sstage %u level %d%s: %s<%u:%u> is 0x%" PRIx64 ": ",
		ref->cause == CAUSE_S2_OF_S1 ? "    " : "  ", s->stage, ref->level,
		ref->cause == CAUSE_S2_OF_S1 ? ", where that table is" : "", first ? "VA" : "IPA",
		low + width - 1, low, ref->input >> low & bits_ones(width));
	if (first && t->q->regime->s2.on) fprintf(t->out, "IPA 0x%" PRIx64 ", ", ref->address);
	fprintf(t->out, "PA 0x%" PRIx64 " holds 0x%016" PRIx64 "\n        ", pa.raw, desc);
	if (!held) fputs("(that table is not in the snapshot) ", t->out);
	print_meaning(t->out, s, ref->level, desc);
	fputc('\n', t->out);
	return desc;
}

static bool leave_word(void *self, struct pa pa, uint64_t old, uint64_t now)
{
	const struct telling *t = self;
	fprintf(t->out,
		"        hardware would write 0x%016" PRIx64 " to PA 0x%" PRIx64 " (it was 0x%016" PRIx64
		")\n",
		now, pa.raw, old);
	return true;
}

/* --- result ---------------------------------------------------------------------------------------------------- */

static void print_fault(FILE *out, const struct walk_question *q, const struct fault *f)
{
	static const char *const texts[] = {[FAULT_ADDRESS_SIZE] = "address size fault",
					    [FAULT_TRANSLATION] = "translation fault",
					    [FAULT_ACCESS_FLAG] = "access flag fault",
					    [FAULT_PERMISSION] = "permission fault"};
	struct abort_report r;
	abort_report(q->regime, f, q->va, q->access, q->access.el, NULL, &r);
	fprintf(out, "%s, stage %u level %d%s: taken to EL%u, ESR 0x%08" PRIx64 ", FAR 0x%" PRIx64,
		texts[f->kind], f->stage, f->level, f->s1ptw ? ", of a stage 1 table" : "", r.taken_to, r.esr,
		r.far);
	if (r.hpfar_valid) fprintf(out, ", HPFAR 0x%" PRIx64, r.hpfar);
	fputc('\n', out);
}

static void print_result(FILE *out, const struct walk_question *q, const struct translation *t)
{
	unsigned bits = t->s1_bits < t->s2_bits ? t->s1_bits : t->s2_bits;
	if (q->regime->s2.on) fprintf(out, "IPA 0x%" PRIx64 ", ", t->ipa.raw);
	fprintf(out, "PA 0x%" PRIx64 ", attributes 0x%02x, shareability %u\n", t->pa.raw, t->attr, t->sh);
	if (bits < 64)
		fprintf(out,
			"a TLB entry of it covers %" PRIu64 " KiB, the smaller of what both stages map\n",
			UINT64_C(1) << (bits - 10));
}

void walk_explain(FILE *out, const struct walk_question *q)
{
	struct telling telling = {out, q};
	struct walk_mem mem = {.self = &telling, .read = tell_read, .update = leave_word};
	struct translation t;
	print_head(out, q);
	translate(q->regime, q->va, q->access, &mem, &t);
	if (t.fault.kind)
		print_fault(out, q, &t.fault);
	else
		print_result(out, q, &t);
}
