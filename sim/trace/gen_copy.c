/* gen_copy.c - a block copy, around and around: a load from the first half of the footprint, a store to the same place of the
 * second. The memory behaviour of STREAM's Copy and of memcpy().
 */
#include "trace/gen.h"

struct copy {
	uint64_t offset; /* of the pair */
	bool store_next;
};

static enum status copy_check(const char *where, const struct gen_params *p, struct err *err)
{
	if (p->read_percent != 100 || p->update)
		return err_set(err, ERR_CONFIG,
			       "%s: copy loads and stores in turn: read_percent and update have no meaning",
			       where);
	return gen_check_multiple(where, "footprint_bytes", p->footprint_bytes, 2 * p->access_bytes, err);
}

static void copy_fill(struct gen_state *s, struct record *buf, size_t n)
{
	const struct gen_params p = *s->p;
	struct copy *copy = s->own;
	uint64_t half = p.footprint_bytes / 2;
	for (size_t i = 0; i < n; i++) {
		uint64_t addr = p.base_address + copy->offset;
		if (copy->store_next) {
			gen_put(&buf[i], &p, addr + half, REC_STORE, 0);
			copy->offset += p.access_bytes;
			if (copy->offset >= half) copy->offset = 0;
		} else {
			gen_put(&buf[i], &p, addr, REC_LOAD, 0);
		}
		copy->store_next = !copy->store_next;
	}
}

const struct generator gen_copy = {
	.name = "copy", .state_bytes = sizeof(struct copy), .check = copy_check, .fill = copy_fill};
