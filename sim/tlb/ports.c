#include "tlb/ports.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/bits.h"

struct port_slot {
	cycles_t cycle;
	uint64_t used;
};

struct tlb_ports {
	uint64_t ports, bank_mask;
	unsigned page_bits, busy_cycles;
	struct port_slot *slot; /* banks x TLB_PORT_SLOTS; a cycle is in the slot of its low bits */
};

static unsigned smallest_bits(uint64_t pages) { return tlb_size_bits[__builtin_ctzll(pages)]; }

struct tlb_ports *tlb_ports_new(const struct tlb_params *p)
{
	if (!p->ports) return NULL;
	struct tlb_ports *ports = xcalloc(1, sizeof(*ports));
	ports->ports = p->ports;
	ports->bank_mask = p->banks - 1;
	ports->page_bits = smallest_bits(p->pages);
	ports->busy_cycles = (unsigned)p->port_cycles;
	ports->slot = xcalloc(p->banks * TLB_PORT_SLOTS, sizeof(*ports->slot));
	return ports;
}

void tlb_ports_free(struct tlb_ports *ports)
{
	if (!ports) return;
	free(ports->slot);
	free(ports);
}

/* What is booked of a cycle; of one that is long past nothing is known. */
static struct port_slot *slot_of(struct port_slot *bank, cycles_t cycle)
{
	struct port_slot *s = &bank[cycle % TLB_PORT_SLOTS];
	if (s->cycle < cycle) *s = (struct port_slot){.cycle = cycle};
	return s->cycle == cycle ? s : NULL;
}

/* The first cycle from `start` on, within a look-up's, at which no port is free; `start` + its cycles: none. */
static cycles_t first_full(const struct tlb_ports *ports, struct port_slot *bank, cycles_t start)
{
	cycles_t cycle = start;
	for (; cycle < start + ports->busy_cycles; cycle++) {
		const struct port_slot *s = slot_of(bank, cycle);
		if (s && s->used >= ports->ports) break;
	}
	return cycle;
}

cycles_t tlb_ports_reserve(struct tlb_ports *ports, uint64_t va, cycles_t now)
{
	struct port_slot *bank = ports->slot + (va >> ports->page_bits & ports->bank_mask) * TLB_PORT_SLOTS;
	cycles_t full;
	while ((full = first_full(ports, bank, now)) != now + ports->busy_cycles) now = full + 1;
	for (cycles_t cycle = now; cycle < now + ports->busy_cycles; cycle++) {
		struct port_slot *s = slot_of(bank, cycle);
		if (s) s->used++;
	}
	return now;
}
