/* memops_impl.h - inside of operations on memory (memops.h): for the files memop*.c alone. */
#ifndef MACHINE_MEMOPS_IMPL_H
#define MACHINE_MEMOPS_IMPL_H

#include "base/rng.h"
#include "machine/machine_impl.h"
#include "machine/memops.h"
#include "mem/channel.h"

/* Who performs steps, and when it is: the operations' thread, or a vCPU that has faulted. */
struct op_clock {
	struct machine *machine;
	const struct vm *vm; /* whose VMID TLBIs are for */
	struct mem_cpu *mem;
	cycles_t now, tlbi_done;
	uint64_t millicycles; /* above `now` */
	uint64_t tlbi, dsb;   /* counted */
	uint8_t cause, el;    /* of its requests */
	bool untimed;         /* on another host: nothing is charged here */
	struct stage2_clock steps;
};
void op_clock_init(struct op_clock *c, const struct vm *vm, struct mem_cpu *mem, cycles_t now);
/* Reads a page, and writes what came to `to` unless that is NULL. */
void op_clock_page(struct op_clock *c, struct pa from, const struct pa *to);
void op_clock_instructions(struct op_clock *c, uint64_t instructions);

enum { MEMOP_ROUNDS_KEPT = 32 };

struct memop {
	const struct memop_params *p;
	struct memops *all;
	struct vm *vm;
	struct memop_stats stats;
	uint64_t cursor, left; /* the next page; pages or scans still to do */
	unsigned phase;
	uint64_t round_pages[MEMOP_ROUNDS_KEPT];
	cycles_t begun;
	uint64_t key[2];
	uint64_t *stable; /* ksm: frames by content; 0: none */
	uint64_t *first;  /* ksm: page + 1 that was seen first with a content */
	struct pa buffer; /* snapshot: where pages are saved to */
};

struct memops {
	struct machine *machine;
	struct vm *vm;      /* of the present operation */
	struct mem_cpu mem; /* of the core of its thread */
	unsigned core;
	struct op_clock clock;
	struct page_ops pages;
	struct op_clock breaks; /* TLBIs of faults, from cycle 0 on, not yet charged */
	struct memop *op;
	unsigned count, present;
	bool running, begun;
	cycles_t base;      /* that `at` counts from */
	cycles_t link_free; /* the link, and the compression engine, have done all so far */
	cycles_t engine_free;
	cycles_t page_cycles; /* of a page on the link, compressed */
	uint64_t *balloon;    /* IPAs of the guest's pages in it */
	size_t balloon_count, balloon_room;
	bool held;
};

/* One step of an operation; *done: it was the last. */
typedef enum status memop_step_fn(struct memops *o, struct memop *op, bool *done, struct err *err);
memop_step_fn memop_precopy, memop_postcopy, memop_snapshot, memop_ksm, memop_preallocate, memop_inflate,
	memop_deflate, memop_age, memop_plug, memop_unplug, memop_cpu_off;

/* Cycles of so many bytes at a rate, rounded up. */
cycles_t memops_transfer(const struct memops *o, uint64_t bytes, uint64_t MBps);
cycles_t memops_latency(const struct memops *o, const struct memop *op);
/* The thread does nothing until `cycle`: it waits for the link, or sleeps. */
void memops_wait(struct memops *o, struct memop *op, cycles_t cycle, bool sleeps);
/* A page goes out: read, compressed, queued on the link. */
void memops_send(struct memops *o, struct memop *op, struct pa frame);
/* All vCPUs stand still from `from` until `until`. */
enum status memops_hold(struct memops *o, struct memop *op, cycles_t from, cycles_t until, struct err *err);
/* One vCPU does. */
enum status memops_hold_vcpu(struct memops *o, struct vcpu *v, cycles_t from, cycles_t until,
			     struct err *err);
/* The guest leaves for the host, which has it go on: an exit of a vCPU that runs. NULL: none does; the thread sleeps for a while. */
struct vcpu *memops_kick(struct memops *o, struct memop *op);
/* A vCPU of the VM that has a core at present, the first by number; NULL: none. */
struct vcpu *memops_running(const struct memops *o);

#endif
