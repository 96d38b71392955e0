#include "machine/path_engine.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "hyp/path_cost.h"
#include "hyp/path_gic.h"
#include "machine/host_memory.h"
#include "machine/path_record.h"

/* clang-format off */
#define EXIT_REASONS(X) \
	X("unknown", "UNKNOWN") X("wfx", "WFx") X("fp", "FP_ASIMD") X("pac", "PAC") X("svc", "SVC64") \
	X("hvc", "HVC64") X("smc", "SMC64") X("sysreg", "SYS64") X("sve", "SVE") X("eret", "ERET") \
	X("iabt_low", "IABT_LOW") X("dabt_low", "DABT_LOW") X("breakpt_low", "BREAKPT_LOW") \
	X("step_low", "SOFTSTP_LOW") X("watchpt_low", "WATCHPT_LOW") X("brk", "BRK64") X("serror", "SERROR") \
	X("irq", "IRQ") X("fiq", "FIQ")
/* clang-format on */

/* Short name of the level machine, name in kvm_exit. */
static const struct {
	const char *name, *kvm;
} reasons[] = {
#define X(name, kvm) {name, kvm},
	EXIT_REASONS(X)
#undef X
		{"", "OTHER"},
};
enum { REASONS = sizeof(reasons) / sizeof(reasons[0]) };

enum { VARIABLES_MAX = 4 };

struct path_engine {
	struct path_engine_parts parts;
	struct path_machine *machine;
	struct path_costs *costs;
	const struct primitive_params *primitives;
	path_price_fn *listener;
	void *listener_ctx;
	cycles_t now; /* of the next event */
	struct core_spent *spent;
	bool outside; /* of the guest */
	bool piecewise, holds, busy, waits;
	struct {
		const char *name;
		bool value;
	} variable[VARIABLES_MAX]; /* that the stack sets */
	size_t variables;
	unsigned reason;
	cycles_t left;              /* when the guest was left */
	cycles_t began;             /* the guest's operation or instruction */
	cycles_t from, from_booked; /* `now`, and all that had been booked, when the present piece began */
	struct exit_stats exits[REASONS], operations, *marks; /* marks: by path_mark() */
	uint64_t own_traps, not_mapped;
	struct path_record record; /* the present one */
};

#define F struct exit_stats
static const struct stat_desc exit_rows[] = {
	STAT(F, count, "exits", "how often the guest was left for this reason (names of kvm_exit)"),
	STAT(F, cycles, "cycles", "from the exceptions that left it to the returns that entered it again"),
	STAT_DIST(F, latency, "cycles", "of each"),
};
static const struct stat_desc operation_rows[] = {
	STAT(F, count, "operations", "operations of the guest that a scenario performed"),
	STAT(F, cycles, "cycles", "that they took, the guest's own instructions included"),
	STAT_DIST(F, latency, "cycles", "of each"),
};
static const struct stat_desc mark_rows[] = {
	STAT(F, count, "marks", "how often a path passed the step `mark` of this name"),
	STAT(F, cycles, "cycles", "from the begin of the guest's operation to it"),
	STAT_DIST(F, latency, "cycles", "of each"),
};
#undef F
#define F struct path_engine
static const struct stat_desc engine_rows[] = {
	STAT(F, own_traps, "exceptions", "instructions of the trace that the guest's own kernel gets"),
	STAT(F, not_mapped, "faults", "stage 2 faults on memory for which the paths map nothing"),
};
#undef F
enum { ROWS = 3 };

/* --- building ---------------------------------------------------------------------------------------------------- */

static void on_event(void *ctx, const struct path_event *event);

static enum status reserve(void *memory, uint64_t bytes, struct err *err)
{
	return host_memory_reserve(memory, bytes, err);
}

static cycles_t locate(void *memory, uint64_t offset, unsigned el, bool e2h, enum access_kind kind,
		       cycles_t now, uint64_t *pa)
{
	return host_memory_locate(memory, offset, el, e2h, kind, now, pa);
}

enum status path_engine_boot(struct path_engine *e, struct err *err)
{
	path_machine_free(e->machine);
	TRY(path_machine_new_at(e->parts.book, NULL, e->parts.gic, e->parts.pe, &e->machine, err));
	path_machine_listen(e->machine, on_event, e, NULL);
	path_machine_in_world(e->machine, e->parts.memory_base, e->parts.memory_bytes);
	path_piecewise(e->machine, e->piecewise);
	path_hold_halts(e->machine, e->holds);
	for (size_t i = 0; i < e->variables; i++)
		path_set_variable(e->machine, e->variable[i].name, e->variable[i].value);
	return OK;
}

enum status path_engine_new(const struct path_engine_parts *parts, struct path_engine **out, struct err *err)
{
	struct path_engine *e = xcalloc(1, sizeof(*e));
	e->parts = *parts;
	e->primitives = parts->primitives;
	const struct path_cost_parts costs = {.book = parts->book,
					      .primitives = parts->primitives,
					      .mem = parts->mem,
					      .memory = {parts->memory, reserve, locate},
					      .share_cycles = parts->share_cycles,
					      .gic = parts->gic_timing,
					      .percent = parts->percent,
					      .sharing = parts->sharing,
					      .port = parts->port,
					      .schedule_cycles = parts->schedule_cycles};
	enum status st = path_engine_boot(e, err);
	if (st == OK) st = path_costs_new(&costs, &e->costs, err);
	if (st != OK) {
		path_engine_free(e);
		return st;
	}
	size_t marks = 0;
	while (path_mark(parts->book, marks)) marks++;
	e->marks = xcalloc(marks + 1, sizeof(*e->marks));
	*out = e;
	return OK;
}

void path_engine_free(struct path_engine *e)
{
	if (!e) return;
	path_machine_free(e->machine);
	path_costs_free(e->costs);
	free(e->marks);
	free(e);
}

void path_engine_register_stats(struct path_engine *e, struct stats *s, unsigned vm, unsigned vcpu)
{
	for (unsigned i = 0; i < REASONS; i++)
		stats_add(s, exit_rows, ROWS, &e->exits[i], "vm%u.vcpu%u.exits.%s", vm, vcpu, reasons[i].kvm);
	stats_add(s, operation_rows, ROWS, &e->operations, "vm%u.vcpu%u.operations", vm, vcpu);
	const char *mark;
	for (size_t i = 0; (mark = path_mark(e->parts.book, i)); i++)
		stats_add(s, mark_rows, ROWS, &e->marks[i], "vm%u.vcpu%u.marks.%s", vm, vcpu, mark);
	stats_add(s, engine_rows, sizeof(engine_rows) / sizeof(engine_rows[0]), e, "vm%u.vcpu%u.paths", vm,
		  vcpu);
}

void path_engine_listen(struct path_engine *e, path_price_fn *fn, void *ctx)
{
	e->listener = fn;
	e->listener_ctx = ctx;
}

/* --- events ------------------------------------------------------------------------------------------------------ */

static void add_sample(struct exit_stats *s, cycles_t cycles)
{
	s->count++;
	s->cycles += cycles;
	hist_add(&s->latency, cycles);
}

static unsigned reason_of(const char *name)
{
	unsigned i = 0;
	while (i + 1 < REASONS && strcmp(reasons[i].name, name) != 0) i++;
	return i;
}

static void leave_guest(struct path_engine *e, const struct path_event *event)
{
	if (e->outside || event->kind != EVENT_ENTRY || event->in_guest) return;
	e->outside = true;
	e->reason = reason_of(event->name);
	e->left = e->now;
}

static void enter_guest(struct path_engine *e, const struct path_event *event)
{
	if (!e->outside || event->kind != EVENT_RETURN || !event->to_guest) return;
	e->outside = false;
	add_sample(&e->exits[e->reason], e->now - e->left);
}

static void pass_mark(struct path_engine *e, const struct path_event *event)
{
	const char *passed = path_event_mark(event), *mark;
	for (size_t i = 0; passed && (mark = path_mark(e->parts.book, i)); i++)
		if (strcmp(mark, passed) == 0) add_sample(&e->marks[i], e->now - e->began);
}

/* A wait lasts until what it waits for is there, or until the guest's timer fires, if that has been set. */
static cycles_t wait_cycles(struct path_engine *e, const struct path_event *event)
{
	if (event->kind != EVENT_STEP || !event->waits) return 0;
	cycles_t until = event->until ? event->until : path_gic_take_deadline(e->parts.gic, e->parts.pe);
	return until > e->now ? until - e->now : 0;
}

/* The kernel's work goes through TLBs and caches in its own context. */
static void handle(struct path_engine *e, const struct path_event *event, struct path_price *price)
{
	if (!event->handles || !e->parts.handler) return;
	host_memory_leave(e->parts.memory);
	price->cycles += e->parts.handler(e->parts.handler_ctx, event->intid, event->soft, e->now);
	price->bucket = BUCKET_EXCEPTION;
}

static void book(struct path_engine *e, const struct path_price *price)
{
	e->spent->cycles[price->bucket][price->el] += price->cycles;
	e->now += price->cycles;
	path_gic_at(e->parts.gic, e->parts.pe, e->now);
}

static void on_event(void *ctx, const struct path_event *event)
{
	struct path_engine *e = ctx;
	leave_guest(e, event);
	struct path_price price = path_cost_of(e->costs, event, e->now);
	price.cycles += wait_cycles(e, event);
	handle(e, event, &price);
	book(e, &price);
	if (price.waits) {
		assert(e->piecewise); /* who is alone waits for nobody */
		e->waits = true;
		path_wait(e->machine);
	}
	enter_guest(e, event);
	pass_mark(e, event);
	if (e->listener) e->listener(e->listener_ctx, event, &price);
}

/* --- what the guest does ------------------------------------------------------------------------------------------- */

static cycles_t booked(const struct core_spent *spent)
{
	cycles_t sum = 0;
	for (unsigned b = 0; b < BUCKET_COUNT; b++)
		for (unsigned el = 0; el < CORE_LEVELS; el++) sum += spent->cycles[b][el];
	return sum;
}

static void go_on(struct path_engine *e, cycles_t now, struct core_spent *spent)
{
	e->now = e->from = now;
	e->spent = spent;
	e->from_booked = booked(spent);
	path_gic_at(e->parts.gic, e->parts.pe, now);
}

/* The core's clock goes by what is booked, and the paths by their own: each cycle is booked once, or these part. */
static enum status leave(struct path_engine *e, enum status st, struct err *err)
{
	host_memory_leave(e->parts.memory);
	cycles_t passed = e->now - e->from, spent = booked(e->spent) - e->from_booked;
	if (st != OK || passed == spent) return st;
	return err_set(err, ERR_CHECK,
		       "cycles: paths took %" PRIu64 ", and booked %" PRIu64 " to levels and buckets", passed,
		       spent);
}

static void begin(struct path_engine *e, cycles_t now, struct core_spent *spent)
{
	go_on(e, now, spent);
	e->outside = false;
	e->began = now;
}

enum status path_engine_perform(struct path_engine *e, const char *operation, cycles_t now,
				struct core_spent *spent, struct err *err)
{
	begin(e, now, spent);
	enum status st = path_perform(e->machine, operation, err);
	TRY(leave(e, st, err));
	add_sample(&e->operations, e->now - now);
	return OK;
}

enum status path_engine_park(struct path_engine *e, const char *operation, cycles_t now,
			     struct core_spent *spent, struct err *err)
{
	begin(e, now, spent);
	enum status st = path_park(e->machine, operation, err);
	return leave(e, st, err);
}

enum status path_engine_unpark(struct path_engine *e, cycles_t now, struct core_spent *spent, struct err *err)
{
	go_on(e, now, spent);
	enum status st = path_unpark(e->machine, err);
	return leave(e, st, err);
}

bool path_engine_use_scheduler(struct path_engine *e) { return path_use_scheduler(e->machine); }

bool path_engine_is_away(const struct path_engine *e) { return path_is_parked(e->machine); }

enum status path_engine_preempt(struct path_engine *e, cycles_t now, struct core_spent *spent,
				struct err *err)
{
	begin(e, now, spent);
	enum status st = path_preempt(e->machine, err);
	return leave(e, st, err);
}

enum status path_engine_come_back(struct path_engine *e, cycles_t now, struct core_spent *spent,
				  struct err *err)
{
	e->left += now - e->now;
	return path_engine_unpark(e, now, spent, err);
}

cycles_t path_engine_deadline(struct path_engine *e)
{
	return path_gic_take_deadline(e->parts.gic, e->parts.pe);
}

void path_engine_move(struct path_engine *e, struct mem_cpu *mem, struct host_memory *memory,
		      struct dvm_port port)
{
	e->parts.mem = mem;
	e->parts.memory = memory;
	path_costs_move(e->costs, mem, memory, port);
}

/* The guest's own kernel takes an exception and returns from it; what it does between is not known. */
static void take_own_trap(struct path_engine *e)
{
	struct path_price price = {.bucket = BUCKET_EXCEPTION, .el = 1};
	price.cycles = e->primitives->entry_el1_cycles + e->primitives->return_el1_cycles;
	e->own_traps++;
	book(e, &price);
}

/* The paths have run, with `st`, up to `outcome`. */
static enum status end_piece(struct path_engine *e, enum status st, enum path_outcome outcome,
			     struct err *err)
{
	TRY(leave(e, st, err));
	e->busy = outcome == PATH_PAUSED;
	if (outcome == PATH_OWN_TRAP) take_own_trap(e);
	e->not_mapped += outcome == PATH_NOT_MAPPED;
	return OK;
}

static enum status instruct(struct path_engine *e, const struct path_instruction *i, struct err *err)
{
	enum path_outcome outcome = PATH_EXECUTED;
	enum status st = path_instruct(e->machine, i, &outcome, err);
	return end_piece(e, st, outcome, err);
}

cycles_t path_engine_raise_timer(struct path_engine *e, cycles_t at, cycles_t now)
{
	path_gic_at(e->parts.gic, e->parts.pe, now);
	return path_raise_timer(e->machine, at);
}

cycles_t path_engine_inject_message(struct path_engine *e, uint32_t intid, cycles_t at, cycles_t now)
{
	path_gic_at(e->parts.gic, e->parts.pe, now);
	return path_inject_message(e->machine, intid, at);
}

void path_engine_raise_message(struct path_engine *e, enum path_device_kind kind, unsigned n, cycles_t at,
			       cycles_t now)
{
	const struct path_raise r = {
		.kind = kind, .first = n, .count = 1, .pe = e->parts.pe, .vcpu = e->parts.pe};
	path_gic_at(e->parts.gic, e->parts.pe, now);
	path_device_raise(e->parts.gic, &r, at);
}

const char *path_engine_lacks_device(const struct path_engine *e, enum path_device_kind kind)
{
	return path_device_lacks(e->parts.gic, kind);
}

bool path_engine_is_signalled(struct path_engine *e, cycles_t now)
{
	path_gic_at(e->parts.gic, e->parts.pe, now);
	return path_is_signalled(e->machine);
}

enum status path_engine_interrupt(struct path_engine *e, cycles_t now, struct core_spent *spent,
				  struct err *err)
{
	enum path_outcome outcome = PATH_EXECUTED;
	begin(e, now, spent);
	enum status st = path_interrupt(e->machine, &outcome, err);
	return end_piece(e, st, outcome, err);
}

void path_engine_wait_until(struct path_engine *e, cycles_t deadline)
{
	path_gic_deadline(e->parts.gic, e->parts.pe, deadline);
	path_wait_for_timer(e->machine, deadline != 0);
}

enum status path_engine_resume(struct path_engine *e, cycles_t now, struct core_spent *spent, struct err *err)
{
	enum path_outcome outcome = PATH_EXECUTED;
	go_on(e, now, spent);
	enum status st = path_resume(e->machine, &outcome, err);
	return end_piece(e, st, outcome, err);
}

void path_engine_piecewise(struct path_engine *e, bool on)
{
	e->piecewise = on;
	path_piecewise(e->machine, on);
}

void path_engine_hold_halts(struct path_engine *e, bool on)
{
	e->holds = on;
	path_hold_halts(e->machine, on);
}

cycles_t path_engine_halt_end(struct path_engine *e) { return path_halt_end(e->machine); }

bool path_engine_is_busy(const struct path_engine *e) { return e->busy; }
bool path_engine_waits(const struct path_engine *e) { return e->waits; }
void path_engine_granted(struct path_engine *e) { e->waits = false; }

void path_engine_set_variable(struct path_engine *e, const char *name, bool value)
{
	assert(e->variables < VARIABLES_MAX);
	e->variable[e->variables].name = name;
	e->variable[e->variables++].value = value;
	path_set_variable(e->machine, name, value);
}

enum status path_engine_event(struct path_engine *e, const struct record *rec, cycles_t now, bool *known,
			      struct core_spent *spent, struct err *err)
{
	begin(e, now, spent);
	*known = true;
	if (rec->kind == REC_TIMER) {
		path_gic_deadline(e->parts.gic, e->parts.pe, now + rec->arg);
		return OK;
	}
	*known = path_record_read(&e->record, rec);
	if (!*known) return OK;
	if (!e->record.undefined) return instruct(e, &e->record.instruction, err);
	take_own_trap(e);
	return OK;
}

enum status path_engine_fault(struct path_engine *e, const struct path_fault *fault, cycles_t now,
			      struct core_spent *spent, struct err *err)
{
	struct path_instruction i = {.kind = fault->kind == ACCESS_WRITE ? STEP_store : STEP_load,
				     .fetch = fault->kind == ACCESS_FETCH,
				     .refuses = fault->refuses,
				     .ipa = fault->ipa.raw};
	begin(e, now, spent);
	return instruct(e, &i, err);
}

bool path_engine_maps_all(const struct path_engine *e) { return path_machine_maps_all(e->machine); }

void path_engine_forget_pages(struct path_engine *e) { path_forget_pages(e->machine); }
