/* Prefetchers of caches by themselves: what each proposes, and what all must keep to. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#include "base/rng.h"
#include "mem/line_prefetch.h"

enum { LINE_BITS = 6 };

struct trained {
	const struct line_prefetcher *how;
	struct line_prefetch_params params;
	void *state;
	cycles_t now;
	struct line_prefetch_list list; /* of the latest use */
};

static struct trained open_prefetcher(unsigned kind, uint64_t degree, uint64_t table)
{
	struct trained t = {
		.how = line_prefetchers[kind],
		.params = {
			.kind = kind, .degree = degree, .distance = 1, .confirm = 2, .table_entries = table}};
	if (t.how->state_bytes) t.state = calloc(1, t.how->state_bytes(&t.params));
	return t;
}

enum outcome { MISS, HIT, FIRST_USE };

static void use(struct trained *t, uint64_t pc, uint64_t address, enum outcome outcome)
{
	struct line_prefetch_use u = {.line = address >> LINE_BITS,
				      .address = address,
				      .line_bits = LINE_BITS,
				      .pc = pc,
				      .now = t->now,
				      .hit = outcome != MISS,
				      .first = outcome == FIRST_USE};
	t->list = (struct line_prefetch_list){.count = 0};
	t->how->train(t->state, &t->params, &u, &t->list);
}

static void use_line(struct trained *t, uint64_t line, enum outcome outcome)
{
	use(t, 0, line << LINE_BITS, outcome);
}

static bool proposes(const struct trained *t, uint64_t line)
{
	for (unsigned i = 0; i < t->list.count; i++)
		if (t->list.line[i] == line) return true;
	return false;
}

/* --- contract ----------------------------------------------------------------------------------------------------- */

struct contract_case {
	unsigned kind;
	uint64_t degree, table;
};

static struct contract_case contract_cases[(LINE_PREFETCH_COUNT - 1) * 4];

static struct criterion_test_params all_prefetchers(void)
{
	static const uint64_t sizes[4][2] = {{1, 1}, {2, 3}, {8, 64}, {4, 1000}};
	unsigned n = 0;
	for (unsigned kind = 1; kind < LINE_PREFETCH_COUNT; kind++)
		for (unsigned i = 0; i < 4; i++)
			contract_cases[n++] = (struct contract_case){kind, sizes[i][0], sizes[i][1]};
	return cr_make_param_array(struct contract_case, contract_cases, n);
}

#define CONTRACT(sentence) \
	ParameterizedTestParameters(line_prefetch, sentence) { return all_prefetchers(); } \
	ParameterizedTest(struct contract_case *c, line_prefetch, sentence)

CONTRACT(each_has_the_name_of_its_row_and_a_source)
{
	cr_expect(eq(str, (char *)line_prefetchers[c->kind]->name, (char *)line_prefetch_names[c->kind]));
	cr_expect(lt(sz, 10, strlen(line_prefetchers[c->kind]->source)));
}

/* Runs of lines in both directions among strays, and lines that arrive, some late. */
static void random_use(struct trained *t, struct rng *r, uint64_t *at)
{
	uint64_t kind = rng_below(r, 16);
	*at = kind == 0 ? rng_next(r) >> 14 : kind < 9 ? *at + 64 : kind < 12 ? *at - 64 : *at + 192;
	t->now += rng_below(r, 50);
	use(t, 0x400000 + 4 * rng_below(r, 20), *at, (enum outcome)rng_below(r, 3));
	if (!t->how->brought) return;
	t->how->brought(t->state, *at >> LINE_BITS, LINE_BITS, t->now + rng_below(r, 300), rng_below(r, 2));
}

/* Bytes behind the state stay as they are. */
CONTRACT(each_stays_within_its_state)
{
	struct trained t = open_prefetcher(c->kind, c->degree, c->table);
	size_t bytes = t.how->state_bytes ? t.how->state_bytes(&t.params) : 0;
	uint64_t at = 1 << 30;
	struct rng r;
	cr_expect(eq(sz, bytes % 8, 0));
	rng_init(&r, c->table, "line_prefetch");
	t.state = realloc(t.state, bytes + 64);
	memset((char *)t.state + bytes, 0x5a, 64);
	for (unsigned i = 0; i < 20000; i++) random_use(&t, &r, &at);
	for (unsigned i = 0; i < 64; i++) cr_assert(eq(chr, ((char *)t.state)[bytes + i], 0x5a));
	free(t.state);
}

CONTRACT(each_proposes_the_same_after_the_same_uses)
{
	struct trained a = open_prefetcher(c->kind, c->degree, c->table),
		       b = open_prefetcher(c->kind, c->degree, c->table);
	uint64_t at[2] = {1 << 30, 1 << 30};
	struct rng r, s;
	rng_init(&r, c->table, "line_prefetch");
	s = r;
	for (unsigned i = 0; i < 5000; i++) {
		random_use(&a, &r, &at[0]);
		random_use(&b, &s, &at[1]);
		cr_assert(eq(u32, a.list.count, b.list.count));
		for (unsigned k = 0; k < a.list.count; k++)
			cr_assert(eq(u64, a.list.line[k], b.list.line[k]));
	}
	free(a.state);
	free(b.state);
}

CONTRACT(none_proposes_the_line_that_was_asked_for_or_one_twice)
{
	struct trained t = open_prefetcher(c->kind, c->degree, c->table);
	uint64_t at = 1 << 30, proposed = 0;
	struct rng r;
	rng_init(&r, c->table + 1, "line_prefetch");
	for (unsigned i = 0; i < 5000; i++) {
		random_use(&t, &r, &at);
		cr_assert(not(proposes(&t, at >> LINE_BITS)));
		for (unsigned k = 0; k < t.list.count; k++)
			for (unsigned l = 0; l < k; l++) cr_assert(ne(u64, t.list.line[k], t.list.line[l]));
		proposed += t.list.count;
	}
	for (uint64_t i = 0; i < 20000; i++) {
		use_line(&t, 1000 + i, MISS);
		if (t.how->brought) t.how->brought(t.state, 1000 + i, LINE_BITS, t.now, false);
		t.now += 10;
		proposed += t.list.count;
	}
	cr_expect(lt(u64, 0, proposed), "a sequence leads to something");
	free(t.state);
}

/* --- the rules ---------------------------------------------------------------------------------------------------- */

Test(line_prefetch, next_line_goes_as_far_as_its_degree)
{
	struct trained t = open_prefetcher(LINE_PREFETCH_next_line, 3, 1);
	use_line(&t, 100, MISS);
	cr_expect(eq(u32, t.list.count, 3));
	cr_expect(proposes(&t, 101) && proposes(&t, 102) && proposes(&t, 103));
}

Test(line_prefetch, next_line_goes_on_when_what_it_brought_is_used_first)
{
	struct trained t = open_prefetcher(LINE_PREFETCH_next_line, 1, 1);
	use_line(&t, 100, FIRST_USE);
	cr_expect(proposes(&t, 101));
	use_line(&t, 100, HIT);
	cr_expect(eq(u32, t.list.count, 0));
}

Test(line_prefetch, next_line_on_miss_acts_on_misses_only)
{
	struct trained t = open_prefetcher(LINE_PREFETCH_next_line_on_miss, 2, 1);
	use_line(&t, 100, FIRST_USE);
	cr_expect(eq(u32, t.list.count, 0));
	use_line(&t, 100, HIT);
	cr_expect(eq(u32, t.list.count, 0));
	use_line(&t, 100, MISS);
	cr_expect(eq(u32, t.list.count, 2));
	cr_expect(proposes(&t, 101) && proposes(&t, 102));
}

/* Chen and Baer, figure 3: a stride is known at the second access and sure at the third. */
Test(line_prefetch, stride_follows_a_stride_once_it_repeats_and_each_instruction_has_its_own)
{
	struct trained t = open_prefetcher(LINE_PREFETCH_stride, 1, 64);
	use(&t, 0x1000, 0x10000, MISS);
	use(&t, 0x2000, 0x90000, MISS);
	use(&t, 0x1000, 0x10080, MISS);
	cr_expect(eq(u32, t.list.count, 0), "seen once");
	use(&t, 0x2000, 0x8ff00, MISS);
	use(&t, 0x1000, 0x10100, HIT);
	cr_expect(eq(u32, t.list.count, 1), "hits train it");
	cr_expect(proposes(&t, 0x10180 >> LINE_BITS));
	use(&t, 0x2000, 0x8fe00, MISS);
	cr_expect(proposes(&t, 0x8fd00 >> LINE_BITS), "backwards");
	free(t.state);
}

Test(line_prefetch, stride_forgives_one_break_and_unlearns_in_two)
{
	struct trained t = open_prefetcher(LINE_PREFETCH_stride, 1, 1);
	for (uint64_t i = 0; i < 4; i++) use(&t, 1, 0x10000 + 256 * i, MISS);
	cr_expect(eq(u32, t.list.count, 1), "steady");
	use(&t, 1, 0x80000, MISS);
	cr_expect(eq(u32, t.list.count, 0), "initial, and keeps its stride");
	use(&t, 1, 0x80100, MISS);
	cr_expect(proposes(&t, 0x80200 >> LINE_BITS), "steady again at once");
	use(&t, 1, 0x20000, MISS); /* initial */
	use(&t, 1, 0x20040, MISS); /* transient, of 64 */
	use(&t, 1, 0x20100, MISS); /* no prediction, of 192 */
	cr_expect(eq(u32, t.list.count, 0));
	use(&t, 1, 0x201c0, MISS); /* transient */
	cr_expect(eq(u32, t.list.count, 0), "one right is not enough from there");
	use(&t, 1, 0x20280, MISS);
	cr_expect(proposes(&t, 0x20340 >> LINE_BITS));
	free(t.state);
}

Test(line_prefetch, stride_begins_at_its_distance_and_goes_as_far_as_its_degree)
{
	struct trained t = open_prefetcher(LINE_PREFETCH_stride, 2, 1);
	t.params.distance = 4;
	for (uint64_t i = 0; i < 3; i++) use(&t, 1, 128 * i, MISS);
	cr_expect(eq(u32, t.list.count, 2));
	cr_expect(proposes(&t, (256 + 4 * 128) >> LINE_BITS) && proposes(&t, (256 + 5 * 128) >> LINE_BITS));
	free(t.state);
}

Test(line_prefetch, strides_shorter_than_a_line_propose_a_line_once_they_leave_theirs)
{
	struct trained t = open_prefetcher(LINE_PREFETCH_stride, 1, 1);
	for (uint64_t i = 0; i < 7; i++) use(&t, 1, 8 * i, i ? HIT : MISS);
	cr_expect(eq(u32, t.list.count, 0), "the next access is of the same line");
	use(&t, 1, 56, HIT);
	cr_expect(eq(u32, t.list.count, 1));
	cr_expect(proposes(&t, 1));
	free(t.state);
}

static void use_lines(struct trained *t, const uint64_t *line, unsigned count)
{
	for (unsigned i = 0; i < count; i++) use_line(t, line[i], MISS);
}
#define USE_LINES(t, ...) \
	use_lines(t, (const uint64_t[]){__VA_ARGS__}, sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

Test(line_prefetch, stream_follows_misses_that_go_one_way_once_they_are_confirmed)
{
	struct trained t = open_prefetcher(LINE_PREFETCH_stream, 2, 4);
	t.params.distance = 8;
	USE_LINES(&t, 128, 129);
	cr_expect(eq(u32, t.list.count, 0), "one behind the first");
	use_line(&t, 130, MISS);
	cr_expect(eq(u32, t.list.count, 2));
	cr_expect(proposes(&t, 131) && proposes(&t, 132));
	use_line(&t, 131, FIRST_USE);
	cr_expect(eq(u32, t.list.count, 2));
	cr_expect(proposes(&t, 133) && proposes(&t, 134));
	use_line(&t, 131, HIT);
	cr_expect(eq(u32, t.list.count, 0), "only what would miss");
	free(t.state);
}

Test(line_prefetch, stream_goes_down_as_it_goes_up)
{
	struct trained t = open_prefetcher(LINE_PREFETCH_stream, 2, 4);
	t.params.distance = 8;
	USE_LINES(&t, 170, 167, 166);
	cr_expect(eq(u32, t.list.count, 2));
	cr_expect(proposes(&t, 165) && proposes(&t, 164));
	free(t.state);
}

Test(line_prefetch, stream_follows_nothing_that_turns_back)
{
	struct trained t = open_prefetcher(LINE_PREFETCH_stream, 2, 4);
	for (unsigned i = 0; i < 8; i++) {
		use_line(&t, 128 + 3 * (i % 2) + i / 4, MISS);
		cr_expect(eq(u32, t.list.count, 0));
	}
	free(t.state);
}

Test(line_prefetch, stream_follows_several_at_once_and_forgets_the_one_not_used_for_longest)
{
	struct trained t = open_prefetcher(LINE_PREFETCH_stream, 1, 2);
	t.params.distance = 8;
	USE_LINES(&t, 128, 1024, 129, 1025, 130);
	cr_expect(proposes(&t, 131));
	use_line(&t, 1026, MISS);
	cr_expect(proposes(&t, 1027));
	use_line(&t, 4096, MISS); /* takes the row of the first */
	use_line(&t, 131, FIRST_USE);
	cr_expect(eq(u32, t.list.count, 0));
	use_line(&t, 1027, FIRST_USE);
	cr_expect(proposes(&t, 1028));
	free(t.state);
}

Test(line_prefetch, stream_asks_for_each_line_once_and_none_beyond_its_distance_or_the_frame)
{
	struct trained t = open_prefetcher(LINE_PREFETCH_stream, 2, 4);
	t.params.distance = 5;
	uint64_t next = 131, furthest = 0;
	USE_LINES(&t, 128, 129);
	for (uint64_t line = 130; line < 192; line++) {
		use_line(&t, line, FIRST_USE);
		for (unsigned i = 0; i < t.list.count; i++) cr_assert(eq(u64, t.list.line[i], next++));
		cr_assert(le(u64, next - 1, line + 5));
		if (next - 1 - line > furthest) furthest = next - 1 - line;
	}
	cr_expect(eq(u64, furthest, 5));
	cr_expect(eq(u64, next, 192), "the last line of the frame is 191");
	use_line(&t, 192, MISS);
	cr_expect(proposes(&t, 193), "the program went on in the next frame, and so does the stream");
	free(t.state);
}

/* Accesses `step` lines apart every `interval` cycles, where lines take `latency` to come: the offset in use in the end; 0: none. */
static uint64_t learn_offset(struct trained *t, uint64_t step, cycles_t interval, cycles_t latency)
{
	uint64_t offset = 0;
	for (uint64_t i = 0; i < 20000; i++, t->now += interval) {
		uint64_t line = (1 << 20) + step * i;
		t->how->brought(t->state, line, LINE_BITS, t->now + latency, false);
		use_line(t, line, MISS);
		offset = t->list.count ? t->list.line[0] - line : 0;
		if (offset) t->how->brought(t->state, line + offset, LINE_BITS, t->now + latency, true);
	}
	return offset;
}

Test(line_prefetch, best_offset_is_the_least_that_is_in_time)
{
	static const struct {
		uint64_t step, interval, latency, offset;
	} row[] = {{1, 10, 100, 10}, {1, 10, 101, 12}, {1, 100, 100, 1}, {1, 100, 201, 3},
		   {3, 10, 25, 9},   {4, 10, 10, 4},   {4, 10, 11, 8},   {2, 20, 50, 6}};
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct trained t = open_prefetcher(LINE_PREFETCH_best_offset, 1, 1);
		cr_expect(eq(u64, learn_offset(&t, row[i].step, row[i].interval, row[i].latency),
			     row[i].offset),
			  "%lu lines every %lu cycles, %lu to memory", row[i].step, row[i].interval,
			  row[i].latency);
		free(t.state);
	}
}

Test(line_prefetch, best_offset_rests_where_no_offset_leads_anywhere_and_begins_again)
{
	struct trained t = open_prefetcher(LINE_PREFETCH_best_offset, 1, 1);
	struct rng r;
	rng_init(&r, 1, "best_offset");
	use_line(&t, 1 << 20, MISS);
	cr_expect(proposes(&t, (1 << 20) + 1), "the first phase uses an offset of 1");
	for (unsigned i = 0; i < 52 * 100; i++, t.now += 10) {
		uint64_t line = rng_next(&r) >> 20;
		t.how->brought(t.state, line, LINE_BITS, t.now + 100, true);
		use_line(&t, line, MISS);
	}
	cr_expect(eq(u32, t.list.count, 0));
	cr_expect(eq(u64, learn_offset(&t, 1, 10, 100), 10), "lines that misses bring are remembered");
	free(t.state);
}

/* The request that finds the 31st line ends the phase; one less and the offset is the one before. */
Test(line_prefetch, best_offset_takes_a_new_offset_once_a_score_is_31)
{
	struct trained t = open_prefetcher(LINE_PREFETCH_best_offset, 1, 1);
	unsigned uses = 0;
	for (;; uses++) { /* what arrived is always two lines before: only offset 2 ever scores */
		uint64_t line = (1 << 20) + 64 * uses + 2;
		t.how->brought(t.state, line - 1, LINE_BITS, t.now, true); /* stands for line - 2 */
		use_line(&t, line, MISS);
		if (proposes(&t, line + 2)) break;
		cr_assert(proposes(&t, line + 1));
		cr_assert(lt(u32, uses, 52 * 40));
		t.now += 10;
	}
	cr_expect(eq(u32, uses, 30 * 52 + 1), "offset 2 is the second of 52 to be tried");
	free(t.state);
}
