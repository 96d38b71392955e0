#include "config/schema.h"

#include <string.h>

static void store(const struct param *p, void *out, uint64_t value)
{
	memcpy((char *)out + p->offset, &value, sizeof(value));
}

void schema_defaults(const struct schema *s, void *out)
{
	memset(out, 0, s->bytes);
	for (size_t i = 0; i < s->count; i++) {
		const struct param *p = &s->param[i];
		char *member = (char *)out + p->offset;
		switch (p->kind) {
		case PARAM_U64:
		case PARAM_BOOL:
		case PARAM_ENUM:
		case PARAM_SET: store(p, out, p->dflt); break;
		case PARAM_STR: memcpy(member, &p->dflt_str, sizeof(p->dflt_str)); break;
		case PARAM_MAP: schema_defaults(p->sub, member); break;
		case PARAM_LIST:
		case PARAM_U64_LIST: break;
		}
	}
}
