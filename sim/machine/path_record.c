#include "machine/path_record.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/bits.h"
#include "el/smccc.h"

/* What X0 asks for: only its low half counts (DEN 0028, 2.5). NULL: the trace does not say. */
static const char *call_of(struct path_record *p, const struct record *rec)
{
	uint32_t id = (uint32_t)rec->arg;
	const struct smccc_call *call = smccc_by_id(id);
	if ((rec->kind != REC_HVC && rec->kind != REC_SMC) || !id) return NULL;
	if (call) return call->name;
	snprintf(p->call, sizeof(p->call), "0x%" PRIx32, id);
	return p->call;
}

/* An SGI is a write of ICC_SGI1R_EL1, whose INTID field is the record's count, and all else its argument. */
static struct record register_write_of(const struct record *sgi)
{
	enum { INTID = 24, INTID_BITS = 4 };
	const struct reg_name name = {.reg = R_ICC_SGI1R_EL1};
	struct record write = *sgi;
	uint64_t intid = sgi->count & bits_ones(INTID_BITS);
	write.kind = REC_MSR;
	write.count = reg_encode(name);
	write.arg = (sgi->arg & ~(bits_ones(INTID_BITS) << INTID)) | intid << INTID;
	return write;
}

bool path_record_read(struct path_record *p, const struct record *rec)
{
	static const struct {
		uint8_t record, step;
	} kinds[] = {{REC_HVC, STEP_hvc}, {REC_SMC, STEP_smc},   {REC_WFI, STEP_wfi},
		     {REC_WFE, STEP_wfe}, {REC_MSR, STEP_write}, {REC_MRS, STEP_read}};
	struct record write;
	size_t i = 0;
	if (rec->kind == REC_SGI) {
		write = register_write_of(rec);
		rec = &write;
	}
	while (i < sizeof(kinds) / sizeof(kinds[0]) && kinds[i].record != rec->kind) i++;
	if (i == sizeof(kinds) / sizeof(kinds[0])) return false;
	p->instruction = (struct path_instruction){
		.kind = kinds[i].step, .call = call_of(p, rec), .value = rec->arg};
	bool register_access = rec->kind == REC_MSR || rec->kind == REC_MRS;
	p->undefined = register_access && !reg_decode(rec->count, &p->instruction.reg);
	return true;
}
