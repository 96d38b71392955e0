/* stack_place.h - which cores of a machine the threads of a stack run on.
 *
 *   stack_place: (stack, number of cores) -> cores in use, and for each thread where it begins and may go
 * A pinned thread has one core. Threads that may run on any core of a list are spread over it: each begins where fewest are.
 */
#ifndef MACHINE_STACK_PLACE_H
#define MACHINE_STACK_PLACE_H

#include "machine/stack_config.h"

enum { STACK_CPU_WORDS = STACK_THREADS_MAX / 64 };

struct stack_thread_place {
	unsigned home;                     /* where it begins; index of stack_places.core */
	uint64_t allowed[STACK_CPU_WORDS]; /* bit n: it may run on core[n] */
};

struct stack_places {
	unsigned cpus;
	unsigned core
		[STACK_THREADS_MAX]; /* numbers of the cores in use, in the order in which threads name them */
	struct stack_thread_place *thread; /* stack_threads() of them */
	bool shared;                       /* threads share cores or move */
};

/* ERR_CONFIG: there are too few cores, or a list is none. free with stack_places_free(). */
enum status stack_place(const struct stack_params *s, unsigned cores, struct stack_places **out,
			struct err *err);
void stack_places_free(struct stack_places *p);

#endif
