/* ports.h - how many look-ups a TLB can begin per cycle.
 *
 *   tlb_ports_reserve: (VA, now) -> the cycle at which the look-up has a port of its bank
 *
 * A TLB has `banks`, chosen by the low bits of the page number at the smallest size that it holds, and each has `ports`. A
 * look-up holds one port of one bank for `port_cycles`. Because a core that overlaps its accesses asks for later cycles
 * before earlier ones, ports are booked by cycle, not in order of arrival.
 * Not modelled: ports of the first level, which are as many as its core needs; ports that fills and TLBIs take; what is
 * booked more than TLB_PORT_SLOTS cycles ahead pushes the oldest out, and look-ups for those find the bank free.
 */
#ifndef TLB_PORTS_H
#define TLB_PORTS_H

#include "base/types.h"
#include "tlb/tlb_params.h"

enum { TLB_PORT_SLOTS = 256, TLB_PORT_CYCLES_MAX = 64 };

struct tlb_ports;

/* NULL where `p` sets no limit. */
struct tlb_ports *tlb_ports_new(const struct tlb_params *p);
void tlb_ports_free(struct tlb_ports *ports);
/* The first cycle from `now` on at which the bank of `va` has a free port, which is taken. */
cycles_t tlb_ports_reserve(struct tlb_ports *ports, uint64_t va, cycles_t now);

#endif
