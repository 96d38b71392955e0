/* TLB maintenance between cores: messages and who waits for whom. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "mem/mem.h"
#include "stats/stats.h"

enum { TRIP = 300, ACCEPT = 20, DIES = 4, DIE_CORES = 4, CORES = DIES * DIE_CORES };
enum { FAR_NS = 100 }; /* of the other socket, at 1 GHz: cycles */

static struct node_params nodes[DIES];
static struct link_params link;
static uint64_t near_side[] = {0, 1}, far_side[] = {2, 3};
static struct memory_params memory;
static struct param_list no_caches;
static struct topology_params topology;
static struct dvm_params params;
static struct mem_side *side;
static struct dvm *d;

static void setup(void)
{
	struct err err;
	for (unsigned i = 0; i < DIES; i++)
		nodes[i] = (struct node_params){
			.name = "node", .size = 1 << 30, .latency_ns = 50, .bandwidth_MBps = 1000000};
	link = (struct link_params){.name = "socket",
				    .one_side = {near_side, 2},
				    .other_side = {far_side, 2},
				    .latency_ns = FAR_NS,
				    .bandwidth_MBps = 1000000};
	memory = (struct memory_params){.nodes = {nodes, DIES}, .links = {&link, 1}};
	topology = (struct topology_params){
		.cluster_cores = 2, .die_cores = DIE_CORES, .socket_cores = 2 * DIE_CORES};
	params = (struct dvm_params){
		.outstanding = 4, .trip_cycles = TRIP, .accept_cycles = ACCEPT, .queue = 64};
	cr_assert(eq(int, mem_new(&memory, &no_caches, 1000, &side, &err), OK), "%s", err.text);
	mem_set_topology(side, &topology);
}

static void teardown(void)
{
	dvm_free(d);
	d = NULL;
	mem_free(side);
}

TestSuite(dvm, .init = setup, .fini = teardown);

/* All cores of the machine run something. */
static void start(void)
{
	d = mem_dvm_new(side, &params, CORES);
	cr_assert(ne(ptr, d, NULL));
	for (unsigned i = 0; i < CORES; i++) cr_assert(eq(uint, dvm_join(d, i), i));
}

Test(dvm, without_a_limit_nothing_is_a_message)
{
	params.outstanding = 0;
	cr_expect(eq(ptr, mem_dvm_new(side, &params, CORES), NULL));
}

Test(dvm, the_farthest_die_answers_last)
{
	start();
	cr_expect(eq(u64, dvm_send(d, 0, DVM_INNER, 1000).late, FAR_NS));
}

Test(dvm, a_domain_of_one_socket_does_not_wait_for_the_other)
{
	params.inner = DVM_INNER_SOCKET;
	start();
	cr_expect(eq(u64, dvm_send(d, 0, DVM_INNER, 1000).late, 0));
	cr_expect(eq(u64, dvm_send(d, 0, DVM_OUTER, 1000).late, FAR_NS));
}

/* Each choice of a domain, for each pair of cores. */
Test(dvm, no_message_reaches_a_core_outside_of_the_domain)
{
	static const unsigned cores[] = {CORES, 2 * DIE_CORES, DIE_CORES, 2};
	for (unsigned inner = 0; inner < 4; inner++) {
		params.inner = inner;
		start();
		for (unsigned from = 0; from < CORES; from++) {
			for (unsigned to = 0; to < CORES; to++) {
				cr_assert(eq(int, dvm_reaches(d, from, to, DVM_INNER),
					     from / cores[inner] == to / cores[inner]));
				cr_assert(dvm_reaches(d, from, to, DVM_OUTER));
			}
		}
		dvm_send(d, 3, DVM_INNER, 0);
		for (unsigned to = 0; to < CORES; to++) {
			bool hit = to != 3 && to / cores[inner] == 3 / cores[inner];
			cr_assert(eq(u64, dvm_accept(d, to, 100000), hit ? ACCEPT : 0));
		}
		dvm_free(d);
	}
	d = NULL;
}

Test(dvm, a_core_loses_cycles_only_once_the_message_is_there)
{
	start();
	dvm_send(d, 0, DVM_INNER, 1000);
	cr_expect(eq(u64, dvm_accept(d, 1, 1000 + (TRIP + FAR_NS) / 2 - 1), 0));
	cr_expect(eq(u64, dvm_accept(d, 1, 1000 + (TRIP + FAR_NS) / 2), ACCEPT));
	cr_expect(eq(u64, dvm_accept(d, 1, 5000), 0), "once");
	cr_expect(eq(u64, dvm_accept(d, 0, 5000), 0), "not its own");
}

Test(dvm, more_messages_than_the_home_node_has_under_way_wait)
{
	params.inner = DVM_INNER_DIE;
	start();
	for (unsigned i = 0; i < 4; i++) cr_expect(eq(u64, dvm_send(d, i % 2, DVM_INNER, 0).late, 0));
	cr_expect(eq(u64, dvm_send(d, 2, DVM_INNER, 0).late, TRIP));
	cr_expect(eq(u64, dvm_send(d, 2, DVM_INNER, TRIP).late, 0), "the second is free again");
	for (unsigned i = 0; i < 2; i++) dvm_send(d, 2, DVM_INNER, TRIP);
	cr_expect(eq(u64, dvm_send(d, 3, DVM_INNER, TRIP).late, TRIP),
		  "the first slot is taken until 2 TRIP");
}

Test(dvm, a_core_with_too_many_waiting_cannot_issue)
{
	params.inner = DVM_INNER_DIE;
	params.queue = 2;
	params.outstanding = 1;
	start();
	cr_expect(eq(u64, dvm_send(d, 0, DVM_INNER, 0).sent, 0));
	cr_expect(eq(u64, dvm_send(d, 0, DVM_INNER, 0).sent, 0));
	struct dvm_trip third = dvm_send(d, 0, DVM_INNER, 0);
	cr_expect(eq(u64, third.sent, TRIP), "the first has been answered");
	cr_expect(eq(u64, third.late, TRIP), "the second has not");
}

/* Cores that issue at the same time share what the home node gives. */
Test(dvm, parallel_issue_is_throttled_to_what_one_core_alone_gets)
{
	enum { EACH = 64 };
	params.inner = DVM_INNER_DIE;
	for (unsigned cores = 1; cores <= 4; cores *= 2) {
		cycles_t last = 0;
		start();
		for (unsigned i = 0; i < EACH; i++) {
			for (unsigned c = 0; c < cores; c++) {
				struct dvm_trip t = dvm_send(d, c, DVM_INNER, 0);
				if (t.sent + t.late > last) last = t.sent + t.late;
			}
		}
		cr_expect(eq(u64, last, (cycles_t)TRIP * (EACH * cores / 4 - 1)));
		dvm_free(d);
	}
	d = NULL;
}

Test(dvm, counters_are_of_the_cores_and_of_the_home_node)
{
	start();
	struct stats *s = stats_new();
	dvm_register_stats(d, s);
	for (unsigned i = 0; i < 3; i++) dvm_send(d, 5, DVM_INNER, 0);
	dvm_accept(d, 6, 1000);
	cr_expect(eq(u64, *stats_find(s, "dvm.messages"), 3));
	cr_expect(eq(u64, *stats_find(s, "dvm.far_cycles"), 3 * FAR_NS));
	cr_expect(eq(u64, *stats_find(s, "cpu5.dvm.sent"), 3));
	cr_expect(eq(u64, *stats_find(s, "cpu6.dvm.accepted"), 3));
	cr_expect(eq(u64, *stats_find(s, "cpu6.dvm.lost_cycles"), 3 * ACCEPT));
	cr_expect(eq(u64, *stats_find(s, "cpu7.dvm.accepted"), 0));
	stats_free(s);
}

/* --- the DSB's own message ----------------------------------------------------------------------------------------- */

enum { ALL = 750 };

Test(dvm, a_dsb_sends_nothing_where_the_machine_does_not_say_so)
{
	start();
	dvm_send(d, 0, DVM_INNER, 1000);
	cr_expect(eq(u64, dvm_sync(d, 0, DVM_INNER, 1010, ALL), 0));
	cr_expect(eq(u64, dvm_accept(d, 1, 100000), ACCEPT), "the TLBI alone has come");
}

/* It waits at the home node as a TLBI does, and is answered no sooner than it has been under way. */
Test(dvm, a_sync_is_a_message_behind_those_that_it_waits_for)
{
	params.inner = DVM_INNER_SOCKET;
	params.sync = 1;
	params.outstanding = 1;
	start();
	cr_expect(eq(u64, dvm_send(d, 0, DVM_INNER, 1000).late, 0));
	cr_expect(eq(u64, dvm_sync(d, 0, DVM_INNER, 1010, ALL), 1000 + TRIP + ALL - TRIP));
	cr_expect(eq(u64, dvm_sync(d, 0, DVM_INNER, 5000, TRIP), 5000 + TRIP), "TRIP is the least");
	cr_expect(eq(u64, dvm_send(d, 4, DVM_INNER, 5000).late, TRIP), "the next waits for it");
	cr_expect(eq(u64, dvm_accept(d, 1, 100000), 4 * ACCEPT), "all have heard it");
}
