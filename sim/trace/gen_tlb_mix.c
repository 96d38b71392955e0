/* gen_tlb_mix.c - a stream with chosen TLB behaviour: hot, warm and cold pages.
 * hot_permille of the accesses fall on the first hot_pages pages (to fit a first-level TLB), warm_permille on the
 * warm_pages behind them (to fit the second), the others anywhere in the rest of the footprint. Pages are 4 KiB.
 */
#include "trace/gen.h"

enum { PAGE = 4096, HOT = 0, WARM, COLD, SETS };

static enum status tlb_mix_check(const char *where, const struct gen_params *p, struct err *err)
{
	uint64_t pages = p->footprint_bytes / PAGE;
	TRY(gen_check_multiple(where, "footprint_bytes", p->footprint_bytes, PAGE, err));
	if (p->access_bytes > PAGE)
		return err_set(err, ERR_CONFIG, "%s: access_bytes: %llu is above a page of %d", where,
			       (unsigned long long)p->access_bytes, PAGE);
	if (p->hot_permille + p->warm_permille > 1000)
		return err_set(err, ERR_CONFIG, "%s: hot_permille + warm_permille: %llu is above 1000", where,
			       (unsigned long long)(p->hot_permille + p->warm_permille));
	if (p->hot_pages + p->warm_pages >= pages)
		return err_set(err, ERR_CONFIG,
			       "%s: hot_pages + warm_pages: %llu is not below the footprint's %llu pages",
			       where, (unsigned long long)(p->hot_pages + p->warm_pages),
			       (unsigned long long)pages);
	return OK;
}

static void tlb_mix_fill(struct gen_state *s, struct record *buf, size_t n)
{
	const struct gen_params p = *s->p;
	uint64_t per_page = PAGE / p.access_bytes,
		 rest = p.footprint_bytes / PAGE - p.hot_pages - p.warm_pages;
	const uint64_t first[SETS] = {p.base_address, p.base_address + p.hot_pages * PAGE,
				      p.base_address + (p.hot_pages + p.warm_pages) * PAGE};
	const uint64_t places[SETS] = {p.hot_pages * per_page, p.warm_pages * per_page, rest * per_page};
	const uint64_t warm_from = p.hot_permille, cold_from = p.hot_permille + p.warm_permille;
	struct rng rng = s->rng;
	for (size_t i = 0; i < n; i++) {
		uint64_t u = rng_next(&rng), share = gen_choose(&u, 1000);
		unsigned set = (unsigned)(share >= warm_from) + (share >= cold_from);
		uint64_t addr = first[set] + gen_choose(&u, places[set]) * p.access_bytes;
		gen_put(&buf[i], &p, addr, gen_choose_kind(&u, p.read_percent), 0);
	}
	s->rng = rng;
}

const struct generator gen_tlb_mix = {.name = "tlb_mix", .check = tlb_mix_check, .fill = tlb_mix_fill};
