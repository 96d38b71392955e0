/* machine_check.h - what must hold between the rows of a machine, beyond the range of each.
 *
 * TLBs, caches and walk caches have whole sets and no more ways than their policy serves; each side has a
 * TLB at level 1 and no level is left out; caches stand in order to memory with one line size; descriptor
 * reads begin at a cache that exists; PA sizes are those of ID_AA64MMFR0_EL1.PARange, and memory lies
 * below them.
 */
#ifndef MACHINE_MACHINE_CHECK_H
#define MACHINE_MACHINE_CHECK_H

#include "machine/machine_config.h"

/* ERR_CONFIG with the place of the value that is at fault. */
enum status machine_check(const struct machine_config *m, struct err *err);

#endif
