/* its_suites.h - the worlds of the suites `its`, `vpe_v40` and `vpe_v41`, whose tests are in several files.
 *
 * its: device 5 has 16 events; 0 and 1 are LPIs 8192 and 8193 of collection 0, which is redistributor 1.
 * vpe_*: vPE 1 is mapped to redistributor 2; events 0 and 1 of device 5 are its virtual LPIs 8192 and 8193.
 */
#ifndef TESTS_ITS_SUITES_H
#define TESTS_ITS_SUITES_H

#include "its_world.h"

/* Made before each test, checked and freed behind it. */
extern struct its_world *world;

#define VALID (UINT64_C(1) << 63)

/* --- suite its --- */

enum {
	CTLR = 0,
	TYPER = 8,
	CBASER = 0x80,
	CWRITER = 0x88,
	CREADR = 0x90,
	BASER0 = 0x100,
	BASER1 = 0x108,
	BASER2 = 0x110
};

bool its_suite_pending(unsigned redist, uint32_t intid);
/* The code of a command's error: IHI 0069, 5.3. */
unsigned its_suite_error(enum its_command c, unsigned reason);

/* --- suites vpe_v40, vpe_v41 --- */

#define DOORBELL (UINT64_C(1) << 62)
#define PENDING_LAST (UINT64_C(1) << 61)
#define DIRTY (UINT64_C(1) << 60)
#define GROUPS (UINT64_C(3) << 58)
enum { VPROPBASER = 0x70, VPENDBASER = 0x78, VSGIR = 0x80, VSGIPENDR = 0x88 };
enum { DOORBELL_INTID = 9000, NO_DOORBELL = 1023 };

uint64_t vpe_suite_get(unsigned redist, unsigned offset);
void vpe_suite_set(unsigned redist, unsigned offset, uint64_t value);
void vpe_suite_schedule_v40(unsigned redist, uint32_t vpe);
void vpe_suite_schedule_v41(unsigned redist, uint32_t vpe);
/* As its_clear_vpend_valid() of Linux does: read, change, write, then poll Dirty. Returns GICR_VPENDBASER. */
uint64_t vpe_suite_deschedule(unsigned redist, uint64_t flags);
/* The INTID that is offered to the resident vPE; UINT32_MAX: none. */
uint32_t vpe_suite_best(unsigned redist);
void vpe_suite_sgi(uint32_t vpe, unsigned intid);

#endif
