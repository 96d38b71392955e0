/* CHiRP against a naive model, and rules of it one by one. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "repl_world.h"

enum { SETS_MAX = 8, WAYS = 4, CONTEXTS = 6 };

/* Instructions whose bits <3:2> are 0 leave the history of accesses at zero, so that a context is (pc, branches). */
static const struct repl_flow contexts[CONTEXTS] = {
	{0x1000, 0}, {0x2000, 0}, {0x2000, 0x11}, {0x9000, 0x2211}, {0x100000, 7}, {0xffff0, 0xabcdef},
};

struct naive_way {
	unsigned context;
	bool dead, hit;
	uint64_t time;
};

struct naive {
	struct naive_way way[SETS_MAX][WAYS];
	unsigned counter[CONTEXTS], sets, last_set, last_way;
	uint64_t now;
};

static unsigned naive_victim(struct naive *n, unsigned set)
{
	unsigned oldest = 0;
	for (unsigned w = 0; w < WAYS; w++)
		if (n->way[set][w].dead) return w;
	for (unsigned w = 0; w < WAYS; w++)
		if (n->way[set][w].time < n->way[set][oldest].time) oldest = w;
	unsigned *c = &n->counter[n->way[set][oldest].context];
	if (*c < 3) ++*c;
	return oldest;
}

static void naive_predict(struct naive *n, struct naive_way *w, unsigned context)
{
	w->context = context;
	w->dead = n->counter[context] >= 2;
}

static void naive_touch(struct naive *n, unsigned set, unsigned way, unsigned context)
{
	struct naive_way *w = &n->way[set][way];
	if (n->sets == 1 ? way != n->last_way : set != n->last_set) {
		if (!w->hit && n->counter[w->context]) n->counter[w->context]--;
		w->hit = true;
		naive_predict(n, w, context);
	}
	w->time = ++n->now;
	n->last_set = set;
	n->last_way = way;
}

static void naive_fill(struct naive *n, unsigned set, unsigned way, unsigned context)
{
	n->way[set][way].hit = false;
	naive_predict(n, &n->way[set][way], context);
	n->way[set][way].time = ++n->now;
	n->last_set = set;
	n->last_way = way;
}

static void follow_naive_model(unsigned sets)
{
	struct repl_state state = repl_state_new(&repl_chirp, sets, WAYS);
	static struct naive n;
	struct rng r;
	unsigned deaths = 0;
	n = (struct naive){.sets = sets, .last_set = sets, .last_way = WAYS};
	rng_init(&r, sets, "chirp");
	for (unsigned i = 0; i < 40000; i++) {
		unsigned context = (unsigned)rng_below(&r, CONTEXTS), way = i % WAYS;
		unsigned set = i < sets * WAYS ? i / WAYS : (unsigned)rng_below(&r, sets);
		char *at = state.set + set * state.stride;
		state.shared->flow = &contexts[context];
		if (i >= sets * WAYS && rng_below(&r, context + 1)) { /* some contexts use again more often */
			way = (unsigned)rng_below(&r, WAYS);
			repl_chirp.touch(at, WAYS, way);
			naive_touch(&n, set, way, context);
			continue;
		}
		if (i >= sets * WAYS) {
			way = repl_chirp.victim(at, WAYS);
			cr_assert(eq(u32, way, naive_victim(&n, set)), "step %u", i);
			deaths += n.way[set][way].dead;
		}
		repl_chirp.fill(at, WAYS, way);
		naive_fill(&n, set, way, context);
	}
	cr_expect(lt(u32, 0, deaths), "no way was ever dead: nothing was tested");
	repl_state_free(&state);
}

Test(repl, chirp_replaces_as_a_naive_model_does)
{
	for (unsigned sets = 1; sets <= SETS_MAX; sets *= 2) follow_naive_model(sets);
}

/* Fills all ways of a one-set world under one program path and replaces each once. */
static void replace_all(struct set *s)
{
	for (unsigned i = 0; i < s->ways; i++) s->policy->fill(state(s), s->ways, victim(s));
}

Test(repl, chirp_replaces_first_what_a_path_without_reuse_brought)
{
	struct set s;
	set_init(&s, REPL_chirp, 4);
	s.flow.pc = 0x4000;
	for (unsigned w = 0; w < 4; w++) s.policy->fill(state(&s), 4, w);
	replace_all(
		&s); /* the counter of this path is at 2 after two of them: from then on it brings the dead */
	s.flow.pc = 0x8000;
	unsigned way = victim(&s);
	s.policy->fill(state(&s), 4, way);
	cr_expect(ne(u32, victim(&s), way), "the way of the other path was not dead");
	set_fini(&s);
}

Test(repl, chirp_without_control_flow_begins_as_lru)
{
	struct repl_state s = repl_state_new(&repl_chirp, 1, 4);
	for (unsigned w = 0; w < 4; w++) repl_chirp.fill(s.set, 4, w);
	repl_chirp.touch(s.set, 4, 0);
	cr_expect(eq(u32, repl_chirp.victim(s.set, 4), 1));
	repl_state_free(&s);
}
