/* path_its.h - ITSs behind software paths: the one that a hypervisor emulates for its guest, and the one that a GICv4.1 has.
 *
 *   path_guest_its: the guest's driver posts INT, the hypervisor executes it     -> an LPI for a vCPU
 *   path_vpes:      the hypervisor writes GITS_SGIR                              -> a virtual SGI at a resident vPE
 * Both are the functional models of gic/ (vits.h, its.h, vpe.h) with their tables in a memory of their own. The guest's driver has
 * mapped event n of one device to LPI 8192 + n at vCPU n. vPE n belongs to redistributor n, where it is resident at first; its doorbell is
 * LPI 8192 + n.
 */
#ifndef HYP_PATH_ITS_H
#define HYP_PATH_ITS_H

#include "gic/gic.h"

struct path_guest_its;
struct path_guest_its *path_guest_its_new(unsigned vcpus);
void path_guest_its_free(struct path_guest_its *p);

struct path_lpi {
	unsigned vcpu;
	uint32_t intid;
	uint8_t priority;
};
/* An INT command for `event` is posted and executed. False: it is not mapped, and *out is not touched. */
bool path_guest_its_int(struct path_guest_its *p, unsigned event, struct path_lpi *out);

struct path_vpes;
/* Gives `g`, which must not have been accessed, its LPIs and vPEs. Borrowed; outlives it. `cached`: entries of each cache of the ITS, a
 * power of 2 from 4, or 0. */
struct path_vpes *path_vpes_new(struct gic *g, unsigned pes, unsigned cached);
void path_vpes_free(struct path_vpes *p);
/* Programs tables and makes all vPEs resident: the GIC's groups are enabled by now. */
void path_vpes_start(struct path_vpes *p);
/* Makes vPE `vpe` resident, or not: then the first interrupt for it rings its doorbell. Nothing where it is so already. */
void path_vpes_schedule(struct path_vpes *p, unsigned vpe, bool resident);
/* GITS_SGIR: virtual SGI `sgi` becomes pending at vPE `vpe`. Says how many doublewords of its tables the ITS has read for
 * that, whether the vPE is resident, and if not the INTID of the doorbell that rang; 0: none did. */
struct path_vsgi {
	unsigned reads;
	bool resident;
	uint32_t doorbell;
};
struct path_vsgi path_vpes_sgi(struct path_vpes *p, unsigned vpe, unsigned sgi);

#endif
