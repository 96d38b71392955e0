/* open.h - opening and making the database file: whose file it is, which version, is it writable. */
#ifndef STORE_OPEN_H
#define STORE_OPEN_H

#include <stdbool.h>

#include <sqlite3.h>

#include "base/status.h"

/* A checked connection that refuses to write. ERR_INPUT when there is no results database at `path`. */
enum status open_to_read(const char *path, sqlite3 **out, struct err *err);

/* A checked connection to append with. *scratch: there is no file yet, or an empty one; the connection is to an
 * empty database in memory and the file is left alone, until open_create(). ERR_HOST when it could not be made. */
enum status open_to_append(const char *path, sqlite3 **out, bool *scratch, struct err *err);

/* Makes the file with its tables and views, unless another process has done so meanwhile. */
enum status open_create(const char *path, struct err *err);

#endif
