#include "config/path.h"

#include <stdio.h>
#include <string.h>

const char *path_text(const struct path *p, char *out, size_t bytes)
{
	out[0] = 0;
	if (!p) return out;
	path_text(p->up, out, bytes);
	size_t used = strlen(out);
	if (*p->word) snprintf(out + used, bytes - used, "%s%s", used ? "." : "", p->word);
	return out;
}
