/* its_entries.h - what our ITS keeps in its tables, and how it finds it.
 *
 * IMPDEF: the layouts, in doublewords.
 *   device       0  <63> valid  <51:8> address of the ITT  <4:0> EventID bits, minus 1                     8 bytes
 *   collection   0  <63> valid  <15:0> redistributor                                                     8 bytes
 *   event (ITE)  0  <63> valid  <62> virtual  <47:32> collection, or vPEID  <31:0> INTID                   8 bytes, with
 *                1  <31:0> INTID of the doorbell (virtual; GICv4.0)                                       GICv4 16
 *   vPE          see vpe_table.h
 */
#ifndef GIC_ITS_ENTRIES_H
#define GIC_ITS_ENTRIES_H

#include "gic/its.h"
#include "gic/its_cache.h"
#include "gic/its_table.h"

enum { ITS_DTE_BITS = 3, ITS_CTE_BITS = 3 };
enum { ITS_BASERS = 8, ITS_BASER_DEVICES = 0, ITS_BASER_COLLECTIONS = 1, ITS_BASER_VPES = 2 };

struct its_dte {
	bool valid;
	struct pa itt;
	unsigned event_bits;
};

struct its_cte {
	bool valid;
	unsigned redist;
};

struct its_ite {
	bool valid, is_virtual;
	uint32_t id; /* collection or vPEID */
	uint32_t intid, doorbell;
};

/* An event as commands and translations speak of it. */
struct its_event {
	uint32_t device, event;
	struct its_dte dte;
	struct its_ite ite;
};

struct its {
	struct its_params p;
	struct physmem *mem;
	struct its_redist *redist;
	unsigned redist_count;
	uint64_t ctlr, cbaser, cwriter, creadr, baser[ITS_BASERS];
	bool stalled;
	unsigned last_error;
	struct its_cache cache[ITS_TABLES];
	uint8_t reads[ITS_TABLES]; /* of the translation under way */
	struct its_stats stats;
	its_read_fn *on_read;
	void *on_read_self;
};

/* Reads give what memory has; an ID that the table has no entry for is found invalid, and *found says why. */
enum gic_found its_find_device(struct its *t, uint32_t device, struct its_dte *out);
enum gic_found its_find_collection(struct its *t, uint32_t icid, struct its_cte *out);
enum gic_found its_find_vpe(struct its *t, uint32_t vpeid, struct vpe_target *out);
/* e->device, e->event and e->dte are filled in; the EventID is in range. */
void its_find_event(struct its *t, struct its_event *e);

/* Write an entry that a find has found, and keep the caches true. */
void its_store_device(struct its *t, uint32_t device, const struct its_dte *d);
void its_store_collection(struct its *t, uint32_t icid, const struct its_cte *c);
void its_store_event(struct its *t, const struct its_event *e);
void its_store_vpe(struct its *t, const struct vpe_target *v);

/* The number of the redistributor that RDbase<50:16> names, or -1. */
int its_redist_of(const struct its *t, uint64_t rdbase);

/* Executes one command of 4 doublewords. Returns its error, 0: none. */
unsigned its_execute(struct its *t, const uint64_t word[4], enum its_command *command);

#endif
