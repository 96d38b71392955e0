#include "gic_world.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

struct gic_world gw_new(const struct gic_params *p)
{
	struct gic_world w = {.g = gic_new(p), .c = {.el = p->security ? 3 : 2}};
	gic_dist_write(w.g, 0, 4, 7, true);
	for (w.pe = p->pes; w.pe-- > 0;) {
		gw_write(&w, "PMR", 0xff);
		gw_write(&w, "IGRPEN0", 1);
		gw_write(&w, "IGRPEN1", 1);
		if (p->security) gw_write(&w, "ICC_IGRPEN1_EL3", 3);
	}
	w.pe = 0;
	return w;
}

struct gic_world gw_single(void)
{
	return gw_new(&(struct gic_params){.pes = 1,
					   .spis = 64,
					   .extended_ppis = 64,
					   .extended_spis = 64,
					   .list_registers = 4,
					   .awake = true});
}

void gw_free(struct gic_world *w) { gic_free(w->g); }

static unsigned encoding_of(const char *name)
{
	char full[32];
	snprintf(full, sizeof(full), strncmp(name, "IC", 2) ? "ICC_%s_EL1" : "%s", name);
	unsigned encoding = cpu_if_encoding(full);
	cr_assert(encoding, "%s is no register", full);
	return encoding;
}

uint64_t gw_read(struct gic_world *w, const char *name)
{
	uint64_t value = 0;
	cr_assert(cpu_if_read(w->g, w->pe, encoding_of(name), &w->c, &value), "%s cannot be read", name);
	return value;
}

void gw_write(struct gic_world *w, const char *name, uint64_t value)
{
	cr_assert(cpu_if_write(w->g, w->pe, encoding_of(name), &w->c, value), "%s cannot be written", name);
}

struct gic_context gw_guest(void) { return (struct gic_context){.el = 1, .fmo = true, .imo = true}; }

/* Where an interrupt's bits are: GICR for private ones; extended ranges behind (GICR) or elsewhere (GICD). */
struct place {
	bool redist;
	unsigned offset, bit; /* of the word with `width` bits per interrupt */
};

static unsigned extended_array(unsigned array)
{
	switch (array) {
	case A_GROUP: return 0x1000;
	case A_PRIORITY: return 0x2000;
	case A_CONFIG: return 0x3000;
	case A_GRPMOD: return 0x3400;
	case A_NSACR: return 0x3600;
	case A_NMI: return 0x3b00;
	default: return 0x1200 + (array - A_ENABLE) * 4; /* 0x80 apart there, 0x200 here */
	}
}

static struct place place_of(unsigned array, uint32_t intid, unsigned width)
{
	struct place p = {.redist = intid < 32 || (intid >= 1056 && intid < 1120)};
	unsigned n = intid;
	if (p.redist && n >= 1056) n = 32 + n - 1056;
	if (n >= 4096) array = extended_array(array), n -= 4096;
	p.offset = (p.redist ? SGI_BASE : 0) + array + n * width / 32 * 4;
	p.bit = n * width % 32;
	return p;
}

static uint32_t get(struct gic_world *w, struct place p)
{
	return (uint32_t)(p.redist ? gic_redist_read(w->g, w->pe, p.offset, 4, true)
				   : gic_dist_read(w->g, p.offset, 4, true));
}

static void put(struct gic_world *w, struct place p, uint32_t value)
{
	if (p.redist) {
		gic_redist_write(w->g, w->pe, p.offset, 4, value, true);
	} else {
		gic_dist_write(w->g, p.offset, 4, value, true);
	}
}

/* Read, change, write one field. */
static void set_field(struct gic_world *w, unsigned array, uint32_t intid, unsigned width, uint32_t value)
{
	struct place p = place_of(array, intid, width);
	uint32_t ones = width == 32 ? UINT32_MAX : (1u << width) - 1;
	put(w, p, (get(w, p) & ~(ones << p.bit)) | value << p.bit);
}

void gw_bit(struct gic_world *w, enum gic_array array, uint32_t intid)
{
	if (array == A_GROUP || array == A_GRPMOD || array == A_NMI) {
		set_field(w, array, intid, 1, 1);
	} else {
		struct place p = place_of(array, intid, 1);
		put(w, p, 1u << p.bit);
	}
}

bool gw_get(struct gic_world *w, enum gic_array array, uint32_t intid)
{
	struct place p = place_of(array, intid, 1);
	return get(w, p) >> p.bit & 1;
}

void gw_priority(struct gic_world *w, uint32_t intid, unsigned priority)
{
	set_field(w, A_PRIORITY, intid, 8, priority);
}
void gw_edge(struct gic_world *w, uint32_t intid, bool edge)
{
	set_field(w, A_CONFIG, intid, 2, edge ? 2 : 0);
}

void gw_group(struct gic_world *w, uint32_t intid, enum gic_group group)
{
	set_field(w, A_GROUP, intid, 1, group == GIC_G1NS);
	set_field(w, A_GRPMOD, intid, 1, group == GIC_G1S);
}

void gw_irq(struct gic_world *w, uint32_t intid, enum gic_group group, unsigned priority)
{
	gw_group(w, intid, group);
	gw_priority(w, intid, priority);
	gw_bit(w, A_ENABLE, intid);
}

struct gic_irq_state gw_state(struct gic_world *w, uint32_t intid)
{
	struct gic_irq_state s;
	cr_assert(gic_irq_state(w->g, w->pe, intid, &s));
	return s;
}

struct gic_signals gw_signals(struct gic_world *w) { return gic_signals(w->g, w->pe, &w->c); }

void gw_check(struct gic_world *w)
{
	const char *broken = gic_check(w->g);
	cr_assert(broken == NULL, "%s", broken);
}
