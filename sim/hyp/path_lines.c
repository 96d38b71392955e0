#include "hyp/path_lines.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum {
	INSTRUCTION_BYTES = 4,
	REGISTER_BYTES = 8,
	FP_BYTES = 16,
	BANK_REGISTERS = 32,
	OWNER_BYTES = 4096,
	HOST = 0
};

/* Lines in the memory of one owner, handed out one after the other. */
struct owner {
	const char *name;
	uint64_t base, lines; /* offset of the first in the software's memory */
};

struct step_lines {
	uint64_t code, data; /* first line of each, within the owner's memory */
	uint16_t owner;
};

struct path_lines {
	const struct path_book *book;
	struct path_lines_params p;
	struct owner *owner;
	size_t owners;
	struct step_lines **work; /* by path, step */
	uint64_t *image;          /* by context, then class and bank: first line, in the memory of the host */
	uint64_t bytes;
};

static uint64_t lines_for(const struct path_lines *l, uint64_t bytes)
{
	return (bytes + l->p.line_bytes - 1) / l->p.line_bytes;
}

static uint64_t offset_of(const struct path_lines *l, unsigned owner, uint64_t line)
{
	return l->owner[owner].base + line * l->p.line_bytes;
}

/* --- work -------------------------------------------------------------------------------------------------------- */

static uint64_t instructions_of(const struct path_lines *l, const struct path_step *s)
{
	const struct {
		const char *owner;
		uint64_t percent;
	} rows[] = {{"vmm", l->p.percent.vmm}, {"fault", l->p.percent.fault}, {"mmu", l->p.percent.mmu}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].owner, s->owner) == 0) return (s->number * rows[i].percent + 50) / 100;
	return s->number;
}

static uint64_t code_lines(const struct path_lines *l, const struct path_step *s)
{
	return lines_for(l, instructions_of(l, s) * INSTRUCTION_BYTES);
}

static uint16_t owner_of(struct path_lines *l, const char *name)
{
	for (size_t i = 0; i < l->owners; i++)
		if (strcmp(l->owner[i].name, name) == 0) return (uint16_t)i;
	l->owner = xrealloc(l->owner, l->owners + 1, sizeof(*l->owner));
	l->owner[l->owners] = (struct owner){.name = name};
	return (uint16_t)l->owners++;
}

static uint64_t take(struct path_lines *l, unsigned owner, uint64_t lines)
{
	uint64_t first = l->owner[owner].lines;
	l->owner[owner].lines += lines;
	return first;
}

static void place_work(struct path_lines *l, size_t path)
{
	const struct path *p = &l->book->path[path];
	l->work[path] = xcalloc(p->count + 1, sizeof(**l->work));
	for (size_t i = 0; i < p->count; i++) {
		const struct path_step *s = &p->step[i];
		if (s->kind != STEP_work) continue;
		struct step_lines *at = &l->work[path][i];
		at->owner = owner_of(l, s->owner);
		at->code = take(l, at->owner, code_lines(l, s));
		at->data = take(l, at->owner, s->lines);
	}
}

static bool has_step(const struct path *p, const struct path_step *s)
{
	return s >= p->step && s < p->step + p->count;
}

static const struct step_lines *find_work(const struct path_lines *l, const struct path_step *s)
{
	size_t i = 0;
	while (i < l->book->paths && !has_step(&l->book->path[i], s)) i++;
	assert(i < l->book->paths);
	return &l->work[i][s - l->book->path[i].step];
}

struct work_lines path_lines_of_work(const struct path_lines *l, const struct path_step *step)
{
	const struct step_lines *at = find_work(l, step);
	return (struct work_lines){.instructions = instructions_of(l, step),
				   .code = offset_of(l, at->owner, at->code),
				   .code_lines = code_lines(l, step),
				   .data = offset_of(l, at->owner, at->data)};
}

/* --- contexts ---------------------------------------------------------------------------------------------------- */

static uint64_t bank_bytes(const struct path_lines *l, unsigned bank)
{
	return bank == BANK_gp ? REGISTER_BYTES : bank == BANK_fp ? FP_BYTES : l->p.sve_register_bytes;
}

uint64_t path_lines_in_class(const struct path_lines *l, uint64_t registers)
{
	return lines_for(l, registers * REGISTER_BYTES);
}

uint64_t path_lines_in_bank(const struct path_lines *l, unsigned bank, uint64_t registers)
{
	return lines_for(l, registers * bank_bytes(l, bank));
}

/* Banks stand behind the classes. */
static uint64_t *image_of(const struct path_lines *l, size_t context, size_t set)
{
	return &l->image[context * (l->book->lists + BANK_KINDS) + set];
}

static void place_images(struct path_lines *l)
{
	const struct path_book *b = l->book;
	for (size_t i = 0; i < b->contexts; i++) {
		for (size_t k = 0; k < b->lists; k++)
			*image_of(l, i, k) = take(l, HOST, path_lines_in_class(l, b->list[k].count));
		for (unsigned k = 0; k < BANK_KINDS; k++)
			*image_of(l, i, b->lists + k) = take(l, HOST,
							     path_lines_in_bank(l, k, BANK_REGISTERS));
	}
}

uint64_t path_lines_of_class(const struct path_lines *l, size_t context, size_t list)
{
	return offset_of(l, HOST, *image_of(l, context, list));
}

uint64_t path_lines_of_bank(const struct path_lines *l, size_t context, unsigned bank)
{
	return offset_of(l, HOST, *image_of(l, context, l->book->lists + bank));
}

/* --- all --------------------------------------------------------------------------------------------------------- */

static void place_owners(struct path_lines *l)
{
	for (size_t i = 0; i < l->owners; i++) {
		l->owner[i].base = l->bytes;
		l->bytes += l->owner[i].lines * l->p.line_bytes + OWNER_BYTES - 1;
		l->bytes -= l->bytes % OWNER_BYTES;
	}
}

struct path_lines *path_lines_new(const struct path_book *book, const struct path_lines_params *p)
{
	struct path_lines *l = xcalloc(1, sizeof(*l));
	*l = (struct path_lines){.book = book, .p = *p};
	owner_of(l, "host");
	l->work = xcalloc(book->paths + 1, sizeof(*l->work));
	for (size_t i = 0; i < book->paths; i++) place_work(l, i);
	l->image = xcalloc(book->contexts * (book->lists + BANK_KINDS) + 1, sizeof(*l->image));
	place_images(l);
	place_owners(l);
	return l;
}

void path_lines_free(struct path_lines *l)
{
	if (!l) return;
	for (size_t i = 0; i < l->book->paths; i++) free(l->work[i]);
	free(l->work);
	free(l->image);
	free(l->owner);
	free(l);
}

uint64_t path_lines_bytes(const struct path_lines *l) { return l->bytes; }
