/* What is foreseen of the turns to come: which records, and in which order of steps. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "machine/turns_ahead.h"

enum { BATCH = 12 };

/* Foresees nothing, as it has no tables: what counts is which records each step comes to. */
static struct mmu blind;

static void make_loads(struct record *rec)
{
	for (unsigned i = 0; i < BATCH; i++)
		rec[i] = (struct record){.kind = REC_LOAD, .addr = (uint64_t)i << 12, .count = 8};
}

static void step(struct turns_ahead *a, unsigned number, const struct record *rec, size_t at)
{
	turns_ahead_step(a, number, &blind, rec, at, BATCH, true);
}

Test(turns_ahead, a_step_comes_to_no_record_that_the_step_before_has_not_come_to)
{
	struct record rec[BATCH];
	struct turns_ahead a = {0};
	make_loads(rec);
	step(&a, 1, rec, 0);
	cr_expect(eq(sz, a.until[1], 0));
	step(&a, 0, rec, 0);
	step(&a, 2, rec, 0);
	cr_expect(eq(sz, a.until[0], TURNS_AHEAD_RECORDS));
	cr_expect(eq(sz, a.until[2], 0));
	step(&a, 1, rec, 0);
	step(&a, 2, rec, 0);
	cr_expect(eq(sz, a.until[2], TURNS_AHEAD_RECORDS));
}

Test(turns_ahead, records_that_were_executed_meanwhile_are_left_out)
{
	struct record rec[BATCH];
	struct turns_ahead a = {0};
	make_loads(rec);
	step(&a, 0, rec, 0);
	a.access[3].stage[0].entry = 1; /* told from what the step clears */
	step(&a, 0, rec, 3);
	cr_expect(eq(sz, a.until[0], 3 + TURNS_AHEAD_RECORDS));
	cr_expect(eq(u64, a.access[3].stage[0].entry, 1), "foreseen before");
	step(&a, 0, rec, BATCH - 1);
	cr_expect(eq(sz, a.until[0], BATCH), "no further than what was read of the trace");
	turns_ahead_restart(&a);
	cr_expect(eq(sz, a.until[0], 0));
}

/* Entries are set beforehand: a step 0 clears those of the records that it comes to. */
Test(turns_ahead, of_accesses_to_one_page_in_a_row_the_first_is_foreseen)
{
	struct record rec[BATCH];
	struct turns_ahead a = {0};
	make_loads(rec);
	for (unsigned i = 1; i < BATCH; i += 2) {
		rec[i].kind = REC_STORE;
		rec[i].addr = rec[i - 1].addr + 8;
	}
	rec[6].kind = REC_DSB;
	for (unsigned i = 0; i < TURNS_AHEAD_RECORDS; i++) a.access[i].stage[0].entry = 1;
	step(&a, 0, rec, 0);
	for (unsigned i = 0; i < TURNS_AHEAD_RECORDS; i++)
		cr_expect(eq(u64, a.access[i].stage[0].entry, i == 7 ? 0 : i == 6 || i % 2), "record %u", i);
}
