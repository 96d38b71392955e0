#include "cli/trace_info.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void trace_print_summary(const struct trace_info *info, const struct trace_summary *s)
{
	if (info->records != TRACE_UNKNOWN && info->records != s->records)
		printf("  %-16s%14" PRIu64 "  of kinds unknown to this version, left out\n", "unknown",
		       info->records - s->records);
	for (unsigned kind = 0; kind < 256; kind++)
		if (s->by_kind[kind])
			printf("  %-16s%14" PRIu64 "\n", record_kind_text(kind), s->by_kind[kind]);
	printf("  %-16s%14" PRIu64 "\n", "records", s->records);
	printf("  %-16s%14" PRIu64 "\n", "instructions", s->instructions);
	printf("  %-16s%14" PRIu64 "  instructions fetched + loads + stores\n", "accesses",
	       trace_summary_accesses(s));
	printf("  %-16s%14" PRIu64 "  of 4 KiB\n", "code pages", s->code_pages);
	printf("  %-16s%14" PRIu64 "  of 4 KiB\n", "data pages", s->data_pages);
	printf("  %-16s%14" PRIu64 "  of 4 KiB\n", "pages", s->all_pages);
	if (info->frames) printf("  %-16s%14" PRIu64 "\n", "frames", info->frames);
}

static void print_lacks(uint32_t lacks)
{
	printf("lacks     ");
	for (int i = 0; stream_lack_names[i]; i++)
		if (lacks >> i & 1) printf(" %s", stream_lack_names[i]);
	puts(lacks ? "" : " nothing");
}

/* Each line of the notes on one of its own. */
static void print_meta(const char *meta)
{
	while (*meta) {
		size_t length = strcspn(meta, "\n");
		fputs("meta       ", stdout);
		fwrite(meta, 1, length, stdout);
		putchar('\n');
		meta += length + (meta[length] == '\n');
	}
}

void trace_print_heading(const char *path, const struct trace_info *info)
{
	printf("file       %s\nformat     %s\nstreams    %" PRIu32 "\npage       %" PRIu64 " bytes\n", path,
	       info->format, info->streams, info->page_bytes);
	print_lacks(info->lacks);
	printf("hash       %016" PRIx64 "\n", info->hash);
	print_meta(info->meta);
}

json_t *trace_summary_json(const struct trace_info *info, const struct trace_summary *s)
{
	json_t *kinds = json_object();
	for (unsigned kind = 0; kind < 256; kind++)
		if (s->by_kind[kind])
			json_object_set_new(kinds, record_kind_text(kind),
					    json_integer((json_int_t)s->by_kind[kind]));
	return json_pack("{s:o,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "by_kind", kinds, "records",
			 (json_int_t)s->records, "instructions", (json_int_t)s->instructions, "accesses",
			 (json_int_t)trace_summary_accesses(s), "code_pages", (json_int_t)s->code_pages,
			 "data_pages", (json_int_t)s->data_pages, "pages", (json_int_t)s->all_pages, "frames",
			 (json_int_t)info->frames);
}

json_t *trace_heading_json(const char *path, const struct trace_info *info)
{
	char hash[17];
	json_t *lacks = json_array();
	snprintf(hash, sizeof(hash), "%016" PRIx64, info->hash);
	for (int i = 0; stream_lack_names[i]; i++)
		if (info->lacks >> i & 1) json_array_append_new(lacks, json_string(stream_lack_names[i]));
	return json_pack("{s:s,s:s,s:I,s:o,s:s,s:s,s:[]}", "file", path, "format", info->format, "page_bytes",
			 (json_int_t)info->page_bytes, "lacks", lacks, "hash", hash, "meta", info->meta,
			 "streams");
}
