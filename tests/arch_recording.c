#include "arch_recording.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "base/alloc.h"

static char dir[40]; /* of this process: Criterion forks for each test */

const char *arch_recording_dir(void) { return dir; }

static char *file_in_dir(const char *name) { return xasprintf("%s/%s", dir, name); }

static void write_file(const char *name, const void *bytes, size_t count)
{
	char *path = file_in_dir(name);
	FILE *f = fopen(path, "wb");
	cr_assert(f != NULL);
	cr_assert(eq(sz, fwrite(bytes, 1, count, f), count));
	fclose(f);
	free(path);
}

void arch_recording_write(const char *events)
{
	size_t room = ZSTD_compressBound(strlen(events));
	char *packed = xcalloc(room, 1);
	size_t n = ZSTD_compress(packed, room, events, strlen(events), 1);
	cr_assert(not(ZSTD_isError(n)));
	write_file("arch.txt.zst", packed, n);
	free(packed);
}

void arch_recording_cpus(const char *cpus)
{
	write_file("regs_start.json", cpus, strlen(cpus));
	write_file("regs_end.json", cpus, strlen(cpus));
}

void arch_recording_begin(const char *cpus)
{
	strcpy(dir, "/tmp/strata-arch-XXXXXX");
	cr_assert(mkdtemp(dir) != NULL);
	arch_recording_cpus(cpus);
}

void arch_recording_end(void)
{
	static const char *const names[] = {"arch.txt.zst", "regs_start.json", "regs_end.json"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *path = file_in_dir(names[i]);
		remove(path);
		free(path);
	}
	rmdir(dir);
}
