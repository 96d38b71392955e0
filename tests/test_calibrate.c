/* Calibration of the simulator against rows that it made itself, and what is refused. tests/cli/calibrate.sh is the command. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "base/alloc.h"
#include "check/calibrate.h"
#include "config_world.h"

/* A chase over lines or pages, small enough to run in a few milliseconds. */
struct scenario {
	const char *name, *sets;
};
static const struct scenario scenarios[] = {
	{"l1", "stack.os.thp=always workload.footprint_bytes=16K workload.item_bytes=64"},
	{"l2", "stack.os.thp=always workload.footprint_bytes=256K workload.item_bytes=64"},
	{"pages",
	 "stack.os.shared_frame=yes workload.footprint_bytes=1M workload.item_bytes=4K stack.os.thp=never"},
};
enum { SCENARIOS = sizeof(scenarios) / sizeof(scenarios[0]) };

struct fixture {
	struct conf *conf;
	struct references refs;
	struct calibration c;
	struct err err;
	char *text;
};

/* Appends a row to the file that is being made; `more` are further keys of it. */
static void add_row(struct fixture *f, const struct scenario *s, double published, const char *more)
{
	char *root = getcwd(NULL, 0);
	char *text = xasprintf(
		"%s  - name: %s\n    machine: %s/configs/machines/neoverse-n1.yaml\n"
		"    workload: %s/workloads/chase.yaml\n"
		"    sets: %s workload.instruction_gap=1 workload.accesses=14000\n"
		"    warmup: 9000\n    limit: 4000\n    statistic: cycles\n    published: %.6f\n"
		"    tolerance: 5%%\n    unit: cycles\n    source: made here\n%s",
		f->text ? f->text : "rows:\n", s->name, root, root, s->sets, published, more);
	free(f->text);
	free(root);
	f->text = text;
}

static void load(struct fixture *f, const char *file)
{
	f->conf = conf_new();
	cr_assert(eq(int, references_load(f->conf, temp_file(file, f->text), &f->refs, &f->err), OK), "%s",
		  f->err.text);
}

static void unload(struct fixture *f)
{
	references_fini(&f->refs);
	conf_free(f->conf);
	free(f->text);
	*f = (struct fixture){0};
}

/* Rows whose published figures are what the machine gives with `sets`. */
static void make_rows(struct fixture *f, const char *const *sets, const char *more)
{
	struct fixture blank = {0};
	for (size_t i = 0; i < SCENARIOS; i++) add_row(&blank, &scenarios[i], 1, more);
	load(&blank, "blank.yaml");
	*f = (struct fixture){0};
	for (size_t i = 0; i < SCENARIOS; i++) {
		struct outcome o;
		struct check_how how = {.sets = sets};
		cr_assert(eq(int, check_row_run(&blank.refs.row[i], &how, &o, &f->err), OK), "%s",
			  f->err.text);
		add_row(f, &scenarios[i], o.model, more);
	}
	unload(&blank);
	load(f, "rows.yaml");
}

static enum status calibrate(struct fixture *f, const char *const *keys, const char *const *rows)
{
	struct calibration_request q = {.keys = keys, .rows = rows};
	return calibration_run(&f->refs, &q, &f->c, &f->err);
}

static void end(struct fixture *f)
{
	calibration_fini(&f->c);
	unload(f);
	temp_clean();
}

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})
#define V1 "    confidence: V1\n"

Test(calibrate, the_numbers_of_rows_that_the_model_made_are_recovered)
{
	struct fixture f;
	make_rows(&f, LIST("caches.l1d.hit_cycles=7", "caches.l2.hit_cycles=23", "tlbs.l2.hit_cycles=9"), V1);
	cr_assert(eq(int,
		     calibrate(&f,
			       LIST("caches.l1d.hit_cycles", "machine.caches.l2.hit_cycles",
				    "tlbs.l2.hit_cycles"),
			       NULL),
		     OK),
		  "%s", f.err.text);
	cr_assert(eq(u64, f.c.key[0].after, 7));
	cr_assert(eq(u64, f.c.key[1].after, 23));
	cr_assert(eq(u64, f.c.key[2].after, 9));
	cr_assert(eq(u64, f.c.key[0].before, 4));
	cr_assert(eq(str, (char *)f.c.key[0].path, "machine.caches.l1d.hit_cycles"));
	for (size_t i = 0; i < f.c.rows; i++) cr_assert(eq(int, f.c.row[i].use, USE_FITTED));
	end(&f);
}

/* The row that is not used shows what the fit is worth. */
Test(calibrate, a_row_that_is_not_named_is_run_as_a_check)
{
	struct fixture f;
	make_rows(&f, LIST("caches.l1d.hit_cycles=7"), V1);
	cr_assert(eq(int, calibrate(&f, LIST("caches.l1d.hit_cycles"), LIST("l1")), OK), "%s", f.err.text);
	cr_assert(eq(u64, f.c.key[0].after, 7));
	cr_assert(eq(int, f.c.row[0].after.verdict, VERDICT_FITTED));
	cr_assert(eq(int, f.c.row[2].use, USE_CHECK));
	cr_assert(eq(int, f.c.row[2].before.verdict, VERDICT_FAIL));
	cr_assert(eq(int, f.c.row[2].after.verdict, VERDICT_PASS));
	end(&f);
}

Test(calibrate, a_figure_from_memory_is_never_used)
{
	struct fixture f;
	make_rows(&f, NULL, "    confidence: M\n");
	cr_assert(eq(int, calibrate(&f, LIST("caches.l1d.hit_cycles"), NULL), ERR_CONFIG));
	cr_assert(eq(str, f.err.text, "there is no row to fit to: all are from memory"));
	calibration_fini(&f.c);
	cr_assert(eq(int, calibrate(&f, LIST("caches.l1d.hit_cycles"), LIST("l2")), ERR_CONFIG));
	cr_assert(strstr(f.err.text, "l2 is from memory") != NULL, "%s", f.err.text);
	end(&f);
}

Test(calibrate, a_run_on_the_overlay_is_what_was_fitted_and_says_so)
{
	struct fixture f;
	make_rows(&f, LIST("caches.l1d.hit_cycles=7", "stack.os.fault_cycles=5000"), V1);
	cr_assert(eq(int, calibrate(&f, LIST("caches.l1d.hit_cycles"), LIST("l1")), OK), "%s", f.err.text);
	const char *overlay = temp_file("overlay.yaml", "");
	cr_assert(eq(int, calibration_write(&f.c, overlay, &f.err), OK), "%s", f.err.text);
	struct check_how how = {.overlays = LIST(overlay)};
	struct outcome used, other;
	cr_assert(eq(int, check_row_run(&f.refs.row[0], &how, &used, &f.err), OK), "%s", f.err.text);
	cr_assert(eq(int, check_row_run(&f.refs.row[2], &how, &other, &f.err), OK), "%s", f.err.text);
	cr_assert(eq(dbl, used.model, f.c.row[0].after.model));
	cr_assert(eq(int, used.verdict, VERDICT_FITTED));
	cr_assert(eq(int, other.verdict, VERDICT_PASS));
	end(&f);
}

static void refuses(struct fixture *f, const char *const *keys, const char *const *rows, const char *text)
{
	cr_expect(eq(int, calibrate(f, keys, rows), ERR_CONFIG));
	cr_expect(strstr(f->err.text, text) != NULL, "'%s' is not in '%s'", text, f->err.text);
	calibration_fini(&f->c);
}

Test(calibrate, what_cannot_be_fitted_is_refused_by_name)
{
	struct fixture f;
	make_rows(&f, NULL, V1);
	refuses(&f, LIST("caches.l1d.hit_cycels"), NULL, "did you mean 'machine.caches.l1d.hit_cycles'?");
	refuses(&f, LIST("caches.l1d.policy"), NULL, "machine.caches.l1d.policy is no number");
	refuses(&f, LIST("core.width", "machine.core.width"), NULL, "machine.core.width stands there twice");
	refuses(&f, LIST("workload.item_bytes"), NULL,
		"workload.item_bytes: a workload is what was measured");
	refuses(&f, LIST("core.width"), LIST("l3"), "no row is named 'l3'; did you mean 'l");
	refuses(&f, LIST("core.width", "core.rob"), LIST("l1"), "2 keys need 2 rows");
	refuses(&f, LIST("tlbs.l1i.hit_cycles"), LIST("l1"),
		"machine.tlbs.l1i.hit_cycles: has no influence on any of the 1 rows");
	refuses(&f, LIST("stack.os.page_size"), LIST("l1"), "row l1 has no stack file");
	end(&f);
}

Test(calibrate, a_key_that_a_row_sets_itself_is_refused)
{
	static const struct scenario own = {"own", "caches.l1d.hit_cycles=5 workload.footprint_bytes=16K"};
	struct fixture f = {0};
	add_row(&f, &own, 5, V1);
	load(&f, "own.yaml");
	refuses(&f, LIST("caches.l1d.hit_cycles"), NULL, "caches.l1d.hit_cycles: row own sets it itself");
	end(&f);
}

static double sigma_of(const char *published, const char *tolerance, uint64_t confidence, uint64_t weight)
{
	struct check_row r = {.ref = {.published = published, .confidence = confidence, .weight = weight}};
	cr_assert(figure_parse(published, &r.figure));
	cr_assert(tolerance_parse(tolerance, &r.tolerance));
	return calibrated_sigma(&r);
}

Test(calibrate, sigma_is_the_tolerance_and_more_where_less_is_known)
{
	cr_assert(epsilon_eq(dbl, sigma_of("200", "5%", CONF_V1, 1), 10, 1e-12));
	cr_assert(epsilon_eq(dbl, sigma_of("200", "0.5", CONF_V1, 1), 0.5, 1e-12));
	cr_assert(epsilon_eq(dbl, sigma_of("200", "5%", CONF_D, 1), 20, 1e-12));
	cr_assert(epsilon_eq(dbl, sigma_of("200", "5%", CONF_V1, 4), 5, 1e-12));
	cr_assert(epsilon_eq(dbl, sigma_of("9..11", "1", CONF_V1, 1), 2, 1e-12));
	cr_assert(epsilon_eq(dbl, sigma_of("48", "0", CONF_V1, 1), 0.5, 1e-12));
	cr_assert(epsilon_eq(dbl, sigma_of("1.25", "0", CONF_V1, 1), 0.005, 1e-12));
	cr_assert(epsilon_eq(dbl, sigma_of("9..11", "0", CONF_V1, 1), 1.5, 1e-12));
}

/* Rows that ask for the same run one after the other get it once; whatever else differs makes another run. */
Test(calibrate, a_run_that_is_kept_changes_no_result)
{
	struct fixture f;
	make_rows(&f, NULL, V1);
	struct check_how kept = {.last = check_last_new()};
	struct check_how other = {.last = kept.last, .sets = LIST("caches.l1d.hit_cycles=9")};
	const size_t order[] = {0, 0, 1, 0, 2, 2};
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		const struct check_row *row = &f.refs.row[order[i]];
		struct outcome alone, shared, changed;
		cr_assert(eq(int, check_row_run(row, NULL, &alone, &f.err), OK), "%s", f.err.text);
		cr_assert(eq(int, check_row_run(row, &kept, &shared, &f.err), OK), "%s", f.err.text);
		cr_assert(eq(int, check_row_run(row, &other, &changed, &f.err), OK), "%s", f.err.text);
		cr_expect(eq(dbl, shared.model, alone.model));
		cr_expect(order[i] == 1 || changed.model > alone.model, "row %zu", order[i]);
	}
	check_last_free(kept.last);
	unload(&f);
	temp_clean();
}
