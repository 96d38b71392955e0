#define _GNU_SOURCE /* vasprintf, madvise */
#include "base/alloc.h"

#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

static void *or_die(void *p, size_t bytes)
{
	if (p) return p;
	fprintf(stderr, "strata: the host has no memory for %zu more bytes\n", bytes);
	exit(3);
}

void *xcalloc(size_t count, size_t bytes)
{
	return or_die(calloc(count ? count : 1, bytes ? bytes : 1), count * bytes);
}

void *xrealloc(void *old, size_t count, size_t bytes)
{
	size_t total;
	if (__builtin_mul_overflow(count, bytes, &total)) or_die(NULL, SIZE_MAX);
	return or_die(realloc(old, total ? total : 1), total);
}

char *xstrdup(const char *text) { return or_die(strdup(text), strlen(text) + 1); }

char *xasprintf(const char *fmt, ...)
{
	char *text = NULL;
	va_list args;
	va_start(args, fmt);
	int n = vasprintf(&text, fmt, args);
	va_end(args);
	return or_die(n < 0 ? NULL : text, 0);
}

enum { HUGE_PAGE = 2 << 20 };

#ifdef __GLIBC__
/* The heap grows by all of it at once, and the host is told before anything of that is touched. From then on it gives memory back only where much
 * is free at its end. */
void xalloc_together(size_t bytes)
{
	enum { PIECE = HUGE_PAGE / 2, TOP_PAD = 128 << 10 };
	mallopt(M_MMAP_THRESHOLD, PIECE);
	mallopt(M_TRIM_THRESHOLD, bytes < INT_MAX / 2 ? (int)(2 * bytes) : INT_MAX);
	mallopt(M_TOP_PAD, bytes < INT_MAX ? (int)bytes : INT_MAX);
	char *first = malloc(PIECE - 64), *end = sbrk(0);
	uintptr_t from = ((uintptr_t)first + HUGE_PAGE - 1) & -(uintptr_t)HUGE_PAGE;
	if (first && from < (uintptr_t)end) madvise((void *)from, (uintptr_t)end - from, MADV_HUGEPAGE);
	free(first);
	mallopt(M_TOP_PAD, TOP_PAD);
}
#else
void xalloc_together(size_t bytes) { (void)bytes; }
#endif

void *xcalloc_lines(size_t count, size_t bytes)
{
	size_t total;
	if (__builtin_mul_overflow(count, bytes, &total)) or_die(NULL, SIZE_MAX);
	size_t align = total >= HUGE_PAGE / 2 ? HUGE_PAGE : 64;
	total = (total + align - 1) / align * align;
	void *p = NULL;
	if (posix_memalign(&p, align, total ? total : align)) p = NULL;
	or_die(p, total);
	if (align == HUGE_PAGE) madvise(p, total, MADV_HUGEPAGE); /* a hint; may be refused */
	memset(p, 0, total);
	return p;
}
