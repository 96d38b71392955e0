/* path_lines.h - where the code and data of software paths lie: (work step | register class of a context) -> lines of memory.
 *
 *   path_lines_new(book) -> lines; path_lines_bytes() of memory hold them, from offset 0 on
 * Every owner's lines are one behind the other, in the order of paths and steps, and begin at a page. Contexts are the host's, with lines of their
 * own for each class of registers and each bank. For path_cost.c.
 */
#ifndef HYP_PATH_LINES_H
#define HYP_PATH_LINES_H

#include "hyp/path_share.h"
#include "hyp/path_steps.h"

struct path_lines;

struct path_lines_params {
	struct work_percents percent; /* of the instructions that steps say */
	uint64_t line_bytes, sve_register_bytes;
};

/* A step `work`: so many instructions, whose code and data begin at these offsets. */
struct work_lines {
	uint64_t instructions, code, code_lines, data;
};

/* `book` must outlive it. */
struct path_lines *path_lines_new(const struct path_book *book, const struct path_lines_params *p);
void path_lines_free(struct path_lines *l);
uint64_t path_lines_bytes(const struct path_lines *l);

/* `step` is one of the book's own. O(paths). */
struct work_lines path_lines_of_work(const struct path_lines *l, const struct path_step *step);

/* Offset of the registers of a class (an index of the book), or of a bank, in a context; how many lines so many of them take. */
uint64_t path_lines_of_class(const struct path_lines *l, size_t context, size_t list);
uint64_t path_lines_of_bank(const struct path_lines *l, size_t context, unsigned bank);
uint64_t path_lines_in_class(const struct path_lines *l, uint64_t registers);
uint64_t path_lines_in_bank(const struct path_lines *l, unsigned bank, uint64_t registers);

#endif
