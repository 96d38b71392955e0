/* text.h - the text form of a trace: printing it. Reading is an importer (format_text.c).
 *
 *   strata-text 1
 *   streams 2                       # these four stand before the first record
 *   page 4096
 *   lacks no_fetch no_dependence
 *   meta origin=by hand
 *   stream 0                        # the records that follow are this thread's
 *   F 0x400000 6                    # kind, addr, count; then arg=, gap=, dep, flags= where they are not 0
 *   L 0x7ff0 8 dep
 *   msr 0x0 49664 arg=0x30
 *   end 3                           # number of records; a file without it is truncated
 */
#ifndef TRACE_TEXT_H
#define TRACE_TEXT_H

#include <stdio.h>

#include "trace/source.h"

void trace_text_header(FILE *out, const struct trace_info *info);
void trace_text_stream(FILE *out, uint32_t stream);
void trace_text_record(FILE *out, const struct record *r);
void trace_text_end(FILE *out, uint64_t records);

#endif
