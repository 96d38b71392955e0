/* conform.h - checks of the functional translation plane against answers from elsewhere.
 *
 *   vector_parse -> vector_run   one case of a .jsonl file: an AT operation, and perhaps a real access
 *   conform_vectors              a whole file of them
 *   conform_snapshot             page tables and registers of a running machine, with thousands of answers
 * A failing case is printed - what was expected, what came, and the walk - to the `report` that is given.
 * Everything is Non-secure and EL1 is AArch64.
 */
#ifndef CLI_CONFORM_H
#define CLI_CONFORM_H

#include <stdio.h>

#include "base/status.h"
#include "mmu/translate.h"

struct tally {
	uint64_t passed, failed;
};

/* A word of memory; all others read as 0. */
struct vec_word {
	uint64_t pa, value;
};
struct vec_memory {
	struct vec_word *words;
	size_t count;
};

/* What one real access must do. */
struct vec_access {
	uint8_t kind, el; /* enum access_kind */
	bool ok;          /* else the fault fields count */
	uint8_t taken_to;
	bool has_hpfar, has_data, has_memory;
	uint64_t esr, far, hpfar, data;
	struct vec_memory memory; /* every changed word, with its new value */
};

struct vector {
	char *id, *group, *outcome;
	const char *cpu;
	const struct features *features;
	enum at_op op;
	struct va va;
	bool pan, has_access;
	struct sysregs regs;
	struct vec_memory memory;
	uint64_t par, par_mask;
	struct vec_access access;
};

/* Reads one line of `bytes`. OK: *out is filled, vector_free() it. ERR_INPUT: the text names field and
 * value. Never reads past `bytes`; needs no terminating 0. */
enum status vector_parse(const char *line, size_t bytes, struct vector *out, struct err *err);
void vector_free(struct vector *v);
/* True when every answer agrees. `report` (NULL: silent) gets expectations, results and walks. */
bool vector_run(const struct vector *v, FILE *report);
/* All lines of a file. Failing cases go to `report`. ERR_INPUT names file and line. */
enum status conform_vectors(const char *path, FILE *report, struct tally *tally, struct err *err);

/* Every line of DIR/truth.txt.zst, with DIR/regs.json and DIR/tables.bin.zst. */
enum status conform_snapshot(const char *dir, FILE *report, struct tally *tally, struct err *err);

/* One line per descriptor that a walk reads. */
void conform_print_read(FILE *report, const struct walk_ref *ref, struct pa pa, uint64_t desc);
/* The result of a walk: "ok pa=... attr=.. sh=." or the fault. */
void conform_print_result(FILE *report, const struct translation *t);

#endif
