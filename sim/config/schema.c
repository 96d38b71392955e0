#include "config/schema.h"

#include <stdio.h>
#include <string.h>

#include "config/bind.h"

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

/* `above` ends with a dot, or is empty. */
static void visit_below(const struct schema *s, const char *above, unsigned words, schema_place_fn *visit,
			void *ctx)
{
	char place[SCHEMA_PLACE_MAX], below[SCHEMA_PLACE_MAX];
	for (size_t i = 0; i < s->count; i++) {
		const struct param *p = &s->param[i];
		snprintf(place, sizeof(place), "%s%s", above, p->name);
		visit(ctx, place, words, p);
		if (!p->sub || words == SCHEMA_DEPTH_MAX) continue;
		const char *item = p->kind == PARAM_MAP ? "" : schema_name_row(p->sub) ? "NAME." : "N.";
		int n = snprintf(below, sizeof(below), "%s%s.%s", above, p->name, item);
		if ((size_t)n < sizeof(below)) visit_below(p->sub, below, words + 1, visit, ctx);
	}
}

void schema_visit_places(const struct schema *s, schema_place_fn *visit, void *ctx)
{
	visit_below(s, "", 1, visit, ctx);
}
