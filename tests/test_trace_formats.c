/* Importers: the text form, MTR1, and what is neither. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "base/alloc.h"
#include "trace/cut.h"
#include "trace/summary.h"
#include "trace/text.h"
#include "trace_help.h"

/* -- Text -- */

Test(trace_text, every_record_comes_back_from_its_line)
{
	struct trace_info info = {
		.streams = 1, .page_bytes = 65536, .lacks = 5, .meta = "origin=a # b\nempty=\n"};
	struct record_list wrote = {xcalloc(5000, sizeof(struct record)), 5000}, got;
	struct trace_source *src;
	struct err err = {0};
	struct rng rng;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	rng_init(&rng, 1, "test.text");
	trace_text_header(out, &info);
	for (size_t i = 0; i < wrote.n; i++) {
		wrote.r[i] = random_record(&rng);
		trace_text_record(out, &wrote.r[i]);
	}
	trace_text_end(out, wrote.n);
	fclose(out);
	cr_assert(eq(int, trace_open_memory("text", text, size, 0, &src, &err), OK), "%s", err.text);
	cr_expect(eq(str, (char *)trace_source_info(src)->meta, (char *)info.meta));
	cr_expect(eq(u32, trace_source_info(src)->lacks, 5));
	cr_expect(eq(u64, trace_source_info(src)->page_bytes, 65536));
	cr_assert(eq(int, read_all(src, 100, &got, &err), OK), "%s", err.text);
	cr_assert(same_records(&wrote, &got));
	trace_close(src);
	free(got.r);
	free(wrote.r);
	free(text);
}

static enum status read_text(const char *text, struct record_list *got, struct err *err)
{
	return read_memory(text, strlen(text), got, err);
}

Test(trace_text, comments_blanks_and_streams_are_understood)
{
	struct record_list got;
	struct err err = {0};
	const char *text = "strata-text 1\n# a comment\nstreams 2\n\n stream 1\nL 0x10 8\nstream 0\n"
			   "\tF 0x400000 4   # run\r\nS 64 1 dep gap=3 arg=0x5\nend 3\n";
	cr_assert(eq(int, read_text(text, &got, &err), OK), "%s", err.text);
	cr_assert(eq(sz, got.n, 2));
	cr_expect(eq(u64, got.r[0].addr, 0x400000));
	cr_expect(eq(u32, got.r[0].count, 4));
	cr_expect(eq(u8, got.r[1].flags, REC_DEPENDENT));
	cr_expect(eq(u8, got.r[1].kind, REC_STORE));
	cr_expect(eq(u64, got.r[1].addr, 64));
	cr_expect(eq(u16, got.r[1].gap, 3));
	cr_expect(eq(u64, got.r[1].arg, 5));
	free(got.r);
}

/* The sanitizers would tell of arithmetic on the buffer that is not there yet. */
Test(trace_text, a_first_line_of_metadata_may_be_empty)
{
	struct record_list got;
	struct err err = {0};
	cr_assert(eq(int, read_text("strata-text 1\nmeta \nend 0\n", &got, &err), OK), "%s", err.text);
	cr_expect(eq(sz, got.n, 0));
	free(got.r);
}

static const struct {
	const char *text, *message;
} bad_texts[] = {
	{"strata-text 2\nend 0\n", "strata-text 1"},
	{"strata-text 1\nL 0x10 8\n", "truncated"},
	{"strata-text 1\nL 0x10 8\nend 2\n", "number of records"},
	{"strata-text 1\nL 0x10\nend 1\n", "an address and a count"},
	{"strata-text 1\nX 0x10 8\nend 1\n", "kind of record"},
	{"strata-text 1\nL -1 8\nend 1\n", "expected a number"},
	{"strata-text 1\nL 0x 8\nend 1\n", "expected a number"},
	{"strata-text 1\nL 0x10000000000000000 8\nend 1\n", "expected a number"},
	{"strata-text 1\nL 0 4294967296\nend 1\n", "0..4294967295"},
	{"strata-text 1\nL 0 1 gap=65536\nend 1\n", "0..65535"},
	{"strata-text 1\nL 0 1 quick\nend 1\n", "arg="},
	{"strata-text 1\nL 0 1 dep dep dep dep dep dep dep\nend 1\n", "no more words"},
	{"strata-text 1\nstreams 0\nend 0\n", "at least one"},
	{"strata-text 1\npage 3\nend 0\n", "power of two"},
	{"strata-text 1\nlacks sense\nend 0\n", "no_fetch"},
	{"strata-text 1\nstream 1\nend 0\n", "0..0"},
	{"strata-text 1\nL 0 1\npage 4096\nend 1\n", "before the first record"},
	{"strata-text 1\nend 0\nL 0 1\n", "nothing behind"},
};

Test(trace_text, every_mistake_is_named_with_line_and_byte)
{
	for (size_t i = 0; i < sizeof(bad_texts) / sizeof(bad_texts[0]); i++) {
		struct record_list got;
		struct err err = {0};
		cr_assert(eq(int, read_text(bad_texts[i].text, &got, &err), ERR_INPUT), "case %zu", i);
		cr_expect(contains(err.text, bad_texts[i].message), "case %zu: %s", i, err.text);
		cr_expect(contains(err.text, "at byte"), "case %zu: %s", i, err.text);
	}
}

/* -- MTR1 -- */

static const struct {
	const char *name;
	uint64_t fetches, loads, stores, code_pages, data_pages;
} recordings[] = {
	{"gzip", 14870007, 3575554, 1554439, 10, 71},
	{"mawk_random", 14431096, 3852377, 1716527, 9, 21508},
	{"sort", 13365939, 4224567, 2409494, 11, 1235},
	{"sqlite_lookup", 14399502, 4064534, 1535964, 35, 4526},
};

/* Pages and rounded millions are those of the recordings' own description (real/README.md). */
Test(trace_mtr1, the_recordings_hold_what_their_description_says)
{
	for (size_t i = 0; i < sizeof(recordings) / sizeof(recordings[0]); i++) {
		struct trace_source *src;
		struct trace_summary sum;
		struct err err = {0};
		char *path = xasprintf("../shared/real/user/%s.mtr.zst", recordings[i].name);
		cr_assert(eq(int, trace_open(path, 0, &src, &err), OK), "%s", err.text);
		cr_assert(eq(int, trace_summarize(src, &sum, &err), OK), "%s", err.text);
		cr_expect(eq(u64, trace_summary_accesses(&sum), 20000000));
		cr_expect(eq(u64, sum.fetches, recordings[i].fetches));
		cr_expect(eq(u64, sum.instructions, recordings[i].fetches));
		cr_expect(eq(u64, sum.loads, recordings[i].loads));
		cr_expect(eq(u64, sum.stores, recordings[i].stores));
		cr_expect(eq(u64, sum.code_pages, recordings[i].code_pages));
		cr_expect(eq(u64, sum.data_pages, recordings[i].data_pages));
		trace_close(src);
		free(path);
	}
}

#define MTR1_HEADER "MTR1\1\0\0\0\0\0\0\0\0\0\0"
/* Run of 3 at 4 * 16; load of 8 at 100; store of 1 at 99; run of 64 where expected; run of 1 at 8 below expected. */
static const unsigned char mtr1_sample[] = MTR1_HEADER "\0\x0d\x20\x0e\xc8\x01\x03\x01\x00\x40\x05\x03";
enum { MTR1_SAMPLE = sizeof(mtr1_sample) - 1 };

Test(trace_mtr1, records_are_decoded_as_described)
{
	static const struct record expected[] = {
		{.kind = REC_FETCH, .addr = 64, .count = 3},  {.kind = REC_LOAD, .addr = 100, .count = 8},
		{.kind = REC_STORE, .addr = 99, .count = 1},  {.kind = REC_FETCH, .addr = 76, .count = 64},
		{.kind = REC_FETCH, .addr = 324, .count = 1},
	};
	struct record_list want = {(struct record *)expected, 5}, got;
	struct err err = {0};
	cr_assert(eq(int, read_memory(mtr1_sample, MTR1_SAMPLE, &got, &err), OK), "%s", err.text);
	cr_assert(same_records(&want, &got));
	free(got.r);
}

Test(trace_mtr1, a_cut_inside_a_record_is_truncation_at_that_byte)
{
	/* Where a record ends, a shorter file is a whole one: the format has no end mark. */
	static const bool whole[MTR1_SAMPLE + 1] = {
		[16] = true, [18] = true, [21] = true, [23] = true, [25] = true, [MTR1_SAMPLE] = true};
	for (size_t n = 0; n <= MTR1_SAMPLE; n++) {
		struct record_list got;
		struct err err = {0};
		enum status st = read_memory(mtr1_sample, n, &got, &err);
		cr_assert(eq(int, st, whole[n] ? OK : ERR_INPUT), "%zu bytes: %s", n, err.text);
		if (st == OK) free(got.r);
		if (st != OK) cr_assert(contains(err.text, "at byte"), "%s", err.text);
	}
}

Test(trace_mtr1, impossible_numbers_are_errors)
{
	static const struct {
		size_t size;
		const char *bytes;
	} bad[] = {
		{2, "\x00\x00"},                                          /* run of nothing */
		{6, "\x00\x80\x80\x80\x80\x10"},                          /* run of 2^32 instructions */
		{11, "\x0e\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"},     /* number of 65 bits */
		{12, "\x0e\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\x00"}, /* number that goes on */
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		unsigned char file[64] = MTR1_HEADER;
		struct record_list got;
		struct err err = {0};
		memcpy(file + 16, bad[i].bytes, bad[i].size);
		memset(file + 16 + bad[i].size, 0x0e, 30);
		cr_assert(eq(int, read_memory(file, sizeof(file), &got, &err), ERR_INPUT), "case %zu", i);
		cr_expect(contains(err.text, "at byte 16"), "case %zu: %s", i, err.text);
	}
}

Test(trace_mtr1, a_truncated_zstd_layer_is_an_error_at_any_length)
{
	unsigned char packed[256];
	struct record_list got;
	struct err err = {0};
	size_t n = ZSTD_compress(packed, sizeof(packed), mtr1_sample, MTR1_SAMPLE, 3);
	cr_assert(eq(int, read_memory(packed, n, &got, &err), OK), "%s", err.text);
	cr_assert(eq(sz, got.n, 5));
	free(got.r);
	for (size_t cut = 0; cut < n; cut++)
		cr_assert(eq(int, read_memory(packed, cut, &got, &err), ERR_INPUT), "%zu of %zu bytes", cut,
			  n);
}

Test(trace_mtr1, zstd_inside_zstd_is_refused)
{
	unsigned char once[256], twice[512];
	struct record_list got;
	struct err err = {0};
	size_t n = ZSTD_compress(once, sizeof(once), mtr1_sample, MTR1_SAMPLE, 3);
	n = ZSTD_compress(twice, sizeof(twice), once, n, 3);
	cr_assert(eq(int, read_memory(twice, n, &got, &err), ERR_INPUT));
	cr_expect(contains(err.text, "not a trace"), "%s", err.text);
}

/* -- Neither -- */

Test(trace_formats, foreign_empty_and_missing_files_are_errors)
{
	struct record_list got;
	struct err err = {0};
	cr_expect(eq(int, read_memory("", 0, &got, &err), ERR_INPUT));
	cr_expect(eq(int,
		     read_memory("\x7f"
				 "ELF",
				 4, &got, &err),
		     ERR_INPUT));
	cr_expect(contains(err.text, "native mtr1 text"), "%s", err.text);
	cr_expect(eq(int, read_file("/nonexistent", 0, &got, &err), ERR_INPUT));
	cr_expect(eq(int, read_file("/", 0, &got, &err), ERR_INPUT));
}

Test(trace_formats, random_bytes_behind_a_good_beginning_never_crash)
{
	static const char *const heads[] = {"MTR1\1\0\0\0\0\0\0\0\0\0\0\0", "strata-text 1\n##",
					    "\x50\x2a\x4d\x18\x30\0\0\0STRATRC1"};
	struct rng rng;
	rng_init(&rng, 1, "test.fuzz");
	for (int round = 0; round < 6000; round++) {
		unsigned char file[400];
		size_t n = 16 + rng_below(&rng, sizeof(file) - 15);
		struct record_list got;
		struct err err = {0};
		for (size_t i = 0; i < n; i++)
			file[i] = (unsigned char)(rng_next(&rng) >> (rng_next(&rng) & 63));
		memcpy(file, heads[round % 3], 16);
		enum status st = read_memory(file, n, &got, &err);
		cr_assert(st == OK || st == ERR_INPUT);
		if (st == OK) free(got.r);
	}
}

/* -- Windows -- */

Test(trace_cut, a_window_splits_runs_and_counts_accesses)
{
	struct record buf[] = {{.kind = REC_FETCH, .addr = 0, .count = 10},
			       {.kind = REC_LOAD, .addr = 5, .count = 8},
			       {.kind = REC_SVC},
			       {.kind = REC_FETCH, .addr = 40, .count = 10}};
	struct trace_cut cut = {.skip = 4, .count = 9};
	cr_assert(eq(sz, trace_cut_batch(&cut, buf, 4), 4));
	cr_expect(eq(u64, buf[0].addr, 16));
	cr_expect(eq(u32, buf[0].count, 6));
	cr_expect(eq(u8, buf[2].kind, REC_SVC));
	cr_expect(eq(u32, buf[3].count, 2));
	cr_expect(eq(u64, buf[3].addr, 40));
	cr_expect(eq(u64, cut.count, 0));
}
