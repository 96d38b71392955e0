/* kernel.h - what the files of os/ share: the kernel's state. Others use os.h. */
#ifndef OS_KERNEL_H
#define OS_KERNEL_H

#include "os/os.h"

enum { OS_HUGE_LEVEL = 2 }; /* THP maps by level 2 blocks (PMDs) with every page size */

struct os_aspace {
	struct pgtable user;
	uint16_t asid;
	struct os_aspace *next;
};

struct os {
	struct os_params p;
	struct features f;
	struct pgtable kernel; /* also the pattern for every user tree */
	struct os_aspace *aspaces;
	struct pgtable_break on_break;
	struct os_stats stats;
	uint64_t shared_frame; /* with os_params.shared_frame, once taken; else 0 */
};

/* How table and leaf descriptors hold addresses, from page size, VA size and features. */
enum desc_layout os_layout(const struct os_params *p, const struct features *f);

#endif
