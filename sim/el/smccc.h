/* smccc.h - calls of firmware and hypervisors by name: SMCCC, PSCI, TRNG, and KVM's own.
 *
 * A function identifier: bit 31 fast call, bit 30 SMC64, bits 29:24 the service that owns it, bits 15:0 its
 * number.
 * Source: Arm DEN 0028 (SMCCC) 1.5, 2.5, 6 (table of owners) and appendix A; DEN 0022 (PSCI) 1.2, 5.1; DEN 0098 (TRNG);
 * KVM's own: Linux 6.6 include/linux/arm-smccc.h.
 */
#ifndef EL_SMCCC_H
#define EL_SMCCC_H

#include <stdbool.h>
#include <stdint.h>

/* name, identifier, whether the SMC32 form (bit 30 clear) is a call as well. */
#define SMCCC_CALLS(X) \
	X(SMCCC_VERSION, 0x80000000, 0) \
	X(SMCCC_ARCH_FEATURES, 0x80000001, 0) \
	X(SMCCC_ARCH_SOC_ID, 0x80000002, 0) \
	X(SMCCC_ARCH_FEATURE_AVAILABILITY, 0x80000003, 0) \
	X(SMCCC_ARCH_WORKAROUND_1, 0x80008000, 0) \
	X(SMCCC_ARCH_WORKAROUND_2, 0x80007fff, 0) \
	X(SMCCC_ARCH_WORKAROUND_3, 0x80003fff, 0) \
	X(SMCCC_ARCH_WORKAROUND_4, 0x80000004, 0) \
	X(PSCI_VERSION, 0x84000000, 0) \
	X(PSCI_CPU_SUSPEND, 0xc4000001, 1) \
	X(PSCI_CPU_OFF, 0x84000002, 0) \
	X(PSCI_CPU_ON, 0xc4000003, 1) \
	X(PSCI_AFFINITY_INFO, 0xc4000004, 1) \
	X(PSCI_MIGRATE, 0xc4000005, 1) \
	X(PSCI_MIGRATE_INFO_TYPE, 0x84000006, 0) \
	X(PSCI_MIGRATE_INFO_UP_CPU, 0xc4000007, 1) \
	X(PSCI_SYSTEM_OFF, 0x84000008, 0) \
	X(PSCI_SYSTEM_RESET, 0x84000009, 0) \
	X(PSCI_FEATURES, 0x8400000a, 0) \
	X(PSCI_CPU_FREEZE, 0x8400000b, 0) \
	X(PSCI_CPU_DEFAULT_SUSPEND, 0xc400000c, 1) \
	X(PSCI_NODE_HW_STATE, 0xc400000d, 1) \
	X(PSCI_SYSTEM_SUSPEND, 0xc400000e, 1) \
	X(PSCI_SET_SUSPEND_MODE, 0x8400000f, 0) \
	X(PSCI_STAT_RESIDENCY, 0xc4000010, 1) \
	X(PSCI_STAT_COUNT, 0xc4000011, 1) \
	X(PSCI_SYSTEM_RESET2, 0xc4000012, 1) \
	X(PSCI_MEM_PROTECT, 0x84000013, 0) \
	X(PSCI_MEM_PROTECT_CHECK_RANGE, 0xc4000014, 1) \
	X(TRNG_VERSION, 0x84000050, 0) \
	X(TRNG_FEATURES, 0x84000051, 0) \
	X(TRNG_GET_UUID, 0x84000052, 0) \
	X(TRNG_RND, 0xc4000053, 1) \
	X(PV_TIME_FEATURES, 0xc5000020, 0) \
	X(PV_TIME_ST, 0xc5000021, 0) \
	X(KVM_CALL_UID, 0x8600ff01, 0) \
	X(KVM_FEATURES, 0x86000000, 0) \
	X(KVM_PTP, 0x86000001, 0)

/* Who owns a call: name, first and last number of bits 29:24. */
/* clang-format off */
#define SMCCC_SERVICES(X) \
	X(arch, 0, 0) X(cpu, 1, 1) X(sip, 2, 2) X(oem, 3, 3) X(standard, 4, 4) X(hypervisor, 5, 5) \
	X(vendor_hypervisor, 6, 6) X(trusted_app, 48, 49) X(trusted_os, 50, 63)
/* clang-format on */

enum smccc_service {
#define X(name, first, last) SERVICE_##name,
	SMCCC_SERVICES(X)
#undef X
		SERVICE_COUNT
};

struct smccc_call {
	const char *name;
	uint32_t id;
	bool narrow; /* also with bit 30 clear */
};

/* The call with a name, or with an identifier; NULL: not known. */
const struct smccc_call *smccc_find(const char *name);
const struct smccc_call *smccc_by_id(uint32_t id);

/* The service that owns a call, SERVICE_COUNT where the number is reserved; by name, false: none. */
enum smccc_service smccc_service_of(uint32_t id);
bool smccc_service_find(const char *name, enum smccc_service *out);

static inline bool smccc_is_fast(uint32_t id) { return id >> 31; }
static inline bool smccc_is_64(uint32_t id) { return id >> 30 & 1; }
static inline unsigned smccc_owner(uint32_t id) { return id >> 24 & 0x3f; }

#endif
