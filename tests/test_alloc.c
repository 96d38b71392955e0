/* Host memory that is announced before it is allocated. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/alloc.h"

/* Pages of this process that are in the host's memory. */
static long resident(void)
{
	long size, pages = -1;
	FILE *f = fopen("/proc/self/statm", "r");
	cr_assert(ne(ptr, f, NULL));
	cr_assert(eq(int, fscanf(f, "%ld %ld", &size, &pages), 2));
	fclose(f);
	return pages;
}

Test(alloc, what_is_announced_costs_nothing_until_it_is_used)
{
	enum { PIECES = 64, BYTES = 128 << 10, ANNOUNCED = 256 << 20, PAGE = 4096 };
	char *piece[PIECES];
	long before = resident();
	xalloc_together(ANNOUNCED);
	cr_expect(lt(long, resident() - before, ANNOUNCED / PAGE / 8));
	for (unsigned i = 0; i < PIECES; i++) {
		piece[i] = xcalloc_lines(1, BYTES);
		cr_assert(eq(u64, (uintptr_t)piece[i] % 64, 0));
		for (unsigned k = 0; k < BYTES; k += PAGE) cr_assert(eq(int, piece[i][k], 0));
		piece[i][BYTES - 1] = (char)i;
	}
	for (unsigned i = 0; i < PIECES; i++) {
		cr_expect(eq(int, piece[i][BYTES - 1], (char)i));
		free(piece[i]);
	}
}
