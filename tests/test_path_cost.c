/* test_path_cost.c - what software paths cost: each primitive by its row, each cycle in one place. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#include "base/alloc.h"
#include "hyp/path_cost.h"
#include "path_rig.h"

/* --- every row of primitives -------------------------------------------------------------------------------------- */

/* How often a primitive is used, told by who listens to the paths and knows nothing of prices. */
struct uses {
	uint64_t entry[4], leave[4], read, write, control, gic_read, gic_write, mask, isb, dsb, dmb, lock,
		wake;
	uint64_t spill[3], fill[3];
};

static void count_register(struct uses *u, const struct path_event *e, struct reg_name name, bool write)
{
	enum el_reg reached = reg_resolve(name, e->el, e->e2h);
	const char *text = reg_rows[reached].name;
	/* Of EL2, and written there: traps, vectors and translation of EL2 and of stage 2. */
	static const char *const controls[] = {"HCR_EL2",  "VTCR_EL2", "VTTBR_EL2", "CPTR_EL2",
					       "MDCR_EL2", "HSTR_EL2", "VBAR_EL2",  "CNTHCTL_EL2"};
	bool control = false;
	for (size_t i = 0; i < sizeof(controls) / sizeof(controls[0]); i++)
		control |= strcmp(controls[i], text) == 0;
	if (strncmp(text, "IC", 2) == 0) {
		(*(write ? &u->gic_write : &u->gic_read))++;
	} else if (write && control) {
		u->control++;
	} else {
		(*(write ? &u->write : &u->read))++;
	}
}

static void count_step(struct uses *u, const struct path_event *e)
{
	int n = 0;
	unsigned count = 0;
	char name[8] = "";
	if (e->trapped) return;
	for (size_t i = 0; i < e->register_count; i++)
		count_register(u, e, e->registers[i],
			       strncmp(e->text, "restore", 7) == 0 || strncmp(e->text, "write", 5) == 0);
	if (sscanf(e->text, "spill %u %7s%n", &count, name, &n) == 2)
		u->spill[name[0] == 'g' ? 0 : name[0] == 'f' ? 1 : 2] += count;
	if (sscanf(e->text, "fill %u %7s%n", &count, name, &n) == 2)
		u->fill[name[0] == 'g' ? 0 : name[0] == 'f' ? 1 : 2] += count;
	u->mask += strncmp(e->text, "mask", 4) == 0 || strncmp(e->text, "unmask", 6) == 0;
	u->isb += strcmp(e->text, "barrier isb") == 0;
	u->dsb += strcmp(e->text, "barrier dsb") == 0;
	u->dmb += strcmp(e->text, "barrier dmb") == 0;
	u->lock += strncmp(e->text, "lock ", 5) == 0;
	u->wake += strcmp(e->text, "wfi") == 0 && e->waits;
	struct reg_name reg;
	char text[32];
	bool read = sscanf(e->text, "read %31s", text) == 1,
	     write = sscanf(e->text, "write %31[A-Z0-9a-z_]", text) == 1;
	if ((read || write) && reg_find(text, &reg)) {
		count_register(u, e, reg, write);
		if (write && strstr(e->text, ": set")) count_register(u, e, reg, false);
	}
}

static void count_uses(void *ctx, const struct path_event *e, const struct path_price *price)
{
	struct uses *u = ctx;
	(void)price;
	if (e->kind == EVENT_ENTRY) u->entry[e->transfer.to]++;
	if (e->kind == EVENT_RETURN) u->leave[e->transfer.from]++;
	if (e->kind == EVENT_STEP) count_step(u, e);
}

/* Cycles of `operation` when the caches know it, with `key` at `value`. */
static uint64_t cycles_with(const char *machine, const char *stack, const char *operation, const char *key,
			    unsigned long long value, struct uses *u)
{
	struct rig r = {0};
	struct err err = {0};
	rig_set(&r, key, value);
	rig_open(&r, machine, stack);
	for (int i = 0; i < 8; i++) {
		cr_assert(eq(int, machine_enter_guest(r.m, &err), OK));
		rig_perform(&r, operation);
	}
	uint64_t before = rig_stat(&r, "cpu0.cycles");
	*u = (struct uses){0};
	cr_assert(eq(int, machine_enter_guest(r.m, &err), OK));
	machine_listen(r.m, count_uses, u);
	rig_perform(&r, operation);
	rig_check_sums(&r);
	uint64_t cycles = rig_stat(&r, "cpu0.cycles") - before;
	rig_close(&r);
	return cycles;
}

struct primitive_case {
	char key[32];
	size_t offset; /* of its count in struct uses */
	unsigned per;  /* units of the row per cycle */
};

#define ROW(key, member, per) \
	{ \
		key, offsetof(struct uses, member), per \
	}

ParameterizedTestParameters(path_cost, a_primitive_costs_its_row_as_often_as_it_is_used)
{
	static struct primitive_case cases[] = {
		ROW("entry_el1_cycles", entry[1], 1),
		ROW("entry_el2_cycles", entry[2], 1),
		ROW("return_el1_cycles", leave[1], 1),
		ROW("return_el2_cycles", leave[2], 1),
		ROW("control_write_cycles", control, 1),
		ROW("gic_read_cycles", gic_read, 1),
		ROW("gic_write_cycles", gic_write, 1),
		ROW("isb_cycles", isb, 1),
		ROW("dsb_cycles", dsb, 1),
		ROW("dmb_cycles", dmb, 1),
		ROW("atomic_cycles", lock, 1),
		ROW("wake_cycles", wake, 1),
		ROW("sysreg_write_cycles", write, 1),
		ROW("gp_store_millicycles", spill[0], 1000),
		ROW("gp_load_millicycles", fill[0], 1000),
		ROW("fp_store_millicycles", spill[1], 1000),
		ROW("fp_load_millicycles", fill[1], 1000),
	};
	return cr_make_param_array(struct primitive_case, cases, sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct primitive_case *c, path_cost, a_primitive_costs_its_row_as_often_as_it_is_used)
{
	static const char *const operations[] = {"hvc", "mmio_user_read", "timer_wfi",
						 "fp",  "stage2_fault",   "sgi_self"};
	static const char *const stacks[][2] = {{"neoverse-n1", "kvm-vhe"}, {"cortex-a72", "kvm-nvhe"}};
	uint64_t used = 0;
	char *key = xasprintf("primitives.%s", c->key);
	for (size_t s = 0; s < 2; s++)
		for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
			struct uses u;
			const char *machine = stacks[s][0], *stack = stacks[s][1];
			uint64_t free_of_cost = cycles_with(machine, stack, operations[i], key, 0, &u);
			uint64_t costly = cycles_with(machine, stack, operations[i], key, 7000, &u);
			uint64_t count = *(const uint64_t *)((const char *)&u + c->offset);
			cr_expect(eq(u64, costly - free_of_cost, count * 7000 / c->per), "%s %s %s", c->key,
				  stack, operations[i]);
			used += count;
		}
	cr_expect(ne(u64, used, 0), "%s is never used", c->key);
	free(key);
}

/* Reads, and masks, which cost as much. */
Test(path_cost, reads_of_registers_and_masks_cost_the_row_of_reads)
{
	struct uses u;
	uint64_t free_of_cost = cycles_with("cortex-a72", "kvm-nvhe", "hvc", "primitives.sysreg_read_cycles",
					    0, &u);
	uint64_t costly = cycles_with("cortex-a72", "kvm-nvhe", "hvc", "primitives.sysreg_read_cycles", 1000,
				      &u);
	cr_expect(eq(u64, costly - free_of_cost, (u.read + u.mask) * 1000));
	cr_expect(lt(u64, 50, u.read));
}

Test(path_cost, twice_the_rate_of_instructions_is_half_the_work)
{
	struct uses u;
	const char *key = "primitives.instructions_per_kilocycle";
	uint64_t slow = cycles_with("neoverse-n1", "kvm-vhe", "hvc", key, 500, &u);
	uint64_t fast = cycles_with("neoverse-n1", "kvm-vhe", "hvc", key, 1000, &u);
	/* 20 + 250 + 150 + 350 + 20 instructions of the path: 2 and 1 cycles each. */
	cr_expect(eq(u64, slow - fast, 790));
}

/* --- marks ---------------------------------------------------------------------------------------------------------- */

Test(path_marks, count_from_the_begin_of_the_operation_that_passes_them)
{
	struct rig r = {0};
	rig_open(&r, "x-gene-1", "kvm-2015");
	rig_perform(&r, "hvc");
	cr_expect(eq(u64, rig_stat(&r, "vm0.vcpu0.marks.io_latency_out.count"), 0));
	for (int i = 0; i < 20; i++) rig_perform(&r, "io_latency_out");
	uint64_t warm = rig_stat(&r, "vm0.vcpu0.marks.io_latency_out.cycles"),
		 all = rig_stat(&r, "vm0.vcpu0.operations.cycles");
	rig_perform(&r, "io_latency_out");
	uint64_t out = rig_stat(&r, "vm0.vcpu0.marks.io_latency_out.cycles") - warm;
	uint64_t whole = rig_stat(&r, "vm0.vcpu0.operations.cycles") - all;
	cr_expect(eq(u64, rig_stat(&r, "vm0.vcpu0.marks.io_latency_out.count"), 21));
	/* It is passed behind the exit and before the entry: both take more than a quarter each. */
	cr_expect(lt(u64, whole / 4, out));
	cr_expect(lt(u64, out, whole - whole / 8));
	cr_expect(eq(u64, rig_stat(&r, "vm0.vcpu0.marks.io_latency_in.count"), 0));
	rig_close(&r);
}

Test(path_marks, of_a_book_without_them_are_none)
{
	struct rig r = {0};
	rig_open(&r, "neoverse-n1", "bao");
	cr_expect(eq(ptr, (void *)path_mark(r.p.book, 0), NULL));
	rig_close(&r);
}

/* --- where cycles go ---------------------------------------------------------------------------------------------- */

Test(path_cost, cycles_are_booked_to_the_level_and_the_bucket_that_spent_them)
{
	struct rig r = {0};
	rig_open(&r, "cortex-a72", "kvm-nvhe");
	for (int i = 0; i < 10; i++) rig_perform(&r, "mmio_user_write");
	rig_check_sums(&r);
	cr_expect(ne(u64, rig_stat(&r, "cpu0.cycles_by_bucket.vmm"), 0));
	cr_expect(eq(u64, rig_stat(&r, "cpu0.cycles_by_bucket.vmm"), rig_stat(&r, "cpu0.cycles_by_el.el0")));
	cr_expect(ne(u64, rig_stat(&r, "cpu0.cycles_by_el.el1"), 0)); /* the host kernel of nVHE */
	cr_expect(eq(u64, rig_stat(&r, "cpu0.cycles_by_el.el3"), 0));
	rig_close(&r);
}

Test(path_cost, with_vhe_the_host_kernel_runs_at_el2)
{
	struct rig r = {0};
	rig_open(&r, "neoverse-n1", "kvm-vhe");
	for (int i = 0; i < 10; i++) rig_perform(&r, "hvc");
	rig_check_sums(&r);
	cr_expect(eq(u64, rig_stat(&r, "cpu0.cycles_by_el.el2"), rig_stat(&r, "cpu0.cycles")));
	rig_close(&r);
}

Test(path_cost, firmware_has_a_bucket_of_its_own)
{
	struct rig r = {0};
	rig_open(&r, "neoverse-n1", "secure-monitor");
	for (int i = 0; i < 10; i++) rig_perform(&r, "smc_trusted_os");
	rig_check_sums(&r);
	cr_expect(ne(u64, rig_stat(&r, "cpu0.cycles_by_bucket.firmware"), 0));
	cr_expect(eq(u64, rig_stat(&r, "cpu0.cycles_by_bucket.hypervisor"), 0));
	cr_expect(eq(u64, rig_stat(&r, "vm0.vcpu0.exits.SMC64.count"), 10));
	rig_close(&r);
}

Test(path_cost, another_vmm_work_percent_changes_the_vmm_and_nothing_else)
{
	static const char *const others[] = {"cpu0.cycles_by_bucket.hypervisor",
					     "cpu0.cycles_by_bucket.exception"};
	uint64_t vmm[2], other[2][2];
	for (int i = 0; i < 2; i++) {
		struct rig r = {0};
		rig_set(&r, "stack.hypervisors.0.vmm_work_percent", i ? 400 : 100);
		rig_open(&r, "neoverse-n1", "kvm-vhe");
		for (int k = 0; k < 10; k++) rig_perform(&r, "mmio_user_read");
		machine_reset_stats(r.m);
		rig_perform(&r, "mmio_user_read");
		vmm[i] = rig_stat(&r, "cpu0.cycles_by_bucket.vmm");
		for (int k = 0; k < 2; k++) other[i][k] = rig_stat(&r, others[k]);
		rig_close(&r);
	}
	cr_expect(lt(u64, 3 * vmm[0], vmm[1]));
	cr_expect(eq(u64, other[0][0], other[1][0]));
	cr_expect(eq(u64, other[0][1], other[1][1]));
}

Test(path_cost, an_exit_is_counted_under_the_name_of_kvm_exit)
{
	static const char *const cases[][2] = {{"hvc", "HVC64"},       {"smc", "SMC64"},
					       {"sysreg_id", "SYS64"}, {"mmio_user_read", "DABT_LOW"},
					       {"timer_wfi", "WFx"},   {"timer_busy", "IRQ"},
					       {"fp", "FP_ASIMD"}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rig r = {0};
		rig_open(&r, "neoverse-n1", "kvm-vhe");
		rig_perform(&r, cases[i][0]);
		char *count = xasprintf("vm0.vcpu0.exits.%s.count", cases[i][1]);
		char *cycles = xasprintf("vm0.vcpu0.exits.%s.cycles", cases[i][1]);
		cr_expect(eq(u64, rig_stat(&r, count), 1), "%s", cases[i][0]);
		cr_expect(le(u64, rig_stat(&r, cycles), rig_stat(&r, "vm0.vcpu0.operations.cycles")), "%s",
			  cases[i][0]);
		cr_expect(ne(u64, rig_stat(&r, cycles), 0), "%s", cases[i][0]);
		free(count);
		free(cycles);
		rig_close(&r);
	}
}

Test(path_cost, an_operation_that_nobody_traps_is_no_exit)
{
	struct rig r = {0};
	rig_open(&r, "neoverse-n1", "kvm-vhe");
	rig_perform(&r, "eoi");
	/* One write of the GIC, one ISB. */
	const struct primitive_params *p = &r.p.machine.params.primitives;
	cr_expect(eq(u64, rig_stat(&r, "vm0.vcpu0.operations.cycles"), p->gic_write_cycles + p->isb_cycles));
	cr_expect(eq(u64, rig_stat(&r, "cpu0.cycles_by_bucket.base"), rig_stat(&r, "cpu0.cycles")));
	rig_close(&r);
}

/* The first time code and data of the path come from memory, by the hypervisor's and the VMM's own accesses. */
Test(path_cost, the_lines_of_a_path_go_through_the_caches)
{
	struct rig r = {0};
	rig_open(&r, "neoverse-n1", "kvm-vhe");
	rig_perform(&r, "mmio_user_read");
	uint64_t cold = rig_stat(&r, "cpu0.cycles");
	cr_expect(ne(u64, rig_stat(&r, "cpu0.l1d.misses_by_cause.hypervisor"), 0));
	cr_expect(ne(u64, rig_stat(&r, "cpu0.l1i.misses_by_cause.vmm"), 0));
	cr_expect(eq(u64, rig_stat(&r, "cpu0.l1d.misses_by_cause.data"), 0));
	for (int i = 0; i < 10; i++) rig_perform(&r, "mmio_user_read");
	machine_reset_stats(r.m);
	rig_perform(&r, "mmio_user_read");
	cr_expect(lt(u64, 5 * rig_stat(&r, "cpu0.cycles"), cold));
	cr_expect(eq(u64, rig_stat(&r, "cpu0.l1d.misses_by_cause.hypervisor"), 0));
	rig_close(&r);
}

/* A guest that sweeps through memory meanwhile pushes the hypervisor's lines out, and pays for it at its next exit. */
Test(path_cost, what_the_guest_does_meanwhile_makes_its_exits_dearer)
{
	enum { LINES = 1 << 15 };
	struct rig r = {0};
	struct err err = {0};
	struct record *rec = xcalloc(LINES, sizeof(*rec));
	for (size_t i = 0; i < LINES; i++)
		rec[i] = (struct record){.addr = 0x40000000 + 64 * i, .count = 8, .gap = 1, .kind = REC_LOAD};
	rig_open(&r, "neoverse-n1", "kvm-vhe");
	cr_assert(eq(int, machine_run(r.m, rec, LINES, &err), OK), "%s", err.text);
	for (int i = 0; i < 10; i++) rig_perform(&r, "hvc");
	machine_reset_stats(r.m);
	rig_perform(&r, "hvc");
	uint64_t warm = rig_stat(&r, "vm0.vcpu0.exits.HVC64.cycles");
	cr_assert(eq(int, machine_run(r.m, rec, LINES, &err), OK), "%s", err.text);
	machine_reset_stats(r.m);
	rig_perform(&r, "hvc");
	cr_expect(lt(u64, warm, rig_stat(&r, "vm0.vcpu0.exits.HVC64.cycles")));
	rig_check_sums(&r);
	free(rec);
	rig_close(&r);
}

/* Misses of a loop over `pages` pages of the guest, after an exit to the VMM, whose own stay out of the count. */
static uint64_t misses_after_exit(size_t pages)
{
	struct rig r = {0};
	struct err err = {0};
	struct record *rec = xcalloc(pages, sizeof(*rec));
	for (size_t i = 0; i < pages; i++)
		rec[i] = (struct record){
			.addr = 0x40000000 + 4096 * i, .count = 8, .gap = 1, .kind = REC_LOAD};
	rig_open(&r, "neoverse-n1", "kvm-vhe");
	for (int i = 0; i < 4; i++)
		cr_assert(eq(int, machine_run(r.m, rec, pages, &err), OK), "%s", err.text);
	machine_reset_stats(r.m);
	cr_assert(eq(int, machine_run(r.m, rec, pages, &err), OK));
	cr_expect(eq(u64, rig_stat(&r, "cpu0.l1d_tlb.misses"), 0));
	cr_expect(eq(u64, rig_stat(&r, "cpu0.l1d_tlb.lookups"), pages));
	rig_perform(&r, "mmio_user_read");
	cr_expect(lt(u64, pages, rig_stat(&r, "cpu0.l1d_tlb.lookups")));
	uint64_t host = rig_stat(&r, "cpu0.l1d_tlb.misses");
	cr_expect(ne(u64, host, 0));
	cr_assert(eq(int, machine_run(r.m, rec, pages, &err), OK));
	uint64_t misses = rig_stat(&r, "cpu0.l1d_tlb.misses") - host;
	rig_check_sums(&r);
	free(rec);
	rig_close(&r);
	return misses;
}

/* The kernel's and the VMM's data are a block of 2 MiB each, so that 46 of the guest's pages fit beside them. */
Test(path_cost, the_software_below_takes_entries_of_the_guests_tlb)
{
	cr_expect(eq(u64, misses_after_exit(46), 0));
	cr_expect(ne(u64, misses_after_exit(48), 0));
}

static uint64_t operation_cycles(const char *operation)
{
	struct rig r = {0};
	rig_open(&r, "neoverse-n1", "kvm-vhe");
	rig_perform(&r, operation);
	uint64_t cycles = rig_stat(&r, "vm0.vcpu0.exits.DABT_LOW.cycles");
	cr_expect(eq(u64, rig_stat(&r, "vm0.vcpu0.exits.DABT_LOW.count"), 1));
	rig_check_sums(&r);
	rig_close(&r);
	return cycles;
}

Test(path_cost, a_page_that_is_there_costs_less_than_one_that_is_not)
{
	uint64_t aged = operation_cycles("stage2_aged"), guarded = operation_cycles("stage2_write_protected");
	cr_expect(lt(u64, aged, guarded));
	cr_expect(lt(u64, guarded, operation_cycles("stage2_fault")));
}

/* --- conservation ------------------------------------------------------------------------------------------------------ */

Test(path_cost, a_level_that_lacks_a_cycle_fails_the_run)
{
	struct core c = {0};
	struct err err = {0};
	struct core_spent spent = {0};
	spent.cycles[BUCKET_HYPERVISOR][2] = 10;
	core_spend(&c, &spent);
	cr_assert(eq(int, core_check_sums(&c, &err), OK));
	c.by_handler[BUCKET_HYPERVISOR][2]--;
	cr_expect(eq(int, core_check_sums(&c, &err), ERR_CHECK));
	cr_expect(ne(ptr, strstr(err.text, "hypervisor"), NULL));
}
