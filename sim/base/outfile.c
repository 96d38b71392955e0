#define _GNU_SOURCE /* mkostemp */
#include "base/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

static enum status failed(const struct outfile *out, struct err *err)
{
	return err_set(err, ERR_HOST, "%s: cannot be written: %s", out->path, strerror(errno));
}

static enum status check_target(const struct outfile *out, struct err *err)
{
	struct stat target;
	if (stat(out->path, &target) != 0 || S_ISREG(target.st_mode)) return OK;
	return err_set(err, ERR_INPUT, "%s: cannot be written: it exists and is no regular file", out->path);
}

/* With the permissions that a new file gets. */
static enum status create(struct outfile *out, struct err *err)
{
	int fd = mkostemp(out->temporary, O_CLOEXEC);
	if (fd < 0) return failed(out, err);
	mode_t mask = umask(0);
	umask(mask);
	if (fchmod(fd, 0666 & ~mask)) errno = 0; /* some file systems have no permissions; the file is good */
	out->file = fdopen(fd, "wb");
	return out->file ? OK : failed(out, err);
}

enum status outfile_open(struct outfile *out, const char *path, struct err *err)
{
	*out = (struct outfile){.path = xstrdup(path), .temporary = xasprintf("%s.XXXXXX", path)};
	TRY(check_target(out, err));
	return create(out, err);
}

enum status outfile_commit(struct outfile *out, struct err *err)
{
	if (!out->file) return OK;
	bool good = fflush(out->file) == 0 && !ferror(out->file) && fsync(fileno(out->file)) == 0;
	good = fclose(out->file) == 0 && good;
	out->file = NULL;
	enum status st = good && rename(out->temporary, out->path) == 0 ? OK : failed(out, err);
	if (st != OK) unlink(out->temporary);
	return st;
}

void outfile_abort(struct outfile *out)
{
	if (out->file) {
		fclose(out->file);
		unlink(out->temporary);
	}
	free(out->path);
	free(out->temporary);
	*out = (struct outfile){0};
}

enum status outfile_check(const char *path, struct err *err)
{
	struct outfile out;
	enum status st = outfile_open(&out, path, err);
	outfile_abort(&out);
	return st;
}
