/* Streams: misses that lie near each other and go one way are followed, some lines ahead.
 *
 * A miss that belongs to no stream takes a row. Of what is asked for within NEAR lines of it, the first says the direction, and as many as
 * `confirm` in all, each beyond the one before, confirm it. From then on the stream watches the lines from its start to the last that
 * it has asked for: a request in there asks for the next `degree` lines, none further than `distance` from it, and the start follows at
 * that distance. Nothing is asked for beyond the frame; who comes to the line behind the last goes on with the stream.
 * Rows are replaced by their last use.
 * IMPDEF: a confirmed stream begins without the paper's start-up distance, and the start never overtakes the requests, as the paper's
 * does while they ask for more lines than they use. Usual are its middle distance and degree, 16 and 2.
 */
#include "mem/line_prefetch.h"

enum { NEAR = 16 };

struct stream {
	uint64_t start, last; /* watched; before it is confirmed: the first miss, and the latest */
	uint64_t used;        /* the number of its latest use; 0: none */
	int32_t direction;    /* 1, -1; 0: not known yet */
	uint32_t confirmed;   /* by so many */
};

struct stream_state {
	uint64_t uses;
	struct stream row[];
};

static size_t stream_state_bytes(const struct line_prefetch_params *p)
{
	return sizeof(struct stream_state) + p->table_entries * sizeof(struct stream);
}

/* How far `line` is from `from`, along the stream. */
static int64_t along(const struct stream *s, uint64_t from, uint64_t line)
{
	return s->direction * (int64_t)(line - from);
}

static bool watches(const struct stream *s, const struct line_prefetch_params *p, uint64_t line)
{
	return s->confirmed >= p->confirm && along(s, s->start, line) >= 0 && along(s, s->last, line) <= 1;
}

static bool is_near(const struct stream *s, const struct line_prefetch_params *p, uint64_t line)
{
	int64_t far = (int64_t)(line - s->start);
	return s->used && s->confirmed < p->confirm && far && far >= -NEAR && far <= NEAR;
}

static void ask_ahead(struct stream *s, const struct line_prefetch_params *p,
		      const struct line_prefetch_use *u, struct line_prefetch_list *out)
{
	uint64_t step = (uint64_t)(int64_t)s->direction, distance = line_prefetch_or(p->distance, 16);
	if (along(s, s->last, u->line) > 0) s->last = u->line;
	for (uint64_t i = 0; i < line_prefetch_or(p->degree, 2); i++) {
		if (along(s, u->line, s->last) >= (int64_t)distance) break;
		if (!line_prefetch_same_frame(s->last + step, u->line, u->line_bits)) break;
		s->last += step;
		line_prefetch_propose(out, u, s->last);
	}
	if (along(s, s->start, s->last) > (int64_t)distance) s->start = s->last - distance * step;
}

/* Another request near the first miss: it says where the stream goes, or that it goes on, or that it does not. */
static void confirm(struct stream *s, uint64_t line)
{
	int64_t far = (int64_t)(line - s->last);
	int32_t direction = far > 0 ? 1 : -1;
	if (!far) return;
	s->confirmed = direction == s->direction ? s->confirmed + 1 : 1;
	s->direction = direction;
	s->last = line;
}

static struct stream *find(struct stream_state *all, const struct line_prefetch_params *p, uint64_t line,
			   bool (*takes)(const struct stream *, const struct line_prefetch_params *,
					 uint64_t))
{
	for (uint64_t i = 0; i < p->table_entries; i++)
		if (all->row[i].used && takes(&all->row[i], p, line)) return &all->row[i];
	return NULL;
}

static struct stream *oldest(struct stream_state *all, const struct line_prefetch_params *p)
{
	struct stream *s = all->row;
	for (uint64_t i = 1; i < p->table_entries; i++)
		if (all->row[i].used < s->used) s = &all->row[i];
	return s;
}

static void stream_train(void *state, const struct line_prefetch_params *p, const struct line_prefetch_use *u,
			 struct line_prefetch_list *out)
{
	struct stream_state *all = state;
	if (!line_prefetch_would_miss(u)) return;
	struct stream *s = find(all, p, u->line, watches);
	if (!s && (s = find(all, p, u->line, is_near))) confirm(s, u->line);
	if (!s && u->hit) return;
	if (!s) *(s = oldest(all, p)) = (struct stream){.start = u->line, .last = u->line};
	s->used = ++all->uses;
	if (s->confirmed >= p->confirm) ask_ahead(s, p, u, out);
}

const struct line_prefetcher line_prefetch_stream = {
	.name = "stream",
	.source =
		"Srinath, Mutlu, Kim, Patt, Feedback Directed Prefetching, HPCA 2007, section 2.1 (the POWER4's: Tendler et al., IBM J. Res. "
		"Dev. 46(1), 2002); streams: Palacharla and Kessler, ISCA 1994",
	.state_bytes = stream_state_bytes,
	.train = stream_train,
};
