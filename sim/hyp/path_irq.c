/* path_irq.c - the least of an interrupt controller that an operation needs: lines that rise, acknowledge,
 * end.
 *
 * Physical interrupts are INTIDs that stay asserted until acknowledged. Virtual ones are the states of list
 * registers: ICH_HCR_EL2.En and a list register in state pending assert the virtual IRQ; ICC_IAR1_EL1 read
 * as ICV_IAR1_EL1 makes it active, ICC_EOIR1_EL1 inactive. Source: IHI 0069, ICH_LR<n>_EL2, 6.2.
 * Not modelled: what sim/gic is for - priorities, masks, groups, routing, deactivation, ICH_VMCR,
 * maintenance.
 */
#include <string.h>

#include "hyp/path_steps.h"

enum { LR_STATE_SHIFT = 62, LR_PENDING = 1, LR_ACTIVE = 2, INTID_SPURIOUS = 1023 };
static const uint16_t list_registers[] = {R_ICH_LR0_EL2, R_ICH_LR1_EL2, R_ICH_LR2_EL2, R_ICH_LR3_EL2};
enum { LIST_REGISTERS = sizeof(list_registers) / sizeof(list_registers[0]) };

/* The first list register in `state`, or NULL. */
static uint64_t *find_list_register(struct path_machine *m, unsigned state)
{
	for (unsigned i = 0; i < LIST_REGISTERS; i++) {
		uint64_t *lr = &m->el.reg[list_registers[i]];
		if (*lr >> LR_STATE_SHIFT == state) return lr;
	}
	return NULL;
}

static void set_list_state(uint64_t *lr, uint64_t state)
{
	*lr = (*lr & bits_ones(LR_STATE_SHIFT)) | state << LR_STATE_SHIFT;
}

void path_update_lines(struct path_machine *m)
{
	bool enabled = bit_get(m->el.reg[R_ICH_HCR_EL2], 0);
	m->el.lines = m->lines ? 1u << ASYNC_IRQ : 0;
	if (enabled && find_list_register(m, LR_PENDING)) m->el.lines |= 1u << ASYNC_VIRQ;
}

void path_assert_line(struct path_machine *m, unsigned intid)
{
	if (m->lines < PATH_LINES) m->asserted[m->lines++] = (uint16_t)intid;
	path_update_lines(m);
}

bool path_fire_timer(struct path_machine *m)
{
	unsigned intid = m->armed;
	m->armed = 0;
	if (intid) path_assert_line(m, intid);
	return intid != 0;
}

/* The access is to the virtual interface: at EL1 with HCR_EL2.IMO = 1. */
static bool is_virtual(const struct path_machine *m)
{
	return el_level(&m->el) == 1 && el2_enabled(&m->el) && el_hcr(&m->el, HCR_IMO);
}

static void acknowledge_virtual(struct path_machine *m)
{
	uint64_t *lr = find_list_register(m, LR_PENDING);
	m->acknowledged = lr ? bits_get(*lr, 31, 0) : INTID_SPURIOUS;
	if (lr) set_list_state(lr, LR_ACTIVE);
}

static void acknowledge_physical(struct path_machine *m)
{
	m->acknowledged = m->lines ? m->asserted[0] : INTID_SPURIOUS;
	if (!m->lines) return;
	m->lines--;
	memmove(m->asserted, m->asserted + 1, m->lines * sizeof(m->asserted[0]));
}

void path_icc_read(struct path_machine *m, enum el_reg reg)
{
	if (reg != R_ICC_IAR1_EL1) return;
	if (is_virtual(m)) {
		acknowledge_virtual(m);
	} else {
		acknowledge_physical(m);
	}
	m->el.reg[reg] = m->acknowledged;
}

void path_icc_write(struct path_machine *m, enum el_reg reg)
{
	if (reg != R_ICC_EOIR1_EL1 || !is_virtual(m)) return;
	uint64_t *lr = find_list_register(m, LR_ACTIVE);
	if (lr) set_list_state(lr, 0);
}
