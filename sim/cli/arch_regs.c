#include "cli/arch_regs.h"

#include <inttypes.h>
#include <string.h>

#include "base/bits.h"
#include "cli/json.h"

struct alias {
	const char *name, *means;
};

static const char *look_up(const struct alias *rows, const char *name)
{
	for (; rows->name; rows++)
		if (strcmp(rows->name, name) == 0) return rows->means;
	return NULL;
}

/* Names of the recording emulator that lack a level. */
static const struct alias short_names[] = {
	{"SCTLR", "SCTLR_EL1"}, {"VBAR", "VBAR_EL1"}, {"CPACR", "CPACR_EL1"}, {"CNTKCTL", "CNTKCTL_EL1"}, {0},
};

/* What EL2 writes with E2H = 1. Arm ARM D8.2.9. */
static const struct alias of_host[] = {
	{"SCTLR_EL1", "SCTLR_EL2"},
	{"TTBR0_EL1", "TTBR0_EL2"},
	{"TTBR1_EL1", "TTBR1_EL2"},
	{"TCR_EL1", "TCR_EL2"},
	{"MAIR_EL1", "MAIR_EL2"},
	{"VBAR_EL1", "VBAR_EL2"},
	{"CONTEXTIDR_EL1", "CONTEXTIDR_EL2"},
	{"CPACR_EL1", "CPTR_EL2"},
	{"CNTKCTL_EL1", "CNTHCTL_EL2"},
	{"CNTV_CVAL_EL0", "CNTHV_CVAL_EL2"},
	{0},
};

static const struct alias of_guest[] = {
	{"SCTLR_EL12", "SCTLR_EL1"},
	{"TTBR0_EL12", "TTBR0_EL1"},
	{"TTBR1_EL12", "TTBR1_EL1"},
	{"TCR_EL12", "TCR_EL1"},
	{"MAIR_EL12", "MAIR_EL1"},
	{"VBAR_EL12", "VBAR_EL1"},
	{"CONTEXTIDR_EL12", "CONTEXTIDR_EL1"},
	{"CPACR_EL12", "CPACR_EL1"},
	{"CNTKCTL_EL12", "CNTKCTL_EL1"},
	{"CNTV_CVAL_EL02", "CNTV_CVAL_EL0"},
	{0},
};

/* NULL: not followed. */
static uint64_t *find(struct arch_regs *r, const char *name)
{
	const char *full = look_up(short_names, name);
	if (full) name = full;
#define X(reg) \
	if (strcmp(name, #reg) == 0) return &r->reg;
	ARCH_OTHER_REGS(X)
#undef X
	return sysregs_find(&r->sys, name);
}

void arch_regs_write(struct arch_regs *r, unsigned el, const char *name, uint64_t value)
{
	bool e2h = r->sys.HCR_EL2 & HCR_E2H, host = e2h && (r->sys.HCR_EL2 & HCR_TGE) && el == 0;
	const char *other = el == 2 && e2h ? look_up(of_host, name) : NULL;
	if (host && strcmp(name, "CNTV_CVAL_EL0") == 0) other = "CNTHV_CVAL_EL2";
	if (!other) other = look_up(of_guest, name);
	uint64_t *reg = find(r, other ? other : name);
	if (reg) *reg = value;
	if (reg == &r->sys.SCR_EL3) r->has_el3 = true;
}

static enum status check_object(const json_t *object, struct err *err)
{
	if (json_is_object(object)) return OK;
	return err_set(err, ERR_INPUT, "a CPU's entry is not an object of registers");
}

enum status arch_regs_load(const json_t *object, struct arch_regs *out, struct err *err)
{
	const char *name;
	json_t *value;
	*out = (struct arch_regs){0};
	TRY(check_object(object, err));
	json_object_foreach((json_t *)object, name, value)
	{
		uint64_t *reg = find(out, name);
		if (reg) TRY(json_read_u64(value, name, reg, err));
	}
	out->has_el3 = json_object_get(object, "SCR_EL3") != NULL;
	return OK;
}

/* ITFSB, TCF0, TCF, ATA0, ATA of FEAT_MTE2: Linux writes them (INIT_SCTLR_EL1_MMU_ON) whether or not there is one. */
#define SCTLR_MTE (UINT64_C(0x7f) << 37)

/* Bits that a CPU lacks are written and read back as 0: of HCR_EL2, those are among the ones of later extensions that
 * translation does not ask for; of SCTLR_ELx, those of memory tagging, which the recorded ID registers do not tell. */
static uint64_t compared_bits(const char *name)
{
	if (strcmp(name, "HCR_EL2") == 0) return bits_ones(35) | HCR_FWB;
	return strncmp(name, "SCTLR", 5) == 0 ? ~SCTLR_MTE : UINT64_MAX;
}

enum status arch_regs_compare(const struct arch_regs *r, const json_t *object, unsigned cpu, FILE *report,
			      unsigned *differences, struct err *err)
{
	const char *name;
	json_t *value;
	TRY(check_object(object, err));
	json_object_foreach((json_t *)object, name, value)
	{
		const uint64_t *reg = find((struct arch_regs *)r, name);
		uint64_t want;
		if (!reg) continue;
		TRY(json_read_u64(value, name, &want, err));
		if (!((*reg ^ want) & compared_bits(name))) continue;
		fprintf(report, "cpu %u: %s ends as 0x%" PRIx64 ", recorded 0x%" PRIx64 "\n", cpu, name, *reg,
			want);
		++*differences;
	}
	return OK;
}
