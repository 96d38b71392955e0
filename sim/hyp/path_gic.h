/* path_gic.h - the interrupt controller behind the machines of a stack (path.h): a GIC with a PE for each, and its VM's vGIC.
 *
 *   path_gic_new(PEs, times) -> shared by the path machines of all cores, each at a PE of its own
 * What paths read from and write to ICC_ and ICH_ registers reaches the functional GIC (gic/gic.h); what they say of the
 * guest's interrupts (steps `vgic`, `lists`) the vGIC (gic/vgic.h). The functional state changes at once; an interrupt that another
 * core or a timer raises is hidden from its core until it has passed the GIC (gic/timing.h). Whoever knows the time says
 * it with path_gic_at(); without, all is at cycle 0 and nothing takes time.
 * Both books of interrupts (gic/irq_book.h) are kept here.
 *
 * The GIC is as firmware and a kernel leave it: groups enabled, SGIs and PPIs enabled with priority 0xa0, ICC_PMR_EL1 0xf0; what a
 * book's start says of ICC_ and ICH_ registers comes on top. A guest has enabled its SGIs and its timer's PPI. vCPU n is at PE n.
 * A timer's wire falls when its control register is written so, or else when its interrupt is ended: handlers that do not say
 * it have set another deadline by then.
 * Devices with SPIs and messages: path_device.h.
 * Not modelled: two Security states, FIQs.
 */
#ifndef HYP_PATH_GIC_H
#define HYP_PATH_GIC_H

#include "gic/irq_book.h"
#include "gic/vgic.h"

struct path_gic;

struct path_gic_params {
	unsigned pes;                    /* 1..GIC_MAX_PES */
	const struct gic_timing *timing; /* borrowed; NULL: untimed, four list registers */
	const struct topology_params *topology;
	const unsigned *core; /* of each PE; copied; NULL: PE n is core n */
	uint64_t clock_mhz;
	cycles_t share_cycles; /* until a core sees what another has written */
	unsigned translations; /* of messages, that the guest's hypervisor keeps at hand for each vCPU */
};

struct path_gic *path_gic_new(const struct path_gic_params *p);
void path_gic_free(struct path_gic *g);

unsigned path_gic_pes(const struct path_gic *g);
/* It is `now` at `pe`: what that core does next happens then. */
void path_gic_at(struct path_gic *g, unsigned pe, cycles_t now);
/* When a timer of `pe` that is armed fires; 0: as soon as it is waited for. */
void path_gic_deadline(struct path_gic *g, unsigned pe, cycles_t deadline);
cycles_t path_gic_deadline_of(const struct path_gic *g, unsigned pe);
/* That, if no timer has taken it; it is then none any more. */
cycles_t path_gic_take_deadline(struct path_gic *g, unsigned pe);
/* When the interrupt that is hidden from `pe` will be signalled to it; 0: none is. */
cycles_t path_gic_arrival(const struct path_gic *g, unsigned pe);

/* Who lets other cores go on while one waits: returns after they have done what they can. */
typedef enum status path_gic_others_fn(void *ctx, unsigned pe, struct err *err);
void path_gic_on_wait(struct path_gic *g, path_gic_others_fn *fn, void *ctx);

/* Calls that, if there is anybody. */
enum status path_gic_let_others(struct path_gic *g, unsigned pe, struct err *err);

/* Who is told of each interrupt that another core or a device has sent to `pe`, physical or virtual: it is signalled there at `at`. Not of
 * timers and of path_inject_message(), which say it to who raises them. */
typedef void path_gic_sent_fn(void *ctx, unsigned pe, cycles_t at);
void path_gic_on_sent(struct path_gic *g, path_gic_sent_fn *fn, void *ctx);

/* "irqs", its book of physical interrupts, under `prefix`, which ends with a dot or is empty; where `guests`, "virqs" of virtual ones and
 * "vgic", the vGIC's counters, as well; and "gic", the waits of messages for others, where the machine says of gaps. */
void path_gic_register_stats(struct path_gic *g, struct stats *s, const char *prefix, bool guests);
/* "gic.its" and each PE's LPIs and vPEs, and where `guests`, "vits", the ITS that the hypervisor emulates (path_its.h), under `prefix`. Nothing
 * with a GICv2, and from the second call on. */
void path_gic_register_message_stats(struct path_gic *g, struct stats *s, const char *prefix, bool guests);
/* The stages of all interrupts add up to their latencies. ERR_CHECK: they do not. */
enum status path_gic_check(const struct path_gic *g, struct err *err);

/* Words of the guest's memory by which its vCPUs tell each other something (steps `signal`, `await`). */
enum { PATH_GIC_FLAGS = 64 };
void path_gic_signal(struct path_gic *g, unsigned pe, unsigned flag);
/* Whether it has been signalled so many times since it was forgotten; *seen: when `pe` sees the latest. */
bool path_gic_signalled(const struct path_gic *g, unsigned pe, unsigned flag, unsigned times, cycles_t *seen);
void path_gic_forget(struct path_gic *g, unsigned flag);

#endif
