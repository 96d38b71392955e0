/* outfile.h - a file that is there whole or not at all: written beside its place, then renamed.
 *
 *   outfile_open: path -> out->file to write to      outfile_commit: it takes its place      outfile_abort: nothing was written
 * What stands there already stays until the commit. Something that is no regular file is refused: a rename would replace
 * a device or a pipe.
 */
#ifndef BASE_OUTFILE_H
#define BASE_OUTFILE_H

#include <stdio.h>

#include "base/status.h"

struct outfile { /* zero: none */
	FILE *file;
	char *path, *temporary;
};

/* ERR_INPUT: no regular file; ERR_HOST: it cannot be written. In any case outfile_abort() is allowed afterwards. */
enum status outfile_open(struct outfile *out, const char *path, struct err *err);
/* Whether outfile_open() would work now: what runs for long asks before. Leaves nothing behind. */
enum status outfile_check(const char *path, struct err *err);
/* ERR_HOST: the disk is full, or similar; nothing is left behind then. Without a file: OK. */
enum status outfile_commit(struct outfile *out, struct err *err);
/* Deletes what was written and not committed, and forgets the names. */
void outfile_abort(struct outfile *out);

#endif
