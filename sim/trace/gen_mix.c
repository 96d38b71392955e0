/* gen_mix.c - a weighted mixture of other generators: each access is the next one of a child drawn by weight.
 * Every child has its own footprint, kinds and random stream; the two halves of a child's update may be apart.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "trace/gen.h"

enum { CHILD_BATCH = 1024 };

struct child {
	struct gen_state gen;
	char *path;
	struct record batch[CHILD_BATCH];
	size_t at; /* next unused of the batch */
};

struct mix {
	struct child *child;
	size_t children;
	uint16_t *owner; /* which child has each unit of weight */
	uint64_t weights;
};

static enum status mix_check(const char *where, const struct gen_params *p, struct err *err)
{
	const struct gen_params *child = p->mix.items;
	if (!p->mix.count)
		return err_set(err, ERR_CONFIG, "%s: mix: a mixture needs at least one child", where);
	for (size_t i = 0; i < p->mix.count; i++) {
		char place[256];
		snprintf(place, sizeof(place), "%.200s: mix.%zu", where, i);
		if (child[i].generator == GEN_mix)
			return err_set(err, ERR_CONFIG,
				       "%s: generator: a child of a mixture cannot be a mixture", place);
		TRY(gen_check(place, &child[i], err));
	}
	return OK;
}

static void start_child(struct child *c, const struct gen_params *p, const char *parent, size_t i,
			uint64_t seed, uint32_t stream)
{
	c->path = xasprintf("%s.%zu", parent, i);
	c->at = CHILD_BATCH;
	gen_start(&c->gen, p, c->path, seed, stream);
}

static void mix_start(struct gen_state *s, uint64_t seed, uint32_t stream)
{
	struct mix *m = s->own;
	const struct gen_params *p = s->p->mix.items;
	m->children = s->p->mix.count;
	m->child = xcalloc(m->children, sizeof(*m->child));
	for (size_t i = 0; i < m->children; i++) {
		m->owner = xrealloc(m->owner, m->weights + p[i].weight, sizeof(*m->owner));
		for (uint64_t w = 0; w < p[i].weight; w++) m->owner[m->weights++] = (uint16_t)i;
		start_child(&m->child[i], &p[i], s->path, i, seed, stream);
	}
}

static void mix_fill(struct gen_state *s, struct record *buf, size_t n)
{
	struct mix *m = s->own;
	struct rng rng = s->rng;
	for (size_t i = 0; i < n; i++) {
		struct child *c = &m->child[m->owner[rng_below(&rng, m->weights)]];
		if (c->at == CHILD_BATCH) {
			gen_fill(&c->gen, c->batch, CHILD_BATCH);
			c->at = 0;
		}
		buf[i] = c->batch[c->at++];
	}
	s->rng = rng;
}

static void mix_stop(struct gen_state *s)
{
	struct mix *m = s->own;
	for (size_t i = 0; i < m->children; i++) {
		gen_stop(&m->child[i].gen);
		free(m->child[i].path);
	}
	free(m->child);
	free(m->owner);
}

const struct generator gen_mix = {.name = "mix",
				  .state_bytes = sizeof(struct mix),
				  .check = mix_check,
				  .start = mix_start,
				  .fill = mix_fill,
				  .stop = mix_stop};
