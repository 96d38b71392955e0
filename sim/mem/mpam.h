/* mpam.h - the labels that are in use, by small numbers, and the controls of one memory system component (MSC).
 *
 *   mpam_new: what a stack says -> the labels     mpam_msc_advance: the settings that are due at a cycle
 * A monitor is the number of a label, a PARTID with a PMG; monitor 0 is PARTID 0, PMG 0, which requests without a label carry.
 * An MSC learns of a setting with the first request at or after its cycle, so that no order of cores matters to it.
 * Source: mpam_params.h.
 * Not modelled: virtual PARTIDs (MPAMVPM<n>_EL2), PARTID narrowing, security spaces of PARTIDs, resource instances, error
 * interrupts, monitors that overflow, filter by type, or are captured.
 */
#ifndef MEM_MPAM_H
#define MEM_MPAM_H

#include <stdbool.h>

#include "base/status.h"
#include "base/types.h"
#include "mem/mpam_params.h"

enum { MPAM_MONITORS = 64 };

struct mpam_label {
	uint16_t partid;
	uint8_t pmg;
};

/* Gives threads 0..threads-1 the labels that rows of struct mpam_label_params have for them; those that no row names keep what `out`
 * has. ERR_CONFIG: a row's list of threads is none; `key` is what messages call the rows. */
enum status mpam_label_threads(const struct param_list *rows, const char *key, unsigned threads,
			       struct mpam_label *out, struct err *err);

struct mpam {
	const struct mpam_params *params;            /* borrowed */
	unsigned partids;                            /* the largest in use + 1 */
	unsigned monitors;                           /* labels in use */
	uint8_t partid_of[MPAM_MONITORS];            /* by monitor */
	uint8_t monitor_of[MPAM_PARTIDS][MPAM_PMGS]; /* 0 also for what is not in use */
	char text[MPAM_MONITORS][20];                /* "partid1_pmg0" */
	const char *names[MPAM_MONITORS + 1];        /* the same for rows of statistics, NULL at the end */
};

/* ERR_CONFIG: more labels than MPAM_MONITORS, or a control's value is outside its range. free() it. */
enum status mpam_new(const struct mpam_params *p, struct mpam **out, struct err *err);

/* The controls of one MSC, as they are written now. */
struct mpam_msc {
	const struct mpam *mpam;
	uint64_t value[MPAM_PARTIDS][MPAM_CONTROL_COUNT];
	cycles_t next;                   /* when the next setting is due; UINT64_MAX: there is none */
	const struct mpam_setting **due; /* in order of time; of one time, in the order of the file */
	size_t count, done;
};

/* `name` as settings call it; takes those of its kind. Nothing is written yet. */
void mpam_msc_init(struct mpam_msc *c, const struct mpam *m, const char *name, enum mpam_msc_kind kind);
void mpam_msc_fini(struct mpam_msc *c);
/* Writes what is due at `now`, when that is c->next or later. */
void mpam_msc_advance(struct mpam_msc *c, cycles_t now);

/* Whether the setting is for an MSC of that name and kind. */
bool mpam_is_for(const struct mpam_setting *s, const char *name, enum mpam_msc_kind kind);

#endif
