/* test_export.c - exports of a run: the kernel's words for exits, and slices that nest. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <jansson.h>

#include "hyp/path_cost.h"
#include "machine/kvm_text.h"
#include "machine/timeline.h"

enum { MHZ = 1000, LIMIT = 100 }; /* a cycle is a nanosecond */

static struct path_event exit_of(unsigned kind, uint64_t esr)
{
	struct path_event e = {.kind = EVENT_ENTRY, .el = 2, .name = "", .vector = "", .to_path = "below"};
	e.exception = (struct el_exception){
		.kind = (uint8_t)kind, .to = 2, .esr = esr, .preferred_pc = 0x80001234};
	e.transfer = (struct el_transfer){.from = 1, .to = 2};
	return e;
}

static struct path_event entry_from(unsigned el)
{
	struct path_event e = {.kind = EVENT_RETURN, .el = 1, .to_guest = true, .path = "below"};
	e.transfer = (struct el_transfer){.from = (uint8_t)el, .to = 1, .to_pc = 0x80001234};
	return e;
}

/* The events behind the header, each behind its time. */
static char *text_of(const struct path_event *e, size_t n)
{
	struct kvm_text *k = kvm_text_new(1, LIMIT);
	char *text = NULL;
	size_t bytes;
	for (size_t i = 0; i < n; i++) kvm_text_event(k, 0, 3, &e[i], &(struct path_price){.at = 2500 * i});
	FILE *out = open_memstream(&text, &bytes);
	kvm_text_write(k, 1, MHZ, out);
	fclose(out);
	kvm_text_free(k);
	return text;
}

static void expect(const struct path_event *e, size_t n, const char *want)
{
	char *text = text_of(e, n), *line = text;
	while (*line == '#') line = strchr(line, '\n') + 1;
	cr_expect(eq(str, line, (char *)want));
	free(text);
}

Test(kvm_text, exit_and_entry_have_the_kernels_columns)
{
	const struct path_event e[] = {exit_of(EXC_SYNC, esr_make(EC_PAUTH, 0)), entry_from(2)};
	expect(e, 2,
	       "           vcpu0-100     [003] .....     0.000000: kvm_exit: TRAP: HSR_EC: 0x0009 (PAC), PC: 0x0000000080001234\n"
	       "           vcpu0-100     [003] d....     0.000002: kvm_entry: PC: 0x0000000080001234\n");
}

Test(kvm_text, a_trap_of_fp_or_sve_that_ends_in_the_guests_world_is_not_traced)
{
	const enum el_ec classes[] = {EC_FP, EC_SVE};
	for (int i = 0; i < 2; i++) {
		const struct path_event e[] = {exit_of(EXC_SYNC, esr_make(classes[i], 0)), entry_from(2)};
		expect(e, 2, "");
	}
}

Test(kvm_text, one_that_the_host_sees_is_traced_at_its_time)
{
	const struct path_event e[] = {exit_of(EXC_SYNC, esr_make(EC_SVE, 0)),
				       {.kind = EVENT_WRITE, .reg = R_VBAR_EL1},
				       {.kind = EVENT_WRITE, .reg = R_HCR_EL2},
				       entry_from(2)};
	expect(e, 4,
	       "           vcpu0-100     [003] .....     0.000000: kvm_exit: TRAP: HSR_EC: 0x0019 (SVE), PC: 0x0000000080001234\n"
	       "           vcpu0-100     [003] d....     0.000007: kvm_entry: PC: 0x0000000080001234\n");
}

Test(kvm_text, interrupts_have_no_class_and_fiq_is_one)
{
	const struct path_event irq = exit_of(EXC_IRQ, esr_make(EC_HVC, 0)), fiq = exit_of(EXC_FIQ, 0);
	const char want[] =
		"           vcpu0-100     [003] .....     0.000000: kvm_exit: IRQ: HSR_EC: 0x0000 (UNKNOWN), PC: 0x0000000080001234\n";
	expect(&irq, 1, want);
	expect(&fiq, 1, want);
}

Test(kvm_text, a_class_without_a_name_is_its_number)
{
	const struct path_event e = exit_of(EXC_SYNC, esr_make(EC_BTI, 0));
	char *text = text_of(&e, 1);
	cr_expect(ne(ptr, strstr(text, "HSR_EC: 0x000d (0xd), PC"), NULL), "%s", text);
	free(text);
}

Test(kvm_text, what_el3_takes_and_gives_back_is_no_exit)
{
	struct path_event e[] = {exit_of(EXC_FIQ, 0), entry_from(3)};
	e[0].transfer.to = e[0].exception.to = 3;
	expect(e, 2, "");
}

Test(kvm_text, what_happens_below_the_guest_is_part_of_one_exit)
{
	const struct path_event e[] = {exit_of(EXC_SYNC, esr_make(EC_SVE, 0)),
				       exit_of(EXC_SYNC, esr_make(EC_HVC, 0))};
	char *text = text_of(e, 2);
	cr_expect(eq(ptr, strstr(text, "HVC"), NULL), "%s", text);
	free(text);
}

Test(kvm_text, wfe_is_told_from_wfi)
{
	for (unsigned wfe = 0; wfe <= 1; wfe++) {
		const struct path_event e = exit_of(EXC_SYNC, esr_make(EC_WFX, wfe));
		char *text = text_of(&e, 1);
		const char *want = wfe ? "guest executed wfe at: 0x0000000080001234\n"
				       : "guest executed wfi at: 0x0000000080001234\n";
		cr_expect(ne(ptr, strstr(text, want), NULL), "%s", text);
		free(text);
	}
}

/* --- the timeline -------------------------------------------------------------------------------------------------- */

static uint64_t cycles_at_level(const json_t *events, const char *level)
{
	uint64_t sum = 0;
	size_t i, depth = 0;
	const json_t *e;
	const char *open = "";
	json_array_foreach(events, i, e)
	{
		char phase = *json_string_value(json_object_get(e, "ph"));
		if (phase == 'B' && depth++ == 0) open = json_string_value(json_object_get(e, "name"));
		if (phase != 'E') continue;
		cr_assert(lt(sz, 0, depth));
		if (--depth == 0 && strcmp(open, level) == 0)
			sum += (uint64_t)json_integer_value(
				json_object_get(json_object_get(e, "args"), "cycles"));
	}
	cr_expect(eq(sz, depth, 0));
	return sum;
}

Test(timeline, program_paths_and_what_has_no_path_add_up_by_level)
{
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);
	struct timeline *t = timeline_new(out, 1, MHZ, LIMIT);
	const struct path_event e = {.kind = EVENT_STEP, .el = 2, .path = "a \"path\"\\", .text = "a\tstep"};
	const struct path_price price = {.at = 110, .cycles = 30, .el = 2, .bucket = BUCKET_HYPERVISOR};
	struct core_spent spent = {0};
	spent.cycles[BUCKET_HYPERVISOR][2] = 37; /* 7 that no event has told */
	spent.cycles[BUCKET_EXCEPTION][1] = 5;
	timeline_begin(t, 0, 0, 100);
	timeline_event(t, 0, &e, &price);
	timeline_spent(t, 0, 110, &spent);
	timeline_end(t, 0, 200);
	timeline_finish(t);
	fclose(out);
	timeline_free(t);
	json_t *json = json_loads(text, 0, NULL);
	cr_assert(ne(ptr, json, NULL), "%s", text);
	const json_t *events = json_object_get(json, "traceEvents");
	cr_expect(eq(u64, cycles_at_level(events, "EL2"), 37));
	cr_expect(eq(u64, cycles_at_level(events, "EL1"), 5));
	cr_expect(eq(u64, cycles_at_level(events, "EL0"), 10 + 48));
	json_decref(json);
	free(text);
}
