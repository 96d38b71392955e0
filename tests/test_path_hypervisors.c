/* test_path_hypervisors.c - software paths of hypervisors other than KVM, by the exceptions that each takes. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "path_text.h"

static const char *const all_operations[] = {
	"hvc",      "mmio_user_write", "mmio_user_read", "mmio_vgic_read", "sysreg_id",
	"sgi_self", "timer_busy",      "timer_wfi",      "stage2_fault",   "fp"};

Test(path_protected, takes_the_exceptions_of_kvm_without_vhe_though_its_host_has_a_stage_2)
{
	for (size_t i = 0; i < 10; i++) {
		char *protected = path_brief("cortex-a72", "kvm-protected", all_operations[i]);
		char *plain = path_brief("cortex-a72", "kvm-nvhe", all_operations[i]);
		cr_assert(eq(str, protected, plain));
		free(protected);
		free(plain);
	}
}

static void expect_all(const char *machine, const char *stack, const char *const expected[static 10])
{
	for (size_t i = 0; i < 10; i++) {
		char *got = path_brief(machine, stack, all_operations[i]);
		cr_assert(eq(str, got, (char *)expected[i]), "%s of %s", all_operations[i], stack);
		free(got);
	}
}

/* Bao, in the order of all_operations: what a guest owns never leaves it. */
Test(path_bao, leaves_the_guest_for_interrupts_and_what_it_emulates_only)
{
	static const char *const expected[] = {" hvc:1>2 ret:2>1",
					       "",
					       "",
					       " dabt_low:1>2 ret:2>1",
					       "",
					       " sysreg:1>2 ret:2>1",
					       " irq:1>2 ret:2>1",
					       " irq:1>2 ret:2>1",
					       "",
					       ""};
	expect_all("neoverse-n1", "bao", expected);
}

/* Jailhouse, in the same order: as Bao, and FP and WFI are the cell's. */
Test(path_jailhouse, leaves_the_cell_for_interrupts_and_what_it_emulates_only)
{
	static const char *const expected[] = {" hvc:1>2 ret:2>1",
					       "",
					       "",
					       " dabt_low:1>2 ret:2>1",
					       "",
					       " sysreg:1>2 ret:2>1",
					       " irq:1>2 ret:2>1",
					       " irq:1>2 ret:2>1",
					       "",
					       ""};
	expect_all("neoverse-n1", "jailhouse", expected);
}

/* el2Linux leaves for its kernel as VHE does; only user space is reached by way of EL1. */
Test(path_el2linux, differs_from_vhe_by_the_way_to_user_space_only)
{
	for (size_t i = 0; i < 10; i++) {
		bool user = strncmp(all_operations[i], "mmio_user", 9) == 0;
		char *vhe = path_brief("neoverse-n1", "kvm-vhe", all_operations[i]),
		     *el2 = path_brief("cortex-a72", "el2linux", all_operations[i]);
		if (user)
			cr_expect(eq(str, el2, " dabt_low:1>2 ret:2>1 ret:1>0 svc:0>1 hvc:1>2 ret:2>1"));
		else
			cr_expect(eq(str, el2, vhe), "%s", all_operations[i]);
		free(vhe);
		free(el2);
	}
}

/* Xen answers at EL2; a device is dom0's, which is entered and left like any guest. */
Test(path_xen, answers_at_el2_and_runs_dom0_for_devices)
{
	static const char *const expected[] = {" hvc:1>2 ret:2>1",
					       " dabt_low:1>2 ret:2>1 hvc:1>2 ret:2>1 wfx:1>2 ret:2>1",
					       " dabt_low:1>2 ret:2>1 hvc:1>2 ret:2>1 wfx:1>2 ret:2>1",
					       " dabt_low:1>2 ret:2>1",
					       " sysreg:1>2 ret:2>1",
					       " sysreg:1>2 ret:2>1",
					       " irq:1>2 ret:2>1",
					       " wfx:1>2 irq:2>2 ret:2>2 ret:2>1",
					       "",
					       ""};
	expect_all("neoverse-n1", "xen", expected);
}

struct worlds {
	bool seen[2]; /* normal, trusted OS */
};

static void worlds_seen(void *ctx, const struct path_event *e)
{
	struct worlds *w = ctx;
	if (e->kind == EVENT_STEP && e->el == 1) w->seen[strcmp(e->path, "trusted_os") == 0] = true;
}

Test(path_monitor, a_call_of_the_trusted_os_switches_worlds_and_back)
{
	char *psci = path_brief("cortex-a72", "secure-monitor", "smc_psci");
	char *os = path_brief("cortex-a72", "secure-monitor", "smc_trusted_os");
	cr_assert(eq(str, psci, " smc:1>3 ret:3>1"));
	cr_assert(eq(str, os, " smc:1>3 ret:3>1 smc:1>3 ret:3>1"));
	free(psci);
	free(os);
}

Test(path_monitor, el1_registers_move_only_when_worlds_change)
{
	struct stack_paths p;
	struct err err = {0};
	struct path_counts psci = {0}, os = {0};
	struct worlds w = {0};
	path_text_load(&p, "cortex-a72", "secure-monitor");
	cr_assert(eq(int, path_run(p.book, "smc_psci", NULL, NULL, &psci, &err), OK));
	cr_assert(eq(int, path_run(p.book, "smc_trusted_os", worlds_seen, &w, &os, &err), OK));
	cr_assert(w.seen[0]);
	cr_assert(w.seen[1]);
	cr_assert(eq(u64, psci.writes[R_TTBR0_EL1], 0));
	cr_assert(eq(u64, os.writes[R_TTBR0_EL1], 2));
	cr_assert(eq(u64, os.writes[R_SCR_EL3], 2));
	stack_paths_free(&p);
}
