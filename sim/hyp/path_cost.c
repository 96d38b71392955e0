#include "hyp/path_cost.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "hyp/path_lines.h"
#include "hyp/path_steps.h"

enum { KILO = 1000 };

struct path_costs {
	const struct primitive_params *p;
	const struct gic_timing *gic;
	struct mem_cpu *mem;
	struct path_memory memory;
	cycles_t share_cycles, schedule_cycles;
	struct path_sharing sharing;
	struct lock_waiter *waiter; /* at each lock of the set */
	struct dvm_port port;       /* for messages to all cores */
	bool invalidates;           /* TLBIs are under way */
	cycles_t tlbi_done;
	uint64_t line_bytes;
	cycles_t fetch_hit, data_hit; /* of the first-level caches: hidden */
	struct path_lines *lines;
	uint8_t kind[R_COUNT]; /* enum primitive_register */
};

/* --- building ----------------------------------------------------------------------------------------------------- */

static void use_sharing(struct path_costs *c, const struct path_sharing *sharing)
{
	size_t locks = sharing->set ? sharing->set->count : 0;
	c->sharing = *sharing;
	c->waiter = xcalloc(locks + 1, sizeof(*c->waiter));
	for (size_t i = 0; i < locks; i++)
		c->waiter[i] = (struct lock_waiter){.core = sharing->core, .owner = sharing->owner};
}

enum status path_costs_new(const struct path_cost_parts *parts, struct path_costs **out, struct err *err)
{
	struct mem_cpu *mem = parts->mem;
	struct path_costs *c = xcalloc(1, sizeof(*c));
	*c = (struct path_costs){.p = parts->primitives, .mem = mem, .memory = parts->memory};
	c->share_cycles = parts->share_cycles;
	c->port = parts->port;
	c->gic = parts->gic;
	use_sharing(c, &parts->sharing);
	c->schedule_cycles = parts->schedule_cycles;
	c->line_bytes = UINT64_C(1) << mem->data.line_bits;
	c->fetch_hit = mem_first_hit(&mem->fetch);
	c->data_hit = mem_first_hit(&mem->data);
	for (unsigned r = 0; r < R_COUNT; r++) c->kind[r] = primitive_register_kind((enum el_reg)r);
	const struct path_lines_params lines = {parts->percent, c->line_bytes, c->p->sve_register_bytes};
	c->lines = path_lines_new(parts->book, &lines);
	enum status st = c->memory.reserve(c->memory.self, path_lines_bytes(c->lines), err);
	if (st != OK) {
		path_costs_free(c);
		return st;
	}
	*out = c;
	return OK;
}

void path_costs_free(struct path_costs *c)
{
	if (!c) return;
	path_lines_free(c->lines);
	free(c->waiter);
	free(c);
}

/* --- memory ------------------------------------------------------------------------------------------------------ */

/* One access of the software at `el`, and how much longer than a first-level hit it takes. */
struct touch {
	const struct path_event *e;
	uint64_t offset; /* in the software's memory */
	enum access_kind kind;
};

static uint8_t cause_of(const struct path_event *e, bool fetch)
{
	if (e->of_guest || e->in_guest) return fetch ? CAUSE_IFETCH : CAUSE_DATA;
	return e->el == 0 ? CAUSE_VMM : CAUSE_HYPERVISOR;
}

/* In whose name a step touches memory. */
static uint8_t agent_of(const struct path_event *e)
{
	if (e->of_guest || e->in_guest) return e->el == 0 ? AGENT_PROGRAM : AGENT_KERNEL;
	if (e->secure || e->el == 3) return AGENT_FIRMWARE;
	return e->el == 0 ? AGENT_VMM : AGENT_HYPERVISOR;
}

static cycles_t touch_line(struct path_costs *c, const struct touch *t, cycles_t now)
{
	const struct path_event *e = t->e;
	bool fetch = t->kind == ACCESS_FETCH;
	struct mem_req r = {.kind = (uint8_t)t->kind,
			    .cause = cause_of(e, fetch),
			    .el = e->el,
			    .security = SEC_NONSECURE};
	const struct mpam_label *label = e->of_guest || e->in_guest ? &c->mem->label
								    : &c->mem->hypervisor_label;
	r.partid = label->partid;
	r.pmg = label->pmg;
	unsigned served;
	struct agent guest = c->mem->agent;
	c->mem->agent.kind = agent_of(e);
	cycles_t hidden = fetch ? c->fetch_hit : c->data_hit;
	cycles_t known = c->memory.locate(c->memory.self, t->offset, e->el, e->e2h, t->kind, now, &r.pa.raw);
	cycles_t done = mem_access(fetch ? &c->mem->fetch : &c->mem->data, &r, known, 0, &served);
	c->mem->agent = guest;
	return done > now + hidden ? done - now - hidden : 0;
}

/* Code comes line by line. */
static cycles_t fetch_lines(struct path_costs *c, struct touch t, uint64_t lines, cycles_t now)
{
	cycles_t waited = 0;
	t.kind = ACCESS_FETCH;
	for (uint64_t i = 0; i < lines; i++, t.offset += c->line_bytes)
		waited += touch_line(c, &t, now + waited);
	return waited;
}

/* Data is asked for at once; the last line counts. */
static cycles_t data_lines(struct path_costs *c, struct touch t, uint64_t lines, cycles_t now)
{
	cycles_t longest = 0;
	for (uint64_t i = 0; i < lines; i++, t.offset += c->line_bytes) {
		cycles_t waited = touch_line(c, &t, now);
		if (waited > longest) longest = waited;
	}
	return longest;
}

/* --- prices ------------------------------------------------------------------------------------------------------ */

/* A control of the level that writes it stops the pipeline; one of a level below is a value. */
static enum primitive_register kind_at(const struct path_costs *c, const struct path_event *e,
				       struct reg_name name)
{
	enum el_reg reached = reg_resolve(name, e->el, e->e2h);
	if (reached == R_NONE) reached = (enum el_reg)name.reg;
	enum primitive_register kind = c->kind[reached];
	return kind == PRIMITIVE_CONTROL && primitive_register_level(reached) < e->el ? PRIMITIVE_PLAIN
										      : kind;
}

static bool is_list_register(enum el_reg reg)
{
	for (unsigned i = 0; i < PATH_LISTS; i++)
		if (path_list_registers[i].reg == reg) return true;
	return false;
}

/* Acknowledge, end, deactivation and list registers may have costs of their own. */
static cycles_t gic_price(const struct path_costs *c, enum el_reg reg, bool write)
{
	static const struct gic_timing none = {0};
	const struct gic_timing *t = c->gic ? c->gic : &none;
	uint64_t own = reg == R_ICC_IAR1_EL1 || reg == R_ICC_IAR0_EL1     ? t->ack_cycles
		       : reg == R_ICC_EOIR1_EL1 || reg == R_ICC_EOIR0_EL1 ? t->eoi_cycles
		       : reg == R_ICC_DIR_EL1                             ? t->dir_cycles
		       : !is_list_register(reg)                           ? 0
		       : write                                            ? t->lr_write_cycles
									  : t->lr_read_cycles;
	if (own) return own;
	return write ? c->p->gic_write_cycles : c->p->gic_read_cycles;
}

static cycles_t register_price(const struct path_costs *c, const struct path_event *e, struct reg_name name,
			       bool write)
{
	const struct primitive_params *p = c->p;
	switch (kind_at(c, e, name)) {
	case PRIMITIVE_GIC: return gic_price(c, (enum el_reg)name.reg, write);
	case PRIMITIVE_CONTROL: return write ? p->control_write_cycles : p->sysreg_read_cycles;
	case PRIMITIVE_PLAIN: break;
	}
	return write ? p->sysreg_write_cycles : p->sysreg_read_cycles;
}

static cycles_t instructions_price(const struct path_costs *c, uint64_t n)
{
	return (n * KILO + c->p->instructions_per_kilocycle - 1) / c->p->instructions_per_kilocycle;
}

static struct path_price work_price(struct path_costs *c, const struct path_event *e, cycles_t now)
{
	const struct path_step *s = e->step;
	const struct work_lines w = path_lines_of_work(c->lines, s);
	struct path_price out = {.cycles = instructions_price(c, w.instructions)};
	out.memory = fetch_lines(c, (struct touch){.e = e, .offset = w.code}, w.code_lines, now);
	struct touch t = {e, w.data, ACCESS_READ};
	out.memory += data_lines(c, t, s->lines, now + out.memory);
	out.memory += s->shared * c->share_cycles;
	out.cycles += out.memory;
	return out;
}

static struct path_price copy_price(struct path_costs *c, const struct path_event *e, cycles_t now)
{
	const struct path_step *s = e->step;
	bool restore = s->kind == STEP_restore;
	struct path_price out = {0};
	for (size_t i = 0; i < e->register_count; i++)
		out.cycles += register_price(c, e, e->registers[i], restore);
	struct touch t = {e, path_lines_of_class(c->lines, s->context, s->list),
			  restore ? ACCESS_READ : ACCESS_WRITE};
	out.memory = data_lines(c, t, path_lines_in_class(c->lines, e->register_count), now);
	out.cycles += out.memory;
	return out;
}

static struct path_price lists_price(const struct path_costs *c, const struct path_event *e)
{
	struct path_price out = {0};
	for (size_t i = 0; i < e->register_count; i++)
		out.cycles += register_price(c, e, e->registers[i], e->step->target);
	return out;
}

static uint64_t bank_price(const struct path_costs *c, const struct path_step *s)
{
	const struct primitive_params *p = c->p;
	const uint64_t price[BANK_KINDS][2] = {
		[BANK_gp] = {p->gp_store_millicycles, p->gp_load_millicycles},
		[BANK_fp] = {p->fp_store_millicycles, p->fp_load_millicycles},
		[BANK_sve] = {p->sve_store_millicycles, p->sve_load_millicycles},
	};
	return price[s->target][s->kind == STEP_fill];
}

static struct path_price spill_price(struct path_costs *c, const struct path_event *e, cycles_t now)
{
	const struct path_step *s = e->step;
	struct path_price out = {.cycles = (s->number * bank_price(c, s) + KILO - 1) / KILO};
	enum access_kind kind = s->kind == STEP_fill ? ACCESS_READ : ACCESS_WRITE;
	struct touch t = {e, path_lines_of_bank(c->lines, s->context, s->target), kind};
	out.memory = data_lines(c, t, path_lines_in_bank(c->lines, s->target, s->number), now);
	out.cycles += out.memory;
	return out;
}

/* The lock of the VM that `s` names, and who waits at it here; NULL: it is no lock that is shared. */
static struct lock *lock_of(const struct path_costs *c, const struct path_step *s,
			    struct lock_waiter **waiter)
{
	struct lock *l = c->sharing.set ? lock_set_find(c->sharing.set, s->name) : NULL;
	*waiter = NULL;
	for (size_t i = 0; l && i < c->sharing.set->count; i++)
		if (&c->sharing.set->item[i].lock == l) *waiter = &c->waiter[i];
	return l;
}

static struct path_price lock_price(struct path_costs *c, const struct path_step *s, cycles_t now)
{
	struct lock_waiter *w;
	struct lock *l = lock_of(c, s, &w);
	cycles_t done;
	if (!l) return (struct path_price){.cycles = c->p->atomic_cycles};
	w->shared = s->kind == STEP_lock_shared;
	if (!lock_acquire(l, w, now, &done)) return (struct path_price){.waits = true};
	return (struct path_price){.cycles = done - now};
}

/* An exclusive one by a store with release. */
static struct path_price unlock_price(struct path_costs *c, const struct path_step *s, cycles_t now)
{
	struct lock_waiter *w;
	struct lock *l = lock_of(c, s, &w);
	cycles_t store = instructions_price(c, 1);
	if (!l) return (struct path_price){.cycles = store};
	cycles_t done = lock_release(l, w, now, c->sharing.granted, c->sharing.ctx);
	return (struct path_price){.cycles = done > now + store ? done - now : store};
}

static struct path_price tlbi_price(struct path_costs *c, cycles_t now)
{
	struct dvm_trip trip = {.sent = now};
	if (c->port.dvm) trip = dvm_send(c->port.dvm, c->port.place, DVM_INNER, now);
	cycles_t done = trip.sent + c->p->tlbi_broadcast_cycles + trip.late;
	if (!c->invalidates || done > c->tlbi_done) c->tlbi_done = done;
	c->invalidates = true;
	return (struct path_price){.cycles = trip.sent - now + c->p->tlbi_cycles};
}

static struct path_price dsb_price(struct path_costs *c, cycles_t now)
{
	cycles_t done = c->tlbi_done, sync = 0;
	if (!c->invalidates) return (struct path_price){.cycles = c->p->dsb_cycles};
	c->invalidates = false;
	if (c->port.dvm)
		sync = dvm_sync(c->port.dvm, c->port.place, DVM_INNER, now, c->p->tlbi_broadcast_cycles);
	if (sync > done) done = sync;
	return (struct path_price){.cycles = (done > now ? done - now : 0) + c->p->dsb_cycles};
}

static struct path_price barrier_price(struct path_costs *c, const char *name, cycles_t now)
{
	if (strcmp(name, "isb") == 0) return (struct path_price){.cycles = c->p->isb_cycles};
	if (strcmp(name, "dmb") == 0) return (struct path_price){.cycles = c->p->dmb_cycles};
	return dsb_price(c, now);
}

static struct path_price step_price(struct path_costs *c, const struct path_event *e, cycles_t now)
{
	const struct path_step *s = e->step;
	bool modify = s->value.kind == VALUE_BITS;
	cycles_t read = modify ? register_price(c, e, s->reg, false) : 0;
	switch ((enum path_step_kind)s->kind) {
	case STEP_work: return work_price(c, e, now);
	case STEP_save:
	case STEP_restore: return copy_price(c, e, now);
	case STEP_spill:
	case STEP_fill: return spill_price(c, e, now);
	case STEP_read: return (struct path_price){.cycles = register_price(c, e, s->reg, false)};
	case STEP_write: return (struct path_price){.cycles = read + register_price(c, e, s->reg, true)};
	case STEP_mask:
	case STEP_unmask: return (struct path_price){.cycles = c->p->sysreg_read_cycles};
	case STEP_barrier: return barrier_price(c, s->name, now);
	case STEP_tlbi: return tlbi_price(c, now);
	case STEP_lock:
	case STEP_lock_shared: return lock_price(c, s, now);
	case STEP_unlock: return unlock_price(c, s, now);
	case STEP_wfi: return (struct path_price){.cycles = e->waits ? c->p->wake_cycles : 0};
	case STEP_lists: return lists_price(c, e);
	case STEP_vgic:
		return (struct path_price){.cycles = s->target == VGIC_schedule ? c->schedule_cycles : 0};
	case STEP_spin:
	case STEP_signal:
	case STEP_await:
	case STEP_await_all:
	case STEP_load:
	case STEP_store:
	case STEP_fp:
	case STEP_sve:
	case STEP_debug:
	case STEP_wfe: return (struct path_price){.cycles = instructions_price(c, 1)};
	default: return (struct path_price){0}; /* control of the path, and what the entry or return costs */
	}
}

static enum core_bucket bucket_of(const struct path_event *e)
{
	if (e->of_guest || e->in_guest) return e->waits ? BUCKET_IDLE : BUCKET_BASE;
	if (e->waits) return BUCKET_IDLE;
	if (e->secure) return BUCKET_FIRMWARE;
	return e->el == 0 ? BUCKET_VMM : BUCKET_HYPERVISOR;
}

static cycles_t transfer_price(const struct path_costs *c, const struct path_event *e)
{
	const struct primitive_params *p = c->p;
	const cycles_t entry[] = {0, p->entry_el1_cycles, p->entry_el2_cycles, p->entry_el3_cycles};
	const cycles_t leave[] = {0, p->return_el1_cycles, p->return_el2_cycles, p->return_el3_cycles};
	return e->kind == EVENT_ENTRY ? entry[e->transfer.to] : leave[e->transfer.from];
}

void path_costs_move(struct path_costs *c, struct mem_cpu *mem, void *memory, struct dvm_port port)
{
	c->port = port;
	c->mem = mem;
	c->memory.self = memory;
}

struct path_price path_cost_of(struct path_costs *c, const struct path_event *e, cycles_t now)
{
	struct path_price out = {.at = now};
	if (e->kind == EVENT_ENTRY || e->kind == EVENT_RETURN) {
		out.cycles = transfer_price(c, e);
		out.el = e->kind == EVENT_ENTRY ? e->transfer.to : e->transfer.from;
		out.bucket = BUCKET_EXCEPTION;
		return out;
	}
	if (e->kind == EVENT_STEP && !e->trapped) out = step_price(c, e, now);
	out.at = now;
	out.el = e->el;
	out.bucket = (uint8_t)bucket_of(e);
	return out;
}
