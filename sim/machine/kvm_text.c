#include "machine/kvm_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "el/smccc.h"
#include "hyp/path_cost.h"

/* Exception classes in the words of kvm_exit: all that the kernel has a word for. */
static const struct {
	uint8_t ec;
	const char *name;
} class_names[] = {
	{0x00, "UNKNOWN"},     {0x01, "WFx"},         {0x07, "FP_ASIMD"},    {0x09, "PAC"},
	{0x15, "SVC64"},       {0x16, "HVC64"},       {0x17, "SMC64"},       {0x18, "SYS64"},
	{0x19, "SVE"},         {0x1a, "ERET"},        {0x1f, "IMP_DEF"},     {0x20, "IABT_LOW"},
	{0x21, "IABT_CUR"},    {0x22, "PC_ALIGN"},    {0x24, "DABT_LOW"},    {0x25, "DABT_CUR"},
	{0x26, "SP_ALIGN"},    {0x2c, "FP_EXC64"},    {0x2f, "SERROR"},      {0x30, "BREAKPT_LOW"},
	{0x31, "BREAKPT_CUR"}, {0x32, "SOFTSTP_LOW"}, {0x33, "SOFTSTP_CUR"}, {0x34, "WATCHPT_LOW"},
	{0x35, "WATCHPT_CUR"}, {0x3c, "BRK64"},
};

enum { FIRST_PID = 100 }; /* of the vCPU threads */

struct line {
	cycles_t at;
	uint64_t number; /* in order of arrival */
	unsigned vcpu, cpu;
	const char *flags;
	char *text;
};

struct vcpu {
	bool outside; /* of the guest, as KVM sees it */
	bool held;    /* the exit may be over before the host's kernel sees it */
	uint64_t held_pc, held_esr;
	cycles_t held_at;
	bool mmio, write, userspace; /* the exit is an access to a device; the VMM has been told */
	unsigned bytes;
	uint64_t gpa;
	char step[64]; /* the guest's last step in words */
};

struct kvm_text {
	struct vcpu *vcpu;
	struct line *line;
	size_t lines;
	uint64_t limit, number;
	/* of the event that is being told */
	unsigned who, cpu;
	cycles_t at;
};

struct kvm_text *kvm_text_new(unsigned vcpus, uint64_t limit)
{
	struct kvm_text *k = xcalloc(1, sizeof(*k));
	k->limit = limit;
	k->vcpu = xcalloc(vcpus, sizeof(*k->vcpu));
	return k;
}

void kvm_text_free(struct kvm_text *k)
{
	if (!k) return;
	for (size_t i = 0; i < k->lines; i++) free(k->line[i].text);
	free(k->line);
	free(k->vcpu);
	free(k);
}

/* --- lines --------------------------------------------------------------------------------------------------------- */

__attribute__((format(printf, 3, 4))) static void add(struct kvm_text *k, const char *flags,
						      const char *format, ...)
{
	char text[192];
	va_list args;
	uint64_t number = k->number++;
	if (number >= k->limit) return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (!(k->lines & (k->lines - 1)))
		k->line = xrealloc(k->line, k->lines ? 2 * k->lines : 1, sizeof(*k->line));
	k->line[k->lines++] = (struct line){k->at, number, k->who, k->cpu, flags, xstrdup(text)};
}

static const char *class_name(unsigned ec, char out[8])
{
	for (size_t i = 0; i < sizeof(class_names) / sizeof(class_names[0]); i++)
		if (class_names[i].ec == ec) return class_names[i].name;
	snprintf(out, 8, "0x%x", ec); /* as __print_symbolic() does */
	return out;
}

/* --- exits --------------------------------------------------------------------------------------------------------- */

/* x0 of an HVC: the name that the guest's step carries, or its number. */
static uint64_t function_of(const struct vcpu *v)
{
	const char *name = strncmp(v->step, "hvc ", 4) == 0 ? v->step + 4 : "";
	const struct smccc_call *call = smccc_find(name);
	return call ? call->id : strtoull(name, NULL, 0);
}

static void tell_sys_access(struct kvm_text *k, uint64_t esr, uint64_t pc)
{
	unsigned op0 = (unsigned)bits_get(esr, 21, 20), op2 = (unsigned)bits_get(esr, 19, 17),
		 op1 = (unsigned)bits_get(esr, 16, 14), crn = (unsigned)bits_get(esr, 13, 10),
		 crm = (unsigned)bits_get(esr, 4, 1);
	struct reg_name reg;
	char name[40];
	if (!reg_decode(op0 << 14 | op1 << 11 | crn << 7 | crm << 3 | op2, &reg))
		snprintf(name, sizeof(name), "S%u_%u_C%u_C%u_%u", op0, op1, crn, crm, op2);
	else
		reg_text(reg, name, sizeof(name));
	add(k, ".....", "kvm_sys_access: PC: %" PRIx64 " SYS_%s (%u,%u,%u,%u,%u) %s", pc, name, op0, op1, crn,
	    crm, op2, esr & 1 ? "read" : "write");
}

static void tell_abort(struct kvm_text *k, struct vcpu *v, const struct path_event *e)
{
	const struct el_exception *x = &e->exception;
	uint64_t page = bits_get(x->hpfar, 43, 4) << 12, isv = bits_get(x->esr, 24, 24);
	add(k, ".....",
	    "kvm_guest_fault: ipa %#" PRIx64 ", hsr %#08" PRIx64 ", hxfar %#08" PRIx64 ", pc %#016" PRIx64,
	    page, x->esr, x->far, x->preferred_pc);
	v->gpa = page | (x->far & 0xfff);
	v->mmio = esr_ec(x->esr) == EC_DABT_LOW && e->device;
	v->write = bits_get(x->esr, 6, 6);
	v->bytes = isv ? 1u << bits_get(x->esr, 23, 22) : 4;
	v->userspace = false;
	if (v->mmio)
		add(k, ".....", "kvm_mmio: mmio %s len %u gpa 0x%" PRIx64 " val 0x0",
		    v->write ? "write" : "unsatisfied-read", v->bytes, v->gpa);
}

static void tell_trap(struct kvm_text *k, struct vcpu *v, const struct path_event *e)
{
	const struct el_exception *x = &e->exception;
	uint64_t pc = x->preferred_pc;
	switch (esr_ec(x->esr)) {
	case EC_HVC:
		add(k, ".....",
		    "kvm_hvc_arm64: HVC at 0x%016" PRIx64 " (r0: 0x%016" PRIx64 ", imm: 0x%" PRIx64 ")", pc,
		    function_of(v), bits_get(x->esr, 15, 0));
		break;
	case EC_WFX:
		add(k, ".....", "kvm_wfx_arm64: guest executed wf%c at: 0x%016" PRIx64,
		    x->esr & 1 ? 'e' : 'i', pc);
		break;
	case EC_SYSREG: tell_sys_access(k, x->esr, pc); break;
	case EC_IABT_LOW:
	case EC_DABT_LOW: tell_abort(k, v, e); break;
	default: break;
	}
}

/* Exits that KVM ends before it switches back to the host's world, where it can: these are not traced. */
static bool is_lazy(const struct el_exception *x)
{
	unsigned ec = esr_ec(x->esr);
	return x->kind == EXC_SYNC && (ec == EC_FP || ec == EC_SVE);
}

/* The host's world is back: kvm_exit is traced there, with the time of the exception. */
static void tell_held(struct kvm_text *k, struct vcpu *v)
{
	unsigned ec = esr_ec(v->held_esr);
	char number[8];
	k->at = v->held_at;
	v->held = false;
	add(k, ".....", "kvm_exit: TRAP: HSR_EC: 0x%04x (%s), PC: 0x%016" PRIx64, ec, class_name(ec, number),
	    v->held_pc);
}

static void hold_exit(struct kvm_text *k, struct vcpu *v, const struct el_exception *x)
{
	v->outside = v->held = true;
	v->mmio = false;
	v->held_pc = x->preferred_pc;
	v->held_esr = x->esr;
	v->held_at = k->at;
}

static void tell_exit(struct kvm_text *k, struct vcpu *v, const struct path_event *e)
{
	const struct el_exception *x = &e->exception;
	static const char *const types[] = {
		[EXC_SYNC] = "TRAP", [EXC_IRQ] = "IRQ", [EXC_FIQ] = "IRQ", [EXC_SERROR] = "SERROR"};
	unsigned ec = x->kind == EXC_SYNC ? esr_ec(x->esr) : 0;
	char number[8];
	v->outside = true;
	v->mmio = false;
	add(k, ".....", "kvm_exit: %s: HSR_EC: 0x%04x (%s), PC: 0x%016" PRIx64, types[x->kind], ec,
	    class_name(ec, number), x->preferred_pc);
	if (x->kind == EXC_SYNC) tell_trap(k, v, e);
}

static void tell_entry(struct kvm_text *k, struct vcpu *v, uint64_t pc)
{
	if (v->mmio && !v->write)
		add(k, ".....", "kvm_mmio: mmio read len %u gpa 0x%" PRIx64 " val 0x0", v->bytes, v->gpa);
	v->outside = v->mmio = false;
	add(k, "d....", "kvm_entry: PC: 0x%016" PRIx64, pc);
}

/* A guest is entered when the return is over. */
void kvm_text_event(struct kvm_text *k, unsigned vcpu, unsigned cpu, const struct path_event *e,
		    const struct path_price *price)
{
	struct vcpu *v = &k->vcpu[vcpu];
	k->who = vcpu, k->cpu = cpu;
	k->at = price->at + (e->kind == EVENT_RETURN ? price->cycles : 0);
	if (e->kind == EVENT_STEP && e->of_guest) snprintf(v->step, sizeof(v->step), "%s", e->text);
	if (e->kind == EVENT_WRITE && v->held && e->reg == R_HCR_EL2) tell_held(k, v);
	if (e->kind == EVENT_ENTRY && !v->outside && !e->in_guest && e->transfer.to == 2) {
		if (is_lazy(&e->exception))
			hold_exit(k, v, &e->exception);
		else
			tell_exit(k, v, e);
	}
	if (e->kind != EVENT_RETURN || !v->outside) return;
	if (e->to_guest && e->transfer.from == 2 && v->held) {
		v->outside = v->held = false;
	} else if (e->to_guest && e->transfer.from == 2) {
		tell_entry(k, v, e->transfer.to_pc);
	} else if (e->transfer.to == 0 && v->mmio && !v->userspace) {
		v->userspace = true;
		add(k, ".....", "kvm_userspace_exit: reason KVM_EXIT_MMIO (6)");
	}
}

/* --- the text ------------------------------------------------------------------------------------------------------ */

static int by_time(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	if (x->at != y->at) return x->at < y->at ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

static void write_header(const struct kvm_text *k, unsigned cpus, FILE *out)
{
	fprintf(out,
		"# tracer: nop\n#\n# entries-in-buffer/entries-written: %zu/%" PRIu64 "   #P:%u\n#\n"
		"#                                _-----=> irqs-off/BH-disabled\n"
		"#                               / _----=> need-resched\n"
		"#                              | / _---=> hardirq/softirq\n"
		"#                              || / _--=> preempt-depth\n"
		"#                              ||| / _-=> migrate-disable\n"
		"#                              |||| /     delay\n"
		"#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION\n"
		"#              | |         |   |||||     |         |\n",
		k->lines, k->number, cpus);
}

void kvm_text_write(const struct kvm_text *k, unsigned cpus, uint64_t clock_mhz, FILE *out)
{
	write_header(k, cpus, out);
	if (k->lines) qsort(k->line, k->lines, sizeof(*k->line), by_time);
	for (size_t i = 0; i < k->lines; i++) {
		const struct line *l = &k->line[i];
		uint64_t us = l->at / clock_mhz;
		char task[24];
		snprintf(task, sizeof(task), "vcpu%u", l->vcpu);
		fprintf(out, "%16s-%-7u [%03u] %s %5" PRIu64 ".%06" PRIu64 ": %s\n", task,
			FIRST_PID + l->vcpu, l->cpu, l->flags, us / 1000000, us % 1000000, l->text);
	}
}
