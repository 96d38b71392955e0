#include "mmu/tlbi_run.h"

#include "base/bits.h"
#include "mmu/descriptor.h"

enum { LARGEST_SCALE = TLBI_SCALES - 1 };

static unsigned scale_shift(unsigned scale) { return 5 * scale + 1; }

/* As many pages as one range operation of `scale` takes of `pages`, those of larger scales left out; 0: none. */
static uint64_t range_pages(uint64_t pages, unsigned scale)
{
	uint64_t units = pages >> scale_shift(scale);
	if (scale < LARGEST_SCALE)
		units &= TLBI_NUMS - 1;
	else if (units > TLBI_NUMS)
		units = TLBI_NUMS;
	return units << scale_shift(scale);
}

/* The pages of the next range; r->scale becomes its scale. What does not go alone has some. */
static uint64_t next_range(struct tlbi_run *r)
{
	uint64_t pages;
	if (r->ds) r->scale = LARGEST_SCALE;
	while (!(pages = range_pages(r->pages, r->scale))) r->scale = r->ds ? r->scale - 1 : r->scale + 1;
	return pages;
}

static uint64_t range_operand(const struct tlbi_run *r, uint64_t pages)
{
	uint64_t num = (pages >> scale_shift(r->scale)) - 1, tg = (r->page_bits - GRANULE_4K) / 2 + 1;
	unsigned unit_bits = r->ds ? GRANULE_64K : r->page_bits;
	return (r->addr >> unit_bits & bits_ones(37)) | num << 39 | (uint64_t)r->scale << 44 | tg << 46;
}

static uint64_t page_operand(const struct tlbi_run *r) { return r->addr >> GRANULE_4K & bits_ones(44); }

static bool goes_alone(const struct tlbi_run *r)
{
	if (!r->ranges) return true;
	return r->ds ? r->pages == 1 || (r->addr & bits_ones(GRANULE_64K)) : r->pages % 2;
}

bool tlbi_run_next(struct tlbi_run *r, struct tlbi_piece *out)
{
	if (!r->pages) return false;
	*out = (struct tlbi_piece){.addr = r->addr, .pages = 1};
	if (goes_alone(r)) {
		out->operand = page_operand(r);
	} else {
		out->pages = next_range(r);
		out->operand = range_operand(r, out->pages);
		out->range = true;
	}
	r->addr += out->pages << r->page_bits;
	r->pages -= out->pages;
	return true;
}
