#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "gic/its.h"
#include "lpis.h"

enum {
	ID_BITS = 21,
	QUEUE = 0x10000,
	DEVICES = 0x100000,
	COLLECTIONS = 0x200000,
	CONFIG = 0x1000000,
	SET_BYTES = 160 << 10
};
#define VALID (UINT64_C(1) << 63)

struct bench_lpis {
	struct physmem *mem;
	struct its_redist redist[BENCH_LPIS_REDISTS];
	struct its *its;
	uint64_t writer;
	struct rng rng;
};

static void command(struct bench_lpis *b, uint64_t w0, uint64_t w1, uint64_t w2)
{
	uint64_t word[4] = {w0, w1, w2, 0};
	for (unsigned i = 0; i < 4; i++)
		physmem_write64(b->mem, (struct pa){QUEUE + b->writer + 8 * i}, word[i]);
	b->writer = (b->writer + 32) % 4096;
	its_write(b->its, 0x88, 8, b->writer);
	struct its_step s = its_step(b->its);
	assert(s.done && !s.error);
}

static void add_redist(struct bench_lpis *b, unsigned i)
{
	struct lpi_params p = {.id_bits = ID_BITS};
	b->redist[i].lpi = lpi_new(&p, b->mem);
	lpi_write(b->redist[i].lpi, 0x70, 8, CONFIG | (ID_BITS - 1));
	lpi_write(b->redist[i].lpi, 0x78, 8, UINT64_C(0x100000000) + i * UINT64_C(0x40000));
	lpi_enable(b->redist[i].lpi, true);
}

static void map_device(struct bench_lpis *b, uint64_t device)
{
	command(b, 0x9, 0, VALID | device << 16 | device);                                      /* MAPC */
	command(b, 0x8 | device << 32, 11, VALID | (UINT64_C(0x200000000) + device * 0x10000)); /* MAPD */
	for (uint64_t e = 0; e < BENCH_LPIS_EVENTS; e++)
		command(b, 0xa | device << 32, e | (LPI_FIRST + device * BENCH_LPIS_EVENTS + e) << 32,
			device); /* MAPTI */
}

struct bench_lpis *bench_lpis_new(void)
{
	struct bench_lpis *b = xcalloc(1, sizeof(*b));
	struct its_params p = {.device_bits = 16,
			       .event_bits = 12,
			       .collection_bits = 9,
			       .id_bits = ID_BITS,
			       .cached = {256, 1024, 256}};
	xalloc_together(BENCH_LPIS_REDISTS * SET_BYTES); /* as a machine of so many PEs has it */
	const uint64_t config_bytes = (uint64_t)BENCH_LPIS_REDISTS * BENCH_LPIS_EVENTS;
	b->mem = physmem_new();
	rng_init(&b->rng, 1, "bench.lpis");
	for (uint64_t at = 0; at < config_bytes; at += 8)
		physmem_write64(b->mem, (struct pa){CONFIG + at}, 0xa1a1a1a1a1a1a1a1);
	for (unsigned i = 0; i < BENCH_LPIS_REDISTS; i++) add_redist(b, i);
	b->its = its_new(&p, b->mem, b->redist, BENCH_LPIS_REDISTS);
	its_write(b->its, 0x80, 8, VALID | QUEUE);
	its_write(b->its, 0x100, 8, VALID | DEVICES);
	its_write(b->its, 0x108, 8, VALID | COLLECTIONS);
	its_write(b->its, 0, 4, 1);
	for (unsigned i = 0; i < BENCH_LPIS_REDISTS; i++) map_device(b, i);
	return b;
}

void bench_lpis_free(struct bench_lpis *b)
{
	its_free(b->its);
	for (unsigned i = 0; i < BENCH_LPIS_REDISTS; i++) lpi_free(b->redist[i].lpi);
	physmem_free(b->mem);
	free(b);
}

void bench_lpis_deliver(struct bench_lpis *b, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		uint32_t device = (uint32_t)rng_below(&b->rng, BENCH_LPIS_REDISTS);
		struct lpi *l = b->redist[device].lpi;
		struct lpi_offer waiting = lpi_best(l);
		its_translate(b->its, device, (uint32_t)rng_below(&b->rng, BENCH_LPIS_EVENTS));
		if (waiting.any) lpi_acknowledge(l, waiting.intid);
	}
}
