#include "trace/text.h"

#include <inttypes.h>
#include <string.h>

static void put_meta(FILE *out, const char *meta)
{
	while (*meta) {
		size_t n = strcspn(meta, "\n");
		fprintf(out, "meta %.*s\n", (int)n, meta);
		meta += n + (meta[n] == '\n');
	}
}

void trace_text_header(FILE *out, const struct trace_info *info)
{
	fprintf(out, "strata-text 1\nstreams %" PRIu32 "\npage %" PRIu64 "\n", info->streams,
		info->page_bytes);
	if (info->lacks) fputs("lacks", out);
	for (int i = 0; stream_lack_names[i]; i++)
		if (info->lacks >> i & 1) fprintf(out, " %s", stream_lack_names[i]);
	if (info->lacks) fputc('\n', out);
	put_meta(out, info->meta);
}

void trace_text_stream(FILE *out, uint32_t stream) { fprintf(out, "stream %" PRIu32 "\n", stream); }

void trace_text_record(FILE *out, const struct record *r)
{
	fprintf(out, "%s 0x%" PRIx64 " %" PRIu32, record_kind_text(r->kind), r->addr, r->count);
	if (r->arg) fprintf(out, " arg=0x%" PRIx64, r->arg);
	if (r->gap) fprintf(out, " gap=%u", r->gap);
	if (r->flags == REC_DEPENDENT)
		fputs(" dep", out);
	else if (r->flags)
		fprintf(out, " flags=0x%x", r->flags);
	fputc('\n', out);
}

void trace_text_end(FILE *out, uint64_t records) { fprintf(out, "end %" PRIu64 "\n", records); }
