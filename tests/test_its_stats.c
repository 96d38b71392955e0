/* test_its_stats.c - what a run counts of messages: the machine's ITS, LPIs and vPEs of its redistributors, the ITS that a hypervisor emulates. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <stdio.h>

#include "guest_world.h"
#include "irq_scene.h"

#define GICV3 "gic.version=3"
#define GICV41 "gic.version=4.1"

/* What GITS_TRANSLATER was written, delivered or not. */
static uint64_t translations(const struct scene *s, const char *its)
{
	static const char *const labels[] = {
		"none",         "disabled",       "device_range",        "device_unmapped",
		"event_range",  "event_unmapped", "collection_unmapped", "vpe_unmapped",
		"redistributor"};
	uint64_t sum = 0;
	char path[96];
	for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
		snprintf(path, sizeof(path), "%s.translations.%s", its, labels[i]);
		sum += scene_stat(s, path);
	}
	return sum;
}

/* An entry is found by a cache of the ITS, or read. */
static uint64_t entries(const struct scene *s, const char *table)
{
	char hits[64], misses[64];
	snprintf(hits, sizeof(hits), "vm0.gic.its.cache_hits.%s", table);
	snprintf(misses, sizeof(misses), "vm0.gic.its.cache_misses.%s", table);
	return scene_stat(s, hits) + scene_stat(s, misses);
}

Test(its_stats, a_message_for_the_host_is_a_translation_and_an_lpi_of_its_redistributor)
{
	static const char *const sets[] = {TWENTY, GICV3, NULL};
	struct scene s = scene_play("neoverse-n1", "kvm-vhe", "lpi_guest", sets);
	cr_expect(eq(u64, scene_stat(&s, "vm0.gic.its.translations.none"), 20));
	cr_expect(eq(u64, translations(&s, "vm0.gic.its"), 20));
	cr_expect(eq(u64, entries(&s, "devices"), 20));
	cr_expect(eq(u64, entries(&s, "events"), 20));
	cr_expect(eq(u64, entries(&s, "collections"), 20));
	cr_expect(eq(u64, scene_stat(&s, "vm0.gic.pe0.lpis.pended"), 20));
	cr_expect(eq(u64, scene_stat(&s, "vm0.gic.pe0.lpis.acknowledged"),
		     scene_stat(&s, "vm0.irqs.lpi.count")));
	cr_expect(eq(u64, scene_stat(&s, "vm0.gic.its.errors"), 0));
	scene_end(&s);
}

Test(its_stats, what_irqfd_injects_is_found_by_the_cache_of_translations_or_translated_under_the_lock)
{
	static const char *const kept[] = {TWENTY, GICV3, NULL},
				 *const none[] = {TWENTY, GICV3, "stack.hypervisors.0.its_translations=0",
						  NULL};
	struct scene s = scene_play("neoverse-n1", "kvm-vhe", "lpi_guest", kept),
		     t = scene_play("neoverse-n1", "kvm-vhe", "lpi_guest", none);
	cr_expect(eq(u64, scene_stat(&s, "vm0.vits.hits"), 20));
	cr_expect(eq(u64, scene_stat(&s, "vm0.vits.misses"), 0));
	cr_expect(eq(u64, translations(&s, "vm0.vits"), 0));
	cr_expect(eq(u64, scene_stat(&t, "vm0.vits.hits"), 0));
	cr_expect(eq(u64, scene_stat(&t, "vm0.vits.misses"), 20));
	cr_expect(eq(u64, translations(&t, "vm0.vits"), 20));
	scene_end(&s);
	scene_end(&t);
}

Test(its_stats, an_int_command_of_the_guest_is_one_of_its_own_its)
{
	static const char *const sets[] = {TWO, GICV3, NULL};
	struct scene s = scene_play("neoverse-n1", "kvm-vhe", "lpi", sets);
	cr_expect(eq(u64, scene_stat(&s, "vm0.vits.commands.INT"), 20));
	cr_expect(eq(u64, scene_stat(&s, "vm0.gic.its.commands.INT"), 0));
	cr_expect(eq(u64, translations(&s, "vm0.gic.its"), 0));
	scene_end(&s);
}

Test(its_stats, a_message_for_a_resident_vpe_is_a_virtual_lpi_and_no_physical_one)
{
	static const char *const sets[] = {TWENTY, GICV41, NULL};
	struct scene s = scene_play("neoverse-n1", "kvm-vhe", "vlpi_direct", sets);
	cr_expect(eq(u64, translations(&s, "vm0.gic.its"), 20));
	cr_expect(eq(u64, scene_stat(&s, "vm0.gic.its.virtual_lpis"), 20));
	cr_expect(eq(u64, scene_stat(&s, "vm0.gic.pe0.vpes.direct"), 20));
	cr_expect(eq(u64, scene_stat(&s, "vm0.gic.pe0.vpes.acknowledged"), 20));
	cr_expect(eq(u64, scene_stat(&s, "vm0.gic.pe0.vpes.waiting"), 0));
	cr_expect(eq(u64, scene_stat(&s, "vm0.gic.pe0.lpis.pended"), 0));
	scene_end(&s);
}

Test(its_stats, a_message_for_a_vpe_that_is_not_resident_rings_a_doorbell_which_is_an_lpi)
{
	static const char *const sets[] = {TWENTY, GICV41, NULL};
	struct scene s = scene_play("neoverse-n1", "kvm-vhe", "vlpi_doorbell", sets);
	cr_expect(eq(u64, scene_stat(&s, "vm0.gic.its.virtual_lpis"), 20));
	cr_expect(eq(u64, scene_stat(&s, "vm0.gic.its.doorbells"), 20));
	cr_expect(eq(u64, scene_stat(&s, "vm0.gic.pe0.vpes.doorbells"), 20));
	cr_expect(eq(u64, scene_stat(&s, "vm0.gic.pe0.vpes.waiting"), 20));
	cr_expect(eq(u64, scene_stat(&s, "vm0.gic.pe0.vpes.direct"), 0));
	cr_expect(eq(u64, scene_stat(&s, "vm0.gic.pe0.vpes.descheduled"), 20));
	cr_expect(eq(u64, scene_stat(&s, "vm0.gic.pe0.vpes.scheduled"), 20));
	cr_expect(eq(u64, scene_stat(&s, "vm0.gic.pe0.lpis.acknowledged"), 20));
	scene_end(&s);
}

Test(its_stats, an_sgi_that_a_gicv41_delivers_is_one_of_the_receivers_vpe)
{
	static const char *const sets[] = {TWO, GICV41, NULL};
	struct scene s = scene_play("neoverse-n1", "kvm-vhe", "ipi_hw", sets);
	cr_expect(eq(u64, scene_stat(&s, "vm0.gic.its.virtual_sgis"), 20));
	cr_expect(eq(u64, scene_stat(&s, "vm0.gic.pe1.vpes.direct"), 20));
	cr_expect(eq(u64, scene_stat(&s, "vm0.gic.pe0.vpes.direct"), 0));
	scene_end(&s);
}

Test(its_stats, the_set_up_of_tables_and_vpes_is_not_counted)
{
	static const char *const none[] = {"vm0.gic.its.commands.MAPD", "vm0.gic.its.commands.VMAPP",
					   "vm0.gic.its.cache_misses.vpes", "vm0.gic.pe0.vpes.scheduled",
					   "vm0.vits.commands.MAPC"};
	static const char *const sets[] = {GICV41, NULL};
	struct vm_world w;
	cr_assert(eq(int, vm_world_open(&w, GUEST("tick_hz: 100"), sets), OK), "%s", w.err.text);
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		cr_expect(eq(u64, vm_world_counter(&w, "%s", none[i]), 0), "%s", none[i]);
	vm_world_close(&w);
}

Test(its_stats, messages_of_a_kernels_device_are_the_translations_of_a_run)
{
	static const struct {
		const char *yaml, *messages, *prefix;
	} rows[] = {{GUEST("tick_hz: 100, device_irq_hz: 20000, device_kind: assigned"),
		     "vm0.vcpu0.clock.messages", "vm0."},
		    {NATIVE("tick_hz: 100, device_irq_hz: 20000, device_kind: assigned"),
		     "cpu0.clock.messages", ""}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		static const char *const sets[] = {GICV3, NULL};
		struct vm_world w;
		cr_assert(eq(int, vm_world_open(&w, rows[i].yaml, sets), OK), "%s", w.err.text);
		guest_run_loads(&w, 60000);
		uint64_t messages = vm_world_counter(&w, "%s", rows[i].messages);
		cr_expect(lt(u64, 20, messages));
		cr_expect(eq(u64, vm_world_counter(&w, "%sgic.its.translations.none", rows[i].prefix),
			     messages));
		/* The last ones may come together. */
		cr_expect(eq(u64,
			     vm_world_counter(&w, "%sgic.pe0.lpis.pended", rows[i].prefix) +
				     vm_world_counter(&w, "%sgic.pe0.lpis.merged", rows[i].prefix),
			     messages));
		vm_world_close(&w);
	}
}

Test(its_stats, each_pe_has_the_lpis_that_came_to_it)
{
	static const struct record load = {.addr = 0x100000, .count = 8, .kind = REC_LOAD, .gap = 400};
	static const char *const sets[] = {GICV3, NULL};
	struct trace_source *source[2] = {script_source(&load, 1, 60000), script_source(&load, 1, 30000)};
	uint64_t came[2];
	struct vm_world w;
	cr_assert(eq(int,
		     vm_world_open(&w,
				   GUEST("tick_hz: 100, device_irq_hz: 20000, device_kind: assigned, "
					 "irq_affinity: requester") "vms: [{name: a, vcpus: 2}]\n",
				   sets),
		     OK),
		  "%s", w.err.text);
	vm_world_run(&w, source, 0);
	for (unsigned i = 0; i < 2; i++) {
		came[i] = vm_world_counter(&w, "vm0.gic.pe%u.lpis.pended", i) +
			  vm_world_counter(&w, "vm0.gic.pe%u.lpis.merged", i);
		cr_expect(eq(u64, came[i], vm_world_counter(&w, "vm0.vcpu%u.clock.messages", i)));
	}
	cr_expect(lt(u64, 0, came[1]));
	cr_expect(lt(u64, came[1], came[0]));
	cr_expect(eq(u64, vm_world_counter(&w, "vm0.gic.its.translations.none"), came[0] + came[1]));
	vm_world_close(&w);
}

Test(its_stats, a_gicv2_has_no_messages_in_any_scenario)
{
	static const char *const sets[] = {TWENTY, "gic.version=2", NULL};
	struct scene s = scene_play("neoverse-n1", "kvm-vhe", "hvc", sets);
	cr_expect(eq(ptr, (void *)stats_find(run_stats(s.run), "vm0.gic.its.errors"), NULL));
	cr_expect(eq(ptr, (void *)stats_find(run_stats(s.run), "vm0.vits.hits"), NULL));
	scene_end(&s);
}

/* Traces without devices have none of it, nor GICv2s; messages of an emulated device pass no ITS. */
Test(its_stats, a_run_without_messages_does_not_show_them)
{
	static const struct {
		const char *yaml, *set;
		bool shown, vpes;
	} rows[] = {{GUEST("tick_hz: 100"), GICV3, false, false},
		    {GUEST("tick_hz: 100"), GICV41, true, true},
		    {GUEST("tick_hz: 100, device_irq_hz: 100"), GICV3, false, false},
		    {GUEST("tick_hz: 100, device_irq_hz: 100"), "gic.version=2", false, false},
		    {GUEST("tick_hz: 100, device_irq_hz: 100, device_kind: assigned"), GICV3, true, false}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const sets[] = {rows[i].set, NULL};
		struct vm_world w;
		cr_assert(eq(int, vm_world_open(&w, rows[i].yaml, sets), OK), "%s", w.err.text);
		const struct stats *s = machine_stats(w.machine);
		cr_expect(eq(int, stats_find(s, "vm0.gic.its.errors") != NULL, rows[i].shown), "%zu", i);
		cr_expect(eq(int, stats_find(s, "vm0.gic.pe0.lpis.pended") != NULL, rows[i].shown), "%zu", i);
		cr_expect(eq(int, stats_find(s, "vm0.vits.hits") != NULL, rows[i].shown), "%zu", i);
		cr_expect(eq(int, stats_find(s, "vm0.gic.pe0.vpes.direct") != NULL, rows[i].vpes), "%zu", i);
		vm_world_close(&w);
	}
}
