/* numbers.h - numbers on the command line. */
#ifndef CLI_NUMBERS_H
#define CLI_NUMBERS_H

#include <argp.h>
#include <stdint.h>

/* A whole number up to `max`, decimal or 0x..., with K, M, G or T for powers of 1024. Anything else ends the program with
 * the usage text of `state` and exit code 2. */
uint64_t need_number(struct argp_state *state, const char *option, const char *text, uint64_t max);

#endif
