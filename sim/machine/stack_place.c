#include "machine/stack_place.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/ranges.h"

/* Where threads are being put. */
struct placing {
	struct stack_places *out;
	unsigned cores; /* of the machine */
	unsigned threads, load[STACK_THREADS_MAX];
};

/* One VM of it. */
struct placed_vm {
	struct vm_params params;
	char key[80]; /* what messages call it */
	bool one;     /* the only one: the stack itself describes it */
};

/* The index of a core that is in use from now on. */
static unsigned use_core(struct placing *p, unsigned core)
{
	struct stack_places *out = p->out;
	for (unsigned i = 0; i < out->cpus; i++)
		if (out->core[i] == core) return i;
	out->core[out->cpus] = core;
	return out->cpus++;
}

static bool is_used(const struct placing *p, unsigned core)
{
	for (unsigned i = 0; i < p->out->cpus; i++)
		if (p->out->core[i] == core) return true;
	return false;
}

static void put(struct placing *p, unsigned home)
{
	p->out->thread[p->threads++].home = home;
	p->out->shared |= p->load[home]++ != 0;
}

static enum status parse(const struct placing *p, const struct placed_vm *vm, const char *name,
			 const char *text, unsigned list[STACK_THREADS_MAX], unsigned *count, struct err *err)
{
	*count = 0;
	if (ranges_parse(text, p->cores - 1, list, STACK_THREADS_MAX, count, err) == OK) return OK;
	const struct err what = *err;
	return err_set(err, what.code, "%s.%s: %.400s", vm->key, name, what.text);
}

static enum status pin(struct placing *p, const struct placed_vm *vm, struct err *err)
{
	unsigned list[STACK_THREADS_MAX], count;
	const char *text = vm->params.pin;
	TRY(parse(p, vm, "pin", text, list, &count, err));
	for (unsigned i = 0; !*text && count < vm->params.vcpus && i < p->cores; i++)
		if (!is_used(p, i)) list[count++] = i;
	if (count < vm->params.vcpus)
		return err_set(err, ERR_CONFIG, "%s.%s: %" PRIu64 ", but there are %u cores in %s", vm->key,
			       vm->one ? "threads" : "vcpus", vm->params.vcpus, count,
			       !*text    ? "the machine (cores)"
			       : vm->one ? "stack.pin"
					 : "its pin");
	for (unsigned i = 0; i < vm->params.vcpus; i++) {
		unsigned at = use_core(p, list[i]);
		p->out->thread[p->threads].allowed[at / 64] = UINT64_C(1) << at % 64;
		put(p, at);
	}
	return OK;
}

/* The core of the list with the fewest threads, the first of equals. */
static unsigned emptiest(const struct placing *p, const unsigned *list, unsigned count)
{
	unsigned best = list[0];
	for (unsigned i = 1; i < count; i++)
		if (p->load[list[i]] < p->load[best]) best = list[i];
	return best;
}

static enum status spread(struct placing *p, const struct placed_vm *vm, struct err *err)
{
	unsigned list[STACK_THREADS_MAX], count;
	if (*vm->params.pin)
		return err_set(err, ERR_CONFIG, "%s.cpus: %s, but pin says where each runs: %s", vm->key,
			       vm->params.cpus, vm->params.pin);
	TRY(parse(p, vm, "cpus", vm->params.cpus, list, &count, err));
	for (unsigned i = 0; i < count; i++) list[i] = use_core(p, list[i]);
	for (unsigned i = 0; i < vm->params.vcpus; i++) {
		uint64_t *allowed = p->out->thread[p->threads].allowed;
		for (unsigned k = 0; k < count; k++) allowed[list[k] / 64] |= UINT64_C(1) << list[k] % 64;
		put(p, emptiest(p, list, count));
	}
	p->out->shared |= count > 1;
	return OK;
}

static enum status place_vm(struct placing *p, const struct stack_params *s, unsigned vm, struct err *err)
{
	struct placed_vm v = {.params = stack_vm(s, vm), .key = "stack", .one = !s->vms.count};
	if (!v.one) snprintf(v.key, sizeof(v.key), "stack.vms.%.60s", v.params.name);
	return *v.params.cpus ? spread(p, &v, err) : pin(p, &v, err);
}

static enum status place_all(struct placing *p, const struct stack_params *s, struct err *err)
{
	unsigned threads = stack_threads(s);
	if (threads > STACK_THREADS_MAX)
		return err_set(err, ERR_CONFIG, "stack.vms: %u vCPUs, of at most %d", threads,
			       STACK_THREADS_MAX);
	for (unsigned i = 0; i < stack_vms(s); i++) TRY(place_vm(p, s, i, err));
	if (!p->out->shared || stack_hypervisor(s)) return OK;
	return err_set(err, ERR_CONFIG,
		       "stack.cpus: %s: only vCPUs are scheduled; without a hypervisor each "
		       "thread has a core (pin)",
		       s->cpus);
}

enum status stack_place(const struct stack_params *s, unsigned cores, struct stack_places **out,
			struct err *err)
{
	struct placing *p = xcalloc(1, sizeof(*p));
	p->cores = cores;
	p->out = xcalloc(1, sizeof(*p->out));
	p->out->thread = xcalloc(STACK_THREADS_MAX, sizeof(*p->out->thread));
	enum status st = place_all(p, s, err);
	*out = p->out;
	free(p);
	if (st == OK) return OK;
	stack_places_free(*out);
	*out = NULL;
	return st;
}

void stack_places_free(struct stack_places *p)
{
	if (!p) return;
	free(p->thread);
	free(p);
}
