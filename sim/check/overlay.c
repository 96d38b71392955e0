/* overlay.c - what was fitted, as a file on top of the machine that it was fitted on. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "base/alloc.h"
#include "base/outfile.h"
#include "check/calibrate.h"

static void indent(FILE *out, unsigned depth) { fprintf(out, "%*s", (int)(2 * depth), ""); }

/* As a double-quoted scalar of YAML. */
static void put_quoted(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\') fputc('\\', out);
		fputc((unsigned char)*text < ' ' ? ' ' : *text, out);
	}
	fputc('"', out);
}

/* What the numbers cite; free() it. */
static char *source_text(const struct calibration *c)
{
	char *text = NULL;
	size_t bytes, left = c->used;
	FILE *out = open_memstream(&text, &bytes);
	fprintf(out, "strata calibrate: %zu key%s fitted to %zu row%s: ", c->keys, c->keys == 1 ? "" : "s",
		c->used, c->used == 1 ? "" : "s");
	for (size_t i = 0; i < c->rows; i++)
		if (c->row[i].use == USE_FITTED)
			fprintf(out, "%s%s", c->row[i].row->ref.name, --left ? ", " : "");
	fprintf(out, "; chi2 %.3g before, %.3g after", c->fit.chi2_before, c->fit.chi2);
	fclose(out);
	return text;
}

/* --- keys as nested mappings ----------------------------------------------------------------------------------------- */

static int by_path(const void *a, const void *b)
{
	const struct calibrated_key *const *x = a, *const *y = b;
	return strcmp((*x)->path, (*y)->path);
}

static bool is_of_stack(const struct calibrated_key *k) { return strncmp(k->path, "stack.", 6) == 0; }

/* Words of a path that two paths have in common, and where the next one begins. */
static unsigned common_words(const char *a, const char *b, size_t *next)
{
	unsigned words = 0;
	*next = 0;
	for (size_t i = 0; a[i] && a[i] == b[i]; i++) {
		if (a[i] != '.') continue;
		words++;
		*next = i + 1;
	}
	return words;
}

/* The words of `path` from its byte `from` on, `depth` mappings deep, up to the last, whose value follows. */
static void put_words(FILE *out, const char *path, size_t from, unsigned depth)
{
	for (const char *word = path + from; *word; depth++) {
		size_t n = strcspn(word, ".");
		indent(out, depth);
		fprintf(out, "%.*s:", (int)n, word);
		if (word[n]) fputc('\n', out);
		word += n + (word[n] == '.');
	}
}

/* The keys of machine or stack, in the order of their paths, mappings that several are in once. */
static void put_keys(FILE *out, const struct calibration *c, bool stack, const char *source)
{
	const struct calibrated_key *key[FIT_MAX_KEYS];
	const char *before = stack ? "stack." : "machine.";
	size_t n = 0;
	for (size_t i = 0; i < c->keys; i++)
		if (is_of_stack(&c->key[i]) == stack) key[n++] = &c->key[i];
	qsort(key, n, sizeof(key[0]), by_path);
	for (size_t i = 0; i < n; i++) {
		size_t next;
		unsigned depth = common_words(before, key[i]->path, &next);
		put_words(out, key[i]->path, next, stack ? depth : depth - 1);
		fprintf(out, " !fitted/%s %" PRIu64 " # %s; %" PRIu64 " before; standard error %.2g\n",
			source, key[i]->after, key[i]->unit, key[i]->before, key[i]->error);
		before = key[i]->path;
	}
}

static void put_rows(FILE *out, const struct calibration *c, unsigned depth)
{
	indent(out, depth);
	fputs("fits:\n", out);
	for (size_t i = 0; i < c->rows; i++) {
		if (c->row[i].use != USE_FITTED) continue;
		indent(out, depth + 1);
		fputs("- {name: ", out);
		put_quoted(out, c->row[i].row->ref.name);
		fputs(", file: ", out);
		put_quoted(out, c->row[i].row->file);
		fputs("}\n", out);
	}
}

/* --- the file -------------------------------------------------------------------------------------------------------- */

static unsigned count_keys(const struct calibration *c, bool stack)
{
	unsigned n = 0;
	for (size_t i = 0; i < c->keys; i++) n += is_of_stack(&c->key[i]) == stack;
	return n;
}

/* A source is named by its text, so that two overlays on one machine cite two sources. */
static void put_overlay(FILE *out, const struct calibration *c)
{
	char *text = source_text(c), source[32];
	snprintf(source, sizeof(source), "fit-%08" PRIx32, (uint32_t)XXH64(text, strlen(text), 0));
	fputs("# Written by strata calibrate: a file for --overlay, on top of the machine of this name.\nname: ",
	      out);
	put_quoted(out, c->first->machine);
	fprintf(out, "\nsources:\n  %s: ", source);
	put_quoted(out, text);
	fputc('\n', out);
	if (count_keys(c, false)) {
		put_rows(out, c, 0);
		put_keys(out, c, false, source);
	}
	if (count_keys(c, true)) {
		fputs("stack:\n  name: ", out);
		put_quoted(out, c->first->stack);
		fputc('\n', out);
		put_rows(out, c, 1);
		put_keys(out, c, true, source);
	}
	free(text);
}

enum status calibration_write(const struct calibration *c, const char *path, struct err *err)
{
	struct outfile out;
	enum status st = outfile_open(&out, path, err);
	if (st == OK) put_overlay(out.file, c);
	if (st == OK) st = outfile_commit(&out, err);
	outfile_abort(&out);
	return st;
}
