#include "check/figure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Digits with at most one dot among or before them. Returns what follows, or NULL. */
static const char *read_number(const char *text, double *out)
{
	size_t whole = strspn(text, "0123456789"), length = whole;
	if (text[whole] == '.' && text[whole + 1] != '.')
		length += 1 + strspn(text + whole + 1, "0123456789");
	if (length == 0 || length > 20 || text[length - 1] == '.') return NULL;
	char number[24];
	memcpy(number, text, length);
	number[length] = 0;
	*out = strtod(number, NULL);
	return text + length;
}

bool figure_parse(const char *text, struct figure *out)
{
	const char *rest = read_number(text, &out->low);
	if (!rest) return false;
	out->high = out->low;
	if (!*rest) return true;
	if (strncmp(rest, "..", 2) != 0) return false;
	rest = read_number(rest + 2, &out->high);
	return rest && !*rest && out->low <= out->high;
}

bool tolerance_parse(const char *text, struct tolerance *out)
{
	const char *rest = read_number(text, &out->amount);
	if (!rest) return false;
	out->percent = *rest == '%';
	return !rest[out->percent];
}

static double nearer_end(struct figure f, double model)
{
	if (model < f.low) return f.low;
	return model > f.high ? f.high : model;
}

double figure_distance(struct figure f, double model) { return model - nearer_end(f, model); }

double figure_error_percent(struct figure f, double model)
{
	double distance = figure_distance(f, model), end = nearer_end(f, model);
	if (distance == 0) return 0;
	return end == 0 ? (double)NAN : 100 * distance / end;
}

/* The last bits of a division must not decide: a published decimal is no exact double either. */
static const double rounding = 1e-9;

bool figure_within(struct figure f, struct tolerance t, double model)
{
	double allowed = t.percent ? t.amount / 100 * nearer_end(f, model) : t.amount;
	return fabs(figure_distance(f, model)) <= allowed + rounding;
}
