/* pages.h - what operations on a VM's memory know of its single pages: written since, shared, kept for a snapshot, absent.
 *
 *   hyp_pages_watch: from now on      hyp_pages_flags: page -> what is known      page_ops_protect, _leave, _merge: change it
 * While pages are watched stage 2 faults go by it (hyp_handle_stage2_fault()): a write to a page of the log marks it dirty, one
 * to a shared page gets a copy of its own, one to a page that a snapshot has not saved yet has it saved first; an absent page is
 * mapped where its content is. Leaves are pages as long as that lasts. A block of which one page changes is unmapped whole, as the MMU
 * notifier of split_huge_pmd() has KVM do: its pages are absent then, until the guest touches them. A write that is logged maps
 * one page of its block, and leaves the others where they were (an eager split).
 * The functions that change tables do so descriptor by descriptor, in the order that the architecture asks for, and tell each step to
 * a clock (stage2_ops.h), which gives it its time. TLBIs of a row of pages are the caller's, by stage2_flush_range().
 * Source: Linux 6.6 virt/kvm/kvm_main.c (dirty log), arch/arm64/kvm/mmu.c (user_mem_abort: force_pte while logging; a clean page is
 * mapped read-only), mm/ksm.c (write_protect_page, replace_page), mm/huge_memory.c
 * (__split_huge_pmd), mm/memory.c (do_wp_page: a page of KSM is always copied),
 * fs/userfaultfd.c; QEMU migration/ram.c (background snapshot, post-copy).
 * Not modelled: contents of pages other than translation tables: who shares says which are alike.
 */
#ifndef HYP_PAGES_H
#define HYP_PAGES_H

#include "hyp/hyp.h"
#include "hyp/stage2_flush.h"

enum hyp_page_flag {
	HYP_PAGE_DIRTY = 1,    /* written since its log was taken */
	HYP_PAGE_SHARED = 2,   /* maps a frame that others map, too */
	HYP_PAGE_KEPT = 4,     /* to be saved before it is written */
	HYP_PAGE_ABSENT = 8,   /* not mapped, but its content is somewhere */
	HYP_PAGE_REMOTE = 16,  /* absent, and on another machine */
	HYP_PAGE_WRITTEN = 32, /* since it was shared: its content is its own now */
	HYP_PAGE_SEEN = 64,    /* for whoever scans */
};

/* Begins, if nobody has yet. O(1); memory grows with pages that are of account. */
void hyp_pages_watch(struct hyp_vm *vm);
/* Whoever invalidates what a fault breaks up, by IPA: a block, or a page that gets another frame. */
void hyp_pages_on_break(struct hyp_vm *vm, const struct pgtable_break *b);
/* Written pages are marked from now on, or no longer. */
void hyp_pages_log(struct hyp_vm *vm, bool on);
uint64_t hyp_pages_count(const struct hyp_vm *vm); /* of its memory */
struct ipa hyp_pages_ipa(const struct hyp_vm *vm, uint64_t page);

uint8_t hyp_pages_flags(const struct hyp_vm *vm, uint64_t page);
void hyp_pages_set(struct hyp_vm *vm, uint64_t page, uint8_t clear, uint8_t set);

/* The frame that a page maps, or that the host keeps for it while it is absent; false: none. Functional, no time. */
bool hyp_pages_frame(const struct hyp_vm *vm, uint64_t page, struct pa *frame);
/* The frame that an absent page had. */
struct pa hyp_pages_absent_frame(const struct hyp_vm *vm, uint64_t page);
/* Whether pages share the frame. */
bool hyp_pages_shares(const struct hyp_vm *vm, uint64_t frame);
/* Whether the page holds translation tables of the guest, whose content is known. */
bool hyp_pages_has_tables(const struct hyp_vm *vm, uint64_t page);

/* A change to single pages on its way; page_ops_init() it. */
struct page_ops {
	struct hyp_vm *vm;
	const struct stage2_clock *clock;
	struct stage2_flusher flusher;
	uint64_t descriptors, changed; /* counted */
};
void page_ops_init(struct page_ops *o, struct hyp_vm *vm, const struct stage2_clock *clock);

/* Takes write permission from a page, and from it alone; false: it is not mapped, or had none. Its TLBI is the caller's. */
bool page_ops_protect(struct page_ops *o, uint64_t page);
/* Unmaps a page, whose content stays in its frame: it is absent, and remote if `remote`. False: it is not mapped. Its TLBI is
 * the caller's. */
bool page_ops_leave(struct page_ops *o, uint64_t page, bool remote);
/* Unmaps a page, if it is mapped, and gives its frame back, TLBI included; false: it has none. Of a shared one only the mapping goes. */
bool page_ops_drop(struct page_ops *o, uint64_t page);
/* Clears the access flag of the leaf that maps a page; true: it was set. *pages: of the leaf, from this one on; 1 where none
 * is mapped. With `flush` TLBs forget it; without, those that hold the page go on using it, and the flag stays clear. */
bool page_ops_age(struct page_ops *o, uint64_t page, bool flush, uint64_t *pages);
/* The page, which has a frame, is `frame` instead, read-only: break before make where it is mapped; its own frame goes back. Whether it
 * is mapped, so that a TLBI is due for a permission that was taken. */
bool page_ops_merge(struct page_ops *o, uint64_t page, uint64_t frame);

#endif
