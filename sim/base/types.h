/* types.h - quantities shared by every model. Depends on nothing. */
#ifndef BASE_TYPES_H
#define BASE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

__extension__ typedef unsigned __int128 u128_t;
typedef uint64_t cycles_t; /* an absolute core cycle, or a number of them */

/* The cycles that begin within `ns` nanoseconds: rounded up. */
static inline cycles_t cycles_of_ns(uint64_t ns, uint64_t clock_mhz) { return (ns * clock_mhz + 999) / 1000; }

/* Addresses are one-member structs so that the compiler refuses an IPA where a PA is meant. */
struct va {
	uint64_t raw;
};
struct ipa {
	uint64_t raw;
};
struct pa {
	uint64_t raw;
};

/* The architecture's translation granules, named by log2 of their size in bytes. */
enum granule { GRANULE_4K = 12, GRANULE_16K = 14, GRANULE_64K = 16 };

/* Translation regimes that a TLB entry can belong to. Arm ARM DDI 0487, D8.1. */
enum regime { REGIME_EL10, REGIME_EL2, REGIME_EL20, REGIME_EL3 };

/* Physical address spaces (security states). Root and Realm: FEAT_RME. */
enum security { SEC_NONSECURE, SEC_SECURE, SEC_REALM, SEC_ROOT };

enum access_kind { ACCESS_READ, ACCESS_WRITE, ACCESS_FETCH };

#endif
