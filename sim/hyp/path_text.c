/* path_text.c - steps in words, and the names of marks. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "el/debug.h"
#include "hyp/path_steps.h"

static const char *write_text(const struct path_book *b, const struct path_step *s, char *out, size_t bytes)
{
	char reg[32];
	reg_text(s->reg, reg, sizeof(reg));
	switch ((enum value_kind)s->value.kind) {
	case VALUE_NUMBER: snprintf(out, bytes, "write %s = 0x%" PRIx64, reg, s->value.set); break;
	case VALUE_CONTEXT:
		snprintf(out, bytes, "write %s from %s", reg, b->context[s->value.index].name);
		break;
	case VALUE_BITS:
		snprintf(out, bytes, "write %s: set 0x%" PRIx64 ", clear 0x%" PRIx64, reg, s->value.set,
			 s->value.clear);
		break;
	case VALUE_OPERATION: snprintf(out, bytes, "write %s = the operation", reg); break;
	case VALUE_ACKNOWLEDGED: snprintf(out, bytes, "write %s = what IAR gave", reg); break;
	case VALUE_VGIC: snprintf(out, bytes, "write %s as the vGIC says", reg); break;
	case VALUE_KICK: snprintf(out, bytes, "write %s for the vCPU that is wanted", reg); break;
	case VALUE_NEXT_CLUSTER: snprintf(out, bytes, "write %s for the next cluster of vCPUs", reg); break;
	case VALUE_NEXT_VCPU: snprintf(out, bytes, "write %s for the next vCPU", reg); break;
	case VALUE_PATH: snprintf(out, bytes, "write %s = path %s", reg, b->path[s->value.index].name); break;
	case VALUE_VECTORS:
		snprintf(out, bytes, "write %s = vectors %s", reg, b->vectors[s->value.index].name);
		break;
	}
	return out;
}

/* F is bit 6, D bit 9. */
static const char *mask_text(const struct path_step *s, char *out, size_t bytes)
{
	snprintf(out, bytes, "%s %s%s%s%s", path_step_names[s->kind], s->number & PSTATE_D ? "d" : "",
		 s->number & PSTATE_A ? "a" : "", s->number & PSTATE_I ? "i" : "",
		 s->number & PSTATE_F ? "f" : "");
	return out;
}

static const char *copy_text(const struct path_book *b, const struct path_step *s, char *out, size_t bytes)
{
	const struct path_class *list = &b->list[s->list];
	snprintf(out, bytes, "%s %s %s %s (%zu registers)", path_step_names[s->kind], list->name,
		 s->kind == STEP_save ? "to" : "from", b->context[s->context].name, list->count);
	return out;
}

const char *step_text(const struct path_book *b, const struct path_step *s, char *out, size_t bytes)
{
	const char *name = path_step_names[s->kind];
	char reg[32];
	switch (s->kind) {
	case STEP_write: return write_text(b, s, out, bytes);
	case STEP_mask:
	case STEP_unmask: return mask_text(s, out, bytes);
	case STEP_save:
	case STEP_restore: return copy_text(b, s, out, bytes);
	case STEP_read: snprintf(out, bytes, "read %s", reg_text(s->reg, reg, sizeof(reg))); return out;
	case STEP_protect:
	case STEP_age:
	case STEP_load:
	case STEP_store: snprintf(out, bytes, "%s 0x%" PRIx64, name, s->number); return out;
	case STEP_timer: snprintf(out, bytes, "timer: INTID %" PRIu64 " will fire", s->number); return out;
	case STEP_vgic: snprintf(out, bytes, "vgic %s", vgic_names[s->target]); return out;
	case STEP_debug: snprintf(out, bytes, "debug %s", debug_names[s->target]); return out;
	case STEP_device: snprintf(out, bytes, "device %s", device_verb_names[s->target]); return out;
	case STEP_raise:
		snprintf(out, bytes, "raise: %" PRIu64 " %s will be asserted", s->number,
			 device_names[s->target]);
		return out;
	case STEP_lists:
		snprintf(out, bytes, "%s the list registers in use", s->target ? "write" : "read");
		return out;
	case STEP_signal:
	case STEP_await:
	case STEP_await_all:
	case STEP_set:
	case STEP_clear: snprintf(out, bytes, "%s %s", name, b->variable[s->target].name); return out;
	case STEP_call: snprintf(out, bytes, "call %s", b->path[s->target].name); return out;
	case STEP_spill:
	case STEP_fill:
		snprintf(out, bytes, "%s %" PRIu64 " %s registers %s %s", name, s->number,
			 bank_names[s->target], s->kind == STEP_spill ? "to" : "from",
			 b->context[s->context].name);
		return out;
	case STEP_map:
	case STEP_skip: snprintf(out, bytes, "%s for %s", name, b->context[s->context].name); return out;
	default: snprintf(out, bytes, "%s%s%s", name, *s->name ? " " : "", s->name); return out;
	}
}

/* --- marks -------------------------------------------------------------------------------------------- */

/* Whether a step before this one has the same name. */
static bool named_before(const struct path_book *b, const struct path_step *s)
{
	for (size_t i = 0; i < b->paths; i++)
		for (size_t k = 0; k < b->path[i].count; k++) {
			const struct path_step *other = &b->path[i].step[k];
			if (other == s) return false;
			if (other->kind == STEP_mark && strcmp(other->name, s->name) == 0) return true;
		}
	return false;
}

const char *path_mark(const struct path_book *b, size_t index)
{
	for (size_t i = 0; i < b->paths; i++)
		for (size_t k = 0; k < b->path[i].count; k++) {
			const struct path_step *s = &b->path[i].step[k];
			if (s->kind == STEP_mark && !named_before(b, s) && !index--) return s->name;
		}
	return NULL;
}

const char *path_event_mark(const struct path_event *e)
{
	return e->kind == EVENT_STEP && e->step->kind == STEP_mark ? e->step->name : NULL;
}
