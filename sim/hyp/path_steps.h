/* path_steps.h - a loaded book of paths, as loader, checker and interpreter share it. Not for users of
 * path.h. */
#ifndef HYP_PATH_STEPS_H
#define HYP_PATH_STEPS_H

#include "config/yaml.h"
#include "hyp/path.h"
#include "hyp/path_device.h"

enum { PATH_NONE = 0xffff };

/* Sources of a written value. */
enum value_kind {
	VALUE_NUMBER,
	VALUE_CONTEXT,
	VALUE_BITS,
	VALUE_OPERATION,
	VALUE_PATH,
	VALUE_VECTORS,
	VALUE_ACKNOWLEDGED, /* INTID that was read from IAR last */
	VALUE_VGIC,         /* of ICH_HCR_EL2, as vgic: prepare decided */
	VALUE_KICK,         /* of ICC_SGI1R_EL1: the next core whose vCPU is wanted */
	VALUE_NEXT_CLUSTER, /* of ICC_SGI1R_EL1: the next cluster of vCPUs that the step targets began; or the next vCPU */
	VALUE_NEXT_VCPU
};

/* What the emulated interrupt controller is told, and asked. */
#define PATH_VGIC(X) \
	X(prepare) X(absorb) X(sgi) X(timer) X(lpi) X(event) X(vsgi) X(broadcast) X(schedule) X(deschedule)
#define PATH_VGIC_STATES(X) X(pending) X(kick) X(direct) X(sgis) X(doorbell) X(unsent)
enum path_vgic {
#define X(name) VGIC_##name,
	PATH_VGIC(X)
#undef X
		VGIC_KINDS
};
enum path_vgic_state {
#define X(name) VGIC_##name,
	PATH_VGIC_STATES(X)
#undef X
		VGIC_STATES
};
extern const char *const vgic_names[VGIC_KINDS + 1], *const vgic_state_names[VGIC_STATES + 1];
/* Of path_device.h; NULL at the end. */
extern const char *const device_names[], *const device_verb_names[], *const device_state_names[];

struct path_value {
	uint8_t kind;        /* enum value_kind */
	uint16_t index;      /* context, path or vector table */
	uint64_t set, clear; /* VALUE_NUMBER: set; VALUE_BITS: read, clear, set, write */
};

#define PATH_CONDITIONS(X) \
	X(feature, "a switch of the machine's features is on") \
	X(var, "a variable is set") \
	X(ec, "exception class of ESR, by short name") \
	X(write, "the aborted access was a write (ISS.WnR)") \
	X(permission, "the abort is one of permission: the page is there (ISS.DFSC)") \
	X(wfe, "what was trapped was WFE, not WFI (ISS.TI)") \
	X(sysreg, "register of a trapped access (ISS)") \
	X(fault, "status of an abort (DFSC): translation, access_flag or permission") \
	X(region, "kind of the region at HPFAR: memory, kernel, user") \
	X(page, "the address at HPFAR: a page of the guest's physical addresses") \
	X(call, "name that the latest SVC, HVC or SMC carried; with `of`, the guest's latest") \
	X(service, "SMCCC service that owns that call") \
	X(irq, "INTID that was acknowledged last") \
	X(targets, "yes: there are vCPUs to which the SGI of the step targets is still to be sent") \
	X(vgic, \
	  "pending: an interrupt waits for this vCPU; kick: one for a vCPU of another core; direct: the GIC delivers virtual interrupts; sgis: also virtual SGIs; doorbell: that is what was acknowledged; unsent: vCPUs are left to which vsgi has not sent the guest's SGI") \
	X(device, \
	  "any, level, message: what was acknowledged is a device's; cached: what `inject` needs is at hand; ended: a guest has ended a level")

/* Register files whose registers are saved by number. */
enum path_bank { BANK_gp, BANK_fp, BANK_sve, BANK_KINDS };
extern const char *const bank_names[BANK_KINDS + 1];

enum path_condition_kind {
#define X(name, doc) COND_##name,
	PATH_CONDITIONS(X)
#undef X
		COND_KINDS
};

/* One term of a condition; `of` is the context whose ESR and HPFAR count, PATH_NONE: the present level's
 * own. */
struct path_term {
	uint8_t kind;       /* enum path_condition_kind */
	bool expect;        /* false: it must not hold */
	uint16_t of, index; /* variable, register, region kind */
	uint64_t value; /* exception class, INTID, feature's value, write, identifier of a call, service */
	bool el12;
	const char *call;
};

struct path_step {
	uint8_t kind; /* enum path_step_kind */
	struct place at;
	const char *name;        /* work, lock, call name, barrier; "" for none */
	const char *owner;       /* work: whose memory its lines are in */
	struct reg_name reg;     /* read, write */
	struct path_value value; /* write */
	uint16_t list, context;  /* save, restore: class; map, skip, spill, fill: context */
	uint16_t
		target; /* call: path; branch, jump: step index; spill, fill: enum path_bank; vgic: enum path_vgic;
				  * lists: 1 write, 0 read; set, clear, signal, await: variable; raise: enum
				  * path_device_kind; device: enum path_device_verb */
	bool guest_last, host_last; /* raise: for the last vCPU and PE, not for its own */
	uint64_t shared;            /* work: lines that another vCPU's core has written last */
	uint64_t number, lines;     /* address, INTID, instructions, mask, count of registers */
	struct path_term *term;     /* branch */
	size_t term_count;
};

struct path {
	const char *name, *doc;
	struct place at;
	struct path_step *step;
	size_t count;
	uint8_t levels; /* set of levels that it may run at; found by the checker */
	bool operation;
	bool named; /* its address is written to some register: levels may not know about it */
};

struct path_class {
	const char *name;
	struct reg_name *reg;
	size_t count;
};

/* A register image. */
struct path_context {
	const char *name;
	struct path_value value[R_COUNT]; /* initial */
};

/* The 16 vectors: [sp0, same, lower, lower32][sync, irq, fiq, serror]. */
struct path_vectors {
	const char *name;
	struct place at;
	uint8_t el;
	uint16_t path[16]; /* PATH_NONE: nothing there */
};

enum region_kind { REGION_memory, REGION_kernel, REGION_user, REGION_KINDS };
struct path_region {
	const char *name;
	uint64_t base, bytes;
	uint8_t kind;
	bool mapped; /* at stage 2 from the start */
};

struct path_variable {
	const char *name;
	bool value; /* initial */
};

/* A lock that all vCPUs share. */
struct path_lock {
	const char *name;
	uint8_t kind; /* enum lock_kind */
};

struct path_book {
	struct conf *conf;
	const struct features *features;
	const char *name;
	const struct node *named; /* the section `paths`; NULL: there is none */
	struct path *path;
	struct path_class *list;
	struct path_context *context;
	struct path_vectors *vectors;
	struct path_region *region;
	struct path_variable *variable;
	struct path_lock *lock;
	size_t paths, lists, contexts, tables, regions, variables, locks;
	uint16_t start;
	uint8_t start_el;
	struct path_context *start_registers;
};

/* Addresses: a path's steps are 4 bytes apart, paths and vector tables have pages of their own. */
enum { PATH_MAX_STEPS = 1024, PATH_MAX_PATHS = 1024 };
#define PATH_BASE UINT64_C(0x10000000)
#define VECTOR_BASE UINT64_C(0x20000000)
static inline uint64_t path_address(size_t path, size_t step) { return PATH_BASE + path * 0x1000 + step * 4; }
/* Where the guest's instructions are that no file has. */
#define GUEST_BASE UINT64_C(0x30000000)
static inline uint64_t vectors_address(size_t table) { return VECTOR_BASE + table * 0x800; }

extern const char *const path_step_names[STEP_KINDS];
extern const char *const region_names[REGION_KINDS + 1];
extern const char *const vector_names[16];

/* Index of `name`, or PATH_NONE. */
uint16_t book_path(const struct path_book *b, const char *name);
uint16_t book_list(const struct path_book *b, const char *name);
uint16_t book_context(const struct path_book *b, const char *name);
uint16_t book_table(const struct path_book *b, const char *name);
uint16_t book_variable(const struct path_book *b, const char *name);

/* Reads a number, path, vector table or `operation`, or - where allowed - a context or {set, clear}. */
enum status book_value(struct path_book *b, const struct node *n, bool in_step, struct path_value *out,
		       struct err *err);
/* The steps of `n`, a list, into `p`. */
enum status book_steps(struct path_book *b, const struct node *n, struct path *p, struct err *err);
/* The terms of a condition, a mapping. */
enum status book_condition(struct path_book *b, const struct node *n, struct path_step *s, struct err *err);
/* Finds the levels of every path, and steps that they cannot execute. */
enum status book_check(struct path_book *b, struct err *err);

/* "write HCR_EL2", "save el1_state to host (18 registers)". Returns out. */
const char *step_text(const struct path_book *b, const struct path_step *s, char *out, size_t bytes);

/* The SMCCC identifier that a call's name or number stands for; 0: neither. */
uint32_t path_call_id(const char *name);

/* --- the interpreter's state --------------------------------------------------------------------------- */

enum { PATH_STACK = 64, PATH_PAGES = 64, PATH_LISTS = 16 };

struct path_machine {
	const struct path_book *book;
	struct el_state el;
	uint64_t (*context)[R_COUNT]; /* by context */
	bool *variable;
	struct path_call {
		const char *name;
		uint32_t id; /* SMCCC; 0: a name that only paths know */
	} call, guest_call;  /* what the latest SVC, HVC or SMC asked for, and the latest of a guest */
	uint64_t entry;      /* where the guest begins: VALUE_OPERATION */
	struct path own;     /* the guest's present instruction, and done */
	struct path_step own_step[2];
	unsigned own_asked;         /* how often it has faulted */
	bool own_running;           /* it is under way, and no operation of the files */
	bool own_fetch, own_mapped; /* its abort is one of a fetch; the paths have mapped its page */
	uint8_t own_refuses;        /* enum fault_kind of its abort */
	bool piecewise, paused;     /* stops at steps that others see; has stopped */
	bool holds, held;           /* stops at a wait that a timer ends; has stopped there */
	bool goes_on;               /* the step at which it stopped is to be executed now */
	struct path_region world;   /* bytes 0: none */
	bool in_world;              /* something outside ends every wait */
	struct path_slot {
		uint64_t address, value;
	} stack[PATH_STACK];
	size_t stack_used;
	uint64_t sp_el3;
	struct path_page {
		uint64_t number;
		uint8_t refuses; /* enum fault_kind: FAULT_NONE: nothing; ACCESS_FLAG: all; PERMISSION: writes */
	} page[PATH_PAGES];      /* that stage 2 has */
	size_t pages;
	struct path_gic *gic;           /* path_gic.h */
	bool own_gic;                   /* not shared: freed with it */
	unsigned pe;                    /* of it */
	unsigned target;                /* the step targets: PEs before this one have been sent to */
	const struct path_step *raised; /* devices that assert at the next wait; NULL: none */
	uint16_t armed;                 /* INTID of the timer that fires at the next wait; 0: none */
	uint64_t acknowledged,
		moved; /* INTID from IAR; the value of the last register write that the guest tried */
	uint64_t list_value[PATH_LISTS];
	uint32_t list_control; /* ICH_HCR_EL2 */
	bool parks, parked;    /* path_park() */
	bool scheduled;        /* path_use_scheduler() */
	bool running;          /* from the first step of the operation to done */
	bool finished;
	path_event_fn *event;
	void *event_ctx;
	struct path_counts *counts;
};

/* Tells of a system register write, if anybody listens. */
void path_tell_write(const struct path_machine *m, enum el_reg reg);
/* Inside of a guest nothing of a hypervisor runs: below EL2 while a stage 2 with a VMID translates. VMID 0 is that of a
 * host kernel below a hypervisor (KVM's convention, and with protected KVM in use). */
bool path_in_guest(const struct path_machine *m);
/* Whether the instruction of `s` would trap or be undefined here, so that it is not executed. */
bool path_traps(const struct path_machine *m, const struct path_step *s, struct trap_result *t);
/* Runs from `pc` on, or from where it is, until the guest is done or stops; `what` is for messages. Errors as path_run(). */
enum status path_run_from(struct path_machine *m, uint64_t pc, const char *what, struct err *err);
enum status path_run_on(struct path_machine *m, const char *what, struct err *err);
/* Executes one step: moves el.pc on, or takes what it causes. */
enum status path_execute(struct path_machine *m, const struct path_step *s, struct err *err);
/* Whether the step stands still until something comes; lets that happen; and when it is there (0: at once, or nobody knows). */
bool path_waits(const struct path_machine *m, const struct path_step *s);
/* Whether it is one that the timer of the guest's kernel ends, if nothing else does. */
bool path_is_halt(struct path_machine *m, const struct path_step *s);
enum status path_await(struct path_machine *m, const struct path_step *s, struct err *err);
cycles_t path_wait_end(const struct path_machine *m, const struct path_step *s);
/* Takes an exception, tells of it. */
enum status path_take(struct path_machine *m, const struct path_step *s, const struct el_exception *x,
		      const char *rule, const char *source, struct err *err);
enum status path_eret(struct path_machine *m, const struct path_step *s, struct err *err);
/* Whose `ipa` is. */
enum region_kind path_region_at(const struct path_machine *m, uint64_t ipa);
/* Whether `ipa` is no memory: whoever emulates it answers. */
bool path_is_device(const struct path_machine *m, uint64_t ipa);
/* Whether a condition holds. */
bool path_holds(const struct path_machine *m, const struct path_step *s);
uint64_t path_value(struct path_machine *m, const struct path_value *v, enum el_reg reg);

/* path_irq.c: the interrupt controller (path_gic.h). */
void path_update_lines(struct path_machine *m);
/* The host's tick, by the timer `intid`, is seen at once; no book has it. */
void path_tick(struct path_machine *m, uint32_t intid);
/* The timer `intid` has fired at `at`; returns when that is signalled, now or later. */
cycles_t path_raise(struct path_machine *m, uint32_t intid, cycles_t at);
/* The armed timer fires, at its deadline if that is later. False: nothing is armed. */
bool path_fire_timer(struct path_machine *m);
/* A register as an instruction at the present level reads it, with what that does to the interrupt controller. */
uint64_t path_register(struct path_machine *m, enum el_reg reg);
void path_register_written(struct path_machine *m, enum el_reg reg, uint64_t value);
void path_start_registers(struct path_machine *m);
/* The guest is about to be left; an exception was taken, from the guest to outside or not; the guest was entered. */
void path_note_exit(struct path_machine *m);
void path_note_taken(struct path_machine *m, const struct el_exception *x, bool left_guest);
void path_note_entered(struct path_machine *m);
void path_vgic(struct path_machine *m, enum path_vgic verb);
/* The devices of the latest step `raise` assert their interrupts. False: there are none. */
bool path_raise_devices(struct path_machine *m);
void path_device(struct path_machine *m, enum path_device_verb verb);
bool path_device_state(const struct path_machine *m, enum path_device_state what);
extern const struct reg_name path_list_registers[PATH_LISTS];
/* List registers in use; the i-th has been written. */
unsigned path_lists(const struct path_machine *m);
void path_listed(struct path_machine *m, unsigned i);
bool path_vgic_holds(const struct path_machine *m, enum path_vgic_state what);
uint64_t path_kick(struct path_machine *m);
/* Whether the SGI of the step targets is to be sent to any vCPU; ICC_SGI1R_EL1 that sends it to the next, or to all of its cluster. */
bool path_has_targets(const struct path_machine *m);
uint64_t path_next_targets(struct path_machine *m, bool cluster);

#endif
