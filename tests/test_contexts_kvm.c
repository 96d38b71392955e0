/* The allocator of VMIDs against another writing of KVM's source, to the letter: Linux 6.6 arch/arm64/kvm/vmid.c. */
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/rng.h"
#include "os/contexts.h"

enum { CPUS = 4, SPACES = 64, NUMBERS_MAX = 256 };

/* A vCPU that is put leaves an id that no VM has. */
struct vmids {
	unsigned bits;
	uint64_t generation, cursor;
	bool map[NUMBERS_MAX];
	uint64_t active[CPUS], reserved[CPUS], id[SPACES];
};

static uint64_t vmid_index(const struct vmids *v, uint64_t id) { return id % (UINT64_C(1) << v->bits); }

static uint64_t vmid_free(const struct vmids *v, uint64_t from)
{
	while (from < UINT64_C(1) << v->bits && v->map[from]) from++;
	return from;
}

static void vmid_roll_over(struct vmids *v)
{
	v->generation += UINT64_C(1) << v->bits;
	memset(v->map, 0, sizeof(v->map));
	for (unsigned i = 0; i < CPUS; i++) {
		if (v->active[i]) v->reserved[i] = v->active[i];
		v->active[i] = 0;
		v->map[vmid_index(v, v->reserved[i])] = true;
	}
}

static bool vmid_keeps(struct vmids *v, uint64_t old, uint64_t renewed)
{
	bool hit = false;
	for (unsigned i = 0; old && i < CPUS; i++) {
		if (v->reserved[i] != old) continue;
		v->reserved[i] = renewed;
		hit = true;
	}
	if (hit || !old || v->map[vmid_index(v, old)]) return hit;
	return v->map[vmid_index(v, old)] = true;
}

/* Returns whether all CPUs are flushed. */
static bool vmid_new(struct vmids *v, unsigned vm)
{
	uint64_t renewed = v->generation | vmid_index(v, v->id[vm]), number = vmid_free(v, v->cursor);
	if (vmid_keeps(v, v->id[vm], renewed)) {
		v->id[vm] = renewed;
		return false;
	}
	bool flushed = number >> v->bits;
	if (flushed) {
		vmid_roll_over(v);
		number = vmid_free(v, 1);
	}
	v->map[number] = true;
	v->cursor = number;
	v->id[vm] = number | v->generation;
	return flushed;
}

static struct ctx_switch vmid_update(struct vmids *v, unsigned cpu, unsigned vm)
{
	bool current = v->id[vm] >> v->bits == v->generation >> v->bits;
	bool flushed = !current && vmid_new(v, vm);
	v->active[cpu] = v->id[vm];
	return (struct ctx_switch){(uint16_t)vmid_index(v, v->id[vm]),
				   flushed ? CTX_FLUSH_EVERYWHERE : CTX_FLUSH_NONE};
}

static void expect_vmids(unsigned bits)
{
	static struct vmids v;
	struct context space[SPACES] = {0};
	struct contexts *c = contexts_new(CTX_kvm, bits, CPUS);
	struct rng r;
	v = (struct vmids){.bits = bits, .generation = UINT64_C(1) << bits, .cursor = 1};
	rng_init(&r, bits, "vmids");
	for (unsigned i = 0; i < 20000; i++) {
		unsigned n = (unsigned)rng_below(&r, SPACES), cpu = (unsigned)rng_below(&r, CPUS);
		if (!rng_below(&r, 3)) {
			v.active[cpu] = UINT64_C(1) << bits;
			contexts_leave(c, cpu);
			continue;
		}
		struct ctx_switch want = vmid_update(&v, cpu, n), s = contexts_switch(c, cpu, &space[n]);
		cr_assert(eq(u16, s.number, want.number), "entry %u", i);
		cr_assert(eq(int, s.flush, want.flush), "entry %u", i);
	}
	cr_expect(ge(u64, contexts_stats(c)->rollovers, 10));
	contexts_free(c);
}

Test(contexts_kvm, gives_the_numbers_and_flushes_of_its_source)
{
	for (unsigned bits = 3; bits <= 6; bits++) expect_vmids(bits);
}
