/* path_engine.h - the software below a guest, while a machine runs: its paths take the time of the guest's core.
 *
 *   path_engine_new(book, machine's parts) -> engine
 *   perform(operation) | event(record) | fault(IPA) -> what was spent, by bucket and exception level
 * Every event of the paths is priced as it happens (hyp/path_cost.h), later ones later. From the exception that leaves
 * the guest to the return that enters it again is one exit, counted under the name that Linux's kvm_exit and perf kvm stat
 * give its reason.
 * Source: names: Linux 6.6 arch/arm64/include/asm/kvm_arm.h (kvm_arm_exception_class).
 * While a vCPU is away - preempted, or asleep - its exit lasts no longer.
 */
#ifndef MACHINE_PATH_ENGINE_H
#define MACHINE_PATH_ENGINE_H

#include "base/record.h"
#include "base/request.h"
#include "cpu/buckets.h"
#include "cpu/primitive_params.h"
#include "hyp/path_device.h"
#include "hyp/path_share.h"
#include "mem/dvm.h"
#include "stats/stats.h"

struct path_engine;
struct path_book; /* hyp/path.h */
struct path_gic;
struct gic_timing; /* gic/timing.h */
struct path_event;
struct fault;      /* mmu/fault.h */
struct path_price; /* hyp/path_cost.h */
struct mem_cpu;
struct host_memory; /* machine/host_memory.h */

struct exit_stats {
	uint64_t count, cycles;
	struct hist latency;
};

/* What the guest's kernel does about the interrupt `intid` from `now` on, in its handler or as a soft interrupt behind that: cycles. */
typedef cycles_t path_handler_fn(void *ctx, uint32_t intid, bool soft, cycles_t now);

/* What it needs of its machine; all borrowed. */
struct path_engine_parts {
	const struct path_book *book;
	const struct primitive_params *primitives;
	const struct gic_timing *gic_timing;
	struct mem_cpu *mem;
	struct host_memory
		*memory; /* of the software: its lines, and the guest's context that is to be kept */
	uint64_t memory_base, memory_bytes; /* of the VM; 0: no VM */
	struct path_gic *gic;               /* hyp/path_gic.h; all engines of a machine share it */
	unsigned pe;
	cycles_t share_cycles;    /* of a line that another core wrote last */
	cycles_t schedule_cycles; /* of a vPE that becomes resident */
	struct work_percents percent;
	struct path_sharing sharing;
	path_handler_fn *handler; /* NULL: nothing is known of that */
	void *handler_ctx;
	struct dvm_port port; /* of its core, for messages to all others */
};

/* Boots the stack up to the guest. Errors of path_machine_new() and path_costs_new(). */
enum status path_engine_new(const struct path_engine_parts *parts, struct path_engine **out, struct err *err);
void path_engine_free(struct path_engine *e);
void path_engine_register_stats(struct path_engine *e, struct stats *s, unsigned vm, unsigned vcpu);

/* Boots again: registers, contexts and variables of the paths are as at first. No time passes. */
enum status path_engine_boot(struct path_engine *e, struct err *err);

/* Tells every event with its price, after it was booked; NULL: nobody is told. */
typedef void path_price_fn(void *ctx, const struct path_event *e, const struct path_price *price);
void path_engine_listen(struct path_engine *e, path_price_fn *fn, void *ctx);

/* The guest performs an operation from `now` on; adds to *spent. */
enum status path_engine_perform(struct path_engine *e, const char *operation, cycles_t now,
				struct core_spent *spent, struct err *err);
/* The guest performs one until it waits for others; then goes on from there, after they have done something. Its core has been waiting
 * since `now`. */
enum status path_engine_park(struct path_engine *e, const char *operation, cycles_t now,
			     struct core_spent *spent, struct err *err);
enum status path_engine_unpark(struct path_engine *e, cycles_t now, struct core_spent *spent,
			       struct err *err);
/* Executes a record that may leave the guest; false in *known: it is none, and nothing happened. */
enum status path_engine_event(struct path_engine *e, const struct record *rec, cycles_t now, bool *known,
			      struct core_spent *spent, struct err *err);
/* The timer of the guest's kernel has fired at `at`, `now` or before: returns when its interrupt is signalled. The guest takes what is
 * signalled, between two of its instructions; adds to *spent. path_engine_is_signalled(): there is something. */
cycles_t path_engine_raise_timer(struct path_engine *e, cycles_t at, cycles_t now);
bool path_engine_is_signalled(struct path_engine *e, cycles_t now);
cycles_t path_engine_inject_message(struct path_engine *e, uint32_t intid, cycles_t at, cycles_t now);
/* Device `n` of the vCPU, 0..PATH_DEVICE_COUNT - 1, sends a message at `at`, which the GIC tells its core of (path_gic_on_sent()).
 * path_engine_lacks_device(): why there are no such devices; NULL: there are. */
void path_engine_raise_message(struct path_engine *e, enum path_device_kind kind, unsigned n, cycles_t at,
			       cycles_t now);
const char *path_engine_lacks_device(const struct path_engine *e, enum path_device_kind kind);
enum status path_engine_interrupt(struct path_engine *e, cycles_t now, struct core_spent *spent,
				  struct err *err);
/* The guest's next WFI lasts until that timer fires at `deadline`; 0: it does not. */
void path_engine_wait_until(struct path_engine *e, cycles_t deadline);
/* A host schedules the vCPU from now on; false: its paths do not say how. */
bool path_engine_use_scheduler(struct path_engine *e);
/* The vCPU has given its core up within an event, or does it now, preempted. It goes on where path_engine_move() says. */
bool path_engine_is_away(const struct path_engine *e);
enum status path_engine_preempt(struct path_engine *e, cycles_t now, struct core_spent *spent,
				struct err *err);
enum status path_engine_come_back(struct path_engine *e, cycles_t now, struct core_spent *spent,
				  struct err *err);
/* When the timer of a guest fires that has given its core up to wait; 0: it is not set. */
cycles_t path_engine_deadline(struct path_engine *e);
/* Another core from now on. */
void path_engine_move(struct path_engine *e, struct mem_cpu *mem, struct host_memory *memory,
		      struct dvm_port port);

/* A stage 2 fault on memory; takes no time where path_engine_maps_all(). */
struct path_fault {
	struct ipa ipa;
	uint8_t kind;    /* enum access_kind */
	uint8_t refuses; /* enum fault_kind: translation, or the page is there - permission, or access flag */
};
enum status path_engine_fault(struct path_engine *e, const struct path_fault *fault, cycles_t now,
			      struct core_spent *spent, struct err *err);
/* With several vCPUs: an event or a fault stops before each step that others can see (path_piecewise()). Then
 * path_engine_is_busy(), and path_engine_resume() goes on at the time of that step; but not while path_engine_waits() for a
 * lock, which lasts until path_engine_granted(). */
void path_engine_piecewise(struct path_engine *e, bool on);
/* An event also stops before a wait that the guest's timer ends, and is busy until path_engine_halt_end(): when that timer fires, or what others
 * have sent comes, whichever is first; 0: it is no such wait at which it has stopped. */
void path_engine_hold_halts(struct path_engine *e, bool on);
cycles_t path_engine_halt_end(struct path_engine *e);
bool path_engine_is_busy(const struct path_engine *e);
bool path_engine_waits(const struct path_engine *e);
void path_engine_granted(struct path_engine *e);
enum status path_engine_resume(struct path_engine *e, cycles_t now, struct core_spent *spent,
			       struct err *err);
/* Sets a variable of the paths, now and after each boot. */
void path_engine_set_variable(struct path_engine *e, const char *name, bool value);

bool path_engine_maps_all(const struct path_engine *e);
/* Unmaps what operations have had mapped, so that they fault again. */
void path_engine_forget_pages(struct path_engine *e);

#endif
