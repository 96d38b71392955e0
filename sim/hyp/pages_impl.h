/* pages_impl.h - what hyp.c and pages.c share. */
#ifndef HYP_PAGES_IMPL_H
#define HYP_PAGES_IMPL_H

#include "hyp/pages.h"

struct hyp_pages {
	uint8_t *flags;  /* by page */
	uint64_t *frame; /* of absent pages */
	uint64_t count;
	bool logging;
	struct pgtable_break breaking; /* by faults */
	struct shared_frame *shared;   /* frames that several pages map, in no order */
	size_t shared_count, shared_room;
};

struct shared_frame {
	uint64_t frame;
	uint64_t users;
};

void hyp_pages_free(struct hyp_pages *p);
/* A fault at `ipa`, whose leaf is `slot`, is one of a watched page; *out says what was done. False: it is a fault like any
 * other. */
bool hyp_pages_fault(struct hyp_vm *vm, struct ipa ipa, enum access_kind access, struct pgtable_slot *slot,
		     struct hyp_fault *out);
/* Whether any page of the naturally aligned 2^bits bytes around `ipa` is absent: nothing larger may be mapped there. O(pages). */
bool hyp_pages_any_absent(const struct hyp_vm *vm, struct ipa ipa, unsigned bits);
#endif
