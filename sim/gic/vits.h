/* vits.h - the ITS that KVM emulates for a guest, with and without its translation cache.
 *
 *   vits_inject: a message of a device -> LPI at a vCPU        vits_write, vits_step: the guest's registers and commands
 * It is an ITS (its.h) with the sizes of KVM's, over the guest's memory and one `struct its_redist` per vCPU. In front stands the
 * translation cache: the latest (DeviceID, EventID) with what they are translated to, so that an irqfd injects without the
 * lock of the ITS. Every command that could change a translation empties it.
 *
 * What the timing of a hypervisor needs is in `struct vits_injection`: whether the lock had to be taken, how many entries of the
 * cache were compared (KVM's is a list), and whether a vCPU has to be kicked is the caller's to see (its.h, lpi_on_change()).
 * Source: Linux arch/arm64/kvm/vgic/vgic-its.c (5.3 to 6.9: vgic_its_check_cache, vgic_its_cache_translation,
 * vgic_its_invalidate_cache and its callers; VITS_TYPER_IDBITS, VITS_TYPER_DEVBITS; LPI_DEFAULT_PCPU_CACHE_SIZE).
 * IMPDEF: MAPC of a mapped collection empties the cache as well (KVM's entries name an interrupt that knows its vCPU).
 * Not modelled: that KVM moves pending LPIs with MAPC; the private lists that KVM keeps beside the tables; save and restore.
 */
#ifndef GIC_VITS_H
#define GIC_VITS_H

#include "gic/its.h"

enum { VITS_CACHED_PER_VCPU = 16 };

struct vits_stats {
	uint64_t hits, misses, invalidated, compared;
};
extern const struct stat_desc vits_stat_rows[];
extern const size_t vits_stat_count;

struct vits_injection {
	struct its_delivery delivery;
	bool cached;       /* found without the lock */
	unsigned compared; /* entries of the cache */
};

struct vits;

/* `guest` is the memory of intermediate physical addresses; `redist` as for its_new(). `cached`: entries of the translation cache,
 * VITS_CACHED_PER_VCPU for each vCPU in KVM; 0: off. Free with vits_free(). */
struct vits *vits_new(struct physmem *guest, const struct its_redist *redist, unsigned vcpus,
		      unsigned cached);
void vits_free(struct vits *v);
struct vits_stats *vits_stats(struct vits *v);
/* For its registers that are read, its statistics and errors. */
struct its *vits_its(struct vits *v);

/* As its_write() and its_step(); KVM executes all commands when GITS_CWRITER is written. */
bool vits_write(struct vits *v, unsigned offset, unsigned bytes, uint64_t value);
struct its_step vits_step(struct vits *v);
/* GICR_CTLR.EnableLPIs of a vCPU was cleared. */
void vits_invalidate(struct vits *v);

struct vits_injection vits_inject(struct vits *v, uint32_t device, uint32_t event);
/* Whether the cache has its translation; changes nothing. */
bool vits_has(const struct vits *v, uint32_t device, uint32_t event);

#endif
