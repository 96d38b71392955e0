/* tables.h - a kernel, natively or in a VM, whose mappings a test follows access by access.
 *
 * Each access is translated by the functional plane (mmu/translate.h); its faults go to os and hyp as in a
 * machine, and what they say they mapped is written down. Where an access must end is then known without
 * looking at any table.
 */
#ifndef TESTS_TABLES_H
#define TESTS_TABLES_H

#include "hyp/hyp.h"
#include "mmu/translate.h"
#include "os/os.h"

enum { TABLES_LOG = 4096 };

struct tables_setup {
	struct os_params os;
	struct hyp_params hyp;
	bool vm; /* false: native, `hyp` is of no account */
	uint64_t host_base, host_bytes;
	enum regime regime; /* of the kernel */
};

struct table_mapping {
	uint64_t from, to; /* input and output address */
	unsigned bits;
};

struct tables {
	struct tables_setup setup;
	struct features features;
	struct physmem *mem;
	struct frames *host, *guest; /* natively the same */
	struct hyp *hyp;
	struct hyp_vm *vm;
	struct os *os;
	struct os_aspace *as;
	struct sysregs regs;
	struct regime_info info;
	struct table_mapping stage1[TABLES_LOG], stage2[TABLES_LOG];
	size_t stage1_count, stage2_count;
};

/* Features of a machine that has everything; 48-bit addresses. */
struct features tables_features(void);
/* 4K pages, 48-bit VAs, in order; natively at EL2&0 with 16 GiB of memory. */
struct tables_setup tables_native(void);
/* The same kernel in a VM of 4 GiB under 4K pages at stage 2. */
struct tables_setup tables_vm(void);

struct tables *tables_open(const struct tables_setup *s, const struct features *f);
void tables_close(struct tables *w);

/* Translates `va`, serving faults until the access succeeds or a fault cannot be served (then *t has it). */
void tables_access(struct tables *w, struct va va, enum access_kind kind, struct translation *t);
/* One translation without serving faults. */
void tables_translate(struct tables *w, struct va va, enum access_kind kind, struct translation *t);

/* The mapping written down for an input address; fails the test if there is none. */
const struct table_mapping *tables_stage1(const struct tables *w, struct va va);
const struct table_mapping *tables_stage2(const struct tables *w, struct ipa ipa);

#endif
