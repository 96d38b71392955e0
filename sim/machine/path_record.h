/* path_record.h - which instruction of the guest a record of a trace is: (record) -> path_instruction.
 *
 * HVC, SMC, WFI, WFE, MSR and MRS are themselves, and an SGI is the write of ICC_SGI1R_EL1 that sends it. No other record is one that software
 * below the guest may hear of.
 * Source: encodings: Arm ARM DDI 0487, C5.2; identifiers of calls: DEN 0028 (SMCCC), 2.5.
 */
#ifndef MACHINE_PATH_RECORD_H
#define MACHINE_PATH_RECORD_H

#include "base/record.h"
#include "hyp/path.h"

struct path_record {
	struct path_instruction instruction;
	bool undefined; /* the access of a register that there is not */
	char call[16];  /* what the instruction calls, where its identifier has no name */
};

/* False: `rec` is none, and *p is as it was. What p->instruction points to is valid as long as *p. */
bool path_record_read(struct path_record *p, const struct record *rec);

#endif
