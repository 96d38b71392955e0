#include "machine/machine_impl.h"

static void tell_priced(void *ctx, const struct path_event *e, const struct path_price *price)
{
	const struct vcpu *v = ctx;
	const struct machine_observer *o = v->cpu->observer;
	o->priced(o->self, vcpu_thread(v), e, price);
}

static void tell_walked(void *self, const struct tlb_entry *entry, struct va va, struct access a)
{
	const struct cpu *c = self;
	(void)entry, (void)a;
	c->observer->walked(c->observer->self, vcpu_thread(c->vcpu), core_now(&c->core), va);
}

void machine_observe(struct machine *m, const struct machine_observer *o)
{
	for (unsigned i = 0; i < m->cpus; i++) {
		struct cpu *c = &m->cpu[i];
		c->observer = o;
		c->walks = (struct mmu_observer){.self = c, .walked = tell_walked};
		mmu_observe(c->mmu, &c->walks);
	}
	for (unsigned i = 0; i < m->vcpus; i++)
		if (m->vcpu[i].paths) path_engine_listen(m->vcpu[i].paths, tell_priced, &m->vcpu[i]);
}

void machine_watch(struct machine *m, struct watch *w) { core_watch(&m->cpu[0].core, w); }

/* Cores that share a TLB count as one. */
static unsigned tlb_unit(const struct cpu *c) { return c->mmu->shared_count ? 0 : c->number; }

static void check_hit(void *self, const struct tlb_entry *e, struct va va, struct access a)
{
	struct cpu *c = self;
	checker_on(c->machine->checker, tlb_unit(c));
	checker_hit(c->machine->checker, &c->mmu->regime, e, va, a);
}

static void check_walk(void *self, const struct tlb_entry *e, struct va va, struct access a)
{
	struct cpu *c = self;
	checker_on(c->machine->checker, tlb_unit(c));
	checker_walk(c->machine->checker, &c->mmu->regime, e, va, a);
}

static void check_write(void *self, struct pa pa, uint64_t old, uint64_t now)
{
	checker_write(((struct machine *)self)->checker, pa, old, now);
}

void machine_check_maintenance(struct machine *m, mistake_fn *report, void *owner)
{
	m->checker = checker_new(&m->hw->features, m->physmem, report, owner);
	for (unsigned i = 0; i < m->cpus; i++) {
		struct cpu *c = &m->cpu[i];
		c->checking = (struct mmu_observer){.self = c, .hit = check_hit, .walked = check_walk};
		mmu_observe(c->mmu, &c->checking);
	}
	m->physmem->on_write = check_write;
	m->physmem->on_write_self = m;
	m->shootdowns.checker = m->checker;
	stats_add(m->stats, checker_stat_rows, checker_stat_row_count, checker_stats(m->checker),
		  "maintenance");
}

uint64_t machine_mistakes(const struct machine *m)
{
	uint64_t sum = 0;
	for (int i = 0; m->checker && i < MISTAKE_KINDS; i++) sum += checker_stats(m->checker)->mistakes[i];
	return sum;
}
