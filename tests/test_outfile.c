/* Files that are there whole or not at all. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/outfile.h"

static char folder[] = "/tmp/strata-out-XXXXXX", path[64];
static struct outfile out;
static struct err err;

static void in_folder(void)
{
	cr_assert(ne(ptr, mkdtemp(folder), NULL));
	snprintf(path, sizeof(path), "%s/file", folder);
}

/* How many entries the folder has, and the first line of the file. */
static unsigned entries(void)
{
	DIR *d = opendir(folder);
	unsigned count = 0;
	for (struct dirent *e; (e = readdir(d));) count += e->d_name[0] != '.';
	closedir(d);
	return count;
}

static const char *content(void)
{
	static char line[64];
	FILE *in = fopen(path, "r");
	if (!in) return "none";
	if (!fgets(line, sizeof(line), in)) line[0] = 0;
	fclose(in);
	return line;
}

static void remove_folder(void)
{
	outfile_abort(&out);
	remove(path);
	cr_expect(eq(int, rmdir(folder), 0), "something is left behind");
}

TestSuite(outfile, .init = in_folder, .fini = remove_folder);

Test(outfile, the_old_file_stays_until_the_commit)
{
	for (int i = 0; i < 2; i++) {
		cr_assert(eq(int, outfile_open(&out, path, &err), OK), "%s", err.text);
		fprintf(out.file, "%d\n", i);
		cr_expect(eq(str, (char *)content(), i ? "0\n" : "none"));
		cr_assert(eq(int, outfile_commit(&out, &err), OK), "%s", err.text);
		outfile_abort(&out);
		cr_expect(eq(str, (char *)content(), i ? "1\n" : "0\n"));
	}
	cr_expect(eq(u32, entries(), 1));
}

Test(outfile, an_abort_leaves_nothing)
{
	cr_assert(eq(int, outfile_open(&out, path, &err), OK), "%s", err.text);
	fputs("half", out.file);
	outfile_abort(&out);
	cr_expect(eq(u32, entries(), 0));
	cr_expect(eq(int, outfile_commit(&out, &err), OK), "there is none");
}

Test(outfile, what_is_no_regular_file_is_refused_and_stays)
{
	struct stat after;
	cr_assert(eq(int, mkfifo(path, 0600), 0));
	cr_expect(eq(int, outfile_open(&out, path, &err), ERR_INPUT));
	cr_expect(
		ne(ptr, strstr(err.text, "/file: cannot be written: it exists and is no regular file"), NULL),
		"%s", err.text);
	cr_expect(eq(int, lstat(path, &after), 0));
	cr_expect(eq(u32, after.st_mode & S_IFMT, S_IFIFO));
	cr_expect(eq(u32, entries(), 1));
}

Test(outfile, a_stream_that_failed_is_not_committed)
{
	cr_assert(eq(int, outfile_open(&out, path, &err), OK), "%s", err.text);
	FILE *good = out.file;
	out.file = fopen("/dev/full", "w");
	if (out.file) {
		fputs("much", out.file);
		cr_expect(eq(int, outfile_commit(&out, &err), ERR_HOST));
		cr_expect(ne(ptr, strstr(err.text, "No space left"), NULL), "%s", err.text);
		cr_expect(eq(u32, entries(), 0));
	}
	fclose(good);
}

Test(outfile, a_new_file_has_the_permissions_that_the_mask_leaves)
{
	struct stat made;
	umask(027);
	cr_assert(eq(int, outfile_open(&out, path, &err), OK), "%s", err.text);
	cr_assert(eq(int, outfile_commit(&out, &err), OK), "%s", err.text);
	cr_assert(eq(int, stat(path, &made), 0));
	cr_expect(eq(u32, made.st_mode & 0777, 0640));
}
