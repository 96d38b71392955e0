/* alloc.h - host memory that is there or ends the program with exit code 3.
 *
 * Models allocate while they are built; only the physical-memory and page-table arenas grow during
 * a run. Nothing can go on without its memory, so callers need no error path for it.
 */
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H

#include <stddef.h>

/* count * bytes zeroed bytes. Never NULL; a request of 0 bytes gives a unique pointer. free() it. */
void *xcalloc(size_t count, size_t bytes);
/* As realloc, to count * bytes; new bytes are not zeroed. */
void *xrealloc(void *old, size_t count, size_t bytes);
char *xstrdup(const char *text);
/* printf into fresh memory; free() it. */
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Like xcalloc, aligned to 64 bytes and, when large, backed by huge pages where the host has them. */
void *xcalloc_lines(size_t count, size_t bytes);
/* Says that about `bytes` will be allocated next in pieces of less than 1 MiB, and be used together: they lie in huge pages where the host has them
 * and its malloc() can be told so. A hint. */
void xalloc_together(size_t bytes);

#endif
