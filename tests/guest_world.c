#include "guest_world.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

void guest_open(struct vm_world *w, const char *yaml)
{
	cr_assert(eq(int, vm_world_open(w, yaml, NULL), OK), "%s", w->err.text);
}

void guest_run_loads(struct vm_world *w, uint64_t loads)
{
	static const struct record load = {.addr = 0x100000, .count = 8, .kind = REC_LOAD, .gap = 400};
	struct trace_source *source = script_source(&load, 1, loads);
	vm_world_run(w, &source, 0);
}

void guest_run_sleeps(struct vm_world *w, uint64_t microseconds, uint64_t times)
{
	struct record rec[] = {{.addr = 0x100000, .count = 8, .kind = REC_LOAD, .gap = 400},
			       {.kind = REC_TIMER, .arg = microseconds * GUEST_MHZ},
			       {.kind = REC_WFI}};
	struct trace_source *source = script_source(rec, 3, times);
	vm_world_run(w, &source, 0);
}

uint64_t guest_ticks(uint64_t cycles, uint64_t hz) { return cycles * hz / (GUEST_MHZ * UINT64_C(1000000)); }
