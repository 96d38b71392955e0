#include "hyp/stage2_params.h"

static const char *const unmap_names[] = {"linux", "page", "range", "vmid", NULL};
static const char *const relax_names[] = {"local", "broadcast", NULL};
static const char *const log_names[] = {"write_protect", "initially_set", "hardware", "buffer", NULL};

#define F struct stage2_params
static const struct param rows[] = {
	P_ENUM(F, unmap_flush, unmap_names, STAGE2_FLUSH_LINUX,
	       "TLBI of an unmap: after each leaf (page), by ranges behind the walk (range), of the whole VMID behind it "
	       "(vmid), or as Linux 6.6: range with FEAT_TLBIRANGE and FEAT_S2FWB, else page"),
	P_ENUM(F, relax_flush, relax_names, STAGE2_RELAX_LOCAL,
	       "TLBI after a permission was added: on this core (Linux from 6.4 on), or on all"),
	P_ENUM(F, dirty_log, log_names, STAGE2_WRITE_PROTECT,
	       "how the log of written pages starts: all leaves are write-protected; the bitmap is set and leaves are "
	       "left (KVM_DIRTY_LOG_INITIALLY_SET); all leaves are made writable-clean, and who collects the log looks for those "
	       "that FEAT_HAFDBS has turned dirty; or the hardware puts them into a buffer, too (as FEAT_HDBSS)"),
	P_BOOL(F, eager_split, 0, "blocks become pages when the log starts, not at the first write"),
	/* CAL: estimated; counted from the loops of stage2_wp_ptes() in Linux 5.8. */
	P_U64(F, visit_instructions, "instructions", 6, 0, 100000,
	      "a walk's visit of one descriptor (estimated: the loop of Linux 5.8)"),
	/* CAL: tlbi.unmap_s of references/hardware.yaml, 4 GB with range TLBI. */
	P_U64(F, unmap_page_instructions, "instructions", 1813, 0, 100000,
	      "what host and hypervisor do for each page that is unmapped beside the descriptor: to zap, uncharge and free it "
	      "(derived: references/shootdown.yaml, unmap-4g-range)"),
	/* CAL: dirty_log_start_ms of references/hardware.yaml, initially_all_set. */
	P_U64(F, bitmap_page_instructions, "instructions", 2300, 0, 100000,
	      "to allocate and map a page of the dirty bitmap, beside clearing it (derived: references/shootdown.yaml, "
	      "dirty-log-start-initially-set)"),
	P_U64(F, table_instructions, "instructions", 400, 0, 100000,
	      "to allocate a table and link it, beside writing it (estimated)"),
	P_U64(F, buffer_bytes, "bytes", 65536, 4096, UINT64_C(2) << 20,
	      "dirty_log buffer: its size; when it is full the guest is left"),
	P_U64(F, buffer_entry_instructions, "instructions", 20, 0, 100000,
	      "to take one of its entries of 8 bytes, and mark its page in the bitmap (estimated)"),
};
#undef F
SCHEMA(stage2_schema, "stage2", struct stage2_params, rows,
       "maintenance of stage 2 tables: what is invalidated, and what software does beside the hardware's steps");
