/* monitors.h - the exclusives monitors of a machine's PEs: whether a store exclusive stores.
 *
 *   monitors_load: LDXR tags a granule      monitors_store_exclusive: STXR -> whether it stores      monitors_store: another's store
 * Each PE has a local monitor, and a place in the global one. A load exclusive tags the granule of its address in both, instead of what
 * was tagged. A store exclusive stores where both still have it, and leaves both open. A store by another PE to the granule opens the global
 * monitor for it, CLREX and an exception return the local one; a load of another PE changes nothing. A granule is 1 << granule_bits bytes
 * (CTR_EL0.ERG).
 * IMPDEF: a store exclusive to another granule than the tagged one fails; a PE's own stores do not clear its monitors.
 * Source: Arm ARM DDI 0487, B2.17 (exclusive access instructions and shareable memory locations; context switch support).
 * Not modelled: store exclusives of another size than the load's.
 */
#ifndef MEM_MONITORS_H
#define MEM_MONITORS_H

#include <stdbool.h>
#include <stdint.h>

struct monitors;

struct monitors *monitors_new(unsigned pes, unsigned granule_bits);
void monitors_free(struct monitors *m); /* NULL is allowed */

void monitors_load(struct monitors *m, unsigned pe, uint64_t pa);
bool monitors_store_exclusive(struct monitors *m, unsigned pe, uint64_t pa);
/* A store or an atomic by `pe`, seen by the others. O(PEs) where any has a granule tagged, else O(1). */
void monitors_store(struct monitors *m, unsigned pe, uint64_t pa);
/* CLREX, or an exception return. */
void monitors_clear(struct monitors *m, unsigned pe);

#endif
