/* The pointer chase over N pages, the way TLB sizes are measured on hardware: the knees stand at the configured entries,
 * the plateaus at the published cycles (references/hardware.yaml, tlb). All pages share a frame, so data stays in L1. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "machine/run.h"

struct chase {
	const char *machine;
	unsigned page_kib;
	const char *va_bits;
};

static const struct chase n1 = {"configs/machines/neoverse-n1.yaml", 4, "stack.os.va_bits=48"};
static const struct chase v2 = {"configs/machines/neoverse-v2.yaml", 4, "stack.os.va_bits=48"};
static const struct chase m1 = {"configs/machines/apple-m1-p.yaml", 16, "stack.os.va_bits=47"};

/* Mean cycles per load over `pages` pages, in the steady state. */
static double chase(const struct chase *c, unsigned pages)
{
	enum { LOADS = 60000 };
	char size[64], item[64], footprint[64];
	snprintf(size, sizeof(size), "stack.os.page_size=%uK", c->page_kib);
	snprintf(item, sizeof(item), "workload.item_bytes=%uK", c->page_kib);
	snprintf(footprint, sizeof(footprint), "workload.footprint_bytes=%uK", pages * c->page_kib);
	const char *sets[] = {size,
			      item,
			      footprint,
			      c->va_bits,
			      "stack.os.shared_frame=yes",
			      "workload.instruction_gap=1",
			      "workload.accesses=1000000",
			      NULL};
	struct run_request q = {.machine = c->machine,
				.workload = "workloads/chase.yaml",
				.sets = sets,
				.seed = 1,
				.warmup = 2 * pages + 1000,
				.limit = LOADS};
	struct run_report report;
	struct run *run = NULL;
	struct err err = {0};
	cr_assert(eq(int, run_new(&q, &run, &err), OK), "%s", err.text);
	cr_assert(eq(int, run_execute(run, NULL, NULL, &report, &err), OK), "%s", err.text);
	cr_assert(eq(u64, report.accesses, LOADS));
	run_free(run);
	return (double)report.cycles / LOADS;
}

Test(chase, neoverse_n1_knees_at_48_and_1280_and_an_l2_tlb_hit_costs_5)
{
	cr_assert(eq(dbl, chase(&n1, 48), 4));
	cr_assert(eq(dbl, chase(&n1, 49), 9));
	cr_assert(eq(dbl, chase(&n1, 1280), 9));
	cr_assert(lt(dbl, 9, chase(&n1, 1281)));
}

Test(chase, neoverse_v2_knees_at_48_and_2048_and_an_l2_tlb_hit_costs_5)
{
	cr_assert(eq(dbl, chase(&v2, 48), 4));
	cr_assert(eq(dbl, chase(&v2, 49), 9));
	cr_assert(eq(dbl, chase(&v2, 2048), 9));
	cr_assert(lt(dbl, 9, chase(&v2, 2049)));
}

/* L1D: 160 entries in 32 sets by VA[18:14]: page 161 brings a sixth one into one set, page 192 into every set. */
Test(chase, apple_m1_knees_at_160_and_3072_and_plateaus_as_measured)
{
	cr_assert(eq(dbl, chase(&m1, 160), 3));
	cr_assert(lt(dbl, 3, chase(&m1, 161)));
	cr_assert(eq(dbl, chase(&m1, 192), 9));
	cr_assert(eq(dbl, chase(&m1, 3072), 9));
	cr_assert(lt(dbl, 9, chase(&m1, 3073)));
	double walk = chase(&m1, 3072 + 256);
	cr_assert(ge(dbl, walk, 35), "a walk costs %.2f", walk);
	cr_assert(le(dbl, walk, 36.5), "a walk costs %.2f", walk);
}
