/* path_device.h - devices whose interrupts a scenario waits for, as its software paths see them.
 *
 *   step raise:   so many devices of a kind assert their interrupts at the next wait
 *   step device:  what the software that handles them does: mask, inject, serve, unmask
 * A device has the same INTID in the machine and in the guest that it is assigned to: SPIs of edges from 32, level-sensitive ones from 48, messages
 * as path_its.h has them. Its driver has configured it for one PE and one vCPU; `raise` says which. A level-sensitive wire is high while
 * its device wants something and nobody has masked it at the device (INTx with a disable bit, as VFIO does it): a guest's end of it
 * leaves the guest (ICH_LR<n>.EOI), and only then the device is unmasked and, if it still wants something, raises its wire again.
 * State changes at once; time is path_gic.h's.
 * Source: Linux 6.1 drivers/vfio/pci/vfio_pci_intrs.c (vfio_intx_handler, vfio_pci_intx_unmask_handler, vfio_msihandler),
 * virt/kvm/eventfd.c (irqfd_wakeup, irqfd_resampler_ack), arch/arm64/kvm/vgic/vgic-irqfd.c.
 */
#ifndef HYP_PATH_DEVICE_H
#define HYP_PATH_DEVICE_H

#include "base/status.h"
#include "base/types.h"
#include "hyp/path_its.h"

struct path_gic;

/* X(name, what) */
#define PATH_DEVICES(X) \
	X(spi, "an edge on a wire") \
	X(level_spi, "a level on a wire") \
	X(lpi, "a message through the machine's ITS") \
	X(vlpi, "a message that the machine's ITS gives to a vPE itself (GICv4)")
#define PATH_DEVICE_VERBS(X) \
	X(inject, "what this core has acknowledged goes to the vCPUs of its devices, as irqfd does it") \
	X(mask, "the wire of the device that was acknowledged falls, whatever the device wants") \
	X(serve, "the device that was acknowledged wants nothing any more") \
	X(unmask, "the wires that guests have ended follow their devices again")
#define PATH_DEVICE_STATES(X) \
	X(any, "a device's interrupt was acknowledged last") \
	X(level, "that was a level-sensitive one") \
	X(message, "that was an LPI") \
	X(cached, "the translations of all messages that wait for `inject` are at hand") \
	X(ended, "a guest has ended a level-sensitive one that is masked")
enum path_device_kind {
#define X(name, doc) DEVICE_##name,
	PATH_DEVICES(X)
#undef X
		DEVICE_KINDS
};
enum path_device_verb {
#define X(name, doc) DEVICE_##name,
	PATH_DEVICE_VERBS(X)
#undef X
		DEVICE_VERBS
};
enum path_device_state {
#define X(name, doc) DEVICE_##name,
	PATH_DEVICE_STATES(X)
#undef X
		DEVICE_STATES
};

enum { PATH_DEVICE_COUNT = PATH_MESSAGES, PATH_EDGE_SPI = 32, PATH_LEVEL_SPI = 48, PATH_SPIS = 32 };

struct path_devices;
struct path_devices *path_devices_new(unsigned pes);
void path_devices_free(struct path_devices *d);

/* Why this GIC has no such devices; NULL: it has. */
const char *path_device_lacks(const struct path_gic *g, enum path_device_kind kind);

struct path_raise {
	enum path_device_kind kind;
	unsigned first;    /* of the devices of this kind; 0..PATH_DEVICE_COUNT - count */
	unsigned count;    /* 1..PATH_DEVICE_COUNT */
	unsigned pe, vcpu; /* that they are configured for; a message that goes to the host first: the same */
};
/* They assert their interrupts at `now`. */
void path_device_raise(struct path_gic *g, const struct path_raise *r, cycles_t now);

/* PE `pe` has acknowledged the physical interrupt `intid`. Nothing where it is no device's. */
void path_device_acknowledged(struct path_gic *g, unsigned pe, uint32_t intid);
/* What PE `pe` does, which has acknowledged `intid` last, physical or virtual, at its own time. */
void path_device_do(struct path_gic *g, unsigned pe, enum path_device_verb verb, uint32_t intid);
bool path_device_holds(const struct path_gic *g, unsigned pe, enum path_device_state what, uint32_t intid);
/* The guest's end of `intid` is seen by its hypervisor: the guest's wire falls. */
void path_device_ended(struct path_gic *g, uint32_t intid);

#endif
