/* test_gic_lines.c - a level machine with its GIC: interrupts from a wire to a vector, of a host and of its guest. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "el/async.h"
#include "el/gic_lines.h"
#include "gic/lr.h"
#include "gic_world.h"

/* A hypervisor's machine: EL1 and EL2, interrupts routed to EL2, at EL1 with nothing masked. */
static struct el_state guest_running(void)
{
	static const struct el_features has = {.el2 = true};
	struct el_state s;
	el_reset(&s, &has);
	s.reg[R_HCR_EL2] = UINT64_C(1) << HCR_IMO | UINT64_C(1) << HCR_FMO | UINT64_C(1) << HCR_VM;
	s.pstate = pstate_mode(1);
	return s;
}

static bool takes(struct el_state *s, struct gic_world *w, struct el_exception *x)
{
	struct async_route route;
	gic_lines_update(s, w->g, 0);
	w->c = gic_lines_context(s);
	return async_pending(s, x, &route);
}

Test(gic_lines, a_physical_interrupt_leaves_the_guest_and_its_injection_is_taken_inside)
{
	struct gic_world w = gw_single();
	struct el_state s = guest_running();
	struct el_exception x;
	gw_write(&w, "CTLR", 2);
	gw_irq(&w, PPI, GIC_G1NS, 0xa0);
	cr_assert(not(takes(&s, &w, &x)));
	gic_set_line(w.g, 0, PPI, true);
	cr_assert(takes(&s, &w, &x));
	cr_assert(x.kind == EXC_IRQ && x.to == 2 && !x.virtual_line);

	s.pstate = pstate_mode(2) | PSTATE_DAIF;
	w.c = gic_lines_context(&s);
	cr_assert(eq(u64, gw_read(&w, "IAR1"), PPI));
	gw_write(&w, "EOIR1", PPI);
	gw_write(&w, "ICH_VMCR_EL2", UINT64_C(0xf8) << VMCR_VPMR | VMCR_VENG1);
	gw_write(&w, "ICH_LR0_EL2", UINT64_C(0x70a0001b0000001b));
	gw_write(&w, "ICH_HCR_EL2", HCR_EN);
	cr_assert(not(takes(&s, &w, &x)), "a virtual interrupt is none for EL2");

	s.pstate = pstate_mode(1);
	cr_assert(takes(&s, &w, &x));
	cr_assert(x.kind == EXC_IRQ && x.to == 1 && x.virtual_line);
	cr_assert(eq(u64, gw_read(&w, "IAR1"), 27), "ICC_IAR1_EL1 is ICV_IAR1_EL1 here");
	gic_set_line(w.g, 0, PPI, false);
	gw_write(&w, "EOIR1", 27);
	cr_assert(not(gw_state(&w, PPI).active), "the guest's end is the physical one, too");
	cr_assert(not(takes(&s, &w, &x)));
	gw_free(&w);
}

/* Rows: level, SCR_EL3.NS: how a Non-secure and a Secure Group 1 interrupt come. 4.6.2. */
Test(gic_lines, the_security_state_of_the_levels_decides_between_irq_and_fiq)
{
	static const struct {
		unsigned el, ns;
		enum gic_group group;
		enum el_async line;
	} rows[] = {{1, 1, GIC_G1NS, ASYNC_IRQ}, {1, 1, GIC_G1S, ASYNC_FIQ},  {1, 0, GIC_G1S, ASYNC_IRQ},
		    {1, 0, GIC_G1NS, ASYNC_FIQ}, {3, 1, GIC_G1NS, ASYNC_FIQ}, {3, 0, GIC_G1S, ASYNC_FIQ},
		    {1, 1, GIC_G0, ASYNC_FIQ}};
	static const struct el_features has = {.el2 = true, .el3 = true};
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct gic_world w = gw_new(&(struct gic_params){.pes = 1, .security = true, .awake = true});
		struct el_state s;
		el_reset(&s, &has);
		s.reg[R_SCR_EL3] = rows[i].ns;
		s.pstate = pstate_mode(rows[i].el);
		s.lines = 1u << ASYNC_SERROR;
		gw_irq(&w, PPI, rows[i].group, 0x80);
		gic_set_line(w.g, 0, PPI, true);
		gic_lines_update(&s, w.g, 0);
		cr_assert(eq(u32, s.lines, 1u << ASYNC_SERROR | 1u << rows[i].line), "row %u", i);
		gw_free(&w);
	}
}

Test(gic_lines, a_host_at_el2_with_tge_has_the_physical_interface)
{
	struct gic_world w = gw_single();
	struct el_state s = guest_running();
	struct el_exception x;
	s.reg[R_HCR_EL2] = UINT64_C(1) << HCR_TGE;
	s.pstate = pstate_mode(2);
	gw_irq(&w, PPI, GIC_G1NS, 0x80);
	gic_set_line(w.g, 0, PPI, true);
	cr_assert(takes(&s, &w, &x));
	cr_assert(eq(int, x.to, 2));
	cr_assert(eq(u64, gw_read(&w, "IAR1"), PPI));
	gw_free(&w);
}
