/* test_path_lines.c - where the code and data of software paths lie in memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "hyp/path_lines.h"
#include "machine/machine.h"
#include "machine/stack_paths.h"

enum { LINE = 64, PAGE_BYTES = 4096, SVE_BYTES = 32, FP_BYTES_EACH = 16 };

/* Which lines somebody has: none twice. */
struct taken {
	uint8_t *line;
	size_t lines;
};

static void take(struct taken *t, uint64_t offset, uint64_t lines)
{
	cr_assert(eq(u64, offset % LINE, 0));
	cr_assert(le(u64, offset / LINE + lines, t->lines));
	for (uint64_t i = 0; i < lines; i++) cr_assert(eq(u8, t->line[offset / LINE + i]++, 0));
}

static void take_work(struct taken *t, const struct path_lines *l, const struct path *p)
{
	for (size_t i = 0; i < p->count; i++) {
		if (p->step[i].kind != STEP_work) continue;
		struct work_lines w = path_lines_of_work(l, &p->step[i]);
		cr_expect(eq(u64, w.instructions, p->step[i].number));
		cr_expect(eq(u64, w.code_lines, (w.instructions * 4 + LINE - 1) / LINE));
		take(t, w.code, w.code_lines);
		take(t, w.data, p->step[i].lines);
	}
}

static void take_context(struct taken *t, const struct path_lines *l, const struct path_book *b,
			 size_t context)
{
	for (size_t k = 0; k < b->lists; k++)
		take(t, path_lines_of_class(l, context, k), path_lines_in_class(l, b->list[k].count));
	for (unsigned k = 0; k < BANK_KINDS; k++)
		take(t, path_lines_of_bank(l, context, k), path_lines_in_bank(l, k, 32));
}

static void with_book(const char *stack, void (*fn)(const struct path_book *b))
{
	struct stack_paths p;
	struct err err = {0};
	char path[64];
	struct machine_request req = {.path = "configs/machines/neoverse-n1.yaml"};
	snprintf(path, sizeof(path), "configs/stacks/%s.yaml", stack);
	cr_assert(eq(int, stack_paths_load(&p, &req, path, &err), OK), "%s", err.text);
	fn(p.book);
	stack_paths_free(&p);
}

static const struct path_lines_params plain = {{100, 100, 100}, LINE, SVE_BYTES};

static void expect_apart(const struct path_book *b)
{
	struct path_lines *l = path_lines_new(b, &plain);
	struct taken t = {.lines = path_lines_bytes(l) / LINE};
	t.line = calloc(t.lines, 1);
	cr_expect(eq(u64, path_lines_bytes(l) % PAGE_BYTES, 0));
	for (size_t i = 0; i < b->paths; i++) take_work(&t, l, &b->path[i]);
	for (size_t i = 0; i < b->contexts; i++) take_context(&t, l, b, i);
	free(t.line);
	path_lines_free(l);
}

Test(path_lines, of_steps_and_contexts_lie_apart)
{
	with_book("kvm-vhe", expect_apart);
	with_book("xen", expect_apart);
}

static void expect_share(const struct path_book *b)
{
	struct path_lines_params more = plain;
	uint64_t seen = 0;
	more.percent.vmm = 250;
	struct path_lines *l = path_lines_new(b, &more);
	for (size_t i = 0; i < b->paths; i++)
		for (size_t k = 0; k < b->path[i].count; k++) {
			const struct path_step *s = &b->path[i].step[k];
			if (s->kind != STEP_work) continue;
			bool vmm = strcmp(s->owner, "vmm") == 0;
			uint64_t want = vmm ? (s->number * 250 + 50) / 100 : s->number;
			cr_expect(eq(u64, path_lines_of_work(l, s).instructions, want));
			seen += vmm;
		}
	cr_expect(ne(u64, seen, 0));
	path_lines_free(l);
}

Test(path_lines, of_work_follow_the_share_that_the_stack_gives_its_owner)
{
	with_book("kvm-vhe-qemu", expect_share);
}

static void expect_banks(const struct path_book *b)
{
	struct path_lines *l = path_lines_new(b, &plain);
	cr_expect(eq(u64, path_lines_in_class(l, 8), 1));
	cr_expect(eq(u64, path_lines_in_class(l, 9), 2));
	cr_expect(eq(u64, path_lines_in_bank(l, BANK_gp, 31), 4));
	cr_expect(eq(u64, path_lines_in_bank(l, BANK_fp, 32), 32 * FP_BYTES_EACH / LINE));
	cr_expect(eq(u64, path_lines_in_bank(l, BANK_sve, 32), 32 * SVE_BYTES / LINE));
	path_lines_free(l);
}

Test(path_lines, of_registers_are_as_many_as_their_bytes_need) { with_book("kvm-vhe", expect_banks); }
