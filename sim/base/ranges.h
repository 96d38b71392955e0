/* ranges.h - lists of numbers as taskset and numactl write them: "0-3,8,10-11". */
#ifndef BASE_RANGES_H
#define BASE_RANGES_H

#include "base/status.h"

/* Puts the numbers of `text` into out[0..*count-1] in their order, at most `room`. ERR_CONFIG says what is wrong: no number,
 * a range that goes down, a number above `last`, one that is there twice, or too many. "" gives none. */
enum status ranges_parse(const char *text, unsigned last, unsigned *out, unsigned room, unsigned *count,
			 struct err *err);

#endif
