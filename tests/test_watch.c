/* Trees of cycles, which accesses are picked, and streams that share a core. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/alloc.h"
#include "cpu/watch.h"
#include "trace/interleave.h"
#include "trace_help.h"

static void add(struct why *w, cycles_t begin, cycles_t end)
{
	why_leaf(w, (struct why_span){.begin = begin, .end = end, .kind = WHY_TLB});
}

/* A tree of 0..10 with parts 0..4 and `from`..`to`. */
static enum status check_tree(cycles_t from, cycles_t to)
{
	struct why w = {0};
	struct err err;
	size_t root = why_open(&w, (struct why_span){.begin = 0});
	add(&w, 0, 4);
	add(&w, from, to);
	why_close(&w, root, 10);
	enum status st = why_check(&w, &err);
	why_fini(&w);
	return st;
}

Test(why, parts_that_follow_each_other_to_the_end_add_up) { cr_expect(eq(int, check_tree(4, 10), OK)); }
Test(why, a_gap_between_parts_is_refused) { cr_expect(eq(int, check_tree(5, 10), ERR_CHECK)); }
Test(why, an_overlap_is_refused) { cr_expect(eq(int, check_tree(3, 10), ERR_CHECK)); }
Test(why, parts_that_end_early_are_refused) { cr_expect(eq(int, check_tree(4, 9), ERR_CHECK)); }
Test(why, parts_that_end_late_are_refused) { cr_expect(eq(int, check_tree(4, 11), ERR_CHECK)); }

Test(why, nobody_asks_costs_nothing)
{
	why_close(NULL, why_open(NULL, (struct why_span){.begin = 1}), 2);
	cr_expect(eq(sz, why_count(NULL), 0));
}

/* --- picks ----------------------------------------------------------------------------------------------------- */

static void see(struct watch *w, const cycles_t *costs, size_t n)
{
	struct err err;
	for (size_t i = 0; i < n; i++) {
		struct watched a = {.number = i + 1, .cost = costs[i]};
		why_reset(&w->why);
		add(&w->why, 0, costs[i]);
		cr_assert(eq(int, watch_access(w, &a, &err), OK));
	}
	watch_sort(w);
}

Test(watch, keeps_the_slowest_and_of_equal_ones_the_first)
{
	static const cycles_t costs[] = {5, 9, 1, 9, 7, 9, 2};
	struct watch w;
	watch_init(&w, NULL, 3);
	see(&w, costs, 7);
	cr_assert(eq(sz, w.count, 3));
	cr_expect(eq(u64, w.pick[0].number, 2));
	cr_expect(eq(u64, w.pick[1].number, 4));
	cr_expect(eq(u64, w.pick[2].number, 6));
	cr_expect(eq(u64, w.pick[2].why.span[0].end, 9));
	watch_fini(&w);
}

Test(watch, keeps_the_numbers_that_were_asked_for)
{
	static const cycles_t costs[] = {5, 9, 1, 9, 7, 9, 2};
	static const uint64_t at[] = {7, 3, 100};
	struct watch w;
	watch_init(&w, at, 3);
	see(&w, costs, 7);
	cr_assert(eq(sz, w.count, 2));
	cr_expect(eq(u64, w.pick[0].number, 3));
	cr_expect(eq(u64, w.pick[1].number, 7));
	watch_fini(&w);
}

Test(watch, forgets_the_warm_up)
{
	static const cycles_t slow[] = {100}, fast[] = {1};
	struct watch w;
	watch_init(&w, NULL, 1);
	see(&w, slow, 1);
	watch_reset(&w);
	see(&w, fast, 1);
	cr_expect(eq(u64, w.pick[0].cost, 1));
	watch_fini(&w);
}

/* --- streams that share a core ---------------------------------------------------------------------------------- */

static struct trace_source *open_text(const char *text)
{
	struct trace_source *src;
	struct err err;
	cr_assert(eq(int, trace_open_memory("text", text, strlen(text), 0, &src, &err), OK), "%s", err.text);
	return src;
}

/* The stream as letters: accesses by the last digit of their address, switches as the number of the process. */
static void expect_stream(struct trace_source *src, size_t cap, const char *want)
{
	struct record buf[64];
	struct err err;
	char got[64] = "";
	size_t n = 1, at = 0;
	while (n) {
		cr_assert(eq(int, trace_next(src, buf, cap, &n, &err), OK));
		for (size_t i = 0; i < n; i++) {
			bool change = buf[i].kind == REC_SWITCH;
			got[at++] = (char)(change ? '0' + (int)buf[i].arg : 'a' + (int)(buf[i].addr & 15));
		}
	}
	cr_expect(eq(str, got, (char *)want));
}

Test(interleave, each_process_has_its_slice_in_turn_and_who_has_ended_none)
{
	for (size_t cap = 1; cap < 8; cap++) {
		struct trace_source **parts = xcalloc(3, sizeof(*parts));
		parts[0] = open_text("strata-text 1\nL 0 1\nL 1 1\nS 2 1\nL 3 1\nend\n");
		parts[1] = open_text("strata-text 1\nL 8 1\nend\n");
		parts[2] = open_text("strata-text 1\nL 12 1\nF 13 1\nL 14 1\nL 15 1\nend\n");
		struct trace_source *src = trace_interleave(parts, 3, 2);
		expect_stream(src, cap, "ab2i3mno1cd3p");
		trace_close(src);
	}
}

/* Longer than what is read of a stream at once. */
Test(interleave, long_streams_lose_nothing_and_keep_their_order)
{
	enum { LOADS = 1000, SLICE = 7, SLICES = (LOADS + SLICE - 1) / SLICE };
	struct trace_source **parts = xcalloc(2, sizeof(*parts));
	for (unsigned p = 0; p < 2; p++) {
		char *text = NULL;
		size_t size;
		FILE *out = open_memstream(&text, &size);
		fputs("strata-text 1\n", out);
		for (unsigned i = 0; i < LOADS; i++) fprintf(out, "L %u 1\n", p << 20 | i);
		fputs("end\n", out);
		fclose(out);
		parts[p] = open_text(text);
		free(text);
	}
	struct trace_source *src = trace_interleave(parts, 2, SLICE);
	struct record_list list;
	struct err err;
	unsigned next[2] = {0}, switches = 0;
	cr_assert(eq(int, read_all(src, 64, &list, &err), OK), "%s", err.text);
	for (size_t i = 0; i < list.n; i++) {
		unsigned p = (unsigned)(list.r[i].addr >> 20);
		if (list.r[i].kind == REC_SWITCH)
			switches++;
		else
			cr_assert(eq(u64, list.r[i].addr, p << 20 | next[p]++));
	}
	cr_expect(eq(uint, next[0], LOADS));
	cr_expect(eq(uint, next[1], LOADS));
	cr_expect(eq(uint, switches, 2 * SLICES - 1));
	free(list.r);
	trace_close(src);
}
