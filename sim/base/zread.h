/* zread.h - a file as a stream of bytes, with a zstd layer taken off where there is one.
 *
 * Frames follow each other as one stream. A file that ends inside a frame, or that is damaged, is ERR_INPUT with the
 * file's name and the offset in the compressed file. What begins with no frame is not compressed.
 */
#ifndef BASE_ZREAD_H
#define BASE_ZREAD_H

#include <stddef.h>

#include "base/status.h"

struct zread;

/* Opens `path`; where that ends in .zst and is not there, the file without that ending. On OK the caller owns *out and calls zread_close(). */
enum status zread_open(const char *path, struct zread **out, struct err *err);
void zread_close(struct zread *z);
/* Fills up to `bytes` of `to`; *got is less only at the end of the stream. */
enum status zread_bytes(struct zread *z, void *to, size_t bytes, size_t *got, struct err *err);
/* The next line, of at most 1 MiB, without its newline (LF or CR LF); *line = NULL at the end. Valid until the next call. */
enum status zread_line(struct zread *z, const char **line, struct err *err);

#endif
