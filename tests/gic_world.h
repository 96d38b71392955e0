/* gic_world.h - a GIC with short names for what tests do to it.
 *
 * Interrupts are set up by gw_irq(); the CPU interface is used in the context `c`, by register names without "_EL1".
 */
#ifndef TESTS_GIC_WORLD_H
#define TESTS_GIC_WORLD_H

#include "gic/cpu_if.h"

enum { SGI_BASE = 0x10000, SPI = 40, PPI = 27 };
enum gic_array {
	A_GROUP = 0x80,
	A_ENABLE = 0x100,
	A_DISABLE = 0x180,
	A_SET_PENDING = 0x200,
	A_CLEAR_PENDING = 0x280,
	A_SET_ACTIVE = 0x300,
	A_CLEAR_ACTIVE = 0x380,
	A_PRIORITY = 0x400,
	A_CONFIG = 0xc00,
	A_GRPMOD = 0xd00,
	A_NSACR = 0xe00,
	A_NMI = 0xf80,
};

struct gic_world {
	struct gic *g;
	unsigned pe; /* whose registers are meant */
	struct gic_context c;
};

/* All groups enabled in the distributor and in every CPU interface, nothing masked. */
struct gic_world gw_new(const struct gic_params *p);
struct gic_world gw_single(void); /* one Security state, one PE, EL2 */
void gw_free(struct gic_world *w);

/* ICC_, ICV_ (as ICC_ at EL1 with `virtual`) and ICH_ registers: "PMR", "IAR1", "ICH_HCR_EL2". Fails the test if UNDEFINED. */
uint64_t gw_read(struct gic_world *w, const char *name);
void gw_write(struct gic_world *w, const char *name, uint64_t value);
struct gic_context gw_guest(void); /* EL1 with HCR_EL2.IMO and FMO */

/* One bit of an array of GICD or GICR, as Secure software. */
void gw_bit(struct gic_world *w, enum gic_array array, uint32_t intid);
bool gw_get(struct gic_world *w, enum gic_array array, uint32_t intid);
void gw_priority(struct gic_world *w, uint32_t intid, unsigned priority);
void gw_edge(struct gic_world *w, uint32_t intid, bool edge);
void gw_group(struct gic_world *w, uint32_t intid, enum gic_group group);
/* Enabled, of this group and priority; level-sensitive except SGIs; an SPI goes to PE 0. */
void gw_irq(struct gic_world *w, uint32_t intid, enum gic_group group, unsigned priority);
struct gic_irq_state gw_state(struct gic_world *w, uint32_t intid);
struct gic_signals gw_signals(struct gic_world *w);
/* gic_check(), and that an interrupt's state in its registers is its state. */
void gw_check(struct gic_world *w);

#endif
