#include "hyp/stage2_flush.h"

#include <assert.h>

#include "hyp/vm.h"
#include "mmu/tlbi_run.h"

/* Domain and types of a DSB, as its CRm has them. */
enum { NSHST = 6, NSH = 7, ISHST = 10, ISH = 11 };
enum { TTL_SHIFT = 44 };

static struct tlbi_op named(const char *name)
{
	struct tlbi_op op;
	bool found = tlbi_named(name, &op);
	assert(found);
	return op;
}

void stage2_flusher_init(struct stage2_flusher *f, const struct stage2_clock *clock,
			 const struct features *features, const struct pgtable *of)
{
	*f = (struct stage2_flusher){.clock = clock,
				     .features = features,
				     .granule_bits = of->granule_bits,
				     .ds = of->layout == DESC_OA_DS};
	f->ipa[false] = named("IPAS2E1");
	f->ipa[true] = named("IPAS2E1IS");
	f->all_stage1[false] = named("VMALLE1");
	f->all_stage1[true] = named("VMALLE1IS");
	f->range = named("RIPAS2E1IS");
	f->all = named("VMALLS12E1IS");
}

static void step(const struct stage2_flusher *f, enum stage2_step s, uint64_t operand)
{
	f->clock->step(f->clock->self, s, operand);
}

static void tlbi(struct stage2_flusher *f, struct tlbi_op op, uint64_t operand)
{
	f->tlbi++;
	f->clock->tlbi(f->clock->self, op, operand);
}

static void dsb(struct stage2_flusher *f, unsigned crm)
{
	f->dsb++;
	step(f, STAGE2_DSB, crm);
}

static void begin(struct stage2_flusher *f, bool broadcast)
{
	dsb(f, broadcast ? ISHST : NSHST);
	step(f, STAGE2_ENTER_VMID, 0);
}

static void end(struct stage2_flusher *f, bool broadcast)
{
	dsb(f, broadcast ? ISH : NSH);
	step(f, STAGE2_ISB, 0);
	step(f, STAGE2_LEAVE_VMID, 0);
}

/* What has been made of stage 2 goes only after stage 2 itself is gone. */
static void end_by_ipa(struct stage2_flusher *f, bool broadcast)
{
	dsb(f, broadcast ? ISH : NSH);
	tlbi(f, f->all_stage1[broadcast], 0);
	end(f, broadcast);
}

/* FEAT_TTL: granule and level of the leaf. */
static uint64_t level_hint(const struct stage2_flusher *f, int level)
{
	uint64_t granule = (f->granule_bits - GRANULE_4K) / 2 + 1;
	if (!f->features->ttl || level < 1) return 0;
	return (granule << 2 | (uint64_t)level) << TTL_SHIFT;
}

void stage2_flush_ipa(struct stage2_flusher *f, uint64_t ipa, int level, bool broadcast)
{
	begin(f, broadcast);
	tlbi(f, f->ipa[broadcast], ipa >> GRANULE_4K | level_hint(f, level));
	end_by_ipa(f, broadcast);
}

static void flush_pages(struct stage2_flusher *f, uint64_t ipa, uint64_t bytes)
{
	struct tlbi_run run = {.addr = ipa,
			       .pages = bytes >> f->granule_bits,
			       .page_bits = f->granule_bits,
			       .ranges = f->features->tlbirange,
			       .ds = f->ds};
	struct tlbi_piece piece;
	begin(f, true);
	while (tlbi_run_next(&run, &piece)) tlbi(f, piece.range ? f->range : f->ipa[true], piece.operand);
	end_by_ipa(f, true);
}

void stage2_flush_range(struct stage2_flusher *f, uint64_t ipa, uint64_t bytes)
{
	if (f->features->tlbirange)
		flush_pages(f, ipa, bytes);
	else
		stage2_flush_vmid(f);
}

void stage2_flush_vmid(struct stage2_flusher *f)
{
	begin(f, true);
	tlbi(f, f->all, 0);
	end(f, true);
}

/* A block is one leaf; of a contiguous run each page may be in a TLB by itself. */
void stage2_flush_broken(struct stage2_flusher *f, uint64_t ipa, uint64_t bytes)
{
	int level = LAST_LEVEL;
	while (level > 1 && level_entry_bits(f->granule_bits, level) < log2_floor(bytes)) level--;
	if (level_entry_bits(f->granule_bits, level) == log2_floor(bytes))
		stage2_flush_ipa(f, ipa, level, true);
	else
		flush_pages(f, ipa, bytes);
}
