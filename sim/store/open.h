/* open.h - opening and making the database file: whose file it is, which version, is it writable. */
#ifndef STORE_OPEN_H
#define STORE_OPEN_H

#include <sqlite3.h>

#include "base/status.h"
#include "store/store.h"

/* store_open() without the store around it: a checked connection, with tables and views in place. */
enum status open_connection(const char *path, enum store_mode mode, sqlite3 **out, struct err *err);

#endif
