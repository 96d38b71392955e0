#include "config/fits.h"

#include <string.h>

static const struct param rows[] = {
	P_STR(struct fit_item, name, NULL, "row of a file of references"),
	P_STR(struct fit_item, file, "", "that file"),
};
SCHEMA(fits_schema, "fits", struct fit_item, rows,
       "a published figure that numbers of this file were fitted to");

bool fits_have(const struct param_list *fits, const char *row)
{
	const struct fit_item *item = fits->items;
	for (size_t i = 0; i < fits->count; i++)
		if (strcmp(item[i].name, row) == 0) return true;
	return false;
}
