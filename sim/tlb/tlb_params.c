#include "tlb/tlb_params.h"

#include "repl/repl.h"
#include "tlb/ports.h"

const char *const side_names[] = {"instruction", "data", "unified", NULL};
const char *const tlb_size_names[] = {
#define X(name, bits) #name,
	TLB_SIZES(X)
#undef X
		NULL};
const uint8_t tlb_size_bits[] = {
#define X(name, bits) bits,
	TLB_SIZES(X)
#undef X
};
static const char *const index_names[] = {"low", "xor", NULL};

static const char *const inclusion_names[] = {"nine", "inclusive", "exclusive", NULL};
static const char *const coalesce_names[] = {
#define X(id, name, doc) #name,
	TLB_COALESCE(X)
#undef X
		NULL};

#define F struct tlb_params
static const struct param rows[] = {
	P_STR(F, name, NULL, "name, unique among the TLBs"),
	P_U64(F, level, "level", 1, 1, 4, "1 is looked up first"),
	P_ENUM(F, side, side_names, SIDE_UNIFIED, "which accesses look here"),
	P_ENUM(F, shared, share_names, SHARE_NONE,
	       "one for each core (no), for each cluster, die or socket, or for all cores (yes)"),
	HW_U64(F, entries, "entries", 48, 1, 16777216, "translations held; a multiple of ways"),
	HW_U64(F, ways, "ways", 48, 1, 4096, "associativity; ways = entries is fully associative"),
	HW_SET(F, pages, tlb_size_names, (1u << TLB_SIZE_COUNT) - 1,
	       "translation sizes held; a larger translation is held as a piece of the largest size that fits"),
	HW_U64(F, hit_cycles, "cycles", 0, 0, 1000,
	       "added to an access that hits here; 0 for a level 1 TLB in parallel with the cache"),
	HW_ENUM(F, policy, repl_names, REPL_lru, "replacement policy"),
	HW_ENUM(F, index, index_names, TLB_INDEX_LOW,
		"set index: low bits of the page number, or those XORed with the next ones"),
	HW_ENUM(F, coalesce, coalesce_names, TLB_NONE,
		"how neighbouring pages share an entry, found on the descriptor line that a walk has read: colt (their addresses "
		"continue, with equal attributes), partial_subblock (they lie in place in an aligned group of frames), "
		"complete_subblock (each has its own frame)"),
	HW_U64(F, coalesce_pages, "pages", 4, 2, 8,
	       "pages of an aligned group that may share an entry: 2, 4 or 8"),
	HW_ENUM(F, inclusion, inclusion_names, TLB_NINE,
		"towards the levels nearer to the core: inclusive (an eviction here evicts there), exclusive (holds only what "
		"the level above evicts: a victim TLB), nine (neither)"),
	HW_U64(F, ports, "look-ups", 0, 0, 64,
	       "look-ups that each bank takes at once, beyond the first level; 0: as many as come"),
	HW_U64(F, banks, "banks", 1, 1, 64,
	       "parts that are looked up independently, chosen by the low bits of the page number; a power of 2"),
	HW_U64(F, port_cycles, "cycles", 1, 1, TLB_PORT_CYCLES_MAX,
	       "how long a look-up holds its port: 1 in a pipelined TLB"),
	HW_BOOL(F, contiguous, 0, "a run of contiguous descriptors is held as one entry"),
};
#undef F

SCHEMA(tlb_schema, "tlb", struct tlb_params, rows, "a translation lookaside buffer");
