/* test_gic_twins.c - the virtual interface of a GIC against its physical one on the same random sequence, and maintenance. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "gic/lr.h"
#include "gic_world.h"

/* --- the virtual interface is the physical one ------------------------------------------------------------------------------- */

enum { TWINS = 16 };

/* Interrupt 32+i and list register i; the guest's interface and the host's. */
struct twins {
	struct gic_world host, guest;
	struct rng rng;
	unsigned nested[TWINS], groups[TWINS], depth; /* acknowledged and not ended */
	bool group[TWINS];
	bool busy[TWINS]; /* active in either */
};

static void lr_name(char *out, unsigned i) { snprintf(out, 16, "ICH_LR%u_EL2", i); }

static uint64_t lr_get(struct twins *t, unsigned i)
{
	char name[16];
	struct gic_context c = t->guest.c;
	lr_name(name, i);
	t->guest.c = (struct gic_context){.el = 2};
	uint64_t lr = gw_read(&t->guest, name);
	t->guest.c = c;
	return lr;
}

static void lr_set(struct twins *t, unsigned i, uint64_t lr)
{
	char name[16];
	struct gic_context c = t->guest.c;
	lr_name(name, i);
	t->guest.c = (struct gic_context){.el = 2};
	gw_write(&t->guest, name, lr);
	t->guest.c = c;
}

static void twins_new(struct twins *t, unsigned seed)
{
	struct gic_params params = {.pes = 1, .spis = 64, .list_registers = TWINS, .awake = true};
	params.priority_bits = params.virtual_priority_bits = 5 + seed % 4;
	memset(t, 0, sizeof(*t));
	rng_init(&t->rng, seed, "gic.twins");
	t->host = gw_new(&params);
	t->guest = gw_new(&params);
	gw_write(&t->guest, "ICH_HCR_EL2", HCR_EN);
	t->guest.c = gw_guest();
	t->host.c = (struct gic_context){.el = 1};
	gw_write(&t->guest, "PMR", 0xff);
	gw_write(&t->guest, "IGRPEN0", 1);
	gw_write(&t->guest, "IGRPEN1", 1);
}

static void both_write(struct twins *t, const char *name, uint64_t value)
{
	gw_write(&t->host, name, value);
	gw_write(&t->guest, name, value);
}

static uint64_t both_read(struct twins *t, const char *name)
{
	uint64_t host = gw_read(&t->host, name), guest = gw_read(&t->guest, name);
	cr_assert(eq(u64, host, guest), "%s", name);
	return host;
}

static void becomes_pending(struct twins *t)
{
	unsigned i = (unsigned)rng_below(&t->rng, TWINS);
	uint64_t lr = lr_get(t, i);
	if (lr_state(lr) == LR_INVALID) {
		unsigned priority = (unsigned)rng_below(&t->rng, 256);
		t->group[i] = rng_next(&t->rng) & 1;
		gw_irq(&t->host, 32 + i, t->group[i] ? GIC_G1NS : GIC_G0, priority);
		gw_edge(&t->host, 32 + i, true);
		lr = (uint64_t)priority << 48 | (uint64_t)t->group[i] << LR_GROUP | (32 + i);
	}
	gw_bit(&t->host, A_SET_PENDING, 32 + i);
	lr_set(t, i, lr_with_state(lr, lr_state(lr) | LR_PENDING));
}

static void take_one(struct twins *t)
{
	unsigned k = rng_below(&t->rng, 8) ? both_read(t, "HPPIR1") != GIC_SPURIOUS : rng_next(&t->rng) & 1;
	uint64_t intid = both_read(t, k ? "IAR1" : "IAR0");
	if (intid == GIC_SPURIOUS) return;
	t->groups[t->depth] = k;
	t->nested[t->depth++] = (unsigned)intid - 32;
}

static void end_one(struct twins *t)
{
	if (!t->depth || rng_next(&t->rng) & 1) return;
	t->depth--;
	both_write(t, t->groups[t->depth] ? "EOIR1" : "EOIR0", 32 + t->nested[t->depth]);
}

/* Binary points change only where nothing is active: an end must find the priority that was made active. */
static void control_both(struct twins *t)
{
	unsigned v = (unsigned)rng_below(&t->rng, 256);
	switch (rng_below(&t->rng, 5)) {
	case 0: both_write(t, "PMR", v); break;
	case 1: both_write(t, "IGRPEN0", v & 3 ? 1 : 0); break;
	case 2: both_write(t, "IGRPEN1", v & 3 ? 1 : 0); break;
	case 3:
		if (!t->depth) both_write(t, v & 8 ? "BPR1" : "BPR0", v & 7);
		break;
	default:
		if (!t->depth) both_write(t, "CTLR", v & 3);
	}
}

static void twins_agree(struct twins *t)
{
	static const char *const names[] = {"PMR",     "BPR0",          "BPR1",         "RPR",
					    "IGRPEN0", "IGRPEN1",       "CTLR",         "HPPIR0",
					    "HPPIR1",  "ICC_AP0R0_EL1", "ICC_AP1R0_EL1"};
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) both_read(t, names[i]);
	struct gic_signals host = gw_signals(&t->host), guest = gw_signals(&t->guest);
	cr_assert(host.irq == guest.virq && host.fiq == guest.vfiq);
	for (unsigned i = 0; i < TWINS; i++) {
		enum lr_state s = lr_state(lr_get(t, i));
		struct gic_irq_state q = gw_state(&t->host, 32 + i);
		cr_assert(eq(int, q.pending, !!(s & LR_PENDING)));
		cr_assert(eq(int, q.active, !!(s & LR_ACTIVE)));
	}
	gw_check(&t->host);
	gw_check(&t->guest);
}

Test(gic_random, the_virtual_interface_behaves_as_the_physical_one)
{
	enum { SEEDS = 40, STEPS = 1000 };
	unsigned deepest = 0, taken = 0;
	for (unsigned seed = 0; seed < SEEDS; seed++) {
		struct twins t;
		twins_new(&t, seed);
		for (unsigned step = 0; step < STEPS; step++) {
			unsigned before = t.depth;
			switch (rng_below(&t.rng, 6)) {
			case 0:
			case 1: becomes_pending(&t); break;
			case 2:
			case 3: take_one(&t); break;
			case 4: end_one(&t); break;
			default:
				if (rng_next(&t.rng) & 1) {
					control_both(&t);
				} else {
					both_write(&t, "DIR", 32 + rng_below(&t.rng, TWINS));
				}
			}
			taken += t.depth > before;
			deepest = t.depth > deepest ? t.depth : deepest;
			twins_agree(&t);
		}
		gw_free(&t.host);
		gw_free(&t.guest);
	}
	cr_assert(lt(u32, 1000, taken));
	cr_assert(lt(u32, 3, deepest), "interrupts were nested");
}

/* --- maintenance -------------------------------------------------------------------------------------------------------------- */

/* ICH_MISR, EISR, ELRSR as 12.4 words them, from the registers that software sees. */
static uint64_t expected_misr(struct twins *t)
{
	uint64_t hcr = gw_read(&t->guest, "ICH_HCR_EL2"), vmcr = gw_read(&t->guest, "ICH_VMCR_EL2"), misr = 0;
	unsigned valid = 0, pending = 0, ended = 0;
	for (unsigned i = 0; i < TWINS; i++) {
		uint64_t lr = lr_get(t, i);
		valid += lr >> 62 != 0;
		pending += lr >> 62 == 1;
		ended += lr >> 62 == 0 && !(lr >> 61 & 1) && lr >> 41 & 1;
	}
	misr |= ended ? 1 : 0;
	misr |= hcr & 2 && valid < 2 ? 2 : 0;
	misr |= hcr & 4 && hcr >> 27 & 31 ? 4 : 0;
	misr |= hcr & 8 && !pending ? 8 : 0;
	misr |= hcr & 0x10 && vmcr & 1 ? 0x10 : 0;
	misr |= hcr & 0x20 && !(vmcr & 1) ? 0x20 : 0;
	misr |= hcr & 0x40 && vmcr & 2 ? 0x40 : 0;
	misr |= hcr & 0x80 && !(vmcr & 2) ? 0x80 : 0;
	return misr;
}

Test(gic_random, maintenance_follows_from_the_registers_of_the_hypervisor)
{
	for (unsigned seed = 0; seed < 20; seed++) {
		struct twins t;
		uint64_t seen = 0;
		twins_new(&t, seed);
		for (unsigned step = 0; step < 300; step++) {
			t.guest.c = (struct gic_context){.el = 2};
			uint64_t r = rng_next(&t.rng);
			unsigned i = (unsigned)rng_below(&t.rng, TWINS);
			switch (rng_below(&t.rng, 5)) {
			case 0: lr_set(&t, i, (r & ~UINT64_C(0xfffffbf0)) | 32 | i); break;
			case 1: lr_set(&t, i, 0); break;
			case 2: gw_write(&t.guest, "ICH_HCR_EL2", (r & 0xf80000fe) | HCR_EN); break;
			case 3: gw_write(&t.guest, "ICH_VMCR_EL2", r); break;
			default:
				t.guest.c = gw_guest();
				r & 1 ? gw_write(&t.guest, "EOIR1", 32 + i) : (void)gw_read(&t.guest, "IAR1");
			}
			t.guest.c = (struct gic_context){.el = 2};
			uint64_t misr = expected_misr(&t);
			seen |= misr;
			cr_assert(eq(u64, gw_read(&t.guest, "ICH_MISR_EL2"), misr));
			cr_assert(eq(int, gw_signals(&t.guest).maintenance,
				     misr &&gw_read(&t.guest, "ICH_HCR_EL2") & 1));
		}
		cr_assert(eq(u64, seen & 0xf0, 0xf0));
		gw_free(&t.host);
		gw_free(&t.guest);
	}
}
