/* test_path_record.c - records of a trace as instructions of the guest. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "machine/path_record.h"

Test(path_record, an_sgi_is_the_write_of_its_register_with_its_intid_in_place_of_the_arguments)
{
	const struct record sgi = {.kind = REC_SGI, .count = 5, .arg = UINT64_C(0x1000f0003)};
	struct path_record p;
	cr_assert(path_record_read(&p, &sgi));
	cr_expect(eq(u8, p.instruction.kind, STEP_write));
	cr_expect(eq(u16, p.instruction.reg.reg, R_ICC_SGI1R_EL1));
	cr_expect(eq(u64, p.instruction.value, UINT64_C(0x1050f0003)));
	cr_expect(not(p.undefined));
}

Test(path_record, a_call_has_the_name_of_its_identifier_or_else_its_number)
{
	static const struct {
		uint64_t x0;
		const char *call;
	} rows[] = {{0x84000000, "PSCI_VERSION"},
		    {UINT64_C(0xffffffff84000000), "PSCI_VERSION"},
		    {0xc6000040, "0xc6000040"}};
	struct path_record p;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct record hvc = {.kind = REC_HVC, .arg = rows[i].x0};
		cr_assert(path_record_read(&p, &hvc));
		cr_expect(eq(u8, p.instruction.kind, STEP_hvc));
		cr_expect(eq(str, (char *)p.instruction.call, (char *)rows[i].call));
	}
	const struct record silent = {.kind = REC_SMC};
	cr_assert(path_record_read(&p, &silent));
	cr_expect(eq(ptr, (void *)p.instruction.call, NULL), "the trace does not say");
}

Test(path_record, an_access_of_a_register_that_there_is_not_is_undefined)
{
	const struct record known = {.kind = REC_MRS, .count = 0xc080 /* S3_0_C1_C0_0: SCTLR_EL1 */},
			    unknown = {.kind = REC_MRS, .count = 0xe980 /* S3_5_C3_C0_0 */};
	struct path_record p;
	cr_assert(path_record_read(&p, &known));
	cr_expect(not(p.undefined));
	cr_expect(eq(u16, p.instruction.reg.reg, R_SCTLR_EL1));
	cr_assert(path_record_read(&p, &unknown));
	cr_expect(p.undefined);
}

Test(path_record, what_never_leaves_a_guest_is_no_instruction)
{
	static const uint8_t kinds[] = {REC_LOAD, REC_FETCH, REC_SVC, REC_TIMER, REC_LDXR, REC_TLBI};
	struct path_record p;
	for (size_t i = 0; i < sizeof(kinds); i++) {
		const struct record rec = {.kind = kinds[i]};
		cr_expect(not(path_record_read(&p, &rec)), "%zu", i);
	}
}
