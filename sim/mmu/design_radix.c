/* design_radix.c - Arm's own tables: no copy is kept, and mmu_walk.c and mmu_plain.c walk them with time themselves. */
#include "mmu/page_table.h"

const struct page_table_design design_radix = {.name = "radix", .source = "Arm ARM DDI 0487, D8.2"};
