/* smccc.h - calls of firmware and hypervisors by name: SMCCC, PSCI, TRNG, and KVM's own.
 *
 * A function identifier: bit 31 fast call, bit 30 SMC64, bits 29:24 the service that owns it, bits 15:0 its
 * number.
 * Source: Arm DEN 0028 (SMCCC) 1.5, 2.5 and appendix A; DEN 0022 (PSCI) 1.2, 5.1; DEN 0098 (TRNG).
 */
#ifndef EL_SMCCC_H
#define EL_SMCCC_H

#include <stdbool.h>
#include <stdint.h>

#define SMCCC_CALLS(X) \
	X(SMCCC_VERSION, 0x80000000) \
	X(SMCCC_ARCH_FEATURES, 0x80000001) \
	X(SMCCC_ARCH_SOC_ID, 0x80000002) \
	X(SMCCC_ARCH_WORKAROUND_1, 0x80008000) \
	X(SMCCC_ARCH_WORKAROUND_2, 0x80007fff) \
	X(SMCCC_ARCH_WORKAROUND_3, 0x80003fff) \
	X(PSCI_VERSION, 0x84000000) \
	X(PSCI_CPU_SUSPEND, 0xc4000001) \
	X(PSCI_CPU_OFF, 0x84000002) \
	X(PSCI_CPU_ON, 0xc4000003) \
	X(PSCI_AFFINITY_INFO, 0xc4000004) \
	X(PSCI_MIGRATE, 0xc4000005) \
	X(PSCI_MIGRATE_INFO_TYPE, 0x84000006) \
	X(PSCI_SYSTEM_OFF, 0x84000008) \
	X(PSCI_SYSTEM_RESET, 0x84000009) \
	X(PSCI_FEATURES, 0x8400000a) \
	X(PSCI_SYSTEM_SUSPEND, 0xc400000e) \
	X(PSCI_SET_SUSPEND_MODE, 0x8400000f) \
	X(PSCI_SYSTEM_RESET2, 0xc4000012) \
	X(TRNG_VERSION, 0x84000050) \
	X(TRNG_FEATURES, 0x84000051) \
	X(TRNG_GET_UUID, 0x84000052) \
	X(TRNG_RND, 0xc4000053) \
	X(PV_TIME_FEATURES, 0xc5000020) \
	X(PV_TIME_ST, 0xc5000021) \
	X(KVM_FEATURES, 0x86000000) \
	X(KVM_PTP, 0x86000001)

struct smccc_call {
	const char *name;
	uint32_t id;
};

/* The call with a name, or with an identifier; NULL: not known. */
const struct smccc_call *smccc_find(const char *name);
const struct smccc_call *smccc_by_id(uint32_t id);

static inline bool smccc_is_fast(uint32_t id) { return id >> 31; }
static inline bool smccc_is_64(uint32_t id) { return id >> 30 & 1; }
/* Who owns a call: 0 Arm architecture, 4 standard secure (PSCI, TRNG), 5 standard hypervisor, 6 vendor
 * hypervisor. */
static inline unsigned smccc_owner(uint32_t id) { return id >> 24 & 0x3f; }

#endif
