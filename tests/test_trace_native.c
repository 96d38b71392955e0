/* The native trace format: round trips, seeking, and every way in which a file can be damaged. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/alloc.h"
#include "trace/frame.h"
#include "trace/native.h"
#include "trace/wire.h"
#include "trace/writer.h"
#include "trace_help.h"

static struct record_list random_list(uint64_t seed, size_t n)
{
	struct rng rng;
	struct record_list list = {xcalloc(n, sizeof(struct record)), n};
	rng_init(&rng, seed, "test.trace");
	for (size_t i = 0; i < n; i++) list.r[i] = random_record(&rng);
	return list;
}

/* What a program does: runs of fetches with loads and stores of usual sizes between them. */
static struct record_list program_list(uint64_t seed, size_t n)
{
	struct rng rng;
	struct record_list list = {xcalloc(n, sizeof(struct record)), n};
	uint64_t pc = 0x400000;
	rng_init(&rng, seed, "test.program");
	for (size_t i = 0; i < n; i++) {
		if (i % 3 == 0) {
			list.r[i] = (struct record){
				.kind = REC_FETCH, .addr = pc, .count = 1 + (uint32_t)rng_below(&rng, 8)};
			pc = rng_below(&rng, 4) ? pc + 4 * list.r[i].count
						: 0x400000 + 4 * rng_below(&rng, 1000);
		} else {
			list.r[i] = (struct record){.kind = REC_LOAD + i % 2,
						    .addr = 0x7f0000 + 8 * rng_below(&rng, 4096),
						    .count = 8};
		}
	}
	return list;
}

Test(trace_native, records_of_every_kind_and_extreme_values_come_back)
{
	struct err err;
	for (uint64_t seed = 0; seed < 8; seed++) {
		struct record_list wrote = random_list(seed, seed * 700), got = {0};
		char *path = temporary_path("t.stt");
		write_native(path, &wrote, 1);
		cr_assert(eq(int, read_file(path, 0, &got, &err), OK));
		cr_assert(same_records(&wrote, &got));
		remove_temporary(path);
		free(got.r);
		free(wrote.r);
	}
}

Test(trace_native, streams_of_several_threads_are_kept_apart)
{
	struct record_list wrote[3] = {program_list(1, 400000), {NULL, 0}, random_list(2, 1000)};
	char *path = temporary_path("t.stt");
	struct err err;
	write_native(path, wrote, 3);
	for (uint32_t i = 0; i < 3; i++) {
		struct record_list got = {0};
		cr_assert(eq(int, read_file(path, i, &got, &err), OK));
		cr_assert(same_records(&wrote[i], &got));
		free(got.r);
		free(wrote[i].r);
	}
	struct record_list none;
	cr_assert(eq(int, read_file(path, 3, &none, &err), ERR_INPUT));
	remove_temporary(path);
}

Test(trace_native, description_and_totals_are_known_before_reading)
{
	struct record_list wrote[2] = {program_list(1, 3000), program_list(2, 500)};
	char *path = temporary_path("t.stt");
	struct trace_source *src;
	struct err err;
	uint64_t instructions = 0;
	for (size_t i = 0; i < wrote[0].n; i++) instructions += record_instructions(&wrote[0].r[i]);
	write_native(path, wrote, 2);
	cr_assert(eq(int, trace_open(path, 0, &src, &err), OK));
	const struct trace_info *info = trace_source_info(src);
	cr_expect(eq(u32, info->streams, 2));
	cr_expect(eq(u32, info->lacks, STREAM_NO_SIZES));
	cr_expect(eq(u64, info->page_bytes, 16384));
	cr_expect(eq(u64, info->records, 3000));
	cr_expect(eq(u64, info->file_records, 3500));
	cr_expect(eq(u64, info->instructions, instructions));
	cr_expect(eq(str, (char *)info->meta, (char *)"a=1\nb=2\n"));
	trace_close(src);
	remove_temporary(path);
	free(wrote[0].r);
	free(wrote[1].r);
}

Test(trace_native, skipping_gives_the_same_records_as_reading_on)
{
	static const uint64_t skips[] = {0, 1, 499, 100000, 349999, 600000, 700000, 800000};
	struct record_list wrote = program_list(3, 700000);
	char *path = temporary_path("t.stt");
	struct err err;
	write_native(path, &wrote, 1);
	for (size_t i = 0; i < sizeof(skips) / sizeof(skips[0]); i++) {
		struct trace_source *src;
		struct record_list got;
		uint64_t skip = skips[i] < wrote.n ? skips[i] : wrote.n;
		cr_assert(eq(int, trace_open(path, 0, &src, &err), OK));
		cr_assert(lt(u64, 1, trace_source_info(src)->frames));
		cr_assert(eq(int, trace_skip(src, skips[i], &err), OK));
		cr_assert(eq(int, read_all(src, 4096, &got, &err), OK));
		struct record_list rest = {wrote.r + skip, wrote.n - skip};
		cr_assert(same_records(&rest, &got));
		trace_close(src);
		free(got.r);
	}
	remove_temporary(path);
	free(wrote.r);
}

Test(trace_native, the_stream_does_not_depend_on_the_size_of_batches)
{
	static const size_t caps[] = {1, 7, 4096, 1000000};
	struct record_list wrote = program_list(4, 30000);
	char *path = temporary_path("t.stt");
	struct err err;
	write_native(path, &wrote, 1);
	for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++) {
		struct trace_source *src;
		struct record_list got;
		cr_assert(eq(int, trace_open(path, 0, &src, &err), OK));
		cr_assert(eq(int, read_all(src, caps[i], &got, &err), OK));
		cr_assert(same_records(&wrote, &got));
		trace_close(src);
		free(got.r);
	}
	remove_temporary(path);
	free(wrote.r);
}

Test(trace_native, kinds_that_this_version_does_not_know_are_left_out)
{
	struct record_list wrote = random_list(5, 3000), got,
			   known = {xcalloc(3000, sizeof(struct record)), 0};
	char *path = temporary_path("t.stt");
	struct err err;
	for (size_t i = 0; i < wrote.n; i++) {
		if (i % 3 == 0)
			wrote.r[i].kind = 200;
		else
			known.r[known.n++] = wrote.r[i];
	}
	write_native(path, &wrote, 1);
	cr_assert(eq(int, read_file(path, 0, &got, &err), OK));
	cr_assert(same_records(&known, &got));
	remove_temporary(path);
	free(got.r);
	free(known.r);
	free(wrote.r);
}

Test(trace_native, the_same_records_make_the_same_bytes)
{
	struct record_list wrote = random_list(6, 2000);
	char *a = temporary_path("a.stt"), *b = temporary_path("b.stt");
	size_t na, nb;
	write_native(a, &wrote, 1);
	write_native(b, &wrote, 1);
	unsigned char *bytes_a = slurp(a, &na), *bytes_b = slurp(b, &nb);
	cr_assert(eq(sz, na, nb));
	cr_assert(eq(int, memcmp(bytes_a, bytes_b, na), 0));
	remove_temporary(a);
	remove_temporary(b);
	free(bytes_a);
	free(bytes_b);
	free(wrote.r);
}

/* Either an error with a place and a reason, or exactly the records that were written. */
static void expect_error_or_same(const unsigned char *bytes, size_t size, const struct record_list *wrote)
{
	struct record_list got;
	struct err err = {0};
	enum status st = read_memory(bytes, size, &got, &err);
	if (st == OK) {
		cr_assert(same_records(wrote, &got));
		free(got.r);
	} else {
		cr_assert(eq(int, st, ERR_INPUT));
		cr_assert(contains(err.text, "at byte") || contains(err.text, "stream"), "%s", err.text);
	}
}

Test(trace_native, every_truncation_is_an_error)
{
	struct record_list wrote = random_list(7, 60), got;
	char *path = temporary_path("t.stt");
	struct err err;
	size_t size;
	write_native(path, &wrote, 1);
	unsigned char *bytes = slurp(path, &size);
	for (size_t n = 0; n < size; n++) {
		cr_assert(eq(int, read_memory(bytes, n, &got, &err), ERR_INPUT), "%zu of %zu bytes", n, size);
		cr_assert(contains(err.text, "at byte"), "%s", err.text);
	}
	remove_temporary(path);
	free(bytes);
	free(wrote.r);
}

Test(trace_native, every_flipped_byte_is_an_error_or_changes_nothing)
{
	static const unsigned char flips[] = {0x01, 0x80, 0xff};
	struct record_list wrote = random_list(8, 60);
	char *path = temporary_path("t.stt");
	size_t size;
	write_native(path, &wrote, 1);
	unsigned char *bytes = slurp(path, &size);
	for (size_t at = 0; at < size; at++) {
		for (size_t f = 0; f < sizeof(flips); f++) {
			bytes[at] ^= flips[f];
			expect_error_or_same(bytes, size, &wrote);
			bytes[at] ^= flips[f];
		}
	}
	remove_temporary(path);
	free(bytes);
	free(wrote.r);
}

Test(trace_native, bytes_behind_the_end_and_torn_middles_are_errors)
{
	struct record_list wrote = program_list(9, 400000), got;
	char *path = temporary_path("t.stt");
	struct err err;
	size_t size;
	write_native(path, &wrote, 1);
	unsigned char *bytes = slurp(path, &size), *longer = xcalloc(size + 1, 1);
	memcpy(longer, bytes, size);
	cr_expect(eq(int, read_memory(longer, size + 1, &got, &err), ERR_INPUT));
	memset(bytes + size / 2, 0, 512);
	cr_expect(eq(int, read_memory(bytes, size, &got, &err), ERR_INPUT));
	cr_expect(contains(err.text, "at byte"), "%s", err.text);
	remove_temporary(path);
	free(bytes);
	free(longer);
	free(wrote.r);
}

/* Gives the index its checksum again after it was forged. */
static void seal_index(unsigned char *bytes, size_t size, uint64_t index)
{
	uint64_t hash = XXH64(bytes + index, size - index - 16, 0);
	memcpy(bytes + size - 16, &hash, sizeof(hash));
}

Test(trace_native, an_index_that_lies_with_a_good_checksum_is_an_error)
{
	struct record_list wrote = random_list(10, 100), got;
	char *path = temporary_path("t.stt");
	struct err err;
	size_t size;
	write_native(path, &wrote, 1);
	unsigned char *bytes = slurp(path, &size);
	uint64_t index = wire_get64(bytes + size - NATIVE_FOOTER_BYTES) + NATIVE_SKIP_HEAD;
	size_t from = (size_t)index, to = size - 16;
	for (size_t at = from; at < to; at++) {
		unsigned char *forged = xcalloc(size, 1);
		memcpy(forged, bytes, size);
		forged[at] ^= 0xff;
		seal_index(forged, size, index);
		cr_assert(eq(int, read_memory(forged, size, &got, &err), ERR_INPUT), "byte %zu of the index",
			  at - from);
		free(forged);
	}
	remove_temporary(path);
	free(bytes);
	free(wrote.r);
}

/* Under the sanitizers this shows that the unchecked decoding loop stays inside what frame_open has admitted. */
Test(trace_native, a_frame_that_lies_with_a_good_checksum_decodes_within_its_bounds_or_is_an_error)
{
	struct frame_encoder e = {0};
	struct frame_decoder *d = xcalloc(1, sizeof(*d));
	struct record out[64];
	struct err err = {0};
	struct rng rng;
	uint64_t hash, refused = 0;
	rng_init(&rng, 12, "test.frame");
	frame_encoder_init(&e);
	for (int i = 0; i < 50; i++) {
		struct record r = random_record(&rng);
		cr_assert(frame_add(&e, &r));
	}
	frame_finish(&e, 0, &hash);
	for (int round = 0; round < 20000; round++) {
		size_t size = e.out.size;
		unsigned char *forged = xcalloc(size, 1); /* exactly as large, so that reading on is seen */
		memcpy(forged, e.out.bytes, size);
		for (uint64_t i = rng_below(&rng, 3) + 1; i > 0; i--)
			forged[8 + rng_below(&rng, size - 8)] ^= (unsigned char)(1 + rng_below(&rng, 255));
		hash = XXH64(forged + 8, size - 8, 0);
		memcpy(forged, &hash, sizeof(hash));
		enum status st = frame_open(d, forged, size, "frame", &err);
		while (st == OK && d->done < d->records) frame_decode(d, out, 64);
		refused += st != OK;
		free(forged);
	}
	cr_expect(lt(u64, 1000, refused));
	frame_encoder_free(&e);
	free(d);
}

Test(trace_native, an_aborted_writer_leaves_the_old_file_and_nothing_else)
{
	struct record_list wrote = program_list(11, 100), got;
	struct trace_description d = {.streams = 1, .page_bytes = 4096};
	struct trace_writer *w;
	struct err err;
	char *path = temporary_path("t.stt");
	write_native(path, &wrote, 1);
	cr_assert(eq(int, trace_writer_open(path, &d, &w, &err), OK));
	cr_assert(eq(int, trace_write(w, 0, wrote.r, 50, &err), OK));
	trace_writer_abort(w);
	cr_assert(eq(int, read_file(path, 0, &got, &err), OK));
	cr_assert(same_records(&wrote, &got));
	free(got.r);
	free(wrote.r);
	char *dir = xstrdup(path);
	*strrchr(dir, '/') = 0;
	unlink(path);
	cr_expect(eq(int, rmdir(dir), 0), "something was left in %s", dir);
	free(dir);
	free(path);
}

Test(trace_native, a_place_that_cannot_be_written_is_a_host_error)
{
	struct trace_description d = {.streams = 1, .page_bytes = 4096};
	struct trace_writer *w;
	struct err err;
	cr_assert(eq(int, trace_writer_open("/nonexistent/t.stt", &d, &w, &err), ERR_HOST));
}
