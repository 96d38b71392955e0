/* machine.h - one machine with its software stack, ready to run a workload.
 *
 *   machine_new(hardware, stack) -> machine      machine_run(records) -> how many were executed
 *
 * machine.c is the only file that knows every component: it builds them, owns them, and hands each the callbacks that it
 * needs of a later layer. The workload runs at EL0 of the stack's kernel. Faults go to the hypervisor when stage 2
 * raised them, otherwise to the kernel; both fill their tables on first touch.
 * Threads of the workload are numbered from 0, those of the first VM first, and have a core each, or are scheduled
 * (machine_host.h); who calls brings their turns into an order (engine.h).
 * Not modelled: coherence between caches; of a workload's events those that events.h leaves out.
 */
#ifndef MACHINE_MACHINE_H
#define MACHINE_MACHINE_H

#include "cpu/core.h"
#include "hyp/stage2_ops.h"
#include "machine/machine_config.h"
#include "machine/path_engine.h"
#include "machine/stack_config.h"
#include "mmu/maintenance.h"

struct machine;
struct memops;

struct machine_totals {
	uint64_t accesses, instructions, cycles;
};

/* Builds it. The parameters are borrowed and must outlive it. ERR_CONFIG where stack and hardware do not fit together. */
enum status machine_new(const struct machine_params *hardware, const struct stack_params *stack,
			uint64_t seed, struct machine **out, struct err *err);
void machine_free(struct machine *m);

/* Core and caches leave the stage: only translation takes time from now on (core_only_translate). */
void machine_only_translate(struct machine *m);

unsigned machine_threads(const struct machine *m);
/* How far one core may run ahead of the others; 0: strict order. */
cycles_t machine_lookahead(const struct machine *m);

/* Puts the software of `book` (borrowed) below the guest: what leaves the guest takes its paths, and their time. Before the
 * first machine_run(). */
enum status machine_use_paths(struct machine *m, const struct path_book *book, struct err *err);
/* With paths: counts what ITSs and redistributors do with messages (LPIs), where operations of a scenario may send some. Other runs count them
 * where a kernel's devices send them (os.device_irq_hz, but not of emulated ones), and with a GICv4. Nothing on a machine whose GIC takes no time, or is a GICv2. */
void machine_count_messages(struct machine *m);
/* Instead, where the stack names no paths. ERR_CONFIG: it asks for what only paths can say the time of (os.tick_hz). */
enum status machine_without_paths(const struct machine *m, struct err *err);
/* With paths: the guest performs an operation of theirs, which finds no memory of the guest mapped. ERR_CONFIG: there is no
 * such operation, or it leads nowhere. */
enum status machine_perform(struct machine *m, const char *operation, struct err *err);
/* With paths: all vCPUs but the first perform `operation` until it waits for others; they go on whenever the first one waits, at
 * their own times. ERR_CONFIG: there is no other vCPU, or the operation leads nowhere. */
enum status machine_start_others(struct machine *m, const char *operation, struct err *err);
/* The hypervisor performs an operation on the VM's stage 2 tables, on the first core; !timed: before time begins. Counters of
 * these operations are there from the first one on. ERR_CONFIG: native, and as stage2_perform(). */
enum status machine_stage2(struct machine *m, enum stage2_op op, struct stage2_area area, bool timed,
			   struct err *err);
/* With paths: the guest is entered anew, by a boot that takes no time. */
enum status machine_enter_guest(struct machine *m, struct err *err);
/* With paths: tells every event with its price. */
void machine_listen(struct machine *m, path_price_fn *fn, void *ctx);

/* Who is told what runs beside the program: every event of the software paths of thread `t` with its price, then all that a
 * fault or event took from `at` on, these events included; and every walk of its program, by the retire clock. */
struct machine_observer {
	void *self;
	void (*priced)(void *self, unsigned t, const struct path_event *e, const struct path_price *price);
	void (*spent)(void *self, unsigned t, cycles_t at, const struct core_spent *spent);
	void (*walked)(void *self, unsigned t, cycles_t now, struct va va);
	/* The thread had no core; goes_on: from `to` on it has one. */
	void (*waited)(void *self, unsigned t, cycles_t from, cycles_t to, bool goes_on);
};
/* Tells `o` (borrowed) from now on, once. Cycles and counters stay what they are. */
void machine_observe(struct machine *m, const struct machine_observer *o);
/* The core that thread `t` has, and the cycle at which its program is. */
unsigned machine_core(const struct machine *m, unsigned t);
cycles_t machine_now(const struct machine *m, unsigned t);

/* Executes rec[0..n-1] of the first thread. ERR_INPUT when the workload touches what neither kernel nor hypervisor can map. */
enum status machine_run(struct machine *m, const struct record *rec, size_t n, struct err *err);

/* Before a turn of thread `t`: its core loses what TLB maintenance of others has cost it. Returns whether it lost any cycles. */
bool machine_accept(struct machine *m, unsigned t);
/* Operations on a VM's memory (machine/memops.h): those of the stack; the clock of their times begins; when the next step is
 * due, UINT64_MAX: never; it is performed, and *held says that threads were stopped. */
const struct memops *machine_operations(const struct machine *m); /* NULL: there are none */
/* Whether anything has turns beside the threads: those operations, or NUMA balancing, which the calls below have do its scans, too. */
bool machine_has_operations(const struct machine *m);
void machine_begin_operations(struct machine *m);
cycles_t machine_next_operation(const struct machine *m);
enum status machine_turn_operations(struct machine *m, bool *held, struct err *err);

/* When thread `t` would execute `rec` next. */
cycles_t machine_next(const struct machine *m, unsigned t, const struct record *rec);
/* From now on threads take turns, with this lookahead, which is returned. */
cycles_t machine_take_turns(struct machine *m);
/* Whether threads are so many that what each looks at is not in the host's caches when its turn comes; ... */
bool machine_foresees(const struct machine *m);
/* ... and a step of what to do then (turns_ahead_step()) for thread `t`. */
struct turns_ahead;
void machine_foresee(struct machine *m, unsigned t, struct turns_ahead *a, unsigned step,
		     const struct record *rec, size_t at, size_t count);
/* Whether thread `t` may execute `rec` in a turn that ends at `until` (core_goes_on()). */
bool machine_goes_on(const struct machine *m, unsigned t, const struct record *rec, cycles_t until,
		     cycles_t *next);
/* Whether thread `t` is in the software below its guest, between two pieces: machine_run_until() then runs the next piece, at
 * machine_now(), and no record. */
bool machine_is_busy(const struct machine *m, unsigned t);
/* When that piece begins, of a thread that is busy: at machine_now(), or when a halt ends as things stand. *fn of machine_on_wake() tells of what ends
 * it earlier. */
cycles_t machine_resumes(const struct machine *m, unsigned t);
/* Whether it waits for a lock: it has no turn until *fn says so. */
bool machine_waits(const struct machine *m, unsigned t);
typedef void machine_wake_fn(void *ctx, unsigned t);
void machine_on_wake(struct machine *m, machine_wake_fn *fn, void *ctx);

/* Executes of rec[0..n-1] the first, and then those that may go on before cycle `until`, as thread `t`. Where the turn is not over, the thread
 * does something else first than go on with its next record. Errors as machine_run. */
enum status machine_run_until(struct machine *m, unsigned t, const struct record *rec, size_t n,
			      cycles_t until, struct core_turn *turn, struct err *err);

/* Maps every page that rec[0..n-1] of thread `t` touch, as if the program had been there before: tables fill, no time passes, TLBs and
 * caches see nothing. Errors as machine_run. */
enum status machine_populate(struct machine *m, unsigned t, const struct record *rec, size_t n,
			     struct err *err);

/* Shows every load and store to `w` (borrowed): where its cycles go. Before the first machine_run(). */
void machine_watch(struct machine *m, struct watch *w);

/* Compares every translation with the tables from now on, and reports what maintenance is missing. Before the first
 * machine_run(). */
void machine_check_maintenance(struct machine *m, mistake_fn *report, void *owner);
/* How many mistakes were reported since the last reset of the counters. */
uint64_t machine_mistakes(const struct machine *m);

/* After the last machine_populate(): the first address space is the present one again. */
void machine_populate_end(struct machine *m);

/* Brings the counters up to date: call before reading them. */
void machine_finish(struct machine *m);
/* Ends the warm-up: counters start again from zero, all other state stays. */
void machine_reset_stats(struct machine *m);
/* Functional warming from now on, or no longer (cpu/warm.h). */
void machine_warm(struct machine *m, bool warm);
/* Executes of rec[0..n-1] of the first thread what is no access: address spaces and mappings stay those of the program. Errors as machine_run. */
enum status machine_pass(struct machine *m, const struct record *rec, size_t n, struct err *err);

/* Everything counted, kept aside while something else is counted. Free with machine_books_free. */
struct machine_books;
struct machine_books *machine_books_new(const struct machine *m);
void machine_books_free(struct machine_books *b);
/* Keeps what has been counted; goes back to what was kept, as if no time had passed since. O(counters). */
void machine_save_books(struct machine *m, struct machine_books *b);
void machine_load_books(struct machine *m, struct machine_books *b);

/* The conservation laws of every component. ERR_CHECK names the first that does not hold. */
enum status machine_check_sums(const struct machine *m, struct err *err);

const struct stats *machine_stats(const struct machine *m);
struct machine_totals machine_totals(const struct machine *m);
/* The present context's regime, and a word of simulated memory: for who explains walks. */
const struct regime_info *machine_regime(const struct machine *m);
uint64_t machine_word(const struct machine *m, struct pa pa);
/* Host memory of simulated physical memory, for benchmarks. */
struct physmem_usage machine_memory(const struct machine *m);

#endif
