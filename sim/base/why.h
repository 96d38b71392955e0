/* why.h - where the cycles of one access went: a tree of spans of time, each with its cause.
 *
 *   why_reset -> why_open / why_leaf / why_close ... -> why_check
 * Who spends time on an access's way writes down a span; one that is open holds those that follow. Recorders are reached
 * by a pointer that is NULL in ordinary runs, and only from paths that are slow anyhow. A tree is sound when
 * the spans inside of each span follow each other without a gap from its first cycle to its last, so that what they
 * cost adds up, exactly. Names and outcomes are borrowed texts.
 * Not modelled: what other accesses did meanwhile.
 */
#ifndef BASE_WHY_H
#define BASE_WHY_H

#include <stddef.h>

#include "base/status.h"
#include "base/types.h"

#define WHY_KINDS(X) \
	X(ACCESS, "the whole of it") \
	X(ISSUE, "waits for the load that its address comes from") \
	X(TRANSLATION, "translation") \
	X(TLB, "TLB") \
	X(WALK, "walk of the translation tables") \
	X(TLB_PORT, "waits for a port") \
	X(WALKER_QUEUE, "waits for a walker") \
	X(WALK_CACHE, "walk cache") \
	X(IPA_CACHE, "IPA cache") \
	X(TABLE_KNOWN, "stage 2 of the table: known from the walk cache") \
	X(DESCRIPTOR, "reads descriptor") \
	X(UPDATE, "writes access flag or dirty state back") \
	X(WALKER_STEP, "walker's own work") \
	X(PLACES, "reads of the page-table design at once") \
	X(FAULT, "fault") \
	X(RETIRE, "waits until all older instructions have retired") \
	X(EXCEPTION, "the kernel's handler") \
	X(HYPERVISOR, "the hypervisor's handler") \
	X(VMM, "the virtual machine monitor") \
	X(FIRMWARE, "firmware") \
	X(IDLE, "waits for an interrupt") \
	X(GUEST, "the guest's own instructions meanwhile") \
	X(STORE_BUFFER, "waits for room in the store buffer") \
	X(MEMORY, "memory access") \
	X(CACHE, "has the line") \
	X(ARRIVAL, "has the line under way, and it arrives") \
	X(MISS, "misses") \
	X(TRANSFER, "the core that wrote the line gives it") \
	X(UPGRADE, "waits until no other core has the line") \
	X(POSTED, "takes the write; nobody waits for it") \
	X(DRAM_QUEUE, "waits for bandwidth") \
	X(DRAM, "reads the line")

enum why_kind {
#define X(name, doc) WHY_##name,
	WHY_KINDS(X)
#undef X
		WHY_KIND_COUNT
};

struct why_span {
	cycles_t begin, end;
	const char *name;    /* of the component; NULL: the kind says it all */
	const char *outcome; /* "hit", "miss", ...; NULL: none */
	uint64_t address;    /* TLB: VA; DESCRIPTOR, MEMORY: PA; WALK_CACHE, IPA_CACHE: input address */
	uint64_t value;      /* DESCRIPTOR: what was read; WALK_CACHE: the table it leads to; PLACES: reads */
	uint8_t kind;        /* enum why_kind */
	uint8_t depth;       /* 0 is the root */
	uint8_t stage;       /* of a walk's step; 0 else */
	uint8_t cause;       /* enum req_cause, of DESCRIPTOR and PLACES */
	int8_t level;        /* of a walk's step */
};

struct why {
	struct why_span *span; /* in the order of a walk through the tree, parents first */
	size_t count, room;
	unsigned depth; /* of the next span */
};

/* Forgets all spans; room stays. */
void why_reset(struct why *w);
void why_fini(struct why *w);
void why_copy(struct why *to, const struct why *from);

/* Writes down a span (`depth` is filled in) and returns its number. With a NULL recorder all of these do nothing. */
size_t why_add(struct why *w, const struct why_span *s);
/* Puts a span in front of number `at`, at the depth that it says. */
void why_insert(struct why *w, size_t at, const struct why_span *s);

/* why_add() of a struct why_span that is made only where somebody asks. */
#define why_leaf(w, ...) (__builtin_expect((w) != NULL, 0) ? (void)why_add((w), &__VA_ARGS__) : (void)0)

/* The spans that follow are inside of this one, until it is closed. */
size_t why_open_span(struct why *w, const struct why_span *s);
#define why_open(w, ...) (__builtin_expect((w) != NULL, 0) ? why_open_span((w), &__VA_ARGS__) : 0)

static inline void why_close(struct why *w, size_t number, cycles_t end)
{
	if (!w) return;
	w->span[number].end = end;
	w->depth--;
}

static inline size_t why_count(const struct why *w) { return w ? w->count : 0; }

/* ERR_CHECK names the first span whose parts do not add up to it. */
enum status why_check(const struct why *w, struct err *err);

#endif
