/* snapshot.h - translation tables and registers of a real machine, as tables.bin.zst and regs.json hold them. */
#ifndef CLI_SNAPSHOT_H
#define CLI_SNAPSHOT_H

#include "base/status.h"
#include "mmu/translate.h"

enum { SNAPSHOT_PAGE_BYTES = 4096, SNAPSHOT_MAX_CPUS = 64 };

struct snapshot_page {
	uint64_t pa;
	uint64_t words[SNAPSHOT_PAGE_BYTES / 8];
};

struct snapshot_cpu {
	struct sysregs regs;
	struct features features;
	bool has_scr; /* SCR_EL3 was recorded */
};

struct snapshot {
	struct snapshot_page **pages; /* by address */
	size_t count, room;
	struct snapshot_cpu cpus[SNAPSHOT_MAX_CPUS];
	unsigned cpu_count;
};

/* Reads DIR; snapshot_fini() it, also after an error. ERR_INPUT names file and place. */
enum status snapshot_load(struct snapshot *s, const char *dir, struct err *err);
void snapshot_fini(struct snapshot *s);

/* The word at `pa`; tables that the snapshot lacks read as invalid, and *held says so. */
uint64_t snapshot_word(const struct snapshot *s, struct pa pa, bool *held);
/* The regime of code at `el` of a CPU. Without a recorded SCR_EL3 the machine has no Secure state in use. */
void snapshot_regime(const struct snapshot *s, unsigned cpu, unsigned el, struct regime_info *out);

#endif
