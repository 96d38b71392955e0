/* nv.h - nested virtualization: what a guest hypervisor at EL1 means by registers of EL2, and of EL1.
 *
 *   nv_to_memory: (state, name) -> offset in the page of VNCR_EL2, if the access goes there
 *   nv_to_el1:    (state, name) -> the EL1 register that an EL2 name reaches
 * With FEAT_NV2 and HCR_EL2.{NV,NV2} = {1,1} most registers of EL2 that have no effect while EL1 runs are words of memory, so
 * that they need no exit; the four that an exception uses are EL1's own. NV1 says whose the EL1 names are: with 1 (a guest
 * hypervisor without VHE) its guest's, which are memory; with 0 its own, and its guest's are the _EL12 names.
 * Source: Arm ARM DDI 0487, D8.11 (FEAT_NV2; table of VNCR_EL2 offsets); the offsets as in Linux arch/arm64/include/asm/vncr_mapping.h.
 * Not modelled: the access to memory itself and its faults; MPAM's registers; CNTHCTL_EL2.EL1NV*.
 */
#ifndef EL_NV_H
#define EL_NV_H

#include "el/state.h"

struct nv_row {
	uint16_t reg;    /* enum el_reg */
	uint16_t offset; /* bytes */
	bool by_nv1;     /* an EL1 register with an _EL12 name: which of both is memory follows from NV1 */
};
extern const struct nv_row nv_rows[];
extern const size_t nv_row_count;

/* True: an access to `name` at the present level is one of memory, *offset bytes into the page. O(rows). */
bool nv_to_memory(const struct el_state *s, struct reg_name name, unsigned *offset);
/* R_NONE: no redirection. */
enum el_reg nv_to_el1(const struct el_state *s, struct reg_name name);
/* Whether HCR_EL2.NV1 traps: only without FEAT_NV2's redirection. */
bool nv_traps(const struct el_state *s);

#endif
