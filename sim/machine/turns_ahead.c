#include "machine/turns_ahead.h"

#include <string.h>

const unsigned turns_ahead_distance[FORESIGHT_STEPS] = {24, 16, 8};

void turns_ahead_restart(struct turns_ahead *a) { memset(a->until, 0, sizeof(a->until)); }

static bool is_data(const struct record *r) { return r->kind == REC_LOAD || r->kind == REC_STORE; }

/* The record before it in the batch does not go there, too. */
static bool is_elsewhere(const struct record *rec, size_t i)
{
	enum { PAGE_BITS = 12 };
	return !i || !is_data(&rec[i - 1]) || (rec[i].addr ^ rec[i - 1].addr) >> PAGE_BITS;
}

void turns_ahead_step(struct turns_ahead *a, unsigned step, struct mmu *m, const struct record *rec,
		      size_t at, size_t count, bool data)
{
	size_t end = step ? a->until[step - 1] : at + TURNS_AHEAD_RECORDS;
	if (end > count) end = count;
	for (size_t i = a->until[step] > at ? a->until[step] : at; i < end; i++) {
		struct foreseen_access *access = &a->access[i % TURNS_AHEAD_RECORDS];
		if (is_data(&rec[i]) && is_elsewhere(rec, i))
			mmu_foresee_step(m, step, rec[i].addr, data, access);
		a->until[step] = i + 1;
	}
}
