/* path_its.h - ITSs behind software paths: the one that a hypervisor emulates for its guest, and that of the machine.
 *
 *   path_guest_its: the guest's driver posts INT, or irqfd brings a message  -> an LPI for a vCPU
 *   path_host_its:  a device's message                                       -> an LPI at a PE, or a virtual one at a vPE
 *                   the hypervisor writes GITS_SGIR                          -> a virtual SGI at a vPE
 * Both are the functional models of gic/ (vits.h, its.h, vpe.h) with their tables in a memory of their own. The guest's driver has
 * mapped event n of one device to LPI 8192 + n at vCPU n. vPE n belongs to redistributor n, where it is resident at first; its doorbell is
 * LPI 8192 + n. Messages are events of another device, PATH_MESSAGES for each PE or vCPU: event e is LPI PATH_MESSAGE_LPI + e at the PE,
 * and in the guest at the vCPU, of number e / PATH_MESSAGES. Each is mapped when it first comes.
 * GICv4.0 has a doorbell with each event, here the same for all of a vPE, and no virtual SGIs.
 */
#ifndef HYP_PATH_ITS_H
#define HYP_PATH_ITS_H

#include "gic/gic.h"
#include "gic/timing.h"
#include "stats/stats.h"

enum { PATH_MESSAGES = 16, PATH_MESSAGE_LPI = GIC_LPI + GIC_MAX_PES };

struct path_guest_its;
/* `cached`: translations that the hypervisor keeps for each vCPU (vits.h); 0: none. */
struct path_guest_its *path_guest_its_new(unsigned vcpus, unsigned cached);
void path_guest_its_free(struct path_guest_its *p);

struct path_lpi {
	unsigned vcpu;
	uint32_t intid;
	uint8_t priority;
};
/* An INT command for `event` is posted and executed. False: it is not mapped, and *out is not touched. */
bool path_guest_its_int(struct path_guest_its *p, unsigned event, struct path_lpi *out);
/* The message `event` comes by irqfd. False as above. */
bool path_guest_its_message(struct path_guest_its *p, unsigned event, struct path_lpi *out);
/* Whether its translation is at hand, so that it needs no lock. */
bool path_guest_its_has(const struct path_guest_its *p, unsigned event);
/* "vits" under `prefix`, which ends with a dot or is empty: what its ITS and the cache of translations count, but for the set-up. */
void path_guest_its_register_stats(struct path_guest_its *p, struct stats *s, const char *prefix);

struct path_host_its;
/* Gives `g`, which must not have been accessed, its LPIs, and with GICv4 its vPEs. Borrowed; outlives it. */
struct path_host_its *path_host_its_new(struct gic *g, unsigned pes, const struct gic_timing *t);
void path_host_its_free(struct path_host_its *p);
/* Programs tables and makes all vPEs resident: the GIC's groups are enabled by now. */
void path_host_its_start(struct path_host_its *p);
/* "gic.its" under `prefix`, as above, and of each PE "gic.peN.lpis", with GICv4 "gic.peN.vpes": what they count from then on. */
void path_host_its_register_stats(struct path_host_its *p, struct stats *s, const char *prefix);
bool path_host_its_has_vpes(const struct path_host_its *p); /* GICv4 */
bool path_host_its_has_sgis(const struct path_host_its *p); /* GICv4.1 */
/* Makes vPE `vpe` resident, or not: then the first interrupt for it rings its doorbell. Nothing where it is so already. */
void path_host_its_schedule(struct path_host_its *p, unsigned vpe, bool resident);

/* What became of something that the ITS was given: how many doublewords of its tables it has read for that; of a virtual interrupt
 * whether the vPE is resident, and if not the INTID of the doorbell that rang; 0: none did. */
struct path_its_sent {
	unsigned reads;
	uint32_t intid; /* LPI, virtual LPI or SGI; 0: dropped */
	bool resident;
	uint32_t doorbell;
};
/* GITS_SGIR: virtual SGI `sgi` becomes pending at vPE `vpe`. */
struct path_its_sent path_host_its_sgi(struct path_host_its *p, unsigned vpe, unsigned sgi);
/* A device writes `event`. `direct`: the hypervisor has mapped it to the vPE instead of the PE of its number (GICv4). */
struct path_its_sent path_host_its_message(struct path_host_its *p, unsigned event, bool direct);

#endif
