#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/bits.h"
#include "cli/mrc_report.h"

/* The picture and the plot in it, in pixels. */
enum { WIDTH = 720, HEIGHT = 420, LEFT = 70, RIGHT = 560, TOP = 20, BOTTOM = 370, LEGEND_LINE = 18 };

/* Distinguishable with defective colour vision: Okabe and Ito, 2008. */
static const char *const colours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
				      "#e69f00", "#56b4e9", "#000000", "#999999"};
enum { COLOURS = sizeof(colours) / sizeof(colours[0]) };

/* Entries go from 1 to 2^x_bits, ratios from 10^-decades to 1. */
struct axes {
	unsigned x_bits, decades;
};

static int x_of(const struct axes *a, double entries)
{
	return LEFT + (int)lround(log2(entries) / a->x_bits * (RIGHT - LEFT));
}

static int y_of(const struct axes *a, double ratio)
{
	double down = ratio > 0 ? -log10(ratio) / a->decades : 1;
	return TOP + (int)lround((down < 1 ? down : 1) * (BOTTOM - TOP));
}

static struct axes choose_axes(const struct mrc_report *r)
{
	struct axes a = {.x_bits = 1, .decades = 1};
	for (size_t i = 0; i < r->count; i++) {
		const struct mrc_curve *c = r->series[i].curve;
		uint64_t ways = 1;
		for (uint64_t next = ways; next; next = mrc_next_step(c, ways)) ways = next;
		unsigned bits = log2_floor(ways * c->spec.sets) + 1;
		if (bits > a.x_bits) a.x_bits = bits;
		double least = mrc_miss_ratio(c, ways);
		while (a.decades < 9 && least > 0 && least < pow(10, -(double)a.decades)) a.decades++;
	}
	return a;
}

static void draw_axes(const struct axes *a, FILE *out)
{
	fputs("<g stroke=\"#ddd\" fill=\"#333\" font-size=\"12\">\n", out);
	for (unsigned b = 0; b <= a->x_bits; b += a->x_bits > 12 ? 2 : 1) {
		int x = x_of(a, ldexp(1, (int)b));
		fprintf(out,
			"<path d=\"M%d %dV%d\"/><text x=\"%d\" y=\"%d\" stroke=\"none\" text-anchor=\"middle\">",
			x, TOP, BOTTOM, x, BOTTOM + 18);
		fprintf(out, "%" PRIu64 "</text>\n", UINT64_C(1) << b);
	}
	for (unsigned d = 0; d <= a->decades; d++) {
		int y = y_of(a, pow(10, -(double)d));
		fprintf(out,
			"<path d=\"M%d %dH%d\"/><text x=\"%d\" y=\"%d\" stroke=\"none\" text-anchor=\"end\">%g %%</text>\n",
			LEFT, y, RIGHT, LEFT - 6, y + 4, 100 * pow(10, -(double)d));
	}
	fprintf(out, "<text x=\"%d\" y=\"%d\" stroke=\"none\" text-anchor=\"middle\">entries</text>\n</g>\n",
		(LEFT + RIGHT) / 2, BOTTOM + 38);
}

/* The smallest number of ways, among those at which misses change, that the curve can tell; 0: none. */
static uint64_t first_resolved(const struct mrc_curve *c)
{
	uint64_t ways = 1;
	while (ways && !mrc_resolves(c, ways)) ways = mrc_next_step(c, ways);
	return ways;
}

/* A staircase: misses stay until the size at which they change. Steps that move no pixel are left out. */
static void draw_curve(const struct axes *a, const struct mrc_curve *c, const char *colour, FILE *out)
{
	uint64_t ways = first_resolved(c);
	if (!ways) return;
	int x = x_of(a, (double)ways * c->spec.sets), y = y_of(a, mrc_miss_ratio(c, ways));
	fprintf(out, "<path fill=\"none\" stroke=\"%s\" stroke-width=\"1.8\" d=\"M%d %d", colour, x, y);
	while ((ways = mrc_next_step(c, ways))) {
		int next_x = x_of(a, (double)ways * c->spec.sets), next_y = y_of(a, mrc_miss_ratio(c, ways));
		if (next_y == y) continue;
		if (next_x != x) fprintf(out, "H%d", next_x);
		fprintf(out, "V%d", next_y);
		x = next_x;
		y = next_y;
	}
	fprintf(out, "H%d\"/>\n", RIGHT);
}

static void draw_opt(const struct axes *a, const struct mrc_series *s, const char *colour, FILE *out)
{
	for (size_t i = 0; i < s->opt.count; i++) {
		const struct opt_point *p = &s->opt.point[i];
		double ratio = (double)p->misses / (double)s->curve->accesses;
		if (p->entries >> a->x_bits) continue;
		fprintf(out, "<circle cx=\"%d\" cy=\"%d\" r=\"3\" fill=\"%s\"/>\n",
			x_of(a, (double)p->entries), y_of(a, ratio), colour);
	}
}

static void put_escaped(const char *text, FILE *out)
{
	for (; *text; text++) {
		switch (*text) {
		case '&': fputs("&amp;", out); break;
		case '<': fputs("&lt;", out); break;
		case '"': fputs("&quot;", out); break;
		default: fputc(*text, out);
		}
	}
}

/* "sort", and what else tells this curve from the others. */
static void draw_label(const struct mrc_report *r, size_t i, FILE *out)
{
	const struct mrc_series *s = &r->series[i];
	const struct mrc_spec *spec = &s->curve->spec, *first = &r->series[0].curve->spec;
	bool sides = false, pages = false, sets = false;
	for (size_t k = 0; k < r->count; k++) {
		const struct mrc_spec *other = &r->series[k].curve->spec;
		sides |= other->side != first->side;
		pages |= other->page_bits != first->page_bits;
		sets |= other->sets != first->sets;
	}
	int y = TOP + 10 + LEGEND_LINE * (int)i;
	fprintf(out, "<path d=\"M%d %dh18\" stroke=\"%s\" stroke-width=\"3\"/>", RIGHT + 10, y - 4,
		colours[i % COLOURS]);
	fprintf(out, "<text x=\"%d\" y=\"%d\" font-size=\"12\" fill=\"#333\">", RIGHT + 34, y);
	put_escaped(s->workload, out);
	if (sides) fprintf(out, ", %s", page_side_names[spec->side]);
	if (pages && spec->page_bits < 20) fprintf(out, ", %uK", 1u << (spec->page_bits - 10));
	if (pages && spec->page_bits >= 20)
		fprintf(out, ", %" PRIu64 "M", UINT64_C(1) << (spec->page_bits - 20));
	if (sets) fprintf(out, ", %" PRIu32 " sets", spec->sets);
	fputs("</text>\n", out);
}

enum status mrc_print_svg(const struct mrc_report *r, FILE *out, struct err *err)
{
	struct axes a = choose_axes(r);
	fprintf(out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\">\n"
		"<title>Miss ratio of LRU TLBs over their entries</title>\n<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n",
		WIDTH, HEIGHT, WIDTH, HEIGHT);
	draw_axes(&a, out);
	for (size_t i = 0; i < r->count; i++) {
		draw_curve(&a, r->series[i].curve, colours[i % COLOURS], out);
		draw_opt(&a, &r->series[i], colours[i % COLOURS], out);
		draw_label(r, i, out);
	}
	fputs("</svg>\n", out);
	if (!fflush(out) && !ferror(out)) return OK;
	return err_set(err, ERR_HOST, "standard output: cannot be written: %s", strerror(errno));
}
