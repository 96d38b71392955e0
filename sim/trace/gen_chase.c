/* gen_chase.c - a pointer chase: a random cyclic order of the footprint's items, one dependent load each.
 * Every item is visited once before any is visited again, as in lmbench's lat_mem_rd with a shuffled list. The order
 * is the sequence permute(0), permute(1), ...; it needs no table, so a footprint of terabytes costs no memory.
 */
#include "base/permute.h"
#include "trace/gen.h"

struct chase {
	struct permutation order;
	uint64_t step;
};

static enum status chase_check(const char *where, const struct gen_params *p, struct err *err)
{
	if (p->read_percent != 100 || p->update)
		return err_set(err, ERR_CONFIG,
			       "%s: a chase only loads: read_percent must be 100 and update no", where);
	if (p->item_bytes < p->access_bytes || p->item_bytes > p->footprint_bytes)
		return err_set(err, ERR_CONFIG,
			       "%s: item_bytes: %llu is outside access_bytes..footprint_bytes (%llu..%llu)",
			       where, (unsigned long long)p->item_bytes, (unsigned long long)p->access_bytes,
			       (unsigned long long)p->footprint_bytes);
	return gen_check_multiple(where, "footprint_bytes", p->footprint_bytes, p->item_bytes, err);
}

static void chase_start(struct gen_state *s, uint64_t seed, uint32_t stream)
{
	struct chase *chase = s->own;
	(void)seed, (void)stream;
	permute_init(&chase->order, s->p->footprint_bytes / s->p->item_bytes, &s->rng);
}

static void chase_fill(struct gen_state *s, struct record *buf, size_t n)
{
	const struct gen_params p = *s->p;
	struct chase *chase = s->own;
	const struct permutation order = chase->order;
	uint64_t step = chase->step;
	for (size_t i = 0; i < n; i++) {
		gen_put(&buf[i], &p, p.base_address + permute(&order, step) * p.item_bytes, REC_LOAD,
			REC_DEPENDENT);
		step = step + 1 == order.n ? 0 : step + 1;
	}
	chase->step = step;
}

const struct generator gen_chase = {.name = "chase",
				    .state_bytes = sizeof(struct chase),
				    .check = chase_check,
				    .start = chase_start,
				    .fill = chase_fill};
