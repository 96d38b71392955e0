/* record.h - one step of a workload: what traces, generators and cores exchange.
 *
 * A stream is an array of these, in program order of one thread. Accesses are the common case;
 * architectural events travel in the same stream. Instructions are counted by `gap` and by FETCH runs:
 *   instructions of a record = kind == REC_FETCH ? count : gap
 * A stream with fetch records has gap == 0 everywhere else; one without says so (STREAM_NO_FETCH)
 * and its gap counts the instructions since the previous record, the present one included.
 */
#ifndef BASE_RECORD_H
#define BASE_RECORD_H

#include <stdint.h>

/* name, text name, what `addr`, `arg` and `count` hold. Numbers are part of the trace format. */
#define RECORD_KINDS(X) \
	X(FETCH, 0, "F", "addr = VA of the first instruction, count = instructions of 4 bytes in sequence") \
	X(LOAD, 1, "L", "addr = VA, count = bytes") \
	X(STORE, 2, "S", "addr = VA, count = bytes") \
	X(SVC, 16, "svc", "count = immediate") \
	X(HVC, 17, "hvc", "count = immediate, arg = X0: the SMCCC function identifier (0: unsaid)") \
	X(SMC, 18, "smc", "count = immediate, arg = X0: the SMCCC function identifier (0: unsaid)") \
	X(ERET, 19, "eret", \
	  "addr = target VA, count = exception level returned to, arg = level returned from (0: unsaid)") \
	X(WFI, 20, "wfi", "-") \
	X(WFE, 21, "wfe", "-") \
	X(MSR, 22, "msr", "count = op0:op1:CRn:CRm:op2 as 2:3:4:4:3 bits, arg = value written") \
	X(MRS, 23, "mrs", "count = op0:op1:CRn:CRm:op2, arg = value read") \
	X(TLBI, 24, "tlbi", "count = op1:CRn:CRm:op2 as 3:4:4:3 bits, arg = operand") \
	X(DSB, 25, "dsb", "count = CRm (domain and types)") \
	X(ISB, 26, "isb", "-") \
	X(SWITCH, 27, "switch", "count = thread that runs from here, arg = its ASID") \
	X(MAP, 28, "map", "addr = VA, arg = bytes, count = permissions (1 read, 2 write, 4 execute)") \
	X(UNMAP, 29, "unmap", "addr = VA, arg = bytes") \
	X(SGI, 30, "sgi", \
	  "a write of ICC_SGI1R_EL1: count = INTID, arg = its other fields (target list, affinities)") \
	X(TIMER, 31, "timer", "count = timer, arg = compare value in cycles from now") \
	X(VIRTIO, 32, "virtio", "count = queue, addr = sector, arg = bytes") \
	X(MARKER, 33, "marker", "count = user number (1 = the measured region begins, 2 = it ends)") \
	X(EXC, 34, "exc", \
	  "an exception: addr = ELR, arg = ESR, count = from, to, kind as 2, 2, 3 bits (enum exc_kind)") \
	X(LDXR, 35, "ldxr", "load exclusive: addr = VA, count = bytes") \
	X(STXR, 36, "stxr", "store exclusive: addr = VA, count = bytes") \
	X(CLREX, 37, "clrex", "-") \
	X(ATOMIC, 38, "atomic", \
	  "atomic of FEAT_LSE: addr = VA, count = bytes, arg = 1: it returns no value (STADD), else 0") \
	X(LOCK, 41, "lock", \
	  "addr = VA of the lock's word, count = kind (enum lock_kind); waits until the thread has it") \
	X(UNLOCK, 42, "unlock", "addr = VA of the lock's word: the thread gives it back") \
	X(DESC, 40, "desc", \
	  "addr = VA, count = level, arg = descriptor that the kernel writes there, no more")

enum record_kind {
#define X(name, number, text, doc) REC_##name = number,
	RECORD_KINDS(X)
#undef X
};

/* Kinds of a REC_EXC, and its count. */
enum exc_kind { EXC_REC_SYNC, EXC_REC_IRQ, EXC_REC_FIQ, EXC_REC_SERROR, EXC_REC_VIRTUAL = 4 };
static inline uint32_t exc_count(unsigned from, unsigned to, unsigned kind)
{
	return from | to << 2 | kind << 4;
}
static inline unsigned exc_from(uint32_t count) { return count & 3; }
static inline unsigned exc_to(uint32_t count) { return count >> 2 & 3; }
static inline unsigned exc_kind_of(uint32_t count) { return count >> 4 & 7; }

enum record_flag {
	REC_DEPENDENT = 1, /* the address depends on the value of the previous load */
	REC_SHARED = 2,    /* LOCK: beside others, as a reader */
	REC_AGAIN = 4,     /* STXR: where it does not store, the program goes back to its load exclusive */
};

enum { ATOMIC_RETURNING, ATOMIC_POSTED }; /* arg of ATOMIC */

struct record {
	uint64_t addr, arg;
	uint32_t count;
	uint16_t gap;
	uint8_t kind, flags;
};

/* What a stream cannot say; statistics that need it say so. */
enum stream_lack {
	STREAM_NO_FETCH = 1,
	STREAM_NO_INSTRUCTIONS = 2,
	STREAM_NO_SIZES = 4,
	STREAM_NO_DEPENDENCE = 8
};

#endif
