/* path.h - what hypervisors, host kernels, VMMs and firmware do on an exit, as data.
 *
 *   path_book_load: YAML files -> a checked struct path_book       path_run: an operation of the guest -> events
 * A book is a set of paths; a path is a list of primitive steps. Vector tables say which path stands at
 * which vector, and contexts are the register images that paths save to and restore from. The interpreter
 * runs the steps on the level machine (el/): what traps, where it goes and where ERET returns to follow
 * from registers that the paths themselves wrote, never from the order in which paths are listed. Format:
 * docs/paths.md. A run begins at the book's start, reaches the guest, and reports from the first step of
 * the guest's operation to its last one. A path_machine is kept from one operation to the next; path_instruct()
 * has the guest execute an instruction that no file names, as traces have them.
 *
 * The interrupt controller is a whole one (path_gic.h), which the machines of a VM's vCPUs share.
 *
 * Not modelled: costs (every event carries its step; path_cost.h prices it), memory
 * contents, stage 1 of the guest (its addresses are IPAs).
 */
#ifndef HYP_PATH_H
#define HYP_PATH_H

#include "config/yaml.h"
#include "el/async.h"
#include "el/exception.h"
#include "el/trap.h"
#include "mmu/fault.h"
#include "mmu/features.h"

struct path_book; /* owned by the conf it was loaded with */
struct path_gic;  /* path_gic.h */

/* Steps: name, what its argument is. */
#define PATH_STEPS(X) \
	X(work, "a body of code: {name, instructions, lines, shared, owner}") \
	X(read, "a register, or a list of registers") \
	X(write, "{REGISTER: value | context | {set: bits, clear: bits}}") \
	X(save, "{class: context}: registers into a context") \
	X(restore, "{class: context}: registers from a context") \
	X(spill, "{registers: gp | fp | sve, count, context}: registers without a name into a context") \
	X(fill, "the same back") \
	X(svc, "name of the call") \
	X(hvc, "name of the call") \
	X(smc, "name of the SMCCC call") \
	X(wfi, "-") \
	X(wfe, "-") \
	X(fp, "- (a SIMD or floating-point instruction)") \
	X(sve, "- (an SVE instruction)") \
	X(debug, "brk, breakpoint, watchpoint or step: what a debugger has set at this instruction") \
	X(load, "address") \
	X(store, "address") \
	X(eret, "-") \
	X(barrier, "dsb, isb or dmb") \
	X(tlbi, "name of an operation for all cores") \
	X(lock, "name") \
	X(lock_shared, "name; as a reader, where the lock has readers") \
	X(unlock, "name") \
	X(mask, "interrupts to mask, of d, a, i, f") \
	X(unmask, "interrupts to unmask, of d, a, i, f") \
	X(set, "variable") \
	X(clear, "variable") \
	X(call, "path") \
	X(repeat, "- (back to the first step of the path)") \
	X(map, "context whose fault address gets its page at stage 2") \
	X(protect, "address of a page that stage 2 has read-only from here on") \
	X(age, "address of a page whose stage 2 entry has lost its access flag") \
	X(skip, "context whose ELR_EL2 moves to the next instruction") \
	X(timer, "INTID that fires at the next wait") \
	X(raise, "{interrupt, count, to, host}: devices that assert their interrupts at the next wait") \
	X(device, "what software does for a device: inject, mask, serve or unmask") \
	X(vgic, \
	  "what the emulated interrupt controller does: prepare, absorb, sgi, timer, lpi, event, vsgi, broadcast, schedule, deschedule") \
	X(lists, "write or read: the list registers that it uses") \
	X(signal, "variable that another vCPU waits for") \
	X(await, "variable: busy until another vCPU has signalled it") \
	X(await_all, "variable: busy until each other vCPU has signalled it") \
	X(targets, "- (from here on an SGI is to be sent to all other vCPUs)") \
	X(spin, "- (busy until the timer fires)") \
	X(handler, \
	  "- (what the kernel does about the interrupt that was acknowledged last, as its stack says)") \
	X(softirq, "- (soft interrupts that the handler has raised)") \
	X(schedule, "- (another thread has the CPU here, where a scheduler wants it)") \
	X(mark, "name under which the time since the guest's operation began is counted") \
	X(done, "- (the guest's operation ends)")

enum path_step_kind {
#define X(name, doc) STEP_##name,
	PATH_STEPS(X)
#undef X
		STEP_branch, /* made of if: taken when the condition does not hold */
	STEP_jump,           /* over an else */
	STEP_end,            /* of a path: back to its caller */
	STEP_KINDS
};

struct path_step; /* path_steps.h */

enum path_event_kind { EVENT_STEP, EVENT_ENTRY, EVENT_RETURN, EVENT_WRITE };

/* One thing that happened. Texts live until the call returns. */
struct path_event {
	uint8_t kind;  /* enum path_event_kind */
	uint8_t el;    /* EVENT_STEP: the level that executed it */
	bool in_guest; /* it happened inside of the guest: no hypervisor saw it */
	bool of_guest; /* it is, or happened at, a step of an operation or instruction of the guest */
	bool to_guest; /* EVENT_RETURN: the guest goes on */
	bool trapped;  /* EVENT_STEP: it is not executed, the exception that follows is taken */
	bool waits;    /* EVENT_STEP: the CPU stands still until an interrupt comes */
	bool handles,
		soft; /* EVENT_STEP handler or softirq: of `intid`, which was acknowledged last; soft: softirq */
	uint32_t intid;
	cycles_t until; /* EVENT_STEP that waits: when what it waits for is there; 0: not known, or at once */
	bool e2h;       /* EVENT_STEP: HCR_EL2.E2H, which decides what a register's name reaches */
	bool secure;    /* EVENT_STEP: in Secure state, or at EL3 */
	const struct path_step *step;     /* EVENT_STEP: it; otherwise the step at which it happened */
	uint16_t reg;                     /* EVENT_WRITE: enum el_reg that was reached */
	const char *path;                 /* name of the path of that step */
	const char *text;                 /* EVENT_STEP: the step in words */
	const struct reg_name *registers; /* EVENT_STEP that saves or restores: which; otherwise NULL */
	size_t register_count;
	struct el_transfer transfer;   /* EVENT_ENTRY, EVENT_RETURN */
	struct el_exception exception; /* EVENT_ENTRY */
	bool device;                   /* EVENT_ENTRY of a stage 2 abort: the address is no memory */
	const char *name;              /* EVENT_ENTRY: "hvc", "irq", "virq" */
	const char *rule, *source;     /* EVENT_ENTRY: what decided, and where that is written */
	const char *vector;            /* EVENT_ENTRY: "hyp_guest.lower_sync", and the path there */
	const char *to_path;           /* the path that goes on */
};
typedef void path_event_fn(void *ctx, const struct path_event *e);

struct path_counts {
	uint64_t reads[R_COUNT],
		writes[R_COUNT]; /* system register accesses, by the register that was reached */
	uint64_t entries, returns, steps;
};

/* Reads and merges files (later on top of earlier), resolves and checks them: unknown steps, registers,
 * classes, contexts, paths and variables, and steps that the level of their path cannot execute, are
 * ERR_CONFIG with place. `files` ends with NULL. The book lives as long as `c`. */
enum status path_book_load(struct conf *c, const char *const *files, const struct features *f,
			   struct path_book **out, struct err *err);

/* The same of a tree that was read already (its `root`). */
enum status path_book_bind(struct conf *c, const struct node *root, const struct features *f,
			   struct path_book **out, struct err *err);

/* The operations of the guest: name and meaning of the index-th; NULL at the end. */
const char *path_operation(const struct path_book *b, size_t index, const char **doc);

/* The names of its steps `mark`, each once: the index-th; NULL at the end. O(steps). */
const char *path_mark(const struct path_book *b, size_t index);
/* The name of the mark that was passed, if that is what happened; otherwise NULL. */
const char *path_event_mark(const struct path_event *e);

/* Boots, runs `operation`, and is done. `event` may be NULL, `counts` too. ERR_CONFIG: no such operation, or the paths lead
 * nowhere - an exception to a vector with no path, a wait for nothing, no end - with the place of the step. */
enum status path_run(const struct path_book *b, const char *operation, path_event_fn *event, void *ctx,
		     struct path_counts *counts, struct err *err);

/* A guest between two of its instructions, and the software below it. */
struct path_machine;

/* Runs from the book's start until the guest is about to begin `operation`; NULL: any instruction. Errors as path_run();
 * free with path_machine_free(). */
enum status path_machine_new(const struct path_book *b, const char *operation, struct path_machine **out,
			     struct err *err);
/* The same at PE `pe` of a GIC that others share, borrowed. */
enum status path_machine_new_at(const struct path_book *b, const char *operation, struct path_gic *gic,
				unsigned pe, struct path_machine **out, struct err *err);
void path_machine_free(struct path_machine *m);
/* Who is told from now on, and what counts; either may be NULL. */
void path_machine_listen(struct path_machine *m, path_event_fn *event, void *ctx, struct path_counts *counts);
/* IPAs that are memory besides the book's regions; and something outside ends every wait. For runs of a machine. */
void path_machine_in_world(struct path_machine *m, uint64_t memory_base, uint64_t memory_bytes);
/* Whether the book's hypervisor maps all memory before the guest starts, so that the VM's never faults. */
bool path_machine_maps_all(const struct path_machine *m);
/* Unmaps at stage 2 what operations have had mapped. */
void path_forget_pages(struct path_machine *m);
/* The guest performs one more operation. */
enum status path_perform(struct path_machine *m, const char *operation, struct err *err);
/* The same until it waits for what nothing of its own brings, or is done; and from there on, after others have done something. */
enum status path_park(struct path_machine *m, const char *operation, struct err *err);
enum status path_unpark(struct path_machine *m, struct err *err);

/* Paths with the variables `scheduled` and `need_resched` can be scheduled: from now on a step `schedule` gives the CPU up. False: they
 * have none of these. */
bool path_use_scheduler(struct path_machine *m);
/* An interrupt of the host takes the guest out, and `need_resched` is set: runs up to the step `schedule`. Errors as path_run(), and
 * where there is no such step on the way. */
enum status path_preempt(struct path_machine *m, struct err *err);
/* Whether it has given the CPU up; path_unpark() goes on. */
bool path_is_parked(const struct path_machine *m);

/* An instruction of the guest's kernel at EL1. Registers keep the values that the paths gave them: only what the
 * instruction causes counts. */
struct path_instruction {
	uint8_t kind; /* enum path_step_kind: hvc, smc, wfi, wfe, read, write; load and store: a stage 2 abort */
	bool fetch;          /* load: an instruction abort */
	uint8_t refuses;     /* load, store: enum fault_kind that stage 2 answers with; 0: translation */
	struct reg_name reg; /* read, write */
	uint64_t value;      /* write: what the guest would write */
	uint64_t ipa;        /* load, store: in memory */
	const char *call;    /* hvc, smc: what x0 asks for, a name or a number; NULL: unsaid */
};

enum path_outcome {
	PATH_EXECUTED,   /* in the guest, or below it and then back */
	PATH_OWN_TRAP,   /* the guest's own kernel gets an exception: undefined, or trapped to EL1 */
	PATH_NOT_MAPPED, /* the paths returned to the guest without a page for its access */
	PATH_PAUSED,     /* below the guest: path_resume() goes on */
};
enum status path_instruct(struct path_machine *m, const struct path_instruction *i, enum path_outcome *out,
			  struct err *err);

/* With several vCPUs: path_instruct() stops before each step that others can see, a lock or a TLBI, until path_resume(), so
 * that the steps of all come in order of time; and behind one at which path_wait() was called. */
void path_piecewise(struct path_machine *m, bool on);
enum status path_resume(struct path_machine *m, enum path_outcome *out, struct err *err);
/* With several vCPUs: path_instruct() stops as well before a wait that the timer of the guest's kernel ends, for what another vCPU sends may end
 * it earlier. path_halt_end(): when it ends as things stand now, which is when path_resume() is to be called, or a time that has passed; 0: it has not
 * stopped there. */
void path_hold_halts(struct path_machine *m, bool on);
cycles_t path_halt_end(struct path_machine *m);
/* The timer of the guest's kernel - natively the host's own - has fired at `at`, now or before: returns when its interrupt is signalled.
 * path_interrupt() then takes what is signalled to the guest between two of its instructions; the rest as path_instruct(). */
cycles_t path_raise_timer(struct path_machine *m, cycles_t at);
enum status path_interrupt(struct path_machine *m, enum path_outcome *out, struct err *err);
/* Whether anything is signalled to its PE now. */
bool path_is_signalled(struct path_machine *m);
/* A thread of the hypervisor's host, on another core, has a message of a device for this guest at `at`: LPI `intid` goes onto the vCPU's list, and
 * a reschedule interrupt makes it leave its guest. Returns when that is signalled. Only below a guest. */
cycles_t path_inject_message(struct path_machine *m, uint32_t intid, cycles_t at);
/* The waits of this kernel, if there is no hypervisor below it, last until its timer fires; or do not. */
void path_wait_for_timer(struct path_machine *m, bool on);
/* From within an event: the step waits, and the next is not begun. */
void path_wait(struct path_machine *m);
/* Sets a variable of the book as the stack says; a book without it does not ask. */
void path_set_variable(struct path_machine *m, const char *name, bool value);

/* What the level machine must know, from a machine's features. */
struct el_features path_el_features(const struct features *f);

#endif
