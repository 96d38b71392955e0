/* test_irq_delivery.c - interrupts behind software paths: who is left for them, when they come, which values the registers hold. */
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "gic/lr.h"
#include "hyp/path_gic_state.h"
#include "hyp/path_steps.h"
#include "irq_scene.h"
#include "machine/stack_paths.h"

/* --- runs of scenarios ---------------------------------------------------------------------------------------------- */

Test(irq_delivery, a_trapped_sgi_leaves_the_other_guest_once_by_a_physical_one)
{
	static const char *const sets[] = {TWO, "gic.version=3", NULL};
	struct scene s = scene_play("neoverse-n1", "kvm-vhe", "ipi", sets);
	cr_expect(eq(u64, scene_stat(&s, "vm0.vcpu0.exits.SYS64.count"), 20));
	cr_expect(eq(u64, scene_stat(&s, "vm0.vcpu0.exits.IRQ.count"), 0));
	cr_expect(eq(u64, scene_stat(&s, "vm0.vcpu1.exits.IRQ.count"), 20));
	cr_expect(eq(u64, scene_stat(&s, "vm0.irqs.sgi.count"), 20));
	cr_expect(eq(u64, scene_stat(&s, "vm0.virqs.sgi.count"), 20));
	cr_expect(eq(u64, scene_stat(&s, "vm0.vgic.overflows"), 0));
	scene_end(&s);
}

/* With EOImode = 1 the host drops the priority first, and ends the interrupt by ICC_DIR_EL1 behind its handler. */
Test(irq_delivery, what_passes_between_eoir_and_dir_is_deactivation_and_no_handler)
{
	static const char *const sets[] = {TWO, "gic.version=3", NULL};
	struct scene s = scene_play("neoverse-n1", "kvm-vhe", "ipi", sets);
	uint64_t handler = scene_stat(&s, "vm0.irqs.sgi.stage_cycles.handler"),
		 deactivate = scene_stat(&s, "vm0.irqs.sgi.stage_cycles.deactivate");
	cr_expect(lt(u64, 0, handler));
	cr_expect(lt(u64, handler, deactivate), "the host's handler is behind its write of EOIR");
	cr_expect(le(u64, 20 * 500, deactivate), "scheduler_ipi alone has 500 instructions");
	cr_expect(lt(u64, 0, scene_stat(&s, "vm0.virqs.sgi.stage_cycles.handler")));
	scene_end(&s);
}

Test(irq_delivery, a_virtual_sgi_of_a_gicv41_leaves_nobody_but_its_sender)
{
	static const char *const sets[] = {TWO, "gic.version=4.1", NULL};
	struct scene s = scene_play("neoverse-n1", "kvm-vhe", "ipi_hw", sets);
	cr_expect(eq(u64, scene_stat(&s, "vm0.vcpu0.exits.SYS64.count"), 20));
	cr_expect(eq(u64, scene_stat(&s, "vm0.vcpu1.exits.IRQ.count"), 0));
	cr_expect(eq(u64, scene_stat(&s, "vm0.irqs.sgi.count"), 0));
	cr_expect(eq(u64, scene_stat(&s, "vm0.virqs.vsgi.count"), 20));
	scene_end(&s);
}

Test(irq_delivery, a_gicv3_has_no_virtual_sgis_to_give)
{
	static const char *const sets[] = {TWO, "gic.version=3", NULL};
	struct scene s = scene_play("neoverse-n1", "kvm-vhe", "ipi_hw", sets);
	cr_expect(eq(u64, scene_stat(&s, "vm0.virqs.vsgi.count"), 0));
	cr_expect(eq(u64, scene_stat(&s, "vm0.virqs.sgi.count"), 20));
	scene_end(&s);
}

Test(irq_delivery, an_lpi_of_the_emulated_its_reaches_the_vcpu_that_its_collection_names)
{
	static const char *const sets[] = {TWO, "gic.version=3", NULL};
	struct scene s = scene_play("neoverse-n1", "kvm-vhe", "lpi", sets);
	cr_expect(eq(u64, scene_stat(&s, "vm0.virqs.lpi.count"), 20));
	cr_expect(eq(u64, scene_stat(&s, "vm0.vcpu0.exits.DABT_LOW.count"), 40), "GITS_CWRITER, GITS_CREADR");
	cr_expect(eq(u64, scene_stat(&s, "vm0.vcpu1.exits.IRQ.count"), 20));
	scene_end(&s);
}

Test(irq_delivery, a_back_end_signals_the_last_vcpu_under_every_hypervisor_that_has_one)
{
	static const struct {
		const char *stack, *virqs, *host_irqs;
	} rows[] = {{"kvm-vhe", "vm0.virqs.lpi.count", "vm0.irqs.sgi.count"},
		    {"kvm-nvhe", "vm0.virqs.lpi.count", "vm0.irqs.sgi.count"},
		    {"kvm-2015", "vm0.virqs.lpi.count", "vm0.irqs.sgi.count"},
		    {"xen", "vm0.virqs.ppi.count", "vm0.irqs.sgi.count"}};
	static const char *const sets[] = {TWO, "gic.version=3", NULL};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct scene s = scene_play("neoverse-n1", rows[i].stack, "io_latency_in", sets);
		uint64_t whole = scene_stat(&s, "vm0.vcpu0.operations.cycles"),
			 before = scene_stat(&s, "vm0.vcpu0.marks.io_latency_in.cycles");
		cr_expect(eq(u64, scene_stat(&s, "vm0.vcpu0.marks.io_latency_in.count"), 20), "%s",
			  rows[i].stack);
		cr_expect(eq(u64, scene_stat(&s, "vm0.vcpu0.exits.DABT_LOW.count"), 20), "%s", rows[i].stack);
		cr_expect(eq(u64, scene_stat(&s, rows[i].virqs), 20), "%s", rows[i].stack);
		cr_expect(eq(u64, scene_stat(&s, rows[i].host_irqs), 20), "%s", rows[i].stack);
		cr_expect(eq(u64, scene_stat(&s, "vm0.virqs.maintenance"), 0), "%s", rows[i].stack);
		cr_expect(lt(u64, before, whole), "%s", rows[i].stack);
		scene_end(&s);
	}
}

Test(irq_delivery, a_kick_reaches_the_back_end_before_the_guest_goes_on)
{
	static const char *const stacks[] = {"kvm-vhe", "kvm-nvhe", "kvm-2015", "xen"};
	static const char *const sets[] = {TWO, "gic.version=3", NULL};
	for (size_t i = 0; i < sizeof(stacks) / sizeof(stacks[0]); i++) {
		struct scene s = scene_play("neoverse-n1", stacks[i], "io_latency_out", sets);
		uint64_t told = scene_stat(&s, "vm0.vcpu0.marks.io_latency_out.cycles");
		cr_expect(eq(u64, scene_stat(&s, "vm0.vcpu0.marks.io_latency_out.count"), 20), "%s",
			  stacks[i]);
		cr_expect(eq(u64, scene_stat(&s, "vm0.vcpu0.marks.io_latency_in.count"), 0), "%s", stacks[i]);
		cr_expect(ne(u64, told, 0), "%s", stacks[i]);
		cr_expect(lt(u64, told, scene_stat(&s, "vm0.vcpu0.operations.cycles")), "%s", stacks[i]);
		scene_end(&s);
	}
}

Test(irq_delivery, xen_kicks_the_core_of_a_vcpu_that_gets_an_sgi)
{
	static const char *const sets[] = {TWO, "gic.version=3", NULL};
	struct scene s = scene_play("neoverse-n1", "xen", "ipi", sets);
	cr_expect(eq(u64, scene_stat(&s, "vm0.vcpu1.exits.IRQ.count"), 20));
	cr_expect(eq(u64, scene_stat(&s, "vm0.irqs.sgi.count"), 20));
	cr_expect(eq(u64, scene_stat(&s, "vm0.virqs.sgi.count"), 20));
	cr_expect(eq(u64, scene_stat(&s, "vm0.virqs.ppi.count"), 0), "do_sgi is no timer");
	scene_end(&s);
}

/* --- to all other vCPUs --------------------------------------------------------------------------------------------- */

Test(irq_delivery, a_broadcast_leaves_the_guest_once_per_vcpu_per_cluster_or_hypercall)
{
	static const struct {
		const char *operation, *version;
		uint64_t traps, calls, receiver, sgis,
			vsgis; /* for each broadcast of 18 vCPUs: 15 and 2 besides the first */
	} rows[] = {
		{"workload.operations=ipi_broadcast_single", "gic.version=3", 17, 0, 1, 17, 0},
		{"workload.operations=ipi_broadcast", "gic.version=3", 2, 0, 1, 17, 0},
		{"workload.operations=ipi_broadcast_pv", "gic.version=3", 0, 1, 1, 17, 0},
		{"workload.operations=ipi_broadcast_hw", "gic.version=4.1", 2, 0, 0, 0, 17},
	};
	enum { TIMES = 5 };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const sets[] = {"stack.threads=18", "workload.repetitions=5", "workload.warmup=2",
					    rows[i].operation,  rows[i].version,          NULL};
		struct scene s = scene_play("altra-64", "kvm-vhe", "ipi_broadcast", sets);
		cr_expect(eq(u64, scene_stat(&s, "vm0.vcpu0.exits.SYS64.count"), TIMES * rows[i].traps));
		cr_expect(eq(u64, scene_stat(&s, "vm0.vcpu0.exits.HVC64.count"), TIMES * rows[i].calls));
		cr_expect(eq(u64, scene_stat(&s, "vm0.virqs.sgi.count"), TIMES * rows[i].sgis));
		cr_expect(eq(u64, scene_stat(&s, "vm0.virqs.vsgi.count"), TIMES * rows[i].vsgis));
		for (unsigned k = 1; k < 18; k++) {
			char path[48];
			snprintf(path, sizeof(path), "vm0.vcpu%u.exits.IRQ.count", k);
			cr_expect(eq(u64, scene_stat(&s, path), TIMES * rows[i].receiver), "%zu: %s", i,
				  path);
		}
		scene_end(&s);
	}
}

Test(irq_delivery, bare_metal_writes_once_per_cluster_and_leaves_nothing)
{
	static const char *const sets[] = {"stack.threads=18", "workload.repetitions=5", "workload.warmup=2",
					   "gic.version=3",    "workload.others=run",    NULL};
	struct scene s = scene_play("altra-64", "linux-native", "ipi_broadcast", sets);
	cr_expect(eq(u64, scene_stat(&s, "irqs.sgi.count"), 5 * 17));
	scene_end(&s);
}

Test(irq_delivery, a_virtual_sgi_comes_to_the_vpe_that_it_names)
{
	static const struct gic_context hypervisor = {.el = 2}, guest = {.el = 1, .imo = true, .fmo = true};
	const struct gic_timing timing = {
		.version = GIC_V41, .list_registers = 4, .priority_bits = 5, .its_cached = 64};
	const struct path_gic_params p = {.pes = 4, .timing = &timing, .clock_mhz = 1000};
	struct path_gic *g = path_gic_new(&p);
	for (unsigned i = 0; i < 4; i++) {
		cpu_if_write(g->gic, i, cpu_if_encoding("ICH_VMCR_EL2"), &hypervisor, 0xf04c0002);
		cpu_if_write(g->gic, i, cpu_if_encoding("ICH_HCR_EL2"), &hypervisor, 1);
	}
	path_host_its_sgi(g->host_its, 3, 5);
	for (unsigned i = 0; i < 4; i++)
		cr_expect(eq(int, gic_signals(g->gic, i, &guest).virq, i == 3), "%u", i);
	path_gic_free(g);
}

static uint64_t cycles_of(const char *machine, const char *stack, const char *workload,
			  const char *const *sets)
{
	struct scene s = scene_play(machine, stack, workload, sets);
	uint64_t cycles = scene_stat(&s, "vm0.vcpu0.operations.cycles");
	scene_end(&s);
	return cycles;
}

Test(irq_delivery, a_slower_gic_delays_an_ipi_by_just_that)
{
	static const char *const fast[] = {TWO, "gic.version=3", "gic.distributor_ns=100", NULL},
				 *const slow[] = {TWO, "gic.version=3", "gic.distributor_ns=350", NULL};
	uint64_t less = cycles_of("neoverse-n1", "kvm-vhe", "ipi", fast),
		 more = cycles_of("neoverse-n1", "kvm-vhe", "ipi", slow);
	cr_assert(eq(u64, more - less, 20 * 250 * 3));
}

Test(irq_delivery, an_its_on_the_other_socket_costs_a_way_there_and_a_way_back)
{
	static const char *const here[] = {TWO, "gic.version=4.1", "gic.its_core=0", "gic.socket_ns=200",
					   NULL},
				 *const there[] = {TWO, "gic.version=4.1", "gic.its_core=48",
						   "gic.socket_ns=200", NULL};
	uint64_t less = cycles_of("kunpeng-920", "kvm-vhe", "ipi_hw", here),
		 more = cycles_of("kunpeng-920", "kvm-vhe", "ipi_hw", there);
	cr_assert(eq(u64, more - less, 20 * 2 * 520));
}

Test(irq_delivery, an_idle_core_wakes_up_before_it_takes_an_interrupt)
{
	static const char *const idle[] = {TWO, "gic.version=3", "workload.others=wait_idle", NULL};
	static const char *const busy[] = {TWO, "gic.version=3", NULL};
	struct scene s = scene_play("neoverse-n1", "kvm-vhe", "ipi", idle),
		     t = scene_play("neoverse-n1", "kvm-vhe", "ipi", busy);
	cr_expect(eq(u64, scene_stat(&s, "vm0.virqs.sgi.count"), 20));
	cr_expect(eq(u64, scene_stat(&s, "vm0.vcpu1.exits.WFx.count"), 20));
	cr_expect(lt(u64, scene_stat(&t, "vm0.virqs.sgi.cycles"), scene_stat(&s, "vm0.virqs.sgi.cycles")));
	scene_end(&s);
	scene_end(&t);
}

Test(irq_delivery, a_kernel_on_bare_metal_calls_a_function_on_another_core)
{
	static const char *const sets[] = {TWO, "gic.version=3", NULL};
	struct scene s = scene_play("kunpeng-920", "linux-native", "ipi_sync", sets);
	cr_expect(eq(u64, scene_stat(&s, "irqs.sgi.count"), 20));
	cr_expect(lt(u64, 0, scene_stat(&s, "irqs.sgi.stage_cycles.exception")));
	scene_end(&s);
}

Test(irq_delivery, without_another_vcpu_others_are_an_error)
{
	static const char *const sets[] = {"stack.threads=1", NULL};
	struct run *run;
	struct err err = {0};
	struct run_report report;
	const struct run_request q = {.machine = "configs/machines/neoverse-n1.yaml",
				      .stack = "configs/stacks/kvm-vhe.yaml",
				      .workload = "workloads/micro/ipi.yaml",
				      .sets = sets};
	cr_assert(eq(int, run_new(&q, &run, &err), OK), "%s", err.text);
	cr_assert(eq(int, run_execute(run, NULL, NULL, &report, &err), ERR_CONFIG));
	cr_assert(ne(ptr, strstr(err.text, "stack.threads"), NULL), "%s", err.text);
	run_free(run);
}

Test(irq_delivery, registers_of_the_gic_may_cost_what_the_machine_says_of_each)
{
	static const struct {
		const char *set;
		uint64_t per_ipi; /* accesses of both cores until the sender sees the flag */
	} cases[] = {{"gic.ack_cycles=1020", 2},
		     {"gic.eoi_cycles=1020", 1},
		     {"gic.dir_cycles=1020", 1},
		     {"gic.lr_write_cycles=1020", 2}};
	static const char *const plain[] = {TWO, "gic.version=3", NULL};
	uint64_t before = cycles_of("neoverse-n1", "kvm-vhe", "ipi", plain);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *const sets[] = {TWO, "gic.version=3", cases[i].set, NULL};
		uint64_t after = cycles_of("neoverse-n1", "kvm-vhe", "ipi", sets);
		cr_expect(eq(u64, after - before, 20 * cases[i].per_ipi * 1000), "%s", cases[i].set);
	}
}

Test(irq_delivery, a_vpe_that_is_not_resident_is_woken_by_its_doorbell)
{
	static const char *const soon[] = {TWO, "gic.version=4.1", "workload.others=wait_idle",
					   "gic.vpe_schedule_ns=100", NULL},
				 *const late[] = {TWO, "gic.version=4.1", "workload.others=wait_idle",
						  "gic.vpe_schedule_ns=400", NULL};
	struct scene s = scene_play("neoverse-n1", "kvm-vhe", "ipi_hw", soon),
		     t = scene_play("neoverse-n1", "kvm-vhe", "ipi_hw", late);
	cr_expect(eq(u64, scene_stat(&s, "vm0.irqs.doorbell.count"), 20));
	cr_expect(eq(u64, scene_stat(&s, "vm0.irqs.sgi.count"), 0));
	cr_expect(eq(u64, scene_stat(&s, "vm0.virqs.vsgi.count"), 20));
	cr_expect(eq(u64,
		     scene_stat(&t, "vm0.vcpu0.operations.cycles") -
			     scene_stat(&s, "vm0.vcpu0.operations.cycles"),
		     20 * 300 * 3));
	scene_end(&s);
	scene_end(&t);
}

Test(irq_delivery, interrupts_that_fit_no_list_register_come_by_a_maintenance_interrupt)
{
	static const char *const enough[] = {"workload.operations=sgi_burst", "workload.others=",
					     "workload.repetitions=10",       "gic.version=3",
					     "gic.list_registers=4",          NULL};
	static const char *const few[] = {"workload.operations=sgi_burst", "workload.others=",
					  "workload.repetitions=10",       "gic.version=3",
					  "gic.list_registers=2",          NULL};
	struct scene s = scene_play("neoverse-n1", "kvm-vhe", "ipi", enough),
		     t = scene_play("neoverse-n1", "kvm-vhe", "ipi", few);
	cr_expect(eq(u64, scene_stat(&s, "vm0.virqs.sgi.count"), 30));
	cr_expect(eq(u64, scene_stat(&s, "vm0.virqs.maintenance"), 0));
	cr_expect(eq(u64, scene_stat(&s, "vm0.vgic.overflows"), 0));
	cr_expect(eq(u64, scene_stat(&t, "vm0.virqs.sgi.count"), 30));
	cr_expect(eq(u64, scene_stat(&t, "vm0.virqs.maintenance"), 10));
	cr_expect(eq(u64, scene_stat(&t, "vm0.vcpu0.exits.IRQ.count"), 10));
	cr_expect(lt(u64, 9, scene_stat(&t, "vm0.vgic.overflows")));
	scene_end(&s);
	scene_end(&t);
}

/* --- registers ------------------------------------------------------------------------------------------------------- */

struct lists {
	const struct path_machine *m;
	uint64_t lr, ended;
	unsigned written;
};

static void note_lists(void *ctx, const struct path_event *e)
{
	struct lists *l = ctx;
	if (e->kind != EVENT_WRITE) return;
	if (e->reg == R_ICH_LR0_EL2 && l->m->el.reg[R_ICH_LR0_EL2]) {
		l->lr = l->m->el.reg[R_ICH_LR0_EL2];
		l->written++;
	}
	if (e->reg == R_ICC_EOIR1_EL1 && e->in_guest) l->ended = l->m->el.reg[R_ICC_EOIR1_EL1];
}

static struct path_machine *perform(struct stack_paths *p, const char *operation, struct lists *l)
{
	struct path_machine *m;
	struct err err = {0};
	struct machine_request req = {.path = "configs/machines/neoverse-n1.yaml"};
	cr_assert(eq(int, stack_paths_load(p, &req, "configs/stacks/kvm-vhe.yaml", &err), OK), "%s",
		  err.text);
	cr_assert(eq(int, path_machine_new(p->book, operation, &m, &err), OK), "%s", err.text);
	*l = (struct lists){.m = m};
	path_machine_listen(m, note_lists, l, NULL);
	cr_assert(eq(int, path_perform(m, operation, &err), OK), "%s", err.text);
	return m;
}

Test(irq_registers, an_sgi_is_listed_by_its_number_and_ended_by_it)
{
	struct stack_paths p;
	struct lists l;
	struct path_machine *m = perform(&p, "sgi_self", &l);
	cr_expect(eq(u32, l.written, 1));
	cr_expect(eq(u32, lr_vintid(l.lr), 0));
	cr_expect(eq(int, lr_state(l.lr), LR_PENDING));
	cr_expect(eq(u32, lr_priority(l.lr), 0xa0));
	cr_expect(eq(u64, l.ended, 0));
	path_machine_free(m);
	stack_paths_free(&p);
}

Test(irq_registers, the_guests_end_of_its_timer_deactivates_the_physical_interrupt)
{
	struct stack_paths p;
	struct lists l;
	struct gic_irq_state s;
	struct path_machine *m = perform(&p, "timer_busy", &l);
	cr_expect(eq(u64, l.lr >> LR_HW & 1, 1));
	cr_expect(eq(u32, lr_vintid(l.lr), 27));
	cr_expect(eq(u32, lr_pintid(l.lr), 27));
	cr_expect(eq(u64, l.ended, 27));
	cr_assert(gic_irq_state(m->gic->gic, 0, 27, &s));
	cr_expect(not(s.active));
	cr_expect(not(s.line));
	path_machine_free(m);
	stack_paths_free(&p);
}

/* --- time ------------------------------------------------------------------------------------------------------------ */

static const struct gic_timing timing = {.version = GIC_V3,
					 .list_registers = 4,
					 .priority_bits = 5,
					 .assert_ns = 10,
					 .distributor_ns = 30,
					 .redistributor_ns = 20,
					 .interface_ns = 5};

Test(irq_time, an_interrupt_is_hidden_from_its_core_until_it_has_passed_the_gic_and_not_longer)
{
	const struct path_gic_params p = {.pes = 2, .timing = &timing, .clock_mhz = 1000};
	struct path_gic *g = path_gic_new(&p);
	cr_assert(eq(u64, path_gic_send(g, 0, 1, 3, GIC_FROM_sgi, 100), 180));
	path_gic_at(g, 1, 179);
	cr_assert(eq(u64, path_gic_arrival(g, 1), 180));
	path_gic_at(g, 1, 180);
	cr_assert(eq(u64, path_gic_arrival(g, 1), 0));
	cr_assert(eq(u64, path_gic_arrival(g, 0), 0), "nothing is under way to the sender");
	path_gic_free(g);
}

Test(irq_time, a_second_interrupt_does_not_hide_one_that_is_signalled)
{
	const struct path_gic_params p = {.pes = 2, .timing = &timing, .clock_mhz = 1000};
	struct path_gic *g = path_gic_new(&p);
	path_gic_send(g, 0, 1, 3, GIC_FROM_sgi, 100);
	path_gic_at(g, 1, 200);
	path_gic_send(g, 0, 1, 4, GIC_FROM_sgi, 200);
	cr_assert(eq(u64, path_gic_arrival(g, 1), 0));
	path_gic_free(g);
}

Test(irq_time, another_core_sees_a_flag_when_the_line_has_come_to_it)
{
	const struct path_gic_params p = {.pes = 2, .clock_mhz = 1000, .share_cycles = 60};
	struct path_gic *g = path_gic_new(&p);
	cycles_t seen;
	path_gic_at(g, 1, 500);
	cr_assert(not(path_gic_signalled(g, 0, 7, 1, &seen)));
	path_gic_signal(g, 1, 7);
	cr_assert(path_gic_signalled(g, 0, 7, 1, &seen));
	cr_assert(eq(u64, seen, 560));
	cr_assert(path_gic_signalled(g, 1, 7, 1, &seen));
	cr_assert(eq(u64, seen, 500));
	path_gic_forget(g, 7);
	cr_assert(not(path_gic_signalled(g, 0, 7, 1, &seen)));
	path_gic_free(g);
}
