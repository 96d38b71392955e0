#include "mmu/tlbi_run.h"

#include "base/bits.h"
#include "mmu/descriptor.h"

/* As many pages as one range operation of `scale` takes of `pages`, those of larger scales left out; 0: none. */
static uint64_t range_pages(uint64_t pages, unsigned scale)
{
	uint64_t units = pages >> (5 * scale + 1);
	if (scale < TLBI_SCALES - 1)
		units &= TLBI_NUMS - 1;
	else if (units > TLBI_NUMS)
		units = TLBI_NUMS;
	return units << (5 * scale + 1);
}

static uint64_t range_operand(const struct tlbi_run *r, uint64_t pages)
{
	uint64_t num = (pages >> (5 * r->scale + 1)) - 1, tg = (r->page_bits - GRANULE_4K) / 2 + 1;
	return (r->addr >> r->page_bits & bits_ones(37)) | num << 39 | (uint64_t)r->scale << 44 | tg << 46;
}

static uint64_t page_operand(const struct tlbi_run *r) { return r->addr >> GRANULE_4K & bits_ones(44); }

bool tlbi_run_next(struct tlbi_run *r, struct tlbi_piece *out)
{
	if (!r->pages) return false;
	*out = (struct tlbi_piece){.addr = r->addr, .pages = 1};
	if (!r->ranges || r->pages % 2) {
		out->operand = page_operand(r);
	} else {
		while (!(out->pages = range_pages(r->pages, r->scale))) r->scale++;
		out->operand = range_operand(r, out->pages);
		out->range = true;
	}
	r->addr += out->pages << r->page_bits;
	r->pages -= out->pages;
	return true;
}
