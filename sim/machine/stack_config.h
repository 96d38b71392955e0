/* stack_config.h - what a stack file says: the kernel whose address space the workload uses, and the hypervisors below.
 *
 * Native is an empty list of hypervisors: the kernel owns the machine. With one hypervisor the kernel is a guest's.
 * Not modelled: nested virtualization, which would be a list of two.
 */
#ifndef MACHINE_STACK_CONFIG_H
#define MACHINE_STACK_CONFIG_H

#include "config/bind.h"
#include "config/effective.h"
#include "config/fits.h"
#include "hyp/hyp.h"
#include "os/os.h"

struct stack_params {
	const char *name;
	uint64_t threads; /* of the workload that run, each on a core of its own */
	const char *pin;  /* those cores, as "0-3,8"; "": thread n on core n */
	struct os_params os;
	struct param_list hypervisors; /* of struct hyp_params, the one nearest to the hardware first */
	const char *operations;        /* file of the guest's operations (path.h); "" for none */
	const char *firmware;          /* file of EL3's software paths; "" for none */
	struct param_list fits;        /* of struct fit_item */
};

extern const struct schema stack_schema;

/* The only hypervisor of the stack, or NULL when it is native. */
const struct hyp_params *stack_hypervisor(const struct stack_params *s);

enum { STACK_THREADS_MAX = 1024 };

/* The cores on which the threads run, cpu[0..s->threads-1], of a machine with `cores`. ERR_CONFIG: there are too few, or the
 * list is none. */
enum status stack_place(const struct stack_params *s, unsigned cores, unsigned cpu[STACK_THREADS_MAX],
			struct err *err);

/* Whether a machine with these features can run the stack that was bound; ERR_CONFIG with the place of the value at
 * fault. */
enum status stack_check(const struct bound *stack, const struct features *f, struct err *err);

#endif
