/* trace_info.h - what `strata trace info` says of a file and of each of its streams, for people and as JSON. */
#ifndef CLI_TRACE_INFO_H
#define CLI_TRACE_INFO_H

#include <jansson.h>

#include "trace/summary.h"

void trace_print_heading(const char *path, const struct trace_info *info);
void trace_print_summary(const struct trace_info *info, const struct trace_summary *s);

/* New references. The heading has an empty array "streams" for the summaries. */
json_t *trace_heading_json(const char *path, const struct trace_info *info);
json_t *trace_summary_json(const struct trace_info *info, const struct trace_summary *s);

#endif
