/* test_path_exits.c - software paths inside runs: which records leave the guest, by which path, and what that changes. */
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#include "base/rng.h"
#include "path_rig.h"

static uint32_t encoding(const char *name)
{
	struct reg_name reg;
	cr_assert(reg_find(name, &reg));
	return reg_encode(reg);
}

Test(path_exits, records_that_leave_the_guest_take_the_path_of_their_operation)
{
	struct rig r = {0};
	rig_open(&r, "neoverse-n1", "kvm-vhe");
	for (int i = 0; i < 10; i++) rig_perform(&r, "hvc");
	machine_reset_stats(r.m);
	rig_run(&r, (struct record){.kind = REC_HVC});
	rig_perform(&r, "hvc");
	cr_expect(eq(u64, rig_stat(&r, "vm0.vcpu0.exits.HVC64.cycles"),
		     2 * rig_stat(&r, "vm0.vcpu0.operations.cycles")));
	rig_run(&r, (struct record){.kind = REC_SMC});
	rig_run(&r, (struct record){.kind = REC_MRS, .count = encoding("ID_AA64PFR0_EL1")});
	rig_run(&r, (struct record){.kind = REC_MSR, .count = encoding("TPIDR_EL1"), .arg = 7});
	cr_expect(eq(u64, rig_stat(&r, "vm0.vcpu0.exits.SMC64.count"), 1));
	cr_expect(eq(u64, rig_stat(&r, "vm0.vcpu0.exits.SYS64.count"), 1));
	rig_check_sums(&r);
	rig_close(&r);
}

/* Cycles of an HVC that asks for `id`, each from a fresh start; *vmm: what of it the VMM spent. */
static uint64_t call_cycles(const char *stack, uint64_t id, uint64_t *vmm)
{
	struct rig r = {0};
	rig_open(&r, "neoverse-n1", stack);
	rig_run(&r, (struct record){.kind = REC_HVC, .arg = id});
	uint64_t cycles = rig_stat(&r, "vm0.vcpu0.exits.HVC64.cycles");
	cr_expect(eq(u64, rig_stat(&r, "vm0.vcpu0.exits.HVC64.count"), 1));
	if (vmm) *vmm = rig_stat(&r, "cpu0.cycles_by_bucket.vmm");
	rig_check_sums(&r);
	rig_close(&r);
	return cycles;
}

Test(path_calls, a_trace_says_what_an_hvc_asks_for)
{
	static const char *const stacks[] = {"kvm-vhe", "kvm-nvhe", "kvm-protected", "kvm-2015", "el2linux"};
	for (size_t i = 0; i < sizeof(stacks) / sizeof(stacks[0]); i++) {
		uint64_t vmm, unsaid = call_cycles(stacks[i], 0, &vmm);
		cr_expect(eq(u64, vmm, 0));
		cr_expect(eq(u64, call_cycles(stacks[i], 0x84000000, NULL), unsaid), "PSCI_VERSION");
		cr_expect(eq(u64, call_cycles(stacks[i], 0xdeadbeef, NULL), unsaid),
			  "a call that there is not");
		cr_expect(lt(u64, unsaid, call_cycles(stacks[i], 0xc4000053, NULL)), "TRNG_RND");
		cr_expect(lt(u64, unsaid, call_cycles(stacks[i], 0xc5000021, NULL)), "PV_TIME_ST");
		cr_expect(lt(u64, unsaid, call_cycles(stacks[i], 0x84000008, &vmm)), "PSCI_SYSTEM_OFF");
		cr_expect(lt(u64, 0, vmm), "the VMM hears of it");
		cr_expect(eq(u64, call_cycles(stacks[i], 0x84000003, NULL),
			     call_cycles(stacks[i], 0xc4000003, NULL)),
			  "both forms of PSCI_CPU_ON");
	}
}

/* Only the low half of X0 is the identifier. */
Test(path_calls, upper_half_of_x0_is_no_part_of_the_identifier)
{
	cr_expect(eq(u64, call_cycles("kvm-vhe", UINT64_C(0xffffffffc4000053), NULL),
		     call_cycles("kvm-vhe", 0xc4000053, NULL)));
}

Test(path_calls, workarounds_are_answered_before_anything_is_saved)
{
	static const uint32_t ids[] = {0x80008000, 0x80007fff, 0x80003fff};
	for (size_t i = 0; i < 3; i++) {
		cr_expect(lt(u64, 3 * call_cycles("kvm-vhe", ids[i], NULL),
			     call_cycles("kvm-vhe", 0x80000000, NULL)));
		cr_expect(lt(u64, 3 * call_cycles("kvm-nvhe", ids[i], NULL),
			     call_cycles("kvm-nvhe", 0x80000000, NULL)));
	}
}

Test(path_calls, a_suspended_vcpu_waits_until_its_timer_fires)
{
	struct rig r = {0};
	rig_open(&r, "neoverse-n1", "kvm-vhe");
	rig_run(&r, (struct record){.kind = REC_TIMER, .arg = 500000});
	rig_run(&r, (struct record){.kind = REC_HVC, .arg = 0xc4000001});
	uint64_t idle = rig_stat(&r, "cpu0.cycles_by_bucket.idle"), cycles = rig_stat(&r, "cpu0.cycles");
	cr_expect(lt(u64, 400000, idle));
	cr_expect(lt(u64, 500000, cycles));
	rig_check_sums(&r);
	rig_close(&r);
}

Test(path_exits, what_no_path_knows_stays_with_the_kernel)
{
	struct rig r = {0};
	rig_open(&r, "neoverse-n1", "kvm-vhe");
	rig_run(&r, (struct record){.kind = REC_SVC});
	rig_run(&r, (struct record){.kind = REC_MARKER, .count = 1});
	cr_expect(eq(u64, rig_stat(&r, "events.ignored"), 2));
	cr_expect(eq(u64, rig_stat(&r, "cpu0.cycles"), 0));
	rig_close(&r);
}

/* Unallocated encodings, and registers of EL2 named at EL1, are UNDEFINED: an exception to the guest's own kernel. */
Test(path_exits, an_undefined_register_is_the_guests_own_exception)
{
	struct rig r = {0};
	rig_open(&r, "neoverse-n1", "kvm-vhe");
	const struct primitive_params *p = &r.p.machine.params.primitives;
	rig_run(&r, (struct record){.kind = REC_MSR, .count = 0xc77f}); /* S3_0_C14_C15_7 */
	rig_run(&r, (struct record){.kind = REC_MRS, .count = encoding("SCR_EL3")});
	cr_expect(eq(u64, rig_stat(&r, "vm0.vcpu0.paths.own_traps"), 2));
	cr_expect(eq(u64, rig_stat(&r, "cpu0.cycles_by_el.el1"),
		     2 * (p->entry_el1_cycles + p->return_el1_cycles)));
	cr_expect(eq(u64, rig_stat(&r, "cpu0.cycles_by_bucket.exception"), rig_stat(&r, "cpu0.cycles")));
	rig_check_sums(&r);
	rig_close(&r);
}

/* HCR_EL2.TIDCP, which KVM sets, comes before that: S3_7_C15_C15_7, S3_0_C11_C0_0. */
Test(path_exits, an_implementation_defined_register_leaves_the_guest)
{
	struct rig r = {0};
	rig_open(&r, "neoverse-n1", "kvm-vhe");
	rig_run(&r, (struct record){.kind = REC_MSR, .count = 0xffff});
	rig_run(&r, (struct record){.kind = REC_MRS, .count = 0xc580});
	cr_expect(eq(u64, rig_stat(&r, "vm0.vcpu0.paths.own_traps"), 0));
	cr_expect(eq(u64, rig_stat(&r, "vm0.vcpu0.exits.SYS64.count"), 2));
	rig_check_sums(&r);
	rig_close(&r);
}

Test(path_exits, a_wait_lasts_until_the_guests_timer_fires)
{
	struct rig r = {0};
	rig_open(&r, "neoverse-n1", "kvm-vhe");
	for (int i = 0; i < 3; i++) rig_run(&r, (struct record){.kind = REC_WFI});
	machine_reset_stats(r.m);
	rig_run(&r, (struct record){.kind = REC_WFI});
	uint64_t without = rig_stat(&r, "cpu0.cycles_by_bucket.idle"),
		 way = rig_stat(&r, "cpu0.cycles") - without;
	machine_reset_stats(r.m);
	rig_run(&r, (struct record){.kind = REC_TIMER, .arg = 1000000});
	rig_run(&r, (struct record){.kind = REC_WFI});
	uint64_t idle = rig_stat(&r, "cpu0.cycles_by_bucket.idle");
	cr_expect(eq(u64, rig_stat(&r, "cpu0.cycles") - idle, way));
	cr_expect(lt(u64, 990000, idle));
	cr_expect(le(u64, idle, 1000000));
	machine_reset_stats(r.m);
	rig_run(&r, (struct record){.kind = REC_WFI});
	cr_expect(eq(u64, rig_stat(&r, "cpu0.cycles_by_bucket.idle"), without)); /* it has fired */
	rig_close(&r);
}

/* Loads from `pages` new pages. */
static void touch_pages(struct rig *r, size_t pages, uint8_t kind)
{
	for (size_t i = 0; i < pages; i++)
		rig_run(r, (struct record){.addr = 0x40000000 + 4096 * i,
					   .count = kind == REC_FETCH ? 1 : 8,
					   .gap = kind != REC_FETCH,
					   .kind = kind});
}

Test(path_exits, each_stage_2_fault_is_one_exit)
{
	struct rig r = {0};
	rig_open(&r, "neoverse-n1", "kvm-vhe");
	touch_pages(&r, 100, REC_LOAD);
	cr_expect(eq(u64, rig_stat(&r, "vm0.vcpu0.exits.DABT_LOW.count"), rig_stat(&r, "vm0.hyp.faults")));
	cr_expect(lt(u64, 99, rig_stat(&r, "vm0.vcpu0.exits.DABT_LOW.count")));
	rig_check_sums(&r);
	rig_close(&r);
}

Test(path_exits, a_fetch_leaves_by_an_instruction_abort)
{
	struct rig r = {0};
	rig_open(&r, "neoverse-n1", "kvm-vhe");
	touch_pages(&r, 10, REC_FETCH);
	cr_expect(eq(u64, rig_stat(&r, "vm0.vcpu0.exits.IABT_LOW.count"), 10));
	rig_check_sums(&r);
	rig_close(&r);
}

Test(path_exits, a_hypervisor_that_maps_all_memory_beforehand_has_no_faults)
{
	struct rig r = {0};
	rig_open(&r, "neoverse-n1", "bao");
	touch_pages(&r, 100, REC_LOAD);
	cr_expect(ne(u64, rig_stat(&r, "vm0.hyp.faults"), 0));
	cr_expect(eq(u64, rig_stat(&r, "vm0.vcpu0.exits.DABT_LOW.count"), 0));
	cr_expect(eq(u64, rig_stat(&r, "cpu0.cycles_by_bucket.hypervisor"), 0));
	rig_close(&r);
}

/* Paths cost time and change no result: the same memory is touched, mapped and faulted with them and without. */
Test(path_exits, paths_change_no_functional_result)
{
	static const char *const counters[] = {"vm0.hyp.faults", "vm0.hyp.pages_mapped", "vm0.os.faults",
					       "vm0.os.tables", "cpu0.faults"};
	struct rig with = {0}, without = {0};
	struct err err = {0};
	rig_open(&with, "neoverse-n1", "kvm-vhe");
	rig_open(&without, "neoverse-n1", "kvm-vhe");
	machine_free(without.m);
	cr_assert(eq(int, machine_new(&without.p.machine.params, &without.p.stack, 1, &without.m, &err), OK));
	touch_pages(&with, 300, REC_STORE);
	touch_pages(&without, 300, REC_STORE);
	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
		cr_expect(eq(u64, rig_stat(&with, counters[i]), rig_stat(&without, counters[i])), "%s",
			  counters[i]);
	rig_close(&with);
	rig_close(&without);
}

/* --- random programs --------------------------------------------------------------------------------------------------- */

struct stack_case {
	char machine[24], stack[24];
};

ParameterizedTestParameters(path_random,
			    legal_programs_keep_the_level_machine_legal_and_every_cycle_in_one_place)
{
	static struct stack_case cases[] = {
		{"neoverse-n1", "kvm-vhe"},     {"neoverse-v2", "kvm-vhe"},       {"cortex-a72", "kvm-nvhe"},
		{"cortex-a72", "kvm-nvhe-el3"}, {"neoverse-n1", "kvm-protected"}, {"cortex-a72", "kvm-2015"},
		{"cortex-a72", "el2linux"},     {"neoverse-n1", "bao"},           {"cortex-a72", "jailhouse"},
		{"cortex-a72", "xen"},
	};
	return cr_make_param_array(struct stack_case, cases, sizeof(cases) / sizeof(cases[0]));
}

static struct record random_record(struct rng *g)
{
	static const uint8_t kinds[] = {REC_HVC, REC_SMC,   REC_WFI,  REC_WFE,   REC_MSR,
					REC_MRS, REC_TIMER, REC_LOAD, REC_STORE, REC_FETCH};
	struct record rec = {.kind = kinds[rng_below(g, sizeof(kinds))]};
	struct reg_name reg = {.reg = (uint16_t)rng_below(g, R_COUNT), .el12 = false};
	rec.arg = rng_below(g, 100000);
	rec.count = rng_below(g, 8) ? reg_encode(reg) : (uint32_t)rng_below(g, 0x10000);
	if (rec.kind > REC_STORE) return rec;
	rec.addr = 0x40000000 + 64 * rng_below(g, 1 << 14);
	rec.count = rec.kind == REC_FETCH ? 1 : 8;
	rec.gap = rec.kind != REC_FETCH;
	return rec;
}

/* The interpreter checks the level machine's invariants after every step, and fails where one does not hold. */
ParameterizedTest(struct stack_case *c, path_random,
		  legal_programs_keep_the_level_machine_legal_and_every_cycle_in_one_place)
{
	struct rig r = {0};
	struct rng g;
	rng_init(&g, 1, c->stack);
	rig_open(&r, c->machine, c->stack);
	for (int i = 0; i < 3000; i++) {
		rig_run(&r, random_record(&g));
		if (i % 100 == 0) rig_check_sums(&r);
	}
	rig_check_sums(&r);
	cr_expect(ne(u64, rig_stat(&r, "vm0.vcpu0.exits.HVC64.count"), 0));
	cr_expect(ne(u64, rig_stat(&r, "vm0.vcpu0.paths.own_traps"), 0));
	rig_close(&r);
}
