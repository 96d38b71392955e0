/* design_flattened.c - Arm's tree with pairs of levels merged: two reads where four were, 8 where 24 were. */
#include "mmu/page_design.h"

const struct page_table_design design_flattened = {.name = "flattened",
						   .source = "Park et al., ASPLOS 2022",
						   .table = &table_flat_tree,
						   .walk = page_design_walk_stages,
						   .note = page_design_note_stages,
						   .lines_of_pages = true};
