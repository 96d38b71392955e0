#include "repl/evictors.h"

#include <stdlib.h>

#include "base/alloc.h"

static const char *const evictor_names[] = {
#define X(name, text, doc) #text,
	EVICTORS(X)
#undef X
		NULL};

#define F struct evictors_stats
const struct stat_desc evictors_stat_rows[] = {
	STAT_BY(F, misses_by_evictor, evictor_names, "count",
		"misses of programs on what they would have here, were it not for others"),
	STAT(F, forgotten, "count", "entries of several programs in one set that could not be kept in mind"),
};
#undef F
const size_t evictors_stat_row_count = sizeof(evictors_stat_rows) / sizeof(evictors_stat_rows[0]);

/* What a program would hold, and who is to blame that it does not. */
struct note {
	struct evicted what;
	struct agent owner, by; /* by AGENT_NONE: not known yet */
};

enum { NOTES_PER_WAY = 2 };

struct evictors {
	unsigned ways, room; /* of a set; notes of a set */
	struct agent *owner; /* by set, way: who brought what is there */
	struct note *note;   /* by set, oldest first */
	uint16_t *count;     /* of them */
	size_t sets;
	struct agent now;
	struct note leaving; /* for what is brought next; owner AGENT_NONE: nothing */
	struct note coming;  /* what was asked for latest, if it was noted; owner AGENT_NONE: it was not */
	struct evictors_stats stats;
};

struct evictors *evictors_new(unsigned sets, unsigned ways)
{
	struct evictors *v = xcalloc(1, sizeof(*v));
	v->sets = sets;
	v->ways = ways;
	v->room = NOTES_PER_WAY * ways + 1;
	v->owner = xcalloc((size_t)sets * ways, sizeof(*v->owner));
	v->note = xcalloc((size_t)sets * v->room, sizeof(*v->note));
	v->count = xcalloc(sets, sizeof(*v->count));
	return v;
}

void evictors_free(struct evictors *v)
{
	if (!v) return;
	free(v->owner);
	free(v->note);
	free(v->count);
	free(v);
}

struct evictors_stats *evictors_stats(struct evictors *v) { return &v->stats; }
void evictors_act(struct evictors *v, struct agent agent) { v->now = agent; }
void evictors_act_as(struct evictors *v, const struct evictors *other) { v->now = other->now; }

/* --- names ------------------------------------------------------------------------------------------------------- */

static bool same_agent(struct agent a, struct agent b)
{
	return a.kind == b.kind && a.cpu == b.cpu && a.process == b.process;
}

static bool same(const struct evicted *a, const struct evicted *b)
{
	return a->address == b->address && a->tag == b->tag && a->bits == b->bits && a->global == b->global;
}

/* Whose doing it is that program `mine` misses what `by` pushed out. */
static enum evictor evictor_of(struct agent mine, struct agent by)
{
	switch ((enum agent_kind)by.kind) {
	case AGENT_KERNEL: return EVICTOR_KERNEL;
	case AGENT_HYPERVISOR: return EVICTOR_HYPERVISOR;
	case AGENT_VMM: return EVICTOR_VMM;
	case AGENT_FIRMWARE: return EVICTOR_FIRMWARE;
	case AGENT_NONE:
	case AGENT_PROGRAM: break;
	}
	return by.cpu == mine.cpu ? EVICTOR_PROCESS : EVICTOR_CORE;
}

/* --- the notes of a set ------------------------------------------------------------------------------------------ */

static struct note *notes_of(struct evictors *v, unsigned set) { return v->note + (size_t)set * v->room; }
static struct agent *owners_of(struct evictors *v, unsigned set) { return v->owner + (size_t)set * v->ways; }

static void remove_note(struct evictors *v, unsigned set, unsigned i)
{
	struct note *note = notes_of(v, set);
	for (v->count[set]--; i < v->count[set]; i++) note[i] = note[i + 1];
}

static void append(struct evictors *v, unsigned set, const struct note *n)
{
	if (v->count[set] == v->room) {
		remove_note(v, set, 0);
		v->stats.forgotten++;
	}
	notes_of(v, set)[v->count[set]++] = *n;
}

/* The oldest note of `owner`; the count where there is none. */
static unsigned oldest(struct evictors *v, unsigned set, struct agent owner)
{
	unsigned i = 0;
	while (i < v->count[set] && !same_agent(notes_of(v, set)[i].owner, owner)) i++;
	return i;
}

/* What `owner` would hold in the set. */
static unsigned would_hold(struct evictors *v, unsigned set, struct agent owner)
{
	unsigned n = 0;
	for (unsigned i = 0; i < v->count[set]; i++) n += same_agent(notes_of(v, set)[i].owner, owner);
	for (unsigned w = 0; w < v->ways; w++) n += same_agent(owners_of(v, set)[w], owner);
	return n;
}

/* Somebody else who has a way of the set. */
static struct agent another(struct evictors *v, unsigned set, struct agent mine)
{
	for (unsigned w = 0; w < v->ways; w++) {
		struct agent a = owners_of(v, set)[w];
		if (a.kind != AGENT_NONE && !same_agent(a, mine)) return a;
	}
	return (struct agent){0};
}

/* Of what a program would hold beyond the ways of a set, the oldest goes. What it has just lost itself takes over the blame: the
 * other's entry that is in the way is still there. */
static void trim(struct evictors *v, unsigned set, struct agent owner)
{
	while (would_hold(v, set, owner) > v->ways) {
		unsigned i = oldest(v, set, owner);
		if (i == v->count[set]) return;
		struct agent by = notes_of(v, set)[i].by;
		remove_note(v, set, i);
		struct note *last = v->count[set] ? &notes_of(v, set)[v->count[set] - 1] : NULL;
		if (last && same_agent(last->owner, owner) && last->by.kind == AGENT_NONE) last->by = by;
	}
}

/* --- what happens ------------------------------------------------------------------------------------------------ */

void evictors_ask(struct evictors *v, unsigned set, const struct evicted *what)
{
	struct note *note = notes_of(v, set);
	v->coming = (struct note){0};
	if (v->now.kind != AGENT_PROGRAM) return;
	for (unsigned i = 0; i < v->count[set]; i++) {
		if (!same_agent(note[i].owner, v->now) || !same(&note[i].what, what)) continue;
		v->coming = note[i];
		remove_note(v, set, i);
		v->stats.misses_by_evictor[evictor_of(v->now, v->coming.by)]++;
		return;
	}
}

void evictors_evict(struct evictors *v, unsigned set, unsigned way, const struct evicted *what)
{
	v->leaving = (struct note){.what = *what, .owner = owners_of(v, set)[way]};
}

/* Who is to blame that its program no longer has what is leaving. */
static struct agent blame(struct evictors *v, unsigned set, const struct evicted *instead)
{
	const struct note *l = &v->leaving;
	if (!same_agent(l->owner, v->now)) return v->now;
	if (v->coming.owner.kind != AGENT_NONE && same(&v->coming.what, instead)) return v->coming.by;
	return would_hold(v, set, l->owner) < v->ways ? another(v, set, l->owner) : (struct agent){0};
}

void evictors_bring(struct evictors *v, unsigned set, unsigned way, const struct evicted *what)
{
	struct agent *owner = &owners_of(v, set)[way];
	*owner = v->now;
	if (v->leaving.owner.kind == AGENT_PROGRAM) {
		v->leaving.by = blame(v, set, what);
		append(v, set, &v->leaving);
	}
	if (v->now.kind == AGENT_PROGRAM) trim(v, set, v->now);
	v->leaving = v->coming = (struct note){0};
}

void evictors_leave(struct evictors *v, unsigned set, unsigned way, const struct evicted *what)
{
	struct agent *owner = &owners_of(v, set)[way];
	if (what && owner->kind == AGENT_PROGRAM && !same_agent(*owner, v->now))
		append(v, set, &(struct note){*what, *owner, v->now});
	*owner = (struct agent){0};
}

static void drop_of_set(struct evictors *v, unsigned set,
			bool (*takes)(const void *ctx, const struct evicted *what), const void *ctx)
{
	for (unsigned i = v->count[set]; i-- > 0;)
		if (takes(ctx, &notes_of(v, set)[i].what)) remove_note(v, set, i);
}

void evictors_drop(struct evictors *v, bool (*takes)(const void *ctx, const struct evicted *what),
		   const void *ctx)
{
	for (unsigned set = 0; set < v->sets; set++) drop_of_set(v, set, takes, ctx);
}
