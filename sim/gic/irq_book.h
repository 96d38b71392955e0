/* irq_book.h - where the time of each interrupt went: stages from its cause to its end, by type of interrupt.
 *
 *   irq_book_open ... irq_book_mark (a stage is over) ... irq_book_close
 * An interrupt is under way from its cause until it has ended; in between, whoever knows says when a stage is over. What passes from
 * one mark to the next belongs to the stage that the later one names, so the stages of each interrupt add up to its
 * latency, and irq_book_check() holds. One that is raised again while it waits to be acknowledged is merged with it, as
 * the architecture does with edges.
 *
 * A book is of physical interrupts, at PEs, or of virtual ones, at vCPUs: the stages differ.
 */
#ifndef GIC_IRQ_BOOK_H
#define GIC_IRQ_BOOK_H

#include "gic/timing.h"
#include "stats/stats.h"

/* X(name, what the time is spent on) - of a physical interrupt; the first ones are the hops of timing.h */
#define IRQ_STAGES(X) \
	GIC_HOPS(X) \
	X(exception, "until the exception is taken: masked, running on, waking up, entry") \
	X(acknowledge, "from the vector to the read of IAR") \
	X(handler, "from there to the write of EOIR") \
	X(deactivate, "from there until it is inactive: 0 where the write of EOIR does that, or the guest")
/* Of a virtual one. */
#define VIRQ_STAGES(X) \
	X(request, \
	  "from its cause until the hypervisor has it on the list of a vCPU, or asks the ITS to deliver it") \
	X(send, "until the hypervisor has sent for the vCPU's core, where that runs elsewhere") \
	X(delivery, "until that, or the interrupt itself, is signalled at the vCPU's core") \
	X(exit, "until the guest was left for it") \
	X(inject, "until a list register has it") \
	X(entry, "until the guest is entered") \
	X(exception, "until the guest takes it") \
	X(acknowledge, "from the guest's vector to its read of IAR") \
	X(handler, "from there to its write of EOIR")

enum irq_stage {
#define X(name, doc) IRQ_##name,
	IRQ_STAGES(X)
#undef X
		IRQ_STAGE_COUNT
};
enum virq_stage {
#define X(name, doc) VIRQ_##name,
	VIRQ_STAGES(X)
#undef X
		VIRQ_STAGE_COUNT
};
enum { IRQ_BOOK_STAGES = 9 };
_Static_assert((int)IRQ_STAGE_COUNT == (int)IRQ_BOOK_STAGES && (int)VIRQ_STAGE_COUNT == (int)IRQ_BOOK_STAGES,
	       "both kinds have as many stages");
extern const char *const irq_stage_names[], *const virq_stage_names[]; /* NULL at the end */
extern const char *const irq_stage_docs[], *const virq_stage_docs[];

/* Of all interrupts of one type that have ended. */
struct irq_times {
	uint64_t count, cycles;
	uint64_t stage_cycles[IRQ_BOOK_STAGES];
	struct hist latency;
	struct hist stage[IRQ_BOOK_STAGES];
};

/* The same of one INTID. Each of the first so many that end has a place of its own, in this order. */
enum { IRQ_BOOK_INTIDS = 8 };
struct irq_intid {
	uint64_t intid, count, cycles;
	struct hist latency;
};

struct irq_book_counts {
	uint64_t merged, spurious, dropped, maintenance, maintenance_cycles;
};

/* One that has just ended, for who looks on. */
struct irq_span {
	uint32_t intid;
	unsigned who; /* PE or vCPU */
	enum gic_source source;
	cycles_t begin, end;
	cycles_t stage[IRQ_BOOK_STAGES];
};

struct irq_book;

/* Of virtual interrupts, or of physical ones. Free with irq_book_free(). */
struct irq_book *irq_book_new(bool is_virtual);
void irq_book_free(struct irq_book *b);

/* Its cause was at `now`. False: it has been under way and is not yet acknowledged: merged with that. */
bool irq_book_open(struct irq_book *b, unsigned who, uint32_t intid, enum gic_source source, cycles_t now);
/* Stage `stage` of it was over at `now`; not earlier than the last mark. Nothing where it is not under way. */
void irq_book_mark(struct irq_book *b, unsigned who, uint32_t intid, unsigned stage, cycles_t now);
/* The same of all that are under way at `who` and have passed stage `from` or a later one, but not `stage`. */
void irq_book_mark_all(struct irq_book *b, unsigned who, unsigned from, unsigned stage, cycles_t now);
/* It has ended: counts it. */
void irq_book_close(struct irq_book *b, unsigned who, uint32_t intid);
/* When the cause of one that is under way was; `otherwise` where it is not. */
cycles_t irq_book_begin(struct irq_book *b, unsigned who, uint32_t intid, cycles_t otherwise);
struct irq_book_counts *irq_book_counts(struct irq_book *b);

/* Under `path`, one group of rows for each type of interrupt, and one of counters. */
void irq_book_register_stats(struct irq_book *b, struct stats *s, const char *path);
/* Of INTID `intid`; NULL: none has ended, or too many others had before. */
const struct irq_intid *irq_book_intid(const struct irq_book *b, uint32_t intid);
const struct irq_times *irq_book_times(const struct irq_book *b, enum gic_source source);
/* Stages add up to latencies. ERR_CHECK names the type where they do not. */
enum status irq_book_check(const struct irq_book *b, struct err *err);

#endif
