/* format_champsim.c - reads ChampSim's traces: 64 bytes per instruction, little-endian.
 *
 *   u64 ip; u8 is_branch, branch_taken; u8 destination_registers[2], source_registers[4];
 *   u64 destination_memory[2], source_memory[4]          an address of 0: none
 * The loads of an instruction stand before its stores. Sizes are not told: 8 bytes each. The format has no magic: a file is
 * taken for one where all of its first instructions could be some.
 * Source: ChampSim, inc/trace_instruction.h (input_instr).
 * Not modelled: registers (which load feeds which address); the variant for CloudSuite.
 */
#include "trace/steps.h"

enum { INSTR_BYTES = 64, ACCESS_BYTES = 8, STORES = 2, LOADS = 4 };
enum { AT_IS_BRANCH = 8, AT_TAKEN = 9, AT_STORES = 16, AT_LOADS = 32 };

static bool plausible(const uint8_t *p)
{
	uint64_t ip = wire_get64(p), top = ip >> 48;
	return ip && (top == 0 || top == 0xffff) && p[AT_IS_BRANCH] <= 1 && p[AT_TAKEN] <= 1;
}

static void put_data(struct steps *s, uint8_t kind, const uint8_t *addresses, int n)
{
	for (int i = 0; i < n; i++) {
		uint64_t addr = wire_get64(addresses + 8 * i);
		if (addr) steps_data(s, kind, addr, ACCESS_BYTES);
	}
}

static enum status take(struct steps *s, bool *more, struct err *err)
{
	const uint8_t *p;
	TRY(steps_item(s, INSTR_BYTES, &p, err));
	*more = p;
	if (!p) return OK;
	if (!plausible(p))
		return steps_bad(s, INSTR_BYTES,
				 "not an instruction of ChampSim (is_branch and branch_taken are 0 or 1, ip "
				 "is an address other than 0)",
				 err);
	steps_fetch(s, wire_get64(p));
	put_data(s, REC_LOAD, p + AT_LOADS, LOADS);
	put_data(s, REC_STORE, p + AT_STORES, STORES);
	return OK;
}

static bool detect(const uint8_t *head, size_t n)
{
	size_t at = 0;
	while (at + INSTR_BYTES <= n && plausible(head + at)) at += INSTR_BYTES;
	return at && at + INSTR_BYTES > n;
}

static enum status open_champsim(struct input *in, uint32_t stream, struct trace_source **out,
				 struct err *err)
{
	static const struct steps_kind kind = {"champsim", sizeof(struct steps),
					       STREAM_NO_DEPENDENCE | STREAM_NO_SIZES, take};
	return steps_open(&kind, in, stream, out, err);
}

const struct trace_format trace_format_champsim = {
	.name = "champsim", .detect = detect, .open = open_champsim};
