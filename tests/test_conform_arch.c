/* `strata conform --arch`: small recordings made here, each about one rule, and the real ones where they are. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arch_recording.h"
#include "base/alloc.h"
#include "cli/conform_arch.h"
#include "mmu/tlbi.h"

static FILE *report;

/* A VHE host on both CPUs at EL2; VMID 1; ASID 5 for the host's program and 6 for the guest's. */
#define CPU \
	"{\"SCTLR\": \"0x1\", \"SCTLR_EL2\": \"0x1\", \"TCR_EL1\": \"0x15b5503510\", \"TCR_EL2\": " \
	"\"0x15b5503510\", \"TTBR1_EL1\": \"0x6000000000000\", \"TTBR1_EL2\": \"0x5000000000000\", " \
	"\"VTTBR_EL2\": \"0x1000000000000\", \"HCR_EL2\": \"0x488000001\", \"ID_AA64MMFR0_EL1\": \"0x1125\", " \
	"\"ID_AA64MMFR1_EL1\": \"0x10212122\", \"ID_AA64MMFR2_EL1\": \"0x1221011112101011\", \"cpsr\": \"0x9\"}"
static const char cpus[] = "[" CPU "," CPU "]";
#define TO_GUEST "M HCR_EL2 400000001\nE 0 0\n"
#define TO_HOST "E 2 0\nM HCR_EL2 488000001\n"

static void setup(void)
{
	report = fopen("/dev/null", "w");
	arch_recording_begin(cpus);
}

static void teardown(void)
{
	arch_recording_end();
	fclose(report);
}

TestSuite(conform_arch, .init = setup, .fini = teardown);

static struct arch_totals replay(const char *text)
{
	struct arch_options o = {0};
	struct arch_totals t;
	struct err err;
	arch_recording_write(text);
	enum status st = conform_arch(arch_recording_dir(), &o, report, &t, &err);
	cr_assert(eq(int, st, OK), "%s", err.text);
	return t;
}

static void expect_conflicts(const char *text, uint64_t want)
{
	cr_assert(eq(u64, replay(text).conflicts, want), "%s", text);
}

#define USER "L 1000 80001000\n"
#define USER_MOVED "L 1000 90001000\n"
#define DSB "I dsb f\n"

Test(conform_arch, counts_hits_and_misses)
{
	struct arch_totals t = replay("C 0\n" USER USER "S 1000 80001000\nF 2000 80002000\nL 9000 -\nN 12\n");
	cr_assert(eq(u64, t.references, 4));
	cr_assert(eq(u64, t.misses, 2));
	cr_assert(eq(u64, t.hits, 2));
	cr_assert(eq(u64, t.devices, 1));
	cr_assert(eq(u64, t.lines, 7));
}

Test(conform_arch, a_page_that_moves_without_maintenance_is_a_conflict)
{
	expect_conflicts("E 2 0\n" USER USER_MOVED USER_MOVED, 1);
}

Test(conform_arch, a_local_tlbi_is_for_its_own_cpu)
{
	expect_conflicts(USER "C 1\n" USER "T VALE1 5000000000001\n" DSB USER_MOVED "C 0\n" USER_MOVED, 1);
}

Test(conform_arch, an_inner_shareable_tlbi_is_for_all)
{
	expect_conflicts(USER "C 1\n" USER "T VALE1IS 5000000000001\n" DSB USER_MOVED "C 0\n" USER_MOVED, 0);
}

Test(conform_arch, fb_broadcasts_what_a_guest_means_for_one_cpu)
{
	static const char guest[] = TO_GUEST USER
		"C 1\n" TO_GUEST USER "E 1 0\nT VALE1 6000000000001\n" DSB USER_MOVED "C 0\n" USER_MOVED;
	expect_conflicts(guest, 1);
	expect_conflicts("M HCR_EL2 400000201\nE 0 0\n" USER "C 1\nM HCR_EL2 400000201\nE 1 0\n" USER
			 "T VALE1 6000000000001\n" DSB USER_MOVED "C 0\n" USER_MOVED,
			 0);
}

Test(conform_arch, the_tlbi_of_another_asid_does_not_help)
{
	expect_conflicts(USER "T VALE1 4000000000001\n" DSB USER_MOVED, 1);
}

Test(conform_arch, an_el1_name_written_at_el2_is_the_hosts)
{
	expect_conflicts(USER "M TTBR1_EL1 4000000000000\n" USER_MOVED, 0);
	expect_conflicts(USER "M TTBR1_EL12 4000000000000\n" USER_MOVED, 1);
	expect_conflicts(TO_GUEST USER TO_HOST "M TTBR1_EL12 4000000000000\n" TO_GUEST USER_MOVED, 0);
}

Test(conform_arch, addresses_of_the_upper_half_are_global)
{
	expect_conflicts("L ffff000000001000 1000\nM TTBR1_EL1 4000000000000\nL ffff000000001000 2000\n", 1);
	expect_conflicts("L ffff000000001000 1000\nT ASIDE1 5000000000000\n" DSB "L ffff000000001000 2000\n",
			 1);
}

Test(conform_arch, host_and_guest_and_two_guests_do_not_meet)
{
	expect_conflicts(USER TO_GUEST USER_MOVED, 0);
	expect_conflicts(TO_GUEST USER TO_HOST "M VTTBR_EL2 2000000000000\n" TO_GUEST USER_MOVED, 0);
}

Test(conform_arch, a_level_hint_takes_all_pages_of_the_block)
{
	expect_conflicts("L 1ff000 1000\nT VALE1 5600000000000\n" DSB "L 1ff000 2000\n", 0);
	expect_conflicts("L 1ff000 1000\nT VALE1 5700000000000\n" DSB "L 1ff000 2000\n", 1);
}

Test(conform_arch, without_a_hint_any_block_that_begins_there_goes)
{
	expect_conflicts("L 3ff000 1000\nT VALE1 5000000000200\n" DSB "L 3ff000 2000\n", 0);
	expect_conflicts("L 3ff000 1000\nT VALE1 5000000000201\n" DSB "L 3ff000 2000\n", 1);
	expect_conflicts("L 400000 1000\nT VALE1 5000000000200\n" DSB "L 400000 2000\n", 1);
}

/* TCR_EL2.TG0 = 64 KiB; the hint is level 2 of that granule, 512 MiB. */
#define GRANULE_64K_ON "M TCR_EL2 15b5507510\n"

Test(conform_arch, a_page_has_the_size_of_its_granule)
{
	expect_conflicts("L 1f000 1000\nT VALE1 5000000000011\n" DSB "L 1f000 2000\n", 1);
	expect_conflicts(GRANULE_64K_ON "L 1f000 1000\nT VALE1 5000000000011\n" DSB "L 1f000 2000\n", 0);
	expect_conflicts(GRANULE_64K_ON "L 20000 1000\nT VALE1 5000000000011\n" DSB "L 20000 2000\n", 1);
	expect_conflicts(GRANULE_64K_ON "L 1ffff000 1000\nT VALE1 5e00000000011\n" DSB "L 1ffff000 2000\n",
			 0);
}

/* TCR_EL2.TBI0 = 1. */
Test(conform_arch, a_tag_in_the_top_byte_is_no_part_of_the_address)
{
	expect_conflicts("M TCR_EL2 35b5503510\nL 5a00000000001000 80001000\nT VALE1 5000000000001\n" DSB
			 "L a500000000001000 90001000\n",
			 0);
	expect_conflicts("M TCR_EL2 35b5503510\nL 5a00000000001000 80001000\n" USER_MOVED, 1);
}

Test(conform_arch, a_tlbi_is_done_when_its_own_cpu_has_executed_a_dsb)
{
	expect_conflicts(USER "T VALE1 5000000000001\n" USER_MOVED, 1);
	expect_conflicts(USER "T VALE1IS 5000000000001\nC 1\n" DSB "C 0\n" USER_MOVED, 1);
	expect_conflicts(USER DSB "T VALE1 5000000000001\n" USER_MOVED, 1);
}

/* ISHST, ISHLD; and #0, #4, which are barriers of speculation. */
Test(conform_arch, a_dsb_for_loads_or_stores_alone_does_not_wait_for_a_tlbi)
{
	expect_conflicts(USER "T VALE1 5000000000001\nI dsb a\nI dsb 9\nI dsb 0\nI dsb 4\n" USER_MOVED, 1);
	expect_conflicts(USER "T VALE1 5000000000001\nI dsb 8\n" USER_MOVED, 0);
}

Test(conform_arch, a_dsb_that_is_not_shareable_is_for_its_own_cpu)
{
	static const char both[] = USER "C 1\n" USER "T VALE1IS 5000000000001\nI dsb 7\n" USER_MOVED
					"C 0\n" USER_MOVED;
	expect_conflicts(both, 1);
	expect_conflicts(USER "C 1\n" USER "T VALE1IS 5000000000001\nI dsb 7\nI dsb b\n" USER_MOVED
			      "C 0\n" USER_MOVED,
			 0);
}

#define TO_BSU_GUEST "M HCR_EL2 400000401\nE 1 0\n"

Test(conform_arch, bsu_lifts_the_dsb_of_a_guest)
{
	expect_conflicts(TO_GUEST USER "C 1\n" TO_GUEST
				       "E 1 0\nT VALE1IS 6000000000001\nI dsb 7\nC 0\n" USER_MOVED,
			 1);
	expect_conflicts(
		TO_GUEST USER "C 1\n" TO_BSU_GUEST "T VALE1IS 6000000000001\nI dsb 7\nC 0\n" USER_MOVED, 0);
}

Test(conform_arch, a_page_brought_again_before_the_dsb_goes_at_the_dsb)
{
	expect_conflicts(
		"C 1\n" USER "C 0\nT VALE1IS 5000000000001\nC 1\n" USER "C 0\n" DSB "C 1\n" USER_MOVED, 0);
}

#define OTHERS_TLBI USER "C 1\nT VALE1IS 5000000000001\n"

/* Between the change of tables and the DSB a fault of another CPU may have brought the new page. */
Test(conform_arch, a_page_may_change_on_another_cpu_before_the_dsb_that_follows)
{
	expect_conflicts(OTHERS_TLBI "C 0\n" USER_MOVED USER_MOVED "C 1\n" DSB "C 0\n" USER_MOVED, 0);
	expect_conflicts(OTHERS_TLBI "C 0\n" USER_MOVED "C 1\nE 2 0\nE 2 0\n" DSB, 0);
}

Test(conform_arch, a_page_that_changed_before_a_dsb_that_never_follows_is_a_conflict)
{
	expect_conflicts(OTHERS_TLBI "C 0\n" USER_MOVED "C 1\nE 0 0\n" DSB, 1);
	expect_conflicts(OTHERS_TLBI "E 0 0\nC 0\n" USER_MOVED "C 1\n" DSB, 1);
	expect_conflicts(OTHERS_TLBI "C 0\n" USER_MOVED "C 1\nI dsb 7\n" DSB, 1);
	expect_conflicts(OTHERS_TLBI "C 0\n" USER_MOVED USER "C 1\nI dsb a\nE 0 0\n", 2);
}

/* More processes than a set of a usual TLB has ways. */
Test(conform_arch, a_tlb_that_is_never_full_knows_one_address_of_many_processes)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *f = open_memstream(&text, &bytes);
	for (unsigned asid = 1; asid <= 1000; asid++) fprintf(f, "M TTBR1_EL1 %x000000000000\n" USER, asid);
	fputs("M TTBR1_EL1 1000000000000\n" USER_MOVED, f);
	fclose(f);
	struct arch_totals t = replay(text);
	cr_assert(eq(u64, t.conflicts, 1));
	cr_assert(eq(u64, t.evictions, 0));
	free(text);
}

#define SECURE_EL1(scr) "E 3 0\nM SCR_EL3 " scr "\nM HCR_EL2 1\nM VTTBR_EL2 1000000000000\nE 1 0\n"
#define OTHER_VMID "E 3 0\nM VTTBR_EL2 2000000000000\nE 1 0\n"
#define SECURE_EL2 "E 3 0\nM SCR_EL3 40400\nM HCR_EL2 0\nM TCR_EL2 80823510\nE 2 0\n"

/* SCR_EL3.EEL2 */
Test(conform_arch, secure_state_has_vms_where_it_has_an_el2)
{
	expect_conflicts(SECURE_EL1("40400") USER OTHER_VMID USER_MOVED, 0);
	expect_conflicts(SECURE_EL1("400") USER OTHER_VMID USER_MOVED, 1);
}

Test(conform_arch, secure_el2_looks_after_its_own_entries)
{
	expect_conflicts(SECURE_EL2 USER USER_MOVED, 1);
	expect_conflicts(SECURE_EL2 USER "T VAE2 1\n" DSB USER_MOVED, 0);
	expect_conflicts(SECURE_EL2 USER "E 3 0\nM SCR_EL3 40401\nT VAE2 1\n" DSB SECURE_EL2 USER_MOVED, 1);
	expect_conflicts(SECURE_EL1("40400") USER "E 2 0\nT VMALLS12E1 0\n" DSB "E 1 0\n" USER_MOVED, 0);
}

static void expect_report(const char *text, const char *said)
{
	struct arch_options o = {0};
	struct arch_totals t;
	struct err err;
	char *out = NULL;
	size_t bytes = 0;
	FILE *f = open_memstream(&out, &bytes);
	arch_recording_write(text);
	cr_assert(eq(int, conform_arch(arch_recording_dir(), &o, f, &t, &err), OK));
	fclose(f);
	cr_assert(strstr(out, said) != NULL, "'%s' says '%s'", text, out);
	free(out);
}

Test(conform_arch, a_conflict_names_its_fill_and_what_is_missing)
{
	expect_report(
		"C 0\n" USER USER USER_MOVED,
		"line 4: cpu 0 at EL2: VA 0x1000 is page 0x90001000, but its TLB holds 0x80001000 since "
		"line 2 (regime 2, VMID 0, ASID 5): no TLBI has taken it\n");
	expect_report(
		USER "C 1\nT VALE1IS 5000000000001\nE 0 0\nC 0\n" USER_MOVED,
		"line 6: cpu 0 at EL2: VA 0x1000 is page 0x90001000, but its TLB holds 0x80001000 since "
		"line 1 (regime 2, VMID 0, ASID 5): the TLBI of line 3 awaits a DSB on cpu 1\n");
	expect_report(USER "C 1\nT VALE1IS 5000000000001\nC 0\n" USER_MOVED "C 1\nE 0 0\n",
		      "line 5: cpu 0 at EL2: VA 0x1000 is page 0x90001000");
}

Test(conform_arch, cpus_are_counted_in_decimal)
{
	struct arch_options o = {0};
	struct arch_totals t;
	struct err err;
	char *many = xasprintf("[" CPU "," CPU "," CPU "," CPU "," CPU "," CPU "," CPU "," CPU "," CPU "," CPU
			       "," CPU "]");
	arch_recording_cpus(many);
	arch_recording_write("C 10\n" USER "C 1\n" USER_MOVED "C 10\n" USER_MOVED);
	cr_assert(eq(int, conform_arch(arch_recording_dir(), &o, report, &t, &err), OK), "%s", err.text);
	cr_assert(eq(u64, t.conflicts, 1));
	free(many);
}

Test(conform_arch, with_stage_1_off_nothing_is_looked_up)
{
	struct arch_totals t = replay("M SCTLR_EL1 0\n" USER USER_MOVED);
	cr_assert(eq(u64, t.untranslated, 2));
	cr_assert(eq(u64, t.conflicts + t.references, 0));
}

Test(conform_arch, registers_that_end_otherwise_are_counted)
{
	cr_assert(eq(u32, replay("M TTBR1_EL1 5000000000000\n").register_differences, 0));
	cr_assert(eq(u32, replay("M TTBR1_EL1 4000000000000\nC 1\nM MDCR_EL2 1\n").register_differences, 1));
}

/* Linux sets ITFSB of SCTLR_EL1 on every CPU; one without FEAT_MTE2 reads 0. */
Test(conform_arch, bits_of_memory_tagging_that_a_cpu_may_lack_are_not_compared)
{
	cr_assert(eq(u32, replay("E 1 0\nM SCTLR_EL1 fe000000001\n").register_differences, 0));
	cr_assert(eq(u32, replay("M SCTLR_EL2 2000000001\n").register_differences, 0));
	cr_assert(eq(u32, replay("E 1 0\nM SCTLR_EL1 1000000001\n").register_differences, 1), "BT1");
	cr_assert(eq(u32, replay("E 1 0\nM SCTLR_EL1 100000000001\n").register_differences, 1), "DSSBS");
}

/* --- every operation ------------------------------------------------------------------------------------------- */

#define EL3_ON "E 3 0\nM SCR_EL3 401\nM SCTLR_EL3 1\nM TCR_EL3 80803510\n"

/* Page 1 of ASID 5, or two pages from there on; what an operation ignores of it is there, too. */
static const char *operand_of(const struct tlbi_row *row)
{
	return row->range ? "5400000000001" : "5000000000001";
}

/* A page of the regime that the operation is for, which moves behind it: without the operation the TLB is wrong. */
static char *recording_with(const struct tlbi_row *row, const char *name)
{
	bool of_guests = row->by == TLBI_BY_IPA || strcmp(row->name, "ALLE1") == 0 ||
			 row->by == TLBI_BY_VMID_S12;
	const char *before = row->op1 == 6 ? EL3_ON USER : of_guests ? TO_GUEST USER TO_HOST : USER;
	return xasprintf("%sT %s %s\n" DSB "%s", before, name, operand_of(row),
			 of_guests ? TO_GUEST USER_MOVED : USER_MOVED);
}

static void expect_needed(struct tlbi_op op)
{
	char name[TLBI_NAME_BYTES];
	struct err err;
	struct arch_totals t;
	tlbi_name(op, name);
	char *text = recording_with(op.row, name);
	expect_conflicts(text, op.row->by == TLBI_BY_IPA);
	cr_assert(eq(int,
		     conform_arch(arch_recording_dir(), &(struct arch_options){.without = op.row->name},
				  report, &t, &err),
		     OK));
	cr_assert(eq(u64, t.conflicts, 1), "%s is left out: %s", name, text);
	free(text);
}

/* An operation by IPA takes no combined translation with it, so that software follows it by VMALLE1. */
Test(conform_arch, leaving_out_any_operation_that_a_recording_depends_on_is_a_conflict)
{
	for (unsigned i = 0; i < tlbi_row_count * TLBI_SHARES * 2; i++) {
		const struct tlbi_row *row = &tlbi_rows[i / (TLBI_SHARES * 2)];
		struct tlbi_op op = {row, (uint8_t)(i / 2 % TLBI_SHARES), i & 1};
		if (tlbi_exists(op) && row->by != TLBI_BY_GPT) expect_needed(op);
	}
}

/* --- malformed input ------------------------------------------------------------------------------------------- */

struct malformed {
	char text[64];
	char named[16];
};

static const struct malformed malformed[] = {
	{"C 0\nX 1\n", ":2: 'X 1'"},
	{"C 2\n", ":1: 'C 2'"},
	{"E 4 0\n", ":1: 'E 4 0'"},
	{"T VAE9 0\n", ":1: 'T VAE9"},
	{"T VAE1\n", ":1: 'T VAE1'"},
	{"L 1000\n", ":1: 'L 1000'"},
	{"L 1000 xyz\n", ":1: 'L 1000"},
	{"M TTBR0_EL1\n", ":1: 'M TTB"},
	{"\n", ":1: ''"},
	{"L 11112222333344445 0\n", ":1:"},
	{"F\n", ":1: 'F'"},
	{"I dsb\n", ":1: 'I dsb'"},
	{"I dsb 10\n", ":1: 'I dsb 10'"},
	{"C 1 0\n", ":1: 'C 1 0'"},
	{"C -1\n", ":1: 'C -1'"},
};

ParameterizedTestParameters(conform_arch, malformed_lines_are_named)
{
	return cr_make_param_array(struct malformed, malformed, sizeof(malformed) / sizeof(malformed[0]));
}

ParameterizedTest(struct malformed *c, conform_arch, malformed_lines_are_named)
{
	struct arch_options o = {0};
	struct arch_totals t;
	struct err err;
	arch_recording_write(c->text);
	cr_assert(eq(int, conform_arch(arch_recording_dir(), &o, report, &t, &err), ERR_INPUT));
	cr_assert(strstr(err.text, c->named) != NULL, "%s: %s", c->text, err.text);
}

/* --- real recordings ------------------------------------------------------------------------------------------- */

#define RECORDINGS "../shared/real/arch/"
enum { REGIME_AND_VMID = 1, ASID_BITS = 2 };

struct omission {
	char recording[32], without[16];
	int untagged; /* an enum of above; 0: none */
};

/* What each recording depends on. */
static const struct omission omissions[] = {
	{"arch_bench_nvhe", "VALE1", 0},         {"arch_bench_nvhe", "VAALE1", 0},
	{"arch_linux_vhe", "VALE1", 0},          {"arch_linux_vhe", "", ASID_BITS},
	{"arch_linux_vhe", "", REGIME_AND_VMID},
};

static struct arch_totals replay_real(const char *recording, const struct arch_options *o)
{
	struct arch_totals t;
	struct err err;
	char *path = xasprintf("%s%s", RECORDINGS, recording);
	enum status st = conform_arch(path, o, report, &t, &err);
	free(path);
	cr_assert(eq(int, st, OK), "%s", err.text);
	return t;
}

static bool recordings_are_there(void) { return access(RECORDINGS, R_OK) == 0; }

Test(conform_arch, real_recordings_have_no_conflict)
{
	static const char *const names[] = {"arch_bench_nvhe", "arch_linux_vhe"};
	if (!recordings_are_there()) cr_skip_test("the recordings are not beside the project");
	for (size_t i = 0; i < 2; i++) {
		struct arch_totals t = replay_real(names[i], &(struct arch_options){0});
		cr_assert(eq(u64, t.conflicts, 0), "%s", names[i]);
		cr_assert(eq(u64, t.evictions, 0), "%s", names[i]);
		cr_assert(eq(u64, t.undefined, 0), "%s", names[i]);
	}
}

ParameterizedTestParameters(conform_arch, leaving_out_what_a_recording_depends_on_gives_conflicts)
{
	return cr_make_param_array(struct omission, omissions, sizeof(omissions) / sizeof(omissions[0]));
}

ParameterizedTest(struct omission *c, conform_arch, leaving_out_what_a_recording_depends_on_gives_conflicts)
{
	tlb_tag_t bits = c->untagged == ASID_BITS ? 0xffff : c->untagged ? TLB_TAG_GLOBAL : 0;
	struct arch_options o = {.without = *c->without ? c->without : NULL, .untagged = bits};
	if (!recordings_are_there()) cr_skip_test("the recordings are not beside the project");
	cr_assert(lt(u64, 0, replay_real(c->recording, &o).conflicts), "%s without %s", c->recording,
		  c->without);
}
