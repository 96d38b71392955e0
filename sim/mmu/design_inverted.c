/* design_inverted.c - an inverted page table: one entry for each frame of memory, found by hash anchors and chains.
 *
 * The entry of frame n stands at place n and says which page of which address space the frame holds, so that the frame's
 * number is nowhere written. A look-up hashes page and tag to an anchor, which names the first frame of a chain; each
 * entry on it names the next. So a walk reads the anchor and 1 + load / 2 entries on average, one after the other.
 * Memory that describes memory: 16 bytes a frame and 8 an anchor, however large the address spaces are.
 *
 * What a table by frame cannot hold, and what is done as in systems that had one:
 *   two pages of one frame      the frame's entry is of the page that was asked for last. A walk for another one finds
 *                               nothing, and the fault's handler gives it the entry (Mach on the RT PC): see
 *                               page_design.c, page_table.remap_cycles.
 *   blocks larger than a frame  each of the block's frames has an entry that says the block's size (replicated entries);
 *                               they come and go together. What is larger than 1 GiB is held as blocks of 1 GiB.
 *   kernels' pages of all ASIDs  the half of TTBR1 has one tag for all ASIDs, as a kernel's segment had.
 * Source: A. Chang, M. Mergen, "801 Storage: Architecture and Programming", ACM TOCS 1988 (hash anchor table and inverted
 * table); B. Jacob, T. Mudge, "A Look at Several Memory Management Units, TLB-Refill Mechanisms, and Page Table
 * Organizations", ASPLOS 1998 (the anchors' own reference; more anchors than frames); R. Rashid et al.,
 * "Machine-Independent Virtual Memory Management for Paged Uniprocessor and Multiprocessor Architectures", ASPLOS 1987
 * (aliases); M. Talluri, M. Hill, Y. Khalidi, "A New Page Table for 64-bit Address Spaces", SOSP 1995 (replicated
 * entries); chains: Knuth, volume 3, 6.4.
 * Not modelled: tables reserved for all of memory when a machine starts - only those parts stand of whose frames one has
 * been mapped (as in HP-UX's sparse tables), in the order of that, and anchors double with them; the PA-RISC's form
 * without anchors, whose first entry stands in the hash table; addresses that user programs of several ASIDs share as
 * global; identifiers of address spaces that outlive ASIDs - with the other ASID that a rollover gave, each page of a
 * program is another page of its frame, and faults once.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "mmu/page_design.h"
#include "mmu/table_cluster.h"

enum { ENTRY_BITS = 4, ANCHOR_BITS = 3, PIECE_BITS_MOST = 30, FIRST_SLOT_BITS = 4 };

struct frame {
	struct cluster_key key; /* number: input >> frame bits, + 1; 0: nobody's */
	uint64_t next;          /* frame on the chain, + 1; 0: none */
	uint8_t bits;           /* of the page or block that the frame is a part of */
};

/* The part of the table in one granule of memory. */
struct section {
	uint64_t number;  /* first frame >> section bits, + 1; 0: a free slot */
	uint64_t address; /* of its first entry */
	struct frame *frame;
};

struct inverted {
	struct table_site site;
	unsigned frame_bits, section_bits; /* log2 of bytes; of frames */
	struct section *section;           /* by the hash of their numbers, at most half full */
	unsigned slot_bits;
	uint64_t sections;
	struct table_area *chunk; /* where sections stand, one behind the other */
	unsigned chunks;
	uint64_t room;          /* bytes of the last chunk in which no section stands yet */
	struct table_area area; /* of the anchors */
	uint64_t *anchor;       /* frame + 1; 0: an empty chain. NULL: no anchors yet */
	unsigned anchor_bits;
};

/* --- sections ---------------------------------------------------------------------------------------------------- */

static struct section *slot_of(const struct inverted *t, uint64_t number)
{
	uint64_t i = cluster_hash((struct cluster_key){.number = number}, 1, t->slot_bits);
	while (t->section[i].number && t->section[i].number != number) i = (i + 1) & bits_ones(t->slot_bits);
	return &t->section[i];
}

static struct section *section_of(const struct inverted *t, uint64_t frame)
{
	return slot_of(t, (frame >> t->section_bits) + 1);
}

/* NULL where the table does not reach. */
static struct frame *frame_of(const struct inverted *t, uint64_t frame)
{
	struct section *s = section_of(t, frame);
	return s->number ? &s->frame[frame & bits_ones(t->section_bits)] : NULL;
}

static uint64_t entry_address(const struct inverted *t, uint64_t frame)
{
	return section_of(t, frame)->address + ((frame & bits_ones(t->section_bits)) << ENTRY_BITS);
}

static void make_slots(struct inverted *t)
{
	struct section *old = t->section;
	uint64_t slots = UINT64_C(1) << t->slot_bits;
	t->slot_bits++;
	t->section = xcalloc((size_t)1 << t->slot_bits, sizeof(*t->section));
	for (uint64_t i = 0; i < slots; i++)
		if (old[i].number) *slot_of(t, old[i].number) = old[i];
	free(old);
}

/* Each chunk is twice the one before it, up to 2 MiB, or as large as memory still has. Where each section stood where the
 * memory that it describes begins, all of them would fall into the same few sets of the caches. */
static bool add_chunk(struct inverted *t)
{
	unsigned bits = t->frame_bits + t->chunks;
	struct table_area area;
	if (bits > TABLE_PIECE_BITS) bits = TABLE_PIECE_BITS;
	while (!table_area_take(&t->site, bits, &area))
		if (bits-- <= t->frame_bits) return false;
	t->chunk = xrealloc(t->chunk, t->chunks + 1, sizeof(*t->chunk));
	t->chunk[t->chunks++] = area;
	t->room = UINT64_C(1) << area.bits;
	return true;
}

static bool place_section(struct inverted *t, uint64_t *address)
{
	if (!t->room && !add_chunk(t)) return false;
	const struct table_area *chunk = &t->chunk[t->chunks - 1];
	*address = table_area_address(chunk, (UINT64_C(1) << chunk->bits) - t->room);
	t->room -= UINT64_C(1) << t->frame_bits;
	return true;
}

static bool add_section(struct inverted *t, uint64_t frame)
{
	struct section *s = section_of(t, frame);
	if (s->number) return true;
	struct section made = {.number = (frame >> t->section_bits) + 1};
	if (!place_section(t, &made.address)) return false;
	made.frame = xcalloc((size_t)1 << t->section_bits, sizeof(*made.frame));
	*s = made;
	if (++t->sections * 2 >> t->slot_bits) make_slots(t);
	return true;
}

/* --- chains ------------------------------------------------------------------------------------------------------ */

static uint64_t *anchor_of(const struct inverted *t, struct cluster_key key)
{
	return &t->anchor[cluster_hash(key, 0, t->anchor_bits)];
}

static void link_frame(struct inverted *t, uint64_t n)
{
	struct frame *f = frame_of(t, n);
	uint64_t *first = anchor_of(t, f->key);
	f->next = *first;
	*first = n + 1;
}

static void unlink_frame(struct inverted *t, uint64_t n)
{
	struct frame *f = frame_of(t, n);
	uint64_t *link = anchor_of(t, f->key);
	while (*link != n + 1) link = &frame_of(t, *link - 1)->next;
	*link = f->next;
	*f = (struct frame){0};
}

/* The frame that holds a page, + 1; 0: none does. */
static uint64_t find_frame(const struct inverted *t, struct cluster_key key)
{
	uint64_t n = t->anchor ? *anchor_of(t, key) : 0;
	while (n) {
		const struct frame *f = frame_of(t, n - 1);
		if (f->key.number == key.number && f->key.tag == key.tag) break;
		n = f->next;
	}
	return n;
}

/* Every entry goes to its chain among new anchors. */
static void link_all(struct inverted *t)
{
	for (uint64_t i = 0; i >> t->slot_bits == 0; i++) {
		const struct section *s = &t->section[i];
		uint64_t first = (s->number - 1) << t->section_bits;
		for (uint64_t f = 0; s->number && f >> t->section_bits == 0; f++) {
			if (!s->frame[f].key.number) continue;
			link_frame(t, first + f);
			t->site.stats->moves++;
		}
	}
}

/* Sees to it that there are enough anchors for the frames described; with too few chains are longer. False: there is not one. */
static bool hold_anchors(struct inverted *t)
{
	uint64_t wanted = t->sections * t->site.params->anchors_per_frame << t->section_bits;
	unsigned bits = log2_floor(wanted);
	bits += !is_power_of_2(wanted);
	if (t->anchor && bits <= t->anchor_bits) return true;
	struct table_area area;
	if (!table_area_take(&t->site, bits + ANCHOR_BITS, &area)) return t->anchor;
	t->site.stats->resizes += t->anchor != NULL;
	table_area_give(&t->site, &t->area);
	free(t->anchor);
	t->area = area;
	t->anchor_bits = bits;
	t->anchor = xcalloc((size_t)1 << bits, sizeof(*t->anchor));
	link_all(t);
	return true;
}

/* --- search ------------------------------------------------------------------------------------------------------ */

static struct cluster_key key_of(const struct inverted *t, uint64_t input, tlb_tag_t tag)
{
	return (struct cluster_key){(input >> t->frame_bits) + 1, tag};
}

static void describe(const struct inverted *t, uint64_t frame, uint64_t input, struct mapping *out)
{
	*out = (struct mapping){input, frame << t->frame_bits | (input & bits_ones(t->frame_bits)),
				frame_of(t, frame)->bits};
}

static bool inverted_find(const void *table, uint64_t input, tlb_tag_t tag, struct mapping *out)
{
	const struct inverted *t = table;
	uint64_t n = find_frame(t, key_of(t, input, tag));
	if (n) describe(t, n - 1, input, out);
	return n;
}

enum { AT_ANCHOR = -1, AT_FRAME = 0 };

static enum lookup_step inverted_begin(void *table, struct lookup *l)
{
	const struct inverted *t = table;
	if (!t->anchor) return LOOKUP_ABSENT;
	uint64_t i = cluster_hash(key_of(t, l->input, l->tag), 0, t->anchor_bits);
	l->pos.level = AT_ANCHOR;
	l->pos.table = i;
	l->reads = 1;
	l->read[0] = table_area_address(&t->area, i << ANCHOR_BITS);
	return LOOKUP_READ;
}

/* What was read is the anchor pos.table, or the entry of frame pos.table. */
static enum lookup_step inverted_next(void *table, struct lookup *l)
{
	const struct inverted *t = table;
	uint64_t next;
	if (l->pos.level == AT_ANCHOR) {
		next = t->anchor[l->pos.table];
	} else {
		const struct frame *f = frame_of(t, l->pos.table);
		struct cluster_key key = key_of(t, l->input, l->tag);
		if (f->key.number == key.number && f->key.tag == key.tag) {
			describe(t, l->pos.table, l->input, &l->found);
			return LOOKUP_FOUND;
		}
		next = f->next;
	}
	if (!next) return LOOKUP_ABSENT;
	l->pos.level = AT_FRAME;
	l->pos.table = next - 1;
	l->read[0] = entry_address(t, next - 1);
	return LOOKUP_READ;
}

/* --- change ------------------------------------------------------------------------------------------------------ */

/* The frames of the page or block of size 2^bits around an address, the first of them and how many. */
struct piece {
	uint64_t first, frames;
};

static struct piece piece_around(const struct inverted *t, uint64_t address, unsigned bits)
{
	return (struct piece){bits_align_down(address, bits) >> t->frame_bits,
			      UINT64_C(1) << (bits - t->frame_bits)};
}

/* Takes out the page or the whole block that has frame n. */
static void take_out(struct inverted *t, uint64_t n)
{
	struct piece p = piece_around(t, n << t->frame_bits, frame_of(t, n)->bits);
	for (uint64_t i = 0; i < p.frames; i++) unlink_frame(t, p.first + i);
}

static unsigned piece_bits(const struct mapping *m)
{
	return m->bits < PIECE_BITS_MOST ? m->bits : PIECE_BITS_MOST;
}

/* Some frame of it holds another page. */
static bool inverted_displaces(const void *table, const struct mapping *m, tlb_tag_t tag)
{
	const struct inverted *t = table;
	struct piece of = piece_around(t, m->out, piece_bits(m));
	struct cluster_key key = key_of(t, bits_align_down(m->input, piece_bits(m)), tag);
	for (uint64_t i = 0; i < of.frames; i++, key.number++) {
		const struct frame *f = frame_of(t, of.first + i);
		if (f && f->key.number && (f->key.number != key.number || f->key.tag != tag)) return true;
	}
	return false;
}

/* Nothing of what is to come may be held otherwise: neither the frames by other pages, nor the pages in other frames. */
static void clear_way(struct inverted *t, struct piece of, struct cluster_key key)
{
	for (uint64_t i = 0; i < of.frames; i++, key.number++) {
		if (frame_of(t, of.first + i)->key.number) {
			take_out(t, of.first + i);
			t->site.stats->remaps++;
		}
		uint64_t n = find_frame(t, key);
		if (n) take_out(t, n - 1);
	}
}

static bool inverted_insert(void *table, const struct mapping *m, tlb_tag_t tag)
{
	struct inverted *t = table;
	unsigned bits = piece_bits(m);
	struct piece of = piece_around(t, m->out, bits);
	struct cluster_key key = key_of(t, bits_align_down(m->input, bits), tag);
	t->site.stats->inserts++;
	for (uint64_t i = 0; i < of.frames; i++)
		if (!add_section(t, of.first + i)) return false;
	if (!hold_anchors(t)) return false;
	clear_way(t, of, key);
	for (uint64_t i = 0; i < of.frames; i++, key.number++) {
		*frame_of(t, of.first + i) = (struct frame){.key = key, .bits = (uint8_t)bits};
		link_frame(t, of.first + i);
	}
	t->site.stats->replicas += of.frames - 1;
	return true;
}

static bool overlaps(const struct inverted *t, const struct frame *f, uint64_t input, uint64_t last)
{
	if (!f->key.number) return false;
	uint64_t first = bits_align_down((f->key.number - 1) << t->frame_bits, f->bits);
	return first <= last && input <= (first | bits_ones(f->bits));
}

static uint64_t remove_everywhere(struct inverted *t, uint64_t input, uint64_t last, tlb_tag_t tag)
{
	uint64_t removed = 0;
	for (uint64_t i = 0; i >> t->slot_bits == 0; i++) {
		const struct section *s = &t->section[i];
		uint64_t first = (s->number - 1) << t->section_bits;
		for (uint64_t f = 0; s->number && f >> t->section_bits == 0; f++) {
			if (s->frame[f].key.tag != tag || !overlaps(t, &s->frame[f], input, last)) continue;
			take_out(t, first + f);
			removed++;
		}
	}
	return removed;
}

/* By page where the range has few, else by reading the whole table. */
static void inverted_remove(void *table, uint64_t input, uint64_t bytes, tlb_tag_t tag)
{
	struct inverted *t = table;
	struct cluster_key key = key_of(t, input, tag), last = key_of(t, input + bytes - 1, tag);
	if ((last.number - key.number) >> t->section_bits >= t->sections) {
		t->site.stats->removed += remove_everywhere(t, input, input + bytes - 1, tag);
		return;
	}
	for (; key.number <= last.number; key.number++) {
		uint64_t n = find_frame(t, key);
		if (!n) continue;
		take_out(t, n - 1);
		t->site.stats->removed++;
	}
}

/* --- life -------------------------------------------------------------------------------------------------------- */

static void *inverted_make(const struct table_site *site)
{
	struct inverted *t = xcalloc(1, sizeof(*t));
	t->site = *site;
	t->frame_bits = site->s.granule_bits;
	t->section_bits = t->frame_bits - ENTRY_BITS;
	t->slot_bits = FIRST_SLOT_BITS;
	t->section = xcalloc((size_t)1 << t->slot_bits, sizeof(*t->section));
	return t;
}

static void inverted_free(void *table)
{
	struct inverted *t = table;
	for (uint64_t i = 0; i >> t->slot_bits == 0; i++) free(t->section[i].frame);
	for (unsigned i = 0; i < t->chunks; i++) table_area_give(&t->site, &t->chunk[i]);
	free(t->chunk);
	table_area_give(&t->site, &t->area);
	free(t->anchor);
	free(t->section);
	free(t);
}

static const struct table_kind table_inverted = {.make = inverted_make,
						 .free = inverted_free,
						 .begin = inverted_begin,
						 .next = inverted_next,
						 .find = inverted_find,
						 .insert = inverted_insert,
						 .remove = inverted_remove,
						 .displaces = inverted_displaces,
						 .shared = true,
						 .hashes_once = true};

const struct page_table_design design_inverted = {.name = "inverted",
						  .source = "Chang and Mergen, TOCS 1988; Jacob and Mudge, "
							    "ASPLOS 1998",
						  .table = &table_inverted,
						  .walk = page_design_walk_stages,
						  .note = page_design_note_stages};
