/* test_irq_device.c - interrupts of devices behind software paths, and parts of a GIC that take one message after the other. */
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "gic/cpu_if.h"
#include "gic/gate.h"
#include "hyp/path_its.h"
#include "irq_scene.h"

/* --- devices --------------------------------------------------------------------------------------------------------- */

Test(irq_device, an_edge_of_an_assigned_device_leaves_the_guest_once_and_is_injected)
{
	static const char *const sets[] = {TWENTY, "gic.version=3", NULL};
	struct scene s = scene_play("neoverse-n1", "kvm-vhe", "spi", sets);
	cr_expect(eq(u64, scene_stat(&s, "vm0.irqs.spi.count"), 20));
	cr_expect(eq(u64, scene_stat(&s, "vm0.virqs.spi.count"), 20));
	cr_expect(eq(u64, scene_stat(&s, "vm0.vcpu0.exits.IRQ.count"), 20));
	cr_expect(eq(u64, scene_stat(&s, "vm0.virqs.maintenance"), 0));
	scene_end(&s);
}

Test(irq_device, the_guests_end_of_a_level_leaves_it_once_more_so_that_the_wire_is_sampled_again)
{
	static const char *const sets[] = {TWENTY, "gic.version=3", NULL};
	struct scene s = scene_play("neoverse-n1", "kvm-vhe", "spi_level", sets);
	cr_expect(eq(u64, scene_stat(&s, "vm0.irqs.spi.count"), 20));
	cr_expect(eq(u64, scene_stat(&s, "vm0.virqs.spi.count"), 20));
	cr_expect(eq(u64, scene_stat(&s, "vm0.vcpu0.exits.IRQ.count"), 40));
	cr_expect(eq(u64, scene_stat(&s, "vm0.virqs.maintenance"), 20));
	scene_end(&s);
}

/* Taken between two steps of the guest, none of which has more than 200 instructions. */
Test(irq_device, the_maintenance_interrupt_is_under_way_like_every_ppi)
{
	static const char *const fast[] = {TWENTY, "gic.version=3", "gic.interface_ns=20", NULL},
				 *const slow[] = {TWENTY, "gic.version=3", "gic.interface_ns=170", NULL};
	const char *const *const sets[] = {fast, slow};
	uint64_t cycles[2];
	for (unsigned i = 0; i < 2; i++) {
		struct scene s = scene_play("neoverse-n1", "kvm-vhe", "spi_level", sets[i]);
		cr_expect(eq(u64, scene_stat(&s, "vm0.virqs.maintenance"), 20));
		cycles[i] = scene_stat(&s, "vm0.virqs.maintenance_cycles");
		scene_end(&s);
	}
	uint64_t more = cycles[1] - cycles[0], wanted = 20 * 150 * 3, step = 20 * 200;
	cr_expect(lt(u64, 0, cycles[0]));
	cr_expect(lt(u64, wanted, more + step), "%lu", more);
	cr_expect(lt(u64, more, wanted + step), "%lu", more);
}

Test(irq_device, an_interrupt_at_another_core_than_its_vcpus_brings_a_reschedule_interrupt)
{
	static const char *const sets[] = {TWO, "gic.version=3", NULL};
	struct scene s = scene_play("neoverse-n1", "kvm-vhe", "spi_ipi", sets);
	cr_expect(eq(u64, scene_stat(&s, "vm0.irqs.spi.count"), 20));
	cr_expect(eq(u64, scene_stat(&s, "vm0.irqs.sgi.count"), 20));
	cr_expect(eq(u64, scene_stat(&s, "vm0.vcpu1.exits.IRQ.count"), 20));
	cr_expect(eq(u64, scene_stat(&s, "vm0.virqs.spi.count"), 20));
	scene_end(&s);
}

Test(irq_device, a_message_is_injected_without_the_lock_of_the_its_only_where_its_translation_is_kept)
{
	static const char *const kept[] = {TWENTY, "gic.version=3", NULL},
				 *const none[] = {TWENTY, "gic.version=3",
						  "stack.hypervisors.0.its_translations=0", NULL};
	struct scene s = scene_play("neoverse-n1", "kvm-vhe", "lpi_guest", kept),
		     t = scene_play("neoverse-n1", "kvm-vhe", "lpi_guest", none);
	cr_expect(eq(u64, scene_stat(&s, "vm0.irqs.lpi.count"), 20));
	cr_expect(eq(u64, scene_stat(&s, "vm0.virqs.lpi.count"), 20));
	cr_expect(eq(u64, scene_stat(&t, "vm0.virqs.lpi.count"), 20));
	cr_expect(lt(u64, scene_stat(&s, "vm0.virqs.lpi.stage_cycles.request"),
		     scene_stat(&t, "vm0.virqs.lpi.stage_cycles.request")));
	scene_end(&s);
	scene_end(&t);
}

Test(irq_device, a_message_that_a_kworker_injects_reaches_the_guest_under_every_host_kernel)
{
	static const char *const stacks[] = {"kvm-vhe", "kvm-nvhe", "kvm-2015", "el2linux"};
	static const char *const none[] = {TWENTY, "gic.version=3", "stack.hypervisors.0.its_translations=0",
					   NULL};
	for (size_t i = 0; i < sizeof(stacks) / sizeof(stacks[0]); i++) {
		struct scene s = scene_play("neoverse-n1", stacks[i], "lpi_guest", none);
		cr_expect(eq(u64, scene_stat(&s, "vm0.irqs.lpi.count"), 20), "%s", stacks[i]);
		cr_expect(eq(u64, scene_stat(&s, "vm0.virqs.lpi.count"), 20), "%s", stacks[i]);
		scene_end(&s);
	}
}

Test(irq_device, a_virtual_lpi_for_a_resident_vpe_leaves_nobody)
{
	static const char *const sets[] = {TWENTY, "gic.version=4.1", NULL};
	struct scene s = scene_play("neoverse-n1", "kvm-vhe", "vlpi_direct", sets);
	cr_expect(eq(u64, scene_stat(&s, "vm0.virqs.lpi.count"), 20));
	cr_expect(eq(u64, scene_stat(&s, "vm0.vcpu0.exits.IRQ.count"), 0));
	cr_expect(eq(u64, scene_stat(&s, "vm0.irqs.lpi.count"), 0));
	cr_expect(eq(u64, scene_stat(&s, "vm0.virqs.lpi.stage_cycles.inject"), 0));
	scene_end(&s);
}

Test(irq_device, a_virtual_lpi_for_a_vpe_that_is_not_resident_rings_and_waits_for_the_schedule_in)
{
	static const char *const soon[] = {TWENTY, "gic.version=4.1", "gic.vpe_schedule_ns=100", NULL},
				 *const late[] = {TWENTY, "gic.version=4.1", "gic.vpe_schedule_ns=400", NULL};
	struct scene s = scene_play("neoverse-n1", "kvm-vhe", "vlpi_doorbell", soon),
		     t = scene_play("neoverse-n1", "kvm-vhe", "vlpi_doorbell", late);
	cr_expect(eq(u64, scene_stat(&s, "vm0.irqs.doorbell.count"), 20));
	cr_expect(eq(u64, scene_stat(&s, "vm0.virqs.lpi.count"), 20));
	cr_expect(eq(u64, scene_stat(&s, "vm0.vcpu0.exits.WFx.count"), 20));
	cr_expect(eq(u64, scene_stat(&t, "vm0.virqs.lpi.cycles") - scene_stat(&s, "vm0.virqs.lpi.cycles"),
		     20 * 300 * 3));
	scene_end(&s);
	scene_end(&t);
}

Test(irq_device, a_gicv4_gives_virtual_lpis_as_a_gicv41_does_and_no_virtual_sgis)
{
	static const char *const direct[] = {TWENTY, "gic.version=4", NULL}, *const two[] = {TWO,
											     "gic.version=4",
											     NULL};
	struct scene s = scene_play("neoverse-n1", "kvm-vhe", "vlpi_direct", direct),
		     t = scene_play("neoverse-n1", "kvm-vhe", "vlpi_doorbell", direct),
		     u = scene_play("neoverse-n1", "kvm-vhe", "ipi_hw", two);
	cr_expect(eq(u64, scene_stat(&s, "vm0.virqs.lpi.count"), 20));
	cr_expect(eq(u64, scene_stat(&s, "vm0.vcpu0.exits.IRQ.count"), 0));
	cr_expect(eq(u64, scene_stat(&t, "vm0.irqs.doorbell.count"), 20));
	cr_expect(eq(u64, scene_stat(&t, "vm0.virqs.lpi.count"), 20));
	cr_expect(eq(u64, scene_stat(&u, "vm0.virqs.vsgi.count"), 0));
	cr_expect(eq(u64, scene_stat(&u, "vm0.virqs.sgi.count"), 20));
	scene_end(&s);
	scene_end(&t);
	scene_end(&u);
}

Test(irq_device, an_its_without_its_tables_at_hand_reads_them_for_each_message)
{
	static const char *const cached[] = {TWENTY, "gic.version=4.1", "gic.its_cached=64", NULL},
				 *const not_cached[] = {TWENTY, "gic.version=4.1", "gic.its_cached=0", NULL};
	struct scene s = scene_play("neoverse-n1", "kvm-vhe", "vlpi_direct", cached),
		     t = scene_play("neoverse-n1", "kvm-vhe", "vlpi_direct", not_cached);
	uint64_t more = scene_stat(&t, "vm0.virqs.lpi.stage_cycles.delivery") -
			scene_stat(&s, "vm0.virqs.lpi.stage_cycles.delivery");
	cr_expect(lt(u64, 0, more));
	cr_expect(eq(u64, more % (20 * 107 * 3), 0), "whole reads of gic.its_read_ns");
	scene_end(&s);
	scene_end(&t);
}

Test(irq_device, a_gicv3_has_no_virtual_lpis_to_give)
{
	static const char *const sets[] = {"gic.version=3", NULL};
	struct run *run;
	struct err err = {0};
	struct run_report report;
	const struct run_request q = {.machine = "configs/machines/neoverse-n1.yaml",
				      .stack = "configs/stacks/kvm-vhe.yaml",
				      .workload = "workloads/micro/vlpi_direct.yaml",
				      .sets = sets};
	cr_assert(eq(int, run_new(&q, &run, &err), OK), "%s", err.text);
	cr_assert(eq(int, run_execute(run, NULL, NULL, &report, &err), ERR_CONFIG));
	cr_assert(ne(ptr, strstr(err.text, "gic.version 4 or 4.1"), NULL), "%s", err.text);
	run_free(run);
}

Test(irq_device, more_interrupts_than_list_registers_come_in_turns)
{
	static const char *const sets[] = {TWENTY, "gic.version=3", "gic.list_registers=4", NULL};
	struct scene s = scene_play("neoverse-n1", "kvm-vhe", "spi_burst", sets);
	cr_expect(eq(u64, scene_stat(&s, "vm0.virqs.spi.count"), 160));
	cr_expect(lt(u64, 19, scene_stat(&s, "vm0.vgic.overflows")));
	cr_expect(lt(u64, 19, scene_stat(&s, "vm0.virqs.maintenance")));
	scene_end(&s);
}

Test(irq_device, a_device_on_another_die_than_the_its_is_further_away)
{
	static const char *const near[] = {TWENTY, "gic.version=4.1", "gic.socket_ns=200", NULL},
				 *const far[] = {TWENTY, "gic.version=4.1", "gic.socket_ns=200",
						 "gic.device_core=48", NULL};
	struct scene s = scene_play("kunpeng-920", "kvm-vhe", "vlpi_direct", near),
		     t = scene_play("kunpeng-920", "kvm-vhe", "vlpi_direct", far);
	cr_expect(eq(u64, scene_stat(&t, "vm0.virqs.lpi.cycles") - scene_stat(&s, "vm0.virqs.lpi.cycles"),
		     20 * 520));
	scene_end(&s);
	scene_end(&t);
}

Test(irq_device, bare_metal_takes_wires_and_messages_without_a_guest)
{
	static const struct {
		const char *operation, *statistic;
	} cases[] = {{"workload.operations=spi", "irqs.spi.count"},
		     {"workload.operations=spi_level", "irqs.spi.count"},
		     {"workload.operations=msi", "irqs.lpi.count"}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *const sets[] = {TWENTY, "workload.others=", cases[i].operation, NULL};
		struct scene s = scene_play("neoverse-n1", "linux-native", "ipi_storm", sets);
		cr_expect(eq(u64, scene_stat(&s, cases[i].statistic), 20), "%s", cases[i].operation);
		scene_end(&s);
	}
}

/* --- bursts ------------------------------------------------------------------------------------------------------------ */

Test(irq_burst, the_nth_core_of_an_ipi_storm_waits_for_those_before_it)
{
	static const char *const sets[] = {"stack.threads=9", "workload.repetitions=20", "workload.warmup=5",
					   "gic.distributor_gap_ns=10", NULL};
	struct scene s = scene_play("neoverse-n1", "linux-native", "ipi_storm", sets);
	cr_expect(eq(u64, scene_stat(&s, "irqs.sgi.count"), 20 * 8));
	cr_expect(eq(u64, scene_stat(&s, "gic.distributor.waited"), 20 * 7));
	cr_expect(eq(u64, scene_stat(&s, "gic.distributor.wait_cycles"),
		     20 * 30 * (1 + 2 + 3 + 4 + 5 + 6 + 7)));
	cr_expect(eq(u64, scene_stat(&s, "gic.distributor.most_cycles"), 7 * 30));
	scene_end(&s);
}

/* --- gates ----------------------------------------------------------------------------------------------------------- */

Test(gic_gate, a_message_waits_until_the_gap_of_the_one_before_it_is_over_and_not_longer)
{
	struct gic_gate g = {0};
	struct gic_gate_stats s = {0};
	cr_expect(eq(u64, gic_gate_pass(&g, &s, 100, 10), 0));
	cr_expect(eq(u64, gic_gate_pass(&g, &s, 100, 10), 10));
	cr_expect(eq(u64, gic_gate_pass(&g, &s, 119, 10), 1));
	cr_expect(eq(u64, gic_gate_pass(&g, &s, 130, 10), 0));
	cr_expect(eq(u64, s.messages, 4));
	cr_expect(eq(u64, s.waited, 2));
	cr_expect(eq(u64, s.wait_cycles, 11));
	cr_expect(eq(u64, s.most_cycles, 10));
}

Test(gic_gate, a_message_of_a_core_that_is_behind_in_time_does_not_wait_for_the_future)
{
	struct gic_gate g = {0};
	struct gic_gate_stats s = {0};
	gic_gate_pass(&g, &s, 1000000, 10);
	cr_expect(eq(u64, gic_gate_pass(&g, &s, 500, 10), 0));
	cr_expect(eq(u64, gic_gate_pass(&g, &s, 1000005, 10), 5), "and leaves the queue as it was");
}

Test(gic_gate, without_a_gap_nothing_waits)
{
	struct gic_gate g = {0};
	struct gic_gate_stats s = {0};
	for (unsigned i = 0; i < 8; i++) cr_expect(eq(u64, gic_gate_pass(&g, &s, 100, 0), 0));
	cr_expect(eq(u64, s.messages, 8));
}
