/* path_share.h - what the paths of a vCPU share with those of the other vCPUs of its VM, and what their work is worth.
 *
 * Apart from path.h, for those who put machines together.
 */
#ifndef HYP_PATH_SHARE_H
#define HYP_PATH_SHARE_H

#include "lock/shared.h"

struct path_book;

/* Locks that the vCPUs of a VM share: the index-th, with its kind (enum lock_kind); NULL at the end. */
const char *path_lock(const struct path_book *b, size_t index, unsigned *kind);

struct path_sharing {
	struct lock_set *set; /* NULL: nothing */
	unsigned core;
	void *owner;              /* of the waiters at its locks */
	lock_granted_fn *granted; /* told of who gets a lock that is given back here */
	void *ctx;
};

/* Instructions of work steps, of what the files say: of those whose owner is the VMM (vmm), a fault of stage 2 (fault), and the
 * part of it under the lock (mmu). */
struct work_percents {
	uint64_t vmm, fault, mmu;
};

#endif
