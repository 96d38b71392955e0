#include "machine/populate.h"

#include <string.h>

#include "mmu/page_design.h"

static uint64_t read_word(void *self, struct pa pa, const struct walk_ref *ref)
{
	(void)ref;
	return physmem_read64(((struct populator *)self)->mem, pa);
}

static bool update_word(void *self, struct pa pa, uint64_t old, uint64_t now)
{
	return physmem_cas64(((struct populator *)self)->mem, pa, old, now);
}

static enum status populate_page(struct populator *p, uint64_t va, enum access_kind kind, struct err *err)
{
	struct walk_mem mem = {.self = p, .read = read_word, .update = update_word};
	struct mmu_fault f = {.va = {va}, .access = {.kind = (uint8_t)kind}};
	struct core_spent nobody = {0};
	struct translation t;
	while (translate(&p->mmu->regime, f.va, f.access, &mem, &t), t.fault.kind) {
		f.fault = t.fault;
		TRY(p->on_fault(p->fault_owner, &f, 0, &nobody, err));
	}
	page_design_note(p->mmu, &t);
	return OK;
}

static enum status populate_range(struct populator *p, uint64_t va, uint64_t bytes, enum access_kind kind,
				  struct err *err)
{
	enum { PAGE = 4096 }; /* the smallest that a table can map */
	if (!bytes) return OK;
	for (uint64_t page = va / PAGE; page <= (va + bytes - 1) / PAGE; page++) {
		struct va *seen = &p->done[kind][page % POPULATED_SLOTS];
		if (seen->raw == page + 1) continue;
		TRY(populate_page(p, page * PAGE, kind, err));
		seen->raw = page + 1;
	}
	return OK;
}

/* As the core has it: a load or store whose size nobody knows (0) reaches one byte. */
static uint64_t bytes_of(const struct record *rec)
{
	if (rec->kind == REC_FETCH) return UINT64_C(4) * rec->count;
	return rec->count ? rec->count : 1;
}

enum status populate_access(struct populator *p, const struct record *rec, struct err *err)
{
	enum access_kind kind = rec->kind == REC_FETCH  ? ACCESS_FETCH
				: rec->kind == REC_LOAD ? ACCESS_READ
							: ACCESS_WRITE;
	return populate_range(p, rec->addr, bytes_of(rec), kind, err);
}

void populate_switch(struct populator *p) { memset(p->done, 0, sizeof(p->done)); }
