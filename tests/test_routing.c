/* test_routing.c - asynchronous exceptions against the architecture's tables of target levels and masking, for all
 * combinations of the bits that they have as columns; virtual SError; what an illegal return is. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#include <stdio.h>
#include <string.h>

#include "el/async.h"
#include "el/exception.h"

/* One row of the tables "routing when EL3 / EL2 are implemented": columns SCR_EL3.{EA|IRQ|FIQ}, NS, EEL2,
 * HCR_EL2.{TGE, xMO, E2H}, each 0, 1 or * for both. Then what happens to it at EL0, EL1, EL2, EL3: the target level,
 * C for "not taken, stays pending", - for a level at which nothing runs then; and whether PSTATE's mask holds it there:
 * m, or n. Source: Arm ARM DDI 0487, D1.3, tables of physical SError, IRQ and FIQ target levels and masking. */
struct routing_row {
	char columns[8], target[5], mask[5];
};

static const struct routing_row both[] = {
	{"1*****", "3333", "nnnm"}, /* SCR_EL3 routes: whatever the rest says */
	{"000***", "11-C", "mm--"}, /* Secure without EEL2: EL2 is off, HCR_EL2 does not count */
	{"001000", "11CC", "mm--"}, {"001001", "11CC", "mm--"},
	{"001010", "222C", "nnm-"}, {"001011", "222C", "nnm-"},
	{"0011*0", "2-2C", "n-m-"}, {"0011*1", "2-2C", "m-m-"}, /* a host's EL0 is masked as its EL2 is */
	{"01*000", "11CC", "mm--"}, {"01*001", "11CC", "mm--"},
	{"01*010", "222C", "nnm-"}, {"01*011", "222C", "nnm-"},
	{"01*1*0", "2-2C", "n-m-"}, {"01*1*1", "2-2C", "m-m-"},
};
static const struct routing_row only_el2[] = {
	{"***000", "11C-", "mm--"}, {"***001", "11C-", "mm--"}, {"***010", "222-", "nnm-"},
	{"***011", "222-", "nnm-"}, {"***1*0", "2-2-", "n-m-"}, {"***1*1", "2-2-", "m-m-"},
};
static const struct routing_row only_el3[] = {{"1*****", "33-3", "nn-m"}, {"0*****", "11-C", "mm--"}};
static const struct routing_row neither[] = {{"******", "11--", "mm--"}};

#define ROWS(table) table, sizeof(table) / sizeof((table)[0])
static const struct {
	bool el2, el3;
	const struct routing_row *row;
	size_t rows;
} tables[] = {{true, true, ROWS(both)},
	      {true, false, ROWS(only_el2)},
	      {false, true, ROWS(only_el3)},
	      {false, false, ROWS(neither)}};

enum { COLUMNS = 6, COMBINATIONS = 1 << COLUMNS };

static const struct line_bits {
	enum el_async line;
	unsigned scr, hcr;
	uint64_t mask;
} lines[] = {{ASYNC_SERROR, SCR_EA, HCR_AMO, PSTATE_A},
	     {ASYNC_IRQ, SCR_IRQ, HCR_IMO, PSTATE_I},
	     {ASYNC_FIQ, SCR_FIQ, HCR_FMO, PSTATE_F}};

static bool row_matches(const struct routing_row *row, unsigned value)
{
	for (unsigned i = 0; i < COLUMNS; i++)
		if (row->columns[i] != '*' && (row->columns[i] == '1') != (value >> i & 1)) return false;
	return true;
}

static struct el_state state_of(bool el2, bool el3, unsigned value, const struct line_bits *l)
{
	const struct el_features has = {.el2 = el2, .el3 = el3, .vhe = true, .sel2 = true};
	struct el_state s;
	el_reset(&s, &has);
	const uint64_t bit[COLUMNS] = {value & 1,      value >> 1 & 1, value >> 2 & 1,
				       value >> 3 & 1, value >> 4 & 1, value >> 5 & 1};
	s.reg[R_SCR_EL3] = bit[0] << l->scr | bit[1] << SCR_NS | bit[2] << SCR_EEL2;
	s.reg[R_HCR_EL2] = bit[3] << HCR_TGE | bit[4] << l->hcr | bit[5] << HCR_E2H;
	return s;
}

static void check_level(struct el_state s, const struct routing_row *row, unsigned el,
			const struct line_bits *l)
{
	char target = row->target[el];
	if (target == '-') return;
	for (int masked = 0; masked < 2; masked++) {
		s.pstate = pstate_mode(el) | (masked ? l->mask : 0);
		struct async_route r = async_route(&s, l->line);
		enum async_state expected = target == 'C'                    ? ASYNC_LOWER
					    : masked && row->mask[el] == 'm' ? ASYNC_MASKED
									     : ASYNC_TAKEN;
		cr_expect(eq(int, r.state, expected), "%s %s at EL%u, masked %d: %s", async_name(l->line),
			  row->columns, el, masked, r.why);
		if (target != 'C')
			cr_expect(eq(int, '0' + r.to, target), "%s %s at EL%u", async_name(l->line),
				  row->columns, el);
	}
}

Test(routing, follows_the_tables_for_every_combination_of_bits)
{
	unsigned checked = 0;
	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
		for (unsigned value = 0; value < COMBINATIONS; value++) {
			unsigned matches = 0;
			for (size_t i = 0; i < tables[t].rows; i++) {
				const struct routing_row *row = &tables[t].row[i];
				if (!row_matches(row, value)) continue;
				matches++;
				for (size_t l = 0; l < 3; l++)
					for (unsigned el = 0; el < 4; el++)
						check_level(state_of(tables[t].el2, tables[t].el3, value,
								     &lines[l]),
							    row, el, &lines[l]);
				checked++;
			}
			cr_assert(eq(u32, matches, 1), "table %zu has %u rows for %u", t, matches, value);
		}
	cr_assert(eq(u32, checked, 4 * COMBINATIONS));
}

/* One line's bits route and mask no other line. */
Test(routing, lines_do_not_disturb_each_other)
{
	for (unsigned value = 0; value < COMBINATIONS; value++)
		for (size_t mine = 0; mine < 3; mine++)
			for (size_t other = 0; other < 3; other++) {
				if (mine == other) continue;
				struct el_state s = state_of(true, true, value & ~0x11u, &lines[mine]);
				s.pstate = pstate_mode(0);
				struct async_route before = async_route(&s, lines[mine].line);
				s.reg[R_SCR_EL3] |= UINT64_C(1) << lines[other].scr;
				s.reg[R_HCR_EL2] |= UINT64_C(1) << lines[other].hcr;
				s.pstate |= lines[other].mask;
				struct async_route after = async_route(&s, lines[mine].line);
				cr_expect(eq(int, before.state, after.state));
				cr_expect(eq(int, before.to, after.to));
			}
}

Test(routing, virtual_lines_need_their_xmo_without_tge_and_an_el2_that_is_on)
{
	static const enum el_async virtuals[] = {ASYNC_VSERROR, ASYNC_VIRQ, ASYNC_VFIQ};
	for (unsigned value = 0; value < COMBINATIONS; value++)
		for (size_t l = 0; l < 3; l++)
			for (unsigned el = 0; el < 2; el++) {
				struct el_state s = state_of(true, true, value, &lines[l]);
				bool on = value >> 1 & 1 || value >> 2 & 1;
				bool tge = value >> 3 & 1, xmo = value >> 4 & 1;
				s.pstate = pstate_mode(el);
				struct async_route r = async_route(&s, virtuals[l]);
				cr_expect(eq(int, r.state, on &&xmo && !tge ? ASYNC_TAKEN : ASYNC_OFF), "%u",
					  value);
				if (r.state != ASYNC_TAKEN) continue;
				cr_expect(eq(int, r.to, 1));
				s.pstate |= lines[l].mask;
				cr_expect(eq(int, async_route(&s, virtuals[l]).state, ASYNC_MASKED));
			}
}

/* --- virtual SError --------------------------------------------------------------------------------------------- */

Test(vserror, brings_vsesr_to_esr_el1_and_is_pending_no_more)
{
	struct el_state s = state_of(true, true, 1u << 1 | 1u << 4, &lines[0]);
	struct el_exception x;
	struct async_route route;
	s.pstate = pstate_mode(0);
	s.pc = 0x4000;
	s.reg[R_VSESR_EL2] = UINT64_C(1) << 24 | 0x11;
	s.reg[R_HCR_EL2] |= UINT64_C(1) << HCR_VSE;
	cr_assert(async_pending(&s, &x, &route));
	el_take(&s, &x);
	cr_assert(eq(u32, el_level(&s), 1));
	cr_assert(eq(u64, s.reg[R_ESR_EL1], UINT64_C(0x2f) << 26 | 1u << 25 | 1u << 24 | 0x11));
	cr_assert(eq(u64, s.pc & 0x7ff, 0x580));
	cr_assert(eq(u64, s.reg[R_ELR_EL1], 0x4000));
	cr_assert(eq(int, el_hcr(&s, HCR_VSE), 0));
	s.pstate = pstate_mode(0);
	cr_assert(not(async_pending(&s, &x, &route)));
}

Test(vserror, waits_behind_pstate_a)
{
	struct el_state s = state_of(true, true, 1u << 1 | 1u << 4, &lines[0]);
	struct el_exception x;
	struct async_route route;
	s.reg[R_HCR_EL2] |= UINT64_C(1) << HCR_VSE;
	s.pstate = pstate_mode(1) | PSTATE_A;
	cr_assert(not(async_pending(&s, &x, &route)));
	cr_assert(eq(int, el_hcr(&s, HCR_VSE), 1));
}

/* --- illegal returns ---------------------------------------------------------------------------------------------- */

/* Every M[4:0] from every level, in each security state, with and without TGE: by the list of conditions in words. */
static bool illegal_by_the_list(unsigned from, unsigned m, bool secure, bool eel2, bool tge)
{
	unsigned target = m >> 2 & 3;
	bool el2_on = !secure || eel2;
	if (m & 0x10) return true;               /* AArch32, which no level implements */
	if (m & 2) return true;                  /* reserved */
	if (m == 1) return true;                 /* EL0 with SP_EL1 */
	if (target > from) return true;          /* up */
	if (target == 2 && !el2_on) return true; /* a level that is off */
	return target == 1 && el2_on && tge;     /* EL1 while TGE */
}

Test(illegal_return, is_what_the_list_of_conditions_says_for_every_spsr_mode)
{
	const struct el_features has = {.el2 = true, .el3 = true, .vhe = true, .sel2 = true};
	for (unsigned from = 1; from < 4; from++)
		for (unsigned i = 0; i < 32 * 8; i++) {
			unsigned m = i & 31;
			bool secure = i >> 5 & 1, eel2 = i >> 6 & 1, tge = i >> 7 & 1;
			struct el_state s;
			el_reset(&s, &has);
			if (from == 2 && secure && !eel2) continue; /* nothing runs there */
			s.pstate = pstate_mode(from);
			s.reg[R_SCR_EL3] = (uint64_t)!secure | (uint64_t)eel2 << SCR_EEL2;
			s.reg[R_HCR_EL2] = (uint64_t)tge << HCR_TGE;
			bool illegal = el_return_illegal(&s, m) != NULL;
			cr_expect(eq(int, illegal, illegal_by_the_list(from, m, secure, eel2, tge)),
				  "from EL%u, M 0x%x, secure %d, EEL2 %d, TGE %d", from, m, secure, eel2,
				  tge);
		}
}

Test(illegal_return, from_root_to_the_reserved_security_state)
{
	const struct el_features has = {.el2 = true, .el3 = true, .rme = true, .sel2 = true};
	struct el_state s;
	el_reset(&s, &has);
	s.reg[R_SCR_EL3] = UINT64_C(1) << SCR_NSE;
	cr_assert(ne(ptr, (void *)el_return_illegal(&s, 5), NULL));
	cr_assert(eq(ptr, (void *)el_return_illegal(&s, 0xd), NULL));
	s.reg[R_SCR_EL3] |= 1;
	cr_assert(eq(ptr, (void *)el_return_illegal(&s, 5), NULL));
}

Test(illegal_return, keeps_what_the_architecture_says_of_pstate)
{
	const struct el_features has = {.el2 = true, .el3 = true};
	struct el_state s;
	el_reset(&s, &has);
	s.pstate = pstate_mode(2) | PSTATE_SSBS;
	s.reg[R_SCR_EL3] = 1;
	s.reg[R_SPSR_EL2] = PSTATE_NZCV | PSTATE_DAIF | 0xd;
	s.reg[R_ELR_EL2] = 0x8000;
	cr_assert(el_return(&s).illegal);
	cr_assert(eq(u64, s.pstate, PSTATE_NZCV | PSTATE_DAIF | PSTATE_SSBS | PSTATE_IL | pstate_mode(2)));
	cr_assert(eq(u64, s.pc, 0x8000));
}
