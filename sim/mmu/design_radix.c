/* design_radix.c - Arm's own tables: no copy is kept, and mmu_walk.c walks them with time itself. */
#include "mmu/page_table.h"

const struct page_table_design design_radix = {.name = "radix", .source = "Arm ARM DDI 0487, D8.2"};
