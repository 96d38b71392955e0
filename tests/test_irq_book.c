/* test_irq_book.c - stages of interrupts, and how long they are under way in the GIC. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "gic/irq_book.h"

static const struct gic_timing timing = {.version = GIC_V41,
					 .assert_ns = 10,
					 .distributor_ns = 30,
					 .redistributor_ns = 20,
					 .interface_ns = 5,
					 .die_ns = 100,
					 .socket_ns = 300,
					 .its_core = 0,
					 .its_ns = 40,
					 .its_read_ns = 70,
					 .its_write_ns = 50};
static const struct topology_params two_sockets = {.die_cores = 2, .socket_cores = 4};

static cycles_t way(enum gic_source source, unsigned from, unsigned to, unsigned reads)
{
	cycles_t hop[GIC_HOP_COUNT], sum = 0;
	struct gic_route_request r = {.source = source, .from = from, .to = to, .its_reads = reads};
	r.by_device = source == GIC_FROM_lpi;
	cycles_t all = gic_route(&timing, &two_sockets, 2000, &r, hop);
	for (unsigned i = 0; i < GIC_HOP_COUNT; i++) sum += hop[i];
	cr_assert(eq(u64, sum, all));
	return all;
}

Test(gic_timing, an_sgi_passes_both_redistributors_and_the_distributor)
{
	cr_assert(eq(u64, way(GIC_FROM_sgi, 0, 1, 0), 2 * (5 + 20 + 30 + 20 + 5)));
}

Test(gic_timing, a_message_pays_for_the_interconnect_that_it_passes)
{
	cr_assert(eq(u64, way(GIC_FROM_sgi, 0, 2, 0) - way(GIC_FROM_sgi, 0, 1, 0), 2 * 100));
	cr_assert(eq(u64, way(GIC_FROM_sgi, 0, 4, 0) - way(GIC_FROM_sgi, 0, 1, 0), 2 * 300));
	cr_assert(eq(u64, way(GIC_FROM_ppi, 7, 7, 0), 2 * (10 + 20 + 5)));
}

Test(gic_timing, a_message_through_the_its_goes_there_and_from_there_to_the_core)
{
	cr_assert(eq(u64, way(GIC_FROM_lpi, 0, 1, 0), 2 * (10 + 40 + 20 + 5)));
	cr_assert(eq(u64, way(GIC_FROM_lpi, 0, 1, 3) - way(GIC_FROM_lpi, 0, 1, 0), 2 * 3 * 70));
	cr_assert(eq(u64, way(GIC_FROM_lpi, 4, 4, 0) - way(GIC_FROM_lpi, 0, 1, 0), 2 * 2 * 300));
	cr_assert(eq(u64, way(GIC_FROM_vsgi, 0, 1, 0), 2 * (50 + 40 + 20 + 5)));
}

Test(gic_timing, an_untimed_gic_delivers_at_once_and_a_gicv2_has_no_redistributors)
{
	cycles_t hop[GIC_HOP_COUNT];
	struct gic_timing other = timing;
	struct gic_route_request r = {.source = GIC_FROM_ppi};
	other.version = GIC_UNTIMED;
	cr_assert(eq(u64, gic_route(&other, &two_sockets, 2000, &r, hop), 0));
	other.version = GIC_V2;
	cr_assert(eq(u64, gic_route(&other, &two_sockets, 2000, &r, hop), 2 * (10 + 5)));
}

Test(gic_timing, nanoseconds_are_rounded_up_to_cycles)
{
	cr_assert(eq(u64, gic_ns(1, 1500), 2));
	cr_assert(eq(u64, gic_ns(2, 1500), 3));
}

Test(irq_book, stages_of_an_interrupt_add_up_to_its_latency)
{
	struct irq_book *b = irq_book_new(false);
	struct err err = {0};
	cr_assert(irq_book_open(b, 1, 27, GIC_FROM_ppi, 100));
	irq_book_mark(b, 1, 27, IRQ_interface, 150);
	irq_book_mark_all(b, 1, IRQ_interface, IRQ_exception, 170);
	irq_book_mark(b, 1, 27, IRQ_acknowledge, 180);
	irq_book_mark(b, 1, 27, IRQ_handler, 400);
	irq_book_close(b, 1, 27);
	const struct irq_times *t = irq_book_times(b, GIC_FROM_ppi);
	cr_assert(eq(u64, t->count, 1));
	cr_assert(eq(u64, t->cycles, 300));
	cr_assert(eq(u64, t->stage_cycles[IRQ_interface], 50));
	cr_assert(eq(u64, t->stage_cycles[IRQ_exception], 20));
	cr_assert(eq(u64, t->stage_cycles[IRQ_acknowledge], 10));
	cr_assert(eq(u64, t->stage_cycles[IRQ_handler], 220));
	for (unsigned i = IRQ_interface; i <= IRQ_handler; i++) {
		cr_expect(eq(u64, t->stage[i].count, 1));
		cr_expect(eq(u64, t->stage[i].sum, t->stage_cycles[i]));
	}
	cr_expect(eq(u64, t->latency.sum, t->cycles));
	cr_assert(eq(int, irq_book_check(b, &err), OK));
	((struct irq_times *)t)->stage_cycles[0]++;
	cr_assert(eq(int, irq_book_check(b, &err), ERR_CHECK));
	irq_book_free(b);
}

Test(irq_book, an_edge_that_comes_again_before_its_acknowledge_is_merged)
{
	struct irq_book *b = irq_book_new(true);
	cr_assert(irq_book_open(b, 0, 1, GIC_FROM_sgi, 10));
	cr_assert(not(irq_book_open(b, 0, 1, GIC_FROM_sgi, 20)));
	cr_assert(irq_book_open(b, 1, 1, GIC_FROM_sgi, 20), "another vCPU's");
	cr_assert(eq(u64, irq_book_counts(b)->merged, 1));
	irq_book_mark(b, 0, 1, VIRQ_acknowledge, 30);
	cr_assert(irq_book_open(b, 0, 1, GIC_FROM_sgi, 40), "the first is taken: this is another");
	irq_book_close(b, 0, 1);
	cr_assert(eq(u64, irq_book_times(b, GIC_FROM_sgi)->count, 2));
	irq_book_free(b);
}

Test(irq_book, a_mark_of_all_reaches_those_of_its_pe_and_stage_only)
{
	struct irq_book *b = irq_book_new(false);
	irq_book_open(b, 0, 1, GIC_FROM_sgi, 0);
	irq_book_open(b, 0, 2, GIC_FROM_sgi, 0);
	irq_book_open(b, 1, 1, GIC_FROM_sgi, 0);
	irq_book_mark(b, 0, 1, IRQ_interface, 10);
	irq_book_mark(b, 1, 1, IRQ_interface, 10);
	irq_book_mark_all(b, 0, IRQ_interface, IRQ_exception, 25);
	irq_book_close(b, 0, 1);
	irq_book_close(b, 0, 2);
	irq_book_close(b, 1, 1);
	cr_assert(eq(u64, irq_book_times(b, GIC_FROM_sgi)->stage_cycles[IRQ_exception], 15));
	cr_assert(eq(u64, irq_book_times(b, GIC_FROM_sgi)->cycles, 25 + 0 + 10));
	irq_book_free(b);
}

Test(irq_book, a_mark_of_all_passes_by_those_that_have_passed_its_stage)
{
	struct irq_book *b = irq_book_new(false);
	irq_book_open(b, 0, 1, GIC_FROM_sgi, 0);
	irq_book_mark(b, 0, 1, IRQ_interface, 10);
	irq_book_mark_all(b, 0, IRQ_interface, IRQ_exception, 25);
	irq_book_mark_all(b, 0, IRQ_interface, IRQ_exception, 40);
	irq_book_mark(b, 0, 1, IRQ_acknowledge, 45);
	irq_book_close(b, 0, 1);
	cr_assert(eq(u64, irq_book_times(b, GIC_FROM_sgi)->stage_cycles[IRQ_exception], 15));
	cr_assert(eq(u64, irq_book_times(b, GIC_FROM_sgi)->stage_cycles[IRQ_acknowledge], 20));
	irq_book_free(b);
}

Test(irq_book, each_of_the_first_intids_has_a_distribution_of_its_own)
{
	struct irq_book *b = irq_book_new(false);
	for (uint32_t i = 0; i <= IRQ_BOOK_INTIDS; i++)
		for (unsigned k = 0; k < 2; k++) {
			irq_book_open(b, 0, 40 + i, GIC_FROM_spi, 0);
			irq_book_mark(b, 0, 40 + i, IRQ_handler, 10 + i);
			irq_book_close(b, 0, 40 + i);
		}
	for (uint32_t i = 0; i < IRQ_BOOK_INTIDS; i++) {
		const struct irq_intid *one = irq_book_intid(b, 40 + i);
		cr_assert(ne(ptr, (void *)one, NULL));
		cr_expect(eq(u64, one->count, 2));
		cr_expect(eq(u64, one->latency.sum, 2 * (10 + i)));
		cr_expect(eq(u64, one->cycles, 2 * (10 + i)));
	}
	cr_expect(eq(ptr, (void *)irq_book_intid(b, 40 + IRQ_BOOK_INTIDS), NULL), "no place is left");
	cr_expect(eq(ptr, (void *)irq_book_intid(b, 39), NULL));
	irq_book_free(b);
}
