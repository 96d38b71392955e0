/* gen_sequential.c - a walk through the footprint in equal steps, around and around.
 * sequential steps by the size of an access, stride by stride_bytes. A stride that does not divide the footprint
 * comes back at another offset, and so visits every address that the greatest common divisor allows.
 */
#include "trace/gen.h"

struct walk {
	uint64_t offset;
};

static inline uint64_t step(uint64_t offset, uint64_t by, uint64_t footprint)
{
	offset += by;
	return offset >= footprint ? offset - footprint : offset;
}

/* Two loops, as drawing the kinds costs more than all else. */
static void walk_fill(struct gen_state *s, uint64_t by, struct record *buf, size_t n)
{
	const struct gen_params p = *s->p;
	struct walk *walk = s->own;
	uint64_t offset = walk->offset;
	struct rng rng = s->rng;
	if (p.read_percent % 100 == 0) {
		uint8_t kind = p.read_percent ? REC_LOAD : REC_STORE;
		for (size_t i = 0; i < n; i++, offset = step(offset, by, p.footprint_bytes))
			gen_put(&buf[i], &p, p.base_address + offset, kind, 0);
	} else {
		for (size_t i = 0; i < n; i++, offset = step(offset, by, p.footprint_bytes)) {
			uint64_t u = rng_next(&rng);
			gen_put(&buf[i], &p, p.base_address + offset, gen_choose_kind(&u, p.read_percent), 0);
		}
	}
	walk->offset = offset;
	s->rng = rng;
}

static void sequential_fill(struct gen_state *s, struct record *buf, size_t n)
{
	walk_fill(s, s->p->access_bytes, buf, n);
}

static void stride_fill(struct gen_state *s, struct record *buf, size_t n)
{
	walk_fill(s, s->p->stride_bytes, buf, n);
}

static enum status stride_check(const char *where, const struct gen_params *p, struct err *err)
{
	if (p->stride_bytes >= p->footprint_bytes)
		return err_set(err, ERR_CONFIG, "%s: stride_bytes: %llu is not below footprint_bytes (%llu)",
			       where, (unsigned long long)p->stride_bytes,
			       (unsigned long long)p->footprint_bytes);
	return gen_check_multiple(where, "stride_bytes", p->stride_bytes, p->access_bytes, err);
}

const struct generator gen_sequential = {
	.name = "sequential", .state_bytes = sizeof(struct walk), .fill = sequential_fill};
const struct generator gen_stride = {
	.name = "stride", .state_bytes = sizeof(struct walk), .check = stride_check, .fill = stride_fill};
