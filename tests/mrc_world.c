#include "mrc_world.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "trace/generator.h"

struct record_list zipf_stream(uint64_t pages, uint64_t accesses, uint64_t theta_milli, uint64_t base)
{
	struct gen_params p;
	struct trace_source *src;
	struct record_list list;
	struct err err;
	schema_defaults(&gen_schema, &p);
	p.generator = GEN_zipf;
	p.base_address = base;
	p.footprint_bytes = pages * 4096;
	p.item_bytes = 4096;
	p.theta_milli = theta_milli;
	p.accesses = accesses;
	cr_assert(eq(int, gen_open("test", &p, base + theta_milli, 0, &src, &err), OK), "%s", err.text);
	cr_assert(eq(int, read_all(src, 4096, &list, &err), OK));
	trace_close(src);
	return list;
}

struct mrc *read_curves(const struct mrc_spec *spec, size_t count, const struct record_list *list)
{
	struct mrc *m;
	struct err err;
	cr_assert(eq(int, mrc_new(spec, count, &m, &err), OK), "%s", err.text);
	for (size_t i = 0; i < list->n; i += 1000)
		mrc_add(m, list->r + i, list->n - i < 1000 ? list->n - i : 1000);
	mrc_finish(m);
	return m;
}

struct mrc *read_curve(struct mrc_spec spec, const struct record_list *list)
{
	return read_curves(&spec, 1, list);
}
