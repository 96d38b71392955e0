#include "machine/export.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/outfile.h"
#include "machine/kvm_text.h"
#include "machine/timeline.h"

struct export
{
	struct export_parts parts;
	struct machine_observer observer;
	struct outfile kvm_file, timeline_file;
	struct kvm_text *kvm;      /* NULL: not wanted */
	struct timeline *timeline; /* the same */
	bool begun;
};

/* --- what is told -------------------------------------------------------------------------------------------------- */

static void on_priced(void *self, unsigned t, const struct path_event *e, const struct path_price *price)
{
	struct export *x = self;
	if (x->kvm) kvm_text_event(x->kvm, t, machine_core(x->parts.machine, t), e, price);
	if (x->timeline) timeline_event(x->timeline, t, e, price);
}

static void on_spent(void *self, unsigned t, cycles_t at, const struct core_spent *spent)
{
	struct export *x = self;
	if (x->timeline) timeline_spent(x->timeline, t, at, spent);
}

static void on_walked(void *self, unsigned t, cycles_t now, struct va va)
{
	struct export *x = self;
	if (x->timeline) timeline_walk(x->timeline, t, now, va.raw);
}

static void on_waited(void *self, unsigned t, cycles_t from, cycles_t to, bool goes_on)
{
	struct export *x = self;
	if (x->timeline) timeline_waited(x->timeline, t, from, to, goes_on);
}

/* --- one export ---------------------------------------------------------------------------------------------------- */

static enum status open_files(struct export *x, const struct export_request *q, struct err *err)
{
	unsigned vcpus = machine_threads(x->parts.machine);
	if (q->kvm && !x->parts.has_paths)
		return err_set(
			err, ERR_USAGE,
			"%s: kvm events are those of a guest, and the stack has no software paths below one",
			q->kvm);
	if (q->kvm) {
		TRY(outfile_open(&x->kvm_file, q->kvm, err));
		x->kvm = kvm_text_new(vcpus, q->limit);
	}
	if (q->perfetto) {
		TRY(outfile_open(&x->timeline_file, q->perfetto, err));
		x->timeline = timeline_new(x->timeline_file.file, vcpus, x->parts.clock_mhz, q->limit);
	}
	return OK;
}

enum status export_new(const struct export_request *q, const struct export_parts *parts, struct export **out,
		       struct err *err)
{
	struct export *x = xcalloc(1, sizeof(*x));
	x->parts = *parts;
	x->observer = (struct machine_observer){x, on_priced, on_spent, on_walked, on_waited};
	enum status st = open_files(x, q, err);
	if (st != OK) {
		export_free(x);
		return st;
	}
	*out = x;
	return OK;
}

void export_begin(struct export *x)
{
	const struct machine *m = x->parts.machine;
	for (unsigned i = 0; x->timeline && i < machine_threads(m); i++)
		timeline_begin(x->timeline, i, machine_core(m, i), machine_now(m, i));
	machine_observe(x->parts.machine, &x->observer);
	x->begun = true;
}

enum status export_commit(struct export *x, struct err *err)
{
	const struct machine *m = x->parts.machine;
	unsigned cpus = machine_threads(m);
	if (x->kvm) kvm_text_write(x->kvm, cpus, x->parts.clock_mhz, x->kvm_file.file);
	for (unsigned i = 0; x->timeline && x->begun && i < cpus; i++)
		timeline_end(x->timeline, i, machine_now(m, i));
	if (x->timeline) timeline_finish(x->timeline);
	TRY(outfile_commit(&x->kvm_file, err));
	return outfile_commit(&x->timeline_file, err);
}

void export_free(struct export *x)
{
	if (!x) return;
	kvm_text_free(x->kvm);
	timeline_free(x->timeline);
	outfile_abort(&x->kvm_file);
	outfile_abort(&x->timeline_file);
	free(x);
}
