/* its.h - an interrupt translation service: (DeviceID, EventID) -> LPI at a redistributor, or virtual LPI of a vPE.
 *
 *   its_new -> program GITS_CBASER, GITS_BASER<n>, GITS_CTLR -> commands in memory, GITS_CWRITER -> its_step, its_drain
 *   its_translate: a device's write of an EventID to GITS_TRANSLATER
 * All tables are in simulated memory, in our own layout (its_entries.h). Commands wait in the queue until its_step(), so that a
 * timed machine decides when each is executed; its_drain() executes all of them. Nothing else happens later than its call.
 *
 * Stages for timing: a translation reads the device table, the ITT, and the collection or vPE table, in this order; `struct
 * its_delivery` counts the reads that the caches of the ITS did not have, by table, names the redistributor and says whether it is on
 * another node than the ITS; its_on_read() tells each address as it is read. Caches decide only what is told, never what is found.
 *
 * Errors: a command that breaks a rule changes nothing. Its code is its_last_error(): 0x01, the command, the reason, as 8 bits
 * each; with `stall` the queue stops at it (GITS_CREADR.Stalled) until GITS_CWRITER.Retry, otherwise the command is skipped.
 * Source: IHI 0069, 5.2 (ITS), 5.3 (commands), 5.5 (error encodings), 12.19 (GITS_*); GICv4: 6. Codes that other implementations
 * publish agree: Linux include/linux/irqchip/arm-gic-v3.h, CoreLink GIC-600AE TRM 101206 (ITS command errors).
 * IMPDEF: a table entry whose level 2 page is missing is out of range for commands and unmapped for translations. SYNC and VSYNC have nothing to wait for. Unknown commands are errors with reason 0xff.
 * Not modelled: GITS_TYPER.HCC (collections without memory), MPAM, the generation of SErrors (its_last_error() instead),
 * GITS_UMSIR, security and attributes of table accesses.
 */
#ifndef GIC_ITS_H
#define GIC_ITS_H

#include "gic/lpi.h"
#include "gic/vpe.h"

/* Name, opcode, code of it in errors, needs (0: every ITS, 4: GICv4, 5: GICv4.1), what it does. */
#define ITS_COMMANDS(X) \
	X(MOVI, 0x01, 0x01, 0, "moves an event and its pending state to another collection") \
	X(INT, 0x03, 0x03, 0, "makes an event pending") \
	X(CLEAR, 0x04, 0x05, 0, "clears the pending state of an event") \
	X(SYNC, 0x05, 0x00, 0, "waits until commands for a redistributor are done") \
	X(MAPD, 0x08, 0x08, 0, "gives a device its interrupt translation table") \
	X(MAPC, 0x09, 0x09, 0, "maps a collection to a redistributor") \
	X(MAPTI, 0x0a, 0x0a, 0, "maps an event to an LPI and a collection") \
	X(MAPI, 0x0b, 0x0b, 0, "maps an event to the LPI of the same number") \
	X(INV, 0x0c, 0x0c, 0, "reads the configuration of an event's LPI again") \
	X(INVALL, 0x0d, 0x0d, 0, "reads the configuration of a collection's LPIs again") \
	X(MOVALL, 0x0e, 0x0e, 0, "moves all pending LPIs of a redistributor") \
	X(DISCARD, 0x0f, 0x0f, 0, "unmaps an event and clears its pending state") \
	X(VMOVI, 0x21, 0x21, 4, "moves an event to another vPE") \
	X(VMOVP, 0x22, 0x22, 4, "maps a vPE to another redistributor") \
	X(VSGI, 0x23, 0x23, 5, "configures a virtual SGI, or clears it") \
	X(VSYNC, 0x25, 0x25, 4, "waits until commands for a vPE are done") \
	X(VMAPP, 0x29, 0x29, 4, "maps a vPE to a redistributor") \
	X(VMAPTI, 0x2a, 0x2a, 4, "maps an event to a virtual LPI of a vPE") \
	X(VMAPI, 0x2b, 0x2b, 4, "maps an event to the virtual LPI of the same number") \
	X(VINVALL, 0x2d, 0x2d, 4, "reads the configuration of a vPE's virtual LPIs again") \
	X(INVDB, 0x2e, 0x2e, 5, "reads the configuration of a vPE's default doorbell again")

enum its_command {
#define X(name, opcode, code, need, doc) ITS_##name,
	ITS_COMMANDS(X)
#undef X
		ITS_COMMAND_COUNT
};

/* Reasons of errors, <7:0> of a code. */
/* clang-format off */
#define ITS_REASONS(X) \
	X(DEVICE_OOR, 0x01) X(PROCNUM_OOR, 0x02) X(COLLECTION_OOR, 0x03) X(UNMAPPED_DEVICE, 0x04) X(ID_OOR, 0x05) \
	X(PHYSICALID_OOR, 0x06) X(UNMAPPED_INTERRUPT, 0x07) X(UNMAPPED_COLLECTION, 0x09) \
	X(ITE_INVALID, 0x10) /* its collection or vPE is not mapped; UNSURE: published descriptions are vague */ \
	X(VPE_OOR, 0x11) \
	X(VPTSIZE_OOR, 0x12) /* UNSURE: number */ X(VIRTUALID_OOR, 0x13) X(UNMAPPED_VPE, 0x14) X(ID_IS_PHYSICAL, 0x15) \
	X(ITEVPE_INVALID, 0x16) X(CMDVPE_INVALID, 0x17) X(UNKNOWN_COMMAND, 0xff)
/* clang-format on */

enum its_reason {
	ITS_OK,
#define X(name, number) ITS_##name = number,
	ITS_REASONS(X)
#undef X
	/* Two commands give these numbers another meaning. */
	ITS_MAPD_ITTSIZE_OOR = 0x02,
	ITS_MOVALL_PROCNUM_OOR = 0x01,
};

#define ITS_ERROR(code, reason) (0x010000u | (unsigned)(code) << 8 | (unsigned)(reason))

enum its_table { ITS_DEVICES, ITS_EVENTS, ITS_COLLECTIONS, ITS_VPES, ITS_TABLES };

/* Why a translation came to nothing. */
/* clang-format off */
#define ITS_DROPS(X) \
	X(NONE, none) X(DISABLED, disabled) X(DEVICE_RANGE, device_range) X(DEVICE_UNMAPPED, device_unmapped) \
	X(EVENT_RANGE, event_range) X(EVENT_UNMAPPED, event_unmapped) X(COLLECTION_UNMAPPED, collection_unmapped) \
	X(VPE_UNMAPPED, vpe_unmapped) X(REDISTRIBUTOR, redistributor)
/* clang-format on */
enum its_drop {
#define X(name, text) ITS_DROP_##name,
	ITS_DROPS(X)
#undef X
		ITS_DROP_COUNT
};

struct its_delivery {
	enum its_drop drop;
	bool is_virtual, resident, doorbell; /* see vpe.h */
	bool remote;                         /* the redistributor is on another node */
	unsigned redist;
	uint32_t intid;
	uint8_t reads[ITS_TABLES]; /* doublewords read from memory: the caches did not have them */
};

struct its_params {
	unsigned device_bits;     /* GITS_TYPER.Devbits + 1, 1..32 */
	unsigned event_bits;      /* GITS_TYPER.ID_bits + 1, 1..32 */
	unsigned collection_bits; /* GITS_TYPER.CIDbits + 1, 1..16 */
	unsigned id_bits;         /* of physical INTIDs: GICD_TYPER.IDbits + 1, 14..24 */
	unsigned vpe_bits;        /* of vPEIDs, 1..16 */
	bool v4, v41;             /* v41 needs v4 */
	bool pta;                 /* GITS_TYPER.PTA: RDbase is an address, not a number */
	bool stall;               /* what an error does */
	bool keep_mapped; /* MAPTI over a mapped event changes nothing, as in KVM; otherwise it replaces */
	unsigned node;    /* where it stands */
	unsigned number;  /* GITS_CTLR.ITS_Number, 0..15 */
	unsigned cached[ITS_TABLES]; /* entries of each cache: a power of 2 from 4; 0: none */
};

/* A redistributor as an ITS knows it; all borrowed. */
struct its_redist {
	struct lpi *lpi;
	struct vpe_redist *vpe; /* NULL: no GICv4 */
	unsigned node;
	uint64_t address; /* of its RD_base frame; used with PTA */
};

struct its_stats {
	uint64_t commands[ITS_COMMAND_COUNT], errors, stalls;
	uint64_t translations[ITS_DROP_COUNT];
	uint64_t virtual_lpis, virtual_sgis, doorbells, remote;
	uint64_t cache_hits[ITS_TABLES], cache_misses[ITS_TABLES];
};
extern const struct stat_desc its_stat_rows[];
extern const size_t its_stat_count;

struct its;

/* `redist`, `count` of them in the order of GICR_TYPER.Processor_Number, is copied. Free with its_free(). Parameters outside of their
 * ranges are a bug. */
struct its *its_new(const struct its_params *p, struct physmem *mem, const struct its_redist *redist,
		    unsigned count);
void its_free(struct its *t);
struct its_stats *its_stats(struct its *t);

/* `read(self, table, at)` is told of each doubleword that a translation or command reads from a table. */
typedef void its_read_fn(void *self, enum its_table table, struct pa at);
void its_on_read(struct its *t, its_read_fn *fn, void *self);

/* Accesses to the control frame (offset 0 is GITS_CTLR) of 4 or 8 bytes, and GITS_SGIR at 0x20020 (GICv4.1). False: no such register;
 * GITS_TRANSLATER is its_translate(). */
bool its_read(const struct its *t, unsigned offset, unsigned bytes, uint64_t *value);
bool its_write(struct its *t, unsigned offset, unsigned bytes, uint64_t value);

struct its_step {
	bool done;                /* false: nothing to do: empty, disabled, not valid or stalled */
	enum its_command command; /* ITS_COMMAND_COUNT: unknown */
	unsigned error;           /* 0, or its code */
};
/* Executes the command at GITS_CREADR. */
struct its_step its_step(struct its *t);
/* Executes until there is nothing to do. Returns the number of commands. */
unsigned its_drain(struct its *t);
/* The code of the last error; 0: none yet. */
unsigned its_last_error(const struct its *t);
/* "MAPTI_UNMAPPED_DEVICE" into out. Returns out. */
const char *its_error_text(unsigned error, char *out, size_t bytes);

/* A device writes `event` to GITS_TRANSLATER. */
struct its_delivery its_translate(struct its *t, uint32_t device, uint32_t event);

#endif
