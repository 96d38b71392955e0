#include "checked_run.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static void count_only(void *owner, const struct mistake *m) { (void)owner, (void)m; }

struct run *checked_run(const struct run_request *q, struct run_report *report)
{
	struct run_request watched = *q;
	struct run *run = NULL;
	struct err err = {0};
	watched.on_mistake = count_only;
	cr_assert(eq(int, run_new(&watched, &run, &err), OK), "%s", err.text);
	cr_assert(eq(int, run_execute(run, NULL, NULL, report, &err), OK), "%s", err.text);
	cr_expect(eq(u64, run_mistakes(run), 0), "maintenance");
	return run;
}
