/* A NUMA node's channel: latency, and bandwidth booked in windows of time. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "mem/node.h"

enum { DRAM = 100 };

static cycles_t node_read(struct mem_node *n, cycles_t now, uint64_t bytes)
{
	return node_read_for(n, now, bytes, 0);
}
static void node_write(struct mem_node *n, cycles_t now, uint64_t bytes) { node_write_for(n, now, bytes, 0); }

static struct mem_node node_with(uint64_t bandwidth_MBps)
{
	struct node_params p = {"node", 1 << 21, DRAM, bandwidth_MBps};
	struct mem_node n;
	node_init(&n, &p, 0, 1000);
	return n;
}

Test(node, latency_is_rounded_up_to_cycles_of_the_clock)
{
	struct node_params p = {"node", 1 << 21, 101, 1000};
	struct mem_node n;
	node_init(&n, &p, 0, 2600);
	cr_expect(eq(u64, n.latency, 263));
}

Test(node, a_window_full_of_transfers_sends_the_next_to_the_window_after_it)
{
	struct mem_node n = node_with(1000); /* 256 bytes in a window of 256 cycles */
	for (unsigned i = 0; i < 4; i++) cr_expect(eq(u64, node_read(&n, 10, 64), 10 + DRAM));
	cr_expect(eq(u64, node_read(&n, 10, 64), 256 + DRAM));
	cr_expect(eq(u64, n.stats.queue_cycles, 246));
	cr_expect(eq(u64, node_read(&n, 300, 64), 300 + DRAM), "room left in that one");
}

/* Over a long time no more is carried than the bandwidth allows, and no less while requests wait. */
Test(node, what_is_carried_is_the_bandwidth)
{
	struct mem_node n = node_with(2000);
	cycles_t last = 0;
	for (unsigned i = 0; i < 4096; i++) last = node_read(&n, 0, 64);
	uint64_t window = UINT64_C(4096) * 64 / n.channel.window_bytes - 1;
	cr_expect(eq(u64, last, (window << CHANNEL_WINDOW_BITS) + DRAM));
}

Test(node, a_request_for_an_earlier_time_finds_the_bandwidth_that_was_free_then)
{
	struct mem_node n = node_with(1000);
	for (unsigned i = 0; i < 8; i++) node_read(&n, 5000, 64);
	cr_expect(eq(u64, node_read(&n, 4000, 64), 4000 + DRAM));
	cr_expect(lt(u64, 5000 + DRAM, node_read(&n, 5000, 64)));
}

Test(node, writes_take_bandwidth_from_reads)
{
	struct mem_node n = node_with(1000);
	for (unsigned i = 0; i < 4; i++) node_write(&n, 0, 64);
	cr_expect(eq(u64, node_read(&n, 0, 64), 256 + DRAM));
	cr_expect(eq(u64, n.stats.writes, 4));
	cr_expect(eq(u64, n.stats.reads, 1));
}

/* A channel slower than a line per window: the transfer begins at once and takes the windows that it needs. */
Test(node, a_line_larger_than_a_window_takes_several)
{
	struct mem_node n = node_with(100); /* 25 bytes in a window */
	cr_expect(eq(u64, node_read(&n, 0, 64), DRAM));
	cr_expect(eq(u64, node_read(&n, 0, 64), 2 * 256 + DRAM), "11 bytes of the third window are left");
}

/* A window is forgotten when one CHANNEL_WINDOWS later is booked; who asks for its time is not held up. */
Test(node, a_request_for_a_time_long_forgotten_begins_at_once)
{
	struct mem_node n = node_with(1000);
	node_read(&n, (UINT64_C(1) << CHANNEL_WINDOW_BITS) * CHANNEL_WINDOWS, 64);
	for (unsigned i = 0; i < 5; i++) cr_expect(eq(u64, node_read(&n, 10, 64), 10 + DRAM));
	cr_expect(eq(u64, n.stats.queue_cycles, 0));
}
