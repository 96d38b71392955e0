#include "machine/machine_impl.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cpu/warm.h"
#include "machine/memops.h"

void machine_finish(struct machine *m)
{
	for (unsigned i = 0; i < m->cpus; i++) core_finish(&m->cpu[i].core);
	if (m->host) host_finish(m->host);
}

void machine_reset_stats(struct machine *m)
{
	if (m->host) host_finish(m->host);
	stats_reset(m->stats);
	for (unsigned i = 0; i < m->cpus; i++) core_reset_stats(&m->cpu[i].core);
	if (m->host) host_begin_counting(m->host);
}

/* --- sampling ---------------------------------------------------------------------------------------------------- */

struct machine_books {
	struct core_books *core; /* of each */
	char *stats;             /* an image of all counters */
	size_t bytes;            /* of it; counters may come into being while the machine runs */
};

struct machine_books *machine_books_new(const struct machine *m)
{
	struct machine_books *b = xcalloc(1, sizeof(*b));
	b->core = xcalloc(m->cpus, sizeof(*b->core));
	b->bytes = stats_image_bytes(m->stats);
	b->stats = xcalloc(1, b->bytes);
	return b;
}

void machine_books_free(struct machine_books *b)
{
	if (!b) return;
	free(b->core);
	free(b->stats);
	free(b);
}

/* New counters come behind the others, and have counted nothing. */
static void make_room(const struct machine *m, struct machine_books *b)
{
	size_t bytes = stats_image_bytes(m->stats);
	if (bytes == b->bytes) return;
	b->stats = xrealloc(b->stats, bytes, 1);
	memset(b->stats + b->bytes, 0, bytes - b->bytes);
	b->bytes = bytes;
}

void machine_save_books(struct machine *m, struct machine_books *b)
{
	make_room(m, b);
	for (unsigned i = 0; i < m->cpus; i++) core_save_books(&m->cpu[i].core, &b->core[i]);
	stats_save(m->stats, b->stats);
}

void machine_load_books(struct machine *m, struct machine_books *b)
{
	make_room(m, b);
	for (unsigned i = 0; i < m->cpus; i++) core_load_books(&m->cpu[i].core, &b->core[i]);
	stats_load(m->stats, b->stats);
}

void machine_warm(struct machine *m, bool warm)
{
	for (unsigned i = 0; i < m->cpus; i++) {
		if (warm)
			core_begin_warming(&m->cpu[i].core);
		else
			core_end_warming(&m->cpu[i].core);
	}
}

enum status machine_pass(struct machine *m, const struct record *rec, size_t n, struct err *err)
{
	struct vcpu *v = &m->vcpu[0];
	for (; n; rec++, n--) {
		if (rec->kind == REC_LOCK || rec->kind == REC_UNLOCK)
			TRY(vcpu_lock_record(v, rec, err));
		else if (rec->kind > REC_STORE)
			TRY(events_execute(&v->events, rec, err));
	}
	return OK;
}

/* --- looking into it --------------------------------------------------------------------------------------------- */

enum status machine_check_sums(const struct machine *m, struct err *err)
{
	for (unsigned i = 0; i < m->cpus; i++) TRY(core_check_sums(&m->cpu[i].core, err));
	TRY(mmu_check_group(m->mmus, m->cpus, err));
	for (unsigned i = 0; i < m->vms; i++)
		if (m->vm[i].gic) TRY(path_gic_check(m->vm[i].gic, err));
	for (unsigned i = 0; i < m->vms; i++)
		if (m->vm[i].locks) TRY(lock_set_check(m->vm[i].locks, err));
	for (unsigned i = 0; i < m->vms; i++) TRY(program_locks_check(m->vm[i].program_locks, err));
	if (m->host) TRY(host_check_sums(m->host, err));
	TRY(memops_check_sums(m->memops, err));
	return mem_check_sums(m->mem, err);
}

const struct stats *machine_stats(const struct machine *m) { return m->stats; }

struct machine_totals machine_totals(const struct machine *m)
{
	struct machine_totals t = {0};
	for (unsigned i = 0; i < m->cpus; i++) {
		const struct core_stats *s = &m->cpu[i].core.stats;
		t.accesses += s->accesses;
		t.instructions += s->instructions;
		if (s->cycles > t.cycles) t.cycles = s->cycles;
	}
	return t;
}

const struct regime_info *machine_regime(const struct machine *m) { return &m->mmus[0]->regime; }
uint64_t machine_word(const struct machine *m, struct pa pa) { return physmem_read64(m->physmem, pa); }
struct physmem_usage machine_memory(const struct machine *m) { return physmem_usage(m->physmem); }
unsigned machine_core(const struct machine *m, unsigned t) { return m->vcpu[t].cpu->number; }
cycles_t machine_now(const struct machine *m, unsigned t) { return core_now(&m->vcpu[t].cpu->core); }
