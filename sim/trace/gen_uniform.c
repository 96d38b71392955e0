/* gen_uniform.c - every aligned access of the footprint equally likely.
 * With `dependent: yes` each one needs the value of the load before it, as in tinymembench's random read.
 * With `update: yes` each address is read and then written: the memory behaviour of HPC Challenge RandomAccess (GUPS).
 */
#include "trace/gen.h"

static void uniform_fill(struct gen_state *s, struct record *buf, size_t n)
{
	const struct gen_params p = *s->p;
	uint64_t places = p.footprint_bytes / p.access_bytes;
	uint8_t flags = p.dependent ? REC_DEPENDENT : 0;
	struct rng rng = s->rng;
	for (size_t i = 0; i < n; i++) {
		uint64_t u = rng_next(&rng), addr = p.base_address + gen_choose(&u, places) * p.access_bytes;
		gen_put(&buf[i], &p, addr, gen_choose_kind(&u, p.read_percent), flags);
	}
	s->rng = rng;
}

const struct generator gen_uniform = {.name = "uniform", .fill = uniform_fill};
