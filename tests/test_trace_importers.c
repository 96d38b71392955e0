/* Traces of other tools: lackey, ChampSim, DynamoRIO, and what is known but not read. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "trace/wire.h"
#include "trace_help.h"

static bool is(const struct record *r, unsigned kind, uint64_t addr, uint32_t count)
{
	struct record want = {.kind = (uint8_t)kind, .addr = addr, .count = count};
	return !memcmp(r, &want, sizeof(want));
}

/* Reads and compares; the last of `want` has count 0. */
static void expect(const char *name, const void *bytes, size_t size, const struct record *want)
{
	struct record_list got = {0};
	struct err err = {0};
	size_t n = 0;
	cr_assert(eq(int, read_memory(bytes, size, &got, &err), OK), "%s: %s", name, err.text);
	while (want[n].count) n++;
	cr_assert(eq(sz, got.n, n), "%s", name);
	for (size_t i = 0; i < n; i++)
		cr_expect(is(&got.r[i], want[i].kind, want[i].addr, want[i].count), "%s: record %zu", name,
			  i);
	free(got.r);
}

static void expect_refusal(const void *bytes, size_t size, const char *message)
{
	struct record_list got = {0};
	struct err err = {0};
	cr_assert(eq(int, read_memory(bytes, size, &got, &err), ERR_INPUT), "%s", message);
	cr_expect(contains(err.text, message), "%s", err.text);
}

#define F(a, n) \
	{ \
		.kind = REC_FETCH, .addr = (a), .count = (n) \
	}
#define L(a, n) \
	{ \
		.kind = REC_LOAD, .addr = (a), .count = (n) \
	}
#define S(a, n) \
	{ \
		.kind = REC_STORE, .addr = (a), .count = (n) \
	}
#define END \
	{ \
		.count = 0 \
	}

/* -- lackey -- */

Test(trace_lackey, instructions_become_runs_that_end_where_data_are_accessed)
{
	static const char text[] =
		"==9== Lackey\n==9== \nI  04001000,4\nI  04001004,4\n L 1fff000628,8\n"
		"I  04001008,4\n M 1000,4\nI  04001000,4\n S 1fff000630,16\n==9== Exit code: 0\n";
	static const struct record want[] = {
		F(0x4001000, 2), L(0x1fff000628, 8), F(0x4001008, 1),     L(0x1000, 4),
		S(0x1000, 4),    F(0x4001000, 1),    S(0x1fff000630, 16), END};
	expect("lackey", text, strlen(text), want);
}

Test(trace_lackey, instructions_of_another_length_count_as_one_at_their_address_rounded_down)
{
	static const char text[] = "I  1001,3\nI  1004,1\nI  1005,7\n";
	static const struct record want[] = {F(0x1000, 2), F(0x1004, 1), END};
	expect("x86", text, strlen(text), want);
}

Test(trace_lackey, lines_that_are_none_are_named)
{
	static const struct {
		const char *text, *message;
	} bad[] = {
		{"I  1000,4\nI  10", "memory:2: expected \"I  ADDRESS,BYTES\""},
		{"I  1000,4\n L 1000,\n", "found \" L 1000,\""},
		{"I  1000,4\n L 1000,8 \n", "memory:2"},
		{"I  1000,4\n L 1000,0\n", "memory:2"},
		{"I  1000,4\n L -1000,8\n", "memory:2"},
		{"I  1000,4\n X 1000,8\n", "memory:2"},
		{"I  1000,4\n L 11111111111111111,8\n", "memory:2"},
		{"I  1000,4\n L 1000,100000\n", "memory:2"},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		expect_refusal(bad[i].text, strlen(bad[i].text), bad[i].message);
}

/* -- ChampSim -- */

enum { INSTR = 64 };

static void put64(uint8_t *to, uint64_t v) { memcpy(to, &v, sizeof(v)); }

/* Three instructions; the second loads twice and stores once, from the middle of its slots. */
static void champsim(uint8_t file[3 * INSTR])
{
	memset(file, 0, 3 * INSTR);
	for (int i = 0; i < 3; i++) put64(file + i * INSTR, 0x400000 + 4u * (unsigned)i);
	put64(file + INSTR + 24, 0x9000);
	put64(file + INSTR + 32, 0x7000);
	put64(file + INSTR + 48, 0x8004);
	file[2 * INSTR + 8] = file[2 * INSTR + 9] = 1;
}

Test(trace_champsim, loads_stand_before_stores_and_empty_slots_are_none)
{
	uint8_t file[3 * INSTR];
	static const struct record want[] = {F(0x400000, 2), L(0x7000, 8),   L(0x8004, 8),
					     S(0x9000, 8),   F(0x400008, 1), END};
	champsim(file);
	expect("champsim", file, sizeof(file), want);
}

Test(trace_champsim, what_cannot_be_an_instruction_is_named_by_its_byte)
{
	enum { COUNT = 100 }; /* more than what is looked at to know the format */
	uint8_t *file = xcalloc(COUNT, INSTR);
	for (unsigned i = 0; i < COUNT; i++) put64(file + i * INSTR, 0x400000 + 4 * i);
	expect_refusal(file, COUNT * INSTR - 1, "at byte 6336: truncated");
	file[99 * INSTR + 8] = 2;
	expect_refusal(file, COUNT * INSTR, "at byte 6336: not an instruction of ChampSim");
	file[99 * INSTR + 8] = 0;
	put64(file + 98 * INSTR, 0);
	expect_refusal(file, COUNT * INSTR, "at byte 6272: not an instruction of ChampSim");
	file[INSTR + 9] = 3;
	expect_refusal(file, COUNT * INSTR, "not a trace of a known format");
	memset(file, 0, COUNT * INSTR);
	expect_refusal(file, COUNT * INSTR, "not a trace of a known format");
	free(file);
}

/* -- DynamoRIO -- */

static void entry(struct wire_buffer *b, uint16_t type, uint16_t size, uint64_t addr)
{
	wire_put(b, &type, 2);
	wire_put(b, &size, 2);
	wire_put64(b, addr);
}

/* An instruction after an encoding, one that loads, a bundle of two, markers between, and a store. */
static struct wire_buffer drmemtrace(void)
{
	struct wire_buffer b = {0};
	entry(&b, 25, 0, 5);
	entry(&b, 28, 12, 5);
	entry(&b, 22, 0, 4711);
	entry(&b, 47, 4, 0xf100001f);
	entry(&b, 10, 4, 0x42e270);
	entry(&b, 13, 4, 0x42e274);
	entry(&b, 0, 8, 0x7ff000);
	entry(&b, 2, 64, 0x123440);
	entry(&b, 28, 2, 13000000000000000);
	entry(&b, 17, 2, 0x0404);
	entry(&b, 1, 4, 0x7ff010);
	return b;
}

Test(trace_drmemtrace, instructions_loads_and_stores_are_taken_and_markers_passed_over)
{
	struct wire_buffer b = drmemtrace();
	static const struct record want[] = {F(0x42e270, 2), L(0x7ff000, 8), F(0x42e278, 2), S(0x7ff010, 4),
					     END};
	entry(&b, 26, 0, 4711);
	expect("drmemtrace", b.bytes, b.size, want);
	free(b.bytes);
}

Test(trace_drmemtrace, a_trace_is_complete_with_its_footer_and_not_behind_it)
{
	struct wire_buffer b = drmemtrace();
	expect_refusal(b.bytes, b.size, "at byte 132: truncated: the trace ends without its footer");
	expect_refusal(b.bytes, b.size - 5, "at byte 120: truncated");
	entry(&b, 26, 0, 4711);
	entry(&b, 10, 4, 0x42e270);
	expect_refusal(b.bytes, b.size, "at byte 144: expected nothing behind the footer");
	free(b.bytes);
}

Test(trace_drmemtrace, entries_that_are_none_are_named)
{
	struct wire_buffer b = drmemtrace();
	size_t size = b.size;
	entry(&b, 256, 0, 0);
	expect_refusal(b.bytes, b.size, "at byte 132: not an entry");
	b.size = size;
	entry(&b, 17, 9, 0);
	expect_refusal(b.bytes, b.size, "at byte 132: a bundle of more than 8");
	free(b.bytes);
}

/* -- What is known and not read -- */

Test(trace_foreign, a_compressed_file_is_refused_with_the_command_that_helps)
{
	static const struct {
		const char *bytes, *message;
	} files[] = {
		{"\x1f\x8b\x08 and more", "gzip -dc FILE | zstd"},
		{"\xfd\x37zXZ and more", "xz -dc FILE | zstd"},
		{"BZh91AY", "bzip2 -dc FILE | zstd"},
		{"PK\3\4 and more", "unzip -p FILE"},
		{"gem5 and more", "gem5"},
		{"PERFILE2 and more", "perf script"},
		{"neither", "known format: native mtr1 text qemu_int ftrace lackey drmemtrace champsim"},
	};
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		expect_refusal(files[i].bytes, strlen(files[i].bytes), files[i].message);
}
