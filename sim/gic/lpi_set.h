/* lpi_set.h - the LPIs that a redistributor knows: what is pending, how it is configured, which comes first.
 *
 *   lpi_tables: where the two tables in memory are        lpi_set: what was read of them, and what changed since
 * An LPI gets an entry (16 bytes) the first time it is made pending, so a set costs what is used of 2^24 INTIDs. The
 * highest-priority pending and enabled LPI stands at the top of a heap: best is O(1), a change O(log pending).
 * Physical LPIs, virtual LPIs and virtual SGIs all live in such sets; who owns one says where configuration is.
 * Source: GIC architecture specification IHI 0069, 5.1 (LPI configuration table: <7:2> priority, <0> enable; LPI pending
 * table: a bit per INTID from INTID 0).
 * IMPDEF: of pending LPIs with the same priority the lowest INTID comes first. The first KiB of a pending table, which an
 * implementation may use for itself, holds the pending bits of virtual SGIs and nothing else.
 */
#ifndef GIC_LPI_SET_H
#define GIC_LPI_SET_H

#include "base/types.h"
#include "mem/physmem.h"

enum { LPI_FIRST = 8192, LPI_ID_BITS_MIN = 14, LPI_ID_BITS_MAX = 24 };
#define LPI_CONFIG_ENABLE 1u
#define LPI_CONFIG_PRIORITY 0xfcu

struct lpi_tables {
	struct physmem *mem;
	struct pa config;  /* of INTID 8192 */
	struct pa pending; /* of INTID 0 */
	unsigned id_bits;  /* INTIDs below 2^id_bits exist; 0: none */
};

struct lpi_entry {
	uint32_t intid;
	uint32_t place; /* 1 + its index in the heap; 0: not there */
	uint32_t read;  /* lpi_set.reading when config was read */
	uint8_t config; /* as in the configuration table */
	bool pending;
	bool stored; /* the pending bit that memory has */
	bool used;   /* false: nobody's */
};

struct lpi_set {
	struct lpi_entry *entry;  /* a hash table by INTID; those not pending are a cache of configuration */
	uint32_t count, capacity; /* at most three quarters full */
	uint32_t *heap;           /* entries that are pending and enabled */
	uint32_t heap_count, heap_capacity;
	uint32_t pending; /* entries that are pending */
	uint32_t reading; /* configuration read before this reading is stale */
};

void lpi_set_init(struct lpi_set *s);
/* Forgets everything and returns the memory. */
void lpi_set_free(struct lpi_set *s);
/* Bytes of host memory that the set holds. */
size_t lpi_set_bytes(const struct lpi_set *s);

/* The entry of an INTID, or NULL. Valid until the next lpi_set_add(). */
struct lpi_entry *lpi_set_find(const struct lpi_set *s, uint32_t intid);
/* The entry after `e` (NULL: the first), in no order that means anything; NULL: there is none. */
struct lpi_entry *lpi_set_next(const struct lpi_set *s, const struct lpi_entry *e);
/* The entry of an INTID; a new one is not pending, not configured, and stale. */
struct lpi_entry *lpi_set_add(struct lpi_set *s, uint32_t intid);
bool lpi_set_stale(const struct lpi_set *s, const struct lpi_entry *e);
/* Gives an entry its configuration and puts it where its priority belongs. */
void lpi_set_configure(struct lpi_set *s, struct lpi_entry *e, uint8_t config);
void lpi_set_pend(struct lpi_set *s, struct lpi_entry *e, bool pending);
/* Makes all configuration stale. Entries that are pending keep their place until they are configured again. */
void lpi_set_invalidate(struct lpi_set *s);
/* The pending, enabled entry with the lowest priority value, then the lowest INTID; NULL: none. */
const struct lpi_entry *lpi_set_best(const struct lpi_set *s);
/* NULL, or which invariant is broken. O(entries). */
const char *lpi_set_check(const struct lpi_set *s);

/* Whether the tables hold an LPI of that number. */
bool lpi_tables_hold(const struct lpi_tables *t, uint64_t intid);
uint8_t lpi_tables_config(const struct lpi_tables *t, uint32_t intid);
bool lpi_tables_pending(const struct lpi_tables *t, uint32_t intid);
/* Sets or clears the pending bit in memory. Returns what it was. */
bool lpi_tables_pend(const struct lpi_tables *t, uint32_t intid, bool pending);
/* Reads the pending bits of all LPIs into `s`, as pending entries with stale configuration. Costs one look per 4 KiB of
 * table, and one per word only of pages that were written. Returns the number of words that were not 0. */
uint64_t lpi_tables_load(const struct lpi_tables *t, struct lpi_set *s);
/* Writes the pending bits that changed. Returns how many. */
uint64_t lpi_tables_store(const struct lpi_tables *t, struct lpi_set *s);

#endif
