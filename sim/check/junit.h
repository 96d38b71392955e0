/* junit.h - outcomes as JUnit XML, the form that continuous integration reads.
 *
 * One <testcase> per row, its file as classname; a failed one has a <failure>, one that is not gated a <skipped>.
 * Written next to its place and then renamed: there is the old file or the whole new one.
 */
#ifndef CHECK_JUNIT_H
#define CHECK_JUNIT_H

#include <stdio.h>

#include "check/check.h"

/* Escapes text for XML: & < > " ', and '?' for what XML 1.0 cannot hold (control characters). */
void xml_escape(const char *text, FILE *out);
/* ERR_HOST when `path` cannot be written. */
enum status junit_write(const char *path, const struct outcome *outcomes, size_t count, struct err *err);

#endif
