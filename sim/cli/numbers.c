#include "cli/numbers.h"

#include <inttypes.h>

#include "config/bind.h"

uint64_t need_number(struct argp_state *state, const char *option, const char *text, uint64_t max)
{
	uint64_t v;
	if (!param_parse_u64(text, "bytes", &v))
		argp_error(state,
			   "%s: '%s' is not a number (decimal or 0x..., with K, M, G, T for powers of 1024)",
			   option, text);
	if (v > max) argp_error(state, "%s: %s is above %" PRIu64, option, text, max);
	return v;
}
