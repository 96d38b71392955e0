/* KVM's emulated ITS and its translation cache. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>

#include "base/rng.h"
#include "gic/vits.h"

enum {
	VCPUS = 2,
	QUEUE = 0x10000,
	DEVICES = 0x100000,
	COLLECTIONS = 0x200000,
	CONFIG = 0x400000,
	ITT = 0x1000000
};
#define VALID (UINT64_C(1) << 63)

struct guest {
	struct physmem *memory;
	struct its_redist vcpu[VCPUS];
	struct vits *vits;
	uint64_t writer;
};

static struct guest *new_guest(unsigned cached)
{
	struct guest *g = calloc(1, sizeof(*g));
	struct lpi_params p = {.id_bits = 16};
	g->memory = physmem_new();
	for (unsigned i = 0; i < VCPUS; i++) {
		g->vcpu[i].lpi = lpi_new(&p, g->memory);
		lpi_write(g->vcpu[i].lpi, 0x70, 8, CONFIG | 15);
		lpi_write(g->vcpu[i].lpi, 0x78, 8, 0x500000 + i * UINT64_C(0x100000));
		lpi_enable(g->vcpu[i].lpi, true);
	}
	g->vits = vits_new(g->memory, g->vcpu, VCPUS, cached);
	vits_write(g->vits, 0x80, 8, VALID | QUEUE);
	vits_write(g->vits, 0x100, 8, VALID | DEVICES);
	vits_write(g->vits, 0x108, 8, VALID | COLLECTIONS);
	vits_write(g->vits, 0, 4, 1);
	return g;
}

static void free_guest(struct guest *g)
{
	vits_free(g->vits);
	for (unsigned i = 0; i < VCPUS; i++) lpi_free(g->vcpu[i].lpi);
	physmem_free(g->memory);
	free(g);
}

static unsigned cmd(struct guest *g, uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3)
{
	uint64_t word[4] = {w0, w1, w2, w3};
	for (unsigned i = 0; i < 4; i++)
		physmem_write64(g->memory, (struct pa){QUEUE + g->writer + 8 * i}, word[i]);
	g->writer = (g->writer + 32) % 4096;
	vits_write(g->vits, 0x88, 8, g->writer);
	return vits_step(g->vits).error;
}
static void mapd(struct guest *g, uint64_t device, bool valid)
{
	cmd(g, 0x8 | device << 32, 3, (ITT + device * 0x1000) | (valid ? VALID : 0), 0);
}
static void mapc(struct guest *g, uint64_t icid, uint64_t vcpu, bool valid)
{
	cmd(g, 0x9, 0, icid | vcpu << 16 | (valid ? VALID : 0), 0);
}
static void mapti(struct guest *g, uint64_t device, uint64_t event, uint64_t intid, uint64_t icid)
{
	cmd(g, 0xa | device << 32, event | intid << 32, icid, 0);
}

/* Device 1: events 0..7 are LPIs 8192.. of vCPU 0 (collection 0). Collection 1 is vCPU 1. */
static struct guest *mapped(unsigned cached)
{
	struct guest *g = new_guest(cached);
	mapc(g, 0, 0, true);
	mapc(g, 1, 1, true);
	mapd(g, 1, true);
	for (unsigned i = 0; i < 8; i++) mapti(g, 1, i, 8192 + i, 0);
	return g;
}

Test(vits, second_injection_of_an_event_comes_from_the_cache)
{
	struct guest *g = mapped(VITS_CACHED_PER_VCPU * VCPUS);
	struct vits_injection a = vits_inject(g->vits, 1, 3);
	cr_assert(not(a.cached));
	lpi_acknowledge(g->vcpu[0].lpi, 8195);
	struct vits_injection b = vits_inject(g->vits, 1, 3);
	cr_assert(b.cached);
	cr_assert(eq(u32, b.delivery.intid, a.delivery.intid));
	cr_assert(eq(uint, b.delivery.redist, 0));
	cr_assert(lpi_is_pending(g->vcpu[0].lpi, 8195));
	free_guest(g);
}

Test(vits, without_the_cache_every_injection_takes_the_lock)
{
	struct guest *g = mapped(0);
	for (unsigned i = 0; i < 5; i++) cr_assert(not(vits_inject(g->vits, 1, 3).cached));
	cr_assert(eq(u64, vits_stats(g->vits)->misses, 5));
	cr_assert(eq(u64, vits_stats(g->vits)->hits, 0));
	free_guest(g);
}

Test(vits, least_recently_used_translation_goes_first_and_comparisons_follow_the_list)
{
	struct guest *g = mapped(2);
	vits_inject(g->vits, 1, 0);
	vits_inject(g->vits, 1, 1);
	struct vits_injection x = vits_inject(g->vits, 1, 0); /* second in the list; goes to its head */
	cr_assert(x.cached);
	cr_assert(eq(uint, x.compared, 2));
	cr_assert(eq(uint, vits_inject(g->vits, 1, 0).compared, 1));
	vits_inject(g->vits, 1, 2); /* 1 has to go */
	cr_assert(vits_inject(g->vits, 1, 0).cached);
	cr_assert(vits_inject(g->vits, 1, 2).cached);
	cr_assert(not(vits_inject(g->vits, 1, 1).cached));
	free_guest(g);
}

Test(vits, what_was_dropped_is_not_cached)
{
	struct guest *g = mapped(8);
	vits_inject(g->vits, 9, 0);
	cr_assert(not(vits_inject(g->vits, 9, 0).cached));
	cr_assert(eq(int, vits_inject(g->vits, 9, 0).delivery.drop, ITS_DROP_DEVICE_UNMAPPED));
	free_guest(g);
}

struct invalidation {
	const char *name;
	uint64_t word[4];
	bool empties;
};

Test(vits, commands_that_change_translations_empty_the_cache)
{
	static const struct invalidation rows[] = {
		{"MOVI", {0x1 | UINT64_C(1) << 32, 5, 1, 0}, true},
		{"INT", {0x3 | UINT64_C(1) << 32, 5, 0, 0}, false},
		{"CLEAR", {0x4 | UINT64_C(1) << 32, 5, 0, 0}, false},
		{"SYNC", {0x5, 0, 0, 0}, false},
		{"MAPD", {0x8 | UINT64_C(2) << 32, 3, VALID | 0x2000000, 0}, true},
		{"MAPC", {0x9, 0, 1 | UINT64_C(1) << 16 | VALID, 0}, true},
		{"MAPTI", {0xa | UINT64_C(1) << 32, 8 | UINT64_C(8300) << 32, 0, 0}, false},
		{"INV", {0xc | UINT64_C(1) << 32, 5, 0, 0}, false},
		{"INVALL", {0xd, 0, 0, 0}, false},
		{"MOVALL", {0xe, 0, 0, UINT64_C(1) << 16}, true},
		{"DISCARD", {0xf | UINT64_C(1) << 32, 5, 0, 0}, true},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct guest *g = mapped(8);
		vits_inject(g->vits, 1, 3);
		cr_expect(eq(u32, cmd(g, rows[i].word[0], rows[i].word[1], rows[i].word[2], rows[i].word[3]),
			     0));
		cr_expect(eq(int, vits_inject(g->vits, 1, 3).cached, !rows[i].empties), "%s", rows[i].name);
		free_guest(g);
	}
}

Test(vits, disabling_the_its_empties_the_cache)
{
	struct guest *g = mapped(8);
	vits_inject(g->vits, 1, 3);
	vits_write(g->vits, 0, 4, 0);
	cr_assert(eq(int, vits_inject(g->vits, 1, 3).delivery.drop, ITS_DROP_DISABLED));
	free_guest(g);
}

Test(vits, mapti_of_a_mapped_event_changes_nothing)
{
	struct guest *g = mapped(8);
	mapti(g, 1, 3, 9000, 1);
	cr_assert(eq(u32, vits_inject(g->vits, 1, 3).delivery.intid, 8195));
	free_guest(g);
}

Test(vits, has_the_sizes_of_kvm)
{
	struct guest *g = new_guest(0);
	uint64_t typer;
	its_read(vits_its(g->vits), 8, 8, &typer);
	cr_expect(eq(u64, typer >> 13 & 31, 15));
	cr_expect(eq(u64, typer >> 8 & 31, 15));
	cr_expect(eq(u64, typer >> 4 & 15, 7)); /* 8 bytes per ITE */
	cr_expect(eq(u64, typer >> 1 & 1, 0));
	free_guest(g);
}

static void random_command(struct rng *r, struct guest *a, struct guest *b)
{
	uint64_t device = rng_below(r, 4), event = rng_below(r, 16), icid = rng_below(r, 3),
		 intid = 8192 + rng_below(r, 40);
	uint64_t vcpu = rng_below(r, 3), valid = rng_below(r, 4) ? VALID : 0;
	const uint64_t commands[][4] = {
		{0x8 | device << 32, rng_below(r, 4), (ITT + device * 0x1000) | valid, 0},
		{0x9, 0, icid | vcpu << 16 | valid, 0},
		{0xa | device << 32, event | intid << 32, icid, 0},
		{0xa | device << 32, event | intid << 32, icid, 0},
		{0x1 | device << 32, event, icid, 0},
		{0xf | device << 32, event, 0, 0},
		{0x4 | device << 32, event, 0, 0},
		{0xe, 0, vcpu << 16, icid << 16},
	};
	const uint64_t *c = commands[rng_below(r, 8)];
	cr_assert(eq(u32, cmd(a, c[0], c[1], c[2], c[3]), cmd(b, c[0], c[1], c[2], c[3])));
}

Test(vits, cache_changes_no_result)
{
	struct guest *a = mapped(4), *b = mapped(0);
	struct rng r;
	rng_init(&r, 5, "test.vits");
	for (unsigned i = 0; i < 20000; i++) {
		if (!rng_below(&r, 6)) random_command(&r, a, b);
		uint32_t device = (uint32_t)rng_below(&r, 3), event = (uint32_t)rng_below(&r, 6);
		struct its_delivery x = vits_inject(a->vits, device, event).delivery;
		struct its_delivery y = vits_inject(b->vits, device, event).delivery;
		cr_assert(eq(int, x.drop, y.drop));
		cr_assert(eq(u32, x.intid, y.intid));
		cr_assert(eq(uint, x.redist, y.redist));
		for (unsigned k = 0; k < 40 * VCPUS; k++)
			cr_assert(eq(int, lpi_is_pending(a->vcpu[k % 2].lpi, 8192 + k / 2),
				     lpi_is_pending(b->vcpu[k % 2].lpi, 8192 + k / 2)));
	}
	cr_assert(lt(u64, 500, vits_stats(a->vits)->hits));
	free_guest(a);
	free_guest(b);
}
