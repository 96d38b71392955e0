/* dirty_bitmap.h - which pages of a VM have been written since that was last asked: a bit per page.
 *
 *   dirty_bitmap_mark: a page was written      dirty_bitmap_take: 64 pages' bits, which begin again
 * Source: KVM_GET_DIRTY_BITMAP and KVM_CLEAR_DIRTY_BITMAP, Linux 6.6 virt/kvm/kvm_main.c.
 */
#ifndef HYP_DIRTY_BITMAP_H
#define HYP_DIRTY_BITMAP_H

#include <stdbool.h>
#include <stdint.h>

enum { DIRTY_BITMAP_WORD_BITS = 6 }; /* log2 of the pages of a word */

struct dirty_bitmap;

/* Of `pages`; `all`: they count as written at first. */
struct dirty_bitmap *dirty_bitmap_new(uint64_t pages, bool all);
void dirty_bitmap_free(struct dirty_bitmap *l);
/* Returns whether it was not marked before. */
bool dirty_bitmap_mark(struct dirty_bitmap *l, uint64_t page);
uint64_t dirty_bitmap_words(const struct dirty_bitmap *l);
/* Pages 64 * word and on, from bit 0. */
uint64_t dirty_bitmap_take(struct dirty_bitmap *l, uint64_t word);

#endif
